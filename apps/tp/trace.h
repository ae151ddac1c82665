/* The words of `tp trace`. Each returns the exit code. */
#ifndef APPS_TP_TRACE_H
#define APPS_TP_TRACE_H

#include "cli.h"
#include "trace_store.h"

int trace_record(const cli_args_t *args);
int trace_show(const cli_args_t *args, const char *trace_id);
int trace_windows(const cli_args_t *args);     /* lists, or takes rows in with --add */
int trace_expand(const cli_args_t *args);
int trace_nodes(const cli_args_t *args);
const char *trace_store_path(const cli_args_t *args);
/* Decimal, or hexadecimal after 0x; not 0. */
bool trace_parse_id(const char *text, uint64_t *id);

#endif

/* Verbs that look: one round, or with --seconds, --count or --watch one every --interval seconds. */
#ifndef APPS_TP_ROUNDS_H
#define APPS_TP_ROUNDS_H

#include "cli.h"

#define CLI_ROUNDS_OPTIONS \
    CLI_OPT_FLAG("watch", 'w', watch, "again and again until interrupted"), \
    CLI_OPT_REAL("interval", 'i', interval, "S", 3600, "seconds between rounds (default 1)")

typedef int (*cli_round_t)(const cli_args_t *args, void *clientd);
int cli_rounds(const cli_args_t *args, cli_round_t round, void *clientd);
/* The same for verbs that look at the counters of the media driver: clientd is a tp_counters_t **. */
int cli_counter_rounds(const cli_args_t *args, cli_round_t round);

#endif

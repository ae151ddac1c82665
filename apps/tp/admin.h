/* The driver that --driver, TP_DRIVER or the only endpoint file names, and what its local socket answers. Failures are printed. */
#ifndef APPS_TP_ADMIN_H
#define APPS_TP_ADMIN_H

#include <jansson.h>
#include <tensor_pool/driver/tp_admin.h>

#include "cli.h"

int cli_admin(const cli_args_t *args, tp_admin_t **admin);
/* The same without a word when there is none: NULL. Such a driver has a second to answer. */
tp_admin_t *cli_admin_quiet(const cli_args_t *args);
/* Sends a request (released here) and returns the answer, the caller's; NULL with *code set and the error printed. */
json_t *cli_admin_ask(tp_admin_t *admin, json_t *request, int *code);
/* Prints the error of this thread: what the driver itself refused ends with CLI_REJECTED. */
int cli_admin_error(void);

#define CLI_ADMIN_OPTIONS CLI_OPT_REAL("timeout", 't', timeout, "S", 86400, "seconds the driver has to answer (default 5)")

#endif

/* The daemon's half of `tp env`. */
#ifndef APPS_TP_CONFIG_DAEMON_H
#define APPS_TP_CONFIG_DAEMON_H

#include "cli.h"

/* Settings that a driver started from this environment without a file would have. */
int cli_env_daemon(const cli_args_t *args);

#endif

/* The life of the driver process after its configuration is known. */
#ifndef TP_DRIVER_RUN_H
#define TP_DRIVER_RUN_H

#include <tensor_pool/driver/tp_driver.h>

/* Blocks the signals that the loop reads, ignores SIGPIPE, sets the umask. Before any thread starts. Returns a signalfd, or -1; that is printed. */
int run_prepare(const tp_driver_config_t *config);

/* Runs until a signal, a shutdown request or the loss of the media driver; returns the exit code. source is asked at SIGHUP and at
 * requests to reload. */
int run_driver(const tp_driver_config_t *config, int signal_fd, int ready_fd, tp_driver_config_source_t source, void *clientd);

#endif

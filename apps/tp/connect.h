/* From arguments to a context, a client, a stream id. Failures are printed here; the functions return the exit code. */
#ifndef APPS_TP_CONNECT_H
#define APPS_TP_CONNECT_H

#include "cli.h"

int cli_context(const cli_args_t *args, tp_context_t **context);
/* Context and started client; *context may be NULL when the caller does not need it. */
int cli_connect(const cli_args_t *args, tp_client_t **client, tp_context_t **context);
/* Counters of the media driver that a client with these arguments would use. */
int cli_counters(const cli_args_t *args, tp_counters_t **counters);
/*
 * A decimal id stands for itself, a name is looked for at the discovery provider, then in the counters; NAME@INSTANCE and ID@INSTANCE name the
 * driver, too. What is connected to from then on (cli_context) is the driver of that stream, unless --driver says another one.
 */
int cli_stream(const cli_args_t *args, const char *name_or_id, uint32_t *stream_id);
/* The same for looking at one: an id that two drivers have is refused, and driver says whose it is ("" = not known). */
typedef struct cli_target { uint32_t stream_id; char driver[TP_DISCOVERY_NAME_MAX + 1]; } cli_target_t;
int cli_target(const cli_args_t *args, const char *name_or_id, cli_target_t *target);
/* Whether it gave a sign of life lately: connecting to a dead one takes long. */
bool cli_media_driver_lives(const char *aeron_dir);
/* The library's log goes to standard error at the level of --log-level or TP_LOG_LEVEL; default: errors only, warnings when nothing is said. */
void cli_log_init(const cli_args_t *args);

int64_t cli_now_ns(void);              /* CLOCK_MONOTONIC */
int64_t cli_realtime_ns(void);
void cli_sleep_ns(int64_t ns);         /* ends early when the program is told to stop */
/* INT64_MAX when the option was not given. */
int64_t cli_deadline_ns(double seconds);

/* Fixed rate: due() of round n is start + n / hz. */
typedef struct cli_pace
{
    int64_t start_ns;
    double period_ns;                  /* 0 = no waiting */
    uint64_t round;
}
cli_pace_t;
void cli_pace_init(cli_pace_t *pace, double hz);
/* Waits for the next round: sleeps on an absolute time, spins (giving way) for the last microseconds. Returns the time now. */
int64_t cli_pace_wait(cli_pace_t *pace);

#endif

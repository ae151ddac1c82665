/*
 * What the public form of every service has around its inner one: a start with a limit, one thread inside the duty cycle at a time (trap L1), a
 * thread of its own, its loss. Here the clock is read.
 */
#ifndef TPI_RUNTIME_SERVICE_RUNNER_H
#define TPI_RUNTIME_SERVICE_RUNNER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "runtime/agent.h"

typedef struct tpi_service_runner_config
{
    const char *noun;                  /* "driver": for messages */
    const char *thread_name;
    void *state;                       /* of the calls below */
    int (*cycle)(void *state, int64_t now_ns);       /* work done, or -1 with tp_err set: the media driver is lost */
    int64_t (*park_limit)(void *state);              /* how long a cycle without work may sleep */
    bool (*has_ended)(void *state);    /* after a cycle: the thread goes; NULL = never by itself */
    int64_t park_max_ns;
    tpi_wait_set_t *waits;             /* as of an agent: cycle takes; NULL = none */
}
tpi_service_runner_config_t;

typedef struct tpi_service_runner
{
    tpi_service_runner_config_t config;
    pthread_mutex_t mutex;             /* guards thread against wakes of other threads while it goes */
    tpi_agent_runner_t *thread;
    atomic_bool has_thread;
    atomic_flag busy;
    atomic_bool is_lost;
}
tpi_service_runner_t;

void tpi_service_runner_init(tpi_service_runner_t *runner, const tpi_service_runner_config_t *config);
/* Turns the bus until is_ready says 1, or -1 with tp_err set; is_over: this is the last time. 0, or -1 also with TP_ETIMEDOUT after 10 s. */
int tpi_service_runner_await(tpi_service_runner_t *runner, tpi_bus_t *bus, int (*is_ready)(void *state, int64_t now_ns, bool is_over));
/* One cycle on this thread; as cycle, or -1 with TP_ETHREAD. */
int tpi_service_runner_do_work(tpi_service_runner_t *runner);
/* 0, or -1 with TP_ESTATE: it has its thread already. */
int tpi_service_runner_start(tpi_service_runner_t *runner);
/* Any thread. */
void tpi_service_runner_wake(tpi_service_runner_t *runner);
/* Any thread. */
bool tpi_service_runner_is_lost(const tpi_service_runner_t *runner);
/* Ends the thread; wakes are harmless from then on, until _fini. */
void tpi_service_runner_stop(tpi_service_runner_t *runner);
void tpi_service_runner_fini(tpi_service_runner_t *runner);

#endif

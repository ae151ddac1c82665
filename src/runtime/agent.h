/*
 * The one shape of everything that runs: do_work is called again and again with the time of the cycle. The runner gives an agent a thread of its own;
 * embedded in another loop, the same agent is simply called.
 */
#ifndef TPI_RUNTIME_AGENT_H
#define TPI_RUNTIME_AGENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/idle.h"
#include "runtime/wait_set.h"

typedef struct tpi_agent
{
    const char *name;                                          /* of its thread; static storage */
    void *state;
    int (*do_work)(void *state, int64_t now_ns);               /* work done; negative ends the thread */
    void (*on_close)(void *state);                             /* last call on the thread; may be NULL */
    /* Longest park before the next cycle, asked after each cycle without work; NULL = the idle strategy alone decides. */
    int64_t (*park_limit)(void *state);
    tpi_wait_set_t *waits;                                     /* what it parks on, and is woken by; do_work takes. NULL = a place of the runner's */
    bool pinned;                                               /* to cpu */
    int32_t cpu;
}
tpi_agent_t;

typedef struct tpi_agent_runner tpi_agent_runner_t;

/* Starts the thread. min_park/max_park bound the parks of the backoff strategy. */
int tpi_agent_runner_start(tpi_agent_runner_t **runner, const tpi_agent_t *agent, tpi_idle_kind_t idle, int64_t min_park_ns, int64_t max_park_ns);
/* Any thread: the agent's next cycle begins at once. */
void tpi_agent_runner_wake(tpi_agent_runner_t *runner);
/* Whether do_work ended the thread by itself. */
bool tpi_agent_runner_has_ended(const tpi_agent_runner_t *runner);
/* Longest cycle so far, ns. Any thread. */
int64_t tpi_agent_runner_max_cycle_ns(const tpi_agent_runner_t *runner);
/* Stops the thread, waits for it, frees. Not from the agent's own thread. Accepts NULL. */
void tpi_agent_runner_close(tpi_agent_runner_t *runner);

#endif

/*
 * Agents: work that is done again and again, and what a thread does in between. The library's own conductor is one; an application may run its own
 * beside it, each on a thread of its own, several on one thread (composite), or on the application's thread (invoker).
 */
#ifndef TENSOR_POOL_COMMON_TP_AGENT_H
#define TENSOR_POOL_COMMON_TP_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/common/tp_export.h>

TP_BEGIN_DECLS

/* ---- idle strategies ---- */

typedef struct tp_idle_strategy tp_idle_strategy_t;

/*
 * What a loop does when it found nothing to do: "busy" spins, "yield" gives the processor away, "sleep" parks for max_park_ns, "noop" does nothing,
 * "backoff" spins, yields, then parks for a growing time from min_park_ns to max_park_ns. NULL is "backoff"; times of 0 are 50 us and 4 ms.
 * TP_EINVAL, TP_ENOMEM. A strategy is used by one thread at a time; _close accepts NULL.
 */
TP_EXPORT int tp_idle_strategy_init(tp_idle_strategy_t **strategy, const char *name, int64_t min_park_ns, int64_t max_park_ns);
TP_EXPORT void tp_idle_strategy_close(tp_idle_strategy_t *strategy);
/* One round: starts over when work > 0, idles otherwise. Does nothing for NULL. */
TP_EXPORT void tp_idle_strategy_idle(tp_idle_strategy_t *strategy, int work);

/* ---- agents ---- */

#define TP_AGENTS_MAX 16                       /* of one runner */

typedef struct tp_agent
{
    uint32_t size;                             /* sizeof(tp_agent_t) */
    uint32_t reserved32;
    const char *name;                          /* of its thread (15 bytes are used); copied */
    void *state;                               /* the caller's, for as long as the runner lives */
    int (*do_work)(void *state, int64_t now_ns);   /* CLOCK_MONOTONIC of the cycle. Work done; negative ends the runner */
    void (*on_close)(void *state);             /* last call, once, on the thread that ran the agent; may be NULL */
    uint64_t reserved[4];
}
tp_agent_t;

typedef struct tp_agent_runner_options
{
    uint32_t size;                             /* sizeof(tp_agent_runner_options_t), or use TP_AGENT_RUNNER_OPTIONS_INIT */
    int32_t cpu;                               /* the thread runs on this processor only; -1 = on any */
    const char *idle_strategy;                 /* as tp_idle_strategy_init */
    int64_t min_park_ns;
    int64_t max_park_ns;
    uint64_t reserved[4];
}
tp_agent_runner_options_t;
#define TP_AGENT_RUNNER_OPTIONS_INIT { sizeof(tp_agent_runner_options_t), -1, NULL, 0, 0, { 0, 0, 0, 0 } }

typedef struct tp_agent_runner tp_agent_runner_t;

typedef struct tp_agent_runner_stats
{
    uint32_t size;
    bool started;                              /* has a thread */
    bool ended;                                /* an agent's do_work was negative */
    uint16_t reserved16;
    uint64_t cycles;
    uint64_t work;                             /* sum of what do_work returned */
    int64_t max_cycle_ns;                      /* longest cycle so far */
    uint64_t reserved[4];
}
tp_agent_runner_stats_t;

/*
 * Takes count (1..TP_AGENTS_MAX) agents, that are worked one after the other in each cycle; starts nothing yet. options NULL = as
 * TP_AGENT_RUNNER_OPTIONS_INIT. TP_EINVAL, TP_ENOMEM.
 */
TP_EXPORT int tp_agent_runner_init(tp_agent_runner_t **runner, const tp_agent_t *agents, size_t count, const tp_agent_runner_options_t *options);
/* Gives the agents a thread, with all signals blocked. TP_ESTATE when it has one or has ended; TP_EINVAL: this process may not use options.cpu. */
TP_EXPORT int tp_agent_runner_start(tp_agent_runner_t *runner);
/*
 * Invoker: one cycle on the calling thread. Work done, or -1: TP_ETHREAD (a thread runs it, or is inside this call), TP_ESTATE (an agent has ended
 * the runner, now or before).
 */
TP_EXPORT int tp_agent_runner_do_work(tp_agent_runner_t *runner);
/* The next cycle of the thread begins at once. Any thread. */
TP_EXPORT void tp_agent_runner_wake(tp_agent_runner_t *runner);
/* Any thread. TP_EINVAL. */
TP_EXPORT int tp_agent_runner_stats(const tp_agent_runner_t *runner, tp_agent_runner_stats_t *stats);
/* Ends the thread and waits for it, calls on_close of each agent, frees. Not from an agent. Accepts NULL. */
TP_EXPORT void tp_agent_runner_close(tp_agent_runner_t *runner);

TP_END_DECLS

#endif

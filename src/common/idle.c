/* Stateless apart from the value passed in; with thread.c and futex.c the only files of common that sleep. */
#include "common/idle.h"

#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "common/err.h"

#define SPINS_MAX 64u
#define YIELDS_MAX 16u

static const char *const names[] = { "backoff", "busy", "yield", "sleep", "noop" };

int tpi_idle_kind_from_name(tpi_idle_kind_t *kind, const char *name)
{
    for (size_t i = 0; NULL != name && i < sizeof(names) / sizeof(names[0]); i++)
    {
        if (0 == strcmp(names[i], name))
        {
            *kind = (tpi_idle_kind_t)i;
            return 0;
        }
    }
    TPI_SET_ERR(TP_EINVAL, "idle strategy = '%s', allowed busy, yield, backoff, sleep, noop", NULL == name ? "" : name);
    return -1;
}

const char *tpi_idle_kind_name(tpi_idle_kind_t kind)
{
    return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

void tpi_idle_init(tpi_idle_t *idle, tpi_idle_kind_t kind, int64_t min_park_ns, int64_t max_park_ns)
{
    memset(idle, 0, sizeof(*idle));
    idle->kind = kind;
    idle->min_park_ns = min_park_ns > 0 ? min_park_ns : 1;
    idle->max_park_ns = max_park_ns > idle->min_park_ns ? max_park_ns : idle->min_park_ns;
    tpi_idle_reset(idle);
}

void tpi_idle_reset(tpi_idle_t *idle)
{
    idle->spins = 0;
    idle->yields = 0;
    idle->park_ns = idle->min_park_ns;
}

static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

int64_t tpi_idle_step(tpi_idle_t *idle)
{
    switch (idle->kind)
    {
        case TPI_IDLE_BUSY: pause_cpu(); return 0;
        case TPI_IDLE_YIELD: (void)sched_yield(); return 0;
        case TPI_IDLE_SLEEP: return idle->max_park_ns;
        case TPI_IDLE_NOOP: return 0;
        case TPI_IDLE_BACKOFF: break;
    }
    if (idle->spins < SPINS_MAX)
    {
        idle->spins++;
        pause_cpu();
        return 0;
    }
    if (idle->yields < YIELDS_MAX)
    {
        idle->yields++;
        (void)sched_yield();
        return 0;
    }
    const int64_t park = idle->park_ns;
    idle->park_ns = park > idle->max_park_ns / 2 ? idle->max_park_ns : park * 2;
    return park;
}

void tpi_idle_park(int64_t park_ns)
{
    if (park_ns <= 0) { return; }
    const struct timespec wait = { (time_t)(park_ns / 1000000000), (long)(park_ns % 1000000000) };
    (void)nanosleep(&wait, NULL);
}

void tpi_idle(tpi_idle_t *idle, int work, int64_t limit_ns)
{
    if (work > 0)
    {
        tpi_idle_reset(idle);
        return;
    }
    int64_t park = tpi_idle_step(idle);
    if (limit_ns >= 0 && park > limit_ns) { park = limit_ns; }
    tpi_idle_park(park);
}

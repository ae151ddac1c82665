/*
 * Owns the thread. A cycle that finds nothing is followed by a sleep on the doorbell that grows from 50 us to its limit; a command or a limit that
 * was moved starts over, and while positions move no sleep is longer than 1 ms. A clock is not needed: the media driver has its own.
 */
#include "bus/media_loop.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "common/alloc.h"
#include "common/err.h"
#include "common/thread.h"

#define SPINS 10u
#define YIELDS 20u
#define GROWTH 4                       /* of sleeps: six to a tenth of a second */

struct tpi_media_loop
{
    tpi_media_loop_config_t config;
    tpi_thread_t thread;
    pthread_mutex_t mutex;             /* guards on_stir and begun */
    pthread_cond_t begun_condition;
    int begun;                         /* 0 not yet, 1, or -1 with begin_err */
    tpi_err_t begin_err;
    void (*on_stir)(void *clientd);
    void *stir_clientd;
    int64_t heartbeat_ms;
    atomic_bool stop;
    _Atomic uint64_t cycles, sleeps, long_sleeps, long_sleeps_moving, woken;
};

/* ---- what to do next -------------------------------------------------------------------------------------------------------- */

int tpi_media_idle_kind_from_name(tpi_media_idle_kind_t *kind, const char *name)
{
    static const char *const names[] = { "sleep", "backoff", "spin" };
    if (NULL == name || '\0' == name[0]) { name = names[0]; }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    {
        if (0 != strcmp(names[i], name)) { continue; }
        *kind = (tpi_media_idle_kind_t)i;
        return 0;
    }
    TPI_SET_ERR(TP_EINVAL, "idle = '%s', allowed sleep, backoff, spin", name);
    return -1;
}

void tpi_media_idle_init(tpi_media_idle_t *idle, tpi_media_idle_kind_t kind, int64_t max_park_ns)
{
    const int64_t usual_ns = TPI_MEDIA_IDLE_SLEEP == kind ? TPI_MEDIA_PARK_SLEEP_NS : TPI_MEDIA_PARK_BACKOFF_NS;
    *idle = (tpi_media_idle_t){ .kind = kind, .max_park_ns = 0 == max_park_ns ? usual_ns : max_park_ns };
    idle->park_ns = idle->max_park_ns < TPI_MEDIA_PARK_MIN_NS ? idle->max_park_ns : TPI_MEDIA_PARK_MIN_NS;
}

bool tpi_media_idle_asks(const tpi_media_idle_t *idle)
{
    return TPI_MEDIA_IDLE_SLEEP == idle->kind && idle->park_ns > TPI_MEDIA_PARK_MOVING_NS;
}

int64_t tpi_media_idle_step(tpi_media_idle_t *idle, bool worked, bool moved)
{
    if (worked)
    {
        tpi_media_idle_init(idle, idle->kind, idle->max_park_ns);
        return 0;
    }
    if (TPI_MEDIA_IDLE_SPIN == idle->kind) { return 0; }                                      /* L-304 */
    if (TPI_MEDIA_IDLE_BACKOFF == idle->kind && idle->rounds < SPINS + YIELDS)
    {
        if (idle->rounds++ >= SPINS) { (void)sched_yield(); }
        return 0;
    }
    if (moved && tpi_media_idle_asks(idle)) { idle->park_ns = TPI_MEDIA_PARK_MOVING_NS; }      /* L-302 */
    const int64_t park_ns = idle->park_ns;
    idle->park_ns = park_ns > idle->max_park_ns / GROWTH ? idle->max_park_ns : GROWTH * park_ns;
    return park_ns;
}

/* ---- the thread ------------------------------------------------------------------------------------------------------------- */

static void stir(tpi_media_loop_t *loop)
{
    (void)pthread_mutex_lock(&loop->mutex);
    if (NULL != loop->on_stir) { loop->on_stir(loop->stir_clientd); }
    (void)pthread_mutex_unlock(&loop->mutex);
}

static void count(_Atomic uint64_t *counter) { (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); }

/* The look after the timers counts as work of the cycle, ten times a second: it is none that keeps the thread awake. */
static bool did_work(tpi_media_loop_t *loop, int work)
{
    const int64_t heartbeat_ms = tpi_positions_heartbeat_ms(loop->config.positions);
    const int timers = heartbeat_ms != loop->heartbeat_ms ? 1 : 0;
    loop->heartbeat_ms = heartbeat_ms;
    return work > timers;
}

static void sleep_once(tpi_media_loop_t *loop, bool moved, uint32_t ticket)
{
    const bool asked = tpi_media_idle_asks(&loop->config.idle);
    const int64_t park_ns = tpi_media_idle_step(&loop->config.idle, false, moved);
    if (park_ns <= 0) { return; }
    count(&loop->sleeps);
    if (park_ns > TPI_MEDIA_PARK_MOVING_NS)
    {
        count(&loop->long_sleeps);
        if (moved) { count(&loop->long_sleeps_moving); }
    }
    if (asked && moved) { stir(loop); }
    if (!tpi_doorbell_wait(loop->config.doorbell, ticket, park_ns)) { return; }
    count(&loop->woken);
    (void)tpi_media_idle_step(&loop->config.idle, true, false);
    stir(loop);                                                                                /* L-301 */
}

static void tell_begun(tpi_media_loop_t *loop, int begun)
{
    (void)pthread_mutex_lock(&loop->mutex);
    loop->begun = begun;
    if (begun < 0) { tpi_err_save(&loop->begin_err); }
    (void)pthread_cond_signal(&loop->begun_condition);
    (void)pthread_mutex_unlock(&loop->mutex);
}

static void *run(void *clientd)
{
    tpi_media_loop_t *const loop = clientd;
    const int begun = loop->config.begin(loop->config.driver);
    tell_begun(loop, begun < 0 ? -1 : 1);
    if (begun < 0) { return NULL; }
    for (;;)
    {
        const uint32_t ticket = tpi_doorbell_ticket(loop->config.doorbell);
        if (atomic_load_explicit(&loop->stop, memory_order_acquire)) { break; }      /* after the ticket: its ring counts */
        const int work = loop->config.do_work(loop->config.driver);
        count(&loop->cycles);
        if (work < 0) { break; }
        if (did_work(loop, work))
        {
            tpi_positions_stale(loop->config.positions);
            (void)tpi_media_idle_step(&loop->config.idle, true, false);
            continue;
        }
        sleep_once(loop, tpi_media_idle_asks(&loop->config.idle) && tpi_positions_moved(loop->config.positions), ticket);
    }
    return NULL;
}

int tpi_media_loop_start(tpi_media_loop_t **loop, const tpi_media_loop_config_t *config)
{
    tpi_media_loop_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->config = *config;
    (void)pthread_mutex_init(&made->mutex, NULL);
    (void)pthread_cond_init(&made->begun_condition, NULL);
    if (tpi_thread_start(&made->thread, "tp-aeron", run, made) < 0)
    {
        tpi_media_loop_close(made);
        return -1;
    }
    (void)pthread_mutex_lock(&made->mutex);
    while (0 == made->begun) { (void)pthread_cond_wait(&made->begun_condition, &made->mutex); }
    const int begun = made->begun;
    (void)pthread_mutex_unlock(&made->mutex);
    if (begun < 0)
    {
        tpi_err_restore(&made->begin_err);
        tpi_media_loop_close(made);
        return -1;
    }
    *loop = made;
    return 0;
}

void tpi_media_loop_set_on_stir(tpi_media_loop_t *loop, void (*on_stir)(void *clientd), void *clientd)
{
    (void)pthread_mutex_lock(&loop->mutex);
    loop->on_stir = on_stir;
    loop->stir_clientd = clientd;
    (void)pthread_mutex_unlock(&loop->mutex);
}

void tpi_media_loop_stats(const tpi_media_loop_t *loop, tpi_media_stats_t *stats)
{
    *stats = (tpi_media_stats_t){ .cycles = atomic_load(&loop->cycles), .sleeps = atomic_load(&loop->sleeps),
        .long_sleeps = atomic_load(&loop->long_sleeps), .long_sleeps_moving = atomic_load(&loop->long_sleeps_moving),
        .woken = atomic_load(&loop->woken) };
}

void tpi_media_loop_close(tpi_media_loop_t *loop)
{
    if (NULL == loop) { return; }
    atomic_store_explicit(&loop->stop, true, memory_order_release);
    tpi_doorbell_ring(loop->config.doorbell);
    tpi_thread_join(&loop->thread);
    (void)pthread_cond_destroy(&loop->begun_condition);
    (void)pthread_mutex_destroy(&loop->mutex);
    tpi_free(loop);
}

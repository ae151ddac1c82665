/*
 * See consumer_wait.h. The page is the conductor's to replace; what the consumer's thread and its watcher use stays until the consumer's thread has
 * taken another one, which it does not while the watcher is at work.
 *
 * The watcher is the thread behind tp_consumer_wait_fd: it sleeps on the page in the application's place, between tp_consumer_wait_arm and the wake,
 * and then makes the descriptor readable. It never looks at frames.
 */
#include "client/consumer_wait.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/consumer_hot.h"
#include "client/consumer_ring.h"
#include "client/wake_source.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define IDLE_MIN_NS (10 * TPI_NS_PER_US)
#define IDLE_MAX_NS (200 * TPI_NS_PER_US)
#define IDLE_LONG_NS TPI_NS_PER_MS             /* parks of a wait that lasts longer than LONG_WAIT_NS */
#define LONG_WAIT_NS (50 * TPI_NS_PER_MS)
#define INVOKER_SLEEP_NS (20 * TPI_NS_PER_MS)  /* whoever waits turns the conductor so often: its tick */
#define TURNS_PER_KEEPALIVE 8                  /* at least */
#define INVOKER_HURRY_NS (200 * TPI_NS_PER_US)
#define CALM_AFTER_NS TPI_NS_PER_S
#define WATCH_POLL_NS (2 * TPI_NS_PER_MS)      /* the descriptor's pace where no producer wakes */

typedef struct tpi_consumer_watcher
{
    int fd;
    tpi_thread_t thread;
    tpi_parker_t parker;
    _Atomic bool stop;
    _Atomic uint64_t armed;            /* requests so far; written by the consumer's thread */
    _Atomic uint64_t served;           /* of them; written by the watcher, which has let go of the page then */
    tpi_wake_page_t *page;             /* these two: of the last request, written while the watcher is idle; page NULL: poll */
    tpi_wake_ticket_t ticket;
}
tpi_consumer_watcher_t;

/* ---- the page ----------------------------------------------------------------------------------------------------------- */

static bool is_watching(tpi_consumer_watcher_t *watch)
{
    return NULL != watch && atomic_load_explicit(&watch->served, memory_order_acquire) != atomic_load_explicit(&watch->armed, memory_order_relaxed);
}

/* The page to sleep on, or NULL: its producer would not wake. */
static tpi_wake_page_t *usable_page(tp_consumer_t *c)
{
    if (!tpi_handoff_is_current(&c->pages, c->page) && !is_watching(c->watcher)) { c->page = tpi_handoff_take(&c->pages); }
    if (NULL == c->page || !is_usable(c)) { return NULL; }
    return tpi_wake_is_promised(c->page, c->map->epoch) ? c->page : NULL;                /* L-206 */
}

/* ---- tp_consumer_next --------------------------------------------------------------------------------------------------- */

void tpi_consumer_wait_begin(const tp_consumer_t *consumer, tpi_consumer_wait_t *wait, int64_t now_ns, int64_t timeout_ns)
{
    wait->begin_ns = now_ns;
    wait->deadline_ns = tpi_clock_add_ns(now_ns, timeout_ns);
    wait->armed = NULL;
    tpi_idle_init(&wait->idle, consumer->client->idle, IDLE_MIN_NS, IDLE_MAX_NS);
}

static void sleep_on(tp_consumer_t *c, tpi_consumer_wait_t *wait, int64_t now_ns)
{
    int64_t most_ns = wait->deadline_ns - now_ns;
    if (tpi_consumer_ring_is_pending(c)) { most_ns = tpi_least_ns(most_ns, TPI_RING_PATIENCE_NS); }   /* nobody wakes for a lost descriptor */
    if (c->client->is_invoker)
    {
        const bool hurries = now_ns < atomic_load_explicit(&c->client->hurry_until_ns, memory_order_relaxed);
        const int64_t turn_ns = tpi_least_ns(INVOKER_SLEEP_NS, c->client->settings.keepalive_interval_ns / TURNS_PER_KEEPALIVE);
        most_ns = tpi_least_ns(most_ns, hurries ? INVOKER_HURRY_NS : turn_ns);                  /* L-211 */
    }
    atomic_store_explicit(&c->is_asleep, true, memory_order_relaxed);
    (void)tpi_wake_sleep(wait->armed, &wait->ticket, most_ns);
    atomic_store_explicit(&c->is_asleep, false, memory_order_relaxed);
    wait->armed = NULL;
}

void tpi_consumer_wait_step(tp_consumer_t *consumer, tpi_consumer_wait_t *wait, int64_t now_ns)
{
    if (NULL != wait->armed)
    {
        sleep_on(consumer, wait, now_ns);
        return;
    }
    if (now_ns - wait->begin_ns > LONG_WAIT_NS) { wait->idle.max_park_ns = IDLE_LONG_NS; }
    const int64_t park_ns = tpi_idle_step(&wait->idle);
    if (park_ns <= 0) { return; }
    tpi_wake_page_t *const page = usable_page(consumer);
    if (NULL == page)
    {
        tpi_idle_park(tpi_least_ns(park_ns, wait->deadline_ns - now_ns));
        return;
    }
    wait->ticket = tpi_wake_arm(page);                     /* and the caller looks once more */
    wait->armed = page;
}

/* ---- the descriptor ----------------------------------------------------------------------------------------------------- */

static void *watch_main(void *arg)
{
    tpi_consumer_watcher_t *const w = arg;
    const uint64_t one = 1;
    while (!atomic_load_explicit(&w->stop, memory_order_acquire))
    {
        const uint64_t permit = tpi_parker_ticket(&w->parker);
        const uint64_t armed = atomic_load_explicit(&w->armed, memory_order_acquire);    /* pairs with the store in tp_consumer_wait_arm */
        if (armed == atomic_load_explicit(&w->served, memory_order_relaxed))
        {
            if (!atomic_load_explicit(&w->stop, memory_order_acquire)) { tpi_parker_park(&w->parker, permit, TPI_NS_PER_S * 3600); }
            continue;
        }
        if (NULL == w->page) { tpi_parker_park(&w->parker, permit, WATCH_POLL_NS); }
        else { (void)tpi_wake_sleep(w->page, &w->ticket, INT64_MAX); }
        atomic_store_explicit(&w->served, armed, memory_order_release);
        (void)!write(w->fd, &one, sizeof(one));            /* L-210: woken, or at the bound: the application looks */
    }
    return NULL;
}

static void delete_watch(tpi_consumer_watcher_t *watch)
{
    if (NULL == watch) { return; }
    atomic_store_explicit(&watch->stop, true, memory_order_release);
    if (watch->thread.running)
    {
        tpi_parker_wake(&watch->parker);
        if (is_watching(watch) && NULL != watch->page) { (void)tpi_wake_all(watch->page); }
        tpi_thread_join(&watch->thread);
    }
    tpi_parker_fini(&watch->parker);
    if (watch->fd >= 0) { (void)close(watch->fd); }
    tpi_free(watch);
}

int tp_consumer_wait_fd(tp_consumer_t *consumer)
{
    if (NULL == consumer) { TPI_SET_ERR(TP_EINVAL, "consumer is NULL"); return -1; }
    if (NULL != consumer->watcher) { return consumer->watcher->fd; }
    tpi_consumer_watcher_t *const w = tpi_alloc(sizeof(*w));
    if (NULL == w || tpi_parker_init(&w->parker) < 0)
    {
        tpi_free(w);
        return -1;
    }
    w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->fd < 0) { TPI_SET_ERR(TP_ENOMEM, "no descriptor to wait for frames with: %s", strerror(errno)); }
    if (w->fd < 0 || tpi_thread_start(&w->thread, "tp-wait", watch_main, w) < 0)
    {
        delete_watch(w);
        return -1;
    }
    consumer->watcher = w;
    return w->fd;
}

int tp_consumer_wait_arm(tp_consumer_t *consumer)
{
    tp_consumer_t *const c = consumer;
    uint64_t count = 0;
    if (NULL == c || NULL == c->watcher || c->in_handler || c->is_turning) { return TP_INVALID_ARGUMENT; }
    tpi_consumer_watcher_t *const w = c->watcher;
    (void)!read(w->fd, &count, sizeof(count));
    if (atomic_load_explicit(&c->client->closing, memory_order_relaxed)) { return TP_CLOSED; }
    const bool is_idle = !is_watching(w);
    tpi_wake_page_t *const page = usable_page(c);
    tpi_wake_ticket_t ticket = NULL == page ? (tpi_wake_ticket_t){ 0, false } : tpi_wake_arm(page);
    const tpi_outlook_t outlook = tpi_consumer_look(c);
    if (TPI_OUTLOOK_NOW == outlook) { return 1; }
    if (TPI_OUTLOOK_SOON == outlook) { ticket.is_fresh = true; }
    if (!is_idle) { return 0; }                            /* the request before was not served: its signal comes after our read, and counts */
    w->page = page;
    w->ticket = ticket;
    atomic_fetch_add_explicit(&w->armed, 1, memory_order_release);       /* pairs with the load in watch_main */
    tpi_parker_wake(&w->parker);
    return 0;
}

/* ---- conductor ---------------------------------------------------------------------------------------------------------- */

/* Whether it has slept for a while, as far as the conductor can see. */
static void watch_calm(tp_consumer_t *c, int64_t now_ns)
{
    const uint64_t received = tpi_stat_get(&c->received);
    const bool is_quiet = received == c->calm_received && atomic_load_explicit(&c->is_asleep, memory_order_relaxed);
    if (!is_quiet) { c->calm_ns = now_ns + CALM_AFTER_NS; }
    c->calm_received = received;
    c->is_calm = NULL == c->progress.handler && NULL != c->published && now_ns >= c->calm_ns;
}

bool tpi_consumer_wants_progress(const tp_consumer_t *consumer) { return NULL != consumer->progress.handler; }
bool tpi_consumer_is_calm(const tp_consumer_t *consumer) { return consumer->is_calm; }

int tpi_consumer_wait_work(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *const c = consumer;
    watch_calm(c, now_ns);
    if (NULL != c->old_wake)
    {
        if (!tpi_handoff_is_free(&c->pages, c->old_wake->page)) { return 0; }            /* M9 */
        tpi_wake_source_put(c->old_wake);
        c->old_wake = NULL;
    }
    const uint32_t stream_id = tpi_load_u32(&c->stream_id);
    if (NULL != c->wake && tpi_wake_source_is_stale(c->wake, stream_id))
    {
        tpi_handoff_publish(&c->pages, NULL);
        c->old_wake = c->wake;
        c->wake = NULL;
        return 1;
    }
    if (NULL == c->published || c->is_observer) { return 0; }                            /* L-206: who only watches costs the producer nothing */
    if (NULL == c->wake) { c->wake = tpi_wake_source_get(c->client, stream_id, now_ns); }
    if (NULL == c->wake || NULL == c->wake->page || c->wake->page == tpi_handoff_published(&c->pages)) { return 0; }
    tpi_handoff_publish(&c->pages, c->wake->page);
    return 1;
}

void tpi_consumer_wait_delete(tp_consumer_t *consumer)
{
    tp_consumer_t *const c = consumer;
    delete_watch(c->watcher);
    tpi_wake_source_put(c->wake);
    tpi_wake_source_put(c->old_wake);
    c->watcher = NULL;
    c->wake = NULL;
    c->old_wake = NULL;
}

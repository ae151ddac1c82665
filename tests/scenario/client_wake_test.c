/* Waking up: how a client comes by the page of a stream, sleeps on it, and does without. */
#include "client_consumer_rig.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "bus/bus_ops.h"
#include "client/consumer_wait.h"
#include "client/producer_state.h"
#include "client/wake_source.h"
#include "common/clock.h"
#include "locked_bus.h"
#include "runtime/local_socket.h"
#include "shm/wake.h"

#define LONG_NS (INT64_C(60000) * MS)

typedef enum answer { GIVES, REFUSES, IS_SILENT, GIVES_SOMETHING_ELSE } answer_t;

static char path[64];
static tpi_local_server_t *server;
static answer_t answer;
static int requests;
static int page_fd = -1;
static tpi_wake_page_t *page;          /* the test's own view of it */

static void on_line(void *clientd, tpi_local_peer_t *peer, const char *line, size_t length)
{
    (void)clientd;
    (void)length;
    requests++;
    assert_string_equal(line, "{\"cmd\":\"wake\",\"stream\":10000}");
    if (GIVES == answer) { assert_int_equal(tpi_local_peer_reply_with(peer, "{}", 2, page_fd), 0); }
    if (REFUSES == answer) { assert_int_equal(tpi_local_peer_reply(peer, "{}", 2), 0); }
    if (GIVES_SOMETHING_ELSE == answer) { assert_int_equal(tpi_local_peer_reply_with(peer, "{}", 2, STDERR_FILENO), 0); }
}

static void serve(void)
{
    for (int i = 0; i < 4; i++) { tpi_local_server_poll(server, on_line, NULL); }
}

/* The clock moves, the driver's socket is looked after. */
static void pass(int64_t ns)
{
    for (int64_t done = 0; done < ns; done += 10 * MS)
    {
        serve();
        cr_step(10 * MS);
    }
    serve();
    cr_settle();
}

static int setup(void **state)
{
    if (cr_setup_wrapped(state, locked_bus_wrap) < 0) { return -1; }
    cr->lease_ns = 600000 * MS;                            /* claims are judged by the real clock, and a busy machine takes its time */
    requests = 0;
    answer = GIVES;
    (void)snprintf(path, sizeof(path), "/tmp/tp-client-wake-%ld", (long)getpid());
    assert_int_equal(tpi_local_server_open_shared(&server, path, 0600), 0);
    assert_int_equal(tpi_wake_page_create(&page_fd), 0);
    assert_int_equal(tpi_wake_page_map(&page, page_fd), 0);
    cr->endpoint.instance_token = 1;
    (void)snprintf(cr->endpoint.shm_base_dir, sizeof(cr->endpoint.shm_base_dir), "%s", cr->base);
    (void)snprintf(cr->endpoint.wake_path, sizeof(cr->endpoint.wake_path), "%s", path);
    cr->endpoint.owner_uid = geteuid();
    cr->has_endpoint = true;
    cr_step(300 * MS);
    return 0;
}

static int teardown(void **state)
{
    const int rc = cr_teardown(state);
    tpi_local_server_close(server);
    tpi_wake_page_unmap(page);
    (void)close(page_fd);
    return rc;
}

static bool sleeps(void) { return 0 != (atomic_load(&page->word) & 1u); }

/* Waits without a frame until that is so: a busy machine may leave a wait no time to fall asleep. */
#define WAIT_UNTIL(consumer, condition) do { \
        tp_frame_view_t view_; \
        const int64_t until_ns_ = tpi_clock_monotonic_ns() + LONG_NS; \
        do { assert_int_equal(tp_consumer_next((consumer), &view_, 5 * MS), 0); } while (!(condition) && tpi_clock_monotonic_ns() < until_ns_); \
        assert_true(condition); \
    } while (0)

/* ---- how the page comes ------------------------------------------------------------------------------------------------- */

static void one_page_serves_all_of_a_client__L_209(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    open_both(&consumer, &producer);
    tp_consumer_t *second = cr_consumer();
    pass(100 * MS);
    assert_int_equal(requests, 1);
    assert_non_null(producer->wake);
    assert_ptr_equal(consumer->wake, producer->wake);
    assert_ptr_equal(second->wake, producer->wake);
    assert_true(tpi_wake_is_promised(page, cr->epoch));
    tp_consumer_close(second);
    close_both(consumer, producer);
    assert_null(cr->client->wakes);
    assert_false(tpi_wake_is_promised(page, cr->epoch));   /* L-206 */
}

static void a_refusal_is_asked_again_ever_more_seldom__L_209(void **state)
{
    (void)state;
    answer = REFUSES;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    open_both(&consumer, &producer);
    pass(1000 * MS);
    const int first = requests;
    assert_true(first >= 3 && first <= 6);
    pass(9000 * MS);
    assert_true(requests > first && requests <= first + 5);
    const int then = requests;
    pass(60000 * MS);
    assert_true(requests > then && requests <= then + 4);
    answer = GIVES_SOMETHING_ELSE;
    pass(120000 * MS);
    assert_null(consumer->wake->page);
    answer = GIVES;
    pass(61000 * MS);
    assert_non_null(consumer->wake->page);
    close_both(consumer, producer);
}

static void a_driver_that_says_nothing_is_not_waited_for__L_209(void **state)
{
    (void)state;
    answer = IS_SILENT;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    open_both(&consumer, &producer);
    pass(1900 * MS);
    assert_int_equal(requests, 1);
    assert_non_null(consumer->wake->ask);
    pass(400 * MS);
    assert_int_equal(requests, 2);                         /* given up, and asked again */
    tp_frame_view_t view;
    assert_true(cr_publish(producer, 1) >= 0);
    assert_int_equal(tp_consumer_next(consumer, &view, LONG_NS), 1);
    close_both(consumer, producer);
}

static void without_the_socket_everything_works__L_206(void **state)
{
    (void)state;
    cr->client->endpoint.wake_path[0] = cr->endpoint.wake_path[0] = '\0';
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    pass(200 * MS);
    assert_int_equal(requests, 0);
    assert_null(consumer->wake);
    assert_int_equal(tp_consumer_next(consumer, &view, 5 * MS), 0);
    assert_true(cr_publish(producer, 1) >= 0);
    assert_int_equal(tp_consumer_next(consumer, &view, LONG_NS), 1);
    close_both(consumer, producer);
    (void)snprintf(cr->endpoint.wake_path, sizeof(cr->endpoint.wake_path), "/nowhere/at/all");
    (void)snprintf(cr->client->endpoint.wake_path, sizeof(cr->client->endpoint.wake_path), "/nowhere/at/all");
    open_both(&consumer, &producer);
    pass(200 * MS);
    assert_null(consumer->wake->page);
    assert_true(cr_publish(producer, 1) >= 0);
    assert_int_equal(tp_consumer_next(consumer, &view, LONG_NS), 1);
    close_both(consumer, producer);
}

static void another_driver_has_another_page__L_209_M9(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    open_both(&consumer, &producer);
    pass(100 * MS);
    const tpi_wake_source_t *const before = consumer->wake;
    const tpi_wake_page_t *const before_page = before->page;
    WAIT_UNTIL(consumer, before_page == consumer->page);
    for (size_t i = 0; i < cr->lease_count; i++) { cr->leases[i].active = false; }
    cr->endpoint.instance_token = 2;
    pass(600 * MS);
    assert_true(requests >= 2);
    assert_ptr_equal(consumer->old_wake, before);          /* in use until the consumer's thread has looked */
    WAIT_UNTIL(consumer, before_page != consumer->page);
    pass(100 * MS);
    assert_null(consumer->old_wake);
    assert_non_null(consumer->wake);
    assert_int_equal(consumer->wake->token, 2);
    WAIT_UNTIL(consumer, consumer->wake->page == consumer->page);
    close_both(consumer, producer);
}

/* ---- sleeping ----------------------------------------------------------------------------------------------------------- */

typedef struct work { tp_producer_t *producer; tp_consumer_t *consumer; int frames; bool was_asleep; } work_t;

/* Publishes only while the reader sleeps. */
static void *wake_reader(void *arg)
{
    work_t *const w = arg;
    for (int i = 0; i < w->frames; i++)
    {
        const int64_t deadline_ns = tpi_clock_monotonic_ns() + LONG_NS;
        while ((!sleeps() || !atomic_load(&w->consumer->is_asleep)) && tpi_clock_monotonic_ns() < deadline_ns) { sched_yield(); }
        w->was_asleep = w->was_asleep && tpi_clock_monotonic_ns() < deadline_ns;
        (void)cr_publish(w->producer, (uint16_t)i);
    }
    return NULL;
}

static void a_sleeping_reader_is_woken_by_each_frame__L_201_L_204(void **state)
{
    (void)state;
    pthread_t thread;
    tp_frame_view_t view;
    work_t w = { .frames = 200, .was_asleep = true };
    open_both(&w.consumer, &w.producer);
    pass(100 * MS);
    const uint32_t before = atomic_load(&page->word);
    assert_int_equal(pthread_create(&thread, NULL, wake_reader, &w), 0);
    for (int i = 0; i < w.frames; i++)
    {
        assert_int_equal(tp_consumer_next(w.consumer, &view, LONG_NS), 1);
        assert_int_equal(*(const uint16_t *)view.payload, i);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(w.was_asleep);
    assert_true((atomic_load(&page->word) - before) / 2 >= (uint32_t)w.frames);          /* each of them woke */
    const uint32_t after = atomic_load(&page->word);
    for (uint16_t i = 0; i < 20; i++) { assert_true(cr_publish(w.producer, i) >= 0); }
    assert_int_equal(atomic_load(&page->word), after);     /* nobody sleeps: nothing is written */
    close_both(w.consumer, w.producer);
}

static int flushes;
static int asleep_at_flush;

/* Runs inside of the commit, before the slot is committed. */
static void look_at_the_flag(void *clientd, void *payload, size_t length)
{
    (void)clientd;
    (void)payload;
    (void)length;
    flushes++;
    asleep_at_flush += sleeps() ? 1 : 0;
}

/* Who is woken before the frame is there finds nothing, and sleeps on. */
static void a_wake_comes_after_the_commit__L_201(void **state)
{
    (void)state;
    tp_buffer_claim_t first;
    tp_buffer_claim_t second;
    tp_producer_context_t *const context = cr_producer_context();
    flushes = asleep_at_flush = 0;
    assert_int_equal(tp_producer_context_set_payload_flush(context, look_at_the_flag, NULL), 0);
    tp_producer_t *const producer = cr_producer_with(context);
    pass(100 * MS);
    (void)tpi_wake_arm(page);
    assert_true(cr_publish(producer, 1) >= 0);             /* the usual way */
    assert_false(sleeps());
    (void)tpi_wake_arm(page);
    assert_true(tp_producer_try_claim(producer, cr->tensor, &first) >= 0);
    assert_true(tp_producer_try_claim(producer, cr->tensor, &second) >= 0);
    assert_true(sleeps());
    assert_true(tp_producer_commit_claim(producer, &second, NULL) >= 0);     /* its descriptor waits for the other one's */
    assert_false(sleeps());
    (void)tpi_wake_arm(page);
    assert_true(tp_producer_commit_claim(producer, &first, NULL) >= 0);
    assert_false(sleeps());
    assert_int_equal(flushes, 3);
    assert_int_equal(asleep_at_flush, 3);
    (void)tpi_wake_arm(page);
    assert_true(tp_producer_try_claim(producer, cr->tensor, &first) >= 0);
    assert_true(tp_producer_try_claim(producer, cr->tensor, &second) >= 0);
    assert_true(tp_producer_commit_claim(producer, &second, NULL) >= 0);
    (void)tpi_wake_arm(page);
    assert_true(tp_producer_abort_claim(producer, &first) >= 0);             /* now the other one's may leave */
    assert_false(sleeps());
    (void)tpi_wake_arm(page);
    assert_true(tp_producer_flush(producer) >= 0);
    assert_false(sleeps());
    tp_producer_close(producer);
}

static void nobody_sleeps_without_a_promise_for_the_mapped_epoch__L_206(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    pass(100 * MS);
    WAIT_UNTIL(consumer, sleeps());
    assert_true(tpi_wake_all(page));
    tpi_wake_promise(page, cr->epoch + 1);
    for (int i = 0; i < 20; i++) { assert_int_equal(tp_consumer_next(consumer, &view, 5 * MS), 0); }
    assert_false(sleeps());
    tpi_wake_promise(page, cr->epoch);
    WAIT_UNTIL(consumer, sleeps());
    close_both(consumer, producer);
}

static void an_epoch_change_is_slept_through_and_frames_go_on__L_206(void **state)
{
    (void)state;
    pthread_t thread;
    tp_frame_view_t view;
    work_t w = { .frames = 20, .was_asleep = true };
    open_both(&w.consumer, &w.producer);
    pass(100 * MS);
    WAIT_UNTIL(w.consumer, sleeps());
    const uint64_t before = cr->epoch;
    cr_lease_t *const lease = cr_lease(TP_ROLE_PRODUCER);
    lease->active = false;
    cr_revoke(lease, TPC_REVOKE_REVOKED);
    cr_next_epoch();
    pass(200 * MS);
    assert_true(cr->epoch > before);
    assert_true(tpi_wake_is_promised(page, cr->epoch));
    assert_int_equal(requests, 1);                         /* epochs share the page */
    assert_int_equal(pthread_create(&thread, NULL, wake_reader, &w), 0);
    for (int i = 0; i < w.frames; i++) { assert_int_equal(tp_consumer_next(w.consumer, &view, LONG_NS), 1); }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(w.was_asleep);
    close_both(w.consumer, w.producer);
}

static void a_producer_loses_interest_when_nobody_sleeps__L_203(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    open_both(&consumer, &producer);
    pass(100 * MS);
    WAIT_UNTIL(consumer, sleeps());
    assert_int_equal(atomic_load(&page->interest), 2);
    pass(5000 * MS);
    assert_int_equal(atomic_load(&page->interest), 2);     /* somebody may be asleep */
    assert_true(cr_publish(producer, 1) >= 0);
    assert_false(sleeps());
    pass(2500 * MS);
    assert_int_equal(atomic_load(&page->interest), 0);
    close_both(consumer, producer);
}

static _Atomic bool stop;

static void *scribble(void *arg)
{
    uint32_t n = 1;
    (void)arg;
    while (!atomic_load(&stop))
    {
        n = n * 1664525u + 1013904223u;
        atomic_store(&page->word, n);
        atomic_store(&page->interest, n >> 7);
        if (0 == (n & 0x700u)) { atomic_store(&page->promised, n); }
        else { atomic_store(&page->promised, cr->epoch); }
        sched_yield();
    }
    return NULL;
}

static void *publish_all(void *arg)
{
    work_t *const w = arg;
    for (int i = 0; i < w->frames; i++)
    {
        (void)cr_publish(w->producer, (uint16_t)i);
        const struct timespec pause = { 0, 100000 };
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void whatever_others_write_into_the_page_frames_arrive__L_205_P11(void **state)
{
    (void)state;
    pthread_t scribbler;
    pthread_t thread;
    tp_frame_view_t view;
    work_t w = { .frames = 300 };
    open_both(&w.consumer, &w.producer);
    pass(100 * MS);
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&scribbler, NULL, scribble, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, publish_all, &w), 0);
    uint64_t last = 0;
    while (last + 1 < (uint64_t)w.frames)
    {
        assert_int_equal(tp_consumer_next(w.consumer, &view, LONG_NS), 1);
        last = view.seq;
    }
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_join(scribbler, NULL), 0);
    assert_ledger(w.consumer);
    close_both(w.consumer, w.producer);
}

static void unhurried(int64_t ns, int64_t expected_ns)
{
    pass(ns);
    atomic_store(&cr->client->hurry_until_ns, 0);
    assert_int_equal(tpi_client_park_limit_ns(cr->client), expected_ns);
}

static void a_conductor_with_sleeping_readers_only_sleeps_long__L_211(void **state)
{
    (void)state;
    tp_consumer_t *const consumer = cr_consumer();
    unhurried(1500 * MS, 4 * MS);
    atomic_store(&consumer->is_asleep, true);
    unhurried(900 * MS, 4 * MS);
    unhurried(200 * MS, 200 * MS);
    const int64_t keepalive_ns = cr->client->settings.keepalive_interval_ns;
    cr->client->settings.keepalive_interval_ns = 160 * MS; /* leases of half a second: keepalives are not late */
    unhurried(100 * MS, 32 * MS);
    cr->client->settings.keepalive_interval_ns = 8 * MS;
    unhurried(100 * MS, 4 * MS);
    cr->client->settings.keepalive_interval_ns = keepalive_ns;
    tpi_stat_add(&consumer->received, 1);
    unhurried(900 * MS, 4 * MS);
    unhurried(200 * MS, 200 * MS);
    atomic_store(&cr->client->hurry_until_ns, INT64_MAX);
    assert_true(tpi_client_park_limit_ns(cr->client) < MS);
    tp_consumer_t *const second = cr_consumer();
    unhurried(1500 * MS, 4 * MS);
    tp_consumer_close(second);
    unhurried(1500 * MS, 200 * MS);
    tp_producer_t *const producer = cr_producer();
    unhurried(1500 * MS, 4 * MS);
    close_both(consumer, producer);
    unhurried(100 * MS, 4 * MS);
}

/* ---- the descriptor ----------------------------------------------------------------------------------------------------- */

static bool readable(int fd, int timeout_ms)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };
    return 1 == poll(&one, 1, timeout_ms);
}

static void the_descriptor_tells_of_frames_once_armed__L_210(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    pass(100 * MS);
    assert_int_equal(tp_consumer_wait_arm(NULL), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_consumer_wait_arm(consumer), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_consumer_wait_fd(NULL), -1);
    const int fd = tp_consumer_wait_fd(consumer);
    assert_true(fd >= 0);
    assert_int_equal(tp_consumer_wait_fd(consumer), fd);
    assert_false(readable(fd, 0));
    assert_true(cr_publish(producer, 1) >= 0);
    assert_int_equal(tp_consumer_wait_arm(consumer), 1);   /* look first */
    assert_int_equal(next(consumer, &view), 1);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN };
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    for (uint16_t i = 0; i < 200; i++)
    {
        assert_int_equal(next(consumer, &view), 0);
        assert_int_equal(tp_consumer_wait_arm(consumer), 0);
        assert_true(cr_publish(producer, i) >= 0);
        assert_int_equal(epoll_wait(epoll, &event, 1, -1), 1);
        assert_int_equal(next(consumer, &view), 1);
        assert_int_equal(*(const uint16_t *)view.payload, i);
    }
    (void)close(epoll);
    close_both(consumer, producer);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void the_descriptor_looks_up_without_frames_too__L_205_L_210(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    open_both(&consumer, &producer);
    pass(100 * MS);
    const int fd = tp_consumer_wait_fd(consumer);
    for (int i = 0; i < 3; i++)
    {
        assert_int_equal(tp_consumer_wait_arm(consumer), 0);
        assert_int_equal(tp_consumer_wait_arm(consumer), 0);
        assert_true(readable(fd, -1));                     /* no frame came: at the bound */
    }
    close_both(consumer, producer);
}

static void without_a_page_the_descriptor_ticks__L_206_L_210(void **state)
{
    (void)state;
    cr->client->endpoint.wake_path[0] = cr->endpoint.wake_path[0] = '\0';
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    pass(100 * MS);
    const int fd = tp_consumer_wait_fd(consumer);
    assert_int_equal(tp_consumer_wait_arm(consumer), 0);
    assert_true(cr_publish(producer, 7) >= 0);
    assert_true(readable(fd, -1));
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(tp_consumer_wait_arm(consumer), 0);
    close_both(consumer, producer);                        /* while the watcher waits */
}

static void closing_ends_a_watch_at_once__L_210(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    open_both(&consumer, &producer);
    pass(100 * MS);
    for (int i = 0; i < 3; i++)
    {
        assert_true(tp_consumer_wait_fd(consumer) >= 0);
        if (0 != i) { assert_int_equal(tp_consumer_wait_arm(consumer), 0); }
        tp_consumer_close(consumer);
        consumer = cr_consumer();
        pass(100 * MS);
    }
    close_both(consumer, producer);
}

/* ---- looks between two steps ---------------------------------------------------------------------------------------------- */

static tpi_bus_ops_t hooked;
static int (*poll_inside)(tpi_subscription_t *sub, tpi_records_t *records);
static int looks;
static int looks_at_arm;
static int sleeps_without_look;
static int sleeps_made;
static int64_t longest_ns;             /* sleep asked for */
static int foreign_at;                 /* the look that finds a message of somebody else */
static int hooked_fd;                  /* a look waits until it is readable, if there is one */
static bool is_counting;

static int poll_hooked(tpi_subscription_t *sub, tpi_records_t *records)
{
    const int n = poll_inside(sub, records);
    const struct timespec pause = { 0, 20 * 1000000 };
    if (hooked_fd >= 0)
    {
        assert_true(readable(hooked_fd, -1));
        (void)nanosleep(&pause, NULL);                     /* the watcher goes to rest */
        hooked_fd = -1;
    }
    return ++looks == foreign_at ? 1 : n;
}

static void hook(tp_consumer_t *consumer)
{
    looks = looks_at_arm = sleeps_without_look = sleeps_made = foreign_at = 0;
    hooked_fd = -1;
    hooked = *consumer->link->subscription->ops;
    poll_inside = hooked.poll_records;
    hooked.poll_records = poll_hooked;
    consumer->link->subscription->ops = &hooked;
}

tpi_wake_ticket_t __real_tpi_wake_arm(tpi_wake_page_t *where);
tpi_wake_ticket_t __wrap_tpi_wake_arm(tpi_wake_page_t *where);
bool __real_tpi_wake_sleep(tpi_wake_page_t *where, const tpi_wake_ticket_t *ticket, int64_t timeout_ns);
bool __wrap_tpi_wake_sleep(tpi_wake_page_t *where, const tpi_wake_ticket_t *ticket, int64_t timeout_ns);

tpi_wake_ticket_t __wrap_tpi_wake_arm(tpi_wake_page_t *where)
{
    looks_at_arm = looks;
    return __real_tpi_wake_arm(where);
}

bool __wrap_tpi_wake_sleep(tpi_wake_page_t *where, const tpi_wake_ticket_t *ticket, int64_t timeout_ns)
{
    if (!is_counting) { return __real_tpi_wake_sleep(where, ticket, timeout_ns); }
    sleeps_made++;
    longest_ns = timeout_ns > longest_ns ? timeout_ns : longest_ns;
    if (looks == looks_at_arm) { sleeps_without_look++; }
    return false;
}

/* Whatever else comes on the stream meanwhile. */
static void no_sleep_begins_without_a_look_for_descriptors__L_201(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    pass(100 * MS);
    WAIT_UNTIL(consumer, sleeps());
    hook(consumer);
    is_counting = true;
    for (int i = 0; i < 2; i++)                            /* an even and an odd number of looks before */
    {
        foreign_at = 0 == i ? 0 : looks + 3;
        const int before = sleeps_made;
        const int64_t until_ns = tpi_clock_monotonic_ns() + LONG_NS;
        do { assert_int_equal(tp_consumer_next(consumer, &view, 20 * MS), 0); }
        while (sleeps_made < before + 200 && tpi_clock_monotonic_ns() < until_ns);
        assert_true(sleeps_made >= before + 200);
    }
    is_counting = false;
    assert_int_equal(sleeps_without_look, 0);
    close_both(consumer, producer);
}

/* Whoever waits turns the conductor, which sends keepalives. */
static void a_waiting_conductor_sends_its_keepalives_in_time__L_211(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    pass(100 * MS);
    WAIT_UNTIL(consumer, sleeps());
    assert_true(cr->client->is_invoker);
    atomic_store(&cr->client->hurry_until_ns, 0);
    const int64_t intervals_ns[] = { 1000 * MS, 40 * MS };
    const int64_t expected_ns[] = { 20 * MS, 5 * MS };
    is_counting = true;
    for (int i = 0; i < 2; i++)
    {
        cr->client->settings.keepalive_interval_ns = intervals_ns[i];
        sleeps_made = 0;
        longest_ns = 0;
        const int64_t until_ns = tpi_clock_monotonic_ns() + LONG_NS;
        do { assert_int_equal(tp_consumer_next(consumer, &view, 1000 * MS), 0); } while (sleeps_made < 100 && tpi_clock_monotonic_ns() < until_ns);
        assert_int_equal(longest_ns, expected_ns[i]);
    }
    is_counting = false;
    close_both(consumer, producer);
}

/* The watcher is done with the request before while the next one is made. */
static void arming_again_while_a_watch_ends_loses_no_signal__L_210(void **state)
{
    (void)state;
    cr->client->endpoint.wake_path[0] = cr->endpoint.wake_path[0] = '\0';
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    pass(100 * MS);
    assert_int_equal(next(consumer, &view), 0);
    const int fd = tp_consumer_wait_fd(consumer);
    hook(consumer);
    for (int i = 0; i < 3; i++)
    {
        assert_int_equal(tp_consumer_wait_arm(consumer), 0);
        hooked_fd = fd;
        assert_int_equal(tp_consumer_wait_arm(consumer), 0);
        assert_true(readable(fd, 60000));
        assert_int_equal(tp_consumer_wait_arm(consumer), 0);
        assert_true(readable(fd, 60000));
    }
    close_both(consumer, producer);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(one_page_serves_all_of_a_client__L_209), T(a_refusal_is_asked_again_ever_more_seldom__L_209),
        T(a_driver_that_says_nothing_is_not_waited_for__L_209), T(without_the_socket_everything_works__L_206),
        T(another_driver_has_another_page__L_209_M9), T(a_sleeping_reader_is_woken_by_each_frame__L_201_L_204),
        T(a_wake_comes_after_the_commit__L_201),
        T(nobody_sleeps_without_a_promise_for_the_mapped_epoch__L_206), T(an_epoch_change_is_slept_through_and_frames_go_on__L_206),
        T(a_producer_loses_interest_when_nobody_sleeps__L_203), T(whatever_others_write_into_the_page_frames_arrive__L_205_P11),
        T(a_conductor_with_sleeping_readers_only_sleeps_long__L_211), T(the_descriptor_tells_of_frames_once_armed__L_210),
        T(the_descriptor_looks_up_without_frames_too__L_205_L_210), T(without_a_page_the_descriptor_ticks__L_206_L_210),
        T(closing_ends_a_watch_at_once__L_210), T(no_sleep_begins_without_a_look_for_descriptors__L_201),
        T(a_waiting_conductor_sends_its_keepalives_in_time__L_211), T(arming_again_while_a_watch_ends_loses_no_signal__L_210) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

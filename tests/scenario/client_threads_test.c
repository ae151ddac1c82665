/* Producer, consumer and conductor on three threads through one mapping: to be run under ThreadSanitizer as well. */
#include "client_rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "common/clock.h"
#include "locked_bus.h"

static _Atomic bool stop;
static _Atomic uint64_t committed;
static _Atomic uint64_t accepted;
static _Atomic uint64_t torn;
static _Atomic uint64_t wrong;
static _Atomic int disturb;            /* 1: the producer's lease is revoked now and then; 2: the consumer is moved between streams */
static uint32_t consumer_id;
static uint64_t moves;

/* To and fro between the shared descriptor stream and private ones. */
static void move_consumer(void)
{
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = consumer_id;
    if (0 == (++moves & 1))
    {
        config.descriptor_stream_id = (uint32_t)(31000 + moves % 7);
        config.descriptor_channel = tpc_bytes("aeron:ipc");
    }
    cr_send_config(&config);
}

static int setup(void **state) { return cr_setup_wrapped(state, locked_bus_wrap); }

static void *conduct(void *arg)
{
    int64_t next_ns = cr->now_ns + 20 * MS;
    (void)arg;
    while (!atomic_load(&stop))
    {
        const int64_t now_ns = tpi_clock_monotonic_ns();
        cr->now_ns = now_ns > cr->now_ns ? now_ns : cr->now_ns;
        cr_driver_work();
        if (2 == atomic_load(&disturb) && cr->now_ns >= next_ns)
        {
            next_ns = cr->now_ns + 5 * MS;
            move_consumer();
        }
        if (1 == atomic_load(&disturb) && cr->now_ns >= next_ns && cr->file_count < CR_FILES_MAX - 2 && cr->lease_count < 14)
        {
            cr_lease_t *lease = cr_lease(TP_ROLE_PRODUCER);
            next_ns = cr->now_ns + 20 * MS;
            if (NULL != lease)
            {
                lease->active = false;
                cr_revoke(lease, TPC_REVOKE_REVOKED);
                cr_new_epoch();
                cr_announce();
            }
        }
        if (tpi_client_do_work_at(cr->client, cr->now_ns) < 1) { sched_yield(); }
    }
    return NULL;
}

static void *produce(void *arg)
{
    tp_producer_t *producer = arg;
    uint16_t n = 0;
    while (!atomic_load(&stop))
    {
        const int64_t seq = cr_publish(producer, n);
        if (seq >= 0) { atomic_fetch_add(&committed, 1); n++; }
        else { sched_yield(); }
        if (0 == (n & 15)) { sched_yield(); }
    }
    return NULL;
}

static void *consume(void *arg)
{
    tp_consumer_t *consumer = arg;
    while (!atomic_load(&stop))
    {
        tp_frame_view_t view;
        uint16_t frame[16];
        if (1 != tp_consumer_next(consumer, &view, MS)) { continue; }
        const int64_t n = tp_consumer_copy_frame(&view, frame, sizeof(frame));
        if (TP_OVERWRITTEN == n) { atomic_fetch_add(&torn, 1); continue; }
        for (int i = 1; i < 16; i++)
        {
            if (frame[i] != frame[0]) { atomic_fetch_add(&wrong, 1); break; }
        }
        atomic_fetch_add(&accepted, 1);
    }
    return NULL;
}

static void run(int how, int64_t ns)
{
    tp_consumer_context_t *context = cr_consumer_context();
    pthread_t threads[3];
    assert_int_equal(tp_consumer_context_set_max_outstanding_seq_gap(context, 0), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    tp_producer_t *producer = cr_producer();
    tp_consumer_stats_t stats;
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    consumer_id = stats.client_id;
    moves = 0;
    atomic_store(&stop, false);
    atomic_store(&committed, 0);
    atomic_store(&accepted, 0);
    atomic_store(&torn, 0);
    atomic_store(&wrong, 0);
    atomic_store(&disturb, how);
    atomic_store(&cr->client->conductor, 0);
    const int64_t until_ns = tpi_clock_monotonic_ns() + ns;
    assert_int_equal(pthread_create(&threads[0], NULL, conduct, NULL), 0);
    while (0 == atomic_load(&cr->client->conductor)) { sched_yield(); }      /* the first to turn it is the conductor */
    assert_int_equal(pthread_create(&threads[1], NULL, produce, producer), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, consume, consumer), 0);
    bool enough = false;
    uint64_t changes = 0;
    uint32_t stream = 0;
    while (tpi_clock_monotonic_ns() < until_ns || (!enough && tpi_clock_monotonic_ns() < until_ns + 30000 * MS))
    {
        assert_int_equal(tp_consumer_stats(consumer, &stats), 0);              /* any thread */
        if (stream != stats.descriptor_stream_id) { stream = stats.descriptor_stream_id; changes++; }
        enough = atomic_load(&accepted) >= 100 && (1 != how || stats.remaps > 0) && (2 != how || changes >= 20);
        sched_yield();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) { assert_int_equal(pthread_join(threads[i], NULL), 0); }
    atomic_store(&cr->client->conductor, 0);
    assert_true(atomic_load(&accepted) >= 100);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    if (1 != how)
    {
        uint64_t lost = stats.drops[TP_DROP_GAP] + stats.drops[TP_DROP_SKIPPED] +
            stats.drops[TP_DROP_OVERWRITTEN] + stats.drops[TP_DROP_UNCOMMITTED] +
            stats.drops[TP_DROP_TORN] + stats.drops[TP_DROP_BAD_HEADER];
        assert_int_equal(stats.received + lost, stats.last_seq - stats.first_seq + 1);
        assert_int_equal(stats.drops[TP_DROP_BAD_HEADER], 0);
    }
    else { assert_true(stats.remaps > 0); }
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

static void no_torn_frame_is_accepted_under_overwrite_load__M3_M4_M5_W_045(void **state)
{
    (void)state;
    run(0, 300 * MS);
}

static void mappings_change_under_running_threads__M8_M9_W_112(void **state)
{
    (void)state;
    run(1, 400 * MS);
}

static void descriptor_streams_change_under_running_threads__W_131_W_132_O_20(void **state)
{
    (void)state;
    run(2, 400 * MS);
}

static void *publish_once(void *arg)
{
    while (cr_publish(arg, 1) < 0) { sched_yield(); }
    return NULL;
}

static void longest_timeouts_are_for_ever(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    tp_consumer_t *consumer = NULL;
    tp_consumer_context_t *consumer_context = cr_consumer_context();
    tp_producer_t *producer = NULL;
    tp_frame_view_t view;
    pthread_t threads[2];
    assert_int_equal(tp_producer_context_set_attach_timeout_ns(context, INT64_MAX), 0);
    assert_int_equal(tp_consumer_context_set_attach_timeout_ns(consumer_context, INT64_MAX), 0);
    atomic_store(&stop, false);
    atomic_store(&disturb, 0);
    atomic_store(&cr->client->conductor, 0);
    assert_int_equal(pthread_create(&threads[0], NULL, conduct, NULL), 0);
    while (0 == atomic_load(&cr->client->conductor)) { sched_yield(); }      /* the first to turn it is the conductor */
    assert_int_equal(tp_producer_init(&producer, cr->client, context), 0);
    assert_int_equal(tp_consumer_init(&consumer, cr->client, consumer_context), 0);
    while (!tp_consumer_is_mapped(consumer)) { sched_yield(); }
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, publish_once, producer), 0);
    assert_int_equal(tp_consumer_next(consumer, &view, INT64_MAX), 1);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) { assert_int_equal(pthread_join(threads[i], NULL), 0); }
    atomic_store(&cr->client->conductor, 0);
    tp_producer_context_close(context);
    tp_consumer_context_close(consumer_context);
    tp_consumer_close(consumer);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_torn_frame_is_accepted_under_overwrite_load__M3_M4_M5_W_045, setup, cr_teardown),
        cmocka_unit_test_setup_teardown(mappings_change_under_running_threads__M8_M9_W_112, setup, cr_teardown),
        cmocka_unit_test_setup_teardown(descriptor_streams_change_under_running_threads__W_131_W_132_O_20, setup, cr_teardown),
        cmocka_unit_test_setup_teardown(longest_timeouts_are_for_ever, setup, cr_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

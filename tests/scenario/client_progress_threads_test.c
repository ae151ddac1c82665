/* Progress with the conductor on its own thread: listeners come, go and move between streams meanwhile. For ThreadSanitizer as well. */
#include "client_progress_rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "common/clock.h"
#include "locked_bus.h"

static _Atomic bool stop;
static _Atomic uint64_t heard_messages;
static _Atomic uint64_t offered;
static _Atomic uint64_t wrong;
static uint64_t last_seq;              /* these three: the conductor's */
static uint64_t last_filled;
static uint64_t last_epoch;

static int setup(void **state) { return cr_setup_wrapped(state, locked_bus_wrap); }

static void on_any_progress(void *clientd, const tp_frame_progress_t *m)
{
    (void)clientd;
    const bool same = m->epoch == last_epoch && m->seq == last_seq;
    if ((same && m->filled_bytes < last_filled) || m->filled_bytes > 32) { atomic_fetch_add(&wrong, 1); }
    if (NULL != m->payload && m->prefix_bytes > m->filled_bytes) { atomic_fetch_add(&wrong, 1); }
    last_epoch = m->epoch;
    last_seq = m->seq;
    last_filled = m->filled_bytes;
    atomic_fetch_add(&heard_messages, 1);
}

/* Somebody else's wishes come and go; ours is moved to and from a stream of its own. */
static void disturb(uint64_t round, uint32_t consumer_id)
{
    uint8_t buffer[128];
    tpc_consumer_hello_t h = TPC_CONSUMER_HELLO_INIT;
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    h.stream_id = CR_STREAM;
    h.consumer_id = 77;
    h.supports_shm = 1;
    h.supports_progress = (uint8_t)(round & 1);
    h.progress_interval_us = (uint32_t)(round % 5);
    const int64_t n = tpc_consumer_hello_encode(buffer, sizeof(buffer), &h);
    (void)tpi_publication_offer(cr->pub, buffer, (size_t)n);
    config.stream_id = CR_STREAM;
    config.consumer_id = consumer_id;
    if (0 != (round & 4))
    {
        config.control_stream_id = (uint32_t)(CR_PRIVATE + round % 3);
        config.control_channel = tpc_bytes("aeron:ipc");
    }
    cr_send_config(&config);
}

static void *conduct(void *arg)
{
    const uint32_t consumer_id = *(const uint32_t *)arg;
    int64_t next_ns = cr->now_ns;
    uint64_t round = 0;
    while (!atomic_load(&stop))
    {
        const int64_t now_ns = tpi_clock_monotonic_ns();
        cr->now_ns = now_ns > cr->now_ns ? now_ns : cr->now_ns;
        cr_driver_work();
        if (cr->now_ns >= next_ns)
        {
            next_ns = cr->now_ns + 10 * MS;
            disturb(++round, consumer_id);
        }
        if (tpi_client_do_work_at(cr->client, cr->now_ns) < 1) { sched_yield(); }
    }
    return NULL;
}

static void *produce(void *arg)
{
    tp_producer_t *producer = arg;
    while (!atomic_load(&stop))
    {
        tp_buffer_claim_t claim;
        if (tp_producer_try_claim(producer, cr->tensor, &claim) < 0) { sched_yield(); continue; }
        for (uint64_t filled = 0; filled <= 32; filled += 8)
        {
            if (tp_producer_offer_progress(producer, &claim, filled) > 0) { atomic_fetch_add(&offered, 1); }
            sched_yield();
        }
        (void)tp_producer_flush(producer);
        (void)tp_producer_commit_claim(producer, &claim, NULL);
    }
    return NULL;
}

static void progress_survives_listeners_that_come_go_and_move__M9_W_160(void **state)
{
    (void)state;
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_progress_limits(context, 0, 1, 0, 100000), 0);
    assert_int_equal(tp_consumer_set_progress_handler(consumer, on_any_progress, NULL), 0);
    tp_producer_t *producer = cr_producer_with(context);
    pthread_t threads[2];
    uint32_t consumer_id = stats_of(consumer).client_id;
    const int64_t begin_ns = tpi_clock_monotonic_ns();
    atomic_store(&cr->client->conductor, 0);
    assert_int_equal(pthread_create(&threads[0], NULL, conduct, &consumer_id), 0);
    while (0 == atomic_load(&cr->client->conductor)) { sched_yield(); }
    assert_int_equal(pthread_create(&threads[1], NULL, produce, producer), 0);
    while (tpi_clock_monotonic_ns() < begin_ns + 700 * MS || (atomic_load(&heard_messages) < 200 && tpi_clock_monotonic_ns() < begin_ns + 30000 * MS))
    {
        (void)stats_of(consumer);                          /* any thread */
        sched_yield();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) { assert_int_equal(pthread_join(threads[i], NULL), 0); }
    atomic_store(&cr->client->conductor, 0);
    assert_true(atomic_load(&heard_messages) >= 200);
    assert_true(atomic_load(&offered) >= 200);
    assert_int_equal(atomic_load(&wrong), 0);
    close_both(consumer, producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(progress_survives_listeners_that_come_go_and_move__M9_W_160, setup,
        cr_teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Metadata and handlers set by one thread while another is the conductor and a third commits frames: to be run under ThreadSanitizer as well. */
#include "client_rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "common/clock.h"
#include "locked_bus.h"

#define CHANGES 200u

static _Atomic bool stop;
static _Atomic uint32_t newest;
static _Atomic uint32_t went_back;
static _Atomic uint64_t qos;
static _Atomic uint32_t blobs;

static int setup(void **state) { return cr_setup_wrapped(state, locked_bus_wrap); }

static void *conduct(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop))
    {
        const int64_t now_ns = tpi_clock_monotonic_ns();
        cr->now_ns = now_ns > cr->now_ns ? now_ns : cr->now_ns;
        cr_driver_work();
        if (tpi_client_do_work_at(cr->client, cr->now_ns) < 1) { sched_yield(); }
    }
    return NULL;
}

static void *produce(void *arg)
{
    while (!atomic_load(&stop))
    {
        if (cr_publish(arg, 1) < 0) { sched_yield(); }
        sched_yield();
    }
    return NULL;
}

static void on_meta(void *clientd, const tp_source_meta_t *meta)
{
    (void)clientd;
    if (meta->meta_version < atomic_load(&newest)) { atomic_fetch_add(&went_back, 1); }
    atomic_store(&newest, meta->meta_version);
}

static void on_blob(void *clientd, const tp_meta_blob_t *blob)
{
    (void)clientd;
    if (5 == blob->blob.length) { atomic_fetch_add(&blobs, 1); }
}

static void on_qos(void *clientd, const tp_qos_producer_t *m)
{
    (void)clientd;
    (void)m;
    atomic_fetch_add(&qos, 1);
}

static void set_handlers(bool wanted)
{
    tp_metadata_handlers_t metadata = TP_METADATA_HANDLERS_INIT;
    tp_qos_handlers_t reports = TP_QOS_HANDLERS_INIT;
    metadata.on_source_meta = on_meta;
    metadata.on_meta_blob = on_blob;
    reports.on_qos_producer = on_qos;
    assert_int_equal(tp_client_set_metadata_handlers(cr->client, wanted ? &metadata : NULL), 0);
    assert_int_equal(tp_client_set_qos_handlers(cr->client, wanted ? &reports : NULL), 0);
}

static bool settled(void)
{
    return CHANGES == atomic_load(&newest) && atomic_load(&blobs) > 0 && atomic_load(&qos) > 0;
}

static void metadata_change_under_running_threads__W_180_W_181_L1(void **state)
{
    (void)state;
    pthread_t threads[2];
    tp_producer_t *producer = cr_producer();
    uint32_t refused = 0;
    atomic_store(&stop, false);
    atomic_store(&cr->client->conductor, 0);
    assert_int_equal(pthread_create(&threads[0], NULL, conduct, NULL), 0);
    while (0 == atomic_load(&cr->client->conductor)) { sched_yield(); }      /* else a waiting call of ours would become the conductor */
    assert_int_equal(pthread_create(&threads[1], NULL, produce, producer), 0);
    set_handlers(true);
    for (uint32_t i = 1; i <= CHANGES; i++)
    {
        char text[16];
        tp_metadata_stats_t stats;
        tp_metadata_ignored_t ignored;
        (void)snprintf(text, sizeof(text), "%u", i);
        const tp_attribute_t attribute = { tp_bytes_of("n"), tp_bytes_of("text/plain"), tp_bytes_of(text) };
        assert_int_equal(tp_producer_set_metadata(producer, &attribute, 1), 0);
        assert_int_equal(tp_producer_meta_version(producer), i);
        assert_int_equal(tp_producer_set_data_source(producer, text, NULL), 0);
        if (tp_producer_send_meta_blob(producer, i, "abcde", 5, true) < 0) { refused++; }
        assert_int_equal(tp_producer_metadata_stats(producer, &stats), 0);
        assert_int_equal(tp_client_metadata_ignored(cr->client, &ignored), 0);
        if (0 == i % 50) { set_handlers(false); set_handlers(true); }
    }
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 20000 * MS;
    assert_true(refused < CHANGES);
    while (!settled() && tpi_clock_monotonic_ns() < deadline_ns) { sched_yield(); }
    assert_true(settled());
    assert_int_equal(atomic_load(&went_back), 0);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) { assert_int_equal(pthread_join(threads[i], NULL), 0); }
    atomic_store(&cr->client->conductor, 0);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(metadata_change_under_running_threads__W_180_W_181_L1, setup, cr_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

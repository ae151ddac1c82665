/* The client over a real media driver with the real driver in the same process: latency of attaching, throughput, and what no in-memory bus shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bus/bus.h"
#include "common/clock.h"
#include "driver/driver_internal.h"

#include <tensor_pool/tp.h>

#define MS INT64_C(1000000)
#define STREAM 10000u

typedef struct world
{
    char dir[96];
    char aeron_dir[128];
    char base[128];
    char control[64];
    tp_media_driver_t *media;
    tpi_bus_t *bus;
    tpi_driver_t *driver;
    tp_driver_config_t config;
    pthread_t thread;
    _Atomic bool stop;
    tp_client_t *client;
    tp_tensor_template_t *tensor;
}
world_t;

static world_t *w;

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void nap(int64_t ns)
{
    const struct timespec wait = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
    (void)nanosleep(&wait, NULL);
}

static void *drive(void *arg)
{
    (void)arg;
    while (!atomic_load(&w->stop))
    {
        if (tpi_driver_do_work(w->driver, tpi_clock_monotonic_ns()) < 1) { nap(MS / 2); }
    }
    return NULL;
}

static void start_driver(void)
{
    const tpi_bus_aeron_config_t bus = { .aeron_dir = w->aeron_dir, .client_name = "test-driver", .connect_timeout_ns = 5000 * MS };
    const tpi_driver_options_t options = { .worker = TPI_WORKER_THREAD };
    assert_int_equal(tpi_bus_aeron_open(&w->bus, &bus), 0);
    if (tpi_driver_create(&w->driver, &w->config, w->bus, &options, tpi_clock_monotonic_ns()) < 0) { fail_msg("%s", tp_errmsg()); }
    atomic_store(&w->stop, false);
    assert_int_equal(pthread_create(&w->thread, NULL, drive, NULL), 0);
}

static void stop_driver(void)
{
    atomic_store(&w->stop, true);
    assert_int_equal(pthread_join(w->thread, NULL), 0);
    tpi_driver_delete(w->driver, tpi_clock_monotonic_ns());
    tpi_bus_close(w->bus);
    w->driver = NULL;
    w->bus = NULL;
}

static int setup(void **state)
{
    (void)state;
    w = calloc(1, sizeof(*w));
    assert_non_null(w);
    (void)snprintf(w->dir, sizeof(w->dir), "/dev/shm/tp-test-%ld-aeron", (long)getpid());
    (void)nftw(w->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(w->dir, 0755), 0);
    (void)snprintf(w->aeron_dir, sizeof(w->aeron_dir), "%s/aeron", w->dir);
    (void)snprintf(w->base, sizeof(w->base), "%s/base", w->dir);
    const tp_media_driver_config_t media = { .size = sizeof(media), .aeron_dir = w->aeron_dir, .delete_on_close = true, .delete_on_start = true };
    if (tp_media_driver_launch(&w->media, &media) < 0) { fail_msg("%s", tp_errmsg()); }
    tp_driver_config_init(&w->config);
    (void)snprintf(w->config.base_dir, sizeof(w->config.base_dir), "%s", w->base);
    tp_profile_config_t *profile = tp_driver_config_add_profile(&w->config, "camera");
    assert_non_null(profile);
    profile->header_nslots = 1024;
    profile->pool_count = 2;
    profile->pools[0] = (tp_pool_config_t){ .pool_id = 1, .stride_bytes = 256 };
    profile->pools[1] = (tp_pool_config_t){ .pool_id = 2, .stride_bytes = 4096 };      /* small: zeroing pages is the driver's cost, not ours */
    assert_non_null(tp_driver_config_add_stream(&w->config, "cam", STREAM, "camera"));
    start_driver();
    tp_context_t *context = NULL;
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_aeron_dir(context, w->aeron_dir), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_add_allowed_base_dir(context, w->base), 0);
    if (tp_connect(&w->client, context) < 0) { fail_msg("%s", tp_errmsg()); }
    tp_context_close(context);
    assert_int_equal(tp_tensor_template_init(&w->tensor, TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, (const int32_t[]){ 4, 4 }), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tp_client_close(w->client);
    stop_driver();
    tp_media_driver_close(w->media);
    tp_driver_config_fini(&w->config);
    tp_tensor_template_close(w->tensor);
    (void)nftw(w->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

static void attach_to_first_frame_takes_less_than_50_ms(void **state)
{
    (void)state;
    int64_t best_ns = INT64_MAX;
    for (int round = 0; round < 5; round++)
    {
        tp_producer_t *producer = NULL;
        tp_consumer_t *consumer = NULL;
        tp_frame_view_t view;
        const int64_t begin_ns = tpi_clock_monotonic_ns();
        if (tp_producer_open(&producer, w->client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
        const int64_t opened_ns = tpi_clock_monotonic_ns();
        if (tp_consumer_open(&consumer, w->client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
        const int64_t both_ns = tpi_clock_monotonic_ns();
        uint16_t frame[16] = { 7 };
        int rc = 0;
        while (1 != rc && tpi_clock_monotonic_ns() - begin_ns < 5000 * MS)
        {
            assert_true(tp_producer_offer_frame(producer, w->tensor, frame, sizeof(frame), NULL) != TP_LEASE_LOST);
            rc = tp_consumer_next(consumer, &view, MS);
        }
        const int64_t took_ns = tpi_clock_monotonic_ns() - begin_ns;
        assert_int_equal(rc, 1);
        assert_int_equal(*(const uint16_t *)view.payload, 7);
        print_message("producer %lld us, consumer %lld us, first frame %lld us\n", (long long)(opened_ns - begin_ns) / 1000,
            (long long)(both_ns - opened_ns) / 1000, (long long)took_ns / 1000);
        if (took_ns < best_ns) { best_ns = took_ns; }
        tp_consumer_close(consumer);
        tp_producer_close(producer);
    }
    assert_true(best_ns < 50 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(attach_to_first_frame_takes_less_than_50_ms, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

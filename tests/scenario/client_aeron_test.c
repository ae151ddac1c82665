/* The client over a real media driver with the real driver in the same process: many frames, and what no in-memory bus shows. */
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
#include "client/client_state.h"
#include "common/clock.h"
#include "driver/driver_internal.h"

#include <tensor_pool/tp.h>

#define MS INT64_C(1000000)
#define STREAM 10000u
#define DEADLINE_NS (30000 * MS)

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
    const tpi_bus_aeron_config_t bus = { .aeron_dir = w->aeron_dir, .client_name = "test-driver", .connect_timeout_ns = DEADLINE_NS };
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

static void first_frames_arrive_again_and_again(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++)
    {
        tp_producer_t *producer = NULL;
        tp_consumer_t *consumer = NULL;
        tp_frame_view_t view;
        const uint16_t frame[16] = { (uint16_t)(7 + round) };
        const int64_t begin_ns = tpi_clock_monotonic_ns();
        if (tp_producer_open(&producer, w->client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
        if (tp_consumer_open(&consumer, w->client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
        int rc = 0;
        while (1 != rc && tpi_clock_monotonic_ns() - begin_ns < DEADLINE_NS)
        {
            assert_true(tp_producer_offer_frame(producer, w->tensor, frame, sizeof(frame), NULL) != TP_LEASE_LOST);
            rc = tp_consumer_next(consumer, &view, MS);
        }
        assert_int_equal(rc, 1);
        assert_int_equal(*(const uint16_t *)view.payload, 7 + round);
        tp_consumer_close(consumer);
        tp_producer_close(producer);
    }
}

static tp_client_t *connect_with(const char *descriptor_channel, int32_t stream_id)
{
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_aeron_dir(context, w->aeron_dir), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_set_descriptor(context, descriptor_channel, stream_id), 0);
    assert_int_equal(tp_context_add_allowed_base_dir(context, w->base), 0);
    if (tp_connect(&client, context) < 0) { fail_msg("%s", tp_errmsg()); }
    tp_context_close(context);
    return client;
}

/* 1 and *client set, or -1: what polling until the end comes to. */
static int connect_polled(tp_context_t *context, tp_client_t **client)
{
    tp_async_connect_t *async = NULL;
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    int rc = tp_async_connect(&async, context);
    if (rc < 0) { return rc; }
    while (0 == (rc = tp_async_connect_poll(async, client)))
    {
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
        nap(MS / 10);
    }
    return rc;
}

static void connecting_can_be_polled(void **state)
{
    (void)state;
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    tp_producer_t *producer = NULL;
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_aeron_dir(context, w->aeron_dir), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_add_allowed_base_dir(context, w->base), 0);
    assert_int_equal(connect_polled(context, &client), 1);
    assert_true(tp_client_is_connected(client));
    assert_int_equal(tp_client_do_work(client), -1);                   /* the agent thread runs */
    assert_int_equal(tp_errcode(), TP_ETHREAD);
    if (tp_producer_open(&producer, client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    tp_client_close(client);
    client = NULL;
    assert_int_equal(tp_context_set_agent_cpu(context, 1023), 0);
    assert_int_equal(connect_polled(context, &client), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_context_set_agent_cpu(context, -1), 0);
    assert_int_equal(tp_context_set_control(context, "aeron:ipc?term-length=1m", 1000), 0);         /* the driver's is another length */
    assert_int_equal(connect_polled(context, &client), -1);
    assert_int_equal(tp_errcode(), TP_ECHANNEL);
    assert_int_equal(tp_context_set_aeron_dir(context, "/dev/shm/nobody-is-here"), 0);
    assert_int_equal(connect_polled(context, &client), -1);
    assert_int_equal(tp_errcode(), TP_ENOMEDIADRIVER);
    assert_null(client);
    tp_context_close(context);
}

static uint64_t publish_many(tp_producer_t *producer, uint64_t frames)
{
    uint64_t committed = 0;
    uint16_t frame[16] = { 0 };
    for (uint64_t i = 0; i < frames; i++)
    {
        const int64_t rc = tp_producer_offer_frame(producer, w->tensor, frame, sizeof(frame), NULL);
        committed += rc >= 0 || TP_NOT_CONNECTED == rc || TP_BACK_PRESSURED == rc ? 1 : 0;
    }
    return committed;
}

/* Clients that poll nothing, and one that opened a consumer and sleeps, hold nobody up. */
static void idle_clients_freeze_no_publisher__A1_W_120_W_122(void **state)
{
    (void)state;
    tp_client_t *mine = connect_with("aeron:ipc?term-length=64k", 1101);
    tp_client_t *bystander = connect_with("aeron:ipc?term-length=64k", 1101);
    tp_producer_t *producer = NULL;
    tp_consumer_t *sleeper = NULL;
    tp_producer_stats_t stats;
    if (tp_producer_open(&producer, mine, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    assert_int_equal(publish_many(producer, 2500000), 2500000);
    if (tp_consumer_open(&sleeper, bystander, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    assert_int_equal(publish_many(producer, 2500000), 2500000);
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    assert_int_equal(stats.frames, 5000000);
    assert_int_equal(stats.descriptors_sent + stats.descriptors_parked + stats.descriptors_dropped + stats.not_connected, 5000000);
    tp_consumer_close(sleeper);
    tp_producer_close(producer);
    tp_client_close(bystander);
    tp_client_close(mine);
}

typedef struct reader { tp_consumer_t *consumer; uint64_t frames; uint64_t wrong; _Atomic bool stop; } reader_t;

static void *read_frames(void *arg)
{
    reader_t *reader = arg;
    while (!atomic_load(&reader->stop))
    {
        tp_frame_view_t view;
        uint16_t frame[16];
        if (1 != tp_consumer_next(reader->consumer, &view, 10 * MS)) { continue; }
        if (sizeof(frame) != tp_consumer_copy_frame(&view, frame, sizeof(frame))) { continue; }
        if (frame[0] != (uint16_t)view.seq || frame[15] != (uint16_t)view.seq) { reader->wrong++; }
        reader->frames++;
    }
    return NULL;
}

static void the_ledger_is_exact_at_any_speed(void **state)
{
    (void)state;
    tp_producer_t *producer = NULL;
    tp_consumer_context_t *context = NULL;
    reader_t reader = { .stop = false };
    pthread_t thread;
    if (tp_producer_open(&producer, w->client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    assert_int_equal(tp_consumer_context_init(&context), 0);
    assert_int_equal(tp_consumer_context_set_stream_id(context, STREAM), 0);
    assert_int_equal(tp_consumer_context_set_max_outstanding_seq_gap(context, 0), 0);
    assert_int_equal(tp_consumer_context_set_latency(context, true), 0);
    if (tp_consumer_init(&reader.consumer, w->client, context) < 0) { fail_msg("%s", tp_errmsg()); }
    tp_consumer_context_close(context);
    assert_int_equal(pthread_create(&thread, NULL, read_frames, &reader), 0);
    tp_consumer_stats_t stats = { .received = 0 };
    uint16_t frame[16];
    int64_t seq = -1;
    while (0 == stats.received)                            /* until the subscription's image is there */
    {
        for (int i = 0; i < 16; i++) { frame[i] = (uint16_t)(seq + 1); }
        seq = tp_producer_offer_frame(producer, w->tensor, frame, sizeof(frame), NULL) >= 0 ? seq + 1 : seq + 1;
        nap(MS);
        assert_int_equal(tp_consumer_stats(reader.consumer, &stats), 0);
        assert_true(seq < 30000);
    }
    int64_t due_ns = tpi_clock_monotonic_ns();
    for (int n = 0; n < 5000; n++)
    {
        for (int i = 0; i < 16; i++) { frame[i] = (uint16_t)(seq + 1); }
        assert_int_equal(tp_producer_offer_frame(producer, w->tensor, frame, sizeof(frame), NULL), seq + 1);
        seq++;
        due_ns += 200000;
        while (tpi_clock_monotonic_ns() < due_ns) { sched_yield(); }
    }
    nap(50 * MS);
    assert_int_equal(tp_consumer_stats(reader.consumer, &stats), 0);
    print_message("5 kHz: received %llu of %llu, p50 %llu us, p99 %llu us, max %llu us\n", (unsigned long long)stats.received,
        (unsigned long long)(stats.last_seq - stats.first_seq + 1), (unsigned long long)stats.latency_p50_ns / 1000,
        (unsigned long long)stats.latency_p99_ns / 1000, (unsigned long long)stats.latency_max_ns / 1000);
    for (int n = 0; n < 300000; n++)
    {
        for (int i = 0; i < 16; i++) { frame[i] = (uint16_t)(seq + 1); }
        const int64_t rc = tp_producer_offer_frame(producer, w->tensor, frame, sizeof(frame), NULL);
        assert_true(rc == seq + 1 || TP_BACK_PRESSURED == rc);
        seq++;
    }
    nap(200 * MS);
    atomic_store(&reader.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(tp_consumer_stats(reader.consumer, &stats), 0);
    const uint64_t lost = stats.drops[TP_DROP_GAP] + stats.drops[TP_DROP_SKIPPED] +
        stats.drops[TP_DROP_OVERWRITTEN] + stats.drops[TP_DROP_UNCOMMITTED] +
        stats.drops[TP_DROP_TORN] + stats.drops[TP_DROP_BAD_HEADER];
    print_message("full speed: received %llu, lost %llu (overwritten %llu, gap %llu, torn %llu)\n",
        (unsigned long long)stats.received, (unsigned long long)lost,
        (unsigned long long)stats.drops[TP_DROP_OVERWRITTEN], (unsigned long long)stats.drops[TP_DROP_GAP],
        (unsigned long long)stats.drops[TP_DROP_TORN]);
    assert_int_equal(reader.wrong, 0);
    assert_int_equal(stats.received + lost, stats.last_seq - stats.first_seq + 1);
    assert_int_equal(stats.drops[TP_DROP_BAD_HEADER], 0);
    tp_consumer_close(reader.consumer);
    tp_producer_close(producer);
}

static void refusals_name_the_holder_of_the_lease(void **state)
{
    (void)state;
    tp_producer_t *first = NULL;
    tp_producer_t *other = NULL;
    tp_consumer_t *consumer = NULL;
    if (tp_producer_open(&first, w->client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    do                                 /* the driver's counter of the lease may show up a moment after the answer */
    {
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
        assert_int_equal(tp_producer_open(&other, w->client, STREAM), -1);
        assert_int_equal(tp_errcode(), TP_EPRODUCER);
    }
    while (NULL == strstr(tp_errwhy(), "client "));
    assert_non_null(strstr(tp_errfix(), "tp info"));
    assert_int_equal(tp_consumer_open(&consumer, w->client, 4711), -1);
    assert_int_equal(tp_errcode(), TP_ENOSTREAM);
    assert_null(other);
    assert_null(consumer);
    tp_producer_close(first);
}

static void tools_attach_and_detach_in_one_call_each(void **state)
{
    (void)state;
    tp_attach_request_t request = TP_ATTACH_REQUEST_INIT;
    tp_driver_session_t *session = NULL;
    tp_driver_session_t *second = NULL;
    tp_attach_info_t info;
    request.stream_id = STREAM;
    request.role = TP_ROLE_PRODUCER;
    assert_int_equal(tp_driver_attach(w->client, &request, -1, &session), -1);
    assert_int_equal(tp_driver_attach(w->client, NULL, MS, &session), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    if (tp_driver_attach(w->client, &request, DEADLINE_NS, &session) < 0) { fail_msg("%s", tp_errmsg()); }
    assert_int_equal(tp_driver_session_info(session, &info), 0);
    assert_int_equal(info.stream_id, STREAM);
    assert_int_equal(tp_driver_attach(w->client, &request, DEADLINE_NS, &second), -1);
    assert_int_equal(tp_errcode(), TP_EPRODUCER);
    assert_null(second);
    assert_int_equal(tp_driver_detach(session, DEADLINE_NS), 0);
    if (tp_driver_attach(w->client, &request, DEADLINE_NS, &second) < 0) { fail_msg("%s", tp_errmsg()); }      /* the lease was handed back */
    assert_int_equal(tp_driver_detach(second, 0), 0);
}

static volatile bool running;

static void on_driver_event(void *clientd, tp_driver_event_t event, int code, const char *text)
{
    (void)clientd;
    (void)code;
    (void)text;
    if (TP_MEDIA_DRIVER_FOUND == event) { running = false; }
}

static void an_application_may_lend_its_thread_to_the_conductor(void **state)
{
    (void)state;
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    tp_driver_handlers_t handlers = TP_DRIVER_HANDLERS_INIT;
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_aeron_dir(context, w->aeron_dir), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_set_use_agent_invoker(context, true), 0);
    if (tp_client_init(&client, context) < 0) { fail_msg("%s", tp_errmsg()); }
    tp_context_close(context);
    assert_int_equal(tp_client_start(client), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    handlers.on_driver_event = on_driver_event;
    assert_int_equal(tp_client_set_driver_handlers(client, &handlers), 0);
    running = true;
    assert_int_equal(tp_client_main_do_work(client, &running), 0);          /* ends when the handler has said so */
    assert_false(running);
    assert_true(tp_client_is_connected(client));
    assert_int_equal(tp_client_main_do_work(client, NULL), -1);
    assert_int_equal(tp_client_main_do_work(w->client, &running), 0);       /* not running: no turn at all */
    running = true;
    assert_int_equal(tp_client_main_do_work(w->client, &running), -1);      /* an agent has it */
    assert_int_equal(tp_errcode(), TP_ETHREAD);
    const int64_t begin_ns = tpi_clock_monotonic_ns();
    tp_client_idle(client, 1);
    tp_client_idle(NULL, 0);
    tp_client_idle(client, 0);
    assert_true(tpi_clock_monotonic_ns() - begin_ns >= MS / 2);             /* a thread of the application is not burned */
    tp_client_close(client);
}

static void silent_driver_is_a_timeout_in_the_configured_time__D_055(void **state)
{
    (void)state;
    tp_producer_context_t *context = NULL;
    tp_producer_t *producer = NULL;
    stop_driver();
    assert_int_equal(tp_producer_context_init(&context), 0);
    assert_int_equal(tp_producer_context_set_stream_id(context, STREAM), 0);
    assert_int_equal(tp_producer_context_set_attach_timeout_ns(context, 300 * MS), 0);
    const int64_t begin_ns = tpi_clock_monotonic_ns();
    assert_int_equal(tp_producer_init(&producer, w->client, context), -1);
    const int64_t took_ns = tpi_clock_monotonic_ns() - begin_ns;
    assert_int_equal(tp_errcode(), TP_ENODRIVER);
    assert_true(took_ns >= 300 * MS);
    tp_producer_context_close(context);
    start_driver();
}

static void channels_that_do_not_fit_are_named__A8_O_44(void **state)
{
    (void)state;
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    tp_producer_t *producer = NULL;
    tp_consumer_t *consumer = NULL;
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_aeron_dir(context, w->aeron_dir), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_set_control(context, "aeron:ipc?term-length=100", 1009), 0);
    assert_int_equal(tp_client_init(&client, context), -1);
    assert_int_equal(tp_errcode(), TP_ECHANNEL);
    assert_null(client);
    assert_int_equal(tp_context_set_control(context, "aeron:ipc?term-length=1m", 1000), 0);         /* the driver's is another length */
    assert_int_equal(tp_client_init(&client, context), -1);
    assert_int_equal(tp_errcode(), TP_ECHANNEL);
    print_message("%s\n", tp_errmsg());
    tp_context_close(context);
    if (tp_producer_open(&producer, w->client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    client = connect_with("aeron:ipc?term-length=1m", 1100);
    tp_producer_t *other = NULL;
    assert_int_equal(tp_producer_open(&other, client, 10001), -1);
    assert_int_equal(tp_consumer_open(&consumer, client, STREAM), 0);                                /* subscriptions do not mind */
    tp_producer_close(producer);
    tp_client_close(client);
}

typedef struct found { int streams; int clients; uint64_t frames; uint32_t consumers; uint32_t producer; char directory[1024]; } found_t;

static void on_stream(void *clientd, const tp_stream_info_t *stream)
{
    found_t *found = clientd;
    if (STREAM != stream->stream_id) { return; }
    found->streams++;
    assert_string_equal(stream->name, "cam");
    assert_int_equal(stream->header_nslots, 1024);
    assert_int_equal(stream->pool_count, 2);
    assert_int_equal(stream->max_stride_bytes, 4096);
    found->consumers = stream->consumer_count;
    found->producer = stream->producer_client_id;
    (void)snprintf(found->directory, sizeof(found->directory), "%s", stream->directory);
}

static void on_counter(void *clientd, const tp_counter_t *counter)
{
    found_t *found = clientd;
    const uint8_t *key = counter->key;
    if (9004 != counter->type_id || TP_ROLE_PRODUCER != key[16] || 1 != key[17]) { return; }
    found->clients++;
    found->frames = (uint64_t)counter->value;
    assert_non_null(strstr(counter->label, "kind=frames"));
}

static void facts_are_published_and_regions_can_be_read_by_anybody(void **state)
{
    (void)state;
    tp_producer_t *producer = NULL;
    tp_consumer_t *consumer = NULL;
    tp_counters_t *counters = NULL;
    tp_region_t *region = NULL;
    tp_superblock_t superblock;
    tp_slot_t slot;
    uint32_t stream_id = 0;
    char path[1100];
    found_t found;
    uint16_t frame[16] = { 9 };
    if (tp_producer_open(&producer, w->client, STREAM) < 0 || tp_consumer_open(&consumer, w->client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    for (int i = 0; i < 5; i++) { (void)tp_producer_offer_frame(producer, w->tensor, frame, sizeof(frame), NULL); }
    if (tp_counters_open(&counters, w->aeron_dir) < 0) { fail_msg("%s", tp_errmsg()); }
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    do
    {
        memset(&found, 0, sizeof(found));
        assert_true(tp_counters_streams(counters, on_stream, &found) >= 1);
        assert_true(tp_counters_foreach(counters, on_counter, &found) > 0);
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
        nap(5 * MS);
    }
    while (1 != found.clients || 5 != found.frames || 1 != found.consumers);
    assert_int_equal(found.streams, 1);
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    assert_int_equal(found.producer, stats.client_id);
    assert_int_equal(tp_counters_stream_by_name(counters, "cam", &stream_id), 0);
    assert_int_equal(stream_id, STREAM);
    assert_int_equal(tp_counters_stream_by_name(counters, "4711", &stream_id), 0);
    assert_int_equal(stream_id, 4711);
    assert_int_equal(tp_counters_stream_by_name(counters, "cem", &stream_id), -1);
    assert_int_equal(tp_errcode(), TP_ENOENT);
    assert_string_equal(tp_errfix(), "did you mean 'cam'?");
    assert_int_equal(tp_counters_pid(counters), getpid());
    assert_in_range(tp_counters_heartbeat_age_ms(counters), 0, 5000);
    tp_counters_close(counters);

    (void)snprintf(path, sizeof(path), "%s/header.ring", found.directory);
    if (tp_region_open(&region, path) < 0) { fail_msg("%s", tp_errmsg()); }
    assert_int_equal(tp_region_superblock(region, &superblock), 0);
    assert_int_equal(superblock.epoch, stats.epoch);
    assert_int_equal(superblock.stream_id, STREAM);
    assert_int_equal(superblock.nslots, 1024);
    assert_int_equal(tp_region_slot_read(region, 4, &slot), 0);
    assert_true(slot.committed && slot.stable && slot.valid);
    assert_int_equal(slot.seq, 4);
    assert_int_equal(slot.values_len_bytes, 32);
    assert_int_equal(slot.tensor.dims[1], 4);
    assert_string_equal(slot.problem, "");
    assert_int_equal(tp_region_slot_read(region, 5, &slot), 0);
    assert_false(slot.committed);
    assert_int_equal(tp_region_slot_read(region, 1024, &slot), -1);
    tp_region_close(region);
    assert_int_equal(tp_region_open(&region, "/dev/null"), -1);
    assert_int_equal(tp_counters_open(&counters, "/nonexistent"), -1);
    tp_consumer_close(consumer);
    tp_producer_close(producer);
}

/* ---- metadata over a real bus: several fragments a message, back pressure of a log that is full ---- */

#define BLOB_BYTES 3000000u

typedef struct heard
{
    _Atomic uint32_t version;
    _Atomic uint32_t blobs;
    _Atomic bool same;
    const uint8_t *sent;
    _Atomic size_t longest;
}
heard_t;

static void on_meta(void *clientd, const tp_source_meta_t *meta)
{
    heard_t *h = clientd;
    if (STREAM != meta->stream_id) { return; }
    atomic_store(&h->longest, 1 == meta->attribute_count ? meta->attributes[0].value.length : 0);
    atomic_store(&h->version, meta->meta_version);
}

static void on_blob(void *clientd, const tp_meta_blob_t *blob)
{
    heard_t *h = clientd;
    atomic_store(&h->same, BLOB_BYTES == blob->blob.length && 0 == memcmp(blob->blob.data, h->sent, BLOB_BYTES) && 0 != blob->checksum);
    atomic_fetch_add(&h->blobs, 1);
}

static tp_client_t *second_client(void)
{
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_aeron_dir(context, w->aeron_dir), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_add_allowed_base_dir(context, w->base), 0);
    if (tp_connect(&client, context) < 0) { fail_msg("%s", tp_errmsg()); }
    tp_context_close(context);
    return client;
}

static void metadata_and_blobs_reach_another_client__W_180_W_183_W_184(void **state)
{
    (void)state;
    static uint8_t bytes[BLOB_BYTES];
    static heard_t heard;
    static char value[60000];
    tp_producer_t *producer = NULL;
    tp_metadata_handlers_t handlers = TP_METADATA_HANDLERS_INIT;
    for (size_t i = 0; i < sizeof(bytes); i++) { bytes[i] = (uint8_t)(i * 131 + i / 65536); }
    memset(value, 'v', sizeof(value));
    heard.sent = bytes;
    handlers.clientd = &heard;
    handlers.on_source_meta = on_meta;
    handlers.on_meta_blob = on_blob;
    tp_client_t *other = second_client();
    if (tp_producer_open(&producer, w->client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    const tp_attribute_t attribute = { tp_bytes_of("table"), tp_bytes_of(""), { value, sizeof(value) } };
    assert_int_equal(tp_producer_set_metadata(producer, &attribute, 1), 0);
    for (int i = 0; i < 4; i++) { assert_int_equal(tp_producer_send_meta_blob(producer, 7, bytes, sizeof(bytes), true), 0); }
    assert_int_equal(tp_client_set_metadata_handlers(other, &handlers), 0);  /* a late joiner: the blobs have waited for it */
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    while ((atomic_load(&heard.blobs) < 4 || 0 == atomic_load(&heard.version)) && tpi_clock_monotonic_ns() < deadline_ns) { nap(MS); }
    assert_int_equal(atomic_load(&heard.blobs), 4);
    assert_true(atomic_load(&heard.same));
    assert_int_equal(atomic_load(&heard.version), 1);
    assert_int_equal(atomic_load(&heard.longest), sizeof(value));
    tp_metadata_ignored_t ignored;
    assert_int_equal(tp_client_metadata_ignored(other, &ignored), 0);
    assert_int_equal(ignored.blobs_broken + ignored.blobs_unfinished + ignored.malformed, 0);
    tp_client_close(other);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(metadata_and_blobs_reach_another_client__W_180_W_183_W_184, setup, teardown),
        cmocka_unit_test_setup_teardown(facts_are_published_and_regions_can_be_read_by_anybody, setup, teardown),
        cmocka_unit_test_setup_teardown(first_frames_arrive_again_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(the_ledger_is_exact_at_any_speed, setup, teardown),
        cmocka_unit_test_setup_teardown(idle_clients_freeze_no_publisher__A1_W_120_W_122, setup, teardown),
        cmocka_unit_test_setup_teardown(channels_that_do_not_fit_are_named__A8_O_44, setup, teardown),
        cmocka_unit_test_setup_teardown(connecting_can_be_polled, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals_name_the_holder_of_the_lease, setup, teardown),
        cmocka_unit_test_setup_teardown(tools_attach_and_detach_in_one_call_each, setup, teardown),
        cmocka_unit_test_setup_teardown(an_application_may_lend_its_thread_to_the_conductor, setup, teardown),
        cmocka_unit_test_setup_teardown(silent_driver_is_a_timeout_in_the_configured_time__D_055, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

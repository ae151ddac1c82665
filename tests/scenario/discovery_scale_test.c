/*
 * Many streams, many clients: what one cycle does is bounded, memory is bounded, and both grow with the number of streams and no faster. Counts and
 * bytes, no times; docs/performance.md has the figures this prints.
 */
#include "discovery_rig.h"

#include <malloc.h>

#define CLIENTS 1000u
#define SOURCES 4u

static uint64_t looks;                 /* at entries of the index */
static uint64_t offers;
static uint64_t allocations;
static bool is_counting;

void __real_tpi_discovery_index_at(const tpi_discovery_index_t *index, size_t i, tpc_discovery_result_t *result);
void __wrap_tpi_discovery_index_at(const tpi_discovery_index_t *index, size_t i, tpc_discovery_result_t *result);
int64_t __real_tpi_publication_offer(tpi_publication_t *pub, const uint8_t *data, size_t length);
int64_t __wrap_tpi_publication_offer(tpi_publication_t *pub, const uint8_t *data, size_t length);
void *__real_tpi_alloc(size_t size);
void *__wrap_tpi_alloc(size_t size);

void __wrap_tpi_discovery_index_at(const tpi_discovery_index_t *index, size_t i, tpc_discovery_result_t *result)
{
    looks++;
    __real_tpi_discovery_index_at(index, i, result);
}

int64_t __wrap_tpi_publication_offer(tpi_publication_t *pub, const uint8_t *data, size_t length)
{
    if (is_counting) { offers++; }
    return __real_tpi_publication_offer(pub, data, length);
}

void *__wrap_tpi_alloc(size_t size)
{
    if (is_counting) { allocations++; }
    return __real_tpi_alloc(size);
}

typedef struct figures
{
    uint32_t streams;
    size_t index_bytes;                /* held after all were announced */
    size_t answer_bytes;               /* of an unfiltered answer */
    uint64_t looks_a_query;
    uint64_t most_looks;               /* of one cycle */
    uint64_t most_requests;
    uint64_t most_offers;
    uint64_t most_allocations;
    size_t most_held;                  /* above what is held in peace */
    unsigned cycles;                   /* until all were answered */
}
figures_t;

static size_t held(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void add_sources(void)
{
    for (uint32_t i = 2; i < SOURCES; i++)
    {
        tp_discovery_source_config_t *const source = tp_discovery_provider_config_add_source(&drig->config);
        assert_non_null(source);
        *source = drig->config.sources[0];
        (void)snprintf(source->driver_instance_id, sizeof(source->driver_instance_id), "drv-%u", i);
        source->announce_stream_id = ANNOUNCE_A + 1000 * i;
        source->driver_control_stream_id = 1000 + 1000 * i;
    }
}

static void announce_all(uint32_t streams)
{
    for (uint32_t i = 0; i < streams; i++)
    {
        const tpc_pool_announce_t a = drig_announcement(10000 + i / SOURCES, 42, 5);
        drig_send_announce((int32_t)(ANNOUNCE_A + 1000 * (i % SOURCES)), &a);
        if (0 == i % 100) { drig_settle(); }
    }
    drig_settle();
    assert_true(streams == drig_stats()->streams);
}

static void most(uint64_t *value, uint64_t now) { *value = now > *value ? now : *value; }

/* One cycle of the provider alone, measured. */
static void measured_cycle(figures_t *f)
{
    const uint64_t answered = drig_stats()->requests_answered;
    looks = offers = allocations = 0;
    is_counting = true;
    assert_true(tpi_provider_do_work(drig->provider, (tpi_mapping_now_t){ drig->now_ns, drig->real_ns }) >= 0);
    is_counting = false;
    most(&f->most_looks, looks);
    most(&f->most_requests, drig_stats()->requests_answered - answered);
    most(&f->most_offers, offers);
    most(&f->most_allocations, allocations);
}

static void on_answer(void *clientd, const tpi_message_t *message)
{
    listener_t *const listener = clientd;
    assert_true(message->length >= 25);
    listener->count++;
}

/* The clients take their answers and keep nothing. */
static void take_answers(void)
{
    assert_true(tpi_bus_do_work(drig->client_bus, drig->now_ns) >= 0);
    for (uint32_t i = 1; i <= CLIENTS; i++)
    {
        while (tpi_subscription_poll(drig->listeners[i].subscription, on_answer, &drig->listeners[i], 16) > 0) { }
    }
}

static void ask_all(figures_t *f)
{
    for (uint32_t i = 1; i <= CLIENTS; i++) { drig->listeners[i].count = 0; }
    for (uint32_t i = 0; i < CLIENTS; i++)
    {
        tpc_discovery_request_t request = drig_request();
        request.response_stream_id = 20000 + i;
        request.stream_id = 0 == i % 10 ? TP_NULL_U32 : 10000 + i % (f->streams / SOURCES);
        drig_send_request(&request);
    }
    const size_t in_peace = held();
    for (f->cycles = 0; 0 == f->cycles || drig_stats()->requests_answered < CLIENTS || 0 != drig_stats()->responses_waiting; f->cycles++)
    {
        assert_true(f->cycles < 10000);
        measured_cycle(f);
        assert_true(drig_stats()->publications <= TPI_PROVIDER_PUBLICATIONS_MAX);
        const size_t now = held();
        if (now > in_peace && now - in_peace > f->most_held) { f->most_held = now - in_peace; }
        drig->now_ns += MS / 10;
        take_answers();
    }
}

static void run(uint32_t streams, figures_t *f)
{
    *f = (figures_t){ .streams = streams };
    if (NULL != drig->provider) { drig_stop(); }
    drig_start();
    (void)drig_listed();
    const size_t empty = held();
    announce_all(streams);
    f->index_bytes = held() - empty;
    looks = 0;
    assert_int_equal(drig_listed(), streams);
    f->looks_a_query = looks;
    f->answer_bytes = drig->listeners[0].length;
    drig_stop();
    drig_start();                      /* announces expire in the simulation's time: those who ask find them fresh */
    announce_all(streams);
    ask_all(f);
    assert_true(CLIENTS == drig_stats()->responses_sent);
    assert_true(0 == drig_stats()->responses_dropped);
    print_message("%4u streams: index %zu B, answer %zu B, %llu looks a query; most of one cycle: %llu requests, %llu looks, %llu offers, "
        "%llu allocations; %zu B more held; %u cycles for %u clients\n", streams, f->index_bytes, f->answer_bytes,
        (unsigned long long)f->looks_a_query, (unsigned long long)f->most_requests, (unsigned long long)f->most_looks,
        (unsigned long long)f->most_offers, (unsigned long long)f->most_allocations, f->most_held, f->cycles, CLIENTS);
}

static void a_thousand_clients_and_two_hundred_streams_cost_what_they_should__X_096_X_061(void **state)
{
    static const uint32_t sizes[] = { 100, 200, 400 };
    figures_t f[3];
    (void)state;
    add_sources();
    (void)drig_listen(ANSWERS);
    for (uint32_t i = 0; i < CLIENTS; i++) { (void)drig_listen(20000 + (int32_t)i); }
    for (size_t i = 0; i < 3; i++)
    {
        run(sizes[i], &f[i]);
        assert_true(sizes[i] == f[i].looks_a_query);                       /* each entry once */
        assert_true(f[i].most_requests <= 32);
        assert_true(f[i].most_looks <= 32u * sizes[i]);
        assert_true(f[i].most_offers <= 64);
        assert_true(f[i].most_allocations <= 32 * 8);                      /* those of the bus included */
        assert_true(f[i].cycles <= 3 * CLIENTS / 32);
        assert_true(f[i].most_held <= CLIENTS * 512 + (CLIENTS / 10) * f[i].answer_bytes);
        for (uint32_t k = 1; k <= CLIENTS; k++) { assert_int_equal(drig->listeners[k].count, 1); }
    }
    assert_int_equal(f[2].answer_bytes - f[1].answer_bytes, 2 * (f[1].answer_bytes - f[0].answer_bytes));
    if (0 != f[0].index_bytes)                                             /* the allocator of a sanitizer says nothing */
    {
        assert_true(f[2].index_bytes <= f[1].index_bytes * 5 / 2);
        assert_true(f[1].index_bytes <= f[0].index_bytes * 5 / 2);
        assert_true(f[1].index_bytes <= 200 * 4096);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { DRIG_TEST(a_thousand_clients_and_two_hundred_streams_cost_what_they_should__X_096_X_061) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

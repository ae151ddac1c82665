/* Records, for every bus: the second part of the suite in bus_conformance.c. Each test opens its buses afresh, on a stream id of its own. */
#include "bus/bus_conformance.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

#define CHANNEL "aeron:ipc?term-length=64k"
#define WAIT_NS (30 * TPI_NS_PER_S)
#define HEAD UINT64_C(0x1122334455667788)
#define KEY 77u
#define ROOM 96u
#define MTU_PAYLOAD 1376u

static tpi_bus_fixture_t *fixture;
static int32_t next_stream_id = 7000;

typedef struct bench
{
    tpi_bus_t *bus;
    int32_t stream_id;
    tpi_subscription_t *sub;
    tpi_records_t records;
    tpi_record_t room[ROOM + 1];
    size_t others;
    size_t other_length;
    uint8_t other_first;
    uint32_t other_came_after;         /* records that were there before the last other one */
    bool appends;
}
bench_t;

static void on_other(tpi_records_t *records, const uint8_t *data, size_t length)
{
    bench_t *const bench = records->clientd;
    bench->others++;
    bench->other_length = length;
    bench->other_first = 0 == length ? 0 : data[0];
    bench->other_came_after = records->count;
    if (bench->appends && records->count < records->capacity) { memset(records->room[records->count++].bytes, 0xee, TPI_RECORD_BYTES); }
}

static void empty(bench_t *bench)
{
    bench->records = (tpi_records_t){ .head = HEAD, .key = KEY, .capacity = ROOM, .room = bench->room, .other = on_other, .clientd = bench };
}

static void turn(bench_t *bench)
{
    assert_true(tpi_bus_do_work(bench->bus, fixture->now_ns(fixture)) >= 0);
    const struct timespec pause = { .tv_nsec = 50000 };
    (void)nanosleep(&pause, NULL);
}

#define AWAIT(bench, condition) do { \
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + WAIT_NS; \
    while (!(condition)) { turn(bench); if (tpi_clock_monotonic_ns() > deadline_ns) { fail_msg("waited in vain for: %s", #condition); } } \
} while (0)

static tpi_publication_t *add_pub(bench_t *bench)
{
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *pub = NULL;
    assert_int_equal(tpi_bus_add_publication(bench->bus, &async, CHANNEL, bench->stream_id), 0);
    AWAIT(bench, 0 != tpi_bus_add_publication_poll(async, &pub));
    assert_non_null(pub);
    return pub;
}

static int set_up(void **state)
{
    bench_t *const bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->stream_id = next_stream_id++;
    assert_int_equal(fixture->open(fixture, &bench->bus), 0);
    tpi_bus_async_t *async = NULL;
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = bench->stream_id };
    assert_int_equal(tpi_bus_add_subscription(bench->bus, &async, &config), 0);
    AWAIT(bench, 0 != tpi_bus_add_subscription_poll(async, &bench->sub));
    assert_non_null(bench->sub);
    empty(bench);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    bench_t *const bench = *state;
    tpi_bus_close(bench->bus);
    free(bench);
    return 0;
}

static tpi_publication_t *connect_pub(bench_t *bench, int images)
{
    tpi_publication_t *const pub = add_pub(bench);
    AWAIT(bench, tpi_publication_is_connected(pub) && images == tpi_subscription_image_count(bench->sub));
    return pub;
}

static void send(bench_t *bench, tpi_publication_t *pub, const uint8_t *data, size_t length)
{
    AWAIT(bench, tpi_publication_send(pub, data, length) > 0);
}

static void make_record(uint8_t bytes[TPI_RECORD_BYTES + 1], uint64_t head, uint32_t key, uint64_t number)
{
    memset(bytes, 0x5a, TPI_RECORD_BYTES + 1);
    memcpy(bytes, &head, sizeof(head));
    memcpy(bytes + 8, &key, sizeof(key));
    memcpy(bytes + 12, &number, sizeof(number));
}

static void send_record(bench_t *bench, tpi_publication_t *pub, uint64_t head, uint32_t key, uint64_t number)
{
    uint8_t bytes[TPI_RECORD_BYTES + 1];
    make_record(bytes, head, key, number);
    send(bench, pub, bytes, TPI_RECORD_BYTES);
}

static uint64_t number_of(const tpi_record_t *record)
{
    uint64_t number;
    memcpy(&number, record->bytes + 12, sizeof(number));
    return number;
}

static bool poll_until(bench_t *bench, uint32_t count)
{
    assert_true(tpi_subscription_poll_records(bench->sub, &bench->records) >= 0);
    return bench->records.count >= count;
}

/* ---- tests ----------------------------------------------------------------------------------------------------------------- */

static void records_are_copied_whole_and_in_order(void **state)
{
    bench_t *const bench = *state;
    assert_int_equal(tpi_subscription_poll_records(bench->sub, &bench->records), 0);
    tpi_publication_t *const pub = connect_pub(bench, 1);
    assert_int_equal(tpi_subscription_poll_records(bench->sub, &bench->records), 0);
    for (uint64_t i = 0; i < 10; i++) { send_record(bench, pub, HEAD, KEY, i); }
    AWAIT(bench, poll_until(bench, 10));
    assert_int_equal(bench->records.count, 10);
    for (uint64_t i = 0; i < 10; i++)
    {
        uint8_t expected[TPI_RECORD_BYTES + 1];
        make_record(expected, HEAD, KEY, i);
        assert_memory_equal(bench->room[i].bytes, expected, TPI_RECORD_BYTES);
    }
    assert_int_equal(bench->others, 0);
    assert_int_equal(tpi_subscription_poll_records(bench->sub, &bench->records), 0);
}

static void records_with_another_key_are_passed_over_and_counted__P1(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = connect_pub(bench, 1);
    for (uint64_t i = 0; i < 9; i++) { send_record(bench, pub, HEAD, KEY + (uint32_t)(i % 3), i); }
    uint32_t passed = 0;
    AWAIT(bench, (poll_until(bench, 3), passed += bench->records.passed, 3 == bench->records.count && 6 == passed));
    for (uint64_t i = 0; i < 3; i++) { assert_true(3 * i == number_of(&bench->room[i])); }
    assert_int_equal(bench->others, 0);
}

static void whatever_is_no_record_keeps_its_place(void **state)
{
    static const size_t lengths[] = { 0, 1, 40, TPI_RECORD_BYTES - 1, TPI_RECORD_BYTES + 1, MTU_PAYLOAD };
    static uint8_t data[MTU_PAYLOAD];
    bench_t *const bench = *state;
    tpi_publication_t *const pub = connect_pub(bench, 1);
    make_record(data, HEAD, KEY, 0);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
    {
        empty(bench);
        send_record(bench, pub, HEAD, KEY, 0);
        send(bench, pub, data, lengths[i]);
        send_record(bench, pub, HEAD, KEY, 1);
        AWAIT(bench, poll_until(bench, 2));
        assert_int_equal(bench->others, i + 1);
        assert_int_equal(bench->other_length, lengths[i]);
        assert_int_equal(bench->other_came_after, 1);
    }
    empty(bench);
    for (unsigned bit = 0; bit < 64; bit++) { send_record(bench, pub, HEAD ^ UINT64_C(1) << bit, KEY, bit); }
    send_record(bench, pub, HEAD, KEY, 1);
    AWAIT(bench, poll_until(bench, 1));
    assert_int_equal(bench->others, sizeof(lengths) / sizeof(lengths[0]) + 64);
    assert_int_equal(bench->other_length, TPI_RECORD_BYTES);
}

static void other_may_append_a_record_in_its_place(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = connect_pub(bench, 1);
    static const uint8_t shorter[40] = { 7 };
    bench->appends = true;
    send_record(bench, pub, HEAD, KEY, 0);
    send(bench, pub, shorter, sizeof(shorter));
    send_record(bench, pub, HEAD, KEY, 1);
    AWAIT(bench, poll_until(bench, 3));
    assert_true(0 == number_of(&bench->room[0]) && 1 == number_of(&bench->room[2]));
    assert_int_equal(bench->room[1].bytes[0], 0xee);
    assert_int_equal(bench->other_first, 7);
}

static void of_a_fragmented_message_the_first_fragment_comes(void **state)
{
    static uint8_t data[8000];
    static const size_t lengths[] = { MTU_PAYLOAD + 1, 2 * MTU_PAYLOAD + TPI_RECORD_BYTES, 8000 };
    bench_t *const bench = *state;
    tpi_publication_t *const pub = connect_pub(bench, 1);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
    {
        empty(bench);
        for (size_t at = 0; at + TPI_RECORD_BYTES < sizeof(data); at += 8) { make_record(data + at, HEAD, KEY, 99); }    /* in no fragment a record */
        for (size_t at = MTU_PAYLOAD; at + TPI_RECORD_BYTES < sizeof(data); at += MTU_PAYLOAD) { make_record(data + at, HEAD, KEY, 99); }
        data[0] = (uint8_t)i;
        send(bench, pub, data, lengths[i]);
        send_record(bench, pub, HEAD, KEY, i);
        AWAIT(bench, poll_until(bench, 1));
        assert_int_equal(bench->records.count, 1);
        assert_true(i == number_of(&bench->room[0]));
        assert_int_equal(bench->others, i + 1);
        assert_int_equal(bench->other_length, MTU_PAYLOAD);
        assert_int_equal(bench->other_first, i);
    }
}

static void no_more_than_the_room_is_filled_and_nothing_is_lost__A2(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = connect_pub(bench, 1);
    uint64_t sent = 0;
    uint64_t seen = 0;
    uint8_t bytes[TPI_RECORD_BYTES + 1];
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + WAIT_NS;
    memset(&bench->room[ROOM], 0xa5, sizeof(bench->room[ROOM]));
    while (seen < 5000)                                    /* seven terms of 64 KiB */
    {
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
        make_record(bytes, HEAD, KEY, sent);
        while (sent < 5000 && sent - seen < 3 * ROOM && tpi_publication_send(pub, bytes, TPI_RECORD_BYTES) > 0)
        {
            make_record(bytes, HEAD, KEY, ++sent);
        }
        empty(bench);
        assert_true(tpi_subscription_poll_records(bench->sub, &bench->records) >= 0);
        assert_true(bench->records.count <= ROOM);
        for (uint32_t i = 0; i < bench->records.count; i++) { assert_true(seen++ == number_of(&bench->room[i])); }
        assert_int_equal(bench->room[ROOM].bytes[0], 0xa5);
        turn(bench);
    }
    assert_int_equal(bench->others, 0);
}

static void records_of_senders_that_come_and_go_all_arrive(void **state)
{
    bench_t *const bench = *state;
    uint64_t number = 0;
    for (int round = 0; round < 4; round++)
    {
        empty(bench);
        tpi_publication_t *const first = connect_pub(bench, 1);
        for (uint64_t i = 0; i < 3; i++) { send_record(bench, first, HEAD, KEY, number++); }
        AWAIT(bench, poll_until(bench, 3));
        tpi_publication_t *const second = connect_pub(bench, 2);
        for (uint64_t i = 0; i < 3; i++)
        {
            send_record(bench, first, HEAD, KEY, number++);
            send_record(bench, second, HEAD, KEY, number++);
        }
        AWAIT(bench, poll_until(bench, 9));
        tpi_publication_close(first);
        AWAIT(bench, 1 == tpi_subscription_image_count(bench->sub));
        for (uint64_t i = 0; i < 3; i++) { send_record(bench, second, HEAD, KEY, number++); }
        AWAIT(bench, poll_until(bench, 12));
        uint64_t sum = 0;
        for (uint32_t i = 0; i < 12; i++) { sum += number_of(&bench->room[i]); }
        assert_int_equal(bench->records.count, 12);
        assert_true(12 * number - 78 == sum);
        tpi_publication_close(second);
        AWAIT(bench, 0 == tpi_subscription_image_count(bench->sub));
        assert_int_equal(tpi_subscription_poll_records(bench->sub, &bench->records), 0);
    }
    tpi_subscription_close(bench->sub);                    /* with and without an image at hand */
}

static void records_of_many_senders_all_arrive_in_the_order_of_each(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *pubs[11];
    for (int senders = 1; senders <= 11; senders++)
    {
        uint64_t next[11] = { 0 };
        pubs[senders - 1] = connect_pub(bench, senders);
        for (uint64_t i = 0; i < 8; i++)
        {
            for (int k = 0; k < senders; k++) { send_record(bench, pubs[k], HEAD, KEY, (uint64_t)k << 32 | i); }
        }
        uint32_t left = 8 * (uint32_t)senders;
        while (left > 0)
        {
            empty(bench);
            AWAIT(bench, poll_until(bench, 1));
            for (uint32_t i = 0; i < bench->records.count; i++, left--)
            {
                const uint64_t number = number_of(&bench->room[i]);
                assert_true(number >> 32 < (uint64_t)senders && next[number >> 32]++ == (uint32_t)number);
            }
        }
        assert_int_equal(tpi_subscription_poll_records(bench->sub, &bench->records), 0);
    }
}

static void without_room_nothing_is_taken(void **state)
{
    bench_t *const bench = *state;
    assert_int_equal(tpi_subscription_poll_records(NULL, &bench->records), TP_INVALID_ARGUMENT);
    assert_int_equal(tpi_subscription_poll_records(bench->sub, NULL), TP_INVALID_ARGUMENT);
    tpi_publication_t *const pub = connect_pub(bench, 1);
    for (uint64_t i = 0; i < 4; i++) { send_record(bench, pub, HEAD, KEY, i); }
    AWAIT(bench, tpi_subscription_has_message(bench->sub));
    bench->records.count = ROOM;
    assert_int_equal(tpi_subscription_poll_records(bench->sub, &bench->records), 0);
    for (uint64_t i = 0; i < 4; i++)                       /* one by one: room for less than a message of the greatest length */
    {
        bench->records.count = ROOM - 1;
        AWAIT(bench, poll_until(bench, ROOM));
        assert_int_equal(bench->records.count, ROOM);
        assert_true(i == number_of(&bench->room[ROOM - 1]));
    }
}

int tpi_bus_records_conformance_run(tpi_bus_fixture_t *under_test)
{
    fixture = under_test;
#define RECORDS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] =
    {
        RECORDS_TEST(records_are_copied_whole_and_in_order),
        RECORDS_TEST(records_with_another_key_are_passed_over_and_counted__P1),
        RECORDS_TEST(whatever_is_no_record_keeps_its_place),
        RECORDS_TEST(other_may_append_a_record_in_its_place),
        RECORDS_TEST(of_a_fragmented_message_the_first_fragment_comes),
        RECORDS_TEST(no_more_than_the_room_is_filled_and_nothing_is_lost__A2),
        RECORDS_TEST(records_of_senders_that_come_and_go_all_arrive),
        RECORDS_TEST(records_of_many_senders_all_arrive_in_the_order_of_each),
        RECORDS_TEST(without_room_nothing_is_taken),
    };
    return cmocka_run_group_tests_name(under_test->name, tests, NULL, NULL);
}

/* The tests every bus has to pass. Each opens its buses afresh, on a stream id of its own, and closes all. */
#include "bus/bus_conformance.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

#define CHANNEL "aeron:ipc?term-length=64k"
#define BUSES 3
#define WAIT_NS (30 * TPI_NS_PER_S)
#define SEEN_MAX 4096

static tpi_bus_fixture_t *fixture;
static int32_t next_stream_id = 5000;

/* ---- bench ----------------------------------------------------------------------------------------------------------------- */

typedef struct seen
{
    int count;
    uint64_t numbers[SEEN_MAX];
    int32_t sessions[SEEN_MAX];
    tpi_message_t last;
    bool content_ok;
}
seen_t;

typedef struct images
{
    int joined, left;
    int32_t session_id;
    int64_t joined_ns;
}
images_t;

typedef struct bench
{
    tpi_bus_t *bus[BUSES];
    int32_t stream_id;
    int64_t now_ns;
}
bench_t;

static int set_up(void **state)
{
    bench_t *const bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->stream_id = next_stream_id++;
    for (size_t i = 0; i < BUSES; i++) { assert_int_equal(fixture->open(fixture, &bench->bus[i]), 0); }
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    bench_t *const bench = *state;
    for (size_t i = 0; i < BUSES; i++) { tpi_bus_close(bench->bus[i]); }
    free(bench);
    return 0;
}

static void turn(bench_t *bench)
{
    bench->now_ns = fixture->now_ns(fixture);
    for (size_t i = 0; i < BUSES; i++)
    {
        if (NULL != bench->bus[i]) { assert_true(tpi_bus_do_work(bench->bus[i], bench->now_ns) >= 0); }
    }
    const struct timespec pause = { .tv_nsec = 50000 };
    (void)nanosleep(&pause, NULL);
}

/* Turns the buses until the condition holds; fails the test when it does not within the real deadline. */
#define AWAIT(bench, condition) do { \
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + WAIT_NS; \
    while (!(condition)) { turn(bench); if (tpi_clock_monotonic_ns() > deadline_ns) { fail_msg("waited in vain for: %s", #condition); } } \
} while (0)

static tpi_publication_t *add_pub_on(bench_t *bench, size_t bus, const char *channel)
{
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *pub = NULL;
    assert_int_equal(tpi_bus_add_publication(bench->bus[bus], &async, channel, bench->stream_id), 0);
    AWAIT(bench, 0 != tpi_bus_add_publication_poll(async, &pub));
    assert_non_null(pub);
    return pub;
}

static tpi_publication_t *add_pub(bench_t *bench, size_t bus) { return add_pub_on(bench, bus, CHANNEL); }

static void on_image(void *clientd, int32_t session_id, bool available, int64_t now_ns)
{
    images_t *const images = clientd;
    *(available ? &images->joined : &images->left) += 1;
    images->session_id = session_id;
    if (available) { images->joined_ns = now_ns; }
}

static tpi_subscription_t *add_sub_with(bench_t *bench, size_t bus, const tpi_subscription_config_t *config)
{
    tpi_bus_async_t *async = NULL;
    tpi_subscription_t *sub = NULL;
    assert_int_equal(tpi_bus_add_subscription(bench->bus[bus], &async, config), 0);
    AWAIT(bench, 0 != tpi_bus_add_subscription_poll(async, &sub));
    assert_non_null(sub);
    return sub;
}

static tpi_subscription_t *add_sub(bench_t *bench, size_t bus, images_t *images)
{
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = bench->stream_id, .on_image = NULL == images ? NULL : on_image,
        .image_clientd = images };
    return add_sub_with(bench, bus, &config);
}

static void on_message(void *clientd, const tpi_message_t *message)
{
    seen_t *const seen = clientd;
    uint64_t number = 0;
    if (message->length >= sizeof(number)) { memcpy(&number, message->data, sizeof(number)); }
    if (seen->count < SEEN_MAX)
    {
        seen->numbers[seen->count] = number;
        seen->sessions[seen->count] = message->session_id;
    }
    seen->content_ok = true;
    for (size_t i = sizeof(number); i < message->length; i++)
    {
        if ((uint8_t)(number + i) != message->data[i]) { seen->content_ok = false; }
    }
    seen->count++;
    seen->last = *message;
}

static void fill(uint8_t *data, size_t length, uint64_t number)
{
    for (size_t i = 0; i < length; i++) { data[i] = (uint8_t)(number + i); }
    if (length >= sizeof(number)) { memcpy(data, &number, sizeof(number)); }
}

static int64_t offer_once(tpi_publication_t *pub, uint64_t number, size_t length)
{
    static uint8_t data[1 << 16];
    fill(data, length, number);
    return tpi_publication_offer(pub, data, length);
}

/* As every sender does it: ADMIN_ACTION is tried again (trap A2); the window follows the reader with a delay. */
static bool try_offer(tpi_publication_t *pub, uint64_t number, size_t length)
{
    const int64_t position = offer_once(pub, number, length);
    assert_true(position > 0 || TP_ADMIN_ACTION == position || TP_BACK_PRESSURED == position);
    return position > 0;
}

static void offer(bench_t *bench, tpi_publication_t *pub, uint64_t number, size_t length) { AWAIT(bench, try_offer(pub, number, length)); }

static void await_count(bench_t *bench, tpi_subscription_t *sub, seen_t *seen, int count)
{
    AWAIT(bench, tpi_subscription_poll(sub, on_message, seen, 64) >= 0 && seen->count >= count);
}

/* ---- publishing and receiving ---------------------------------------------------------------------------------------------- */

static void messages_arrive_in_order_with_session_and_position__D_206(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    seen_t seen = { 0 };
    int64_t position = 0;
    for (uint64_t i = 0; i < 1000; i++)
    {
        offer(bench, pub, i, 40);
        await_count(bench, sub, &seen, (int)i + 1);
        assert_true(seen.last.position > position);
        position = seen.last.position;
        assert_int_equal(seen.last.length, 40);
        assert_true(seen.content_ok);
        assert_int_equal(seen.last.session_id, tpi_publication_session_id(pub));
    }
    for (int i = 0; i < 1000; i++) { assert_int_equal(seen.numbers[i], i); }
    assert_int_equal(tpi_subscription_image_count(sub), 1);
}

static void a_claim_is_sent_by_commit_and_forgotten_by_abort(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    seen_t seen = { 0 };
    tpi_bus_claim_t aborted;
    tpi_bus_claim_t kept;
    assert_true(tpi_publication_claim(pub, 24, &aborted) > 0);
    assert_true(tpi_publication_claim(pub, 24, &kept) > 0);
    assert_int_equal(kept.length, 24);
    fill(kept.data, kept.length, 7);
    tpi_bus_claim_commit(&kept);
    for (int i = 0; i < 5; i++) { turn(bench); assert_int_equal(tpi_subscription_poll(sub, on_message, &seen, 10), 0); }   /* behind an open claim */
    tpi_bus_claim_abort(&aborted);
    await_count(bench, sub, &seen, 1);
    assert_int_equal(seen.numbers[0], 7);
    assert_true(seen.content_ok);
    assert_int_equal(tpi_subscription_poll(sub, on_message, &seen, 10), 0);
    tpi_bus_claim_commit(&kept);                                         /* a second end does nothing */
    tpi_bus_claim_abort(NULL);
}

static void a_prepared_message_is_sent_in_one_call(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    uint8_t message[1024] = { 1 };
    assert_int_equal(tpi_publication_send_prepared(pub, message, 48), TP_NOT_CONNECTED);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    static const size_t lengths[] = { 0, 8, 47, 48, 49, 1024 };           /* 48: that of a frame descriptor, copied by itself */
    seen_t seen = { 0 };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
    {
        int64_t position;
        fill(message, lengths[i], i);
        do { position = tpi_publication_send_prepared(pub, message, lengths[i]); } while (TP_ADMIN_ACTION == position);
        assert_true(position > 0);
        fill(message, sizeof(message), 99);                              /* the bus has its own copy */
        await_count(bench, sub, &seen, (int)i + 1);
        assert_int_equal(seen.last.length, lengths[i]);
        assert_int_equal(seen.last.position, position);
        assert_true(seen.content_ok);
    }
    const size_t claim_max = tpi_publication_max_claim(pub);
    static uint8_t longest[65536];
    assert_int_equal(tpi_publication_send_prepared(pub, longest, claim_max + 1), TP_INVALID_ARGUMENT);
    assert_true(tpi_publication_send_prepared(pub, longest, claim_max) > 0);
}

static void bounds_of_claim_and_offer_are_kept__A5(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    const size_t claim_max = tpi_publication_max_claim(pub);
    const size_t message_max = tpi_publication_max_message(pub);
    assert_true(claim_max >= 1024 && claim_max < message_max);
    assert_int_equal(message_max, 65536 / 8);
    tpi_bus_claim_t claim;
    assert_int_equal(tpi_publication_claim(pub, claim_max + 1, &claim), TP_INVALID_ARGUMENT);
    assert_true(tpi_publication_claim(pub, claim_max, &claim) > 0);
    fill(claim.data, claim.length, 1);
    tpi_bus_claim_commit(&claim);
    static uint8_t data[65536];
    assert_int_equal(tpi_publication_offer(pub, data, message_max + 1), TP_INVALID_ARGUMENT);
    offer(bench, pub, 2, message_max);
    seen_t seen = { 0 };
    await_count(bench, sub, &seen, 2);
    assert_int_equal(seen.last.length, message_max);
    assert_int_equal(tpi_publication_claim(NULL, 1, &claim), TP_INVALID_ARGUMENT);
    assert_int_equal(tpi_publication_claim(pub, 1, NULL), TP_INVALID_ARGUMENT);
    assert_int_equal(tpi_publication_offer(pub, NULL, 0), TP_INVALID_ARGUMENT);
    assert_int_equal(tpi_subscription_poll(NULL, on_message, &seen, 1), TP_INVALID_ARGUMENT);
    assert_int_equal(tpi_subscription_poll(sub, NULL, &seen, 1), TP_INVALID_ARGUMENT);
    assert_int_equal(tpi_subscription_poll(sub, on_message, &seen, -1), TP_INVALID_ARGUMENT);
}

static void long_messages_are_fragmented_and_assembled__O_44(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub_a = add_pub(bench, 0);
    tpi_publication_t *const pub_b = add_pub(bench, 2);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, 2 == tpi_subscription_image_count(sub));
    seen_t seen = { 0 };
    int expected = 0;
    static const size_t lengths[] = { 0, 1, 1375, 1376, 1377, 2752, 2753, 8000, 8192 };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
    {
        offer(bench, pub_a, i, lengths[i]);
        offer(bench, pub_b, 100 + i, lengths[i]);
        expected += 2;
        AWAIT(bench, tpi_subscription_poll(sub, on_message, &seen, 1) >= 0 && seen.count >= expected);
        assert_int_equal(seen.last.length, lengths[i]);
        assert_true(seen.content_ok);
        assert_true(seen.last.session_id == tpi_publication_session_id(pub_a) || seen.last.session_id == tpi_publication_session_id(pub_b));
    }
}

static void poll_hands_over_at_most_the_limit(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    seen_t seen = { 0 };
    for (uint64_t i = 0; i < 10; i++) { offer(bench, pub, i, 16); }
    AWAIT(bench, 1 == tpi_subscription_poll(sub, on_message, &seen, 1));
    assert_int_equal(tpi_subscription_poll(sub, on_message, &seen, 0), 0);
    AWAIT(bench, 4 == tpi_subscription_poll(sub, on_message, &seen, 4));
    AWAIT(bench, 5 == tpi_subscription_poll(sub, on_message, &seen, 100));
    assert_int_equal(seen.count, 10);
}

static void a_look_finds_messages_and_takes_none(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    assert_false(tpi_subscription_has_message(sub));
    assert_false(tpi_subscription_has_message(NULL));
    seen_t seen = { 0 };
    offer(bench, pub, 0, 16);
    AWAIT(bench, tpi_subscription_has_message(sub));
    assert_true(tpi_subscription_has_message(sub));
    AWAIT(bench, 1 == tpi_subscription_poll(sub, on_message, &seen, 10));
    assert_false(tpi_subscription_has_message(sub));
    assert_int_equal(seen.count, 1);
}

static void every_subscription_gets_every_message__A3(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_subscription_t *const first = add_sub(bench, 1, NULL);
    tpi_subscription_t *const second = add_sub(bench, 1, NULL);
    tpi_subscription_t *const third = add_sub(bench, 2, NULL);
    AWAIT(bench, tpi_subscription_is_connected(first) && tpi_subscription_is_connected(second) && tpi_subscription_is_connected(third));
    seen_t seen[3] = { { 0 } };
    for (uint64_t i = 0; i < 50; i++) { offer(bench, pub, i, 16); }
    await_count(bench, first, &seen[0], 50);
    await_count(bench, second, &seen[1], 50);
    await_count(bench, third, &seen[2], 50);
    for (int i = 0; i < 3; i++) { assert_int_equal(seen[i].numbers[49], 49); }
}

static void publications_of_one_client_have_sessions_of_their_own__D_206(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const a = add_pub(bench, 0);
    tpi_publication_t *const b = add_pub(bench, 0);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, 2 == tpi_subscription_image_count(sub));
    assert_int_not_equal(tpi_publication_session_id(a), tpi_publication_session_id(b));
    seen_t seen = { 0 };
    offer(bench, a, 1, 8);
    offer(bench, b, 2, 8);
    await_count(bench, sub, &seen, 2);
    for (int i = 0; i < 2; i++)
    {
        assert_int_equal(seen.sessions[i], tpi_publication_session_id(1 == seen.numbers[i] ? a : b));
    }
}

static void streams_do_not_mix(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    bench->stream_id = next_stream_id++;
    tpi_subscription_t *const other = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_subscription_is_connected(sub));
    seen_t seen = { 0 };
    seen_t strange = { 0 };
    offer(bench, pub, 1, 8);
    await_count(bench, sub, &seen, 1);
    assert_int_equal(tpi_subscription_poll(other, on_message, &strange, 10), 0);
    assert_false(tpi_subscription_is_connected(other));
    assert_int_equal(tpi_subscription_image_count(other), 0);
}

/* ---- named results --------------------------------------------------------------------------------------------------------- */

static void without_a_subscriber_sends_are_not_connected__A5(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_bus_claim_t claim;
    for (int i = 0; i < 5; i++) { turn(bench); }
    assert_false(tpi_publication_is_connected(pub));
    assert_int_equal(tpi_publication_claim(pub, 8, &claim), TP_NOT_CONNECTED);
    assert_int_equal(offer_once(pub, 1, 8), TP_NOT_CONNECTED);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_publication_is_connected(pub));
    offer(bench, pub, 1, 8);
    tpi_subscription_close(sub);
    AWAIT(bench, !tpi_publication_is_connected(pub));
    AWAIT(bench, TP_NOT_CONNECTED == offer_once(pub, 1, 8));
}

static int flood(bench_t *bench, tpi_publication_t *pub, int most)
{
    int sent = 0;
    while (sent < most)
    {
        const int64_t position = offer_once(pub, (uint64_t)sent, 40);
        if (position >= 0) { sent++; continue; }
        if (TP_ADMIN_ACTION == position) { continue; }
        assert_int_equal(position, TP_BACK_PRESSURED);
        /* The window moves a while after the reader: only a refusal that lasts is back pressure. */
        bool refused = true;
        for (int i = 0; i < 40 && refused; i++)
        {
            turn(bench);
            const int64_t again = offer_once(pub, (uint64_t)sent, 40);
            if (again >= 0) { sent++; refused = false; }
            if (TP_ADMIN_ACTION == again) { refused = false; }
        }
        if (refused) { return sent; }
    }
    return sent;
}

static void one_subscription_that_nobody_polls_blocks_the_publisher__A1(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_subscription_t *const idle = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(idle));
    const int sent = flood(bench, pub, 100000);
    assert_in_range(sent, 300, 2000);                       /* half of 64 KiB in 96-byte frames, or the window of the memory bus */
    assert_int_equal(offer_once(pub, 1, 40), TP_BACK_PRESSURED);
    tpi_bus_claim_t claim;
    assert_int_equal(tpi_publication_claim(pub, 40, &claim), TP_BACK_PRESSURED);
    seen_t seen = { 0 };
    await_count(bench, idle, &seen, sent);                  /* nothing was lost ... */
    for (int i = 0; i < sent; i++) { assert_int_equal(seen.numbers[i], i); }
    AWAIT(bench, offer_once(pub, 2, 40) > 0);               /* ... and polling sets the publisher free */
}

static void an_untethered_subscription_that_stops_polling_blocks_nobody__A6(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub_on(bench, 0,
        CHANNEL "|untethered-window-limit-timeout=300ms|untethered-linger-timeout=300ms|untethered-resting-timeout=300ms");
    images_t images = { 0 };
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = bench->stream_id, .untethered = true, .on_image = on_image,
        .image_clientd = &images };
    tpi_subscription_t *const stopped = add_sub_with(bench, 1, &config);
    tpi_subscription_t *const reader = add_sub(bench, 2, NULL);
    AWAIT(bench, 1 == images.joined && tpi_subscription_is_connected(reader));
    seen_t seen = { 0 };
    const int total = 5000;                                 /* several terms: far beyond what the stopped one leaves room for */
    int sent = 0;
    AWAIT(bench, (sent += offer_once(pub, (uint64_t)sent, 40) > 0 ? 1 : 0) >= total ||
        (tpi_subscription_poll(reader, on_message, &seen, 64) >= 0 && sent >= total));
    await_count(bench, reader, &seen, total);
    AWAIT(bench, images.left >= 1);                         /* it was cut off, and is told */
    tpi_subscription_close(stopped);
}

static void every_message_gets_through_term_rotations__A2(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    AWAIT(bench, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    seen_t seen = { 0 };
    for (int sent = 0; sent < SEEN_MAX;)                    /* 96-byte frames in 64 KiB: a rotation each 682 messages */
    {
        tpi_bus_claim_t claim;
        const int64_t position = tpi_publication_claim(pub, 40, &claim);
        if (position >= 0)
        {
            fill(claim.data, claim.length, (uint64_t)sent++);
            tpi_bus_claim_commit(&claim);
        }
        else
        {
            assert_true(TP_ADMIN_ACTION == position || TP_BACK_PRESSURED == position);
            if (TP_BACK_PRESSURED == position) { turn(bench); }
        }
        assert_true(tpi_subscription_poll(sub, on_message, &seen, 10) >= 0);
    }
    await_count(bench, sub, &seen, SEEN_MAX);
    for (int i = 0; i < SEEN_MAX; i++) { assert_int_equal(seen.numbers[i], i); }
}

/* ---- images ---------------------------------------------------------------------------------------------------------------- */

static void images_join_and_leave(void **state)
{
    bench_t *const bench = *state;
    images_t images = { 0 };
    tpi_subscription_t *const sub = add_sub(bench, 1, &images);
    assert_false(tpi_subscription_is_connected(sub));
    tpi_publication_t *const pub = add_pub(bench, 0);
    const int32_t session_id = tpi_publication_session_id(pub);
    AWAIT(bench, 1 == images.joined);
    assert_int_equal(images.session_id, session_id);
    assert_int_equal(tpi_subscription_image_count(sub), 1);
    seen_t seen = { 0 };
    offer(bench, pub, 5, 16);
    tpi_publication_close(pub);
    await_count(bench, sub, &seen, 1);                      /* what was sent before the end still arrives */
    AWAIT(bench, 1 == images.left);
    assert_int_equal(images.session_id, session_id);
    assert_int_equal(tpi_subscription_image_count(sub), 0);
    assert_false(tpi_subscription_is_connected(sub));
}

static void join_time_is_when_the_image_came_not_when_a_message_came__A7_W_084_O_23(void **state)
{
    bench_t *const bench = *state;
    images_t images = { 0 };
    tpi_subscription_t *const sub = add_sub(bench, 1, &images);
    tpi_publication_t *const pub = add_pub(bench, 0);
    AWAIT(bench, 1 == images.joined);
    const int64_t joined_ns = images.joined_ns;
    const int64_t later_ns = joined_ns + 20 * TPI_NS_PER_MS;
    AWAIT(bench, bench->now_ns > later_ns);
    seen_t seen = { 0 };
    offer(bench, pub, 1, 16);
    await_count(bench, sub, &seen, 1);
    assert_int_equal(seen.last.joined_ns, joined_ns);
    images.joined = 0;
    tpi_publication_t *const second = add_pub(bench, 2);    /* a second image has a time of its own */
    AWAIT(bench, 1 == images.joined);
    assert_true(images.joined_ns > joined_ns);
    offer(bench, second, 2, 16);
    await_count(bench, sub, &seen, 2);
    assert_int_equal(seen.last.joined_ns, images.joined_ns);
    offer(bench, pub, 3, 16);
    await_count(bench, sub, &seen, 3);
    assert_int_equal(seen.last.joined_ns, joined_ns);
}

static void images_of_a_closed_bus_leave(void **state)
{
    bench_t *const bench = *state;
    images_t images = { 0 };
    (void)add_sub(bench, 1, &images);
    (void)add_pub(bench, 0);
    AWAIT(bench, 1 == images.joined);
    tpi_bus_close(bench->bus[0]);
    bench->bus[0] = NULL;
    AWAIT(bench, 1 == images.left);
}

/* ---- rules ----------------------------------------------------------------------------------------------------------------- */

typedef struct rules
{
    bench_t *bench;
    tpi_publication_t *pub;
    tpi_subscription_t *sub;
    int calls, allowed, published;
}
rules_t;

/* Counts what was allowed although it must not be: a failed assertion would jump out of the handler. */
static void break_the_rules(rules_t *rules)
{
    tpi_bus_t *const bus = rules->bench->bus[1];
    tpi_bus_async_t *async = NULL;
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = 1 };
    rules->allowed += -1 != tpi_bus_do_work(bus, rules->bench->now_ns) || TP_ESTATE != tp_errcode() ? 1 : 0;
    rules->allowed += -1 != tpi_bus_add_publication(bus, &async, CHANNEL, 1) || TP_ESTATE != tp_errcode() ? 1 : 0;
    rules->allowed += -1 != tpi_bus_add_subscription(bus, &async, &config) || TP_ESTATE != tp_errcode() ? 1 : 0;
    rules->allowed += -1 != tpi_bus_add_counter(bus, &async, 1, NULL, 0, "x") || TP_ESTATE != tp_errcode() ? 1 : 0;
    rules->calls++;
    if (0 != rules->allowed) { return; }
    tpi_subscription_close(rules->sub);
    tpi_publication_close(rules->pub);
    tpi_bus_close(bus);
}

static void on_message_rules(void *clientd, const tpi_message_t *message)
{
    rules_t *const rules = clientd;
    break_the_rules(rules);
    if (8 == message->length) { rules->published += offer_once(rules->pub, 9, 16) > 0 ? 1 : 0; }      /* this is allowed */
}

static void on_image_rules(void *clientd, int32_t session_id, bool available, int64_t now_ns)
{
    (void)session_id;
    (void)available;
    (void)now_ns;
    break_the_rules(clientd);
}

static void handlers_cannot_add_close_or_turn_the_bus__A4(void **state)
{
    bench_t *const bench = *state;
    rules_t rules = { .bench = bench };
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = bench->stream_id, .on_image = on_image_rules,
        .image_clientd = &rules };
    rules.sub = add_sub_with(bench, 1, &config);
    rules.pub = add_pub(bench, 1);
    AWAIT(bench, 1 == rules.calls);
    assert_int_equal(rules.allowed, 0);
    offer(bench, rules.pub, 1, 8);
    AWAIT(bench, tpi_subscription_poll(rules.sub, on_message_rules, &rules, 10) >= 0 && 3 == rules.calls);
    assert_int_equal(rules.allowed, 0);
    assert_int_equal(rules.published, 1);
    assert_false(tpi_bus_is_closed(bench->bus[1]));
    tpi_subscription_close(rules.sub);                      /* outside of the handler it works */
    tpi_publication_close(rules.pub);
}

static void arguments_are_checked(void **state)
{
    bench_t *const bench = *state;
    tpi_bus_async_t *async = NULL;
    char longest[1100];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(tpi_bus_add_publication(NULL, &async, CHANNEL, 1), -1);
    assert_int_equal(tpi_bus_add_publication(bench->bus[0], &async, NULL, 1), -1);
    assert_int_equal(tpi_bus_add_publication(bench->bus[0], &async, "", 1), -1);
    assert_int_equal(tpi_bus_add_publication(bench->bus[0], &async, longest, 1), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tpi_bus_add_subscription(bench->bus[0], &async, NULL), -1);
    assert_int_equal(tpi_bus_add_counter(bench->bus[0], &async, 1, longest, TPI_COUNTER_KEY_MAX + 1, "label"), -1);
    assert_int_equal(tpi_bus_add_counter(bench->bus[0], &async, 1, NULL, 1, "label"), -1);
    assert_int_equal(tpi_bus_add_counter(bench->bus[0], &async, 1, NULL, 0, longest), -1);
    assert_int_equal(tpi_bus_add_publication_poll(NULL, NULL), -1);
    assert_int_equal(tpi_bus_do_work(NULL, 0), -1);
    assert_true(tpi_bus_is_closed(NULL));
    assert_null(async);
    tpi_bus_close(NULL);
    tpi_publication_close(NULL);
    tpi_subscription_close(NULL);
    tpi_counter_close(NULL);
    tpi_bus_async_cancel(NULL);
    tpi_counter_set(NULL, 1);
    assert_int_equal(tpi_counter_get(NULL), 0);
}

static void an_addition_stays_pending_until_the_bus_worked_and_may_be_given_up(void **state)
{
    bench_t *const bench = *state;
    tpi_bus_async_t *pub_async = NULL;
    tpi_bus_async_t *sub_async = NULL;
    tpi_bus_async_t *counter_async = NULL;
    tpi_publication_t *pub = NULL;
    tpi_counter_t *counter = NULL;
    images_t images = { 0 };
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = bench->stream_id, .on_image = on_image, .image_clientd = &images };
    assert_int_equal(tpi_bus_add_publication(bench->bus[0], &pub_async, CHANNEL, bench->stream_id), 0);
    assert_int_equal(tpi_bus_add_publication_poll(pub_async, &pub), 0);
    assert_null(pub);
    assert_int_equal(tpi_bus_add_counter_poll(pub_async, &counter), -1);         /* of another kind: refused, still pending */
    tpi_bus_async_cancel(pub_async);
    assert_int_equal(tpi_bus_add_subscription(bench->bus[0], &sub_async, &config), 0);
    for (int i = 0; i < 20; i++) { turn(bench); }
    tpi_bus_async_cancel(sub_async);                                             /* by now it has been made */
    assert_int_equal(tpi_bus_add_counter(bench->bus[0], &counter_async, 4242, NULL, 0, "given up"), 0);
    tpi_bus_async_cancel(counter_async);
    tpi_publication_t *const other = add_pub(bench, 1);
    for (int i = 0; i < 20; i++) { turn(bench); }
    AWAIT(bench, !tpi_publication_is_connected(other));
    assert_int_equal(images.joined, 0);
    assert_int_equal(tpi_bus_add_publication(bench->bus[0], &pub_async, CHANNEL, bench->stream_id), 0);   /* left to the close of the bus */
}

static void another_term_length_on_the_same_stream_is_refused__A8_O_44(void **state)
{
    bench_t *const bench = *state;
    tpi_publication_t *const pub = add_pub(bench, 0);
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *other = NULL;
    static const char *const wrong = "aeron:ipc?term-length=128k";
    int result = tpi_bus_add_publication(bench->bus[1], &async, wrong, bench->stream_id);
    if (0 == result) { AWAIT(bench, 0 != (result = tpi_bus_add_publication_poll(async, &other))); }
    assert_int_equal(result, -1);
    assert_int_equal(tp_errcode(), TP_ECHANNEL);
    assert_non_null(strstr(tp_errmsg(), wrong));
    assert_non_null(strstr(tp_errmsg(), "131072"));
    assert_non_null(strstr(tp_errmsg(), "65536"));
    (void)add_pub_on(bench, 1, "aeron:ipc");                                    /* no explicit length: no clash */
    (void)add_pub_on(bench, 1, "aeron:ipc?term-length=64k|alias=same");
    (void)add_pub_on(bench, 1, "aeron:ipc?alias=x|term-length=65536");
    bench->stream_id = next_stream_id++;
    (void)add_pub_on(bench, 1, wrong);                                          /* another stream, another length */
    tpi_publication_close(pub);
}

/* ---- counters -------------------------------------------------------------------------------------------------------------- */

typedef struct wanted
{
    int32_t type_id;
    int found;
    int64_t value;
    char label[TPI_COUNTER_LABEL_MAX + 1];
    uint8_t key[TPI_COUNTER_KEY_MAX];
}
wanted_t;

static void on_counter(void *clientd, const tpi_counter_view_t *counter)
{
    wanted_t *const wanted = clientd;
    if (wanted->type_id != counter->type_id) { return; }
    wanted->found++;
    wanted->value = counter->value;
    (void)snprintf(wanted->label, sizeof(wanted->label), "%s", counter->label);
    memcpy(wanted->key, counter->key, counter->key_length < sizeof(wanted->key) ? counter->key_length : sizeof(wanted->key));
}

static void counters_are_seen_by_every_bus(void **state)
{
    bench_t *const bench = *state;
    tpi_bus_async_t *async = NULL;
    tpi_counter_t *counter = NULL;
    const int32_t type_id = 7000 + bench->stream_id;
    assert_int_equal(tpi_bus_add_counter(bench->bus[0], &async, type_id, "key!", 4, "frames of cam1"), 0);
    AWAIT(bench, 0 != tpi_bus_add_counter_poll(async, &counter));
    assert_non_null(counter);
    assert_int_equal(tpi_counter_get(counter), 0);
    tpi_counter_set(counter, INT64_C(-1234567890123));
    assert_int_equal(tpi_counter_get(counter), INT64_C(-1234567890123));
    wanted_t wanted = { .type_id = type_id };
    assert_true(tpi_bus_counters(bench->bus[1], on_counter, &wanted) > 0);
    assert_int_equal(wanted.found, 1);
    assert_int_equal(wanted.value, INT64_C(-1234567890123));
    assert_string_equal(wanted.label, "frames of cam1");
    assert_memory_equal(wanted.key, "key!", 4);
    tpi_counter_close(counter);
    AWAIT(bench, (wanted.found = 0, tpi_bus_counters(bench->bus[2], on_counter, &wanted)) >= 0 && 0 == wanted.found);
}

static void counter_keys_and_labels_reach_their_bounds(void **state)
{
    bench_t *const bench = *state;
    tpi_bus_async_t *async = NULL;
    tpi_counter_t *counter = NULL;
    char label[TPI_COUNTER_LABEL_MAX + 1];
    uint8_t key[TPI_COUNTER_KEY_MAX];
    memset(label, 'l', sizeof(label) - 1);
    label[sizeof(label) - 1] = '\0';
    memset(key, 'k', sizeof(key));
    const int32_t type_id = 7000 + bench->stream_id;
    assert_int_equal(tpi_bus_add_counter(bench->bus[0], &async, type_id, key, sizeof(key), label), 0);
    AWAIT(bench, 0 != tpi_bus_add_counter_poll(async, &counter));
    assert_non_null(counter);
    wanted_t wanted = { .type_id = type_id };
    assert_true(tpi_bus_counters(bench->bus[1], on_counter, &wanted) > 0);
    assert_string_equal(wanted.label, label);
    assert_memory_equal(wanted.key, key, sizeof(key));
}

static void objects_may_be_left_to_the_close_of_their_bus(void **state)
{
    bench_t *const bench = *state;
    tpi_bus_async_t *async = NULL;
    tpi_counter_t *counter = NULL;
    tpi_publication_t *const pub = add_pub(bench, 0);
    (void)add_sub(bench, 0, NULL);
    tpi_subscription_t *const sub = add_sub(bench, 1, NULL);
    assert_int_equal(tpi_bus_add_counter(bench->bus[0], &async, 1, NULL, 0, "left"), 0);
    AWAIT(bench, 0 != tpi_bus_add_counter_poll(async, &counter));
    AWAIT(bench, tpi_subscription_is_connected(sub));
    seen_t seen = { 0 };
    offer(bench, pub, 1, 4000);
    await_count(bench, sub, &seen, 1);
    assert_false(tpi_bus_is_closed(bench->bus[0]));
}

int tpi_bus_conformance_run(tpi_bus_fixture_t *under_test)
{
    fixture = under_test;
#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] =
    {
        BUS_TEST(messages_arrive_in_order_with_session_and_position__D_206),
        BUS_TEST(a_claim_is_sent_by_commit_and_forgotten_by_abort),
        BUS_TEST(a_prepared_message_is_sent_in_one_call),
        BUS_TEST(bounds_of_claim_and_offer_are_kept__A5),
        BUS_TEST(long_messages_are_fragmented_and_assembled__O_44),
        BUS_TEST(poll_hands_over_at_most_the_limit),
        BUS_TEST(a_look_finds_messages_and_takes_none),
        BUS_TEST(every_subscription_gets_every_message__A3),
        BUS_TEST(publications_of_one_client_have_sessions_of_their_own__D_206),
        BUS_TEST(streams_do_not_mix),
        BUS_TEST(without_a_subscriber_sends_are_not_connected__A5),
        BUS_TEST(one_subscription_that_nobody_polls_blocks_the_publisher__A1),
        BUS_TEST(an_untethered_subscription_that_stops_polling_blocks_nobody__A6),
        BUS_TEST(every_message_gets_through_term_rotations__A2),
        BUS_TEST(images_join_and_leave),
        BUS_TEST(join_time_is_when_the_image_came_not_when_a_message_came__A7_W_084_O_23),
        BUS_TEST(images_of_a_closed_bus_leave),
        BUS_TEST(handlers_cannot_add_close_or_turn_the_bus__A4),
        BUS_TEST(arguments_are_checked),
        BUS_TEST(an_addition_stays_pending_until_the_bus_worked_and_may_be_given_up),
        BUS_TEST(another_term_length_on_the_same_stream_is_refused__A8_O_44),
        BUS_TEST(counters_are_seen_by_every_bus),
        BUS_TEST(counter_keys_and_labels_reach_their_bounds),
        BUS_TEST(objects_may_be_left_to_the_close_of_their_bus),
    };
    return cmocka_run_group_tests_name(under_test->name, tests, NULL, NULL);
}

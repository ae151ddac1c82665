/* Maps, announces and requests of joins on the control stream: with an authority of ours, by hand, in time, late, never. */
#include "join_rig.h"

#include "codec/codec_join.h"

static const tp_merge_rule_t two[] = { S_OFFSET(0, 0), S_OFFSET(1, 0) };
static const tp_merge_rule_t crossed[] = { S_OFFSET(0, 0), S_OFFSET(1, -1) };

static void open_two(void)
{
    const tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    jr_open(2, false);
    jr_join(&o, 2);
    rig_forget_events();
}

static tp_join_authority_t *authority_of(const tp_merge_map_t *map)
{
    tp_join_authority_t *a = NULL;
    assert_int_equal(tp_join_authority_init(&a, jr.makers, 4, 8), 0);
    if (NULL != map) { assert_int_equal(tp_join_authority_set(a, map), 0); }
    jr_work();
    return a;
}

static tp_join_authority_stats_t stats_of(const tp_join_authority_t *a)
{
    tp_join_authority_stats_t s;
    assert_int_equal(tp_join_authority_stats(a, &s), 0);
    return s;
}

static int announces(void) { return rig_count(TPC_JOIN_SCHEMA, TPC_SEQUENCE_MAP_ANNOUNCE); }
static int requests(void) { return rig_count(TPC_JOIN_SCHEMA, TPC_SEQUENCE_MAP_REQUEST); }
static uint32_t map_state(void) { return jr_barrier_stats().map_state; }

static void publish_both(void)
{
    jr_publish_many(0, 1);
    jr_publish_many(1, 1);
}

/* Driver, producers, consumers and join are there, and nobody else: the driver keeps no maps. */
static void nobody_else_answers_a_request__J_099(void **state)
{
    (void)state;
    const tp_merge_map_t m = jr_map(two, 2);
    open_two();
    tp_join_authority_t *a = authority_of(&m);
    jr_step(100 * MS);
    assert_true(announces() > 0);
    tp_join_authority_close(a);
    rig_forget_events();
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH), 0);
    jr_step(5000 * MS);
    assert_int_equal(jr_poll(), 0);
    jr_work();
    assert_true(requests() >= 1);
    assert_int_equal(announces(), 0);
    assert_int_equal(map_state(), 0);
}

static void a_map_is_asked_for_with_pauses__J_098_J_090(void **state)
{
    static const int64_t after_ms[] = { 0, 1000, 3000, 7000, 15000, 25000 };
    (void)state;
    open_two();
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH), 0);
    int64_t at_ms = 0;
    for (int i = 0; i < 6; i++)
    {
        for (; at_ms < after_ms[i]; at_ms += 20)
        {
            assert_int_equal(requests(), i);
            jr_step(20 * MS);
            assert_int_equal(jr_poll(), 0);
            jr_work();
            assert_int_equal(jr_poll(), 0);
        }
        jr_work();
        assert_int_equal(jr_poll(), 0);
        assert_int_equal(requests(), i + 1);
    }
    tpc_sequence_map_request_t r;
    const rig_event_t *e = &rig->events[rig_find(TPC_JOIN_SCHEMA, TPC_SEQUENCE_MAP_REQUEST, 0)];
    assert_int_equal(tpc_sequence_map_request_decode(&r, e->data, e->length), TPC_OK);
    assert_int_equal(r.out_stream_id, OUT);
    assert_int_equal(r.epoch, EPOCH);
    assert_int_equal(jr_barrier_stats().requests, 6);
}

/* The map is decoded and handed over by the conductor; the join's thread takes it at its next call, between frames. */
static void a_late_map_comes_with_the_control_poll__J_009_J_097(void **state)
{
    (void)state;
    const tp_merge_map_t m = jr_map(two, 2);
    open_two();
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH), 0);
    publish_both();
    assert_int_equal(jr_poll(), 0);
    jr_step(2000 * MS);
    tp_join_authority_t *a = authority_of(&m);
    assert_int_equal(jr.client->barriers->map_count, 1);   /* delivered, not taken */
    assert_int_equal(map_state(), 0);
    publish_both();
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].out_seq, 1);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_NO_MAP], 2);
    tp_join_authority_close(a);
}

static void an_authority_repeats_and_answers__J_096_J_097(void **state)
{
    (void)state;
    const tp_merge_map_t m = jr_map(two, 2);
    open_two();
    tp_join_authority_t *a = authority_of(&m);
    assert_int_equal(announces(), 1);
    jr_step(2000 * MS);
    assert_int_equal(announces(), 3);
    jr_step(500 * MS);
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH), 0);
    jr_work();
    assert_int_equal(announces(), 4);
    publish_both();
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(stats_of(a).answered, 1);
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH + 1), 0);
    jr_work();
    assert_int_equal(stats_of(a).unknown, 1);
    assert_int_equal(announces(), 4);
    assert_int_equal(tp_join_authority_set_epoch(a, OUT, EPOCH + 1), 0);
    jr_step(100 * MS);
    assert_int_equal(announces(), 5);
    publish_both();
    assert_int_equal(jr_poll(), 1);
    tp_join_authority_close(a);
}

static void repeats_change_nothing__P13_J_115(void **state)
{
    (void)state;
    const tp_merge_map_t m = jr_map(two, 2);
    open_two();
    tp_join_authority_t *a = authority_of(NULL);
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH), 0);
    assert_int_equal(tp_join_authority_set(a, &m), 0);
    jr_work();
    jr_publish_many(0, 2);
    assert_int_equal(jr_poll(), 0);
    jr_step(3000 * MS);
    assert_int_equal(jr_poll(), 0);
    jr_publish_many(1, 2);
    assert_int_equal(jr_poll(), 2);                        /* what waited before the repeats is still there */
    assert_int_equal(jr_barrier_stats().maps_installed, 1);
    assert_true(jr_barrier_stats().maps_repeated >= 1);
    tp_merge_map_t other = jr_map(crossed, 2);
    other.epoch = EPOCH + 5;                               /* of another epoch: not ours */
    assert_int_equal(tp_join_authority_set(a, &other), 0);
    jr_step(200 * MS);
    publish_both();
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[2].seq[1][0], 2);
    assert_true(jr_barrier_stats().maps_other >= 1);
    tp_join_authority_close(a);
}

static void a_changed_map_takes_over_between_two_polls__J_039(void **state)
{
    (void)state;
    const tp_merge_map_t m = jr_map(two, 2);
    const tp_merge_map_t next = jr_map(crossed, 2);
    open_two();
    tp_join_authority_t *a = authority_of(NULL);
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH), 0);
    assert_int_equal(tp_join_authority_set(a, &m), 0);
    jr_work();
    publish_both();
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(tp_join_authority_set(a, &next), 0);
    jr_step(200 * MS);
    publish_both();
    publish_both();
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[1].seq[0][0], 2);
    assert_int_equal(jr.made[1].seq[1][0], 1);
    tp_join_authority_close(a);
}

/* Both come between two polls: the rules that are matched again are those of the good one, and nothing that waits is given up. */
static void a_good_map_and_a_bad_one_at_once_lose_nothing__J_018_J_116(void **state)
{
    static const tp_merge_rule_t turned[] = { S_OFFSET(1, 0), S_OFFSET(0, 0) };
    tpc_sequence_map_announce_t bad = { .out_stream_id = OUT, .epoch = EPOCH, .stale_timeout_ns = TP_NULL_U64 };
    uint8_t bytes[256];
    (void)state;
    const tp_merge_map_t m = jr_map(two, 2);
    const tp_merge_map_t next = jr_map(turned, 2);
    open_two();
    tp_join_authority_t *a = authority_of(NULL);
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH), 0);
    assert_int_equal(tp_join_authority_set(a, &m), 0);
    jr_work();
    publish_both();
    assert_int_equal(jr_poll(), 1);
    jr_step(200 * MS);
    assert_int_equal(tp_join_authority_set(a, &next), 0);
    jr_work();
    const int64_t length = tpc_sequence_map_announce_encode(bytes, sizeof(bytes), &bad);
    assert_true(length > 0);
    rig_send(bytes, (size_t)length);
    jr_work();
    jr_publish_many(0, 3);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(map_state(), 2);
    jr_step(1100 * MS);                                    /* the good one is repeated */
    jr_publish_many(1, 3);
    assert_int_equal(jr_poll(), 3);
    assert_int_equal(map_state(), 1);
    assert_int_equal(jr_stats().outputs_passed, 0);
    tp_join_authority_close(a);
}

static void an_authority_follows_its_producers(void **state)
{
    (void)state;
    tp_merge_map_t m = jr_map(two, 2);
    open_two();
    tp_join_authority_t *a = authority_of(&m);
    tp_producer_t *out = jr_producer(OUT, false);
    assert_int_equal(tp_join_authority_follow_producer(a, out), 0);
    assert_int_equal(tp_join_follow_producer(jr.join, out), 0);
    jr_step(1200 * MS);
    assert_int_equal(jr_poll(), 0);
    jr_work();
    jr_step(200 * MS);
    publish_both();
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr_barrier_stats().epoch, tpi_producer_epoch(out));
    assert_int_equal(tp_join_authority_drop(a, OUT), 0);
    rig_forget_events();
    jr_step(2000 * MS);
    assert_int_equal(announces(), 0);
    tp_join_authority_close(a);
    tp_producer_close(out);
}

static void an_authority_forgets_a_producer_that_is_closed(void **state)
{
    (void)state;
    tp_merge_map_t m = jr_map(two, 2);
    tp_join_authority_t *a = authority_of(&m);
    tp_producer_t *out = jr_producer(OUT, false);
    assert_int_equal(tp_join_authority_follow_producer(a, out), 0);
    tp_producer_close(out);
    assert_int_equal(a->producer_count, 0);
    jr_step(1200 * MS);
    tp_join_authority_close(a);
}

static void refused_announces_are_tried_again(void **state)
{
    (void)state;
    const tp_merge_map_t m = jr_map(two, 2);
    open_two();
    tp_join_authority_t *a = authority_of(NULL);
    jr_step(20 * MS);
    tpi_mem_network_fault(rig->network, RIG_CONTROL, TPI_MEM_BACK_PRESSURE, 1);
    assert_int_equal(tp_join_authority_set(a, &m), 0);
    jr_work();
    assert_int_equal(announces(), 1);
    assert_true(stats_of(a).refused <= 1);
    tp_join_authority_close(a);
}

static void maps_of_other_kinds_and_broken_ones_are_counted__J_113(void **state)
{
    static const tp_merge_rule_t timed[] = { T_OFFSET(0, TP_TIME_CAPTURED, 0) };
    uint8_t bytes[64] = { 20, 0, 1, 0, 0x87, 3, 1, 0 };
    (void)state;
    tp_merge_map_t m = jr_map(timed, 1);
    m.kind = TP_MERGE_TIMESTAMP;
    m.clock_domain = TP_CLOCK_MONOTONIC;
    open_two();
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH), 0);
    tp_join_authority_t *a = authority_of(&m);
    jr_work();
    rig_send(bytes, 28);                                   /* without a rules group (O-21) */
    jr_work();
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_barrier_stats().maps_other, 1);
    assert_int_equal(jr_barrier_stats().maps_malformed, 1);
    assert_int_equal(map_state(), 0);
    tp_join_authority_close(a);
}

/* Barriers without consumers: what the application observes, and maps from the control stream. */
static void a_barrier_alone_follows_the_control_stream__J_114(void **state)
{
    static const tp_merge_rule_t timed[] = { T_OFFSET(0, TP_TIME_PUBLISHED, 0) };
    tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    tp_join_barrier_t *b = NULL;
    tp_join_result_t r;
    tp_merge_map_t m = jr_map(timed, 1);
    tp_merge_map_t in_force;
    (void)state;
    m.kind = TP_MERGE_TIMESTAMP;
    m.clock_domain = TP_CLOCK_MONOTONIC;
    jr.producers[0] = jr_producer(IN, true);
    assert_int_equal(tp_join_barrier_init(&b, jr.client, &o), 0);
    assert_int_equal(tp_join_barrier_set_epoch(b, EPOCH), 0);
    tp_join_authority_t *a = authority_of(&m);
    const uint64_t epoch = tpi_producer_epoch(jr.producers[0]);
    assert_int_equal(tp_join_barrier_is_ready_timestamp(b, 100, TP_CLOCK_MONOTONIC, rig->now_ns, &r), TP_JOIN_NOT_READY);
    tp_join_barrier_observed(b, IN, epoch, 0, 200, rig->now_ns);
    assert_int_equal(tp_join_barrier_is_ready_timestamp(b, 100, TP_CLOCK_MONOTONIC, rig->now_ns, &r), TP_JOIN_NOT_READY);
    assert_int_equal(r.reason, TP_JOIN_MISSING);           /* its clock is not known */
    jr_step(1200 * MS);                                    /* an announce comes */
    assert_int_equal(tp_join_barrier_is_ready_timestamp(b, 100, TP_CLOCK_MONOTONIC, rig->now_ns, &r), TP_JOIN_READY);
    assert_int_equal(tp_join_barrier_map(b, &in_force), 1);
    assert_int_equal(in_force.rule_count, 1);
    assert_int_equal(in_force.rules[0].source, TP_TIME_PUBLISHED);
    assert_int_equal(tp_join_barrier_is_ready_timestamp(b, 100, TP_CLOCK_REALTIME_SYNCED, rig->now_ns, &r), TP_JOIN_REJECTED);
    assert_int_equal(tp_join_barrier_is_ready_sequence(b, 1, rig->now_ns, &r), TP_JOIN_REJECTED);
    uint64_t first = 0;
    uint64_t last = 0;
    assert_int_equal(tp_join_barrier_need(b, 0, 100, &first, &last), 1);
    assert_int_equal(first, 100);
    assert_int_equal(tp_join_barrier_need(b, 1, 100, &first, &last), 0);
    tp_join_barrier_close(b);
    tp_join_authority_close(a);
}

static void a_join_survives_its_client(void **state)
{
    (void)state;
    const tp_merge_map_t m = jr_map(two, 2);
    open_two();
    tp_join_authority_t *a = authority_of(&m);
    tp_client_close(jr.client);
    tp_client_close(jr.makers);
    assert_int_equal(tp_join_poll(jr.join, 1), TP_CLOSED);
    assert_int_equal(tp_join_wait(jr.join, 1, 0), TP_CLOSED);
    assert_int_equal(tp_join_authority_set(a, &m), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    tp_join_authority_close(a);
    tp_join_close(jr.join);
    jr.join = NULL;
    jr.client = jr_client();
    jr.makers = jr_client();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JR_TEST(nobody_else_answers_a_request__J_099), JR_TEST(a_map_is_asked_for_with_pauses__J_098_J_090),
        JR_TEST(a_late_map_comes_with_the_control_poll__J_009_J_097), JR_TEST(an_authority_repeats_and_answers__J_096_J_097),
        JR_TEST(repeats_change_nothing__P13_J_115), JR_TEST(a_changed_map_takes_over_between_two_polls__J_039),
        JR_TEST(a_good_map_and_a_bad_one_at_once_lose_nothing__J_018_J_116), JR_TEST(an_authority_follows_its_producers),
        JR_TEST(an_authority_forgets_a_producer_that_is_closed),
        JR_TEST(refused_announces_are_tried_again),
        JR_TEST(maps_of_other_kinds_and_broken_ones_are_counted__J_113), JR_TEST(a_barrier_alone_follows_the_control_stream__J_114),
        JR_TEST(a_join_survives_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * A driver, producers of several streams, and a join of their consumers, all on one in-memory bus with a stepped clock. The inputs are streams IN + 0
 * .. 2, the output stream OUT. Included once a program, after the rig of the driver.
 */
#ifndef TP_TESTS_JOIN_RIG_H
#define TP_TESTS_JOIN_RIG_H

#include "driver_rig.h"

#include "client/join_state.h"
#include "client/producer_state.h"
#include "common/clock.h"

#include <tensor_pool/tp.h>

#define IN 20000u
#define OUT 20100u
#define EPOCH 7u
#define NSLOTS 8u

typedef struct made
{
    uint64_t out_seq, out_time, skew;
    uint32_t inputs, absent, views;
    uint64_t seq[8][4];
    uint32_t count[8], state[8], lost[8];
    bool valid;
}
made_t;

typedef struct jr
{
    tp_client_t *makers;               /* the client of all producers */
    tp_client_t *client;               /* of the join */
    tp_producer_t *producers[3];
    tp_consumer_t *consumers[3];
    tp_tensor_template_t *tensor;
    tp_join_t *join;
    int made_count;
    made_t made[256];
    void (*during)(const tp_joined_t *joined);
}
jr_t;
static jr_t jr;

static inline void jr_work(void)
{
    for (int i = 0; i < 6; i++)
    {
        if (NULL != rig->driver) { rig_settle(); }
        assert_true(tpi_client_do_work_at(jr.makers, rig->now_ns) >= 0);
        assert_true(tpi_client_do_work_at(jr.client, rig->now_ns) >= 0);
    }
}

static inline void jr_step(int64_t ns)
{
    for (int64_t left = ns; left > 0; left -= 20 * MS)
    {
        rig_step(left < 20 * MS ? left : 20 * MS);
        jr_work();
    }
}

static inline tp_client_t *jr_client(void)
{
    tp_context_t *context = NULL;
    tpi_bus_t *bus = NULL;
    tp_client_t *client = NULL;
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_add_allowed_base_dir(context, rig->base), 0);
    assert_int_equal(tpi_bus_mem_open(&bus, rig->network), 0);
    assert_int_equal(tpi_client_create_on_bus(&client, context, bus), 0);
    tp_context_close(context);
    return client;
}

static inline tp_producer_t *jr_producer(uint32_t stream_id, bool publish_time)
{
    tp_producer_context_t *context = NULL;
    tp_producer_t *producer = NULL;
    assert_int_equal(tp_producer_context_init(&context), 0);
    assert_int_equal(tp_producer_context_set_stream_id(context, stream_id), 0);
    assert_int_equal(tp_producer_context_set_attach_timeout_ns(context, 0), 0);
    assert_int_equal(tp_producer_context_set_publish_time(context, publish_time), 0);
    assert_int_equal(tp_producer_init(&producer, jr.makers, context), 0);
    tp_producer_context_close(context);
    jr_step(40 * MS);
    return producer;
}

static inline tp_consumer_t *jr_consumer(uint32_t stream_id)
{
    tp_consumer_context_t *context = NULL;
    tp_consumer_t *consumer = NULL;
    assert_int_equal(tp_consumer_context_init(&context), 0);
    assert_int_equal(tp_consumer_context_set_stream_id(context, stream_id), 0);
    assert_int_equal(tp_consumer_context_set_attach_timeout_ns(context, 0), 0);
    assert_int_equal(tp_consumer_init(&consumer, jr.client, context), 0);
    tp_consumer_context_close(context);
    return consumer;
}

static inline int jr_setup(void **state)
{
    static const int32_t dims[] = { 4, 4 };
    if (0 != rig_setup(state)) { return -1; }
    rig->now_ns = tpi_clock_monotonic_ns() + 1000000 * MS;  /* claims compare their deadline with the real clock: leases hold */
    memset(&jr, 0, sizeof(jr));
    assert_non_null(tp_driver_config_add_stream(&rig->config, "in0", IN, "p"));
    assert_non_null(tp_driver_config_add_stream(&rig->config, "in1", IN + 1, "p"));
    assert_non_null(tp_driver_config_add_stream(&rig->config, "in2", IN + 2, "p"));
    assert_non_null(tp_driver_config_add_stream(&rig->config, "out", OUT, "p"));
    rig_start();
    jr.makers = jr_client();
    jr.client = jr_client();
    assert_int_equal(tp_tensor_template_init(&jr.tensor, TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, dims), 0);
    jr_step(100 * MS);
    return 0;
}

static inline int jr_teardown(void **state)
{
    tp_join_close(jr.join);
    tp_client_close(jr.client);
    tp_client_close(jr.makers);
    tp_tensor_template_close(jr.tensor);
    return rig_teardown(state);
}

static inline void jr_open(uint32_t inputs, bool publish_time)
{
    for (uint32_t i = 0; i < inputs; i++) { jr.producers[i] = jr_producer(IN + i, publish_time); }
    for (uint32_t i = 0; i < inputs; i++) { jr.consumers[i] = jr_consumer(IN + i); }
    jr_step(1100 * MS);
    for (uint32_t i = 0; i < inputs; i++) { assert_true(tp_consumer_is_mapped(jr.consumers[i])); }
}

static inline void jr_on_joined(void *clientd, const tp_joined_t *joined)
{
    assert_ptr_equal(clientd, &jr);
    made_t *m = &jr.made[jr.made_count % 256];
    jr.made_count++;
    *m = (made_t){ .out_seq = joined->out_seq, .out_time = joined->out_time_ns, .skew = joined->skew_ns, .inputs = joined->input_count,
        .absent = joined->absent_count, .views = joined->view_count };
    for (uint32_t i = 0; i < joined->input_count && i < 8; i++)
    {
        const tp_joined_input_t *in = &joined->inputs[i];
        m->count[i] = in->view_count;
        m->state[i] = in->state;
        m->lost[i] = in->lost_count;
        for (uint32_t k = 0; k < in->view_count && k < 4; k++)
        {
            m->seq[i][k] = in->views[k].seq;
            assert_int_equal(in->views[k].stream_id, in->stream_id);
            assert_int_equal(*(const uint16_t *)in->views[k].payload, (uint16_t)in->views[k].seq);
            assert_int_equal(in->views[k].tensor->dims[1], 4);
        }
    }
    if (NULL != jr.during) { jr.during(joined); }
    m->valid = tp_joined_is_valid(joined);
}

static inline void jr_join(const tp_join_options_t *options, uint32_t inputs)
{
    if (0 != tp_join_init(&jr.join, jr.client, options, jr.consumers, inputs)) { fail_msg("%s", tp_errmsg()); }
    assert_int_equal(tp_join_set_handler(jr.join, jr_on_joined, &jr), 0);
}

static inline tp_join_options_t jr_options(uint32_t kind)
{
    tp_join_options_t o = TP_JOIN_OPTIONS_INIT;
    o.kind = kind;
    o.out_stream_id = OUT;
    return o;
}

static inline tp_merge_map_t jr_map(const tp_merge_rule_t *rules, uint32_t count)
{
    tp_merge_map_t m = TP_MERGE_MAP_INIT;
    m.out_stream_id = OUT;
    m.epoch = EPOCH;
    m.rules = rules;
    m.rule_count = count;
    return m;
}

static inline void jr_apply(const tp_merge_map_t *map)
{
    if (1 != tp_join_barrier_apply_map(tp_join_barrier(jr.join), map)) { fail_msg("%s", tp_errmsg()); }
}

/* Producers, consumers and a join of that many inputs, with the map in force. */
static inline void jr_start(const tp_join_options_t *options, const tp_merge_map_t *map, uint32_t inputs, bool publish_time)
{
    jr_open(inputs, publish_time);
    jr_join(options, inputs);
    jr_apply(map);
}

/* A sequence join with one input a rule and options as they are by default. */
static inline void jr_start_sequence(const tp_merge_rule_t *rules, uint32_t count)
{
    const tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    const tp_merge_map_t m = jr_map(rules, count);
    jr_start(&o, &m, count, false);
}

/* One frame of 16 bytes that hold the low bytes of its seq; seq. */
static inline uint64_t jr_publish_at(uint32_t input, uint64_t timestamp_ns)
{
    tp_buffer_claim_t claim;
    const int64_t rc = tp_producer_try_claim(jr.producers[input], jr.tensor, &claim);
    if (rc < 0) { fail_msg("%s", tp_result_name((int)rc)); }
    for (int i = 0; i < 16; i++) { ((uint16_t *)claim.payload)[i] = (uint16_t)claim.seq; }
    claim.timestamp_ns = timestamp_ns;
    const uint64_t seq = claim.seq;
    assert_true(tp_producer_commit_claim(jr.producers[input], &claim, NULL) >= 0);
    return seq;
}

static inline uint64_t jr_publish(uint32_t input) { return jr_publish_at(input, (uint64_t)rig->now_ns); }
static inline void jr_publish_many(uint32_t input, int count) { while (count-- > 0) { (void)jr_publish(input); } }

static inline tp_join_stats_t jr_stats(void)
{
    tp_join_stats_t s;
    assert_int_equal(tp_join_stats(jr.join, &s), 0);
    uint64_t sum = s.joined + s.waiting;
    for (int i = 0; i < TP_UNJOINED_REASONS; i++) { sum += s.unjoined[i]; }
    assert_int_equal(s.frames, sum);                       /* the ledger, at every look */
    for (uint32_t n = 0; n < s.input_count; n++)
    {
        tp_join_input_stats_t in;
        assert_int_equal(tp_join_input_stats(jr.join, n, &in), 0);
        sum = in.joined + in.waiting;
        for (int i = 0; i < TP_UNJOINED_REASONS; i++) { sum += in.unjoined[i]; }
        assert_int_equal(in.frames, sum);
    }
    return s;
}

static inline int jr_poll(void)
{
    const int made = tp_join_poll(jr.join, 64);
    (void)jr_stats();
    return made;
}

static inline tp_join_barrier_stats_t jr_barrier_stats(void)
{
    tp_join_barrier_stats_t s;
    assert_int_equal(tp_join_barrier_stats(tp_join_barrier(jr.join), &s), 0);
    return s;
}

#define JR_TEST(name) cmocka_unit_test_setup_teardown(name, jr_setup, jr_teardown)
#define S_OFFSET(n, by) { .input_stream_id = IN + (n), .type = TP_MERGE_OFFSET, .offset = (by) }
#define S_WINDOW(n, of) { .input_stream_id = IN + (n), .type = TP_MERGE_WINDOW, .window = (of) }
#define T_OFFSET(n, from, by) { .input_stream_id = IN + (n), .type = TP_MERGE_OFFSET, .source = (from), .offset = (by) }
#define T_WINDOW(n, from, of) { .input_stream_id = IN + (n), .type = TP_MERGE_WINDOW, .source = (from), .window = (of) }

#endif

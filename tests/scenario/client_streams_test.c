/* Private streams: what a producer grants, serves, thins out, takes back and closes. The consumers are played by hand. */
#include "client_rig.h"

#include "client/producer_state.h"

#define IPC "aeron:ipc"

typedef struct ear { tpi_subscription_t *sub; uint64_t messages; uint64_t others; tpc_frame_descriptor_t last; uint64_t first_seq; } ear_t;

static void add_ear(ear_t *ear, int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    const tpi_subscription_config_t config = { .channel = IPC, .stream_id = stream_id, .untethered = true };
    memset(ear, 0, sizeof(*ear));
    assert_int_equal(tpi_bus_add_subscription(cr->bus, &async, &config), 0);
    while (0 == tpi_bus_add_subscription_poll(async, &ear->sub)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    assert_non_null(ear->sub);
}

static void on_heard(void *clientd, const tpi_message_t *message)
{
    ear_t *ear = clientd;
    tpc_header_t h = { 0, 0, 0, 0 };
    assert_int_equal(tpc_header_decode(&h, message->data, message->length), TPC_OK);
    if (TPC_FRAME_DESCRIPTOR != h.template_id) { ear->others++; return; }
    assert_int_equal(tpc_frame_descriptor_decode(&ear->last, message->data, message->length), TPC_OK);
    if (0 == ear->messages++) { ear->first_seq = ear->last.seq; }
}

static uint64_t hear(ear_t *ear)
{
    (void)tpi_bus_do_work(cr->bus, cr->now_ns);
    while (tpi_subscription_poll(ear->sub, on_heard, ear, 256) > 0) { }
    return ear->messages;
}

static bool is_served(ear_t *ear)
{
    (void)hear(ear);
    return tpi_subscription_image_count(ear->sub) > 0;
}

static tpc_consumer_hello_t hello_of(uint32_t id)
{
    tpc_consumer_hello_t hello = TPC_CONSUMER_HELLO_INIT;
    hello.stream_id = CR_STREAM;
    hello.consumer_id = id;
    hello.supports_shm = 1;
    hello.expected_layout_version = 1;
    return hello;
}

static tpc_consumer_hello_t asking(uint32_t id, uint32_t descriptor_id, uint32_t control_id)
{
    tpc_consumer_hello_t hello = hello_of(id);
    hello.descriptor_stream_id = descriptor_id;
    hello.descriptor_channel = tpc_bytes(0 == descriptor_id ? "" : IPC);
    hello.control_stream_id = control_id;
    hello.control_channel = tpc_bytes(0 == control_id ? "" : IPC);
    return hello;
}

static void say(const tpc_consumer_hello_t *hello)
{
    uint8_t buffer[4096];
    const int64_t n = tpc_consumer_hello_encode(buffer, sizeof(buffer), hello);
    assert_true(n > 0 && tpi_publication_offer(cr->pub, buffer, (size_t)n) > 0);
    cr_settle();
}

static void report(uint32_t id)
{
    uint8_t buffer[64];
    tpc_qos_consumer_t qos = TPC_QOS_CONSUMER_INIT;
    qos.stream_id = CR_STREAM;
    qos.consumer_id = id;
    const int64_t n = tpc_qos_consumer_encode(buffer, sizeof(buffer), &qos);
    assert_true(n > 0 && tpi_publication_offer(cr->qos_pub, buffer, (size_t)n) > 0);
    cr_settle();
}

static tp_producer_t *producer_that(int answers)
{
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_answer_hello(context, answers), 0);
    return cr_producer_with(context);
}

static void publish(tp_producer_t *producer, int frames, int64_t step_ns)
{
    for (int i = 0; i < frames; i++)
    {
        assert_true(cr_publish(producer, (uint16_t)i) >= 0);
        if (step_ns > 0) { cr_step(step_ns); }
    }
    cr_settle();
}

static tp_producer_stats_t stats_of(const tp_producer_t *producer)
{
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    return stats;
}

/* ---- granting ----------------------------------------------------------------------------------------------------------- */

static void granted_streams_are_named_and_carry_their_kind_only__W_130_W_137_W_140_S_046_S_029(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    ear_t descriptors;
    ear_t control;
    add_ear(&descriptors, 31005);
    add_ear(&control, 32005);
    const tpc_consumer_hello_t hello = asking(7, 31005, 32005);
    say(&hello);
    assert_int_equal(cr->config.consumer_id, 7);
    assert_int_equal(cr->config.stream_id, CR_STREAM);
    assert_int_equal(cr->config.use_shm, 1);
    assert_int_equal(cr->config.mode, TP_MODE_STREAM);
    assert_int_equal(cr->config.descriptor_stream_id, 31005);
    assert_int_equal(cr->config.control_stream_id, 32005);
    assert_int_equal(cr->config.descriptor_channel.length, strlen(IPC));
    assert_int_equal(cr->config.control_channel.length, strlen(IPC));
    assert_true(is_served(&descriptors) && is_served(&control));
    const uint64_t shared = cr->descriptors;
    publish(producer, 5, 0);
    assert_int_equal(hear(&descriptors), 5);
    assert_int_equal(descriptors.last.seq, 4);
    assert_int_equal(descriptors.last.epoch, cr->epoch);
    assert_int_equal(cr->descriptors - shared, 5);                           /* all the others get every one as well */
    assert_int_equal(hear(&control), 0);
    assert_int_equal(descriptors.others + control.others, 0);
    assert_int_equal(stats_of(producer).private_sent, 5);
    const uint64_t configs = cr->configs;
    say(&hello);                                                             /* the same again, and the same answer */
    assert_int_equal(cr->configs, configs + 1);
    assert_int_equal(cr->config.descriptor_stream_id, 31005);
    assert_int_equal(producer->streams.link_count, 2);
    tp_producer_close(producer);
    assert_false(is_served(&descriptors) || is_served(&control));
}

static void what_cannot_be_granted_is_declined__W_141_W_142_W_143_W_145_W_146_W_148(void **state)
{
    (void)state;
    static const struct { const char *descriptor; uint32_t descriptor_id; const char *control; uint32_t control_id; } bad[] = {
        { "foo:bar", 31000, "", 0 }, { "", 31000, "", 0 }, { IPC, 0, "", 0 }, { " ", 31000, "", 0 },
        { "", 0, "foo:bar", 32000 }, { "", 0, "", 32000 }, { "", 0, IPC, 0 }, { IPC, 0x80000000u, IPC, TP_NULL_U32 },
    };
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        tpc_consumer_hello_t hello = hello_of(i + 1);
        hello.descriptor_channel = tpc_bytes(bad[i].descriptor);
        hello.descriptor_stream_id = bad[i].descriptor_id;
        hello.control_channel = tpc_bytes(bad[i].control);
        hello.control_stream_id = bad[i].control_id;
        say(&hello);
        assert_int_equal(cr->configs, i + 1);
        assert_int_equal(cr->config.consumer_id, i + 1);
        assert_int_equal(cr->config.use_shm, 1);
        assert_int_equal(cr->config.descriptor_stream_id, 0);
        assert_int_equal(cr->config.descriptor_channel.length, 0);
        assert_int_equal(cr->config.control_stream_id, 0);
        assert_int_equal(cr->config.control_channel.length, 0);
        assert_null(producer->streams.links);
        cr_step(20 * MS);
        assert_int_equal(tp_producer_consumer_count(producer), i + 1);
    }
    tp_producer_close(producer);
}

static void one_kind_may_be_granted_and_the_other_declined__W_142_W_190(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_answer_hello(context, TP_ANSWER_HELLO_ALWAYS), 0);
    assert_int_equal(tp_producer_context_set_private_control_range(context, 0, 0), 0);
    tp_producer_t *producer = cr_producer_with(context);
    const tpc_consumer_hello_t hello = asking(7, 31005, 32005);
    say(&hello);
    assert_int_equal(cr->config.descriptor_stream_id, 31005);
    assert_int_equal(cr->config.control_stream_id, 0);
    assert_int_equal(cr->config.control_channel.length, 0);
    tp_producer_close(producer);
}

static void ids_are_owned_and_kept_in_their_range__P8(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_answer_hello(context, TP_ANSWER_HELLO_ALWAYS), 0);
    assert_int_equal(tp_producer_context_set_private_descriptor_range(context, 1099, 1102), 0);
    tp_producer_t *producer = cr_producer_with(context);
    static const uint32_t wished[] = { 1101, 1101, 5, CR_DESCRIPTOR };
    static const uint32_t granted[] = { 1101, 1099, 1102, 0 };               /* 1100 is the shared stream */
    for (uint32_t i = 0; i < 4; i++)
    {
        const tpc_consumer_hello_t hello = asking(i + 1, wished[i], 0);
        say(&hello);
        assert_int_equal(cr->config.consumer_id, i + 1);
        assert_int_equal(cr->config.descriptor_stream_id, granted[i]);
    }
    const tpc_consumer_hello_t again = asking(2, 1101, 0);
    say(&again);
    assert_int_equal(cr->config.descriptor_stream_id, 1099);
    tp_producer_close(producer);
}

static void links_are_bounded__P11(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    for (uint32_t i = 1; i <= TPI_PRIVATE_LINKS_MAX + 1; i++)
    {
        const tpc_consumer_hello_t hello = asking(i, 31000 + i, 0);
        say(&hello);
        assert_int_equal(cr->config.descriptor_stream_id, i <= TPI_PRIVATE_LINKS_MAX ? 31000 + i : 0);
    }
    tp_producer_close(producer);
}

static void channel_that_the_bus_refuses_is_declined__A8(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *other = NULL;
    assert_int_equal(tpi_bus_add_publication(cr->bus, &async, "aeron:ipc?term-length=64k", 31000), 0);
    while (0 == tpi_bus_add_publication_poll(async, &other)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    tpc_consumer_hello_t hello = asking(7, 31000, 32000);
    hello.descriptor_channel = tpc_bytes("aeron:ipc?term-length=128k");
    say(&hello);
    assert_int_equal(cr->config.consumer_id, 7);
    assert_int_equal(cr->config.descriptor_stream_id, 0);
    assert_int_equal(cr->config.descriptor_channel.length, 0);
    assert_int_equal(cr->config.control_stream_id, 32000);
    assert_int_equal(producer->streams.link_count, 1);
    tp_producer_close(producer);
    tpi_publication_close(other);
}

static void consumers_without_shared_memory_are_told_where_to_go__W_153_O_31(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_payload_fallback_uri(context, "http://x"), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_producer_context_set_payload_fallback_uri(context, "bridge://7"), 0);
    assert_int_equal(tp_producer_context_set_answer_hello(context, TP_ANSWER_HELLO_ALWAYS), 0);
    tp_producer_t *producer = cr_producer_with(context);
    tpc_consumer_hello_t hello = hello_of(7);
    say(&hello);
    assert_int_equal(cr->configs, 0);                                        /* nothing asked, nothing to answer */
    hello.supports_shm = 0;
    say(&hello);
    assert_int_equal(cr->configs, 1);
    assert_int_equal(cr->config.use_shm, 0);
    assert_int_equal(cr->config.payload_fallback_uri.length, 10);
    hello.supports_shm = 1;
    hello.expected_layout_version = 2;
    say(&hello);
    assert_int_equal(cr->configs, 2);
    assert_int_equal(cr->config.use_shm, 0);
    tp_producer_close(producer);
}

/* ---- rates -------------------------------------------------------------------------------------------------------------- */

static void private_stream_is_capped_in_rate_limited_mode_only__W_134_W_135_W_192_O_26_S_035_S_037_S_051(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    ear_t ear;
    add_ear(&ear, 31000);
    tpc_consumer_hello_t hello = asking(7, 31000, 0);
    hello.mode = TP_MODE_RATE_LIMITED;
    hello.max_rate_hz = 10;
    say(&hello);
    assert_int_equal(cr->config.mode, TP_MODE_RATE_LIMITED);
    assert_true(is_served(&ear));
    uint64_t shared = cr->descriptors;
    publish(producer, 100, 10 * MS);
    assert_in_range(hear(&ear), 9, 11);
    assert_int_equal(cr->descriptors - shared, 100);
    assert_int_equal(stats_of(producer).private_thinned, 100 - ear.messages);
    hello.mode = TP_MODE_STREAM;                                             /* another hello, another mode: all of them */
    say(&hello);
    assert_int_equal(cr->config.mode, TP_MODE_STREAM);
    ear.messages = 0;
    publish(producer, 100, 10 * MS);
    assert_int_equal(hear(&ear), 100);
    hello = hello_of(8);                                                     /* on the shared stream a rate changes nothing */
    hello.mode = TP_MODE_RATE_LIMITED;
    hello.max_rate_hz = 10;
    say(&hello);
    shared = cr->descriptors;
    publish(producer, 100, 10 * MS);
    assert_int_equal(cr->descriptors - shared, 100);
    tp_producer_close(producer);
}

static void rate_may_be_imposed_and_changed__W_155_W_134(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_AUTO);
    ear_t ear;
    add_ear(&ear, 31000);
    tpc_consumer_hello_t hello = asking(7, 31000, 0);
    hello.max_rate_hz = 20;
    say(&hello);
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = 7;
    config.mode = TP_MODE_RATE_LIMITED;
    config.descriptor_stream_id = 31000;
    config.descriptor_channel = tpc_bytes(IPC);
    cr_send_config(&config);
    cr_settle();
    assert_true(is_served(&ear));
    publish(producer, 100, 10 * MS);
    assert_in_range(hear(&ear), 19, 21);
    hello.max_rate_hz = 50;
    say(&hello);
    ear.messages = 0;
    publish(producer, 100, 10 * MS);
    assert_in_range(hear(&ear), 49, 51);
    tp_producer_close(producer);
}

/* ---- the end of a consumer ---------------------------------------------------------------------------------------------- */

static void silent_consumer_loses_both_streams_after_5_intervals__W_132_W_133_W_152_S_032_S_047(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    ear_t descriptors;
    ear_t control;
    add_ear(&descriptors, 31000);
    add_ear(&control, 32000);
    const tpc_consumer_hello_t hello = asking(7, 31000, 32000);
    say(&hello);
    publish(producer, 1, 0);                                                 /* the producer's thread has used it, and then falls silent itself */
    for (int i = 0; i < 12; i++)
    {
        report(7);                                                           /* QoS alone is enough */
        cr_step(1000 * MS);
    }
    assert_true(is_served(&descriptors) && is_served(&control));
    cr_step(3900 * MS);
    assert_true(is_served(&descriptors) && is_served(&control));
    cr_step(300 * MS);
    assert_false(is_served(&descriptors));
    assert_false(is_served(&control));
    assert_null(producer->streams.links);
    assert_null(producer->streams.retired);
    publish(producer, 1, 0);
    assert_int_equal(hear(&descriptors), 1);
    say(&hello);                                                             /* it comes back */
    assert_true(is_served(&descriptors) && is_served(&control));
    tp_producer_close(producer);
}

static void staleness_is_configurable__W_133(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_consumer_staleness(context, 2, 100 * MS), -1);
    assert_int_equal(tp_producer_context_set_consumer_staleness(context, 6, 100 * MS), -1);
    assert_int_equal(tp_producer_context_set_consumer_staleness(context, 3, 0), -1);
    assert_int_equal(tp_producer_context_set_consumer_staleness(context, 3, 100 * MS), 0);
    assert_int_equal(tp_producer_context_set_answer_hello(context, TP_ANSWER_HELLO_ALWAYS), 0);
    tp_producer_t *producer = cr_producer_with(context);
    const tpc_consumer_hello_t hello = asking(7, 31000, 0);
    say(&hello);
    cr_step(280 * MS);
    assert_int_equal(producer->streams.link_count, 1);
    cr_step(60 * MS);
    assert_int_equal(producer->streams.link_count, 0);
    tp_producer_close(producer);
}

static void consumer_that_leaves_loses_both_streams_at_once__W_132_W_152_S_032_S_047(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    ear_t descriptors;
    ear_t control;
    add_ear(&descriptors, 31000);
    add_ear(&control, 32000);
    const tpc_consumer_hello_t hello = asking(7, 31000, 32000);
    say(&hello);
    cr_lease_t lease = { .lease_id = 99, .client_id = 7, .role = TP_ROLE_PRODUCER };
    cr_revoke(&lease, TPC_REVOKE_DETACHED);                                  /* of another role: nothing */
    cr_settle();
    assert_true(is_served(&descriptors) && is_served(&control));
    lease.role = TP_ROLE_CONSUMER;
    cr_revoke(&lease, TPC_REVOKE_DETACHED);
    cr_settle();
    assert_false(is_served(&descriptors));
    assert_false(is_served(&control));
    cr_step(40 * MS);
    assert_int_equal(tp_producer_consumer_count(producer), 0);
    tp_producer_close(producer);
}

static void hello_that_asks_no_more_closes_and_one_that_asks_elsewhere_moves(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    ear_t ear;
    ear_t moved;
    add_ear(&ear, 31000);
    tpc_consumer_hello_t hello = asking(7, 31000, 0);
    say(&hello);
    assert_true(is_served(&ear));
    hello = hello_of(7);
    say(&hello);
    assert_false(is_served(&ear));
    hello = asking(7, 31000, 0);
    say(&hello);
    assert_true(is_served(&ear));
    hello.descriptor_channel = tpc_bytes("aeron:ipc?term-length=64k");
    hello.descriptor_stream_id = 31001;
    say(&hello);
    add_ear(&moved, 31001);
    cr_settle();
    assert_false(is_served(&ear));
    assert_true(is_served(&moved));
    assert_int_equal(cr->config.descriptor_stream_id, 31001);
    tp_producer_close(producer);
}

/* ---- another authority -------------------------------------------------------------------------------------------------- */

static void promises_of_another_authority_are_kept_or_taken_back__O_28_P8(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_AUTO);
    ear_t ear;
    add_ear(&ear, 31009);
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM + 1;
    config.consumer_id = 5;
    config.descriptor_stream_id = 31009;
    config.descriptor_channel = tpc_bytes(IPC);
    cr_send_config(&config);
    cr_settle();
    assert_int_equal(producer->streams.link_count, 0);                       /* somebody else's stream */
    config.stream_id = CR_STREAM;
    cr_send_config(&config);
    cr_settle();
    assert_true(is_served(&ear));
    const uint64_t configs = cr->configs;
    cr_send_config(&config);
    cr_settle();
    assert_int_equal(cr->configs, configs + 1);                              /* theirs only */
    publish(producer, 3, 0);
    assert_int_equal(hear(&ear), 3);
    config.descriptor_stream_id = 0;
    config.descriptor_channel = tpc_bytes("");
    cr_send_config(&config);
    cr_settle();
    assert_false(is_served(&ear));
    config.descriptor_stream_id = 31009;
    config.descriptor_channel = tpc_bytes("aeron:udp?endpoint=10.0.0.1:4000");
    const uint64_t before = cr->configs;
    cr_send_config(&config);
    cr_settle();
    assert_int_equal(cr->configs, before + 2);
    assert_int_equal(cr->config.consumer_id, 5);
    assert_int_equal(cr->config.descriptor_stream_id, 0);
    assert_int_equal(cr->config.descriptor_channel.length, 0);
    tp_producer_close(producer);
}

static void auto_answers_when_nobody_else_does_and_never_does_not__O_28(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_AUTO);
    const tpc_consumer_hello_t hello = asking(7, 31000, 0);
    say(&hello);
    assert_int_equal(cr->configs, 0);
    cr_step(1000 * MS);
    say(&hello);
    assert_int_equal(cr->configs, 1);
    assert_int_equal(cr->config.descriptor_stream_id, 31000);
    tp_producer_close(producer);
    producer = producer_that(TP_ANSWER_HELLO_NEVER);
    for (int i = 0; i < 4; i++) { say(&hello); cr_step(1000 * MS); }
    assert_int_equal(cr->configs, 1);
    assert_int_equal(producer->streams.link_count, 0);
    tp_producer_close(producer);
}

/* ---- sending ------------------------------------------------------------------------------------------------------------ */

static void back_pressure_on_a_private_stream_delays_nobody_else__A2_W_122(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    ear_t ear;
    add_ear(&ear, 31000);
    const tpc_consumer_hello_t hello = asking(7, 31000, 0);
    say(&hello);
    assert_true(is_served(&ear));
    const uint64_t shared = cr->descriptors;
    assert_int_equal(tpi_mem_network_fault(cr->network, 31000, TPI_MEM_BACK_PRESSURE, 3), 0);
    publish(producer, 3, 0);
    assert_int_equal(hear(&ear), 0);
    assert_int_equal(cr->descriptors - shared, 3);
    publish(producer, 1, 0);
    assert_int_equal(hear(&ear), 4);                                         /* what waited goes first, in order */
    assert_int_equal(ear.first_seq, 0);
    assert_int_equal(ear.last.seq, 3);
    assert_int_equal(tpi_mem_network_fault(cr->network, 31000, TPI_MEM_BACK_PRESSURE, 11), 0);
    publish(producer, 11, 0);
    publish(producer, 1, 0);                                                 /* 12 frames, 8 slots */
    assert_int_equal(hear(&ear), 4 + 8);
    assert_int_equal(ear.last.seq, 15);
    const tp_producer_stats_t stats = stats_of(producer);
    assert_int_equal(stats.private_dropped, 4);
    assert_int_equal(stats.private_sent, 12);
    assert_int_equal(stats.descriptors_sent, 16);
    assert_int_equal(tpi_mem_network_fault(cr->network, 31000, TPI_MEM_ADMIN_ACTION, 1), 0);
    publish(producer, 1, 0);
    assert_int_equal(hear(&ear), 13);
    tp_producer_close(producer);
}

static void private_descriptors_leave_in_order_of_seq__O_41(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    ear_t ear;
    tp_buffer_claim_t a;
    tp_buffer_claim_t b;
    tp_buffer_claim_t c;
    add_ear(&ear, 31000);
    const tpc_consumer_hello_t hello = asking(7, 31000, 0);
    say(&hello);
    assert_true(is_served(&ear));
    assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 32, 1, &a), 0);
    assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 32, 1, &b), 1);
    assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 32, 1, &c), 2);
    assert_int_equal(tp_producer_commit_claim(producer, &c, NULL), 2);
    assert_int_equal(hear(&ear), 0);
    assert_int_equal(tp_producer_commit_claim(producer, &a, NULL), 0);
    assert_int_equal(hear(&ear), 1);
    assert_int_equal(tp_producer_abort_claim(producer, &b), 1);
    assert_int_equal(hear(&ear), 2);
    assert_int_equal(ear.last.seq, 2);
    tp_producer_close(producer);
}

static void somebody_listens_when_only_a_private_stream_does(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    ear_t ear;
    tpi_subscription_close(cr->descriptor_sub);
    add_ear(&ear, 1999);
    cr->descriptor_sub = ear.sub;
    assert_int_equal(cr_publish(producer, 1), TP_NOT_CONNECTED);
    add_ear(&ear, 31000);
    const tpc_consumer_hello_t hello = asking(7, 31000, 0);
    say(&hello);
    assert_true(is_served(&ear));
    assert_int_equal(cr_publish(producer, 1), 1);
    assert_int_equal(hear(&ear), 1);
    tp_producer_close(producer);
}

static void private_stream_goes_on_in_the_next_epoch_and_after_another_media_driver(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    ear_t ear;
    add_ear(&ear, 31000);
    const tpc_consumer_hello_t hello = asking(7, 31000, 0);
    say(&hello);
    publish(producer, 3, 0);
    assert_int_equal(hear(&ear), 3);
    const uint64_t epoch = ear.last.epoch;
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_REVOKED);
    cr_step(1500 * MS);
    assert_true(tp_producer_is_attached(producer));
    publish(producer, 2, 0);
    assert_int_equal(hear(&ear), 5);
    assert_true(ear.last.epoch > epoch);
    assert_int_equal(ear.last.seq, 1);
    cr_restart_media();
    cr_step(3000 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(producer->streams.link_count, 0);
    add_ear(&ear, 31000);
    say(&hello);
    assert_true(is_served(&ear));
    publish(producer, 2, 0);
    assert_int_equal(hear(&ear), 2);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(granted_streams_are_named_and_carry_their_kind_only__W_130_W_137_W_140_S_046_S_029),
        CR_TEST(what_cannot_be_granted_is_declined__W_141_W_142_W_143_W_145_W_146_W_148),
        CR_TEST(one_kind_may_be_granted_and_the_other_declined__W_142_W_190),
        CR_TEST(ids_are_owned_and_kept_in_their_range__P8),
        CR_TEST(links_are_bounded__P11),
        CR_TEST(channel_that_the_bus_refuses_is_declined__A8),
        CR_TEST(consumers_without_shared_memory_are_told_where_to_go__W_153_O_31),
        CR_TEST(private_stream_is_capped_in_rate_limited_mode_only__W_134_W_135_W_192_O_26_S_035_S_037_S_051),
        CR_TEST(rate_may_be_imposed_and_changed__W_155_W_134),
        CR_TEST(silent_consumer_loses_both_streams_after_5_intervals__W_132_W_133_W_152_S_032_S_047),
        CR_TEST(staleness_is_configurable__W_133),
        CR_TEST(consumer_that_leaves_loses_both_streams_at_once__W_132_W_152_S_032_S_047),
        CR_TEST(hello_that_asks_no_more_closes_and_one_that_asks_elsewhere_moves),
        CR_TEST(promises_of_another_authority_are_kept_or_taken_back__O_28_P8),
        CR_TEST(auto_answers_when_nobody_else_does_and_never_does_not__O_28),
        CR_TEST(back_pressure_on_a_private_stream_delays_nobody_else__A2_W_122),
        CR_TEST(private_descriptors_leave_in_order_of_seq__O_41),
        CR_TEST(somebody_listens_when_only_a_private_stream_does),
        CR_TEST(private_stream_goes_on_in_the_next_epoch_and_after_another_media_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

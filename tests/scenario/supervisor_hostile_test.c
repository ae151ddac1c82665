/* Hostile input on all four streams (S-067): no answer, no change, no sign of life. */
#include "supervisor_rig.h"

#define HELLO_BYTES 256

static uint8_t hello_bytes[HELLO_BYTES];
static size_t hello_length;

static void make_hello(uint32_t consumer_id)
{
    const tpc_consumer_hello_t hello = rig_asking(consumer_id, 700, 800);
    const int64_t n = tpc_consumer_hello_encode(hello_bytes, sizeof(hello_bytes), &hello);
    assert_true(n > 0);
    hello_length = (size_t)n;
}

/* A consumer that is known, private streams and all. */
static void known(void)
{
    rig->config.per_consumer_enabled = true;
    rig_start();
    const tpc_consumer_hello_t hello = rig_asking(3, 700, 800);
    (void)rig_ask(&hello);
}

/* Everything that was sent is dropped, and 3 falls silent in time although all of it bears its name. */
static void assert_nothing_happened(uint64_t sent)
{
    rig_step(MS);
    assert_int_equal(rig->config_count, 1);
    assert_int_equal(rig_stats().malformed, sent);
    assert_int_equal(rig_stats().consumers, 1);
}

static void put_u32(size_t at, uint32_t value) { memcpy(hello_bytes + at, &value, sizeof(value)); }
static void put_u16(size_t at, uint16_t value) { memcpy(hello_bytes + at, &value, sizeof(value)); }

static void cut_and_lying_hellos_are_no_hellos__S_067(void **state)
{
    (void)state;
    uint64_t sent = 0;
    known();
    make_hello(3);
    for (size_t length = 0; length < hello_length; length++, sent++)
    {
        rig_send(0, hello_bytes, length);
        if (0 == length % 10) { rig_step(MS); }
    }
    const size_t first = 8 + 39;                               /* length of the first text */
    const uint32_t lengths[] = { 10, 100, 1073741823, 1073741824, 1073741825, 2147483647, 2147483648u, UINT32_MAX - 3, UINT32_MAX };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
    {
        make_hello(3);
        put_u32(first, lengths[i]);
        rig_send(0, hello_bytes, hello_length);
        make_hello(3);
        put_u32(first + 4 + 9, lengths[i]);
        rig_send(0, hello_bytes, hello_length);
        sent += 2;
    }
    make_hello(3);
    put_u16(6, 2);                                             /* version */
    rig_send(0, hello_bytes, hello_length);
    make_hello(3);
    put_u16(0, 38);                                            /* block */
    rig_send(0, hello_bytes, hello_length);
    put_u16(0, UINT16_MAX);
    rig_send(0, hello_bytes, hello_length);
    sent += 3;
    assert_nothing_happened(sent);
}

static void dropped_messages_are_no_sign_of_life__S_067(void **state)
{
    (void)state;
    known();
    for (int i = 0; i < 60; i++)
    {
        uint8_t qos[64];
        tpc_qos_consumer_t m = TPC_QOS_CONSUMER_INIT;
        m.stream_id = RIG_STREAM;
        m.consumer_id = 3;
        const int64_t n = tpc_qos_consumer_encode(qos, sizeof(qos), &m);
        make_hello(3);
        hello_bytes[8 + 10] = 7;                               /* mode */
        rig_send(0, hello_bytes, hello_length);
        make_hello(3);
        rig_send(0, hello_bytes, hello_length - 1);
        rig_send(3, qos, (size_t)n - 1);                       /* short */
        qos[0] = 40;
        rig_send(3, qos, (size_t)n);                           /* a block too short */
        qos[0] = 41;
        qos[6] = 2;
        rig_send(3, qos, (size_t)n);                           /* a version to come */
        rig_step(100 * MS);
    }
    assert_int_equal(rig->config_count, 1);
    assert_int_equal(rig_stats().consumers, 0);
    assert_int_equal(rig_stats().expired, 1);
}

static void longer_blocks_are_read_as_far_as_we_know_them__S_067(void **state)
{
    (void)state;
    rig_start();
    make_hello(3);
    uint8_t longer[HELLO_BYTES + 8];
    memcpy(longer, hello_bytes, 8 + 39);
    memset(longer + 8 + 39, 0xee, 5);
    memcpy(longer + 8 + 44, hello_bytes + 8 + 39, hello_length - 47);
    longer[0] = 44;
    rig_send(0, longer, hello_length + 5);
    rig_step(MS);
    assert_int_equal(rig->config_count, 1);
    assert_int_equal(rig->configs[0].config.consumer_id, 3);
}

static void other_messages_are_somebody_elses(void **state)
{
    (void)state;
    known();
    make_hello(3);
    for (uint16_t i = 0; i < 64; i++)
    {
        put_u16(2, (uint16_t)(200 + i));                       /* templates nobody knows */
        rig_send(0, hello_bytes, hello_length);
    }
    make_hello(3);
    for (uint16_t schema = 901; schema < 930; schema++)        /* the same template of other schemas */
    {
        put_u16(4, schema);
        rig_send(0, hello_bytes, hello_length);
    }
    assert_nothing_happened(0);
    make_hello(3);
    rig_send(3, hello_bytes, hello_length);                    /* a hello on a stream that is not for hellos */
    assert_nothing_happened(0);
}

static uint32_t seed = 12345;
static uint32_t draw(void) { return seed = seed * 1664525u + 1013904223u; }

static void floods_stay_within_their_limits__P11(void **state)
{
    (void)state;
    rig->config.consumer_capacity = 50;
    rig->config.stream_capacity = 20;
    rig->config.per_consumer_enabled = true;
    rig_start();
    for (int i = 0; i < 3000; i++)
    {
        const uint32_t stream_id = draw();
        tpc_consumer_hello_t hello = rig_asking(draw(), draw(), draw());
        hello.stream_id = stream_id;
        rig_send_hello(&hello);
        tpc_pool_announce_t announce = rig_announce(draw(), draw());
        rig_send_announce(&announce);
        rig_send_producer(draw(), draw(), draw());
        rig_send_qos(stream_id, draw(), draw(), draw());
        if (0 == i % 100)
        {
            rig->config_count = 0;
            rig_step(MS);
        }
        rig->config_count = 0;
    }
    rig_step(SECOND);
    const tp_supervisor_stats_t stats = rig_stats();
    assert_int_equal(stats.consumers, 50);
    assert_int_equal(stats.streams, 20);
    assert_int_equal(stats.producers, 20);
    assert_true(stats.limits > 5000);
    assert_true(rig_has(TP_HEALTH_REGISTRY_FULL, 0, 0));
    assert_true(rig_has(TP_HEALTH_STREAMS_FULL, 0, 0));
    for (int i = 0; i < 70; i++) { rig_step(SECOND); }         /* and everything of it is forgotten */
    assert_int_equal(rig_stats().consumers, 0);
    assert_int_equal(rig_stats().streams, 0);
    assert_int_equal(rig_stats().producers, 0);
    assert_int_equal(rig_stats().conditions, 0);
}

static void random_damage_harms_nobody__P11(void **state)
{
    (void)state;
    rig->config.per_consumer_enabled = true;
    rig_start();
    for (int i = 0; i < 20000; i++)
    {
        make_hello(draw() % 8);
        for (uint32_t k = draw() % 4; k > 0; k--) { hello_bytes[draw() % hello_length] = (uint8_t)draw(); }
        put_u16(2, (uint16_t)(1 + draw() % 8));                /* any of the templates that are listened to */
        rig_send((int)(draw() % 4), hello_bytes, draw() % (hello_length + 1));
        if (0 == i % 50) { rig_step(10 * MS); }
        rig->config_count = 0;
    }
    rig_step(MS);
    assert_int_equal(rig->foreign_not_config, 0);
    assert_int_equal(rig->foreign_elsewhere, 0);
    const tpc_consumer_hello_t hello = rig_hello(3);
    rig->config_count = 0;
    (void)rig_ask(&hello);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(cut_and_lying_hellos_are_no_hellos__S_067),
        RIG_TEST(dropped_messages_are_no_sign_of_life__S_067),
        RIG_TEST(longer_blocks_are_read_as_far_as_we_know_them__S_067),
        RIG_TEST(other_messages_are_somebody_elses),
        RIG_TEST(floods_stay_within_their_limits__P11),
        RIG_TEST(random_damage_harms_nobody__P11),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

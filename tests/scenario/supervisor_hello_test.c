/* A hello and its answer (25-supervisor.md sections 2 to 4), through the bus. */
#include "supervisor_rig.h"

static void with_ranges(void)
{
    rig->config.per_consumer_enabled = true;
    rig->config.per_consumer_descriptor_base = 31000;
    rig->config.per_consumer_descriptor_range = 128;
    rig->config.per_consumer_control_base = 32000;
    rig->config.per_consumer_control_range = 128;
    (void)snprintf(rig->config.per_consumer_descriptor_channel, TP_CONFIG_CHANNEL_MAX, "aeron:ipc?term-length=4m");
    (void)snprintf(rig->config.per_consumer_control_channel, TP_CONFIG_CHANNEL_MAX, "aeron:ipc?term-length=4m");
}

static void without_bases(void) { rig->config.per_consumer_enabled = true; }

static void assert_none(tpc_consumer_config_t config)
{
    assert_int_equal(config.descriptor_stream_id, 0);
    assert_int_equal(config.descriptor_channel.length, 0);
}

static void assert_no_control(tpc_consumer_config_t config)
{
    assert_int_equal(config.control_stream_id, 0);
    assert_int_equal(config.control_channel.length, 0);
}

static void accepted_hello_gets_one_config__S_007_S_010(void **state)
{
    (void)state;
    rig_start();
    const tpc_consumer_hello_t hello = rig_hello(9);
    const tpc_consumer_config_t config = rig_ask(&hello);
    assert_int_equal(config.stream_id, RIG_STREAM);
    assert_int_equal(config.consumer_id, 9);
    for (int i = 2; i < 6; i++)                                /* every one, repeated ones too */
    {
        (void)rig_ask(&hello);
        assert_int_equal(rig->config_count, i);
        assert_int_equal(rig->configs[0].length, rig->configs[i - 1].length);
        assert_memory_equal(rig->configs[0].data, rig->configs[i - 1].data, rig->configs[0].length);
    }
    assert_int_equal(rig_stats().hellos, 5);
    assert_int_equal(rig_stats().configs_sent, 5);
}

static void shared_memory_is_capability_unless_forced_off__S_011(void **state)
{
    (void)state;
    rig_start();
    tpc_consumer_hello_t hello = rig_hello(9);
    assert_int_equal(rig_ask(&hello).use_shm, 1);
    hello.supports_shm = 0;
    assert_int_equal(rig_ask(&hello).use_shm, 0);
    rig_stop();
    rig->config.force_no_shm = true;
    rig_start();
    assert_int_equal(rig_ask(&hello).use_shm, 0);
    hello.supports_shm = 1;
    assert_int_equal(rig_ask(&hello).use_shm, 0);
}

static void mode_is_wanted_unless_forced__S_012_S_054(void **state)
{
    (void)state;
    for (uint32_t forced = 0; forced <= 2; forced++)
    {
        rig->config.force_mode = forced;
        rig_start();
        for (uint8_t wanted = TP_MODE_STREAM; wanted <= TP_MODE_RATE_LIMITED; wanted++)
        {
            tpc_consumer_hello_t hello = rig_hello(9);
            hello.mode = wanted;
            assert_int_equal(rig_ask(&hello).mode, 0 == forced ? wanted : forced);
        }
        rig_stop();
    }
}

static void fallback_goes_with_every_answer__S_013_S_055(void **state)
{
    (void)state;
    tpc_consumer_hello_t hello = rig_hello(9);
    rig_start();
    assert_int_equal(rig_ask(&hello).payload_fallback_uri.length, 0);
    rig_stop();
    (void)snprintf(rig->config.payload_fallback_uri, TP_CONFIG_CHANNEL_MAX, "aeron:udp?endpoint=10.20.0.7:40456");
    rig->config.force_no_shm = true;
    rig_start();
    const tpc_consumer_config_t config = rig_ask(&hello);
    assert_true(tpc_bytes_equal(config.payload_fallback_uri, "aeron:udp?endpoint=10.20.0.7:40456"));
    assert_int_equal(config.use_shm, 0);
}

static void undefined_enumerations_draw_no_answer__S_014(void **state)
{
    (void)state;
    rig_start();
    for (int i = 0; i < 6; i++)
    {
        tpc_consumer_hello_t hello = rig_hello(9);
        if (0 == i) { hello.mode = 7; }
        if (1 == i) { hello.mode = 0; }
        if (2 == i) { hello.mode = 255; }
        if (3 == i) { hello.supports_shm = 2; }
        if (4 == i) { hello.supports_progress = 255; }
        if (5 == i) { hello.mode = 3; }
        rig_send_hello(&hello);
        rig_step(MS);
    }
    assert_int_equal(rig->config_count, 0);
    assert_int_equal(rig_stats().hellos_dropped, 6);
    assert_int_equal(rig_stats().consumers, 0);
}

/* ---- wishes ---------------------------------------------------------------------------------------------------------------- */

static void half_given_wishes_are_declined_and_the_rest_is_granted__S_015_S_018_S_019_S_020_S_022(void **state)
{
    (void)state;
    without_bases();
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(9, 700, 800);
    hello.descriptor_stream_id = 0;                            /* a channel without id */
    tpc_consumer_config_t config = rig_ask(&hello);
    assert_none(config);
    assert_int_equal(config.control_stream_id, 800);
    assert_true(tpc_bytes_equal(config.control_channel, "aeron:ipc"));
    hello = rig_asking(10, 5, 0);                              /* an id without channel */
    hello.descriptor_channel = tpc_bytes("");
    config = rig_ask(&hello);
    assert_none(config);
    assert_no_control(config);
    hello = rig_asking(11, TP_NULL_U32, TP_NULL_U32);          /* OP-S-16 */
    config = rig_ask(&hello);
    assert_none(config);
    assert_no_control(config);
    hello = rig_asking(12, 701, 0);
    hello.descriptor_channel = tpc_bytes("  ");                /* blank is not absent, and no channel */
    assert_none(rig_ask(&hello));
    assert_int_equal(rig_stats().consumers, 4);
    assert_int_equal(rig_stats().declined, 4);
    hello = rig_hello(13);                                     /* neither is asked for, so neither is declined */
    config = rig_ask(&hello);
    assert_none(config);
    assert_no_control(config);
    assert_int_equal(rig_stats().declined, 4);
}

static void wishes_without_id_get_nothing_of_a_range_either__S_018_S_020(void **state)
{
    (void)state;
    with_ranges();
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(9, 1, 1);
    hello.descriptor_stream_id = 0;
    const tpc_consumer_config_t config = rig_ask(&hello);
    assert_none(config);
    assert_int_equal(config.control_stream_id, 32009);
}

static void texts_that_are_no_channel_are_declined__S_021(void **state)
{
    (void)state;
    static char longest[1100];
    static const char *const bad[] = { "aeron:udp?endpoint=1.2.3.4:5", "aeron:ipcx", "ipc", "AERON:ipc", "aeron:ipc?a=\x7f", "aeron:ipc?a= b", "x" };
    without_bases();
    rig_start();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        tpc_consumer_hello_t hello = rig_asking(9, 700, 0);
        hello.descriptor_channel = tpc_bytes(bad[i]);
        assert_none(rig_ask(&hello));
    }
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "aeron:ipc?", 10);
    tpc_consumer_hello_t hello = rig_asking(9, 700, 0);
    hello.descriptor_channel = (tpc_bytes_t){ longest, 1023 };
    assert_int_equal(rig_ask(&hello).descriptor_channel.length, 1023);
    hello.descriptor_channel.length = 1024;
    assert_none(rig_ask(&hello));
    const uint32_t reserved[] = { RIG_CONTROL, RIG_ANNOUNCE, RIG_QOS, RIG_METADATA, 1100, 2147483648u };
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
    {
        hello = rig_asking(9, reserved[i], 0);
        assert_none(rig_ask(&hello));
    }
    hello = rig_asking(9, 2147483647, 0);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 2147483647);
}

static void with_a_configured_channel_any_aeron_text_will_do__S_021_S_039(void **state)
{
    (void)state;
    without_bases();
    (void)snprintf(rig->config.per_consumer_descriptor_channel, TP_CONFIG_CHANNEL_MAX, "aeron:udp?endpoint=localhost:9");
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(9, 700, 0);
    hello.descriptor_channel = tpc_bytes("aeron:x");
    assert_true(tpc_bytes_equal(rig_ask(&hello).descriptor_channel, "aeron:udp?endpoint=localhost:9"));
    hello.descriptor_channel = tpc_bytes("aero:x");
    assert_none(rig_ask(&hello));
}

static void nothing_is_granted_while_it_is_off__S_022_S_048(void **state)
{
    (void)state;
    with_ranges();                                             /* the channels they have in common stay out of the answer too */
    rig->config.per_consumer_enabled = false;
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(9, 700, 800);
    hello.mode = TP_MODE_RATE_LIMITED;
    hello.max_rate_hz = 10;
    const tpc_consumer_config_t config = rig_ask(&hello);
    assert_none(config);
    assert_no_control(config);
    assert_int_equal(config.mode, TP_MODE_RATE_LIMITED);
}

/* ---- assignment ------------------------------------------------------------------------------------------------------------ */

static void worked_example_of_the_specification__S_029_S_030_S_039_S_042_S_043(void **state)
{
    (void)state;
    with_ranges();
    rig->config.consumer_stale_ms = 4000;
    (void)snprintf(rig->config.payload_fallback_uri, TP_CONFIG_CHANNEL_MAX, "aeron:udp?endpoint=10.20.0.7:40456");
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(300, 1, 1);
    tpc_consumer_config_t config = rig_ask(&hello);
    assert_int_equal(rig->configs[0].length, 120);
    assert_int_equal(config.descriptor_stream_id, 31044);
    assert_int_equal(config.control_stream_id, 32044);
    assert_true(tpc_bytes_equal(config.descriptor_channel, "aeron:ipc?term-length=4m"));
    assert_true(tpc_bytes_equal(config.control_channel, "aeron:ipc?term-length=4m"));
    hello = rig_asking(428, 1, 0);
    hello.mode = TP_MODE_RATE_LIMITED;
    config = rig_ask(&hello);
    assert_int_equal(config.descriptor_stream_id, 31045);
    assert_int_equal(config.mode, TP_MODE_RATE_LIMITED);
    assert_no_control(config);
    hello = rig_hello(5);
    hello.supports_shm = 0;
    config = rig_ask(&hello);
    assert_int_equal(config.use_shm, 0);
    assert_none(config);
    hello = rig_asking(6, 1, 0);
    hello.descriptor_stream_id = 0;
    assert_none(rig_ask(&hello));
    hello = rig_asking(300, 31044, 32044);
    config = rig_ask(&hello);
    assert_int_equal(config.descriptor_stream_id, 31044);
    assert_int_equal(config.control_stream_id, 32044);
    for (int i = 0; i < 30; i++)                               /* 300 falls silent, the others do not */
    {
        rig_step(150 * MS);
        rig_send_qos(RIG_STREAM, 428, 1, 0);
    }
    hello = rig_asking(44, 1, 1);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31044);
    hello = rig_asking(172, 1, 0);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31046);
}

static void every_consumer_gets_its_own_id__S_038_S_068_P8(void **state)
{
    (void)state;
    static bool seen[128];
    memset(seen, 0, sizeof(seen));
    with_ranges();
    rig_start();
    for (uint32_t i = 0; i < 128; i++)                         /* all want the same place, on ten streams */
    {
        tpc_consumer_hello_t hello = rig_asking(i / 10 * 128, 1, 1);
        hello.stream_id = RIG_STREAM + i % 10;
        const tpc_consumer_config_t config = rig_ask(&hello);
        assert_in_range(config.descriptor_stream_id, 31000, 31127);
        assert_int_equal(config.control_stream_id, config.descriptor_stream_id + 1000);
        assert_false(seen[config.descriptor_stream_id - 31000]);
        seen[config.descriptor_stream_id - 31000] = true;
    }
    tpc_consumer_hello_t hello = rig_asking(77777, 1, 0);
    assert_none(rig_ask(&hello));                              /* none left */
    rig_step(200 * MS);
    assert_true(rig_has(TP_HEALTH_NO_PRIVATE_ID, 0, 0));
}

static void own_then_wished_then_probed__S_069(void **state)
{
    (void)state;
    with_ranges();
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(3, 31127, 32000);
    tpc_consumer_config_t config = rig_ask(&hello);
    assert_int_equal(config.descriptor_stream_id, 31127);      /* both ends count as inside */
    assert_int_equal(config.control_stream_id, 32000);
    hello = rig_asking(3, 31005, 7);
    config = rig_ask(&hello);
    assert_int_equal(config.descriptor_stream_id, 31127);      /* the own one is kept, whatever it wishes now */
    assert_int_equal(config.control_stream_id, 32000);
    hello = rig_asking(4, 31000, 0);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31000);
    hello = rig_asking(127, 31128, 0);                         /* outside: probing from 31127, which is taken, wraps to 31000, taken */
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31001);
    hello = rig_asking(200, 30999, 0);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31000 + 200 % 128);
    hello = rig_asking(4294967295u, 3000000000u, 0);           /* ids are unsigned, the wish is a mere token */
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31002);
    hello = rig_asking(50, 31127, 0);                          /* wished but taken */
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31050);
}

static void without_base_the_wish_is_granted_unless_somebody_has_it__S_040_S_068_P8(void **state)
{
    (void)state;
    without_bases();
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(9, 777, 778);
    tpc_consumer_config_t config = rig_ask(&hello);
    assert_int_equal(config.descriptor_stream_id, 777);
    assert_true(tpc_bytes_equal(config.descriptor_channel, "aeron:ipc"));
    assert_int_equal(config.control_stream_id, 778);
    hello = rig_asking(10, 777, 0);
    assert_none(rig_ask(&hello));
    hello.descriptor_channel = tpc_bytes("aeron:ipc?term-length=1m");      /* the same stream to Aeron */
    assert_none(rig_ask(&hello));
    hello.stream_id++;
    assert_none(rig_ask(&hello));
    hello = rig_asking(10, 778, 0);                            /* somebody's stream of the other kind */
    assert_none(rig_ask(&hello));
    hello = rig_asking(9, 777, 777);                           /* one's own of the other kind */
    config = rig_ask(&hello);
    assert_int_equal(config.descriptor_stream_id, 777);
    assert_no_control(config);
    hello = rig_asking(9, 790, 0);                             /* another wish moves it */
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 790);
    hello = rig_asking(10, 777, 0);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 777);
}

static void without_base_ids_of_the_other_range_are_refused__S_068(void **state)
{
    (void)state;
    without_bases();
    rig->config.per_consumer_control_base = 32000;
    rig->config.per_consumer_control_range = 10;
    rig_start();
    const uint32_t inside[] = { 32000, 32009 };
    const uint32_t outside[] = { 31999, 32010 };
    for (int i = 0; i < 2; i++)
    {
        tpc_consumer_hello_t hello = rig_asking(9, inside[i], 0);
        assert_none(rig_ask(&hello));
        hello = rig_asking(9, outside[i], 0);
        assert_int_equal(rig_ask(&hello).descriptor_stream_id, outside[i]);
    }
}

static void no_fresh_id_within_an_interval_after_the_start__S_070(void **state)
{
    (void)state;
    with_ranges();
    rig_start_early();
    tpc_consumer_hello_t newcomer = rig_asking(3, 1, 1);
    tpc_consumer_config_t config = rig_ask(&newcomer);
    assert_none(config);
    assert_no_control(config);
    tpc_consumer_hello_t owner = rig_asking(400, 31003, 32003);
    assert_int_equal(rig_ask(&owner).descriptor_stream_id, 31003);
    rig_step(TPI_SUPERVISOR_INTERVAL_NS);
    config = rig_ask(&newcomer);
    assert_int_equal(config.descriptor_stream_id, 31004);
    assert_int_equal(config.control_stream_id, 32004);
}

static void what_is_not_asked_for_any_more_is_free__S_071(void **state)
{
    (void)state;
    with_ranges();
    rig->config.per_consumer_descriptor_range = 1;
    rig->config.per_consumer_control_range = 1;
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(3, 1, 1);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31000);
    tpc_consumer_hello_t other = rig_asking(4, 1, 1);
    assert_none(rig_ask(&other));
    hello = rig_asking(3, 0, 1);
    assert_none(rig_ask(&hello));
    const tpc_consumer_config_t config = rig_ask(&other);
    assert_int_equal(config.descriptor_stream_id, 31000);
    assert_no_control(config);
    other = rig_asking(4, 1, 0);
    other.descriptor_stream_id = 0;                            /* malformed ends it as well */
    assert_none(rig_ask(&other));
    hello = rig_asking(3, 1, 1);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31000);
}

/* ---- registry -------------------------------------------------------------------------------------------------------------- */

static void full_registry_answers_and_declines__S_062_S_072(void **state)
{
    (void)state;
    with_ranges();
    rig->config.consumer_capacity = 2;
    rig->config.force_mode = TP_MODE_RATE_LIMITED;
    (void)snprintf(rig->config.payload_fallback_uri, TP_CONFIG_CHANNEL_MAX, "bridge://x");
    rig_start();
    for (uint32_t id = 1; id <= 2; id++)
    {
        const tpc_consumer_hello_t hello = rig_asking(id, 1, 1);
        assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31000 + id);
    }
    tpc_consumer_hello_t third = rig_asking(3, 1, 1);
    const tpc_consumer_config_t config = rig_ask(&third);
    assert_none(config);
    assert_no_control(config);
    assert_int_equal(config.use_shm, 1);
    assert_int_equal(config.mode, TP_MODE_RATE_LIMITED);
    assert_true(tpc_bytes_equal(config.payload_fallback_uri, "bridge://x"));
    assert_int_equal(rig_stats().consumers, 2);
    assert_int_equal(rig_stats().refused, 1);
    rig_step(200 * MS);
    assert_true(rig_has(TP_HEALTH_REGISTRY_FULL, 0, 0));
    const tpc_consumer_hello_t known = rig_asking(1, 1, 1);
    assert_int_equal(rig_ask(&known).descriptor_stream_id, 31001);
}

static void silence_removes_an_entry_and_frees_its_ids__S_034_S_061(void **state)
{
    (void)state;
    with_ranges();
    rig->config.per_consumer_descriptor_range = 1;
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(3, 1, 0);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31000);
    rig_step(5000 * MS - MS);                                  /* heard 1 ms ago: 5000 ms now */
    assert_int_equal(rig_stats().consumers, 1);
    rig_step(101 * MS);
    assert_int_equal(rig_stats().consumers, 0);
    assert_int_equal(rig_stats().expired, 1);
    hello = rig_asking(4, 1, 0);
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31000);
}

static void qos_alone_keeps_alive__S_033(void **state)
{
    (void)state;
    rig_start();
    const tpc_consumer_hello_t hello = rig_hello(3);
    (void)rig_ask(&hello);
    for (int i = 0; i < 20; i++)
    {
        rig_send_qos(RIG_STREAM, 3, 1, 0);
        rig_send_qos(RIG_STREAM, 4, 1, 0);                     /* unknown: counted only */
        rig_step(1000 * MS);
    }
    assert_int_equal(rig_stats().consumers, 1);
    assert_int_equal(rig_stats().qos_consumer, 40);
    rig_send_qos(RIG_STREAM + 1, 3, 1, 0);                     /* of another stream: not a sign of life */
    for (int i = 0; i < 6; i++) { rig_step(1000 * MS); }
    assert_int_equal(rig_stats().consumers, 0);
}

static void zero_keeps_for_ever__S_061(void **state)
{
    (void)state;
    rig->config.consumer_stale_ms = 0;
    rig_start();
    const tpc_consumer_hello_t hello = rig_hello(3);
    (void)rig_ask(&hello);
    for (int i = 0; i < 100; i++) { rig_step(60 * 1000 * MS); }
    assert_int_equal(rig_stats().consumers, 1);
}

/* ---- leases ---------------------------------------------------------------------------------------------------------------- */

static uint32_t leased[8];

static bool has_lease(void *clientd, uint32_t stream_id, uint32_t client_id)
{
    const uint32_t *const ids = clientd;
    for (int i = 0; i < 8; i++)
    {
        if (0 != ids[i] && ids[i] == client_id && RIG_STREAM == stream_id) { return true; }
    }
    return false;
}

static void with_leases(void)
{
    memset(leased, 0, sizeof(leased));
    rig->hooks.clientd = leased;
    rig->hooks.has_lease = has_lease;
}

static void private_streams_are_for_leases_and_end_with_them__S_073(void **state)
{
    (void)state;
    with_ranges();
    with_leases();
    rig->config.per_consumer_descriptor_range = 1;
    rig_start();
    tpc_consumer_hello_t hello = rig_asking(3, 1, 1);
    assert_none(rig_ask(&hello));
    leased[0] = 3;
    assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31000);
    leased[1] = 4;
    tpc_consumer_hello_t other = rig_asking(4, 1, 1);
    other.stream_id++;                                         /* its lease is on another stream */
    assert_none(rig_ask(&other));
    leased[0] = 0;
    rig_step(100 * MS);                                        /* no hello needed */
    other = rig_asking(4, 1, 1);
    assert_int_equal(rig_ask(&other).descriptor_stream_id, 31000);
    const tpc_consumer_config_t config = rig_ask(&hello);
    assert_none(config);
    assert_no_control(config);
    assert_int_equal(config.use_shm, 1);
}

static void half_of_the_registry_is_for_leases__S_062_S_073(void **state)
{
    (void)state;
    with_ranges();
    with_leases();
    rig->config.consumer_capacity = 4;
    rig_start();
    for (uint32_t id = 100; id < 110; id++)                    /* a flood without leases */
    {
        const tpc_consumer_hello_t hello = rig_asking(id, 1, 1);
        assert_none(rig_ask(&hello));
    }
    assert_int_equal(rig_stats().consumers, 2);
    leased[0] = 3;
    leased[1] = 4;
    for (uint32_t id = 3; id <= 4; id++)
    {
        const tpc_consumer_hello_t hello = rig_asking(id, 1, 1);
        assert_int_equal(rig_ask(&hello).descriptor_stream_id, 31000 + id);
    }
    assert_int_equal(rig_stats().consumers, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(accepted_hello_gets_one_config__S_007_S_010),
        RIG_TEST(shared_memory_is_capability_unless_forced_off__S_011),
        RIG_TEST(mode_is_wanted_unless_forced__S_012_S_054),
        RIG_TEST(fallback_goes_with_every_answer__S_013_S_055),
        RIG_TEST(undefined_enumerations_draw_no_answer__S_014),
        RIG_TEST(half_given_wishes_are_declined_and_the_rest_is_granted__S_015_S_018_S_019_S_020_S_022),
        RIG_TEST(wishes_without_id_get_nothing_of_a_range_either__S_018_S_020),
        RIG_TEST(texts_that_are_no_channel_are_declined__S_021),
        RIG_TEST(with_a_configured_channel_any_aeron_text_will_do__S_021_S_039),
        RIG_TEST(nothing_is_granted_while_it_is_off__S_022_S_048),
        RIG_TEST(worked_example_of_the_specification__S_029_S_030_S_039_S_042_S_043),
        RIG_TEST(every_consumer_gets_its_own_id__S_038_S_068_P8),
        RIG_TEST(own_then_wished_then_probed__S_069),
        RIG_TEST(without_base_the_wish_is_granted_unless_somebody_has_it__S_040_S_068_P8),
        RIG_TEST(without_base_ids_of_the_other_range_are_refused__S_068),
        RIG_TEST(no_fresh_id_within_an_interval_after_the_start__S_070),
        RIG_TEST(what_is_not_asked_for_any_more_is_free__S_071),
        RIG_TEST(full_registry_answers_and_declines__S_062_S_072),
        RIG_TEST(silence_removes_an_entry_and_frees_its_ids__S_034_S_061),
        RIG_TEST(qos_alone_keeps_alive__S_033),
        RIG_TEST(zero_keeps_for_ever__S_061),
        RIG_TEST(private_streams_are_for_leases_and_end_with_them__S_073),
        RIG_TEST(half_of_the_registry_is_for_leases__S_062_S_073),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

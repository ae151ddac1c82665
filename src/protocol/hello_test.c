/* The driver's answer to hellos. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/hello.h"

static tpc_consumer_hello_t hello;
static tpi_hello_facts_t facts;
static tpc_consumer_config_t config;

static int setup(void **state)
{
    (void)state;
    const tpc_consumer_hello_t init = TPC_CONSUMER_HELLO_INIT;
    hello = init;
    hello.stream_id = 10000;
    hello.consumer_id = 42;
    hello.supports_shm = 1;
    hello.descriptor_stream_id = 5;
    hello.descriptor_channel = tpc_bytes("aeron:ipc");
    facts = (tpi_hello_facts_t){ .has_lease = true, .descriptor_id = 31000, .control_id = 32000 };
    return 0;
}

static void a_wish_is_granted_from_the_range__D_165(void **state)
{
    (void)state;
    assert_true(tpi_hello_answer(&config, &hello, &facts));
    assert_int_equal(config.descriptor_stream_id, 31000);
    assert_true(tpc_bytes_equal(config.descriptor_channel, "aeron:ipc"));
    assert_int_equal(config.control_stream_id, 0);
    assert_int_equal(config.control_channel.length, 0);
    assert_int_equal(config.stream_id, 10000);
    assert_int_equal(config.consumer_id, 42);
    assert_int_equal(config.payload_fallback_uri.length, 0);
}

static void without_lease_or_wish_there_is_no_answer(void **state)
{
    (void)state;
    facts.has_lease = false;
    assert_false(tpi_hello_answer(&config, &hello, &facts));
    facts.has_lease = true;
    hello.descriptor_stream_id = UINT32_MAX;
    hello.descriptor_channel = tpc_bytes("");
    assert_false(tpi_hello_answer(&config, &hello, &facts));
}

static void an_exhausted_or_unset_range_declines__D_166_D_167(void **state)
{
    (void)state;
    facts.descriptor_id = 0;
    assert_true(tpi_hello_answer(&config, &hello, &facts));
    assert_int_equal(config.descriptor_stream_id, 0);
    assert_int_equal(config.descriptor_channel.length, 0);
}

static void half_filled_wishes_are_declined__W_149_W_150(void **state)
{
    (void)state;
    assert_int_equal(tpi_hello_wish(tpc_bytes("aeron:ipc"), 0), TPI_HELLO_INVALID);
    assert_int_equal(tpi_hello_wish(tpc_bytes("aeron:ipc"), UINT32_MAX), TPI_HELLO_INVALID);
    assert_int_equal(tpi_hello_wish(tpc_bytes(""), 7), TPI_HELLO_INVALID);
    assert_int_equal(tpi_hello_wish(tpc_bytes(""), 0), TPI_HELLO_NONE);
    assert_int_equal(tpi_hello_wish(tpc_bytes(" "), 0), TPI_HELLO_INVALID);
    assert_int_equal(tpi_hello_wish(tpc_bytes(" "), 7), TPI_HELLO_INVALID);
    hello.descriptor_stream_id = 0;
    assert_true(tpi_hello_answer(&config, &hello, &facts));
    assert_int_equal(config.descriptor_stream_id, 0);
}

static void ids_and_channels_are_judged__W_141(void **state)
{
    (void)state;
    assert_int_equal(tpi_hello_wish(tpc_bytes("aeron:ipc"), 1), TPI_HELLO_WANTED);
    assert_int_equal(tpi_hello_wish(tpc_bytes("aeron:ipc"), 2147483647u), TPI_HELLO_WANTED);
    assert_int_equal(tpi_hello_wish(tpc_bytes("aeron:ipc"), 2147483648u), TPI_HELLO_INVALID);
    assert_int_equal(tpi_hello_wish(tpc_bytes("foo:bar"), 31000), TPI_HELLO_INVALID);
    assert_int_equal(tpi_hello_wish(tpc_bytes("aeron:udp?endpoint=10.0.0.1:4000"), 31000), TPI_HELLO_INVALID);
}

static void fallback_is_an_aeron_channel_or_a_bridge__W_153_W_154_W_067(void **state)
{
    (void)state;
    static const struct { const char *uri; tpi_fallback_t is; } rows[] = {
        { "", TPI_FALLBACK_NONE }, { "aeron:udp?endpoint=h:1", TPI_FALLBACK_AERON },
        { "aeron:ipc", TPI_FALLBACK_AERON }, { "aeron:ipc?term-length=64k", TPI_FALLBACK_AERON }, { "bridge://7", TPI_FALLBACK_BRIDGE },
        { "bridge://", TPI_FALLBACK_UNSUPPORTED }, { "bridge:/7", TPI_FALLBACK_UNSUPPORTED }, { "http://x", TPI_FALLBACK_UNSUPPORTED },
        { "aeron:ipcx", TPI_FALLBACK_UNSUPPORTED }, { "aeron:udp", TPI_FALLBACK_UNSUPPORTED }, { "aeron:", TPI_FALLBACK_UNSUPPORTED },
        { "bridge://a b", TPI_FALLBACK_UNSUPPORTED } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) { assert_int_equal(tpi_hello_fallback(tpc_bytes(rows[i].uri)), rows[i].is); }
}

static void only_ipc_channels_pass__P12(void **state)
{
    (void)state;
    static const char *const good[] = { "aeron:ipc", "aeron:ipc?", "aeron:ipc?term-length=64k" };
    static const char *const bad[] = { "", "aeron:ip", "aeron:ipcx", "aeron:udp?endpoint=evil:1", "Aeron:ipc", "aeron:ipc?a b", "aeron:ipc?\x7f",
        " aeron:ipc" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) { assert_true(tpi_hello_channel_is_allowed(tpc_bytes(good[i]))); }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) { assert_false(tpi_hello_channel_is_allowed(tpc_bytes(bad[i]))); }
    char longest[1025];
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "aeron:ipc?", 10);
    longest[1024] = '\0';
    assert_false(tpi_hello_channel_is_allowed(tpc_bytes(longest)));
    longest[1023] = '\0';
    assert_true(tpi_hello_channel_is_allowed(tpc_bytes(longest)));
}

static void shm_and_mode_follow_the_hello(void **state)
{
    (void)state;
    hello.mode = TP_MODE_RATE_LIMITED;
    assert_true(tpi_hello_answer(&config, &hello, &facts));
    assert_int_equal(config.use_shm, 1);
    assert_int_equal(config.mode, TP_MODE_RATE_LIMITED);
    hello.expected_layout_version = 2;
    assert_true(tpi_hello_answer(&config, &hello, &facts));
    assert_int_equal(config.use_shm, 0);
    hello.expected_layout_version = 1;
    hello.supports_shm = 0;
    hello.mode = 9;
    assert_true(tpi_hello_answer(&config, &hello, &facts));
    assert_int_equal(config.use_shm, 0);
    assert_int_equal(config.mode, TP_MODE_STREAM);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = { T(a_wish_is_granted_from_the_range__D_165), T(without_lease_or_wish_there_is_no_answer),
        T(an_exhausted_or_unset_range_declines__D_166_D_167), T(half_filled_wishes_are_declined__W_149_W_150), T(only_ipc_channels_pass__P12),
        T(ids_and_channels_are_judged__W_141), T(fallback_is_an_aeron_channel_or_a_bridge__W_153_W_154_W_067),
        T(shm_and_mode_follow_the_hello) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

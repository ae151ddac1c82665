/* Channel texts. */
#include "bus/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"

static void parameters_are_matched_whole__P15(void **state)
{
    (void)state;
    char value[8];
    assert_true(tpi_channel_param("aeron:ipc?term-length=4m|alias=x", "alias", value, sizeof(value)));
    assert_string_equal(value, "x");
    assert_false(tpi_channel_param("aeron:ipc?term-length=4m", "term", value, sizeof(value)));
    assert_false(tpi_channel_param("aeron:ipc?ttl-x=4", "ttl", value, sizeof(value)));
    assert_false(tpi_channel_param("aeron:ipc?xterm-length=4m", "term-length", value, sizeof(value)));
    assert_false(tpi_channel_param("aeron:ipc", "term-length", value, sizeof(value)));
    assert_false(tpi_channel_param("aeron:ipc?", "term-length", value, sizeof(value)));
    assert_false(tpi_channel_param("aeron:ipc?|||", "term-length", value, sizeof(value)));
    assert_true(tpi_channel_param("aeron:ipc?a=1234567", "a", value, sizeof(value)));
    assert_false(tpi_channel_param("aeron:ipc?a=12345678", "a", value, sizeof(value)));      /* does not fit */
}

static void term_lengths_are_understood__A8(void **state)
{
    (void)state;
    assert_int_equal(tpi_channel_term_length("aeron:ipc?term-length=64k"), 65536);
    assert_int_equal(tpi_channel_term_length("aeron:ipc?term-length=4M"), 4 << 20);
    assert_int_equal(tpi_channel_term_length("aeron:ipc?alias=x|term-length=1g|b=c"), 1 << 30);
    assert_int_equal(tpi_channel_term_length("aeron:ipc?term-length=65536"), 65536);
    static const char *const none[] = { "aeron:ipc", "aeron:ipc?term-length=", "aeron:ipc?term-length=k", "aeron:ipc?term-length=4x",
        "aeron:ipc?term-length=4mm", "aeron:ipc?term-length=2g", "aeron:ipc?term-length=99999999999999999", "aeron:ipc?term-length=-1" };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) { assert_int_equal(tpi_channel_term_length(none[i]), 0); }
}

static void media_are_compared_without_other_parameters(void **state)
{
    (void)state;
    assert_true(tpi_channel_is_ipc("aeron:ipc"));
    assert_true(tpi_channel_is_ipc("aeron:ipc?term-length=64k"));
    assert_false(tpi_channel_is_ipc("aeron:ipcx"));
    assert_false(tpi_channel_is_ipc("aeron:udp?endpoint=localhost:1"));
    assert_true(tpi_channel_same_medium("aeron:ipc?term-length=64k", "aeron:ipc?tether=false"));
    assert_false(tpi_channel_same_medium("aeron:ipc", "aeron:udp"));
    assert_true(tpi_channel_same_medium("aeron:udp?endpoint=a:1|mtu=8k", "aeron:udp?endpoint=a:1"));
    assert_false(tpi_channel_same_medium("aeron:udp?endpoint=a:1", "aeron:udp?endpoint=a:2"));
    assert_false(tpi_channel_same_medium("aeron:udp?endpoint=a:1", "aeron:udp"));
}

static void untethered(const char *channel, const char *expected)
{
    char *const text = tpi_channel_untethered(channel);
    assert_string_equal(text, expected);
    tpi_free(text);
}

static void tether_is_added_where_it_is_missing__A6(void **state)
{
    (void)state;
    untethered("aeron:ipc", "aeron:ipc?tether=false");
    untethered("aeron:ipc?", "aeron:ipc?tether=false");
    untethered("aeron:ipc?term-length=64k", "aeron:ipc?term-length=64k|tether=false");
    untethered("aeron:ipc?tether=true|alias=x", "aeron:ipc?tether=true|alias=x");            /* said by the configuration */
}

int main(void)
{
    const struct CMUnitTest tests[] =
    {
        cmocka_unit_test(parameters_are_matched_whole__P15),
        cmocka_unit_test(term_lengths_are_understood__A8),
        cmocka_unit_test(media_are_compared_without_other_parameters),
        cmocka_unit_test(tether_is_added_where_it_is_missing__A6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

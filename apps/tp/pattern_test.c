/* Patterns: what others can compute is what is filled in, and a single wrong byte is seen wherever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pattern.h"
#include <tensor_pool/common/tp_types.h>

static const size_t lengths[] = { 0, 1, 7, 8, 64, 255, 256, 4095, 4096, 4097, 10000, 65536 };
static const uint64_t seqs[] = { 0, 1, 200, 255, 256, 1000003, UINT64_C(1) << 40, (UINT64_C(1) << 63) - 1 };
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void counter_is_seq_plus_position(void **state)
{
    (void)state;
    for (size_t l = 0; l < COUNT(lengths); l++)
    {
        uint8_t *bytes = malloc(lengths[l] > 0 ? lengths[l] : 1);
        assert_non_null(bytes);
        for (size_t s = 0; s < COUNT(seqs); s++)
        {
            cli_pattern_fill(CLI_PATTERN_COUNTER, TP_DTYPE_UINT8, seqs[s], bytes, lengths[l]);
            for (size_t i = 0; i < lengths[l]; i++) { assert_int_equal(bytes[i], (seqs[s] + i) % 256); }
        }
        free(bytes);
    }
}

static void ramp_counts_in_the_element_type(void **state)
{
    static uint16_t u16[5000];
    static float f32[5000];
    static double f64[5000];
    (void)state;
    cli_pattern_fill(CLI_PATTERN_RAMP, TP_DTYPE_UINT16, 65530, u16, sizeof(u16));
    cli_pattern_fill(CLI_PATTERN_RAMP, TP_DTYPE_FLOAT32, 65530, f32, sizeof(f32));
    cli_pattern_fill(CLI_PATTERN_RAMP, TP_DTYPE_FLOAT64, 65530, f64, sizeof(f64));
    for (size_t i = 0; i < COUNT(u16); i++)
    {
        assert_int_equal(u16[i], (65530 + i) % 65536);
        assert_true((float)((65530 + i) % 65536) == f32[i]);
        assert_true((double)((65530 + i) % 65536) == f64[i]);
    }
}

static void noise_is_splitmix64(void **state)
{
    static uint64_t words[2000];
    uint64_t x = UINT64_C(5) << 32;
    (void)state;
    cli_pattern_fill(CLI_PATTERN_NOISE, TP_DTYPE_UINT8, 5, words, sizeof(words));
    for (size_t i = 0; i < COUNT(words); i++)
    {
        x += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t z = x;
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        assert_true((z ^ (z >> 31)) == words[i]);
    }
}

static void what_is_filled_matches_and_no_other_frame(void **state)
{
    static const cli_pattern_t patterns[] = { CLI_PATTERN_COUNTER, CLI_PATTERN_RAMP, CLI_PATTERN_NOISE };
    static const int types[] = { TP_DTYPE_UINT8, TP_DTYPE_INT16, TP_DTYPE_UINT32, TP_DTYPE_FLOAT32, TP_DTYPE_UINT64, TP_DTYPE_FLOAT64 };
    static uint8_t bytes[10000];
    (void)state;
    for (size_t p = 0; p < COUNT(patterns); p++)
    {
        for (size_t t = 0; t < COUNT(types); t++)
        {
            cli_pattern_fill(patterns[p], types[t], 77, bytes, sizeof(bytes));
            assert_true(cli_pattern_matches(patterns[p], types[t], 77, bytes, sizeof(bytes)));
            assert_false(cli_pattern_matches(patterns[p], types[t], 78, bytes, sizeof(bytes)));
        }
    }
}

static void one_wrong_bit_is_seen_at_every_place(void **state)
{
    static const cli_pattern_t patterns[] = { CLI_PATTERN_COUNTER, CLI_PATTERN_RAMP, CLI_PATTERN_NOISE };
    static uint8_t bytes[9001];
    (void)state;
    for (size_t p = 0; p < COUNT(patterns); p++)
    {
        cli_pattern_fill(patterns[p], TP_DTYPE_UINT8, 9, bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i += i < 100 || i > 8900 ? 1 : 97)
        {
            bytes[i] ^= 0x10;
            assert_false(cli_pattern_matches(patterns[p], TP_DTYPE_UINT8, 9, bytes, sizeof(bytes)));
            bytes[i] ^= 0x10;
        }
        assert_true(cli_pattern_matches(patterns[p], TP_DTYPE_UINT8, 9, bytes, sizeof(bytes)));
    }
}

static void names_are_known(void **state)
{
    (void)state;
    assert_int_equal(cli_pattern_from_name("counter"), CLI_PATTERN_COUNTER);
    assert_int_equal(cli_pattern_from_name("ramp"), CLI_PATTERN_RAMP);
    assert_int_equal(cli_pattern_from_name("noise"), CLI_PATTERN_NOISE);
    assert_int_equal(cli_pattern_from_name("snow"), CLI_PATTERN_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counter_is_seq_plus_position),
        cmocka_unit_test(ramp_counts_in_the_element_type),
        cmocka_unit_test(noise_is_splitmix64),
        cmocka_unit_test(what_is_filled_matches_and_no_other_frame),
        cmocka_unit_test(one_wrong_bit_is_seen_at_every_place),
        cmocka_unit_test(names_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

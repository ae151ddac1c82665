#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/crc32c.h"

/* Vectors of RFC 3720 appendix B.4, and the check value of the catalogue of CRC algorithms. */
static void known_vectors_come_out__W_186(void **state)
{
    (void)state;
    uint8_t bytes[32];
    assert_int_equal(tpi_crc32c(0, "123456789", 9), 0xE3069283u);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(tpi_crc32c(0, bytes, sizeof(bytes)), 0x8A9136AAu);
    memset(bytes, 0xFF, sizeof(bytes));
    assert_int_equal(tpi_crc32c(0, bytes, sizeof(bytes)), 0x62A8AB43u);
    for (size_t i = 0; i < sizeof(bytes); i++) { bytes[i] = (uint8_t)i; }
    assert_int_equal(tpi_crc32c(0, bytes, sizeof(bytes)), 0x46DD794Eu);
    for (size_t i = 0; i < sizeof(bytes); i++) { bytes[i] = (uint8_t)(31 - i); }
    assert_int_equal(tpi_crc32c(0, bytes, sizeof(bytes)), 0x113FDB5Cu);
    assert_int_equal(tpi_crc32c(0, NULL, 0), 0);
}

static void parts_give_what_the_whole_gives(void **state)
{
    (void)state;
    static const char text[] = "The quick brown fox jumps over the lazy dog";
    const uint32_t whole = tpi_crc32c(0, text, sizeof(text) - 1);
    for (size_t cut = 0; cut < sizeof(text); cut++)
    {
        assert_int_equal(tpi_crc32c(tpi_crc32c(0, text, cut), text + cut, sizeof(text) - 1 - cut), whole);
    }
}

static void processor_and_table_agree(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++) { bytes[i] = (uint8_t)(i * 37 + i / 11); }
    assert_int_equal(tpi_crc32c_portable(0, "123456789", 9), 0xE3069283u);
    for (size_t begin = 0; begin < 9; begin++)
    {
        for (size_t length = 0; length + begin <= sizeof(bytes); length++)
        {
            assert_int_equal(tpi_crc32c(0, bytes + begin, length), tpi_crc32c_portable(0, bytes + begin, length));
            assert_int_equal(tpi_crc32c(0xFFFFFFFFu, bytes + begin, length), tpi_crc32c_portable(0xFFFFFFFFu, bytes + begin, length));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors_come_out__W_186),
        cmocka_unit_test(parts_give_what_the_whole_gives),
        cmocka_unit_test(processor_and_table_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

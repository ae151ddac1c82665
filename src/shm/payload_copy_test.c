#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/slot.h"

static void copies_every_length_at_every_alignment(void **state)
{
    (void)state;
    uint8_t source[64];
    for (size_t i = 0; i < sizeof(source); i++) { source[i] = (uint8_t)(i * 7 + 1); }
    for (size_t at = 0; at < 9; at++)
    {
        for (size_t length = 0; length <= 40; length++)
        {
            uint8_t shared[64];
            uint8_t back[64];
            memset(shared, 0xEE, sizeof(shared));
            memset(back, 0xDD, sizeof(back));
            tpi_payload_write(shared + at, source + 3, length);
            assert_memory_equal(shared + at, source + 3, length);
            for (size_t i = 0; i < sizeof(shared); i++)
            {
                if (i < at || i >= at + length) { assert_int_equal(shared[i], 0xEE); }
            }
            tpi_payload_read(back + 5, shared + at, length);
            assert_memory_equal(back + 5, source + 3, length);
            for (size_t i = 0; i < sizeof(back); i++)
            {
                if (i < 5 || i >= 5 + length) { assert_int_equal(back[i], 0xDD); }
            }
        }
    }
}

static void empty_frame_touches_no_payload__W_036(void **state)
{
    (void)state;
    void *const page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(MAP_FAILED != page);
    uint8_t byte = 1;
    tpi_payload_read(&byte, page, 0);
    tpi_payload_write(page, &byte, 0);
    assert_int_equal(byte, 1);
    (void)munmap(page, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_every_length_at_every_alignment),
        cmocka_unit_test(empty_frame_touches_no_payload__W_036),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

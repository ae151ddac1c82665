/* What the driver says about rings that leave the last-level cache; its size is given, so that every machine says the same. */
#include "driver_rig.h"

#include <tensor_pool/common/tp_log.h>

#define PRODUCER TP_ROLE_PRODUCER
#define KIB 1024
#define RING (8 * 65536)               /* of the larger pool */

static int said;
static char text[1024];

static void on_log(void *clientd, tp_log_level_t level, int code, const char *line)
{
    (void)clientd;
    if (NULL == strstr(line, "last-level cache")) { return; }
    said++;
    assert_int_equal(level, TP_LOG_INFO);
    assert_int_equal(code, 0);
    (void)snprintf(text, sizeof(text), "%s", line);
}

static int setup(void **state)
{
    said = 0;
    tp_log_set_handler(on_log, NULL, TP_LOG_INFO);
    return rig_setup(state);
}

static int teardown(void **state)
{
    const int rc = rig_teardown(state);
    tp_log_set_handler(NULL, NULL, TP_LOG_INFO);
    return rc;
}

static void run_epoch(uint32_t stream_id)
{
    const tpc_attach_response_t p = rig_attach(PRODUCER, 42, stream_id);
    assert_int_equal(p.code, TPC_CODE_OK);
    assert_int_equal(rig_detach(&p, 42, PRODUCER).code, TPC_CODE_OK);
}

static void a_ring_beyond_the_cache_is_told_once__L_412(void **state)
{
    (void)state;
    rig->options.cache_bytes = 256 * KIB;
    rig_start();
    assert_int_equal(said, 0);                             /* no regions yet */
    run_epoch(10000);
    assert_int_equal(said, 1);
    assert_non_null(strstr(text, "stream 10000: 8 slots of 65536 bytes are 0.5 MiB, more than the last-level cache of 0.2 MiB"));
    assert_non_null(strstr(text, "; 4 slots would fit"));
    run_epoch(10000);                                      /* further epochs of that geometry */
    assert_int_equal(said, 1);
    run_epoch(10001);
    assert_int_equal(said, 2);
    assert_non_null(strstr(text, "stream 10001: "));
}

static void a_ring_that_fits_is_not_told__L_412(void **state)
{
    (void)state;
    rig->options.cache_bytes = RING;
    rig_start();
    run_epoch(10000);
    assert_int_equal(said, 0);
}

static void one_byte_less_and_it_is_told__L_412(void **state)
{
    (void)state;
    rig->options.cache_bytes = RING - 1;
    rig_start();
    run_epoch(10000);
    assert_int_equal(said, 1);
    assert_non_null(strstr(text, "; 4 slots would fit"));
}

static void not_even_one_slot_may_fit__L_412(void **state)
{
    (void)state;
    rig->options.cache_bytes = 65535;
    rig_start();
    run_epoch(10000);
    assert_non_null(strstr(text, "; 0 slots would fit"));
}

static void nothing_is_told_where_the_cache_is_hidden__L_412(void **state)
{
    (void)state;
    rig->options.cache_bytes = -1;
    rig_start();
    run_epoch(10000);
    assert_int_equal(said, 0);
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CACHE_TEST(a_ring_beyond_the_cache_is_told_once__L_412), CACHE_TEST(a_ring_that_fits_is_not_told__L_412),
        CACHE_TEST(one_byte_less_and_it_is_told__L_412), CACHE_TEST(not_even_one_slot_may_fit__L_412),
        CACHE_TEST(nothing_is_told_where_the_cache_is_hidden__L_412),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"
#include "protocol/discovery_choice.h"

static uint8_t buffer[65536];
static tpc_pool_entry_t pools[4];
static tpc_bytes_t tags[4];

static tpc_discovery_result_t result(const char *instance, uint32_t stream_id, uint64_t epoch, const char *name)
{
    tpc_discovery_result_t r = TPC_DISCOVERY_RESULT_INIT;
    pools[0] = (tpc_pool_entry_t){ .pool_id = 1, .pool_nslots = 64, .stride_bytes = 4096, .region_uri = tpc_bytes("shm:file?path=/p1") };
    tags[0] = tpc_bytes("NIR");
    tags[1] = tpc_bytes("cam");
    r.stream_id = stream_id;
    r.producer_id = 42;
    r.epoch = epoch;
    r.header_nslots = 64;
    r.driver_control_stream_id = 1000;
    r.pool_count = 1;
    r.pools = pools;
    r.tag_count = 2;
    r.tags = tags;
    r.header_region_uri = tpc_bytes("shm:file?path=/h");
    r.data_source_name = tpc_bytes(name);
    r.driver_instance_id = tpc_bytes(instance);
    r.driver_control_channel = tpc_bytes("aeron:ipc");
    return r;
}

static tpi_result_fault_t seen[8];
static size_t seen_count;

static void on_fault(void *clientd, tpi_result_fault_t fault, const tpc_discovery_result_t *r)
{
    (void)clientd;
    (void)r;
    if (seen_count < 8) { seen[seen_count++] = fault; }
}

/* Over the wire: encoded, decoded, copied. */
static tpi_result_list_t *list_of(const tpc_discovery_result_t *results, uint32_t count, uint8_t status)
{
    tpi_result_list_t *list = NULL;
    tpc_discovery_response_t m = TPC_DISCOVERY_RESPONSE_INIT;
    tpc_discovery_response_t back;
    m.request_id = 1;
    m.status = status;
    m.result_count = count;
    m.results = results;
    const int64_t n = tpc_discovery_response_encode(buffer, sizeof(buffer), &m);
    assert_true(n > 0);
    assert_int_equal(tpc_discovery_response_decode(&back, buffer, (size_t)n), TPC_OK);
    seen_count = 0;
    assert_int_equal(tpi_result_list_create(&list, &back, on_fault, NULL), 0);
    memset(buffer, 0xAA, sizeof(buffer));                  /* the list is a copy */
    return list;
}

static tpi_result_fault_t fault_of(tpc_discovery_result_t bad)
{
    const tpc_discovery_result_t both[2] = { bad, result("drv-z", 1, 1, "good") };
    tpi_result_list_t *list = list_of(both, 2, TPC_DISCOVERY_OK);
    tpi_result_fault_t fault = TPI_RESULT_GOOD;
    if (1 == list->count)
    {
        assert_string_equal(list->results[0].name, "good");                        /* O-7: the other one stays */
        assert_int_equal(list->refused, 1);
        assert_int_equal(seen_count, 1);
        fault = seen[0];
        assert_int_equal(list->faults[fault], 1);
    }
    else { assert_int_equal(list->count, 2); }
    tpi_result_list_delete(list);
    return fault;
}

static void everything_of_a_result_is_kept_byte_for_byte__X_053_X_042(void **state)
{
    (void)state;
    tpc_discovery_result_t r = result("drv-a", 10000, 5, " Camera ");
    r.data_source_id = 77;
    tpi_result_list_t *list = list_of(&r, 1, TPC_DISCOVERY_OK);
    assert_int_equal(list->count, 1);
    const tp_discovery_result_t *k = &list->results[0];
    assert_int_equal(k->size, sizeof(*k));
    assert_int_equal(k->stream_id, 10000);
    assert_int_equal(k->producer_id, 42);
    assert_int_equal(k->epoch, 5);
    assert_int_equal(k->layout_version, 1);
    assert_int_equal(k->header_nslots, 64);
    assert_int_equal(k->header_slot_bytes, 256);
    assert_int_equal(k->max_dims, 8);
    assert_int_equal(k->data_source_id, 77);
    assert_int_equal(k->driver_control_stream_id, 1000);
    assert_string_equal(k->driver_control_channel, "aeron:ipc");
    assert_string_equal(k->driver_instance, "drv-a");
    assert_string_equal(k->name, " Camera ");
    assert_string_equal(k->header_region_uri, "shm:file?path=/h");
    assert_int_equal(k->pool_count, 1);
    assert_int_equal(k->pools[0].pool_id, 1);
    assert_int_equal(k->pools[0].nslots, 64);
    assert_int_equal(k->pools[0].stride_bytes, 4096);
    assert_string_equal(k->pools[0].region_uri, "shm:file?path=/p1");
    assert_int_equal(k->tag_count, 2);
    assert_string_equal(k->tags[0], "NIR");
    assert_string_equal(k->tags[1], "cam");
    tpi_result_list_delete(list);
}

static void result_without_control_channel_is_left_out__X_058(void **state)
{
    (void)state;
    tpc_discovery_result_t r = result("drv-a", 10000, 5, "bad");
    r.driver_control_channel = tpc_bytes("");
    assert_int_equal(fault_of(r), TPI_RESULT_NO_ENDPOINT);
}

static void result_without_control_stream_is_left_out__X_060(void **state)
{
    (void)state;
    tpc_discovery_result_t r = result("drv-a", 10000, 5, "bad");
    r.driver_control_stream_id = 0;
    assert_int_equal(fault_of(r), TPI_RESULT_NO_ENDPOINT);
    r.driver_control_stream_id = UINT32_C(1) << 31;
    assert_int_equal(fault_of(r), TPI_RESULT_NO_ENDPOINT);
    r.driver_control_stream_id = INT32_MAX;
    assert_int_equal(fault_of(r), TPI_RESULT_GOOD);
}

static void channels_that_aeron_cannot_have_are_left_out__P11(void **state)
{
    (void)state;
    static char longest[1100];
    tpc_discovery_result_t r = result("drv-a", 10000, 5, "bad");
    r.driver_control_channel = tpc_bytes("ipc");
    assert_int_equal(fault_of(r), TPI_RESULT_CHANNEL);
    r.driver_control_channel = tpc_bytes("aeron:");
    assert_int_equal(fault_of(r), TPI_RESULT_CHANNEL);
    r.driver_control_channel = tpc_bytes("aeron:ipc ");
    assert_int_equal(fault_of(r), TPI_RESULT_CHANNEL);
    r.driver_control_channel = (tpc_bytes_t){ "aeron:ipc\0x", 11 };
    assert_int_equal(fault_of(r), TPI_RESULT_CHANNEL);
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "aeron:", 6);
    r.driver_control_channel = (tpc_bytes_t){ longest, TP_DISCOVERY_CHANNEL_MAX };
    assert_int_equal(fault_of(r), TPI_RESULT_GOOD);
    r.driver_control_channel = (tpc_bytes_t){ longest, TP_DISCOVERY_CHANNEL_MAX + 1 };
    assert_int_equal(fault_of(r), TPI_RESULT_TEXT);
}

static void pools_that_contradict_the_ring_are_a_protocol_error__X_065(void **state)
{
    (void)state;
    tpc_discovery_result_t r = result("drv-a", 10000, 5, "bad");
    assert_int_equal(fault_of(r), TPI_RESULT_GOOD);
    r.header_nslots = 63;
    assert_int_equal(fault_of(r), TPI_RESULT_POOLS);
}

static void texts_longer_than_we_take_or_with_a_nul_leave_a_result_out__P11_P9(void **state)
{
    (void)state;
    static char longest[5000];
    memset(longest, 'n', sizeof(longest));
    tpc_discovery_result_t r = result("drv-a", 10000, 5, "bad");
    r.data_source_name = (tpc_bytes_t){ longest, 256 };
    assert_int_equal(fault_of(r), TPI_RESULT_GOOD);
    r.data_source_name = (tpc_bytes_t){ longest, 257 };
    assert_int_equal(fault_of(r), TPI_RESULT_TEXT);
    r.data_source_name = (tpc_bytes_t){ "a\0b", 3 };
    assert_int_equal(fault_of(r), TPI_RESULT_TEXT);
    r = result("drv-a", 10000, 5, "bad");
    r.driver_instance_id = (tpc_bytes_t){ longest, 257 };
    assert_int_equal(fault_of(r), TPI_RESULT_TEXT);
    r = result("drv-a", 10000, 5, "bad");
    r.header_region_uri = (tpc_bytes_t){ longest, 4096 };
    assert_int_equal(fault_of(r), TPI_RESULT_GOOD);
    r.header_region_uri = (tpc_bytes_t){ longest, 4097 };
    assert_int_equal(fault_of(r), TPI_RESULT_TEXT);
    tpc_bytes_t one = { longest, 257 };
    r = result("drv-a", 10000, 5, "bad");
    r.tags = &one;
    r.tag_count = 1;
    assert_int_equal(fault_of(r), TPI_RESULT_TEXT);
    one.length = 256;
    assert_int_equal(fault_of(r), TPI_RESULT_GOOD);
    tpc_pool_entry_t pool = { .pool_id = 1, .pool_nslots = 64, .stride_bytes = 64, .region_uri = { longest, 4097 } };
    r = result("drv-a", 10000, 5, "bad");
    r.pools = &pool;
    assert_int_equal(fault_of(r), TPI_RESULT_TEXT);
}

static void more_pools_or_tags_than_we_keep_leave_a_result_out__P11(void **state)
{
    (void)state;
    static tpc_pool_entry_t many_pools[TPI_RESULT_POOLS_MAX + 1];
    static tpc_bytes_t many_tags[TPI_RESULT_TAGS_MAX + 1];
    tpc_discovery_result_t r = result("drv-a", 10000, 5, "bad");
    for (size_t i = 0; i <= TPI_RESULT_POOLS_MAX; i++) { many_pools[i] = pools[0]; }
    for (size_t i = 0; i <= TPI_RESULT_TAGS_MAX; i++) { many_tags[i] = tags[0]; }
    r.pools = many_pools;
    r.pool_count = TPI_RESULT_POOLS_MAX;
    r.tags = many_tags;
    r.tag_count = TPI_RESULT_TAGS_MAX;
    assert_int_equal(fault_of(r), TPI_RESULT_GOOD);
    r.tag_count++;
    assert_int_equal(fault_of(r), TPI_RESULT_TEXT);
    r.tag_count--;
    r.pool_count++;
    assert_int_equal(fault_of(r), TPI_RESULT_TEXT);
}

static void results_of_other_statuses_are_ignored__X_070(void **state)
{
    (void)state;
    const tpc_discovery_result_t r = result("drv-a", 10000, 5, "camera");
    tpi_result_list_t *list = list_of(&r, 1, TPC_DISCOVERY_ERROR);
    assert_int_equal(list->count, 0);
    tpi_result_list_delete(list);
    list = list_of(&r, 1, TPC_DISCOVERY_NOT_FOUND);
    assert_int_equal(list->count, 0);
    assert_int_equal(list->refused, 0);
    tpi_result_list_delete(list);
    tpi_result_list_delete(NULL);
}

static void newest_epoch_of_a_stream_is_kept_once__X_085(void **state)
{
    (void)state;
    const tpc_discovery_result_t r[] = { result("drv-a", 10000, 5, "old"), result("drv-a", 10000, 6, "new"), result("drv-a", 10000, 6, "again"),
        result("drv-a", 10000, 4, "older") };
    tpi_result_list_t *list = list_of(r, 4, TPC_DISCOVERY_OK);
    assert_int_equal(list->count, 1);
    assert_int_equal(list->stale, 3);
    assert_int_equal(list->results[0].epoch, 6);
    assert_string_equal(list->results[0].name, "new");
    tpi_result_list_delete(list);
}

static void one_stream_id_at_two_drivers_is_two_streams__X_087(void **state)
{
    (void)state;
    tpc_discovery_result_t r[] = { result("drv-b", 10000, 5, "camera"), result("drv-a", 10000, 7, "camera"), result("", 10000, 1, "x"),
        result("", 10000, 1, "x"), result("", 10000, 1, "x"), result("drv-a", 9, 1, "y") };
    r[3].driver_control_stream_id = 1001;                  /* drivers that do not say who they are differ by their endpoints */
    r[4].driver_control_channel = tpc_bytes("aeron:ipc?term-length=4m");
    tpi_result_list_t *list = list_of(r, 6, TPC_DISCOVERY_OK);
    assert_int_equal(list->count, 6);
    assert_int_equal(list->stale, 0);
    assert_string_equal(list->results[0].driver_instance, "");
    assert_int_equal(list->results[3].stream_id, 9);
    assert_string_equal(list->results[4].driver_instance, "drv-a");
    assert_string_equal(list->results[5].driver_instance, "drv-b");
    tpi_result_list_delete(list);
}

/* ---- names -------------------------------------------------------------------------------------------------------------- */

static const tpi_candidate_t streams[] = { { 10000, "camera", "drv-a" }, { 10000, "camera", "drv-b" }, { 10001, "depth", "drv-a" },
    { 10002, "", "drv-b" }, { 10003, "777", "drv-a" }, { 10004, "odd@drv-a", "drv-b" } };
#define STREAMS (sizeof(streams) / sizeof(streams[0]))

static int chosen(const char *wanted)
{
    size_t index = 99;
    const tpi_choice_t choice = tpi_choose(streams, STREAMS, wanted, &index);
    if (TPI_CHOICE_ONE == choice) { return (int)index; }
    return TPI_CHOICE_NONE == choice ? -1 : -2;
}

static void names_are_compared_byte_for_byte__X_042(void **state)
{
    (void)state;
    assert_int_equal(chosen("depth"), 2);
    assert_int_equal(chosen("Depth"), -1);
    assert_int_equal(chosen("depth "), -1);
    assert_int_equal(chosen("dept"), -1);
    assert_int_equal(chosen(""), -1);
}

static void several_drivers_with_one_name_are_told_apart_by_instance(void **state)
{
    (void)state;
    assert_int_equal(chosen("camera"), -2);
    assert_int_equal(chosen("camera@drv-a"), 0);
    assert_int_equal(chosen("camera@drv-b"), 1);
    assert_int_equal(chosen("camera@drv-c"), -1);
    assert_int_equal(chosen("camera@"), -1);
    assert_int_equal(chosen("10000"), -2);
    assert_int_equal(chosen("10000@drv-b"), 1);
    assert_int_equal(chosen("10002"), 3);
    assert_int_equal(chosen("777"), 4);                    /* a name that looks like a number */
    assert_int_equal(chosen("odd@drv-a"), 5);              /* a name with an @ in it */
    assert_int_equal(chosen(NULL), -2);
}

static void errors_name_what_is_near_and_what_is_meant(void **state)
{
    (void)state;
    tpi_err_t err;
    tpi_choose_error(streams, STREAMS, "camera", TPI_CHOICE_SEVERAL);
    tpi_err_save(&err);
    assert_int_equal(err.code, TP_EAMBIGUOUS);
    assert_non_null(strstr(err.why, "10000 'camera' at drv-a, 10000 'camera' at drv-b"));
    assert_non_null(strstr(err.fix, "NAME@INSTANCE"));
    tpi_choose_error(streams, STREAMS, "dept", TPI_CHOICE_NONE);
    tpi_err_save(&err);
    assert_int_equal(err.code, TP_ENOENT);
    assert_non_null(strstr(err.fix, "did you mean 'depth'"));
    tpi_choose_error(streams, STREAMS, "something else", TPI_CHOICE_NONE);
    tpi_err_save(&err);
    assert_null(strstr(err.fix, "did you mean"));
    tpi_choose_error(streams, 0, "x\x1b[2J", TPI_CHOICE_NONE);
    tpi_err_save(&err);
    assert_null(strchr(err.msg, 0x1b));
    assert_non_null(strstr(err.why, "neither a discovery provider"));
}

static void long_lists_of_candidates_are_cut_and_say_so(void **state)
{
    (void)state;
    tpi_candidate_t many[40];
    tpi_err_t err;
    for (uint32_t i = 0; i < 40; i++) { many[i] = (tpi_candidate_t){ i + 1, "camera", "a-driver-with-a-long-name" }; }
    tpi_choose_error(many, 40, "camera", TPI_CHOICE_SEVERAL);
    tpi_err_save(&err);
    assert_true(strlen(err.why) > 100);
    assert_string_equal(err.why + strlen(err.why) - 4, " ...");
}

static void ids_are_decimal_and_within_bounds(void **state)
{
    (void)state;
    uint32_t id = 0;
    assert_true(tpi_stream_id_of("1", &id) && 1 == id);
    assert_true(tpi_stream_id_of("4294967294", &id) && 4294967294u == id);
    assert_false(tpi_stream_id_of("4294967295", &id));
    assert_false(tpi_stream_id_of("0", &id));
    assert_false(tpi_stream_id_of("", &id));
    assert_false(tpi_stream_id_of("-1", &id));
    assert_false(tpi_stream_id_of(" 1", &id));
    assert_false(tpi_stream_id_of("1x", &id));
    assert_false(tpi_stream_id_of("99999999999999999999999", &id));
    assert_int_equal(id, 4294967294u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_of_a_result_is_kept_byte_for_byte__X_053_X_042),
        cmocka_unit_test(result_without_control_channel_is_left_out__X_058),
        cmocka_unit_test(result_without_control_stream_is_left_out__X_060),
        cmocka_unit_test(channels_that_aeron_cannot_have_are_left_out__P11),
        cmocka_unit_test(pools_that_contradict_the_ring_are_a_protocol_error__X_065),
        cmocka_unit_test(texts_longer_than_we_take_or_with_a_nul_leave_a_result_out__P11_P9),
        cmocka_unit_test(more_pools_or_tags_than_we_keep_leave_a_result_out__P11),
        cmocka_unit_test(results_of_other_statuses_are_ignored__X_070),
        cmocka_unit_test(newest_epoch_of_a_stream_is_kept_once__X_085),
        cmocka_unit_test(one_stream_id_at_two_drivers_is_two_streams__X_087),
        cmocka_unit_test(names_are_compared_byte_for_byte__X_042),
        cmocka_unit_test(several_drivers_with_one_name_are_told_apart_by_instance),
        cmocka_unit_test(errors_name_what_is_near_and_what_is_meant),
        cmocka_unit_test(long_lists_of_candidates_are_cut_and_say_so),
        cmocka_unit_test(ids_are_decimal_and_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

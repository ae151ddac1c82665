/* What is particular to the messages of schema 901; what holds for all messages is in golden_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/test_messages.h"

#define MAX 4096

static void assert_golden(const char *file, const uint8_t *bytes, int64_t length)
{
    uint8_t golden[MAX];
    const size_t expected = golden_load(file, golden, sizeof(golden));
    assert_true(expected > 0);
    assert_int_equal(length, (int64_t)expected);
    assert_memory_equal(bytes, golden, expected);
}

static void a_request_without_wishes_has_null_values__D_066_D_067_P16(void **state)
{
    uint8_t b[MAX];
    tpc_attach_request_t m = TPC_ATTACH_REQUEST_INIT;
    (void)state;
    m.correlation_id = -1;
    m.client_id = 42;
    m.role = TP_ROLE_PRODUCER;
    const int64_t length = tpc_attach_request_encode(b, sizeof(b), &m);
    assert_int_equal(length, 35);
    assert_int_equal(b[8 + 21], 255);                       /* D-067: publishMode */
    assert_int_equal(b[8 + 22], 0);                         /* UNSPECIFIED, not null */
    assert_golden("driver_1_attach_request_min", b, length);
}

static void a_refusal_is_null_in_every_optional_field__D_065_D_066_D_068(void **state)
{
    uint8_t b[MAX];
    static tpc_attach_response_t m = TPC_ATTACH_RESPONSE_INIT;
    (void)state;
    m.correlation_id = (int64_t)EPOCH;
    m.code = TPC_CODE_REJECTED;
    assert_int_equal(tpc_attach_response_encode(b, sizeof(b), &m), 74);     /* the smallest, 1.4 */
    assert_int_equal(b[70] | b[71] | b[72] | b[73], 0);                     /* D-068: empty errorMessage is four zero bytes */
    m.error_message = tpc_bytes("client_id already attached");
    assert_golden("driver_2_attach_response_min", b, tpc_attach_response_encode(b, sizeof(b), &m));
}

static void null_values_come_back_as_null_values__D_066(void **state)
{
    uint8_t b[MAX];
    static tpc_attach_response_t r;
    const size_t length = golden_load("driver_2_attach_response_min", b, sizeof(b));
    (void)state;
    assert_int_equal(tpc_attach_response_decode(&r, b, length), TPC_OK);
    assert_true(TP_NULL_U64 == r.lease_id && TP_NULL_U64 == r.lease_expiry_timestamp_ns && TP_NULL_U64 == r.epoch);
    assert_true(TP_NULL_U32 == r.stream_id && TP_NULL_U32 == r.layout_version && TP_NULL_U32 == r.header_nslots && TP_NULL_U32 == r.node_id);
    assert_int_equal(r.header_slot_bytes, 65535);
    assert_int_equal(r.pool_count, 0);
    assert_int_equal(r.header_region_uri.length, 0);
    assert_true(tpc_bytes_equal(r.error_message, "client_id already attached"));
}

static void unlisted_enum_values_are_kept_for_the_one_who_rejects_them(void **state)
{
    uint8_t b[MAX];
    tpc_attach_request_t m = TPC_ATTACH_REQUEST_INIT;
    tpc_attach_request_t r;
    (void)state;
    m.role = 3;
    m.publish_mode = 9;
    m.require_hugepages = 255;
    const int64_t length = tpc_attach_request_encode(b, sizeof(b), &m);
    assert_int_equal(tpc_attach_request_decode(&r, b, (size_t)length), TPC_OK);
    assert_int_equal(r.role, 3);
    assert_int_equal(r.publish_mode, 9);
    assert_int_equal(r.require_hugepages, 255);
}

static void pools_of_a_response_are_bounded__P11(void **state)
{
    uint8_t b[MAX];
    static tpc_attach_response_t m = TPC_ATTACH_RESPONSE_INIT;
    static tpc_attach_response_t r;
    (void)state;
    m.pool_count = 64;
    const int64_t length = tpc_attach_response_encode(b, sizeof(b), &m);
    assert_int_equal(length, 74 + 64 * 14);
    assert_int_equal(tpc_attach_response_decode(&r, b, (size_t)length), TPC_OK);
    assert_int_equal(r.pool_count, 64);
    memmove(b + 66 + 14, b + 66, (size_t)length - 66);      /* one entry more */
    b[64] = 65;
    memset(&r, 0xA5, sizeof(r));
    assert_int_equal(tpc_attach_response_decode(&r, b, (size_t)length + 14), TPC_TOO_MANY);
    assert_true(0xA5A5A5A5u == r.pool_count);
    assert_int_equal(tpc_attach_response_decode(&r, b, (size_t)length + 13), TPC_MALFORMED);
    m.pool_count = 65;
    assert_int_equal(tpc_attach_response_encode(b, sizeof(b), &m), TPC_MALFORMED);
}

static void the_codec_does_not_cut_a_long_text(void **state)
{
    static char text[5000];
    static uint8_t b[6000];
    tpc_detach_response_t m = TPC_DETACH_RESPONSE_INIT;
    (void)state;
    m.error_message = (tpc_bytes_t){ text, sizeof(text) };
    assert_int_equal(tpc_detach_response_encode(b, sizeof(b), &m), 8 + 12 + 4 + 5000);
}

static void a_request_of_any_version_gives_its_correlation_id__D_072(void **state)
{
    uint8_t b[MAX];
    int64_t id = 7;
    (void)state;
    assert_true(golden_load("driver_1_attach_request", b, sizeof(b)) > 0);
    b[6] = 2;
    b[0] = 8;                                               /* another layout after the first field */
    assert_int_equal(tpc_driver_correlation_id(&id, b, 15), TPC_MALFORMED);
    assert_int_equal(id, 7);
    assert_int_equal(tpc_driver_correlation_id(&id, b, 16), TPC_OK);
    assert_true((int64_t)EPOCH == id);
    b[0] = 7;
    assert_int_equal(tpc_driver_correlation_id(&id, b, 35), TPC_MALFORMED);
    b[0] = 25;
    b[2] = TPC_DETACH_REQUEST;
    assert_int_equal(tpc_driver_correlation_id(&id, b, 35), TPC_OK);
    b[2] = TPC_KEEPALIVE;
    assert_int_equal(tpc_driver_correlation_id(&id, b, 35), TPC_MALFORMED);
    b[2] = TPC_ATTACH_REQUEST;
    b[4] = 0x84;
    assert_int_equal(tpc_driver_correlation_id(&id, b, 35), TPC_MALFORMED);
}

static void a_token_longer_than_the_message_is_refused__P11_D_202(void **state)
{
    static const uint32_t lies[] = { 14, 15, 1073741825, UINT32_MAX };     /* 13 bytes follow */
    uint8_t b[MAX];
    const size_t length = golden_load("driver_8_shutdown_request", b, sizeof(b));
    tpc_shutdown_request_t m;
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
    {
        memcpy(b + 17, &lies[i], 4);
        assert_int_equal(tpc_shutdown_request_decode(&m, b, length), TPC_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_wishes_has_null_values__D_066_D_067_P16),
        cmocka_unit_test(a_refusal_is_null_in_every_optional_field__D_065_D_066_D_068),
        cmocka_unit_test(null_values_come_back_as_null_values__D_066),
        cmocka_unit_test(unlisted_enum_values_are_kept_for_the_one_who_rejects_them),
        cmocka_unit_test(pools_of_a_response_are_bounded__P11),
        cmocka_unit_test(the_codec_does_not_cut_a_long_text),
        cmocka_unit_test(a_request_of_any_version_gives_its_correlation_id__D_072),
        cmocka_unit_test(a_token_longer_than_the_message_is_refused__P11_D_202),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

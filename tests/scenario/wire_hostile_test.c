/* Every message of every schema, bent in every way, at a dispatcher with all decoders behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hostile.h"
#include "runtime/dispatcher.h"

static tpi_dispatcher_t *dispatcher;
static tpi_route_t routes[MESSAGE_TYPES];
static uint64_t decoded;
static uint64_t refused;
static uint64_t variations[HOSTILE_LONGER + 1];

static void on_message(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    static any_message_t m;
    static uint8_t encoded[1u << 16];
    tpc_header_t header = { 0, 0, 0, 0 };
    (void)clientd;
    (void)now_ns;
    assert_int_equal(tpc_header_decode(&header, message->data, message->length), TPC_OK);
    const message_type_t *const type = message_type(header.schema_id, header.template_id);
    if (TPC_OK != type->decode(&m, message->data, message->length))
    {
        refused++;
        tpi_dispatcher_malformed(dispatcher);
        return;
    }
    decoded++;
    /* What was taken can be looked at to its last byte. */
    const int64_t length = type->encode(encoded, sizeof(encoded), &m);
    assert_true(length > 0 && length == type->length(&m));
    assert_true((size_t)length <= message->length || TPC_FRAME_DESCRIPTOR_MIN_BLOCK == header.block_length ||
        TPC_DISCOVERY_SCHEMA == header.schema_id);                           /* there the last texts may be missing */
}

static int setup(void **state)
{
    (void)state;
    memset(variations, 0, sizeof(variations));
    for (size_t i = 0; i < MESSAGE_TYPES; i++)
    {
        routes[i] = (tpi_route_t){ message_types[i].schema_id, message_types[i].template_id, message_types[i].min_block, on_message };
    }
    assert_int_equal(tpi_dispatcher_create(&dispatcher), 0);
    return tpi_dispatcher_add(dispatcher, routes, MESSAGE_TYPES, NULL);
}

static int teardown(void **state)
{
    (void)state;
    tpi_dispatcher_delete(dispatcher);
    return 0;
}

static void dispatch(const hostile_t *h)
{
    const tpi_message_t message = { .data = h->data, .length = h->length };
    variations[h->kind]++;
    tpi_dispatcher_dispatch(dispatcher, &message, 0);
}

static void strict_is_counted(const hostile_t *h)
{
    const tpi_dispatcher_counts_t before = *tpi_dispatcher_counts(dispatcher);
    const uint64_t taken = decoded;
    if (h->kind >= HOSTILE_STRICT) { return; }
    dispatch(h);
    const tpi_dispatcher_counts_t *const after = tpi_dispatcher_counts(dispatcher);
    if (taken != decoded) { fail_msg("%s: kind %d number %zu was taken", h->golden->file, h->kind, h->at); }
    switch (h->kind)
    {
        case HOSTILE_NEWER: assert_true(after->newer_version == before.newer_version + 1); break;
        case HOSTILE_TEMPLATE:
        case HOSTILE_SCHEMA: assert_true(after->unknown == before.unknown + 1); break;
        default: assert_true(after->malformed == before.malformed + 1); break;
    }
}

static void malformed_newer_and_foreign_messages_are_ignored_and_counted__D_083_D_084_D_202_P10(void **state)
{
    (void)state;
    hostile_each(strict_is_counted);
    for (int kind = 0; kind < HOSTILE_STRICT; kind++) { assert_true(variations[kind] >= GOLDENS); }
}

static void loose_is_harmless(const hostile_t *h)
{
    const uint64_t before = decoded + refused;
    if (h->kind < HOSTILE_STRICT) { return; }
    dispatch(h);
    assert_true(decoded + refused == before + 1);
}

static void lengths_counts_and_texts_that_lie_stay_within_the_message__P11(void **state)
{
    (void)state;
    const size_t held = hostile_held();
    decoded = 0;
    refused = 0;
    hostile_each(loose_is_harmless);
    assert_true(variations[HOSTILE_LIE] > 1000 && variations[HOSTILE_TEXT] > 100);
    assert_true(refused > 500 && decoded > 500);
    assert_int_equal(tpi_dispatcher_counts(dispatcher)->malformed, refused);
    assert_true(hostile_held() <= held + HOSTILE_ROOM);
}

static void longer_is_taken(const hostile_t *h)
{
    const uint64_t before = decoded;
    if (HOSTILE_LONGER != h->kind) { return; }
    dispatch(h);
    assert_true(decoded == before + 1);
}

static void surplus_bytes_of_a_block_are_skipped__O_38_P10(void **state)
{
    (void)state;
    hostile_each(longer_is_taken);
    assert_int_equal(variations[HOSTILE_LONGER], 4 * GOLDENS);
    assert_int_equal(tpi_dispatcher_counts(dispatcher)->malformed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(malformed_newer_and_foreign_messages_are_ignored_and_counted__D_083_D_084_D_202_P10),
        TEST(lengths_counts_and_texts_that_lie_stay_within_the_message__P11), TEST(surplus_bytes_of_a_block_are_skipped__O_38_P10) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

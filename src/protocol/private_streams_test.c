#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/private_streams.h"

#define D TPI_PRIVATE_DESCRIPTOR
#define C TPI_PRIVATE_CONTROL

static tpi_private_table_t table;
static tpi_private_owner_t owners[600];

static void init(const char *descriptor, uint32_t first, uint32_t last, const char *control, uint32_t control_first, uint32_t control_last)
{
    const tpi_private_rule_t rules[] = { { descriptor, first, last }, { control, control_first, control_last } };
    memset(owners, 0, sizeof(owners));
    tpi_private_init(&table, rules);
}

static tpi_private_outcome_t ask(size_t owner, tpi_private_kind_t kind, const char *channel, uint32_t id)
{
    const tpi_private_ask_t a = { (uint32_t)owner, tpc_bytes(channel), id, true, true };
    return tpi_private_assign(&table, &owners[owner], kind, &a);
}

static void release_all(void)
{
    for (size_t i = 0; i < 600; i++)
    {
        tpi_private_release(&table, &owners[i], D);
        tpi_private_release(&table, &owners[i], C);
    }
    assert_int_equal(table.count[D] + table.count[C], 0);
    assert_null(table.owned);
}

static void whole_range_is_used_and_no_id_twice__S_038_S_068_P8(void **state)
{
    (void)state;
    static uint8_t seen[512];
    memset(seen, 0, sizeof(seen));
    init("", 1000, 1511, "", 2000, 2511);
    assert_true(tpi_private_reserve(&table, 1007));
    for (size_t i = 0; i < 511; i++)
    {
        const tpi_private_ask_t a = { (uint32_t)(i % 3), tpc_bytes("aeron:ipc"), 1, true, true };      /* three places wanted by all */
        assert_int_equal(tpi_private_assign(&table, &owners[i], D, &a), TPI_PRIVATE_GRANTED);
        const uint32_t id = tpi_private_id(&owners[i], D);
        assert_in_range(id, 1000, 1511);
        assert_int_not_equal(id, 1007);
        assert_int_equal(seen[id - 1000]++, 0);
    }
    assert_int_equal(ask(599, D, "aeron:ipc", 1), TPI_PRIVATE_USED_UP);
    tpi_private_release(&table, &owners[5], D);
    assert_int_equal(ask(599, D, "aeron:ipc", 1), TPI_PRIVATE_GRANTED);
    release_all();
}

static void range_may_end_at_the_largest_id__S_069(void **state)
{
    (void)state;
    init("", 2147483646, 2147483647, "", 0, 0);
    assert_int_equal(ask(1, D, "aeron:ipc", 7), TPI_PRIVATE_GRANTED);
    assert_int_equal(tpi_private_id(&owners[1], D), 2147483647);
    assert_int_equal(ask(3, D, "aeron:ipc", 7), TPI_PRIVATE_GRANTED);
    assert_int_equal(tpi_private_id(&owners[3], D), 2147483646);
    assert_int_equal(ask(5, D, "aeron:ipc", 7), TPI_PRIVATE_USED_UP);
    release_all();
}

static void media_are_told_apart_but_ipc_is_one__S_068(void **state)
{
    (void)state;
    init("aeron:udp?endpoint=a:1", 0, 0, "", 0, 0);
    assert_int_equal(ask(1, D, "aeron:ipc", 50), TPI_PRIVATE_GRANTED);
    assert_true(tpc_bytes_equal(tpi_private_channel(&table, &owners[1], D), "aeron:udp?endpoint=a:1"));
    assert_int_equal(ask(2, C, "aeron:ipc", 50), TPI_PRIVATE_GRANTED);         /* another medium */
    assert_int_equal(ask(3, C, "aeron:ipc?term-length=64k", 50), TPI_PRIVATE_TAKEN);
    release_all();
    init("aeron:udp?endpoint=a:1", 0, 0, "aeron:udp?endpoint=a:1", 0, 0);
    assert_int_equal(ask(1, D, "aeron:ipc", 50), TPI_PRIVATE_GRANTED);
    assert_int_equal(ask(2, C, "aeron:ipc", 50), TPI_PRIVATE_TAKEN);           /* the same text */
    release_all();
    init("aeron:ipc?term-length=1m", 0, 0, "", 0, 0);
    assert_int_equal(ask(1, D, "aeron:ipc", 50), TPI_PRIVATE_GRANTED);
    assert_int_equal(ask(2, C, "aeron:ipc", 50), TPI_PRIVATE_TAKEN);
    release_all();
}

static void every_outcome_but_granted_ends_ownership__S_071(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
    {
        init("", 1000, 1009, "", 0, 0);
        assert_int_equal(ask(1, D, "aeron:ipc", 5), TPI_PRIVATE_GRANTED);
        tpi_private_ask_t a = { 1, tpc_bytes("aeron:ipc"), 5, true, true };
        if (0 == i) { a.channel = tpc_bytes(""), a.id = 0; }
        if (1 == i) { a.channel = tpc_bytes(""); }
        if (2 == i) { a.id = 0; }
        if (3 == i) { a.channel = tpc_bytes("udp"); }
        if (4 == i) { a.is_offered = false; }
        assert_int_not_equal(tpi_private_assign(&table, &owners[1], D, &a), TPI_PRIVATE_GRANTED);
        assert_int_equal(tpi_private_id(&owners[1], D), 0);
        assert_int_equal(tpi_private_channel(&table, &owners[1], D).length, 0);
        assert_int_equal(table.count[D], 0);
    }
    release_all();
}

static void channel_of_the_request_follows_the_request__S_040(void **state)
{
    (void)state;
    init("", 1000, 1009, "", 0, 0);
    assert_int_equal(ask(1, D, "aeron:ipc", 5), TPI_PRIVATE_GRANTED);
    assert_int_equal(ask(1, D, "aeron:ipc?term-length=64k", 5), TPI_PRIVATE_GRANTED);
    assert_true(tpc_bytes_equal(tpi_private_channel(&table, &owners[1], D), "aeron:ipc?term-length=64k"));
    release_all();
}

static void own_id_and_wish_outlast_the_grace__S_070(void **state)
{
    (void)state;
    init("", 1000, 1009, "", 0, 0);
    tpi_private_ask_t a = { 1, tpc_bytes("aeron:ipc"), 5, true, false };
    assert_int_equal(tpi_private_assign(&table, &owners[1], D, &a), TPI_PRIVATE_TOO_EARLY);
    a.id = 1004;
    assert_int_equal(tpi_private_assign(&table, &owners[1], D, &a), TPI_PRIVATE_GRANTED);
    a.id = 5;
    assert_int_equal(tpi_private_assign(&table, &owners[1], D, &a), TPI_PRIVATE_GRANTED);
    assert_int_equal(tpi_private_id(&owners[1], D), 1004);
    release_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_range_is_used_and_no_id_twice__S_038_S_068_P8),
        cmocka_unit_test(range_may_end_at_the_largest_id__S_069),
        cmocka_unit_test(media_are_told_apart_but_ipc_is_one__S_068),
        cmocka_unit_test(every_outcome_but_granted_ends_ownership__S_071),
        cmocka_unit_test(channel_of_the_request_follows_the_request__S_040),
        cmocka_unit_test(own_id_and_wish_outlast_the_grace__S_070),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

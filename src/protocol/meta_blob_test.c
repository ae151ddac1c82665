#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/crc32c.h"
#include "protocol/meta_blob.h"

#define STREAM 10000u
#define VERSION 3u
#define SENDER 77
#define BYTES 1000u

static tpi_blob_receiver_t receiver;
static uint8_t bytes[BYTES];

static int setup(void **state)
{
    (void)state;
    tpi_blob_receiver_init(&receiver, 0, 0);
    for (uint32_t i = 0; i < BYTES; i++) { bytes[i] = (uint8_t)(i * 7 + i / 256); }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_blob_receiver_fini(&receiver);
    return receiver.allocated == 0 ? 0 : -1;
}

static tpi_blob_verdict_t announce(uint32_t stream_id, uint64_t total_len, uint64_t checksum, int64_t now_ns)
{
    const tpc_blob_announce_t m = { .stream_id = stream_id, .meta_version = VERSION, .blob_type = 5, .total_len = total_len, .checksum = checksum };
    return tpi_blob_receiver_on_announce(&receiver, &m, SENDER, now_ns);
}

static tpi_blob_verdict_t chunk_of(int32_t session_id, uint32_t version, uint64_t offset, uint32_t length)
{
    const tpc_blob_chunk_t m = { .stream_id = STREAM, .meta_version = version, .chunk_offset = offset, .bytes = { (const char *)bytes, length } };
    return tpi_blob_receiver_on_chunk(&receiver, &m, session_id, 0);
}

static tpi_blob_verdict_t chunk(uint64_t offset, uint32_t length)
{
    const tpc_blob_chunk_t m = { .stream_id = STREAM, .meta_version = VERSION, .chunk_offset = offset,
        .bytes = { (const char *)bytes + (offset < BYTES ? offset : 0), length } };
    return tpi_blob_receiver_on_chunk(&receiver, &m, SENDER, 0);
}

static tpi_blob_verdict_t complete(uint64_t checksum, tpi_blob_t *blob)
{
    const tpc_blob_complete_t m = { .stream_id = STREAM, .meta_version = VERSION, .checksum = checksum };
    return tpi_blob_receiver_on_complete(&receiver, &m, SENDER, blob);
}

static void expect_idle(void)
{
    tpi_blob_t blob;
    assert_int_equal(receiver.allocated, 0);
    assert_int_equal(complete(0, &blob), TPI_BLOB_NOT_EXPECTED);
}

static void expect_whole(uint64_t checksum)
{
    tpi_blob_t blob;
    assert_int_equal(complete(checksum, &blob), TPI_BLOB_DELIVERED);
    assert_int_equal(blob.length, BYTES);
    assert_int_equal(blob.blob_type, 5);
    assert_int_equal(blob.meta_version, VERSION);
    assert_int_equal(blob.stream_id, STREAM);
    assert_int_equal(blob.session_id, SENDER);
    assert_memory_equal(blob.data, bytes, BYTES);
    tpi_blob_receiver_release(&blob);
    assert_int_equal(receiver.allocated, 0);
}

/* ---- sender ---- */

/* Runs one blob from sender to receiver; number of chunks. */
static uint32_t transfer(uint32_t length, uint32_t chunk_max, uint32_t room, bool checksum, tpi_blob_t *blob)
{
    tpi_blob_sender_t sender;
    tpi_blob_message_t m;
    uint32_t chunks = 0;
    uint64_t covered = 0;
    bool through = false;
    tpi_blob_sender_init(&sender, bytes, length, 5, checksum, chunk_max);
    tpi_blob_sender_start(&sender, STREAM, VERSION);
    for (uint32_t i = 0; i < BYTES + 8 && !through; i++)
    {
        switch (tpi_blob_sender_next(&sender, room, &m))
        {
            case TPI_BLOB_ANNOUNCE: assert_int_equal(tpi_blob_receiver_on_announce(&receiver, &m.announce, SENDER, 0), TPI_BLOB_TAKEN); break;
            case TPI_BLOB_CHUNK:
                assert_int_equal(m.chunk.chunk_offset, covered);
                assert_in_range(m.chunk.bytes.length, 1, chunk_max < room ? chunk_max : room);
                covered += m.chunk.bytes.length;
                chunks++;
                assert_int_equal(tpi_blob_receiver_on_chunk(&receiver, &m.chunk, SENDER, 0), TPI_BLOB_TAKEN);
                break;
            case TPI_BLOB_COMPLETE:
                assert_int_equal(tpi_blob_receiver_on_complete(&receiver, &m.complete, SENDER, blob), TPI_BLOB_DELIVERED);
                break;
            case TPI_BLOB_DONE: through = true; break;
        }
        tpi_blob_sender_sent(&sender, &m);
    }
    assert_true(through);
    assert_int_equal(covered, length);
    return chunks;
}

static void chunks_cover_the_blob_without_gap_or_overlap__W_183(void **state)
{
    (void)state;
    static const uint32_t lengths[] = { 0, 1, 99, 100, 101, 200, BYTES };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
    {
        tpi_blob_t blob;
        assert_int_equal(transfer(lengths[i], 100, 1000, true, &blob), (lengths[i] + 99) / 100);
        assert_int_equal(blob.length, lengths[i]);
        if (0 != lengths[i]) { assert_memory_equal(blob.data, bytes, lengths[i]); }
        tpi_blob_receiver_release(&blob);
    }
}

static void a_small_term_makes_chunks_shorter__O_36(void **state)
{
    (void)state;
    tpi_blob_t blob;
    assert_int_equal(transfer(BYTES, 100, 10, false, &blob), BYTES / 10);
    tpi_blob_receiver_release(&blob);
}

static void no_chunk_is_longer_than_64_KiB__W_187(void **state)
{
    (void)state;
    static uint8_t large[200000];
    tpi_blob_sender_t sender;
    tpi_blob_message_t m;
    tpi_blob_sender_init(&sender, large, sizeof(large), 0, false, UINT32_MAX);
    tpi_blob_sender_start(&sender, STREAM, VERSION);
    (void)tpi_blob_sender_next(&sender, UINT32_MAX, &m);
    tpi_blob_sender_sent(&sender, &m);
    assert_int_equal(tpi_blob_sender_next(&sender, UINT32_MAX, &m), TPI_BLOB_CHUNK);
    assert_int_equal(m.chunk.bytes.length, 65536);
    tpi_blob_sender_init(&sender, large, sizeof(large), 0, false, 65535);
    tpi_blob_sender_start(&sender, STREAM, VERSION);
    (void)tpi_blob_sender_next(&sender, UINT32_MAX, &m);
    tpi_blob_sender_sent(&sender, &m);
    (void)tpi_blob_sender_next(&sender, UINT32_MAX, &m);
    assert_int_equal(m.chunk.bytes.length, 65535);
}

static void a_refused_message_comes_again_unchanged(void **state)
{
    (void)state;
    tpi_blob_sender_t sender;
    tpi_blob_message_t first;
    tpi_blob_message_t again;
    tpi_blob_sender_init(&sender, bytes, BYTES, 0, true, 100);
    tpi_blob_sender_start(&sender, STREAM, VERSION);
    (void)tpi_blob_sender_next(&sender, 1000, &first);
    tpi_blob_sender_sent(&sender, &first);
    (void)tpi_blob_sender_next(&sender, 1000, &first);
    assert_int_equal(tpi_blob_sender_next(&sender, 1000, &again), TPI_BLOB_CHUNK);
    assert_int_equal(again.chunk.chunk_offset, first.chunk.chunk_offset);
    assert_int_equal(again.chunk.bytes.length, 100);
}

static void the_checksum_is_the_CRC32C_of_the_whole_blob__W_186_O_35(void **state)
{
    (void)state;
    tpi_blob_sender_t sender;
    tpi_blob_message_t m;
    tpi_blob_sender_init(&sender, "123456789", 9, 0, true, 4);
    tpi_blob_sender_start(&sender, STREAM, VERSION);
    (void)tpi_blob_sender_next(&sender, 1000, &m);
    assert_true(UINT64_C(0xE3069283) == m.announce.checksum);
    tpi_blob_sender_init(&sender, "123456789", 9, 0, false, 4);
    tpi_blob_sender_start(&sender, STREAM, VERSION);
    (void)tpi_blob_sender_next(&sender, 1000, &m);
    assert_true(0 == m.announce.checksum);
}

static void a_blob_starts_over_for_a_new_audience(void **state)
{
    (void)state;
    tpi_blob_sender_t sender;
    tpi_blob_message_t m;
    tpi_blob_sender_init(&sender, bytes, BYTES, 0, true, 100);
    tpi_blob_sender_start(&sender, STREAM, VERSION);
    for (int i = 0; i < 4; i++) { (void)tpi_blob_sender_next(&sender, 1000, &m); tpi_blob_sender_sent(&sender, &m); }
    tpi_blob_sender_start(&sender, STREAM + 1, VERSION + 1);
    assert_int_equal(tpi_blob_sender_next(&sender, 1000, &m), TPI_BLOB_ANNOUNCE);
    assert_int_equal(m.announce.stream_id, STREAM + 1);
    assert_int_equal(m.announce.meta_version, VERSION + 1);
    tpi_blob_sender_sent(&sender, &m);
    assert_int_equal(tpi_blob_sender_next(&sender, 1000, &m), TPI_BLOB_CHUNK);
    assert_int_equal(m.chunk.chunk_offset, 0);
}

/* ---- receiver ---- */

static void a_blob_in_order_is_delivered__W_184_W_185(void **state)
{
    (void)state;
    const uint32_t crc = tpi_crc32c(0, bytes, BYTES);
    assert_int_equal(announce(STREAM, BYTES, crc, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(0, 600), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(600, 400), TPI_BLOB_TAKEN);
    expect_whole(crc);
    assert_int_equal(announce(STREAM, BYTES, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(0, BYTES), TPI_BLOB_TAKEN);
    expect_whole(0);
    assert_int_equal(receiver.counts[TPI_BLOB_DELIVERED], 2);
}

static void a_gap_an_overlap_or_an_empty_chunk_ends_the_blob__W_184(void **state)
{
    (void)state;
    static const struct { uint64_t offset; uint32_t length; } bad[] = { { 101, 10 }, { 99, 10 }, { 0, 100 }, { 100, 0 }, { 100, 901 },
        { UINT64_MAX, 10 }, { UINT64_MAX - 5, 10 } };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        assert_int_equal(announce(STREAM, BYTES, 0, 0), TPI_BLOB_TAKEN);
        assert_int_equal(chunk(0, 100), TPI_BLOB_TAKEN);
        assert_int_equal(chunk(bad[i].offset, bad[i].length), TPI_BLOB_BAD_CHUNK);
        expect_idle();
        assert_int_equal(chunk(100, 900), TPI_BLOB_NOT_EXPECTED);
    }
    assert_int_equal(receiver.counts[TPI_BLOB_BAD_CHUNK], sizeof(bad) / sizeof(bad[0]));
    assert_int_equal(receiver.counts[TPI_BLOB_DELIVERED], 0);
}

static void a_wrong_checksum_ends_the_blob__W_184_O_35(void **state)
{
    (void)state;
    tpi_blob_t blob;
    const uint64_t crc = tpi_crc32c(0, bytes, BYTES);
    const struct { uint64_t announced; uint64_t completed; } bad[] = { { crc + 1, crc + 1 }, { crc, crc + 1 }, { crc, 0 }, { 0, crc },
        { crc | UINT64_C(1) << 32, crc | UINT64_C(1) << 32 } };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        assert_int_equal(announce(STREAM, BYTES, bad[i].announced, 0), TPI_BLOB_TAKEN);
        assert_int_equal(chunk(0, BYTES), TPI_BLOB_TAKEN);
        assert_int_equal(complete(bad[i].completed, &blob), TPI_BLOB_BAD_CHECKSUM);
        expect_idle();
    }
}

static void an_early_end_and_another_version_end_the_blob__W_184(void **state)
{
    (void)state;
    tpi_blob_t blob;
    const tpc_blob_complete_t other = { .stream_id = STREAM, .meta_version = VERSION + 1, .checksum = 0 };
    assert_int_equal(announce(STREAM, BYTES, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(0, BYTES - 1), TPI_BLOB_TAKEN);
    assert_int_equal(complete(0, &blob), TPI_BLOB_INCOMPLETE);
    expect_idle();
    assert_int_equal(announce(STREAM, BYTES, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk_of(SENDER, VERSION + 1, 0, 10), TPI_BLOB_OTHER_VERSION);
    expect_idle();
    assert_int_equal(announce(STREAM, BYTES, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(0, BYTES), TPI_BLOB_TAKEN);
    assert_int_equal(tpi_blob_receiver_on_complete(&receiver, &other, SENDER, &blob), TPI_BLOB_OTHER_VERSION);
    expect_idle();
}

static void an_announce_above_the_limit_costs_nothing__W_254(void **state)
{
    (void)state;
    static const uint64_t bad[] = { UINT64_MAX, UINT64_C(1) << 32, TPI_BLOB_LIMIT_BYTES + 1 };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        assert_int_equal(announce(STREAM, bad[i], 0, 0), TPI_BLOB_TOO_LONG);
        assert_int_equal(chunk(0, 10), TPI_BLOB_NOT_EXPECTED);
        expect_idle();
    }
    assert_int_equal(receiver.counts[TPI_BLOB_TOO_LONG], 3);
    assert_int_equal(announce(STREAM, TPI_BLOB_LIMIT_BYTES, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(receiver.allocated, 0);               /* memory follows bytes, not promises */
    assert_int_equal(announce(STREAM, TPI_BLOB_LIMIT_BYTES + 1, 0, 0), TPI_BLOB_TOO_LONG);
    expect_idle();                                         /* the unfinished one went as well */
    assert_int_equal(receiver.counts[TPI_BLOB_REPLACED], 1);
}

static void never_more_than_the_announced_bytes_are_held__W_254(void **state)
{
    (void)state;
    for (uint32_t length = 1; length <= BYTES; length = length * 3 + 1)
    {
        assert_int_equal(announce(STREAM, length, 0, 0), TPI_BLOB_TAKEN);
        assert_int_equal(chunk(0, 1), TPI_BLOB_TAKEN);
        assert_in_range(receiver.allocated, 1, length);
        assert_int_equal(chunk(1, length), TPI_BLOB_BAD_CHUNK);
    }
    static uint8_t large[150000];
    const tpc_blob_chunk_t parts[] = { { .stream_id = STREAM, .meta_version = VERSION, .chunk_offset = 0, .bytes = { (char *)large, 65536 } },
        { .stream_id = STREAM, .meta_version = VERSION, .chunk_offset = 65536, .bytes = { (char *)large, 65536 } },
        { .stream_id = STREAM, .meta_version = VERSION, .chunk_offset = 131072, .bytes = { (char *)large, 18928 } } };
    static const uint64_t held[] = { 65536, 131072, 150000 };
    assert_int_equal(announce(STREAM, sizeof(large), 0, 0), TPI_BLOB_TAKEN);
    for (size_t i = 0; i < 3; i++)
    {
        assert_int_equal(tpi_blob_receiver_on_chunk(&receiver, &parts[i], SENDER, 0), TPI_BLOB_TAKEN);
        assert_int_equal(receiver.allocated, held[i]);
    }
}

static void all_blobs_together_have_a_limit__W_254(void **state)
{
    (void)state;
    tpi_blob_receiver_init(&receiver, 100, 150);
    assert_int_equal(announce(STREAM + 1, 100, 0, 0), TPI_BLOB_TAKEN);
    const tpc_blob_chunk_t other = { .stream_id = STREAM + 1, .meta_version = VERSION, .chunk_offset = 0, .bytes = { (const char *)bytes, 100 } };
    assert_int_equal(tpi_blob_receiver_on_chunk(&receiver, &other, SENDER, 0), TPI_BLOB_TAKEN);
    assert_int_equal(announce(STREAM, 51, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(0, 51), TPI_BLOB_NO_MEMORY);
    assert_int_equal(receiver.allocated, 100);
    assert_int_equal(announce(STREAM, 50, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(0, 50), TPI_BLOB_TAKEN);
    assert_int_equal(receiver.allocated, 150);
}

static void the_table_is_bounded_and_silence_frees_it__W_254(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TPI_BLOB_ASSEMBLIES_MAX; i++) { assert_int_equal(announce(STREAM + i, 10, 0, 0), TPI_BLOB_TAKEN); }
    assert_int_equal(announce(STREAM + 100, 10, 0, TPI_BLOB_SILENCE_NS), TPI_BLOB_TABLE_FULL);
    assert_int_equal(receiver.counts[TPI_BLOB_SILENT], 0);
    assert_int_equal(announce(STREAM + 100, 10, 0, TPI_BLOB_SILENCE_NS + 1), TPI_BLOB_TAKEN);
    assert_int_equal(receiver.counts[TPI_BLOB_SILENT], TPI_BLOB_ASSEMBLIES_MAX);
}

static void a_foreign_sender_neither_ends_nor_mixes_into_a_blob__W_184(void **state)
{
    (void)state;
    const tpc_blob_announce_t foreign = { .stream_id = STREAM, .meta_version = VERSION, .blob_type = 9, .total_len = 10, .checksum = 0 };
    assert_int_equal(announce(STREAM, BYTES, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(0, 500), TPI_BLOB_TAKEN);
    assert_int_equal(chunk_of(SENDER + 1, VERSION, 500, 10), TPI_BLOB_NOT_EXPECTED);
    assert_int_equal(tpi_blob_receiver_on_announce(&receiver, &foreign, SENDER + 1, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk_of(SENDER + 1, VERSION, 500, 10), TPI_BLOB_BAD_CHUNK);
    assert_int_equal(chunk(500, 500), TPI_BLOB_TAKEN);
    expect_whole(0);
}

static void the_next_announce_discards_an_unfinished_blob__W_184(void **state)
{
    (void)state;
    assert_int_equal(announce(STREAM, BYTES, 7, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(0, 500), TPI_BLOB_TAKEN);
    assert_int_equal(announce(STREAM, BYTES, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(receiver.counts[TPI_BLOB_REPLACED], 1);
    assert_int_equal(receiver.allocated, 0);
    assert_int_equal(chunk(0, BYTES), TPI_BLOB_TAKEN);
    expect_whole(0);
}

static void a_limit_that_shrinks_below_what_is_held_lets_nothing_in__W_254(void **state)
{
    (void)state;
    assert_int_equal(announce(STREAM, BYTES, 0, 0), TPI_BLOB_TAKEN);
    assert_int_equal(chunk(0, 500), TPI_BLOB_TAKEN);
    assert_int_equal(receiver.allocated, BYTES);
    receiver.limit_bytes = 200;                            /* what another handler asked for */
    receiver.total_limit_bytes = 800;
    assert_int_equal(announce(STREAM + 1, 100, 0, 0), TPI_BLOB_TAKEN);
    const tpc_blob_chunk_t m = { .stream_id = STREAM + 1, .meta_version = VERSION, .chunk_offset = 0, .bytes = { (const char *)bytes, 100 } };
    assert_int_equal(tpi_blob_receiver_on_chunk(&receiver, &m, SENDER, 0), TPI_BLOB_NO_MEMORY);
    assert_int_equal(receiver.allocated, BYTES);
    assert_int_equal(chunk(500, 500), TPI_BLOB_TAKEN);     /* its bytes are there already */
    expect_whole(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chunks_cover_the_blob_without_gap_or_overlap__W_183), TEST(a_small_term_makes_chunks_shorter__O_36),
        TEST(no_chunk_is_longer_than_64_KiB__W_187), TEST(a_refused_message_comes_again_unchanged),
        TEST(the_checksum_is_the_CRC32C_of_the_whole_blob__W_186_O_35), TEST(a_blob_starts_over_for_a_new_audience),
        TEST(a_blob_in_order_is_delivered__W_184_W_185), TEST(a_gap_an_overlap_or_an_empty_chunk_ends_the_blob__W_184),
        TEST(a_wrong_checksum_ends_the_blob__W_184_O_35), TEST(an_early_end_and_another_version_end_the_blob__W_184),
        TEST(an_announce_above_the_limit_costs_nothing__W_254), TEST(never_more_than_the_announced_bytes_are_held__W_254),
        TEST(all_blobs_together_have_a_limit__W_254), TEST(the_table_is_bounded_and_silence_frees_it__W_254),
        TEST(a_foreign_sender_neither_ends_nor_mixes_into_a_blob__W_184), TEST(the_next_announce_discards_an_unfinished_blob__W_184),
        TEST(a_limit_that_shrinks_below_what_is_held_lets_nothing_in__W_254),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/err.h"
#include "shm/test_regions.h"

static test_regions_t t;

static int setup(void **state)
{
    (void)state;
    test_regions_make(&t, "region");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_regions_remove(&t);
    return 0;
}

static tpi_region_expect_t expect(size_t index)
{
    tpi_region_expect_t e = { .type = TPI_REGION_HEADER_RING, .layout_version = 1, .epoch = TEST_EPOCH, .stream_id = TEST_STREAM,
        .nslots = TEST_NSLOTS };
    if (index > 0)
    {
        e.type = TPI_REGION_PAYLOAD_POOL;
        e.pool_id = t.pools[index - 1].pool_id;
        e.stride_bytes = t.pools[index - 1].stride_bytes;
    }
    return e;
}

static int map(size_t index, const tpi_region_expect_t *e)
{
    tpi_region_t region = TPI_REGION_INIT;
    const int rc = tpi_region_map(&region, &t.bases, t.files->uris[index], strlen(t.files->uris[index]), e, false, NULL);
    if (0 == rc)
    {
        assert_false(region.writable);
        assert_int_equal(region.pid, TEST_PID);
        tpi_region_unmap(&region);
        assert_null(region.base);
        tpi_region_unmap(&region);
    }
    else { assert_null(region.base); }
    return 0 == rc ? 0 : tp_errcode();
}

static void sizes_follow_the_formula_in_64_bits__O_46__M1_M2(void **state)
{
    (void)state;
    assert_int_equal(tpi_region_bytes(TPI_REGION_HEADER_RING, 1024, 0), 64 + 1024 * 256);
    assert_int_equal(tpi_region_bytes(TPI_REGION_PAYLOAD_POOL, 8, 64), 64 + 512);
    assert_int_equal(tpi_region_bytes(TPI_REGION_PAYLOAD_POOL, 1u << 16, 1u << 20), 64 + (UINT64_C(1) << 36));
    assert_int_equal(tpi_region_bytes(TPI_REGION_PAYLOAD_POOL, TPI_NSLOTS_MAX, UINT32_MAX - 63), 64 + (UINT64_C(1) << 24) * (UINT32_MAX - 63));
    assert_int_equal(tpi_region_bytes(TPI_REGION_PAYLOAD_POOL, UINT32_MAX, UINT32_MAX), 0);
    assert_int_equal(tpi_region_bytes(TPI_REGION_PAYLOAD_POOL, 1u << 31, UINT32_MAX - 63), 64 + (UINT64_C(1) << 31) * (UINT32_MAX - 63));
}

static void matching_superblocks_map__W_005_W_077(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
    {
        const tpi_region_expect_t e = expect(i);
        assert_int_equal(map(i, &e), 0);
    }
}

static void every_field_of_the_superblock_is_compared__W_003_W_005_W_008_W_009_W_088_W_241(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
    {
        const tpc_superblock_t good = test_superblock_read(&t, i);
        const tpi_region_expect_t e = expect(i);
        for (int field = 0; field < 8; field++)
        {
            tpc_superblock_t bad = good;
            switch (field)
            {
                case 0: bad.magic ^= 1; break;
                case 1: bad.layout_version = 2; break;
                case 2: bad.epoch++; break;
                case 3: bad.stream_id++; break;
                case 4: bad.region_type = (int16_t)(3 - good.region_type); break;
                case 5: bad.pool_id++; break;
                case 6: bad.nslots *= 2; break;
                default: if (0 == i) { bad.slot_bytes = 512; } else { bad.stride_bytes += 64; } break;
            }
            test_superblock_write(&t, i, &bad);
            assert_int_equal(map(i, &e), TP_ESUPERBLOCK);
        }
        tpc_superblock_t other = good;                                    /* O-5: not looked at */
        if (0 == i) { other.stride_bytes = 4096; }
        else { other.slot_bytes = UINT32_MAX; }
        test_superblock_write(&t, i, &other);
        assert_int_equal(map(i, &e), 0);
        test_superblock_write(&t, i, &good);
    }
    assert_int_equal(test_mappings_of("header.ring"), 1);                      /* the creator's own: nothing rejected stays mapped, W-241 */
}

static void swapped_pools_are_rejected__W_009(void **state)
{
    (void)state;
    const tpi_region_expect_t e = expect(2);
    assert_int_equal(map(1, &e), TP_ESUPERBLOCK);
}

static void file_shorter_than_announced_is_never_mapped__O_55__M2(void **state)
{
    (void)state;
    const tpi_region_expect_t e = expect(1);
    const char *const path = test_region_path(&t, 1);
    assert_int_equal(truncate(path, 64 + 8 * 4096), 0);
    assert_int_equal(map(1, &e), 0);
    assert_int_equal(truncate(path, 64 + 8 * 4096 - 1), 0);
    assert_int_equal(map(1, &e), TP_EREGION);
    assert_int_equal(truncate(path, 64 + 8 * 4096 + 100000), 0);
    assert_int_equal(map(1, &e), 0);
}

static void announced_nslots_larger_than_the_file_is_rejected__W_005__M2(void **state)
{
    (void)state;
    tpi_region_expect_t e = expect(0);
    e.nslots = 16;
    assert_int_equal(map(0, &e), TP_EREGION);
    e.nslots = 4;
    assert_int_equal(map(0, &e), TP_ESUPERBLOCK);
}

static void bad_uri_and_foreign_path_are_rejected__W_215_W_240(void **state)
{
    (void)state;
    tpi_region_t region = TPI_REGION_INIT;
    const tpi_region_expect_t e = expect(0);
    const char *const bad = "shm:file?path=/a|mode=rw";
    assert_int_equal(tpi_region_map(&region, &t.bases, bad, strlen(bad), &e, false, NULL), -1);
    assert_int_equal(tp_errcode(), TP_EURI);
    const char *const outside = "shm:file?path=/etc/hostname";
    assert_int_equal(tpi_region_map(&region, &t.bases, outside, strlen(outside), &e, false, NULL), -1);
    assert_int_equal(tp_errcode(), TP_EPATH);
    const tpi_region_expect_t absurd = { .type = TPI_REGION_PAYLOAD_POOL, .nslots = UINT32_MAX, .stride_bytes = UINT32_MAX };
    assert_int_equal(tpi_region_map(&region, &t.bases, t.files->uris[1], strlen(t.files->uris[1]), &absurd, false, NULL), -1);
    assert_int_equal(tp_errcode(), TP_EREGION);
}

static void change_under_the_mapping_is_found__W_090_W_092_W_118_W_119__M6(void **state)
{
    (void)state;
    tpi_region_t region = TPI_REGION_INIT;
    const tpi_region_expect_t e = expect(0);
    const tpc_superblock_t good = test_superblock_read(&t, 0);
    assert_int_equal(tpi_region_map(&region, &t.bases, t.files->uris[0], strlen(t.files->uris[0]), &e, false, NULL), 0);
    assert_int_equal(tpi_region_check(&region, &e), 0);

    tpc_superblock_t bad = good;
    bad.magic = 0;
    test_superblock_write(&t, 0, &bad);
    assert_int_equal(tpi_region_check(&region, &e), -1);
    assert_int_equal(tp_errcode(), TP_ESUPERBLOCK);
    bad = good;
    bad.epoch = TEST_EPOCH + 1;
    test_superblock_write(&t, 0, &bad);
    assert_int_equal(tpi_region_check(&region, &e), -1);
    assert_int_equal(tp_errcode(), TP_ESUPERBLOCK);
    bad = good;
    bad.pid++;
    test_superblock_write(&t, 0, &bad);
    assert_int_equal(tpi_region_check(&region, &e), -1);
    assert_int_equal(tp_errcode(), TP_EWRITER);
    bad.epoch++;                                                          /* pid alone is never the reason */
    test_superblock_write(&t, 0, &bad);
    assert_int_equal(tpi_region_check(&region, &e), -1);
    assert_int_equal(tp_errcode(), TP_ESUPERBLOCK);
    test_superblock_write(&t, 0, &good);
    assert_int_equal(tpi_region_check(&region, &e), 0);

    tpi_region_expect_t more = e;
    more.nslots *= 2;                                                     /* would reach beyond the mapping */
    assert_int_equal(tpi_region_check(&region, &more), -1);
    assert_int_equal(tp_errcode(), TP_ESUPERBLOCK);
    assert_int_equal(truncate(test_region_path(&t, 0), 0), 0);            /* checked before the superblock is touched */
    assert_int_equal(tpi_region_check(&region, &e), -1);
    assert_int_equal(tp_errcode(), TP_EREGION);
    tpi_region_unmap(&region);
}

static void activity_is_one_word_at_offset_56__W_006(void **state)
{
    (void)state;
    tpi_region_t region = TPI_REGION_INIT;
    const tpi_region_expect_t e = expect(0);
    assert_int_equal(tpi_region_map(&region, &t.bases, t.files->uris[0], strlen(t.files->uris[0]), &e, true, NULL), 0);
    assert_int_equal(tpi_region_activity_ns(&region), TEST_ACTIVITY_NS);
    tpi_region_set_activity_ns(&region, UINT64_C(0x1122334455667788));
    static const uint8_t bytes[] = { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };
    assert_memory_equal(t.files->regions[0].base + 56, bytes, 8);
    tpc_superblock_t superblock;
    tpi_region_superblock(&region, &superblock);
    assert_true(UINT64_C(0x1122334455667788) == superblock.activity_timestamp_ns);
    assert_int_equal(superblock.epoch, TEST_EPOCH);
    tpi_region_unmap(&region);
}

static void readers_map_read_only_and_close_on_exec(void **state)
{
    (void)state;
    tpi_region_t region = TPI_REGION_INIT;
    const tpi_region_expect_t e = expect(0);
    assert_int_equal(tpi_region_map(&region, &t.bases, t.files->uris[0], strlen(t.files->uris[0]), &e, false, NULL), 0);
    char start[32];
    (void)snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)region.base);
    char line[512];
    bool found = false;
    FILE *const maps = fopen("/proc/self/maps", "re");
    while (NULL != fgets(line, sizeof(line), maps))
    {
        if (0 == strncmp(line, start, strlen(start))) { found = NULL != strstr(line, " r--s "); }
    }
    (void)fclose(maps);
    assert_true(found);
    assert_true(fcntl(region.fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fcntl(region.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    tpi_region_unmap(&region);
    tpi_region_unmap(NULL);
}

static void tools_map_what_the_superblock_describes(void **state)
{
    (void)state;
    tpi_region_t region = TPI_REGION_INIT;
    tpc_superblock_t superblock;
    for (size_t i = 0; i < 4; i++)
    {
        assert_int_equal(tpi_region_map_path(&region, test_region_path(&t, i), &superblock), 0);
        assert_int_equal(superblock.epoch, TEST_EPOCH);
        assert_int_equal(region.pid, TEST_PID);
        tpi_region_unmap(&region);
    }
}

static void tools_refuse_superblocks_that_lie__M2(void **state)
{
    (void)state;
    tpi_region_t region = TPI_REGION_INIT;
    tpc_superblock_t superblock;
    for (size_t i = 0; i < 2; i++)
    {
        const tpc_superblock_t good = test_superblock_read(&t, i);
        for (int field = 0; field < 6; field++)
        {
            tpc_superblock_t bad = good;
            switch (field)
            {
                case 0: bad.magic = 0; break;
                case 1: bad.layout_version = 2; break;
                case 2: bad.region_type = 3; break;
                case 3: bad.nslots = 12; break;
                case 4: bad.nslots = TPI_NSLOTS_MAX; break;               /* larger than the file */
                default: if (0 == i) { bad.slot_bytes = 255; } else { bad.stride_bytes = 100; } break;
            }
            test_superblock_write(&t, i, &bad);
            assert_int_equal(tpi_region_map_path(&region, test_region_path(&t, i), &superblock), -1);
        }
        test_superblock_write(&t, i, &good);
    }
    char link[200];
    (void)snprintf(link, sizeof(link), "%s/link", t.base);
    assert_int_equal(symlink(test_region_path(&t, 0), link), 0);
    assert_int_equal(tpi_region_map_path(&region, link, &superblock), -1);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(mkfifo(link, 0600), 0);
    assert_int_equal(tpi_region_map_path(&region, link, &superblock), -1);
    assert_int_equal(tpi_region_map_path(&region, t.base, &superblock), -1);
    assert_int_equal(unlink(link), 0);
    test_file_make(link, 0600, 63);
    assert_int_equal(tpi_region_map_path(&region, link, &superblock), -1);
    assert_null(region.base);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_follow_the_formula_in_64_bits__O_46__M1_M2),
        TEST(matching_superblocks_map__W_005_W_077),
        TEST(every_field_of_the_superblock_is_compared__W_003_W_005_W_008_W_009_W_088_W_241),
        TEST(swapped_pools_are_rejected__W_009),
        TEST(file_shorter_than_announced_is_never_mapped__O_55__M2),
        TEST(announced_nslots_larger_than_the_file_is_rejected__W_005__M2),
        TEST(bad_uri_and_foreign_path_are_rejected__W_215_W_240),
        TEST(change_under_the_mapping_is_found__W_090_W_092_W_118_W_119__M6),
        TEST(activity_is_one_word_at_offset_56__W_006),
        TEST(readers_map_read_only_and_close_on_exec),
        TEST(tools_map_what_the_superblock_describes),
        TEST(tools_refuse_superblocks_that_lie__M2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

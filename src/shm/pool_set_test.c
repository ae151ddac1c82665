#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "common/err.h"
#include "shm/test_regions.h"

static test_regions_t t;

static int setup(void **state)
{
    (void)state;
    test_regions_make(&t, "poolset");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_regions_remove(&t);
    return 0;
}

static tpi_pool_set_t *map(bool writable)
{
    tpi_pool_set_t *set = NULL;
    assert_int_equal(tpi_pool_set_map(&set, &t.spec, &t.bases, writable, NULL), 0);
    return set;
}

static int spec_fails(void) { return tpi_pool_set_spec_check(&t.spec) < 0 ? tp_errcode() : 0; }

static void geometry_is_checked_before_any_file__W_013_W_062_W_076_W_213__P2(void **state)
{
    (void)state;
    assert_int_equal(spec_fails(), 0);
    t.spec.layout_version = 2;
    assert_int_equal(spec_fails(), TP_ELAYOUT);
    t.spec.layout_version = 1;
    t.spec.header_slot_bytes = 512;
    assert_int_equal(spec_fails(), TP_EPROTOCOL);
    t.spec.header_slot_bytes = 256;

    static const uint32_t crooked[] = { 0, 12, TPI_NSLOTS_MAX * 2, UINT32_MAX };
    for (size_t i = 0; i < 4; i++)
    {
        t.spec.header_nslots = crooked[i];
        for (size_t p = 0; p < 3; p++) { t.pools[p].nslots = crooked[i]; }
        assert_int_equal(spec_fails(), TP_EPROTOCOL);
    }
    t.spec.header_nslots = TPI_NSLOTS_MAX;
    for (size_t p = 0; p < 3; p++) { t.pools[p].nslots = TPI_NSLOTS_MAX; }
    assert_int_equal(spec_fails(), 0);
    t.spec.header_nslots = 8;
    for (size_t p = 0; p < 3; p++) { t.pools[p].nslots = 8; }

    t.pools[2].nslots = 16;                                               /* W-062 */
    assert_int_equal(spec_fails(), TP_EPROTOCOL);
    t.pools[2].nslots = 8;
    static const uint32_t strides[] = { 0, 1, 63, 100, UINT32_MAX };
    for (size_t i = 0; i < 5; i++)
    {
        t.pools[1].stride_bytes = strides[i];
        assert_int_equal(spec_fails(), TP_EPROTOCOL);
    }
    static const uint32_t legal[] = { 64, 655360, 4294967232u };          /* 640 KiB is no power of two, O-6 */
    for (size_t i = 0; i < 3; i++)
    {
        t.pools[1].stride_bytes = legal[i];
        assert_int_equal(spec_fails(), 0);
    }
    t.pools[2].pool_id = t.pools[0].pool_id;                              /* O-46 */
    assert_int_equal(spec_fails(), TP_EPROTOCOL);
    t.pools[2].pool_id = 9;
    t.spec.pool_count = 0;
    assert_int_equal(spec_fails(), TP_EPROTOCOL);
    t.spec.pool_count = TPI_POOLS_MAX + 1;
    assert_int_equal(spec_fails(), TP_EPROTOCOL);
    tpi_pool_set_t *set = NULL;
    assert_int_equal(tpi_pool_set_map(&set, &t.spec, &t.bases, false, NULL), -1);
    assert_null(set);
}

static void all_regions_map_and_pools_are_sorted__W_058_W_077(void **state)
{
    (void)state;
    tpi_pool_set_t *const set = map(false);
    assert_int_equal(set->stream_id, TEST_STREAM);
    assert_int_equal(set->epoch, TEST_EPOCH);
    assert_int_equal(set->nslots, 8);
    assert_int_equal(set->pool_count, 3);
    assert_int_equal(set->pools[0].pool_id, 1);
    assert_int_equal(set->pools[1].pool_id, 9);
    assert_int_equal(set->pools[2].pool_id, 2);
    assert_int_equal(tpi_pool_set_find(set, 9)->stride_bytes, 1024);
    assert_null(tpi_pool_set_find(set, 3));
    assert_null(tpi_pool_set_find(set, 0));
    tpi_pool_set_delete(set);
    tpi_pool_set_delete(NULL);
}

static void smallest_pool_that_fits_is_chosen__W_059_W_060(void **state)
{
    (void)state;
    tpi_pool_set_t *const set = map(false);
    assert_int_equal(tpi_pool_set_fit(set, 0)->pool_id, 1);
    assert_int_equal(tpi_pool_set_fit(set, 128)->pool_id, 1);
    assert_int_equal(tpi_pool_set_fit(set, 129)->pool_id, 9);
    assert_int_equal(tpi_pool_set_fit(set, 1024)->pool_id, 9);
    assert_int_equal(tpi_pool_set_fit(set, 1025)->pool_id, 2);
    assert_int_equal(tpi_pool_set_fit(set, 4096)->pool_id, 2);
    assert_null(tpi_pool_set_fit(set, 4097));
    assert_null(tpi_pool_set_fit(set, UINT64_MAX));
    tpi_pool_set_delete(set);
}

static void slots_and_payloads_lie_where_the_specification_says__W_012_W_056_W_057(void **state)
{
    (void)state;
    tpi_pool_set_t *const set = map(false);
    assert_int_equal(tpi_pool_set_index(set, 13), 5);
    assert_int_equal(tpi_pool_set_index(set, (UINT64_C(1) << 40) + 3), 3);
    assert_int_equal((uint8_t *)tpi_pool_set_slot(set, 3) - set->ring.base, 832);
    const tpi_pool_t *const pool = tpi_pool_set_find(set, 9);
    assert_int_equal(tpi_pool_payload(pool, 0) - pool->region.base, 64);
    assert_int_equal(tpi_pool_payload(pool, 7) - pool->region.base, 64 + 7 * 1024);
    assert_int_equal((uintptr_t)tpi_pool_set_slot(set, 7) % 64, 0);       /* W-016 */
    tpi_pool_set_delete(set);
}

static void one_bad_region_of_four_leaves_nothing_mapped__W_117_W_218(void **state)
{
    (void)state;
    const size_t fds = test_mappings_of("tp-test-");
    for (size_t i = 0; i < 4; i++)
    {
        const tpc_superblock_t good = test_superblock_read(&t, i);
        tpc_superblock_t bad = good;
        tpi_pool_set_t *set = NULL;
        bad.epoch++;
        test_superblock_write(&t, i, &bad);
        assert_int_equal(tpi_pool_set_map(&set, &t.spec, &t.bases, false, NULL), -1);
        assert_int_equal(tp_errcode(), TP_ESUPERBLOCK);
        assert_non_null(strstr(tp_errmsg(), 0 == i ? "header ring" : "pool"));       /* W-217: region and rule */
        assert_non_null(strstr(tp_errmsg(), "epoch"));
        assert_null(set);
        assert_int_equal(test_mappings_of("tp-test-"), fds);
        test_superblock_write(&t, i, &good);
    }
}

static void same_file_announced_as_two_pools_is_rejected__W_009(void **state)
{
    (void)state;
    tpi_pool_set_t *set = NULL;
    t.pools[1].uri = t.pools[0].uri;
    t.pools[1].uri_length = t.pools[0].uri_length;
    assert_int_equal(tpi_pool_set_map(&set, &t.spec, &t.bases, false, NULL), -1);
}

static void check_finds_what_changed__W_088_W_089_W_090_W_118_W_119(void **state)
{
    (void)state;
    tpi_pool_set_t *const set = map(false);
    assert_int_equal(tpi_pool_set_check(set, &t.spec), 0);
    assert_int_equal(tpi_pool_set_check_self(set), 0);
    for (size_t i = 0; i < 4; i++)
    {
        const tpc_superblock_t good = test_superblock_read(&t, i);
        tpc_superblock_t bad = good;
        bad.magic++;
        test_superblock_write(&t, i, &bad);
        assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
        assert_int_equal(tp_errcode(), TP_ESUPERBLOCK);
        assert_int_equal(tpi_pool_set_check_self(set), -1);
        bad = good;
        bad.pid++;
        test_superblock_write(&t, i, &bad);
        assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
        assert_int_equal(tp_errcode(), TP_EWRITER);
        test_superblock_write(&t, i, &good);
    }
    assert_int_equal(truncate(test_region_path(&t, 2), 64), 0);
    assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
    assert_int_equal(tp_errcode(), TP_EREGION);
    tpi_pool_set_delete(set);
}

static void other_geometry_under_the_same_epoch_does_not_match__W_088(void **state)
{
    (void)state;
    tpi_pool_set_t *const set = map(false);
    t.spec.header_nslots = 16;
    for (size_t i = 0; i < 3; i++) { t.pools[i].nslots = 16; }
    assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
    t.spec.header_nslots = 8;
    for (size_t i = 0; i < 3; i++) { t.pools[i].nslots = 8; }
    t.spec.pool_count = 2;
    assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
    t.spec.pool_count = 3;
    t.pools[1].stride_bytes = 64;
    assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
    t.pools[1].stride_bytes = 128;
    t.pools[1].pool_id = 3;
    assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
    t.pools[1].pool_id = 1;
    t.spec.epoch++;
    assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
    t.spec.epoch--;
    t.spec.stream_id++;
    assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
    t.spec.stream_id--;
    assert_int_equal(tpi_pool_set_check(set, &t.spec), 0);
    tpi_pool_set_delete(set);
}

static void activity_is_that_of_the_oldest_region__W_007_W_091(void **state)
{
    (void)state;
    tpi_pool_set_t *const set = map(true);
    tpi_pool_set_refresh(set, 5000);
    assert_int_equal(tpi_pool_set_activity_ns(set), 5000);
    for (size_t i = 0; i < 4; i++)
    {
        tpi_region_set_activity_ns(&t.files->regions[i], 4000 + i);
        assert_int_equal(tpi_pool_set_activity_ns(set), 4000 + i);
        tpi_region_set_activity_ns(&t.files->regions[i], 5000);
    }
    tpi_pool_set_delete(set);
}

static void policy_reaches_every_file__W_243(void **state)
{
    (void)state;
    tpi_pool_set_t *set = NULL;
    const tpi_file_policy_t policy = TPI_FILE_POLICY_DEFAULT;
    assert_int_equal(tpi_pool_set_map(&set, &t.spec, &t.bases, false, &policy), 0);
    tpi_pool_set_delete(set);
    set = NULL;
    assert_int_equal(chmod(test_region_path(&t, 3), 0604), 0);
    assert_int_equal(tpi_pool_set_map(&set, &t.spec, &t.bases, false, &policy), -1);
    assert_int_equal(tp_errcode(), TP_EPERM);
}

static void spec_takes_the_entries_of_a_message(void **state)
{
    (void)state;
    const tpc_pool_entry_t entries[] = { { .pool_id = 4, .pool_nslots = 8, .stride_bytes = 64, .region_uri = { "abc", 2 } } };
    tpi_pool_spec_t pools[1];
    tpi_pool_set_spec_t spec = t.spec;
    tpi_pool_set_spec_take_pools(&spec, pools, entries, 1);
    assert_int_equal(spec.pool_count, 1);
    assert_int_equal(spec.pools[0].pool_id, 4);
    assert_int_equal(spec.pools[0].nslots, 8);
    assert_int_equal(spec.pools[0].stride_bytes, 64);
    assert_int_equal(spec.pools[0].uri_length, 2);
}

/* 0 locked, 1 refused by the limit, else a failure of the test. */
static int lock_set(void *without_right)
{
    const struct rlimit none = { 0, 0 };
    if (NULL != without_right && 0 != setrlimit(RLIMIT_MEMLOCK, &none)) { return 9; }
    tpi_pool_set_t *set = NULL;
    const long long before = test_locked_kib();
    if (tpi_pool_set_map(&set, &t.spec, &t.bases, false, NULL) < 0) { return 8; }
    if (tpi_pool_set_lock(set) < 0)
    {
        const bool named = TP_EMLOCK == tp_errcode() && NULL != strstr(tp_errwhy(), "RLIMIT_MEMLOCK");
        const bool usable = 0 == tpi_pool_set_check(set, &t.spec);
        tpi_pool_set_delete(set);
        return named && usable ? 1 : 7;
    }
    if (test_locked_kib() < before + (2112 + 32832 + 1088 + 8256) / 1024) { return 6; }
    tpi_pool_set_delete(set);
    return test_locked_kib() == before ? 0 : 5;
}

static void clients_lock_their_mappings_on_request__D_193(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    assert_int_equal(test_run_as(geteuid(), lock_set, NULL), 0 == geteuid() || limit.rlim_cur >= 131072 ? 0 : 1);
    if (0 == geteuid())
    {
        for (size_t i = 0; i < 4; i++) { assert_int_equal(chmod(test_region_path(&t, i), 0644), 0); }
        char part[300];                                                   /* a stranger may look in, this once */
        (void)snprintf(part, sizeof(part), "%s", test_region_path(&t, 0));
        for (char *slash = strrchr(part, '/'); NULL != slash && strlen(t.base) < strlen(part); slash = strrchr(part, '/'))
        {
            *slash = '\0';
            assert_int_equal(chmod(part, 0755), 0);
        }
    }
    assert_int_equal(test_run_as(TEST_UID_A, lock_set, &t), 1);
}

/* A sparse pool of 8 x 1 GiB: the last slots lie behind 4 GiB, where 32-bit arithmetic would come back to the first ones. */
static void pools_over_4_gib_do_not_alias__W_057__M1(void **state)
{
    (void)state;
    static const uint16_t ids[] = { 1 };
    static const uint32_t strides[] = { 1u << 30 };
    const tpi_region_create_t what = { .base_dir = t.base, .user = "svc", .name_space = "default", .stream_id = 1, .epoch = 1, .nslots = 8,
        .pool_count = 1, .pool_ids = ids, .strides = strides, .file_mode = 0600, .allocate_pools = false, .pid = 1, .now_ns = 1 };
    tpi_epoch_files_t *files = NULL;
    assert_int_equal(tpi_epoch_files_create(&files, &what), 0);
    const char *const uri = files->uris[1];
    const tpi_pool_spec_t pools[] = { { .pool_id = 1, .nslots = 8, .stride_bytes = 1u << 30, .uri = uri, .uri_length = strlen(uri) } };
    const tpi_pool_set_spec_t spec = { .stream_id = 1, .epoch = 1, .layout_version = 1, .header_nslots = 8, .header_slot_bytes = 256,
        .header_uri = files->uris[0], .header_uri_length = strlen(files->uris[0]), .pool_count = 1, .pools = pools };
    tpi_pool_set_t *set = NULL;
    assert_int_equal(tpi_pool_set_map(&set, &spec, &t.bases, true, NULL), 0);
    assert_true(set->pools[0].region.mapped_bytes == 64 + (UINT64_C(8) << 30));
    for (uint64_t i = 0; i < 8; i++) { memcpy(tpi_pool_payload(&set->pools[0], (uint32_t)i), &i, sizeof(i)); }
    const int fd = open(files->uris[1] + strlen("shm:file?path="), O_RDONLY | O_CLOEXEC);
    for (uint64_t i = 0; i < 8; i++)
    {
        uint64_t found = 99;
        assert_int_equal(pread(fd, &found, sizeof(found), (off_t)(64 + i * (UINT64_C(1) << 30))), 8);
        assert_int_equal(found, i);
    }
    (void)close(fd);
    tpi_pool_set_delete(set);
    tpi_epoch_files_delete(files);
}

/* What lies at the usual places is a decoy; the regions have names that nobody could guess. */
static void only_the_paths_told_are_opened_whatever_their_names__W_228_W_230(void **state)
{
    (void)state;
    char uris[4][TPI_URI_MAX];
    for (size_t i = 0; i < 4; i++)
    {
        char moved[200];
        (void)snprintf(moved, sizeof(moved), "%s/%c~odd#name", t.base, (char)('z' - (char)i));
        assert_int_equal(rename(test_region_path(&t, i), moved), 0);
        test_file_make(test_region_path(&t, i), 0600, 65536);
        (void)snprintf(uris[i], sizeof(uris[i]), "shm:file?path=%s", moved);
    }
    t.spec.header_uri = uris[0];
    t.spec.header_uri_length = strlen(uris[0]);
    for (size_t i = 0; i < 3; i++)
    {
        t.pools[i].uri = uris[i + 1];
        t.pools[i].uri_length = strlen(uris[i + 1]);
    }
    tpi_pool_set_t *const set = map(false);
    assert_int_equal(test_mappings_of("~odd#name"), 8);            /* ours, and those of their creator, which were renamed */
    tpi_pool_set_delete(set);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(geometry_is_checked_before_any_file__W_013_W_062_W_076_W_213__P2),
        TEST(all_regions_map_and_pools_are_sorted__W_058_W_077),
        TEST(smallest_pool_that_fits_is_chosen__W_059_W_060),
        TEST(slots_and_payloads_lie_where_the_specification_says__W_012_W_056_W_057),
        TEST(one_bad_region_of_four_leaves_nothing_mapped__W_117_W_218),
        TEST(same_file_announced_as_two_pools_is_rejected__W_009),
        TEST(check_finds_what_changed__W_088_W_089_W_090_W_118_W_119),
        TEST(other_geometry_under_the_same_epoch_does_not_match__W_088),
        TEST(activity_is_that_of_the_oldest_region__W_007_W_091),
        TEST(policy_reaches_every_file__W_243),
        TEST(spec_takes_the_entries_of_a_message),
        TEST(clients_lock_their_mappings_on_request__D_193),
        TEST(only_the_paths_told_are_opened_whatever_their_names__W_228_W_230),
        TEST(pools_over_4_gib_do_not_alias__W_057__M1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

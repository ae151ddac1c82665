#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "common/alloc.h"
#include "common/err.h"
#include "common/log.h"
#include "shm/epoch_dir.h"
#include "shm/pool_set.h"
#include "shm/test_dir.h"

static char base[128];
static const uint16_t pool_ids[] = { 1, 7 };
static const uint32_t strides[] = { 4096, 64 };

static int setup(void **state)
{
    (void)state;
    test_dir_make(base, "create");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_dir_remove(base);
    return 0;
}

static tpi_region_create_t request(void)
{
    return (tpi_region_create_t){ .base_dir = base, .user = "svc", .name_space = "default", .stream_id = 10000, .epoch = 5, .nslots = 8,
        .pool_count = 2, .pool_ids = pool_ids, .strides = strides, .file_mode = 0660, .allocate_pools = true, .prefault = true, .pid = 4711,
        .now_ns = 1000 };
}

static char *file(const char *name)
{
    static char paths[4][300];
    static unsigned turn;
    char *const path = paths[turn++ % 4];
    (void)snprintf(path, 300, "%s/tensorpool-svc/default/10000/%s", base, name);
    return path;
}

static int64_t size_of(const char *name)
{
    struct stat st;
    return 0 == lstat(file(name), &st) ? (int64_t)st.st_size : -1;
}

static int64_t allocated_of(const char *name)
{
    struct stat st;
    return 0 == lstat(file(name), &st) ? (int64_t)st.st_blocks * 512 : -1;
}

static mode_t mode_of(const char *name)
{
    struct stat st;
    return 0 == lstat(file(name), &st) ? st.st_mode & 07777 : 0;
}

static size_t entries_below(const char *dir)
{
    char command[400];
    (void)snprintf(command, sizeof(command), "find '%s' -mindepth 1 | wc -l", dir);
    FILE *const pipe = popen(command, "r");
    size_t n = 999;
    if (NULL == pipe || 1 != fscanf(pipe, "%zu", &n)) { n = 999; }
    if (NULL != pipe) { (void)pclose(pipe); }
    return n;
}

static tpi_epoch_files_t *create(const tpi_region_create_t *what)
{
    tpi_epoch_files_t *files = NULL;
    if (tpi_epoch_files_create(&files, what) < 0)
    {
        print_error("%d: %s\n", tp_errcode(), tp_errmsg());
        fail();
    }
    return files;
}

static int create_fails(const tpi_region_create_t *what)
{
    tpi_epoch_files_t *files = NULL;
    const int rc = tpi_epoch_files_create(&files, what);
    assert_null(files);
    return 0 == rc ? 0 : tp_errcode();
}

static tpc_superblock_t superblock_of(const char *name)
{
    uint8_t image[64] = { 0 };
    tpc_superblock_t superblock;
    const int fd = open(file(name), O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, image, sizeof(image), 0), 64);
    (void)close(fd);
    tpc_superblock_decode(&superblock, image);
    return superblock;
}

static void files_have_the_names_sizes_and_modes_of_the_specification__W_221_W_225_W_243_D_013_D_014(void **state)
{
    (void)state;
    const tpi_region_create_t what = request();
    const mode_t old = umask(0777);
    tpi_epoch_files_t *const files = create(&what);
    (void)umask(old);
    assert_int_equal(entries_below(file("5")), 3);
    assert_int_equal(size_of("5/header.ring"), 64 + 8 * 256);
    assert_int_equal(size_of("5/1.pool"), 64 + 8 * 4096);
    assert_int_equal(size_of("5/7.pool"), 64 + 8 * 64);
    assert_int_equal(mode_of("5"), 02770);
    assert_int_equal(mode_of("5/header.ring"), 0660);
    assert_int_equal(mode_of("5/1.pool"), 0660);
    assert_int_equal(files->region_count, 3);
    assert_int_equal(files->epoch, 5);
    char uri[400];
    (void)snprintf(uri, sizeof(uri), "shm:file?path=%s", file("5/7.pool"));
    assert_string_equal(files->uris[2], uri);
    assert_string_equal(files->directory, file("5"));
    tpi_epoch_files_delete(files);
    assert_int_equal(size_of("5/header.ring"), 64 + 8 * 256);             /* unmapped, not removed */
}

static void private_mode_is_private_everywhere__W_245(void **state)
{
    (void)state;
    tpi_region_create_t what = request();
    what.file_mode = 0600;
    const mode_t old = umask(0);
    tpi_epoch_files_t *const files = create(&what);
    (void)umask(old);
    assert_int_equal(mode_of("5"), 0700);
    assert_int_equal(mode_of("."), 0700);
    assert_int_equal(mode_of("5/header.ring"), 0600);
    tpi_epoch_files_delete(files);
}

static void superblocks_are_complete__W_001_W_003_W_004_W_008_W_009_D_009(void **state)
{
    (void)state;
    const tpi_region_create_t what = request();
    tpi_epoch_files_t *const files = create(&what);
    uint8_t first[8];
    static const uint8_t magic[8] = { 0x31, 0x4D, 0x48, 0x53, 0x4C, 0x50, 0x4F, 0x54 };
    const int fd = open(file("5/header.ring"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, first, sizeof(first), 0), 8);
    (void)close(fd);
    assert_memory_equal(first, magic, 8);
    const tpc_superblock_t ring = superblock_of("5/header.ring");
    assert_int_equal(ring.layout_version, 1);
    assert_int_equal(ring.epoch, 5);
    assert_int_equal(ring.stream_id, 10000);
    assert_int_equal(ring.region_type, 1);
    assert_int_equal(ring.pool_id, 0);
    assert_int_equal(ring.nslots, 8);
    assert_int_equal(ring.slot_bytes, 256);
    assert_int_equal(ring.stride_bytes, 0);
    assert_int_equal(ring.pid, 4711);
    assert_int_equal(ring.start_timestamp_ns, 1000);
    assert_int_equal(ring.activity_timestamp_ns, 1000);
    const tpc_superblock_t pool = superblock_of("5/7.pool");
    assert_int_equal(pool.region_type, 2);
    assert_int_equal(pool.pool_id, 7);
    assert_int_equal(pool.nslots, 8);
    assert_int_equal(pool.slot_bytes, 64);
    assert_int_equal(pool.stride_bytes, 64);
    tpi_epoch_files_delete(files);
}

static void refresh_changes_activity_and_nothing_else__W_004_W_006_D_016(void **state)
{
    (void)state;
    const tpi_region_create_t what = request();
    tpi_epoch_files_t *const files = create(&what);
    tpi_epoch_files_refresh(files, 99999);
    for (size_t i = 0; i < 3; i++)
    {
        static const char *const names[] = { "5/header.ring", "5/1.pool", "5/7.pool" };
        const tpc_superblock_t superblock = superblock_of(names[i]);
        assert_int_equal(superblock.activity_timestamp_ns, 99999);
        assert_int_equal(superblock.start_timestamp_ns, 1000);
        assert_int_equal(superblock.pid, 4711);
        assert_true(TPC_MAGIC == superblock.magic);
        assert_int_equal(tpi_region_activity_ns(&files->regions[i]), 99999);
    }
    tpi_epoch_files_delete(files);
}

static void every_byte_is_allocated_before_it_is_announced__M6(void **state)
{
    (void)state;
    static const uint32_t big[] = { 65536, 64 };
    tpi_region_create_t what = request();
    what.strides = big;
    what.prefault = false;
    tpi_epoch_files_t *files = create(&what);
    assert_true(allocated_of("5/1.pool") >= 64 + 8 * 65536);
    assert_true(allocated_of("5/header.ring") >= 64 + 8 * 256);
    tpi_epoch_files_delete(files);
    what.epoch = 6;
    what.allocate_pools = false;
    what.prefault = true;
    files = create(&what);
    assert_int_equal(size_of("6/1.pool"), 64 + 8 * 65536);
    assert_true(allocated_of("6/1.pool") <= 2 * 4096);
    assert_true(allocated_of("6/1.pool") > 0);
    assert_true(allocated_of("6/header.ring") >= 64 + 8 * 256);
    assert_true(tpi_epoch_files_bytes(&what) < 64 + 8 * 65536);
    tpi_epoch_files_delete(files);
}

static void fresh_slots_read_as_not_committed(void **state)
{
    (void)state;
    const tpi_region_create_t what = request();
    tpi_epoch_files_t *const files = create(&what);
    uint8_t bytes[8 * 256];
    const int fd = open(file("5/header.ring"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 64), sizeof(bytes));
    (void)close(fd);
    for (size_t i = 0; i < sizeof(bytes); i++) { assert_int_equal(bytes[i], 0); }
    tpi_epoch_files_delete(files);
}

static void an_epoch_number_is_never_used_twice__O_56_D_017__M10(void **state)
{
    (void)state;
    const tpi_region_create_t what = request();
    tpi_epoch_files_t *const files = create(&what);
    assert_int_equal(create_fails(&what), TP_EPATH);
    assert_int_equal(entries_below(file("5")), 3);                        /* what was there is untouched */
    tpi_epoch_files_delete(files);
    tpi_region_create_t next = request();
    next.epoch = 6;
    assert_int_equal(symlink("5", file("6")), 0);
    assert_int_equal(create_fails(&next), TP_EPATH);
    assert_int_equal(entries_below(file("5")), 3);
    next.epoch = 7;
    assert_int_equal(mkfifo(file("7"), 0600), 0);
    assert_int_equal(create_fails(&next), TP_EPATH);
}

static void unusable_requests_leave_nothing__D_201_W_013_W_213_O_40_O_46(void **state)
{
    (void)state;
    static const uint16_t twice[] = { 3, 3 };
    static const uint32_t crooked[] = { 64, 100 };
    static const uint32_t zero[] = { 64, 0 };
    tpi_region_create_t what = request();
    what.nslots = 12;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    what.nslots = 0;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    what.nslots = TPI_NSLOTS_MAX * 2;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    what = request();
    what.pool_ids = twice;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    what = request();
    what.strides = crooked;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    what.strides = zero;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    what = request();
    what.pool_count = 0;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    what.pool_count = TPI_POOLS_MAX + 1;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    what = request();
    what.epoch = 0;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    what.epoch = UINT64_MAX;
    assert_int_equal(create_fails(&what), TP_EINVAL);
    assert_int_equal(entries_below(base), 0);
}

static void hugepages_on_tmpfs_are_refused_and_leave_nothing__D_048_W_210_D_201(void **state)
{
    (void)state;
    tpi_region_create_t what = request();
    what.hugepages = true;
    assert_int_equal(create_fails(&what), TP_EPAGES);
    assert_int_equal(entries_below(base), 0);
}

static void lengths_are_rounded_up_to_the_page_and_strides_stay__W_212(void **state)
{
    (void)state;
    tpi_region_create_t what = request();
    what.page_bytes = 65536;
    tpi_epoch_files_t *const files = create(&what);
    assert_int_equal(size_of("5/header.ring"), 65536);
    assert_int_equal(size_of("5/1.pool"), 65536);
    assert_int_equal(superblock_of("5/7.pool").stride_bytes, 64);
    assert_int_equal(superblock_of("5/7.pool").slot_bytes, 64);
    tpi_epoch_files_delete(files);
}

static void names_are_the_same_in_every_epoch__W_226(void **state)
{
    (void)state;
    static const char *const names[] = { "header.ring", "1.pool", "7.pool" };
    tpi_region_create_t what = request();
    tpi_epoch_files_t *const first = create(&what);
    what.epoch = 6;
    tpi_epoch_files_t *const second = create(&what);
    for (size_t i = 0; i < 3; i++)
    {
        assert_string_equal(strrchr(first->uris[i], '/') + 1, names[i]);
        assert_string_equal(strrchr(second->uris[i], '/') + 1, names[i]);
    }
    tpi_epoch_files_delete(first);
    tpi_epoch_files_delete(second);
}

static void more_than_the_filesystem_holds_is_refused_before_a_byte_is_taken__D_201_D_180__M6(void **state)
{
    (void)state;
    static const uint32_t giant[] = { 4294967232u, 64 };
    tpi_region_create_t what = request();
    what.strides = giant;
    what.nslots = 65536;
    assert_int_equal(create_fails(&what), TP_ENOSPACE);
    assert_non_null(strstr(tp_errmsg(), "bytes wanted"));
    assert_non_null(strstr(tp_errmsg(), "bytes free"));
    assert_int_equal(entries_below(base), 0);
}

/* A tmpfs of 1 MiB in a mount namespace of our own; without the right to mount an impossible size stands in for it. */
static int create_on_full_filesystem(void *argument)
{
    static const uint16_t ids[] = { 1, 2 };
    static const uint32_t halves[] = { 61440, 61440 };                    /* each pool fits alone, both do not */
    tpi_region_create_t *const what = argument;
    what->strides = halves;
    what->pool_ids = ids;
    tpi_epoch_files_t *files = NULL;
    if (0 != tpi_epoch_files_create(&files, what)) { return TP_ENOSPACE == tp_errcode() && 0 == entries_below(base) ? 0 : 1; }
    return 2;
}

static int create_in_small_tmpfs(void *argument)
{
    if (0 != unshare(CLONE_NEWNS) || 0 != mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) { return 77; }
    if (0 != mount("tmpfs", base, "tmpfs", 0, "size=640k,mode=0755")) { return 77; }
    int rc = create_on_full_filesystem(argument);
    tpi_region_create_t *const what = argument;
    if (0 == rc)                                                          /* with half of it the filesystem is large enough */
    {
        tpi_epoch_files_t *files = NULL;
        what->pool_count = 1;
        what->epoch++;
        rc = 0 == tpi_epoch_files_create(&files, what) ? 0 : 3;
        tpi_epoch_files_delete(files);
    }
    return rc;
}

static void full_tmpfs_leaves_nothing_behind__D_201_M6_P4(void **state)
{
    (void)state;
    tpi_region_create_t what = request();
    const int rc = test_run_as(geteuid(), create_in_small_tmpfs, &what);
    if (77 == rc)
    {
        tpi_region_create_t giant = request();
        giant.nslots = TPI_NSLOTS_MAX;
        static const uint32_t wide[] = { 1u << 30, 64 };
        giant.strides = wide;
        assert_int_equal(create_fails(&giant), TP_ENOSPACE);
        assert_int_equal(entries_below(base), 0);
        return;
    }
    assert_int_equal(rc, 0);
}

/* The allocation itself fails, after the check of free space: the limit on file size does it for everybody. */
static int create_beyond_file_limit(void *argument)
{
    const struct rlimit limit = { 20000, 20000 };
    tpi_epoch_files_t *files = NULL;
    if (SIG_ERR == signal(SIGXFSZ, SIG_IGN) || 0 != setrlimit(RLIMIT_FSIZE, &limit)) { return 9; }
    return tpi_epoch_files_create(&files, argument) < 0 ? 0 : 1;
}

static void failure_in_the_middle_leaves_nothing_behind__D_201(void **state)
{
    (void)state;
    tpi_region_create_t what = request();                                 /* ring 2112 bytes, first pool 32832 */
    assert_int_equal(test_run_as(geteuid(), create_beyond_file_limit, &what), 0);
    assert_int_equal(entries_below(base), 0);
    tpi_region_create_t other = request();
    other.stream_id = 10001;
    tpi_epoch_files_t *const files = create(&other);
    tpi_epoch_files_delete(files);
    assert_int_equal(test_run_as(geteuid(), create_beyond_file_limit, &what), 0);
    assert_int_equal(entries_below(base), 7);                             /* user, namespace, stream 10001, its epoch and three files */
}

static int create_locked(void *argument)
{
    tpi_region_create_t *const what = argument;
    tpi_epoch_files_t *files = NULL;
    const long long before = test_locked_kib();
    if (tpi_epoch_files_create(&files, what) < 0) { return TP_EMLOCK == tp_errcode() ? 1 : 2; }
    if (test_locked_kib() < before + 4 + 36 + 4) { return 3; }                 /* still locked: the lock lives in the mapping that stays, M11 */
    tpi_epoch_files_delete(files);
    return test_locked_kib() == before ? 0 : 4;
}

/* The sanitizers make mlock do nothing. */
static void skip_without_mlock(void)
{
#ifdef TPI_SANITIZED
    skip();
#endif
}

static void lock_belongs_to_the_mapping_that_lives__D_193__M11(void **state)
{
    (void)state;
    skip_without_mlock();
    struct rlimit limit;
    tpi_region_create_t what = request();
    what.mlock = true;
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    const int rc = test_run_as(geteuid(), create_locked, &what);
    assert_int_equal(rc, 0 == geteuid() || limit.rlim_cur >= 65536 ? 0 : 1);
}

static int create_without_right_to_lock(void *argument)
{
    const struct rlimit none = { 0, 0 };
    return 0 == setrlimit(RLIMIT_MEMLOCK, &none) ? create_locked(argument) : 9;
}

static void failing_lock_is_an_error_and_leaves_nothing__D_192_D_201(void **state)
{
    (void)state;
    skip_without_mlock();
    tpi_region_create_t what = request();
    what.mlock = true;
    assert_int_equal(chmod(base, 01777), 0);
    assert_int_equal(test_run_as(TEST_UID_A, create_without_right_to_lock, &what), 1);
    assert_int_equal(entries_below(base), 0);
}

static unsigned warnings;

static void count_warning(void *clientd, tp_log_level_t level, int code, const char *text)
{
    (void)clientd;
    (void)text;
    warnings += TP_LOG_WARN == level && TP_EMLOCK == code;
}

/* A kernel that knows no mlock: a filter that answers ENOSYS, in a process of its own. */
static int create_where_nothing_can_be_locked(void *argument)
{
    struct sock_filter filter[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mlock, 2, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mlock2, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS) };
    const struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };
    tpi_epoch_files_t *files = NULL;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) { return 77; }
    tp_log_set_handler(count_warning, NULL, TP_LOG_WARN);
    if (tpi_epoch_files_create(&files, argument) < 0) { return 1; }
    tpi_epoch_files_delete(files);
    return 3 == warnings ? 0 : 2;
}

static void platform_without_locks_is_warned_of_and_served__D_194(void **state)
{
    (void)state;
    skip_without_mlock();
    tpi_region_create_t what = request();
    what.mlock = true;
    const int rc = test_run_as(geteuid(), create_where_nothing_can_be_locked, &what);
    if (77 == rc) { skip(); }
    assert_int_equal(rc, 0);
    assert_int_equal(size_of("5/header.ring"), 64 + 8 * 256);
}

static int open_for_reading(void *name)
{
    const int fd = open(file(name), O_RDONLY | O_CLOEXEC);
    return fd < 0 ? 1 : 0;
}

static void other_users_reach_nothing__W_245(void **state)
{
    (void)state;
    const tpi_region_create_t what = request();
    tpi_epoch_files_t *const files = create(&what);
    char name[] = "5/header.ring";
    assert_int_equal(open_for_reading(name), 0);
    if (0 == geteuid()) { assert_int_equal(test_run_as(TEST_UID_B, open_for_reading, name), 1); }
    tpi_epoch_files_delete(files);
}

static void created_epoch_maps_back__D_013_W_077(void **state)
{
    (void)state;
    const tpi_region_create_t what = request();
    tpi_epoch_files_t *const files = create(&what);
    tpi_base_dirs_t bases;
    const char *const dirs[] = { base };
    assert_int_equal(tpi_base_dirs_init(&bases, dirs, 1), 0);
    tpi_pool_spec_t pools[2];
    for (size_t i = 0; i < 2; i++)
    {
        pools[i] = (tpi_pool_spec_t){ .pool_id = pool_ids[i], .nslots = 8, .stride_bytes = strides[i], .uri = files->uris[i + 1],
            .uri_length = strlen(files->uris[i + 1]) };
    }
    const tpi_pool_set_spec_t spec = { .stream_id = 10000, .epoch = 5, .layout_version = 1, .header_nslots = 8, .header_slot_bytes = 256,
        .header_uri = files->uris[0], .header_uri_length = strlen(files->uris[0]), .pool_count = 2, .pools = pools };
    tpi_pool_set_t *set = NULL;
    assert_int_equal(tpi_pool_set_map(&set, &spec, &bases, true, NULL), 0);
    tpi_pool_set_refresh(set, 777);
    for (size_t i = 0; i < 3; i++) { assert_int_equal(tpi_region_activity_ns(&files->regions[i]), 777); }
    tpi_pool_set_delete(set);
    tpi_base_dirs_fini(&bases);
    tpi_epoch_files_delete(files);
    tpi_epoch_files_delete(NULL);
}

static void epoch_goes_with_its_files__D_204(void **state)
{
    (void)state;
    const tpi_region_create_t what = request();
    tpi_epoch_files_t *const files = create(&what);
    const int fd = tpi_stream_dir_open(&what);
    tpi_epoch_facts_t facts;
    assert_int_equal(tpi_epoch_dir_facts(fd, 5, &facts), 0);
    assert_true(facts.has_superblock);
    assert_int_equal(facts.pid, 4711);
    assert_int_equal(facts.activity_ns, 1000);
    assert_int_equal(tpi_epoch_dir_remove(fd, 5), 0);
    (void)close(fd);
    tpi_epoch_files_refresh(files, 5);                                    /* still mapped: removal takes names, not memory */
    tpi_epoch_files_delete(files);
    tpi_stream_dir_prune(&what, TPI_STREAM_DIR_LEVELS);
    assert_int_equal(entries_below(base), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_have_the_names_sizes_and_modes_of_the_specification__W_221_W_225_W_243_D_013_D_014),
        TEST(private_mode_is_private_everywhere__W_245),
        TEST(superblocks_are_complete__W_001_W_003_W_004_W_008_W_009_D_009),
        TEST(refresh_changes_activity_and_nothing_else__W_004_W_006_D_016),
        TEST(every_byte_is_allocated_before_it_is_announced__M6),
        TEST(fresh_slots_read_as_not_committed),
        TEST(an_epoch_number_is_never_used_twice__O_56_D_017__M10),
        TEST(unusable_requests_leave_nothing__D_201_W_013_W_213_O_40_O_46),
        TEST(hugepages_on_tmpfs_are_refused_and_leave_nothing__D_048_W_210_D_201),
        TEST(lengths_are_rounded_up_to_the_page_and_strides_stay__W_212),
        TEST(names_are_the_same_in_every_epoch__W_226),
        TEST(more_than_the_filesystem_holds_is_refused_before_a_byte_is_taken__D_201_D_180__M6),
        TEST(full_tmpfs_leaves_nothing_behind__D_201_M6_P4),
        TEST(failure_in_the_middle_leaves_nothing_behind__D_201),
        TEST(lock_belongs_to_the_mapping_that_lives__D_193__M11),
        TEST(failing_lock_is_an_error_and_leaves_nothing__D_192_D_201),
        TEST(platform_without_locks_is_warned_of_and_served__D_194),
        TEST(other_users_reach_nothing__W_245),
        TEST(created_epoch_maps_back__D_013_W_077),
        TEST(epoch_goes_with_its_files__D_204),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "common/alloc.h"
#include "common/err.h"
#include "shm/epoch_dir.h"
#include "shm/test_dir.h"

static char root[128];
static char base[160];

static int setup(void **state)
{
    (void)state;
    test_dir_make(root, "epochdir");
    (void)snprintf(base, sizeof(base), "%s/base", root);
    return mkdir(base, 0700);
}

static int teardown(void **state)
{
    (void)state;
    test_dir_remove(root);
    return 0;
}

static tpi_region_create_t stream(uint32_t stream_id, mode_t file_mode)
{
    return (tpi_region_create_t){ .base_dir = base, .user = "svc", .name_space = "default", .stream_id = stream_id, .file_mode = file_mode };
}

static char *below(const char *parent, const char *name)
{
    static char paths[4][400];
    static unsigned turn;
    char *const path = paths[turn++ % 4];
    (void)snprintf(path, 400, "%s/%s", parent, name);
    return path;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    return 0 == lstat(path, &st) ? st.st_mode & 07777 : 0;
}

static int open_stream(mode_t file_mode)
{
    const tpi_region_create_t what = stream(10000, file_mode);
    const int fd = tpi_stream_dir_open(&what);
    if (fd < 0) { return tp_errcode(); }
    (void)close(fd);
    return 0;
}

static void directories_follow_the_layout__W_221_D_014_D_195(void **state)
{
    (void)state;
    assert_int_equal(open_stream(0660), 0);
    assert_int_equal(mode_of(below(base, "tensorpool-svc/default/10000")), 02770);
    assert_int_equal(mode_of(below(base, "tensorpool-svc/default")), 02770);
    assert_int_equal(mode_of(below(base, "tensorpool-svc")), 02770);
    assert_int_equal(open_stream(0660), 0);
}

static void modes_ignore_the_umask__W_243__M10(void **state)
{
    (void)state;
    const mode_t old = umask(0777);
    const int strict = open_stream(0660);
    (void)umask(0);
    const tpi_region_create_t private = stream(10001, 0600);
    const int fd = tpi_stream_dir_open(&private);
    (void)umask(old);
    assert_int_equal(strict, 0);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(mode_of(below(base, "tensorpool-svc/default/10000")), 02770);
    assert_int_equal(mode_of(below(base, "tensorpool-svc/default/10001")), 0700);
}

static void directory_mode_adds_search_to_read_and_never_write_for_others(void **state)
{
    (void)state;
    assert_int_equal(tpi_dir_mode(0600), 0700);
    assert_int_equal(tpi_dir_mode(0660), 02770);
    assert_int_equal(tpi_dir_mode(0640), 02750);
    assert_int_equal(tpi_dir_mode(0644), 02755);
    assert_int_equal(tpi_dir_mode(0666), 02775);
    assert_int_equal(tpi_dir_mode(0), 0700);
}

static void narrow_directory_of_ours_is_opened_for_new_readers(void **state)
{
    (void)state;
    assert_int_equal(open_stream(0600), 0);
    assert_int_equal(mode_of(below(base, "tensorpool-svc")), 0700);
    assert_int_equal(open_stream(0660), 0);
    assert_int_equal(mode_of(below(base, "tensorpool-svc")), 02770);
    assert_int_equal(open_stream(0600), 0);
    assert_int_equal(mode_of(below(base, "tensorpool-svc")), 02770);      /* another driver of this user may need it */
}

static void link_in_place_of_a_directory_is_refused__D_205_D_017__M10(void **state)
{
    (void)state;
    static const char *const places[] = { "tensorpool-svc", "tensorpool-svc/default", "tensorpool-svc/default/10000" };
    for (size_t i = 0; i < 3; i++)
    {
        assert_int_equal(mkdir(below(root, "elsewhere"), 0700), 0);
        if (i > 0) { assert_int_equal(mkdir(below(base, places[0]), 0700), 0); }
        if (i > 1) { assert_int_equal(mkdir(below(base, places[1]), 0700), 0); }
        assert_int_equal(symlink(below(root, "elsewhere"), below(base, places[i])), 0);
        assert_int_equal(open_stream(0660), TP_EPATH);
        assert_int_equal(rmdir(below(root, "elsewhere")), 0);             /* still empty */
        assert_int_equal(unlink(below(base, places[i])), 0);
        if (i > 1) { assert_int_equal(rmdir(below(base, places[1])), 0); }
        if (i > 0) { assert_int_equal(rmdir(below(base, places[0])), 0); }
    }
}

/* Every place where the process may run out of descriptors. */
static void directories_made_in_vain_go_again__D_201(void **state)
{
    (void)state;
    struct rlimit old;
    struct rlimit few;
    const int first = dup(STDIN_FILENO);
    (void)close(first);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    int rc = -1;
    int failures = 0;
    for (rlim_t more = 1; more < 16 && 0 != rc; more++)
    {
        few.rlim_cur = (rlim_t)first + more;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        rc = open_stream(0660);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        if (0 == rc) { break; }
        failures++;
        assert_int_equal(mode_of(below(base, "tensorpool-svc")), 0);
    }
    assert_int_equal(rc, 0);
    assert_true(failures >= 3);
    assert_true(0 != mode_of(below(base, "tensorpool-svc/default/10000")));
}

static void file_or_fifo_in_place_of_a_directory_is_refused__D_017(void **state)
{
    (void)state;
    test_file_make(below(base, "tensorpool-svc"), 0600, 0);
    assert_int_equal(open_stream(0660), TP_EPATH);
    assert_int_equal(unlink(below(base, "tensorpool-svc")), 0);
    assert_int_equal(mkfifo(below(base, "tensorpool-svc"), 0600), 0);
    assert_int_equal(open_stream(0660), TP_EPATH);
}

static void directory_writable_by_others_is_refused__D_205(void **state)
{
    (void)state;
    assert_int_equal(chmod(base, 0757), 0);
    assert_int_equal(open_stream(0660), TP_EPATH);
    assert_int_equal(chmod(base, 01757), 0);
    assert_int_equal(open_stream(0660), 0);
    assert_int_equal(chmod(below(base, "tensorpool-svc"), 0702), 0);
    assert_int_equal(open_stream(0660), TP_EPATH);
    assert_int_equal(tpi_user_dir_check(base, "svc", "default"), -1);
    assert_int_equal(chmod(below(base, "tensorpool-svc"), 01777), 0);     /* below the base not even with the sticky bit */
    assert_int_equal(open_stream(0660), TP_EPATH);
    assert_int_equal(chmod(below(base, "tensorpool-svc"), 0770), 0);
    assert_int_equal(open_stream(0660), 0);
    assert_int_equal(tpi_user_dir_check(base, "svc", "default"), 0);
}

/* ---- owners: the code runs as user A or B, who are strangers to each other ---- */

static int open_stream_as(void *unused)
{
    (void)unused;
    const int rc = open_stream(0660);
    return 0 == rc ? 0 : (TP_EPATH == rc ? 1 : (TP_EPERM == rc ? 2 : 3));
}

static int check_as(void *unused)
{
    (void)unused;
    return 0 == tpi_user_dir_check(base, "svc", "default") ? 0 : 1;
}

static void directory_of_a_stranger_is_refused__D_205__M10(void **state)
{
    (void)state;
    if (0 != geteuid())                                                   /* then root's own directories are strangers' to nobody: use one of root */
    {
        const tpi_region_create_t what = { .base_dir = "/proc/1", .user = "svc", .name_space = "default", .stream_id = 1, .file_mode = 0660 };
        assert_int_equal(tpi_stream_dir_open(&what), -1);
        return;
    }
    assert_int_equal(chown(base, TEST_UID_A, TEST_UID_A), 0);
    assert_int_equal(test_run_as(TEST_UID_A, open_stream_as, NULL), 0);
    assert_int_equal(test_run_as(TEST_UID_A, check_as, NULL), 0);
    assert_int_equal(chmod(base, 0755), 0);
    assert_int_equal(test_run_as(TEST_UID_B, open_stream_as, NULL), 1);   /* base of A */
    assert_int_equal(open_stream(0660), TP_EPATH);                        /* root is no exception: the owner could exchange everything below */
    assert_int_equal(chown(base, 0, 0), 0);
    assert_int_equal(chmod(base, 01777), 0);
    assert_int_equal(test_run_as(TEST_UID_B, open_stream_as, NULL), 1);   /* user directory of A in place of B's */
    assert_int_equal(test_run_as(TEST_UID_B, check_as, NULL), 1);
}

static int open_own_stream(void *user)
{
    tpi_region_create_t what = stream(1, 0600);
    what.user = user;
    const int fd = tpi_stream_dir_open(&what);
    return fd >= 0 ? 0 : 1;
}

static void shared_base_gives_every_user_a_directory__D_196(void **state)
{
    (void)state;
    char a[] = "a";
    char b[] = "b";
    assert_int_equal(chmod(base, 01777), 0);
    assert_int_equal(test_run_as(TEST_UID_A, open_own_stream, a), 0);
    assert_int_equal(test_run_as(TEST_UID_B, open_own_stream, b), 0);
    assert_int_equal(mode_of(below(base, "tensorpool-a")), 0700);
    if (0 == geteuid()) { assert_int_equal(test_run_as(TEST_UID_B, open_own_stream, a), 1); }
}

static int prepare(const char *dir, mode_t file_mode)
{
    char *canonical = NULL;
    const int rc = tpi_base_dir_prepare(&canonical, dir, file_mode);
    tpi_free(canonical);
    return 0 == rc ? 0 : tp_errcode();
}

static void missing_base_below_a_sticky_directory_is_for_everybody(void **state)
{
    (void)state;
    const mode_t old = umask(0077);
    assert_int_equal(chmod(root, 01777), 0);
    assert_int_equal(prepare(below(root, "new"), 0660), 0);
    assert_int_equal(mode_of(below(root, "new")), 01777);
    assert_int_equal(prepare(below(root, "new/"), 0660), 0);
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(prepare(below(root, "a/b/c"), 0660), 0);
    (void)umask(old);
    assert_int_equal(mode_of(below(root, "a")), 02770);
    assert_int_equal(mode_of(below(root, "a/b/c")), 02770);
    assert_int_equal(prepare(below(root, "p"), 0600), 0);
    assert_int_equal(mode_of(below(root, "p")), 0700);
}

static int prepare_as(void *dir) { return 0 == prepare(dir, 0660) ? 0 : (TP_EPATH == tp_errcode() ? 1 : 2); }

static int chmod_and_prepare_as_stranger(const char *dir, mode_t mode)
{
    assert_int_equal(chmod(dir, mode), 0);
    return test_run_as(TEST_UID_B, prepare_as, (void *)(uintptr_t)dir);
}

/* The first user of a host does not lock out the second, but only a sticky base in a safe place is shared. */
static void base_that_another_user_made_for_everybody_is_shared__D_205_D_196_M10(void **state)
{
    (void)state;
    if (0 != geteuid()) { skip(); }
    char *const dir = strdup(below(root, "shared"));
    assert_int_equal(chmod(root, 01777), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(chown(dir, TEST_UID_A, TEST_UID_A), 0);
    assert_int_equal(chmod_and_prepare_as_stranger(dir, 01777), 0);
    assert_int_equal(chmod_and_prepare_as_stranger(dir, 0777), 1);
    assert_int_equal(chmod_and_prepare_as_stranger(dir, 01775), 1);
    assert_int_equal(chmod(root, 0777), 0);                               /* anybody could exchange the base */
    assert_int_equal(chmod_and_prepare_as_stranger(dir, 01777), 1);
    assert_int_equal(chmod(root, 01777), 0);
    assert_int_equal(chown(root, TEST_UID_A, TEST_UID_A), 0);             /* so could the owner of what is above */
    assert_int_equal(chmod_and_prepare_as_stranger(dir, 01777), 1);
    assert_int_equal(chown(root, 0, 0), 0);
    assert_int_equal(chmod(root, 0755), 0);
    free(dir);
}

static void base_is_canonical_and_checked__D_205_D_207(void **state)
{
    (void)state;
    char *canonical = NULL;
    assert_int_equal(tpi_base_dir_prepare(&canonical, below(root, "base/../base//"), 0660), 0);
    assert_string_equal(canonical, base);
    tpi_free(canonical);
    assert_int_equal(symlink(base, below(root, "link")), 0);
    assert_int_equal(prepare(below(root, "link"), 0660), TP_EPATH);
    assert_int_equal(prepare(below(root, "link/"), 0660), TP_EPATH);
    assert_int_equal(symlink(root, below(root, "up")), 0);                /* a link above the base is resolved */
    assert_int_equal(tpi_base_dir_prepare(&canonical, below(root, "up/base"), 0660), 0);
    assert_string_equal(canonical, base);
    tpi_free(canonical);
    assert_int_equal(symlink("nowhere", below(root, "dangling")), 0);
    assert_int_equal(prepare(below(root, "dangling"), 0660), TP_EPATH);
    test_file_make(below(root, "file"), 0600, 0);
    assert_int_equal(prepare(below(root, "file"), 0660), TP_EPATH);
    assert_int_equal(prepare("relative", 0660), TP_EPATH);
    assert_int_equal(chmod(base, 0777), 0);
    assert_int_equal(prepare(base, 0660), TP_EPATH);
    assert_int_equal(chmod(base, 01777), 0);
    assert_int_equal(prepare(base, 0660), 0);
    assert_int_equal(mkdir(below(root, "a b"), 0700), 0);
    assert_int_equal(prepare(below(root, "a b"), 0660), TP_EPATH);        /* O-51 */
    if (0 == geteuid())
    {
        assert_int_equal(chmod(base, 0755), 0);                           /* foreign and not shared */
        assert_int_equal(chown(base, TEST_UID_A, TEST_UID_A), 0);
        assert_int_equal(test_run_as(TEST_UID_B, prepare_as, base), 1);
        assert_int_equal(test_run_as(TEST_UID_A, prepare_as, base), 0);
    }
}

static void names_that_could_leave_the_base_are_refused__W_223_W_224(void **state)
{
    (void)state;
    tpi_region_create_t what = stream(1, 0660);
    what.user = "../x";
    assert_int_equal(tpi_stream_dir_open(&what), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    what.user = "svc";
    what.name_space = "..";
    assert_int_equal(tpi_stream_dir_open(&what), -1);
    what.name_space = "a/b";
    assert_int_equal(tpi_stream_dir_open(&what), -1);
    what.name_space = "";
    assert_int_equal(tpi_stream_dir_open(&what), -1);
    assert_int_equal(tpi_user_dir_check(base, "svc", ""), -1);
    assert_int_equal(mode_of(below(base, "tensorpool-svc")), 0);
    what.name_space = "ok";
    what.base_dir = below(root, "missing");
    assert_int_equal(tpi_stream_dir_open(&what), -1);
}

static int lock_in_child(void *unused)
{
    (void)unused;
    const tpi_region_create_t what = stream(10000, 0660);
    const int fd = tpi_stream_dir_open(&what);
    return fd >= 0 && 0 == tpi_stream_dir_lock(fd) ? 0 : (TP_EOWNED == tp_errcode() ? 1 : 2);
}

static int run_same_user(int (*function)(void *))
{
    return test_run_as(geteuid(), function, NULL);
}

static void stream_has_one_driver__D_002_D_196__M13(void **state)
{
    (void)state;
    const tpi_region_create_t what = stream(10000, 0660);
    const int fd = tpi_stream_dir_open(&what);
    assert_true(fd >= 0);
    assert_int_equal(tpi_stream_dir_lock(fd), 0);
    assert_int_equal(run_same_user(lock_in_child), 1);
    (void)close(fd);
    assert_int_equal(run_same_user(lock_in_child), 0);
    assert_int_equal(tpi_stream_dir_lock(-1), -1);
    assert_int_equal(tp_errcode(), TP_EIO);
}

static void epochs_are_listed_ascending_and_nothing_else__D_200(void **state)
{
    (void)state;
    const tpi_region_create_t what = stream(10000, 0660);
    const int fd = tpi_stream_dir_open(&what);
    uint64_t *epochs = NULL;
    size_t count = 9;
    assert_int_equal(tpi_epoch_dir_list(fd, &epochs, &count), 0);
    assert_int_equal(count, 0);
    static const char *const names[] = { "7", "18446744073709551615", "100", "18446744073709551616", "007", "1x", "-1", "+1", "x",
        "99999999999999999999999" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) { assert_int_equal(mkdirat(fd, names[i], 0700), 0); }
    assert_int_equal(symlinkat("7", fd, "8"), 0);
    const int file = openat(fd, "9", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    (void)close(file);
    for (unsigned i = 1000; i < 1040; i++)
    {
        char name[8];
        (void)snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(mkdirat(fd, name, 0700), 0);
    }
    for (int again = 0; again < 2; again++)                               /* the caller's descriptor does not move */
    {
        assert_int_equal(tpi_epoch_dir_list(fd, &epochs, &count), 0);
        assert_int_equal(count, 43);
        assert_int_equal(epochs[0], 7);
        assert_int_equal(epochs[1], 100);
        assert_int_equal(epochs[2], 1000);
        assert_true(UINT64_MAX == epochs[42]);
        tpi_free(epochs);
    }
    (void)close(fd);
    assert_int_equal(tpi_epoch_dir_list(-1, &epochs, &count), -1);
}

static void removing_an_epoch_never_follows_a_link__D_007(void **state)
{
    (void)state;
    const tpi_region_create_t what = stream(10000, 0660);
    const int fd = tpi_stream_dir_open(&what);
    char dir[300];
    (void)snprintf(dir, sizeof(dir), "%s/tensorpool-svc/default/10000", base);
    test_file_make(below(root, "precious"), 0600, 10);
    assert_int_equal(mkdir(below(root, "treasure"), 0700), 0);
    test_file_make(below(root, "treasure/gold"), 0600, 10);

    assert_int_equal(mkdir(below(dir, "5"), 0700), 0);
    test_file_make(below(dir, "5/header.ring"), 0600, 64);
    assert_int_equal(symlink(below(root, "precious"), below(dir, "5/1.pool")), 0);
    assert_int_equal(symlink(below(root, "treasure"), below(dir, "5/2.pool")), 0);
    assert_int_equal(tpi_epoch_dir_remove(fd, 5), 0);
    assert_int_equal(mode_of(below(dir, "5")), 0);
    assert_int_equal(mode_of(below(root, "precious")), 0600);
    assert_int_equal(mode_of(below(root, "treasure/gold")), 0600);

    assert_int_equal(symlink(below(root, "treasure"), below(dir, "6")), 0);
    assert_int_equal(tpi_epoch_dir_remove(fd, 6), -1);
    assert_int_equal(tp_errcode(), TP_EPATH);
    assert_int_equal(mode_of(below(root, "treasure/gold")), 0600);

    assert_int_equal(tpi_epoch_dir_remove(fd, 7), -1);
    assert_int_equal(tp_errcode(), TP_ENOENT);
    assert_int_equal(mkdir(below(dir, "8"), 0700), 0);
    assert_int_equal(mkdir(below(dir, "8/sub"), 0700), 0);
    assert_int_equal(tpi_epoch_dir_remove(fd, 8), -1);
    assert_int_equal(mode_of(below(dir, "8/sub")) & 0777, 0700);
    (void)close(fd);
}

static void facts_come_from_a_whole_superblock_only__D_175_D_176__M13(void **state)
{
    (void)state;
    const tpi_region_create_t what = stream(10000, 0660);
    const int fd = tpi_stream_dir_open(&what);
    char dir[300];
    (void)snprintf(dir, sizeof(dir), "%s/tensorpool-svc/default/10000", base);
    tpi_epoch_facts_t facts;
    assert_int_equal(tpi_epoch_dir_facts(fd, 5, &facts), -1);
    assert_int_equal(mkdir(below(dir, "5"), 0700), 0);
    assert_int_equal(tpi_epoch_dir_facts(fd, 5, &facts), 0);
    assert_false(facts.has_superblock);
    assert_true(facts.changed_real_ns > 0);
    assert_int_equal(mkfifo(below(dir, "5/header.ring"), 0600), 0);       /* does not block */
    assert_int_equal(tpi_epoch_dir_facts(fd, 5, &facts), 0);
    assert_false(facts.has_superblock);
    assert_int_equal(unlink(below(dir, "5/header.ring")), 0);

    uint8_t image[TPI_SUPERBLOCK_BYTES];
    tpc_superblock_t superblock = TPC_SUPERBLOCK_INIT;
    superblock.epoch = 5;
    superblock.region_type = TPC_REGION_HEADER_RING;
    superblock.pid = 77;
    superblock.activity_timestamp_ns = 1234;
    tpc_superblock_encode(image, &superblock);
    const int file = open(below(dir, "5/header.ring"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(file, image, 63, 0), 63);
    assert_int_equal(tpi_epoch_dir_facts(fd, 5, &facts), 0);
    assert_false(facts.has_superblock);
    assert_int_equal(pwrite(file, image, 64, 0), 64);
    (void)close(file);
    assert_int_equal(tpi_epoch_dir_facts(fd, 5, &facts), 0);
    assert_true(facts.has_superblock);
    assert_int_equal(facts.pid, 77);
    assert_int_equal(facts.activity_ns, 1234);
    (void)close(fd);
}

static void prune_removes_empty_directories_only__D_204(void **state)
{
    (void)state;
    const tpi_region_create_t one = stream(1, 0660);
    const tpi_region_create_t two = stream(2, 0660);
    unsigned made = 9;
    int fd = tpi_stream_dir_open_counted(&one, &made);
    assert_int_equal(made, 3);
    (void)close(fd);
    fd = tpi_stream_dir_open_counted(&two, &made);
    assert_int_equal(made, 1);
    (void)close(fd);
    tpi_stream_dir_prune(&one, TPI_STREAM_DIR_LEVELS);
    assert_int_equal(mode_of(below(base, "tensorpool-svc/default/1")), 0);
    assert_int_equal(mode_of(below(base, "tensorpool-svc/default/2")), 02770);
    tpi_stream_dir_prune(&two, 1);
    assert_int_equal(mode_of(below(base, "tensorpool-svc/default")), 02770);
    tpi_stream_dir_prune(&two, TPI_STREAM_DIR_LEVELS);
    assert_int_equal(mode_of(below(base, "tensorpool-svc")), 0);
    assert_int_equal(mode_of(base), 0700);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(directories_follow_the_layout__W_221_D_014_D_195),
        TEST(modes_ignore_the_umask__W_243__M10),
        TEST(directory_mode_adds_search_to_read_and_never_write_for_others),
        TEST(narrow_directory_of_ours_is_opened_for_new_readers),
        TEST(link_in_place_of_a_directory_is_refused__D_205_D_017__M10),
        TEST(directories_made_in_vain_go_again__D_201),
        TEST(file_or_fifo_in_place_of_a_directory_is_refused__D_017),
        TEST(directory_writable_by_others_is_refused__D_205),
        TEST(directory_of_a_stranger_is_refused__D_205__M10),
        TEST(shared_base_gives_every_user_a_directory__D_196),
        TEST(missing_base_below_a_sticky_directory_is_for_everybody),
        TEST(base_that_another_user_made_for_everybody_is_shared__D_205_D_196_M10),
        TEST(base_is_canonical_and_checked__D_205_D_207),
        TEST(names_that_could_leave_the_base_are_refused__W_223_W_224),
        TEST(stream_has_one_driver__D_002_D_196__M13),
        TEST(epochs_are_listed_ascending_and_nothing_else__D_200),
        TEST(removing_an_epoch_never_follows_a_link__D_007),
        TEST(facts_come_from_a_whole_superblock_only__D_175_D_176__M13),
        TEST(prune_removes_empty_directories_only__D_204),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/err.h"
#include "shm/path.h"
#include "shm/test_dir.h"

static char base[128];
static tpi_base_dirs_t bases;

static int setup(void **state)
{
    (void)state;
    test_dir_make(base, "path");
    const char *const dirs[] = { base };
    return tpi_base_dirs_init(&bases, dirs, 1);
}

static int teardown(void **state)
{
    (void)state;
    tpi_base_dirs_fini(&bases);
    test_dir_remove(base);
    return 0;
}

static char *in_base(const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *const path = paths[turn++ % 4];
    (void)snprintf(path, 256, "%s/%s", base, name);
    return path;
}

static int open_region(const char *path, bool huge, uint64_t bytes, const tpi_file_policy_t *policy)
{
    tpi_region_uri_t uri = { .require_hugepages = huge };
    (void)snprintf(uri.path, sizeof(uri.path), "%s", path);
    tp_err_clear();
    const int fd = tpi_path_open_region(&bases, &uri, false, bytes, policy);
    if (fd >= 0) { (void)close(fd); }
    return fd >= 0 ? 0 : tp_errcode();
}

static void regular_file_below_a_base_opens__W_234_W_235(void **state)
{
    (void)state;
    test_file_make(in_base("a"), 0600, 64);
    assert_int_equal(open_region(in_base("a"), false, 64, NULL), 0);
    assert_int_equal(mkdir(in_base("d"), 0700), 0);
    test_file_make(in_base("d/e"), 0600, 64);
    assert_int_equal(open_region(in_base("d/e"), false, 64, NULL), 0);
    assert_int_equal(open_region(in_base("d/../a"), false, 64, NULL), 0);
}

static void path_outside_every_base_is_rejected__W_232_W_234(void **state)
{
    (void)state;
    char evil[256];
    (void)snprintf(evil, sizeof(evil), "%s-evil", base);
    assert_int_equal(mkdir(evil, 0700), 0);
    char file[300];
    (void)snprintf(file, sizeof(file), "%s/x", evil);
    test_file_make(file, 0600, 64);
    const int prefix = open_region(file, false, 0, NULL);
    char dots[400];
    (void)snprintf(dots, sizeof(dots), "%s/../../../etc/hostname", base);
    const int up = open_region(dots, false, 0, NULL);
    assert_int_equal(symlink(file, in_base("link")), 0);
    const int link_out = open_region(in_base("link"), false, 0, NULL);
    test_dir_remove(evil);
    assert_int_equal(prefix, TP_EPATH);
    assert_int_equal(up, TP_EPATH);
    assert_int_equal(link_out, TP_EPATH);
}

static void link_that_stays_inside_is_resolved_once__W_232_O_53(void **state)
{
    (void)state;
    test_file_make(in_base("file"), 0600, 64);
    assert_int_equal(symlink("file", in_base("alias")), 0);
    assert_int_equal(open_region(in_base("alias"), false, 64, NULL), 0);
}

static void relative_path_is_rejected__W_231(void **state)
{
    (void)state;
    assert_int_equal(open_region("dev/shm/x", false, 0, NULL), TP_EPATH);
}

static void without_a_base_nothing_opens__W_240(void **state)
{
    (void)state;
    test_file_make(in_base("a"), 0600, 64);
    tpi_base_dirs_t none = { .count = 0 };
    tpi_checked_path_t checked;
    assert_int_equal(tpi_path_check(&checked, &none, in_base("a")), -1);
    assert_int_equal(tp_errcode(), TP_EPATH);
}

static void base_itself_and_directories_are_no_regions__O_54_W_235(void **state)
{
    (void)state;
    assert_int_equal(open_region(base, false, 0, NULL), TP_EPATH);
    assert_int_equal(mkdir(in_base("d"), 0700), 0);
    assert_int_equal(open_region(in_base("d"), false, 0, NULL), TP_EREGION);
    assert_int_equal(open_region(in_base("missing"), false, 0, NULL), TP_EPATH);
}

static void containment_needs_the_slash__W_234(void **state)
{
    (void)state;
    char shm[] = "/dev/shm";
    char root[] = "/";
    tpi_base_dirs_t one = { .count = 1, .dirs = { shm } };
    assert_true(tpi_base_dirs_contain(&one, "/dev/shm/x"));
    assert_false(tpi_base_dirs_contain(&one, "/dev/shm"));
    assert_false(tpi_base_dirs_contain(&one, "/dev/shm/"));
    assert_false(tpi_base_dirs_contain(&one, "/dev/shm-evil/x"));
    assert_false(tpi_base_dirs_contain(&one, "/dev/sh"));
    assert_true(tpi_base_dirs_admit(&one, "/dev/shm"));
    assert_true(tpi_base_dirs_admit(&one, "/dev/shm/x"));
    assert_false(tpi_base_dirs_admit(&one, "/dev"));
    tpi_base_dirs_t all = { .count = 1, .dirs = { root } };
    assert_true(tpi_base_dirs_contain(&all, "/x"));
    assert_false(tpi_base_dirs_contain(&all, "/"));
}

static void regions_under_two_bases_open__W_220(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_base("one"), 0700), 0);
    assert_int_equal(mkdir(in_base("two"), 0700), 0);
    test_file_make(in_base("one/f"), 0600, 64);
    test_file_make(in_base("two/f"), 0600, 64);
    const char *const dirs[] = { in_base("one"), in_base("two") };
    tpi_base_dirs_t two;
    tpi_checked_path_t checked;
    assert_int_equal(tpi_base_dirs_init(&two, dirs, 2), 0);
    assert_int_equal(tpi_path_check(&checked, &two, in_base("one/f")), 0);
    assert_int_equal(tpi_path_check(&checked, &two, in_base("two/f")), 0);
    tpi_base_dirs_fini(&two);
}

static void repointed_base_link_has_no_effect__W_233(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_base("good"), 0700), 0);
    assert_int_equal(mkdir(in_base("bad"), 0700), 0);
    test_file_make(in_base("good/f"), 0600, 64);
    test_file_make(in_base("bad/f"), 0600, 64);
    assert_int_equal(symlink("good", in_base("cur")), 0);
    const char *const dirs[] = { in_base("cur") };
    tpi_base_dirs_t moved;
    tpi_checked_path_t checked;
    assert_int_equal(tpi_base_dirs_init(&moved, dirs, 1), 0);
    assert_int_equal(tpi_path_check(&checked, &moved, in_base("cur/f")), 0);
    assert_int_equal(unlink(in_base("cur")), 0);
    assert_int_equal(symlink("bad", in_base("cur")), 0);
    assert_int_equal(tpi_path_check(&checked, &moved, in_base("cur/f")), -1);
    assert_int_equal(tpi_path_check(&checked, &moved, in_base("good/f")), 0);
    tpi_base_dirs_fini(&moved);
}

static void unusable_base_is_an_error__W_233(void **state)
{
    (void)state;
    tpi_base_dirs_t made = { .count = 99 };
    const char *const missing[] = { base, in_base("missing") };
    assert_int_equal(tpi_base_dirs_init(&made, missing, 2), -1);
    assert_int_equal(tp_errcode(), TP_EPATH);
    assert_int_equal(made.count, 99);
    const char *const relative[] = { "dev/shm" };
    assert_int_equal(tpi_base_dirs_init(&made, relative, 1), -1);
    test_file_make(in_base("f"), 0600, 1);
    const char *const file[] = { in_base("f") };
    assert_int_equal(tpi_base_dirs_init(&made, file, 1), -1);
    const char *many[TPI_BASE_DIRS_MAX + 1];
    for (size_t i = 0; i <= TPI_BASE_DIRS_MAX; i++) { many[i] = base; }
    assert_int_equal(tpi_base_dirs_init(&made, many, TPI_BASE_DIRS_MAX + 1), -1);
    assert_int_equal(tpi_base_dirs_init(&made, many, TPI_BASE_DIRS_MAX), 0);
    tpi_base_dirs_fini(&made);
    tpi_base_dirs_fini(NULL);
}

static void fifo_socket_and_device_are_rejected_without_blocking__W_236(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_base("fifo"), 0600), 0);
    assert_int_equal(open_region(in_base("fifo"), false, 0, NULL), TP_EREGION);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    assert_true(strlen(base) + 3 <= sizeof(address.sun_path));
    memcpy(stpcpy(address.sun_path, base), "/s", 3);
    const int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(open_region(in_base("s"), false, 0, NULL), TP_EREGION);
    (void)close(s);
    const char *const dirs[] = { "/dev" };
    tpi_base_dirs_t dev;
    tpi_checked_path_t checked;
    assert_int_equal(tpi_base_dirs_init(&dev, dirs, 1), 0);
    assert_int_equal(tpi_path_check(&checked, &dev, "/dev/null"), -1);
    assert_int_equal(tp_errcode(), TP_EREGION);
    tpi_base_dirs_fini(&dev);
}

static const tpi_open_how_t both_ways[] = { TPI_OPEN_OPENAT2, TPI_OPEN_WALK };

static void link_swapped_in_after_the_check_does_not_open__W_237(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
    {
        tpi_checked_path_t checked;
        test_file_make(in_base("victim"), 0600, 64);
        test_file_make(in_base("f"), 0600, 64);
        assert_int_equal(tpi_path_check(&checked, &bases, in_base("f")), 0);
        assert_int_equal(unlink(in_base("f")), 0);
        assert_int_equal(symlink("victim", in_base("f")), 0);
        assert_int_equal(tpi_path_open_checked(&checked, false, both_ways[i]), -1);
        assert_int_equal(tp_errcode(), TP_EPATH);
        assert_int_equal(unlink(in_base("f")), 0);
        assert_int_equal(unlink(in_base("victim")), 0);
    }
}

static void directory_swapped_for_a_link_does_not_open__W_237(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
    {
        tpi_checked_path_t checked;
        assert_int_equal(mkdir(in_base("d"), 0700), 0);
        test_file_make(in_base("d/f"), 0600, 64);
        assert_int_equal(tpi_path_check(&checked, &bases, in_base("d/f")), 0);
        assert_int_equal(rename(in_base("d"), in_base("moved")), 0);
        assert_int_equal(symlink("moved", in_base("d")), 0);
        assert_int_equal(tpi_path_open_checked(&checked, false, both_ways[i]), -1);
        assert_int_equal(unlink(in_base("d")), 0);
        assert_int_equal(unlink(in_base("moved/f")), 0);
        assert_int_equal(rmdir(in_base("moved")), 0);
    }
}

static void file_swapped_between_check_and_open_is_rejected__W_238_W_239(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
    {
        tpi_checked_path_t checked;
        test_file_make(in_base("f"), 0600, 64);
        test_file_make(in_base("g"), 0600, 64);
        assert_int_equal(tpi_path_check(&checked, &bases, in_base("f")), 0);
        const int fd = tpi_path_open_checked(&checked, false, both_ways[i]);
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        (void)close(fd);
        assert_int_equal(rename(in_base("g"), in_base("f")), 0);
        assert_int_equal(tpi_path_open_checked(&checked, false, both_ways[i]), -1);
        assert_int_equal(tp_errcode(), TP_EPATH);
        assert_int_equal(unlink(in_base("f")), 0);
    }
}

static void no_policy_switches_the_checks_off__W_242(void **state)
{
    (void)state;
    const tpi_file_policy_t lax = { 0 };
    const tpi_file_policy_t trusted = { .check_owner = true, .owner = geteuid(), .check_group = true, .group = getegid() };
    const tpi_file_policy_t *const policies[] = { NULL, &lax, &trusted };
    tpi_region_uri_t uri = { .require_hugepages = false };
    test_file_make(in_base("own"), 0600, 64);
    for (size_t i = 0; i < 3; i++)
    {
        for (int writable = 0; writable < 2; writable++)
        {
            (void)snprintf(uri.path, sizeof(uri.path), "%s", in_base("own"));
            const int fd = tpi_path_open_region(&bases, &uri, 0 != writable, 64, policies[i]);
            assert_true(fd >= 0);
            (void)close(fd);
            (void)snprintf(uri.path, sizeof(uri.path), "/proc/self/status");
            assert_int_equal(tpi_path_open_region(&bases, &uri, 0 != writable, 0, policies[i]), -1);
            assert_non_null(strstr(tp_errmsg(), "outside every allowed base directory"));
        }
    }
}

static void fifo_swapped_in_after_the_check_neither_blocks_nor_opens__W_236_W_238(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
    {
        tpi_checked_path_t checked;
        test_file_make(in_base("f"), 0600, 64);
        assert_int_equal(tpi_path_check(&checked, &bases, in_base("f")), 0);
        assert_int_equal(unlink(in_base("f")), 0);
        assert_int_equal(mkfifo(in_base("f"), 0600), 0);
        assert_int_equal(tpi_path_open_checked(&checked, false, both_ways[i]), -1);
        assert_int_equal(tpi_path_open_checked(&checked, true, both_ways[i]), -1);
        assert_int_equal(unlink(in_base("f")), 0);
    }
}

static void walk_refuses_what_it_cannot_name(void **state)
{
    (void)state;
    char path[400] = "/";
    memset(path + 1, 'a', 256);
    assert_int_equal(tpi_path_open_nofollow(path, O_RDONLY, TPI_OPEN_WALK), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    assert_int_equal(tpi_path_open_nofollow("/", O_RDONLY, TPI_OPEN_WALK), -1);
    assert_int_equal(tpi_path_open_nofollow("relative", O_RDONLY, TPI_OPEN_WALK), -1);
    assert_int_equal(tpi_path_open_nofollow("/dev/null/x", O_RDONLY, TPI_OPEN_WALK), -1);
    assert_int_equal(errno, ENOTDIR);
}

static void file_smaller_than_the_formula_is_rejected__O_55__M2(void **state)
{
    (void)state;
    test_file_make(in_base("f"), 0600, 1000);
    assert_int_equal(open_region(in_base("f"), false, 1000, NULL), 0);
    assert_int_equal(open_region(in_base("f"), false, 999, NULL), 0);
    assert_int_equal(open_region(in_base("f"), false, 1001, NULL), TP_EREGION);
}

static void hugepages_demanded_on_tmpfs_are_refused__W_209_W_210(void **state)
{
    (void)state;
    test_file_make(in_base("f"), 0600, 64);
    assert_int_equal(open_region(in_base("f"), true, 64, NULL), TP_EREGION);
    bool huge = true;
    uint64_t page = 0;
    assert_int_equal(tpi_path_is_hugetlbfs(base, &huge, &page), 0);
    assert_false(huge);
    assert_true(page > 0);
    const tpi_region_uri_t uri = { .path = "/x", .require_hugepages = true };
    assert_int_equal(tpi_path_check_open(-1, &uri, 0, NULL), -1);      /* the kernel gives no answer: rejected, not downgraded */
    assert_int_equal(tp_errcode(), TP_EREGION);
    assert_int_equal(tpi_fd_is_hugetlbfs(-1, &huge, &page), -1);
    assert_int_equal(tpi_path_is_hugetlbfs(in_base("missing"), &huge, &page), -1);
}

static void local_policy_refuses_owner_group_and_bits__W_243(void **state)
{
    (void)state;
    test_file_make(in_base("f"), 0664, 64);
    tpi_file_policy_t policy = { .forbidden_bits = 0007 };
    assert_int_equal(open_region(in_base("f"), false, 64, &policy), TP_EPERM);
    policy.forbidden_bits = 0003;
    assert_int_equal(open_region(in_base("f"), false, 64, &policy), 0);
    policy = (tpi_file_policy_t){ .check_owner = true, .owner = geteuid() };
    assert_int_equal(open_region(in_base("f"), false, 64, &policy), 0);
    policy.owner = geteuid() + 1;
    assert_int_equal(open_region(in_base("f"), false, 64, &policy), TP_EPERM);
    struct stat st;
    assert_int_equal(stat(in_base("f"), &st), 0);
    policy = (tpi_file_policy_t){ .check_group = true, .group = st.st_gid };
    assert_int_equal(open_region(in_base("f"), false, 64, &policy), 0);
    policy.group = st.st_gid + 1;
    assert_int_equal(open_region(in_base("f"), false, 64, &policy), TP_EPERM);
}

static int try_open(void *path) { return 0 == open_region(path, false, 0, NULL) ? 0 : (TP_EPERM == tp_errcode() ? 1 : 2); }

static void another_user_cannot_open_a_private_file__W_245(void **state)
{
    (void)state;
    test_file_make(in_base("f"), 0640, 64);
    test_file_make(in_base("nobody"), 0, 64);
    assert_int_equal(open_region(in_base("f"), false, 64, NULL), 0);
    assert_int_equal(test_run_as(TEST_UID_A, try_open, in_base("nobody")), 1);
    if (0 == geteuid()) { assert_int_equal(test_run_as(TEST_UID_A, try_open, in_base("f")), 1); }
}

static void names_are_sanitized__W_222_W_223(void **state)
{
    (void)state;
    char out[TPI_NAME_MAX];
    tpi_path_sanitize(out, sizeof(out), "../x");
    assert_string_equal(out, "___x");
    tpi_path_sanitize(out, sizeof(out), "a.b-C_9/");
    assert_string_equal(out, "a_b-C_9_");
    tpi_path_sanitize(out, sizeof(out), "");
    assert_string_equal(out, "unknown");
    tpi_path_sanitize(out, sizeof(out), NULL);
    assert_string_equal(out, "unknown");
    tpi_path_sanitize(out, sizeof(out), "\xc3\xa4");
    assert_string_equal(out, "__");
    tpi_path_sanitize(out, 4, "abcdef");
    assert_string_equal(out, "abc");
    tpi_path_sanitize(out, 0, "x");
    assert_string_equal(out, "abc");
}

static int user_is_unknown(void *unused)
{
    (void)unused;
    char out[TPI_NAME_MAX];
    tpi_path_user(out, sizeof(out));
    const struct passwd *const me = getpwuid(geteuid());
    char expected[TPI_NAME_MAX];
    tpi_path_sanitize(expected, sizeof(expected), NULL == me ? NULL : me->pw_name);
    return strcmp(out, expected);
}

static void user_is_the_effective_one__W_222_O_58(void **state)
{
    (void)state;
    assert_int_equal(user_is_unknown(NULL), 0);
    assert_int_equal(test_run_as(TEST_UID_A, user_is_unknown, NULL), 0);
}

static void namespace_has_letters_digits_dash_and_underscore__W_224(void **state)
{
    (void)state;
    assert_true(tpi_path_namespace_is_valid("default"));
    assert_true(tpi_path_namespace_is_valid("Lab-1_x"));
    assert_false(tpi_path_namespace_is_valid(""));
    assert_false(tpi_path_namespace_is_valid(NULL));
    assert_false(tpi_path_namespace_is_valid("."));
    assert_false(tpi_path_namespace_is_valid(".."));
    assert_false(tpi_path_namespace_is_valid("a/b"));
    assert_false(tpi_path_namespace_is_valid("a b"));
    char name[257];
    memset(name, 'a', 256);
    name[256] = '\0';
    assert_false(tpi_path_namespace_is_valid(name));
    name[255] = '\0';
    assert_true(tpi_path_namespace_is_valid(name));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(regular_file_below_a_base_opens__W_234_W_235),
        TEST(path_outside_every_base_is_rejected__W_232_W_234),
        TEST(link_that_stays_inside_is_resolved_once__W_232_O_53),
        TEST(relative_path_is_rejected__W_231),
        TEST(without_a_base_nothing_opens__W_240),
        TEST(base_itself_and_directories_are_no_regions__O_54_W_235),
        TEST(containment_needs_the_slash__W_234),
        TEST(regions_under_two_bases_open__W_220),
        TEST(repointed_base_link_has_no_effect__W_233),
        TEST(unusable_base_is_an_error__W_233),
        TEST(fifo_socket_and_device_are_rejected_without_blocking__W_236),
        TEST(link_swapped_in_after_the_check_does_not_open__W_237),
        TEST(directory_swapped_for_a_link_does_not_open__W_237),
        TEST(file_swapped_between_check_and_open_is_rejected__W_238_W_239),
        TEST(no_policy_switches_the_checks_off__W_242),
        TEST(fifo_swapped_in_after_the_check_neither_blocks_nor_opens__W_236_W_238),
        TEST(walk_refuses_what_it_cannot_name),
        TEST(file_smaller_than_the_formula_is_rejected__O_55__M2),
        TEST(hugepages_demanded_on_tmpfs_are_refused__W_209_W_210),
        TEST(local_policy_refuses_owner_group_and_bits__W_243),
        TEST(another_user_cannot_open_a_private_file__W_245),
        TEST(names_are_sanitized__W_222_W_223),
        TEST(user_is_the_effective_one__W_222_O_58),
        TEST(namespace_has_letters_digits_dash_and_underscore__W_224),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

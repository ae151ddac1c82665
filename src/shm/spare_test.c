#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "shm/spare.h"
#include "shm/test_dir.h"

#define BYTES (64u * 1024u + 64u)

static char dir[128];
static int dir_fd;
static tpi_spare_t spare;

static int setup(void **state)
{
    (void)state;
    test_dir_make(dir, "spare");
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tpi_spare_init(&spare);
    return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_spare_drop(&spare);
    (void)close(dir_fd);
    test_dir_remove(dir);
    return 0;
}

static bool is_there(const char *name)
{
    struct stat st;
    return 0 == fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);
}

static void a_spare_file_has_all_its_pages_and_no_name__L_310_M6(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(tpi_spare_take(&spare, BYTES, dir_fd, "none"), -1);
    assert_int_equal(tpi_spare_make(&spare, dir_fd, 0), -1);
    assert_int_equal(tpi_spare_make(&spare, dir_fd, BYTES), 0);
    assert_int_equal(fstat(spare.fd, &st), 0);
    assert_int_equal(st.st_size, BYTES);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true((uint64_t)st.st_blocks * 512 >= BYTES);
    const ino_t inode = st.st_ino;
    assert_int_equal(tpi_spare_make(&spare, dir_fd, BYTES), 0);          /* as long: stays */
    assert_int_equal(fstat(spare.fd, &st), 0);
    assert_true(inode == st.st_ino);
    assert_int_equal(tpi_spare_take(&spare, BYTES - 1, dir_fd, "shorter"), -1);
    assert_int_equal(tpi_spare_take(&spare, BYTES + 1, dir_fd, "longer"), -1);
    assert_false(is_there("shorter") || is_there("longer"));
    const int fd = tpi_spare_take(&spare, BYTES, dir_fd, "pool");
    assert_true(fd >= 0);
    assert_int_equal(spare.fd, -1);
    assert_int_equal(fstatat(dir_fd, "pool", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(inode == st.st_ino && BYTES == st.st_size);
    assert_int_equal(tpi_spare_take(&spare, BYTES, dir_fd, "second"), -1);
    (void)close(fd);
}

static void a_spare_file_never_takes_the_place_of_another__L_310_M10(void **state)
{
    (void)state;
    char path[200];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/taken", dir);
    test_file_make(path, 0600, 1);
    assert_int_equal(tpi_spare_make(&spare, dir_fd, BYTES), 0);
    assert_int_equal(tpi_spare_take(&spare, BYTES, dir_fd, "taken"), -1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 1);
    assert_true(spare.fd >= 0);
    assert_int_equal(tpi_spare_make(&spare, dir_fd, 2 * BYTES), 0);      /* another length: that one goes */
    assert_int_equal(spare.bytes, 2 * BYTES);
    tpi_spare_drop(&spare);
    tpi_spare_drop(&spare);
    assert_int_equal(spare.fd, -1);
}

/* In a directory that hands down its group the file would have that one. */
static void a_spare_file_of_another_group_is_not_taken__L_310(void **state)
{
    (void)state;
    if (0 != geteuid()) { skip(); }
    assert_int_equal(tpi_spare_make(&spare, dir_fd, BYTES), 0);
    assert_int_equal(fchown(dir_fd, (uid_t)-1, TEST_UID_A), 0);
    assert_int_equal(fchmod(dir_fd, 02755), 0);
    assert_int_equal(tpi_spare_take(&spare, BYTES, dir_fd, "pool"), -1);
    tpi_spare_drop(&spare);
    assert_int_equal(tpi_spare_make(&spare, dir_fd, BYTES), 0);          /* of its group */
    const int fd = tpi_spare_take(&spare, BYTES, dir_fd, "pool");
    assert_true(fd >= 0);
    (void)close(fd);
}

static int make_in_small_tmpfs(void)
{
    struct statvfs fs;
    if (0 != unshare(CLONE_NEWNS) || 0 != mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) { return 77; }
    if (0 != mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0755")) { return 77; }
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || 0 != fstatvfs(fd, &fs)) { return 1; }
    const uint64_t most = (uint64_t)fs.f_bavail * fs.f_frsize / 16;
    if (0 == tpi_spare_make(&spare, fd, most + 1)) { return 2; }
    return 0 == tpi_spare_make(&spare, fd, most) ? 0 : 3;
}

static void a_spare_file_takes_a_sixteenth_of_what_is_free_at_most__L_311(void **state)
{
    (void)state;
    int status = 0;
    const pid_t child = fork();
    if (0 == child) { _exit(make_in_small_tmpfs()); }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (77 == WEXITSTATUS(status)) { skip(); }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void other_filesystems_have_no_spare_files__L_310(void **state)
{
    (void)state;
    const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(proc >= 0);
    assert_int_equal(tpi_spare_make(&spare, proc, BYTES), -1);
    assert_int_equal(spare.fd, -1);
    (void)close(proc);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(a_spare_file_has_all_its_pages_and_no_name__L_310_M6),
        T(a_spare_file_never_takes_the_place_of_another__L_310_M10), T(a_spare_file_of_another_group_is_not_taken__L_310),
        T(a_spare_file_takes_a_sixteenth_of_what_is_free_at_most__L_311), T(other_filesystems_have_no_spare_files__L_310) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

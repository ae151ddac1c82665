/*
 * Each system call and each allocation below making, mapping and removing regions fails in turn, once with each reason: the caller hears of it, and
 * nothing stays behind, neither files nor descriptors nor mappings. The linker puts the functions below between the module and the C library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/statfs.h>

#include "common/alloc.h"
#include "common/err.h"
#include "common/log.h"
#include "shm/epoch_dir.h"
#include "shm/test_regions.h"

static bool is_armed;
static int calls;
static int failing;                    /* which call fails, from 0 */
static int reason;
static bool has_failed;

static bool fails(void)
{
    if (!is_armed || calls++ != failing) { return false; }
    has_failed = true;
    errno = reason;
    return true;
}

static void arm(int call, int with)
{
    calls = 0;
    failing = call;
    reason = with;
    has_failed = false;
    is_armed = true;
}

/* Whether the call that was to fail was reached. */
static bool disarm(void)
{
    is_armed = false;
    return has_failed;
}

#define WRAP(result, name, parameters, arguments, failure) \
    result __real_##name parameters; \
    result __wrap_##name parameters; \
    result __wrap_##name parameters { return fails() ? (failure) : __real_##name arguments; }

WRAP(int, fstat64, (int fd, struct stat64 *st), (fd, st), -1)
WRAP(int, lstat64, (const char *path, struct stat64 *st), (path, st), -1)
WRAP(int, fstatat64, (int fd, const char *path, struct stat64 *st, int flags), (fd, path, st, flags), -1)
WRAP(int, fstatfs64, (int fd, struct statfs64 *st), (fd, st), -1)
WRAP(int, statfs64, (const char *path, struct statfs64 *st), (path, st), -1)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode), -1)
WRAP(int, ftruncate64, (int fd, off64_t length), (fd, length), -1)
WRAP(int, fallocate64, (int fd, int mode, off64_t offset, off64_t length), (fd, mode, offset, length), -1)
WRAP(int, posix_fallocate64, (int fd, off64_t offset, off64_t length), (fd, offset, length), reason)
WRAP(int, fsync, (int fd), (fd), -1)
WRAP(int, mlock2, (const void *at, size_t length, unsigned flags), (at, length, flags), -1)
WRAP(void *, mmap64, (void *at, size_t length, int protection, int flags, int fd, off64_t offset), (at, length, protection, flags, fd, offset),
    MAP_FAILED)
WRAP(char *, realpath, (const char *path, char *resolved), (path, resolved), NULL)
WRAP(DIR *, fdopendir, (int fd), (fd), NULL)
WRAP(void *, tpi_alloc, (size_t size), (size), (TPI_SET_ERR(TP_ENOMEM, "failing on purpose"), NULL))
WRAP(void *, tpi_alloc_array, (size_t count, size_t size), (count, size), (TPI_SET_ERR(TP_ENOMEM, "failing on purpose"), NULL))
WRAP(char *, tpi_strdup, (const char *text), (text), (TPI_SET_ERR(TP_ENOMEM, "failing on purpose"), NULL))

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const mode_t mode = 0 != (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails() ? -1 : __real_open64(path, flags, mode);
}

int __real_openat64(int fd, const char *path, int flags, ...);
int __wrap_openat64(int fd, const char *path, int flags, ...);
int __wrap_openat64(int fd, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const mode_t mode = 0 != (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails() ? -1 : __real_openat64(fd, path, flags, mode);
}

static const int reasons[] = { EIO, ENOSPC, EACCES, ENOENT, EOPNOTSUPP, ENOSYS, EINVAL };
#define REASONS (sizeof(reasons) / sizeof(reasons[0]))
#define CALLS_MAX 1000

static size_t entries_of(const char *path)
{
    size_t count = 0;
    DIR *const dir = opendir(path);
    assert_non_null(dir);
    while (NULL != readdir(dir)) { count++; }
    (void)closedir(dir);
    return count;
}

/* Descriptors and mappings below the own directory. */
static size_t things_held(const char *base)
{
    assert_true(test_mappings_of("") > 0);
    return entries_of("/proc/self/fd") + test_mappings_of(base);
}

static void assert_told(void)
{
    assert_int_not_equal(tp_errcode(), TP_OK);
    assert_true('\0' != tp_errmsg()[0]);
}

static void quiet(void *clientd, tp_log_level_t level, int code, const char *text)
{
    (void)clientd;
    (void)level;
    (void)code;
    (void)text;
}

/* ---- making ------------------------------------------------------------------------------------------------------------- */

static char base[128];

static bool lock_is_tolerated(const tpi_region_create_t *what) { return what->mlock && ENOSYS == reason; }

/* How often something failed that was not an error, such as a call that has a substitute. */
static int make_with_each_call_failing(const tpi_region_create_t *what, int with)
{
    int tolerated = 0;
    for (int call = 0;; call++)
    {
        assert_true(call < CALLS_MAX);
        tpi_epoch_files_t *files = NULL;
        test_dir_make(base, "failing");
        const size_t before = things_held(base);
        arm(call, with);
        const int rc = tpi_epoch_files_create(&files, what);
        const bool reached = disarm();
        if (rc < 0)
        {
            assert_true(reached);
            assert_told();
            assert_null(files);
            assert_int_equal(entries_of(base), 2);
        }
        else
        {
            assert_int_equal(files->epoch, what->epoch);
            tpi_epoch_files_delete(files);
            if (reached) { tolerated++; }
        }
        assert_int_equal(things_held(base), before);
        if (!reached) { return tolerated; }
    }
}

static void each_failing_call_of_a_creation_is_told_and_leaves_nothing__D_201(void **state)
{
    (void)state;
    static const uint16_t pool_ids[] = { 1, 7 };
    static const uint32_t strides[] = { 4096, 64 };
    const tpi_region_create_t plain = { .base_dir = base, .user = "svc", .name_space = "default", .stream_id = 10000, .epoch = 5, .nslots = 8,
        .pool_count = 2, .pool_ids = pool_ids, .strides = strides, .file_mode = 0660, .allocate_pools = true, .prefault = true, .pid = 4711,
        .now_ns = 1000 };
    tpi_region_create_t locked = plain;
    locked.mlock = true;
    test_dir_make(base, "failing");
    for (size_t i = 0; i < REASONS; i++)
    {
        /* Only looks at the file system, and fallocate() where there is another way, may fail unheard. */
        assert_true(make_with_each_call_failing(&plain, reasons[i]) <= 12);
        reason = reasons[i];
        if (0 == geteuid()) { assert_true(make_with_each_call_failing(&locked, reasons[i]) <= 12 + (lock_is_tolerated(&locked) ? 3 : 0)); }
    }
    test_dir_remove(base);
}

static void each_failing_call_below_the_base_is_told(void **state)
{
    (void)state;
    char deep[160];
    for (size_t i = 0; i < REASONS; i++)
    {
        for (int call = 0;; call++)
        {
            assert_true(call < CALLS_MAX);
            char *canonical = NULL;
            test_dir_make(base, "failing");
            (void)snprintf(deep, sizeof(deep), "%s/one/two", base);
            const size_t before = things_held(base);
            arm(call, reasons[i]);
            const int rc = tpi_base_dir_prepare(&canonical, deep, 0660);
            const bool reached = disarm();
            if (rc < 0)
            {
                assert_told();
                assert_null(canonical);
            }
            else
            {
                assert_string_equal(canonical, deep);
                tpi_free(canonical);
            }
            assert_int_equal(things_held(base), before);
            if (!reached) { break; }
        }
    }
    test_dir_remove(base);
}

/* ---- mapping ------------------------------------------------------------------------------------------------------------ */

static void each_failing_call_of_a_mapping_is_told_and_leaves_nothing_mapped__W_218_W_241(void **state)
{
    (void)state;
    static test_regions_t t;
    test_regions_make(&t, "failing");
    for (size_t i = 0; i < REASONS; i++)
    {
        for (int call = 0;; call++)
        {
            assert_true(call < CALLS_MAX);
            tpi_pool_set_t *set = NULL;
            const size_t before = things_held(t.base);
            arm(call, reasons[i]);
            const int rc = tpi_pool_set_map(&set, &t.spec, &t.bases, true, NULL);
            const bool reached = disarm();
            if (rc < 0)
            {
                assert_told();
                assert_null(set);
                assert_int_equal(things_held(t.base), before);
            }
            else
            {
                assert_int_equal(tpi_pool_set_check(set, &t.spec), 0);
                arm(0, reasons[i]);
                assert_int_equal(tpi_pool_set_lock(set), ENOSYS == reasons[i] ? 0 : -1);
                (void)disarm();
                arm(0, reasons[i]);
                assert_int_equal(tpi_pool_set_check(set, &t.spec), -1);
                (void)disarm();
                tpi_pool_set_delete(set);
            }
            assert_int_equal(things_held(t.base), before);
            if (!reached) { break; }
        }
    }
    test_regions_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_call_of_a_creation_is_told_and_leaves_nothing__D_201),
        cmocka_unit_test(each_failing_call_below_the_base_is_told),
        cmocka_unit_test(each_failing_call_of_a_mapping_is_told_and_leaves_nothing_mapped__W_218_W_241),
    };
    tp_log_set_handler(quiet, NULL, TP_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

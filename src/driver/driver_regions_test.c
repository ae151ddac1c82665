/* The spare file of the worker thread. What jobs do is tested with the driver around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "driver/driver_regions.h"
#include "shm/test_dir.h"

#define PATIENCE_NS (INT64_C(60) * TPI_NS_PER_S)
#define NSLOTS 8u

static char base[128];
static tpi_regions_t *regions;

static int setup(void **state)
{
    (void)state;
    test_dir_make(base, "regions");
    return tpi_regions_create(&regions, TPI_WORKER_THREAD, NULL, NULL);
}

static int teardown(void **state)
{
    (void)state;
    tpi_regions_delete(regions);
    regions = NULL;
    test_dir_remove(base);
    return 0;
}

/* Runs a creation to its end. The job is the caller's. */
static tpi_region_job_t *create(uint32_t stream_id, uint32_t stride_bytes, bool allocate)
{
    tpi_region_job_t *const job = tpi_alloc(sizeof(*job));
    if (NULL == job) { return NULL; }
    job->kind = TPI_JOB_CREATE;
    job->dir_fd = -1;
    job->pool_ids[0] = 1;
    job->strides[0] = stride_bytes;
    job->what = (tpi_region_create_t){ .base_dir = base, .user = "svc", .name_space = "default", .stream_id = stream_id, .nslots = NSLOTS,
        .pool_count = 1, .file_mode = 0660, .allocate_pools = allocate, .pid = 4711, .now_ns = 1000 };
    tpi_regions_submit(regions, job);
    tpi_regions_finish(regions);
    return tpi_regions_take_done(regions);
}

static void end(tpi_region_job_t *job)
{
    if (job->dir_fd >= 0) { (void)close(job->dir_fd); }
    tpi_region_job_free(job);
}

static uint64_t inode_of_pool(const tpi_region_job_t *job)
{
    char path[600];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/1.pool", job->files->directory);
    return 0 == stat(path, &st) && 0660 == (st.st_mode & 07777) && 0 == (st.st_blocks * 512) % 4096 && st.st_blocks * 512 >= st.st_size
        ? (uint64_t)st.st_ino : 0;
}

static uint64_t await_spare(uint64_t *inode)
{
    const int64_t end_ns = tpi_clock_monotonic_ns() + PATIENCE_NS;
    uint64_t bytes = 0;
    while (0 == (bytes = tpi_regions_spare_bytes(regions, inode)) && tpi_clock_monotonic_ns() < end_ns) { (void)sched_yield(); }
    return bytes;
}

static void the_next_epoch_of_that_geometry_gets_the_spare_file__L_310(void **state)
{
    (void)state;
    uint64_t inode = 0;
    tpi_region_job_t *const first = create(10000, 4096, true);
    assert_int_equal(first->rc, 0);
    assert_int_equal(await_spare(&inode), 64 + NSLOTS * 4096);
    tpi_region_job_t *const sparse = create(10003, 4096, false);         /* no producer: neither takes it nor ends it */
    assert_int_equal(sparse->rc, 0);
    uint64_t still = 0;
    assert_int_equal(tpi_regions_spare_bytes(regions, &still), 64 + NSLOTS * 4096);
    assert_true(still == inode);
    tpi_region_job_t *const second = create(10001, 4096, true);
    assert_int_equal(second->rc, 0);
    assert_true(inode_of_pool(second) == inode);
    uint64_t next = 0;
    assert_int_equal(await_spare(&next), 64 + NSLOTS * 4096);
    assert_true(next != inode);
    tpi_region_job_t *const other = create(10002, 8192, true);           /* another geometry: a file of its own, and the spare follows it */
    assert_int_equal(other->rc, 0);
    assert_true(inode_of_pool(other) != 0 && inode_of_pool(other) != next);
    const int64_t end_ns = tpi_clock_monotonic_ns() + PATIENCE_NS;
    while (64 + NSLOTS * 8192 != tpi_regions_spare_bytes(regions, &next) && tpi_clock_monotonic_ns() < end_ns) { (void)sched_yield(); }
    assert_int_equal(tpi_regions_spare_bytes(regions, &next), 64 + NSLOTS * 8192);
    end(first);
    end(sparse);
    end(second);
    end(other);
}

static void spare_files_have_a_bound__L_311(void **state)
{
    (void)state;
    const uint16_t ids[] = { 1, 2, 3 };
    const uint32_t strides[] = { 4096, 8192, 64 };
    tpi_region_create_t what = { .nslots = NSLOTS, .pool_count = 3, .pool_ids = ids, .strides = strides, .allocate_pools = true };
    assert_int_equal(tpi_epoch_files_spare_bytes(&what, 64 + NSLOTS * 8192), 64 + NSLOTS * 8192);
    assert_int_equal(tpi_epoch_files_spare_bytes(&what, 63 + NSLOTS * 8192), 64 + NSLOTS * 4096);
    assert_int_equal(tpi_epoch_files_spare_bytes(&what, 63 + NSLOTS * 64), 0);
    what.hugepages = true;
    assert_int_equal(tpi_epoch_files_spare_bytes(&what, UINT64_MAX), 0);
}

/* Fills the filesystem but for less than the next creation takes, and more than that without the spare file. */
static int create_with_spare_only(void)
{
    struct statvfs fs;
    char path[200];
    uint64_t inode = 0;
    if (0 != unshare(CLONE_NEWNS) || 0 != mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) { return 77; }
    if (0 != mount("tmpfs", base, "tmpfs", 0, "size=4m,mode=0755")) { return 77; }
    if (tpi_regions_create(&regions, TPI_WORKER_THREAD, NULL, NULL) < 0) { return 1; }
    tpi_region_job_t *const first = create(10000, 16384, true);
    if (NULL == first || 0 != first->rc || 0 == await_spare(&inode) || 0 != statvfs(base, &fs)) { return 2; }
    (void)snprintf(path, sizeof(path), "%s/filler", base);
    const int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    const uint64_t left = (uint64_t)16 * 4096;
    if (fd < 0 || 0 != posix_fallocate(fd, 0, (off_t)((uint64_t)fs.f_bavail * fs.f_frsize - left))) { return 3; }
    tpi_region_job_t *const second = create(10001, 12288, true);         /* 24 pages and a few; 16 are left, 33 in the spare file */
    if (NULL == second || 0 != second->rc) { return 4; }
    return 0;
}

static void a_spare_file_makes_room_for_what_is_wanted__L_311(void **state)
{
    (void)state;
    int status = 0;
    tpi_regions_delete(regions);                           /* no thread across the fork */
    regions = NULL;
    const pid_t child = fork();
    if (0 == child) { _exit(create_with_spare_only()); }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (77 == WEXITSTATUS(status)) { skip(); }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(the_next_epoch_of_that_geometry_gets_the_spare_file__L_310), T(spare_files_have_a_bound__L_311),
        T(a_spare_file_makes_room_for_what_is_wanted__L_311) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Creates the regions of one epoch and owns their superblock mappings until tpi_epoch_files_delete. Runs on the driver's worker: it
 * allocates, zeroes and syncs gigabytes (trap M12). Order: directory, files with O_EXCL, mode, allocation, zeros, lock, superblocks, fsync;
 * whoever reads a file after the first announce finds it complete (W-246).
 */
#include "shm/region_create.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/err.h"
#include "shm/epoch_dir.h"
#include "shm/fault.h"

#define FILE_NAME_MAX 24

/* What one creation has in its hands; everything here is let go on every way out. */
typedef struct creation
{
    const tpi_region_create_t *what;
    tpi_epoch_files_t *files;
    int stream_dir;
    int epoch_dir;
    unsigned dirs_made;                /* above it, by this call */
    char epoch_name[FILE_NAME_MAX];
    uint64_t unit_bytes;               /* lengths are multiples of it */
    bool is_tmpfs;                     /* fallocate there makes zeroed pages: prefault has nothing left to do */
}
creation_t;

static void file_name(char name[FILE_NAME_MAX], const tpi_region_create_t *what, size_t index)
{
    if (0 == index) { (void)snprintf(name, FILE_NAME_MAX, "header.ring"); }                                      /* W-225 W-221 W-226 */
    else { (void)snprintf(name, FILE_NAME_MAX, "%u.pool", what->pool_ids[index - 1]); }             /* W-225 */
}

static tpi_region_type_t type_of(size_t index) { return 0 == index ? TPI_REGION_HEADER_RING : TPI_REGION_PAYLOAD_POOL; }
static uint32_t stride_of(const tpi_region_create_t *what, size_t index) { return 0 == index ? 0 : what->strides[index - 1]; }
static bool is_allocated(const tpi_region_create_t *what, size_t index) { return 0 == index || what->allocate_pools; }

static uint64_t round_up(uint64_t bytes, uint64_t unit) { return 0 == unit ? bytes : (bytes + unit - 1) / unit * unit; }

static uint64_t file_bytes(const tpi_region_create_t *what, size_t index, uint64_t unit)
{
    return round_up(tpi_region_bytes(type_of(index), what->nslots, stride_of(what, index)), unit);
}

static uint64_t kernel_page_bytes(void) { return (uint64_t)sysconf(_SC_PAGESIZE); }

/* Bytes that have to exist at once: the whole file, or the page of the superblock. */
static uint64_t allocated_bytes(const tpi_region_create_t *what, size_t index, uint64_t unit)
{
    const uint64_t all = file_bytes(what, index, unit);
    const uint64_t first = round_up(TPI_SUPERBLOCK_BYTES, unit > 1 ? unit : kernel_page_bytes());
    return is_allocated(what, index) || first > all ? all : first;
}

static uint64_t sum_bytes(const tpi_region_create_t *what, uint64_t unit)
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= what->pool_count; i++) { sum += round_up(allocated_bytes(what, i, unit), kernel_page_bytes()); }
    return sum;
}

uint64_t tpi_epoch_files_spare_bytes(const tpi_region_create_t *what, uint64_t limit_bytes)
{
    uint64_t most = 0;
    for (size_t i = 1; what->allocate_pools && !what->hugepages && i <= what->pool_count; i++)
    {
        const uint64_t bytes = file_bytes(what, i, what->page_bytes);
        if (bytes <= limit_bytes && bytes > most) { most = bytes; }
    }
    return most;
}

uint64_t tpi_epoch_files_bytes(const tpi_region_create_t *what) { return sum_bytes(what, what->page_bytes); }

static int check_request(const tpi_region_create_t *what)
{
    if (0 == what->epoch || UINT64_MAX == what->epoch)                                                           /* O-40 */
    {
        TPI_SET_ERR(TP_EINVAL, "epoch = %" PRIu64 " is reserved", what->epoch);
        return -1;
    }
    if (0 == what->nslots || what->nslots > TPI_NSLOTS_MAX || 0 != (what->nslots & (what->nslots - 1)))          /* W-013 */
    {
        TPI_SET_ERR(TP_EINVAL, "header_nslots = %" PRIu32 " is not a power of two up to %u", what->nslots, TPI_NSLOTS_MAX);
        return -1;
    }
    if (0 == what->pool_count || what->pool_count > TPI_POOLS_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "pools = %zu, 1 to %u are possible", what->pool_count, TPI_POOLS_MAX);
        return -1;
    }
    for (size_t i = 0; i < what->pool_count; i++)
    {
        if (0 == what->strides[i] || 0 != what->strides[i] % 64)                                                 /* W-213 */
        {
            TPI_SET_ERR(TP_EINVAL, "pool %u: stride_bytes = %" PRIu32 " is not a non-zero multiple of 64", what->pool_ids[i], what->strides[i]);
            return -1;
        }
        for (size_t j = 0; j < i; j++)
        {
            if (what->pool_ids[i] != what->pool_ids[j]) { continue; }
            TPI_SET_ERR(TP_EINVAL, "pool id %u is given twice", what->pool_ids[i]);                              /* O-46 */
            return -1;
        }
        if (0 == tpi_region_bytes(TPI_REGION_PAYLOAD_POOL, what->nslots, what->strides[i]))
        {
            TPI_SET_ERR(TP_EINVAL, "pool %u: %" PRIu32 " slots of %" PRIu32 " bytes exceed the address space", what->pool_ids[i], what->nslots,
                what->strides[i]);
            return -1;
        }
    }
    return 0;
}

/* UINT64_MAX where the filesystem has no limit or does not tell (hugetlbfs, tmpfs with size=0); the allocation decides then. */
static uint64_t free_bytes(int dir_fd)
{
    struct statvfs fs;
    if (fstatvfs(dir_fd, &fs) < 0 || 0 == fs.f_blocks) { return UINT64_MAX; }
    return (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
}

static int no_space(const creation_t *c)
{
    TPI_SET_ERR(TP_ENOSPACE, "stream %" PRIu32 " epoch %" PRIu64 ": %" PRIu64 " bytes wanted, %" PRIu64 " bytes free in '%s'", c->what->stream_id,
        c->what->epoch, sum_bytes(c->what, c->unit_bytes), free_bytes(c->stream_dir), c->what->base_dir);
    TPI_ERR_FIX("give the stream fewer slots or smaller strides, remove old epochs, or enlarge the filesystem");
    return -1;
}

static int failed(const char *name, const char *step)
{
    const int reason = errno;
    const int code = EACCES == reason || EPERM == reason ? TP_EPERM : (ELOOP == reason || EEXIST == reason ? TP_EPATH : TP_EIO);
    TPI_SET_ERR(code, "region file '%s': %s failed: %s", name, step, strerror(reason));
    return -1;
}

/* Size, and pages behind it, so that no store ever meets a full filesystem (trap M6). */
static int allocate(const creation_t *c, int fd, size_t index, const char *name)
{
    const uint64_t length = file_bytes(c->what, index, c->unit_bytes);
    const uint64_t pages = allocated_bytes(c->what, index, c->unit_bytes);
    int rc = 0;
    if (ftruncate(fd, (off_t)length) < 0) { return ENOSPC == errno || EDQUOT == errno ? no_space(c) : failed(name, "setting its length"); }
    do { rc = fallocate(fd, 0, 0, (off_t)pages); } while (rc < 0 && EINTR == errno);
    if (rc < 0 && EOPNOTSUPP == errno)                                       /* a filesystem without it: the C library writes every block */
    {
        do { rc = posix_fallocate(fd, 0, (off_t)pages); } while (EINTR == rc);
        if (0 != rc)
        {
            errno = rc;
            rc = -1;
        }
    }
    if (0 == rc) { return 0; }
    return ENOSPC == errno || EDQUOT == errno || ENOMEM == errno ? no_space(c) : failed(name, "allocation");
}

/* Maps all of it when it is to be zeroed or locked, and keeps the superblock's page (all, when locked: unmapping undoes the lock, trap M11). */
static int map_file(const creation_t *c, int fd, size_t index, tpi_region_t *region, const char *name)
{
    const tpi_region_create_t *const what = c->what;
    const bool whole = is_allocated(what, index);
    const uint64_t all = file_bytes(what, index, c->unit_bytes);
    const uint64_t page = c->unit_bytes > 1 ? c->unit_bytes : kernel_page_bytes();
    const bool keep_all = whole && what->mlock;
    if (whole && what->prefault && !keep_all && !c->is_tmpfs)
    {
        void *const zeros = mmap(NULL, (size_t)all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (MAP_FAILED == zeros) { return failed(name, "mapping for prefault"); }
        memset(zeros, 0, (size_t)all);                                       /* hugetlbfs knows no write(): through the mapping */
        (void)munmap(zeros, (size_t)all);
    }
    const uint64_t length = keep_all ? all : (page < all ? page : all);
    void *const base = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (MAP_FAILED == base) { return failed(name, "mapping"); }
    *region = (tpi_region_t){ .base = base, .mapped_bytes = length, .writable = true, .fd = fd, .pid = what->pid,
        .guard = tpi_fault_register(base, (size_t)length, true) };           /* M6: who may write the file may cut it as well */
    if (!keep_all) { return 0; }
    if (what->prefault) { memset(base, 0, (size_t)length); }
    return tpi_region_lock(region, false);                                          /* D-192 */
}

static void write_superblock(const creation_t *c, size_t index)
{
    const tpi_region_create_t *const what = c->what;
    const uint32_t stride = stride_of(what, index);
    uint8_t *const base = c->files->regions[index].base;
    uint8_t image[TPI_SUPERBLOCK_BYTES];
    uint64_t magic = 0;
    tpc_superblock_t superblock = TPC_SUPERBLOCK_INIT;
    superblock.epoch = what->epoch;
    superblock.stream_id = what->stream_id;
    superblock.region_type = (int16_t)type_of(index);
    superblock.pool_id = 0 == index ? 0 : what->pool_ids[index - 1];                                             /* W-008 W-009 */
    superblock.nslots = what->nslots;
    superblock.slot_bytes = 0 == index ? TPI_SLOT_BYTES : stride;                                                /* O-5 */
    superblock.stride_bytes = stride;                                                               /* W-212 */
    superblock.pid = what->pid;
    superblock.start_timestamp_ns = what->now_ns;
    superblock.activity_timestamp_ns = what->now_ns;
    tpc_superblock_encode(image, &superblock);                                                      /* D-009 D-013 */
    memcpy(&magic, image, sizeof(magic));
    memcpy(base + sizeof(magic), image + sizeof(magic), sizeof(image) - sizeof(magic));     /* W-001 */
    atomic_store_explicit((_Atomic uint64_t *)(void *)base, magic, memory_order_release);   /* last: a tool never sees half of it */
}

static int take_spare(const creation_t *c, size_t index, const char *name)
{
    if (NULL == c->what->spare || 0 == index || !is_allocated(c->what, index)) { return -1; }
    return tpi_spare_take(c->what->spare, file_bytes(c->what, index, c->unit_bytes), c->epoch_dir, name);          /* L-310 */
}

static int create_file(const creation_t *c, size_t index)
{
    char name[FILE_NAME_MAX];
    char path[TPI_URI_MAX];
    char uri[TPI_URI_MAX];
    tpi_region_t *const region = &c->files->regions[index];
    file_name(name, c->what, index);
    const int n = snprintf(path, sizeof(path), "%s/%s", c->files->directory, name);
    if (n < 0 || (size_t)n >= sizeof(path) || tpi_region_uri_format(uri, sizeof(uri), path, c->what->hugepages) < 0) { return -1; }  /* D-062 */
    c->files->uris[index] = tpi_strdup(uri);                                                                     /* W-227 */
    if (NULL == c->files->uris[index]) { return -1; }
    const int spare = take_spare(c, index, name);
    const int fd = spare >= 0 ? spare : openat(c->epoch_dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);  /* trap M10, O-56 */
    if (fd < 0) { return ENOSPC == errno || EDQUOT == errno ? no_space(c) : failed(name, "creation"); }
    if (fchmod(fd, c->what->file_mode & 0777u) < 0)                                                              /* W-243 */
    {
        (void)failed(name, "setting its mode");
        goto fail;
    }
    if (spare < 0 && allocate(c, fd, index, name) < 0) { goto fail; }
    if (map_file(c, fd, index, region, name) < 0) { goto fail; }
    return 0;
fail:
    if (NULL == region->base) { (void)close(fd); }                           /* else the region owns it */
    return -1;
}

/* Superblocks of all regions, then everything to stable storage; the descriptors are not needed afterwards. */
static int finish_files(const creation_t *c)
{
    for (size_t i = 0; i < c->files->region_count; i++) { write_superblock(c, i); }     /* W-004: once */
    for (size_t i = 0; i < c->files->region_count; i++)
    {
        tpi_region_t *const region = &c->files->regions[i];
        if (fsync(region->fd) < 0) { return failed(c->files->uris[i], "fsync"); }
        (void)close(region->fd);
        region->fd = -1;
    }
    if (fsync(c->epoch_dir) < 0 && EINVAL != errno) { return failed(c->files->directory, "fsync of the directory"); }
    return 0;
}

/* Page size of the filesystem, and room for everything before the first byte is taken from others. */
static int check_filesystem(creation_t *c)
{
    bool huge = false;
    uint64_t page_bytes = 0;
    if (tpi_fd_is_hugetlbfs(c->stream_dir, &huge, &page_bytes) < 0) { return -1; }
    if (c->what->hugepages && !huge)                                                                             /* W-210 */
    {
        TPI_SET_ERR(TP_EPAGES, "base '%s' is not on hugetlbfs, hugepages cannot be provided", c->what->base_dir);
        return -1;
    }
    c->unit_bytes = huge ? page_bytes : 1;
    if (c->what->page_bytes > c->unit_bytes) { c->unit_bytes = c->what->page_bytes; }
    struct statfs fs;
    c->is_tmpfs = 0 == fstatfs(c->stream_dir, &fs) && TMPFS_MAGIC == fs.f_type;
    return sum_bytes(c->what, c->unit_bytes) > free_bytes(c->stream_dir) ? no_space(c) : 0;
}

static int make_epoch_dir(creation_t *c)
{
    (void)snprintf(c->epoch_name, sizeof(c->epoch_name), "%" PRIu64, c->what->epoch);
    /* D-008 D-014 D-195 W-225 */
    c->files->directory = tpi_asprintf("%s%stensorpool-%s/%s/%" PRIu32 "/%s", c->what->base_dir, 0 == strcmp(c->what->base_dir, "/") ? "" : "/",
        c->what->user, c->what->name_space, c->what->stream_id, c->epoch_name);
    if (NULL == c->files->directory) { return -1; }
    c->epoch_dir = tpi_dir_make_at(c->stream_dir, c->epoch_name, tpi_dir_mode(c->what->file_mode));
    if (c->epoch_dir >= 0) { return 0; }
    if (ENOSPC == errno || EDQUOT == errno) { return no_space(c); }
    return failed(c->epoch_name, "making its epoch directory");              /* EEXIST too: an epoch number is never used twice */
}

static tpi_epoch_files_t *files_alloc(const tpi_region_create_t *what)
{
    tpi_epoch_files_t *const files = tpi_alloc(sizeof(*files));
    if (NULL == files) { return NULL; }
    files->epoch = what->epoch;
    files->nslots = what->nslots;
    files->region_count = 1 + what->pool_count;
    files->regions = tpi_alloc_array(files->region_count, sizeof(*files->regions));
    files->uris = tpi_alloc_array(files->region_count, sizeof(*files->uris));
    for (size_t i = 0; NULL != files->regions && i < files->region_count; i++) { files->regions[i].fd = -1; }
    if (NULL != files->regions && NULL != files->uris) { return files; }
    tpi_epoch_files_delete(files);
    return NULL;
}

/* D-201: nothing stays, and the error of the failure survives. */
static void undo(creation_t *c)
{
    tpi_err_t error;
    char name[FILE_NAME_MAX];
    tpi_err_save(&error);
    tpi_epoch_files_delete(c->files);
    for (size_t i = 0; c->epoch_dir >= 0 && i <= c->what->pool_count; i++)
    {
        file_name(name, c->what, i);
        (void)unlinkat(c->epoch_dir, name, 0);
    }
    if (c->epoch_dir >= 0) { (void)unlinkat(c->stream_dir, c->epoch_name, AT_REMOVEDIR); }
    if (c->dirs_made > 0) { tpi_stream_dir_prune(c->what, c->dirs_made); }
    tpi_err_restore(&error);
}

int tpi_epoch_files_create(tpi_epoch_files_t **files, const tpi_region_create_t *what)
{
    creation_t c = { .what = what, .stream_dir = -1, .epoch_dir = -1, .unit_bytes = 1 };
    int rc = -1;
    if (check_request(what) < 0) { return -1; }
    c.stream_dir = tpi_stream_dir_open_counted(what, &c.dirs_made);
    if (c.stream_dir < 0) { return -1; }
    c.files = files_alloc(what);
    if (NULL == c.files || check_filesystem(&c) < 0 || make_epoch_dir(&c) < 0) { goto done; }
    for (size_t i = 0; i <= what->pool_count; i++)
    {
        if (create_file(&c, i) < 0) { goto done; }
    }
    rc = finish_files(&c);                                                                          /* W-246 */
done:
    if (rc < 0) { undo(&c); }
    else { *files = c.files; }
    if (c.epoch_dir >= 0) { (void)close(c.epoch_dir); }
    (void)close(c.stream_dir);
    return rc;
}

void tpi_epoch_files_refresh(tpi_epoch_files_t *files, uint64_t now_ns)
{
    for (size_t i = 0; i < files->region_count; i++) { tpi_region_set_activity_ns(&files->regions[i], now_ns); }   /* D-016 */
}

void tpi_epoch_files_delete(tpi_epoch_files_t *files)
{
    if (NULL == files) { return; }
    for (size_t i = 0; i < files->region_count; i++)
    {
        if (NULL != files->regions) { tpi_region_unmap(&files->regions[i]); }
        if (NULL != files->uris) { tpi_free(files->uris[i]); }
    }
    tpi_free(files->regions);
    tpi_free(files->uris);
    tpi_free(files->directory);
    tpi_free(files);
}

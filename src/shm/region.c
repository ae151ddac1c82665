/*
 * Owns mappings of existing region files. A region is built on the conductor and read-only afterwards; the activity word and the
 * superblock may change under us at any time, so both are read in whole atomic words and judged from a private copy.
 */
#include "shm/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "shm/fault.h"

typedef _Atomic uint64_t shared_word_t;

_Static_assert(TPI_SUPERBLOCK_BYTES == TPC_SUPERBLOCK_BYTES, "superblock size drifted (W-002)");
_Static_assert(TPI_SLOT_BYTES == TPC_SLOT_BYTES, "slot size drifted (W-012)");
_Static_assert(TPI_REGION_HEADER_RING == TPC_REGION_HEADER_RING && TPI_REGION_PAYLOAD_POOL == TPC_REGION_PAYLOAD_POOL, "region types drifted");
_Static_assert(TPC_SUPERBLOCK_ACTIVITY_AT % 8 == 0, "activityTimestampNs is one aligned word");

#define SUPERBLOCK_WORDS (TPI_SUPERBLOCK_BYTES / 8u)

uint64_t tpi_region_bytes(tpi_region_type_t type, uint32_t nslots, uint32_t stride_bytes)
{
    const uint64_t slot_bytes = TPI_REGION_HEADER_RING == type ? TPI_SLOT_BYTES : stride_bytes;
    const uint64_t bytes = TPI_SUPERBLOCK_BYTES + (uint64_t)nslots * slot_bytes;      /* 2^32 * 2^32 does not wrap; trap M1 */
    return bytes > (uint64_t)INT64_MAX || bytes > SIZE_MAX ? 0 : bytes;               /* O-46: off_t and size_t */
}

void tpi_region_superblock(const tpi_region_t *region, tpc_superblock_t *superblock)
{
    const shared_word_t *const words = (const shared_word_t *)(const void *)region->base;
    uint64_t copy[SUPERBLOCK_WORDS];
    uint8_t image[TPI_SUPERBLOCK_BYTES];
    for (size_t i = 0; i < SUPERBLOCK_WORDS; i++) { copy[i] = atomic_load_explicit(&words[i], memory_order_relaxed); }
    memcpy(image, copy, sizeof(image));
    tpc_superblock_decode(superblock, image);
}

static int mismatch(const char *field, uint64_t found, uint64_t expected)
{
    TPI_SET_ERR(TP_ESUPERBLOCK, "superblock %s = %llu, expected %llu", field, (unsigned long long)found, (unsigned long long)expected);
    return -1;
}

int tpi_superblock_check(const tpc_superblock_t *superblock, const tpi_region_expect_t *expect)
{
    if (TPC_MAGIC != superblock->magic) { return mismatch("magic", superblock->magic, TPC_MAGIC); }                       /* W-003 W-090 X-005 */
    if (expect->layout_version != superblock->layout_version)                                                             /* W-011 W-088 */
    {
        return mismatch("layoutVersion", superblock->layout_version, expect->layout_version);
    }
    if (expect->epoch != superblock->epoch) { return mismatch("epoch", superblock->epoch, expect->epoch); }               /* W-090 X-003 */
    if (expect->stream_id != superblock->stream_id) { return mismatch("streamId", superblock->stream_id, expect->stream_id); }
    if ((int)expect->type != superblock->region_type)
    {
        TPI_SET_ERR(TP_ESUPERBLOCK, "superblock regionType = %d, expected %d", superblock->region_type, (int)expect->type);
        return -1;
    }
    const bool ring = TPI_REGION_HEADER_RING == expect->type;
    const uint16_t pool_id = ring ? 0 : expect->pool_id;                                                                  /* W-008 W-009 */
    if (pool_id != superblock->pool_id) { return mismatch("poolId", superblock->pool_id, pool_id); }
    if (expect->nslots != superblock->nslots) { return mismatch("nslots", superblock->nslots, expect->nslots); }          /* W-005 */
    if (ring && TPI_SLOT_BYTES != superblock->slot_bytes) { return mismatch("slotBytes", superblock->slot_bytes, TPI_SLOT_BYTES); }
    if (!ring && expect->stride_bytes != superblock->stride_bytes)                      /* O-5: the other two do not count */
    {
        return mismatch("strideBytes", superblock->stride_bytes, expect->stride_bytes);
    }
    return 0;
}

int tpi_region_check(const tpi_region_t *region, const tpi_region_expect_t *expect)
{
    struct stat st;
    tpc_superblock_t superblock;
    const uint64_t wanted = tpi_region_bytes(expect->type, expect->nslots, expect->stride_bytes);
    if (NULL == region->base || 0 == wanted || wanted > region->mapped_bytes)
    {
        TPI_SET_ERR(TP_ESUPERBLOCK, "region of %llu mapped bytes does not hold the announced %llu", (unsigned long long)region->mapped_bytes,
            (unsigned long long)wanted);
        return -1;
    }
    if (region->fd >= 0 && (fstat(region->fd, &st) < 0 || st.st_size < 0 || (uint64_t)st.st_size < wanted))                /* trap M6 */
    {
        TPI_SET_ERR(TP_EREGION, "region file has shrunk below %llu bytes while it is mapped", (unsigned long long)wanted);
        return -1;
    }
    tpi_region_superblock(region, &superblock);
    if (tpi_region_is_lost(region))                                          /* the file may have its old size again, the mapping is gone */
    {
        TPI_SET_ERR(TP_EREGION, "region file was truncated while it was mapped");
        return -1;
    }
    if (tpi_superblock_check(&superblock, expect) < 0) { return -1; }                                                     /* W-092: before the pid */
    if (superblock.pid != region->pid)                                                                                    /* W-119 */
    {
        TPI_SET_ERR(TP_EWRITER, "superblock pid = %llu, it was %llu when mapped", (unsigned long long)superblock.pid,
            (unsigned long long)region->pid);
        return -1;
    }
    return 0;
}

/* hugetlbfs maps and unmaps in its own pages; elsewhere the bytes as they are. */
static uint64_t mapping_bytes(int fd, uint64_t bytes)
{
    bool huge = false;
    uint64_t page_bytes = 0;
    if (tpi_fd_is_hugetlbfs(fd, &huge, &page_bytes) < 0 || !huge || 0 == page_bytes) { return bytes; }
    return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

static int map_fd(tpi_region_t *region, int fd, uint64_t bytes, bool writable, const char *path)
{
    const uint64_t length = mapping_bytes(fd, bytes);
    void *const base = mmap(NULL, (size_t)length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);      /* K8 */
    if (MAP_FAILED == base)
    {
        TPI_SET_ERR(TP_EMAP, "region '%s': %llu bytes cannot be mapped: %s", path, (unsigned long long)length, strerror(errno));
        return -1;
    }
    *region = (tpi_region_t){ .base = base, .mapped_bytes = length, .writable = writable, .fd = fd,
        .guard = tpi_fault_register(base, (size_t)length, writable) };
    return 0;
}

int tpi_region_map(tpi_region_t *region, const tpi_base_dirs_t *bases, const char *uri, size_t uri_length,
    const tpi_region_expect_t *expect, bool writable, const tpi_file_policy_t *policy)
{
    tpi_region_uri_t parsed;
    tpi_region_t made;
    tpc_superblock_t superblock;
    const uint64_t bytes = tpi_region_bytes(expect->type, expect->nslots, expect->stride_bytes);
    if (0 == bytes)
    {
        TPI_SET_ERR(TP_EREGION, "region of %u slots of %u bytes exceeds the address space", expect->nslots, expect->stride_bytes);
        return -1;
    }
    if (tpi_region_uri_parse(&parsed, uri, uri_length) < 0) { return -1; }
    const int fd = tpi_path_open_region(bases, &parsed, writable, bytes, policy);             /* K1..K7, W-215 W-240, trap M2 */
    if (fd < 0) { return -1; }
    if (map_fd(&made, fd, bytes, writable, parsed.path) < 0)
    {
        (void)close(fd);
        return -1;
    }
    tpi_region_superblock(&made, &superblock);
    made.pid = superblock.pid;
    if (tpi_superblock_check(&superblock, expect) < 0)                                                                    /* W-005 W-241 */
    {
        tpi_err_prefix("region '%s': ", parsed.path);
        tpi_region_unmap(&made);
        return -1;
    }
    *region = made;
    return 0;
}

/* Geometry a tool may rely on. */
static int check_geometry(const tpc_superblock_t *superblock, uint64_t *bytes)
{
    const bool ring = TPC_REGION_HEADER_RING == superblock->region_type;
    if (TPC_MAGIC != superblock->magic) { return mismatch("magic", superblock->magic, TPC_MAGIC); }
    if (TPC_LAYOUT_VERSION != superblock->layout_version) { return mismatch("layoutVersion", superblock->layout_version, TPC_LAYOUT_VERSION); }
    if (!ring && TPC_REGION_PAYLOAD_POOL != superblock->region_type)
    {
        TPI_SET_ERR(TP_ESUPERBLOCK, "superblock regionType = %d, neither header ring (1) nor payload pool (2)", superblock->region_type);
        return -1;
    }
    if (0 == superblock->nslots || superblock->nslots > TPI_NSLOTS_MAX || 0 != (superblock->nslots & (superblock->nslots - 1)))
    {
        TPI_SET_ERR(TP_ESUPERBLOCK, "superblock nslots = %u, not a power of two up to %u", superblock->nslots, TPI_NSLOTS_MAX);
        return -1;
    }
    if (ring && TPI_SLOT_BYTES != superblock->slot_bytes) { return mismatch("slotBytes", superblock->slot_bytes, TPI_SLOT_BYTES); }
    if (!ring && (0 == superblock->stride_bytes || 0 != superblock->stride_bytes % 64u))
    {
        TPI_SET_ERR(TP_ESUPERBLOCK, "superblock strideBytes = %u, not a non-zero multiple of 64", superblock->stride_bytes);
        return -1;
    }
    *bytes = tpi_region_bytes(ring ? TPI_REGION_HEADER_RING : TPI_REGION_PAYLOAD_POOL, superblock->nslots, superblock->stride_bytes);
    return 0;
}

int tpi_region_map_path(tpi_region_t *region, const char *path, tpc_superblock_t *superblock)
{
    struct stat st;
    tpi_region_t made;
    tpc_superblock_t found;
    uint8_t image[TPI_SUPERBLOCK_BYTES];
    uint64_t bytes = 0;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
    {
        TPI_SET_ERR(EACCES == errno ? TP_EPERM : TP_EPATH, "region '%s' cannot be opened: %s", path, strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || pread(fd, image, sizeof(image), 0) != (ssize_t)sizeof(image))
    {
        TPI_SET_ERR(TP_EREGION, "region '%s' is not a regular file of at least %u bytes", path, TPI_SUPERBLOCK_BYTES);
        goto fail;
    }
    tpc_superblock_decode(&found, image);
    if (check_geometry(&found, &bytes) < 0)
    {
        tpi_err_prefix("region '%s': ", path);
        goto fail;
    }
    if (0 == bytes || (uint64_t)st.st_size < bytes)
    {
        TPI_SET_ERR(TP_EREGION, "region '%s' has %lld bytes, its superblock asks for %llu", path, (long long)st.st_size, (unsigned long long)bytes);
        goto fail;
    }
    if (map_fd(&made, fd, bytes, false, path) < 0) { goto fail; }
    made.pid = found.pid;
    *region = made;
    *superblock = found;
    return 0;
fail:
    (void)close(fd);
    return -1;
}

int tpi_region_lock(const tpi_region_t *region, bool on_fault)
{
    struct rlimit limit = { 0, 0 };
    const unsigned flags = on_fault ? MLOCK_ONFAULT : 0;
    if (0 == mlock2(region->base, (size_t)region->mapped_bytes, flags)) { return 0; }   /* mlock() does nothing under sanitizers */
    const int reason = errno;
    if (ENOSYS == reason)                                                    /* D-194: not an error of this process, and nothing can mend it */
    {
        tpi_log(TP_LOG_WARN, TP_EMLOCK, "this platform cannot lock memory: %llu bytes stay as they are", (unsigned long long)region->mapped_bytes);
        return 0;
    }
    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    TPI_SET_ERR(TP_EMLOCK, "%llu bytes cannot be locked in memory: %s", (unsigned long long)region->mapped_bytes, strerror(reason));
    TPI_ERR_WHY("RLIMIT_MEMLOCK of this process is %llu bytes", (unsigned long long)limit.rlim_cur);
    TPI_ERR_FIX("raise the limit (LimitMEMLOCK=infinity, ulimit -l) or set policies.mlock_shm = false");
    return -1;
}

void tpi_region_unmap(tpi_region_t *region)
{
    if (NULL == region) { return; }
    if (NULL != region->base)
    {
        tpi_fault_unregister(region->guard);
        (void)munmap(region->base, (size_t)region->mapped_bytes);
        if (region->fd >= 0) { (void)close(region->fd); }
    }
    *region = (tpi_region_t)TPI_REGION_INIT;
}

bool tpi_region_is_lost(const tpi_region_t *region) { return 0 != region->guard && tpi_fault_happened(region->guard); }

uint64_t tpi_region_activity_ns(const tpi_region_t *region)
{
    const shared_word_t *const word = (const shared_word_t *)(const void *)(region->base + TPC_SUPERBLOCK_ACTIVITY_AT);
    return atomic_load_explicit(word, memory_order_relaxed);
}

void tpi_region_set_activity_ns(const tpi_region_t *region, uint64_t now_ns)
{
    shared_word_t *const word = (shared_word_t *)(void *)(region->base + TPC_SUPERBLOCK_ACTIVITY_AT);
    atomic_store_explicit(word, now_ns, memory_order_release);                        /* D-010 W-006 */
}

/* For unit tests only: one epoch of a stream as files, and the spec an announce of it would give. */
#ifndef TPI_SHM_TEST_REGIONS_H
#define TPI_SHM_TEST_REGIONS_H

#include "shm/pool_set.h"
#include "shm/region_create.h"
#include "shm/test_dir.h"

typedef struct test_regions
{
    char base[128];
    tpi_base_dirs_t bases;
    tpi_epoch_files_t *files;
    tpi_pool_spec_t pools[3];
    tpi_pool_set_spec_t spec;
}
test_regions_t;

#define TEST_STREAM 10000u
#define TEST_EPOCH 5u
#define TEST_NSLOTS 8u
#define TEST_PID 4711u
#define TEST_ACTIVITY_NS 1000u

/* Pools 2 (stride 4096), 1 (stride 128) and 9 (stride 1024), in this order. */
static inline void test_regions_make(test_regions_t *t, const char *name)
{
    static const uint16_t ids[] = { 2, 1, 9 };
    static const uint32_t strides[] = { 4096, 128, 1024 };
    memset(t, 0, sizeof(*t));
    test_dir_make(t->base, name);
    const char *const dirs[] = { t->base };
    const tpi_region_create_t what = { .base_dir = t->base, .user = "svc", .name_space = "default", .stream_id = TEST_STREAM, .epoch = TEST_EPOCH,
        .nslots = TEST_NSLOTS, .pool_count = 3, .pool_ids = ids, .strides = strides, .file_mode = 0600, .allocate_pools = true, .pid = TEST_PID,
        .now_ns = TEST_ACTIVITY_NS };
    if (0 != tpi_base_dirs_init(&t->bases, dirs, 1) || 0 != tpi_epoch_files_create(&t->files, &what)) { abort(); }
    for (size_t i = 0; i < 3; i++)
    {
        t->pools[i] = (tpi_pool_spec_t){ .pool_id = ids[i], .nslots = TEST_NSLOTS, .stride_bytes = strides[i], .uri = t->files->uris[i + 1],
            .uri_length = strlen(t->files->uris[i + 1]) };
    }
    t->spec = (tpi_pool_set_spec_t){ .stream_id = TEST_STREAM, .epoch = TEST_EPOCH, .layout_version = 1, .header_nslots = TEST_NSLOTS,
        .header_slot_bytes = 256, .header_uri = t->files->uris[0], .header_uri_length = strlen(t->files->uris[0]), .pool_count = 3,
        .pools = t->pools };
}

static inline void test_regions_remove(test_regions_t *t)
{
    tpi_epoch_files_delete(t->files);
    tpi_base_dirs_fini(&t->bases);
    test_dir_remove(t->base);
}

/* Rewrites one superblock in its file; index 0 is the ring. */
static inline void test_superblock_write(const test_regions_t *t, size_t index, const tpc_superblock_t *superblock)
{
    tpc_superblock_encode(t->files->regions[index].base, superblock);
}

static inline tpc_superblock_t test_superblock_read(const test_regions_t *t, size_t index)
{
    tpc_superblock_t superblock;
    tpc_superblock_decode(&superblock, t->files->regions[index].base);
    return superblock;
}

/* Path of a region inside its URI. */
static inline const char *test_region_path(const test_regions_t *t, size_t index) { return t->files->uris[index] + strlen("shm:file?path="); }

#endif

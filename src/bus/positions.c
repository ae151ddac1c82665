/*
 * Owns a read-only mapping of cnc.dat. The file is made by the media driver of the same process; its lengths are checked nevertheless. Counters are
 * listed when they may have changed only, so that a look costs one cache line a position.
 */
#include "bus/positions.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bus/cnc.h"
#include "common/alloc.h"
#include "common/err.h"

#define TYPE_SUBSCRIBER_POSITION 4
#define TYPE_SEND_CHANNEL 6
#define TYPE_RECEIVE_CHANNEL 7
#define TYPE_PUBLISHER_POSITION 12

struct tpi_positions
{
    uint8_t *map;
    size_t map_length;
    tpi_cnc_layout_t layout;
    int64_t records;
    bool is_stale;
    bool has_sockets;
    bool has_more;                     /* than are watched */
    size_t count;
    const _Atomic int64_t *at[TPI_POSITIONS_MAX];
    int64_t seen[TPI_POSITIONS_MAX];
};

int tpi_positions_open(tpi_positions_t **positions, const char *aeron_dir)
{
    tpi_cnc_state_t state;
    char problem[160];
    tpi_positions_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    const int fd = tpi_cnc_open(aeron_dir, &made->layout, &state, problem, sizeof(problem));
    if (fd < 0)
    {
        TPI_SET_ERR(TP_EMEDIADRIVER, "counters of %s cannot be read: %s", aeron_dir, problem);
        tpi_free(made);
        return -1;
    }
    made->map_length = (size_t)made->layout.file_length;
    void *const map = mmap(NULL, made->map_length, PROT_READ, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (MAP_FAILED == map)
    {
        TPI_SET_ERR(TP_EMAP, "counters of %s cannot be mapped", aeron_dir);
        tpi_free(made);
        return -1;
    }
    made->map = map;
    made->records = tpi_cnc_counters_max(&made->layout);
    made->is_stale = true;
    *positions = made;
    return 0;
}

static int32_t word_at(const uint8_t *at) { return atomic_load_explicit((const _Atomic int32_t *)(const void *)at, memory_order_acquire); }

static void add(tpi_positions_t *positions, int64_t record)
{
    if (TPI_POSITIONS_MAX == positions->count)
    {
        positions->has_more = true;
        return;
    }
    const uint8_t *const value = positions->map + positions->layout.values_at + record * TPI_CNC_VALUE_BYTES;
    positions->at[positions->count++] = (const _Atomic int64_t *)(const void *)value;
}

static void list(tpi_positions_t *positions)
{
    positions->count = 0;
    positions->has_more = false;
    positions->has_sockets = false;
    for (int64_t record = 0; record < positions->records; record++)
    {
        const uint8_t *const metadata = positions->map + positions->layout.metadata_at + record * TPI_CNC_METADATA_BYTES;
        const int32_t state = word_at(metadata);
        if (TPI_CNC_COUNTER_UNUSED == state) { break; }
        if (TPI_CNC_COUNTER_ALLOCATED != state) { continue; }
        const int32_t type = word_at(metadata + TPI_CNC_COUNTER_TYPE_ID);
        if (TYPE_PUBLISHER_POSITION == type || TYPE_SUBSCRIBER_POSITION == type) { add(positions, record); }
        else if (TYPE_SEND_CHANNEL == type || TYPE_RECEIVE_CHANNEL == type) { positions->has_sockets = true; }
    }
}

void tpi_positions_stale(tpi_positions_t *positions) { positions->is_stale = true; }

bool tpi_positions_moved(tpi_positions_t *positions)
{
    bool moved = false;
    if (positions->is_stale)
    {
        list(positions);
        positions->is_stale = false;
    }
    for (size_t i = 0; i < positions->count; i++)
    {
        const int64_t value = atomic_load_explicit(positions->at[i], memory_order_acquire);
        moved = moved || value != positions->seen[i];
        positions->seen[i] = value;
    }
    return moved || positions->has_sockets || positions->has_more;
}

int64_t tpi_positions_heartbeat_ms(const tpi_positions_t *positions)
{
    const uint8_t *const trailer = positions->map + TPI_CNC_META_BYTES + positions->layout.to_driver_length - TPI_CNC_RB_TRAILER;
    return atomic_load_explicit((const _Atomic int64_t *)(const void *)(trailer + TPI_CNC_RB_HEARTBEAT), memory_order_acquire);
}

void tpi_positions_close(tpi_positions_t *positions)
{
    if (NULL == positions) { return; }
    (void)munmap(positions->map, positions->map_length);
    tpi_free(positions);
}

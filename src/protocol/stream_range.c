/* Id ranges with a cursor. Invariant: an unset range has first 0; a set one holds its cursor. */
#include "protocol/stream_range.h"

void tpi_stream_range_init(tpi_stream_range_t *range, uint32_t first, uint32_t last)
{
    const bool set = 0 != first && first <= last;
    range->first = set ? first : 0;
    range->last = set ? last : 0;
    range->cursor = range->first;
}

bool tpi_stream_range_is_set(const tpi_stream_range_t *range) { return 0 != range->first; }
bool tpi_stream_range_holds(const tpi_stream_range_t *range, uint32_t id) { return 0 != range->first && id >= range->first && id <= range->last; }

uint32_t tpi_stream_range_peek(const tpi_stream_range_t *range, uint64_t taken, tpi_id_is_taken_t is_taken, void *clientd)
{
    if (0 == range->first) { return 0; }
    const uint64_t size = (uint64_t)range->last - range->first + 1;
    const uint64_t tries = taken < size ? taken + 1 : size;      /* of taken + 1 ids one is free */
    uint32_t id = range->cursor;
    for (uint64_t i = 0; i < tries; i++)
    {
        if (!is_taken(clientd, id)) { return id; }
        id = id == range->last ? range->first : id + 1;
    }
    return 0;
}

void tpi_stream_range_take(tpi_stream_range_t *range, uint32_t id)
{
    if (tpi_stream_range_holds(range, id)) { range->cursor = id == range->last ? range->first : id + 1; }
}

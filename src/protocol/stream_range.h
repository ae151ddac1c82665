/* Ids handed out of an inclusive range (20-driver.md 3.3 and 8). Pure: who holds which id is asked through a callback. */
#ifndef TPI_PROTOCOL_STREAM_RANGE_H
#define TPI_PROTOCOL_STREAM_RANGE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tpi_stream_range
{
    uint32_t first;
    uint32_t last;                     /* inclusive; first 0 = unset */
    uint32_t cursor;                   /* next candidate */
}
tpi_stream_range_t;

typedef bool (*tpi_id_is_taken_t)(void *clientd, uint32_t id);

void tpi_stream_range_init(tpi_stream_range_t *range, uint32_t first, uint32_t last);
bool tpi_stream_range_is_set(const tpi_stream_range_t *range);
bool tpi_stream_range_holds(const tpi_stream_range_t *range, uint32_t id);
/*
 * The next free id from the cursor on, wrapping once; 0 when there is none. Does not move the cursor. taken bounds the search: how many ids can
 * be taken.
 */
uint32_t tpi_stream_range_peek(const tpi_stream_range_t *range, uint64_t taken, tpi_id_is_taken_t is_taken, void *clientd);
/* id was handed out: the search goes on behind it. */
void tpi_stream_range_take(tpi_stream_range_t *range, uint32_t id);

#endif

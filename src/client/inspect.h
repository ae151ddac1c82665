/* Streams as counters show them, for those who have counters from elsewhere than a file. */
#ifndef TPI_CLIENT_INSPECT_H
#define TPI_CLIENT_INSPECT_H

#include "bus/bus.h"
#include "runtime/endpoint.h"

#include <tensor_pool/client/tp_inspect.h>

#define TPI_STREAMS_MAX 65536u         /* of all drivers on one media driver */

typedef struct tpi_stream_row
{
    uint64_t token;                    /* of its driver process */
    uint32_t stream_id;
    uint64_t epoch;
    uint32_t nslots;
    uint32_t pools;
    uint64_t max_stride;
    uint32_t producer;
    uint32_t consumers;
    char name[128];
    char instance[128];
    char directory[TPI_ENDPOINT_TEXT_MAX];
}
tpi_stream_row_t;

typedef struct tpi_streams
{
    tpi_stream_row_t *streams;         /* freed by whoever read them */
    size_t count;
    size_t capacity;
    bool failed;
}
tpi_streams_t;

typedef int (*tpi_counters_foreach_t)(void *source, tpi_on_counter_t handler, void *clientd);

/* Any thread that may read the source. On failure there is nothing to free. */
int tpi_streams_read(tpi_streams_t *table, tpi_counters_foreach_t foreach, void *source);
int tpi_streams_of(tpi_streams_t *table, const tp_counters_t *counters);
/* The stream that is meant (tpi_choose): 0 and *index, or -1 with TP_ENOENT, TP_EAMBIGUOUS. */
int tpi_streams_choose(const tpi_streams_t *table, const char *wanted, size_t *index);

#endif

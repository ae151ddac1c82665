/*
 * Copies into payloads past the caches: non-temporal stores, whose lines are neither read before nor kept after they are written. They pay where the
 * ring does not fit into the cache anyway. Which instructions are used is decided when the program runs, by what the processor has.
 */
#ifndef TPI_SHM_PAYLOAD_STREAM_H
#define TPI_SHM_PAYLOAD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPI_STREAM_BYTES_MIN (256u << 10)              /* shorter copies stay in the cache: whoever reads them soon finds them there */
#define TPI_STREAM_SHARE_MAX (UINT64_C(32) << 20)      /* of the last-level cache, however large it says it is; also when it says nothing */

typedef void (*tpi_stream_copy_t)(void *payload, const void *source, size_t length);

typedef struct tpi_stream_variant
{
    const char *name;
    tpi_stream_copy_t copy;
}
tpi_stream_variant_t;

/* The variant of that number, best first, that this processor has; NULL: there are no more. */
const tpi_stream_variant_t *tpi_stream_variant(size_t number);
/* By the best one, else by tpi_payload_write. When it returns, everything is ordered before whatever the thread stores next. */
void tpi_payload_stream(void *payload, const void *source, size_t length);
/* Whether that pays for a copy of length bytes into a ring of so many bytes. cache_bytes: of the last-level cache, 0 = unknown. */
bool tpi_stream_pays(size_t length, uint64_t ring_bytes, uint64_t cache_bytes);

#endif

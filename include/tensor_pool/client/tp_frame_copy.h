/*
 * Filling large frames from memory that the caller has already. Filling the payload in place needs none of this, and no copy.
 *
 * A store usually reads its cache line from memory first, keeps it, and writes it back later: where the ring does not fit into the cache, half of the
 * bandwidth goes for nothing. Streaming stores write past the caches instead. The price: a consumer that reads the frame at once finds nothing of
 * it in the cache. docs/performance.md has the figures.
 */
#ifndef TENSOR_POOL_CLIENT_TP_FRAME_COPY_H
#define TENSOR_POOL_CLIENT_TP_FRAME_COPY_H

#include <tensor_pool/client/tp_producer.h>

TP_BEGIN_DECLS

typedef enum tp_copy_mode
{
    TP_COPY_AUTO = 0,                  /* streams copies of 256 KiB and more when slots times stride exceed half of the cache, at most 32 MiB */
    TP_COPY_CACHED = 1,                /* plain stores: for consumers that read at once, and rings that fit */
    TP_COPY_STREAM = 2                 /* past the caches, where the processor can (x86-64: AVX-512, AVX2, SSE2; elsewhere as TP_COPY_CACHED) */
}
tp_copy_mode_t;

/*
 * Copies length bytes into the payload of a claim, from offset on; any alignment, also in parts and from several calls. mode: tp_copy_mode_t. The
 * copy is in place before a later commit of the same thread makes the frame visible, whatever the mode; a thread that only fills hands over to the
 * committing one as for plain stores (a mutex, a release store). source and payload must not overlap.
 * length, or TP_INVALID_ARGUMENT (NULL, offset + length beyond what was claimed, no such mode; nothing was copied), TP_INVALID_CLAIM (ended already,
 * or of another producer). The producer's thread; no lock, no allocation, no system call but those of the first tp_cache_bytes() of a process, which
 * TP_COPY_AUTO asks for; call it before where that matters.
 */
TP_EXPORT int64_t tp_frame_copy(tp_producer_t *producer, const tp_buffer_claim_t *claim, size_t offset, const void *source, size_t length, int mode);

/*
 * Bytes of the last-level cache, as the system tells: the environment variable TP_CACHE_BYTES ("32M", "0"), sysfs, the C library. 0: it is hidden, as
 * some containers do. Asked once a process. Any thread.
 */
TP_EXPORT uint64_t tp_cache_bytes(void);

TP_END_DECLS

#endif

/*
 * Descriptors straight into the log of an exclusive publication of the Aeron that is built with us: what aeron_exclusive_publication_try_claim and
 * aeron_buffer_claim_commit do one after the other, for a message of fixed length, in one go. Only where there is room in the term and below the
 * position limit; everything else, closed publications and the rotation of terms too, is Aeron's own business. The publication's thread only.
 *
 * This reads Aeron's private header. third_party/aeron pins the sources it belongs to by checksum; with any other Aeron this file is empty.
 */
#include "bus/bus_aeron.h"

#if defined(TPI_AERON_APPEND)

#include <string.h>

#include <aeron_exclusive_publication.h>
#include <aeron_log_buffer.h>
#include <protocol/aeron_udp_protocol.h>

#define DESCRIPTOR_BYTES 48
#define FRAME_BYTES ((int32_t)(DESCRIPTOR_BYTES + AERON_DATA_HEADER_LENGTH))
#define ROOM_BYTES ((int32_t)AERON_ALIGN(FRAME_BYTES, AERON_LOGBUFFER_FRAME_ALIGNMENT))

/* The conductor reads it (bus_aeron_pages.c), and ThreadSanitizer does not see Aeron's way to store; which is two instructions shorter. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SET_TAIL(pub, index, value) __atomic_store_n((int64_t *)(void *)(pub)->log_meta_data + (index), (value), __ATOMIC_RELEASE)
#endif
#endif
#if !defined(SET_TAIL)
#define SET_TAIL(pub, index, value) AERON_SET_RELEASE((pub)->log_meta_data->term_tail_counters[index], value)
#endif

_Static_assert(0 == offsetof(aeron_logbuffer_metadata_t, term_tail_counters), "the log's metadata begins with its tails");
_Static_assert(32 == AERON_DATA_HEADER_LENGTH, "the header of a frame in the log, as aeron_data_header_t has it");

int64_t tpi_aeron_append(tpi_publication_t *base, const void *message, size_t length)
{
    aeron_exclusive_publication_t *const pub = ((aeron_bus_pub_t *)base)->pub;
    bool is_closed;
    AERON_GET_ACQUIRE(is_closed, pub->is_closed);
    if (TPI_RARE(DESCRIPTOR_BYTES != length || is_closed)) { return tpi_aeron_send_prepared(base, message, length); }
    const int64_t begin = pub->term_begin_position;
    const int32_t offset = pub->term_offset;
    const int32_t end = offset + ROOM_BYTES;
    int64_t limit;
    AERON_GET_ACQUIRE(limit, *pub->position_limit);
    if (TPI_RARE(begin + offset >= limit || end > pub->term_buffer_length)) { return tpi_aeron_send_prepared(base, message, DESCRIPTOR_BYTES); }
    const size_t index = pub->active_partition_index;
    const int32_t term_id = pub->term_id;
    SET_TAIL(pub, index, (int64_t)((uint64_t)(uint32_t)term_id << 32 | (uint32_t)end));
    aeron_data_header_t *const header = (aeron_data_header_t *)(void *)(pub->log_buffer->mapped_raw_log.term_buffers[index].addr + offset);
    AERON_SET_RELEASE(header->frame_header.frame_length, -FRAME_BYTES);         /* the driver can tell how much to skip if we die now */
    aeron_release();
    header->frame_header.version = AERON_FRAME_HEADER_VERSION;
    header->frame_header.flags = AERON_DATA_HEADER_BEGIN_FLAG | AERON_DATA_HEADER_END_FLAG;
    header->frame_header.type = AERON_HDR_TYPE_DATA;
    header->term_offset = offset;
    header->session_id = pub->session_id;
    header->stream_id = pub->stream_id;
    header->term_id = term_id;
    memcpy(header + 1, message, DESCRIPTOR_BYTES);
    AERON_SET_RELEASE(header->frame_header.frame_length, FRAME_BYTES);
    pub->term_offset = end;
    return begin + end;
}

#else

typedef int tpi_aeron_append_is_not_used_t;

#endif

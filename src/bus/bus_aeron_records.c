/*
 * Receiving records: the way of the frame descriptors. Polling thread. The images of a subscription are kept at hand and read block by block, without
 * a call for each fragment; with many the subscription is polled. What lies in a log is the sender's: no length is believed.
 */
#include "bus/bus_aeron.h"

#include <aeronc.h>
#include <string.h>

#if defined(TPI_AERON_APPEND)
#include <aeron_image.h>
#include <aeron_log_buffer.h>
#endif

#define FRAME_HEADER_BYTES 32u
#define FRAME_ALIGNMENT 32u
#define TYPE_PAD 0
#define FLAG_BEGIN 0x80u
#define RECORD_FRAME_BYTES (FRAME_HEADER_BYTES + TPI_RECORD_BYTES)
#define RECORD_ALIGNED_BYTES ((RECORD_FRAME_BYTES + FRAME_ALIGNMENT - 1) / FRAME_ALIGNMENT * FRAME_ALIGNMENT)
#define RECORD_FRAME (RECORD_FRAME_BYTES | UINT64_C(0xc0) << 40 | UINT64_C(1) << 48)    /* length, version 0, one whole fragment, data */
#define TURNS_MAX 4                    /* blocks of padding only */

_Static_assert((FRAME_HEADER_BYTES + TPI_OTHER_SHORT_BYTES) / FRAME_ALIGNMENT + 1 == RECORD_ALIGNED_BYTES / FRAME_ALIGNMENT,
    "a message that may become a record takes as much of the log as one");
_Static_assert(sizeof(aeron_header_values_frame_t) == FRAME_HEADER_BYTES && offsetof(aeron_header_values_frame_t, flags) == 5, "frame header");

static inline uint64_t frame_word(const uint8_t *frame) { return __atomic_load_n((const uint64_t *)(const void *)frame, __ATOMIC_ACQUIRE); }

/* Anything but a record of the right size, or padding. What it takes of the block; 0: the rest is not to be believed. */
static __attribute__((noinline, cold)) size_t take_other(tpi_records_t *records, const uint8_t *frame, size_t left)
{
    const uint64_t word = frame_word(frame);
    const uint32_t length = (uint32_t)word;
    if (length < FRAME_HEADER_BYTES || length > INT32_MAX) { return 0; }
    const size_t aligned = ((size_t)length + FRAME_ALIGNMENT - 1) / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
    if (aligned > left) { return 0; }
    if (TYPE_PAD == (int16_t)(word >> 48) || 0 == (word >> 40 & FLAG_BEGIN)) { return aligned; }
    records->others++;
    tpi_bus_handler_enter();
    records->other(records, frame + FRAME_HEADER_BYTES, length - FRAME_HEADER_BYTES);
    tpi_bus_handler_leave();
    return aligned;
}

static inline size_t most_bytes(const tpi_records_t *records) { return (size_t)(records->capacity - records->count) * RECORD_ALIGNED_BYTES; }

/* The records that follow one another at frame. Where they end; each is judged from its copy (trap M5). */
static inline const uint8_t *take_records(tpi_records_t *records, const uint8_t *frame, size_t left)
{
    const uint64_t head = records->head;
    const uint32_t key = records->key;
    tpi_record_t *const room = records->room;
    tpi_record_t *to = &room[records->count];
    if (left < RECORD_ALIGNED_BYTES) { return frame; }
    for (const uint8_t *const last = frame + left - RECORD_ALIGNED_BYTES; frame <= last && RECORD_FRAME == frame_word(frame);
        frame += RECORD_ALIGNED_BYTES)
    {
        uint64_t found_head;
        uint32_t found_key;
        memcpy(to->bytes, frame + FRAME_HEADER_BYTES, TPI_RECORD_BYTES);
        memcpy(&found_head, to->bytes, sizeof(found_head));
        memcpy(&found_key, to->bytes + sizeof(found_head), sizeof(found_key));
        if (head != found_head) { break; }
        if (key == found_key) { to++; }                                                    /* P1 */
        else { records->passed++; }
    }
    records->count = (uint32_t)(to - room);
    return frame;
}

static __attribute__((noinline, cold)) void take_rest(tpi_records_t *records, const uint8_t *frame, const uint8_t *end)
{
    while (frame < end)
    {
        const size_t other = take_other(records, frame, (size_t)(end - frame));
        if (0 == other) { return; }
        frame = take_records(records, frame + other, (size_t)(end - frame) - other);
    }
}

/* Aeron counts padding as read whatever the limit says: no more of a block than there is room for. */
static void on_block(void *clientd, const uint8_t *block, size_t length, int32_t session_id, int32_t term_id)
{
    (void)session_id;
    (void)term_id;
    tpi_records_t *const records = clientd;
    const size_t most = most_bytes(records);
    const uint8_t *const end = block + (length < most ? length : most);
    records->block_length = length;
    records->block_offset = ((const aeron_header_values_frame_t *)(const void *)block)->term_offset;
    const uint8_t *const at = take_records(records, block, (size_t)(end - block));
    if (at < end) { take_rest(records, at, end); }
}

/* Aeron hands over what lies in the log, right behind the frame's header. */
static void on_fragment(void *clientd, const uint8_t *data, size_t length, aeron_header_t *header)
{
    (void)header;
    const size_t frame_bytes = (length + FRAME_HEADER_BYTES + FRAME_ALIGNMENT - 1) / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
    const uint8_t *const frame = data - FRAME_HEADER_BYTES;
    tpi_records_t *const records = clientd;
    if (length > INT32_MAX - RECORD_ALIGNED_BYTES) { return; }                            /* a frame shorter than its header */
    if (frame == take_records(records, frame, frame_bytes)) { (void)take_other(records, frame, frame_bytes); }
}

/* ---- the images at hand ---------------------------------------------------------------------------------------------------- */

void tpi_aeron_let_images_go(aeron_bus_sub_t *sub)
{
    for (uint32_t i = 0; i < sub->held_count; i++) { (void)aeron_image_release(sub->held[i]); }
    sub->held_count = 0;
}

/*
 * Aeron leaves an image's position where it was when the image is closed in the middle of a poll; one that joins again in its place, as after a
 * process was stopped for a while, goes on there. What was read is not to be read twice: it would look like a regression.
 */
static void note_unnoted(aeron_bus_sub_t *sub, aeron_image_t *image, const tpi_records_t *records)
{
    aeron_image_constants_t constants;
    if (0 == records->block_length || !aeron_image_is_closed(image) || aeron_image_constants(image, &constants) < 0) { return; }
    const int64_t position = aeron_image_position(image);
    if ((position & ((int64_t)constants.term_buffer_length - 1)) != records->block_offset) { return; }
    sub->has_read = true;
    sub->read_session_id = constants.session_id;
    sub->read_position = position + (int64_t)records->block_length;
}

static void pass_over(void *clientd, const uint8_t *block, size_t length, int32_t session_id, int32_t term_id)
{
    (void)clientd;
    (void)block;
    (void)length;
    (void)session_id;
    (void)term_id;
}

static void skip_noted(aeron_bus_sub_t *sub, aeron_image_t *image, const aeron_image_constants_t *constants)
{
    if (!sub->has_read || constants->session_id != sub->read_session_id) { return; }
    sub->has_read = false;
    const int64_t ahead = sub->read_position - aeron_image_position(image);
    if (ahead > 0 && ahead <= (int64_t)constants->term_buffer_length) { (void)aeron_image_block_poll(image, pass_over, NULL, (size_t)ahead); }
}

/* Images came or went: from now on those that there are. A change after the load of changes is seen next time. */
static __attribute__((noinline, cold)) void hold_images(aeron_bus_sub_t *sub, uint32_t changes, tpi_records_t *records)
{
    if (1 == sub->held_count) { note_unnoted(sub, sub->held[0], records); }
    records->block_length = 0;                             /* of an image that is not held any more */
    tpi_aeron_let_images_go(sub);
    sub->seen_changes = changes;
    sub->held_mtu_bytes = 0;
    const int count = aeron_subscription_image_count(sub->sub);
    if (count < 1 || count > (int)HELD_MAX) { return; }
    for (int i = 0; i < count; i++)
    {
        aeron_image_constants_t constants;
        aeron_image_t *const image = aeron_subscription_image_at_index(sub->sub, (size_t)i);
        if (NULL == image) { tpi_aeron_let_images_go(sub); return; }
        sub->held[sub->held_count++] = image;
        if (aeron_image_constants(image, &constants) < 0) { tpi_aeron_let_images_go(sub); return; }
        skip_noted(sub, image, &constants);
        if (constants.mtu_length > sub->held_mtu_bytes) { sub->held_mtu_bytes = constants.mtu_length; }
    }
}

/* All of them in turn, as long as there is room for whatever comes. Bytes read. */
static int poll_held(aeron_bus_sub_t *sub, tpi_records_t *records)
{
    int bytes = 0;
    const uint32_t first = sub->held_first++;
    for (uint32_t i = 0; i < sub->held_count && most_bytes(records) >= sub->held_mtu_bytes; i++)
    {
        aeron_image_t *const image = sub->held[(first + i) % sub->held_count];
        if (aeron_image_block_poll(image, on_block, records, most_bytes(records)) <= 0) { continue; }
        bytes = 1;
        note_unnoted(sub, image, records);
    }
    return bytes;
}

/* Several images or none, something that is no record of ours, padding, or nothing at all. count: of records before the poll. */
static __attribute__((noinline)) int poll_slowly(aeron_bus_sub_t *sub, tpi_records_t *records, uint32_t count, int bytes)
{
    for (int turn = 0; bytes > 0 && turn < TURNS_MAX; turn++)
    {
        if (records->count != count || 0 != records->passed || 0 != records->others) { return 1; }
        const bool is_block = 0 != sub->held_count && most_bytes(records) >= sub->held_mtu_bytes;
        bytes = is_block ? poll_held(sub, records) :
            aeron_subscription_poll(sub->sub, on_fragment, records, records->capacity - records->count);
    }
    if (records->count != count || 0 != records->passed || 0 != records->others) { return 1; }
    return aeron_subscription_is_closed(sub->sub) ? TP_CLOSED : 0;
}

typedef enum straight { STRAIGHT_NOTHING, STRAIGHT_TAKEN, STRAIGHT_OTHER } straight_t;

#if defined(TPI_AERON_APPEND)
/*
 * What aeron_image_block_poll does, where records of the right size and head follow one another: the usual case. Nothing is passed over that is not
 * a record; whatever else lies there is left to Aeron.
 */
static inline straight_t poll_straight(aeron_image_t *image, tpi_records_t *records, size_t most)
{
    bool is_closed;
    AERON_GET_ACQUIRE(is_closed, image->is_closed);
    if (is_closed) { return STRAIGHT_OTHER; }
    const int64_t position = *image->subscriber_position;
    const aeron_mapped_raw_log_t *const log = &image->log_buffer->mapped_raw_log;
    const int32_t offset = (int32_t)position & image->term_length_mask;
    const size_t room = (size_t)(image->term_length_mask - offset) + 1;
    const size_t left = room < most ? room : most;
    const uint8_t *const frame = log->term_buffers[aeron_logbuffer_index_by_position(position, image->position_bits_to_shift)].addr + offset;
    const uint64_t word = frame_word(frame);
    if (RECORD_FRAME != word) { return (int32_t)word <= 0 ? STRAIGHT_NOTHING : STRAIGHT_OTHER; }
    const uint8_t *const end = take_records(records, frame, left);
    if (end == frame) { return STRAIGHT_OTHER; }
    records->block_length = (size_t)(end - frame);
    records->block_offset = offset;
    AERON_GET_ACQUIRE(is_closed, image->is_closed);
    if (!is_closed) { AERON_SET_RELEASE(*image->subscriber_position, position + (end - frame)); }
    return STRAIGHT_TAKEN;
}
#else
static inline straight_t poll_straight(aeron_image_t *image, tpi_records_t *records, size_t most)
{
    (void)image;
    (void)records;
    (void)most;
    return STRAIGHT_OTHER;
}
#endif

static __attribute__((noinline)) int poll_block(aeron_bus_sub_t *sub, tpi_records_t *records, uint32_t count)
{
    const int bytes = aeron_image_block_poll(sub->held[0], on_block, records, most_bytes(records));
    return records->count != count ? 1 : poll_slowly(sub, records, count, bytes);
}

int tpi_aeron_poll_records(tpi_subscription_t *base, tpi_records_t *records)
{
    aeron_bus_sub_t *const sub = (aeron_bus_sub_t *)base;
    const uint32_t changes = atomic_load_explicit(&sub->changes, memory_order_acquire);
    if (changes != sub->seen_changes) { hold_images(sub, changes, records); }
    const size_t most = most_bytes(records);
    const uint32_t count = records->count;
    records->passed = 0;
    records->others = 0;
    if (1 != sub->held_count || most < sub->held_mtu_bytes) { return poll_slowly(sub, records, count, 1); }
    const straight_t found = poll_straight(sub->held[0], records, most);
    if (TPI_RARE(STRAIGHT_OTHER == found)) { return poll_block(sub, records, count); }
    return STRAIGHT_TAKEN == found ? 1 : 0;
}

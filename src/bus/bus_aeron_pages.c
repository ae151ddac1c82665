/*
 * The pages of a log that are about to be written or read, mapped beside the hot path. Aeron's logs are sparse: whoever touches a page of one first
 * takes a page fault, one descriptor of 42 in the first round through a log, in the producer and in each consumer. The owner thread goes ahead of
 * whatever moves: further the faster it moves, once round each log, so much a turn. What stands still costs nothing and takes no memory.
 *
 * This reads Aeron's private headers, as bus_aeron_append.c does.
 */
#include "bus/bus_aeron.h"

#if defined(TPI_AERON_APPEND)

#include <sys/mman.h>

#include <aeron_exclusive_publication.h>
#include <aeron_image.h>
#include <aeron_log_buffer.h>

#define AHEAD_MIN INT64_C(65536)       /* as much as the largest page of Linux: what is asked for is a multiple of it */
#define AHEAD_TURNS 8                  /* as far as it moves in so many turns */
#define TURN_MAX (16 * AHEAD_MIN)      /* of all logs together, half a millisecond; then it is the next turn's */
#define POSITION_MAX (INT64_MAX / 16)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* false: the kernel is older than 5.14, or there is no room: they come one by one, as they are touched. */
static bool populate(const aeron_mapped_raw_log_t *log, int64_t from, int64_t length, int advice)
{
    const int64_t term_length = (int64_t)log->term_length;
    const int64_t offset = from % term_length;
    const size_t index = (size_t)(from / term_length % AERON_LOGBUFFER_PARTITION_COUNT);
    const int64_t left = term_length - offset;
    const int64_t now = length < left ? length : left;
    if (0 != madvise(log->term_buffers[index].addr + offset, (size_t)now, advice)) { return false; }
    return now == length || populate(log, from + now, length - now, advice);
}

static int64_t round_down(int64_t position) { return position / AHEAD_MIN * AHEAD_MIN; }

/* Positions are other processes' too: one that cannot be is no reason to go anywhere. room: of this turn. true: there is more to do at once. */
static bool go_ahead(tpi_log_pages_t *pages, const aeron_mapped_raw_log_t *log, int64_t position, int advice, int64_t *room)
{
    if (position < pages->seen || position > POSITION_MAX)
    {
        pages->is_done = true;
        return false;
    }
    if (!pages->has_seen)
    {
        *pages = (tpi_log_pages_t){ .has_seen = true, .seen = position, .until = round_down(position),
            .end = round_down(position) + (int64_t)log->term_length * AERON_LOGBUFFER_PARTITION_COUNT };
        return false;                                      /* most streams hardly move */
    }
    if (position != pages->seen)
    {
        const int64_t wanted = AHEAD_TURNS * (position - pages->seen);
        const int64_t goal = round_down(position + (wanted < AHEAD_MIN ? AHEAD_MIN : wanted) + AHEAD_MIN - 1);
        pages->seen = position;
        if (goal > pages->goal) { pages->goal = goal < pages->end ? goal : pages->end; }
        if (pages->until < round_down(position)) { pages->until = round_down(position); }     /* what was touched meanwhile */
    }
    const int64_t left = pages->goal - pages->until;
    const int64_t length = left < *room ? left : *room;
    if (length > 0)
    {
        pages->is_done = !populate(log, pages->until, length, advice);                         /* L-312 */
        pages->until += length;
        *room -= length;
    }
    if (pages->until >= pages->end) { pages->is_done = true; }
    return length < left && !pages->is_done;
}

/* Below 0: what lies there is no tail. */
static int64_t tail_of(const aeron_exclusive_publication_t *pub)
{
    const int32_t count = aeron_logbuffer_active_term_count(pub->log_meta_data);
    if (count < 0) { return -1; }
    const int64_t *const tails = (const int64_t *)(const void *)pub->log_meta_data;           /* it begins with them, see bus_aeron_append.c */
    const int64_t raw_tail = __atomic_load_n(&tails[aeron_logbuffer_index_by_term_count(count)], __ATOMIC_ACQUIRE);
    const int32_t terms = (int32_t)((uint32_t)aeron_logbuffer_term_id(raw_tail) - (uint32_t)pub->initial_term_id);
    return terms < 0 ? -1 : (int64_t)terms * pub->term_buffer_length + aeron_logbuffer_term_offset(raw_tail, pub->term_buffer_length);
}

int tpi_aeron_pages_ahead(aeron_bus_t *bus)
{
    int work = 0;
    int64_t room = TURN_MAX;
    for (aeron_bus_pub_t *pub = bus->pubs; NULL != pub; pub = pub->next)
    {
        if (pub->pages.is_done || NULL == pub->pub) { continue; }
        work += go_ahead(&pub->pages, &pub->pub->log_buffer->mapped_raw_log, tail_of(pub->pub), MADV_POPULATE_WRITE, &room) ? 1 : 0;
    }
    for (aeron_bus_sub_t *sub = bus->subs; NULL != sub; sub = sub->next)
    {
        for (size_t i = 0; NULL != sub->owned && i < sub->owned->count; i++)
        {
            image_entry_t *const entry = &sub->owned->entries[i];
            aeron_image_t *const image = entry->image;
            if (entry->pages.is_done) { continue; }
            work += go_ahead(&entry->pages, &image->log_buffer->mapped_raw_log, aeron_image_position(image), MADV_POPULATE_READ, &room) ? 1 : 0;
        }
    }
    return work;
}

#else

int tpi_aeron_pages_ahead(aeron_bus_t *bus)
{
    (void)bus;
    return 0;
}

#endif

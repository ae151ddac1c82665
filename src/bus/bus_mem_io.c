/*
 * Sending and receiving on the in-memory bus. A message is one reference-counted buffer; each image (publication x subscription) queues
 * references to it in order. A claimed message holds back what follows it, as in a real log.
 */
#include "bus/bus_mem_net.h"

#include <string.h>
#include <utlist.h>

#include "common/alloc.h"

void tpi_mem_message_release(mem_message_t *message)
{
    if (0 == --message->refs)
    {
        tpi_free(message->data);
        tpi_free(message);
    }
}

static void remove_node(mem_image_t *image, mem_node_t *node)
{
    DL_DELETE(image->queue, node);
    image->queued--;
    tpi_mem_message_release(node->message);
    tpi_free(node);
}

void tpi_mem_image_drain(mem_image_t *image)
{
    while (NULL != image->queue) { remove_node(image, image->queue); }
}

static bool append(mem_image_t *image, mem_message_t *message, bool held)
{
    mem_node_t *const node = tpi_alloc(sizeof(*node));
    if (NULL == node) { return false; }
    node->message = message;
    node->held = held;
    message->refs++;
    mem_node_t *const tail = NULL == image->queue ? NULL : image->queue->prev;
    if (NULL != tail && tail->held)
    {
        tail->held = false;
        DL_PREPEND_ELEM(image->queue, tail, node);
    }
    else { DL_APPEND(image->queue, node); }
    image->queued++;
    return true;
}

/* ---- sending --------------------------------------------------------------------------------------------------------------- */

static bool is_connected(const mem_publication_t *pub)
{
    const mem_image_t *image;
    DL_FOREACH2(pub->images, image, pub_next)
    {
        if (MEM_JOINING == image->state || MEM_LIVE == image->state) { return true; }
    }
    return false;
}

/* Full tethered images refuse the send; full untethered ones are cut off (trap A6). */
static bool window_is_full(const mem_publication_t *pub)
{
    bool full = false;
    mem_image_t *image;
    DL_FOREACH2(pub->images, image, pub_next)
    {
        if ((MEM_JOINING != image->state && MEM_LIVE != image->state) || image->queued < pub->stream->window) { continue; }
        if (image->sub->untethered)
        {
            tpi_mem_image_drain(image);
            image->state = MEM_LIVE == image->state ? MEM_CUT : MEM_RESTING;
            image->rest_until_ns = pub->bus->network->now_ns + MEM_RESTING_NS;
        }
        else { full = true; }
    }
    return full;
}

static int take_fault(mem_stream_t *stream)
{
    if (0 == stream->fault_count) { return -1; }
    const size_t at = stream->fault_first;
    const int fault = (int)stream->faults[at].fault;
    if (0 == --stream->faults[at].count)
    {
        stream->fault_first = (at + 1) % MEM_FAULTS_MAX;
        stream->fault_count--;
    }
    return fault;
}

static bool next_fault_is(const mem_stream_t *stream, tpi_mem_fault_t fault)
{
    return 0 != stream->fault_count && fault == stream->faults[stream->fault_first].fault;
}

static int enqueue(mem_publication_t *pub, mem_message_t *message, int fault)
{
    if (TPI_MEM_LOSE == fault) { return 0; }
    mem_image_t *image;
    DL_FOREACH2(pub->images, image, pub_next)
    {
        if (MEM_JOINING != image->state && MEM_LIVE != image->state) { continue; }
        const int copies = TPI_MEM_DUPLICATE == fault ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            if (!append(image, message, TPI_MEM_REORDER == fault)) { return -1; }
        }
    }
    return 0;
}

static int64_t refuse(mem_publication_t *pub, int *fault)
{
    *fault = -1;
    if (pub->closed) { return TP_CLOSED; }
    if (next_fault_is(pub->stream, TPI_MEM_CLOSE))
    {
        (void)take_fault(pub->stream);
        pub->closed = true;
        return TP_CLOSED;
    }
    if (!is_connected(pub)) { return TP_NOT_CONNECTED; }
    if (window_is_full(pub)) { return TP_BACK_PRESSURED; }
    if (!is_connected(pub)) { return TP_NOT_CONNECTED; }
    *fault = take_fault(pub->stream);
    switch (*fault)
    {
        case TPI_MEM_BACK_PRESSURE: return TP_BACK_PRESSURED;
        case TPI_MEM_ADMIN_ACTION: return TP_ADMIN_ACTION;
        case TPI_MEM_NOT_CONNECTED: return TP_NOT_CONNECTED;
        default: return 0;
    }
}

static int64_t place(mem_publication_t *pub, size_t length, mem_message_t **out)
{
    int fault;
    const int64_t refused = refuse(pub, &fault);
    if (refused < 0) { return refused; }
    mem_message_t *const message = tpi_alloc(sizeof(*message));
    if (NULL == message) { return TP_FAILED; }
    message->refs = 1;
    message->length = length;
    message->data = tpi_alloc(0 == length ? 1 : length);
    message->session_id = pub->base.session_id;
    const size_t fragments = 0 == length ? 1 : (length + MEM_MTU_PAYLOAD - 1) / MEM_MTU_PAYLOAD;
    message->position = pub->position + (int64_t)((length + 32 * fragments + 31) & ~(size_t)31);
    if (NULL == message->data || enqueue(pub, message, fault) < 0)
    {
        message->state = MEM_ABORTED;
        tpi_mem_message_release(message);
        return TP_FAILED;
    }
    pub->position = message->position;
    *out = message;
    return message->position;
}

static void finish(const mem_publication_t *pub, mem_message_t *message, bool commit)
{
    message->state = commit ? MEM_COMMITTED : MEM_ABORTED;
    if (commit && NULL != pub->stream->tap)
    {
        const tpi_message_t seen = { .data = message->data, .length = message->length, .session_id = message->session_id,
            .position = message->position, .joined_ns = 0 };
        pub->stream->tap(pub->stream->tap_clientd, &seen);
    }
    tpi_mem_message_release(message);
}

int64_t tpi_mem_claim(tpi_publication_t *base, size_t length, tpi_bus_claim_t *claim)
{
    mem_message_t *message = NULL;
    const int64_t position = place((mem_publication_t *)base, length, &message);
    if (position < 0) { return position; }
    claim->data = message->data;
    claim->length = length;
    claim->opaque[1] = message;
    return position;
}

void tpi_mem_commit(tpi_publication_t *base, tpi_bus_claim_t *claim) { finish((mem_publication_t *)base, claim->opaque[1], true); }
void tpi_mem_abort(tpi_publication_t *base, tpi_bus_claim_t *claim) { finish((mem_publication_t *)base, claim->opaque[1], false); }

int64_t tpi_mem_send_prepared(tpi_publication_t *base, const void *message, size_t length) { return tpi_mem_offer(base, message, length); }

int64_t tpi_mem_offer(tpi_publication_t *base, const uint8_t *data, size_t length)
{
    mem_message_t *message = NULL;
    const int64_t position = place((mem_publication_t *)base, length, &message);
    if (position < 0) { return position; }
    memcpy(message->data, data, length);
    finish((mem_publication_t *)base, message, true);
    return position;
}

bool tpi_mem_publication_is_connected(const tpi_publication_t *base)
{
    const mem_publication_t *const pub = (const mem_publication_t *)base;
    return !pub->closed && is_connected(pub);
}

/* ---- receiving ------------------------------------------------------------------------------------------------------------- */

static int poll_image(mem_image_t *image, tpi_on_message_t handler, void *clientd, int limit)
{
    int count = 0;
    while (count < limit && NULL != image->queue)
    {
        mem_node_t *const node = image->queue;
        mem_message_t *const message = node->message;
        if (MEM_CLAIMED == message->state || (node->held && NULL != image->pub)) { break; }
        message->refs++;
        remove_node(image, node);
        if (MEM_COMMITTED == message->state)
        {
            const tpi_message_t view = { .data = message->data, .length = message->length, .session_id = message->session_id,
                .position = message->position, .joined_ns = image->joined_ns };
            handler(clientd, &view);
            count++;
        }
        tpi_mem_message_release(message);
    }
    return count;
}

int tpi_mem_poll(tpi_subscription_t *base, tpi_on_message_t handler, void *clientd, int limit)
{
    mem_subscription_t *const sub = (mem_subscription_t *)base;
    int count = 0;
    mem_image_t *image;
    DL_FOREACH(sub->images, image)
    {
        if (MEM_LIVE == image->state) { count += poll_image(image, handler, clientd, limit - count); }
    }
    if (NULL != sub->images && NULL != sub->images->next)           /* another image comes first next time */
    {
        image = sub->images;
        DL_DELETE(sub->images, image);
        DL_APPEND(sub->images, image);
    }
    return count;
}

static void take_record(void *clientd, const tpi_message_t *message)
{
    tpi_records_t *const records = clientd;
    uint64_t head = 0;
    uint32_t key = 0;
    if (TPI_RECORD_BYTES == message->length)
    {
        memcpy(&head, message->data, sizeof(head));
        memcpy(&key, message->data + sizeof(head), sizeof(key));
    }
    if (TPI_RECORD_BYTES != message->length || head != records->head)
    {
        const size_t first_fragment = message->length < MEM_MTU_PAYLOAD ? message->length : MEM_MTU_PAYLOAD;
        records->others++;
        tpi_bus_handler_enter();
        records->other(records, message->data, first_fragment);
        tpi_bus_handler_leave();
    }
    else if (key != records->key) { records->passed++; }
    else { memcpy(records->room[records->count++].bytes, message->data, TPI_RECORD_BYTES); }
}

int tpi_mem_poll_records(tpi_subscription_t *base, tpi_records_t *records)
{
    records->passed = 0;
    records->others = 0;
    return tpi_mem_poll(base, take_record, records, (int)(records->capacity - records->count));
}

bool tpi_mem_subscription_has_message(tpi_subscription_t *base)
{
    const mem_image_t *image;
    DL_FOREACH(((const mem_subscription_t *)base)->images, image)
    {
        if (MEM_LIVE != image->state || NULL == image->queue || (image->queue->held && NULL != image->pub)) { continue; }
        if (MEM_COMMITTED == image->queue->message->state) { return true; }
    }
    return false;
}

int tpi_mem_image_count(const tpi_subscription_t *base)
{
    int count = 0;
    const mem_image_t *image;
    DL_FOREACH(((const mem_subscription_t *)base)->images, image) { count += MEM_LIVE == image->state ? 1 : 0; }
    return count;
}

bool tpi_mem_subscription_is_connected(const tpi_subscription_t *base) { return 0 != tpi_mem_image_count(base); }

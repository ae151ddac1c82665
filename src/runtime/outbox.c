#include "runtime/outbox.h"

#include <string.h>

#include <utlist.h>

#include "common/alloc.h"

static void tell(const tpi_outbox_t *outbox, tpi_outbox_event_t event, const char *why) { outbox->on_event(outbox->clientd, event, why); }

static void keep(tpi_outbox_t *outbox, const uint8_t *data, size_t length, int64_t give_up_ns)
{
    if (outbox->queued >= outbox->queue_max)
    {
        tell(outbox, TPI_OUTBOX_DROPPED, "too many wait for the bus already");
        return;
    }
    tpi_outgoing_t *const waiting = tpi_alloc(sizeof(*waiting) + length);
    if (NULL == waiting)
    {
        tell(outbox, TPI_OUTBOX_DROPPED, "out of memory");
        return;
    }
    waiting->give_up_ns = give_up_ns;
    waiting->length = length;
    memcpy(waiting->data, data, length);
    DL_APPEND(outbox->queue, waiting);
    outbox->queued++;
    tell(outbox, TPI_OUTBOX_KEPT, "");
}

void tpi_outbox_send(tpi_outbox_t *outbox, const uint8_t *data, int64_t length, int64_t give_up_ns)
{
    if (length <= 0)
    {
        tell(outbox, TPI_OUTBOX_DROPPED, "it cannot be encoded");
        return;
    }
    if (NULL == outbox->publication || NULL != outbox->queue)
    {
        keep(outbox, data, (size_t)length, give_up_ns);
        return;
    }
    const int64_t result = tpi_publication_send(outbox->publication, data, (size_t)length);
    if (result > 0) { tell(outbox, TPI_OUTBOX_SENT, ""); }
    else if (tpi_bus_may_take_later(result)) { keep(outbox, data, (size_t)length, give_up_ns); }
    else { tell(outbox, TPI_OUTBOX_DROPPED, tp_result_name(result)); }
}

static void remove_first(tpi_outbox_t *outbox)
{
    tpi_outgoing_t *const first = outbox->queue;
    DL_DELETE(outbox->queue, first);       /* NOLINT(clang-analyzer-core.NullDereference): only the tail has no next, and head->prev is the tail */
    outbox->queued--;
    tpi_free(first);
}

int tpi_outbox_flush(tpi_outbox_t *outbox, int64_t now_ns)
{
    int work = 0;
    while (NULL != outbox->publication && NULL != outbox->queue)
    {
        const tpi_outgoing_t *const first = outbox->queue;
        const int64_t result = tpi_publication_send(outbox->publication, first->data, first->length);
        const bool is_over = now_ns > first->give_up_ns;
        if (result <= 0 && tpi_bus_may_take_later(result) && !is_over) { break; }
        if (result > 0) { tell(outbox, TPI_OUTBOX_SENT, ""); }
        else { tell(outbox, TPI_OUTBOX_DROPPED, is_over ? "its time is over" : tp_result_name(result)); }
        remove_first(outbox);
        work++;
    }
    return work;
}

int tpi_outbox_open_poll(tpi_outbox_t *outbox)
{
    if (NULL == outbox->async) { return NULL != outbox->publication ? 1 : 0; }
    const int rc = tpi_bus_add_publication_poll(outbox->async, &outbox->publication);
    if (0 != rc) { outbox->async = NULL; }
    return rc;
}

void tpi_outbox_fini(tpi_outbox_t *outbox)
{
    while (NULL != outbox->queue) { remove_first(outbox); }
    if (NULL != outbox->async) { tpi_bus_async_cancel(outbox->async); }
    tpi_publication_close(outbox->publication);
    outbox->async = NULL;
    outbox->publication = NULL;
}

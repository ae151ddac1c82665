/*
 * Sending and receiving through Aeron. Publications and subscriptions are used by one thread each, images are reported on the owner thread.
 * Hot: no allocation but the assembly buffers of fragmented messages, no error text.
 */
#include "bus/bus_aeron.h"

#include <aeronc.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"

#define ASSEMBLY_TURNS_MAX 64          /* polls within one poll while fragments arrive but no whole message */
#define DESCRIPTOR_BYTES 48u           /* of a frame descriptor: what most messages are */

/* ---- sending --------------------------------------------------------------------------------------------------------------- */

int64_t tpi_aeron_result(int64_t result)
{
    if (result >= 0) { return result; }
    switch (result)
    {
        case AERON_PUBLICATION_NOT_CONNECTED: return TP_NOT_CONNECTED;
        case AERON_PUBLICATION_BACK_PRESSURED: return TP_BACK_PRESSURED;
        case AERON_PUBLICATION_ADMIN_ACTION: return TP_ADMIN_ACTION;
        case AERON_PUBLICATION_CLOSED:
        case AERON_PUBLICATION_MAX_POSITION_EXCEEDED: return TP_CLOSED;      /* after 2^31 terms only another publication helps */
        default: return TP_FAILED;
    }
}

/*
 * The limit moves only when the media driver runs, which may be asleep. Rung for once a limit: one that stays stands behind a reader that does not
 * read, and no bell helps.
 */
static int64_t refused(aeron_bus_pub_t *pub, int64_t result)
{
    if (AERON_PUBLICATION_BACK_PRESSURED == result)
    {
        const int64_t limit = aeron_exclusive_publication_position_limit(pub->pub);
        if (limit != pub->rung_limit) { tpi_doorbell_ring(pub->bus->doorbell); }                /* L-303 */
        pub->rung_limit = limit;
    }
    return tpi_aeron_result(result);
}

int64_t tpi_aeron_claim(tpi_publication_t *base, size_t length, tpi_bus_claim_t *claim)
{
    aeron_buffer_claim_t taken;
    const int64_t position = aeron_exclusive_publication_try_claim(((aeron_bus_pub_t *)base)->pub, length, &taken);
    if (position < 0) { return refused((aeron_bus_pub_t *)base, position); }
    claim->data = taken.data;
    claim->length = length;
    claim->opaque[1] = taken.frame_header;
    return position;
}

static aeron_buffer_claim_t claim_of(tpi_bus_claim_t *claim)
{
    return (aeron_buffer_claim_t){ .frame_header = claim->opaque[1], .data = claim->data, .length = claim->length };
}

void tpi_aeron_commit(tpi_publication_t *base, tpi_bus_claim_t *claim)
{
    (void)base;
    aeron_buffer_claim_t taken = claim_of(claim);
    (void)aeron_buffer_claim_commit(&taken);
}

void tpi_aeron_abort(tpi_publication_t *base, tpi_bus_claim_t *claim)
{
    (void)base;
    aeron_buffer_claim_t taken = claim_of(claim);
    (void)aeron_buffer_claim_abort(&taken);
}

/* A claim beyond the end of the term leaves TP_ADMIN_ACTION and nothing else behind. */
int64_t tpi_aeron_send_prepared(tpi_publication_t *base, const void *message, size_t length)
{
    aeron_buffer_claim_t taken;
    const int64_t position = aeron_exclusive_publication_try_claim(((aeron_bus_pub_t *)base)->pub, length, &taken);
    if (TPI_RARE(position < 0)) { return refused((aeron_bus_pub_t *)base, position); }
    if (DESCRIPTOR_BYTES == taken.length) { memcpy(taken.data, message, DESCRIPTOR_BYTES); }           /* a call less */
    else { memcpy(taken.data, message, taken.length); }
    (void)aeron_buffer_claim_commit(&taken);
    return position;
}

int64_t tpi_aeron_offer(tpi_publication_t *base, const uint8_t *data, size_t length)
{
    const int64_t position = aeron_exclusive_publication_offer(((aeron_bus_pub_t *)base)->pub, data, length, NULL, NULL);
    return position < 0 ? refused((aeron_bus_pub_t *)base, position) : position;
}

bool tpi_aeron_publication_is_connected(const tpi_publication_t *base)
{
    return aeron_exclusive_publication_is_connected(((const aeron_bus_pub_t *)base)->pub);
}

/* ---- images: owner thread -------------------------------------------------------------------------------------------------- */

static image_list_t *copy_images(const image_list_t *from, size_t room)
{
    const size_t count = NULL == from ? 0 : from->count;
    image_list_t *const copy = tpi_alloc(sizeof(*copy) + (count + room) * sizeof(copy->entries[0]));
    if (NULL == copy) { return NULL; }
    copy->count = count;
    if (0 != count) { memcpy(copy->entries, from->entries, count * sizeof(copy->entries[0])); }
    return copy;
}

static void publish_images(aeron_bus_sub_t *sub)
{
    image_list_t *const copy = copy_images(sub->owned, 0);
    if (NULL == copy) { return; }                                     /* the polling thread falls back to the time of the last do_work */
    tpi_free(atomic_exchange_explicit(&sub->mailbox, copy, memory_order_acq_rel));   /* pairs with take_images; NULL when it was taken */
}

static void report_image(const aeron_bus_sub_t *sub, int32_t session_id, bool available, int64_t now_ns)
{
    if (NULL == sub->on_image) { return; }
    tpi_bus_handler_enter();
    sub->on_image(sub->image_clientd, session_id, available, now_ns);
    tpi_bus_handler_leave();
}

void tpi_aeron_on_available_image(void *clientd, aeron_subscription_t *unused, aeron_image_t *image)
{
    (void)unused;
    aeron_bus_sub_t *const sub = clientd;
    atomic_fetch_add_explicit(&sub->changes, 1, memory_order_release);               /* Aeron has changed its list by now */
    aeron_image_constants_t constants;
    if (aeron_image_constants(image, &constants) < 0) { return; }
    const int64_t now_ns = atomic_load_explicit(&sub->bus->now_ns, memory_order_relaxed);
    image_list_t *const longer = copy_images(sub->owned, 1);
    if (NULL != longer)
    {
        longer->entries[longer->count++] = (image_entry_t){ .image = image, .session_id = constants.session_id, .joined_ns = now_ns };  /* W-084 */
        tpi_free(sub->owned);
        sub->owned = longer;
        publish_images(sub);
    }
    report_image(sub, constants.session_id, true, now_ns);
}

void tpi_aeron_on_unavailable_image(void *clientd, aeron_subscription_t *unused, aeron_image_t *image)
{
    (void)unused;
    aeron_bus_sub_t *const sub = clientd;
    atomic_fetch_add_explicit(&sub->changes, 1, memory_order_release);               /* Aeron has changed its list by now */
    image_list_t *const list = sub->owned;
    for (size_t i = 0; NULL != list && i < list->count; i++)
    {
        if (image != list->entries[i].image) { continue; }
        const int32_t session_id = list->entries[i].session_id;
        list->entries[i] = list->entries[--list->count];
        publish_images(sub);
        report_image(sub, session_id, false, atomic_load_explicit(&sub->bus->now_ns, memory_order_relaxed));
        return;
    }
}

/* ---- receiving: polling thread --------------------------------------------------------------------------------------------- */

static bool has_session(const image_list_t *list, int32_t session_id)
{
    for (size_t i = 0; NULL != list && i < list->count; i++)
    {
        if (session_id == list->entries[i].session_id) { return true; }
    }
    return false;
}

static void take_images(aeron_bus_sub_t *sub)
{
    if (NULL == atomic_load_explicit(&sub->mailbox, memory_order_relaxed)) { return; }
    image_list_t *const newest = atomic_exchange_explicit(&sub->mailbox, NULL, memory_order_acq_rel);   /* pairs with publish_images */
    if (NULL == newest) { return; }
    for (size_t i = 0; NULL != sub->polled && i < sub->polled->count; i++)
    {
        const int32_t session_id = sub->polled->entries[i].session_id;
        if (!has_session(newest, session_id)) { (void)aeron_fragment_assembler_delete_session_buffer(sub->assembler, session_id); }
    }
    tpi_free(sub->polled);
    sub->polled = newest;
    sub->hint = 0;
}

static bool find_joined(aeron_bus_sub_t *sub, const void *image, int32_t session_id, int64_t *joined_ns)
{
    const image_list_t *const list = sub->polled;
    const size_t count = NULL == list ? 0 : list->count;
    for (size_t i = 0, at = sub->hint; i < count; i++, at = at + 1 < count ? at + 1 : 0)
    {
        if (image == list->entries[at].image && session_id == list->entries[at].session_id)
        {
            sub->hint = at;
            *joined_ns = list->entries[at].joined_ns;
            return true;
        }
    }
    return false;
}

/* An image can be polled a moment before its report is in the mailbox: then the do_work that reports it is still running. */
static int64_t joined_ns_of(aeron_bus_sub_t *sub, const void *image, int32_t session_id)
{
    int64_t joined_ns;
    if (find_joined(sub, image, session_id, &joined_ns)) { return joined_ns; }
    const int64_t running_ns = atomic_load_explicit(&sub->bus->now_ns, memory_order_acquire);
    take_images(sub);
    return find_joined(sub, image, session_id, &joined_ns) ? joined_ns : running_ns;
}

void tpi_aeron_on_fragment(void *clientd, const uint8_t *data, size_t length, aeron_header_t *header)
{
    aeron_bus_sub_t *const sub = clientd;
    aeron_header_values_t values;
    if (length > INT32_MAX || aeron_header_values(header, &values) < 0) { return; }      /* a frame shorter than its header */
    const tpi_message_t message =
    {
        .data = data,
        .length = length,
        .session_id = values.frame.session_id,
        .position = aeron_header_position(header),
        .joined_ns = joined_ns_of(sub, aeron_header_context(header), values.frame.session_id),
    };
    sub->delivered++;
    sub->handler(sub->clientd, &message);
}

int tpi_aeron_poll(tpi_subscription_t *base, tpi_on_message_t handler, void *clientd, int limit)
{
    aeron_bus_sub_t *const sub = (aeron_bus_sub_t *)base;
    if (NULL != sub->handler) { return TP_INVALID_ARGUMENT; }                            /* polled again from its own handler */
    if (aeron_subscription_is_closed(sub->sub)) { return TP_CLOSED; }
    take_images(sub);
    sub->handler = handler;
    sub->clientd = clientd;
    sub->delivered = 0;
    int fragments = limit > 0 ? 1 : 0;
    for (int turn = 0; fragments > 0 && 0 == sub->delivered && turn < ASSEMBLY_TURNS_MAX; turn++)
    {
        fragments = aeron_subscription_poll(sub->sub, aeron_fragment_assembler_handler, sub->assembler, (size_t)limit);
    }
    sub->handler = NULL;
    return sub->delivered;
}

bool tpi_aeron_subscription_is_connected(const tpi_subscription_t *base)
{
    return aeron_subscription_is_connected(((const aeron_bus_sub_t *)base)->sub);
}

static aeron_controlled_fragment_handler_action_t look_only(void *clientd, const uint8_t *data, size_t length, aeron_header_t *header)
{
    (void)data;
    (void)length;
    (void)header;
    *(bool *)clientd = true;
    return AERON_ACTION_ABORT;                                        /* it stays unread */
}

bool tpi_aeron_subscription_has_message(tpi_subscription_t *base)
{
    aeron_bus_sub_t *const sub = (aeron_bus_sub_t *)base;
    bool found = false;
    (void)aeron_subscription_controlled_poll(sub->sub, look_only, &found, 1);
    return found;
}

int tpi_aeron_image_count(const tpi_subscription_t *base) { return aeron_subscription_image_count(((const aeron_bus_sub_t *)base)->sub); }

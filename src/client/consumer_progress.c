/*
 * Owns what a consumer hears of frames that are being filled (10-wire.md 13.2). Before its commit a frame is a number; bytes are given access to only
 * when the slot is committed with its seq and passed every check, from a private copy (O-12, trap M5). No frame comes from here: descriptors alone
 * announce frames (W-171). Conductor only.
 */
#include "client/consumer_progress.h"

#include <string.h>

#include "client/consumer_mapping.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "protocol/frame_check.h"
#include "protocol/hello.h"

#define CALL_TIMEOUT_NS (10 * TPI_NS_PER_S)
#define REOPEN_NS TPI_NS_PER_S
#define POLL_LIMIT 64
#define POLL_ROUNDS 8

/* ---- one message -------------------------------------------------------------------------------------------------------- */

/* What a committed slot says about a message. */
typedef struct look
{
    bool committed;
    uint64_t word;
    const tpi_slot_word_t *slot;
    tpi_frame_t frame;
    tpi_tensor_result_t tensor;
}
look_t;

/* 13.2 rule 3. false: drop the message. */
static bool look_at_slot(look_t *look, const tpi_pool_set_t *set, const tpc_frame_progress_t *m)
{
    uint64_t image[TPI_SLOT_WORDS];
    tpc_slot_t fields;
    look->slot = tpi_pool_set_slot(set, tpi_pool_set_index(set, m->seq));                  /* W-163 */
    look->committed = TPI_SLOT_OK == tpi_slot_open(look->slot, m->seq, &look->word, image);        /* W-170 */
    if (!look->committed) { return look->word >> 1 <= m->seq; }                            /* O-62: the slot holds a newer frame */
    tpc_slot_decode(&fields, (const uint8_t *)image);
    const tpi_drop_reason_t reason = tpi_frame_check(&look->frame, &look->tensor, &fields, m->seq, set);
    if (!tpi_pool_set_still(set, look->slot, look->word)) { return false; }
    if (TPI_DROP_ACCEPTED != reason) { return false; }                                     /* W-166 */
    return m->payload_bytes_filled <= look->frame.values_len_bytes;                        /* W-167 */
}

static uint32_t whole_units(const tpi_tensor_result_t *tensor, uint64_t prefix_bytes)
{
    const tp_tensor_t *const t = &tensor->tensor;
    if (TP_PROGRESS_NONE == t->progress_unit) { return 0; }
    const uint32_t all = (uint32_t)t->dims[TP_PROGRESS_ROWS == t->progress_unit ? 0 : 1];
    const uint64_t units = prefix_bytes / t->progress_stride_bytes;
    return prefix_bytes >= tensor->extent_bytes || units > all ? all : (uint32_t)units;
}

static void hand_out(tp_consumer_t *c, const tpc_frame_progress_t *m, const look_t *look)
{
    tp_frame_progress_t out = { .size = sizeof(out), .stream_id = m->stream_id, .epoch = m->epoch, .seq = m->seq,
        .filled_bytes = m->payload_bytes_filled, .state = m->state, .opaque = { c, (const void *)(uintptr_t)look->slot, c->published } };
    if (look->committed)                                                                   /* O-12 */
    {
        out.prefix_bytes = (size_t)tpi_tensor_safe_prefix(&look->tensor, m->payload_bytes_filled);         /* W-164 W-165 W-173 W-174 */
        out.prefix_units = whole_units(&look->tensor, out.prefix_bytes);
        out.payload = tpi_pool_payload(look->frame.pool, look->frame.index);
        out.tensor = &look->tensor.tensor;
        out.opaque_word = look->word;
    }
    c->progress.handler(c->progress.clientd, &out);
}

bool tp_frame_progress_is_valid(const tp_frame_progress_t *progress)
{
    if (NULL == progress || NULL == progress->payload) { return false; }
    const tp_consumer_t *c = progress->opaque[0];
    if (NULL == c->published || c->published != progress->opaque[2]) { return false; }
    return tpi_pool_set_still(c->published->set, progress->opaque[1], progress->opaque_word);
}

/* ---- rules -------------------------------------------------------------------------------------------------------------- */

/* (streamId, epoch) is ours already. */
static bool ensure_tracker(tp_consumer_t *c)
{
    tpi_consumer_progress_t *p = &c->progress;
    if (NULL != p->tracker.seen) { return true; }
    const uint32_t nslots = c->published->set->nslots;
    tpi_progress_seen_t *seen = tpi_alloc((size_t)nslots * sizeof(*seen));
    if (NULL == seen) { return false; }
    tpi_progress_tracker_init(&p->tracker, seen, nslots);
    return true;
}

/* 13.2 rule 1, and the row of 10.1 about progress of another epoch. */
static bool is_of_our_epoch(tp_consumer_t *c, const tpc_frame_progress_t *m, int64_t now_ns)
{
    if (NULL == c->published || !tpi_mapping_delivers(&c->mapping)) { return false; }      /* W-115 W-116 */
    if (m->epoch == c->published->epoch) { return true; }
    if (m->epoch > c->published->epoch && TP_NULL_U64 != m->epoch) { tpi_consumer_mapping_newer_epoch(c, m->epoch, now_ns); }      /* O-19 */
    return false;
}

static bool judge(tp_consumer_t *c, const tpc_frame_progress_t *m, look_t *look, int64_t now_ns)
{
    if (!is_of_our_epoch(c, m, now_ns) || !ensure_tracker(c)) { return false; }
    if (TPI_PROGRESS_ACCEPTED != tpi_progress_check(&c->progress.tracker, m)) { return false; }    /* W-169 */
    if (!look_at_slot(look, c->published->set, m)) { return false; }
    tpi_progress_take(&c->progress.tracker, m);
    return true;
}

static void on_progress(tp_consumer_t *c, const tpc_frame_progress_t *m, int64_t now_ns)
{
    look_t look;
    if (NULL == c->progress.handler) { return; }                                           /* W-162 */
    if (m->stream_id != tpi_load_u32(&c->stream_id)) { return; }                           /* trap P1 */
    if (!judge(c, m, &look, now_ns))
    {
        tpi_stat_add(&c->progress.dropped, 1);
        return;
    }
    tpi_stat_add(&c->progress.received, 1);
    tpi_client_hurry(c->client, now_ns);                   /* more of it is near: the agent does not sleep long */
    hand_out(c, m, &look);
}

void tpi_consumer_on_progress(tp_consumer_t *consumer, const tpc_frame_progress_t *progress, int64_t now_ns)
{
    const tpi_subscription_t *assigned = consumer->progress.subscription;
    if (NULL != assigned && tpi_subscription_is_connected(assigned)) { return; }           /* O-27: from the assigned stream only */
    on_progress(consumer, progress, now_ns);
}

static void on_private(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_consumer_t *c = clientd;
    tpc_frame_progress_t progress;
    if (TPC_OK != tpc_frame_progress_decode(&progress, message->data, message->length))
    {
        tpi_dispatcher_malformed(c->progress.dispatcher);
        return;
    }
    on_progress(c, &progress, now_ns);
}

/* ---- opting in ---------------------------------------------------------------------------------------------------------- */

typedef struct change { tp_consumer_t *consumer; tp_progress_handler_t handler; void *clientd; } change_t;

/* The consumer may have been closed since a call gave up waiting. */
static bool is_open(const tp_client_t *client, const tp_consumer_t *consumer)
{
    const tp_consumer_t *c = client->consumers;
    while (NULL != c && consumer != c) { c = c->next; }
    return NULL != c;
}

static int run_change(tpi_command_t *command, int64_t now_ns)
{
    const change_t *change = command->object;
    tp_consumer_t *c = change->consumer;
    if (!is_open(command->owner, c))
    {
        tpi_free(command->object);
        TPI_SET_ERR(TP_ESTATE, "consumer is closed");
        return -1;
    }
    c->progress.handler = change->handler;
    c->progress.clientd = change->clientd;
    c->next_hello_ns = now_ns;                             /* the producer is told at once */
    return 1;
}

static void dispose_change(void *object, int64_t now_ns)
{
    (void)now_ns;
    tpi_free(object);
}

int tp_consumer_set_progress_handler(tp_consumer_t *consumer, tp_progress_handler_t handler, void *clientd)
{
    static const tpi_opening_t how = { .run = run_change, .dispose = dispose_change, .unmake = tpi_free };
    if (NULL == consumer) { TPI_SET_ERR(TP_EINVAL, "consumer is NULL"); return -1; }
    change_t *change = tpi_alloc(sizeof(*change));
    if (NULL == change) { return -1; }
    *change = (change_t){ consumer, handler, clientd };
    if (tpi_client_open(consumer->client, &how, change, CALL_TIMEOUT_NS) < 0) { return -1; }
    tpi_free(change);
    return 0;
}

void tpi_consumer_progress_hello(const tp_consumer_t *consumer, tpc_consumer_hello_t *hello)
{
    const struct tp_consumer_context *context = &consumer->context;
    hello->supports_progress = NULL == consumer->progress.handler ? 0 : 1;
    hello->progress_interval_us = context->progress_interval_us;
    hello->progress_bytes_delta = context->progress_bytes_delta;
    hello->progress_major_delta_units = context->progress_major_delta;
}

/* ---- assigned control stream -------------------------------------------------------------------------------------------- */

void tpi_consumer_progress_config(tp_consumer_t *consumer, const tpc_consumer_config_t *config, int64_t now_ns)
{
    tpi_consumer_progress_t *p = &consumer->progress;
    tpi_consumer_address_t next = { .stream_id = 0 };
    if (TPI_HELLO_WANTED == tpi_hello_wish(config->control_channel, config->control_stream_id) &&
        config->control_channel.length < sizeof(next.channel))
    {
        (void)tpc_bytes_copy(next.channel, sizeof(next.channel), config->control_channel);
        next.stream_id = (int32_t)config->control_stream_id;
    }
    if (next.stream_id == p->assigned.stream_id && 0 == strcmp(next.channel, p->assigned.channel)) { return; }
    p->assigned = next;
    p->moves = true;                                       /* opened in the next cycle: this is a handler (trap A4) */
    tpi_client_hurry(consumer->client, now_ns);
}

static void leave_stream(tp_consumer_t *c)
{
    tpi_consumer_progress_t *p = &c->progress;
    tpi_open_abandon(c->client->connection, &p->open);
    tpi_subscription_close(p->subscription);
    p->subscription = NULL;
}

/* The shared control stream stays for everything else (W-139). */
static int advance(tp_consumer_t *c, tpi_connection_t *connection, int64_t now_ns)
{
    tpi_consumer_progress_t *p = &c->progress;
    if (p->moves)
    {
        p->moves = false;
        p->reopen_ns = now_ns;
        leave_stream(c);
    }
    if (0 == p->assigned.stream_id || NULL != p->subscription) { return 0; }
    if (NULL == p->open && now_ns >= p->reopen_ns)
    {
        const tpi_subscription_config_t config = { .channel = p->assigned.channel, .stream_id = p->assigned.stream_id,
            .untethered = true };                          /* A6 */
        p->reopen_ns = now_ns + REOPEN_NS;
        p->open = tpi_open_subscription(connection, &config);                              /* W-138 S-044 */
        tpi_client_hurry(c->client, now_ns);
    }
    if (NULL == p->open) { return 0; }
    void *subscription = NULL;
    const int rc = tpi_open_take(connection, &p->open, &subscription);
    if (rc < 0) { tpi_client_report(c->client); }          /* meanwhile the shared stream; asked again */
    if (rc > 0) { p->subscription = subscription; }
    return 0 == rc ? 0 : 1;
}

static int poll(tp_consumer_t *c, int64_t now_ns)
{
    static const tpi_route_t routes[] = { { TPC_WIRE_SCHEMA, TPC_FRAME_PROGRESS, TPC_FRAME_PROGRESS_BLOCK, on_private } };
    tpi_consumer_progress_t *p = &c->progress;
    int total = 0;
    if (NULL == p->dispatcher)
    {
        if (tpi_dispatcher_create(&p->dispatcher) < 0) { return 0; }
        if (tpi_dispatcher_add(p->dispatcher, routes, 1, c) < 0) { return 0; }
    }
    for (int round = 0; round < POLL_ROUNDS; round++)
    {
        const int n = tpi_dispatcher_poll(p->dispatcher, p->subscription, POLL_LIMIT, now_ns);
        if (n > 0) { total += n; }
        if (n < POLL_LIMIT) { break; }
    }
    return total;
}

int tpi_consumer_progress_work(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    tpi_connection_t *connection = c->client->connection;
    if (NULL == connection || !connection->ready) { return 0; }
    const int work = advance(c, connection, now_ns);
    return NULL == c->progress.subscription ? work : work + poll(c, now_ns);
}

/* ---- the end of things -------------------------------------------------------------------------------------------------- */

void tpi_consumer_progress_remapped(tp_consumer_t *consumer)
{
    tpi_free(consumer->progress.tracker.seen);
    consumer->progress.tracker = (tpi_progress_tracker_t){ .nslots = 0 };
}

void tpi_consumer_progress_connection_lost(tp_consumer_t *consumer)
{
    tpi_consumer_progress_t *p = &consumer->progress;
    p->subscription = NULL;                                /* goes with its bus */
    p->open = NULL;
    memset(&p->assigned, 0, sizeof(p->assigned));
    p->moves = false;
}

void tpi_consumer_progress_delete(tp_consumer_t *consumer)
{
    leave_stream(consumer);
    tpi_consumer_progress_remapped(consumer);
    tpi_dispatcher_delete(consumer->progress.dispatcher);
    consumer->progress.dispatcher = NULL;
}

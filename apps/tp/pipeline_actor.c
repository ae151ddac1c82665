/* What all processes of the pipeline demo do alike: connect, find streams by name, tell the demo what they count, end in order. */
#include <string.h>
#include <zlib.h>

#include "connect.h"
#include "pipeline.h"

#define FIND_NS (12 * CLI_NS_PER_S)
#define DRAIN_NS (3 * CLI_NS_PER_S)

const char *const pipe_names[PIPE_ROLES] = { "camera", "bikes", "small", "joined", "viewer" };
const int pipe_sizes[PIPE_STREAMS][2] = {
    { PIPE_CAMERA_WIDTH, PIPE_CAMERA_HEIGHT }, { PIPE_BIKES_WIDTH, PIPE_BIKES_HEIGHT }, { PIPE_SMALL_WIDTH, PIPE_SMALL_HEIGHT },
    { PIPE_JOINED_WIDTH, PIPE_JOINED_HEIGHT },
};

bool pipe_injected(const cli_args_t *args, const char *name) { return NULL != args->inject && 0 == strcmp(args->inject, name); }

uint32_t pipe_crc(const void *bytes, size_t length) { return (uint32_t)crc32(crc32(0, NULL, 0), bytes, (uInt)length); }

int pipe_actor_open(pipe_actor_t *actor, const cli_args_t *args, pipe_role_t role)
{
    cli_args_t named = *args;
    named.client_name = pipe_names[role];
    actor->args = args;
    return cli_connect(&named, &actor->client, NULL);
}

/* One question: whether the discovery service knows exactly one stream of that name. */
static bool find(pipe_actor_t *actor, const char *name, tp_stream_ref_t *stream)
{
    tp_discovery_filter_t filter = TP_DISCOVERY_FILTER_INIT;
    tp_discovery_response_t *response = NULL;
    filter.name = name;
    if (tp_discovery_find(actor->discovery, &filter, CLI_NS_PER_S, &response) < 0) { return false; }
    const bool found = 0 == tp_discovery_response_select(response, name, stream) && TP_STREAM_BY_DISCOVERY == stream->origin;
    tp_discovery_response_free(response);
    return found;
}

/* Lineage is judged by trace ids, which stand in descriptors alone: a late one is waited for. */
static int open_input(pipe_actor_t *actor, int input, const tp_stream_ref_t *stream, const tp_consumer_context_t *context)
{
    tp_consumer_context_t *usual = NULL;
    if (NULL == context && (tp_consumer_context_init(&usual) < 0 || tp_consumer_context_set_ring_recovery(usual, false) < 0)) { return -1; }
    const int rc = tp_consumer_init_ref(&actor->inputs[input], actor->client, stream, NULL == context ? usual : context);
    tp_consumer_context_close(usual);
    return rc;
}

/* A name is known when its producer has announced it and the provider has heard that. */
int pipe_actor_input(pipe_actor_t *actor, int input, const char *name, const tp_consumer_context_t *context)
{
    const int64_t end_ns = cli_now_ns() + FIND_NS;
    tp_stream_ref_t stream = { .size = sizeof(stream) };
    if (NULL == actor->discovery && tp_discovery_client_init(&actor->discovery, actor->client, NULL) < 0) { return cli_error_last(); }
    while (!find(actor, name, &stream))
    {
        if (cli_stopped() || cli_now_ns() > end_ns) { return cli_error(TP_ENOENT, NULL, "demo: discovery does not know '%s' within 12 s", name); }
        if (pipe_actor_listen(actor, 20) < 0) { return CLI_FAILED; }
    }
    if (open_input(actor, input, &stream, context) < 0) { return cli_error_last(); }
    if (actor->record.input_count <= (uint32_t)input) { actor->record.input_count = (uint32_t)input + 1; }
    actor->record.inputs[input].by_discovery = 1;
    while (!tp_consumer_is_mapped(actor->inputs[input]))
    {
        if (cli_stopped() || cli_now_ns() > end_ns) { return cli_error(TP_ETIMEDOUT, NULL, "demo: no regions of '%s' within 12 s", name); }
        if (pipe_actor_listen(actor, 2) < 0) { return CLI_FAILED; }
    }
    return CLI_OK;
}

/* By the driver, which shows its streams a moment after it is up; nobody has announced the name yet. */
static int find_output(pipe_actor_t *actor, const char *name, tp_stream_ref_t *stream)
{
    const int64_t end_ns = cli_now_ns() + FIND_NS;
    while (tp_stream_find(actor->client, name, 0, stream) < 0)
    {
        if (TP_ENOENT != tp_errcode() || cli_stopped() || cli_now_ns() > end_ns || pipe_actor_listen(actor, 20) < 0) { return -1; }
    }
    return 0;
}

int pipe_actor_output(pipe_actor_t *actor, pipe_role_t role, int kind)
{
    const int32_t dims[] = { pipe_sizes[role][1], pipe_sizes[role][0], 3 };
    tp_producer_context_t *context = NULL;
    tp_stream_ref_t stream = { .size = sizeof(stream) };
    int rc = tp_tensor_template_init(&actor->tensor, TP_DTYPE_UINT8, TP_ROW_MAJOR, 3, dims);
    if (0 == rc) { rc = find_output(actor, pipe_names[role], &stream); }
    if (0 == rc) { rc = tp_producer_context_init(&context); }
    if (0 == rc) { rc = tp_producer_context_set_publish_time(context, true); }
    if (0 == rc) { rc = tp_producer_init_ref(&actor->out, actor->client, &stream, context); }
    if (0 == rc) { rc = tp_producer_set_data_source(actor->out, pipe_names[role], "the demo of a pipeline"); }
    if (0 == rc) { rc = tp_trace_stage_init(&actor->stage, actor->out, kind); }
    tp_producer_context_close(context);
    return 0 == rc ? CLI_OK : cli_error_last();
}

bool pipe_actor_commit(pipe_actor_t *actor, tp_buffer_claim_t *claim)
{
    pipe_record_t *record = &actor->record;
    record->seq = claim->seq;
    record->capture_ns = (int64_t)claim->timestamp_ns;
    record->crc = pipe_crc(claim->payload, claim->length);
    const int64_t committed = tp_trace_stage_commit(actor->stage, claim, NULL);
    record->done_ns = cli_now_ns();
    record->trace_id = tp_trace_stage_last_trace_id(actor->stage);
    if (committed >= 0 || TP_NOT_CONNECTED == committed || TP_BACK_PRESSURED == committed) { return true; }
    (void)cli_error(TP_ESTATE, NULL, "demo: a frame cannot be committed: %s", tp_result_name(committed));
    return false;
}

static void count_input(pipe_actor_t *actor, uint32_t i)
{
    tp_consumer_stats_t stats = { .size = sizeof(stats) };
    pipe_input_t *to = &actor->record.inputs[i];
    if (NULL == actor->inputs[i] || tp_consumer_stats(actor->inputs[i], &stats) < 0) { return; }
    to->first_seq = stats.first_seq;
    to->last_seq = stats.last_seq;
    to->epoch = stats.epoch;
    to->received = stats.received;
    to->lost = 0;
    for (int r = 0; r < TP_DROP_REASONS; r++)
    {
        if (TP_DROP_NOT_MAPPED != r && TP_DROP_EPOCH != r && TP_DROP_BAD_DESCRIPTOR != r && TP_DROP_REGRESSION != r) { to->lost += stats.drops[r]; }
    }
    actor->record.private_stream = stats.descriptor_stream_id;
    actor->record.mode = stats.mode;
}

bool pipe_actor_tell(pipe_actor_t *actor, demo_kind_t kind)
{
    tp_producer_stats_t stats = { .size = sizeof(stats) };
    pipe_record_t *record = &actor->record;
    record->kind = (uint32_t)kind;
    for (uint32_t i = 0; 1 == record->input_count && i < record->input_count; i++) { count_input(actor, i); }
    if (NULL != actor->out && 0 == tp_producer_stats(actor->out, &stats))
    {
        record->epoch = stats.epoch;
        record->frames = stats.frames;
        record->aborted = stats.aborted;
        record->private_sent = stats.private_sent;
        record->private_thinned = stats.private_thinned;
    }
    return demo_record_write(record, sizeof(*record));
}

int pipe_actor_listen(pipe_actor_t *actor, int wait_ms)
{
    demo_order_t order;
    const int got = demo_order_read(&order, wait_ms);
    if (got > 0 && ('e' == order.kind || 's' == order.kind))
    {
        actor->ending = true;
        actor->end = order;
        actor->end_ns = cli_now_ns() + DRAIN_NS;
    }
    else if (got > 0) { actor->end = order; }
    return got < 0 ? -1 : 0;
}

bool pipe_actor_done(const pipe_actor_t *actor, int input)
{
    tp_consumer_stats_t stats = { .size = sizeof(stats) };
    if (!actor->ending) { return false; }
    if (cli_now_ns() > actor->end_ns || tp_consumer_stats(actor->inputs[input], &stats) < 0) { return true; }
    return stats.epoch == actor->end.epoch && stats.last_seq >= actor->end.seq;
}

int pipe_actor_close(pipe_actor_t *actor, int code)
{
    demo_order_t order;
    if (NULL != actor->out) { (void)tp_producer_flush(actor->out); }
    if (CLI_OK == code && !pipe_actor_tell(actor, DEMO_END)) { code = CLI_FAILED; }
    while (CLI_OK == code && !cli_stopped() && demo_order_read(&order, 200) >= 0) { }
    for (int i = 0; i < PIPE_INPUTS; i++) { tp_consumer_close(actor->inputs[i]); }
    tp_trace_stage_close(actor->stage);
    tp_producer_close(actor->out);
    tp_tensor_template_close(actor->tensor);
    tp_discovery_client_close(actor->discovery);
    tp_client_close(actor->client);
    return code;
}

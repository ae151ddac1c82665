/* Opening a consumer from arguments, and knowing when to end. */
#include "reader.h"

#include <inttypes.h>
#include <string.h>

#include "connect.h"

#define WAIT_NS INT64_C(100000000)
#define SETTLE_NS (2 * CLI_NS_PER_S)           /* all frames of --count are accounted for and none follows */
#define SILENCE_NS (10 * CLI_NS_PER_S)         /* default of --timeout once frames came and --count was given */

static void on_event(void *clientd, tp_consumer_event_t event, uint64_t epoch, int code, const char *text)
{
    const cli_reader_t *reader = clientd;
    (void)epoch;
    if (TP_CONSUMER_LOST == event || TP_CONSUMER_REFUSED == event)
    {
        cli_warn(code, "it is tried again", "stream %" PRIu32 " %s: %s", reader->stream_id, TP_CONSUMER_LOST == event ? "lost" : "refused", text);
    }
    else if (TP_CONSUMER_FALLBACK == event)
    {
        cli_warn(code, NULL, "stream %" PRIu32 ": shared memory is forbidden to us; the payload is to be had at '%s'", reader->stream_id, text);
    }
}

static int configure(cli_reader_t *reader, tp_consumer_context_t *context)
{
    const cli_args_t *args = reader->args;
    const bool limited = NULL != args->mode ? 0 == strcmp(args->mode, "rate-limited") : CLI_GIVEN(args->max_rate);
    if (CLI_GIVEN(args->desc_id) != (NULL != args->desc_channel)) { return cli_usage(args->verb->name, "--desc-channel and --desc-id go together"); }
    if (CLI_GIVEN(args->ctrl_id) != (NULL != args->ctrl_channel)) { return cli_usage(args->verb->name, "--ctrl-channel and --ctrl-id go together"); }
    if (CLI_GIVEN(args->max_rate) && !limited) { return cli_usage(args->verb->name, "--max-rate needs --mode rate-limited"); }
    if (args->recover && args->no_recover) { return cli_usage(args->verb->name, "--recover and --no-recover exclude each other"); }
    if (args->observe && (args->no_recover || NULL != args->desc_channel || NULL != args->ctrl_channel || CLI_GIVEN(args->client_id)))
    {
        return cli_usage(args->verb->name, "--observe takes no --no-recover, --client-id, --desc-channel and --ctrl-channel: nobody knows of us");
    }
    /* What counts every frame wants every frame that is still there, however late: no jump to the newest one. */
    if (reader->every_frame && tp_consumer_context_set_max_outstanding_seq_gap(context, 0) < 0) { return cli_error_last(); }
    if (tp_consumer_context_set_stream_id(context, reader->stream_id) < 0 || tp_consumer_context_set_newest_only(context, args->newest) < 0 ||
        tp_consumer_context_set_ring_recovery(context, !args->no_recover) < 0 ||
        tp_consumer_context_set_follow_ring(context, args->observe) < 0 ||
        tp_consumer_context_set_latency(context, reader->every_frame) < 0 ||
        tp_consumer_context_set_client_id(context, (uint32_t)CLI_OR(args->client_id, 0)) < 0 ||
        tp_consumer_context_set_event_handler(context, on_event, reader) < 0 ||
        tp_consumer_context_set_mode(context, limited ? TP_MODE_RATE_LIMITED : TP_MODE_STREAM, (uint32_t)CLI_OR(args->max_rate, 0)) < 0 ||
        (NULL != args->desc_channel && tp_consumer_context_set_descriptor_request(context, args->desc_channel, (int32_t)args->desc_id) < 0) ||
        (NULL != args->ctrl_channel && tp_consumer_context_set_control_request(context, args->ctrl_channel, (int32_t)args->ctrl_id) < 0))
    {
        return cli_error_last();
    }
    return CLI_OK;
}

int cli_reader_open(cli_reader_t *reader, const cli_args_t *args, const char *stream, bool every_frame)
{
    tp_consumer_context_t *context = NULL;
    memset(reader, 0, sizeof(*reader));
    reader->args = args;
    reader->every_frame = every_frame;
    reader->text = stdout;
    reader->silence_ns = args->timeout >= 0.0 ? (int64_t)(args->timeout * 1e9) : 0;
    int code = cli_stream(args, stream, &reader->stream_id);
    if (CLI_OK != code) { return code; }
    if (tp_consumer_context_init(&context) < 0) { return cli_error_last(); }
    code = configure(reader, context);
    if (CLI_OK == code) { code = cli_connect(args, &reader->client, &reader->context); }
    if (CLI_OK == code && tp_consumer_init(&reader->consumer, reader->client, context) < 0) { code = cli_error_last(); }
    tp_consumer_context_close(context);
    if (CLI_OK != code) { cli_reader_close(reader); }
    reader->start_ns = reader->last_ns = cli_now_ns();
    reader->deadline_ns = cli_deadline_ns(args->seconds);
    return code;
}

static int raw_stats(const cli_reader_t *reader, tp_consumer_stats_t *stats)
{
    *stats = (tp_consumer_stats_t){ .size = sizeof(*stats) };
    return tp_consumer_stats(reader->consumer, stats);
}

int cli_reader_stats(const cli_reader_t *reader, tp_consumer_stats_t *stats)
{
    static const tp_drop_reason_t early[] = { TP_DROP_NOT_MAPPED, TP_DROP_EPOCH };
    if (raw_stats(reader, stats) < 0) { return -1; }
    for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++)
    {
        stats->drops[early[i]] -= reader->joined ? reader->before_join[early[i]] : stats->drops[early[i]];
    }
    return 0;
}

static void join(cli_reader_t *reader)
{
    tp_consumer_stats_t stats;
    if (reader->joined || raw_stats(reader, &stats) < 0) { return; }
    memcpy(reader->before_join, stats.drops, sizeof(reader->before_join));
    reader->joined = true;
}

/* No frame for a while: whether that ends the reading. */
static bool silence_ends(cli_reader_t *reader, int64_t now_ns)
{
    const int64_t silent_ns = now_ns - reader->last_ns;
    const bool counting = CLI_GIVEN(reader->args->count);
    if (counting && reader->frames > 0 && silent_ns > SETTLE_NS)
    {
        tp_consumer_stats_t stats;
        if (cli_reader_stats(reader, &stats) == 0 && reader->frames + cli_lost(&stats) >= reader->args->count) { return true; }
    }
    const int64_t limit_ns = 0 != reader->silence_ns ? reader->silence_ns : counting && reader->frames > 0 ? SILENCE_NS : INT64_MAX;
    if (silent_ns < limit_ns) { return false; }
    reader->exit_code = cli_error(TP_ETIMEDOUT, NULL, "stream %" PRIu32 ": no frame for %.1f s, %" PRIu64 " frames so far", reader->stream_id,
        (double)silent_ns / 1e9, reader->frames);
    return true;
}

int cli_reader_next(cli_reader_t *reader, tp_frame_view_t *view)
{
    if (reader->frames >= CLI_OR(reader->args->count, UINT64_MAX)) { return 0; }
    int64_t wait_ns = 0;
    while (!cli_stopped())
    {
        const int rc = tp_consumer_next(reader->consumer, view, wait_ns);
        const int64_t now_ns = cli_now_ns();
        if (now_ns >= reader->deadline_ns) { return 0; }
        if (rc > 0)
        {
            join(reader);
            reader->now_ns = now_ns;
            reader->last_ns = now_ns;
            if (0 == reader->frames++ && 0 == reader->first_ns) { reader->first_ns = now_ns; }
            return 1;
        }
        if (rc < 0)
        {
            reader->exit_code = TP_FAILED == rc ? cli_error_last() :
                cli_error(TP_EMEDIADRIVER, "look at `tp doctor`", "reading stream %" PRIu32 " failed: %s", reader->stream_id, tp_result_name(rc));
            return 0;
        }
        if (silence_ends(reader, now_ns) || !cli_flush()) { return 0; }
        wait_ns = reader->deadline_ns - now_ns < WAIT_NS ? reader->deadline_ns - now_ns : WAIT_NS;
    }
    return 0;
}

void cli_reader_torn(cli_reader_t *reader) { reader->frames--; }

void cli_reader_close(cli_reader_t *reader)
{
    tp_consumer_close(reader->consumer);
    tp_client_close(reader->client);
    tp_context_close(reader->context);
    reader->consumer = NULL;
    reader->client = NULL;
    reader->context = NULL;
}

uint64_t cli_lost(const tp_consumer_stats_t *stats)
{
    uint64_t lost = 0;
    for (int reason = 0; reason < TP_DROP_REASONS; reason++)
    {
        if (TP_DROP_RATE != reason) { lost += stats->drops[reason]; }
    }
    return lost;
}

json_t *cli_lost_by_reason(const tp_consumer_stats_t *stats)
{
    json_t *object = json_object();
    for (int reason = 0; reason < TP_DROP_REASONS; reason++)
    {
        if (TP_DROP_RATE != reason) { json_object_set_new(object, tp_drop_reason_name(reason), json_integer((json_int_t)stats->drops[reason])); }
    }
    return object;
}

const char *cli_lost_text(char *buffer, size_t size, const tp_consumer_stats_t *stats)
{
    size_t at = 0;
    buffer[0] = '\0';
    for (int reason = 0; reason < TP_DROP_REASONS && at < size; reason++)
    {
        if (TP_DROP_RATE == reason || 0 == stats->drops[reason]) { continue; }
        at += (size_t)snprintf(buffer + at, size - at, "%s%s %" PRIu64, at > 0 ? ", " : "", tp_drop_reason_name(reason), stats->drops[reason]);
    }
    return buffer;
}

json_t *cli_latency_json(const tp_consumer_stats_t *stats)
{
    return json_pack("{s:I,s:I,s:I}", "p50", (json_int_t)stats->latency_p50_ns, "p99", (json_int_t)stats->latency_p99_ns, "max",
        (json_int_t)stats->latency_max_ns);
}

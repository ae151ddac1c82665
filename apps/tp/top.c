/* tp top: reading, ordering and describing; printing without a terminal. */
#include "top.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect.h"
#include "number.h"
#include "out.h"
#include "rounds.h"
#include "verbs.h"

#define DEAD_MS 10000

const char *const top_sort_names[TOP_SORTS] = { "id", "name", "hz", "rate", "drops", "consumers" };

static const cli_option_t options[] = {
    CLI_OPT_ENUM("sort", 0, sort, "id|name|hz|rate|drops|consumers", "order of the streams (default id; numbers other than the id: largest first)"),
    CLI_OPT_FLAG("reverse", 'r', reverse, "the other way round"),
    CLI_OPT_TEXT("name", 0, name, "TEXT", "only streams whose name or id contains TEXT"),
    CLI_OPT_FLAG("plain", 0, plain, "lines instead of a full screen, as without a terminal"),
    CLI_OPT_REAL("interval", 'i', interval, "S", 3600, "seconds between rounds (default 1)"),
    CLI_OPT_END,
};

/* ---- reading ---- */

int top_read(top_t *top)
{
    tp_counters_t *counters = NULL;
    tp_context_t *context = NULL;
    cli_streams_t fresh;
    int code = cli_context(top->args, &context);               /* anew each round: another media driver may have come */
    if (CLI_OK != code) { return code; }
    if (tp_counters_open(&counters, tp_context_get_aeron_dir(context)) < 0 || cli_streams_collect(&fresh, counters, true) < 0)
    {
        code = cli_exit_of(tp_errcode());
        snprintf(top->problem, sizeof(top->problem), "TP%04d: %s", tp_errcode(), tp_errmsg());
    }
    tp_context_close(context);
    if (CLI_OK == code)
    {
        cli_streams_fini(&top->before);
        top->before = top->now;
        top->before_ns = top->now_ns;
        top->now = fresh;
        top->now_ns = cli_now_ns();
        top->problem[0] = '\0';
        top->media_pid = tp_counters_pid(counters);
        top->alive = tp_counters_heartbeat_age_ms(counters) <= DEAD_MS && cli_pid_alive((uint64_t)top->media_pid);
        if (!top->alive)
        {
            snprintf(top->problem, sizeof(top->problem), "the media driver (pid %" PRId64 ") is dead: these are its last words", top->media_pid);
        }
    }
    tp_counters_close(counters);
    top_arrange(top);
    return code;
}

static const top_t *sorting;           /* for qsort */

static int order_of(double x, double y) { return (x < y) - (x > y); }

static int by_key(const void *a, const void *b)
{
    const cli_stream_t *const x = &sorting->now.streams[*(const size_t *)a];
    const cli_stream_t *const y = &sorting->now.streams[*(const size_t *)b];
    int order = 0;
    switch (sorting->sort)
    {
        case TOP_BY_NAME: order = strcmp(x->name, y->name); break;
        case TOP_BY_HZ: order = order_of(x->hz, y->hz); break;
        case TOP_BY_RATE: order = order_of(x->bytes_per_second, y->bytes_per_second); break;
        case TOP_BY_DROPS: order = order_of((double)x->drops, (double)y->drops); break;
        case TOP_BY_CONSUMERS: order = order_of(x->consumer_count, y->consumer_count); break;
        default: break;
    }
    if (0 == order) { order = (x->stream_id > y->stream_id) - (x->stream_id < y->stream_id); }
    return sorting->reverse ? -order : order;
}

void top_arrange(top_t *top)
{
    size_t *order = realloc(top->order, (top->now.stream_count + 1) * sizeof(*order));
    top->order_count = 0;
    if (NULL == order) { return; }
    top->order = order;
    for (size_t i = 0; i < top->now.stream_count; i++)
    {
        char id[16];
        snprintf(id, sizeof(id), "%" PRIu32, top->now.streams[i].stream_id);
        if ('\0' == top->filter[0] || NULL != strstr(top->now.streams[i].name, top->filter) || NULL != strstr(id, top->filter))
        {
            order[top->order_count++] = i;
        }
    }
    sorting = top;
    if (top->order_count > 1) { qsort(order, top->order_count, sizeof(*order), by_key); }
}

static uint64_t drops_of(const cli_lease_t *lease)
{
    return lease->values[CLI_CLIENT_DROPS_GAP] + lease->values[CLI_CLIENT_DROPS_LATE] + lease->values[CLI_CLIENT_DROPS_OTHER];
}

void top_client(const top_t *top, const cli_stream_t *stream, const cli_lease_t *lease, top_client_t *out)
{
    const double seconds = (double)(top->now_ns - top->before_ns) / 1e9;
    memset(out, 0, sizeof(*out));
    out->drops = drops_of(lease);
    const uint64_t last_seq = lease->values[CLI_CLIENT_LAST_SEQ];
    const bool known = UINT64_MAX != last_seq && (0 != last_seq || stream->newest_seq < stream->header_nslots);     /* 0: none yet, or just mapped */
    if (lease->counted && known && stream->has_frames && stream->newest_seq > last_seq) { out->behind = stream->newest_seq - last_seq; }
    for (size_t i = 0; i < top->before.lease_count && lease->counted; i++)
    {
        const cli_lease_t *const old = &top->before.leases[i];
        const uint64_t *const was = old->values;
        const bool same = old->lease_id == lease->lease_id && old->driver_token == lease->driver_token;
        if (!same || !old->counted || was[CLI_CLIENT_FRAMES] > lease->values[CLI_CLIENT_FRAMES]) { continue; }
        out->measured = seconds > 0.0;
        out->hz = out->measured ? (double)(lease->values[CLI_CLIENT_FRAMES] - was[CLI_CLIENT_FRAMES]) / seconds : 0.0;
        out->bytes_per_second = out->measured ? (double)(lease->values[CLI_CLIENT_BYTES] - was[CLI_CLIENT_BYTES]) / seconds : 0.0;
        out->drops_per_second = out->measured && out->drops >= drops_of(old) ? (double)(out->drops - drops_of(old)) / seconds : 0.0;
    }
}

void top_fini(top_t *top)
{
    cli_streams_fini(&top->now);
    cli_streams_fini(&top->before);
    free(top->order);
    top->order = NULL;
}

/* ---- lines ---- */

static void client_line(const top_t *top, const cli_stream_t *stream, const cli_lease_t *lease, top_emit_t emit, void *clientd)
{
    char line[400];
    char rate[CLI_TEXT_MAX];
    char age[CLI_TEXT_MAX];
    top_client_t client;
    top_client(top, stream, lease, &client);
    int used = snprintf(line, sizeof(line), "  %s %-10" PRIu32, TP_ROLE_PRODUCER == lease->role ? "producer" : "consumer", lease->client_id);
    const double silent_ns = (double)(top->now_ns - lease->keepalive_ns);
    if (!lease->counted)
    {
        snprintf(line + used, sizeof(line) - (size_t)used, "  keepalive %s ago  (has no counters)",
            cli_human_ns(age, silent_ns > 0.0 ? silent_ns : 0.0));
        emit(clientd, TOP_CLIENT, line);
        return;
    }
    used += client.measured ? snprintf(line + used, sizeof(line) - (size_t)used, "  %8.1f Hz  %10s", client.hz,
        cli_human_rate(rate, client.bytes_per_second)) : snprintf(line + used, sizeof(line) - (size_t)used, "  %8s Hz  %10s", "-", "-");
    if (TP_ROLE_CONSUMER == lease->role)
    {
        used += snprintf(line + used, sizeof(line) - (size_t)used, "  lost %" PRIu64 " (%.1f/s)  behind %" PRIu64, client.drops,
            client.drops_per_second, client.behind);
        if (client.behind > 0 && stream->hz > 0.0)
        {
            used += snprintf(line + used, sizeof(line) - (size_t)used, " (%s)", cli_human_ns(age, 1e9 * (double)client.behind / stream->hz));
        }
    }
    else if (UINT64_MAX != lease->values[CLI_CLIENT_LAST_SEQ])
    {
        used += snprintf(line + used, sizeof(line) - (size_t)used, "  seq %" PRIu64, lease->values[CLI_CLIENT_LAST_SEQ]);
    }
    if (lease->has_latency)
    {
        char p50[CLI_TEXT_MAX];
        char p99[CLI_TEXT_MAX];
        used += snprintf(line + used, sizeof(line) - (size_t)used, "  latency p50 %s p99 %s", cli_human_ns(p50, (double)lease->latency_p50_ns),
            cli_human_ns(p99, (double)lease->latency_p99_ns));
    }
    snprintf(line + used, sizeof(line) - (size_t)used, "  pid %" PRIu64 "%s", lease->pid, cli_pid_alive(lease->pid) ? "" : " (gone)");
    emit(clientd, TOP_CLIENT, line);
}

static void stream_line(const cli_stream_t *s, top_emit_t emit, void *clientd)
{
    char line[600];
    char shape[128];
    char rate[CLI_TEXT_MAX];
    char life[CLI_TEXT_MAX];
    int used = snprintf(line, sizeof(line), "%-10" PRIu32 " %-16s", s->stream_id, '\0' != s->name[0] ? s->name : "-");
    if (s->has_frames)
    {
        used += snprintf(line + used, sizeof(line) - (size_t)used, "  %s %s  %.1f Hz  %s  seq %" PRIu64,
            cli_format_shape(shape, s->tensor.ndims, s->tensor.dims), tp_dtype_name(s->tensor.dtype), s->hz,
            cli_human_rate(rate, s->bytes_per_second), s->newest_seq);
        if (s->hz > 0.0)
        {
            used += snprintf(line + used, sizeof(line) - (size_t)used, "  slot life %s", cli_human_ns(life, 1e9 * (double)s->header_nslots / s->hz));
        }
    }
    else { used += snprintf(line + used, sizeof(line) - (size_t)used, "  no frame"); }
    used = used < (int)sizeof(line) ? used : (int)sizeof(line) - 1;
    snprintf(line + used, sizeof(line) - (size_t)used, "  epoch %" PRIu64 "  %" PRIu32 " slots%s", s->epoch, s->header_nslots,
        0 == s->producer_client_id ? "  no producer" : "");
    emit(clientd, TOP_STREAM, line);
}

static void condition_line(const top_t *top, const cli_condition_t *condition, top_emit_t emit, void *clientd)
{
    char line[400];
    char age[CLI_TEXT_MAX];
    int used = snprintf(line, sizeof(line), "! %s", condition->kind);
    if (0 != condition->stream_id) { used += snprintf(line + used, sizeof(line) - (size_t)used, "  stream %" PRIu32, condition->stream_id); }
    if (0 != condition->client_id) { used += snprintf(line + used, sizeof(line) - (size_t)used, "  client %" PRIu32, condition->client_id); }
    if ('\0' != condition->client_name[0]) { used += snprintf(line + used, sizeof(line) - (size_t)used, " '%s'", condition->client_name); }
    const double age_ns = (double)(top->now_ns - condition->since_ns);
    snprintf(line + used, sizeof(line) - (size_t)used, "  %" PRId64 " (bound %" PRId64 ") for %s", condition->value, condition->bound,
        cli_human_ns(age, age_ns > 0.0 ? age_ns : 0.0));
    emit(clientd, TOP_NOTE, line);
}

void top_lines(const top_t *top, top_emit_t emit, void *clientd)
{
    double hz = 0.0;
    double bytes = 0.0;
    char line[200];
    char rate[CLI_TEXT_MAX];
    for (size_t i = 0; i < top->now.stream_count; i++) { hz += top->now.streams[i].hz; bytes += top->now.streams[i].bytes_per_second; }
    snprintf(line, sizeof(line), "%zu streams  %zu leases  %.1f frames/s  %s  by %s%s%s%s", top->now.stream_count, top->now.lease_count, hz,
        cli_human_rate(rate, bytes), top_sort_names[top->sort], top->reverse ? ", reversed" : "", '\0' != top->filter[0] ? "  only " : "",
        top->filter);
    emit(clientd, TOP_TITLE, line);
    if ('\0' != top->problem[0]) { emit(clientd, TOP_NOTE, top->problem); }
    for (size_t i = 0; i < top->now.condition_count; i++) { condition_line(top, &top->now.conditions[i], emit, clientd); }
    for (size_t i = 0; i < top->order_count; i++)
    {
        const cli_stream_t *const stream = &top->now.streams[top->order[i]];
        stream_line(stream, emit, clientd);
        for (int role = TP_ROLE_PRODUCER; role <= TP_ROLE_CONSUMER; role++)
        {
            for (size_t j = 0; j < top->now.lease_count; j++)
            {
                const cli_lease_t *const lease = &top->now.leases[j];
                if (cli_lease_is_of(lease, stream) && role == lease->role) { client_line(top, stream, lease, emit, clientd); }
            }
        }
    }
    if (0 == top->order_count) { emit(clientd, TOP_NOTE, 0 == top->now.stream_count ? "no streams" : "no stream passes the filter"); }
}

/* ---- without a terminal ---- */

static void print_line(void *clientd, top_line_t kind, const char *text)
{
    char safe[700];
    (void)clientd;
    (void)kind;
    snprintf(safe, sizeof(safe), "%s", text);
    cli_disarm(safe);
    puts(safe);
}

static json_t *client_json(const top_t *top, const cli_stream_t *stream, const cli_lease_t *lease)
{
    top_client_t client;
    top_client(top, stream, lease, &client);
    json_t *const out = json_pack("{s:s,s:o,s:o,s:o,s:b}", "role", TP_ROLE_PRODUCER == lease->role ? "producer" : "consumer", "client_id",
        cli_json_id(lease->client_id), "lease_id", cli_json_id(lease->lease_id), "pid",
        lease->counted ? json_integer((json_int_t)lease->pid) : json_null(), "measured", (int)client.measured);
    if (client.measured)
    {
        json_object_set_new(out, "hz", json_real(client.hz));
        json_object_set_new(out, "bytes_per_second", json_real(client.bytes_per_second));
    }
    if (lease->counted && UINT64_MAX != lease->values[CLI_CLIENT_LAST_SEQ])
    {
        json_object_set_new(out, "last_seq", json_integer((json_int_t)lease->values[CLI_CLIENT_LAST_SEQ]));
    }
    if (lease->has_latency)
    {
        json_object_set_new(out, "latency_p50_ns", json_integer(lease->latency_p50_ns));
        json_object_set_new(out, "latency_p99_ns", json_integer(lease->latency_p99_ns));
        json_object_set_new(out, "latency_max_ns", json_integer(lease->latency_max_ns));
    }
    if (lease->counted && TP_ROLE_CONSUMER == lease->role)
    {
        json_object_set_new(out, "drops", json_integer((json_int_t)client.drops));
        json_object_set_new(out, "drops_per_second", json_real(client.drops_per_second));
        json_t *const reasons = json_object();
        for (int reason = 0; reason < TP_DROP_REASONS; reason++)
        {
            if (0 != lease->reasons[reason])
            {
                json_object_set_new(reasons, tp_drop_reason_name(reason), json_integer((json_int_t)lease->reasons[reason]));
            }
        }
        json_object_set_new(out, "drops_by_reason", reasons);
        json_object_set_new(out, "behind", json_integer((json_int_t)client.behind));
    }
    return out;
}

static void print_json(const top_t *top, uint64_t round)
{
    for (size_t i = 0; i < top->order_count; i++)
    {
        const cli_stream_t *const s = &top->now.streams[top->order[i]];
        json_t *const clients = json_array();
        for (size_t j = 0; j < top->now.lease_count; j++)
        {
            if (cli_lease_is_of(&top->now.leases[j], s)) { json_array_append_new(clients, client_json(top, s, &top->now.leases[j])); }
        }
        (void)cli_json_line(json_pack("{s:s,s:o,s:s,s:s,s:o,s:f,s:f,s:o,s:I,s:o}", "type", "stream", "stream_id", cli_json_id(s->stream_id), "name",
            s->name, "driver", s->driver_instance, "epoch", cli_json_id(s->epoch), "hz", s->hz, "bytes_per_second", s->bytes_per_second, "last_seq",
            s->has_frames ? json_integer((json_int_t)s->newest_seq) : json_null(), "drops", (json_int_t)s->drops, "clients", clients));
    }
    for (size_t i = 0; i < top->now.condition_count; i++)
    {
        const cli_condition_t *const c = &top->now.conditions[i];
        (void)cli_json_line(json_pack("{s:s,s:s,s:o,s:o,s:s,s:I,s:I,s:I}", "type", "condition", "kind", c->kind, "stream_id",
            cli_json_id(c->stream_id), "client_id", cli_json_id(c->client_id), "client_name", c->client_name, "value", (json_int_t)c->value,
            "bound", (json_int_t)c->bound, "age_ns", (json_int_t)(top->now_ns - c->since_ns)));
    }
    (void)cli_json_line(json_pack("{s:s,s:I,s:o,s:i,s:i,s:i,s:b,s:s}", "type", "round", "round", (json_int_t)round, "time_ns",
        cli_json_id((uint64_t)cli_realtime_ns()), "streams", (int)top->now.stream_count, "leases", (int)top->now.lease_count, "conditions",
        (int)top->now.condition_count, "alive", (int)top->alive, "problem", top->problem));
}

static int plain(top_t *top)
{
    const cli_args_t *const args = top->args;
    const double interval = args->interval > 0.01 ? args->interval : args->interval >= 0.0 ? 0.01 : 1.0;
    const int64_t deadline_ns = cli_deadline_ns(args->seconds);
    for (uint64_t round = 1; round <= CLI_OR(args->count, UINT64_MAX); round++)
    {
        cli_sleep_ns((int64_t)(interval * 1e9));
        if (cli_stopped()) { break; }
        (void)top_read(top);
        if (args->json) { print_json(top, round); }
        else
        {
            if (round > 1) { putchar('\n'); }
            top_lines(top, print_line, NULL);
        }
        if (!cli_flush() || cli_now_ns() >= deadline_ns) { break; }
    }
    return CLI_OK;
}

static int run_top(const cli_args_t *args)
{
    top_t top = { .args = args, .reverse = args->reverse };
    const char *const term = getenv("TERM");
    for (int i = 0; i < TOP_SORTS; i++)
    {
        if (NULL != args->sort && 0 == strcmp(top_sort_names[i], args->sort)) { top.sort = (top_sort_t)i; }
    }
    snprintf(top.filter, sizeof(top.filter), "%s", NULL != args->name ? args->name : "");
    int code = top_read(&top);
    if (CLI_OK != code)
    {
        if ('\0' != top.problem[0]) { code = cli_error_last(); }
        top_fini(&top);
        return code;
    }
    bool unable = args->json || args->plain || NULL == term || '\0' == term[0] || 0 == strcmp(term, "dumb") || 0 == isatty(STDOUT_FILENO) ||
        0 == isatty(STDIN_FILENO);
    if (!unable) { code = top_screen(&top, &unable); }
    if (unable) { code = plain(&top); }
    top_fini(&top);
    return code;
}

const cli_verb_t verb_top = {
    .name = "top", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .run = run_top,
    .summary = "Live tree: streams with their producer and consumers, rates, losses, who falls behind",
    .text = "Keys: q end, s next sort order, r the other way round, / only names that contain a text (empty: all), space stop and go,\n"
        "arrows and page keys move. Without a terminal, with --plain or --json: a block of lines each round, until interrupted, --count or\n"
        "--seconds. Rates of clients are those between two rounds. Needs no lease and disturbs nobody.",
};

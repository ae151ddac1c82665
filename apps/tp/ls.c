/* tp ls and tp info: streams as counters and header rings show them, without a lease. */
#include <inttypes.h>
#include <string.h>

#include "connect.h"
#include "meta.h"
#include "number.h"
#include "out.h"
#include "rounds.h"
#include "streams.h"
#include "verbs.h"

static const cli_option_t ls_options[] = {
    CLI_OPT_FLAG("quiet", 'q', quiet, "only names (or ids), one a line"),
    CLI_ROUNDS_OPTIONS,
    CLI_OPT_END,
};

static const cli_option_t info_options[] = {
    CLI_OPT_FLAG("meta", 'm', with_meta, "listen for name, summary and attributes of the source as well (up to 2.5 s)"),
    CLI_ROUNDS_OPTIONS,
    CLI_OPT_END,
};

static json_t *dims_json(const cli_stream_t *s)
{
    json_t *dims = s->has_frames ? json_array() : json_null();
    for (uint32_t i = 0; s->has_frames && i < s->tensor.ndims; i++) { json_array_append_new(dims, json_integer(s->tensor.dims[i])); }
    return dims;
}

static json_t *stream_json(const cli_stream_t *s)
{
    return json_pack("{s:s,s:o,s:s,s:s,s:o,s:i,s:i,s:I,s:o,s:i,s:I,s:o,s:o,s:o,s:f,s:f,s:s}", "type", "stream", "stream_id",
        cli_json_id(s->stream_id), "name",
        s->name, "driver", s->driver_instance, "epoch", cli_json_id(s->epoch), "header_nslots", (int)s->header_nslots, "pools", (int)s->pool_count,
        "max_stride_bytes", (json_int_t)s->max_stride_bytes, "producer", 0 != s->producer_client_id ? cli_json_id(s->producer_client_id) :
        json_null(),
        "consumers", (int)s->consumer_count, "drops", (json_int_t)s->drops, "dtype", s->has_frames ? json_string(tp_dtype_name(s->tensor.dtype)) :
        json_null(),
        "dims", dims_json(s), "last_seq", s->has_frames ? json_integer((json_int_t)s->newest_seq) : json_null(), "hz", s->hz, "bytes_per_second",
        s->bytes_per_second, "directory", s->directory);
}

static void ls_table(const cli_streams_t *streams)
{
    static const char *const headings[] = { ">ID", "NAME", "SHAPE", "DTYPE", ">HZ", ">RATE", ">EPOCH", ">SLOTS", ">PRODUCER", ">CONSUMERS", ">DROPS",
        "DRIVER", NULL };
    cli_table_t table;
    char text[128];
    cli_table_init(&table, headings);
    for (size_t i = 0; i < streams->stream_count; i++)
    {
        const cli_stream_t *s = &streams->streams[i];
        cli_table_cell(&table, "%" PRIu32, s->stream_id);
        cli_table_cell(&table, "%s", '\0' != s->name[0] ? s->name : "-");
        cli_table_cell(&table, "%s", s->has_frames ? cli_format_shape(text, s->tensor.ndims, s->tensor.dims) : "-");
        cli_table_cell(&table, "%s", s->has_frames ? tp_dtype_name(s->tensor.dtype) : "-");
        cli_table_cell(&table, "%.1f", s->hz);
        cli_table_cell(&table, "%s", cli_human_rate(text, s->bytes_per_second));
        cli_table_cell(&table, "%" PRIu64, s->epoch);
        cli_table_cell(&table, "%" PRIu32, s->header_nslots);
        cli_table_cell(&table, 0 != s->producer_client_id ? "%" PRIu32 : "-", s->producer_client_id);
        cli_table_cell(&table, "%" PRIu32, s->consumer_count);
        cli_table_cell(&table, "%" PRIu64, s->drops);
        cli_table_cell(&table, "%s", s->driver_instance);
    }
    cli_table_print(&table, stdout);
    cli_table_fini(&table);
    if (0 == streams->stream_count) { printf("no streams\n"); }
}

static int ls_round(const cli_args_t *args, void *clientd)
{
    tp_counters_t *const counters = cli_counters_now(args, clientd);
    cli_streams_t streams;
    const int code = cli_streams_read(&streams, counters, !args->quiet);
    if (CLI_OK == code)
    {
        (void)cli_note_dead(counters);
        if (!args->json && !args->quiet) { ls_table(&streams); }
        for (size_t i = 0; i < streams.stream_count && (args->json || args->quiet); i++)
        {
            const cli_stream_t *stream = &streams.streams[i];
            if (args->json) { (void)cli_json_line(stream_json(stream)); }
            else if ('\0' != stream->name[0]) { printf("%s\n", stream->name); }
            else { printf("%" PRIu32 "\n", stream->stream_id); }
        }
    }
    cli_streams_fini(&streams);
    return code;
}

static int run_ls(const cli_args_t *args) { return cli_counter_rounds(args, ls_round); }

/* ---- info ---- */

typedef struct info { tp_counters_t *counters; tp_client_t *client; cli_target_t stream; } info_t;       /* client only with --meta */

static const char *role_name(uint8_t role) { return TP_ROLE_PRODUCER == role ? "producer" : TP_ROLE_CONSUMER == role ? "consumer" : "unknown"; }

static json_t *lease_json(const cli_lease_t *lease, int64_t now_ns)
{
    const uint64_t *v = lease->values;
    json_t *object = json_pack("{s:s,s:o,s:o,s:f}", "role", role_name(lease->role), "client_id", cli_json_id(lease->client_id), "lease_id",
        cli_json_id(lease->lease_id), "keepalive_age_seconds", (double)(now_ns - lease->keepalive_ns) / 1e9);
    if (!lease->counted) { return object; }
    json_object_set_new(object, "pid", json_integer((json_int_t)lease->pid));
    json_object_set_new(object, "frames", json_integer((json_int_t)v[CLI_CLIENT_FRAMES]));
    json_object_set_new(object, "bytes", json_integer((json_int_t)v[CLI_CLIENT_BYTES]));
    json_object_set_new(object, "last_seq", UINT64_MAX != v[CLI_CLIENT_LAST_SEQ] ? json_integer((json_int_t)v[CLI_CLIENT_LAST_SEQ]) : json_null());
    if (TP_ROLE_CONSUMER == lease->role)
    {
        json_object_set_new(object, "drops_gap", json_integer((json_int_t)v[CLI_CLIENT_DROPS_GAP]));
        json_object_set_new(object, "drops_late", json_integer((json_int_t)v[CLI_CLIENT_DROPS_LATE]));
        json_object_set_new(object, "drops_other", json_integer((json_int_t)v[CLI_CLIENT_DROPS_OTHER]));
    }
    return object;
}

static void info_json(const cli_stream_t *s, const cli_streams_t *streams, const cli_meta_t *meta)
{
    const int64_t now_ns = cli_now_ns();
    json_t *object = stream_json(s);
    json_t *leases = json_array();
    for (size_t i = 0; i < streams->lease_count; i++)
    {
        if (cli_lease_is_of(&streams->leases[i], s)) { json_array_append_new(leases, lease_json(&streams->leases[i], now_ns)); }
    }
    json_object_set_new(object, "leases", leases);
    if (NULL != meta) { json_object_set_new(object, "source", cli_meta_json(meta)); }
    (void)cli_json_line(object);
}

static void info_leases(const cli_stream_t *s, const cli_streams_t *streams)
{
    static const char *const headings[] = { "ROLE", ">CLIENT", ">PID", ">KEEPALIVE", ">FRAMES", ">BYTES", ">LAST SEQ", ">GAP", ">LATE", ">OTHER",
        NULL };
    cli_table_t table;
    char text[CLI_TEXT_MAX];
    const int64_t now_ns = cli_now_ns();
    cli_table_init(&table, headings);
    for (size_t i = 0; i < streams->lease_count; i++)
    {
        const cli_lease_t *lease = &streams->leases[i];
        if (!cli_lease_is_of(lease, s)) { continue; }
        cli_table_cell(&table, "%s", role_name(lease->role));
        cli_table_cell(&table, "%" PRIu32, lease->client_id);
        cli_table_cell(&table, lease->counted ? "%" PRIu64 : "-", lease->pid);
        cli_table_cell(&table, "%s ago", cli_human_ns(text, (double)(now_ns - lease->keepalive_ns)));
        cli_table_cell(&table, "%" PRIu64, lease->values[CLI_CLIENT_FRAMES]);
        cli_table_cell(&table, "%s", cli_human_bytes(text, (double)lease->values[CLI_CLIENT_BYTES]));
        for (int kind = CLI_CLIENT_LAST_SEQ; kind >= CLI_CLIENT_DROPS_GAP; kind--)
        {
            static const int order[] = { CLI_CLIENT_LAST_SEQ, CLI_CLIENT_DROPS_GAP, CLI_CLIENT_DROPS_LATE, CLI_CLIENT_DROPS_OTHER };
            const uint64_t value = lease->values[order[CLI_CLIENT_LAST_SEQ - kind]];
            cli_table_cell(&table, UINT64_MAX != value ? "%" PRIu64 : "-", value);
        }
    }
    cli_table_print(&table, stdout);
    cli_table_fini(&table);
}

static void info_text(const cli_stream_t *s, const cli_streams_t *streams, const cli_meta_t *meta)
{
    char text[128];
    char rate[CLI_TEXT_MAX];
    printf("stream     %" PRIu32 "%s%s\n", s->stream_id, '\0' != s->name[0] ? "  " : "", s->name);
    printf("driver     %s\n", s->driver_instance);
    if (0 == s->epoch) { printf("epoch      none: not provisioned yet\n"); }
    else { printf("epoch      %" PRIu64 "  %s\n", s->epoch, s->directory); }
    printf("slots      %" PRIu32 " in %" PRIu32 " pools, largest stride %s bytes\n", s->header_nslots, s->pool_count, cli_human_count(text,
        s->max_stride_bytes));
    if (s->has_frames)
    {
        char shape[128];
        printf("newest     seq %" PRIu64 "  %s %s  %" PRIu64 " bytes in pool %u, captured %s ago\n", s->newest_seq,
            cli_format_shape(shape, s->tensor.ndims, s->tensor.dims), tp_dtype_name(s->tensor.dtype), s->newest_bytes, (unsigned)s->newest_pool,
            cli_human_ns(text, (double)(cli_now_ns() - (int64_t)s->newest_ns)));
        printf("rate       %.2f Hz  %s\n", s->hz, cli_human_rate(rate, s->bytes_per_second));
        if (s->hz > 0.0) { printf("slot life  %s\n", cli_human_ns(text, 1e9 * (double)s->header_nslots / s->hz)); }
    }
    else { printf("newest     no frame in this epoch\n"); }
    if (NULL != meta) { cli_meta_print(meta, stdout); }
    printf("\n");
    info_leases(s, streams);
}

static int info_round(const cli_args_t *args, void *clientd)
{
    info_t *const info = clientd;
    cli_streams_t streams;
    cli_meta_t meta = { .has_source = false };
    const cli_stream_t *found = NULL;
    const int heard = NULL == info->client ? CLI_OK : cli_meta_fetch(info->client, info->stream.stream_id, CLI_META_WAIT_NS, &meta);
    if (CLI_OK != heard) { return heard; }
    int code = cli_streams_read(&streams, cli_counters_now(args, &info->counters), true);
    for (size_t i = 0; CLI_OK == code && i < streams.stream_count; i++)
    {
        const cli_stream_t *s = &streams.streams[i];
        const bool there = '\0' == info->stream.driver[0] || 0 == strcmp(info->stream.driver, s->driver_instance);
        if (s->stream_id == info->stream.stream_id && there) { found = s; }
    }
    if (CLI_OK == code && NULL == found)
    {
        code = cli_error(TP_ENOSTREAM, "tp ls shows the streams there are", "no driver on this media driver knows stream %" PRIu32,
            info->stream.stream_id);
    }
    if (NULL != found)
    {
        (void)cli_note_dead(info->counters);
        const cli_meta_t *shown = NULL == info->client ? NULL : &meta;
        if (args->json) { info_json(found, &streams, shown); }
        else { info_text(found, &streams, shown); }
    }
    cli_streams_fini(&streams);
    cli_meta_fini(&meta);
    return code;
}

static int run_info(const cli_args_t *args)
{
    info_t info = { .counters = NULL };
    int code = cli_target(args, args->positional[0], &info.stream);
    if (CLI_OK == code) { code = cli_counters(args, &info.counters); }
    if (CLI_OK == code && args->with_meta) { code = cli_connect(args, &info.client, NULL); }
    if (CLI_OK == code) { code = cli_rounds(args, info_round, &info); }
    tp_client_close(info.client);
    tp_counters_close(info.counters);
    return code;
}

const cli_verb_t verb_ls = {
    .name = "ls", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = ls_options, .run = run_ls,
    .summary = "List streams with shape, rate, epoch, slots, producer, consumers and drops",
};
const cli_verb_t verb_info = {
    .name = "info", .arguments = "STREAM", .min_arguments = 1, .max_arguments = 1, .options = info_options, .run = run_info,
    .summary = "Everything about one stream: regions, newest frame, rate, who holds leases",
};

/* tp discover: one request to a discovery provider, its answer as a table or as JSON. What it says is advice; tp ls looks itself. */
#include "discover.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connect.h"
#include "number.h"
#include "out.h"
#include "rounds.h"
#include "verbs.h"

#define ASK_NS (5 * CLI_NS_PER_S)
#define PROBE_NS CLI_NS_PER_S
#define STATUS_ERROR 3

static const cli_option_t options[] = {
    CLI_OPT_TEXT("name", 0, name, "GLOB", "only streams of that name; *, ? and [...] as in a shell"),
    CLI_OPT_LIST("tag", 't', tags, "TAG", "only streams that carry this tag; again for more, all have to be there"),
    CLI_OPT_NUMBER("stream", 0, stream_id, "ID", 0, UINT32_MAX - 1, "only this stream id"),
    CLI_OPT_NUMBER("producer", 0, producer_id, "ID", 0, UINT32_MAX - 1, "only streams of this producer"),
    CLI_OPT_NUMBER("source-id", 0, source_id, "ID", 0, UINT64_MAX - 1, "only streams of this data source"),
    CLI_OPT_REAL("timeout", 0, timeout, "S", 3600, "how long to wait for an answer (default 5)"),
    CLI_ROUNDS_OPTIONS,
    CLI_OPT_END,
};

typedef struct discover { tp_client_t *client; tp_discovery_client_t *discovery; } discover_t;

static bool is_glob(const char *text) { return NULL != text && NULL != strpbrk(text, "*?["); }

/* ---- JSON ---- */

/* Texts of the network need not be UTF-8, which JSON has to be: other bytes become '?'. */
static json_t *text_json(const char *text)
{
    json_t *const value = json_string(text);
    if (NULL != value) { return value; }
    char *const copy = strdup(text);
    for (char *at = copy; NULL != at && '\0' != *at; at++)
    {
        if ((unsigned char)*at > 0x7E) { *at = '?'; }
    }
    json_t *const safe = NULL != copy ? json_string(copy) : json_null();
    free(copy);
    return safe;
}

static json_t *pools_json(const tp_discovery_result_t *r)
{
    json_t *const pools = json_array();
    for (uint32_t i = 0; i < r->pool_count; i++)
    {
        const tp_discovery_pool_t *p = &r->pools[i];
        json_array_append_new(pools, json_pack("{s:i,s:I,s:I,s:o}", "pool_id", (int)p->pool_id, "nslots", (json_int_t)p->nslots, "stride_bytes",
            (json_int_t)p->stride_bytes, "region_uri", text_json(p->region_uri)));
    }
    return pools;
}

static json_t *result_json(const tp_discovery_result_t *r)
{
    json_t *const tags = json_array();
    for (uint32_t i = 0; i < r->tag_count; i++) { json_array_append_new(tags, text_json(r->tags[i])); }
    return json_pack("{s:o,s:o,s:o,s:I,s:I,s:i,s:i,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:o}", "stream_id", cli_json_id(r->stream_id), "producer_id",
        cli_json_id(r->producer_id), "epoch", cli_json_id(r->epoch), "layout_version", (json_int_t)r->layout_version, "header_nslots",
        (json_int_t)r->header_nslots, "header_slot_bytes", (int)r->header_slot_bytes, "max_dims", (int)r->max_dims, "data_source_id",
        TP_NULL_U64 != r->data_source_id ? cli_json_id(r->data_source_id) : json_null(), "driver_instance_id", text_json(r->driver_instance),
        "driver_control_channel", text_json(r->driver_control_channel), "driver_control_stream_id", (json_int_t)r->driver_control_stream_id,
        "header_region_uri", text_json(r->header_region_uri), "data_source_name", text_json(r->name), "pools", pools_json(r), "tags", tags);
}

static int error_json(int code)
{
    (void)cli_json_line(json_pack("{s:s,s:s,s:i,s:o,s:[]}", "type", "discovery", "request_id", "0", "status", STATUS_ERROR, "error",
        text_json(tp_errmsg()), "results"));
    return cli_exit_of(code);
}

/* ---- one round ---- */

static bool is_wanted(const cli_args_t *args, const tp_discovery_result_t *r)
{
    return !is_glob(args->name) || 0 == fnmatch(args->name, r->name, 0);
}

static void print_json(const cli_args_t *args, const tp_discovery_response_t *response)
{
    json_t *const results = json_array();
    tp_discovery_result_t r;
    for (uint32_t i = 0; i < tp_discovery_response_count(response); i++)
    {
        if (0 == tp_discovery_response_at(response, i, &r) && is_wanted(args, &r)) { json_array_append_new(results, result_json(&r)); }
    }
    (void)cli_json_line(json_pack("{s:s,s:o,s:i,s:s,s:i,s:o}", "type", "discovery", "request_id",
        cli_json_id(tp_discovery_response_request_id(response)), "status", tp_discovery_response_status(response), "error", "", "refused",
        (int)tp_discovery_response_refused(response), "results", results));
}

static void join_tags(char *text, size_t size, const tp_discovery_result_t *r)
{
    size_t used = 0;
    snprintf(text, size, "-");
    for (uint32_t i = 0; i < r->tag_count && used + 1 < size; i++)
    {
        const int n = snprintf(text + used, size - used, "%s%s", 0 == i ? "" : ",", r->tags[i]);
        if (n < 0) { return; }
        used += (size_t)n;
    }
}

static void print_table(const cli_args_t *args, const tp_discovery_response_t *response)
{
    static const char *const headings[] = { ">ID", "NAME", "TAGS", ">SOURCE", ">PRODUCER", ">EPOCH", ">SLOTS", ">POOLS", "DRIVER", "CONTROL", NULL };
    cli_table_t table;
    char tags[200];
    unsigned shown = 0;
    tp_discovery_result_t r;
    cli_table_init(&table, headings);
    for (uint32_t i = 0; i < tp_discovery_response_count(response); i++)
    {
        if (tp_discovery_response_at(response, i, &r) < 0 || !is_wanted(args, &r)) { continue; }
        shown++;
        join_tags(tags, sizeof(tags), &r);
        cli_table_cell(&table, "%" PRIu32, r.stream_id);
        cli_table_cell(&table, "%s", '\0' != r.name[0] ? r.name : "-");
        cli_table_cell(&table, "%s", tags);
        cli_table_cell(&table, TP_NULL_U64 != r.data_source_id ? "%" PRIu64 : "-", r.data_source_id);
        cli_table_cell(&table, 0 != r.producer_id ? "%" PRIu32 : "-", r.producer_id);
        cli_table_cell(&table, "%" PRIu64, r.epoch);
        cli_table_cell(&table, "%" PRIu32, r.header_nslots);
        cli_table_cell(&table, "%" PRIu32, r.pool_count);
        cli_table_cell(&table, "%s", '\0' != r.driver_instance[0] ? r.driver_instance : "-");
        cli_table_cell(&table, "%s %" PRId32, r.driver_control_channel, r.driver_control_stream_id);
    }
    cli_table_print(&table, stdout);
    cli_table_fini(&table);
    if (0 == shown) { printf("no streams\n"); }
    const uint32_t refused = tp_discovery_response_refused(response);
    if (refused > 0) { cli_warn(TP_EPROTOCOL, NULL, "%" PRIu32 " results left out: they break the protocol", refused); }
}

static int discover_round(const cli_args_t *args, void *clientd)
{
    const discover_t *const discover = clientd;
    tp_discovery_response_t *response = NULL;
    tp_discovery_filter_t filter = TP_DISCOVERY_FILTER_INIT;
    if (CLI_GIVEN(args->stream_id)) { filter.stream_id = (uint32_t)args->stream_id; }
    if (CLI_GIVEN(args->producer_id)) { filter.producer_id = (uint32_t)args->producer_id; }
    if (CLI_GIVEN(args->source_id)) { filter.data_source_id = args->source_id; }
    if (!is_glob(args->name)) { filter.name = args->name; }
    filter.tags = args->tags.items;
    filter.tag_count = (uint32_t)args->tags.count;
    const int64_t timeout_ns = args->timeout > 0.0 ? (int64_t)(args->timeout * 1e9) : ASK_NS;
    if (tp_discovery_find(discover->discovery, &filter, timeout_ns, &response) < 0)
    {
        return args->json && TP_EDISCOVERY == tp_errcode() ? error_json(tp_errcode()) : cli_error_last();
    }
    if (args->json) { print_json(args, response); }
    else { print_table(args, response); }
    tp_discovery_response_free(response);
    return CLI_OK;
}

/* AERON_DIR REQUEST_CHANNEL REQUEST_STREAM RESPONSE_CHANNEL RESPONSE_STREAM [STREAM] */
static int take_positionals(cli_args_t *args, tp_discovery_config_t *config)
{
    uint64_t id = 0;
    if (0 == args->positional_count) { return CLI_OK; }
    if (args->positional_count < 5) { return cli_usage("discover", "tp discover takes no words, or five or six; %d given", args->positional_count); }
    config->request_channel = args->positional[1];
    config->response_channel = args->positional[3];
    for (int i = 2; i <= args->positional_count - 1; i += 2 == i ? 2 : 1)
    {
        if (!cli_parse_u64(args->positional[i], 1, 5 == i ? UINT32_MAX - 1 : INT32_MAX, &id))
        {
            return cli_usage("discover", "'%s' is no stream id", args->positional[i]);
        }
        if (2 == i) { config->request_stream_id = (int32_t)id; }
        if (4 == i) { config->response_stream_id = (int32_t)id; }
        if (5 == i) { args->stream_id = id; }
    }
    return CLI_OK;
}

static int run_discover(const cli_args_t *given)
{
    discover_t discover = { NULL, NULL };
    tp_discovery_config_t config;
    cli_args_t args = *given;
    if (args.positional_count > 0) { args.aeron_dir = args.positional[0]; }
    int code = cli_connect(&args, &discover.client, NULL);
    if (CLI_OK == code && tp_discovery_config_init(&config, discover.client) < 0) { code = cli_error_last(); }
    if (CLI_OK == code) { code = take_positionals(&args, &config); }
    if (CLI_OK == code && tp_discovery_client_init(&discover.discovery, discover.client, &config) < 0) { code = cli_error_last(); }
    if (CLI_OK == code) { code = cli_rounds(&args, discover_round, &discover); }
    tp_discovery_client_close(discover.discovery);
    tp_client_close(discover.client);
    return code;
}

/* ---- for tp doctor ---- */

void cli_discovery_probe(const cli_args_t *args, cli_probe_t *probe)
{
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    tp_discovery_client_t *discovery = NULL;
    tp_discovery_response_t *response = NULL;
    *probe = (cli_probe_t){ .answers = false };
    if (CLI_OK != cli_context(args, &context)) { return; }
    const int32_t stream_id = tp_context_get_discovery_stream_id(context);
    snprintf(probe->endpoint, sizeof(probe->endpoint), "stream %" PRId32 " of %.500s", stream_id, tp_context_get_discovery_channel(context));
    if (0 == tp_connect(&client, context) && 0 == tp_discovery_client_init(&discovery, client, NULL) &&
        0 == tp_discovery_find(discovery, NULL, PROBE_NS, &response))
    {
        probe->answers = true;
        probe->streams = tp_discovery_response_count(response);
    }
    else if (NULL != discovery && TP_EDISCOVERY == tp_errcode()) { probe->answers = true; }
    tp_discovery_response_free(response);
    tp_discovery_client_close(discovery);
    tp_client_close(client);
    tp_context_close(context);
}

const cli_verb_t verb_discover = {
    .name = "discover", .arguments = "[AERON_DIR CHANNEL ID RESPONSE_CHANNEL RESPONSE_ID [STREAM]]", .min_arguments = 0, .max_arguments = 6,
    .options = options, .run = run_discover,
    .summary = "Ask the discovery provider which streams there are, and whose",
    .text = "Endpoints come from TP_DISCOVERY_CHANNEL, TP_DISCOVERY_STREAM_ID, TP_DISCOVERY_RESPONSE_CHANNEL and\n"
        "TP_DISCOVERY_RESPONSE_STREAM_ID, the endpoint file of a driver with an embedded provider, or the control channel with 7000\n"
        "and 7004; or from the words, all of them.\n"
        "Exit code 3 when no provider answers. What it says is a hint that may be out of date: drivers decide.",
};

/* Owns the keys of a join's file and its cross checks: what a receiver of the map would refuse is refused here, with the line (J-013 to J-037). */
#include <inttypes.h>
#include <string.h>

#include "common/alloc.h"
#include "config/source.h"

#define MS UINT64_C(1000000)

typedef struct keys
{
    tpi_join_config_t *config;
    char kind[16], clock[24], order[16], match[16];
    uint32_t out_stream, anchor, frame_capacity, view_capacity;
    uint64_t epoch, stale_timeout_ms, lateness_ns, max_skew_ns, period_ms;
    bool require_processed, tolerates_misalignment;
    uint32_t inputs_line;
}
keys_t;

typedef struct input
{
    uint32_t stream;
    char source[16], clock[24];
    uint64_t window;
    int64_t offset;
}
input_t;

#define AT(object_, field_) .offset = offsetof(object_, field_), .size = sizeof(((object_ *)0)->field_)
#define CHOICE(name_, object_, field_, default_, choices_, doc_) \
    { .key = name_, .type = TPI_CONF_CHOICE, AT(object_, field_), .default_text = default_, .choices = choices_, .doc = doc_ }
#define NUMBER(name_, type_, object_, field_, default_, min_, max_, flags_, doc_) \
    { .key = name_, .type = type_, AT(object_, field_), .default_text = default_, .min = min_, .max = max_, .flags = flags_, .doc = doc_ }
#define FLAG(name_, field_, doc_) { .key = name_, .type = TPI_CONF_BOOL, AT(keys_t, field_), .default_text = "false", .doc = doc_ }

static const tpi_conf_row_t rows[] = {
    CHOICE("join.kind", keys_t, kind, "\"sequence\"", "sequence|timestamp|latest",
        "aligned by sequence numbers, by times, or by nothing: the newest frame of each input"),
    NUMBER("join.out_stream", TPI_CONF_U32, keys_t, out_stream, "required", 1, UINT32_MAX, 0, "stream id of the output"),
    NUMBER("join.epoch", TPI_CONF_U64, keys_t, epoch, "1", 1, INT64_MAX, 0, "epoch of the output that the map is for"),
    NUMBER("join.stale_timeout_ms", TPI_CONF_U64, keys_t, stale_timeout_ms, "0", 0, 86400000, 0,
        "an input that is silent for longer is left out; 0 = it blocks for ever"),
    CHOICE("join.clock", keys_t, clock, "\"monotonic\"", "monotonic|realtime_synced", "kind timestamp: the clock of all times in this join"),
    NUMBER("join.lateness_ns", TPI_CONF_U64, keys_t, lateness_ns, "0", 0, INT64_MAX, 0,
        "kind timestamp: how far an input may lag behind the output's time"),
    CHOICE("join.match", keys_t, match, "\"newest_before\"", "newest_before|nearest", "kind timestamp: which frame an offset takes"),
    NUMBER("join.max_skew_ns", TPI_CONF_U64, keys_t, max_skew_ns, "0", 0, INT64_MAX, 0,
        "kind timestamp: a frame farther from the needed time is no partner; 0 = no bound"),
    NUMBER("join.anchor", TPI_CONF_U32, keys_t, anchor, "0", 0, UINT32_MAX, 0,
        "kinds timestamp and latest: the input whose frames each ask for an output; 0 = the first input, any input"),
    NUMBER("join.period_ms", TPI_CONF_U64, keys_t, period_ms, "0", 0, 3600000, 0, "the same kinds: an output each period instead; 0 = none"),
    CHOICE("join.order", keys_t, order, "\"sequence\"", "sequence|timestamp", "kind latest: what newest means"),
    FLAG("join.require_processed", require_processed, "a step before the join reports each frame as processed"),
    FLAG("join.tolerates_misalignment", tolerates_misalignment, "kind latest: frames of one output may be of any age; say so"),
    NUMBER("join.frame_capacity", TPI_CONF_U32, keys_t, frame_capacity, "1024", 2, 65536, 0, "frames of one input that may wait at once"),
    NUMBER("join.view_capacity", TPI_CONF_U32, keys_t, view_capacity, "256", TP_MERGE_RULES_MAX, 4096, 0, "frames of one output"),
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const tpi_conf_row_t input_rows[] = {
    NUMBER("stream", TPI_CONF_U32, input_t, stream, NULL, 1, UINT32_MAX, TPI_CONF_REQUIRED, "stream id of the input"),
    NUMBER("window", TPI_CONF_U64, input_t, window, "0", 1, INT64_MAX, 0,
        "all frames of that many before the output's; kind timestamp: of as many ns"),
    CHOICE("source", input_t, source, "\"captured\"", "captured|published", "kind timestamp: which time of a frame counts"),
    CHOICE("clock", input_t, clock, "\"announced\"", "announced|monotonic|realtime_synced|unknown",
        "its clock, where its announces are not to be believed; unknown = bridged from a host whose clock cannot be compared"),
};
#define INPUT_ROWS (sizeof(input_rows) / sizeof(input_rows[0]))

static bool is(const char *value, const char *text) { return 0 == strcmp(value, text); }
static bool by_time(const keys_t *k) { return is(k->kind, "timestamp") || (is(k->kind, "latest") && is(k->order, "timestamp")); }

/* ---- inputs ------------------------------------------------------------------------------------------------------------- */

static int read_offset(const tpi_conf_source_t *source, const tpi_toml_node_t *node, const char *title, int64_t *offset)
{
    const tpi_toml_node_t *value = tpi_toml_get(node, "offset");
    *offset = 0;
    if (NULL == value) { return 0; }
    if (TPI_TOML_INTEGER != value->type)
    {
        return tpi_conf_refuse(source, value, TP_ECONF_TYPE, "%soffset is %s, not an integer", title, tpi_toml_type_name(value->type));
    }
    if (INT64_MIN == value->integer)
    {
        return tpi_conf_refuse(source, value, TP_ECONF_RANGE, "%soffset = %" PRId64 ", must be above -2^63", title, value->integer);
    }
    *offset = value->integer;
    return 0;
}

static int read_input(const tpi_conf_source_t *source, const tpi_toml_node_t *node, keys_t *keys, const char *title)
{
    tpi_join_config_t *c = keys->config;
    input_t in = { .source = "captured", .clock = "announced" };
    const tpi_conf_table_t table = { .node = node, .rows = input_rows, .row_count = INPUT_ROWS, .key_prefix = title, .title = "[[join.inputs]]",
        .other_key = "offset", .object = &in };
    if (tpi_conf_read_table(source, &table) < 0 || read_offset(source, node, title, &in.offset) < 0) { return -1; }
    if (0 != in.window && NULL != tpi_toml_get(node, "offset"))
    {
        return tpi_conf_refuse(source, node, TP_ECONF_RULE, "%swindow and offset are both given; an input has one of them", title);
    }
    c->rules[c->map.rule_count++] = (tp_merge_rule_t){ .input_stream_id = in.stream, .type = 0 != in.window ? TP_MERGE_WINDOW : TP_MERGE_OFFSET,
        .source = is(in.source, "captured") ? TP_TIME_CAPTURED : TP_TIME_PUBLISHED, .offset = in.offset, .window = in.window };
    if (is(in.clock, "announced")) { return 0; }
    c->clocks[c->options.clock_count++] = (tp_join_clock_t){ in.stream, is(in.clock, "monotonic") ? TP_CLOCK_MONOTONIC :
        is(in.clock, "unknown") ? TP_CLOCK_UNKNOWN : TP_CLOCK_REALTIME_SYNCED };
    return 0;
}

static int read_inputs(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *object)
{
    keys_t *keys = object;
    if (TPI_TOML_ARRAY != node->type)
    {
        return tpi_conf_refuse(source, node, TP_ECONF_TYPE, "join.inputs is %s, not an array of tables", tpi_toml_type_name(node->type));
    }
    if (node->count > TP_MERGE_RULES_MAX)
    {
        return tpi_conf_refuse(source, node, TP_ECONF_RANGE, "join.inputs has %zu tables, at most %d", node->count, TP_MERGE_RULES_MAX);
    }
    keys->inputs_line = node->key_line;
    for (size_t i = 0; i < node->count; i++)
    {
        char title[48];
        (void)snprintf(title, sizeof(title), "join.inputs[%zu].", i);
        if (tpi_conf_need_table(source, &node->children[i], "[[join.inputs]]") < 0) { return -1; }
        if (read_input(source, &node->children[i], keys, title) < 0) { return -1; }
    }
    return 0;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

static int refuse(const tpi_conf_source_t *source, uint32_t line)
{
    tpi_conf_add_place(source, line);
    return -1;
}

static int check(const tpi_conf_source_t *source, const keys_t *k)
{
    const tpi_join_config_t *c = k->config;
    if (0 == k->out_stream) { TPI_SET_ERR(TP_ECONF_RULE, "join.out_stream is missing"); return refuse(source, 0); }
    if (0 == c->map.rule_count) { TPI_SET_ERR(TP_ECONF_RULE, "join.inputs is missing or empty"); return refuse(source, k->inputs_line); }  /* J-014 */
    if (is(k->kind, "sequence") && (0 != k->anchor || 0 != k->period_ms))
    {
        TPI_SET_ERR(TP_ECONF_RULE, "join.%s is for kinds timestamp and latest", 0 != k->anchor ? "anchor" : "period_ms");
        return refuse(source, 0);
    }
    if (0 != k->anchor && 0 != k->period_ms)
    {
        TPI_SET_ERR(TP_ECONF_RULE, "join.anchor and join.period_ms are both given; an output is asked for by one of them");
        return refuse(source, 0);
    }
    for (uint32_t i = 0; i < c->map.rule_count && !by_time(k); i++)
    {
        const tp_merge_rule_t *r = &c->rules[i];
        if (r->offset > INT32_MIN && r->offset <= INT32_MAX && r->window < UINT32_MAX) { continue; }
        TPI_SET_ERR(TP_ECONF_RANGE, "join.inputs[%" PRIu32 "]: offset = %" PRId64 ", window = %" PRIu64 ": in frames, below 2^31 and 2^32 - 1", i,
            r->offset, r->window);
        return refuse(source, k->inputs_line);
    }
    return 0;
}

static void warn(const tpi_conf_source_t *source, const keys_t *k)
{
    const tpi_join_config_t *c = k->config;
    uint64_t smallest = UINT64_MAX;
    for (uint32_t i = 0; i < c->map.rule_count; i++)
    {
        if (0 != c->rules[i].window && c->rules[i].window < smallest) { smallest = c->rules[i].window; }
    }
    if (is(k->kind, "timestamp") && UINT64_MAX != smallest && 0 == k->lateness_ns)                                      /* J-037 */
    {
        tpi_conf_warn(source, TP_ECONF_RULE, "join.lateness_ns is 0 and there is a window: that input has to reach the output's time first");
    }
    if (is(k->kind, "timestamp") && UINT64_MAX != smallest && k->lateness_ns > smallest)                                /* O-9 */
    {
        tpi_conf_warn(source, TP_ECONF_RULE, "join.lateness_ns is above the smallest window, which may turn out empty");
    }
    for (uint32_t i = 0; is(k->clock, "monotonic") && by_time(k) && i < c->options.clock_count; i++)
    {
        if (TP_CLOCK_MONOTONIC == c->clocks[i].clock_domain) { continue; }
        tpi_conf_warn(source, TP_ECONF_RULE, "join.clock is monotonic and input %" PRIu32 " has another host's clock: use realtime_synced on both "
            "hosts, and write the drift down", c->clocks[i].input_stream_id);                                           /* J-072 */
    }
    if (is(k->kind, "latest") && !k->tolerates_misalignment)                                                            /* J-088 */
    {
        tpi_conf_warn(source, TP_ECONF_RULE, "join.kind = \"latest\" aligns nothing: frames of one output may be of any age; if that is meant, say "
            "tolerates_misalignment = true");
    }
}

static void fill(const keys_t *k)
{
    tpi_join_config_t *c = k->config;
    tp_join_options_t *o = &c->options;
    tp_merge_map_t *m = &c->map;
    const bool timed = by_time(k);
    o->kind = is(k->kind, "sequence") ? TP_JOIN_SEQUENCE : is(k->kind, "timestamp") ? TP_JOIN_TIMESTAMP : TP_JOIN_LATEST;
    o->order = is(k->order, "timestamp") ? TP_JOIN_BY_TIME : TP_JOIN_BY_SEQ;
    o->out_stream_id = m->out_stream_id = k->out_stream;
    o->rule_capacity = TP_MERGE_RULES_MAX;
    o->require_processed = k->require_processed;
    o->allow_stale = 0 != k->stale_timeout_ms;
    o->clocks = c->clocks;
    o->frame_capacity = k->frame_capacity;
    o->view_capacity = k->view_capacity;
    o->match = is(k->match, "nearest") ? TP_JOIN_NEAREST : TP_JOIN_NEWEST_BEFORE;
    o->anchor_stream_id = k->anchor;
    o->period_ns = (int64_t)(k->period_ms * MS);
    o->max_skew_ns = k->max_skew_ns;
    m->kind = timed ? TP_MERGE_TIMESTAMP : TP_MERGE_SEQUENCE;
    m->clock_domain = !timed ? 0 : is(k->clock, "monotonic") ? TP_CLOCK_MONOTONIC : TP_CLOCK_REALTIME_SYNCED;
    m->epoch = k->epoch;
    m->stale_timeout_ns = 0 == k->stale_timeout_ms ? TP_NULL_U64 : k->stale_timeout_ms * MS;
    m->lateness_ns = timed ? k->lateness_ns : 0;
    m->rules = c->rules;
    for (uint32_t i = 0; i < m->rule_count && !timed; i++) { c->rules[i].source = TP_TIME_NONE; }
}

int tpi_join_config_load(tpi_join_config_t *config, const char *file, const tpi_config_options_t *options)
{
    static const tpi_config_options_t no_options;
    keys_t keys = { .config = config, .kind = "sequence", .clock = "monotonic", .order = "sequence", .match = "newest_before", .epoch = 1,
        .frame_capacity = 1024, .view_capacity = TP_MERGE_RULES_MAX };
    const tpi_conf_reader_t readers[] = { { "join", "inputs", read_inputs, &keys } };
    const tpi_conf_section_t section = { .rows = rows, .row_count = ROWS, .object = &keys, .readers = readers, .reader_count = 1 };
    tpi_config_origins_t *const origins = tpi_alloc(sizeof(*origins));
    const tpi_conf_source_t source = { .reader = "a join", .sections = &section, .section_count = 1,
        .options = NULL == options ? &no_options : options, .origins = origins };
    unsigned mode = 0;
    if (NULL == origins) { return -1; }
    config->options = (tp_join_options_t)TP_JOIN_OPTIONS_INIT;
    config->map = (tp_merge_map_t)TP_MERGE_MAP_INIT;
    int rc = tpi_conf_apply_file(&source, file, &mode);
    if (rc >= 0) { rc = check(&source, &keys); }
    if (rc >= 0)
    {
        fill(&keys);
        warn(&source, &keys);
    }
    tpi_free(origins);
    return rc < 0 ? -1 : 0;
}

void tpi_join_config_example(FILE *out)
{
    char takes[256];
    fprintf(out, "# One output stream and the inputs that it needs. `tp join --map FILE` follows it, with --publish-map it announces it.\n"
        "[join]\n");
    for (size_t i = 0; i < ROWS; i++)
    {
        const char *key = rows[i].key + strlen("join.");
        const bool required = is(rows[i].default_text, "required");
        tpi_conf_describe(&rows[i], takes, sizeof(takes));
        fprintf(out, "# %s (%s)\n%s%s = %s\n", rows[i].doc, takes, required ? "" : "# ", key, required ? "20000" : rows[i].default_text);
    }
    fprintf(out, "\n[[join.inputs]]\nstream = 10000\noffset = 0            # frames, or ns in a join by time; or window = N\n\n[[join.inputs]]\n"
        "stream = 10001\noffset = -2\n");
}

/* Life of the map of a join, and its requests: 50-join-barrier.md 2.3, 3.5, 4.2, O-3, O-10, O-16. Control path; owned by the thread of the join. */
#include "protocol/join.h"

#include "common/alloc.h"
#include "common/err.h"

#include <inttypes.h>
#include <string.h>

static tpi_merge_kind_t map_kind_of(const tpi_join_options_t *options)
{
    if (TPI_JOIN_SEQUENCE == options->kind) { return TPI_MERGE_SEQUENCE; }
    if (TPI_JOIN_TIMESTAMP == options->kind) { return TPI_MERGE_TIMESTAMP; }
    if (0 != options->map_kind) { return options->map_kind; }
    return TPI_JOIN_BY_TIME == options->order ? TPI_MERGE_TIMESTAMP : TPI_MERGE_SEQUENCE;                           /* O-23 */
}

static int check_options(const tpi_join_options_t *o)
{
    if (TPI_JOIN_SEQUENCE != o->kind && TPI_JOIN_TIMESTAMP != o->kind && TPI_JOIN_LATEST != o->kind)
    {
        TPI_SET_ERR(TP_EINVAL, "kind of join = %d, must be sequence (1), timestamp (2) or latest (3)", (int)o->kind);
        return -1;
    }
    if (0 == o->rule_capacity || o->rule_capacity > TPC_RULES_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "rule_capacity = %" PRIu32 ", must be 1 .. %d", o->rule_capacity, TPC_RULES_MAX);
        return -1;
    }
    if (o->domain_count > TPC_RULES_MAX || (NULL == o->domains && o->domain_count > 0))
    {
        TPI_SET_ERR(TP_EINVAL, "domain_count = %" PRIu32 ", must be 0 .. %d with a table", o->domain_count, TPC_RULES_MAX);
        return -1;
    }
    return 0;
}

int tpi_join_create(tpi_join_t **join, const tpi_join_options_t *options)
{
    if (check_options(options) < 0) { return -1; }
    const size_t n = options->rule_capacity;
    tpi_join_t *j = tpi_alloc(sizeof(*j));
    if (NULL == j) { return -1; }
    j->options = *options;                                                                                          /* J-082 J-083 */
    j->options.map_kind = map_kind_of(options);
    tpi_join_domain_t *domains = tpi_alloc_array((size_t)options->domain_count + 1, sizeof(*domains));
    j->options.domains = domains;
    j->map.rules = tpi_alloc_array(n, sizeof(*j->map.rules));                                                       /* J-002 */
    j->staged.rules = tpi_alloc_array(n, sizeof(*j->staged.rules));
    j->inputs = tpi_alloc_array(n, sizeof(*j->inputs));
    j->spare = tpi_alloc_array(n, sizeof(*j->spare));
    j->marks = tpi_alloc_array(n, sizeof(*j->marks));
    j->listed = tpi_alloc_array(n, sizeof(*j->listed));
    j->selected = tpi_alloc_array(n, sizeof(*j->selected));
    if (NULL == domains || NULL == j->map.rules || NULL == j->staged.rules || NULL == j->inputs || NULL == j->spare || NULL == j->marks ||
        NULL == j->listed || NULL == j->selected)
    {
        tpi_join_delete(j);
        return -1;
    }
    if (options->domain_count > 0) { memcpy(domains, options->domains, options->domain_count * sizeof(*domains)); }
    j->map.rule_capacity = j->staged.rule_capacity = options->rule_capacity;
    *join = j;
    return 0;
}

void tpi_join_delete(tpi_join_t *join)
{
    if (NULL == join) { return; }
    tpi_free((void *)(uintptr_t)join->options.domains);
    tpi_free(join->map.rules);
    tpi_free(join->staged.rules);
    tpi_free(join->inputs);
    tpi_free(join->spare);
    tpi_free(join->marks);
    tpi_free(join->listed);
    tpi_free(join->selected);
    tpi_free(join);
}

const char *tpi_join_reason_name(tpi_join_reason_t reason)
{
    static const char *const names[TPI_JOIN_REASON_COUNT] = { "all_there", "some_absent", "no_map", "invalid_map", "missing", "all_absent",
        "null_time", "failed", "out_domain", "out_time_back", "input_domain", "input_time_back", "no_clock_domain", "wrong_kind" };
    return reason < TPI_JOIN_REASON_COUNT ? names[reason] : "unknown";
}

const char *tpi_join_seen_name(tpi_join_seen_t seen)
{
    static const char *const names[TPI_JOIN_SEEN_COUNT] = { "frame_taken", "frame_no_map", "frame_no_input", "frame_old_epoch", "frame_repeated",
        "frame_failed", "time_taken", "time_null", "time_back", "time_repeated", "time_other_epoch", "processed_taken", "processed_null",
        "processed_other_epoch", "processed_not_above", "input_restarted" };
    return seen < TPI_JOIN_SEEN_COUNT ? names[seen] : "unknown";
}

const char *tpi_join_map_event_name(tpi_join_map_event_t event)
{
    static const char *const names[TPI_JOIN_MAP_EVENT_COUNT] = { "installed", "repeated", "refused", "other_pair", "other_kind", "dropped",
        "not_ours" };
    return event < TPI_JOIN_MAP_EVENT_COUNT ? names[event] : "unknown";
}

static void ask_at_once(tpi_join_t *join, int64_t now_ns)
{
    join->request_due_ns = now_ns;                                                                                  /* O-10 */
    join->request_pause_ns = TPI_JOIN_REQUEST_PAUSE_NS;
}

void tpi_join_on_output_epoch(tpi_join_t *join, uint64_t epoch, int64_t now_ns)
{
    if (join->epoch_set && join->epoch == epoch) { return; }
    join->epoch = epoch;
    join->epoch_set = true;
    join->map_state = TPI_JOIN_MAP_NONE;                                                                            /* J-041 */
    join->map.rule_count = 0;
    join->last_out_set = false;
    ask_at_once(join, now_ns);
}

bool tpi_join_request_is_due(const tpi_join_t *join, int64_t now_ns)
{
    return join->epoch_set && TPI_JOIN_MAP_ACTIVE != join->map_state && now_ns >= join->request_due_ns;             /* J-098 */
}

void tpi_join_requested(tpi_join_t *join, int64_t now_ns)
{
    join->requests++;
    join->request_due_ns = now_ns > INT64_MAX - join->request_pause_ns ? INT64_MAX : now_ns + join->request_pause_ns;
    join->request_pause_ns *= 2;
    if (join->request_pause_ns > TPI_JOIN_REQUEST_PAUSE_MAX_NS) { join->request_pause_ns = TPI_JOIN_REQUEST_PAUSE_MAX_NS; }
}

/* ---- installation ---- */

/* The record of the map before that knows the same input, best one with the same timestamp source. */
static const tpi_join_input_t *record_before(const tpi_join_t *join, const tpi_merge_rule_t *rule, bool *same_source)
{
    const tpi_join_input_t *found = NULL;
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        if (join->map.rules[i].input_stream_id != rule->input_stream_id) { continue; }
        *same_source = join->map.rules[i].source == rule->source;
        found = &join->inputs[i];
        if (*same_source) { break; }
    }
    return found;
}

static uint8_t stated_domain(const tpi_join_t *join, uint32_t stream_id, uint8_t otherwise)
{
    for (uint32_t i = 0; i < join->options.domain_count; i++)
    {
        if (join->options.domains[i].input_stream_id == stream_id) { return join->options.domains[i].clock_domain; }             /* O-29 */
    }
    return otherwise;
}

/* O-3, O-16 */
static tpi_join_input_t carry_over(const tpi_join_t *join, const tpi_merge_rule_t *rule, bool same_domain)
{
    bool same_source = false;
    const tpi_join_input_t *before = record_before(join, rule, &same_source);
    tpi_join_input_t input = { .clock_domain = stated_domain(join, rule->input_stream_id, TPI_JOIN_DOMAIN_UNKNOWN) };
    if (NULL == before) { return input; }
    input = *before;                                                                                                /* J-116 */
    if (before->rejected || !same_source || !same_domain)
    {
        input.time_set = false;
        input.processed_time_set = false;
    }
    input.rejected = false;
    return input;
}

static void swap_maps(tpi_merge_map_t *a, tpi_merge_map_t *b)
{
    const tpi_merge_map_t map = *a;
    *a = *b;
    *b = map;
}

static void install(tpi_join_t *join, int64_t now_ns)
{
    const bool same_domain = join->map.clock_domain == join->staged.clock_domain;
    for (uint32_t i = 0; i < join->staged.rule_count; i++)
    {
        join->spare[i] = carry_over(join, &join->staged.rules[i], same_domain);
        uint32_t first = 0;
        while (join->staged.rules[first].input_stream_id != join->staged.rules[i].input_stream_id) { first++; }
        join->spare[i].first = first;
    }
    if (!same_domain) { join->last_out_set = false; }
    tpi_join_input_t *inputs = join->inputs;
    join->inputs = join->spare;
    join->spare = inputs;
    swap_maps(&join->map, &join->staged);                                                                           /* J-039 J-040 */
    join->map_state = TPI_JOIN_MAP_ACTIVE;                                                                          /* J-046 */
    join->map_seen_ns = now_ns;
}

static tpi_join_map_event_t take(tpi_join_t *join, tpi_merge_verdict_t verdict, int64_t now_ns)
{
    join->map_verdict = verdict;
    if (TPI_MERGE_VALID != verdict)
    {
        join->refused[verdict]++;
        if (TPI_JOIN_MAP_INVALID != join->map_state) { ask_at_once(join, now_ns); }
        join->map_state = TPI_JOIN_MAP_INVALID;                                                                     /* J-018 */
        return TPI_JOIN_MAP_REFUSED;
    }
    if (TPI_JOIN_MAP_ACTIVE == join->map_state && tpi_merge_map_equal(&join->map, &join->staged))
    {
        join->map_seen_ns = now_ns;
        return TPI_JOIN_MAP_REPEATED;                                                                               /* J-115 O-3 */
    }
    install(join, now_ns);
    return TPI_JOIN_MAP_INSTALLED;
}

static bool is_our_pair(const tpi_join_t *join, uint32_t out_stream_id, uint64_t epoch)
{
    return join->epoch_set && join->options.out_stream_id == out_stream_id && join->epoch == epoch;                 /* J-038 */
}

static int decode(tpi_join_message_t *message, tpi_merge_kind_t kind, const uint8_t *data, size_t length)
{
    return TPI_MERGE_SEQUENCE == kind ? tpc_sequence_map_announce_decode(&message->wire.sequence, data, length) :
        tpc_timestamp_map_announce_decode(&message->wire.timestamp, data, length);
}

static tpi_merge_verdict_t stage(tpi_join_t *join, const tpi_join_message_t *message)
{
    if (message->too_many_rules) { return TPI_MERGE_TOO_MANY_RULES; }
    return TPI_MERGE_SEQUENCE == join->options.map_kind ? tpi_merge_map_from_sequence(&join->staged, &message->wire.sequence) :
        tpi_merge_map_from_timestamp(&join->staged, &message->wire.timestamp);
}

tpi_join_map_event_t tpi_join_message_decode(tpi_join_message_t *message, tpi_merge_kind_t kind, const uint8_t *data, size_t length)
{
    tpc_header_t header;
    const uint16_t own = TPI_MERGE_SEQUENCE == kind ? TPC_SEQUENCE_MAP_ANNOUNCE : TPC_TIMESTAMP_MAP_ANNOUNCE;
    const uint16_t other = TPC_SEQUENCE_MAP_ANNOUNCE == own ? TPC_TIMESTAMP_MAP_ANNOUNCE : TPC_SEQUENCE_MAP_ANNOUNCE;
    if (TPC_OK != tpc_header_decode(&header, data, length)) { return TPI_JOIN_MAP_NOT_OURS; }
    if (TPC_JOIN_SCHEMA != header.schema_id) { return TPI_JOIN_MAP_NOT_OURS; }                                      /* J-108 */
    if (other == header.template_id) { return TPI_JOIN_MAP_OTHER_KIND; }                                            /* J-113 */
    if (own != header.template_id) { return TPI_JOIN_MAP_NOT_OURS; }
    const int decoded = decode(message, kind, data, length);
    if (TPC_OK != decoded && TPC_TOO_MANY != decoded) { return TPI_JOIN_MAP_DROPPED; }
    if (TPC_OK != tpc_map_announce_key(&message->out_stream_id, &message->epoch, data, length)) { return TPI_JOIN_MAP_DROPPED; }
    message->too_many_rules = TPC_TOO_MANY == decoded;
    return TPI_JOIN_MAP_INSTALLED;
}

static tpi_join_map_event_t judge(tpi_join_t *join, const tpi_join_message_t *message, int64_t now_ns)
{
    if (!is_our_pair(join, message->out_stream_id, message->epoch)) { return TPI_JOIN_MAP_OTHER_PAIR; }
    return take(join, stage(join, message), now_ns);
}

tpi_join_map_event_t tpi_join_on_message(tpi_join_t *join, const tpi_join_message_t *message, int64_t now_ns)
{
    const tpi_join_map_event_t event = judge(join, message, now_ns);
    join->maps[event]++;
    return event;
}

tpi_join_map_event_t tpi_join_on_map(tpi_join_t *join, const uint8_t *data, size_t length, int64_t now_ns)
{
    const tpi_join_map_event_t event = tpi_join_message_decode(&join->message, join->options.map_kind, data, length);
    if (TPI_JOIN_MAP_INSTALLED == event) { return tpi_join_on_message(join, &join->message, now_ns); }
    join->maps[event]++;
    return event;
}

/* Rules of a MergeMap, 50-join-barrier.md 2.2, 3.5 and 6. Stateless. */
#include "protocol/merge_map.h"

#include "codec/codec_wire.h"

const char *tpi_merge_verdict_name(tpi_merge_verdict_t verdict)
{
    static const char *const names[TPI_MERGE_VERDICT_COUNT] = { "valid", "no rules", "too many rules", "unknown rule type",
        "parameter does not fit the rule type", "empty window", "unknown timestamp source", "unknown clock domain" };
    return verdict < TPI_MERGE_VERDICT_COUNT ? names[verdict] : "unknown";
}

/* 2.2: exactly one parameter, the one that the type asks for. */
static tpi_merge_verdict_t judge(uint8_t type, bool has_offset, bool has_window, uint64_t window)
{
    if (TPC_RULE_OFFSET != type && TPC_RULE_WINDOW != type) { return TPI_MERGE_BAD_TYPE; }                          /* J-013 */
    if (TPC_RULE_OFFSET == type && (!has_offset || has_window)) { return TPI_MERGE_BAD_PARAMETER; }                 /* J-015 J-029 */
    if (TPC_RULE_WINDOW == type && (!has_window || has_offset)) { return TPI_MERGE_BAD_PARAMETER; }                 /* J-016 J-030 */
    if (TPC_RULE_WINDOW == type && 0 == window) { return TPI_MERGE_EMPTY_WINDOW; }                                  /* J-021 J-035 */
    return TPI_MERGE_VALID;
}

static tpi_merge_verdict_t judge_count(const tpi_merge_map_t *map, uint32_t rule_count)
{
    if (0 == rule_count) { return TPI_MERGE_NO_RULES; }                                                             /* J-014 */
    if (rule_count > map->rule_capacity || rule_count > TPC_RULES_MAX) { return TPI_MERGE_TOO_MANY_RULES; }         /* J-117 */
    return TPI_MERGE_VALID;
}

tpi_merge_verdict_t tpi_merge_map_from_sequence(tpi_merge_map_t *map, const tpc_sequence_map_announce_t *announce)
{
    tpi_merge_verdict_t verdict = judge_count(map, announce->rule_count);
    for (uint32_t i = 0; TPI_MERGE_VALID == verdict && i < announce->rule_count; i++)
    {
        const tpc_sequence_rule_t *rule = &announce->rules[i];
        verdict = judge(rule->rule_type, TPC_NULL_OFFSET != rule->offset, TP_NULL_U32 != rule->window_size, rule->window_size);
    }
    if (TPI_MERGE_VALID != verdict) { return verdict; }                                                             /* J-017 */
    map->kind = TPI_MERGE_SEQUENCE;
    map->out_stream_id = announce->out_stream_id;
    map->epoch = announce->epoch;
    map->stale_timeout_ns = announce->stale_timeout_ns;
    map->lateness_ns = 0;
    map->clock_domain = 0;
    map->rule_count = announce->rule_count;
    for (uint32_t i = 0; i < announce->rule_count; i++)
    {
        const tpc_sequence_rule_t *rule = &announce->rules[i];
        const bool window = TPC_RULE_WINDOW == rule->rule_type;
        map->rules[i] = (tpi_merge_rule_t){ .input_stream_id = rule->input_stream_id, .type = rule->rule_type,                /* J-012 */
            .offset = window ? 0 : rule->offset, .window = window ? rule->window_size : 0 };
    }
    return TPI_MERGE_VALID;
}

static tpi_merge_verdict_t judge_timestamp(const tpi_merge_map_t *map, const tpc_timestamp_map_announce_t *announce)
{
    tpi_merge_verdict_t verdict = judge_count(map, announce->rule_count);
    if (TPI_MERGE_VALID != verdict) { return verdict; }
    if (TPC_CLOCK_MONOTONIC != announce->clock_domain && TPC_CLOCK_REALTIME_SYNCED != announce->clock_domain)
    {
        return TPI_MERGE_BAD_DOMAIN;                                                                                /* J-028 */
    }
    for (uint32_t i = 0; TPI_MERGE_VALID == verdict && i < announce->rule_count; i++)
    {
        const tpc_timestamp_rule_t *rule = &announce->rules[i];
        verdict = judge(rule->rule_type, TPC_NULL_OFFSET_NS != rule->offset_ns, TP_NULL_U64 != rule->window_ns, rule->window_ns);
        if (TPI_MERGE_VALID != verdict) { break; }
        const bool listed = TPC_TIME_OF_DESCRIPTOR == rule->timestamp_source || TPC_TIME_OF_SLOT == rule->timestamp_source;
        if (!listed) { verdict = TPI_MERGE_BAD_SOURCE; }                                                            /* J-055 */
    }
    return verdict;
}

tpi_merge_verdict_t tpi_merge_map_from_timestamp(tpi_merge_map_t *map, const tpc_timestamp_map_announce_t *announce)
{
    const tpi_merge_verdict_t verdict = judge_timestamp(map, announce);
    if (TPI_MERGE_VALID != verdict) { return verdict; }                                                             /* J-031 */
    map->kind = TPI_MERGE_TIMESTAMP;
    map->out_stream_id = announce->out_stream_id;
    map->epoch = announce->epoch;
    map->stale_timeout_ns = announce->stale_timeout_ns;
    map->lateness_ns = TP_NULL_U64 == announce->lateness_ns ? 0 : announce->lateness_ns;                            /* J-062 J-063 */
    map->clock_domain = announce->clock_domain;
    map->rule_count = announce->rule_count;
    for (uint32_t i = 0; i < announce->rule_count; i++)
    {
        const tpc_timestamp_rule_t *rule = &announce->rules[i];
        const bool window = TPC_RULE_WINDOW == rule->rule_type;
        map->rules[i] = (tpi_merge_rule_t){ .input_stream_id = rule->input_stream_id, .type = rule->rule_type,
            .source = rule->timestamp_source, .offset = window ? 0 : rule->offset_ns, .window = window ? rule->window_ns : 0 };
    }
    return TPI_MERGE_VALID;
}

void tpi_merge_map_to_sequence(const tpi_merge_map_t *map, tpc_sequence_map_announce_t *announce)
{
    announce->out_stream_id = map->out_stream_id;
    announce->epoch = map->epoch;
    announce->stale_timeout_ns = map->stale_timeout_ns;
    announce->rule_count = map->rule_count;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        const tpi_merge_rule_t *rule = &map->rules[i];
        const bool window = TPC_RULE_WINDOW == rule->type;
        announce->rules[i] = (tpc_sequence_rule_t){ .input_stream_id = rule->input_stream_id, .rule_type = rule->type,
            .offset = window ? TPC_NULL_OFFSET : (int32_t)rule->offset,                                             /* J-093 */
            .window_size = window ? (uint32_t)rule->window : TP_NULL_U32 };
    }
}

void tpi_merge_map_to_timestamp(const tpi_merge_map_t *map, tpc_timestamp_map_announce_t *announce)
{
    announce->out_stream_id = map->out_stream_id;
    announce->epoch = map->epoch;
    announce->stale_timeout_ns = map->stale_timeout_ns;
    announce->clock_domain = map->clock_domain;
    announce->lateness_ns = map->lateness_ns;
    announce->rule_count = map->rule_count;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        const tpi_merge_rule_t *rule = &map->rules[i];
        const bool window = TPC_RULE_WINDOW == rule->type;
        announce->rules[i] = (tpc_timestamp_rule_t){ .input_stream_id = rule->input_stream_id, .rule_type = rule->type,
            .timestamp_source = rule->source, .offset_ns = window ? TPC_NULL_OFFSET_NS : rule->offset,
            .window_ns = window ? rule->window : TP_NULL_U64 };
    }
}

static bool rules_equal(const tpi_merge_rule_t *a, const tpi_merge_rule_t *b)
{
    return a->input_stream_id == b->input_stream_id && a->type == b->type && a->source == b->source && a->offset == b->offset &&
        a->window == b->window;
}

bool tpi_merge_map_equal(const tpi_merge_map_t *a, const tpi_merge_map_t *b)
{
    if (a->kind != b->kind || a->out_stream_id != b->out_stream_id || a->epoch != b->epoch || a->stale_timeout_ns != b->stale_timeout_ns ||
        a->lateness_ns != b->lateness_ns || a->clock_domain != b->clock_domain || a->rule_count != b->rule_count)
    {
        return false;
    }
    for (uint32_t i = 0; i < a->rule_count; i++)
    {
        if (!rules_equal(&a->rules[i], &b->rules[i])) { return false; }
    }
    return true;
}

bool tpi_merge_map_copy(tpi_merge_map_t *to, const tpi_merge_map_t *from)
{
    if (from->rule_count > to->rule_capacity) { return false; }
    tpi_merge_rule_t *rules = to->rules;
    const uint32_t rule_capacity = to->rule_capacity;
    *to = *from;
    to->rules = rules;
    to->rule_capacity = rule_capacity;
    for (uint32_t i = 0; i < from->rule_count; i++) { rules[i] = from->rules[i]; }
    return true;
}

unsigned tpi_merge_map_warnings(const tpi_merge_map_t *map)
{
    unsigned warnings = 0;
    uint64_t smallest = UINT64_MAX;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        const tpi_merge_rule_t *rule = &map->rules[i];
        if (rule->input_stream_id == map->out_stream_id) { warnings |= TPI_MERGE_WARN_OWN_OUTPUT; }
        if (TPC_RULE_WINDOW == rule->type && rule->window < smallest) { smallest = rule->window; }
    }
    if (TPI_MERGE_TIMESTAMP != map->kind || UINT64_MAX == smallest) { return warnings; }
    if (0 == map->lateness_ns) { warnings |= TPI_MERGE_WARN_LATENESS_NONE; }                                        /* J-037 */
    if (map->lateness_ns > smallest) { warnings |= TPI_MERGE_WARN_LATENESS_LONG; }
    return warnings;
}

bool tpi_merge_need(tpi_merge_kind_t kind, const tpi_merge_rule_t *rule, uint64_t out, uint64_t *first, uint64_t *last)
{
    if (TPC_RULE_WINDOW == rule->type)
    {
        const uint64_t back = TPI_MERGE_SEQUENCE == kind ? rule->window - 1 : rule->window;
        if (out < back) { return false; }                                                                           /* J-022 J-036 */
        *first = out - back;                                                                                        /* J-034 */
        *last = out;                                                                                                /* J-023 */
        return true;
    }
    if (rule->offset >= 0)
    {
        const uint64_t ahead = (uint64_t)rule->offset;
        if (out > UINT64_MAX - ahead) { return false; }                                                             /* O-14 */
        *first = *last = out + ahead;
        return true;
    }
    const uint64_t behind = 0 - (uint64_t)rule->offset;
    if (out < behind) { return false; }                                                                             /* J-020 J-033 */
    *first = *last = out - behind;
    return true;
}

uint64_t tpi_merge_limit(uint64_t need, uint64_t lateness_ns) { return need > lateness_ns ? need - lateness_ns : 0; }

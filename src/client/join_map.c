/* Merge maps as values: from the application's form to those of the wire and of the machines, and back. Stateless; any thread. */
#include "client/join_state.h"

#include <inttypes.h>

#include "common/err.h"

_Static_assert(TP_MERGE_RULES_MAX == TPC_RULES_MAX, "rules of a map");
_Static_assert(TP_MERGE_SEQUENCE == (int)TPI_MERGE_SEQUENCE && TP_MERGE_TIMESTAMP == (int)TPI_MERGE_TIMESTAMP, "kinds of maps");
_Static_assert(TP_MERGE_OFFSET == TPC_RULE_OFFSET && TP_MERGE_WINDOW == TPC_RULE_WINDOW, "types of rules");
_Static_assert(TP_TIME_PUBLISHED == TPC_TIME_OF_DESCRIPTOR && TP_TIME_CAPTURED == TPC_TIME_OF_SLOT, "sources of times");
_Static_assert(TP_CLOCK_MONOTONIC == TPC_CLOCK_MONOTONIC && TP_CLOCK_REALTIME_SYNCED == TPC_CLOCK_REALTIME_SYNCED, "clock domains");

static int refuse(uint32_t rule, const char *what, int64_t value, const char *bound)
{
    TPI_SET_ERR(TP_EINVAL, "rule %" PRIu32 " of the merge map: %s = %" PRId64 ", must be %s", rule, what, value, bound);
    return -1;
}

/* What the wire cannot even say. */
static int check_rule(const tp_merge_map_t *map, uint32_t i)
{
    const tp_merge_rule_t *r = &map->rules[i];
    const bool sequence = TP_MERGE_SEQUENCE == map->kind;
    if (r->type > TP_MERGE_WINDOW) { return refuse(i, "type", r->type, "0 (offset) or 1 (window)"); }
    if (TP_MERGE_OFFSET == r->type && 0 != r->window) { return refuse(i, "window of an offset rule", (int64_t)r->window, "0"); }
    if (TP_MERGE_WINDOW == r->type && 0 != r->offset) { return refuse(i, "offset of a window rule", r->offset, "0"); }
    if (TP_MERGE_WINDOW == r->type && 0 == r->window) { return refuse(i, "window", 0, "at least 1"); }
    if (sequence && (r->offset <= INT32_MIN || r->offset > INT32_MAX)) { return refuse(i, "offset", r->offset, "-2147483647 .. 2147483647"); }
    if (sequence && r->window >= UINT32_MAX) { return refuse(i, "window", (int64_t)r->window, "1 .. 4294967294"); }
    if (!sequence && INT64_MIN == r->offset) { return refuse(i, "offset", r->offset, "above -2^63"); }
    if (!sequence && TP_NULL_U64 == r->window) { return refuse(i, "window", -1, "below 2^64 - 1"); }
    if (sequence && TP_TIME_NONE != r->source) { return refuse(i, "source in a sequence map", r->source, "0 (none)"); }
    if (!sequence && TP_TIME_PUBLISHED != r->source && TP_TIME_CAPTURED != r->source)
    {
        return refuse(i, "source", r->source, "1 (published) or 2 (captured)");
    }
    return 0;
}

int tp_merge_map_check(const tp_merge_map_t *map)
{
    if (NULL == map || sizeof(*map) != map->size)
    {
        TPI_SET_ERR(TP_EINVAL, "map is NULL, or its size = %" PRIu32 ", this library has %zu", NULL == map ? 0 : map->size, sizeof(*map));
        return -1;
    }
    if (TP_MERGE_SEQUENCE != map->kind && TP_MERGE_TIMESTAMP != map->kind)
    {
        TPI_SET_ERR(TP_EINVAL, "kind of the merge map = %" PRIu32 ", must be 1 (sequence) or 2 (timestamp)", map->kind);
        return -1;
    }
    if (NULL == map->rules || 0 == map->rule_count || map->rule_count > TP_MERGE_RULES_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "rules of the merge map = %" PRIu32 ", must be 1 .. %d", NULL == map->rules ? 0 : map->rule_count, TP_MERGE_RULES_MAX);
        return -1;
    }
    const bool has_domain = TP_CLOCK_MONOTONIC == map->clock_domain || TP_CLOCK_REALTIME_SYNCED == map->clock_domain;
    if (TP_MERGE_SEQUENCE == map->kind ? 0 != map->clock_domain || 0 != map->lateness_ns : !has_domain)
    {
        TPI_SET_ERR(TP_EINVAL, "clock domain of the merge map = %" PRIu32 ", must be 1 (monotonic) or 2 (synchronised real time); none, and no "
            "lateness, in a sequence map", map->clock_domain);
        return -1;
    }
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        if (check_rule(map, i) < 0) { return -1; }
    }
    return 0;
}

int tpi_merge_map_of(tpi_merge_map_t *to, const tp_merge_map_t *map)
{
    if (tp_merge_map_check(map) < 0) { return -1; }
    to->kind = (tpi_merge_kind_t)map->kind;
    to->out_stream_id = map->out_stream_id;
    to->epoch = map->epoch;
    to->stale_timeout_ns = map->stale_timeout_ns;
    to->lateness_ns = TP_NULL_U64 == map->lateness_ns ? 0 : map->lateness_ns;
    to->clock_domain = (uint8_t)map->clock_domain;
    to->rule_count = map->rule_count;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        const tp_merge_rule_t *r = &map->rules[i];
        to->rules[i] = (tpi_merge_rule_t){ .input_stream_id = r->input_stream_id, .type = r->type, .source = r->source, .offset = r->offset,
            .window = r->window };
    }
    return 0;
}

int tpi_join_message_of(tpi_join_message_t *message, const tp_merge_map_t *map)
{
    tpi_merge_rule_t rules[TP_MERGE_RULES_MAX];
    tpi_merge_map_t checked = { .rules = rules, .rule_capacity = TP_MERGE_RULES_MAX };
    if (tpi_merge_map_of(&checked, map) < 0) { return -1; }
    message->too_many_rules = false;
    message->out_stream_id = map->out_stream_id;
    message->epoch = map->epoch;
    if (TPI_MERGE_SEQUENCE == checked.kind) { tpi_merge_map_to_sequence(&checked, &message->wire.sequence); }
    else { tpi_merge_map_to_timestamp(&checked, &message->wire.timestamp); }
    return 0;
}

void tpi_merge_map_show(tp_merge_map_t *to, tp_merge_rule_t *rules, const tpi_merge_map_t *map)
{
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        const tpi_merge_rule_t *r = &map->rules[i];
        rules[i] = (tp_merge_rule_t){ .input_stream_id = r->input_stream_id, .type = r->type, .source = r->source, .offset = r->offset,
            .window = r->window };
    }
    *to = (tp_merge_map_t){ .size = sizeof(*to), .kind = map->kind, .out_stream_id = map->out_stream_id, .clock_domain = map->clock_domain,
        .epoch = map->epoch, .stale_timeout_ns = map->stale_timeout_ns, .lateness_ns = map->lateness_ns, .rules = rules,
        .rule_count = map->rule_count };
}

uint32_t tp_merge_map_warnings(const tp_merge_map_t *map)
{
    tpi_merge_rule_t rules[TP_MERGE_RULES_MAX];
    tpi_merge_map_t checked = { .rules = rules, .rule_capacity = TP_MERGE_RULES_MAX };
    return tpi_merge_map_of(&checked, map) < 0 ? 0 : tpi_merge_map_warnings(&checked);
}

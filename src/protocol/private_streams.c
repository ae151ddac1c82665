/* Ownership is one hash over (medium, id). Invariant: count[kind] streams of that kind are in it; with a base all of them lie in the kind's range. */
#include "protocol/private_streams.h"

#include <string.h>

#include "common/alloc.h"

#define MEDIUM_IPC 1u                  /* Aeron tells IPC streams apart by id alone, whatever their parameters */

static bool is_ipc(const char *channel, size_t length)
{
    static const char ipc[] = "aeron:ipc";
    const size_t n = sizeof(ipc) - 1;
    return length >= n && 0 == memcmp(channel, ipc, n) && (length == n || '?' == channel[n]);
}

void tpi_private_init(tpi_private_table_t *table, const tpi_private_rule_t rules[TPI_PRIVATE_KINDS])
{
    memset(table, 0, sizeof(*table));
    for (uint32_t kind = 0; kind < TPI_PRIVATE_KINDS; kind++)
    {
        const char *const channel = rules[kind].channel;
        table->rules[kind] = rules[kind];
        table->medium[kind] = '\0' == channel[0] || is_ipc(channel, strlen(channel)) ? MEDIUM_IPC : 2 + kind;
    }
    if (0 == strcmp(rules[TPI_PRIVATE_DESCRIPTOR].channel, rules[TPI_PRIVATE_CONTROL].channel))
    {
        table->medium[TPI_PRIVATE_CONTROL] = table->medium[TPI_PRIVATE_DESCRIPTOR];
    }
}

bool tpi_private_reserve(tpi_private_table_t *table, uint32_t id)
{
    if (TPI_PRIVATE_RESERVED_MAX == table->reserved_count) { return false; }
    table->reserved[table->reserved_count++] = id;
    return true;
}

/* ---- wishes ---------------------------------------------------------------------------------------------------------------- */

static bool is_usable(tpc_bytes_t channel, bool any_aeron)
{
    if (channel.length > TPI_HELLO_CHANNEL_MAX) { return false; }
    for (uint32_t i = 0; i < channel.length; i++)
    {
        if (channel.data[i] < 0x21 || channel.data[i] > 0x7e) { return false; }
    }
    if (any_aeron) { return channel.length >= 6 && 0 == memcmp(channel.data, "aeron:", 6); }
    return is_ipc(channel.data, channel.length);
}

tpi_hello_wish_t tpi_private_wish(const tpi_private_table_t *table, tpi_private_kind_t kind, tpc_bytes_t channel, uint32_t id)
{
    const bool has_id = 0 != id && TP_NULL_U32 != id;                                         /* OP-S-16 */
    if (0 == channel.length) { return has_id ? TPI_HELLO_INVALID : TPI_HELLO_NONE; }          /* S-015 S-019 */
    if (!has_id) { return TPI_HELLO_INVALID; }                                                /* S-018 */
    return is_usable(channel, '\0' != table->rules[kind].channel[0]) ? TPI_HELLO_WANTED : TPI_HELLO_INVALID;      /* S-021 */
}

/* ---- ownership ------------------------------------------------------------------------------------------------------------- */

static uint64_t key_of(const tpi_private_table_t *table, tpi_private_kind_t kind, uint32_t id) { return (uint64_t)table->medium[kind] << 32 | id; }

static bool is_owned(const tpi_private_table_t *table, tpi_private_kind_t kind, uint32_t id)
{
    const uint64_t key = key_of(table, kind, id);
    const tpi_private_stream_t *found = NULL;
    HASH_FIND(hh, table->owned, &key, sizeof(key), found);
    return NULL != found;
}

static bool is_reserved(const tpi_private_table_t *table, uint32_t id)
{
    for (size_t i = 0; i < table->reserved_count; i++)
    {
        if (id == table->reserved[i]) { return true; }
    }
    return false;
}

static bool holds(const tpi_private_rule_t *rule, uint32_t id) { return 0 != rule->first && id >= rule->first && id <= rule->last; }

void tpi_private_release(tpi_private_table_t *table, tpi_private_owner_t *owner, tpi_private_kind_t kind)
{
    tpi_private_stream_t *const stream = &owner->streams[kind];
    if (0 == stream->key) { return; }
    HASH_DELETE(hh, table->owned, stream);                 /* NOLINT(clang-analyzer-core.NullDereference): a member, so that the head is one */
    table->count[kind]--;
    tpi_free(stream->channel);
    memset(stream, 0, sizeof(*stream));
}

/* The text to answer with; nothing changes on failure. */
static bool set_channel(const tpi_private_table_t *table, tpi_private_stream_t *stream, tpi_private_kind_t kind, tpc_bytes_t wished)
{
    if ('\0' != table->rules[kind].channel[0]) { return true; }                               /* S-039 */
    if (NULL != stream->channel && tpc_bytes_equal(wished, stream->channel)) { return true; }
    char *const text = tpi_strndup(wished.data, wished.length);
    if (NULL == text) { return false; }
    tpi_free(stream->channel);
    stream->channel = text;
    return true;
}

static tpi_private_outcome_t take(tpi_private_table_t *table, tpi_private_owner_t *owner, tpi_private_kind_t kind, uint32_t id, tpc_bytes_t channel)
{
    tpi_private_stream_t *const stream = &owner->streams[kind];
    if (!set_channel(table, stream, kind, channel)) { return TPI_PRIVATE_FAILED; }
    stream->key = key_of(table, kind, id);
    HASH_ADD(hh, table->owned, key, sizeof(stream->key), stream);
    if (NULL == stream->hh.tbl)
    {
        tpi_free(stream->channel);
        memset(stream, 0, sizeof(*stream));
        return TPI_PRIVATE_FAILED;
    }
    table->count[kind]++;
    return TPI_PRIVATE_GRANTED;
}

/* ---- assignment ------------------------------------------------------------------------------------------------------------ */

/* base + (consumerId mod range), upwards, wrapping. 0: none is left. */
static uint32_t probe(const tpi_private_table_t *table, tpi_private_kind_t kind, uint32_t consumer_id)
{
    const tpi_private_rule_t *const rule = &table->rules[kind];
    const uint64_t size = (uint64_t)rule->last - rule->first + 1;
    const uint64_t unusable = table->count[kind] + table->reserved_count;
    if (table->count[kind] >= size) { return 0; }
    const uint64_t tries = unusable < size ? unusable + 1 : size;      /* of unusable + 1 ids one is usable */
    uint64_t offset = consumer_id % size;                                                     /* S-069 */
    for (uint64_t i = 0; i < tries; i++, offset = offset + 1 == size ? 0 : offset + 1)
    {
        const uint32_t id = rule->first + (uint32_t)offset;
        if (!is_owned(table, kind, id) && !is_reserved(table, id)) { return id; }             /* S-038 S-068 P8 */
    }
    return 0;
}

static tpi_private_outcome_t assign_in_range(tpi_private_table_t *table, tpi_private_owner_t *owner, tpi_private_kind_t kind,
    const tpi_private_ask_t *ask)
{
    tpi_private_stream_t *const stream = &owner->streams[kind];
    if (0 != stream->key)                                                                     /* S-069: the own one is kept */
    {
        return set_channel(table, stream, kind, ask->channel) ? TPI_PRIVATE_GRANTED : TPI_PRIVATE_FAILED;
    }
    const bool wish_fits = holds(&table->rules[kind], ask->id) && !is_reserved(table, ask->id) && !is_owned(table, kind, ask->id);
    if (wish_fits) { return take(table, owner, kind, ask->id, ask->channel); }                /* S-069 S-070 */
    if (!ask->may_be_fresh) { return TPI_PRIVATE_TOO_EARLY; }                                 /* S-070 */
    const uint32_t id = probe(table, kind, ask->consumer_id);
    return 0 == id ? TPI_PRIVATE_USED_UP : take(table, owner, kind, id, ask->channel);
}

static tpi_private_outcome_t assign_as_wished(tpi_private_table_t *table, tpi_private_owner_t *owner, tpi_private_kind_t kind,
    const tpi_private_ask_t *ask)
{
    tpi_private_stream_t *const stream = &owner->streams[kind];
    const uint64_t key = key_of(table, kind, ask->id);
    if (key == stream->key) { return set_channel(table, stream, kind, ask->channel) ? TPI_PRIVATE_GRANTED : TPI_PRIVATE_FAILED; }
    tpi_private_release(table, owner, kind);
    if (ask->id > TPI_HELLO_STREAM_MAX || is_reserved(table, ask->id)) { return TPI_PRIVATE_TAKEN; }              /* S-021 */
    for (int k = 0; k < TPI_PRIVATE_KINDS; k++)
    {
        if (holds(&table->rules[k], ask->id)) { return TPI_PRIVATE_TAKEN; }                   /* S-068 */
    }
    if (is_owned(table, kind, ask->id)) { return TPI_PRIVATE_TAKEN; }                         /* S-068 P8 */
    return take(table, owner, kind, ask->id, ask->channel);                                   /* S-040 */
}

tpi_private_outcome_t tpi_private_assign(tpi_private_table_t *table, tpi_private_owner_t *owner, tpi_private_kind_t kind,
    const tpi_private_ask_t *ask)
{
    tpi_private_outcome_t outcome = TPI_PRIVATE_NOT_ASKED;
    const tpi_hello_wish_t wish = tpi_private_wish(table, kind, ask->channel, ask->id);
    if (TPI_HELLO_INVALID == wish) { outcome = TPI_PRIVATE_MALFORMED; }                       /* S-020 */
    else if (TPI_HELLO_WANTED == wish && !ask->is_offered) { outcome = TPI_PRIVATE_DISABLED; }                    /* S-048 */
    else if (TPI_HELLO_WANTED == wish)
    {
        outcome = 0 == table->rules[kind].first ? assign_as_wished(table, owner, kind, ask) : assign_in_range(table, owner, kind, ask);
    }
    if (TPI_PRIVATE_GRANTED != outcome) { tpi_private_release(table, owner, kind); }          /* S-071 */
    return outcome;
}

/* ---- answers --------------------------------------------------------------------------------------------------------------- */

uint32_t tpi_private_id(const tpi_private_owner_t *owner, tpi_private_kind_t kind) { return (uint32_t)owner->streams[kind].key; }

tpc_bytes_t tpi_private_channel(const tpi_private_table_t *table, const tpi_private_owner_t *owner, tpi_private_kind_t kind)
{
    const tpi_private_stream_t *const stream = &owner->streams[kind];
    if (0 == stream->key) { return tpc_bytes(NULL); }                                         /* S-022 */
    return tpc_bytes(NULL != stream->channel ? stream->channel : table->rules[kind].channel);
}

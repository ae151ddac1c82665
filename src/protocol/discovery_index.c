/*
 * Owns entries, sources, what the operator set, and names kept aside. Invariants: `entries` is sorted and holds each key once; an entry holds one
 * block with its pools and URIs, `bytes` is the sum of these blocks; a name is with its entry or aside, never both.
 */
#include "protocol/discovery_index.h"

#include <inttypes.h>

#include <tensor_pool/common/tp_error.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/hash.h"

typedef struct source
{
    char *instance_id;
    char *channel;
    uint32_t instance_length;
    uint32_t channel_length;
    uint32_t control_stream_id;
    int64_t window_ns;                 /* of expiry and freshness */
    bool is_remote;
}
source_t;

typedef struct name
{
    uint64_t epoch;
    uint32_t meta_version;
    uint32_t length;
    bool is_known;
    char text[TPI_DISCOVERY_NAME_MAX];
}
name_t;

typedef struct aside
{
    uint32_t source;
    uint32_t stream_id;
    int64_t since_ns;
    name_t name;
}
aside_t;

typedef struct entry
{
    uint32_t source;
    int64_t heard_ns;
    bool may_go_back;                  /* the driver has restarted since the last announce */
    size_t bytes;
    void *block;                       /* pools, then the bytes of all URIs */
    name_t name;
    tpc_discovery_result_t shm;        /* what the announce said; the rest is added by tpi_discovery_index_at */
}
entry_t;

typedef struct stream
{
    uint32_t stream_id;
    uint64_t data_source_id;
    uint32_t tag_count;
    tpc_bytes_t *tags;                 /* and their bytes behind them */
    UT_hash_handle hh;
}
stream_t;

struct tpi_discovery_index
{
    tpi_discovery_limits_t limits;
    source_t *sources;
    uint32_t source_count;
    stream_t *streams;                 /* hash table */
    entry_t **entries;
    size_t count;
    size_t room;
    size_t bytes;
    aside_t *aside;
    size_t aside_count;
    tpi_discovery_counts_t counts;
};

const char *tpi_discovery_verdict_text(int verdict)
{
    static const char *const texts[TPI_DISCOVERY_VERDICTS] = { "new", "refreshed", "another epoch", "a name before the first announce",
        "no such source", "clock domain is neither monotonic nor synchronized realtime", "announce is older than the freshness window",
        "announce is older than our subscription", "epoch 2^64-1 is reserved", "announced geometry is not valid", "a region URI is empty or too long",
        "epoch is lower than one seen before", "metadata version is lower than one seen before", "name is too long", "the index is full",
        "out of memory" };
    return verdict >= 0 && verdict < TPI_DISCOVERY_VERDICTS ? texts[verdict] : "unknown";
}

/* ---- creation ------------------------------------------------------------------------------------------------------------ */

int tpi_discovery_index_create(tpi_discovery_index_t **index, const tpi_discovery_limits_t *limits)
{
    tpi_discovery_index_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->limits = *limits;
    made->sources = tpi_alloc_array(limits->sources, sizeof(*made->sources));
    made->aside = tpi_alloc_array(TPI_DISCOVERY_ASIDE_MAX, sizeof(*made->aside));
    if (NULL == made->sources || NULL == made->aside)
    {
        tpi_discovery_index_delete(made);
        return -1;
    }
    *index = made;
    return 0;
}

static void entry_free(entry_t *entry)
{
    tpi_free(entry->block);
    tpi_free(entry);
}

void tpi_discovery_index_delete(tpi_discovery_index_t *index)
{
    if (NULL == index) { return; }
    for (size_t i = 0; i < index->count; i++) { entry_free(index->entries[i]); }
    for (uint32_t i = 0; i < index->source_count; i++)
    {
        tpi_free(index->sources[i].instance_id);
        tpi_free(index->sources[i].channel);
    }
    stream_t *stream = NULL;
    stream_t *following = NULL;
    HASH_ITER(hh, index->streams, stream, following)
    {
        HASH_DEL(index->streams, stream);
        tpi_free(stream->tags);
        tpi_free(stream);
    }
    tpi_free(index->entries);
    tpi_free(index->sources);
    tpi_free(index->aside);
    tpi_free(index);
}

/* ---- configuration -------------------------------------------------------------------------------------------------------- */

static int check_text(const char *what, tpc_bytes_t text, uint32_t max)
{
    if (0 != text.length && text.length <= max) { return 0; }
    TPI_SET_ERR(TP_EINVAL, "%s has %" PRIu32 " bytes, 1 to %" PRIu32 " are possible", what, text.length, max);
    return -1;
}

static int check_source(const tpi_discovery_source_t *source)
{
    if (check_text("driver instance id", source->driver_instance_id, TPI_DISCOVERY_INSTANCE_MAX) < 0) { return -1; }
    if (check_text("driver control channel", source->control_channel, TPI_DISCOVERY_CHANNEL_MAX) < 0) { return -1; }       /* */
    if (0 == source->control_stream_id || source->control_stream_id > INT32_MAX)                                          /* */
    {
        TPI_SET_ERR(TP_EINVAL, "driver control stream id = %" PRIu32 ", 1 to %d are possible", source->control_stream_id, INT32_MAX);
        return -1;
    }
    if (0 == source->announce_period_ms)
    {
        TPI_SET_ERR(TP_EINVAL, "announce period = 0 ms, at least 1");
        return -1;
    }
    return 0;
}

static tpc_bytes_t instance_of(const source_t *source) { return (tpc_bytes_t){ source->instance_id, source->instance_length }; }
static tpc_bytes_t channel_of(const source_t *source) { return (tpc_bytes_t){ source->channel, source->channel_length }; }

static void take_terms(source_t *slot, const tpi_discovery_source_t *source, char *channel)
{
    tpi_free(slot->channel);
    slot->channel = channel;
    slot->channel_length = source->control_channel.length;
    slot->control_stream_id = source->control_stream_id;
    slot->window_ns = (int64_t)source->announce_period_ms * TPI_DISCOVERY_EXPIRY_PERIODS * TPI_NS_PER_MS;                 /* */
    slot->is_remote = source->is_remote;
}

static void note_restart(tpi_discovery_index_t *index, uint32_t source)
{
    for (size_t i = 0; i < index->count; i++)
    {
        if (source == index->entries[i]->source) { index->entries[i]->may_go_back = true; }
    }
}

int tpi_discovery_index_add_source(tpi_discovery_index_t *index, const tpi_discovery_source_t *source, uint32_t *id)
{
    if (check_source(source) < 0) { return -1; }
    uint32_t at = 0;
    const tpc_bytes_t wanted = source->driver_instance_id;
    while (at < index->source_count && !tpc_bytes_same(wanted, instance_of(&index->sources[at]))) { at++; }
    if (at == index->limits.sources)
    {
        TPI_SET_ERR(TP_EFULL, "discovery sources = %" PRIu32 ", no more are possible", index->limits.sources);
        return -1;
    }
    source_t *const slot = &index->sources[at];
    char *const channel = tpi_strndup(source->control_channel.data, source->control_channel.length);
    if (NULL == channel) { return -1; }
    if (at == index->source_count)
    {
        slot->instance_id = tpi_strndup(source->driver_instance_id.data, source->driver_instance_id.length);
        if (NULL == slot->instance_id)
        {
            tpi_free(channel);
            return -1;
        }
        slot->instance_length = source->driver_instance_id.length;
        index->source_count++;
    }
    else if (slot->control_stream_id != source->control_stream_id || !tpc_bytes_same(source->control_channel, channel_of(slot)))
    {
        note_restart(index, at);                                                                                          /* */
    }
    take_terms(slot, source, channel);                                                                                    /* */
    *id = at;
    return 0;
}

static int check_tags(const tpc_bytes_t *tags, uint32_t count)
{
    if (count > TPI_DISCOVERY_TAGS_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "tags = %" PRIu32 ", at most %u", count, TPI_DISCOVERY_TAGS_MAX);
        return -1;
    }
    for (uint32_t i = 0; i < count; i++)
    {
        if (check_text("tag", tags[i], TPI_DISCOVERY_TAG_MAX) < 0) { return -1; }                                         /* O-16 */
        for (uint32_t k = 0; k < tags[i].length; k++)
        {
            if (0 == (tags[i].data[k] & 0x80)) { continue; }
            TPI_SET_ERR(TP_EINVAL, "tag %" PRIu32 ": byte %" PRIu32 " is not US-ASCII", i, k);
            return -1;
        }
    }
    return 0;
}

/* One block: the views, then the bytes. Equal tags collapse. NULL without memory. */
static tpc_bytes_t *copy_tags(const tpc_bytes_t *tags, uint32_t count, uint32_t *kept)
{
    size_t length = 0;
    for (uint32_t i = 0; i < count; i++) { length += tags[i].length; }
    tpc_bytes_t *const copy = tpi_alloc(count * sizeof(*copy) + length + 1);
    if (NULL == copy) { return NULL; }
    char *at = (char *)(copy + count);
    *kept = 0;
    for (uint32_t i = 0; i < count; i++)
    {
        uint32_t k = 0;
        while (k < *kept && !tpc_bytes_same(tags[i], copy[k])) { k++; }
        if (k < *kept) { continue; }
        memcpy(at, tags[i].data, tags[i].length);
        copy[(*kept)++] = (tpc_bytes_t){ at, tags[i].length };
        at += tags[i].length;
    }
    return copy;
}

static stream_t *find_stream(const tpi_discovery_index_t *index, uint32_t stream_id)
{
    stream_t *stream = NULL;
    HASH_FIND(hh, index->streams, &stream_id, sizeof(stream_id), stream);
    return stream;
}

static stream_t *add_stream(tpi_discovery_index_t *index, uint32_t stream_id)
{
    if (HASH_COUNT(index->streams) >= index->limits.streams)
    {
        TPI_SET_ERR(TP_EFULL, "discovery streams = %" PRIu32 ", no more are possible", index->limits.streams);
        return NULL;
    }
    stream_t *const stream = tpi_alloc(sizeof(*stream));
    if (NULL == stream) { return NULL; }
    stream->stream_id = stream_id;
    HASH_ADD(hh, index->streams, stream_id, sizeof(stream->stream_id), stream);
    if (NULL != stream->hh.tbl) { return stream; }
    tpi_free(stream);
    TPI_SET_ERR(TP_ENOMEM, "no memory for a discovery stream");
    return NULL;
}

int tpi_discovery_index_set_stream(tpi_discovery_index_t *index, uint32_t stream_id, uint64_t data_source_id, const tpc_bytes_t *tags,
    uint32_t count)
{
    uint32_t kept;
    if (check_tags(tags, count) < 0) { return -1; }
    tpc_bytes_t *const copy = copy_tags(tags, count, &kept);
    if (NULL == copy) { return -1; }
    stream_t *stream = find_stream(index, stream_id);
    if (NULL == stream) { stream = add_stream(index, stream_id); }
    if (NULL == stream)
    {
        tpi_free(copy);
        return -1;
    }
    tpi_free(stream->tags);
    stream->tags = copy;
    stream->tag_count = kept;
    stream->data_source_id = data_source_id;
    return 0;
}

/* ---- table ---------------------------------------------------------------------------------------------------------------- */

static int compare(const tpi_discovery_index_t *index, const entry_t *entry, uint32_t source, uint32_t stream_id)
{
    if (source != entry->source)
    {
        const source_t *const a = &index->sources[entry->source];
        const source_t *const b = &index->sources[source];
        const uint32_t shorter = a->instance_length < b->instance_length ? a->instance_length : b->instance_length;
        const int order = memcmp(a->instance_id, b->instance_id, shorter);
        return 0 != order ? order : a->instance_length < b->instance_length ? -1 : 1;
    }
    return entry->shm.stream_id < stream_id ? -1 : entry->shm.stream_id > stream_id;                                      /* */
}

/* Where the key is or belongs. */
static size_t place(const tpi_discovery_index_t *index, uint32_t source, uint32_t stream_id, bool *found)
{
    size_t low = 0;
    size_t high = index->count;
    *found = false;
    while (low < high)
    {
        const size_t middle = low + (high - low) / 2;
        const int order = compare(index, index->entries[middle], source, stream_id);
        if (0 == order)
        {
            *found = true;
            return middle;
        }
        if (order < 0) { low = middle + 1; }
        else { high = middle; }
    }
    return low;
}

static tpi_discovery_verdict_t make_room(tpi_discovery_index_t *index)
{
    if (index->count < index->room) { return TPI_DISCOVERY_CREATED; }
    const size_t room = 0 == index->room ? 64 : index->room * 2;
    entry_t **const entries = tpi_alloc_array(room, sizeof(entry_t *));
    if (NULL == entries) { return TPI_DISCOVERY_NO_MEMORY; }
    if (0 != index->count) { memcpy(entries, index->entries, index->count * sizeof(entry_t *)); }
    tpi_free(index->entries);
    index->entries = entries;
    index->room = room;
    return TPI_DISCOVERY_CREATED;
}

/* ---- names aside ---------------------------------------------------------------------------------------------------------- */

static aside_t *find_aside(tpi_discovery_index_t *index, uint32_t source, uint32_t stream_id)
{
    for (size_t i = 0; i < index->aside_count; i++)
    {
        if (source == index->aside[i].source && stream_id == index->aside[i].stream_id) { return &index->aside[i]; }
    }
    return NULL;
}

static void drop_aside(tpi_discovery_index_t *index, aside_t *aside) { *aside = index->aside[--index->aside_count]; }

static aside_t *new_aside(tpi_discovery_index_t *index, uint32_t source, uint32_t stream_id)
{
    aside_t *aside = &index->aside[index->aside_count];
    if (TPI_DISCOVERY_ASIDE_MAX == index->aside_count)                                                                    /* O-25 */
    {
        aside = &index->aside[0];
        for (size_t i = 1; i < index->aside_count; i++)
        {
            if (index->aside[i].since_ns < aside->since_ns) { aside = &index->aside[i]; }
        }
        index->counts.forgotten_names++;
    }
    else { index->aside_count++; }
    *aside = (aside_t){ .source = source, .stream_id = stream_id };
    return aside;
}

static void sweep_aside(tpi_discovery_index_t *index, int64_t now_ns)
{
    for (size_t i = 0; i < index->aside_count;)
    {
        if (now_ns - index->aside[i].since_ns <= TPI_DISCOVERY_ASIDE_NS) { i++; }                                         /* O-5 */
        else
        {
            drop_aside(index, &index->aside[i]);
            index->counts.forgotten_names++;
        }
    }
}

/* ---- expiry --------------------------------------------------------------------------------------------------------------- */

static void keep_name(tpi_discovery_index_t *index, const entry_t *entry, int64_t now_ns)
{
    if (!entry->name.is_known) { return; }
    aside_t *const aside = new_aside(index, entry->source, entry->shm.stream_id);
    aside->name = entry->name;
    aside->since_ns = now_ns;
}

static bool is_expired(const tpi_discovery_index_t *index, const entry_t *entry, int64_t now_ns)
{
    return now_ns - entry->heard_ns > index->sources[entry->source].window_ns;                                            /* X-076 X-077 X-078 */
}

size_t tpi_discovery_index_sweep(tpi_discovery_index_t *index, int64_t now_ns)
{
    size_t left = 0;
    const size_t before = index->count;
    for (size_t i = 0; i < before; i++)
    {
        entry_t *const entry = index->entries[i];
        if (!is_expired(index, entry, now_ns))
        {
            index->entries[left++] = entry;
            continue;
        }
        keep_name(index, entry, now_ns);
        index->bytes -= entry->bytes;
        entry_free(entry);
    }
    index->count = left;
    index->counts.expired += before - left;
    sweep_aside(index, now_ns);
    return before - left;
}

/* As place(), among what is alive. Nothing is swept for an entry that is merely refreshed: that would cost a walk over all for each message. */
static size_t locate(tpi_discovery_index_t *index, uint32_t source, uint32_t stream_id, int64_t now_ns, bool *found)
{
    const size_t at = place(index, source, stream_id, found);
    const bool is_dead = *found && is_expired(index, index->entries[at], now_ns);
    if (!is_dead && (*found || index->count < index->limits.entries)) { return at; }
    (void)tpi_discovery_index_sweep(index, now_ns);
    return place(index, source, stream_id, found);
}

/* ---- announces ------------------------------------------------------------------------------------------------------------ */

static bool is_fresh(uint64_t timestamp_ns, int64_t now_ns, int64_t window_ns)
{
    const uint64_t now = now_ns < 0 ? 0 : (uint64_t)now_ns;
    return now <= timestamp_ns || now - timestamp_ns <= (uint64_t)window_ns;
}

/* A3 to A5 (O-20). */
static tpi_discovery_verdict_t judge_time(const source_t *source, const tpc_pool_announce_t *a, int64_t joined_ns, tpi_mapping_now_t now)
{
    const bool monotonic = TPC_CLOCK_MONOTONIC == a->announce_clock_domain;
    if (!monotonic && TPC_CLOCK_REALTIME_SYNCED != a->announce_clock_domain) { return TPI_DISCOVERY_CLOCK_DOMAIN; }       /* O-20 */
    if (monotonic && source->is_remote) { return TPI_DISCOVERY_REFRESHED; }
    if (!is_fresh(a->announce_timestamp_ns, monotonic ? now.mono_ns : now.real_ns, source->window_ns)) { return TPI_DISCOVERY_STALE; }
    if (monotonic && joined_ns > 0 && a->announce_timestamp_ns < (uint64_t)joined_ns) { return TPI_DISCOVERY_BEFORE_JOIN; }
    return TPI_DISCOVERY_REFRESHED;
}

static bool uri_is_usable(tpc_bytes_t uri) { return 0 != uri.length && uri.length <= TPI_DISCOVERY_URI_MAX; }             /* O-17 */

/* A8, the layout version left aside: streams of any are listed. */
static tpi_discovery_verdict_t judge_shape(const tpc_pool_announce_t *a)
{
    tpi_pool_spec_t pools[TPC_POOLS_MAX];
    tpi_pool_set_spec_t spec;
    if (UINT64_MAX == a->epoch) { return TPI_DISCOVERY_RESERVED_EPOCH; }
    tpi_mapping_spec(&spec, pools, a);
    spec.layout_version = TPC_LAYOUT_VERSION;                                                                             /* */
    if (tpi_pool_set_spec_check(&spec) < 0) { return TPI_DISCOVERY_GEOMETRY; }                                            /* X-051 X-064 */
    if (!uri_is_usable(a->header_region_uri)) { return TPI_DISCOVERY_URI; }
    for (uint32_t i = 0; i < a->pool_count; i++)
    {
        if (!uri_is_usable(a->pools[i].region_uri)) { return TPI_DISCOVERY_URI; }
    }
    return TPI_DISCOVERY_REFRESHED;
}

static size_t block_bytes(const tpc_pool_announce_t *a)
{
    size_t bytes = a->pool_count * sizeof(tpc_pool_entry_t) + a->header_region_uri.length;
    for (uint32_t i = 0; i < a->pool_count; i++) { bytes += a->pools[i].region_uri.length; }
    return bytes;
}

static tpc_bytes_t put(char **at, tpc_bytes_t text)
{
    const tpc_bytes_t copy = { *at, text.length };
    memcpy(*at, text.data, text.length);
    *at += text.length;
    return copy;
}

/* Puts what the announce says into the entry, with a block that was allocated for it. */
static void fill(entry_t *entry, const tpc_pool_announce_t *a, void *block, size_t bytes)
{
    tpc_pool_entry_t *const pools = block;
    char *at = (char *)(pools + a->pool_count);
    const tpc_discovery_result_t fresh = TPC_DISCOVERY_RESULT_INIT;                                                   /* slot bytes and dims */
    entry->shm = fresh;
    entry->shm.stream_id = a->stream_id;
    entry->shm.producer_id = a->producer_id;
    entry->shm.epoch = a->epoch;                                                                                          /* X-072 X-079 */
    entry->shm.layout_version = a->layout_version;                                                                        /* X-072 X-031 */
    entry->shm.header_nslots = a->header_nslots;                                                                          /* */
    entry->shm.pool_count = a->pool_count;
    entry->shm.pools = pools;
    for (uint32_t i = 0; i < a->pool_count; i++)
    {
        pools[i] = a->pools[i];
        pools[i].region_uri = put(&at, a->pools[i].region_uri);
    }
    entry->shm.header_region_uri = put(&at, a->header_region_uri);
    tpi_free(entry->block);
    entry->block = block;
    entry->bytes = bytes;
}

static tpi_discovery_verdict_t insert(tpi_discovery_index_t *index, size_t at, uint32_t source, uint32_t stream_id)
{
    if (index->count >= index->limits.entries) { return TPI_DISCOVERY_FULL; }
    if (TPI_DISCOVERY_CREATED != make_room(index)) { return TPI_DISCOVERY_NO_MEMORY; }
    entry_t *const entry = tpi_alloc(sizeof(*entry));
    if (NULL == entry) { return TPI_DISCOVERY_NO_MEMORY; }
    entry->source = source;
    entry->shm.stream_id = stream_id;
    aside_t *const aside = find_aside(index, source, stream_id);
    if (NULL != aside)
    {
        entry->name = aside->name;                                                                                        /* O-5 X-073 */
        drop_aside(index, aside);
    }
    memmove(index->entries + at + 1, index->entries + at, (index->count - at) * sizeof(entry_t *));
    index->entries[at] = entry;
    index->count++;
    return TPI_DISCOVERY_CREATED;
}

/* A message that was judged and found good. */
static tpi_discovery_verdict_t enter(tpi_discovery_index_t *index, uint32_t source, const tpc_pool_announce_t *a, int64_t now_ns)
{
    bool found;
    const size_t at = locate(index, source, a->stream_id, now_ns, &found);
    entry_t *entry = found ? index->entries[at] : NULL;
    if (found && a->epoch < entry->shm.epoch && !entry->may_go_back) { return TPI_DISCOVERY_OLDER_EPOCH; }                /* */
    const size_t bytes = block_bytes(a);
    const size_t released = found ? entry->bytes : 0;
    if (index->bytes - released + bytes > index->limits.bytes) { return TPI_DISCOVERY_FULL; }
    void *const block = tpi_alloc(bytes);
    if (NULL == block) { return TPI_DISCOVERY_NO_MEMORY; }
    tpi_discovery_verdict_t verdict = TPI_DISCOVERY_CREATED;
    if (found) { verdict = a->epoch == entry->shm.epoch ? TPI_DISCOVERY_REFRESHED : TPI_DISCOVERY_REPLACED; }
    else
    {
        verdict = insert(index, at, source, a->stream_id);
        if (TPI_DISCOVERY_CREATED != verdict)
        {
            tpi_free(block);
            return verdict;
        }
        entry = index->entries[at];
    }
    fill(entry, a, block, bytes);
    index->bytes += bytes - released;
    entry->heard_ns = now_ns;                                                                                             /* */
    entry->may_go_back = false;
    return verdict;
}

static tpi_discovery_verdict_t judge(const tpi_discovery_index_t *index, uint32_t source, const tpc_pool_announce_t *a, int64_t joined_ns,
    tpi_mapping_now_t now)
{
    if (source >= index->source_count) { return TPI_DISCOVERY_NO_SOURCE; }
    const tpi_discovery_verdict_t verdict = judge_time(&index->sources[source], a, joined_ns, now);
    return TPI_DISCOVERY_REFRESHED == verdict ? judge_shape(a) : verdict;
}

tpi_discovery_verdict_t tpi_discovery_index_on_announce(tpi_discovery_index_t *index, uint32_t source, const tpc_pool_announce_t *announce,
    int64_t joined_ns, tpi_mapping_now_t now)
{
    tpi_discovery_verdict_t verdict = judge(index, source, announce, joined_ns, now);
    if (TPI_DISCOVERY_REFRESHED == verdict) { verdict = enter(index, source, announce, now.mono_ns); }                    /* */
    index->counts.announces[verdict]++;
    return verdict;
}

/* ---- names ---------------------------------------------------------------------------------------------------------------- */

static tpi_discovery_verdict_t take_name(name_t *name, const tpc_source_announce_t *announce)
{
    const bool is_older = name->is_known && announce->epoch == name->epoch && announce->meta_version < name->meta_version;                /* O-5 */
    if (is_older) { return TPI_DISCOVERY_OLDER_VERSION; }
    name->is_known = true;
    name->epoch = announce->epoch;
    name->meta_version = announce->meta_version;
    name->length = announce->name.length;
    if (0 != announce->name.length) { memcpy(name->text, announce->name.data, announce->name.length); }                   /* X-041 X-073 */
    return TPI_DISCOVERY_REFRESHED;
}

static tpi_discovery_verdict_t enter_name(tpi_discovery_index_t *index, uint32_t source, const tpc_source_announce_t *a, int64_t now_ns)
{
    if (source >= index->source_count) { return TPI_DISCOVERY_NO_SOURCE; }
    if (a->name.length > TPI_DISCOVERY_NAME_MAX) { return TPI_DISCOVERY_NAME; }                                           /* X-043 O-17: not cut */
    if (UINT64_MAX == a->epoch) { return TPI_DISCOVERY_RESERVED_EPOCH; }
    bool found;
    const size_t at = locate(index, source, a->stream_id, now_ns, &found);
    if (found)
    {
        if (a->epoch < index->entries[at]->shm.epoch) { return TPI_DISCOVERY_OLDER_EPOCH; }                               /* O-5 */
        return take_name(&index->entries[at]->name, a);
    }
    aside_t *aside = find_aside(index, source, a->stream_id);
    if (NULL == aside) { aside = new_aside(index, source, a->stream_id); }
    const tpi_discovery_verdict_t verdict = take_name(&aside->name, a);
    if (TPI_DISCOVERY_REFRESHED != verdict) { return verdict; }
    aside->since_ns = now_ns;
    return TPI_DISCOVERY_KEPT_ASIDE;
}

tpi_discovery_verdict_t tpi_discovery_index_on_name(tpi_discovery_index_t *index, uint32_t source, const tpc_source_announce_t *announce,
    int64_t now_ns)
{
    const tpi_discovery_verdict_t verdict = enter_name(index, source, announce, now_ns);
    index->counts.names[verdict]++;
    return verdict;
}

/* ---- reading -------------------------------------------------------------------------------------------------------------- */

size_t tpi_discovery_index_count(const tpi_discovery_index_t *index) { return index->count; }
const tpi_discovery_counts_t *tpi_discovery_index_counts(const tpi_discovery_index_t *index) { return &index->counts; }

void tpi_discovery_index_at(const tpi_discovery_index_t *index, size_t i, tpc_discovery_result_t *result)
{
    const entry_t *const entry = index->entries[i];
    const source_t *const source = &index->sources[entry->source];
    const stream_t *const stream = find_stream(index, entry->shm.stream_id);
    *result = entry->shm;
    result->data_source_name = (tpc_bytes_t){ entry->name.text, entry->name.length };
    result->driver_instance_id = instance_of(source);                                                                     /* */
    result->driver_control_channel = channel_of(source);                                                                  /* X-055 X-074 */
    result->driver_control_stream_id = source->control_stream_id;                                                         /* X-055 X-074 */
    if (NULL == stream) { return; }
    result->data_source_id = stream->data_source_id;                                                                      /* */
    result->tags = stream->tags;                                                                                          /* X-052 X-053 X-099 */
    result->tag_count = stream->tag_count;
}

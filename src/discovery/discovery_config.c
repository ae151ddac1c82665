/*
 * The configuration of a discovery provider: defaults and start-up errors of 30-discovery.md 2.3, growth of its tables. Owns nothing but what the
 * config owns. Any thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tensor_pool/discovery/tp_discovery_provider_config.h>

#include "common/alloc.h"
#include "common/err.h"
#include "discovery/discovery_internal.h"

#define AERON_STREAM_ID_MAX INT32_MAX
#define KEY_MAX 320

void tp_discovery_provider_config_init(tp_discovery_provider_config_t *config)
{
    memset(config, 0, sizeof(*config));
    config->size = (uint32_t)sizeof(*config);
    config->max_results = 1000;                                                     /* */
    config->query_log_every = 100;                                                  /* */
    config->allowed_count = 1;
    (void)snprintf(config->allowed_response_channels[0], sizeof(config->allowed_response_channels[0]), "aeron:ipc");       /* O-22 */
}

void tp_discovery_provider_config_fini(tp_discovery_provider_config_t *config)
{
    if (NULL == config) { return; }
    for (uint32_t i = 0; i < config->stream_count; i++) { tpi_free(config->streams[i].tags); }
    tpi_free(config->sources);
    tpi_free(config->streams);
    config->sources = NULL;
    config->streams = NULL;
    config->source_count = 0;
    config->stream_count = 0;
}

/* A table with room for one more, in steps of doubling; the old one is freed. Room is a power of two: it needs no word of its own. */
static void *grown(void *table, uint32_t count, uint32_t max, size_t entry, const char *what)
{
    if (count >= max)
    {
        TPI_SET_ERR(TP_EFULL, "%s = %" PRIu32 ", at most %" PRIu32 " are allowed", what, count + 1, max);
        return NULL;
    }
    if (0 != (count & (count - 1)) && NULL != table) { return table; }
    void *const bigger = tpi_alloc_array(0 == count ? 1u : (size_t)count * 2, entry);
    if (NULL == bigger) { return NULL; }
    if (NULL != table) { memcpy(bigger, table, count * entry); }
    tpi_free(table);
    return bigger;
}

tp_discovery_source_config_t *tp_discovery_provider_config_add_source(tp_discovery_provider_config_t *config)
{
    tp_discovery_source_config_t *const sources =
        grown(config->sources, config->source_count, TP_DISCOVERY_PROVIDER_SOURCES_MAX, sizeof(*sources), "number of discovery.sources");
    if (NULL == sources) { return NULL; }
    config->sources = sources;
    tp_discovery_source_config_t *const source = &sources[config->source_count++];
    source->announce_period_ms = 1000;
    return source;
}

tp_discovery_stream_config_t *tp_discovery_provider_config_add_stream(tp_discovery_provider_config_t *config, const char *name, uint32_t stream_id)
{
    const size_t length = NULL == name ? 0 : strlen(name);
    if (0 == length || length > TP_DISCOVERY_PROVIDER_TEXT_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "discovery.streams: name of %zu bytes, 1 to %d are possible", length, TP_DISCOVERY_PROVIDER_TEXT_MAX);
        return NULL;
    }
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        if (0 == strcmp(config->streams[i].name, name))
        {
            TPI_SET_ERR(TP_EINVAL, "discovery.streams.%s exists already", name);
            return NULL;
        }
    }
    tp_discovery_stream_config_t *const streams =
        grown(config->streams, config->stream_count, TP_DISCOVERY_PROVIDER_STREAMS_MAX, sizeof(*streams), "number of discovery.streams");
    if (NULL == streams) { return NULL; }
    config->streams = streams;
    tp_discovery_stream_config_t *const stream = &streams[config->stream_count++];
    memcpy(stream->name, name, length + 1);
    stream->stream_id = stream_id;
    stream->data_source_id = TP_NULL_U64;
    return stream;
}

int tp_discovery_stream_config_add_tag(tp_discovery_stream_config_t *stream, const char *tag)
{
    const size_t length = NULL == tag ? 0 : strlen(tag);
    if (NULL == tag || length > TP_DISCOVERY_PROVIDER_TEXT_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "discovery.streams.%s.tags: a tag of %zu bytes, at most %d are possible", stream->name, length,
            TP_DISCOVERY_PROVIDER_TEXT_MAX);
        return -1;
    }
    char (*const tags)[TP_DISCOVERY_PROVIDER_TEXT_MAX + 1] =
        grown(stream->tags, stream->tag_count, TP_DISCOVERY_PROVIDER_TAGS_MAX, sizeof(*tags), "number of tags of a stream");
    if (NULL == tags) { return -1; }
    stream->tags = tags;
    memcpy(tags[stream->tag_count++], tag, length + 1);
    return 0;
}

int tp_discovery_provider_config_allow(tp_discovery_provider_config_t *config, const char *channel)
{
    const size_t length = NULL == channel ? 0 : strlen(channel);
    if (0 == length || length > TP_DISCOVERY_PROVIDER_CHANNEL_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "discovery.allowed_response_channels: an entry of %zu bytes, 1 to %d are possible", length,
            TP_DISCOVERY_PROVIDER_CHANNEL_MAX);
        return -1;
    }
    if (config->allowed_count >= TP_DISCOVERY_PROVIDER_ALLOWED_MAX)
    {
        TPI_SET_ERR(TP_EFULL, "discovery.allowed_response_channels has %d entries, no more are possible", TP_DISCOVERY_PROVIDER_ALLOWED_MAX);
        return -1;
    }
    memcpy(config->allowed_response_channels[config->allowed_count++], channel, length + 1);
    return 0;
}

/* ---- copy ------------------------------------------------------------------------------------------------------------------ */

static int copy_stream(tp_discovery_provider_config_t *copy, const tp_discovery_stream_config_t *stream)
{
    tp_discovery_stream_config_t *const made = tp_discovery_provider_config_add_stream(copy, stream->name, stream->stream_id);
    if (NULL == made) { return -1; }
    made->data_source_id = stream->data_source_id;
    for (uint32_t i = 0; i < stream->tag_count; i++)
    {
        if (tp_discovery_stream_config_add_tag(made, stream->tags[i]) < 0) { return -1; }
    }
    return 0;
}

int tpi_discovery_config_copy(tp_discovery_provider_config_t *copy, const tp_discovery_provider_config_t *config)
{
    *copy = *config;
    copy->sources = NULL;
    copy->streams = NULL;
    copy->source_count = 0;
    copy->stream_count = 0;
    int rc = 0;
    for (uint32_t i = 0; i < config->source_count && 0 == rc; i++)
    {
        tp_discovery_source_config_t *const source = tp_discovery_provider_config_add_source(copy);
        if (NULL == source) { rc = -1; }
        else { *source = config->sources[i]; }
    }
    for (uint32_t i = 0; i < config->stream_count && 0 == rc; i++) { rc = copy_stream(copy, &config->streams[i]); }
    if (rc < 0) { tp_discovery_provider_config_fini(copy); }
    return rc;
}

/* ---- checks ---------------------------------------------------------------------------------------------------------------- */

/* The keys of the first source stand in [discovery] itself. */
static const char *source_key(char *buffer, uint32_t i, const char *key)
{
    if (0 == i) { (void)snprintf(buffer, KEY_MAX, "discovery.%s", key); }
    else { (void)snprintf(buffer, KEY_MAX, "discovery.sources[%" PRIu32 "].%s", i - 1, key); }
    return buffer;
}

static int check_range(const char *key, uint64_t value, uint64_t minimum, uint64_t maximum)
{
    if (value >= minimum && value <= maximum) { return 0; }                          /* */
    TPI_SET_ERR(TP_ECONF_RANGE, "%s = %" PRIu64 " is not within %" PRIu64 "..%" PRIu64, key, value, minimum, maximum);
    return -1;
}

static int check_present(const char *key, const char *text)
{
    if ('\0' != text[0]) { return 0; }                                               /* X-098 X-057 */
    TPI_SET_ERR(TP_ECONF_RULE, "%s is missing or empty", key);
    return -1;
}

static int check_channel(const char *key, const char *channel)
{
    if (check_present(key, channel) < 0) { return -1; }
    if (0 == strncmp(channel, "aeron:", 6)) { return 0; }
    TPI_SET_ERR(TP_ECONF_RULE, "%s = '%s' is not an Aeron channel", key, channel);
    TPI_ERR_FIX("use for example %s = \"aeron:ipc?term-length=4m\"", key);
    return -1;
}

static int check_stream_id(const char *key, uint32_t id) { return check_range(key, id, 1, AERON_STREAM_ID_MAX); }        /* X-059 X-098 */

static int check_source(const tp_discovery_source_config_t *source, uint32_t i)
{
    char key[KEY_MAX];
    if (check_channel(source_key(key, i, "announce_channel"), source->announce_channel) < 0 ||
        check_stream_id(source_key(key, i, "announce_stream_id"), source->announce_stream_id) < 0 ||
        check_channel(source_key(key, i, "metadata_channel"), source->metadata_channel) < 0 ||
        check_stream_id(source_key(key, i, "metadata_stream_id"), source->metadata_stream_id) < 0 ||
        check_present(source_key(key, i, "driver_instance_id"), source->driver_instance_id) < 0 ||
        check_channel(source_key(key, i, "driver_control_channel"), source->driver_control_channel) < 0 ||
        check_stream_id(source_key(key, i, "driver_control_stream_id"), source->driver_control_stream_id) < 0)
    {
        return -1;
    }
    return check_range(source_key(key, i, "announce_period_ms"), source->announce_period_ms, 1, UINT32_MAX);
}

/* An announce does not say which driver it is from, so its endpoint has to. */
static int check_two_sources(const tp_discovery_source_config_t *a, const tp_discovery_source_config_t *b, uint32_t i)
{
    char key[KEY_MAX];
    if (0 == strcmp(a->driver_instance_id, b->driver_instance_id))
    {
        TPI_SET_ERR(TP_ECONF_RULE, "%s = '%s' is that of another source", source_key(key, i, "driver_instance_id"), b->driver_instance_id);
        return -1;
    }
    if (a->announce_stream_id != b->announce_stream_id || 0 != strcmp(a->announce_channel, b->announce_channel)) { return 0; }
    TPI_SET_ERR(TP_ECONF_RULE, "%s = '%s', stream id %" PRIu32 ": '%s' announces there already, and announces do not say whose they are",
        source_key(key, i, "announce_channel"), b->announce_channel, b->announce_stream_id, a->driver_instance_id);
    TPI_ERR_FIX("give each driver an announce stream id of its own (driver.announce_stream_id)");
    return -1;
}

static int check_sources(const tp_discovery_provider_config_t *config)
{
    char key[KEY_MAX];
    if (0 == config->source_count) { return check_present(source_key(key, 0, "announce_channel"), ""); }
    for (uint32_t i = 0; i < config->source_count; i++)
    {
        if (check_source(&config->sources[i], i) < 0) { return -1; }
        for (uint32_t k = 0; k < i; k++)
        {
            if (check_two_sources(&config->sources[k], &config->sources[i], i) < 0) { return -1; }
        }
    }
    return 0;
}

static int check_tag(const tp_discovery_stream_config_t *stream, const char *tag)
{
    if ('\0' == tag[0])                                                              /* O-16 */
    {
        TPI_SET_ERR(TP_ECONF_RULE, "discovery.streams.%s.tags: a tag is empty", stream->name);
        return -1;
    }
    for (const char *c = tag; '\0' != *c; c++)
    {
        if (0 == ((unsigned char)*c & 0x80)) { continue; }
        TPI_SET_ERR(TP_ECONF_RULE, "discovery.streams.%s.tags: '%s' is not US-ASCII", stream->name, tag);
        return -1;
    }
    return 0;
}

static int by_stream_id(const void *left, const void *right)
{
    const tp_discovery_stream_config_t *const a = *(tp_discovery_stream_config_t *const *)left;
    const tp_discovery_stream_config_t *const b = *(tp_discovery_stream_config_t *const *)right;
    return a->stream_id < b->stream_id ? -1 : a->stream_id > b->stream_id;
}

static int check_unique_streams(const tp_discovery_provider_config_t *config)
{
    const tp_discovery_stream_config_t **const sorted = tpi_alloc_array(config->stream_count, sizeof(tp_discovery_stream_config_t *));
    int rc = NULL == sorted ? -1 : 0;
    for (uint32_t i = 0; i < config->stream_count && 0 == rc; i++) { sorted[i] = &config->streams[i]; }
    if (0 == rc) { qsort(sorted, config->stream_count, sizeof(tp_discovery_stream_config_t *), by_stream_id); }
    for (uint32_t i = 1; i < config->stream_count && 0 == rc; i++)
    {
        if (sorted[i - 1]->stream_id != sorted[i]->stream_id) { continue; }
        TPI_SET_ERR(TP_ECONF_RULE, "discovery.streams.%s.stream_id = %" PRIu32 " is that of discovery.streams.%s", sorted[i]->name,
            sorted[i]->stream_id, sorted[i - 1]->name);
        rc = -1;
    }
    tpi_free(sorted);
    return rc;
}

static int check_streams(const tp_discovery_provider_config_t *config)
{
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        const tp_discovery_stream_config_t *const stream = &config->streams[i];
        for (uint32_t k = 0; k < stream->tag_count; k++)
        {
            if (check_tag(stream, stream->tags[k]) < 0) { return -1; }
        }
    }
    return 0 == config->stream_count ? 0 : check_unique_streams(config);
}

int tp_discovery_provider_config_check(const tp_discovery_provider_config_t *config)
{
    if (NULL == config)
    {
        TPI_SET_ERR(TP_EINVAL, "config = NULL");
        return -1;
    }
    if (check_channel("discovery.request_channel", config->request_channel) < 0 ||
        check_stream_id("discovery.request_stream_id", config->request_stream_id) < 0 ||
        check_range("discovery.max_results", config->max_results, 1, TP_DISCOVERY_PROVIDER_RESULTS_MAX) < 0 ||
        check_range("number of discovery.allowed_response_channels", config->allowed_count, 0, TP_DISCOVERY_PROVIDER_ALLOWED_MAX) < 0)
    {
        return -1;
    }
    return check_sources(config) < 0 ? -1 : check_streams(config);
}

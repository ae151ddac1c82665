/* Owns the result list and the error text of the response in the making. Work per request: entries times at most 64 tags times 64 tags. */
#include "protocol/discovery_query.h"

#include <inttypes.h>
#include <stdio.h>

#include <tensor_pool/common/tp_error.h>

#include "common/alloc.h"
#include "common/err.h"

/* The filters of one request, tags collapsed. */
typedef struct filter
{
    const tpc_discovery_request_t *request;
    uint32_t tag_count;
    bool is_hopeless;                           /* more tags than a stream can have */
    tpc_bytes_t tags[TPI_DISCOVERY_TAGS_MAX];
}
filter_t;

struct tpi_discovery_query
{
    tpi_discovery_query_config_t config;
    tpi_discovery_query_counts_t counts;
    tpc_discovery_result_t *results;            /* max_results */
    char message[TPI_DISCOVERY_MESSAGE_MAX + 1];
};

const char *tpi_discovery_outcome_text(int outcome)
{
    static const char *const texts[TPI_DISCOVERY_OUTCOMES] = { "answered", "not a DiscoveryRequest", "schema version is not supported",
        "malformed", "no response channel", "response channel is no channel", "response channel is not allowed",
        "response stream id is out of range" };
    return outcome >= 0 && outcome < TPI_DISCOVERY_OUTCOMES ? texts[outcome] : "unknown";
}

int tpi_discovery_query_create(tpi_discovery_query_t **query, const tpi_discovery_query_config_t *config)
{
    if (0 == config->max_results || config->max_results > TPC_GROUP_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "max_results = %" PRIu32 ", 1 to %d are possible", config->max_results, TPC_GROUP_MAX);
        return -1;
    }
    tpi_discovery_query_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->config = *config;
    made->results = tpi_alloc_array(config->max_results, sizeof(*made->results));
    if (NULL == made->results)
    {
        tpi_free(made);
        return -1;
    }
    *query = made;
    return 0;
}

void tpi_discovery_query_delete(tpi_discovery_query_t *query)
{
    if (NULL == query) { return; }
    tpi_free(query->results);
    tpi_free(query);
}

const tpi_discovery_query_counts_t *tpi_discovery_query_counts(const tpi_discovery_query_t *query) { return &query->counts; }

void tpi_discovery_query_set_policy(tpi_discovery_query_t *query, tpi_discovery_policy_t policy, void *clientd)
{
    query->config.policy = policy;
    query->config.policy_clientd = clientd;
}

/* ---- gate ----------------------------------------------------------------------------------------------------------------- */

static bool begins_with(tpc_bytes_t text, const char *start, size_t length)
{
    return text.length >= length && 0 == memcmp(text.data, start, length);
}

static bool admits(const char *entry, tpc_bytes_t channel)
{
    const size_t length = strlen(entry);
    if (0 == length) { return false; }
    if ('*' == entry[length - 1]) { return begins_with(channel, entry, length - 1); }
    if (!begins_with(channel, entry, length)) { return false; }
    return channel.length == length || '?' == channel.data[length];                     /* O-22 */
}

bool tpi_discovery_channel_is_allowed(const tpi_discovery_query_config_t *config, tpc_bytes_t channel)
{
    for (size_t i = 0; i < config->allowed_count; i++)
    {
        if (admits(config->allowed_channels[i], channel)) { return true; }
    }
    return false;
}

static bool is_text(tpc_bytes_t channel)
{
    if (channel.length > TPI_DISCOVERY_RESPONSE_CHANNEL_MAX) { return false; }          /* O-22 */
    for (uint32_t i = 0; i < channel.length; i++)
    {
        if (channel.data[i] < 0x21 || channel.data[i] > 0x7E) { return false; }         /* O-22 */
    }
    return true;
}

/* Steps 1 to 4. */
static tpi_discovery_outcome_t admit(const tpi_discovery_query_t *query, const uint8_t *data, size_t length, tpc_discovery_request_t *request)
{
    tpc_header_t header;
    if (TPC_OK != tpc_header_decode(&header, data, length)) { return TPI_DISCOVERY_NOT_OURS; }
    if (TPC_DISCOVERY_SCHEMA != header.schema_id) { return TPI_DISCOVERY_NOT_OURS; }    /* X-015 X-026 X-011 */
    if (TPC_DISCOVERY_REQUEST != header.template_id) { return TPI_DISCOVERY_NOT_OURS; } /* X-015 X-011 */
    if (TPC_SCHEMA_VERSION != header.version) { return TPI_DISCOVERY_VERSION; }         /* X-028 X-029 O-21 */
    if (TPC_OK != tpc_discovery_request_decode(request, data, length)) { return TPI_DISCOVERY_BAD_REQUEST; }     /* */
    if (0 == request->response_channel.length) { return TPI_DISCOVERY_NO_CHANNEL; }     /* X-034 X-035 X-036 */
    if (!is_text(request->response_channel)) { return TPI_DISCOVERY_BAD_CHANNEL; }      /* */
    if (!tpi_discovery_channel_is_allowed(&query->config, request->response_channel)) { return TPI_DISCOVERY_NOT_ALLOWED; }      /* */
    if (request->response_stream_id > INT32_MAX) { return TPI_DISCOVERY_BAD_STREAM; }   /* O-12 */
    return TPI_DISCOVERY_ANSWER;
}

/* ---- filters -------------------------------------------------------------------------------------------------------------- */

static bool has_tag(const tpc_bytes_t *tags, uint32_t count, tpc_bytes_t tag)
{
    for (uint32_t i = 0; i < count; i++)
    {
        if (tpc_bytes_same(tags[i], tag)) { return true; }                              /* byte for byte */
    }
    return false;
}

static void collapse(filter_t *filter, const tpc_discovery_request_t *request)
{
    tpc_walk_t walk = request->tag_walk;
    tpc_bytes_t tag;
    filter->request = request;
    filter->tag_count = 0;
    filter->is_hopeless = false;
    while (!filter->is_hopeless && tpc_tags_next(&walk, &tag))
    {
        if (0 == tag.length) { continue; }                                              /* O-16 */
        if (has_tag(filter->tags, filter->tag_count, tag)) { continue; }                /* */
        if (TPI_DISCOVERY_TAGS_MAX == filter->tag_count) { filter->is_hopeless = true; }
        else { filter->tags[filter->tag_count++] = tag; }
    }
}

static bool holds(const filter_t *filter, const tpc_discovery_result_t *r)
{
    const tpc_discovery_request_t *const q = filter->request;
    if (TP_NULL_U32 != q->stream_id && q->stream_id != r->stream_id) { return false; }              /* */
    if (TP_NULL_U32 != q->producer_id && q->producer_id != r->producer_id) { return false; }        /* */
    if (TP_NULL_U64 != q->data_source_id && q->data_source_id != r->data_source_id) { return false; }   /* O-6 X-033 */
    if (0 != q->data_source_name.length && !tpc_bytes_same(q->data_source_name, r->data_source_name)) { return false; }   /* X-022 X-040 */
    for (uint32_t i = 0; i < filter->tag_count; i++)
    {
        if (!has_tag(r->tags, r->tag_count, filter->tags[i])) { return false; }                     /* X-044 X-045 */
    }
    return true;
}

/* ---- answer --------------------------------------------------------------------------------------------------------------- */

void tpi_discovery_query_fail(tpi_discovery_query_t *query, uint64_t request_id, const char *why, tpc_discovery_response_t *response)
{
    (void)snprintf(query->message, sizeof(query->message), "%s", why);                              /* */
    *response = (tpc_discovery_response_t)TPC_DISCOVERY_RESPONSE_INIT;                              /* */
    response->request_id = request_id;                                                              /* */
    response->status = TPC_DISCOVERY_ERROR;
    response->error_message = tpc_bytes(query->message);
}

/* The visible matches; at most max_results are kept, all are counted. */
static size_t collect(tpi_discovery_query_t *query, const tpi_discovery_index_t *index, const tpc_discovery_request_t *request, bool *denied)
{
    const tpi_discovery_query_config_t *const config = &query->config;
    filter_t filter;
    size_t found = 0;
    collapse(&filter, request);
    *denied = false;
    if (filter.is_hopeless) { return 0; }
    for (size_t i = 0; i < tpi_discovery_index_count(index); i++)
    {
        tpc_discovery_result_t result;
        tpi_discovery_index_at(index, i, &result);
        if (!holds(&filter, &result)) { continue; }
        const tpi_discovery_sight_t sight = NULL == config->policy ? TPI_DISCOVERY_SHOWN :
            config->policy(config->policy_clientd, request->client_id, &result);                    /* X-047 X-088 */
        if (TPI_DISCOVERY_DENIED == sight) { *denied = true; }                                      /* */
        if (TPI_DISCOVERY_SHOWN != sight) { continue; }                                             /* */
        if (found < config->max_results) { query->results[found] = result; }                        /* */
        found++;
    }
    return found;
}

static void answer(tpi_discovery_query_t *query, const tpi_discovery_index_t *index, const tpc_discovery_request_t *request,
    tpc_discovery_response_t *response)
{
    bool denied;
    const size_t found = collect(query, index, request, &denied);
    if (denied && 0 == found)
    {
        query->counts.denied++;
        tpi_discovery_query_fail(query, request->request_id, "access to a matching stream is denied", response);    /* */
        return;
    }
    const bool is_over = found > query->config.max_results;
    if (is_over) { query->counts.limited++; }
    if (is_over && !query->config.caps_results)
    {
        char why[128];
        (void)snprintf(why, sizeof(why), "%zu streams match, max_results = %" PRIu32, found, query->config.max_results);
        tpi_discovery_query_fail(query, request->request_id, why, response);                        /* X-062 O-13 */
        return;
    }
    *response = (tpc_discovery_response_t)TPC_DISCOVERY_RESPONSE_INIT;
    response->request_id = request->request_id;                                                     /* */
    response->status = 0 == found && NULL != query->config.policy ? TPC_DISCOVERY_NOT_FOUND : TPC_DISCOVERY_OK;     /* X-066 X-067 X-068 X-089 O-4 */
    response->result_count = is_over ? query->config.max_results : (uint32_t)found;
    response->results = query->results;
}

tpi_discovery_outcome_t tpi_discovery_query_run(tpi_discovery_query_t *query, tpi_discovery_index_t *index, const uint8_t *data, size_t length,
    int64_t now_ns, tpc_discovery_request_t *request, tpc_discovery_response_t *response)
{
    tpc_discovery_request_t decoded;
    const tpi_discovery_outcome_t outcome = admit(query, data, length, &decoded);
    query->counts.outcomes[outcome]++;
    if (TPI_DISCOVERY_ANSWER != outcome) { return outcome; }
    *request = decoded;
    if (0 == request->response_stream_id)                                                           /* X-037 X-038 O-3 */
    {
        query->counts.zero_stream++;
        tpi_discovery_query_fail(query, request->request_id, "responseStreamId = 0 is no stream", response);
        return outcome;
    }
    (void)tpi_discovery_index_sweep(index, now_ns);                                                 /* */
    answer(query, index, request, response);
    return outcome;
}

/*
 * One request to a discovery provider, from its bytes to the response (30-discovery.md 4.2 and 4.3). Pure: the caller publishes what comes out, or
 * nothing. Answers advise, they allow nothing. One thread, that of the index.
 */
#ifndef TPI_PROTOCOL_DISCOVERY_QUERY_H
#define TPI_PROTOCOL_DISCOVERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_discovery.h"
#include "protocol/discovery_index.h"

#define TPI_DISCOVERY_RESULTS_DEFAULT 1000u     /* */
#define TPI_DISCOVERY_RESPONSE_CHANNEL_MAX 1023u
#define TPI_DISCOVERY_MESSAGE_MAX 1024u         /* */

/* What a client may know of a stream. clientId is no proof of identity. */
typedef enum tpi_discovery_sight
{
    TPI_DISCOVERY_SHOWN = 0,
    TPI_DISCOVERY_HIDDEN,
    TPI_DISCOVERY_DENIED                        /* and the client is told so, when nothing else matches */
}
tpi_discovery_sight_t;

typedef tpi_discovery_sight_t (*tpi_discovery_policy_t)(void *clientd, uint32_t client_id, const tpc_discovery_result_t *result);

typedef struct tpi_discovery_query_config
{
    const char *const *allowed_channels;        /* where responses may go (O-22); borrowed */
    size_t allowed_count;
    uint32_t max_results;                       /* 1 to 65534 */
    bool caps_results;                          /* answer with the first max_results instead of an error (O-13) */
    tpi_discovery_policy_t policy;              /* NULL: no access control */
    void *policy_clientd;
}
tpi_discovery_query_config_t;

typedef enum tpi_discovery_outcome
{
    TPI_DISCOVERY_ANSWER = 0,                   /* publish the response; all others: send nothing */
    TPI_DISCOVERY_NOT_OURS,                     /* another schema or template */
    TPI_DISCOVERY_VERSION,
    TPI_DISCOVERY_BAD_REQUEST,                  /* lengths */
    TPI_DISCOVERY_NO_CHANNEL,
    TPI_DISCOVERY_BAD_CHANNEL,                  /* too long, or bytes outside 0x21..0x7E */
    TPI_DISCOVERY_NOT_ALLOWED,
    TPI_DISCOVERY_BAD_STREAM,                   /* response stream id above 2147483647 */
    TPI_DISCOVERY_OUTCOMES
}
tpi_discovery_outcome_t;

const char *tpi_discovery_outcome_text(int outcome);        /* static storage */

typedef struct tpi_discovery_query tpi_discovery_query_t;

typedef struct tpi_discovery_query_counts
{
    uint64_t outcomes[TPI_DISCOVERY_OUTCOMES];
    uint64_t limited;                           /* answers that were refused or cut because of max_results */
    uint64_t denied;
    uint64_t zero_stream;                       /* responseStreamId 0: answered with an error only (O-3) */
}
tpi_discovery_query_counts_t;

/* TP_EINVAL: max_results out of bounds; TP_ENOMEM. */
int tpi_discovery_query_create(tpi_discovery_query_t **query, const tpi_discovery_query_config_t *config);
void tpi_discovery_query_delete(tpi_discovery_query_t *query);          /* accepts NULL */

/* From the next request on; NULL: no access control. */
void tpi_discovery_query_set_policy(tpi_discovery_query_t *query, tpi_discovery_policy_t policy, void *clientd);

/* Whether an entry of the list admits the channel: equal to it, it and '?', or the text before a final '*'. */
bool tpi_discovery_channel_is_allowed(const tpi_discovery_query_config_t *config, tpc_bytes_t channel);

/*
 * One message of the request endpoint; data begins at its header. With ANSWER, *request and *response are set; they point into data, query and index
 * and live until the next call to either. Expired entries are swept first.
 */
tpi_discovery_outcome_t tpi_discovery_query_run(tpi_discovery_query_t *query, tpi_discovery_index_t *index, const uint8_t *data, size_t length,
    int64_t now_ns, tpc_discovery_request_t *request, tpc_discovery_response_t *response);
/* The response is too long for the publication, or something failed: the error that goes out in its place (O-14), at most 1024 bytes. */
void tpi_discovery_query_fail(tpi_discovery_query_t *query, uint64_t request_id, const char *why, tpc_discovery_response_t *response);
const tpi_discovery_query_counts_t *tpi_discovery_query_counts(const tpi_discovery_query_t *query);

#endif

/*
 * Asking a discovery provider which streams there are, and opening streams by name (docs/DISCOVERY_USAGE.md).
 *
 * What a provider says is advice, a snapshot that may be old when it arrives. It opens nothing and maps nothing: a stream that was found is
 * attached to through its driver, which decides, and whose answer alone counts (X-001 X-006 X-009). A result names stream and driver together; the
 * pair is handed on as one unit, tp_stream_ref_t.
 *
 * Threads: a discovery client and its requests are used by one thread at a time. Agent mode: the client's conductor receives and repeats in the
 * background. Invoker mode: it goes on in tp_client_do_work; calls that wait turn the conductor. Nothing here waits without a limit.
 */
#ifndef TENSOR_POOL_CLIENT_TP_DISCOVERY_H
#define TENSOR_POOL_CLIENT_TP_DISCOVERY_H

#include <tensor_pool/client/tp_client.h>
#include <tensor_pool/client/tp_consumer.h>
#include <tensor_pool/client/tp_inspect.h>
#include <tensor_pool/client/tp_producer.h>

TP_BEGIN_DECLS

#define TP_DISCOVERY_NAME_MAX 256      /* bytes of a name, a tag or an instance id (X-043, O-17) */
#define TP_DISCOVERY_CHANNEL_MAX 1023
#define TP_DISCOVERY_URI_MAX 4096
#define TP_DISCOVERY_TAGS_MAX 64       /* in one filter */
#define TP_DISCOVERY_RESULTS_MAX 65534 /* kept of one response */
#define TP_DISCOVERY_REQUESTS_MAX 64   /* under way at a time, of one discovery client */

/* ---- the client of a provider ------------------------------------------------------------------------------------------- */

typedef struct tp_discovery_client tp_discovery_client_t;

typedef struct tp_discovery_config
{
    uint32_t size;                     /* sizeof(tp_discovery_config_t) */
    uint32_t client_id;                /* 0 = random; an identification, never a credential */
    int32_t request_stream_id;
    int32_t response_stream_id;
    const char *request_channel;       /* these two are borrowed until tp_discovery_client_init returns */
    const char *response_channel;
    int64_t retry_interval_ns;         /* an unanswered request is sent again after that, and twice that at most; default 500 ms */
    uint64_t reserved[4];
}
tp_discovery_config_t;

/*
 * The endpoints that the settings of the client name: tp_context_set_discovery, TP_DISCOVERY_*, the endpoint file of a driver with an embedded
 * provider, else the driver's control channel with stream ids 7000 (requests) and 7004 (responses). The texts live as long as the client.
 * A request channel over UDP leaves response_channel empty unless one is set: nobody can guess where this host is reached. TP_EINVAL.
 */
TP_EXPORT int tp_discovery_config_init(tp_discovery_config_t *config, const tp_client_t *client);

/*
 * Opens both endpoints; config NULL = as tp_discovery_config_init says. Waits for the media driver, up to the client's driver timeout. TP_EINVAL:
 * no response channel, or a stream id that is not 1..2147483647: nothing is sent then (X-017 X-039); TP_ECHANNEL, TP_ETIMEDOUT, TP_ENOMEM, TP_EFULL.
 * Whether a provider is there shows with the first request only. Not from a callback.
 */
TP_EXPORT int tp_discovery_client_init(tp_discovery_client_t **discovery, tp_client_t *client, const tp_discovery_config_t *config);
/* Ends requests that are under way, too: their handles are gone. Before the client is closed. Accepts NULL. */
TP_EXPORT void tp_discovery_client_close(tp_discovery_client_t *discovery);

/* ---- requests ----------------------------------------------------------------------------------------------------------- */

/* What to ask for. All that is given has to hold at once. */
typedef struct tp_discovery_filter
{
    uint32_t size;                     /* sizeof(tp_discovery_filter_t), or use TP_DISCOVERY_FILTER_INIT */
    uint32_t stream_id;                /* TP_NULL_U32 = any */
    uint32_t producer_id;              /* TP_NULL_U32 = any */
    uint32_t tag_count;
    uint64_t data_source_id;           /* TP_NULL_U64 = any */
    const char *name;                  /* NULL or "" = any; byte for byte */
    const char *const *tags;           /* all of them have to be there */
    uint64_t reserved[4];
}
tp_discovery_filter_t;
#define TP_DISCOVERY_FILTER_INIT { \
    sizeof(tp_discovery_filter_t), TP_NULL_U32, TP_NULL_U32, 0, TP_NULL_U64, NULL, NULL, { 0, 0, 0, 0 } }

typedef struct tp_discovery_request tp_discovery_request_t;
typedef struct tp_discovery_response tp_discovery_response_t;

/*
 * Asks without waiting; filter NULL = for everything. The request is repeated until somebody answers or timeout_ns is over (> 0; 5 s is usual); the
 * filter is copied. TP_EINVAL: a name or tag has more than 256 bytes or is no US-ASCII, more than 64 tags; TP_EFULL, TP_ENOMEM.
 */
TP_EXPORT int tp_discovery_request(
    tp_discovery_request_t **request, tp_discovery_client_t *discovery, const tp_discovery_filter_t *filter, int64_t timeout_ns);
/*
 * Waits up to wait_ns (0 = not at all; then allowed in callbacks, too): 1 and *response set, 0 still under way, -1 failed: TP_ENODISCOVERY (nobody
 * answered in time), TP_EDISCOVERY (the provider answered ERROR; the text is the provider's), TP_ESTATE (the client is being closed). The handle is
 * gone after 1 and -1, and with tp_discovery_client_close. An empty list is a success, whether the provider calls it OK or NOT_FOUND (O-4).
 */
TP_EXPORT int tp_discovery_poll(tp_discovery_request_t *request, int64_t wait_ns, tp_discovery_response_t **response);
/* Gives a request up; the handle is gone. Accepts NULL. */
TP_EXPORT void tp_discovery_cancel(tp_discovery_request_t *request);

/*
 * Takes the outcome of one request of this discovery client: code TP_OK and the response, which is the handler's to free; or the code and text that
 * tp_discovery_poll would have set, response NULL. The handle is gone afterwards. May ask and cancel, but not close the discovery client.
 */
typedef void (*tp_discovery_handler_t)(
    void *clientd, const tp_discovery_request_t *request, int code, const char *text, tp_discovery_response_t *response);
/* Hands out what is finished, at most limit, on this thread and without waiting: how many, or -1 with TP_EINVAL. */
TP_EXPORT int tp_discovery_poller_poll(tp_discovery_client_t *discovery, tp_discovery_handler_t handler, void *clientd, int limit);

/* One request and its answer: tp_discovery_request and tp_discovery_poll in one. 0 and *response set, or -1. */
TP_EXPORT int tp_discovery_find(
    tp_discovery_client_t *discovery, const tp_discovery_filter_t *filter, int64_t timeout_ns, tp_discovery_response_t **response);

/* ---- responses ---------------------------------------------------------------------------------------------------------- */

typedef struct tp_discovery_pool
{
    uint32_t size;
    uint32_t nslots;
    uint32_t stride_bytes;
    uint16_t pool_id;
    uint16_t reserved16;
    const char *region_uri;            /* informative; what counts comes with the attach */
}
tp_discovery_pool_t;

/* One stream of a response; pointers live as long as the response. Texts come from the network: any bytes but NUL may be in them. */
typedef struct tp_discovery_result
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t producer_id;
    uint32_t layout_version;
    uint64_t epoch;
    uint64_t data_source_id;           /* TP_NULL_U64 = the provider knows none */
    uint32_t header_nslots;
    uint16_t header_slot_bytes;
    uint8_t max_dims;
    uint8_t reserved8;
    int32_t driver_control_stream_id;  /* with the next two: the driver that decides */
    uint32_t pool_count;
    uint32_t tag_count;
    uint32_t reserved32;
    const char *driver_control_channel;
    const char *driver_instance;       /* "" = not told */
    const char *name;                  /* "" = none */
    const char *header_region_uri;
    const tp_discovery_pool_t *pools;
    const char *const *tags;           /* in no particular order */
    uint64_t reserved[4];
}
tp_discovery_result_t;

/* Streams of a response in the order of driver and stream id, the newest epoch of each; 0 for NULL. */
TP_EXPORT uint32_t tp_discovery_response_count(const tp_discovery_response_t *response);
/* The id of the request it answers; 0 for NULL. */
TP_EXPORT uint64_t tp_discovery_response_request_id(const tp_discovery_response_t *response);
/* What the provider called it: 1 OK, 2 NOT_FOUND (O-4: the same to you). */
TP_EXPORT int tp_discovery_response_status(const tp_discovery_response_t *response);
/* TP_EINVAL: index out of bounds. */
TP_EXPORT int tp_discovery_response_at(const tp_discovery_response_t *response, uint32_t index, tp_discovery_result_t *result);
/* Results that were left out because they break a rule: no control endpoint (X-058 X-060), pools that contradict the ring, too long texts. */
TP_EXPORT uint32_t tp_discovery_response_refused(const tp_discovery_response_t *response);
/* Accepts NULL. */
TP_EXPORT void tp_discovery_response_free(tp_discovery_response_t *response);

typedef struct tp_discovery_stats
{
    uint32_t size;
    bool connected;                    /* somebody subscribes to the request endpoint */
    uint8_t reserved8[3];
    uint64_t requests;                 /* accepted from the application */
    uint64_t sends;                    /* messages out, repetitions included */
    uint64_t responses;                /* that answered a request */
    uint64_t timeouts;
    uint64_t errors;                   /* answers with status ERROR */
    uint64_t foreign;                  /* responses to requests that are not ours or not outstanding any more */
    uint64_t malformed;                /* bytes that are no response, or a status nobody knows */
    uint64_t other_version;            /* responses of another schema version */
    uint64_t refused_results;          /* left out of a response */
    uint64_t stale_results;            /* older epochs and repetitions left out of a response */
    uint64_t reserved[4];
}
tp_discovery_stats_t;
/* TP_EINVAL. */
TP_EXPORT int tp_discovery_client_stats(const tp_discovery_client_t *discovery, tp_discovery_stats_t *stats);

/* ---- streams by name ---------------------------------------------------------------------------------------------------- */

typedef enum tp_stream_origin
{
    TP_STREAM_BY_ID = 0,               /* a number stands for itself */
    TP_STREAM_BY_DISCOVERY = 1,
    TP_STREAM_BY_COUNTERS = 2          /* of the drivers on this client's media driver */
}
tp_stream_origin_t;

/* A stream and the driver that decides about it. */
typedef struct tp_stream_ref
{
    uint32_t size;
    uint32_t stream_id;
    uint64_t epoch;                    /* last heard of; 0 = unknown. Never believed: the attach tells */
    uint8_t origin;                    /* tp_stream_origin_t */
    uint8_t reserved8[3];
    int32_t control_stream_id;         /* 0 = the client's own driver */
    char control_channel[TP_DISCOVERY_CHANNEL_MAX + 1];
    char driver_instance[TP_DISCOVERY_NAME_MAX + 1];   /* "" = not told */
    char name[TP_DISCOVERY_NAME_MAX + 1];
    uint64_t reserved[4];
}
tp_stream_ref_t;

/*
 * The stream of that name, looked for in this order: a decimal id stands for itself; the discovery provider, if one answers within timeout_ns
 * (0 = do not ask, 1 s is plenty on one host); the counters of the drivers on this media driver. NAME@INSTANCE or ID@INSTANCE names the driver, too.
 * Names are compared byte for byte. TP_ENOENT: nobody knows it (with the nearest name); TP_EAMBIGUOUS: several drivers offer it, and the
 * text lists them; TP_ENODRIVER: the counters show it at another driver, which has no endpoint file. Not from a callback.
 */
TP_EXPORT int tp_stream_find(tp_client_t *client, const char *name, int64_t timeout_ns, tp_stream_ref_t *stream);
/* The one stream of a response that has that name, as above; NULL = the only one there is. TP_ENOENT, TP_EAMBIGUOUS. */
TP_EXPORT int tp_discovery_response_select(const tp_discovery_response_t *response, const char *name, tp_stream_ref_t *stream);
/* The same by the counters of a media driver alone, also a dead one's. A bare id that no counter shows stands for itself. */
TP_EXPORT int tp_counters_stream_find(tp_counters_t *counters, const char *name, tp_stream_ref_t *stream);
/* A result as what the calls below take. TP_EINVAL. */
TP_EXPORT int tp_discovery_result_ref(const tp_discovery_result_t *result, tp_stream_ref_t *stream);

/*
 * tp_consumer_init for a stream that was found: attaches at the control endpoint of its driver, also when the client is connected to another
 * one; the connection to that driver is the client's, is made once, and is worked by the same conductor. context NULL = defaults; its stream id is
 * replaced. Errors as tp_consumer_init, above all the driver's own refusal. Not from a callback.
 */
TP_EXPORT int tp_consumer_init_ref(
    tp_consumer_t **consumer, tp_client_t *client, const tp_stream_ref_t *stream, const tp_consumer_context_t *context);
/* The same for a producer. */
TP_EXPORT int tp_producer_init_ref(
    tp_producer_t **producer, tp_client_t *client, const tp_stream_ref_t *stream, const tp_producer_context_t *context);
/* tp_stream_find (1 s), then tp_consumer_init_ref with defaults. */
TP_EXPORT int tp_consumer_open_named(tp_consumer_t **consumer, tp_client_t *client, const char *name);
TP_EXPORT int tp_producer_open_named(tp_producer_t **producer, tp_client_t *client, const char *name);
/* For applications that want a client of their own at that driver: sets control endpoint and driver instance of a context. TP_EINVAL, TP_ENOMEM. */
TP_EXPORT int tp_context_set_driver_of(tp_context_t *context, const tp_stream_ref_t *stream);

TP_END_DECLS

#endif

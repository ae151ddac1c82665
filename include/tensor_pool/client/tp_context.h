/*
 * Settings of a client. Every value comes, in this order, from: a setter, a TP_* environment variable, the endpoint file of the running
 * driver, the default. Nothing needs configuring on one host. tp_context_describe() prints each value and where it came from.
 *
 * A context belongs to one thread until tp_client_init(), which copies it; it may be closed right afterwards.
 */
#ifndef TENSOR_POOL_CLIENT_TP_CONTEXT_H
#define TENSOR_POOL_CLIENT_TP_CONTEXT_H

#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/common/tp_types.h>

TP_BEGIN_DECLS

typedef struct tp_context tp_context_t;

/* A context with nothing set (TP_ENOMEM); _close frees it and accepts NULL. */
TP_EXPORT int tp_context_init(tp_context_t **context);
TP_EXPORT void tp_context_close(tp_context_t *context);

/* Strings are copied. NULL or "" gives the value back to environment, endpoint file and default. */
TP_EXPORT int tp_context_set_aeron_dir(tp_context_t *context, const char *dir);                        /* TP_AERON_DIR, then AERON_DIR */
TP_EXPORT const char *tp_context_get_aeron_dir(const tp_context_t *context);
TP_EXPORT int tp_context_set_client_name(tp_context_t *context, const char *name);                     /* TP_CLIENT_NAME; default: program name */
TP_EXPORT const char *tp_context_get_client_name(const tp_context_t *context);
/* TP_DRIVER: which endpoint file, when several drivers run */
TP_EXPORT int tp_context_set_driver_instance(tp_context_t *context, const char *instance_id);
TP_EXPORT const char *tp_context_get_driver_instance(const tp_context_t *context);
/* Channel strings must be the same for all parties of a stream (O-44). Stream ids 1..2^31-1. */
/* TP_CONTROL_CHANNEL TP_CONTROL_STREAM_ID; 1000 */
TP_EXPORT int tp_context_set_control(tp_context_t *context, const char *channel, int32_t stream_id);
/* TP_ANNOUNCE_CHANNEL ..._STREAM_ID; as control */
TP_EXPORT int tp_context_set_announce(tp_context_t *context, const char *channel, int32_t stream_id);
TP_EXPORT int tp_context_set_descriptor(tp_context_t *context, const char *channel, int32_t stream_id); /* TP_DESCRIPTOR_*; 1100 */
TP_EXPORT int tp_context_set_qos(tp_context_t *context, const char *channel, int32_t stream_id);        /* TP_QOS_*; 1200 */
TP_EXPORT int tp_context_set_metadata(tp_context_t *context, const char *channel, int32_t stream_id);   /* TP_METADATA_*; 1300 */
/* Where discovery requests go (TP_DISCOVERY_CHANNEL, TP_DISCOVERY_STREAM_ID; the control channel, 7000) and where answers are to come */
TP_EXPORT int tp_context_set_discovery(tp_context_t *context, const char *channel, int32_t stream_id);
/* (TP_DISCOVERY_RESPONSE_*; the request channel unless that is UDP, 7004). Providers answer on IPC channels unless told otherwise. */
TP_EXPORT int tp_context_set_discovery_response(tp_context_t *context, const char *channel, int32_t stream_id);
TP_EXPORT const char *tp_context_get_discovery_channel(const tp_context_t *context);
TP_EXPORT int32_t tp_context_get_discovery_stream_id(const tp_context_t *context);
TP_EXPORT const char *tp_context_get_discovery_response_channel(const tp_context_t *context);   /* "" = none can be guessed */
TP_EXPORT int32_t tp_context_get_discovery_response_stream_id(const tp_context_t *context);
TP_EXPORT const char *tp_context_get_control_channel(const tp_context_t *context);
TP_EXPORT int32_t tp_context_get_control_stream_id(const tp_context_t *context);
TP_EXPORT const char *tp_context_get_announce_channel(const tp_context_t *context);
TP_EXPORT int32_t tp_context_get_announce_stream_id(const tp_context_t *context);
TP_EXPORT const char *tp_context_get_descriptor_channel(const tp_context_t *context);
TP_EXPORT int32_t tp_context_get_descriptor_stream_id(const tp_context_t *context);
TP_EXPORT const char *tp_context_get_qos_channel(const tp_context_t *context);
TP_EXPORT int32_t tp_context_get_qos_stream_id(const tp_context_t *context);
TP_EXPORT const char *tp_context_get_metadata_channel(const tp_context_t *context);
TP_EXPORT int32_t tp_context_get_metadata_stream_id(const tp_context_t *context);
/* All five on the protocol's suggested ids over aeron:ipc?term-length=4m. */
TP_EXPORT int tp_context_set_default_channels(tp_context_t *context);

/* Adds a directory below which regions may lie (W-220); the driver's own base from its endpoint file counts as well. At most 16. */
TP_EXPORT int tp_context_add_allowed_base_dir(tp_context_t *context, const char *dir);                 /* TP_ALLOWED_BASE_DIRS, colon-separated */

/* Times in nanoseconds, above 0; a setter returns -1 with TP_EINVAL and changes nothing otherwise. A getter gives the value a client would use. */
TP_EXPORT int tp_context_set_driver_timeout_ns(tp_context_t *context, int64_t timeout_ns);             /* media driver counts as dead; default 5 s */
TP_EXPORT int64_t tp_context_get_driver_timeout_ns(const tp_context_t *context);
/* default 1 s, or the driver's from its endpoint file */
TP_EXPORT int tp_context_set_keepalive_interval_ns(tp_context_t *context, int64_t interval_ns);
TP_EXPORT int64_t tp_context_get_keepalive_interval_ns(const tp_context_t *context);
TP_EXPORT int tp_context_set_message_timeout_ns(tp_context_t *context, int64_t timeout_ns);            /* answer to one request; default 1 s */
TP_EXPORT int64_t tp_context_get_message_timeout_ns(const tp_context_t *context);
TP_EXPORT int tp_context_set_message_retries(tp_context_t *context, uint32_t retries);                 /* of blocking calls; default 3 */
TP_EXPORT uint32_t tp_context_get_message_retries(const tp_context_t *context);
TP_EXPORT int tp_context_set_announce_period_ns(tp_context_t *context, int64_t period_ns);             /* freshness window = 3 periods; default 1 s */
TP_EXPORT int64_t tp_context_get_announce_period_ns(const tp_context_t *context);
TP_EXPORT int tp_context_set_qos_interval_ns(tp_context_t *context, int64_t interval_ns);              /* QosProducer, QosConsumer; default 1 s */
TP_EXPORT int64_t tp_context_get_qos_interval_ns(const tp_context_t *context);
/* DataSourceAnnounce, and DataSourceMeta again; default 1 s */
TP_EXPORT int tp_context_set_data_source_announce_period_ns(tp_context_t *context, int64_t period_ns);
TP_EXPORT int64_t tp_context_get_data_source_announce_period_ns(const tp_context_t *context);

/* Invoker mode (true): no thread; the application calls tp_client_do_work. Default false: tp_client_start runs an agent thread. */
TP_EXPORT int tp_context_set_use_agent_invoker(tp_context_t *context, bool invoker);
TP_EXPORT bool tp_context_get_use_agent_invoker(const tp_context_t *context);

/*
 * Region files of owners that are not trusted: truncating one that is mapped raises SIGBUS in whoever reads it. With the guard (default false)
 * the process survives: the pages read as zeros and no view of that mapping is valid any more. It installs a handler of SIGBUS for the
 * life of the process when a client is opened; signals about other memory go to the handler that was there before (trap M6).
 */
TP_EXPORT int tp_context_set_fault_guard(tp_context_t *context, bool guard);
TP_EXPORT bool tp_context_get_fault_guard(const tp_context_t *context);

/*
 * Whether what is mapped is locked in memory, so that no frame waits for a page to come back from swap; pages that nobody filled yet are locked
 * when they are. Default: as the driver locks its own (policies.mlock_shm, from its endpoint file). Where RLIMIT_MEMLOCK does not
 * allow it, the mapping is used unlocked and a warning logged (D-193).
 */
TP_EXPORT int tp_context_set_lock_memory(tp_context_t *context, bool lock);                            /* TP_LOCK_MEMORY */
TP_EXPORT bool tp_context_get_lock_memory(const tp_context_t *context);

/* How the agent thread (and a waiting tp_consumer_next) idles: "busy", "yield", "backoff" (default), "sleep", "noop". */
TP_EXPORT int tp_context_set_idle_strategy(tp_context_t *context, const char *name);                   /* TP_IDLE_STRATEGY */
TP_EXPORT const char *tp_context_get_idle_strategy(const tp_context_t *context);
/* The agent thread runs on this processor only; -1 (default) = on any. tp_client_start fails with TP_EINVAL when the process may not use it. */
TP_EXPORT int tp_context_set_agent_cpu(tp_context_t *context, int32_t cpu);                            /* TP_AGENT_CPU */
TP_EXPORT int32_t tp_context_get_agent_cpu(const tp_context_t *context);

/*
 * Trace ids (tp_trace.h). trace: every producer of the client traces unless its own context says otherwise; default false. node_id: that of this
 * process, unique in the deployment; TP_NULL_U32 (default, "any"): the driver's. layout: NULL gives it back to environment and default. TP_EINVAL.
 */
TP_EXPORT int tp_context_set_trace(tp_context_t *context, bool trace);                                 /* TP_TRACE */
TP_EXPORT bool tp_context_get_trace(const tp_context_t *context);
TP_EXPORT int tp_context_set_trace_node_id(tp_context_t *context, uint32_t node_id);                   /* TP_TRACE_NODE_ID */
TP_EXPORT uint32_t tp_context_get_trace_node_id(const tp_context_t *context);
/* TP_TRACE_NODE_BITS TP_TRACE_SEQUENCE_BITS TP_TRACE_OFFSET_MS */
TP_EXPORT int tp_context_set_trace_layout(tp_context_t *context, const tp_trace_layout_t *layout);

/* Called by the conductor for errors that no call returns (a refused reattach, a rejected announce); same thread rules as all callbacks. */
typedef void (*tp_error_handler_t)(void *clientd, int code, const char *text);
/* Sets that handler; NULL: such errors are logged only. */
TP_EXPORT int tp_context_set_error_handler(tp_context_t *context, tp_error_handler_t handler, void *clientd);

/* One line a setting: name, value, source ("setter", "TP_AERON_DIR", "endpoint /run/...", "default"). handler runs during the call. */
typedef void (*tp_setting_handler_t)(void *clientd, const char *name, const char *value, const char *source);
/* Describes every setting to the handler; 0, or -1 when the endpoint file is broken. */
TP_EXPORT int tp_context_describe(tp_context_t *context, tp_setting_handler_t handler, void *clientd);

TP_END_DECLS

#endif

/*
 * Configuration of a discovery provider (30-discovery.md 2.3). A plain value: fill it by tp_discovery_provider_config_init, then by hand or by a
 * loader. The provider copies it.
 */
#ifndef TENSOR_POOL_DISCOVERY_TP_DISCOVERY_PROVIDER_CONFIG_H
#define TENSOR_POOL_DISCOVERY_TP_DISCOVERY_PROVIDER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/common/tp_export.h>
#include <tensor_pool/common/tp_types.h>

TP_BEGIN_DECLS

#define TP_DISCOVERY_PROVIDER_TEXT_MAX 256               /* bytes of an instance id, a tag, a name (O-17) */
#define TP_DISCOVERY_PROVIDER_CHANNEL_MAX 1024           /* bytes of a channel */
#define TP_DISCOVERY_PROVIDER_DIR_MAX 1024
#define TP_DISCOVERY_PROVIDER_ALLOWED_MAX 32             /* entries of allowed_response_channels */
#define TP_DISCOVERY_PROVIDER_SOURCES_MAX 256
#define TP_DISCOVERY_PROVIDER_STREAMS_MAX 16384
#define TP_DISCOVERY_PROVIDER_TAGS_MAX 64                /* of one stream */
#define TP_DISCOVERY_PROVIDER_RESULTS_MAX 65534

/* A driver, and where its announces and its producers' metadata come from. */
typedef struct tp_discovery_source_config
{
    char announce_channel[TP_DISCOVERY_PROVIDER_CHANNEL_MAX + 1];
    uint32_t announce_stream_id;
    char metadata_channel[TP_DISCOVERY_PROVIDER_CHANNEL_MAX + 1];
    uint32_t metadata_stream_id;
    char driver_instance_id[TP_DISCOVERY_PROVIDER_TEXT_MAX + 1];
    char driver_control_channel[TP_DISCOVERY_PROVIDER_CHANNEL_MAX + 1];
    uint32_t driver_control_stream_id;
    uint32_t announce_period_ms;                /* entries expire after three of these */
}
tp_discovery_source_config_t;

/* A stream about which the operator knows more than is announced (O-6), whatever driver it is at. */
typedef struct tp_discovery_stream_config
{
    char name[TP_DISCOVERY_PROVIDER_TEXT_MAX + 1];       /* of the table, for messages; not the data source name */
    uint32_t stream_id;
    uint64_t data_source_id;                    /* TP_NULL_U64 = not known */
    uint32_t tag_count;
    char (*tags)[TP_DISCOVERY_PROVIDER_TEXT_MAX + 1];    /* owned, grown by tp_discovery_stream_config_add_tag */
}
tp_discovery_stream_config_t;

typedef struct tp_discovery_provider_config
{
    uint32_t size;
    char aeron_dir[TP_DISCOVERY_PROVIDER_DIR_MAX];       /* [driver] aeron_dir; "" = Aeron's default */
    /* discovery.* */
    char request_channel[TP_DISCOVERY_PROVIDER_CHANNEL_MAX + 1];
    uint32_t request_stream_id;
    uint32_t max_results;
    bool caps_results;                          /* more matches: the first max_results instead of an error (ours, O-13) */
    uint32_t query_log_every;                   /* one of so many queries is logged, 0 = none (ours, X-094) */
    uint32_t allowed_count;
    char allowed_response_channels[TP_DISCOVERY_PROVIDER_ALLOWED_MAX][TP_DISCOVERY_PROVIDER_CHANNEL_MAX + 1];      /* O-22 */
    uint32_t source_count;
    tp_discovery_source_config_t *sources;      /* owned; the first one holds the keys of [discovery], the others are [[discovery.sources]] */
    uint32_t stream_count;
    tp_discovery_stream_config_t *streams;      /* owned; [discovery.streams.<name>] */
    uint64_t reserved[8];
}
tp_discovery_provider_config_t;

/*
 * The defaults of 2.3: max_results 1000, responses to aeron:ipc only, one of 100 queries logged. No source, no request endpoint: those are required.
 */
TP_EXPORT void tp_discovery_provider_config_init(tp_discovery_provider_config_t *config);
TP_EXPORT void tp_discovery_provider_config_fini(tp_discovery_provider_config_t *config);
/* The new entry, empty but for announce_period_ms = 1000; valid until the next add. NULL: TP_ENOMEM, TP_EFULL. */
TP_EXPORT tp_discovery_source_config_t *tp_discovery_provider_config_add_source(tp_discovery_provider_config_t *config);
/* The same; without data source id and tags. NULL: TP_ENOMEM, TP_EFULL, TP_EINVAL (name empty, taken or too long). */
TP_EXPORT tp_discovery_stream_config_t *tp_discovery_provider_config_add_stream(tp_discovery_provider_config_t *config, const char *name,
    uint32_t stream_id);
/* TP_ENOMEM, TP_EFULL, TP_EINVAL (longer than 256 bytes); whether it is a tag is told by the check. */
TP_EXPORT int tp_discovery_stream_config_add_tag(tp_discovery_stream_config_t *stream, const char *tag);
/* Adds to allowed_response_channels. TP_EFULL, TP_EINVAL (empty or too long). Set allowed_count = 0 first to replace the default. */
TP_EXPORT int tp_discovery_provider_config_allow(tp_discovery_provider_config_t *config, const char *channel);
/*
 * The start-up errors of 2.3: a required key missing (TP_ECONF_RULE), a stream id outside 1..2147483647, announce_period_ms 0, max_results
 * outside 1..65534 (TP_ECONF_RANGE), a channel that is none, a tag that is empty or not US-ASCII, two streams with one id, two sources with one
 * instance id, two sources that announce on one endpoint: an announce does not say whose it is. Key, value, bound, remedy.
 */
TP_EXPORT int tp_discovery_provider_config_check(const tp_discovery_provider_config_t *config);

TP_END_DECLS

#endif

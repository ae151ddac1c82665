/*
 * Configuration of a supervisor (25-supervisor.md section 7, table [supervisor]). A plain value: fill it by tp_supervisor_config_init, for the
 * embedded form tp_supervisor_config_inherit, then by hand or from a file. Keys of 7.1 have the names of their members.
 */
#ifndef TENSOR_POOL_SUPERVISOR_TP_SUPERVISOR_CONFIG_H
#define TENSOR_POOL_SUPERVISOR_TP_SUPERVISOR_CONFIG_H

#include <tensor_pool/driver/tp_driver_config.h>

TP_BEGIN_DECLS

#define TP_SUPERVISOR_POLICIES_MAX 64
#define TP_SUPERVISOR_CAPACITY_MAX 1000000

/* What a rule does not decide is left to later rules, then to the keys of 7.1. */
typedef enum tp_supervisor_choice
{
    TP_SUPERVISOR_UNDECIDED = 0,
    TP_SUPERVISOR_NO = 1,
    TP_SUPERVISOR_YES = 2
}
tp_supervisor_choice_t;

#define TP_SUPERVISOR_MODE_UNDECIDED 255

/*
 * One rule for some consumers (ours; table [supervisor.policies.NAME]). It applies when stream, id and name all match; rules are looked at in their
 * order, and each decision is that of the first rule that applies and takes it.
 */
typedef struct tp_supervisor_policy
{
    char name[TP_CONFIG_NAME_MAX];                      /* of the rule, for log and reports */
    tp_id_range_t streams;                              /* 0,0 = every stream */
    tp_id_range_t consumers;                            /* consumer ids; 0,0 = all */
    char consumer_name[TP_CONFIG_NAME_MAX];             /* client name as a shell pattern ("viewer*", "cam-?"); "" = any, also an unknown one */
    uint32_t force_no_shm;                              /* tp_supervisor_choice_t */
    uint32_t force_mode;                                /* 0, 1, 2 as the key, or TP_SUPERVISOR_MODE_UNDECIDED */
    uint32_t per_consumer_enabled;                      /* tp_supervisor_choice_t */
    bool has_payload_fallback_uri;                      /* false: undecided */
    char payload_fallback_uri[TP_CONFIG_CHANNEL_MAX];
}
tp_supervisor_policy_t;

/* What an embedded supervisor has to respect of its driver; filled by tp_supervisor_config_inherit. */
typedef struct tp_supervisor_host
{
    bool is_set;                                        /* false: stand-alone */
    uint32_t descriptor_stream_id;
    tp_id_range_t stream_id_range;
    tp_id_range_t descriptor_stream_id_range;           /* taken when per_consumer_descriptor_base is 0 (OP-S-07), else the bound */
    tp_id_range_t control_stream_id_range;
    uint32_t static_stream_count;
    uint32_t *static_stream_ids;                        /* owned by the configuration */
}
tp_supervisor_host_t;

/* When a health condition is raised and cleared (ours; docs/spec/95-local-extensions.md section 6). A bound of 0 switches its condition off. */
typedef struct tp_supervisor_health_config
{
    uint32_t window_ms;                /* drops are counted over it; default 10000, 1000..3600000 */
    uint32_t clear_ms;                 /* how long a condition has to be better before it is cleared; default 10000, 0..3600000 */
    uint32_t drops;                    /* frames lost by one consumer in a window; default 1 */
    uint32_t lag_frames;               /* how far a consumer may be behind its producer; default 0 */
    uint32_t latency_ms;               /* p99 of a consumer that records latencies; default 0 */
    uint32_t no_consumers_ms;          /* how long a stream that is written may go without a consumer; default 30000 */
}
tp_supervisor_health_config_t;

typedef struct tp_supervisor_config
{
    uint32_t size;
    char aeron_dir[TP_CONFIG_PATH_MAX];                 /* driver.aeron_dir; "" = the Aeron library's default */
    char instance_id[TP_CONFIG_NAME_MAX];               /* for labels of counters; default "supervisor-01" (ours) */
    char control_channel[TP_CONFIG_CHANNEL_MAX];
    uint32_t control_stream_id;                         /* stream ids: 1..2147483647 */
    char announce_channel[TP_CONFIG_CHANNEL_MAX];
    uint32_t announce_stream_id;
    char metadata_channel[TP_CONFIG_CHANNEL_MAX];
    uint32_t metadata_stream_id;
    char qos_channel[TP_CONFIG_CHANNEL_MAX];
    uint32_t qos_stream_id;
    uint32_t consumer_capacity;                         /* 1..TP_SUPERVISOR_CAPACITY_MAX */
    uint32_t consumer_stale_ms;                         /* 0 = never */
    bool per_consumer_enabled;
    char per_consumer_descriptor_channel[TP_CONFIG_CHANNEL_MAX];
    uint32_t per_consumer_descriptor_base;
    uint32_t per_consumer_descriptor_range;
    char per_consumer_control_channel[TP_CONFIG_CHANNEL_MAX];
    uint32_t per_consumer_control_base;
    uint32_t per_consumer_control_range;
    bool force_no_shm;
    uint32_t force_mode;                                /* 0, 1, 2 */
    char payload_fallback_uri[TP_CONFIG_CHANNEL_MAX];
    /* Not keys of 7.1. */
    uint32_t announce_period_ms;                        /* policies.announce_period_ms of the hosting driver; 1000 stand-alone */
    uint32_t stream_capacity;                           /* streams, and producers, that are watched; default 4096, 1..65536 (ours) */
    uint32_t allowed_base_dir_count;                    /* where regions lie whose sign of life is watched (ours); 0 = none is opened */
    char allowed_base_dirs[TP_CONFIG_BASE_DIRS_MAX][TP_CONFIG_PATH_MAX];
    tp_supervisor_health_config_t health;
    uint32_t policy_count;
    tp_supervisor_policy_t *policies;                   /* owned, grown by tp_supervisor_config_add_policy */
    tp_supervisor_host_t host;
    uint64_t reserved[8];
}
tp_supervisor_config_t;

/* The defaults of a stand-alone supervisor (7.1): aeron:ipc?term-length=4m and ids 1000, 1001, 1300, 1200; regions below /dev/shm/tensorpool. */
TP_EXPORT void tp_supervisor_config_init(tp_supervisor_config_t *config);
/*
 * The defaults of a supervisor embedded in that driver, after _init and before the keys of its own table: streams, announce period, base directories,
 * and the ranges and stream ids that private streams must not touch. The Aeron directory is taken as configured; with an embedded media driver set it
 * to tp_driver_aeron_dir. The driver's configuration is copied from, not kept. TP_ENOMEM.
 */
TP_EXPORT int tp_supervisor_config_inherit(tp_supervisor_config_t *config, const tp_driver_config_t *driver);
TP_EXPORT void tp_supervisor_config_fini(tp_supervisor_config_t *config);
/*
 * A new rule that matches everybody and decides nothing. NULL with TP_ENOMEM, TP_EFULL, TP_EINVAL (name empty, taken or too long). The pointer is
 * valid until the next add.
 */
TP_EXPORT tp_supervisor_policy_t *tp_supervisor_config_add_policy(tp_supervisor_config_t *config, const char *name);
/*
 * The start-up errors of 7.1 that lie in values, also while per_consumer_enabled is false: ids and ranges outside 1..2147483647, a base without
 * range, force_mode, capacity 0, and private ranges that overlap each other, a shared stream id, or, embedded, the driver's streams and ranges.
 * TP_ECONF_RULE, TP_ECONF_RANGE: key, value, bound, remedy. S-041 S-065 S-066 S-075
 */
TP_EXPORT int tp_supervisor_config_check(const tp_supervisor_config_t *config);

TP_END_DECLS

#endif

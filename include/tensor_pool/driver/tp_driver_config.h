/*
 * Configuration of a driver (20-driver.md section 11). A plain value: fill it by tp_driver_config_init, then by hand, by tp_driver_config_load
 * (TOML file and environment; library tensor_pool_services) or both.
 */
#ifndef TENSOR_POOL_DRIVER_TP_DRIVER_CONFIG_H
#define TENSOR_POOL_DRIVER_TP_DRIVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/common/tp_export.h>

TP_BEGIN_DECLS

#define TP_CONFIG_NAME_MAX 128
#define TP_CONFIG_PATH_MAX 1024
#define TP_CONFIG_CHANNEL_MAX 1024
#define TP_CONFIG_POOLS_MAX 64
#define TP_CONFIG_BASE_DIRS_MAX 16
#define TP_CONFIG_PROFILES_MAX 256
#define TP_CONFIG_STREAMS_MAX 4096

typedef struct tp_id_range { uint32_t first; uint32_t last; } tp_id_range_t;       /* inclusive; 0,0 = unset */

typedef struct tp_pool_config
{
    uint16_t pool_id;
    uint32_t stride_bytes;
}
tp_pool_config_t;

typedef struct tp_profile_config
{
    char name[TP_CONFIG_NAME_MAX];
    uint32_t header_nslots;
    uint32_t header_slot_bytes;
    uint32_t pool_count;
    tp_pool_config_t pools[TP_CONFIG_POOLS_MAX];
}
tp_profile_config_t;

typedef struct tp_stream_config
{
    char name[TP_CONFIG_NAME_MAX];
    uint32_t stream_id;
    char profile[TP_CONFIG_NAME_MAX];
}
tp_stream_config_t;

typedef struct tp_driver_config
{
    uint32_t size;
    /* driver.* */
    char instance_id[TP_CONFIG_NAME_MAX];
    char aeron_dir[TP_CONFIG_PATH_MAX];
    char media_driver[16];                     /* "external" or "embedded" (ours) */
    char answer_hello[8];                      /* "auto" or "never" (ours) */
    char runtime_dir[TP_CONFIG_PATH_MAX];      /* where the endpoint file goes; "" = default (ours) */
    char control_channel[TP_CONFIG_CHANNEL_MAX];
    uint32_t control_stream_id;
    char announce_channel[TP_CONFIG_CHANNEL_MAX];       /* "" = control_channel */
    uint32_t announce_stream_id;                        /* 0 = control_stream_id */
    char descriptor_channel[TP_CONFIG_CHANNEL_MAX];     /* told to clients by the endpoint file (ours) */
    uint32_t descriptor_stream_id;
    char qos_channel[TP_CONFIG_CHANNEL_MAX];
    uint32_t qos_stream_id;
    char metadata_channel[TP_CONFIG_CHANNEL_MAX];       /* (ours) */
    uint32_t metadata_stream_id;
    tp_id_range_t stream_id_range;
    tp_id_range_t descriptor_stream_id_range;
    tp_id_range_t control_stream_id_range;
    /* shm.* */
    char base_dir[TP_CONFIG_PATH_MAX];
    char shm_namespace[TP_CONFIG_NAME_MAX];
    bool require_hugepages;
    uint32_t page_size_bytes;
    uint32_t permissions_mode;
    uint32_t allowed_base_dir_count;           /* 0 = base_dir alone */
    char allowed_base_dirs[TP_CONFIG_BASE_DIRS_MAX][TP_CONFIG_PATH_MAX];
    /* policies.* */
    bool allow_dynamic_streams;
    char default_profile[TP_CONFIG_NAME_MAX];  /* "" = the first profile */
    uint32_t announce_period_ms;
    uint32_t lease_keepalive_interval_ms;
    uint32_t lease_expiry_grace_intervals;
    uint32_t node_id_reuse_cooldown_ms;
    bool prefault_shm;
    bool reuse_existing_shm;
    bool mlock_shm;
    bool cleanup_shm_on_exit;
    bool epoch_gc_enabled;
    uint32_t epoch_gc_keep;
    uint64_t epoch_gc_min_age_ns;              /* 0 = 3 x announce period */
    bool epoch_gc_on_startup;
    uint32_t shutdown_timeout_ms;
    char shutdown_token[TP_CONFIG_NAME_MAX];
    /* profiles.*, streams.* */
    uint32_t profile_count;
    tp_profile_config_t *profiles;             /* owned, grown by tp_driver_config_add_profile */
    uint32_t stream_count;
    tp_stream_config_t *streams;               /* owned */
    /*
     * Not a key: whether the driver survives that somebody who may write its region files cuts one (trap M6). Installs a handler of SIGBUS for the
     * life of the process, as tp_context_set_fault_guard does. Default false; the program tp_driver sets it.
     */
    bool fault_guard;
    /* Not keys: where a discovery provider beside this driver takes requests, told to clients by the endpoint file; "" and 0 = there is none. */
    uint32_t discovery_stream_id;
    char discovery_channel[TP_CONFIG_CHANNEL_MAX];
    char idle[8];                              /* driver.idle: "sleep", "backoff" or "spin" (ours) */
    uint64_t reserved[6];
}
tp_driver_config_t;

/* All defaults of 20-driver.md 11.1; no profile, no stream. */
TP_EXPORT void tp_driver_config_init(tp_driver_config_t *config);
TP_EXPORT void tp_driver_config_fini(tp_driver_config_t *config);
/*
 * Return the new entry, or NULL with TP_ENOMEM, TP_EFULL, TP_EINVAL (name empty, taken or too long). The pointer is valid until the next add.
 * A new profile has 1024 slots of 256 bytes and no pool.
 */
TP_EXPORT tp_profile_config_t *tp_driver_config_add_profile(tp_driver_config_t *config, const char *name);
TP_EXPORT tp_stream_config_t *tp_driver_config_add_stream(tp_driver_config_t *config, const char *name, uint32_t stream_id, const char *profile);
/*
 * Adds what a driver without configuration file serves: static streams 10000 to 10015 ("stream-10000" ...), dynamic streams on 20000-29999,
 * per-consumer streams, and a profile "default" with 32 slots in pools of 4 KiB, 256 KiB and 2 MiB (72 MiB an epoch).
 */
TP_EXPORT int tp_driver_config_set_builtin(tp_driver_config_t *config);
/* The start-up checks of 11.3 that need no file system. TP_ECONF_RULE, TP_ECONF_RANGE: key, value, bound, remedy. */
TP_EXPORT int tp_driver_config_check(const tp_driver_config_t *config);

TP_END_DECLS

#endif

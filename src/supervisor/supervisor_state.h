/* What the supervisor remembers. Everything is owned and used by its one thread. */
#ifndef TPI_SUPERVISOR_SUPERVISOR_STATE_H
#define TPI_SUPERVISOR_SUPERVISOR_STATE_H

#include "codec/codec_wire.h"
#include "protocol/health.h"
#include "protocol/supervisor_registry.h"
#include "protocol/supervisor_watch.h"
#include "runtime/dispatcher.h"
#include "runtime/outbox.h"
#include "runtime/service_counters.h"
#include "runtime/tp_counters.h"
#include "shm/path.h"
#include "supervisor/supervisor_internal.h"

#define TPI_SUPERVISOR_STAT_COUNT ((offsetof(tp_supervisor_stats_t, reserved) - offsetof(tp_supervisor_stats_t, hellos)) / sizeof(uint64_t))

typedef enum tpi_inlet_role { TPI_INLET_CONTROL = 0, TPI_INLET_ANNOUNCE, TPI_INLET_METADATA, TPI_INLET_QOS, TPI_INLETS } tpi_inlet_role_t;

/* One Aeron stream we read. Several roles may share one: then the first of them has it. */
typedef struct tpi_inlet
{
    const char *channel;               /* of the configuration */
    uint32_t stream_id;
    bool is_shared;                    /* with an earlier one, which has the subscription */
    tpi_bus_async_t *async;
    tpi_subscription_t *subscription;
    tpi_dispatcher_t *dispatcher;
}
tpi_inlet_t;

/* The sign of life of one stream's regions. */
typedef struct tpi_region_watch
{
    char *uri;                         /* still to be opened; NULL = it was tried */
    int fd;                            /* -1 = none */
    uint64_t epoch;
    uint64_t activity_ns;              /* as read last */
    int64_t changed_ns;                /* when it was another one, by our clock */
    tpi_watched_stream_t *stream;
    struct tpi_region_watch *prev;
    struct tpi_region_watch *next;
}
tpi_region_watch_t;

struct tpi_supervisor
{
    tp_supervisor_config_t config;
    tpi_supervisor_options_t options;
    tp_supervisor_hooks_t hooks;
    tpi_bus_t *bus;
    uint64_t token;
    tpi_inlet_t inlets[TPI_INLETS];
    bool is_ready;
    int64_t opened_ns;                 /* when all streams were open */

    tpi_outbox_t control;              /* answers */
    uint8_t *buffer;                   /* encodes one answer */

    tpi_supervisor_registry_t registry;
    tpi_watch_t watch;
    tpi_health_t health;
    tpi_base_dirs_t bases;
    bool has_bases;
    int64_t bases_ns;                  /* next try to open them: a driver that comes later makes them */
    tpi_region_watch_t *regions;
    size_t region_count;

    int64_t tick_ns;                   /* next */
    int64_t names_ns;                  /* next look into the clients' counters */
    int64_t backlog_since_ns;          /* a stream was not read to its end since, 0 = all were */
    int64_t refused_ns;                /* when something was refused last, 0 = never */
    int64_t used_up_ns;
    int64_t other_authority_ns;
    int64_t full_ns;
    uint64_t watch_refused;            /* as seen last */
    int64_t log_since_ns;              /* the second in which lines are counted */
    unsigned log_count;
    uint64_t log_left_out;

    tpi_service_counters_t *counters;
    tp_supervisor_stats_t stats;
    uint64_t malformed;                /* beyond what the dispatchers found */
    int64_t now_ns;                    /* of the cycle under way */
};

/* ---- supervisor.c ---- */
/* Whether one more line may be logged in this second: who floods a stream does not flood the log. */
bool tpi_supervisor_may_log(tpi_supervisor_t *supervisor);

/* ---- supervisor_handlers.c: messages in ---- */
int tpi_supervisor_handlers_init(tpi_supervisor_t *supervisor);
/* The record goes, with its conditions. */
void tpi_supervisor_drop_consumer(tpi_supervisor_t *supervisor, tpi_supervised_t *record);

/* ---- supervisor_proxy.c: the only caller of encode and send ---- */
void tpi_supervisor_proxy_init(tpi_supervisor_t *supervisor);         /* before the publication is asked for */
void tpi_supervisor_send(tpi_supervisor_t *supervisor, const tpc_consumer_config_t *config);
int tpi_supervisor_flush(tpi_supervisor_t *supervisor);
void tpi_supervisor_proxy_fini(tpi_supervisor_t *supervisor);

/* ---- supervisor_health.c ---- */
void tpi_supervisor_health_init(tpi_supervisor_t *supervisor);
void tpi_supervisor_health_consumer(tpi_supervisor_t *supervisor, tpi_supervised_t *record);
void tpi_supervisor_health_tick(tpi_supervisor_t *supervisor);
/* Streams and producers that are forgotten take their conditions with them. */
void tpi_supervisor_on_gone(void *clientd, tpi_watched_stream_t *stream, tpi_watched_producer_t *producer);
const char *tpi_supervisor_client_name(const tpi_supervisor_t *supervisor, uint32_t stream_id, uint32_t client_id);

/* ---- supervisor_regions.c ---- */
/* Where regions may lie. Without one that is there their sign of life is not watched. */
void tpi_supervisor_open_bases(tpi_supervisor_t *supervisor);
/* An announce was taken: its header region is watched from the next tick on. */
void tpi_supervisor_watch_region(tpi_supervisor_t *supervisor, tpi_watched_stream_t *stream, tpc_bytes_t uri);
void tpi_supervisor_regions_tick(tpi_supervisor_t *supervisor);
/* How long the activity of its regions has stood still; 0 = it is not watched, or alive. */
int64_t tpi_supervisor_region_silence_ns(const tpi_supervisor_t *supervisor, const tpi_watched_stream_t *stream);
void tpi_supervisor_unwatch_region(tpi_supervisor_t *supervisor, tpi_watched_stream_t *stream);

/* ---- supervisor_counters.c ---- */
int tpi_supervisor_counters_init(tpi_supervisor_t *supervisor);
void tpi_supervisor_counters_tick(tpi_supervisor_t *supervisor);
tpi_shown_t *tpi_supervisor_show_condition(tpi_supervisor_t *supervisor, const tpi_condition_t *condition);
/* Names and latencies of consumers, from what their clients publish. */
void tpi_supervisor_read_clients(tpi_supervisor_t *supervisor);

#endif

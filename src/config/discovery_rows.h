/* The keys of a discovery provider's configuration (30-discovery.md 2.3). */
#ifndef TPI_CONFIG_DISCOVERY_ROWS_H
#define TPI_CONFIG_DISCOVERY_ROWS_H

#include "config/source.h"

/* What rows can fill; tpi_discovery_join makes a configuration of it. */
typedef struct tpi_discovery_keys
{
    tp_discovery_provider_config_t config;         /* with the other sources and the streams */
    tp_discovery_source_config_t first;            /* the keys of [discovery] itself */
    char channel[TP_DISCOVERY_PROVIDER_CHANNEL_MAX + 1];   /* discovery.channel, .stream_id: what clients read, too */
    uint32_t stream_id;                            /* 0 = not set */
}
tpi_discovery_keys_t;

extern const tpi_conf_row_t tpi_discovery_rows[];          /* discovery.*: into tpi_discovery_keys_t */
extern const size_t tpi_discovery_row_count;
extern const tpi_conf_row_t tpi_discovery_host_rows[];     /* driver.aeron_dir */
extern const size_t tpi_discovery_host_row_count;
extern const tpi_conf_row_t tpi_discovery_source_rows[];   /* discovery.sources[].*: into tp_discovery_source_config_t */
extern const size_t tpi_discovery_source_row_count;
extern const tpi_conf_row_t tpi_discovery_stream_rows[];   /* discovery.streams.<name>.*: into tpi_discovery_stream_keys_t */
extern const size_t tpi_discovery_stream_row_count;

typedef struct tpi_discovery_stream_keys
{
    uint32_t stream_id;
    uint64_t data_source_id;                       /* TP_NULL_U64 = absent */
    uint32_t tag_count;
    char tags[TP_DISCOVERY_PROVIDER_TAGS_MAX][TP_DISCOVERY_PROVIDER_TEXT_MAX + 1];
}
tpi_discovery_stream_keys_t;

void tpi_discovery_keys_init(tpi_discovery_keys_t *keys);
/* Readers; keys is a tpi_discovery_keys_t. */
int tpi_discovery_read_sources(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *keys);
int tpi_discovery_read_streams(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *keys);

#endif

/* Owns what services inside of a driver's process inherit from it (S-064, OP-S-08: key by key), and their checks. */
#include "config/embedded.h"

#include <string.h>

#include "common/alloc.h"
#include "config/discovery_load.h"
#include "config/discovery_print.h"
#include "config/driver_rows.h"
#include "config/supervisor_load.h"
#include "config/supervisor_print.h"
#include "config/supervisor_rows.h"

void tpi_embedded_tables_init(tpi_embedded_tables_t *tables, tpi_conf_section_t sections[TPI_EMBEDDED_SECTIONS])
{
    memset(tables, 0, sizeof(*tables));
    tp_supervisor_config_init(&tables->supervisor);
    tpi_discovery_keys_init(&tables->discovery);
    tables->supervisor_readers[0] = (tpi_conf_reader_t){ "supervisor", "policies", tpi_supervisor_read_policies, &tables->supervisor };
    tables->discovery_readers[0] = (tpi_conf_reader_t){ "discovery", "sources", tpi_discovery_read_sources, &tables->discovery };
    tables->discovery_readers[1] = (tpi_conf_reader_t){ "discovery", "streams", tpi_discovery_read_streams, &tables->discovery };
    sections[0] = (tpi_conf_section_t){ .rows = tpi_supervisor_rows, .row_count = tpi_supervisor_row_count, .object = &tables->supervisor,
        .first_origin = tpi_driver_row_count, .readers = tables->supervisor_readers, .reader_count = 1, .present = &tables->has_supervisor };
    sections[1] = (tpi_conf_section_t){ .rows = tpi_discovery_rows, .row_count = tpi_discovery_row_count, .object = &tables->discovery,
        .first_origin = tpi_driver_row_count + tpi_supervisor_row_count, .readers = tables->discovery_readers, .reader_count = 2,
        .present = &tables->has_discovery };
}

void tpi_embedded_tables_fini(tpi_embedded_tables_t *tables)
{
    tp_supervisor_config_fini(&tables->supervisor);
    tp_discovery_provider_config_fini(&tables->discovery.config);
}

void tpi_embedded_config_fini(tpi_embedded_config_t *embedded)
{
    if (NULL == embedded) { return; }
    if (embedded->has_supervisor) { tp_supervisor_config_fini(&embedded->supervisor); }
    if (embedded->has_discovery) { tp_discovery_provider_config_fini(&embedded->discovery); }
    embedded->has_supervisor = false;
    embedded->has_discovery = false;
}

/* Takes from inherited what no source set. */
static void fill(const tpi_conf_source_t *source, const tpi_conf_section_t *section, const void *inherited)
{
    for (size_t i = 0; i < section->row_count; i++)
    {
        const tpi_conf_row_t *const row = &section->rows[i];
        tpi_config_origin_t *const origin = tpi_conf_origin(source, section, row);
        if (TPI_CONFIG_DEFAULT != origin->kind || 0 == (row->flags & TPI_CONF_INHERITED)) { continue; }
        const size_t elements = TPI_CONF_TEXTS == row->type ? row->max : 1;
        memcpy((char *)section->object + row->offset, (const char *)inherited + row->offset, elements * row->size);       /* S-064 */
        if (TPI_CONF_TEXTS == row->type)
        {
            memcpy((char *)section->object + row->count_offset, (const char *)inherited + row->count_offset, sizeof(uint32_t));
        }
        origin->kind = TPI_CONFIG_DRIVER;
    }
}

static int finish_supervisor(const tpi_conf_source_t *source, const tpi_conf_section_t *section, tp_supervisor_config_t *config,
    const tp_driver_config_t *driver)
{
    tp_supervisor_config_t *const inherited = tpi_alloc(sizeof(*inherited));
    if (NULL == inherited) { return -1; }
    tp_supervisor_config_init(inherited);
    int rc = tp_supervisor_config_inherit(inherited, driver);
    if (rc >= 0)
    {
        fill(source, section, inherited);
        memcpy(config->aeron_dir, inherited->aeron_dir, sizeof(config->aeron_dir));
        config->host = inherited->host;
        inherited->host = (tp_supervisor_host_t){ .is_set = false };
        rc = tpi_supervisor_judge(source, config);
    }
    tp_supervisor_config_fini(inherited);
    tpi_free(inherited);
    return rc;
}

#define PUT(target_, text_) (void)snprintf(target_, sizeof(target_), "%s", text_)

static int finish_discovery(const tpi_conf_source_t *source, const tpi_conf_section_t *section, tpi_discovery_keys_t *keys,
    const tp_driver_config_t *driver)
{
    tp_supervisor_config_t *const streams = tpi_alloc(sizeof(*streams));           /* it inherits the same streams */
    tpi_discovery_keys_t *const inherited = tpi_alloc(sizeof(*inherited));
    int rc = -1;
    if (NULL == streams || NULL == inherited) { goto out; }
    tp_supervisor_config_init(streams);
    tpi_discovery_keys_init(inherited);
    if (tp_supervisor_config_inherit(streams, driver) < 0) { goto out; }
    PUT(inherited->config.request_channel, driver->control_channel);               /* X-092 X-016 O-9: to the letter */
    inherited->config.request_stream_id = 7000;
    PUT(inherited->first.announce_channel, streams->announce_channel);
    inherited->first.announce_stream_id = streams->announce_stream_id;
    PUT(inherited->first.metadata_channel, streams->metadata_channel);
    inherited->first.metadata_stream_id = streams->metadata_stream_id;
    PUT(inherited->first.driver_instance_id, driver->instance_id);
    PUT(inherited->first.driver_control_channel, driver->control_channel);
    inherited->first.driver_control_stream_id = driver->control_stream_id;
    inherited->first.announce_period_ms = driver->announce_period_ms;
    tpi_discovery_take_endpoint(source, section, keys);
    fill(source, section, inherited);
    PUT(keys->config.aeron_dir, driver->aeron_dir);
    rc = tpi_discovery_join(source, section, keys);
    tp_supervisor_config_fini(streams);
out:
    tpi_free(streams);
    tpi_free(inherited);
    return rc;
}

int tpi_embedded_tables_finish(const tpi_conf_source_t *source, tpi_embedded_tables_t *tables, const tp_driver_config_t *driver)
{
    if (tables->has_supervisor && finish_supervisor(source, &source->sections[1], &tables->supervisor, driver) < 0) { return -1; }
    if (tables->has_discovery && finish_discovery(source, &source->sections[2], &tables->discovery, driver) < 0) { return -1; }
    return 0;
}

void tpi_embedded_config_foreach(const tpi_embedded_config_t *embedded, const tpi_config_origins_t *origins, tpi_config_on_value_t handler,
    void *clientd)
{
    const size_t first = tpi_driver_row_count;
    if (embedded->has_supervisor) { tpi_supervisor_foreach(&embedded->supervisor, origins, first, handler, clientd); }
    if (embedded->has_discovery) { tpi_discovery_foreach(&embedded->discovery, origins, first + tpi_supervisor_row_count, handler, clientd); }
}

void tpi_embedded_config_show(FILE *out, const tpi_embedded_config_t *embedded, const tpi_config_origins_t *origins)
{
    const size_t first = tpi_driver_row_count;
    if (embedded->has_supervisor)
    {
        fputc('\n', out);
        tpi_supervisor_show(out, &embedded->supervisor, origins, first);
    }
    if (embedded->has_discovery)
    {
        fputc('\n', out);
        tpi_discovery_show(out, &embedded->discovery, origins, first + tpi_supervisor_row_count);
    }
}

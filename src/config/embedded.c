/* Owns what services inside of a driver's process inherit from it (S-064, OP-S-08: key by key), and their checks. */
#include "config/embedded.h"

#include <string.h>

#include "common/alloc.h"
#include "config/driver_rows.h"
#include "config/supervisor_load.h"
#include "config/supervisor_print.h"
#include "config/supervisor_rows.h"

void tpi_embedded_init(tpi_embedded_config_t *embedded)
{
    memset(embedded, 0, sizeof(*embedded));
    tp_supervisor_config_init(&embedded->supervisor);
}

void tpi_embedded_config_fini(tpi_embedded_config_t *embedded)
{
    if (NULL == embedded) { return; }
    tp_supervisor_config_fini(&embedded->supervisor);
    embedded->has_supervisor = false;
}

void tpi_embedded_sections(tpi_conf_section_t sections[TPI_EMBEDDED_SECTIONS], tpi_embedded_readers_t *readers, tpi_embedded_config_t *embedded)
{
    readers->supervisor[0] = (tpi_conf_reader_t){ "supervisor", "policies", tpi_supervisor_read_policies, &embedded->supervisor };
    sections[0] = (tpi_conf_section_t){ .rows = tpi_supervisor_rows, .row_count = tpi_supervisor_row_count, .object = &embedded->supervisor,
        .first_origin = tpi_driver_row_count, .readers = readers->supervisor, .reader_count = 1, .present = &embedded->has_supervisor };
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
        memcpy((char *)section->object + row->offset, (const char *)inherited + row->offset, elements * row->size);
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

int tpi_embedded_finish(const tpi_conf_source_t *source, tpi_embedded_config_t *embedded, const tp_driver_config_t *driver)
{
    if (embedded->has_supervisor && finish_supervisor(source, &source->sections[1], &embedded->supervisor, driver) < 0) { return -1; }
    return 0;
}

void tpi_embedded_config_foreach(const tpi_embedded_config_t *embedded, const tpi_config_origins_t *origins, tpi_config_on_value_t handler,
    void *clientd)
{
    if (embedded->has_supervisor) { tpi_supervisor_foreach(&embedded->supervisor, origins, tpi_driver_row_count, handler, clientd); }
}

void tpi_embedded_config_show(FILE *out, const tpi_embedded_config_t *embedded, const tpi_config_origins_t *origins)
{
    if (!embedded->has_supervisor) { return; }
    fputc('\n', out);
    tpi_supervisor_show(out, &embedded->supervisor, origins, tpi_driver_row_count);
}

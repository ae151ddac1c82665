/* The tables of services inside of a driver's process. */
#ifndef TPI_CONFIG_EMBEDDED_H
#define TPI_CONFIG_EMBEDDED_H

#include "config/discovery_rows.h"

#define TPI_EMBEDDED_SECTIONS 2

/* What the sections fill; has to live as long as they do. Large. */
typedef struct tpi_embedded_tables
{
    bool has_supervisor, has_discovery;
    tp_supervisor_config_t supervisor;
    tpi_discovery_keys_t discovery;
    tpi_conf_reader_t supervisor_readers[1], discovery_readers[2];
}
tpi_embedded_tables_t;

/* Defaults, nothing there. */
void tpi_embedded_tables_init(tpi_embedded_tables_t *tables, tpi_conf_section_t sections[TPI_EMBEDDED_SECTIONS]);
void tpi_embedded_tables_fini(tpi_embedded_tables_t *tables);
/* After all sources: what is not set becomes the driver's, then the checks. */
int tpi_embedded_tables_finish(const tpi_conf_source_t *source, tpi_embedded_tables_t *tables, const tp_driver_config_t *driver);

#endif

/* The tables of services inside of a driver's process. */
#ifndef TPI_CONFIG_EMBEDDED_H
#define TPI_CONFIG_EMBEDDED_H

#include "config/source.h"

#define TPI_EMBEDDED_SECTIONS 1

/* Has to live as long as the sections. */
typedef struct tpi_embedded_readers
{
    tpi_conf_reader_t supervisor[1];
}
tpi_embedded_readers_t;

/* Defaults, nothing there. */
void tpi_embedded_init(tpi_embedded_config_t *embedded);
void tpi_embedded_sections(tpi_conf_section_t sections[TPI_EMBEDDED_SECTIONS], tpi_embedded_readers_t *readers, tpi_embedded_config_t *embedded);
/* After all sources: what is not set becomes the driver's, then the checks. */
int tpi_embedded_finish(const tpi_conf_source_t *source, tpi_embedded_config_t *embedded, const tp_driver_config_t *driver);

#endif

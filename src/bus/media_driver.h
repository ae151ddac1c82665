/* Aeron's media driver inside this process (services library only). */
#ifndef TPI_BUS_MEDIA_DRIVER_H
#define TPI_BUS_MEDIA_DRIVER_H

#include <tensor_pool/driver/tp_media_driver.h>

#include "bus/media_loop.h"

/* As tpi_media_loop_set_on_stir. driver may be NULL: an external media driver tells nothing. */
void tpi_media_driver_set_on_stir(tp_media_driver_t *driver, void (*on_stir)(void *clientd), void *clientd);
void tpi_media_driver_stats(const tp_media_driver_t *driver, tpi_media_stats_t *stats);

#endif

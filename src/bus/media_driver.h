/* Aeron's media driver inside this process (services library only). */
#ifndef TPI_BUS_MEDIA_DRIVER_H
#define TPI_BUS_MEDIA_DRIVER_H

#include <tensor_pool/driver/tp_media_driver.h>

#endif

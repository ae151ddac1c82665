/*
 * Wake-up pages (docs/spec/95-local-extensions.md section 7.2): one for each stream that somebody asks for, handed over by a socket of its own, whose
 * mode follows that of the regions: who may read frames may be woken for them, and may ask for nothing else. Driver's thread.
 */
#ifndef TPI_DRIVER_DRIVER_WAKE_H
#define TPI_DRIVER_DRIVER_WAKE_H

#include <sys/types.h>

#include "driver/driver_internal.h"
#include "runtime/wait_set.h"

#define TPI_WAKE_PAGES_MAX 1024u       /* and a quarter of the descriptors this process may have */

typedef struct tpi_wake_service tpi_wake_service_t;

/* Read bits of the regions' mode become the right to connect. */
mode_t tpi_wake_socket_mode(uint32_t permissions_mode);
int tpi_wake_service_open(tpi_wake_service_t **service, tpi_driver_t *driver, const char *socket_path);
/* What comes by the socket ends waits on the set, which outlives it. */
void tpi_wake_service_watch(tpi_wake_service_t *service, tpi_wait_set_t *set);
int tpi_wake_service_do_work(tpi_wake_service_t *service);
void tpi_wake_service_close(tpi_wake_service_t *service);      /* accepts NULL */

/* One request line to one answer line, which the caller frees (tpi_free; NULL: no memory). *fd is the driver's own, -1 = refused. */
char *tpi_wake_answer(tpi_driver_t *driver, const char *line, size_t length, int *fd);

#endif

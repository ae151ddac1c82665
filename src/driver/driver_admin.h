/*
 * The local socket of a driver: JSON lines for tools of the same user (docs/spec/95-local-extensions.md). Runs in the driver's duty cycle.
 *   {"cmd":"ping"} {"cmd":"leases"} {"cmd":"revoke","lease":"<id>"} {"cmd":"drain"} {"cmd":"reload"} {"cmd":"streams"} {"cmd":"log"} {"cmd":"errors"}
 */
#ifndef TPI_DRIVER_DRIVER_ADMIN_H
#define TPI_DRIVER_DRIVER_ADMIN_H

#include "driver/driver_internal.h"
#include "runtime/wait_set.h"

typedef struct tpi_admin tpi_admin_t;

int tpi_admin_open(tpi_admin_t **admin, tpi_driver_t *driver, const char *socket_path);
/* What comes by the socket ends waits on the set, which outlives it. */
void tpi_admin_watch(tpi_admin_t *admin, tpi_wait_set_t *set);
int tpi_admin_do_work(tpi_admin_t *admin, int64_t now_ns);
void tpi_admin_close(tpi_admin_t *admin);                  /* accepts NULL */

/* One request line to one answer line; the caller frees it (tpi_free). NULL: out of memory. For the socket and for tests. */
char *tpi_admin_answer(tpi_driver_t *driver, long peer_pid, const char *line, size_t length, int64_t now_ns);

#endif

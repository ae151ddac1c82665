/* The services inside of the driver's process. All on its main thread: the supervisor asks the driver who holds a lease. */
#ifndef TP_DRIVER_SERVICES_H
#define TP_DRIVER_SERVICES_H

#include <tensor_pool/driver/tp_driver.h>

#include "config/config.h"

/* After the driver; 0, or -1 with tp_err set. */
int services_start(tp_driver_t *driver, const tpi_embedded_config_t *embedded);
/* Work done. A service that fails is closed and said so in the log; the driver goes on. */
int services_do_work(void);
/* rings: who waits for a service ends the sleep. */
int64_t services_park_limit_ns(bool rings);
/* What the supervisor knows, as a line of JSON; nothing without one. */
void services_print_state(FILE *out);
/* Before the driver is closed. */
void services_close(void);

#endif

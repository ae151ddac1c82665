/* The larger requests of the local socket (docs/spec/95-local-extensions.md section 2). Driver's thread. */
#ifndef TPI_DRIVER_DRIVER_ADMIN_OPS_H
#define TPI_DRIVER_DRIVER_ADMIN_OPS_H

#include <jansson.h>

#include "driver/driver_internal.h"

typedef struct tpi_admin_request
{
    tpi_driver_t *driver;
    const json_t *object;
    int64_t now_ns;
    long peer_pid;
}
tpi_admin_request_t;

/* Ids, epochs and absolute times are decimal strings (docs/design/api.md). */
json_t *tpi_admin_decimal(uint64_t value);
/* A string of any bytes: those that are not ASCII become '?' when they are not UTF-8. */
json_t *tpi_admin_text(const char *text);
/* The text of an answer; of the error TP_EFULL in its place when that is longer than bytes_max. Freed with tpi_free; NULL = no memory. */
char *tpi_admin_dump(json_t *reply, size_t bytes_max);
/* Makes it the answer of a failure: the thread's error. */
void tpi_admin_put_error(json_t *reply);
/* A decimal string, nothing around it. TP_EINVAL. */
int tpi_admin_get_id(const tpi_admin_request_t *request, const char *key, uint64_t *value);

int tpi_admin_leases(const tpi_admin_request_t *request, json_t *reply);
int tpi_admin_reload(const tpi_admin_request_t *request, json_t *reply);
int tpi_admin_streams(const tpi_admin_request_t *request, json_t *reply);
int tpi_admin_log(const tpi_admin_request_t *request, json_t *reply);
int tpi_admin_errors(const tpi_admin_request_t *request, json_t *reply);

#endif

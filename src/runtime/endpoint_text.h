/* The text of an endpoint file: one key=value a line, '#' comments, unknown keys ignored. Pure. */
#ifndef TPI_RUNTIME_ENDPOINT_TEXT_H
#define TPI_RUNTIME_ENDPOINT_TEXT_H

#include "runtime/endpoint.h"

#define TPI_ENDPOINT_FILE_MAX 16384

/* Length without terminator, or -1 with TP_EINVAL (a value with a line break, or too long). */
int tpi_endpoint_format(char *buffer, size_t size, const tpi_endpoint_t *endpoint);
/* *endpoint changes on success only. TP_EIO names the line. text is terminated. */
int tpi_endpoint_parse(tpi_endpoint_t *endpoint, const char *text, size_t length);

#endif

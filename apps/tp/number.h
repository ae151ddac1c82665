/* Numbers, shapes and durations as people type them. Nothing here prints; outputs change on success only. */
#ifndef APPS_TP_NUMBER_H
#define APPS_TP_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include <tensor_pool/common/tp_types.h>

/* Decimal digits only, no sign, no blanks; minimum <= value <= maximum. */
bool cli_parse_u64(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value);
/* Finite, 0 <= value <= maximum, no blanks. */
bool cli_parse_real(const char *text, double maximum, double *value);
/* "576x768x3" (also "576,768,3"): 1..TP_MAX_DIMS dimensions of 0..2^31-1. */
bool cli_parse_shape(const char *text, int32_t dims[TP_MAX_DIMS], uint32_t *ndims);
/* "576x768x3"; buffer of at least 96 bytes. */
const char *cli_format_shape(char *buffer, uint32_t ndims, const int32_t *dims);

#endif

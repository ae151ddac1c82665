/*
 * Size of the last-level cache. Cold path; the first answer is kept for the life of the process. Containers and virtual machines may hide it: then
 * the answer is 0, and whoever asks says nothing.
 */
#ifndef TPI_COMMON_CACHE_H
#define TPI_COMMON_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#define TPI_CACHE_VARIABLE "TP_CACHE_BYTES"    /* wins over what the system says */
#define TPI_CACHE_MAX (UINT64_C(1) << 40)      /* more is a mistake, not a cache */

uint64_t tpi_cache_bytes(void);
/* What tpi_cache_bytes asks the first time: the variable's text or NULL, the folder of a processor's caches in sysfs, the C library's answer. */
uint64_t tpi_cache_find(const char *given, const char *folder, int64_t from_libc);
/* Bytes of "105M", "2048K", "64" and the like; false: no such text. */
bool tpi_cache_parse(uint64_t *bytes, const char *text);

#endif

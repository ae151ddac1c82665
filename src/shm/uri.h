/* Region URIs (11-shm-security.md section 2). Exact grammar, nothing else (trap P15). */
#ifndef TPI_SHM_URI_H
#define TPI_SHM_URI_H

#include <stdbool.h>
#include <stddef.h>

#define TPI_URI_MAX 4096               /* terminator included (O-51) */

typedef struct tpi_region_uri
{
    char path[TPI_URI_MAX];
    bool require_hugepages;
}
tpi_region_uri_t;

/* text need not be terminated. TP_EURI names the offending part. */
int tpi_region_uri_parse(tpi_region_uri_t *uri, const char *text, size_t length);
/* Writes the URI with terminator; returns its length or -1. */
int tpi_region_uri_format(char *buffer, size_t size, const char *path, bool require_hugepages);
/* Whether a path holds only characters the grammar allows. */
bool tpi_region_path_is_plain(const char *path);

#endif

/* Allocation on cold paths. A failure sets TP_ENOMEM and returns NULL. */
#ifndef TPI_COMMON_ALLOC_H
#define TPI_COMMON_ALLOC_H

#include <stddef.h>

void *tpi_alloc(size_t size);                            /* zeroed */
void *tpi_alloc_array(size_t count, size_t size);        /* zeroed; the product is checked */
void *tpi_alloc_aligned(size_t alignment, size_t size);  /* zeroed; size is rounded up to the alignment */
void tpi_free(void *memory);                             /* accepts NULL */
char *tpi_strdup(const char *text);
char *tpi_strndup(const char *text, size_t length);
char *tpi_asprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

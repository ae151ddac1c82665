/* Owns nothing; thin checked wrappers around the C allocator. Any thread, never on a hot path. */
#include "common/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

static void *checked(void *memory, size_t size)
{
    if (NULL == memory) { TPI_SET_ERR(TP_ENOMEM, "cannot allocate %zu bytes", size); }
    return memory;
}

void *tpi_alloc(size_t size) { return checked(calloc(1, size), size); }
void *tpi_alloc_array(size_t count, size_t size) { return checked(calloc(count, size), count * size); }

void *tpi_alloc_aligned(size_t alignment, size_t size)
{
    const size_t rounded = (size + alignment - 1) / alignment * alignment;
    if (rounded < size) { return checked(NULL, size); }
    void *const memory = checked(aligned_alloc(alignment, rounded), rounded);
    if (NULL != memory) { memset(memory, 0, rounded); }
    return memory;
}

void tpi_free(void *memory) { free(memory); }

char *tpi_strdup(const char *text) { return tpi_strndup(text, strlen(text)); }

/* text need not end in a zero byte: it may be bytes of a message. */
char *tpi_strndup(const char *text, size_t length)
{
    const size_t bytes = strnlen(text, length);
    char *const copy = checked(malloc(bytes + 1), bytes + 1);
    if (NULL == copy) { return NULL; }
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *tpi_asprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    const int n = vasprintf(&text, format, args);
    va_end(args);
    return n < 0 ? checked(NULL, 0) : text;
}

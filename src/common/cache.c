/* See cache.h. Owns the kept answer. */
#include "common/cache.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "/sys/devices/system/cpu/cpu0/cache"
#define INDICES_MAX 16

static _Atomic uint64_t kept;          /* bytes + 1; 0 = nobody has asked */

bool tpi_cache_parse(uint64_t *bytes, const char *text)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
    {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > TPI_CACHE_MAX) { return false; }
    }
    if (at == text) { return false; }
    const unsigned shift = 'K' == *at ? 10 : 'M' == *at ? 20 : 'G' == *at ? 30 : 0;
    if (0 != shift) { at++; }
    if ('\0' != *at || value > TPI_CACHE_MAX >> shift) { return false; }
    *bytes = value << shift;
    return true;
}

/* First line of a small file of sysfs, without newline. */
static bool read_line(const char *folder, int index, const char *name, char *line, size_t size)
{
    char path[512];
    const int length = snprintf(path, sizeof(path), "%s/index%d/%s", folder, index, name);
    if (length < 0 || (size_t)length >= sizeof(path)) { return false; }
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) { return false; }
    const ssize_t got = read(fd, line, size - 1);
    (void)close(fd);
    if (got <= 0) { return false; }
    line[got] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return true;
}

/* The highest level that holds data. */
static uint64_t read_folder(const char *folder)
{
    uint64_t found = 0;
    uint64_t highest = 0;
    for (int i = 0; i < INDICES_MAX; i++)
    {
        char line[64];
        uint64_t level, bytes;
        if (!read_line(folder, i, "type", line, sizeof(line))) { break; }
        if (0 == strcmp(line, "Instruction")) { continue; }
        if (!read_line(folder, i, "level", line, sizeof(line)) || !tpi_cache_parse(&level, line)) { continue; }
        if (!read_line(folder, i, "size", line, sizeof(line)) || !tpi_cache_parse(&bytes, line)) { continue; }
        if (level > highest) { highest = level; found = bytes; }
    }
    return found;
}

uint64_t tpi_cache_find(const char *given, const char *folder, int64_t from_libc)
{
    uint64_t bytes = 0;
    if (NULL != given && tpi_cache_parse(&bytes, given)) { return bytes; }
    bytes = read_folder(folder);                                                 /* L-411 */
    if (0 != bytes) { return bytes; }
    return from_libc > 0 && (uint64_t)from_libc <= TPI_CACHE_MAX ? (uint64_t)from_libc : 0;
}

static int64_t ask_libc(void)
{
#if defined(_SC_LEVEL3_CACHE_SIZE)
    return sysconf(_SC_LEVEL3_CACHE_SIZE);
#else
    return 0;
#endif
}

uint64_t tpi_cache_bytes(void)
{
    uint64_t answer = atomic_load_explicit(&kept, memory_order_relaxed);
    if (0 == answer)
    {
        answer = tpi_cache_find(getenv(TPI_CACHE_VARIABLE), FOLDER, ask_libc()) + 1;
        atomic_store_explicit(&kept, answer, memory_order_relaxed);
    }
    return answer - 1;
}

/*
 * A spare file: allocated, zeroed and without a name, until a region of just that length is wanted in the same filesystem. Allocating takes the
 * kernel 0.2 ms a MiB; where there is a spare file nobody waits for that. The file has all its pages (trap M6), belongs to nobody else before it gets
 * its name, and was never anything else: memory of former regions is not used again. One thread at a time.
 */
#ifndef TPI_SHM_SPARE_H
#define TPI_SHM_SPARE_H

#include <stdint.h>

typedef struct tpi_spare
{
    int fd;                            /* -1: there is none */
    uint64_t bytes;
}
tpi_spare_t;

void tpi_spare_init(tpi_spare_t *spare);
/* In the filesystem of an open directory. The one from before is dropped, unless it is as long. -1 without a text when it cannot or should not be. */
int tpi_spare_make(tpi_spare_t *spare, int dir_fd, uint64_t bytes);
/* Gives it a name that nobody has there. The descriptor, the caller's from now on; -1: there is none that fits, make a file. */
int tpi_spare_take(tpi_spare_t *spare, uint64_t bytes, int dir_fd, const char *name);
void tpi_spare_drop(tpi_spare_t *spare);

#endif

/*
 * Opt-in: a region whose file is truncated under us raises SIGBUS in any thread that touches a lost page (trap M6). With the guard
 * installed the handler puts zero pages in place of the whole region and marks it: the reader goes on, reads zeros, finds the mark before
 * it trusts them, and the next check of the mapping fails with TP_EREGION. Signals that hit no region of ours go to whoever handled them before.
 *
 * Not installed by default, since a signal handler belongs to the whole process: for processes that map files of owners they do not trust.
 */
#ifndef TPI_SHM_FAULT_H
#define TPI_SHM_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#define TPI_FAULT_REGIONS_MAX 4096     /* regions guarded at a time; those beyond it are mapped without guard and counted */

/* Installs the handler, again where somebody else's took its place; regions mapped from now on are guarded. Any thread. TP_EIO. */
int tpi_fault_guard_install(void);
bool tpi_fault_guard_is_installed(void);
size_t tpi_fault_regions_unguarded(void);

/* For region.c: a handle > 0, or 0 when not guarded. writable: the zero pages have to take stores. */
unsigned tpi_fault_register(void *base, size_t bytes, bool writable);
void tpi_fault_unregister(unsigned handle);            /* before munmap; 0 is ignored */
/* Whether a fault was turned into zeros. One relaxed load; false for handle 0. */
bool tpi_fault_happened(unsigned handle);

#endif

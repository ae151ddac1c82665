/* Futexes in memory that processes share. A sleeper may be woken early and looks again by itself. */
#ifndef TPI_COMMON_FUTEX_H
#define TPI_COMMON_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/* While *word is seen, until a wake or timeout_ns (above 0) is over; may return early. */
void tpi_futex_wait(_Atomic uint32_t *word, uint32_t seen, int64_t timeout_ns);
void tpi_futex_wake_all(_Atomic uint32_t *word);

#endif

/* Stateless. Not FUTEX_PRIVATE_FLAG: sleepers are in other processes. */
#include "common/futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

void tpi_futex_wait(_Atomic uint32_t *word, uint32_t seen, int64_t timeout_ns)
{
    const struct timespec timeout = { .tv_sec = timeout_ns / TPI_NS_PER_S, .tv_nsec = timeout_ns % TPI_NS_PER_S };
    (void)syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, NULL, 0);
}

void tpi_futex_wake_all(_Atomic uint32_t *word) { (void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0); }

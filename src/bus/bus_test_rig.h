/* Directories and processes of tests with real media drivers. For tests only. */
#ifndef TPI_BUS_BUS_TEST_RIG_H
#define TPI_BUS_BUS_TEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "bus/bus.h"
#include "common/clock.h"

/* Makes a directory below /dev/shm. tests/leftovers.c removes it when this process ends, however it ends. First call of main. */
int tpi_test_rig_start(const char *name);
/* A path in it. One of eight buffers. */
const char *tpi_test_dir(const char *name);
/* A path beside it, where a search for living drivers finds it; removed as well. */
const char *tpi_test_other_dir(void);
/* This program again, with a role and a directory as arguments. -1 when that fails. */
pid_t tpi_test_spawn(const char *role, const char *dir);
/* SIGKILL, and waits for the end. */
int tpi_test_kill(pid_t pid);

/* ---- buses of a real media driver: each call waits for what it asks for, and fails the test ------------------------------------ */

#define TPI_TEST_WAIT_NS (30 * TPI_NS_PER_S)

/* Lets the bus work until the condition holds. */
#define TPI_TEST_AWAIT(bus, condition) do { \
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + TPI_TEST_WAIT_NS; \
    while (!(condition)) \
    { \
        if (tpi_bus_do_work((bus), tpi_clock_monotonic_ns()) < 0) { fail_msg("bus lost: %s; %s", tp_errmsg(), tp_errwhy()); } \
        if (tpi_clock_monotonic_ns() > deadline_ns) { fail_msg("waited in vain for: %s", #condition); } \
        tpi_test_rest(); \
    } \
} while (0)

void tpi_test_rest(void);
tpi_bus_t *tpi_test_bus(const char *aeron_dir);
tpi_publication_t *tpi_test_pub(tpi_bus_t *bus, const char *channel, int32_t stream_id);
tpi_subscription_t *tpi_test_sub(tpi_bus_t *bus, const tpi_subscription_config_t *config);

#endif

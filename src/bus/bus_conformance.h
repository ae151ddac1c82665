/*
 * One suite for every implementation of the bus. The fixture says how to open a bus and how to pass time; the tests are the same functions.
 * For tests only.
 */
#ifndef TPI_BUS_BUS_CONFORMANCE_H
#define TPI_BUS_BUS_CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/bus.h"

typedef struct tpi_bus_fixture
{
    const char *name;
    int (*open)(struct tpi_bus_fixture *fixture, tpi_bus_t **bus);
    int64_t (*now_ns)(struct tpi_bus_fixture *fixture);        /* stepped or real */
    void *state;
}
tpi_bus_fixture_t;

/* Runs all tests against the fixture; returns the number of failures. */
int tpi_bus_conformance_run(tpi_bus_fixture_t *fixture);
int tpi_bus_records_conformance_run(tpi_bus_fixture_t *fixture);

#endif

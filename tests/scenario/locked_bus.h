/* Makes an in-memory bus usable by several threads: every call takes one lock; a claim holds it until it is committed. For tests of threads. */
#ifndef TP_TESTS_LOCKED_BUS_H
#define TP_TESTS_LOCKED_BUS_H

#include "bus/bus.h"

/* Right after tpi_bus_mem_open, before anything is added. */
void locked_bus_wrap(tpi_bus_t *bus);

#endif

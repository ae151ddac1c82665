/* The life of a daemon after its configuration is known. */
#ifndef APPS_SERVICE_LOOP_H
#define APPS_SERVICE_LOOP_H

#include "apps/service/program.h"

/* Starts the program, runs it until a signal or its own end, closes it; returns the exit code. ready_fd -1 = nobody waits. */
int loop_run(const service_program_t *program, const service_sources_t *sources, int ready_fd);

/* SIGHUP (program.c). */
void service_reload(const service_program_t *program, const service_sources_t *sources);

#endif

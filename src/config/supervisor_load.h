#ifndef TPI_CONFIG_SUPERVISOR_LOAD_H
#define TPI_CONFIG_SUPERVISOR_LOAD_H

#include "config/source.h"

/* The cross checks of a supervisor's configuration; their errors say where the key stands. */
int tpi_supervisor_judge(const tpi_conf_source_t *source, const tp_supervisor_config_t *config);

#endif

#ifndef TPI_CONFIG_SUPERVISOR_LOAD_H
#define TPI_CONFIG_SUPERVISOR_LOAD_H

#include "config/source.h"

/* The cross checks of a supervisor's configuration, and what is worth a warning. */
int tpi_supervisor_judge(const tpi_conf_source_t *source, const tp_supervisor_config_t *config);

#endif

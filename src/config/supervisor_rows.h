/* The keys of a supervisor's configuration (25-supervisor.md 7.1), and of its rules. */
#ifndef TPI_CONFIG_SUPERVISOR_ROWS_H
#define TPI_CONFIG_SUPERVISOR_ROWS_H

#include "config/source.h"

extern const tpi_conf_row_t tpi_supervisor_rows[];         /* supervisor.*: into tp_supervisor_config_t */
extern const size_t tpi_supervisor_row_count;
extern const tpi_conf_row_t tpi_supervisor_host_rows[];    /* driver.aeron_dir: all that a stand-alone supervisor reads of [driver] */
extern const size_t tpi_supervisor_host_row_count;
extern const tpi_conf_row_t tpi_policy_rows[];             /* supervisor.policies.<name>.*: into tpi_policy_keys_t */
extern const size_t tpi_policy_row_count;

/* Reader of the table supervisor.policies; config is a tp_supervisor_config_t. */
int tpi_supervisor_read_policies(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *config);

#endif

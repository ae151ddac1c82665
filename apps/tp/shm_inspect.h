/* tp shm inspect. */
#ifndef APPS_TP_SHM_INSPECT_H
#define APPS_TP_SHM_INSPECT_H

#include "cli.h"

/* what: a region file, an epoch directory, or a stream. */
int cli_shm_inspect(const cli_args_t *args, const char *what);

#endif

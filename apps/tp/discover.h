/* Whether a discovery provider answers. */
#ifndef APPS_TP_DISCOVER_H
#define APPS_TP_DISCOVER_H

#include "cli.h"

typedef struct cli_probe
{
    bool answers;
    unsigned streams;
    char endpoint[600];                /* "stream 7000 of aeron:ipc..." */
}
cli_probe_t;

/* Asks for everything and waits a second at most. Prints nothing. */
void cli_discovery_probe(const cli_args_t *args, cli_probe_t *probe);

#endif

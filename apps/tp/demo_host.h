/*
 * What a demo plays on: a private directory, and in it a tp_driver with embedded media driver. What the services leave behind there is found out
 * at the end.
 */
#ifndef APPS_TP_DEMO_HOST_H
#define APPS_TP_DEMO_HOST_H

#include <limits.h>
#include <stdio.h>

#include "demo_child.h"
#include "demo_dir.h"
#include "out.h"

#define DEMO_START_NS (15 * CLI_NS_PER_S)      /* a child that is not ready by then never will be */
#define DEMO_END_NS (10 * CLI_NS_PER_S)

typedef struct demo_host
{
    cli_demo_dir_t dir;
    int log_fd;
    char **environment;                /* of the children: the private driver and nothing else */
    char program[PATH_MAX], driver_program[PATH_MAX];
    demo_child_t driver;
    bool nothing_left;
}
demo_host_t;
#define DEMO_NO_HOST { .dir = { .lock_fd = -1, .guard_fd = -1 }, .log_fd = -1, .driver = DEMO_NO_CHILD }

/* Finds this program, as which children are started. demo_host_open does that, too. */
int demo_host_find(demo_host_t *host);
/*
 * Makes the directory, if so much memory is free, and starts the driver; tables writes the rest of its configuration: profiles, streams, services.
 * Prints what fails.
 */
int demo_host_open(demo_host_t *host, uint64_t needed_bytes, void (*tables)(FILE *file));
/* Ends the driver, looks for leftovers, removes the directory. false: the driver did not end well. */
bool demo_host_close(demo_host_t *host, bool leave_file, char *leftovers, size_t size);
void demo_host_abort(demo_host_t *host);

/* execve takes writable strings and leaves them alone. */
static inline char *demo_word(const char *text) { return (char *)(uintptr_t)text; }

/* ---- the verdict ---- */

#define DEMO_CHECKS_MAX 40
typedef struct demo_check { char name[40]; bool ok; char detail[200]; } demo_check_t;
typedef struct demo_checks { demo_check_t items[DEMO_CHECKS_MAX]; int count; } demo_checks_t;

void demo_check(demo_checks_t *checks, bool ok, const char *name, const char *format, ...) TP_PRINTF(4, 5);
bool demo_checks_ok(const demo_checks_t *checks);
json_t *demo_checks_json(const demo_checks_t *checks);
void demo_checks_print(const demo_checks_t *checks);

#endif

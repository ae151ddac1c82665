/*
 * What a daemon says of itself; the rest of this folder makes command line, man page, completion, log and main loop of it. All calls come on the main
 * thread. The configuration and the instance are the program's own.
 */
#ifndef APPS_SERVICE_PROGRAM_H
#define APPS_SERVICE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "config/config.h"

/* A flag that is short for --set KEY=VALUE. */
typedef struct service_flag
{
    const char *name;                  /* "aeron-dir"; NULL ends the table */
    const char *argument;              /* "DIR", or NULL: the flag sets value */
    const char *key;                   /* "driver.aeron_dir" */
    const char *value;
    const char *doc;
}
service_flag_t;

#define SERVICE_FLAGS_MAX 16

/* Where the configuration comes from; borrowed from the command line, valid until the end of the process. */
typedef struct service_sources
{
    const char *file;                  /* NULL = none was named */
    const tpi_config_setting_t *settings;
    size_t setting_count;
}
service_sources_t;

typedef enum service_slot { SERVICE_IN_FORCE = 0, SERVICE_READ_AGAIN = 1 } service_slot_t;
#define SERVICE_SLOTS 2

typedef struct service_program
{
    const char *name;                  /* "tp_driver" */
    const char *summary;               /* "driver of tensor pools" */
    const char *doc;                   /* of --help: before and, after '\v', behind the options */
    const char *config_doc;            /* of --config */
    const char *man_tail;              /* sections FILES, SEE ALSO as a man page writes them */
    const service_flag_t *flags;

    void (*print_example)(FILE *out);
    void (*print_reference)(FILE *out);
    void (*print_keys)(FILE *out);

    /* A program keeps two configurations: the one in force, and one that was read again. load: 0, or -1 with tp_err set. */
    int (*load)(const service_sources_t *sources, service_slot_t slot);
    void (*unload)(service_slot_t slot);
    void (*foreach)(service_slot_t slot, tpi_config_on_value_t handler, void *clientd);
    void (*print_config)(FILE *out);   /* the one in force */
    void (*print_checked)(FILE *out);  /* "2 profiles, 3 streams": what --check says of a good file */

    void (*prepare)(void);             /* before any thread starts; may be NULL */
    int (*start)(void);                /* 0, or -1 with tp_err set */
    void (*print_ready)(char *text, size_t size);        /* what the log says when it runs */
    int (*do_work)(void);              /* work done, or -1 with tp_err set */
    int (*event_fd)(void);                        /* readable: the next cycle has something to do; NULL = nothing tells */
    int64_t (*park_limit_ns)(void);
    bool (*has_stopped)(void);         /* NULL: never by itself */
    void (*reload)(void);              /* SIGHUP; NULL: read, check, and name in the log what differs from the one in force */
    void (*print_state)(FILE *out);    /* SIGUSR1: what it knows, as one line of JSON; NULL: there is nothing to print */
    const char *(*end)(unsigned count);/* the count-th SIGTERM or SIGINT; returns what the log says. NULL: the first one ends the loop */
    void (*close)(void);               /* after start, also after one that failed */
}
service_program_t;

/* The whole program. Returns the exit code. */
int service_main(const service_program_t *program, int argc, char **argv);

/* For load: the options of a loader that these sources are, without origins; warnings become lines of the log. */
tpi_config_options_t service_loader_options(const service_sources_t *sources);

/* Names in the log the keys of READ_AGAIN that differ from those IN_FORCE. How many; 0 also when memory ran out, which is logged. */
size_t service_log_differences(const service_program_t *program);

#endif

/*
 * Configuration of the programs: TOML file, environment and flags -> a service's value struct. Linked into programs only.
 *
 * Precedence: flag > environment > file > default (20-driver.md 11.2). One thread; nothing is kept between calls.
 */
#ifndef TPI_CONFIG_CONFIG_H
#define TPI_CONFIG_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include <tensor_pool/client/tp_join.h>
#include <tensor_pool/discovery/tp_discovery_provider_config.h>
#include <tensor_pool/driver/tp_driver_config.h>
#include <tensor_pool/supervisor/tp_supervisor_config.h>

typedef enum tpi_config_origin_kind
{
    TPI_CONFIG_DEFAULT = 0,
    TPI_CONFIG_BUILTIN,               /* what a driver without file serves */
    TPI_CONFIG_DRIVER,                /* of an embedded service: what its driver has */
    TPI_CONFIG_FILE,
    TPI_CONFIG_VARIABLE,
    TPI_CONFIG_FLAG
}
tpi_config_origin_kind_t;

typedef struct tpi_config_origin
{
    tpi_config_origin_kind_t kind;
    uint32_t line, column;            /* TPI_CONFIG_FILE */
    char name[96];                    /* the variable or flag */
}
tpi_config_origin_t;

#define TPI_CONFIG_ROWS_MAX 160

/* Where each value came from. Rows are those of the service, in a driver's file those of the driver, the supervisor and the discovery provider. */
typedef struct tpi_config_origins
{
    char file[TP_CONFIG_PATH_MAX];    /* "" = none */
    tpi_config_origin_t rows[TPI_CONFIG_ROWS_MAX];
    uint32_t profile_lines[TP_CONFIG_PROFILES_MAX];      /* 0 = built in */
    uint32_t stream_lines[TP_CONFIG_STREAMS_MAX];
    uint32_t policy_lines[TP_SUPERVISOR_POLICIES_MAX];
}
tpi_config_origins_t;

/* One value given on the command line. */
typedef struct tpi_config_setting
{
    const char *key;                  /* "driver.aeron_dir" */
    const char *text;
    const char *flag;                 /* "--aeron-dir", for messages */
}
tpi_config_setting_t;

/* text is one line, valid during the call; code is a number of errors.def. */
typedef void (*tpi_config_warning_t)(void *clientd, int code, const char *text);

/* The services inside of a driver's process, each there when its table is (S-063). Large. */
typedef struct tpi_embedded_config
{
    bool has_supervisor, has_discovery;
    tp_supervisor_config_t supervisor;             /* undefined where it is not there */
    tp_discovery_provider_config_t discovery;
}
tpi_embedded_config_t;

void tpi_embedded_config_fini(tpi_embedded_config_t *embedded);        /* accepts NULL and zeros */

typedef struct tpi_config_options
{
    const char *const *environment;   /* "NAME=value" ..., NULL; NULL = that of the process */
    const tpi_config_setting_t *settings;
    size_t setting_count;
    tpi_config_warning_t on_warning;  /* may be NULL */
    void *clientd;
    tpi_config_origins_t *origins;    /* may be NULL; large: not for the stack of a thread */
    /* Of a driver: receives the tables of embedded services, to be released by tpi_embedded_config_fini. NULL: they are checked only. */
    tpi_embedded_config_t *embedded;
}
tpi_config_options_t;

/*
 * Defaults, then file (NULL: what tp_driver_config_set_builtin adds), environment and settings, then tp_driver_config_check. On success *config
 * is the caller's, to be released by tp_driver_config_fini; unchanged otherwise. options may be NULL.
 *
 * Errors name file, line and column (or the variable or flag), key, value and bound: TP_ECONF_FILE, TP_ECONF_SYNTAX, TP_ECONF_KEY, TP_ECONF_TYPE,
 * TP_ECONF_RANGE, TP_ECONF_RULE, TP_ECONF_ENV, TP_EUSAGE (settings), TP_ENOMEM.
 */
int tpi_driver_config_load(tp_driver_config_t *config, const char *file, const tpi_config_options_t *options);

/* One effective value: its key, value as a file would say it, and source ("driver.toml:14", "SHM_BASE_DIR", "--base-dir", "default"). */
typedef void (*tpi_config_on_value_t)(void *clientd, const char *key, const char *value, const char *source);
void tpi_driver_config_foreach(const tp_driver_config_t *config, const tpi_config_origins_t *origins, tpi_config_on_value_t handler,
    void *clientd);

/* The effective configuration as a TOML file that gives the same configuration again (secrets apart), each line with its source. */
void tpi_driver_config_show(FILE *out, const tp_driver_config_t *config, const tpi_config_origins_t *origins);

/* An example file: every key, commented, with its default; a few profiles and streams that work as they are. */
void tpi_driver_config_example(FILE *out);

/* The keys for --help (one line a key), and as the reference page docs/guide/driver-configuration.md. */
void tpi_driver_config_help(FILE *out);
void tpi_driver_config_reference(FILE *out);

/* ---- supervisor ------------------------------------------------------------------------------------------------------------------ */

/* As tpi_driver_config_load, for a supervisor of its own (25-supervisor.md 7.1): of [driver] only aeron_dir is read. file may be NULL. */
int tpi_supervisor_config_load(tp_supervisor_config_t *config, const char *file, const tpi_config_options_t *options);
void tpi_supervisor_config_foreach(const tp_supervisor_config_t *config, const tpi_config_origins_t *origins, tpi_config_on_value_t handler,
    void *clientd);
void tpi_supervisor_config_show(FILE *out, const tp_supervisor_config_t *config, const tpi_config_origins_t *origins);
void tpi_supervisor_config_example(FILE *out);
void tpi_supervisor_config_help(FILE *out);
void tpi_supervisor_config_reference(FILE *out);

/* ---- discovery provider ---------------------------------------------------------------------------------------------------------- */

/* As tpi_driver_config_load, for a provider of its own (30-discovery.md 2.3): of [driver] only aeron_dir is read. file may be NULL. */
int tpi_discovery_config_load(tp_discovery_provider_config_t *config, const char *file, const tpi_config_options_t *options);
void tpi_discovery_config_foreach(const tp_discovery_provider_config_t *config, const tpi_config_origins_t *origins,
    tpi_config_on_value_t handler, void *clientd);
void tpi_discovery_config_show(FILE *out, const tp_discovery_provider_config_t *config, const tpi_config_origins_t *origins);
void tpi_discovery_config_example(FILE *out);
void tpi_discovery_config_help(FILE *out);
void tpi_discovery_config_reference(FILE *out);

/* ---- which of them a file is for ------------------------------------------------------------------------------------------------- */

typedef enum tpi_config_kind { TPI_CONFIG_OF_DRIVER = 0, TPI_CONFIG_OF_SUPERVISOR, TPI_CONFIG_OF_DISCOVERY, TPI_CONFIG_OF_JOIN }
tpi_config_kind_t;

/* A file with profiles is a driver's, whatever else is in it; else the first table of a service decides; else, or unreadable, the driver's. */
tpi_config_kind_t tpi_config_kind_of(const char *file);

/* ---- merge maps ------------------------------------------------------------------------------------------------------------------ */

/*
 * A join from a TOML file: [join] and its [[join.inputs]] (docs/JOINS_USAGE.md). Points into itself: not to be copied. Large: not for the stack of a
 * thread.
 */
typedef struct tpi_join_config
{
    tp_join_options_t options;
    tp_merge_map_t map;
    tp_merge_rule_t rules[TP_MERGE_RULES_MAX];
    tp_join_clock_t clocks[TP_MERGE_RULES_MAX];
}
tpi_join_config_t;

/* 0 and *config filled, or -1 with file, line and column, key, value and bound: the codes of tpi_driver_config_load. Of options only on_warning. */
int tpi_join_config_load(tpi_join_config_t *config, const char *file, const tpi_config_options_t *options);
/* An example file: every key with its meaning; it loads as it is. */
void tpi_join_config_example(FILE *out);

/* ---- services inside of a driver ------------------------------------------------------------------------------------------------- */

/* The embedded services that are there, as tables of the driver's file. */
void tpi_embedded_config_foreach(const tpi_embedded_config_t *embedded, const tpi_config_origins_t *origins, tpi_config_on_value_t handler,
    void *clientd);
void tpi_embedded_config_show(FILE *out, const tpi_embedded_config_t *embedded, const tpi_config_origins_t *origins);

#endif

/* The command line of a daemon. */
#ifndef APPS_SERVICE_OPTIONS_H
#define APPS_SERVICE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "apps/service/program.h"

#define OPTIONS_SETTINGS_MAX 64
#define OPTIONS_ROWS_MAX (SERVICE_FLAGS_MAX + 24)

typedef enum options_action
{
    ACTION_RUN = 0,
    ACTION_CHECK,
    ACTION_PRINT_CONFIG,
    ACTION_PRINT_EXAMPLE,
    ACTION_PRINT_REFERENCE,
    ACTION_LIST_KEYS,
    ACTION_PRINT_MAN,
    ACTION_PRINT_COMPLETION
}
options_action_t;

typedef struct options
{
    const service_program_t *program;
    options_action_t action;
    const char *config_file;               /* NULL = none */
    const char *shell;                     /* of --print-completion */
    int log_level;                         /* -1 = TP_LOG_LEVEL or info */
    bool log_json;
    int ready_fd;                          /* -1 = none */
    size_t setting_count;
    tpi_config_setting_t settings[OPTIONS_SETTINGS_MAX];
    char keys[OPTIONS_SETTINGS_MAX][96];   /* of --set */
    char flags[SERVICE_FLAGS_MAX][40];     /* "--aeron-dir", for messages */
}
options_t;

/* What --help, the man page and shell completion are made from; ends with a row of zeros. */
void options_table(const service_program_t *program, struct argp_option table[OPTIONS_ROWS_MAX]);

/* Does not return for --help, --version and usage errors (exit code 2). */
void options_parse(options_t *options, const service_program_t *program, int argc, char **argv);

/* The level in force: flag, else TP_LOG_LEVEL, else info. -1 when the variable cannot be used; that is printed. */
int options_log_level(const options_t *options);

#endif

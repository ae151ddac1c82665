/* The command line of tp_driver. */
#ifndef TP_DRIVER_OPTIONS_H
#define TP_DRIVER_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

#define SETTINGS_MAX 64

typedef enum action
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
action_t;

typedef struct options
{
    action_t action;
    const char *config_file;               /* NULL = built-in streams */
    const char *shell;                     /* of --print-completion */
    int log_level;                         /* -1 = TP_LOG_LEVEL or info */
    bool log_json;
    int ready_fd;                          /* -1 = none */
    size_t setting_count;
    tpi_config_setting_t settings[SETTINGS_MAX];
    char keys[SETTINGS_MAX][96];           /* of --set */
}
options_t;

/* What --help, the man page and shell completion are made from; ends with a row of zeros. */

extern const struct argp_option options_table[];
extern const char options_doc[];

/* Does not return for --help, --version and usage errors (exit code 2). */
void options_parse(options_t *options, int argc, char **argv);

/* The level in force: flag, else TP_LOG_LEVEL, else info. -1 when the variable cannot be used; that is printed. */
int options_log_level(const options_t *options);

#endif

/* Owns the command line. Strings of argv are borrowed: they live as long as the process. */
#include "apps/service/options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <tensor_pool/common/tp_log.h>

#include "apps/service/output.h"

enum
{
    KEY_LOG_LEVEL = 0x100,
    KEY_LOG_JSON,
    KEY_READY_FD,
    KEY_CHECK,
    KEY_PRINT_CONFIG,
    KEY_PRINT_EXAMPLE,
    KEY_PRINT_REFERENCE,
    KEY_LIST_KEYS,
    KEY_PRINT_MAN,
    KEY_PRINT_COMPLETION,
    KEY_SET,
    KEY_FLAGS = 0x200                      /* and the number of the program's own flag */
};

static const char *const level_names[] = { "error", "warn", "info", "debug", "trace" };
#define LEVELS ((int)(sizeof(level_names) / sizeof(level_names[0])))

static const struct argp_option common_options[] = {
    { "set", KEY_SET, "KEY=VALUE", 0, "any key of --list-keys; may be repeated", 1 },
    { NULL, 0, NULL, 0, "Running", 2 },
    { "log-level", KEY_LOG_LEVEL, "LEVEL", 0, "error, warn, info, debug, trace, or 0 to 4 (TP_LOG_LEVEL; default info)", 2 },
    { "log-json", KEY_LOG_JSON, NULL, 0, "one JSON object a line instead of text", 2 },
    { "ready-fd", KEY_READY_FD, "FD", 0, "write one line feed to this descriptor and close it when it serves", 2 },
    { NULL, 0, NULL, 0, "Instead of running", 3 },
    { "check", KEY_CHECK, NULL, 0, "check the configuration; exit code 0 or 1", 3 },
    { "check-config", 0, NULL, OPTION_ALIAS, NULL, 3 },
    { "print-config", KEY_PRINT_CONFIG, NULL, 0, "print each value in force and where it came from", 3 },
    { "print-example", KEY_PRINT_EXAMPLE, NULL, 0, "print a configuration file to start from", 3 },
    { "list-keys", KEY_LIST_KEYS, NULL, 0, "print every key with default, bounds and meaning", 3 },
    { "print-reference", KEY_PRINT_REFERENCE, NULL, 0, "print the reference page of all keys (Markdown)", 3 },
    { "print-man", KEY_PRINT_MAN, NULL, 0, "print the man page", 3 },
    { "print-completion", KEY_PRINT_COMPLETION, "SHELL", 0, "print the completion script of bash, zsh or fish", 3 },
};

void options_table(const service_program_t *program, struct argp_option table[OPTIONS_ROWS_MAX])
{
    size_t count = 0;
    table[count++] = (struct argp_option){ NULL, 0, NULL, 0, "Configuration", 1 };
    table[count++] = (struct argp_option){ "config", 'c', "FILE", 0, program->config_doc, 1 };
    for (int i = 0; i < SERVICE_FLAGS_MAX && NULL != program->flags[i].name; i++)
    {
        const service_flag_t *const flag = &program->flags[i];
        table[count++] = (struct argp_option){ flag->name, KEY_FLAGS + i, flag->argument, 0, flag->doc, 1 };
    }
    memcpy(table + count, common_options, sizeof(common_options));
    count += sizeof(common_options) / sizeof(common_options[0]);
    table[count] = (struct argp_option){ NULL, 0, NULL, 0, NULL, 0 };
}

/* A decimal number within 0..maximum, -1 otherwise. */
static int number(const char *text, int maximum)
{
    char *end = NULL;
    errno = 0;
    const long value = strtol(text, &end, 10);
    return 0 == errno && end != text && '\0' == *end && value >= 0 && value <= maximum ? (int)value : -1;
}

static int level_of(const char *text)
{
    for (int i = 0; i < LEVELS; i++)
    {
        if (0 == strcmp(level_names[i], text)) { return i; }
    }
    return number(text, LEVELS - 1);
}

static void add(options_t *options, struct argp_state *state, const char *key, const char *text, const char *flag)
{
    if (options->setting_count >= OPTIONS_SETTINGS_MAX) { argp_error(state, "more than %d settings", OPTIONS_SETTINGS_MAX); }
    options->settings[options->setting_count++] = (tpi_config_setting_t){ .key = key, .text = text, .flag = flag };
}

static void add_set(options_t *options, struct argp_state *state, const char *argument)
{
    const char *const equals = strchr(argument, '=');
    if (options->setting_count >= OPTIONS_SETTINGS_MAX) { argp_error(state, "more than %d settings", OPTIONS_SETTINGS_MAX); }
    char *const key = options->keys[options->setting_count];
    const size_t length = NULL != equals ? (size_t)(equals - argument) : 0;
    if (0 == length || length >= sizeof(options->keys[0])) { argp_error(state, "--set %s: KEY=VALUE is needed", argument); return; }
    memcpy(key, argument, length);
    key[length] = '\0';
    add(options, state, key, equals + 1, "--set");
}

static int parse_run(int key, char *argument, struct argp_state *state)
{
    options_t *const options = state->input;
    switch (key)
    {
        case KEY_LOG_LEVEL:
            options->log_level = level_of(argument);
            if (options->log_level < 0) { argp_error(state, "--log-level %s: one of error, warn, info, debug, trace or 0 to 4 is needed", argument); }
            return 0;
        case KEY_READY_FD:
            options->ready_fd = number(argument, INT_MAX);
            if (options->ready_fd < 0 || fcntl(options->ready_fd, F_GETFD) < 0) { argp_error(state, "--ready-fd %s: no open descriptor", argument); }
            return 0;
        case KEY_LOG_JSON: options->log_json = true; return 0;
        case KEY_CHECK: options->action = ACTION_CHECK; return 0;
        case KEY_PRINT_CONFIG: options->action = ACTION_PRINT_CONFIG; return 0;
        case KEY_PRINT_EXAMPLE: options->action = ACTION_PRINT_EXAMPLE; return 0;
        case KEY_PRINT_REFERENCE: options->action = ACTION_PRINT_REFERENCE; return 0;
        case KEY_LIST_KEYS: options->action = ACTION_LIST_KEYS; return 0;
        case KEY_PRINT_MAN: options->action = ACTION_PRINT_MAN; return 0;
        case KEY_PRINT_COMPLETION:
            options->action = ACTION_PRINT_COMPLETION;
            options->shell = argument;
            if (0 != strcmp(argument, "bash") && 0 != strcmp(argument, "zsh") && 0 != strcmp(argument, "fish"))
            {
                argp_error(state, "--print-completion %s: one of bash, zsh, fish is needed", argument);
            }
            return 0;
        case ARGP_KEY_ARG: argp_error(state, "unexpected argument '%s'", argument); return 0;
        default: return ARGP_ERR_UNKNOWN;
    }
}

static void add_flag(options_t *options, struct argp_state *state, int number_of_flag, const char *argument)
{
    const service_flag_t *const flag = &options->program->flags[number_of_flag];
    char *const name = options->flags[number_of_flag];
    (void)snprintf(name, sizeof(options->flags[0]), "--%s", flag->name);
    add(options, state, flag->key, NULL != flag->argument ? argument : flag->value, name);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    options_t *const options = state->input;
    if (key >= KEY_FLAGS && key < KEY_FLAGS + SERVICE_FLAGS_MAX)
    {
        add_flag(options, state, key - KEY_FLAGS, argument);
        return 0;
    }
    switch (key)
    {
        case 'c': options->config_file = argument; return 0;
        case KEY_SET: add_set(options, state, argument); return 0;
        default: return parse_run(key, argument, state);
    }
}

void options_parse(options_t *options, const service_program_t *program, int argc, char **argv)
{
    static struct argp_option table[OPTIONS_ROWS_MAX];
    static char version[64];
    const struct argp argp = { .options = table, .parser = parse, .doc = program->doc };
    options_table(program, table);
    *options = (options_t){ .program = program, .log_level = -1, .ready_fd = -1 };
    (void)snprintf(version, sizeof(version), "%s %s", program->name, TPI_VERSION);
    argp_program_version = version;
    argp_err_exit_status = EXIT_CODE_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, options);
}

int options_log_level(const options_t *options)
{
    const char *const text = getenv("TP_LOG_LEVEL");
    if (options->log_level >= 0) { return options->log_level; }
    if (NULL == text) { return TP_LOG_INFO; }
    const int level = level_of(text);
    if (level < 0)
    {
        (void)output_fail(TP_ECONF_ENV, "unset it, or set it to a number from 0 (error) to 4 (trace)",
            "TP_LOG_LEVEL = '%.40s' is none of error, warn, info, debug, trace, 0..4", text);
    }
    return level;
}

/* Arguments: the option rows of cli.h turned into getopt_long and back. Main thread only. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "number.h"
#include "out.h"

#define OPTIONS_MAX 64
#define FIRST_LONG 256

const cli_option_t cli_global_options[] = {
    CLI_OPT_FLAG("help", 'h', help, "show this text and end"),
    CLI_OPT_FLAG("json", 'j', json, "one JSON object a line"),
    CLI_OPT_NUMBER("count", 'n', count, "N", 1, UINT64_MAX - 1, "end after N frames, lines or rounds"),
    CLI_OPT_REAL("seconds", 's', seconds, "S", 1000000000, "end after S seconds"),
    CLI_OPT_TEXT("aeron-dir", 0, aeron_dir, "DIR", "directory of the Aeron media driver (TP_AERON_DIR)"),
    CLI_OPT_TEXT("driver", 0, driver, "INSTANCE", "which driver, when several run (TP_DRIVER)"),
    CLI_OPT_TEXT("client-name", 0, client_name, "NAME", "how this program calls itself (TP_CLIENT_NAME)"),
    CLI_OPT_TEXT("allowed-base-dir", 0, allowed_base_dir, "DIR", "a directory below which regions may lie (TP_ALLOWED_BASE_DIRS)"),
    CLI_OPT_NUMBER("log-level", 0, log_level, "0-4", 0, 4, "log of the library on standard error: 0 errors .. 4 everything (TP_LOG_LEVEL)"),
    CLI_OPT_FLAG("log-json", 0, log_json, "that log as one JSON object a line"),
    CLI_OPT_END,
};

typedef struct rows
{
    const cli_option_t *row[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 3];
    int count;
}
rows_t;

static void rows_add(rows_t *rows, const cli_option_t *options)
{
    for (; NULL != options && NULL != options->name && rows->count < OPTIONS_MAX; options++)
    {
        struct option *to = &rows->longs[rows->count];
        to->name = options->name;
        to->has_arg = CLI_FLAG == options->type ? no_argument : CLI_TEXT_OPTIONAL == options->type ? optional_argument : required_argument;
        to->flag = NULL;
        to->val = FIRST_LONG + rows->count;
        if (0 != options->letter)
        {
            char *end = rows->letters + strlen(rows->letters);
            *end++ = options->letter;
            if (CLI_FLAG != options->type) { *end++ = ':'; }
            *end = '\0';
        }
        rows->row[rows->count++] = options;
    }
}

static const cli_option_t *rows_of(const rows_t *rows, int value)
{
    if (value >= FIRST_LONG) { return value - FIRST_LONG < rows->count ? rows->row[value - FIRST_LONG] : NULL; }
    for (int i = 0; i < rows->count; i++)
    {
        if (value == rows->row[i]->letter && 0 != value) { return rows->row[i]; }
    }
    return NULL;
}

void cli_args_init(cli_args_t *args)
{
    memset(args, 0, sizeof(*args));
    uint64_t *const numbers[] = { &args->count, &args->client_id, &args->max_rate, &args->max_lost, &args->desc_id, &args->ctrl_id, &args->values,
        &args->width, &args->wait_consumers, &args->log_level, &args->slots, &args->stream_id, &args->queue,
        &args->batch_ms, &args->producer_id, &args->source_id, &args->cpu };
    double *const reals[] = { &args->seconds, &args->timeout, &args->hz, &args->interval, &args->linger, &args->scale, &args->sleep_frames };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) { *numbers[i] = CLI_UNSET; }
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) { *reals[i] = -1.0; }
}

static bool is_choice(const char *choices, const char *value)
{
    const size_t length = strlen(value);
    for (const char *at = choices; '\0' != *at;)
    {
        const size_t part = strcspn(at, "|");
        if (part == length && 0 == memcmp(at, value, length)) { return true; }
        at += part + ('|' == at[part] ? 1 : 0);
    }
    return false;
}

static int append(const char *name, const cli_option_t *option, cli_list_t *list, const char *value)
{
    if (CLI_LIST_MAX == list->count)
    {
        cli_usage(name, "--%s is given more than %d times", option->name, CLI_LIST_MAX);
        return -1;
    }
    list->items[list->count++] = value;
    return 0;
}

static int store(cli_args_t *args, const cli_verb_t *verb, const cli_option_t *option, const char *value)
{
    void *const member = (char *)args + option->offset;
    const char *const name = NULL != verb ? verb->name : NULL;
    switch (option->type)
    {
        case CLI_FLAG: *(bool *)member = true; return 0;
        case CLI_TEXT:
            if (option->enumerated && !is_choice(option->value, value))
            {
                cli_usage(name, "--%s = '%s', must be one of %s", option->name, value, option->value);
                return -1;
            }
            *(const char **)member = value;
            return 0;
        case CLI_TEXT_OPTIONAL: *(const char **)member = NULL != value ? value : ""; return 0;
        case CLI_LIST: return append(name, option, member, value);
        case CLI_NUMBER:
            if (cli_parse_u64(value, option->minimum, option->maximum, (uint64_t *)member)) { return 0; }
            cli_usage(name, "--%s = '%s', must be a whole number of %" PRIu64 "..%" PRIu64, option->name, value, option->minimum, option->maximum);
            return -1;
        case CLI_REAL:
            if (cli_parse_real(value, (double)option->maximum, (double *)member)) { return 0; }
            cli_usage(name, "--%s = '%s', must be a number of 0..%" PRIu64, option->name, value, option->maximum);
            return -1;
        default: return -1;
    }
}

static void unknown_option(const rows_t *rows, const cli_verb_t *verb, const char *text)
{
    const char *nearest = NULL;
    unsigned best = 4;
    char wanted[64];
    char hint[96] = "";
    const char *name = text;
    while ('-' == *name) { name++; }
    snprintf(wanted, sizeof(wanted), "%.*s", (int)strcspn(name, "="), name);
    for (int i = 0; i < rows->count && strlen(wanted) > 1; i++)
    {
        const unsigned distance = cli_distance(wanted, rows->row[i]->name);
        if (0 == distance && NULL != strchr(name, '='))
        {
            cli_usage(NULL != verb ? verb->name : NULL, "--%s takes no value", wanted);
            return;
        }
        if (distance < best) { best = distance; nearest = rows->row[i]->name; }
    }
    if (NULL != nearest) { snprintf(hint, sizeof(hint), "; did you mean '--%s'?", nearest); }
    cli_usage(NULL != verb ? verb->name : NULL, "unknown option '%s'%s%s%s%s", text, NULL != verb ? " of 'tp " : "", NULL != verb ? verb->name : "",
        NULL != verb ? "'" : "", hint);
}

int cli_args_parse(cli_args_t *args, const cli_verb_t *verb, int argc, char **argv, int *first)
{
    rows_t rows = { .letters = ":" };
    if (NULL == verb) { memcpy(rows.letters, "+:", 3); }
    if (NULL != verb) { rows_add(&rows, verb->options); }
    rows_add(&rows, cli_global_options);
    opterr = 0;
    optind = 0;
    for (;;)
    {
        const int at = optind > 0 ? optind : 1;
        const int value = getopt_long(argc, argv, rows.letters, rows.longs, NULL);
        if (-1 == value) { break; }
        if (':' == value)
        {
            const cli_option_t *option = rows_of(&rows, optopt);
            cli_usage(NULL != verb ? verb->name : NULL, "--%s needs a value: --%s %s", NULL != option ? option->name : "?",
                NULL != option ? option->name : "?", NULL != option ? option->value : "VALUE");
            return -1;
        }
        const cli_option_t *option = '?' == value ? NULL : rows_of(&rows, value);
        if (NULL == option)
        {
            unknown_option(&rows, verb, argv[optind > at ? optind - 1 : at]);
            return -1;
        }
        if (store(args, verb, option, optarg) < 0) { return -1; }
    }
    *first = optind;
    return 0;
}

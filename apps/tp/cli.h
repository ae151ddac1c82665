/*
 * What the verbs of `tp` share: exit codes, arguments, verb and option tables. One row of a table makes help, man page and completion.
 */
#ifndef APPS_TP_CLI_H
#define APPS_TP_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tensor_pool/tp.h>

typedef enum cli_exit
{
    CLI_OK = 0,
    CLI_FAILED = 1,                    /* a check failed, or anything without a number of its own */
    CLI_USAGE = 2,
    CLI_NO_DRIVER = 3,
    CLI_REJECTED = 4,
    CLI_TIMEOUT = 5,
    CLI_DATA = 6                       /* frames lost or torn */
}
cli_exit_t;

/* Value of an integer option that was not given; strings are NULL, reals negative. */
#define CLI_UNSET UINT64_MAX
#define CLI_GIVEN(value) (CLI_UNSET != (value))
#define CLI_OR(value, otherwise) (CLI_UNSET != (value) ? (value) : (otherwise))
#define CLI_NS_PER_S INT64_C(1000000000)

typedef struct cli_verb cli_verb_t;

/* Values of an option that may be given more than once. */
#define CLI_LIST_MAX 32
typedef struct cli_list
{
    const char *items[CLI_LIST_MAX];
    size_t count;
}
cli_list_t;

typedef struct cli_args
{
    const cli_verb_t *verb;
    int positional_count;
    char **positional;
    bool help, json, dry_run, quiet, publish_time, split, no_attach, all, watch, man, force, newest, backlog, log_json, pipeline;
    bool recover, no_recover, observe;
    const char *aeron_dir, *driver, *client_name, *allowed_base_dir, *idle;
    const char *pattern, *shape, *dtype, *order, *check, *out, *format, *mode, *desc_channel, *ctrl_channel, *png, *base_dir, *shm_namespace;
    const char *answer_hello, *fallback_uri;
    const char *video, *second_video, *inject, *size, *name, *role_dir, *service;
    const char *sort;
    bool plain, reverse, with_meta, publish_map, from_control, example;
    const char *map;
    cli_list_t meta, tags, trace_streams, stages;
    const char *db, *window_file;
    const char *sizes, *consumers, *cpus, *page;
    bool dot, children, untraced;
    uint64_t queue, batch_ms, producer_id, source_id, cpu;
    uint64_t count, client_id, max_rate, max_lost, desc_id, ctrl_id, values, width, wait_consumers, log_level, slots, stream_id;
    double seconds, timeout, hz, interval, linger, scale, sleep_frames;
}
cli_args_t;

typedef enum cli_type
{
    CLI_FLAG,
    CLI_TEXT,
    CLI_TEXT_OPTIONAL,                 /* --name or --name=VALUE; "" when no value was given */
    CLI_LIST,                          /* texts in a cli_list_t */
    CLI_NUMBER,                        /* uint64_t within minimum..maximum */
    CLI_REAL                           /* double within minimum..maximum */
}
cli_type_t;

typedef struct cli_option
{
    const char *name;
    char letter;                       /* 0 = none */
    cli_type_t type;
    size_t offset;                     /* in cli_args_t */
    const char *value;                 /* placeholder, or the choices "a|b|c" when enumerated */
    bool enumerated;
    uint64_t minimum, maximum;
    const char *help;                  /* NULL = not shown anywhere */
}
cli_option_t;

#define CLI_OPT_FLAG(name, letter, member, help) { name, letter, CLI_FLAG, offsetof(cli_args_t, member), NULL, false, 0, 0, help }
#define CLI_OPT_TEXT(name, letter, member, value, help) { name, letter, CLI_TEXT, offsetof(cli_args_t, member), value, false, 0, 0, help }
#define CLI_OPT_LIST(name, letter, member, value, help) { name, letter, CLI_LIST, offsetof(cli_args_t, member), value, false, 0, 0, help }
#define CLI_OPT_ENUM(name, letter, member, value, help) { name, letter, CLI_TEXT, offsetof(cli_args_t, member), value, true, 0, 0, help }
#define CLI_OPT_NUMBER(name, letter, member, value, min, max, help) \
    { name, letter, CLI_NUMBER, offsetof(cli_args_t, member), value, false, min, max, help }
#define CLI_OPT_REAL(name, letter, member, value, max, help) { name, letter, CLI_REAL, offsetof(cli_args_t, member), value, false, 0, max, help }
#define CLI_OPT_END { NULL, 0, CLI_FLAG, 0, NULL, false, 0, 0, NULL }

struct cli_verb
{
    const char *name;
    const char *arguments;             /* "STREAM [FILE]" */
    int min_arguments, max_arguments;
    const char *words;                 /* sub-commands for completion, "ls inspect clean", or NULL */
    const char *summary;
    const char *text;                  /* paragraphs and examples; may be NULL */
    const cli_option_t *options;
    bool hidden;
    int (*run)(const cli_args_t *args);/* returns the exit code */
};

extern const cli_option_t cli_global_options[];
extern const cli_verb_t *const cli_verbs[];               /* ends with NULL */
const cli_verb_t *cli_verb_find(const char *name);

/* Sets every member to "not given". */
void cli_args_init(cli_args_t *args);
/*
 * Reads options of the verb (NULL: only global ones, and stops at the first word that is none) from argv[1..]; permutes argv. Returns 0, or -1 after
 * printing what is wrong. first receives the index of the first positional.
 */
int cli_args_parse(cli_args_t *args, const cli_verb_t *verb, int argc, char **argv, int *first);

void cli_help_all(FILE *out);
void cli_help_verb(FILE *out, const cli_verb_t *verb);
void cli_man(FILE *out, const cli_verb_t *verb);
bool cli_completion(FILE *out, const char *shell);         /* bash, zsh, fish; false for any other */

/* ---- stopping ---- */
void cli_signals_init(void);           /* SIGINT and SIGTERM set the flag below; SIGPIPE is ignored */
bool cli_stopped(void);
void cli_stop(void);

#endif

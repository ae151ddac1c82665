/* tp: one CLI. This file owns the verb table, signals and the way from argv to a verb. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "out.h"
#include "verbs.h"

const cli_verb_t *const cli_verbs[] = {
    &verb_demo, &verb_ls, &verb_info, &verb_discover, &verb_pub, &verb_sub, &verb_join, &verb_echo, &verb_hz, &verb_bw, &verb_delay, &verb_view,
    &verb_top, &verb_stat, &verb_errors, &verb_trace, &verb_lease, &verb_driver, &verb_shm, &verb_config, &verb_doctor, &verb_bench, &verb_env,
    &verb_version, &verb_completion,
    &verb_demo_producer, &verb_demo_consumer, &verb_pipeline_camera, &verb_pipeline_small, &verb_pipeline_joined, &verb_pipeline_viewer,
    &verb_bench_publisher, &verb_bench_subscriber, NULL,
};

static volatile sig_atomic_t stop_flag;

static void on_signal(int number)
{
    (void)number;
    stop_flag = 1;
}

void cli_signals_init(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

bool cli_stopped(void) { return 0 != stop_flag; }
void cli_stop(void) { stop_flag = 1; }

const cli_verb_t *cli_verb_find(const char *name)
{
    for (const cli_verb_t *const *verb = cli_verbs; NULL != *verb; verb++)
    {
        if (0 == strcmp((*verb)->name, name)) { return *verb; }
    }
    return NULL;
}

static int unknown_verb(const char *name)
{
    const char *nearest = NULL;
    unsigned best = strlen(name) < 4 ? 2 : 3;
    for (const cli_verb_t *const *verb = cli_verbs; NULL != *verb; verb++)
    {
        const unsigned distance = cli_distance(name, (*verb)->name);
        if (!(*verb)->hidden && distance < best) { best = distance; nearest = (*verb)->name; }
    }
    return cli_usage(NULL, NULL != nearest ? "unknown verb '%s'; did you mean '%s'?" : "unknown verb '%s'", name, nearest);
}

/* Standard output may be a full disk; a reader that went away has seen enough. */
static int finish(int code)
{
    if (cli_flush() || EPIPE == cli_output_errno() || CLI_OK != code) { return code; }
    return cli_error(TP_EIO, NULL, "standard output cannot be written: %s", strerror(cli_output_errno()));
}

static int run_verb(cli_args_t *args, const cli_verb_t *verb, int argc, char **argv)
{
    int first = 0;
    args->verb = verb;
    if (cli_args_parse(args, verb, argc, argv, &first) < 0) { return CLI_USAGE; }
    if (args->log_json) { cli_errors_as_json(); }
    if (args->help) { cli_help_verb(stdout, verb); return finish(CLI_OK); }
    args->positional = argv + first;
    args->positional_count = argc - first;
    if (args->positional_count < verb->min_arguments || args->positional_count > verb->max_arguments)
    {
        return cli_usage(verb->name, "tp %s takes: %s; %d given", verb->name, '\0' != verb->arguments[0] ? verb->arguments : "nothing",
            args->positional_count);
    }
    return finish(verb->run(args));
}

int main(int argc, char **argv)
{
    cli_args_t args;
    int first = 0;
    cli_args_init(&args);
    cli_signals_init();
    if (cli_args_parse(&args, NULL, argc, argv, &first) < 0) { return CLI_USAGE; }
    if (first >= argc)
    {
        cli_help_all(args.help ? stdout : stderr);
        return finish(args.help ? CLI_OK : CLI_USAGE);
    }
    if (0 == strcmp(argv[first], "help") || args.help)
    {
        const char *const name = args.help ? argv[first] : first + 1 < argc ? argv[first + 1] : NULL;
        const cli_verb_t *const about = NULL != name ? cli_verb_find(name) : NULL;
        if (NULL != name && NULL == about && 0 != strcmp(name, "help")) { return unknown_verb(name); }
        if (NULL != about) { cli_help_verb(stdout, about); }
        else { cli_help_all(stdout); }
        return finish(CLI_OK);
    }
    const cli_verb_t *verb = cli_verb_find(argv[first]);
    return NULL != verb ? run_verb(&args, verb, argc - first, argv + first) : unknown_verb(argv[first]);
}

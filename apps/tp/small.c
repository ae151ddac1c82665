/* tp env, version, completion: verbs that print what is known anyway. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "config_daemon.h"
#include "connect.h"
#include "out.h"
#include "verbs.h"

/* ---- env ---- */

typedef struct env_print { bool json; cli_table_t table; } env_print_t;

static void on_setting(void *clientd, const char *name, const char *value, const char *source)
{
    env_print_t *print = clientd;
    if (print->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:s,s:s,s:s}", "type", "setting", "name", name, "value", value, "source", source));
        return;
    }
    cli_table_cell(&print->table, "%s", name);
    cli_table_cell(&print->table, "%s", '\0' != value[0] ? value : "-");
    cli_table_cell(&print->table, "%s", source);
}

static void on_endpoint(void *clientd, const tp_endpoint_t *e)
{
    env_print_t *print = clientd;
    if (print->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:s,s:i,s:b,s:s,s:s,s:s,s:i,s:s,s:s,s:s,s:o}", "type", "endpoint", "instance", e->instance_id, "pid",
            (int)e->pid,
            "alive", (int)e->alive, "file", e->file, "aeron_dir", e->aeron_dir, "control_channel", e->control_channel, "control_stream_id",
            (int)e->control_stream_id, "shm_base_dir", e->shm_base_dir, "shm_namespace", e->shm_namespace, "socket", e->socket_path, "start_ns",
            cli_json_id(e->start_ns)));
        return;
    }
    cli_table_cell(&print->table, "%s", e->instance_id);
    cli_table_cell(&print->table, "%d", e->pid);
    cli_table_cell(&print->table, "%s", e->alive ? "alive" : "dead");
    cli_table_cell(&print->table, "%s", e->aeron_dir);
    cli_table_cell(&print->table, "%s", e->shm_base_dir);
    cli_table_cell(&print->table, "%s", e->file);
}

static int run_env(const cli_args_t *args)
{
    static const char *const settings[] = { "SETTING", "VALUE", "FROM", NULL };
    static const char *const drivers[] = { "DRIVER", ">PID", "STATE", "AERON DIRECTORY", "BASE DIRECTORY", "ENDPOINT FILE", NULL };
    tp_context_t *context = NULL;
    env_print_t print = { .json = args->json };
    int code = cli_context(args, &context);
    if (CLI_OK != code) { return code; }
    cli_table_init(&print.table, settings);
    if (tp_context_describe(context, on_setting, &print) < 0) { code = cli_error_last(); }
    else if (!args->json) { cli_table_print(&print.table, stdout); }
    cli_table_fini(&print.table);
    tp_context_close(context);
    cli_table_init(&print.table, drivers);
    const int count = tp_endpoint_list(on_endpoint, &print);
    if (!args->json)
    {
        putchar('\n');
        if (count > 0) { cli_table_print(&print.table, stdout); }
        else { printf("no driver has left an endpoint file\n"); }
    }
    cli_table_fini(&print.table);
    if (CLI_OK == code) { code = cli_env_daemon(args); }
    return code;
}

const cli_verb_t verb_env = {
    .name = "env", .arguments = "", .min_arguments = 0, .max_arguments = 0, .run = run_env,
    .summary = "Every setting of clients and daemon, and where it came from; the drivers there are",
};

/* ---- version ---- */

static int run_version(const cli_args_t *args)
{
    struct utsname system;
    memset(&system, 0, sizeof(system));
    (void)uname(&system);
    if (args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "type", "version", "version", TPI_VERSION, "protocol", "1.2", "compiler",
            __VERSION__,
            "system", system.sysname, "machine", system.machine));
        return CLI_OK;
    }
    printf("tp %s (protocol 1.2, layout 1; %s, %s %s)\n", TPI_VERSION, __VERSION__, system.sysname, system.machine);
    return CLI_OK;
}

const cli_verb_t verb_version = {
    .name = "version", .arguments = "", .min_arguments = 0, .max_arguments = 0, .run = run_version, .summary = "Print the version",
};

/* ---- completion, man ---- */

static int run_completion(const cli_args_t *args)
{
    const char *const word = args->positional[0];
    const cli_verb_t *verb = args->positional_count > 1 ? cli_verb_find(args->positional[1]) : NULL;
    if (0 != strcmp(word, "man") && args->positional_count > 1) { return cli_usage("completion", "tp completion %s takes no further words", word); }
    if (0 != strcmp(word, "man") && cli_completion(stdout, word)) { return CLI_OK; }
    if (0 != strcmp(word, "man")) { return cli_usage("completion", "tp completion bash|zsh|fish, or tp completion man [VERB]; '%s' is none", word); }
    if (args->positional_count > 1 && NULL == verb) { return cli_usage("completion", "no verb '%s'", args->positional[1]); }
    cli_man(stdout, verb);
    return CLI_OK;
}

const cli_verb_t verb_completion = {
    .name = "completion", .arguments = "bash|zsh|fish | man [VERB]", .min_arguments = 1, .max_arguments = 2, .words = "bash zsh fish man",
    .run = run_completion, .summary = "Print the completion script of a shell, or man pages",
    .text = "  source <(tp completion bash)\n  source <(tp completion zsh)\n  tp completion fish | source\n  tp completion man | man -l -\n"
        "  tp completion man pub | man -l -\n\nAn installed tp has all of them where shells and man look.",
};

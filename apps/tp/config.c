/* tp config: the configuration files of the driver, the supervisor and the discovery provider. Also the daemon's half of `tp env`. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

#include "config_daemon.h"
#include "out.h"
#include "verbs.h"

#define SERVICES "driver|supervisor|discovery|join"

static const cli_option_t options[] = {
    CLI_OPT_FLAG("quiet", 'q', quiet, "check: say nothing about files that are right"),
    CLI_OPT_ENUM("service", 0, service, SERVICES, "whose file; default: what its tables say, else the driver's"),
    CLI_OPT_END,
};

/* Any of the four, loaded. */
typedef struct loaded
{
    tpi_config_kind_t kind;
    tp_driver_config_t driver;
    tpi_embedded_config_t embedded;
    tp_supervisor_config_t supervisor;
    tp_discovery_provider_config_t discovery;
    tpi_join_config_t join;
    tpi_config_origins_t origins;
}
loaded_t;

static tpi_config_kind_t kind_of(const cli_args_t *args, const char *file)
{
    const char *const service = args->service;
    if (NULL == service) { return NULL != file ? tpi_config_kind_of(file) : TPI_CONFIG_OF_DRIVER; }
    if (0 == strcmp("join", service)) { return TPI_CONFIG_OF_JOIN; }
    return 0 == strcmp("supervisor", service) ? TPI_CONFIG_OF_SUPERVISOR : 0 == strcmp("discovery", service) ? TPI_CONFIG_OF_DISCOVERY :
        TPI_CONFIG_OF_DRIVER;
}

static int load(loaded_t *loaded, const char *file, tpi_config_options_t how)
{
    how.origins = &loaded->origins;
    how.embedded = &loaded->embedded;
    switch (loaded->kind)
    {
        case TPI_CONFIG_OF_SUPERVISOR: return tpi_supervisor_config_load(&loaded->supervisor, file, &how);
        case TPI_CONFIG_OF_DISCOVERY: return tpi_discovery_config_load(&loaded->discovery, file, &how);
        case TPI_CONFIG_OF_JOIN: return tpi_join_config_load(&loaded->join, file, &how);
        default: return tpi_driver_config_load(&loaded->driver, file, &how);
    }
}

static void unload(loaded_t *loaded)
{
    switch (loaded->kind)
    {
        case TPI_CONFIG_OF_SUPERVISOR: tp_supervisor_config_fini(&loaded->supervisor); break;
        case TPI_CONFIG_OF_DISCOVERY: tp_discovery_provider_config_fini(&loaded->discovery); break;
        case TPI_CONFIG_OF_JOIN: break;
        default:
            tp_driver_config_fini(&loaded->driver);
            tpi_embedded_config_fini(&loaded->embedded);
            break;
    }
}

static void print_summary(const loaded_t *loaded)
{
    switch (loaded->kind)
    {
        case TPI_CONFIG_OF_SUPERVISOR: printf("supervisor, %u rules", (unsigned)loaded->supervisor.policy_count); break;
        case TPI_CONFIG_OF_DISCOVERY: printf("discovery, %u drivers", (unsigned)loaded->discovery.source_count); break;
        case TPI_CONFIG_OF_JOIN: printf("join, %u inputs", (unsigned)loaded->join.map.rule_count); break;
        default:
            printf("%u streams, %u profiles%s%s", (unsigned)loaded->driver.stream_count, (unsigned)loaded->driver.profile_count,
                loaded->embedded.has_supervisor ? ", supervisor" : "", loaded->embedded.has_discovery ? ", discovery" : "");
            break;
    }
}

static void show(const loaded_t *loaded)
{
    switch (loaded->kind)
    {
        case TPI_CONFIG_OF_SUPERVISOR: tpi_supervisor_config_show(stdout, &loaded->supervisor, &loaded->origins); break;
        case TPI_CONFIG_OF_DISCOVERY: tpi_discovery_config_show(stdout, &loaded->discovery, &loaded->origins); break;
        case TPI_CONFIG_OF_JOIN: break;
        default:
            tpi_driver_config_show(stdout, &loaded->driver, &loaded->origins);
            tpi_embedded_config_show(stdout, &loaded->embedded, &loaded->origins);
            break;
    }
}

static void foreach(const loaded_t *loaded, tpi_config_on_value_t handler, void *clientd)
{
    switch (loaded->kind)
    {
        case TPI_CONFIG_OF_SUPERVISOR: tpi_supervisor_config_foreach(&loaded->supervisor, &loaded->origins, handler, clientd); break;
        case TPI_CONFIG_OF_DISCOVERY: tpi_discovery_config_foreach(&loaded->discovery, &loaded->origins, handler, clientd); break;
        case TPI_CONFIG_OF_JOIN: break;
        default:
            tpi_driver_config_foreach(&loaded->driver, &loaded->origins, handler, clientd);
            tpi_embedded_config_foreach(&loaded->embedded, &loaded->origins, handler, clientd);
            break;
    }
}

static void on_warning(void *clientd, int code, const char *text)
{
    unsigned *const count = clientd;
    cli_warn(code, NULL, "%s", text);
    ++*count;
}

/* A file is judged for itself: the environment of this shell is not part of it. */
static int check_file(const cli_args_t *args, const char *file)
{
    static const char *const no_environment[] = { NULL };
    unsigned warnings = 0;
    const tpi_config_options_t how = { .environment = no_environment, .on_warning = on_warning, .clientd = &warnings };
    loaded_t *const loaded = calloc(1, sizeof(*loaded));
    if (NULL == loaded) { return cli_error(TP_ENOMEM, NULL, "no memory for the configuration"); }
    loaded->kind = kind_of(args, file);
    const bool ok = load(loaded, file, how) >= 0;
    if (args->json)
    {
        char code[16];
        snprintf(code, sizeof(code), "TP%d", tp_errcode());
        json_t *line = json_pack("{s:s,s:s,s:b,s:i}", "type", "check", "file", file, "ok", (int)ok, "warnings", (int)warnings);
        json_object_set_new(line, "code", ok ? json_null() : json_string(code));
        json_object_set_new(line, "error", ok ? json_null() : json_string(tp_errmsg()));
        json_object_set_new(line, "fix", ok ? json_null() : json_string(tp_errfix()));
        (void)cli_json_line(line);
    }
    if (!ok) { (void)cli_error_last(); }
    else if (!args->json && !args->quiet)
    {
        printf("%s: right (", file);
        print_summary(loaded);
        printf("%s)\n", warnings > 0 ? ", with warnings" : "");
    }
    if (ok) { unload(loaded); }
    free(loaded);
    return ok ? CLI_OK : CLI_FAILED;
}

static void on_value(void *clientd, const char *key, const char *value, const char *source)
{
    (void)clientd;
    (void)cli_json_line(json_pack("{s:s,s:s,s:s,s:s}", "type", "daemon_setting", "name", key, "value", value, "source", source));
}

static void on_value_row(void *clientd, const char *key, const char *value, const char *source)
{
    cli_table_t *table = clientd;
    cli_table_cell(table, "%s", key);
    cli_table_cell(table, "%s", '\0' != value[0] ? value : "-");
    cli_table_cell(table, "%s", source);
}

static int with_config(const cli_args_t *args, const char *file, bool table)
{
    static const char *const headings[] = { "DAEMON SETTING", "VALUE", "FROM", NULL };
    unsigned warnings = 0;
    const tpi_config_options_t how = { .on_warning = on_warning, .clientd = &warnings };
    loaded_t *const loaded = calloc(1, sizeof(*loaded));
    if (NULL == loaded) { return cli_error(TP_ENOMEM, NULL, "no memory for the configuration"); }
    loaded->kind = kind_of(args, file);
    if (TPI_CONFIG_OF_JOIN == loaded->kind)
    {
        free(loaded);
        return cli_usage("config", "a join's file stands for itself; `tp config check` judges it");
    }
    if (load(loaded, file, how) < 0)
    {
        free(loaded);
        return cli_error_last();
    }
    if (args->json) { foreach(loaded, on_value, NULL); }
    else if (table)
    {
        cli_table_t rows;
        cli_table_init(&rows, headings);
        foreach(loaded, on_value_row, &rows);
        cli_table_print(&rows, stdout);
        cli_table_fini(&rows);
    }
    else { show(loaded); }
    unload(loaded);
    free(loaded);
    return CLI_OK;
}

int cli_env_daemon(const cli_args_t *args)
{
    if (!args->json) { printf("\nA driver started from here without a configuration file:\n"); }
    return with_config(args, NULL, true);
}

static const struct { const char *program; void (*write)(FILE *out); } examples[] = {
    [TPI_CONFIG_OF_DRIVER] = { "tp_driver", tpi_driver_config_example },
    [TPI_CONFIG_OF_SUPERVISOR] = { "tp_supervisord", tpi_supervisor_config_example },
    [TPI_CONFIG_OF_DISCOVERY] = { "tp_discoveryd", tpi_discovery_config_example },
    [TPI_CONFIG_OF_JOIN] = { "tp join", tpi_join_config_example },
};

static int init_file(tpi_config_kind_t kind, const char *path)
{
    if (NULL == path)
    {
        examples[kind].write(stdout);
        return CLI_OK;
    }
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (NULL == file)
    {
        const int code = cli_error(TP_EIO, EEXIST == errno ? "remove it, or choose another name" : NULL, "'%s' cannot be made: %s", path,
            strerror(errno));
        if (fd >= 0) { close(fd); }
        return code;
    }
    examples[kind].write(file);
    if (0 != fclose(file)) { return cli_error(TP_EIO, NULL, "'%s' cannot be written: %s", path, strerror(errno)); }
    printf("%s: written; then: tp config check %s; %s --%s %s\n", path, path, examples[kind].program,
        TPI_CONFIG_OF_JOIN == kind ? "map" : "config", path);
    return CLI_OK;
}

static int run_config(const cli_args_t *args)
{
    const char *word = args->positional[0];
    if (0 == strcmp(word, "check"))
    {
        int code = CLI_OK;
        if (args->positional_count < 2) { return cli_usage("config", "tp config check takes at least one file"); }
        for (int i = 1; i < args->positional_count; i++)
        {
            const int checked = check_file(args, args->positional[i]);
            if (CLI_OK != checked) { code = checked; }
        }
        return code;
    }
    if (args->positional_count > 2) { return cli_usage("config", "tp config %s takes one file at most", word); }
    const char *file = args->positional_count > 1 ? args->positional[1] : NULL;
    if (0 == strcmp(word, "show")) { return with_config(args, file, false); }
    if (0 == strcmp(word, "init")) { return init_file(kind_of(args, NULL), file); }
    return cli_usage("config", "tp config check|show|init; '%s' is none of them", word);
}

const cli_verb_t verb_config = {
    .name = "config", .arguments = "check FILE... | show [FILE] | init [FILE]", .min_arguments = 1, .max_arguments = 1000, .words = "check show init",
    .options = options, .run = run_config, .summary = "Check, show or begin a configuration file of the driver, the supervisor, discovery or a join",
    .text = "check  reads files as their program would, without the environment: errors name line, key, value and bound\n"
        "show   prints what a program started from here with this file would use, and where each value comes from\n"
        "init   writes an example with every key; to standard output without FILE\n\n"
        "A file with [profiles] is the driver's, also with tables of services that run inside of it; one with [supervisor] or [discovery]\n"
        "only is that of tp_supervisord or tp_discoveryd, one with [join] the merge map of tp join.",
};

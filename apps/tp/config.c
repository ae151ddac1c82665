/* tp config: the driver's configuration file. Also the daemon's half of `tp env`. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

#include "config_daemon.h"
#include "out.h"
#include "verbs.h"

static const cli_option_t options[] = {
    CLI_OPT_FLAG("quiet", 'q', quiet, "check: say nothing about files that are right"),
    CLI_OPT_END,
};

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
    tpi_config_options_t how = { .environment = no_environment, .on_warning = on_warning, .clientd = &warnings };
    tp_driver_config_t config;
    const bool ok = tpi_driver_config_load(&config, file, &how) >= 0;
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
    if (!ok)
    {
        (void)cli_error_last();
        return CLI_FAILED;
    }
    if (!args->json && !args->quiet)
    {
        printf("%s: right (%u streams, %u profiles%s)\n", file, (unsigned)config.stream_count, (unsigned)config.profile_count,
            warnings > 0 ? ", with warnings" : "");
    }
    tp_driver_config_fini(&config);
    return CLI_OK;
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
    tp_driver_config_t config;
    tpi_config_origins_t *origins = calloc(1, sizeof(*origins));
    tpi_config_options_t how = { .on_warning = on_warning, .clientd = &warnings, .origins = origins };
    int code = CLI_OK;
    if (NULL == origins) { return cli_error(TP_ENOMEM, NULL, "no memory for the configuration"); }
    if (tpi_driver_config_load(&config, file, &how) < 0)
    {
        free(origins);
        return cli_error_last();
    }
    if (args->json) { tpi_driver_config_foreach(&config, origins, on_value, NULL); }
    else if (table)
    {
        cli_table_t rows;
        cli_table_init(&rows, headings);
        tpi_driver_config_foreach(&config, origins, on_value_row, &rows);
        cli_table_print(&rows, stdout);
        cli_table_fini(&rows);
    }
    else { tpi_driver_config_show(stdout, &config, origins); }
    tp_driver_config_fini(&config);
    free(origins);
    return code;
}

int cli_env_daemon(const cli_args_t *args)
{
    if (!args->json) { printf("\nA driver started from here without a configuration file:\n"); }
    return with_config(args, NULL, true);
}

static int init_file(const char *path)
{
    if (NULL == path)
    {
        tpi_driver_config_example(stdout);
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
    tpi_driver_config_example(file);
    if (0 != fclose(file)) { return cli_error(TP_EIO, NULL, "'%s' cannot be written: %s", path, strerror(errno)); }
    printf("%s: written; then: tp config check %s; tp_driver --config %s\n", path, path, path);
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
    if (0 == strcmp(word, "init")) { return init_file(file); }
    return cli_usage("config", "tp config check|show|init; '%s' is none of them", word);
}

const cli_verb_t verb_config = {
    .name = "config", .arguments = "check FILE... | show [FILE] | init [FILE]", .min_arguments = 1, .max_arguments = 1000, .words = "check show init",
    .options = options, .run = run_config, .summary = "Check, show or begin a configuration file of the driver",
    .text = "check  reads files as the driver would, without the environment: errors name line, key, value and bound\n"
        "show   prints what a driver started from here with this file would use, and where each value comes from\n"
        "init   writes an example with every key; to standard output without FILE",
};

/* Owns what main() of a daemon does: the one action that the command line names. */
#include "apps/service/program.h"

#include <errno.h>
#include <string.h>

#include "apps/service/loop.h"
#include "apps/service/options.h"
#include "apps/service/output.h"
#include "apps/service/pages.h"
#include "apps/service/values.h"

static void on_warning(void *clientd, int code, const char *text)
{
    (void)clientd;
    output_say(TP_LOG_WARN, code, "%s", text);
}

tpi_config_options_t service_loader_options(const service_sources_t *sources)
{
    return (tpi_config_options_t){ .settings = sources->settings, .setting_count = sources->setting_count, .on_warning = on_warning };
}

size_t service_log_differences(const service_program_t *program)
{
    size_t count = 0;
    values_t values[SERVICE_SLOTS] = { { .text = NULL } };
    int rc = 0;
    for (int slot = 0; 0 == rc && slot < SERVICE_SLOTS; slot++)
    {
        rc = values_begin(&values[slot]);
        if (0 == rc) { program->foreach((service_slot_t)slot, values_add, &values[slot]); }
        if (0 == rc) { rc = values_end(&values[slot]); }
    }
    if (0 == rc) { count = values_log_differences(&values[SERVICE_IN_FORCE], &values[SERVICE_READ_AGAIN]); }
    else { output_say(TP_LOG_WARN, TP_ENOMEM, "no memory to compare the configuration with the one in force"); }
    for (int slot = 0; slot < SERVICE_SLOTS; slot++) { values_free(&values[slot]); }
    return count;
}

static void read_again(const service_program_t *program, const service_sources_t *sources)
{
    if (program->load(sources, SERVICE_READ_AGAIN) < 0)
    {
        (void)output_error();
        output_say(TP_LOG_WARN, 0, "the configuration in force stays");
        return;
    }
    if (0 == service_log_differences(program)) { output_say(TP_LOG_INFO, 0, "the configuration is that in force"); }
    program->unload(SERVICE_READ_AGAIN);
}

void service_reload(const service_program_t *program, const service_sources_t *sources)
{
    if (NULL != program->reload) { program->reload(); }
    else { read_again(program, sources); }
}

/* Standard output may be a full disk or a closed pipe. */
static int finish_output(void)
{
    if (0 == fflush(stdout) && 0 == ferror(stdout)) { return EXIT_CODE_OK; }
    (void)fprintf(stderr, "error[TP%04d]: standard output: %s\n", TP_EIO, strerror(errno));
    return EXIT_CODE_FAILED;
}

static int act(const options_t *options, const service_sources_t *sources)
{
    const service_program_t *const program = options->program;
    switch (options->action)
    {
        case ACTION_CHECK:
            printf("%s: ok (", NULL != options->config_file ? options->config_file : "built-in configuration");
            program->print_checked(stdout);
            printf(")\n");
            return finish_output();
        case ACTION_PRINT_CONFIG: program->print_config(stdout); return finish_output();
        default: return loop_run(program, sources, options->ready_fd);
    }
}

int service_main(const service_program_t *program, int argc, char **argv)
{
    static options_t options;
    options_parse(&options, program, argc, argv);
    switch (options.action)
    {
        case ACTION_PRINT_EXAMPLE: program->print_example(stdout); return finish_output();
        case ACTION_PRINT_REFERENCE: program->print_reference(stdout); return finish_output();
        case ACTION_PRINT_MAN: pages_man(stdout, program); return finish_output();
        case ACTION_PRINT_COMPLETION: return pages_completion(stdout, program, options.shell) ? finish_output() : EXIT_CODE_USAGE;
        case ACTION_LIST_KEYS: program->print_keys(stdout); return finish_output();
        default: break;
    }
    const int level = options_log_level(&options);
    if (level < 0) { return EXIT_CODE_FAILED; }
    output_start_log(level, options.log_json);
    const service_sources_t sources = { options.config_file, options.settings, options.setting_count };
    if (program->load(&sources, SERVICE_IN_FORCE) < 0) { return output_error(); }
    const int exit_code = act(&options, &sources);
    program->unload(SERVICE_IN_FORCE);
    return exit_code;
}

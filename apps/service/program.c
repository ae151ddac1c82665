/* Owns what main() of a daemon does: the one action that the command line names. */
#include "apps/service/program.h"

#include <errno.h>
#include <string.h>

#include "apps/service/loop.h"
#include "apps/service/options.h"
#include "apps/service/output.h"
#include "apps/service/pages.h"

void service_on_warning(void *clientd, int code, const char *text)
{
    (void)clientd;
    output_say(TP_LOG_WARN, code, "%s", text);
}

/* Standard output may be a full disk or a closed pipe. */
static int finish_output(void)
{
    if (0 == fflush(stdout) && 0 == ferror(stdout)) { return EXIT_CODE_OK; }
    (void)fprintf(stderr, "error[TP%04d]: standard output: %s\n", TP_EIO, strerror(errno));
    return EXIT_CODE_FAILED;
}

static int act(const options_t *options)
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
        default: return loop_run(program, options->ready_fd);
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
    if (program->load(&sources) < 0) { return output_error(); }
    const int exit_code = act(&options);
    program->unload();
    return exit_code;
}

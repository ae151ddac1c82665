/* tp_driver: the driver as a process of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "options.h"
#include "output.h"
#include "pages.h"
#include "run.h"

static void on_warning(void *clientd, int code, const char *text)
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

static int load(const options_t *options, tp_driver_config_t *config, tpi_driver_config_origins_t *origins)
{
    const tpi_driver_config_options_t sources = { .settings = options->settings, .setting_count = options->setting_count, .on_warning = on_warning,
        .origins = origins };
    if (tpi_driver_config_load(config, options->config_file, &sources) < 0) { return -1; }
    config->fault_guard = true;
    return 0;
}

/* The file may have been named relative to the directory the driver was started in: the program never leaves it. */
static int load_again(void *clientd, tp_driver_config_t *config) { return load(clientd, config, NULL); }

static int act(options_t *options, const tp_driver_config_t *config, const tpi_driver_config_origins_t *origins)
{
    switch (options->action)
    {
        case ACTION_CHECK:
            printf("%s: ok (%u profiles, %u streams, dynamic streams %s)\n",
                NULL != options->config_file ? options->config_file : "built-in configuration",
                config->profile_count, config->stream_count, config->allow_dynamic_streams ? "on" : "off");
            return finish_output();
        case ACTION_PRINT_CONFIG: tpi_driver_config_show(stdout, config, origins); return finish_output();
        default:
        {
            const int signal_fd = run_prepare(config);
            if (signal_fd < 0) { return EXIT_CODE_FAILED; }
            const int exit_code = run_driver(config, signal_fd, options->ready_fd, load_again, options);
            (void)close(signal_fd);
            return exit_code;
        }
    }
}

int main(int argc, char **argv)
{
    static options_t options;
    static tpi_driver_config_origins_t origins;
    static tp_driver_config_t config;
    options_parse(&options, argc, argv);
    switch (options.action)
    {
        case ACTION_PRINT_EXAMPLE: tpi_driver_config_example(stdout); return finish_output();
        case ACTION_PRINT_REFERENCE: tpi_driver_config_reference(stdout); return finish_output();
        case ACTION_PRINT_MAN: pages_man(stdout); return finish_output();
        case ACTION_PRINT_COMPLETION: return pages_completion(stdout, options.shell) ? finish_output() : EXIT_CODE_USAGE;
        case ACTION_LIST_KEYS: tpi_driver_config_help(stdout); return finish_output();
        default: break;
    }
    const int level = options_log_level(&options);
    if (level < 0) { return EXIT_CODE_FAILED; }
    output_start_log(level, options.log_json);
    if (load(&options, &config, &origins) < 0) { return output_error(); }
    const int exit_code = act(&options, &config, &origins);
    tp_driver_config_fini(&config);
    return exit_code;
}

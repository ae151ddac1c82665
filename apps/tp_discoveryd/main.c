/* tp_discoveryd: the discovery provider as a process of its own. */
#include <tensor_pool/discovery/tp_discovery_provider.h>

#include "apps/service/program.h"

static tp_discovery_provider_config_t configs[SERVICE_SLOTS];
static tpi_config_origins_t origins[SERVICE_SLOTS];
static tp_discovery_provider_config_t *const config = &configs[SERVICE_IN_FORCE];
static tp_discovery_provider_t *provider;

static int load(const service_sources_t *sources, service_slot_t slot)
{
    tpi_config_options_t options = service_loader_options(sources);
    options.origins = &origins[slot];
    return tpi_discovery_config_load(&configs[slot], sources->file, &options);
}

static void unload(service_slot_t slot) { tp_discovery_provider_config_fini(&configs[slot]); }

static void foreach(service_slot_t slot, tpi_config_on_value_t handler, void *clientd)
{
    tpi_discovery_config_foreach(&configs[slot], &origins[slot], handler, clientd);
}

static void print_config(FILE *out) { tpi_discovery_config_show(out, config, &origins[SERVICE_IN_FORCE]); }

static void print_checked(FILE *out)
{
    fprintf(out, "%u drivers, %u streams known to the operator, %u results at most", config->source_count, config->stream_count, config->max_results);
}

static int start(void) { return tp_discovery_provider_init(&provider, config); }

static void print_ready(char *text, size_t size)
{
    (void)snprintf(text, size, "requests on %s stream %u, %u drivers, media driver %s", config->request_channel, config->request_stream_id,
        config->source_count, '\0' != config->aeron_dir[0] ? config->aeron_dir : "of the default directory");
}

static int do_work(void) { return tp_discovery_provider_do_work(provider); }
static int64_t park_limit_ns(void) { return tp_discovery_provider_park_limit_ns(provider); }

static void close_provider(void)
{
    tp_discovery_provider_close(provider);
    provider = NULL;
}

static const service_flag_t flags[] = {
    { "aeron-dir", "DIR", "driver.aeron_dir", NULL, "directory of the Aeron media driver" },
    { NULL, NULL, NULL, NULL, NULL }
};

static const service_program_t program = {
    .name = "tp_discoveryd", .summary = "directory of the streams of tensor pools", .flags = flags,
    .doc = "Learns from announces which streams exist at which driver, and answers those who ask.\v"
        "A value is taken from the first of: command line, environment (discovery.max_results from DISCOVERY_MAX_RESULTS and so on), file, default. "
        "Of the table [driver] only aeron_dir is read.\n\n"
        "SIGTERM and SIGINT end the provider; a new one knows all streams again after an announce period. SIGHUP checks the configuration and names "
        "in the log what differs from the one in force.\n\n"
        "Exit codes: 0 ended in order, 1 configuration or start failed, 2 usage, 3 no Aeron media driver.",
    .config_doc = "TOML file with a table [discovery]",
    .man_tail = ".SH SEE ALSO\n.BR tp_driver (1),\n.BR tp_supervisord (1),\n.BR tp\\-discover (1)\n",
    .print_example = tpi_discovery_config_example, .print_reference = tpi_discovery_config_reference, .print_keys = tpi_discovery_config_help,
    .load = load, .unload = unload, .foreach = foreach, .print_config = print_config, .print_checked = print_checked,
    .start = start, .print_ready = print_ready, .do_work = do_work, .park_limit_ns = park_limit_ns, .close = close_provider
};

int main(int argc, char **argv) { return service_main(&program, argc, argv); }

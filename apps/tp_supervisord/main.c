/* tp_supervisord: the supervisor as a process of its own (S-002). */
#include <tensor_pool/supervisor/tp_supervisor.h>

#include "apps/service/program.h"

static tp_supervisor_config_t configs[SERVICE_SLOTS];
static tpi_config_origins_t origins[SERVICE_SLOTS];
static tp_supervisor_config_t *const config = &configs[SERVICE_IN_FORCE];
static tp_supervisor_t *supervisor;

static int load(const service_sources_t *sources, service_slot_t slot)
{
    tpi_config_options_t options = service_loader_options(sources);
    options.origins = &origins[slot];
    return tpi_supervisor_config_load(&configs[slot], sources->file, &options);
}

static void unload(service_slot_t slot) { tp_supervisor_config_fini(&configs[slot]); }

static void foreach(service_slot_t slot, tpi_config_on_value_t handler, void *clientd)
{
    tpi_supervisor_config_foreach(&configs[slot], &origins[slot], handler, clientd);
}

static void print_config(FILE *out) { tpi_supervisor_config_show(out, config, &origins[SERVICE_IN_FORCE]); }

static void print_checked(FILE *out)
{
    fprintf(out, "%u consumers at most, private streams %s, %u rules", config->consumer_capacity, config->per_consumer_enabled ? "on" : "off",
        config->policy_count);
}

static int start(void) { return tp_supervisor_init(&supervisor, config); }

static void print_ready(char *text, size_t size)
{
    (void)snprintf(text, size, "instance %s, hellos on %s stream %u, media driver %s, private streams %s", config->instance_id,
        config->control_channel, config->control_stream_id, '\0' != config->aeron_dir[0] ? config->aeron_dir : "of the default directory",
        config->per_consumer_enabled ? "on" : "off");
}

static int do_work(void) { return tp_supervisor_do_work(supervisor); }
static int64_t park_limit_ns(void) { return tp_supervisor_park_limit_ns(supervisor); }

static void print_state(FILE *out)
{
    char *const json = tp_supervisor_json(supervisor);
    if (NULL != json) { fprintf(out, "%s\n", json); }
    tp_supervisor_json_free(json);
}

static void close_supervisor(void)
{
    tp_supervisor_close(supervisor);
    supervisor = NULL;
}

static const service_flag_t flags[] = {
    { "aeron-dir", "DIR", "driver.aeron_dir", NULL, "directory of the Aeron media driver" },
    { "instance-id", "NAME", "supervisor.instance_id", NULL, "name for logs and labels of counters" },
    { NULL, NULL, NULL, NULL, NULL }
};

static const service_program_t program = {
    .name = "tp_supervisord", .summary = "policy and liveness of the consumers of tensor pools", .flags = flags,
    .doc = "Answers the hellos of consumers, hands out private streams, and watches who lives and who loses frames.\v"
        "A value is taken from the first of: command line, environment (supervisor.force_mode from SUPERVISOR_FORCE_MODE and so on), file, default. "
        "Of the table [driver] only aeron_dir is read.\n\n"
        "SIGTERM and SIGINT end the supervisor; consumers and producers go on with what they were told, and tell a new supervisor. SIGHUP checks the "
        "configuration and names in the log what differs from the one in force. SIGUSR1 prints on standard output what the "
        "supervisor knows, as one line of JSON.\n\n"
        "Exit codes: 0 ended in order, 1 configuration or start failed, 2 usage, 3 no Aeron media driver.",
    .config_doc = "TOML file with a table [supervisor]; without it: the defaults of --list-keys",
    .man_tail = ".SH SEE ALSO\n.BR tp_driver (1),\n.BR tp_discoveryd (1),\n.BR tp\\-top (1)\n",
    .print_example = tpi_supervisor_config_example, .print_reference = tpi_supervisor_config_reference, .print_keys = tpi_supervisor_config_help,
    .load = load, .unload = unload, .foreach = foreach, .print_config = print_config, .print_checked = print_checked,
    .start = start, .print_ready = print_ready, .do_work = do_work, .park_limit_ns = park_limit_ns, .print_state = print_state,
    .close = close_supervisor
};

int main(int argc, char **argv) { return service_main(&program, argc, argv); }

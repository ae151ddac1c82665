/* tp_driver: the driver as a process of its own. */
#include <string.h>
#include <sys/stat.h>

#include "apps/service/program.h"
#include "config/driver_rows.h"
#include "services.h"

static tp_driver_config_t configs[SERVICE_SLOTS];
static tpi_embedded_config_t embedded[SERVICE_SLOTS];
static tpi_config_origins_t origins[SERVICE_SLOTS];
static tp_driver_config_t *const config = &configs[SERVICE_IN_FORCE];
static service_sources_t sources;             /* kept: a reload reads them again; the program never leaves its directory */
static tp_driver_t *driver;
static const service_program_t program;

/* What a driver has to know of the services beside it, whatever a file says that was read again. */
static void tell_driver(tp_driver_config_t *made)
{
    const tpi_embedded_config_t *const services = &embedded[SERVICE_IN_FORCE];
    made->fault_guard = true;
    if (services->has_supervisor) { (void)snprintf(made->answer_hello, sizeof(made->answer_hello), "never"); }       /* S-073 */
    const size_t length = services->has_discovery ? strlen(services->discovery.request_channel) : 0;
    if (0 == length || length >= sizeof(made->discovery_channel)) { return; }
    memcpy(made->discovery_channel, services->discovery.request_channel, length + 1);
    made->discovery_stream_id = services->discovery.request_stream_id;
}

static int load(const service_sources_t *from, service_slot_t slot)
{
    tpi_config_options_t options = service_loader_options(from);
    options.origins = &origins[slot];
    options.embedded = &embedded[slot];
    sources = *from;
    if (tpi_driver_config_load(&configs[slot], from->file, &options) < 0) { return -1; }
    tell_driver(&configs[slot]);
    if (embedded[SERVICE_IN_FORCE].has_supervisor)
    {
        const size_t row = (size_t)(tpi_driver_row("driver.answer_hello") - tpi_driver_rows);
        origins[slot].rows[row] = (tpi_config_origin_t){ .kind = TPI_CONFIG_FLAG, .name = "the table [supervisor]" };
    }
    return 0;
}

static void unload(service_slot_t slot)
{
    tp_driver_config_fini(&configs[slot]);
    tpi_embedded_config_fini(&embedded[slot]);
}

/* Of the embedded services alone: the driver compares its own keys itself. */
static void foreach(service_slot_t slot, tpi_config_on_value_t handler, void *clientd)
{
    tpi_embedded_config_foreach(&embedded[slot], &origins[slot], handler, clientd);
}

static int load_again(void *clientd, tp_driver_config_t *made)
{
    if (load(&sources, SERVICE_READ_AGAIN) < 0) { return -1; }
    (void)service_log_differences(clientd);
    tpi_embedded_config_fini(&embedded[SERVICE_READ_AGAIN]);
    *made = configs[SERVICE_READ_AGAIN];                 /* the driver's now */
    return 0;
}

static void print_config(FILE *out)
{
    tpi_driver_config_show(out, config, &origins[SERVICE_IN_FORCE]);
    tpi_embedded_config_show(out, &embedded[SERVICE_IN_FORCE], &origins[SERVICE_IN_FORCE]);
}

static void print_checked(FILE *out)
{
    fprintf(out, "%u profiles, %u streams, dynamic streams %s%s%s", config->profile_count, config->stream_count,
        config->allow_dynamic_streams ? "on" : "off", embedded[SERVICE_IN_FORCE].has_supervisor ? ", supervisor" : "",
        embedded[SERVICE_IN_FORCE].has_discovery ? ", discovery" : "");
}

/* What the regions' mode keeps from others, Aeron's files keep from them too. Directories need the search bit where files need read. */
static void prepare(void)
{
    const mode_t file_mode = (mode_t)config->permissions_mode & 0777;
    (void)umask(0777 & ~(file_mode | (file_mode & 0444) >> 2) & 0077);
}

static int start(void)
{
    if (tp_driver_init(&driver, config) < 0) { return -1; }
    tp_driver_set_config_source(driver, load_again, (void *)(uintptr_t)&program);
    return services_start(driver, &embedded[SERVICE_IN_FORCE]);
}

static void print_ready(char *text, size_t size)
{
    const char *const aeron_dir = tp_driver_aeron_dir(driver);
    (void)snprintf(text, size, "instance %s, endpoint %s, media driver %s (%s), %u streams, dynamic streams %s", config->instance_id,
        tp_driver_endpoint_file(driver), '\0' != aeron_dir[0] ? aeron_dir : "of the default directory", config->media_driver, config->stream_count,
        config->allow_dynamic_streams ? "on" : "off");
}

static int do_work(void)
{
    const int work = tp_driver_do_work(driver);
    return work < 0 ? -1 : work + services_do_work();
}

static int event_fd(void) { return tp_driver_event_fd(driver); }

/* Who waits for one of the services rings at the media driver in this process, as for the driver: they need not look more often than it. */
static int64_t park_limit_ns(void)
{
    const bool rings = 0 == strcmp(config->media_driver, "embedded") && 0 == strcmp(config->idle, "sleep");
    const int64_t own = tp_driver_park_limit_ns(driver);
    const int64_t services = services_park_limit_ns(rings);
    return own < services ? own : services;
}

static bool has_stopped(void) { return TP_DRIVER_STOPPED == tp_driver_state(driver); }
static void reload(void) { tp_driver_reload(driver); }

static const char *end(unsigned count)
{
    tp_driver_shutdown(driver, 0, count > 1);
    return 1 == count ? "draining; a second signal ends at once" : "ending at once";
}

static void close_driver(void)
{
    services_close();
    tp_driver_close(driver);
    driver = NULL;
}

static const service_flag_t flags[] = {
    { "embedded-media-driver", NULL, "driver.media_driver", "embedded", "run an Aeron media driver in this process" },
    { "aeron-dir", "DIR", "driver.aeron_dir", NULL, "directory of the Aeron media driver" },
    { "base-dir", "DIR", "shm.base_dir", NULL, "root of all region files" },
    { "namespace", "NAME", "shm.namespace", NULL, "directory level below the user directory" },
    { "instance-id", "NAME", "driver.instance_id", NULL, "name for logs, diagnosis and the endpoint file" },
    { "runtime-dir", "DIR", "driver.runtime_dir", NULL, "directory of the endpoint file" },
    { NULL, NULL, NULL, NULL, NULL }
};

static const service_program_t program = {
    .name = "tp_driver", .summary = "driver of tensor pools", .flags = flags,
    .doc = "Owns the shared memory of tensor streams and hands out leases.\v"
        "A value is taken from the first of: command line, environment (driver.aeron_dir from DRIVER_AERON_DIR and so on), file, default.\n\n"
        "SIGTERM and SIGINT drain and end the driver; a second one ends it at once. SIGHUP reads the configuration again: an error changes nothing, "
        "and what needs a restart is named in the log. Tables [supervisor] and [discovery] make these services run inside of the driver; "
        "SIGUSR1 then prints what the supervisor knows, as one line of JSON.\n\n"
        "Exit codes: 0 ended in order, 1 configuration or start failed, 2 usage, 3 no Aeron media driver.",
    .config_doc = "TOML file; without it: built-in streams 10000 to 10015, dynamic ones 20000 to 29999",
    .man_tail = ".SH FILES\n.TP\n.I /run/tensor_pool, $XDG_RUNTIME_DIR/tensor_pool\nendpoint files and local sockets of running drivers\n.TP\n"
        ".I /dev/shm/tensorpool\nregion files\n.SH SEE ALSO\n.BR tp (1),\n.BR tp\\-driver (1),\n.BR tp\\-lease (1)\n",
    .print_example = tpi_driver_config_example, .print_reference = tpi_driver_config_reference, .print_keys = tpi_driver_config_help,
    .load = load, .unload = unload, .foreach = foreach, .print_config = print_config, .print_checked = print_checked,
    .prepare = prepare, .start = start, .print_ready = print_ready, .do_work = do_work, .event_fd = event_fd, .park_limit_ns = park_limit_ns,
    .has_stopped = has_stopped, .reload = reload, .print_state = services_print_state, .end = end, .close = close_driver
};

int main(int argc, char **argv) { return service_main(&program, argc, argv); }

/* tp_driver: the driver as a process of its own. */
#include <sys/stat.h>

#include <tensor_pool/driver/tp_driver.h>

#include "apps/service/program.h"

static tp_driver_config_t config;
static tpi_config_origins_t origins;
static service_sources_t sources;             /* kept: a reload reads them again; the program never leaves its directory */
static tp_driver_t *driver;

static int load_from_sources(tp_driver_config_t *made, tpi_config_origins_t *made_origins)
{
    const tpi_config_options_t how = { .settings = sources.settings, .setting_count = sources.setting_count,
        .on_warning = service_on_warning, .origins = made_origins };
    if (tpi_driver_config_load(made, sources.file, &how) < 0) { return -1; }
    made->fault_guard = true;
    return 0;
}

static int load(const service_sources_t *from)
{
    sources = *from;
    return load_from_sources(&config, &origins);
}

static int load_again(void *clientd, tp_driver_config_t *made)
{
    (void)clientd;
    return load_from_sources(made, NULL);
}

static void print_config(FILE *out) { tpi_driver_config_show(out, &config, &origins); }

static void print_checked(FILE *out)
{
    fprintf(out, "%u profiles, %u streams, dynamic streams %s", config.profile_count, config.stream_count,
        config.allow_dynamic_streams ? "on" : "off");
}

static void unload(void) { tp_driver_config_fini(&config); }

/* What the regions' mode keeps from others, Aeron's files keep from them too. Directories need the search bit where files need read. */
static void prepare(void)
{
    const mode_t file_mode = (mode_t)config.permissions_mode & 0777;
    (void)umask(0777 & ~(file_mode | (file_mode & 0444) >> 2) & 0077);
}

static int start(void)
{
    if (tp_driver_init(&driver, &config) < 0) { return -1; }
    tp_driver_set_config_source(driver, load_again, NULL);
    return 0;
}

static void print_ready(char *text, size_t size)
{
    const char *const aeron_dir = tp_driver_aeron_dir(driver);
    (void)snprintf(text, size, "instance %s, endpoint %s, media driver %s (%s), %u streams, dynamic streams %s", config.instance_id,
        tp_driver_endpoint_file(driver), '\0' != aeron_dir[0] ? aeron_dir : "of the default directory", config.media_driver, config.stream_count,
        config.allow_dynamic_streams ? "on" : "off");
}

static int do_work(void) { return tp_driver_do_work(driver); }
static int64_t park_limit_ns(void) { return tp_driver_park_limit_ns(driver); }
static bool has_stopped(void) { return TP_DRIVER_STOPPED == tp_driver_state(driver); }
static void reload(void) { tp_driver_reload(driver); }

static const char *end(unsigned count)
{
    tp_driver_shutdown(driver, 0, count > 1);
    return 1 == count ? "draining; a second signal ends at once" : "ending at once";
}

static void close_driver(void)
{
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
        "and what needs a restart is named in the log.\n\n"
        "Exit codes: 0 ended in order, 1 configuration or start failed, 2 usage, 3 no Aeron media driver.",
    .config_doc = "TOML file; without it: built-in streams 10000 to 10015, dynamic ones 20000 to 29999",
    .man_tail = ".SH FILES\n.TP\n.I /run/tensor_pool, $XDG_RUNTIME_DIR/tensor_pool\nendpoint files and local sockets of running drivers\n.TP\n"
        ".I /dev/shm/tensorpool\nregion files\n.SH SEE ALSO\n.BR tp (1),\n.BR tp\\-driver (1),\n.BR tp\\-lease (1)\n",
    .print_example = tpi_driver_config_example, .print_reference = tpi_driver_config_reference, .print_keys = tpi_driver_config_help,
    .load = load, .print_config = print_config, .print_checked = print_checked, .unload = unload,
    .prepare = prepare, .start = start, .print_ready = print_ready, .do_work = do_work, .park_limit_ns = park_limit_ns, .has_stopped = has_stopped,
    .reload = reload, .end = end, .close = close_driver
};

int main(int argc, char **argv) { return service_main(&program, argc, argv); }

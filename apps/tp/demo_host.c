/* The demo's directory and driver: made, watched while it starts, ended, and searched for what was left behind. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connect.h"
#include "demo_host.h"

#define PATH_BYTES 160

int demo_host_find(demo_host_t *host)
{
    const ssize_t length = readlink("/proc/self/exe", host->program, sizeof(host->program) - 1);
    if (length <= 0) { return cli_error(TP_EIO, "mount /proc", "/proc/self/exe: %s", strerror(errno)); }
    host->program[length] = '\0';
    return CLI_OK;
}

static int find_driver(demo_host_t *host)
{
    const char *const slash = strrchr(host->program, '/');
    const int directory = NULL != slash ? (int)(slash - host->program) : 0;
    if (snprintf(host->driver_program, sizeof(host->driver_program), "%.*s/tp_driver", directory,
        host->program) >= (int)sizeof(host->driver_program) ||
        access(host->driver_program, X_OK) < 0)
    {
        return cli_error(TP_ENOENT, "build or install it beside tp", "'%s': %s", host->driver_program, strerror(errno));
    }
    return CLI_OK;
}

static int write_config(const demo_host_t *host, const char *path, void (*tables)(FILE *file))
{
    const char *const dir = host->dir.path;
    FILE *file = fopen(path, "wxe");
    if (NULL == file) { return cli_error(TP_EIO, NULL, "'%s' cannot be made: %s", path, strerror(errno)); }
    fprintf(file, "[driver]\ninstance_id = \"demo\"\naeron_dir = \"%s/aeron\"\nmedia_driver = \"embedded\"\nruntime_dir = \"%s/run\"\n", dir, dir);
    fputs("control_channel = \"aeron:ipc?term-length=256k\"\ncontrol_stream_id = 1000\nannounce_channel = \"aeron:ipc?term-length=256k\"\n"
        "descriptor_channel = \"aeron:ipc?term-length=256k\"\nqos_channel = \"aeron:ipc?term-length=256k\"\n"
        "metadata_channel = \"aeron:ipc?term-length=256k\"\n", file);
    fprintf(file, "[shm]\nbase_dir = \"%s/base\"\nnamespace = \"demo\"\npermissions_mode = \"600\"\n", dir);
    fputs("[policies]\nannounce_period_ms = 500\ncleanup_shm_on_exit = true\nepoch_gc_keep = 1\nshutdown_timeout_ms = 500\n"
        "lease_expiry_grace_intervals = 30\n", file);     /* a busy machine that lets a process wait for seconds takes no lease away */
    tables(file);
    return 0 == fclose(file) ? CLI_OK : cli_error(TP_EIO, NULL, "'%s' cannot be written: %s", path, strerror(errno));
}

static void show_log(const demo_host_t *host)
{
    char path[PATH_BYTES];
    char line[512];
    snprintf(path, sizeof(path), "%s/driver.log", host->dir.path);
    FILE *file = fopen(path, "re");
    while (NULL != file && NULL != fgets(line, sizeof(line), file)) { fprintf(stderr, "  driver: %s", line); }
    if (NULL != file) { fclose(file); }
}

static void on_endpoint(void *clientd, const tp_endpoint_t *endpoint)
{
    bool *const alive = clientd;
    *alive = *alive || (endpoint->alive && 0 == strcmp(endpoint->instance_id, "demo"));
}

static int start_driver(demo_host_t *host, void (*tables)(FILE *file))
{
    char config[PATH_BYTES];
    char log[PATH_BYTES];
    char run[PATH_BYTES];
    snprintf(config, sizeof(config), "%s/driver.toml", host->dir.path);
    snprintf(log, sizeof(log), "%s/driver.log", host->dir.path);
    snprintf(run, sizeof(run), "%s/run", host->dir.path);
    int code = mkdir(run, 0700) == 0 ? write_config(host, config, tables) : cli_error(TP_EIO, NULL, "'%s' cannot be made: %s", run, strerror(errno));
    if (CLI_OK != code) { return code; }
    host->log_fd = open(log, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    char *const argv[] = { host->driver_program, demo_word("--config"), config, NULL };
    code = demo_child_start(&host->driver, argv, host->environment, false, host->log_fd);
    const int64_t end_ns = cli_now_ns() + DEMO_START_NS;
    bool alive = false;
    setenv("TP_RUNTIME_DIR", run, 1);
    while (CLI_OK == code && !alive)
    {
        (void)tp_endpoint_list(on_endpoint, &alive);
        if (alive) { break; }
        if (!demo_child_runs(&host->driver) || cli_now_ns() > end_ns)
        {
            show_log(host);
            code = cli_error(TP_ENODRIVER, "tp doctor", "the demo's driver %s", host->driver.pid > 0 ? "does not come up within 15 s" :
                "ended at once");
        }
        cli_sleep_ns(5000000);
        if (cli_stopped()) { code = CLI_FAILED; }
    }
    return code;
}

int demo_host_open(demo_host_t *host, uint64_t needed_bytes, void (*tables)(FILE *file))
{
    char aeron[PATH_BYTES];
    char run[PATH_BYTES];
    char base[PATH_BYTES];
    int code = demo_host_find(host);
    if (CLI_OK == code) { code = find_driver(host); }
    if (CLI_OK == code) { code = cli_demo_dir_make(&host->dir, needed_bytes); }
    if (CLI_OK != code) { return code; }
    snprintf(aeron, sizeof(aeron), "TP_AERON_DIR=%s/aeron", host->dir.path);
    snprintf(run, sizeof(run), "TP_RUNTIME_DIR=%s/run", host->dir.path);
    snprintf(base, sizeof(base), "TP_ALLOWED_BASE_DIRS=%s/base", host->dir.path);
    const char *const extra[] = { aeron, run, base, NULL };
    host->environment = demo_environment(extra);
    if (NULL == host->environment) { return cli_error(TP_ENOMEM, NULL, "no memory for the environment"); }
    return start_driver(host, tables);
}

/* ---- the end ---- */

static char *left_text;
static size_t left_size;

/* What services should have removed themselves: everything but directories they were given and our own files, which lie at the top. */
static int on_left(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    if (FTW_D == kind || FTW_DP == kind || 1 == at->level) { return 0; }
    const size_t length = strlen(left_text);
    if (length < left_size) { snprintf(left_text + length, left_size - length, "%s%s", length > 0 ? ", " : "", path); }
    return 0;
}

static void leave(const demo_host_t *host)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/base/left-behind", host->dir.path);
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) { close(fd); }
}

bool demo_host_close(demo_host_t *host, bool leave_file, char *leftovers, size_t size)
{
    char dir[sizeof(host->dir.path)];
    struct stat info;
    const bool well = demo_child_end(&host->driver, SIGTERM, DEMO_END_NS);
    if (!well) { show_log(host); }
    if (leave_file) { leave(host); }
    leftovers[0] = '\0';
    left_text = leftovers;
    left_size = size;
    (void)nftw(host->dir.path, on_left, 16, FTW_PHYS | FTW_MOUNT);
    memcpy(dir, host->dir.path, sizeof(dir));
    host->nothing_left = '\0' == leftovers[0];
    if (!cli_demo_dir_remove(&host->dir) || 0 == lstat(dir, &info))
    {
        host->nothing_left = false;
        snprintf(leftovers, size, "%s", dir);
    }
    return well;
}

void demo_host_abort(demo_host_t *host)
{
    (void)demo_child_end(&host->driver, SIGTERM, 3 * CLI_NS_PER_S);
    (void)cli_demo_dir_remove(&host->dir);
}

/* ---- the verdict ---- */

void demo_check(demo_checks_t *checks, bool ok, const char *name, const char *format, ...)
{
    va_list list;
    if (DEMO_CHECKS_MAX == checks->count) { return; }
    demo_check_t *to = &checks->items[checks->count++];
    to->ok = ok;
    snprintf(to->name, sizeof(to->name), "%s", name);
    va_start(list, format);
    vsnprintf(to->detail, sizeof(to->detail), format, list);
    va_end(list);
}

bool demo_checks_ok(const demo_checks_t *checks)
{
    for (int i = 0; i < checks->count; i++)
    {
        if (!checks->items[i].ok) { return false; }
    }
    return checks->count > 0;
}

json_t *demo_checks_json(const demo_checks_t *checks)
{
    json_t *array = json_array();
    for (int i = 0; i < checks->count; i++)
    {
        const demo_check_t *c = &checks->items[i];
        json_array_append_new(array, json_pack("{s:s,s:b,s:s}", "name", c->name, "ok", (int)c->ok, "detail", c->detail));
    }
    return array;
}

void demo_checks_print(const demo_checks_t *checks)
{
    for (int i = 0; i < checks->count; i++)
    {
        printf("%-4s  %-24s  %s\n", checks->items[i].ok ? "ok" : "FAIL", checks->items[i].name, checks->items[i].detail);
    }
}

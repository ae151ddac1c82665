/* tp doctor: what usually goes wrong, and the fix. Looks only; each check is one function that reports findings. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "connect.h"
#include "demo_dir.h"
#include "discover.h"
#include "leftovers.h"
#include "out.h"
#include "streams.h"
#include "verbs.h"

#define TMPFS_KIND 0x01021994
#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)
#define RINGS_MAX 8u                   /* streams that are named one by one */

typedef enum level { LEVEL_OK, LEVEL_INFO, LEVEL_WARN, LEVEL_FAIL } level_t;

typedef struct doctor
{
    const cli_args_t *args;
    unsigned counts[4];
    unsigned drivers_alive;
    bool media_driver_alive;
}
doctor_t;

static void report(doctor_t *doctor, level_t level, const char *check, const char *fix, const char *format, ...) TP_PRINTF(5, 6);

static void report(doctor_t *doctor, level_t level, const char *check, const char *fix, const char *format, ...)
{
    static const char *const names[] = { "ok", "info", "warn", "fail" };
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    doctor->counts[level]++;
    if (doctor->args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:s,s:s,s:s,s:s?}", "type", "finding", "check", check, "level", names[level], "text", text, "fix", fix));
        return;
    }
    printf("%-4s  %-16s  %s\n", names[level], check, text);
    if (NULL != fix) { printf("      fix: %s\n", fix); }
}

/* First line of a small file, without newline; "" when there is none. */
static const char *first_line(const char *path, char *buffer, size_t size)
{
    FILE *file = fopen(path, "re");
    buffer[0] = '\0';
    if (NULL == file) { return buffer; }
    if (NULL == fgets(buffer, (int)size, file)) { buffer[0] = '\0'; }
    fclose(file);
    buffer[strcspn(buffer, "\n")] = '\0';
    return buffer;
}

static bool in_container(void)
{
    char line[256];
    return 0 == access("/.dockerenv", F_OK) || 0 == access("/run/.containerenv", F_OK) || NULL != getenv("container") ||
        NULL != strstr(first_line("/proc/1/cgroup", line, sizeof(line)), "docker") || NULL != strstr(line, "kubepods");
}

static void check_dev_shm(doctor_t *doctor)
{
    struct statfs fs;
    struct stat info;
    char size[CLI_TEXT_MAX];
    char free_text[CLI_TEXT_MAX];
    if (statfs("/dev/shm", &fs) < 0 || stat("/dev/shm", &info) < 0)
    {
        report(doctor, LEVEL_FAIL, "/dev/shm", "mount -t tmpfs -o mode=1777 tmpfs /dev/shm", "cannot be looked at: %s", strerror(errno));
        return;
    }
    const uint64_t bytes = (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize;
    const uint64_t available = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
    cli_human_bytes(size, (double)bytes);
    cli_human_bytes(free_text, (double)available);
    const bool limited = 0 != fs.f_blocks;
    if (TMPFS_KIND != fs.f_type)
    {
        report(doctor, LEVEL_WARN, "/dev/shm", "mount a tmpfs there", "is no tmpfs (type 0x%lx): slow", (unsigned long)fs.f_type);
    }
    if (01777 != (info.st_mode & 07777))
    {
        report(doctor, LEVEL_WARN, "/dev/shm", "chmod 1777 /dev/shm", "has mode %04o, not 1777", (unsigned)(info.st_mode & 07777));
    }
    if (limited && bytes < 256 * MIB)
    {
        report(doctor, LEVEL_WARN, "/dev/shm size", in_container() ?
            "docker run --shm-size=2g (or --ipc=host); Kubernetes: an emptyDir with medium Memory" :
            "mount -o remount,size=2g /dev/shm", "%s is small, %s free%s", size, free_text, in_container() ? " (a container's default is 64 MiB)" :
            "");
    }
    else if (limited && available < bytes / 20)
    {
        report(doctor, LEVEL_WARN, "/dev/shm size", "tp shm clean; tp shm ls shows who uses it", "%s of %s free", free_text, size);
    }
    else { report(doctor, LEVEL_OK, "/dev/shm size", NULL, "%s, %s free", size, free_text); }
}

static void check_limits(doctor_t *doctor)
{
    struct rlimit limit;
    char text[CLI_TEXT_MAX];
    if (0 == getrlimit(RLIMIT_MEMLOCK, &limit) && RLIM_INFINITY != limit.rlim_cur && limit.rlim_cur < 64 * MIB)
    {
        report(doctor, LEVEL_INFO, "memlock limit", "ulimit -l unlimited; systemd: LimitMEMLOCK=infinity (only for policies.mlock_shm)", "%s",
            cli_human_bytes(text, (double)limit.rlim_cur));
    }
    else
    {
        report(doctor, LEVEL_OK, "memlock limit", NULL, "%s", RLIM_INFINITY == limit.rlim_cur ? "none" : cli_human_bytes(text,
            (double)limit.rlim_cur));
    }
    if (0 == getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < 1024)
    {
        report(doctor, LEVEL_WARN, "open files limit", "ulimit -n 4096", "%" PRIu64, (uint64_t)limit.rlim_cur);
    }
    else { report(doctor, LEVEL_OK, "open files limit", NULL, "%" PRIu64, (uint64_t)limit.rlim_cur); }
    if (0 == getrlimit(RLIMIT_FSIZE, &limit) && RLIM_INFINITY != limit.rlim_cur)
    {
        report(doctor, LEVEL_WARN, "file size limit", "ulimit -f unlimited", "%s: regions cannot be larger", cli_human_bytes(text,
            (double)limit.rlim_cur));
    }
}

static void check_cpu(doctor_t *doctor)
{
    char clock[64];
    cpu_set_t set;
    const int cpus = 0 == sched_getaffinity(0, sizeof(set), &set) ? CPU_COUNT(&set) : 0;
    report(doctor, cpus >= 2 ? LEVEL_OK : LEVEL_WARN, "processors", cpus >= 2 ? NULL : "give the container or VM two or more", "%d usable", cpus);
    first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", clock, sizeof(clock));
    const int64_t start_ns = cli_now_ns();
    for (int i = 0; i < 1000; i++) { (void)cli_now_ns(); }
    const double each_ns = (double)(cli_now_ns() - start_ns) / 1001.0;
    if (each_ns > 300.0)
    {
        report(doctor, LEVEL_WARN, "clock source", "boot with clocksource=tsc tsc=reliable, if the machine's TSC is",
            "'%s' needs %.0f ns a reading: a system call",
            clock, each_ns);
    }
    else { report(doctor, LEVEL_OK, "clock source", NULL, "'%s', %.0f ns a reading", '\0' != clock[0] ? clock : "unknown", each_ns); }
}

static void check_hugepages(doctor_t *doctor)
{
    char line[512];
    uint64_t total = 0;
    uint64_t free_pages = 0;
    bool mounted = false;
    FILE *file = fopen("/proc/meminfo", "re");
    while (NULL != file && NULL != fgets(line, sizeof(line), file))
    {
        if (0 == strncmp(line, "HugePages_Total:", 16)) { total = strtoull(line + 16, NULL, 10); }
        if (0 == strncmp(line, "HugePages_Free:", 15)) { free_pages = strtoull(line + 15, NULL, 10); }
    }
    if (NULL != file) { fclose(file); }
    file = fopen("/proc/mounts", "re");
    while (NULL != file && NULL != fgets(line, sizeof(line), file)) { mounted = mounted || NULL != strstr(line, " hugetlbfs "); }
    if (NULL != file) { fclose(file); }
    report(doctor, 0 == total ? LEVEL_INFO : LEVEL_OK, "hugepages", 0 == total ?
        "sysctl vm.nr_hugepages=N (only for streams that require hugepages)" : NULL,
        "%" PRIu64 " reserved, %" PRIu64 " free, hugetlbfs %smounted", total, free_pages, mounted ? "" : "not ");
}

/* ---- media drivers ---- */

static void check_one_aeron_dir(doctor_t *doctor, const char *dir, bool ours)
{
    tp_counters_t *counters = NULL;
    char fix[1200];
    if (tp_counters_open(&counters, dir) < 0)
    {
        if (ours)
        {
            report(doctor, LEVEL_FAIL, "media driver", "start one: tp_driver --embedded-media-driver, or aeronmd", "none at %s: %s",
                dir, tp_errmsg());
        }
        else { report(doctor, LEVEL_INFO, "media driver", NULL, "%s cannot be read: %s", dir, tp_errmsg()); }
        return;
    }
    const int64_t age_ms = tp_counters_heartbeat_age_ms(counters);
    const int64_t pid = tp_counters_pid(counters);
    const bool process = cli_pid_alive((uint64_t)pid);
    tp_counters_close(counters);
    if (age_ms <= 10000 && !process)
    {
        report(doctor, LEVEL_WARN, "pid namespace", "share it (docker run --pid=host, Kubernetes shareProcessNamespace): a pid says nothing here",
            "%s: the media driver is alive but its pid %" PRId64 " is not seen here: foreign pid namespace", dir, pid);
        doctor->media_driver_alive = doctor->media_driver_alive || ours;
        return;
    }
    if (age_ms <= 10000)
    {
        report(doctor, LEVEL_OK, "media driver", NULL, "%s: alive, pid %" PRId64 ", heartbeat %" PRId64 " ms ago%s", dir, pid, age_ms,
            ours ? " (the one clients use from here)" : "");
        doctor->media_driver_alive = doctor->media_driver_alive || ours;
        return;
    }
    if (process) { snprintf(fix, sizeof(fix), "is process %" PRId64 " stopped? kill -CONT it, or end it", pid); }
    else { snprintf(fix, sizeof(fix), "rm -r '%s'", dir); }
    report(doctor, ours ? LEVEL_FAIL : LEVEL_WARN, "media driver", fix, "%s: dead for %.0f s, pid %" PRId64 " %s", dir, (double)age_ms / 1e3, pid,
        process ? "exists" : "is gone");
}

static int is_aeron_dir(const struct dirent *entry) { return 0 == strncmp(entry->d_name, "aeron-", 6) ? 1 : 0; }

static void check_aeron(doctor_t *doctor)
{
    tp_context_t *context = NULL;
    struct dirent **names = NULL;
    char ours[1024] = "";
    if (CLI_OK == cli_context(doctor->args, &context))
    {
        const char *dir = tp_context_get_aeron_dir(context);
        snprintf(ours, sizeof(ours), "%s", NULL != dir ? dir : "");
        tp_context_close(context);
    }
    if ('\0' != ours[0]) { check_one_aeron_dir(doctor, ours, true); }
    const int count = scandir("/dev/shm", &names, is_aeron_dir, alphasort);
    for (int i = 0; i < count; i++)
    {
        char path[512];
        snprintf(path, sizeof(path), "/dev/shm/%s", names[i]->d_name);
        if (0 != strcmp(path, ours)) { check_one_aeron_dir(doctor, path, false); }
        free(names[i]);
    }
    free(names);
}

/* ---- cache ---- */

static void report_ring(doctor_t *doctor, const cli_stream_t *s, uint64_t cache)
{
    char ring[CLI_TEXT_MAX], size[CLI_TEXT_MAX], stride[CLI_TEXT_MAX], fix[200];
    uint32_t fit = s->header_nslots;
    while (fit > 0 && fit * s->max_stride_bytes > cache) { fit /= 2; }
    if (fit > 0) { snprintf(fix, sizeof(fix), "header_nslots = %" PRIu32 " would fit; or fill frames with tp_frame_copy", fit); }
    else { snprintf(fix, sizeof(fix), "not even one frame fits; fill frames with tp_frame_copy"); }
    cli_human_bytes(ring, (double)s->header_nslots * (double)s->max_stride_bytes);
    cli_human_bytes(size, (double)cache);
    cli_human_bytes(stride, (double)s->max_stride_bytes);
    report(doctor, LEVEL_INFO, "cache", fix, "stream %" PRIu32 ": %" PRIu32 " slots of %s are %s, more than the last-level cache (%s): frames go "
        "through memory, filling one takes about twice as long, and readers find nothing of it in the cache", s->stream_id, s->header_nslots, stride,
        ring, size);
}

/* Streams with regions whose ring leaves the last-level cache. Nothing is said where its size is hidden. */
static void check_cache(doctor_t *doctor)
{
    const uint64_t cache = tp_cache_bytes();
    tp_context_t *context = NULL;
    tp_counters_t *counters = NULL;
    cli_streams_t streams;
    unsigned beyond = 0;
    char size[CLI_TEXT_MAX];
    if (0 == cache || !doctor->media_driver_alive || CLI_OK != cli_context(doctor->args, &context)) { return; }         /* L-413 */
    const int opened = tp_counters_open(&counters, tp_context_get_aeron_dir(context));
    tp_context_close(context);
    if (opened < 0) { return; }
    if (0 == cli_streams_collect(&streams, counters, false))
    {
        for (size_t i = 0; i < streams.stream_count; i++)
        {
            const cli_stream_t *s = &streams.streams[i];
            if (0 == s->epoch || s->header_nslots * s->max_stride_bytes <= cache) { continue; }                         /* L-413 */
            if (++beyond <= RINGS_MAX) { report_ring(doctor, s, cache); }
        }
        cli_human_bytes(size, (double)cache);
        if (beyond > RINGS_MAX) { report(doctor, LEVEL_INFO, "cache", NULL, "%u further streams leave it", beyond - RINGS_MAX); }
        else if (0 == beyond) { report(doctor, LEVEL_OK, "cache", NULL, "%s, the ring of every stream in use fits", size); }
        cli_streams_fini(&streams);
    }
    tp_counters_close(counters);
}

/* ---- drivers ---- */

static void on_endpoint(void *clientd, const tp_endpoint_t *e)
{
    doctor_t *doctor = clientd;
    char fix[1200];
    const bool process = cli_pid_alive((uint64_t)e->pid);
    if (e->alive && process)
    {
        doctor->drivers_alive++;
        report(doctor, LEVEL_OK, "driver", NULL, "'%s' is alive, pid %d, Aeron at %s", e->instance_id, e->pid, e->aeron_dir);
    }
    else if (e->alive)
    {
        doctor->drivers_alive++;
        report(doctor, LEVEL_WARN, "pid namespace", "share it: docker run --pid=host, or Kubernetes shareProcessNamespace",
            "driver '%s' is alive but its pid %d is not seen here: foreign pid namespace", e->instance_id, e->pid);
    }
    else
    {
        snprintf(fix, sizeof(fix), "start it again, or: rm '%s'", e->file);
        report(doctor, LEVEL_WARN, "driver", fix, "'%s' is dead (pid %d %s); its endpoint file is still there", e->instance_id, e->pid,
            process ? "is somebody else" : "is gone");
    }
}

static void check_drivers(doctor_t *doctor)
{
    const int count = tp_endpoint_list(on_endpoint, doctor);
    if (count < 0) { report(doctor, LEVEL_WARN, "driver", NULL, "endpoint files cannot be read: %s", tp_errmsg()); }
    else if (0 == doctor->drivers_alive)
    {
        report(doctor, doctor->media_driver_alive ? LEVEL_WARN : LEVEL_INFO, "driver", "tp config init driver.toml; tp_driver --config driver.toml",
            "no tensor pool driver of ours is running");
    }
    else if (doctor->drivers_alive > 1 && NULL == doctor->args->driver && NULL == getenv("TP_DRIVER"))
    {
        report(doctor, LEVEL_INFO, "driver", "choose one: --driver INSTANCE or TP_DRIVER", "%u drivers are alive", doctor->drivers_alive);
    }
}

static void check_discovery(doctor_t *doctor)
{
    cli_probe_t probe;
    if (!doctor->media_driver_alive) { return; }
    cli_discovery_probe(doctor->args, &probe);
    if (probe.answers) { report(doctor, LEVEL_OK, "discovery", NULL, "a provider answers on %s: %u streams", probe.endpoint, probe.streams); }
    else
    {
        report(doctor, LEVEL_INFO, "discovery", "a [discovery] table in the driver's file, or tp_discoveryd (not needed on one host)",
            "no provider answers on %s", probe.endpoint);
    }
}

/* ---- regions ---- */

typedef struct stale { cli_epoch_dir_t *epochs; unsigned streams; uint64_t bytes; } stale_t;

static int count_stale(void *clientd, const cli_stream_dir_t *dir)
{
    stale_t *stale = clientd;
    const int count = cli_epoch_dirs(dir, stale->epochs, CLI_EPOCHS_MAX);
    bool owned = cli_dir_locked(dir->fd);
    uint64_t bytes = 0;
    for (int i = 0; i < count; i++)
    {
        owned = owned || (stale->epochs[i].has_superblock && cli_pid_alive(stale->epochs[i].pid));
        bytes += stale->epochs[i].bytes;
    }
    if (!owned)
    {
        stale->streams++;
        stale->bytes += bytes;
    }
    return 0;
}

static void check_base(doctor_t *doctor, const char *base)
{
    struct stat info;
    char fix[600];
    if (lstat(base, &info) < 0)
    {
        if (ENOENT != errno) { report(doctor, LEVEL_WARN, "base directory", NULL, "%s: %s", base, strerror(errno)); }
        else { report(doctor, LEVEL_OK, "base directory", NULL, "%s does not exist yet; the driver makes it", base); }
        return;
    }
    const bool open_to_all = 0 != (info.st_mode & S_IWOTH) && 0 == (info.st_mode & S_ISVTX);       /* the group is meant to: 2770 */
    if (!S_ISDIR(info.st_mode)) { report(doctor, LEVEL_FAIL, "base directory", "remove it", "%s is no directory", base); }
    else if (0 != info.st_uid && geteuid() != info.st_uid)
    {
        const bool shared = 01777u == (info.st_mode & 07777);
        report(doctor, shared ? LEVEL_WARN : LEVEL_FAIL, "base directory", "another shm.base_dir, or let root own it", shared ?
            "%s belongs to uid %u, who could exchange the directories of others in it" : "%s belongs to uid %u: a driver of this user refuses it",
            base,
            (unsigned)info.st_uid);
    }
    else if (open_to_all)
    {
        snprintf(fix, sizeof(fix), "chmod 1777 '%s'", base);
        report(doctor, LEVEL_FAIL, "base directory", fix, "%s has mode %04o: others may rename what is in it", base,
            (unsigned)(info.st_mode & 07777));
    }
    else { report(doctor, LEVEL_OK, "base directory", NULL, "%s: mode %04o, uid %u", base, (unsigned)(info.st_mode & 07777), (unsigned)info.st_uid); }
}

static void check_regions(doctor_t *doctor)
{
    static cli_bases_t bases;
    static cli_epoch_dir_t epochs[CLI_EPOCHS_MAX];
    stale_t stale = { .epochs = epochs };
    char bytes[CLI_TEXT_MAX];
    cli_bases_find(&bases, doctor->args);
    for (int i = 0; i < bases.count; i++)
    {
        check_base(doctor, bases.path[i]);
        (void)cli_stream_dirs(bases.path[i], count_stale, &stale);
    }
    if (stale.streams > 0)
    {
        report(doctor, LEVEL_WARN, "leftovers", "tp shm clean", "%u streams of dead drivers hold %s", stale.streams, cli_human_bytes(bytes,
            (double)stale.bytes));
    }
    else { report(doctor, LEVEL_OK, "leftovers", NULL, "no regions of dead drivers"); }
    const unsigned demos = cli_demo_clean(true);
    if (demos > 0) { report(doctor, LEVEL_WARN, "leftovers", "tp shm clean", "%u directories of dead demos in /dev/shm", demos); }
}

static int run_doctor(const cli_args_t *args)
{
    static doctor_t doctor;
    doctor.args = args;
    cli_log_init(args);
    check_dev_shm(&doctor);
    check_limits(&doctor);
    check_cpu(&doctor);
    check_hugepages(&doctor);
    check_aeron(&doctor);
    check_drivers(&doctor);
    check_cache(&doctor);
    check_discovery(&doctor);
    check_regions(&doctor);
    const int code = doctor.counts[LEVEL_FAIL] > 0 ? CLI_FAILED : CLI_OK;
    if (args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:b,s:i,s:i,s:i,s:i}", "type", "summary", "ok", CLI_OK == code, "passed", (int)doctor.counts[LEVEL_OK],
            "notes",
            (int)doctor.counts[LEVEL_INFO], "warnings", (int)doctor.counts[LEVEL_WARN], "failures", (int)doctor.counts[LEVEL_FAIL]));
    }
    else { printf("failures: %u, warnings: %u\n", doctor.counts[LEVEL_FAIL], doctor.counts[LEVEL_WARN]); }
    return code;
}

static const cli_option_t options[] = {
    CLI_OPT_TEXT("base-dir", 0, base_dir, "DIR", "look at regions only below this base directory"),
    CLI_OPT_END,
};

const cli_verb_t verb_doctor = {
    .name = "doctor", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .run = run_doctor,
    .summary = "Check what usually goes wrong, and print the fix",
    .text = "Looks at /dev/shm, limits, processors, clock, hugepages, media drivers, drivers, rings and cache, discovery, base directories and\n"
        "leftovers; changes nothing. "
        "Exit code 1 when something fails; warnings and notes do not count.",
};

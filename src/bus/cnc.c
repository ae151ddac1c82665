/* Opening, checking and probing of cnc.dat, and the counters reader. No state beyond the reader objects; any thread, one at a time each. */
#include "bus/cnc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/bus.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/err.h"

#define SCAN_ENTRIES_MAX 512
#define LISTED_MAX 2
#define PROCESS_GONE_MS 2500            /* drivers beat once a second: a missing process and two missed beats mean death */

static bool read_at(int fd, void *buffer, size_t length, int64_t offset)
{
    uint8_t *at = buffer;
    while (length > 0)
    {
        const ssize_t n = pread(fd, at, length, (off_t)offset);
        if (n < 0 && EINTR == errno) { continue; }
        if (n <= 0) { return false; }
        at += n;
        offset += n;
        length -= (size_t)n;
    }
    return true;
}

static int32_t i32_at(const uint8_t *bytes, size_t offset) { return (int32_t)tpi_u32_at(bytes, offset); }
static int64_t i64_at(const uint8_t *bytes, size_t offset) { return (int64_t)tpi_u64_at(bytes, offset); }

static tpi_cnc_state_t check_layout(const uint8_t *meta, int64_t file_length, tpi_cnc_layout_t *layout, char *problem, size_t problem_size)
{
    layout->version = i32_at(meta, 0);
    if (0 == layout->version) { (void)snprintf(problem, problem_size, "its cnc.dat is not ready yet"); return TPI_CNC_STARTING; }
    if (0 != layout->version >> 16)
    {
        (void)snprintf(problem, problem_size, "cnc.dat has version %d.%d, known is 0.x", layout->version >> 16, layout->version >> 8 & 0xff);
        return TPI_CNC_UNUSABLE;
    }
    int64_t lengths[5];
    int64_t sum = TPI_CNC_META_BYTES;
    for (size_t i = 0; i < 5; i++)
    {
        lengths[i] = i32_at(meta, 4 + 4 * i);
        if (lengths[i] < 0)
        {
            (void)snprintf(problem, problem_size, "cnc.dat is damaged: buffer %zu has length %" PRId64, i, lengths[i]);
            return TPI_CNC_UNUSABLE;
        }
        sum += lengths[i];
    }
    const int64_t capacity = lengths[0] - TPI_CNC_RB_TRAILER;
    if (sum > file_length || capacity <= 0 || 0 != (capacity & (capacity - 1)))
    {
        (void)snprintf(problem, problem_size, "cnc.dat is damaged: buffers of %" PRId64 " bytes in a file of %" PRId64, sum, file_length);
        return TPI_CNC_UNUSABLE;
    }
    layout->to_driver_length = lengths[0];
    layout->metadata_at = TPI_CNC_META_BYTES + lengths[0] + lengths[1];
    layout->metadata_length = lengths[2];
    layout->values_at = layout->metadata_at + lengths[2];
    layout->values_length = lengths[3];
    layout->errors_at = layout->values_at + lengths[3];
    layout->errors_length = lengths[4];
    layout->client_liveness_ns = i64_at(meta, 24);
    layout->start_ms = i64_at(meta, 32);
    layout->pid = i64_at(meta, 40);
    layout->file_length = file_length;
    return TPI_CNC_ALIVE;
}

int tpi_cnc_open(const char *dir, tpi_cnc_layout_t *layout, tpi_cnc_state_t *state, char *problem, size_t problem_size)
{
    char path[PATH_MAX];
    const int length = snprintf(path, sizeof(path), "%s/cnc.dat", dir);
    if (length < 0 || (size_t)length >= sizeof(path))
    {
        *state = TPI_CNC_UNUSABLE;
        (void)snprintf(problem, problem_size, "the path is longer than %d bytes", PATH_MAX);
        return -1;
    }
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
    {
        const int reason = errno;
        *state = ENOENT == reason || ENOTDIR == reason ? TPI_CNC_ABSENT : TPI_CNC_UNUSABLE;
        (void)snprintf(problem, problem_size, TPI_CNC_ABSENT == *state ? "cnc.dat does not exist" : "cnc.dat cannot be opened: %s", strerror(reason));
        return -1;
    }
    struct stat status;
    uint8_t meta[TPI_CNC_META_BYTES];
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
    {
        *state = TPI_CNC_UNUSABLE;
        (void)snprintf(problem, problem_size, "cnc.dat is not a regular file");
    }
    else if (status.st_size < TPI_CNC_META_BYTES || !read_at(fd, meta, sizeof(meta), 0))
    {
        *state = 0 == status.st_size ? TPI_CNC_STARTING : TPI_CNC_UNUSABLE;
        (void)snprintf(problem, problem_size, "cnc.dat has only %lld bytes", (long long)status.st_size);
    }
    else
    {
        layout->owner = status.st_uid;
        *state = check_layout(meta, status.st_size, layout, problem, problem_size);
        if (TPI_CNC_ALIVE == *state) { return fd; }
    }
    (void)close(fd);
    return -1;
}

bool tpi_cnc_read_trailer(int fd, const tpi_cnc_layout_t *layout, int64_t trailer_offset, int64_t *value)
{
    return read_at(fd, value, sizeof(*value), TPI_CNC_META_BYTES + layout->to_driver_length - TPI_CNC_RB_TRAILER + trailer_offset);
}

/* ---- probing --------------------------------------------------------------------------------------------------------------- */

bool tpi_cnc_process_exists(int64_t pid)
{
    if (pid <= 0 || pid > INT32_MAX) { return false; }
    return 0 == kill((pid_t)pid, 0) || ESRCH != errno;
}

void tpi_cnc_user_name(uid_t uid, char *name, size_t size)
{
    char buffer[2048];
    struct passwd entry;
    struct passwd *found = NULL;
    if (0 == getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) && NULL != found) { (void)snprintf(name, size, "%s", entry.pw_name); }
    else { (void)snprintf(name, size, "%lu", (unsigned long)uid); }
}

static tpi_cnc_state_t judge(tpi_cnc_info_t *info, int64_t timeout_ms)
{
    if (TPI_CNC_HEARTBEAT_GONE == info->heartbeat_ms)
    {
        (void)snprintf(info->problem, sizeof(info->problem), "the driver (pid %" PRId64 ") has shut down", info->layout.pid);
        return TPI_CNC_DEAD;
    }
    if (0 == info->heartbeat_ms)
    {
        (void)snprintf(info->problem, sizeof(info->problem), "the driver (pid %" PRId64 ") has not started to work yet", info->layout.pid);
        return TPI_CNC_STARTING;
    }
    const int64_t age_ms = tpi_clock_realtime_ns() / TPI_NS_PER_MS - info->heartbeat_ms;
    const bool gone = !tpi_cnc_process_exists(info->layout.pid);
    if (age_ms <= timeout_ms && !(gone && age_ms > PROCESS_GONE_MS)) { return TPI_CNC_ALIVE; }
    (void)snprintf(info->problem, sizeof(info->problem), "the driver is dead: pid %" PRId64 " %s, last heartbeat %" PRId64 " ms ago",
        info->layout.pid, gone ? "does not exist" : "is there", age_ms);
    return TPI_CNC_DEAD;
}

tpi_cnc_state_t tpi_cnc_probe(const char *dir, int64_t timeout_ms, tpi_cnc_info_t *info)
{
    memset(info, 0, sizeof(*info));
    tpi_cnc_state_t state;
    const int fd = tpi_cnc_open(dir, &info->layout, &state, info->problem, sizeof(info->problem));
    if (fd < 0) { return state; }
    if (tpi_cnc_read_trailer(fd, &info->layout, TPI_CNC_RB_HEARTBEAT, &info->heartbeat_ms)) { state = judge(info, timeout_ms); }
    else
    {
        (void)snprintf(info->problem, sizeof(info->problem), "cnc.dat was cut short");
        state = TPI_CNC_UNUSABLE;
    }
    (void)close(fd);
    return state;
}

void tpi_cnc_list_alive(const char *base, const char *except_dir, char *text, size_t size, char *first_dir, size_t first_dir_size)
{
    text[0] = '\0';
    first_dir[0] = '\0';
    DIR *const entries = opendir(base);
    if (NULL == entries) { return; }
    size_t used = 0;
    int listed = 0;
    for (int i = 0; i < SCAN_ENTRIES_MAX && listed < LISTED_MAX; i++)
    {
        const struct dirent *const entry = readdir(entries);
        if (NULL == entry) { break; }
        char dir[PATH_MAX];
        const int length = snprintf(dir, sizeof(dir), "%s/%s", base, entry->d_name);
        tpi_cnc_info_t info;
        if ('.' == entry->d_name[0] || length < 0 || (size_t)length >= sizeof(dir) || 0 == strcmp(dir, except_dir) ||
            TPI_CNC_ALIVE != tpi_cnc_probe(dir, TPI_CNC_DEFAULT_TIMEOUT_MS, &info)) { continue; }
        char user[64];
        tpi_cnc_user_name(info.layout.owner, user, sizeof(user));
        const int n = snprintf(text + used, size - used, "%sa driver is alive at %s (pid %" PRId64 ", user %s)", 0 == listed ? "" : "; ", dir,
            info.layout.pid, user);
        if (n < 0 || (size_t)n >= size - used) { text[used] = '\0'; break; }
        used += (size_t)n;
        if (0 == listed++) { (void)snprintf(first_dir, first_dir_size, "%s", dir); }
    }
    (void)closedir(entries);
}

int tpi_cnc_refuse(const char *dir, tpi_cnc_state_t state, const char *problem)
{
    char others[192];
    char first[128];
    tpi_cnc_list_alive("/dev/shm", dir, others, sizeof(others), first, sizeof(first));
    TPI_SET_ERR(TP_ENOMEDIADRIVER, "no Aeron media driver at %s", dir);
    if (TPI_CNC_UNUSABLE == state) { TPI_ERR_WHY("%s", problem); }
    else { TPI_ERR_WHY("%s%s%s", problem, '\0' == others[0] ? "" : "; ", others); }
    if ('\0' == first[0]) { TPI_ERR_FIX("start one: tp_driver --embedded-media-driver"); }
    else { TPI_ERR_FIX("start one (tp_driver --embedded-media-driver), or: tp --aeron-dir %s ls", first); }
    return -1;
}

const char *tpi_bus_default_aeron_dir(char *buffer, size_t size)
{
    const char *const given = getenv("AERON_DIR");
    if (NULL != given && '\0' != given[0]) { (void)snprintf(buffer, size, "%s", given); return buffer; }
    const char *user = getenv("USER");                       /* as Aeron does it, its "default" included */
    char name[64];
    if (NULL == user)
    {
        tpi_cnc_user_name(getuid(), name, sizeof(name));
        user = 0 != isdigit((unsigned char)name[0]) ? "default" : name;
    }
    (void)snprintf(buffer, size, "/dev/shm/aeron-%s", user);
    return buffer;
}

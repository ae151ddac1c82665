/* Walking and removing the directories of drivers. Nothing here trusts a name: links are not followed, unknown files stop a removal. */
#include "leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "number.h"
#include "out.h"

#define DEFAULT_BASE "/dev/shm/tensorpool"
#define ENTRIES_MAX 65536

static void bases_add(cli_bases_t *bases, const char *path)
{
    if ('\0' == path[0] || strlen(path) >= sizeof(bases->path[0])) { return; }
    for (int i = 0; i < bases->count; i++)
    {
        if (0 == strcmp(bases->path[i], path)) { return; }
    }
    if (bases->count >= CLI_BASES_MAX) { return; }
    snprintf(bases->path[bases->count], sizeof(bases->path[0]), "%s", path);
    bases->count++;
}

static void on_endpoint(void *clientd, const tp_endpoint_t *endpoint) { bases_add(clientd, endpoint->shm_base_dir); }

void cli_bases_find(cli_bases_t *bases, const cli_args_t *args)
{
    memset(bases, 0, sizeof(*bases));
    if (NULL != args->base_dir)
    {
        bases_add(bases, args->base_dir);
        return;
    }
    (void)tp_endpoint_list(on_endpoint, bases);
    const char *configured = getenv("SHM_BASE_DIR");
    if (NULL != configured) { bases_add(bases, configured); }
    bases_add(bases, DEFAULT_BASE);
}

static int open_dir(int parent, const char *name) { return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }

typedef int (*entry_handler_t)(void *clientd, int dir_fd, const char *name);

/* Calls the handler for each entry; the descriptor stays open. */
static int entries(int fd, entry_handler_t handler, void *clientd)
{
    const int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    if (NULL == dir)
    {
        if (copy >= 0) { close(copy); }
        return 0;
    }
    int rc = 0;
    int count = 0;
    for (const struct dirent *entry = readdir(dir); NULL != entry && 0 == rc && count < ENTRIES_MAX; entry = readdir(dir), count++)
    {
        if (0 != strcmp(entry->d_name, ".") && 0 != strcmp(entry->d_name, "..")) { rc = handler(clientd, fd, entry->d_name); }
    }
    closedir(dir);
    return rc;
}

typedef struct walk
{
    const char *base;
    char user[NAME_MAX + 1], name_space[NAME_MAX + 1];
    cli_stream_dir_handler_t handler;
    void *clientd;
}
walk_t;

static int on_stream_entry(void *clientd, int fd, const char *name)
{
    walk_t *walk = clientd;
    char path[PATH_MAX];
    uint64_t id;
    if (!cli_parse_u64(name, 1, UINT32_MAX, &id)) { return 0; }
    const int stream_fd = open_dir(fd, name);
    if (stream_fd < 0) { return 0; }
    int rc = 0;
    if (snprintf(path, sizeof(path), "%s/%s/%s/%s", walk->base, walk->user, walk->name_space, name) < (int)sizeof(path))
    {
        const cli_stream_dir_t dir = { stream_fd, fd, path, walk->base, walk->user, walk->name_space, (uint32_t)id };
        rc = walk->handler(walk->clientd, &dir);
    }
    close(stream_fd);
    return rc;
}

static int on_namespace_entry(void *clientd, int fd, const char *name)
{
    walk_t *walk = clientd;
    const int namespace_fd = open_dir(fd, name);
    if (namespace_fd < 0) { return 0; }
    snprintf(walk->name_space, sizeof(walk->name_space), "%s", name);
    const int rc = entries(namespace_fd, on_stream_entry, walk);
    close(namespace_fd);
    return rc;
}

static int on_user_entry(void *clientd, int fd, const char *name)
{
    walk_t *walk = clientd;
    if (0 != strncmp(name, "tensorpool-", 11)) { return 0; }
    const int user_fd = open_dir(fd, name);
    if (user_fd < 0) { return 0; }
    snprintf(walk->user, sizeof(walk->user), "%s", name);
    const int rc = entries(user_fd, on_namespace_entry, walk);
    close(user_fd);
    return rc;
}

int cli_stream_dirs(const char *base, cli_stream_dir_handler_t handler, void *clientd)
{
    walk_t walk = { .base = base, .handler = handler, .clientd = clientd };
    const int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) { return 0; }
    const int rc = entries(fd, on_user_entry, &walk);
    close(fd);
    return rc;
}

/* ---- epochs ---- */

bool cli_is_region_name(const char *name)
{
    char number[8];
    uint64_t pool;
    const size_t length = strlen(name);
    if (0 == strcmp(name, "header.ring")) { return true; }
    if (length < 6 || length - 5 >= sizeof(number) || 0 != strcmp(name + length - 5, ".pool")) { return false; }
    memcpy(number, name, length - 5);
    number[length - 5] = '\0';
    return cli_parse_u64(number, 0, UINT16_MAX, &pool);
}

static int on_file(void *clientd, int fd, const char *name)
{
    cli_epoch_dir_t *epoch = clientd;
    struct stat info;
    if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0) { return 0; }
    if (!S_ISREG(info.st_mode) || !cli_is_region_name(name)) { epoch->strange = true; return 0; }
    epoch->files++;
    epoch->bytes += (uint64_t)info.st_blocks * 512;
    return 0;
}

typedef struct epoch_list { const cli_stream_dir_t *dir; cli_epoch_dir_t *epochs; int count, capacity; } epoch_list_t;

static int on_epoch_entry(void *clientd, int fd, const char *name)
{
    epoch_list_t *list = clientd;
    cli_epoch_dir_t epoch = { 0 };
    char path[PATH_MAX];
    tp_region_t *region = NULL;
    tp_superblock_t superblock = { .size = sizeof(superblock) };
    if (!cli_parse_u64(name, 0, UINT64_MAX, &epoch.epoch) || list->count == list->capacity) { return 0; }
    const int epoch_fd = open_dir(fd, name);
    if (epoch_fd < 0) { return 0; }
    (void)entries(epoch_fd, on_file, &epoch);
    close(epoch_fd);
    if (snprintf(path, sizeof(path), "%s/%s/header.ring", list->dir->path, name) < (int)sizeof(path) && tp_region_open(&region, path) == 0)
    {
        if (tp_region_superblock(region, &superblock) == 0)
        {
            epoch.has_superblock = true;
            epoch.pid = superblock.pid;
            epoch.activity_ns = superblock.activity_ns;
        }
        tp_region_close(region);
    }
    list->epochs[list->count++] = epoch;
    return 0;
}

static int by_epoch(const void *a, const void *b)
{
    const cli_epoch_dir_t *x = a;
    const cli_epoch_dir_t *y = b;
    return (x->epoch > y->epoch) - (x->epoch < y->epoch);
}

int cli_epoch_dirs(const cli_stream_dir_t *dir, cli_epoch_dir_t *epochs, int capacity)
{
    epoch_list_t list = { dir, epochs, 0, capacity };
    (void)entries(dir->fd, on_epoch_entry, &list);
    if (list.count > 1) { qsort(epochs, (size_t)list.count, sizeof(epochs[0]), by_epoch); }
    return list.count;
}

bool cli_dir_locked(int fd)
{
    struct stat info;
    char line[256];
    char wanted[64];
    bool found = false;
    FILE *locks = fopen("/proc/locks", "re");
    if (NULL == locks) { return false; }
    if (0 == fstat(fd, &info))
    {
        snprintf(wanted, sizeof(wanted), " %02x:%02x:%" PRIu64 " ", major(info.st_dev), minor(info.st_dev), (uint64_t)info.st_ino);
        while (!found && NULL != fgets(line, sizeof(line), locks)) { found = NULL != strstr(line, "FLOCK") && NULL != strstr(line, wanted); }
    }
    fclose(locks);
    return found;
}

static int remove_file(void *clientd, int fd, const char *name)
{
    (void)clientd;
    return cli_is_region_name(name) ? unlinkat(fd, name, 0) : 0;
}

int cli_epoch_remove(int stream_fd, uint64_t epoch)
{
    char name[24];
    snprintf(name, sizeof(name), "%" PRIu64, epoch);
    const int fd = open_dir(stream_fd, name);
    if (fd < 0) { return -1; }
    const int rc = entries(fd, remove_file, NULL);
    close(fd);
    return 0 == rc ? unlinkat(stream_fd, name, AT_REMOVEDIR) : -1;
}

/*
 * Directories of drivers in shared memory: base / tensorpool-<user> / <namespace> / <stream_id> / <epoch> (11-shm-security.md 3.2). Walked with open
 * descriptors, without following links.
 */
#ifndef APPS_TP_LEFTOVERS_H
#define APPS_TP_LEFTOVERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli.h"

#define CLI_BASES_MAX 32
typedef struct cli_bases
{
    char path[CLI_BASES_MAX][512];
    int count;
}
cli_bases_t;

/* --base-dir, else the base directories of all endpoint files and the default one. */
void cli_bases_find(cli_bases_t *bases, const cli_args_t *args);

typedef struct cli_stream_dir
{
    int fd;                            /* of the stream's directory, the walk's */
    int parent_fd;
    const char *path;
    const char *base, *user, *name_space;
    uint32_t stream_id;
}
cli_stream_dir_t;

typedef struct cli_epoch_dir
{
    uint64_t epoch, bytes, pid, activity_ns;
    uint32_t files;
    bool strange;                      /* holds something that is no region file */
    bool has_superblock;
}
cli_epoch_dir_t;

/* Not 0 from the handler ends the walk. */
typedef int (*cli_stream_dir_handler_t)(void *clientd, const cli_stream_dir_t *dir);
int cli_stream_dirs(const char *base, cli_stream_dir_handler_t handler, void *clientd);

/* The epochs of a stream, ascending; at most capacity. */
int cli_epoch_dirs(const cli_stream_dir_t *dir, cli_epoch_dir_t *epochs, int capacity);
#define CLI_EPOCHS_MAX 1024

/* Whether somebody holds the lock on this directory, from /proc/locks: takes no lock itself. Blind for other pid namespaces. */
bool cli_dir_locked(int fd);

/* Removes the region files of one epoch, then its directory. -1 with errno. */
int cli_epoch_remove(int stream_fd, uint64_t epoch);

/* Whether name is "header.ring" or "<pool id>.pool". */
bool cli_is_region_name(const char *name);

#endif

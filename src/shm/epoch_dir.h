/*
 * The driver's directories: base / tensorpool-<user> / <namespace> / <stream_id> / <epoch> (11-shm-security.md 3.2, 20-driver.md 5.2).
 * Every step goes from an open descriptor to the next one, follows no link and refuses directories of strangers or writable by others
 * (D-205, trap M10). Driver only; a client never lists or removes anything (D-182, W-229).
 */
#ifndef TPI_SHM_EPOCH_DIR_H
#define TPI_SHM_EPOCH_DIR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/region_create.h"

#define TPI_EPOCH_DIRS_MAX 65536u      /* entries looked at in one stream directory */
#define TPI_EPOCH_FILES_MAX 1024u      /* entries removed from one epoch directory */

/*
 * Start-up rule 1 of 20-driver.md 11.3: makes a missing base (mode 01777 where its parent is sticky, so that other users find room beside
 * us; else the directory mode that belongs to file_mode), refuses one that is a link, not of root or the effective user, writable by others
 * without the sticky bit, or spelled with characters a URI cannot carry. *canonical is the caller's (tpi_free).
 */
int tpi_base_dir_prepare(char **canonical, const char *dir, mode_t file_mode);
/* The same rules on base, user and namespace directories as far as they exist; makes nothing. */
int tpi_user_dir_check(const char *canonical_base, const char *user, const char *name_space);

/* The stream's directory, made if missing, every directory on the way checked; returns a descriptor. Uses base_dir to stream_id and file_mode. */
int tpi_stream_dir_open(const tpi_region_create_t *what);
/* The same; *made says how many directories this call made, counted from the stream's upwards (0 to 3). */
int tpi_stream_dir_open_counted(const tpi_region_create_t *what, unsigned *made);
/* Takes the lock by which two drivers on one base keep apart (D-002, D-196, trap M13): TP_EOWNED. It ends when the descriptor is closed. */
int tpi_stream_dir_lock(int stream_dir_fd);
#define TPI_STREAM_DIR_LEVELS 3u       /* stream, namespace, user */
/* Removes up to so many levels as far as they are empty (D-204). Not while somebody relies on the stream directory's lock. */
void tpi_stream_dir_prune(const tpi_region_create_t *what, unsigned levels);

/* Lists decimal epoch directories, ascending. *epochs belongs to the caller (tpi_free), NULL when there are none. */
int tpi_epoch_dir_list(int stream_dir_fd, uint64_t **epochs, size_t *count);

/* What garbage collection wants to know (20-driver.md 6.2). */
typedef struct tpi_epoch_facts
{
    bool has_superblock;               /* header.ring has a readable superblock of this epoch */
    uint64_t pid;
    uint64_t activity_ns;              /* CLOCK_MONOTONIC of its writer */
    int64_t changed_real_ns;           /* of the directory, CLOCK_REALTIME: never compare it with the former */
}
tpi_epoch_facts_t;

int tpi_epoch_dir_facts(int stream_dir_fd, uint64_t epoch, tpi_epoch_facts_t *facts);
/* Removes one epoch directory: files first, then the directory. Never follows links; subdirectories make it fail. TP_ENOENT when there is none. */
int tpi_epoch_dir_remove(int stream_dir_fd, uint64_t epoch);

/*
 * Makes one directory with exactly this mode, whatever the umask, and opens it: a descriptor, or -1 with errno (EEXIST: it was there before,
 * EPERM: exchanged while it was made). Sets no error text. Nothing stays behind on failure.
 */
int tpi_dir_make_at(int parent_fd, const char *name, mode_t mode);
/* The mode of directories that belongs to a file mode: 0660 -> 02770, 0600 -> 0700. */
mode_t tpi_dir_mode(mode_t file_mode);

#endif

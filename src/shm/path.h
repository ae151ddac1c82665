/*
 * Path containment (11-shm-security.md section 4) and names (3.2). Linux only (O-52). Everything here may block on the filesystem: cold
 * paths only. A consumer never builds, guesses or scans for paths (W-228, W-229).
 */
#ifndef TPI_SHM_PATH_H
#define TPI_SHM_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/uri.h"

#define TPI_BASE_DIRS_MAX 16
#define TPI_NAME_MAX 64                /* of a sanitized user name, terminator included */

/* Canonical base directories, resolved once (W-233). Owned by whoever called _init. */
typedef struct tpi_base_dirs
{
    size_t count;
    char *dirs[TPI_BASE_DIRS_MAX];
}
tpi_base_dirs_t;

/* TP_EPATH when one is relative, no directory or cannot be resolved; TP_EINVAL when there are too many. None is legal: nothing can be mapped. */
int tpi_base_dirs_init(tpi_base_dirs_t *bases, const char *const *dirs, size_t count);
void tpi_base_dirs_fini(tpi_base_dirs_t *bases);
/* Strictly below one of them (O-54). */
bool tpi_base_dirs_contain(const tpi_base_dirs_t *bases, const char *canonical_path);
/* Equal to or below one of them: what a driver's own base has to be (20-driver.md 11.3). */
bool tpi_base_dirs_admit(const tpi_base_dirs_t *bases, const char *canonical_dir);

/* Local permission policy for files to be mapped (section 6). */
typedef struct tpi_file_policy
{
    bool check_owner;  uid_t owner;
    bool check_group;  gid_t group;
    mode_t forbidden_bits;             /* for example 0007 */
}
tpi_file_policy_t;

#define TPI_FILE_POLICY_DEFAULT { .forbidden_bits = 0007 }

/*
 * K1 to K7: returns an open descriptor, or -1 with TP_EPATH (containment), TP_EREGION (kind, size, hugepages) or TP_EPERM (policy, open) and
 * the rule in the text. minimum_bytes is K7's size. policy NULL: no local policy.
 */
int tpi_path_open_region(const tpi_base_dirs_t *bases, const tpi_region_uri_t *uri, bool writable, uint64_t minimum_bytes,
    const tpi_file_policy_t *policy);

/* The two halves of it; the file may be exchanged in between and the second half has to notice. */
typedef struct tpi_checked_path
{
    char path[TPI_URI_MAX];            /* canonical */
    dev_t device;
    ino_t inode;
}
tpi_checked_path_t;

typedef enum tpi_open_how
{
    TPI_OPEN_AUTO = 0,                 /* openat2, or the walk where the kernel has none or a filter forbids it */
    TPI_OPEN_OPENAT2,
    TPI_OPEN_WALK
}
tpi_open_how_t;

int tpi_path_check(tpi_checked_path_t *checked, const tpi_base_dirs_t *bases, const char *path);                    /* K1 to K4 */
int tpi_path_open_checked(const tpi_checked_path_t *checked, bool writable, tpi_open_how_t how);                    /* K5 and K6 */
int tpi_path_check_open(int fd, const tpi_region_uri_t *uri, uint64_t minimum_bytes, const tpi_file_policy_t *policy);   /* K7 */

/* Opens a canonical path without following any link, O_CLOEXEC added. -1 with errno; sets no error text. */
int tpi_path_open_nofollow(const char *canonical, int flags, tpi_open_how_t how);

/* Every byte outside [A-Za-z0-9_-] becomes '_'; empty becomes "unknown" (W-223). Cut to fit size. */
void tpi_path_sanitize(char *out, size_t size, const char *name);
/* The sanitized name of the effective user (getpwuid(geteuid()), O-58), "unknown" without one. */
void tpi_path_user(char *out, size_t size);
bool tpi_path_namespace_is_valid(const char *name);

/* Whether the filesystem that holds the path is hugetlbfs, and its page size. TP_EIO when the kernel does not say (W-210). */
int tpi_path_is_hugetlbfs(const char *path, bool *huge, uint64_t *page_bytes);
int tpi_fd_is_hugetlbfs(int fd, bool *huge, uint64_t *page_bytes);

#endif

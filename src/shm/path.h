/* Path containment (11-shm-security.md section 4), names (3.2), and the safe walk below a base directory (trap M10). */
#ifndef TPI_SHM_PATH_H
#define TPI_SHM_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/uri.h"

#define TPI_BASE_DIRS_MAX 16

/* Canonical base directories, resolved once (W-233). */
typedef struct tpi_base_dirs
{
    size_t count;
    char *dirs[TPI_BASE_DIRS_MAX];
}
tpi_base_dirs_t;

int tpi_base_dirs_init(tpi_base_dirs_t *bases, const char *const *dirs, size_t count);   /* TP_EPATH when one cannot be resolved */
void tpi_base_dirs_fini(tpi_base_dirs_t *bases);
bool tpi_base_dirs_contain(const tpi_base_dirs_t *bases, const char *canonical_path);

/* Local permission policy for files to be mapped (section 6). */
typedef struct tpi_file_policy
{
    bool check_owner;  uid_t owner;
    bool check_group;  gid_t group;
    mode_t forbidden_bits;             /* for example 0007 */
}
tpi_file_policy_t;

/* K1 to K7: returns an open descriptor, or -1 with TP_EPATH / TP_EREGION and the rule in the text. minimum_bytes is K7's size. */
int tpi_path_open_region(const tpi_base_dirs_t *bases, const tpi_region_uri_t *uri, bool writable, uint64_t minimum_bytes,
    const tpi_file_policy_t *policy);

/* Every byte outside [A-Za-z0-9_-] becomes '_'; empty becomes "unknown" (W-223). */
void tpi_path_sanitize(char *out, size_t size, const char *name);
/* The sanitized name of the effective user (getpwuid(geteuid())), "unknown" without one. */
void tpi_path_user(char *out, size_t size);
bool tpi_path_namespace_is_valid(const char *name);

/* Whether the filesystem that holds the path is hugetlbfs, and its page size. */
int tpi_path_is_hugetlbfs(const char *path, bool *huge, uint64_t *page_bytes);

#endif

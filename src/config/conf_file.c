/* Owns the reading of a configuration file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/err.h"
#include "config/source.h"

static int unreadable(const char *file, const char *why)
{
    TPI_SET_ERR(TP_ECONF_FILE, "configuration file '%.300s' cannot be read: %s", file, why);
    TPI_ERR_FIX("check the path and its permissions; `tp config init FILE` writes an example");
    return -1;
}

int tpi_conf_read_file(const char *file, char **text, size_t *length, unsigned *mode)
{
    struct stat status;
    size_t used = 0;
    int rc = -1;
    char *buffer = NULL;
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) { return unreadable(file, strerror(errno)); }
    if (fstat(fd, &status) < 0) { (void)unreadable(file, strerror(errno)); goto out; }
    if (!S_ISREG(status.st_mode))      /* a pipe or terminal would block the duty cycle that reloads */
    {
        (void)unreadable(file, S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file");
        goto out;
    }
    buffer = tpi_alloc(TPI_TOML_BYTES_MAX + 1);
    if (NULL == buffer) { goto out; }
    while (used <= TPI_TOML_BYTES_MAX)
    {
        const ssize_t n = read(fd, buffer + used, TPI_TOML_BYTES_MAX + 1 - used);
        if (0 == n) { break; }
        if (n < 0 && EINTR == errno) { continue; }
        if (n < 0) { (void)unreadable(file, strerror(errno)); goto out; }
        used += (size_t)n;
    }
    if (used > TPI_TOML_BYTES_MAX) { (void)unreadable(file, "it is larger than 1 MiB"); goto out; }
    *text = buffer;
    *length = used;
    *mode = status.st_mode & 07777;
    buffer = NULL;
    rc = 0;
out:
    tpi_free(buffer);
    (void)close(fd);
    return rc;
}

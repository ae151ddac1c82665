/*
 * Owns one mapping of the doorbell page. The page is shared by processes that trust each other no further than cnc.dat does: a sleeper believes
 * nothing in it but that it should look again, and never sleeps longer than it said.
 */
#include "bus/doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/err.h"
#include "common/futex.h"

#define PAGE_BYTES 4096
#define MAGIC UINT64_C(0x314c4c4542505440)       /* "@TPBELL1" */

typedef struct page
{
    _Atomic uint64_t magic;                      /* last when it is made */
    _Alignas(64) _Atomic uint32_t rings;         /* the futex: every ring counts it up */
    _Alignas(64) _Atomic uint32_t asleep;        /* written by the sleeper only */
}
page_t;

_Static_assert(sizeof(page_t) <= PAGE_BYTES, "the doorbell is one page");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "the doorbell is shared between processes");

struct tpi_doorbell
{
    page_t *page;
};

static int path_of(char *path, size_t size, const char *dir)
{
    const int length = snprintf(path, size, "%s/" TPI_DOORBELL_NAME, dir);
    return length < 0 || (size_t)length >= size ? -1 : 0;
}

static tpi_doorbell_t *map(int fd)
{
    void *const page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (MAP_FAILED == page) { TPI_SET_ERR(TP_EMAP, "the doorbell cannot be mapped: %s", strerror(errno)); return NULL; }
    tpi_doorbell_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { (void)munmap(page, PAGE_BYTES); }
    else { made->page = page; }
    return made;
}

int tpi_doorbell_create(tpi_doorbell_t **doorbell, const char *dir)
{
    char path[PATH_MAX];
    if (path_of(path, sizeof(path), dir) < 0) { TPI_SET_ERR(TP_EINVAL, "%s is too long for a doorbell", dir); return -1; }
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);       /* the umask decides, as for cnc.dat */
    if (fd < 0) { TPI_SET_ERR(TP_EIO, "%s cannot be made: %s", path, strerror(errno)); return -1; }
    const int failed = posix_fallocate(fd, 0, PAGE_BYTES);                                     /* M6 */
    if (0 != failed) { TPI_SET_ERR(ENOSPC == failed ? TP_ENOSPACE : TP_EIO, "%s cannot be made: %s", path, strerror(failed)); }
    tpi_doorbell_t *const made = 0 == failed ? map(fd) : NULL;
    (void)close(fd);
    if (NULL == made) { return -1; }
    atomic_store_explicit(&made->page->magic, MAGIC, memory_order_release);
    *doorbell = made;
    return 0;
}

tpi_doorbell_t *tpi_doorbell_find(const char *dir)
{
    char path[PATH_MAX];
    struct stat status;
    if (path_of(path, sizeof(path), dir) < 0) { return NULL; }
    const int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) { return NULL; }
    const bool is_page = 0 == fstat(fd, &status) && S_ISREG(status.st_mode) && PAGE_BYTES == status.st_size;       /* M2 */
    tpi_doorbell_t *found = is_page ? map(fd) : NULL;
    (void)close(fd);
    if (NULL != found && MAGIC != atomic_load_explicit(&found->page->magic, memory_order_acquire))
    {
        tpi_doorbell_close(found);
        found = NULL;
    }
    return found;
}

/* asleep is set before the kernel compares rings, and looked at after rings was counted up: one of both notices (both sequentially consistent). */
void tpi_doorbell_ring(tpi_doorbell_t *doorbell)
{
    if (NULL == doorbell) { return; }
    page_t *const page = doorbell->page;
    atomic_fetch_add(&page->rings, 1);
    if (0 != atomic_load(&page->asleep)) { tpi_futex_wake_all(&page->rings); }
}

uint32_t tpi_doorbell_ticket(tpi_doorbell_t *doorbell) { return atomic_load(&doorbell->page->rings); }

bool tpi_doorbell_wait(tpi_doorbell_t *doorbell, uint32_t ticket, int64_t timeout_ns)
{
    page_t *const page = doorbell->page;
    if (timeout_ns > 0)
    {
        atomic_store(&page->asleep, 1);
        tpi_futex_wait(&page->rings, ticket, timeout_ns);
        atomic_store(&page->asleep, 0);
    }
    return ticket != atomic_load(&page->rings);
}

uint32_t tpi_doorbell_rings(const tpi_doorbell_t *doorbell) { return atomic_load(&doorbell->page->rings); }

void tpi_doorbell_close(tpi_doorbell_t *doorbell)
{
    if (NULL == doorbell) { return; }
    (void)munmap(doorbell->page, PAGE_BYTES);
    tpi_free(doorbell);
}

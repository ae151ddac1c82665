/*
 * See wake.h. Who misses whom is settled by two fences (Dekker): the producer stores the commit word and the descriptor, fences, loads the flag; the
 * sleeper stores the flag, fences, loads commit word and descriptors. At least one of them sees the other.
 */
#include "shm/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/futex.h"

#define SLEEPER 1u
#define INTEREST 2u
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

/* ---- life --------------------------------------------------------------------------------------------------------------- */

int tpi_wake_page_create(int *fd)
{
    const uint64_t magic = TPI_WAKE_MAGIC;
    const int made = memfd_create("tp-wake", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0 || ftruncate(made, TPI_WAKE_PAGE_BYTES) < 0 || (ssize_t)sizeof(magic) != pwrite(made, &magic, sizeof(magic), 0) ||
        fcntl(made, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)                               /* L-202 */
    {
        TPI_SET_ERR(TP_ENOMEM, "no page for wake-ups: %s", strerror(errno));
        if (made >= 0) { (void)close(made); }
        return -1;
    }
    *fd = made;
    return 0;
}

int tpi_wake_page_map(tpi_wake_page_t **page, int fd)
{
    struct stat st;
    const int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || SEALS != (seals & SEALS))             /* L-202: nobody can cut the page off and have us killed by SIGBUS (M6) */
    {
        TPI_SET_ERR(TP_EREGION, "wake-up page has seals %d, it could be cut off", seals);
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || TPI_WAKE_PAGE_BYTES != st.st_size)
    {
        TPI_SET_ERR(TP_EREGION, "wake-up page is not a file of %u bytes", TPI_WAKE_PAGE_BYTES);
        return -1;
    }
    void *const at = mmap(NULL, TPI_WAKE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (MAP_FAILED == at)
    {
        TPI_SET_ERR(TP_ENOMEM, "wake-up page cannot be mapped: %s", strerror(errno));
        return -1;
    }
    tpi_wake_page_t *const mapped = at;
    if (TPI_WAKE_MAGIC != mapped->magic)
    {
        (void)munmap(at, TPI_WAKE_PAGE_BYTES);
        TPI_SET_ERR(TP_EREGION, "wake-up page is of another layout");
        return -1;
    }
    *page = mapped;
    return 0;
}

void tpi_wake_page_unmap(tpi_wake_page_t *page)
{
    if (NULL != page) { (void)munmap(page, TPI_WAKE_PAGE_BYTES); }
}

/* ---- producer ----------------------------------------------------------------------------------------------------------- */

void tpi_wake_promise(tpi_wake_page_t *page, uint64_t epoch)
{
    atomic_store_explicit(&page->promised, epoch, memory_order_release);                 /* pairs with tpi_wake_is_promised */
}

void tpi_wake_break_promise(tpi_wake_page_t *page, uint64_t epoch)
{
    (void)atomic_compare_exchange_strong(&page->promised, &epoch, 0);
}

void tpi_wake_decay(tpi_wake_page_t *page)
{
    uint32_t interest = atomic_load_explicit(&page->interest, memory_order_relaxed);
    if (0 == interest || 0 != (atomic_load_explicit(&page->word, memory_order_relaxed) & SLEEPER)) { return; }
    const uint32_t next = interest > INTEREST ? INTEREST - 1 : interest - 1;
    (void)atomic_compare_exchange_strong(&page->interest, &interest, next);              /* a sleeper that comes meanwhile wins */
}

bool tpi_wake_all(tpi_wake_page_t *page)
{
    uint32_t word = atomic_load_explicit(&page->word, memory_order_relaxed);
    if (0 == (word & SLEEPER)) { return false; }
    if (!atomic_compare_exchange_strong(&page->word, &word, word + 1)) { return false; }     /* L-204; else somebody has cleared it and wakes */
    tpi_futex_wake_all(&page->word);
    return true;
}

void tpi_wake_look(tpi_wake_page_t *page)
{
    atomic_thread_fence(memory_order_seq_cst);             /* L-201; pairs with the fence of tpi_wake_arm */
    (void)tpi_wake_all(page);
}

/* ---- sleeper ------------------------------------------------------------------------------------------------------------ */

tpi_wake_ticket_t tpi_wake_arm(tpi_wake_page_t *page)
{
    tpi_wake_ticket_t ticket = { .word = atomic_load_explicit(&page->word, memory_order_relaxed), .is_fresh = false };
    const bool is_known = INTEREST == atomic_load_explicit(&page->interest, memory_order_relaxed);
    if (!is_known) { ticket.is_fresh = 0 == atomic_exchange(&page->interest, INTEREST); }
    if (0 == (ticket.word & SLEEPER)) { ticket.word = atomic_fetch_or(&page->word, SLEEPER) | SLEEPER; }
    atomic_thread_fence(memory_order_seq_cst);             /* L-201; pairs with the fence of tpi_wake_look */
    return ticket;
}

bool tpi_wake_sleep(tpi_wake_page_t *page, const tpi_wake_ticket_t *ticket, int64_t timeout_ns)
{
    const int64_t bound_ns = ticket->is_fresh ? TPI_WAKE_FRESH_NS : TPI_WAKE_BOUND_NS;
    const int64_t most_ns = timeout_ns < bound_ns ? timeout_ns : bound_ns;               /* L-205 */
    if (most_ns > 0) { tpi_futex_wait(&page->word, ticket->word, most_ns); }
    return ticket->word != atomic_load_explicit(&page->word, memory_order_acquire);
}

/*
 * The wake-up page of a stream: a sealed memfd of one page that the driver makes and hands to producer and consumers over a local socket
 * (docs/spec/95-local-extensions.md section 7). None of the protocol's files. Nothing in it is trusted: whatever stands there causes wakes too many,
 * or a wake too few, which the bound of every sleep makes up for.
 *
 * word      bit 0: somebody may be asleep; the rest counts wakes. Sleepers set the bit, whoever wakes clears it: a sleeper that was killed costs one
 *           futex call. It is the futex.
 * interest  0: nobody has slept of late, and the producer looks at nothing else. Sleepers set it to 2, the producer's conductor takes one away every
 *           second. While it is not 0, each commit pays for one fence.
 * promised  the epoch whose producer calls tpi_wake_after_commit; of any other epoch no wakes are to be expected.
 */
#ifndef TPI_SHM_WAKE_H
#define TPI_SHM_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPI_WAKE_PAGE_BYTES 4096u
#define TPI_WAKE_MAGIC UINT64_C(0x3130454b41575054)    /* "TPWAKE01" */
#define TPI_WAKE_BOUND_NS INT64_C(200000000)           /* no sleep lasts longer without a look */
#define TPI_WAKE_FRESH_NS INT64_C(1000000)             /* nor the first one of a stretch: the producer may not have seen our interest yet */
#define TPI_WAKE_DECAY_NS INT64_C(1000000000)

typedef struct tpi_wake_page
{
    uint64_t magic;
    uint64_t reserved[7];
    _Atomic uint32_t word;
    _Atomic uint32_t interest;
    uint64_t reserved_1[7];
    _Atomic uint64_t promised;
    uint64_t reserved_2[7];
}
tpi_wake_page_t;

_Static_assert(64 == offsetof(tpi_wake_page_t, word) && 68 == offsetof(tpi_wake_page_t, interest), "wake page drifted");
_Static_assert(128 == offsetof(tpi_wake_page_t, promised) && sizeof(tpi_wake_page_t) <= TPI_WAKE_PAGE_BYTES, "wake page drifted");
_Static_assert(2 == ATOMIC_INT_LOCK_FREE, "words of the wake page are shared between processes");
_Static_assert(2 == ATOMIC_LLONG_LOCK_FREE, "words of the wake page are shared between processes");

/* Driver: a new page. *fd is the caller's. TP_ENOMEM. */
int tpi_wake_page_create(int *fd);
/* Maps what was handed over; fd stays the caller's. TP_EREGION: not a page that its maker cannot take away from under us. */
int tpi_wake_page_map(tpi_wake_page_t **page, int fd);
void tpi_wake_page_unmap(tpi_wake_page_t *page);       /* accepts NULL */

/* ---- producer ----------------------------------------------------------------------------------------------------------- */

/* Conductor, after the producer's thread can see the page: frames of that epoch are followed by tpi_wake_after_commit. */
void tpi_wake_promise(tpi_wake_page_t *page, uint64_t epoch);
/* Conductor: that epoch is over. */
void tpi_wake_break_promise(tpi_wake_page_t *page, uint64_t epoch);
/* Conductor, once in TPI_WAKE_DECAY_NS. */
void tpi_wake_decay(tpi_wake_page_t *page);
/* Fence, look at the flag, wake. */
void tpi_wake_look(tpi_wake_page_t *page);
/* Clears the flag and wakes all sleepers, if there may be any. Anybody: also to have them look at something else. true: by a system call. */
bool tpi_wake_all(tpi_wake_page_t *page);

/* Producer's thread, after the slot is committed and its descriptor sent. page may be NULL. */
static inline void tpi_wake_after_commit(tpi_wake_page_t *page)
{
    if (NULL != page && 0 != atomic_load_explicit(&page->interest, memory_order_relaxed)) { tpi_wake_look(page); }        /* L-203 */
}

/* ---- sleeper ------------------------------------------------------------------------------------------------------------ */

/* Whether a producer of that epoch wakes. */
static inline bool tpi_wake_is_promised(tpi_wake_page_t *page, uint64_t epoch)
{
    return NULL != page && epoch == atomic_load_explicit(&page->promised, memory_order_acquire);       /* pairs with tpi_wake_promise; L-206 */
}

typedef struct tpi_wake_ticket
{
    uint32_t word;
    bool is_fresh;                     /* sleep for TPI_WAKE_FRESH_NS at most */
}
tpi_wake_ticket_t;

/* First of three steps: arm, look whether there is a frame, sleep. A frame committed after the look wakes. */
tpi_wake_ticket_t tpi_wake_arm(tpi_wake_page_t *page);
/* Until the next wake after the ticket, timeout_ns or the bound, whichever is first; may return early. true: there was a wake. */
bool tpi_wake_sleep(tpi_wake_page_t *page, const tpi_wake_ticket_t *ticket, int64_t timeout_ns);

#endif

/*
 * Owns the table of guarded regions and the process's SIGBUS handler. Entries are claimed and released by conductors; the handler only
 * loads words of the table and calls mmap, on whichever thread faulted. An entry's base is stored last and cleared first.
 */
#include "shm/fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/err.h"

typedef struct entry
{
    _Atomic uintptr_t base;            /* 0: not in use, or being filled; stored last with release, pairs with the handler's acquire */
    _Atomic size_t bytes;
    _Atomic bool writable;
    _Atomic bool taken;
    _Atomic bool happened;
}
entry_t;

static entry_t entries[TPI_FAULT_REGIONS_MAX];
static atomic_size_t high_water;       /* entries above it were never used: the handler looks no further */
static atomic_size_t unguarded;
static atomic_bool installed;
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous;

static entry_t *find(uintptr_t address)
{
    const size_t count = atomic_load_explicit(&high_water, memory_order_acquire);
    for (size_t i = 0; i < count; i++)
    {
        const uintptr_t base = atomic_load_explicit(&entries[i].base, memory_order_acquire);
        if (0 != base && address >= base && address - base < atomic_load_explicit(&entries[i].bytes, memory_order_relaxed)) { return &entries[i]; }
    }
    return NULL;
}

static bool put_zero_pages(entry_t *entry)
{
    const int protection = atomic_load_explicit(&entry->writable, memory_order_relaxed) ? PROT_READ | PROT_WRITE : PROT_READ;
    void *const base = (void *)atomic_load_explicit(&entry->base, memory_order_relaxed);
    const size_t bytes = atomic_load_explicit(&entry->bytes, memory_order_relaxed);
    atomic_store_explicit(&entry->happened, true, memory_order_release);          /* before anybody can read a zero */
    const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#if defined(SYS_mmap) && __SIZEOF_POINTER__ == 8
    return base == (void *)syscall(SYS_mmap, base, bytes, protection, flags, -1, 0L);     /* nothing between us and the kernel in a signal handler */
#else
    return base == mmap(base, bytes, protection, flags, -1, 0);
#endif
}

/* A handler that was put over ours and hands on to us, found again when we were put over it: passed on once, then it is nobody's. */
static _Thread_local volatile sig_atomic_t is_passing __attribute__((tls_model("initial-exec")));

static void pass_on(int number, siginfo_t *info, void *context)
{
    const bool is_handler = SIG_DFL != previous.sa_handler && SIG_IGN != previous.sa_handler;
    if (is_passing || !is_handler)
    {
        const struct sigaction fallback = { .sa_handler = SIG_DFL };
        (void)sigaction(SIGBUS, &fallback, NULL);                                 /* the access repeats and ends the process as without us */
        return;
    }
    is_passing = 1;
    if (0 != (previous.sa_flags & SA_SIGINFO)) { previous.sa_sigaction(number, info, context); }
    else { previous.sa_handler(number); }
    is_passing = 0;
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    const int saved = errno;
    entry_t *const entry = info->si_code > 0 ? find((uintptr_t)info->si_addr) : NULL;   /* > 0: from the kernel, about an access */
    if (NULL == entry || !put_zero_pages(entry)) { pass_on(number, info, context); }
    errno = saved;
}

int tpi_fault_guard_install(void)
{
    int rc = 0;
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
    action.sa_sigaction = on_sigbus;
    (void)sigemptyset(&action.sa_mask);
    (void)pthread_mutex_lock(&install_lock);
    struct sigaction current;
    rc = sigaction(SIGBUS, NULL, &current);
    if (0 == rc && (0 == (current.sa_flags & SA_SIGINFO) || on_sigbus != current.sa_sigaction))      /* first time, or somebody took our place */
    {
        previous = current;
        rc = sigaction(SIGBUS, &action, NULL);
    }
    if (rc < 0) { TPI_SET_ERR(TP_EIO, "handler of SIGBUS cannot be installed: %s", strerror(errno)); }
    else { atomic_store(&installed, true); }
    (void)pthread_mutex_unlock(&install_lock);
    return rc;
}

bool tpi_fault_guard_is_installed(void) { return atomic_load(&installed); }
size_t tpi_fault_regions_unguarded(void) { return atomic_load(&unguarded); }

unsigned tpi_fault_register(void *base, size_t bytes, bool writable)
{
    if (!atomic_load(&installed)) { return 0; }
    for (size_t i = 0; i < TPI_FAULT_REGIONS_MAX; i++)
    {
        entry_t *const entry = &entries[i];
        bool expected = false;
        if (!atomic_compare_exchange_strong(&entry->taken, &expected, true)) { continue; }
        size_t seen = atomic_load(&high_water);
        while (seen < i + 1 && !atomic_compare_exchange_weak(&high_water, &seen, i + 1)) { }
        atomic_store(&entry->happened, false);
        atomic_store(&entry->bytes, bytes);
        atomic_store(&entry->writable, writable);
        atomic_store_explicit(&entry->base, (uintptr_t)base, memory_order_release);
        return (unsigned)(i + 1);
    }
    (void)atomic_fetch_add(&unguarded, 1);
    return 0;
}

void tpi_fault_unregister(unsigned handle)
{
    if (0 == handle || handle > TPI_FAULT_REGIONS_MAX) { return; }
    atomic_store(&entries[handle - 1].base, 0);
    atomic_store(&entries[handle - 1].taken, false);
}

bool tpi_fault_happened(unsigned handle)
{
    if (0 == handle || handle > TPI_FAULT_REGIONS_MAX) { return false; }
    return atomic_load_explicit(&entries[handle - 1].happened, memory_order_acquire);
}

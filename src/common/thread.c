/* Owns nothing but what the caller passes in. */
#include "common/thread.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/err.h"

int tpi_thread_start(tpi_thread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    /* Blocked, a fault of the thread's own would end the process without asking the handler (M6: SIGBUS of a truncated region). */
    static const int faults[] = { SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) { (void)sigdelset(&all, faults[i]); }
    if (0 != pthread_sigmask(SIG_SETMASK, &all, &before))
    {
        TPI_SET_ERR(TP_EINTERNAL, "signals cannot be blocked for thread '%s'", name);
        return -1;
    }
    const int rc = pthread_create(&thread->handle, NULL, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (0 != rc)
    {
        TPI_SET_ERR(TP_EINTERNAL, "thread '%s' cannot be started: %s", name, strerror(rc));
        return -1;
    }
    thread->running = true;
    char shortened[16];
    (void)snprintf(shortened, sizeof(shortened), "%s", name);
    (void)pthread_setname_np(thread->handle, shortened);
    return 0;
}

void tpi_thread_join(tpi_thread_t *thread)
{
    if (!thread->running) { return; }
    (void)pthread_join(thread->handle, NULL);
    thread->running = false;
}

uint64_t tpi_thread_self(void)
{
    static _Thread_local char own;                         /* its address is the thread's */
    return (uint64_t)(uintptr_t)&own;
}

int tpi_parker_init(tpi_parker_t *parker)
{
    pthread_condattr_t attributes;
    memset(parker, 0, sizeof(*parker));
    int rc = pthread_condattr_init(&attributes);
    if (0 == rc)
    {
        rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        if (0 == rc) { rc = pthread_cond_init(&parker->condition, &attributes); }
        (void)pthread_condattr_destroy(&attributes);
    }
    if (0 == rc) { rc = pthread_mutex_init(&parker->mutex, NULL); }
    if (0 != rc)
    {
        TPI_SET_ERR(TP_EINTERNAL, "condition variable cannot be made: %s", strerror(rc));
        return -1;
    }
    return 0;
}

uint64_t tpi_parker_ticket(tpi_parker_t *parker)
{
    (void)pthread_mutex_lock(&parker->mutex);
    const uint64_t ticket = parker->wakes;
    (void)pthread_mutex_unlock(&parker->mutex);
    return ticket;
}

void tpi_parker_park(tpi_parker_t *parker, uint64_t ticket, int64_t timeout_ns)
{
    if (timeout_ns <= 0) { return; }
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(timeout_ns / 1000000000);
    until.tv_nsec += (long)(timeout_ns % 1000000000);
    if (until.tv_nsec >= 1000000000)
    {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&parker->mutex);
    while (parker->wakes == ticket && ETIMEDOUT != pthread_cond_timedwait(&parker->condition, &parker->mutex, &until)) { }
    (void)pthread_mutex_unlock(&parker->mutex);
}

void tpi_parker_wake(tpi_parker_t *parker)
{
    (void)pthread_mutex_lock(&parker->mutex);
    parker->wakes++;
    (void)pthread_cond_broadcast(&parker->condition);
    (void)pthread_mutex_unlock(&parker->mutex);
}

void tpi_parker_fini(tpi_parker_t *parker)
{
    (void)pthread_cond_destroy(&parker->condition);
    (void)pthread_mutex_destroy(&parker->mutex);
}

/* Owns nothing but what the caller passes in. */
#include "common/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/err.h"

/* Attributes of a thread that runs on one processor. */
static int pin(pthread_attr_t *attributes, const char *name, int32_t cpu)
{
    cpu_set_t allowed;
    cpu_set_t one;
    CPU_ZERO(&one);
    if (cpu < 0) { return 0; }
    if (cpu < CPU_SETSIZE && 0 == sched_getaffinity(0, sizeof(allowed), &allowed) && CPU_ISSET((size_t)cpu, &allowed))
    {
        CPU_SET((size_t)cpu, &one);
        if (0 == pthread_attr_setaffinity_np(attributes, sizeof(one), &one)) { return 0; }
    }
    TPI_SET_ERR(TP_EINVAL, "cpu = %" PRId32 " of thread '%s' is none of the processors this process may use", cpu, name);
    return -1;
}

int tpi_thread_start_on(tpi_thread_t *thread, const char *name, int32_t cpu, void *(*run)(void *), void *arg)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    if (0 != pthread_attr_init(&attributes))
    {
        TPI_SET_ERR(TP_ENOMEM, "no memory for thread '%s'", name);
        return -1;
    }
    if (pin(&attributes, name, cpu) < 0)
    {
        (void)pthread_attr_destroy(&attributes);
        return -1;
    }
    (void)sigfillset(&all);
    /* Blocked, a fault of the thread's own would end the process without asking the handler (M6: SIGBUS of a truncated region). */
    static const int faults[] = { SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) { (void)sigdelset(&all, faults[i]); }
    if (0 != pthread_sigmask(SIG_SETMASK, &all, &before))
    {
        TPI_SET_ERR(TP_EINTERNAL, "signals cannot be blocked for thread '%s'", name);
        (void)pthread_attr_destroy(&attributes);
        return -1;
    }
    const int rc = pthread_create(&thread->handle, &attributes, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
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

int tpi_thread_start(tpi_thread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
    return tpi_thread_start_on(thread, name, -1, run, arg);
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

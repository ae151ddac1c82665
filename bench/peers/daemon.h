/*
 * A daemon that a system needs, kept by a process of its own that outlives the run: whatever ends the run, the keeper ends the daemon in order and
 * removes its files. One daemon a run.
 */
#ifndef BENCH_DAEMON_H
#define BENCH_DAEMON_H

typedef struct peer_daemon
{
    const char *name;
    const char *ready;                 /* a text that the daemon prints on standard output when it is there */
    int (*run)(void);                  /* in the daemon's process: executes a program, or works until SIGTERM and returns an exit code */
    void (*remove)(void);              /* in the keeper, when the daemon has ended; may be NULL */
}
peer_daemon_t;

/* Waits until it is ready. 0, or -1 after saying why. */
int peer_daemon_start(const peer_daemon_t *daemon);
/* Waits until it is gone. Does nothing when none was started. */
void peer_daemon_end(void);

#endif

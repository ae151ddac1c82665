/*
 * A call that the conductor carries out for another thread. The conductor owns the command from enqueue until it has published the result, which is
 * its last access (trap L2); afterwards the caller owns it. A caller that does not want to wait any longer abandons it: then the conductor frees
 * it.
 */
#ifndef TPI_RUNTIME_ASYNC_COMMAND_H
#define TPI_RUNTIME_ASYNC_COMMAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

typedef enum tpi_command_state
{
    TPI_COMMAND_PENDING = 0,
    TPI_COMMAND_DONE = 1,
    TPI_COMMAND_FAILED = 2,
    TPI_COMMAND_ABANDONED = 3
}
tpi_command_state_t;

typedef struct tpi_command tpi_command_t;

/*
 * Conductor: starts the command (first call) or looks whether it is finished (later calls, once a cycle).
 * 0 pending, 1 done, -1 failed with the thread's error. Calls nothing that waits.
 */
typedef int (*tpi_command_run_t)(tpi_command_t *command, int64_t now_ns);

struct tpi_command
{
    tpi_command_run_t run;
    void *owner;                       /* the client */
    void *object;                      /* what it is about */
    void (*on_abandoned)(tpi_command_t *command);   /* conductor, done but abandoned: frees what the caller would have taken; may be NULL */
    void (*on_closed)(tpi_command_t *command);      /* the client ends before the command: frees what run would have; may be NULL */
    void (*dispose)(void *object, int64_t now_ns);  /* conductor: ends and frees the object; may be NULL */
    void (*unmake)(void *object);      /* frees an object that was never started; may be NULL */
    bool started;
    tpi_err_t err;
    tpi_command_t *next;               /* conductor's list of pending commands */
    _Atomic int state;
};

int tpi_command_create(tpi_command_t **command, tpi_command_run_t run, void *owner, void *object);
/* Conductor. Publishes the outcome; frees the command if it was abandoned. The command is not touched afterwards. */
void tpi_command_finish(tpi_command_t *command, int outcome);
/* Caller: 0 pending, 1 done, -1 failed with the error restored; after non-zero the caller frees it with tpi_command_delete. */
int tpi_command_poll(tpi_command_t *command);
/* Caller gives the command up: true when the conductor will free it, false when it is finished already (the caller polls and deletes). */
bool tpi_command_abandon(tpi_command_t *command);
void tpi_command_delete(tpi_command_t *command);

#endif

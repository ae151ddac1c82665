/* Owns the life of a command; see the header for who may touch it when. */
#include "runtime/async_command.h"

#include "common/alloc.h"

int tpi_command_create(tpi_command_t **command, tpi_command_run_t run, void *owner, void *object)
{
    tpi_command_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    c->run = run;
    c->owner = owner;
    c->object = object;
    atomic_init(&c->state, TPI_COMMAND_PENDING);
    *command = c;
    return 0;
}

void tpi_command_finish(tpi_command_t *command, int outcome)
{
    if (outcome < 0) { tpi_err_save(&command->err); }
    int expected = TPI_COMMAND_PENDING;
    const int next = outcome < 0 ? TPI_COMMAND_FAILED : TPI_COMMAND_DONE;
    if (atomic_compare_exchange_strong(&command->state, &expected, next)) { return; }      /* L2: last access */
    if (outcome > 0 && NULL != command->on_abandoned) { command->on_abandoned(command); }
    tpi_free(command);
}

int tpi_command_poll(tpi_command_t *command)
{
    const int state = atomic_load_explicit(&command->state, memory_order_acquire);
    if (TPI_COMMAND_PENDING == state) { return 0; }
    if (TPI_COMMAND_DONE == state) { return 1; }
    tpi_err_restore(&command->err);
    return -1;
}

bool tpi_command_abandon(tpi_command_t *command)
{
    int expected = TPI_COMMAND_PENDING;
    return atomic_compare_exchange_strong(&command->state, &expected, TPI_COMMAND_ABANDONED);
}

void tpi_command_delete(tpi_command_t *command) { tpi_free(command); }

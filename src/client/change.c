/* Owns nothing: carries changes to the conductor. */
#include "client/change.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define TIMEOUT_NS (10 * TPI_NS_PER_S)

static void unmake(tpi_change_t *change)
{
    if (NULL != change->unmake) { change->unmake(change); }
    tpi_free(change);
}

static int apply(tpi_change_t *change, int64_t now_ns)
{
    const int rc = change->apply(change, now_ns);
    unmake(change);
    return rc;
}

static int run(tpi_command_t *command, int64_t now_ns) { return 0 == apply(command->object, now_ns) ? 1 : -1; }
static void closed(tpi_command_t *command) { unmake(command->object); }

int tpi_change_make(tpi_change_t *change)
{
    tp_client_t *client = change->client;
    tpi_command_t *command = NULL;
    if (tpi_client_in_callback(client)) { return apply(change, client->last_now_ns); }
    if (tpi_command_create(&command, run, client, change) < 0)
    {
        unmake(change);
        return -1;
    }
    command->on_closed = closed;
    const int rc = tpi_client_call(client, command, TIMEOUT_NS);
    if (TPI_CALL_NOT_SENT == rc) { unmake(change); }
    return rc < 0 ? -1 : 0;
}

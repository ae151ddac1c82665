/* What a client tells about itself: written by the conductor, read by anybody. */
#include "client/client_state.h"

#include "common/err.h"

void tpi_client_stats_tick(tp_client_t *client)
{
    tpi_dispatcher_t *const dispatchers[] = { client->dispatcher, client->announce_dispatcher, client->qos_dispatcher };
    uint64_t malformed = 0;
    uint64_t newer_version = 0;
    uint64_t leases = 0;
    for (size_t i = 0; i < sizeof(dispatchers) / sizeof(dispatchers[0]); i++)
    {
        const tpi_dispatcher_counts_t *counts = tpi_dispatcher_counts(dispatchers[i]);
        malformed += counts->malformed;
        newer_version += counts->newer_version;
    }
    for (const tpi_attachment_t *a = client->attachments; NULL != a; a = a->next) { leases += tpi_session_is_leased(&a->session) ? 1 : 0; }
    tpi_stat_set(&client->malformed, malformed);
    tpi_stat_set(&client->newer_version, newer_version);
    tpi_stat_set(&client->leases, leases);
}

int tp_client_stats(const tp_client_t *client, tp_client_stats_t *stats)
{
    const tp_client_t *c = client;
    if (NULL == c || NULL == stats) { TPI_SET_ERR(TP_EINVAL, "client or stats is NULL"); return -1; }
    const tp_client_stats_t s = { .size = sizeof(s), .connected = tp_client_is_connected(c), .driver_alive = tp_client_driver_is_alive(c),
        .agent = NULL != c->runner, .leases = tpi_stat_get(&c->leases), .cycles = tpi_stat_get(&c->cycles), .work = tpi_stat_get(&c->work),
        .max_cycle_ns = tpi_stat_get(&c->max_cycle_ns), .connections = tpi_stat_get(&c->connections), .errors = tpi_stat_get(&c->errors),
        .commands = tpi_stat_get(&c->commands_done), .sends_refused = tpi_stat_get(&c->sends_refused), .malformed = tpi_stat_get(&c->malformed),
        .newer_version = tpi_stat_get(&c->newer_version), .epochs_untold = tpi_stat_get(&c->events.epochs_untold) };
    *stats = s;
    return 0;
}

/*
 * Messages out: ConsumerConfig on the control stream, nothing else and nowhere else (S-074). An answer that the bus does not take within a hello
 * interval is given up, since the next hello is answered anyway.
 */
#include "common/alloc.h"
#include "common/log.h"
#include "supervisor/supervisor_state.h"

#define CONFIG_BYTES_MAX 4096u         /* three texts of 1023 bytes and a block */

static void on_outbox(void *clientd, tpi_outbox_event_t event, const char *why)
{
    tpi_supervisor_t *const supervisor = clientd;
    if (TPI_OUTBOX_SENT == event) { supervisor->stats.configs_sent++; }
    if (TPI_OUTBOX_DROPPED != event) { return; }
    supervisor->stats.configs_dropped++;
    if (tpi_supervisor_may_log(supervisor)) { TPI_LOG_WARN(TP_EBUS, "a ConsumerConfig was not sent: %s", why); }
}

void tpi_supervisor_proxy_init(tpi_supervisor_t *supervisor)
{
    supervisor->control = (tpi_outbox_t){ .queue_max = supervisor->options.queue_max, .on_event = on_outbox, .clientd = supervisor };
}

void tpi_supervisor_send(tpi_supervisor_t *supervisor, const tpc_consumer_config_t *config)
{
    if (NULL == supervisor->buffer) { supervisor->buffer = tpi_alloc(CONFIG_BYTES_MAX); }
    const int64_t length = NULL == supervisor->buffer ? -1 : tpc_consumer_config_encode(supervisor->buffer, CONFIG_BYTES_MAX, config);
    tpi_outbox_send(&supervisor->control, supervisor->buffer, length, supervisor->now_ns + TPI_SUPERVISOR_INTERVAL_NS);     /* S-007 S-010 S-074 */
}

int tpi_supervisor_flush(tpi_supervisor_t *supervisor) { return tpi_outbox_flush(&supervisor->control, supervisor->now_ns); }

void tpi_supervisor_proxy_fini(tpi_supervisor_t *supervisor)
{
    tpi_outbox_fini(&supervisor->control);
    tpi_free(supervisor->buffer);
}

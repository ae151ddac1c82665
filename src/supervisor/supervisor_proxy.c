/*
 * Messages out: ConsumerConfig on the control stream, nothing else and nowhere else (S-074). An answer goes at once when nothing waits, else behind
 * what waits; one that the bus does not take within a hello interval is given up, since the next hello is answered anyway.
 */
#include <string.h>
#include <utlist.h>

#include "common/alloc.h"
#include "common/log.h"
#include "supervisor/supervisor_state.h"

#define ADMIN_TRIES 8
#define CONFIG_BYTES_MAX 4096u         /* three texts of 1023 bytes and a block */

static int64_t offer(tpi_publication_t *publication, const uint8_t *data, size_t length)
{
    int64_t result = TP_ADMIN_ACTION;
    for (int i = 0; i < ADMIN_TRIES && TP_ADMIN_ACTION == result; i++) { result = tpi_publication_offer(publication, data, length); }   /* trap A2 */
    return result;
}

static bool can_wait(int64_t result) { return TP_BACK_PRESSURED == result || TP_ADMIN_ACTION == result || TP_NOT_CONNECTED == result; }

static void drop(tpi_supervisor_t *supervisor, const char *why)
{
    supervisor->stats.configs_dropped++;
    if (tpi_supervisor_may_log(supervisor)) { TPI_LOG_WARN(TP_EBUS, "a ConsumerConfig was not sent: %s", why); }
}

static void keep(tpi_supervisor_t *supervisor, size_t length)
{
    tpi_answer_t *const answer = supervisor->answer_count < supervisor->options.queue_max ? tpi_alloc(sizeof(*answer) + length) : NULL;
    if (NULL == answer)
    {
        drop(supervisor, "too many wait for the bus already");
        return;
    }
    answer->give_up_ns = supervisor->now_ns + TPI_SUPERVISOR_INTERVAL_NS;
    answer->length = length;
    memcpy(answer->data, supervisor->buffer, length);
    DL_APPEND(supervisor->answers, answer);
    supervisor->answer_count++;
}

void tpi_supervisor_send(tpi_supervisor_t *supervisor, const tpc_consumer_config_t *config)
{
    if (NULL == supervisor->buffer) { supervisor->buffer = tpi_alloc(CONFIG_BYTES_MAX); }
    const int64_t length = NULL == supervisor->buffer ? -1 : tpc_consumer_config_encode(supervisor->buffer, CONFIG_BYTES_MAX, config);
    if (length <= 0)
    {
        drop(supervisor, "it cannot be encoded");
        return;
    }
    if (NULL != supervisor->answers)
    {
        keep(supervisor, (size_t)length);
        return;
    }
    const int64_t result = offer(supervisor->publication, supervisor->buffer, (size_t)length);        /* S-007 S-010 S-074 */
    if (result > 0) { supervisor->stats.configs_sent++; }
    else if (can_wait(result)) { keep(supervisor, (size_t)length); }
    else { drop(supervisor, tp_result_name(result)); }
}

static void discard(tpi_supervisor_t *supervisor, tpi_answer_t *answer)
{
    DL_DELETE(supervisor->answers, answer);
    supervisor->answer_count--;
    tpi_free(answer);
}

int tpi_supervisor_flush(tpi_supervisor_t *supervisor)
{
    int work = 0;
    while (NULL != supervisor->answers)
    {
        tpi_answer_t *const first = supervisor->answers;
        const int64_t result = offer(supervisor->publication, first->data, first->length);
        const bool is_over = supervisor->now_ns > first->give_up_ns;
        if (result <= 0 && can_wait(result) && !is_over) { break; }
        if (result > 0) { supervisor->stats.configs_sent++; }
        else { drop(supervisor, is_over ? "its time is over" : tp_result_name(result)); }
        discard(supervisor, first);
        work++;
    }
    return work;
}

void tpi_supervisor_proxy_fini(tpi_supervisor_t *supervisor)
{
    while (NULL != supervisor->answers) { discard(supervisor, supervisor->answers); }
    if (NULL != supervisor->publication_async) { tpi_bus_async_cancel(supervisor->publication_async); }
    tpi_publication_close(supervisor->publication);
    tpi_free(supervisor->buffer);
}

/* See wake_source.h. A request that fails is made again after a pause that doubles up to a minute (limit on every loop). */
#include "client/wake_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "runtime/local_socket.h"

#define ANSWER_NS (2 * TPI_NS_PER_S)
#define PAUSE_MIN_NS (50 * TPI_NS_PER_MS)
#define PAUSE_MAX_NS (60 * TPI_NS_PER_S)

tpi_wake_source_t *tpi_wake_source_get(tp_client_t *client, uint32_t stream_id, int64_t now_ns)
{
    const tpi_endpoint_t *const endpoint = &client->endpoint;
    if (!client->has_endpoint || '\0' == endpoint->wake_path[0]) { return NULL; }
    for (tpi_wake_source_t *s = client->wakes; NULL != s; s = s->next)
    {
        if (s->stream_id != stream_id || s->token != endpoint->instance_token) { continue; }
        s->refs++;
        return s;
    }
    tpi_wake_source_t *const s = tpi_alloc(sizeof(*s));
    if (NULL == s) { return NULL; }
    *s = (tpi_wake_source_t){ .client = client, .stream_id = stream_id, .token = endpoint->instance_token, .refs = 1, .next_ns = now_ns,
        .pause_ns = PAUSE_MIN_NS, .next = client->wakes };
    client->wakes = s;
    return s;
}

void tpi_wake_source_put(tpi_wake_source_t *source)
{
    if (NULL == source || 0 != --source->refs) { return; }
    for (tpi_wake_source_t **at = &source->client->wakes; NULL != *at; at = &(*at)->next)
    {
        if (source == *at) { *at = source->next; break; }
    }
    tpi_local_ask_close(source->ask);
    tpi_wake_page_unmap(source->page);
    tpi_free(source);
}

bool tpi_wake_source_is_stale(const tpi_wake_source_t *source, uint32_t stream_id)
{
    const tp_client_t *const client = source->client;
    return source->stream_id != stream_id || (client->has_endpoint && client->endpoint.instance_token != source->token);
}

/* ---- asking ------------------------------------------------------------------------------------------------------------- */

static void failed(tpi_wake_source_t *s, int64_t now_ns)
{
    TPI_LOG_DEBUG("stream %" PRIu32 ": no wake-up page: %s", s->stream_id, tp_errmsg());
    tpi_local_ask_close(s->ask);
    s->ask = NULL;
    s->next_ns = now_ns + s->pause_ns;                     /* L-209 */
    s->pause_ns = s->pause_ns > PAUSE_MAX_NS / 2 ? PAUSE_MAX_NS : 2 * s->pause_ns;
}

static void begin(tpi_wake_source_t *s, int64_t now_ns)
{
    char line[64];
    const tp_client_t *const client = s->client;
    if (!client->has_endpoint || client->endpoint.instance_token != s->token) { return; }
    (void)snprintf(line, sizeof(line), "{\"cmd\":\"wake\",\"stream\":%" PRIu32 "}\n", s->stream_id);
    s->give_up_ns = now_ns + ANSWER_NS;
    if (tpi_local_ask_start(&s->ask, client->endpoint.wake_path, client->endpoint.owner_uid, line) < 0) { failed(s, now_ns); }
}

static int take(tpi_wake_source_t *s, int64_t now_ns)
{
    int fd = -1;
    const int rc = tpi_local_ask_poll(s->ask, &fd);
    if (0 == rc && now_ns < s->give_up_ns) { return 0; }
    if (0 == rc) { TPI_SET_ERR(TP_ETIMEDOUT, "the driver did not answer within %d s", (int)(ANSWER_NS / TPI_NS_PER_S)); }
    const bool is_mapped = rc > 0 && 0 == tpi_wake_page_map(&s->page, fd);
    if (fd >= 0) { (void)close(fd); }
    if (!is_mapped)
    {
        failed(s, now_ns);
        return 1;
    }
    tpi_local_ask_close(s->ask);
    s->ask = NULL;
    return 1;
}

int tpi_wake_sources_work(tp_client_t *client, int64_t now_ns)
{
    int work = 0;
    for (tpi_wake_source_t *s = client->wakes; NULL != s; s = s->next)
    {
        if (NULL != s->page) { continue; }
        if (NULL == s->ask && now_ns >= s->next_ns) { begin(s, now_ns); }
        if (NULL != s->ask) { work += take(s, now_ns); }
    }
    return work;
}

/* Facts are published, not hidden: keys and labels are those of runtime/tp_counters. */
#include "client/client_counters.h"

#include <stdio.h>
#include <unistd.h>

#include "client/producer_state.h"

static const char *kind_name(uint8_t kind)
{
    switch (kind)
    {
        case TPI_CLIENT_FRAMES: return "frames";
        case TPI_CLIENT_BYTES: return "bytes";
        case TPI_CLIENT_DROPS_GAP: return "drops_gap";
        case TPI_CLIENT_DROPS_LATE: return "drops_late";
        case TPI_CLIENT_DROPS_OTHER: return "drops_other";
        case TPI_CLIENT_LAST_SEQ: return "last_seq";
        case TPI_CLIENT_LATENCY_P50: return "latency_p50_ns";
        case TPI_CLIENT_LATENCY_P99: return "latency_p99_ns";
        case TPI_CLIENT_LATENCY_MAX: return "latency_max_ns";
        default: return "unknown";
    }
}

static void name_of(char name[48], uint8_t kind)
{
    if (kind >= TPI_CLIENT_DROPS) { (void)snprintf(name, 48, "drops_%s", tp_drop_reason_name(kind - TPI_CLIENT_DROPS)); }
    else { (void)snprintf(name, 48, "%s", kind_name(kind)); }
}

void tpi_client_counters_ask(tp_client_t *client, tpi_connection_t *connection, const tpi_counter_identity_t *who, const uint8_t *kinds, size_t count,
    tpi_open_t **opens)
{
    const uint64_t pid = (uint64_t)getpid();
    for (size_t i = 0; i < count; i++)
    {
        uint8_t key[TPI_COUNTER_KEY_MAX];
        char label[TPI_COUNTER_LABEL_MAX];
        char name[48];
        const tpi_counter_key_client_t k = { .pid = pid, .stream_id = who->stream_id, .client_id = who->client_id, .role = who->role,
            .kind = kinds[i] };
        const size_t key_length = tpi_counter_key_client_put(key, &k);
        (void)tpi_label_init(label, sizeof(label), "tp-client");
        name_of(name, kinds[i]);
        (void)tpi_label_add(label, sizeof(label), "kind", name);
        (void)tpi_label_add_u64(label, sizeof(label), "stream", who->stream_id);
        (void)tpi_label_add_u64(label, sizeof(label), "client", who->client_id);
        (void)tpi_label_add(label, sizeof(label), "role", TP_ROLE_PRODUCER == who->role ? "producer" : "consumer");
        (void)tpi_label_add_u64(label, sizeof(label), "pid", pid);
        (void)tpi_label_add(label, sizeof(label), "name", client->settings.client_name);
        opens[i] = tpi_open_counter(connection, TPI_COUNTER_CLIENT, key, key_length, label);
    }
}

void tpi_client_counters_set(tpi_connection_t *connection, tpi_counter_t **counters, tpi_open_t **opens, const int64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        void *counter = NULL;
        if (NULL != opens[i] && 1 == tpi_open_take(connection, &opens[i], &counter)) { counters[i] = counter; }
        tpi_counter_set(counters[i], values[i]);
    }
}

void tpi_client_counters_forget(tpi_counter_t **counters, tpi_open_t **opens, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        counters[i] = NULL;
        opens[i] = NULL;
    }
}

void tpi_client_counters_close(tpi_connection_t *connection, tpi_counter_t **counters, tpi_open_t **opens, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        tpi_open_abandon(connection, &opens[i]);
        tpi_counter_close(counters[i]);
        counters[i] = NULL;
    }
}

void tpi_producer_counters(tp_producer_t *producer)
{
    static const uint8_t kinds[] = { TPI_CLIENT_FRAMES, TPI_CLIENT_BYTES, TPI_CLIENT_LAST_SEQ };
    tp_producer_t *p = producer;
    if (NULL == p->connection || (NULL == p->published && !p->counters_asked)) { return; }
    if (!p->counters_asked)
    {
        const tpi_counter_identity_t who = { tpi_load_u32(&p->stream_id), tpi_load_u32(&p->client_id), TP_ROLE_PRODUCER };
        tpi_client_counters_ask(p->client, p->connection, &who, kinds, 3, p->counter_opens);
        p->counters_asked = true;
    }
    const uint64_t next = tpi_producer_shown_seq(p);
    const int64_t values[] = { (int64_t)tpi_producer_frames(p), (int64_t)tpi_stat_get(&p->bytes), 0 == next ? -1 : (int64_t)(next - 1) };
    tpi_client_counters_set(p->connection, p->counters, p->counter_opens, values, 3);
}

/* ---- the conductor itself ----------------------------------------------------------------------------------------------- */

static void ask_agent(tp_client_t *client)
{
    static const char *const names[] = { "max_cycle_ns", "cycles" };
    for (uint8_t i = 0; i < TPI_AGENT_COUNTERS; i++)
    {
        uint8_t key[TPI_COUNTER_KEY_MAX];
        char label[TPI_COUNTER_LABEL_MAX];
        const tpi_counter_key_agent_t k = { .pid = (uint64_t)getpid(), .client = client->number, .kind = (uint8_t)(TPI_AGENT_MAX_CYCLE + i) };
        const size_t key_length = tpi_counter_key_agent_put(key, &k);
        (void)tpi_label_init(label, sizeof(label), "tp-agent");
        (void)tpi_label_add(label, sizeof(label), "kind", names[i]);
        (void)tpi_label_add(label, sizeof(label), "agent", "tp-client");
        (void)tpi_label_add_u64(label, sizeof(label), "pid", k.pid);
        (void)tpi_label_add(label, sizeof(label), "name", client->settings.client_name);
        client->agent_opens[i] = tpi_open_counter(client->connection, TPI_COUNTER_AGENT, key, key_length, label);
    }
    client->agent_asked = true;
}

void tpi_client_agent_counters(tp_client_t *client)
{
    const bool wanted = NULL != client->producers || NULL != client->consumers;        /* a tool that only looks around leaves no trace */
    if (NULL == client->connection || !client->connection->ready || (!wanted && !client->agent_asked)) { return; }
    if (!client->agent_asked) { ask_agent(client); }
    const int64_t values[TPI_AGENT_COUNTERS] = { (int64_t)tpi_stat_get(&client->max_cycle_ns), (int64_t)tpi_stat_get(&client->cycles) };
    tpi_client_counters_set(client->connection, client->agent_counters, client->agent_opens, values, TPI_AGENT_COUNTERS);
}

void tpi_client_agent_counters_forget(tp_client_t *client)
{
    tpi_client_counters_forget(client->agent_counters, client->agent_opens, TPI_AGENT_COUNTERS);
    client->agent_asked = false;
}

/*
 * Owns the life of a client, its thread, and the commands that other threads send to the conductor. One thread at a time is the conductor; a second
 * one is refused (trap L1).
 */
#include "client/client_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "client/authority.h"
#include "client/client_counters.h"
#include "client/join_state.h"
#include "client/wake_source.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "shm/fault.h"

#define SEND_CAPACITY (64u * 1024u + 64u)               /* the longest chunk of a blob with its header */
#define RECONNECT_FIRST_NS (50 * TPI_NS_PER_MS)
#define RECONNECT_MAX_NS (500 * TPI_NS_PER_MS)
#define AGENT_PARK_MIN_NS (50 * TPI_NS_PER_US)
#define AGENT_PARK_MAX_NS (4 * TPI_NS_PER_MS)          /* control messages wait no longer than this */
#define AGENT_PARK_QUIET_NS (20 * TPI_NS_PER_MS)        /* nor than this, when nothing was urgent for a while */
#define QUIET_AFTER_NS (5 * TPI_NS_PER_S)
#define AGENT_PARK_CALM_NS TPI_ENDPOINT_PERIOD_NS       /* nor than this, when all it has are readers asleep: the end of a driver is seen so soon */
#define PARKS_PER_KEEPALIVE 8
#define CALM_PARKS_PER_KEEPALIVE 5
#define AGENT_PARK_HURRY_NS (100 * TPI_NS_PER_US)
#define HURRY_NS (100 * TPI_NS_PER_MS)
#define CLOSE_GRACE_NS (200 * TPI_NS_PER_MS)
#define DISPOSE_TIMEOUT_NS (10 * TPI_NS_PER_S)

/* ---- creation ----------------------------------------------------------------------------------------------------------- */

void tpi_client_delete(tp_client_t *client)
{
    if (NULL == client) { return; }
    tpi_attachment_delete_all(client);
    tpi_connection_close_all(client);
    tpi_dispatcher_delete(client->dispatcher);
    tpi_dispatcher_delete(client->announce_dispatcher);
    tpi_dispatcher_delete(client->qos_dispatcher);
    tpi_dispatcher_delete(client->metadata_dispatcher);
    tpi_events_fini(&client->events);
    tpi_mpsc_queue_delete(client->commands);
    tpi_base_dirs_fini(&client->bases);
    tpi_endpoint_watch_close(&client->endpoint_watch);
    tp_context_close(client->context);
    tpi_free(client->send_buffer);
    tpi_parker_fini(&client->done);
    tpi_free(client);
}

int tpi_client_resolve_bases(tp_client_t *client)
{
    char text[sizeof(client->settings.base_dirs)];
    const char *dirs[TPI_BASE_DIRS_MAX];
    size_t count = 0;
    char *rest = NULL;
    memcpy(text, client->settings.base_dirs, sizeof(text));
    for (char *dir = strtok_r(text, ":", &rest); NULL != dir && count < TPI_BASE_DIRS_MAX; dir = strtok_r(NULL, ":", &rest))
    {
        const bool optional = client->settings.base_dirs_are_default || client->has_endpoint;
        if (optional && 0 != access(dir, F_OK)) { continue; }
        dirs[count++] = dir;
    }
    tpi_base_dirs_t next;
    if (tpi_base_dirs_init(&next, dirs, count) < 0) { return -1; }
    tpi_base_dirs_fini(&client->bases);
    client->bases = next;
    return 0;
}

int tpi_client_map(tp_client_t *client, tpi_pool_set_t **set, const tpi_pool_set_spec_t *spec, bool writable)
{
    if (tpi_pool_set_map(set, spec, &client->bases, writable, NULL) < 0) { return -1; }
    if (client->settings.lock_memory && tpi_pool_set_lock(*set) < 0)                                  /* D-193 */
    {
        TPI_LOG_WARN(tp_errcode(), "stream %" PRIu32 ": used unlocked: %s", spec->stream_id, tp_errmsg());
    }
    return 0;
}

static int seed_ids(tp_client_t *client)
{
    uint64_t seeds[2];
    if ((ssize_t)sizeof(seeds) != getrandom(seeds, sizeof(seeds), 0))
    {
        TPI_SET_ERR(TP_EINTERNAL, "the system gives no random bytes");
        return -1;
    }
    tpi_id_source_init(&client->ids, seeds[0], seeds[1]);                                 /* D-026 */
    client->number = tpi_id_source_random(&client->ids);
    return 0;
}

int tpi_client_create(tp_client_t **client, const tp_context_t *context, const tpi_client_hooks_t *hooks)
{
    tp_client_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    if (tpi_parker_init(&c->done) < 0)
    {
        tpi_free(c);
        return -1;
    }
    c->hooks = *hooks;
    tpi_endpoint_watch_init(&c->endpoint_watch);
    c->send_capacity = SEND_CAPACITY;
    c->send_buffer = tpi_alloc(c->send_capacity);
    c->context = tpi_context_copy(context);
    if (NULL == c->send_buffer || NULL == c->context || seed_ids(c) < 0) { goto fail; }
    c->has_endpoint = NULL != hooks->find_endpoint && 0 == hooks->find_endpoint(hooks->clientd, c->context, &c->endpoint);
    if (tpi_context_resolve(c->context, c->has_endpoint ? &c->endpoint : NULL, &c->settings) < 0 || tpi_client_resolve_bases(c) < 0) { goto fail; }
    if (c->settings.fault_guard && tpi_fault_guard_install() < 0) { goto fail; }
    c->is_invoker = c->settings.invoker;
    c->idle = c->settings.idle;
    c->announce_period_ns = c->settings.announce_period_ns;
    c->discovery = (tpi_discovery_settings_t){ .request = c->settings.discovery, .response = c->settings.discovery_response,
        .timeout_ns = c->settings.driver_timeout_ns };
    const int64_t found_ns = c->has_endpoint ? tpi_clock_monotonic_ns() : 0;
    atomic_store_explicit(&c->driver_seen_ns, found_ns, memory_order_relaxed);
    c->next_endpoint_ns = c->has_endpoint ? found_ns + TPI_ENDPOINT_PERIOD_NS : 0;
    if (tpi_mpsc_queue_create(&c->commands, TPI_COMMANDS_MAX) < 0 || tpi_dispatcher_create(&c->dispatcher) < 0 ||
        tpi_dispatcher_create(&c->announce_dispatcher) < 0 || tpi_dispatcher_create(&c->qos_dispatcher) < 0 ||
        tpi_dispatcher_create(&c->metadata_dispatcher) < 0 || tpi_events_add_routes(c) < 0 || tpi_client_add_routes(c) < 0)
    {
        goto fail;
    }
    tpi_backoff_init(&c->reconnect, RECONNECT_FIRST_NS, RECONNECT_MAX_NS, tpi_id_source_random(&c->ids) | 1u);
    *client = c;
    return 0;

fail:
    tpi_client_delete(c);
    return -1;
}

static int hand_over(void *clientd, const tpi_settings_t *settings, tpi_bus_t **bus)
{
    (void)settings;
    *bus = clientd;
    return 0;
}

static int no_more(void *clientd, const tpi_settings_t *settings, tpi_bus_t **bus)
{
    (void)clientd;
    (void)settings;
    (void)bus;
    TPI_SET_ERR(TP_ENOMEDIADRIVER, "the bus of this client is gone");
    return -1;
}

int tpi_client_create_on_bus(tp_client_t **client, const tp_context_t *context, tpi_bus_t *bus)
{
    const tpi_client_hooks_t hooks = { .open_bus = hand_over, .find_endpoint = NULL, .clientd = bus };
    if (tpi_client_create(client, context, &hooks) < 0) { return -1; }
    (*client)->is_invoker = true;
    (*client)->is_stepped = true;
    if (tpi_connection_open(*client, 0) < 0)
    {
        tpi_client_delete(*client);
        *client = NULL;
        return -1;
    }
    (*client)->hooks.open_bus = no_more;
    return 0;
}

/* ---- the agent ---------------------------------------------------------------------------------------------------------- */

/* Connected, and nobody waits for an answer or for messages of others. */
static bool is_plain(const tp_client_t *client)
{
    const tpi_connection_t *const c = client->connection;
    return NULL != c && c->ready && NULL == c->opens && NULL == client->pending && NULL == client->discoveries && NULL == client->barriers &&
        NULL == client->authorities && NULL == client->traffic && !tpi_events_want_any(&client->events);
}

/* Producers and consumers, but nothing about them was urgent for a while. */
static bool is_quiet(const tp_client_t *client)
{
    if (!is_plain(client) || atomic_load_explicit(&client->last_now_ns, memory_order_relaxed) < client->quiet_ns) { return false; }
    for (const tp_consumer_t *one = client->consumers; NULL != one; one = tpi_consumer_next_of(one))
    {
        if (tpi_consumer_wants_progress(one)) { return false; }
    }
    for (const tp_client_t *child = client->children; NULL != child; child = child->sibling)
    {
        if (!is_quiet(child)) { return false; }
    }
    return true;
}

/* So that keepalives are sent in time, also those of the clients turned with this one. */
static int64_t keepalive_limit_ns(const tp_client_t *client, int64_t limit_ns, int parks)
{
    limit_ns = tpi_least_ns(limit_ns, client->settings.keepalive_interval_ns / parks);                      /* L-211 L-308 */
    for (const tp_client_t *child = client->children; NULL != child; child = child->sibling)
    {
        limit_ns = keepalive_limit_ns(child, limit_ns, parks);
    }
    return limit_ns;
}

/* Nothing but readers that sleep until their producers wake them: no message is urgent. */
static bool is_calm(const tp_client_t *client)
{
    if (NULL != client->producers || !is_plain(client)) { return false; }
    for (const tp_consumer_t *one = client->consumers; NULL != one; one = tpi_consumer_next_of(one))
    {
        if (!tpi_consumer_is_calm(one)) { return false; }
    }
    for (const tp_client_t *child = client->children; NULL != child; child = child->sibling)
    {
        if (!is_calm(child)) { return false; }
    }
    return true;
}

int64_t tpi_client_park_limit_ns(const tp_client_t *client)
{
    if (tpi_clock_monotonic_ns() < atomic_load_explicit(&client->hurry_until_ns, memory_order_relaxed)) { return AGENT_PARK_HURRY_NS; }
    int64_t limit_ns = AGENT_PARK_MAX_NS;
    if (NULL != client->consumers && is_calm(client)) { limit_ns = keepalive_limit_ns(client, AGENT_PARK_CALM_NS, CALM_PARKS_PER_KEEPALIVE); }
    else if (is_quiet(client)) { limit_ns = keepalive_limit_ns(client, AGENT_PARK_QUIET_NS, PARKS_PER_KEEPALIVE); }
    return limit_ns > AGENT_PARK_MAX_NS ? limit_ns : AGENT_PARK_MAX_NS;
}

/* A calm or quiet client does not stay up for the messages that come by every second. */
static int agent_work(void *state, int64_t now_ns)
{
    tp_client_t *const client = state;
    const int work = tpi_client_do_work_at(client, now_ns);
    return work > 0 && tpi_client_park_limit_ns(client) > AGENT_PARK_MAX_NS ? 0 : work;
}

static int64_t agent_park_limit(void *state) { return tpi_client_park_limit_ns(state); }

void tpi_client_nudge(tp_client_t *client)
{
    tpi_client_hurry(client, tpi_clock_monotonic_ns());
    tpi_agent_runner_wake(NULL == client->parent ? client->runner : client->parent->runner);
}

void tpi_client_hurry(tp_client_t *client, int64_t now_ns)
{
    tp_client_t *turned = NULL == client->parent ? client : client->parent;
    atomic_store_explicit(&turned->hurry_until_ns, now_ns + HURRY_NS, memory_order_relaxed);
}

int tp_client_start(tp_client_t *client)
{
    if (NULL == client) { TPI_SET_ERR(TP_EINVAL, "client is NULL"); return -1; }
    if (client->is_invoker || NULL != client->runner)
    {
        TPI_SET_ERR(TP_ESTATE, NULL != client->runner ? "client is started already" : "client is in invoker mode: call tp_client_do_work");
        return -1;
    }
    atomic_store(&client->conductor, 0);                   /* whoever turned it before hands over */
    const tpi_agent_t agent = { .name = "tp-client", .state = client, .do_work = agent_work, .on_close = NULL, .park_limit = agent_park_limit,
        .pinned = client->settings.agent_cpu >= 0, .cpu = client->settings.agent_cpu };
    return tpi_agent_runner_start(&client->runner, &agent, client->idle, AGENT_PARK_MIN_NS, AGENT_PARK_CALM_NS);
}

/* ---- one cycle ---------------------------------------------------------------------------------------------------------- */

static int run_commands(tp_client_t *client, int64_t now_ns)
{
    int work = 0;
    tpi_command_t **end = &client->pending;
    while (NULL != *end) { end = &(*end)->next; }
    for (tpi_command_t *command; NULL != (command = tpi_mpsc_queue_take(client->commands)); work++)
    {
        command->next = NULL;                              /* in the order of the calls */
        *end = command;
        end = &command->next;
    }
    for (tpi_command_t **at = &client->pending; NULL != *at;)
    {
        tpi_command_t *command = *at;
        const int outcome = command->run(command, now_ns);
        command->started = true;
        if (0 == outcome)
        {
            at = &command->next;
            continue;
        }
        *at = command->next;
        tpi_stat_add(&client->commands_done, 1);
        tpi_command_finish(command, outcome);              /* not touched after this (L2) */
        tpi_parker_wake(&client->done);
        work++;
    }
    return work;
}

static void tick(tp_client_t *client, int64_t now_ns)
{
    if (now_ns < client->next_tick_ns) { return; }
    client->next_tick_ns = now_ns + TPI_TICK_NS;
    tpi_connection_tick(client, now_ns);
    tpi_events_tick(client, now_ns);
    tpi_client_stats_tick(client);
    tpi_client_agent_counters(client);
    for (tp_producer_t *p = client->producers; NULL != p; p = tpi_producer_next(p)) { tpi_producer_tick(p, now_ns); }
    for (tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c)) { tpi_consumer_tick(c, now_ns); }
}

int tpi_client_do_work_at(tp_client_t *client, int64_t now_ns)
{
    uint64_t nobody = 0;
    const uint64_t self = tpi_thread_self();
    if (!atomic_compare_exchange_strong(&client->conductor, &nobody, self) && self != nobody)
    {
        TPI_SET_ERR(TP_ETHREAD, "tp_client_do_work called from a second thread; one thread is the conductor");        /* L1 */
        return -1;
    }
    if (atomic_exchange(&client->in_do_work, true))
    {
        TPI_SET_ERR(TP_ESTATE, "tp_client_do_work called from inside a callback");                                     /* A4 */
        return -1;
    }
    atomic_store_explicit(&client->last_now_ns, now_ns, memory_order_relaxed);
    int work = tpi_connection_do_work(client, now_ns);
    work += tpi_discovery_work(client, now_ns);
    work += run_commands(client, now_ns);
    work += tpi_attachment_work(client, now_ns);
    work += tpi_wake_sources_work(client, now_ns);
    for (tp_producer_t *p = client->producers; NULL != p; p = tpi_producer_next(p)) { work += tpi_producer_work(p, now_ns); }
    for (tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c)) { work += tpi_consumer_work(c, now_ns); }
    work += tpi_join_work(client, now_ns);
    tick(client, now_ns);
    work += tpi_children_work(client, now_ns);
    if (now_ns < atomic_load_explicit(&client->hurry_until_ns, memory_order_relaxed)) { client->quiet_ns = now_ns + QUIET_AFTER_NS; }
    tpi_stat_add(&client->cycles, 1);
    tpi_stat_add(&client->work, (uint64_t)work);
    const int64_t took_ns = client->is_stepped ? 0 : tpi_clock_monotonic_ns() - now_ns;
    if (took_ns > (int64_t)tpi_stat_get(&client->max_cycle_ns)) { tpi_stat_set(&client->max_cycle_ns, (uint64_t)took_ns); }
    atomic_store(&client->in_do_work, false);
    return work;
}

int64_t tpi_client_now(const tp_client_t *client)
{
    if (!client->is_stepped) { return tpi_clock_monotonic_ns(); }
    return atomic_load_explicit(&((tp_client_t *)(uintptr_t)client)->last_now_ns, memory_order_relaxed);
}

int tp_client_do_work(tp_client_t *client)
{
    if (NULL == client) { TPI_SET_ERR(TP_EINVAL, "client is NULL"); return -1; }
    if (NULL != client->runner)
    {
        TPI_SET_ERR(TP_ETHREAD, "tp_client_do_work called although the agent thread runs the conductor");             /* L1 */
        return -1;
    }
    return tpi_client_do_work_at(client, tpi_client_now(client));
}

void tp_client_idle(tp_client_t *client, int work)
{
    tpi_idle_t idle;
    if (NULL == client || work > 0) { return; }
    tpi_idle_init(&idle, client->idle, TPI_NS_PER_MS, TPI_NS_PER_MS);
    idle.spins = UINT32_MAX;
    idle.yields = UINT32_MAX;
    tpi_idle(&idle, 0, -1);
}

int tp_client_main_do_work(tp_client_t *client, const volatile bool *running)
{
    tpi_idle_t idle;
    if (NULL == client || NULL == running) { TPI_SET_ERR(TP_EINVAL, "client or running is NULL"); return -1; }
    tpi_idle_init(&idle, client->idle, AGENT_PARK_MIN_NS, AGENT_PARK_MAX_NS);
    while (*running)
    {
        const int work = tp_client_do_work(client);
        if (work < 0) { return -1; }
        tpi_idle(&idle, work, agent_park_limit(client));
    }
    return 0;
}

/* ---- commands ----------------------------------------------------------------------------------------------------------- */

bool tpi_client_on_conductor(const tp_client_t *client)
{
    return atomic_load(&((tp_client_t *)(uintptr_t)client)->conductor) == tpi_thread_self();
}

bool tpi_client_in_callback(const tp_client_t *client)
{
    const tp_client_t *parent = client->parent;
    return tpi_client_on_conductor(client) && (atomic_load(&client->in_do_work) || (NULL != parent && atomic_load(&parent->in_do_work)));
}

int tpi_client_enqueue(tp_client_t *client, tpi_command_t *command)
{
    if (!tpi_mpsc_queue_push(client->commands, command))
    {
        TPI_SET_ERR(TP_EFULL, "%d calls are waiting for the conductor already", TPI_COMMANDS_MAX);
        TPI_ERR_WHY("in invoker mode nothing happens unless tp_client_do_work is called");
        return -1;
    }
    tpi_client_nudge(client);
    return 0;
}

/* done: what the conductor wakes when a command is finished; ticket of before it was looked for. NULL: sleeps until the time is over. */
static int wait_turn(tp_client_t *client, tpi_idle_t *idle, tpi_parker_t *done, uint64_t ticket)
{
    if (NULL != client->parent) { client = client->parent; }
    const uint64_t conductor = atomic_load(&client->conductor);
    const bool mine = conductor == tpi_thread_self();
    if (mine && atomic_load(&client->in_do_work))
    {
        TPI_SET_ERR(TP_ESTATE, "a call that waits was made from inside a callback");                                  /* A4 */
        return -1;
    }
    if (NULL == client->runner && (mine || 0 == conductor))
    {
        const int work = tpi_client_do_work_at(client, tpi_client_now(client));
        if (NULL != idle) { tpi_idle(idle, work, -1); }
        return 0;
    }
    if (NULL != done) { tpi_parker_park(done, ticket, tpi_idle_step(idle)); }
    else if (NULL != idle) { tpi_idle(idle, 0, -1); }
    return 0;
}

int tpi_client_wait_step(tp_client_t *client, tpi_idle_t *idle) { return wait_turn(client, idle, NULL, 0); }

int tpi_client_call(tp_client_t *client, tpi_command_t *command, int64_t timeout_ns)
{
    tpi_idle_t idle;
    const int64_t deadline_ns = tpi_clock_add_ns(tpi_clock_monotonic_ns(), timeout_ns);
    if (tpi_client_in_callback(client))
    {
        TPI_SET_ERR(TP_ESTATE, "a call that waits was made from inside a callback");
        tpi_command_delete(command);
        return TPI_CALL_NOT_SENT;
    }
    if (tpi_client_enqueue(client, command) < 0)
    {
        tpi_command_delete(command);
        return TPI_CALL_NOT_SENT;
    }
    tpi_idle_init(&idle, TPI_IDLE_BACKOFF, 20 * TPI_NS_PER_US, TPI_NS_PER_MS);
    for (;;)
    {
        const uint64_t ticket = tpi_parker_ticket(&client->done);
        const int rc = tpi_command_poll(command);
        if (0 != rc)
        {
            tpi_command_delete(command);
            return rc < 0 ? -1 : 0;
        }
        if (tpi_clock_monotonic_ns() > deadline_ns && tpi_command_abandon(command))
        {
            TPI_SET_ERR(TP_ETIMEDOUT, "the conductor did not answer within %" PRId64 " ms", timeout_ns / TPI_NS_PER_MS);
            return -1;
        }
        if (wait_turn(client, &idle, &client->done, ticket) < 0 && tpi_command_abandon(command)) { return -1; }
    }
}

/* ---- opening and closing what the conductor owns ------------------------------------------------------------------------ */

static void dispose_object(tpi_command_t *command) { command->dispose(command->object, tpi_client_now(command->owner)); }

/* The client ends. What was started is in one of its lists and ends with it. */
static void unmake_object(tpi_command_t *command)
{
    if (!command->started) { command->unmake(command->object); }
}

static int create_opening(tpi_command_t **command, tp_client_t *client, const tpi_opening_t *how, void *object)
{
    if (NULL == object) { return -1; }
    if (tpi_command_create(command, how->run, client, object) < 0)
    {
        how->unmake(object);
        return -1;
    }
    (*command)->dispose = how->dispose;
    (*command)->unmake = how->unmake;
    (*command)->on_abandoned = dispose_object;
    (*command)->on_closed = unmake_object;
    return 0;
}

int tpi_client_open(tp_client_t *client, const tpi_opening_t *how, void *object, int64_t timeout_ns)
{
    tpi_command_t *command = NULL;
    if (create_opening(&command, client, how, object) < 0) { return -1; }
    const int rc = tpi_client_call(client, command, timeout_ns);
    if (TPI_CALL_NOT_SENT == rc) { how->unmake(object); }
    return rc < 0 ? -1 : 0;
}

int tpi_client_open_async(tpi_command_t **command, tp_client_t *client, const tpi_opening_t *how, void *object)
{
    tpi_command_t *c = NULL;
    if (create_opening(&c, client, how, object) < 0) { return -1; }
    if (tpi_client_enqueue(client, c) < 0)
    {
        tpi_command_delete(c);
        how->unmake(object);
        return -1;
    }
    *command = c;
    return 0;
}

int tpi_client_open_poll(tpi_command_t *command, void **object)
{
    if (NULL == command || NULL == object) { TPI_SET_ERR(TP_EINVAL, "async or the place for its result is NULL"); return -1; }
    const int rc = tpi_command_poll(command);
    if (0 == rc) { return 0; }
    if (rc > 0) { *object = command->object; }
    tpi_command_delete(command);
    return rc;
}

static int run_dispose(tpi_command_t *command, int64_t now_ns)
{
    command->dispose(command->object, now_ns);
    return 1;
}

/* From a callback, on the conductor: done after the callback, also when the ring is full. */
static void dispose_later(tp_client_t *client, tpi_command_t *command)
{
    if (tpi_client_enqueue(client, command) < 0)
    {
        tpi_command_t **end = &client->pending;
        while (NULL != *end) { end = &(*end)->next; }
        *end = command;
    }
    (void)tpi_command_abandon(command);
}

void tpi_client_dispose(tp_client_t *client, void (*dispose)(void *object, int64_t now_ns), void *object)
{
    tpi_command_t *command = NULL;
    if (atomic_load(&client->closing) || (tpi_client_on_conductor(client) && !atomic_load(&client->in_do_work) && NULL == client->runner))
    {
        dispose(object, tpi_client_now(client));
        return;
    }
    if (tpi_command_create(&command, run_dispose, client, object) < 0) { return; }        /* out of memory: closed with the client */
    command->dispose = dispose;
    command->on_closed = dispose_object;
    const bool in_callback = tpi_client_on_conductor(client) && atomic_load(&client->in_do_work);
    if (in_callback)
    {
        dispose_later(client, command);
        return;
    }
    tpi_idle_t idle;
    tpi_idle_init(&idle, TPI_IDLE_BACKOFF, 20 * TPI_NS_PER_US, TPI_NS_PER_MS);
    while (tpi_client_enqueue(client, command) < 0)
    {
        if (tpi_client_wait_step(client, &idle) < 0)
        {
            tpi_command_delete(command);
            return;
        }
    }
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DISPOSE_TIMEOUT_NS;
    while (0 == tpi_command_poll(command))
    {
        (void)tpi_client_wait_step(client, &idle);
        /* nobody turns the conductor; it ends with it */
        if (tpi_clock_monotonic_ns() > deadline_ns && tpi_command_abandon(command)) { return; }
    }
    tpi_command_delete(command);
}

void tpi_client_report(tp_client_t *client)
{
    tpi_stat_add(&client->errors, 1);
    tpi_log_err(TP_LOG_WARN);
    if (NULL != client->settings.error_handler) { client->settings.error_handler(client->settings.error_clientd, tp_errcode(), tp_errmsg()); }
}

/* ---- the end ------------------------------------------------------------------------------------------------------------ */

static void end_command(tpi_command_t *command)
{
    if (NULL != command->on_closed) { command->on_closed(command); }
    TPI_SET_ERR(TP_ESTATE, "client is closed");
    tpi_command_finish(command, -1);
}

static void end_commands(tp_client_t *client)
{
    while (NULL != client->pending)
    {
        tpi_command_t *command = client->pending;
        client->pending = command->next;
        end_command(command);
    }
    for (tpi_command_t *command; NULL != (command = tpi_mpsc_queue_take(client->commands));) { end_command(command); }
}

void tp_client_close(tp_client_t *client)
{
    if (NULL == client) { return; }
    tpi_agent_runner_close(client->runner);
    client->runner = NULL;
    atomic_store(&client->conductor, 0);                   /* the closing thread is the conductor now */
    tpi_children_close(client);
    atomic_store(&client->closing, true);
    end_commands(client);                                  /* what they are about is closed next */
    while (NULL != client->producers) { tp_producer_close(client->producers); }
    while (NULL != client->consumers) { tp_consumer_close(client->consumers); }
    tpi_discovery_close_all(client);
    tpi_traffic_close_all(client);
    tpi_join_client_gone(client);
    for (tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        if (NULL != a->owner) { tpi_attachment_close(a, tpi_client_now(client)); }
    }
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + CLOSE_GRACE_NS;
    tpi_idle_t idle;
    tpi_idle_init(&idle, TPI_IDLE_BACKOFF, 50 * TPI_NS_PER_US, TPI_NS_PER_MS);
    while (NULL != client->connection && tpi_attachment_has_unsent(client) && tpi_clock_monotonic_ns() < deadline_ns)
    {
        tpi_idle(&idle, tp_client_do_work(client), -1);
    }
    tpi_client_delete(client);
}

bool tp_client_is_connected(const tp_client_t *client)
{
    return NULL != client && atomic_load_explicit(&((tp_client_t *)(uintptr_t)client)->connected, memory_order_acquire);
}

bool tp_client_driver_is_alive(const tp_client_t *client)
{
    if (NULL == client) { return false; }
    const int64_t seen_ns = atomic_load_explicit(&((tp_client_t *)(uintptr_t)client)->driver_seen_ns, memory_order_acquire);
    return 0 != seen_ns && tpi_client_now(client) - seen_ns <= 3 * client->announce_period_ns;
}

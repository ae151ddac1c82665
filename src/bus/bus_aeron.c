/*
 * The bus over a real media driver: opening, the conductor, and how its loss is noticed. Owner thread, except tpi_aeron_text.
 *
 * Aeron itself compares the driver's heartbeat with the wall clock: a step of that clock or a machine that slept would kill a healthy
 * client. Ours counts how long the heartbeat has not changed, in steps bounded by the interval between two do_works, and keeps Aeron's
 * conductor from looking while the wall clock alone makes the driver seem dead.
 */
#include "bus/bus_aeron.h"

#include <aeronc.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bus/cnc.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"

#define DRIVER_TIMEOUT_DEFAULT_NS (5 * TPI_NS_PER_S)
#define DRIVER_TIMEOUT_MIN_NS (TPI_NS_PER_S + TPI_NS_PER_S / 2)    /* drivers beat once a second */
#define DRIVER_TIMEOUT_MAX_NS (3600 * TPI_NS_PER_S)
#define PROCESS_GONE_NS (TPI_NS_PER_S + TPI_NS_PER_S / 2)
#define CONNECT_STEP_NS (5 * TPI_NS_PER_MS)
#define KEEPALIVE_NS (500 * TPI_NS_PER_MS)

/* ---- texts ----------------------------------------------------------------------------------------------------------------- */

/* "(-1000) text\n[function, file:line] more\n" -> "text; more" */
const char *tpi_aeron_text(char *buffer, size_t size)
{
    const char *at = aeron_errmsg();
    size_t used = 0;
    buffer[0] = '\0';
    while (NULL != at && '\0' != *at && used + 1 < size)
    {
        size_t length = strcspn(at, "\n");
        const char *const next = '\0' == at[length] ? at + length : at + length + 1;
        if ('[' == at[0])
        {
            const char *const end = memchr(at, ']', length);
            if (NULL != end)
            {
                const size_t skipped = (size_t)(end - at) + 1;
                at += skipped;
                length -= skipped;
            }
        }
        while (length > 0 && ' ' == *at) { at++; length--; }
        if (length > 0)
        {
            const int n = snprintf(buffer + used, size - used, "%s%.*s", 0 == used ? "" : "; ", (int)length, at);
            used = n < 0 || (size_t)n >= size - used ? size : used + (size_t)n;
        }
        at = next;
    }
    return buffer;
}

static int swallow(const char *source, uint64_t line, void *stream, const char *format, va_list args)
{
    (void)source;
    (void)line;
    (void)stream;
    (void)format;
    (void)args;
    return 0;
}

static void on_error(void *clientd, int code, const char *text)
{
    aeron_bus_t *const bus = clientd;
    (void)snprintf(bus->complaint, sizeof(bus->complaint), "%s", NULL == text ? "" : text);
    TPI_LOG_WARN(TP_EBUS, "Aeron client at %s: (%d) %s", bus->dir, code, bus->complaint);
}

/* ---- opening --------------------------------------------------------------------------------------------------------------- */

static int await_driver(const char *dir, const tpi_bus_aeron_config_t *config, int64_t timeout_ns, tpi_cnc_info_t *info)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + (config->connect_timeout_ns > 0 ? config->connect_timeout_ns : 0);
    while (true)
    {
        const tpi_cnc_state_t state = tpi_cnc_probe(dir, timeout_ns / TPI_NS_PER_MS, info);
        if (TPI_CNC_ALIVE == state) { return 0; }
        const int64_t left_ns = deadline_ns - tpi_clock_monotonic_ns();
        if (left_ns <= 0) { return tpi_cnc_refuse(dir, state, info->problem); }
        const struct timespec pause = { .tv_nsec = (long)(left_ns < CONNECT_STEP_NS ? left_ns : CONNECT_STEP_NS) };
        (void)nanosleep(&pause, NULL);
    }
}

static int open_watch(aeron_bus_watch_t *watch, const char *dir)
{
    tpi_cnc_layout_t layout;
    tpi_cnc_state_t state;
    char problem[160];
    const int fd = tpi_cnc_open(dir, &layout, &state, problem, sizeof(problem));
    if (fd < 0) { TPI_SET_ERR(TP_ENOMEDIADRIVER, "no Aeron media driver at %s", dir); TPI_ERR_WHY("%s", problem); return -1; }
    watch->map_length = (size_t)(TPI_CNC_META_BYTES + layout.to_driver_length);
    void *const map = mmap(NULL, watch->map_length, PROT_READ, MAP_SHARED, fd, 0);
    const int reason = errno;
    (void)close(fd);
    if (MAP_FAILED == map) { TPI_SET_ERR(TP_EMAP, "cnc.dat of %s cannot be mapped: %s", dir, strerror(reason)); return -1; }
    const uint8_t *const trailer = (const uint8_t *)map + watch->map_length - TPI_CNC_RB_TRAILER;
    watch->map = map;
    watch->heartbeat_ms = (const _Atomic int64_t *)(const void *)(trailer + TPI_CNC_RB_HEARTBEAT);
    watch->ring_tail = (const _Atomic int64_t *)(const void *)(trailer + TPI_CNC_RB_TAIL);
    watch->ring_head = (const _Atomic int64_t *)(const void *)(trailer + TPI_CNC_RB_HEAD);
    watch->ring_capacity = layout.to_driver_length - TPI_CNC_RB_TRAILER;
    watch->pid = layout.pid;
    watch->process_was_seen = tpi_cnc_process_exists(layout.pid);
    return 0;
}

static int connect_client(aeron_bus_t *bus, const char *client_name)
{
    char text[256];
    if (aeron_context_init(&bus->context) < 0 || aeron_context_set_dir(bus->context, bus->dir) < 0 ||
        aeron_context_set_use_conductor_agent_invoker(bus->context, true) < 0 ||
        aeron_context_set_driver_timeout_ms(bus->context, (uint64_t)(bus->driver_timeout_ns / TPI_NS_PER_MS)) < 0 ||
        aeron_context_set_keepalive_interval_ns(bus->context, (uint64_t)KEEPALIVE_NS) < 0 ||
        aeron_context_set_error_handler(bus->context, on_error, bus) < 0 ||
        (NULL != client_name && aeron_context_set_client_name(bus->context, client_name) < 0))
    {
        TPI_SET_ERR(TP_EBUS, "Aeron client cannot be configured: %s", tpi_aeron_text(text, sizeof(text)));
        return -1;
    }
    if (aeron_init(&bus->client, bus->context) < 0 || aeron_start(bus->client) < 0)
    {
        TPI_SET_ERR(TP_ENOMEDIADRIVER, "the Aeron media driver at %s cannot be used", bus->dir);
        TPI_ERR_WHY("%s", tpi_aeron_text(text, sizeof(text)));
        return -1;
    }
    return 0;
}

int tpi_bus_aeron_open(tpi_bus_t **out, const tpi_bus_aeron_config_t *config)
{
    static const tpi_bus_aeron_config_t defaults;
    if (NULL == out) { TPI_SET_ERR(TP_EINVAL, "bus = NULL"); return -1; }
    if (NULL == config) { config = &defaults; }
    int64_t timeout_ns = 0 == config->driver_timeout_ns ? DRIVER_TIMEOUT_DEFAULT_NS : config->driver_timeout_ns;
    if (timeout_ns < DRIVER_TIMEOUT_MIN_NS || timeout_ns > DRIVER_TIMEOUT_MAX_NS)
    {
        TPI_SET_ERR(TP_EINVAL, "driver_timeout_ns = %" PRId64 ", from %" PRId64 " to %" PRId64, timeout_ns, DRIVER_TIMEOUT_MIN_NS,
            DRIVER_TIMEOUT_MAX_NS);
        return -1;
    }
    if (swallow != aeron_get_fprintf_handler()) { (void)aeron_set_fprintf_handler(swallow); }
    char buffer[1024];
    const bool named = NULL != config->aeron_dir && '\0' != config->aeron_dir[0];
    const char *const dir = named ? config->aeron_dir : tpi_bus_default_aeron_dir(buffer, sizeof(buffer));
    tpi_cnc_info_t info;
    if (await_driver(dir, config, timeout_ns, &info) < 0) { return -1; }
    aeron_bus_t *const bus = tpi_alloc(sizeof(*bus));
    if (NULL == bus) { return -1; }
    bus->base.ops = &tpi_aeron_ops;
    bus->driver_timeout_ns = timeout_ns;
    atomic_store(&bus->now_ns, tpi_clock_monotonic_ns());
    bus->dir = tpi_strdup(dir);
    bus->doorbell = NULL == bus->dir ? NULL : tpi_doorbell_find(bus->dir);
    if (NULL == bus->dir || open_watch(&bus->watch, dir) < 0 || tpi_counters_reader_open(&bus->reader, dir) < 0 ||
        connect_client(bus, config->client_name) < 0)
    {
        tpi_bus_close(&bus->base);
        return -1;
    }
    *out = &bus->base;
    return 0;
}

/* ---- conductor ------------------------------------------------------------------------------------------------------------- */

static int lose(aeron_bus_t *bus, const char *why)
{
    TPI_SET_ERR(TP_EMEDIADRIVER, "the connection to the Aeron media driver at %s (pid %" PRId64 ") is lost", bus->dir, bus->watch.pid);
    TPI_ERR_WHY("%s", why);
    if (NULL != strstr(why, "service interval") || NULL != strstr(why, "client timeout") || NULL != strstr(why, "heartbeat timestamp counter"))
    {
        TPI_ERR_FIX("this client did not run for longer than the media driver waits: run it at least once a second");
    }
    tpi_err_save(&bus->loss);
    atomic_store_explicit(&bus->base.lost, true, memory_order_release);
    return -1;
}

static bool driver_is_dead(aeron_bus_t *bus, int64_t now_ns, char *why, size_t size)
{
    aeron_bus_watch_t *const watch = &bus->watch;
    const int64_t heartbeat_ms = atomic_load_explicit(watch->heartbeat_ms, memory_order_acquire);
    if (TPI_CNC_HEARTBEAT_GONE == heartbeat_ms) { (void)snprintf(why, size, "it has shut down"); return true; }
    if (0 == watch->looked_ns || heartbeat_ms != watch->seen_ms)
    {
        watch->seen_ms = heartbeat_ms;
        watch->silent_ns = 0;
        watch->looked_ns = now_ns;
        return false;
    }
    const int64_t step_ns = now_ns - watch->looked_ns;
    const int64_t most_ns = bus->driver_timeout_ns / 4;
    if (step_ns > 0)
    {
        watch->silent_ns += step_ns < most_ns ? step_ns : most_ns;
        watch->looked_ns = now_ns;
    }
    if (watch->silent_ns > bus->driver_timeout_ns)
    {
        (void)snprintf(why, size, "no heartbeat for %" PRId64 " ms", watch->silent_ns / TPI_NS_PER_MS);
        return true;
    }
    if (watch->silent_ns > PROCESS_GONE_NS && watch->process_was_seen && !tpi_cnc_process_exists(watch->pid))
    {
        (void)snprintf(why, size, "its process does not exist any more, no heartbeat for %" PRId64 " ms", watch->silent_ns / TPI_NS_PER_MS);
        return true;
    }
    return false;
}

/* Would Aeron's own check, by the wall clock, give up now although the driver beats? */
static bool wall_clock_misleads(const aeron_bus_t *bus)
{
    const int64_t age_ms = tpi_clock_realtime_ns() / TPI_NS_PER_MS - bus->watch.seen_ms;
    return age_ms + 100 > bus->driver_timeout_ns / TPI_NS_PER_MS;
}

void tpi_aeron_ring_for_commands(aeron_bus_t *bus)
{
    const int64_t tail = atomic_load_explicit(bus->watch.ring_tail, memory_order_acquire);
    if (tail == bus->rung_tail) { return; }
    bus->rung_tail = tail;
    tpi_doorbell_ring(bus->doorbell);                                                           /* L-301 */
}

static void ring(tpi_bus_t *base) { tpi_doorbell_ring(((aeron_bus_t *)base)->doorbell); }

static int do_work(tpi_bus_t *base, int64_t now_ns)
{
    aeron_bus_t *const bus = (aeron_bus_t *)base;
    if (tpi_bus_lost(base)) { tpi_err_restore(&bus->loss); return -1; }
    atomic_store_explicit(&bus->now_ns, now_ns, memory_order_release);
    char why[256];
    if (driver_is_dead(bus, now_ns, why, sizeof(why))) { return lose(bus, why); }
    if (wall_clock_misleads(bus)) { return 0; }
    bus->complaint[0] = '\0';
    const int work = aeron_main_do_work(bus->client);
    tpi_aeron_ring_for_commands(bus);
    if (work >= 0 && !aeron_is_closed(bus->client)) { return work + tpi_aeron_pages_ahead(bus); }
    if ('\0' == bus->complaint[0]) { (void)tpi_aeron_text(bus->complaint, sizeof(bus->complaint)); }
    return lose(bus, bus->complaint);
}

static int64_t heartbeat_ms(const tpi_bus_t *base)
{
    const int64_t value = atomic_load_explicit(((const aeron_bus_t *)base)->watch.heartbeat_ms, memory_order_acquire);
    return value > 0 ? value : 0;
}

static int counters(tpi_bus_t *base, tpi_on_counter_t handler, void *clientd)
{
    return tpi_counters_reader_foreach(((aeron_bus_t *)base)->reader, handler, clientd);
}

static void close_bus(tpi_bus_t *base)
{
    aeron_bus_t *const bus = (aeron_bus_t *)base;
    atomic_store_explicit(&base->lost, true, memory_order_release);
    (void)aeron_close(bus->client);
    tpi_doorbell_ring(bus->doorbell);
    tpi_doorbell_close(bus->doorbell);
    tpi_aeron_free_all(bus);
    (void)aeron_context_close(bus->context);
    tpi_counters_reader_close(bus->reader);
    if (NULL != bus->watch.map) { (void)munmap(bus->watch.map, bus->watch.map_length); }
    tpi_free(bus->dir);
    tpi_free(bus);
}

const tpi_bus_ops_t tpi_aeron_ops =
{
    .do_work = do_work,
    .heartbeat_ms = heartbeat_ms,
    .counters = counters,
    .ring = ring,
    .close = close_bus,
    .add_publication = tpi_aeron_add_publication,
    .add_subscription = tpi_aeron_add_subscription,
    .add_counter = tpi_aeron_add_counter,
    .async_poll = tpi_aeron_async_poll,
    .async_cancel = tpi_aeron_async_cancel,
    .claim = tpi_aeron_claim,
    .commit = tpi_aeron_commit,
#if defined(TPI_AERON_APPEND)
    .send_prepared = tpi_aeron_append,
#else
    .send_prepared = tpi_aeron_send_prepared,
#endif
    .abort = tpi_aeron_abort,
    .offer = tpi_aeron_offer,
    .publication_is_connected = tpi_aeron_publication_is_connected,
    .publication_close = tpi_aeron_publication_close,
    .poll = tpi_aeron_poll,
    .poll_records = tpi_aeron_poll_records,
    .subscription_is_connected = tpi_aeron_subscription_is_connected,
    .subscription_has_message = tpi_aeron_subscription_has_message,
    .image_count = tpi_aeron_image_count,
    .subscription_close = tpi_aeron_subscription_close,
    .counter_close = tpi_aeron_counter_close,
};

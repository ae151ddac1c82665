/* Leases: granting, ending, expiry. A record is in three places at once: the table by lease id, the hash by client id, the list of its stream. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/alloc.h"
#include "driver/driver_state.h"

tpi_lease_record_t *tpi_lease_find_client(const tpi_driver_t *driver, uint32_t client_id)
{
    tpi_lease_record_t *found = NULL;
    HASH_FIND(by_client, driver->clients, &client_id, sizeof(client_id), found);
    return found;
}

tpi_lease_record_t *tpi_lease_find(const tpi_driver_t *driver, uint64_t lease_id)
{
    tpi_deadline_t *const deadline = tpi_lease_table_get(&driver->leases, lease_id);                /* D-020 */
    return NULL == deadline ? NULL : tpi_record_of(deadline, tpi_lease_record_t, deadline);
}

/* 64 random bits: nobody can guess another's lease, and none comes twice (trap P12). */
static int new_lease_id(const tpi_driver_t *driver, uint64_t *lease_id)
{
    for (int i = 0; i < 64; i++)
    {
        uint64_t id = 0;
        const ssize_t n = getrandom(&id, sizeof(id), 0);           /* D-023 D-024 D-025 */
        if (n < 0 && EINTR != errno) { break; }
        if (sizeof(id) == (size_t)n && tpi_lease_id_is_valid(id) && NULL == tpi_lease_find(driver, id))
        {
            *lease_id = id;
            return 0;
        }
    }
    TPI_SET_ERR(TP_EINTERNAL, "no random lease id could be made: %s", strerror(errno));
    return -1;
}

int tpi_lease_commit(tpi_driver_t *driver, tpi_stream_t *stream, const tpc_attach_request_t *request, uint32_t node_id, int64_t now_ns)
{
    uint64_t lease_id = 0;
    if (new_lease_id(driver, &lease_id) < 0) { return -1; }
    tpi_lease_record_t *const record = tpi_alloc(sizeof(*record));
    if (NULL == record) { return -1; }
    record->stream = stream;
    record->lease = (tpi_lease_t){ .lease_id = lease_id, .correlation_id = request->correlation_id, .stream_id = stream->stream_id,
        .requested_stream_id = request->stream_id, .client_id = request->client_id, .node_id = node_id, .role = request->role,
        .epoch = stream->files->epoch, .duration_ns = driver->lease_ns };
    tpi_lease_grant(&record->lease, now_ns);
    if (tpi_lease_table_put(&driver->leases, &record->deadline, lease_id, record->lease.expiry_ns) < 0)  /* D-022 */
    {
        if (TP_EFULL == tp_errcode()) { driver->stats.limit_leases++; }
        tpi_free(record);
        return -1;
    }
    HASH_ADD(by_client, driver->clients, lease.client_id, sizeof(record->lease.client_id), record);
    if (NULL == record->by_client.tbl)
    {
        tpi_lease_table_remove(&driver->leases, &record->deadline);
        tpi_free(record);
        TPI_SET_ERR(TP_ENOMEM, "cannot add a lease to the table of clients");
        return -1;
    }
    DL_APPEND(stream->leases, record);
    if (TP_ROLE_PRODUCER == request->role) { stream->producer = record; }
    tpi_driver_counter_lease(driver, record);
    driver->stats.attach_granted++;
    stream->counts.granted++;
    TPI_LOG_INFO("stream %u: client %u attached as %s, epoch %llu, node id %u", stream->stream_id, request->client_id,
        TP_ROLE_PRODUCER == request->role ? "producer" : "consumer", (unsigned long long)stream->files->epoch, node_id);
    tpi_proxy_attach_ok(driver, record, request->correlation_id, now_ns);                     /* OP-D-17: response, then announce */
    tpi_proxy_announce(driver, stream, now_ns);
    return 0;
}

/* Of either kind: a reload may have moved a range to where the other one was. */
static bool id_is_taken(void *clientd, uint32_t id)
{
    const tpi_driver_t *const driver = clientd;
    const tpi_lease_record_t *descriptor = NULL;
    const tpi_lease_record_t *control = NULL;
    HASH_FIND(by_descriptor, driver->descriptor_ids, &id, sizeof(id), descriptor);
    HASH_FIND(by_control, driver->control_ids, &id, sizeof(id), control);
    return NULL != descriptor || NULL != control;
}

static size_t taken_ids(const tpi_driver_t *driver)
{
    return HASH_CNT(by_descriptor, driver->descriptor_ids) + HASH_CNT(by_control, driver->control_ids);
}

uint32_t tpi_lease_assign_descriptor_id(tpi_driver_t *driver, tpi_lease_record_t *record)
{
    if (0 != record->descriptor_id) { return record->descriptor_id; }
    const uint32_t id = tpi_stream_range_peek(&driver->descriptor_range, taken_ids(driver), id_is_taken, driver);
    if (0 == id) { return 0; }                                                                /* D-166 D-167 */
    record->descriptor_id = id;
    HASH_ADD(by_descriptor, driver->descriptor_ids, descriptor_id, sizeof(record->descriptor_id), record);
    if (NULL == record->by_descriptor.tbl) { record->descriptor_id = 0; }
    else { tpi_stream_range_take(&driver->descriptor_range, id); }
    return record->descriptor_id;
}

uint32_t tpi_lease_assign_control_id(tpi_driver_t *driver, tpi_lease_record_t *record)
{
    if (0 != record->control_id) { return record->control_id; }
    const uint32_t id = tpi_stream_range_peek(&driver->control_range, taken_ids(driver), id_is_taken, driver);
    if (0 == id) { return 0; }
    record->control_id = id;
    HASH_ADD(by_control, driver->control_ids, control_id, sizeof(record->control_id), record);
    if (NULL == record->by_control.tbl) { record->control_id = 0; }
    else { tpi_stream_range_take(&driver->control_range, id); }
    return record->control_id;
}

void tpi_lease_release_descriptor_id(tpi_driver_t *driver, tpi_lease_record_t *record)
{
    if (0 == record->descriptor_id) { return; }
    HASH_DELETE(by_descriptor, driver->descriptor_ids, record);
    record->descriptor_id = 0;
}

void tpi_lease_release_control_id(tpi_driver_t *driver, tpi_lease_record_t *record)
{
    if (0 == record->control_id) { return; }
    HASH_DELETE(by_control, driver->control_ids, record);
    record->control_id = 0;
}

/* Step 1 of the end-of-lease sequence; the table has let go of the record already. */
static void unlink_record(tpi_driver_t *driver, tpi_lease_record_t *record, int64_t now_ns)
{
    HASH_DELETE(by_client, driver->clients, record);
    DL_DELETE(record->stream->leases, record);
    if (record == record->stream->producer) { record->stream->producer = NULL; }
    tpi_node_ids_release(&driver->node_ids, record->lease.node_id, now_ns);                   /* D-096 D-093 T-019 */
    tpi_lease_release_descriptor_id(driver, record);
    tpi_lease_release_control_id(driver, record);
    tpi_shown_set(record->counter, 0);
    tpi_shown_close(driver->counters, record->counter);
}

static void finish(tpi_driver_t *driver, tpi_lease_record_t *record, uint8_t reason, const char *text, const tpc_detach_request_t *detach,
    int64_t now_ns)
{
    static const char *const names[] = { "", "detached", "expired", "revoked" };
    tpi_stream_t *const stream = record->stream;
    const bool was_producer = TP_ROLE_PRODUCER == record->lease.role;
    (void)tpi_lease_end(&record->lease, reason);
    stream->counts.ended[reason]++;
    unlink_record(driver, record, now_ns);
    TPI_LOG_INFO("stream %u: lease of client %u (%s) %s", stream->stream_id, record->lease.client_id, was_producer ? "producer" : "consumer",
        names[reason]);
    tpi_proxy_revoked(driver, &record->lease, reason, text, now_ns); /* D-138 D-112 D-114: once, before the announce (D-113) */
    tpi_free(record);
    if (was_producer)
    {
        if (NULL != detach)
        {
            stream->detach_pending = true;
            stream->detach_correlation_id = detach->correlation_id;
        }
        (void)tpi_stream_raise(driver, stream, NULL, now_ns);                                 /* D-111 D-130 D-131 D-132 */
    }
    else
    {
        if (NULL != detach) { tpi_proxy_detach(driver, detach->correlation_id, TPC_CODE_OK, "", now_ns); }
        tpi_stream_forget_if_unused(driver, stream, now_ns);
    }
}

void tpi_lease_finish(tpi_driver_t *driver, tpi_lease_record_t *record, uint8_t reason, const char *text, const tpc_detach_request_t *detach,
    int64_t now_ns)
{
    tpi_lease_table_remove(&driver->leases, &record->deadline);
    finish(driver, record, reason, text, detach, now_ns);
}

typedef struct sweep { tpi_driver_t *driver; int64_t now_ns; } sweep_t;

static void on_due(void *clientd, tpi_deadline_t *deadline)
{
    const sweep_t *const sweep = clientd;
    sweep->driver->stats.leases_expired++;
    finish(sweep->driver, tpi_record_of(deadline, tpi_lease_record_t, deadline), TPC_REVOKE_EXPIRED, "lease expired", NULL, sweep->now_ns);
}

int tpi_lease_expire(tpi_driver_t *driver, int64_t now_ns)
{
    sweep_t sweep = { driver, now_ns };
    return tpi_lease_table_sweep(&driver->leases, now_ns, on_due, &sweep);                    /* D-137 D-102 D-131 */
}

int tpi_driver_revoke(tpi_driver_t *driver, uint64_t lease_id, const char *why, int64_t now_ns)
{
    tpi_lease_record_t *const record = tpi_lease_find(driver, lease_id);
    if (NULL == record)
    {
        TPI_SET_ERR(TP_ENOENT, "lease %llu does not exist", (unsigned long long)lease_id);
        TPI_ERR_FIX("tp lease ls shows the leases there are");
        return -1;
    }
    driver->stats.leases_revoked++;
    tpi_lease_finish(driver, record, TPC_REVOKE_REVOKED, why, NULL, now_ns);
    return 0;
}

bool tpi_driver_has_consumer_lease(const tpi_driver_t *driver, uint32_t stream_id, uint32_t client_id)
{
    const tpi_lease_record_t *const record = tpi_lease_find_client(driver, client_id);
    return NULL != record && TP_ROLE_CONSUMER == record->lease.role && stream_id == record->lease.stream_id;
}

void tpi_driver_foreach_lease(const tpi_driver_t *driver, tpi_on_lease_t handler, void *clientd)
{
    for (const tpi_deadline_t *d = tpi_lease_table_first(&driver->leases); NULL != d; d = tpi_lease_table_next(d))
    {
        const tpi_lease_t *const lease = &tpi_record_of(d, const tpi_lease_record_t, deadline)->lease;
        const tpi_lease_view_t view = { .lease_id = lease->lease_id, .stream_id = lease->stream_id, .client_id = lease->client_id,
            .node_id = lease->node_id, .role = lease->role, .epoch = lease->epoch, .last_keepalive_ns = lease->last_keepalive_ns,
            .expiry_ns = lease->expiry_ns };
        handler(clientd, &view);
    }
}

void tpi_leases_fini(tpi_driver_t *driver)
{
    tpi_lease_record_t *record = NULL;
    tpi_lease_record_t *next = NULL;
    HASH_ITER(by_client, driver->clients, record, next)                                       /* D-203: no revocations; D-157: the leases just end */
    {
        HASH_DELETE(by_client, driver->clients, record);
        tpi_lease_release_descriptor_id(driver, record);
        tpi_lease_release_control_id(driver, record);
        tpi_lease_table_remove(&driver->leases, &record->deadline);
        tpi_shown_set(record->counter, 0);
        tpi_shown_close(driver->counters, record->counter);
        tpi_free(record);
    }
    tpi_lease_table_fini(&driver->leases);
}

/* The attach machine. Pure: no clock, no bus, no allocation. */
#include "protocol/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shm/uri.h"

#include <tensor_pool/common/tp_error.h>

#define SEND_AGAIN_NS INT64_C(5000000)        /* the bus refused: look again soon */

/* ---- ids ---------------------------------------------------------------------------------------------------------------- */

uint64_t tpi_id_source_random(tpi_id_source_t *ids)
{
    uint64_t z = ids->random += UINT64_C(0x9E3779B97F4A7C15);                   /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

void tpi_id_source_init(tpi_id_source_t *ids, uint64_t seed_a, uint64_t seed_b)
{
    ids->random = seed_a;                                                                           /* D-026 */
    ids->next_correlation_id = tpi_id_source_random(ids) ^ seed_b;              /* D-036 D-037 */
}

int64_t tpi_id_source_correlation(tpi_id_source_t *ids)
{
    const uint64_t id = ids->next_correlation_id++;                             /* D-038 */
    int64_t result;
    memcpy(&result, &id, sizeof(result));
    return result;
}

uint32_t tpi_id_source_client(tpi_id_source_t *ids)
{
    uint32_t id;
    do { id = (uint32_t)(tpi_id_source_random(ids) >> 32); } while (0 == id || TP_NULL_U32 == id);           /* D-032 S-027 */
    return id;
}

/* ---- helpers ------------------------------------------------------------------------------------------------------------ */

static void say(tpi_session_t *s, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(tpi_session_t *s, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    s->code = code;
    (void)vsnprintf(s->text, sizeof(s->text), format, args);
    va_end(args);
}

static int64_t add(int64_t a, int64_t b) { return a > INT64_MAX - b ? INT64_MAX : a + b; }

static void begin_attach(tpi_session_t *s, int64_t now_ns)
{
    s->state = TPI_SESSION_ATTACHING;
    s->correlation_id = tpi_id_source_correlation(s->ids);
    s->sends = 0;
    s->retry_ns = s->config.retry_ns;
    s->due_ns = now_ns;
}

static void back_off(tpi_session_t *s, int64_t now_ns)
{
    s->state = TPI_SESSION_BACKOFF;
    s->due_ns = add(now_ns, s->backoff_ns);                                               /* W-194 */
    s->backoff_ns = s->backoff_ns > s->config.backoff_max_ns / 2 ? s->config.backoff_max_ns : s->backoff_ns * 2;
}

static const char *role_name(const tpi_session_t *s) { return TP_ROLE_PRODUCER == s->config.role ? "PRODUCER" : "CONSUMER"; }

/* The longer of lease duration and three announce periods (D-155). */
static int64_t silence_ns(const tpi_session_t *s)
{
    const int64_t periods = 3 * s->config.announce_period_ns;
    return s->duration_ns > periods ? s->duration_ns : periods;
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

void tpi_session_init(tpi_session_t *session, const tpi_session_config_t *config, tpi_id_source_t *ids)
{
    memset(session, 0, sizeof(*session));
    session->config = *config;
    session->ids = ids;
    session->auto_client_id = 0 == config->client_id;
    session->client_id = session->auto_client_id ? tpi_id_source_client(ids) : config->client_id;      /* D-032 */
    session->wanted_stream_id = config->stream_id;
    session->backoff_ns = config->backoff_ns;
    session->deadline_ns = INT64_MAX;
}

void tpi_session_open(tpi_session_t *session, int64_t now_ns)
{
    if (TPI_SESSION_IDLE == session->state) { begin_attach(session, now_ns); }
}

static tpi_session_event_t lose(tpi_session_t *s, int64_t now_ns)
{
    back_off(s, now_ns);                                                        /* D-030 D-031: nothing until a new OK */
    s->deadline_ns = INT64_MAX;
    return TPI_SESSION_LOST;
}

/* Lost by our own judgement: should the driver be there after all, it learns of it. */
static tpi_session_event_t give_back(tpi_session_t *s, int64_t now_ns)
{
    s->orphaned = true;
    s->orphan = s->lease;
    return lose(s, now_ns);
}

/* ---- sending ------------------------------------------------------------------------------------------------------------ */

static void fill_attach(const tpi_session_t *s, tpc_attach_request_t *request)
{
    *request = (tpc_attach_request_t)TPC_ATTACH_REQUEST_INIT;
    request->correlation_id = s->correlation_id;                                /* D-028: repeated, it is still the same request */
    request->stream_id = s->wanted_stream_id;
    request->client_id = s->client_id;
    request->role = s->config.role;
    request->expected_layout_version = s->config.expected_layout_version;
    request->publish_mode = s->config.publish_mode;
    request->require_hugepages = s->config.hugepages;
    request->desired_node_id = s->config.desired_node_id;
}

static void fill_detach(const tpi_session_t *s, const tpi_lease_info_t *lease, int64_t correlation_id, tpc_detach_request_t *request)
{
    *request = (tpc_detach_request_t)TPC_DETACH_REQUEST_INIT;
    request->correlation_id = correlation_id;
    request->lease_id = lease->lease_id;
    request->stream_id = lease->stream_id;
    request->client_id = lease->client_id;
    request->role = s->config.role;
}

static void fill_keepalive(const tpi_session_t *s, int64_t now_ns, tpc_keepalive_t *keepalive)
{
    *keepalive = (tpc_keepalive_t)TPC_KEEPALIVE_INIT;
    keepalive->lease_id = s->lease.lease_id;                                    /* D-020 */
    keepalive->stream_id = s->lease.stream_id;
    keepalive->client_id = s->lease.client_id;
    keepalive->role = s->config.role;
    keepalive->client_timestamp_ns = (uint64_t)now_ns;
}

tpi_session_action_t tpi_session_next(tpi_session_t *session, int64_t now_ns, tpi_session_message_t *message)
{
    tpi_session_t *s = session;
    if (s->orphaned)
    {
        fill_detach(s, &s->orphan, tpi_id_source_correlation(s->ids), &message->detach);
        return TPI_SESSION_SEND_DETACH;
    }
    if (TPI_SESSION_BACKOFF == s->state && now_ns >= s->due_ns) { begin_attach(s, now_ns); }        /* D-154 */
    switch (s->state)
    {
        case TPI_SESSION_ATTACHING:
            if (now_ns < s->due_ns) { return TPI_SESSION_SEND_NOTHING; }
            fill_attach(s, &message->attach);
            return TPI_SESSION_SEND_ATTACH;
        case TPI_SESSION_LEASED:
            if (now_ns < s->keepalive_due_ns) { return TPI_SESSION_SEND_NOTHING; }
            fill_keepalive(s, now_ns, &message->keepalive);
            return TPI_SESSION_SEND_KEEPALIVE;
        case TPI_SESSION_DETACHING:
            if (0 != s->sends) { return TPI_SESSION_SEND_NOTHING; }
            fill_detach(s, &s->lease, s->correlation_id, &message->detach);
            return TPI_SESSION_SEND_DETACH;
        default:
            return TPI_SESSION_SEND_NOTHING;
    }
}

static void keepalive_sent(tpi_session_t *s, bool accepted, int64_t now_ns)
{
    if (!accepted)
    {
        s->keepalive_due_ns = add(now_ns, SEND_AGAIN_NS);                       /* P5: the deadline stays where it is */
        return;
    }
    int64_t interval = s->config.keepalive_interval_ns;
    if (0 != s->duration_ns && interval > s->duration_ns / 3) { interval = s->duration_ns / 3; }       /* D-099 */
    s->keepalive_due_ns = add(now_ns, interval);
    const bool alive = now_ns <= add(s->last_alive_ns, silence_ns(s));          /* D-155: an accepted keepalive alone proves nothing */
    /* OP-D-01 */
    if (0 != s->duration_ns && alive && add(now_ns, s->duration_ns) > s->deadline_ns) { s->deadline_ns = add(now_ns, s->duration_ns); }
}

void tpi_session_sent(tpi_session_t *session, tpi_session_action_t action, bool accepted, int64_t now_ns)
{
    tpi_session_t *s = session;
    switch (action)
    {
        case TPI_SESSION_SEND_ATTACH:
            if (!accepted) { s->due_ns = add(now_ns, SEND_AGAIN_NS); break; }
            s->sends++;
            s->due_ns = add(now_ns, s->retry_ns);
            s->retry_ns = s->retry_ns > s->config.retry_max_ns / 2 ? s->config.retry_max_ns : s->retry_ns * 2;         /* D-056 */
            break;
        case TPI_SESSION_SEND_KEEPALIVE:
            if (TPI_SESSION_LEASED == s->state) { keepalive_sent(s, accepted, now_ns); }
            break;
        case TPI_SESSION_SEND_DETACH:
            if (!accepted) { break; }
            if (s->orphaned) { s->orphaned = false; break; }
            s->sends++;
            break;
        case TPI_SESSION_SEND_NOTHING:
            break;
    }
}

/* ---- time --------------------------------------------------------------------------------------------------------------- */

int64_t tpi_session_valid_until_ns(const tpi_session_t *session)
{
    const int64_t silent = add(session->last_alive_ns, silence_ns(session));
    return session->deadline_ns < silent ? session->deadline_ns : silent;
}

tpi_session_event_t tpi_session_check(tpi_session_t *session, int64_t now_ns)
{
    tpi_session_t *s = session;
    if ((TPI_SESSION_DETACHING == s->state || TPI_SESSION_LEAVING == s->state) && now_ns >= s->due_ns)
    {
        s->state = TPI_SESSION_CLOSED;
        return TPI_SESSION_DETACHED;
    }
    if (TPI_SESSION_LEASED != s->state) { return TPI_SESSION_NOTHING; }
    if (now_ns > s->deadline_ns)                                                /* D-108 D-103 */
    {
        say(s, TP_ELEASE, "lease of stream %" PRIu32 " as %s expired: no keepalive got through for %" PRId64 " ms", s->lease.stream_id, role_name(s),
            s->duration_ns / 1000000);
        return give_back(s, now_ns);
    }
    if (now_ns > add(s->last_alive_ns, silence_ns(s)))                          /* D-155 */
    {
        say(s, TP_ENODRIVER, "driver of stream %" PRIu32 " is silent for %" PRId64 " ms", s->lease.stream_id, (now_ns - s->last_alive_ns) / 1000000);
        return give_back(s, now_ns);
    }
    return TPI_SESSION_NOTHING;
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

int tpi_session_refusal_code(int32_t code, tpc_bytes_t text)
{
    static const struct { const char *text; int code; } rows[] = {
        { "client_id already attached", TP_ECLIENTID }, { "producer already attached", TP_EPRODUCER },
        { "stream not provisioned", TP_ENOSTREAM }, { "driver draining", TP_EDRAINING }, { "layout_version mismatch", TP_ELAYOUT },
        { "hugepages not available", TP_EPAGES }, { "standard pages not available", TP_EPAGES },
        { "desired node_id unavailable", TP_ENODEID }, { "node_id unavailable", TP_ENODEID },
    };
    if (TPC_CODE_REJECTED == code)
    {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        {
            if (tpc_bytes_equal(text, rows[i].text)) { return rows[i].code; }
        }
    }
    switch (code)
    {
        case TPC_CODE_UNSUPPORTED: return TP_EUNSUPPORTED;
        case TPC_CODE_INVALID_PARAMS: return TP_EINVALPARAMS;
        case TPC_CODE_REJECTED: return TP_EREJECTED;
        case TPC_CODE_INTERNAL_ERROR: return TP_EDRIVER;
        default: return TP_EPROTOCOL;
    }
}

static bool uri_is_good(tpc_bytes_t uri)
{
    tpi_region_uri_t parsed;
    return 0 != uri.length && 0 == tpi_region_uri_parse(&parsed, uri.data, uri.length);                 /* D-077 D-081: blank is no URI either */
}

/* 3.8. NULL when all is well, else the offending field. */
static const char *check_ok(const tpi_session_t *s, const tpc_attach_response_t *r)
{
    if (TP_NULL_U64 == r->lease_id || 0 == r->lease_id) { return "leaseId"; }                           /* D-076 */
    if (TP_NULL_U32 == r->stream_id || (0 != s->wanted_stream_id && r->stream_id != s->wanted_stream_id &&
        /* OP-D-12: a dynamic stream may get another id */
        TP_PUBLISH_EXISTING_OR_CREATE != s->config.publish_mode)) { return "streamId"; }
    if (TP_NULL_U64 == r->epoch || 0 == r->epoch) { return "epoch"; }
    if (TP_NULL_U32 == r->layout_version) { return "layoutVersion"; }
    if (TP_NULL_U32 == r->header_nslots || 0 == r->header_nslots) { return "headerNslots"; }
    if (256 != r->header_slot_bytes) { return "headerSlotBytes"; }                                      /* D-078 */
    if (0 == r->pool_count) { return "payloadPools"; }                                                  /* D-079 */
    for (uint32_t i = 0; i < r->pool_count; i++)
    {
        if (r->pools[i].pool_nslots != r->header_nslots) { return "poolNslots"; }                       /* D-080 */
        if (!uri_is_good(r->pools[i].region_uri)) { return "regionUri"; }
    }
    return uri_is_good(r->header_region_uri) ? NULL : "headerRegionUri";
}

static void accept(tpi_session_t *s, const tpc_attach_response_t *r, int32_t aeron_session_id, int64_t now_ns)
{
    s->lease = (tpi_lease_info_t){ .lease_id = r->lease_id, .epoch = r->epoch, .stream_id = r->stream_id, .client_id = s->client_id,
        .node_id = r->node_id, .layout_version = r->layout_version, .header_nslots = r->header_nslots, .pool_count = r->pool_count,
        .driver_session_id = aeron_session_id };
    for (uint32_t i = 0; i < r->pool_count; i++)
    {
        if (r->pools[i].stride_bytes > s->lease.max_stride_bytes) { s->lease.max_stride_bytes = r->pools[i].stride_bytes; }
    }
    s->state = TPI_SESSION_LEASED;
    s->wanted_stream_id = r->stream_id;
    s->attaches++;
    s->backoff_ns = s->config.backoff_ns;
    s->last_alive_ns = now_ns;
    s->duration_ns = 0;
    s->deadline_ns = INT64_MAX;
    s->code = TP_OK;
    s->text[0] = '\0';
    if (r->lease_expiry_timestamp_ns <= (uint64_t)INT64_MAX)
    {
        s->deadline_ns = (int64_t)r->lease_expiry_timestamp_ns;                 /* D-103 */
        s->duration_ns = s->deadline_ns > now_ns ? s->deadline_ns - now_ns : 1;
    }
    const int64_t third = 0 == s->duration_ns ? s->config.keepalive_interval_ns : s->duration_ns / 3;       /* D-104 */
    s->keepalive_due_ns = add(now_ns, third < s->config.keepalive_interval_ns ? third : s->config.keepalive_interval_ns);
}

static void begin_detach(tpi_session_t *s, int64_t now_ns)
{
    s->state = TPI_SESSION_DETACHING;
    s->correlation_id = tpi_id_source_correlation(s->ids);
    s->sends = 0;
    s->due_ns = add(now_ns, s->config.detach_timeout_ns);
}

/* The answer to a request whose owner has gone. */
static tpi_session_event_t leave(tpi_session_t *s, const tpc_attach_response_t *r, int64_t now_ns)
{
    if (TPC_CODE_OK == r->code && TP_NULL_U64 != r->lease_id && TP_NULL_U32 != r->stream_id)
    {
        s->lease = (tpi_lease_info_t){ .lease_id = r->lease_id, .stream_id = r->stream_id, .client_id = s->client_id };
        begin_detach(s, now_ns);
        return TPI_SESSION_NOTHING;
    }
    s->state = TPI_SESSION_CLOSED;
    return TPI_SESSION_DETACHED;
}

tpi_session_event_t tpi_session_on_attach_response(tpi_session_t *session, const tpc_attach_response_t *response, int32_t aeron_session_id,
    int64_t now_ns)
{
    tpi_session_t *s = session;
    if (TPI_SESSION_LEAVING == s->state && response->correlation_id == s->correlation_id) { return leave(s, response, now_ns); }
    if (TPI_SESSION_ATTACHING != s->state || response->correlation_id != s->correlation_id || 0 == s->sends)
    {
        s->ignored++;                                                           /* D-039 D-040 */
        return TPI_SESSION_NOTHING;
    }
    if (TPC_CODE_OK == response->code)
    {
        const char *field = check_ok(s, response);
        if (NULL == field)
        {
            accept(s, response, aeron_session_id, now_ns);
            return TPI_SESSION_ATTACHED;
        }
        say(s, TP_EPROTOCOL, "attach response for stream %" PRIu32 ": %s is missing or wrong", s->wanted_stream_id, field);
        if (TP_NULL_U64 != response->lease_id && TP_NULL_U32 != response->stream_id)
        {
            s->orphaned = true;
            s->orphan = (tpi_lease_info_t){ .lease_id = response->lease_id, .stream_id = response->stream_id, .client_id = s->client_id };
        }
        back_off(s, now_ns);
        return TPI_SESSION_BROKEN;
    }
    const int code = tpi_session_refusal_code(response->code, response->error_message);
    if (TP_EPROTOCOL == code)                                                   /* D-082 */
    {
        say(s, code, "attach response for stream %" PRIu32 ": code = %" PRId32 " is unknown", s->wanted_stream_id, response->code);
        back_off(s, now_ns);
        return TPI_SESSION_BROKEN;
    }
    char reason[201];
    (void)tpc_bytes_copy(reason, sizeof(reason), response->error_message);
    say(s, code, "attach to stream %" PRIu32 " as %s refused: %s", s->wanted_stream_id, role_name(s), '\0' == reason[0] ? tp_strerror(code) : reason);
    if (TP_ECLIENTID == code && s->auto_client_id) { s->client_id = tpi_id_source_client(s->ids); }     /* D-033 */
    back_off(s, now_ns);
    return TPI_SESSION_REFUSED;
}

tpi_session_event_t tpi_session_on_detach_response(tpi_session_t *session, const tpc_detach_response_t *response, int64_t now_ns)
{
    (void)now_ns;
    if (TPI_SESSION_DETACHING != session->state || response->correlation_id != session->correlation_id)
    {
        session->ignored++;
        return TPI_SESSION_NOTHING;
    }
    session->state = TPI_SESSION_CLOSED;
    return TPI_SESSION_DETACHED;
}

tpi_session_event_t tpi_session_on_revoked(tpi_session_t *session, const tpc_lease_revoked_t *revoked, int64_t now_ns)
{
    static const char *const reasons[] = { "", "detached", "expired", "revoked" };
    tpi_session_t *s = session;
    const bool known = revoked->reason >= TPC_REVOKE_DETACHED && revoked->reason <= TPC_REVOKE_REVOKED &&             /* D-121 */
        (TP_ROLE_PRODUCER == revoked->role || TP_ROLE_CONSUMER == revoked->role);                                   /* D-122 */
    /* D-118 P12 */
    const bool ours = revoked->lease_id == s->lease.lease_id && revoked->stream_id == s->lease.stream_id && revoked->role == s->config.role;
    if (!known || !ours || (TPI_SESSION_LEASED != s->state && TPI_SESSION_DETACHING != s->state))      /* D-115: a duplicate finds no lease */
    {
        s->ignored++;
        return TPI_SESSION_NOTHING;
    }
    if (TPI_SESSION_DETACHING == s->state)
    {
        s->state = TPI_SESSION_CLOSED;
        return TPI_SESSION_DETACHED;
    }
    char reason[161];
    (void)tpc_bytes_copy(reason, sizeof(reason), revoked->error_message);
    say(s, TP_ELEASE, "lease of stream %" PRIu32 " as %s was %s by the driver%s%s", s->lease.stream_id, role_name(s), reasons[revoked->reason],
        '\0' == reason[0] ? "" : ": ", reason);
    return lose(s, now_ns);                                                     /* D-116 */
}

tpi_session_event_t tpi_session_on_shutdown(tpi_session_t *session, const tpc_driver_shutdown_t *shutdown, int32_t aeron_session_id, int64_t now_ns)
{
    tpi_session_t *s = session;
    const bool leased = TPI_SESSION_LEASED == s->state || TPI_SESSION_DETACHING == s->state;
    if (!leased || shutdown->reason > TPC_SHUTDOWN_ERROR || aeron_session_id != s->lease.driver_session_id)            /* P12: only its own driver */
    {
        s->ignored++;
        return TPI_SESSION_NOTHING;
    }
    if (TPI_SESSION_DETACHING == s->state)
    {
        s->state = TPI_SESSION_CLOSED;
        return TPI_SESSION_DETACHED;
    }
    char reason[161];
    (void)tpc_bytes_copy(reason, sizeof(reason), shutdown->error_message);
    say(s, TP_ESHUTDOWN, "driver of stream %" PRIu32 " has shut down%s%s", s->lease.stream_id, '\0' == reason[0] ? "" : ": ", reason);
    return lose(s, now_ns);                                                     /* D-153 D-158 */
}

void tpi_session_driver_alive(tpi_session_t *session, int64_t now_ns)
{
    if (now_ns > session->last_alive_ns) { session->last_alive_ns = now_ns; }
}

tpi_session_event_t tpi_session_driver_gone(tpi_session_t *session, int code, const char *why, int64_t now_ns)
{
    tpi_session_t *s = session;
    s->orphaned = false;
    switch (s->state)
    {
        case TPI_SESSION_LEASED:
            say(s, code, "lease of stream %" PRIu32 " as %s is void: %s", s->lease.stream_id, role_name(s), why);
            (void)lose(s, now_ns);
            begin_attach(s, now_ns);
            s->backoff_ns = s->config.backoff_ns;
            return TPI_SESSION_LOST;
        case TPI_SESSION_ATTACHING:
        case TPI_SESSION_BACKOFF:
            begin_attach(s, now_ns);
            s->backoff_ns = s->config.backoff_ns;
            return TPI_SESSION_NOTHING;
        case TPI_SESSION_DETACHING:
        case TPI_SESSION_LEAVING:
            s->state = TPI_SESSION_CLOSED;
            return TPI_SESSION_DETACHED;
        default:
            return TPI_SESSION_NOTHING;
    }
}

void tpi_session_abandon(tpi_session_t *session, int code, const char *why, int64_t now_ns)
{
    tpi_session_t *s = session;
    if (TPI_SESSION_LEASED != s->state) { return; }
    say(s, code, "%s", why);
    s->orphaned = true;
    s->orphan = s->lease;
    s->deadline_ns = INT64_MAX;
    back_off(s, now_ns);
}

void tpi_session_close(tpi_session_t *session, int64_t now_ns)
{
    tpi_session_t *s = session;
    if (TPI_SESSION_DETACHING == s->state || TPI_SESSION_LEAVING == s->state) { return; }
    if (TPI_SESSION_LEASED == s->state) { begin_detach(s, now_ns); return; }
    const bool asking = tpi_session_is_asking(s);
    s->state = asking ? TPI_SESSION_LEAVING : TPI_SESSION_CLOSED;
    s->due_ns = add(now_ns, s->config.detach_timeout_ns);  /* also for the detach of an orphan */
}

bool tpi_session_is_asking(const tpi_session_t *session) { return TPI_SESSION_ATTACHING == session->state && 0 != session->sends; }

bool tpi_session_is_leased(const tpi_session_t *session) { return TPI_SESSION_LEASED == session->state; }

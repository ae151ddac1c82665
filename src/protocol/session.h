/*
 * One attachment to the driver (20-driver.md sections 3, 4, 9, 10), as a pure machine: messages and now_ns in, decisions out.
 *
 *   IDLE -> ATTACHING -> LEASED -> BACKOFF -> ATTACHING ...        close: LEASED -> DETACHING -> CLOSED,
 *   ATTACHING with a request in flight -> LEAVING -> DETACHING or CLOSED, any other -> CLOSED
 *
 * ATTACHING repeats an unanswered request with the same correlation id at growing intervals (OP-D-04, D-056). A lease that is lost, or an answer
 * that breaks the protocol, leads to BACKOFF and a new correlation id. A lease whose regions could not be used is handed back first (orphan).
 *
 * Used by one thread, the conductor. The owner asks tpi_session_next() what to send, sends it, and tells tpi_session_sent() whether the bus took it.
 */
#ifndef TPI_PROTOCOL_SESSION_H
#define TPI_PROTOCOL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec_driver.h"

/* Correlation ids: random start per process, never used twice (D-036..D-038). Client ids: random, never 0 (D-032). */
typedef struct tpi_id_source
{
    uint64_t random;
    uint64_t next_correlation_id;
}
tpi_id_source_t;

void tpi_id_source_init(tpi_id_source_t *ids, uint64_t seed_a, uint64_t seed_b);
int64_t tpi_id_source_correlation(tpi_id_source_t *ids);
uint32_t tpi_id_source_client(tpi_id_source_t *ids);        /* neither 0 nor UINT32_MAX */
uint64_t tpi_id_source_random(tpi_id_source_t *ids);

typedef enum tpi_session_state
{
    TPI_SESSION_IDLE = 0,
    TPI_SESSION_ATTACHING,
    TPI_SESSION_LEASED,
    TPI_SESSION_BACKOFF,
    TPI_SESSION_DETACHING,
    TPI_SESSION_CLOSED,
    TPI_SESSION_LEAVING            /* closed while a request is unanswered: what may still be granted is handed back */
}
tpi_session_state_t;

typedef enum tpi_session_event
{
    TPI_SESSION_NOTHING = 0,
    TPI_SESSION_ATTACHED,          /* a valid OK: the owner maps; if it cannot, it calls tpi_session_abandon */
    TPI_SESSION_REFUSED,           /* the driver said no: s->code, s->text */
    TPI_SESSION_BROKEN,            /* the answer breaks the protocol: s->code = TP_EPROTOCOL, s->text (D-082) */
    TPI_SESSION_LOST,              /* the lease is gone: s->code, s->text; stop using its regions at once */
    TPI_SESSION_DETACHED           /* the driver confirmed a detach, or it will not answer any more */
}
tpi_session_event_t;

typedef enum tpi_session_action
{
    TPI_SESSION_SEND_NOTHING = 0,
    TPI_SESSION_SEND_ATTACH,
    TPI_SESSION_SEND_KEEPALIVE,
    TPI_SESSION_SEND_DETACH
}
tpi_session_action_t;

typedef struct tpi_session_config
{
    uint32_t stream_id;                /* 0 = dynamic */
    uint32_t client_id;                /* 0 = choose (D-032) */
    uint8_t role;
    uint8_t publish_mode;
    uint8_t hugepages;
    uint32_t expected_layout_version;
    uint32_t desired_node_id;
    int64_t keepalive_interval_ns;
    int64_t announce_period_ns;
    int64_t retry_ns;                  /* first interval between repetitions of an unanswered request */
    int64_t retry_max_ns;
    int64_t backoff_ns;                /* first delay after a refusal or loss */
    int64_t backoff_max_ns;
    int64_t detach_timeout_ns;
}
tpi_session_config_t;

typedef struct tpi_lease_info
{
    uint64_t lease_id;
    uint64_t epoch;
    uint32_t stream_id;
    uint32_t client_id;
    uint32_t node_id;
    uint32_t layout_version;
    uint32_t header_nslots;
    uint32_t pool_count;
    uint32_t max_stride_bytes;
    int32_t driver_session_id;         /* Aeron session of the answer: who may announce the driver's end (D-206) */
}
tpi_lease_info_t;

#define TPI_SESSION_TEXT_MAX 320

typedef struct tpi_session
{
    tpi_session_config_t config;
    tpi_id_source_t *ids;
    tpi_session_state_t state;
    bool auto_client_id;
    uint32_t client_id;
    uint32_t wanted_stream_id;         /* what attach requests ask for; the granted id once there was one */
    int64_t correlation_id;            /* of the attach or detach in flight */
    uint32_t sends;                    /* of the request in flight */
    int64_t due_ns;                    /* next send, end of backoff, end of waiting for a detach response */
    int64_t retry_ns;                  /* next interval */
    int64_t backoff_ns;                /* next delay */
    tpi_lease_info_t lease;            /* of LEASED and DETACHING */
    int64_t duration_ns;               /* of a lease; 0 = not told */
    int64_t deadline_ns;               /* D-103; INT64_MAX = not enforced */
    int64_t last_alive_ns;             /* last proof that the driver lives (D-155) */
    int64_t keepalive_due_ns;
    bool orphaned;                     /* orphan has to be handed back */
    tpi_lease_info_t orphan;
    int code;                          /* of the last refusal, break or loss (errors.def) */
    char text[TPI_SESSION_TEXT_MAX];
    uint64_t attaches;                 /* OK accepted so far */
    uint64_t ignored;                  /* answers and notices that were not for us or not understood */
}
tpi_session_t;

typedef struct tpi_session_message
{
    union
    {
        tpc_attach_request_t attach;
        tpc_keepalive_t keepalive;
        tpc_detach_request_t detach;
    };
}
tpi_session_message_t;

void tpi_session_init(tpi_session_t *session, const tpi_session_config_t *config, tpi_id_source_t *ids);
/* IDLE -> ATTACHING. */
void tpi_session_open(tpi_session_t *session, int64_t now_ns);
/* Whether an attach request is out and unanswered. */
bool tpi_session_is_asking(const tpi_session_t *session);
/* What is due now; *message is filled. */
tpi_session_action_t tpi_session_next(tpi_session_t *session, int64_t now_ns, tpi_session_message_t *message);
/* Whether the bus accepted it. Only then deadlines move (trap P5). */
void tpi_session_sent(tpi_session_t *session, tpi_session_action_t action, bool accepted, int64_t now_ns);
/* Time passes: deadlines of lease, driver and detach. */
tpi_session_event_t tpi_session_check(tpi_session_t *session, int64_t now_ns);

tpi_session_event_t tpi_session_on_attach_response(tpi_session_t *session, const tpc_attach_response_t *response, int32_t aeron_session_id,
    int64_t now_ns);
tpi_session_event_t tpi_session_on_detach_response(tpi_session_t *session, const tpc_detach_response_t *response, int64_t now_ns);
tpi_session_event_t tpi_session_on_revoked(tpi_session_t *session, const tpc_lease_revoked_t *revoked, int64_t now_ns);
tpi_session_event_t tpi_session_on_shutdown(tpi_session_t *session, const tpc_driver_shutdown_t *shutdown, int32_t aeron_session_id, int64_t now_ns);
/* An announce of the stream came, or the driver's instance counter moved (D-155). */
void tpi_session_driver_alive(tpi_session_t *session, int64_t now_ns);
/* The bus or the driver is known to be gone, or another instance took its place: LOST when there was a lease. The next attach is due at once. */
tpi_session_event_t tpi_session_driver_gone(tpi_session_t *session, int code, const char *why, int64_t now_ns);
/* The owner cannot use what the driver granted: hands the lease back, attaches again after a delay (D-082). */
void tpi_session_abandon(tpi_session_t *session, int code, const char *why, int64_t now_ns);
void tpi_session_close(tpi_session_t *session, int64_t now_ns);

bool tpi_session_is_leased(const tpi_session_t *session);
/* Earliest time at which the lease cannot be relied on any more: its deadline, or the driver's silence. */
int64_t tpi_session_valid_until_ns(const tpi_session_t *session);

/* errors.def code for a refusal. */
int tpi_session_refusal_code(int32_t code, tpc_bytes_t text);

#endif

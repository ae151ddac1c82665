/*
 * Administration of a running driver of this host: who holds what, take it away, drain, reload. Library tensor_pool_services.
 *
 * Goes through the driver's local socket (docs/spec/95-local-extensions.md, section 2), which serves the driver's own user and root. Every call sends
 * one request and waits for its answer, at most the time limit of the handle; nothing stays connected in between. A refusal of the driver is the
 * error of the call, with the driver's code, text, reason and remedy. One thread at a time per handle.
 *
 * Errors of every call besides those named: TP_ENODRIVER (it has gone), TP_ETIMEDOUT, TP_EPERM (another user's), TP_EPROTOCOL (no sense in the
 * answer).
 */
#ifndef TENSOR_POOL_DRIVER_TP_ADMIN_H
#define TENSOR_POOL_DRIVER_TP_ADMIN_H

#include <stdbool.h>

#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/common/tp_types.h>

TP_BEGIN_DECLS

typedef struct tp_admin tp_admin_t;

/*
 * Finds the driver by its endpoint file: the named instance, with NULL or "" the only living one. timeout_ns bounds each later call, 0 = 5 s.
 * TP_ENODRIVER when none lives (or it has no socket), TP_EINVAL when several live and none is named.
 */
TP_EXPORT int tp_admin_open(tp_admin_t **admin, const char *instance_id, int64_t timeout_ns);
TP_EXPORT void tp_admin_close(tp_admin_t *admin);              /* accepts NULL */

/* Whose handle it is; "" and 0 for NULL. Valid until close. */
TP_EXPORT const char *tp_admin_instance_id(const tp_admin_t *admin);
/* Process id. */
TP_EXPORT int64_t tp_admin_pid(const tp_admin_t *admin);
/* Does that very driver process still hold its endpoint file? Asks the file, not the driver. */
TP_EXPORT bool tp_admin_driver_is_alive(const tp_admin_t *admin);

/*
 * Any request of section 2, as JSON text of one line; *reply (may be NULL) is the JSON object of the answer and lives until the next call with this
 * handle. -1 also when the answer says "ok":false.
 */
TP_EXPORT int tp_admin_call(tp_admin_t *admin, const char *request, const char **reply);

typedef struct tp_admin_lease
{
    uint32_t size;
    uint32_t stream_id;
    uint64_t lease_id;
    uint64_t epoch;                    /* of the mapping it was granted with */
    uint32_t client_id;
    uint32_t node_id;
    uint8_t role;                      /* TP_ROLE_PRODUCER, TP_ROLE_CONSUMER */
    int64_t keepalive_age_ns;
    int64_t expires_in_ns;             /* negative: overdue */
    uint64_t reserved[4];
}
tp_admin_lease_t;
typedef void (*tp_admin_lease_handler_t)(void *clientd, const tp_admin_lease_t *lease);
/* Number of leases, each handed to the handler during the call. */
TP_EXPORT int tp_admin_leases(tp_admin_t *admin, tp_admin_lease_handler_t handler, void *clientd);
/* Ends a lease with reason REVOKED; its holder is told at once. TP_ENOENT: no such lease. */
TP_EXPORT int tp_admin_revoke(tp_admin_t *admin, uint64_t lease_id);
/* The driver refuses new leases, tells everybody, and ends after policies.shutdown_timeout_ms. Returns at once. */
TP_EXPORT int tp_admin_drain(tp_admin_t *admin);

/*
 * Has the driver read its configuration again, as SIGHUP does: everything is checked first, an error is the error of this call and changes nothing.
 * *reply (may be NULL) is as in tp_admin_call: what changed, and what needs a restart (95-local-extensions.md, section 5).
 */
TP_EXPORT int tp_admin_reload(tp_admin_t *admin, const char **reply);

TP_END_DECLS

#endif

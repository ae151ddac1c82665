/*
 * The tool's side of the driver's local socket. Owns the last answer. Answers come from a process of the own user or root; they are checked all the
 * same. One thread at a time per handle.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tensor_pool/driver/tp_admin.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "runtime/endpoint.h"
#include "runtime/local_socket.h"

#define DEFAULT_TIMEOUT_NS (5 * TPI_NS_PER_S)

struct tp_admin
{
    tpi_endpoint_t endpoint;
    int64_t timeout_ns;
    char *reply;
};

/* ---- finding ---------------------------------------------------------------------------------------------------------------- */

typedef struct search
{
    const char *instance_id;           /* NULL = any */
    tpi_endpoint_t *found;
    int alive, dead;
    char names[256];
}
search_t;

static void consider(void *clientd, const tpi_endpoint_t *endpoint, bool alive)
{
    search_t *const search = clientd;
    const size_t used = strlen(search->names);
    if (NULL != search->instance_id && 0 != strcmp(search->instance_id, endpoint->instance_id)) { return; }
    if (!alive) { search->dead++; return; }
    if (0 == search->alive++) { *search->found = *endpoint; }
    (void)snprintf(search->names + used, sizeof(search->names) - used, "%s%s", 0 == used ? "" : ", ", endpoint->instance_id);
}

static int find(tpi_endpoint_t *endpoint, const char *instance_id)
{
    search_t search = { .instance_id = NULL == instance_id || '\0' == instance_id[0] ? NULL : instance_id, .found = endpoint };
    const char *const name = NULL != search.instance_id ? search.instance_id : "";
    if (tpi_endpoint_foreach(consider, &search) < 0) { return -1; }
    if (0 == search.alive)
    {
        TPI_SET_ERR(TP_ENODRIVER, "no tensor pool driver%s%s%s is running", '\0' != name[0] ? " '" : "", name, '\0' != name[0] ? "'" : "");
        if (search.dead > 0) { TPI_ERR_WHY("an endpoint file is there, but its driver is dead"); }
        TPI_ERR_FIX("start one: tp_driver --embedded-media-driver; tp env shows which are known");
        return -1;
    }
    if (search.alive > 1 && NULL == search.instance_id)
    {
        TPI_SET_ERR(TP_EINVAL, "%d drivers are running (%s): which one?", search.alive, search.names);
        TPI_ERR_FIX("name it: --driver INSTANCE, or TP_DRIVER");
        return -1;
    }
    if ('\0' == endpoint->socket_path[0])
    {
        TPI_SET_ERR(TP_ENODRIVER, "driver '%s' (pid %" PRId64 ") has no local socket", endpoint->instance_id, endpoint->pid);
        return -1;
    }
    return 0;
}

int tp_admin_open(tp_admin_t **admin, const char *instance_id, int64_t timeout_ns)
{
    if (NULL == admin || timeout_ns < 0) { TPI_SET_ERR(TP_EINVAL, "admin is NULL or timeout_ns = %" PRId64 " < 0", timeout_ns); return -1; }
    tp_admin_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->reply = NULL;
    made->timeout_ns = 0 == timeout_ns ? DEFAULT_TIMEOUT_NS : timeout_ns;
    if (find(&made->endpoint, instance_id) < 0)
    {
        tpi_free(made);
        return -1;
    }
    *admin = made;
    return 0;
}

void tp_admin_close(tp_admin_t *admin)
{
    if (NULL == admin) { return; }
    tpi_free(admin->reply);
    tpi_free(admin);
}

const char *tp_admin_instance_id(const tp_admin_t *admin) { return NULL == admin ? "" : admin->endpoint.instance_id; }
int64_t tp_admin_pid(const tp_admin_t *admin) { return NULL == admin ? 0 : admin->endpoint.pid; }

bool tp_admin_driver_is_alive(const tp_admin_t *admin)
{
    bool alive = false;
    if (NULL == admin) { return false; }
    tpi_endpoint_t *const now = tpi_alloc(sizeof(*now));
    const int rc = NULL == now ? -1 : tpi_endpoint_read(now, admin->endpoint.file, &alive);
    const bool same = 0 == rc && alive && now->instance_token == admin->endpoint.instance_token;
    tpi_free(now);
    return same;
}

/* ---- calling ---------------------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *const text = json_string_value(json_object_get(object, key));
    return NULL == text ? "" : text;
}

static int refused(const json_t *error)
{
    const json_int_t code = json_integer_value(json_object_get(error, "code"));
    const char *const message = text_of(error, "message");
    const char *const why = text_of(error, "why");
    const char *const fix = text_of(error, "fix");
    TPI_SET_ERR(code > 0 && code <= TP_ERROR_CODE_MAX ? (int)code : TP_EPROTOCOL, "%s", '\0' != message[0] ? message : "refused without a reason");
    if ('\0' != why[0]) { TPI_ERR_WHY("%s", why); }
    if ('\0' != fix[0]) { TPI_ERR_FIX("%s", fix); }
    return -1;
}

/* The answer as an object that says ok; NULL with an error otherwise. The caller owns it. */
static json_t *call(tp_admin_t *admin, const char *request)
{
    char *line = NULL;
    if (NULL == admin || NULL == request || NULL != strchr(request, '\n') || strlen(request) >= TPI_LOCAL_LINE_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "request is NULL, or not one line of less than %d bytes", TPI_LOCAL_LINE_MAX);
        return NULL;
    }
    if (tpi_local_call(admin->endpoint.socket_path, request, &line, admin->timeout_ns) < 0) { return NULL; }
    json_t *const answer = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    tpi_free(admin->reply);
    admin->reply = line;
    const json_t *const ok = json_object_get(answer, "ok");
    if (json_is_true(ok)) { return answer; }
    if (json_is_false(ok)) { (void)refused(json_object_get(answer, "error")); }
    else { TPI_SET_ERR(TP_EPROTOCOL, "answer of driver '%s' is not understood: %.80s", admin->endpoint.instance_id, line); }
    json_decref(answer);
    return NULL;
}

int tp_admin_call(tp_admin_t *admin, const char *request, const char **reply)
{
    json_t *const answer = call(admin, request);
    if (NULL == answer) { return -1; }
    json_decref(answer);
    if (NULL != reply) { *reply = admin->reply; }
    return 0;
}

static bool id_of(const json_t *object, const char *key, uint64_t *value)
{
    const char *const text = text_of(object, key);
    char *end = NULL;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && '\0' == *end && 0 == errno;
}

static bool number_of(const json_t *object, const char *key, int64_t minimum, int64_t maximum, int64_t *value)
{
    const json_t *const number = json_object_get(object, key);
    *value = (int64_t)json_integer_value(number);
    return json_is_integer(number) && *value >= minimum && *value <= maximum;
}

static bool lease_of(const json_t *object, tp_admin_lease_t *lease)
{
    const char *const role = text_of(object, "role");
    int64_t stream = 0;
    int64_t client = 0;
    int64_t node = 0;
    memset(lease, 0, sizeof(*lease));
    lease->size = sizeof(*lease);
    lease->role = 0 == strcmp(role, "producer") ? TP_ROLE_PRODUCER : TP_ROLE_CONSUMER;
    const bool good = id_of(object, "lease", &lease->lease_id) && id_of(object, "epoch", &lease->epoch) &&
        number_of(object, "stream", 0, UINT32_MAX, &stream) && number_of(object, "client", 0, UINT32_MAX, &client) &&
        number_of(object, "node", 0, UINT32_MAX, &node) && number_of(object, "keepalive_age_ns", INT64_MIN, INT64_MAX, &lease->keepalive_age_ns) &&
        number_of(object, "expires_in_ns", INT64_MIN, INT64_MAX, &lease->expires_in_ns) &&
        (TP_ROLE_PRODUCER == lease->role || 0 == strcmp(role, "consumer"));
    lease->stream_id = (uint32_t)stream;
    lease->client_id = (uint32_t)client;
    lease->node_id = (uint32_t)node;
    return good;
}

int tp_admin_leases(tp_admin_t *admin, tp_admin_lease_handler_t handler, void *clientd)
{
    if (NULL == handler) { TPI_SET_ERR(TP_EINVAL, "handler is NULL"); return -1; }
    json_t *const answer = call(admin, "{\"cmd\":\"leases\"}");
    if (NULL == answer) { return -1; }
    const json_t *const leases = json_object_get(answer, "leases");
    int count = json_is_array(leases) ? 0 : -1;
    for (size_t i = 0; i < json_array_size(leases); i++)
    {
        tp_admin_lease_t lease;
        if (!lease_of(json_array_get(leases, i), &lease)) { count = -1; break; }
        handler(clientd, &lease);
        count++;
    }
    json_decref(answer);
    if (count < 0) { TPI_SET_ERR(TP_EPROTOCOL, "list of leases of driver '%s' is not understood", admin->endpoint.instance_id); }
    return count;
}

int tp_admin_revoke(tp_admin_t *admin, uint64_t lease_id)
{
    char request[80];
    (void)snprintf(request, sizeof(request), "{\"cmd\":\"revoke\",\"lease\":\"%" PRIu64 "\"}", lease_id);
    return tp_admin_call(admin, request, NULL);
}

int tp_admin_drain(tp_admin_t *admin)
{
    return tp_admin_call(admin, "{\"cmd\":\"drain\"}", NULL);
}

int tp_admin_reload(tp_admin_t *admin, const char **reply)
{
    return tp_admin_call(admin, "{\"cmd\":\"reload\"}", reply);
}

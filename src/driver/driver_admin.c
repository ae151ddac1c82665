/* Administration over the local socket. Who may connect is decided by the socket (peer credentials); what comes is hostile all the same. */
#include "driver/driver_admin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/codec_driver.h"
#include "common/alloc.h"
#include "common/err.h"
#include "common/log.h"
#include "driver/driver_admin_ops.h"
#include "runtime/local_socket.h"

struct tpi_admin
{
    tpi_driver_t *driver;
    tpi_local_server_t *server;
    int64_t now_ns;
};

static int do_ping(const tpi_admin_request_t *request, json_t *reply)
{
    static const char *const states[] = { "", "running", "draining", "stopped" };
    (void)json_object_set_new(reply, "token", tpi_admin_decimal(tpi_driver_instance_token(request->driver)));
    (void)json_object_set_new(reply, "pid", json_integer(getpid()));
    (void)json_object_set_new(reply, "state", json_string(states[tpi_driver_state(request->driver)]));
    (void)json_object_set_new(reply, "leases", json_integer((json_int_t)tpi_driver_lease_count(request->driver)));
    return 0;
}

static int do_revoke(const tpi_admin_request_t *request, json_t *reply)
{
    uint64_t lease_id = 0;
    (void)reply;
    if (tpi_admin_get_id(request, "lease", &lease_id) < 0) { return -1; }
    return tpi_driver_revoke(request->driver, lease_id, "revoked by an administrator", request->now_ns);
}

static int do_drain(const tpi_admin_request_t *request, json_t *reply)
{
    (void)reply;
    tpi_driver_shutdown(request->driver, TPC_SHUTDOWN_ADMIN, "drained by an administrator", json_is_true(json_object_get(request->object, "now")));
    return 0;
}

typedef struct command
{
    const char *name;
    bool changes;                      /* something: it is logged. Questions are not: who follows the log would follow himself */
    int (*run)(const tpi_admin_request_t *request, json_t *reply);
}
command_t;

static const command_t commands[] = { { "ping", false, do_ping }, { "leases", false, tpi_admin_leases }, { "revoke", true, do_revoke },
    { "drain", true, do_drain }, { "reload", true, tpi_admin_reload }, { "streams", false, tpi_admin_streams }, { "log", false, tpi_admin_log },
    { "errors", false, tpi_admin_errors } };

static int run(const tpi_admin_request_t *request, json_t *reply)
{
    const char *const cmd = json_string_value(json_object_get(request->object, "cmd"));
    for (size_t i = 0; NULL != cmd && i < sizeof(commands) / sizeof(commands[0]); i++)
    {
        if (0 != strcmp(cmd, commands[i].name)) { continue; }
        if (commands[i].changes) { TPI_LOG_INFO("local socket: pid %ld: %s", request->peer_pid, commands[i].name); }
        return commands[i].run(request, reply);
    }
    TPI_SET_ERR(TP_EINVAL, "cmd = '%.40s' is not one of ping, leases, revoke, drain, reload, streams, log, errors", NULL == cmd ? "" : cmd);
    return -1;
}

void tpi_admin_put_error(json_t *reply)
{
    json_t *const error = json_object();
    (void)json_object_clear(reply);
    (void)json_object_set_new(reply, "ok", json_false());
    (void)json_object_set_new(error, "code", json_integer(tp_errcode()));
    (void)json_object_set_new(error, "message", tpi_admin_text(tp_errmsg()));
    (void)json_object_set_new(error, "why", tpi_admin_text(tp_errwhy()));
    (void)json_object_set_new(error, "fix", tpi_admin_text(tp_errfix()));
    (void)json_object_set_new(reply, "error", error);
}

char *tpi_admin_dump(json_t *reply, size_t bytes_max)
{
    char *dumped = json_dumps(reply, JSON_COMPACT);
    if (NULL != dumped && strlen(dumped) > bytes_max)
    {
        TPI_SET_ERR(TP_EFULL, "answer has %zu bytes, at most %zu are sent", strlen(dumped), bytes_max);
        TPI_ERR_FIX("ask for less: one \"stream\", or a lower \"limit\"");
        tpi_admin_put_error(reply);
        free(dumped);
        dumped = json_dumps(reply, JSON_COMPACT);
    }
    char *const text = NULL == dumped ? NULL : tpi_strdup(dumped);
    free(dumped);
    return text;
}

char *tpi_admin_answer(tpi_driver_t *driver, long peer_pid, const char *line, size_t length, int64_t now_ns)
{
    json_error_t where;
    json_t *const object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &where);
    json_t *const reply = json_object();
    const tpi_admin_request_t request = { driver, object, now_ns, peer_pid };
    int rc = -1;
    (void)json_object_set_new(reply, "ok", json_true());
    if (json_is_object(object)) { rc = run(&request, reply); }
    else { TPI_SET_ERR(TP_EINVAL, "request is not a JSON object"); }
    if (rc < 0) { tpi_admin_put_error(reply); }
    char *const text = tpi_admin_dump(reply, TPI_LOCAL_REPLY_MAX - 1);
    json_decref(reply);
    json_decref(object);
    return text;
}

static void on_line(void *clientd, tpi_local_peer_t *peer, const char *line, size_t length)
{
    tpi_admin_t *const admin = clientd;
    char *const answer = tpi_admin_answer(admin->driver, (long)tpi_local_peer_pid(peer), line, length, admin->now_ns);
    if (NULL != answer) { (void)tpi_local_peer_reply(peer, answer, strlen(answer)); }
    tpi_free(answer);
}

int tpi_admin_open(tpi_admin_t **admin, tpi_driver_t *driver, const char *socket_path)
{
    tpi_admin_t *const a = tpi_alloc(sizeof(*a));
    if (NULL == a) { return -1; }
    a->driver = driver;
    if (tpi_local_server_open(&a->server, socket_path) < 0)
    {
        tpi_free(a);
        return -1;
    }
    *admin = a;
    return 0;
}

void tpi_admin_watch(tpi_admin_t *admin, tpi_wait_set_t *set) { tpi_local_server_watch(admin->server, set); }

int tpi_admin_do_work(tpi_admin_t *admin, int64_t now_ns)
{
    admin->now_ns = now_ns;
    return tpi_local_server_poll(admin->server, on_line, admin);
}

void tpi_admin_close(tpi_admin_t *admin)
{
    if (NULL == admin) { return; }
    tpi_local_server_close(admin->server);
    tpi_free(admin);
}

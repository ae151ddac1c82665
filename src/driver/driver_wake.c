/* See driver_wake.h. A page is made at the first request and closed with its stream; clients keep what they have mapped. */
#include "driver/driver_wake.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "common/alloc.h"
#include "driver/driver_admin_ops.h"
#include "driver/driver_state.h"
#include "runtime/local_socket.h"
#include "shm/wake.h"

#define DESCRIPTORS_KEPT 4u            /* one of so many may be a page */

struct tpi_wake_service
{
    tpi_driver_t *driver;
    tpi_local_server_t *server;
};

mode_t tpi_wake_socket_mode(uint32_t permissions_mode)
{
    mode_t mode = 0600;
    if (0 != (permissions_mode & 0040u)) { mode |= 0060; }
    if (0 != (permissions_mode & 0004u)) { mode |= 0006; }
    return mode;                       /* L-207 */
}

static size_t pages_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / DESCRIPTORS_KEPT > TPI_WAKE_PAGES_MAX) { return TPI_WAKE_PAGES_MAX; }
    return (size_t)limit.rlim_cur / DESCRIPTORS_KEPT;
}

static int page_of(tpi_driver_t *driver, tpi_stream_t *stream)
{
    if (stream->wake_fd >= 0) { return 0; }
    if (driver->wake_pages >= pages_max())                     /* L-208 */
    {
        driver->stats.limit_wakes++;
        TPI_SET_ERR(TP_EFULL, "wake-up pages = %zu, no more are made", driver->wake_pages);
        return -1;
    }
    if (tpi_wake_page_create(&stream->wake_fd) < 0) { return -1; }
    driver->wake_pages++;
    return 0;
}

static int find_page(tpi_driver_t *driver, const json_t *object)
{
    const char *const cmd = json_string_value(json_object_get(object, "cmd"));
    const json_t *const id = json_object_get(object, "stream");
    if (NULL == cmd || 0 != strcmp(cmd, "wake"))               /* L-207: nothing else is to be had here */
    {
        TPI_SET_ERR(TP_EINVAL, "cmd = '%.40s' is not wake", NULL == cmd ? "" : cmd);
        return -1;
    }
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > UINT32_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "'stream' is not a number from 0 to %" PRIu32, UINT32_MAX);
        return -1;
    }
    tpi_stream_t *const stream = tpi_stream_find(driver, (uint32_t)json_integer_value(id));
    if (NULL == stream || NULL == stream->files)               /* L-208: requests make no pages for streams that nobody uses */
    {
        TPI_SET_ERR(TP_ENOENT, "stream %" PRIu32 " has no regions", (uint32_t)json_integer_value(id));
        return -1;
    }
    if (page_of(driver, stream) < 0) { return -1; }
    driver->stats.wakes_handed_out++;
    return stream->wake_fd;
}

char *tpi_wake_answer(tpi_driver_t *driver, const char *line, size_t length, int *fd)
{
    json_error_t where;
    json_t *const object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &where);
    json_t *const reply = json_object();
    *fd = -1;
    if (json_is_object(object)) { *fd = find_page(driver, object); }
    else { TPI_SET_ERR(TP_EINVAL, "request is not a JSON object"); }
    if (*fd >= 0) { (void)json_object_set_new(reply, "ok", json_true()); }
    else { tpi_admin_put_error(reply); }
    char *const text = tpi_admin_dump(reply, TPI_LOCAL_LINE_MAX - 1);
    json_decref(reply);
    json_decref(object);
    return text;
}

static void on_line(void *clientd, tpi_local_peer_t *peer, const char *line, size_t length)
{
    const tpi_wake_service_t *const service = clientd;
    int fd = -1;
    char *const answer = tpi_wake_answer(service->driver, line, length, &fd);
    if (NULL != answer && fd >= 0) { (void)tpi_local_peer_reply_with(peer, answer, strlen(answer), fd); }
    else if (NULL != answer) { (void)tpi_local_peer_reply(peer, answer, strlen(answer)); }
    tpi_free(answer);
}

int tpi_wake_service_open(tpi_wake_service_t **service, tpi_driver_t *driver, const char *socket_path)
{
    tpi_wake_service_t *const s = tpi_alloc(sizeof(*s));
    if (NULL == s) { return -1; }
    s->driver = driver;
    if (tpi_local_server_open_shared(&s->server, socket_path, tpi_wake_socket_mode(driver->config.permissions_mode)) < 0)
    {
        tpi_free(s);
        return -1;
    }
    *service = s;
    return 0;
}

void tpi_wake_service_watch(tpi_wake_service_t *service, tpi_wait_set_t *set) { tpi_local_server_watch(service->server, set); }

int tpi_wake_service_do_work(tpi_wake_service_t *service) { return tpi_local_server_poll(service->server, on_line, service); }

void tpi_wake_service_close(tpi_wake_service_t *service)
{
    if (NULL == service) { return; }
    tpi_local_server_close(service->server);
    tpi_free(service);
}

/*
 * The local socket of a driver: any bytes from a peer. Every line is answered by one line of JSON that says ok, or an error with a text; a peer
 * whose line is too long is closed. The driver goes on.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "driver/driver_admin.h"
#include "fuzz_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rig_t rig;
static tpi_admin_t *admin;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void check_line(const char *line, size_t length)
{
    json_error_t error;
    json_t *const reply = json_loadb(line, length, 0, &error);
    const json_t *const ok = json_object_get(reply, "ok");
    if (!json_is_boolean(ok)) { abort(); }
    if (json_is_false(ok) && !json_is_string(json_object_get(json_object_get(reply, "error"), "message"))) { abort(); }
    json_decref(reply);
}

static void start(void)
{
    if (NULL != admin) { return; }
    rig_open(&rig);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/dev/shm/tp-fuzz-%ld/admin", (long)getpid());
    if (tpi_admin_open(&admin, rig.driver, address.sun_path) < 0) { abort(); }
}

static void attach(void)
{
    uint8_t buffer[64];
    tpc_attach_request_t request = TPC_ATTACH_REQUEST_INIT;
    request.stream_id = 10000;
    request.client_id = 42;
    request.role = TP_ROLE_CONSUMER;
    if (tpi_driver_lease_count(rig.driver) > 0) { return; }
    rig_send(&rig, buffer, (size_t)tpc_attach_request_encode(buffer, sizeof(buffer), &request));
    rig_step(&rig, 0);
}

static int connected(void)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) { abort(); }
    return fd;
}

/* Complete lines only: a peer may be closed in the middle of one. */
static void read_all(int fd)
{
    static char text[1u << 16];
    static size_t used;
    used = 0;
    ssize_t n = 0;
    while (used < sizeof(text) && (n = recv(fd, text + used, sizeof(text) - used, 0)) > 0) { used += (size_t)n; }
    const char *line = text;
    const char *end = NULL;
    while (NULL != (end = memchr(line, '\n', used - (size_t)(line - text))))
    {
        check_line(line, (size_t)(end - line));
        line = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    start();
    attach();
    const int fd = connected();
    size_t sent = 0;
    for (int i = 0; i < 64 && sent < size; i++)
    {
        const ssize_t n = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
        (void)tpi_admin_do_work(admin, rig.now_ns);
        if (n < 0 && EAGAIN != errno) { break; }
        sent += n > 0 ? (size_t)n : 0;
    }
    for (int i = 0; i < 4; i++) { (void)tpi_admin_do_work(admin, rig.now_ns); }
    read_all(fd);
    (void)close(fd);
    (void)tpi_admin_do_work(admin, rig.now_ns);
    rig_step(&rig, MS);
    if (TP_DRIVER_RUNNING != tpi_driver_state(rig.driver))       /* a line told it to drain */
    {
        tpi_admin_close(admin);
        admin = NULL;
        rig_close(&rig);
    }
    return 0;
}

/* See driver_rig.h. */
#include "driver_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/path.h"
#include "shm/uri.h"

rig_t *rig;

static void on_tap(void *clientd, const tpi_message_t *message)
{
    rig_t *const r = clientd;
    tpc_header_t header;
    if (TPC_OK != tpc_header_decode(&header, message->data, message->length)) { return; }
    if (r->event_count >= RIG_EVENTS_MAX || message->length > RIG_EVENT_BYTES) { return; }
    rig_event_t *const event = &r->events[r->event_count++];
    event->schema = header.schema_id;
    event->template_id = header.template_id;
    event->session_id = message->session_id;
    event->at_ns = r->now_ns;
    event->length = message->length;
    memcpy(event->data, message->data, message->length);
}

static void ignore(void *clientd, const tpi_message_t *message)
{
    (void)clientd;
    (void)message;
}

static void open_client(void)
{
    tpi_bus_async_t *pub = NULL;
    tpi_bus_async_t *sub = NULL;
    const tpi_subscription_config_t config = { .channel = rig->config.control_channel, .stream_id = RIG_CONTROL };
    assert_int_equal(tpi_bus_mem_open(&rig->client_bus, rig->network), 0);
    assert_int_equal(tpi_bus_add_publication(rig->client_bus, &pub, rig->config.control_channel, RIG_CONTROL), 0);
    assert_int_equal(tpi_bus_add_subscription(rig->client_bus, &sub, &config), 0);
    for (int i = 0; i < 10 && (NULL == rig->publication || NULL == rig->subscription); i++)
    {
        tpi_bus_do_work(rig->client_bus, rig->now_ns);
        if (NULL == rig->publication) { assert_true(tpi_bus_add_publication_poll(pub, &rig->publication) >= 0); }
        if (NULL == rig->subscription) { assert_true(tpi_bus_add_subscription_poll(sub, &rig->subscription) >= 0); }
    }
    assert_non_null(rig->publication);
    assert_non_null(rig->subscription);
}

int rig_setup(void **state)
{
    (void)state;
    static int number;
    rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    (void)snprintf(rig->base, sizeof(rig->base), "/dev/shm/tp-test-%ld-%d", (long)getpid(), ++number);
    rig->now_ns = 1000000 * MS;
    rig->next_correlation = 100;
    rig->options.worker = TPI_WORKER_INLINE;
    tp_driver_config_init(&rig->config);
    (void)snprintf(rig->config.base_dir, sizeof(rig->config.base_dir), "%s", rig->base);
    (void)snprintf(rig->config.shm_namespace, sizeof(rig->config.shm_namespace), "t");
    tp_profile_config_t *const profile = tp_driver_config_add_profile(&rig->config, "p");
    assert_non_null(profile);
    profile->header_nslots = 8;
    profile->pool_count = 2;
    profile->pools[0] = (tp_pool_config_t){ 1, 4096 };
    profile->pools[1] = (tp_pool_config_t){ 7, 65536 };
    assert_non_null(tp_driver_config_add_stream(&rig->config, "left", 10000, "p"));
    assert_non_null(tp_driver_config_add_stream(&rig->config, "right", 10001, "p"));
    assert_int_equal(tpi_mem_network_create(&rig->network), 0);
    tpi_mem_network_tap(rig->network, RIG_CONTROL, on_tap, rig);
    open_client();
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

void rig_remove_tree(const char *path) { (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

int rig_teardown(void **state)
{
    (void)state;
    tpi_driver_delete(rig->driver, rig->now_ns);
    tpi_bus_close(rig->driver_bus);
    tpi_bus_close(rig->client_bus);
    tpi_mem_network_delete(rig->network);
    rig_remove_tree(rig->base);
    tp_driver_config_fini(&rig->config);
    free(rig);
    rig = NULL;
    return 0;
}

int rig_try_start(void)
{
    if (NULL == rig->driver_bus) { assert_int_equal(tpi_bus_mem_open(&rig->driver_bus, rig->network), 0); }
    if (tpi_driver_create(&rig->driver, &rig->config, rig->driver_bus, &rig->options, rig->now_ns) < 0) { return -1; }
    rig_settle();
    return 0;
}

void rig_start(void)
{
    if (rig_try_start() < 0) { fail_msg("driver does not start: %s", tp_errmsg()); }
    assert_int_equal(tpi_driver_is_ready(rig->driver), 1);
}

void rig_stop(void)
{
    tpi_driver_delete(rig->driver, rig->now_ns);
    rig->driver = NULL;
    tpi_bus_close(rig->driver_bus);
    rig->driver_bus = NULL;
    rig_settle();
}

void rig_kill(void)
{
    /* The bus goes first, so nothing can be sent; files stay because cleanup is off; locks go as the kernel would drop them. */
    rig->config.cleanup_shm_on_exit = false;
    tpi_mem_network_tap(rig->network, RIG_CONTROL, NULL, NULL);
    rig_stop();
    tpi_mem_network_tap(rig->network, RIG_CONTROL, on_tap, rig);
}

void rig_settle(void)
{
    for (int i = 0; i < 4; i++)
    {
        if (NULL != rig->driver) { assert_true(tpi_driver_do_work(rig->driver, rig->now_ns) >= 0); }
        rig_drain_client();
    }
}

void rig_drain_client(void)
{
    assert_true(tpi_bus_do_work(rig->client_bus, rig->now_ns) >= 0);
    while (tpi_subscription_poll(rig->subscription, ignore, NULL, 256) > 0) { }
}

void rig_step(int64_t ns)
{
    rig->now_ns += ns;
    rig_settle();
}

void rig_forget_events(void) { rig->event_count = 0; }

void rig_send(const uint8_t *data, size_t length) { assert_true(tpi_publication_offer(rig->publication, data, length) > 0); }

void rig_send_attach(const tpc_attach_request_t *request)
{
    uint8_t buffer[64];
    const int64_t n = tpc_attach_request_encode(buffer, sizeof(buffer), request);
    assert_int_equal(n, 35);
    rig_send(buffer, (size_t)n);
}

void rig_send_keepalive(const tpc_attach_response_t *lease, uint32_t client_id, uint8_t role)
{
    uint8_t buffer[64];
    const tpc_keepalive_t m = { .lease_id = lease->lease_id, .stream_id = lease->stream_id, .client_id = client_id, .role = role,
        .client_timestamp_ns = 1 };
    const int64_t n = tpc_keepalive_encode(buffer, sizeof(buffer), &m);
    assert_true(n > 0);
    rig_send(buffer, (size_t)n);
}

/* Tests set it to the ends of its range. */
static int64_t rig_next_correlation(void)
{
    const int64_t id = rig->next_correlation;
    rig->next_correlation = INT64_MAX == id ? INT64_MIN : id + 1;
    return id;
}

tpc_attach_request_t rig_request(uint8_t role, uint32_t client_id, uint32_t stream_id)
{
    tpc_attach_request_t request = TPC_ATTACH_REQUEST_INIT;
    request.correlation_id = rig_next_correlation();
    request.stream_id = stream_id;
    request.client_id = client_id;
    request.role = role;
    return request;
}

tpc_attach_response_t rig_ask(const tpc_attach_request_t *request)
{
    tpc_attach_response_t response;
    rig_send_attach(request);
    rig_settle();
    if (!rig_response(request->correlation_id, &response)) { fail_msg("no answer to correlation id %" PRId64, request->correlation_id); }
    return response;
}

tpc_attach_response_t rig_attach(uint8_t role, uint32_t client_id, uint32_t stream_id)
{
    const tpc_attach_request_t request = rig_request(role, client_id, stream_id);
    const tpc_attach_response_t response = rig_ask(&request);
    const tpc_bytes_t text = response.error_message;
    if (TPC_CODE_OK != response.code) { fail_msg("attach refused, code %d: %.*s", response.code, (int)text.length, text.data); }
    return response;
}

tpc_detach_response_t rig_detach(const tpc_attach_response_t *lease, uint32_t client_id, uint8_t role)
{
    uint8_t buffer[64];
    tpc_detach_response_t response;
    const tpc_detach_request_t m = { .correlation_id = rig_next_correlation(), .lease_id = lease->lease_id, .stream_id = lease->stream_id,
        .client_id = client_id, .role = role };
    const int64_t n = tpc_detach_request_encode(buffer, sizeof(buffer), &m);
    assert_true(n > 0);
    rig_send(buffer, (size_t)n);
    rig_settle();
    assert_true(rig_detach_response(m.correlation_id, &response));
    return response;
}

/* ---- events ---------------------------------------------------------------------------------------------------------------- */

int rig_find(uint16_t schema, uint16_t template_id, int nth)
{
    for (size_t i = 0; i < rig->event_count; i++)
    {
        if (rig->events[i].schema == schema && rig->events[i].template_id == template_id && 0 == nth--) { return (int)i; }
    }
    return -1;
}

int rig_count(uint16_t schema, uint16_t template_id)
{
    int n = 0;
    while (rig_find(schema, template_id, n) >= 0) { n++; }
    return n;
}

bool rig_response(int64_t correlation_id, tpc_attach_response_t *response)
{
    for (size_t i = rig->event_count; i-- > 0;)
    {
        const rig_event_t *const e = &rig->events[i];
        if (TPC_OK == tpc_attach_response_decode(response, e->data, e->length) && response->correlation_id == correlation_id) { return true; }
    }
    return false;
}

bool rig_detach_response(int64_t correlation_id, tpc_detach_response_t *response)
{
    for (size_t i = rig->event_count; i-- > 0;)
    {
        const rig_event_t *const e = &rig->events[i];
        if (TPC_OK == tpc_detach_response_decode(response, e->data, e->length) && response->correlation_id == correlation_id) { return true; }
    }
    return false;
}

tpc_pool_announce_t rig_last_announce(uint32_t stream_id)
{
    tpc_pool_announce_t announce;
    for (size_t i = rig->event_count; i-- > 0;)
    {
        const rig_event_t *const e = &rig->events[i];
        if (TPC_OK == tpc_pool_announce_decode(&announce, e->data, e->length) && announce.stream_id == stream_id) { return announce; }
    }
    memset(&announce, 0, sizeof(announce));
    return announce;
}

int rig_announces(uint32_t stream_id)
{
    int n = 0;
    for (size_t i = 0; i < rig->event_count; i++)
    {
        tpc_pool_announce_t announce;
        const rig_event_t *const e = &rig->events[i];
        n += TPC_OK == tpc_pool_announce_decode(&announce, e->data, e->length) && announce.stream_id == stream_id;
    }
    return n;
}

tpc_lease_revoked_t rig_last_revoked(void)
{
    tpc_lease_revoked_t revoked;
    for (size_t i = rig->event_count; i-- > 0;)
    {
        if (TPC_OK == tpc_lease_revoked_decode(&revoked, rig->events[i].data, rig->events[i].length)) { return revoked; }
    }
    memset(&revoked, 0, sizeof(revoked));
    return revoked;
}

/* ---- files ----------------------------------------------------------------------------------------------------------------- */

void rig_path(char *path, size_t size, tpc_bytes_t uri)
{
    tpi_region_uri_t parsed;
    assert_int_equal(tpi_region_uri_parse(&parsed, uri.data, uri.length), 0);
    assert_true(strlen(parsed.path) < size);
    (void)snprintf(path, size, "%s", parsed.path);
}

void rig_read_superblock(tpc_bytes_t uri, tpc_superblock_t *superblock)
{
    char path[1024];
    uint8_t image[TPC_SUPERBLOCK_BYTES];
    rig_path(path, sizeof(path), uri);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, image, sizeof(image), 0), sizeof(image));
    (void)close(fd);
    tpc_superblock_decode(superblock, image);
}

int64_t rig_file_bytes(tpc_bytes_t uri)
{
    char path[1024];
    struct stat st;
    rig_path(path, sizeof(path), uri);
    return 0 == stat(path, &st) ? (int64_t)st.st_size : -1;
}

void rig_stream_dir(char *path, size_t size, uint32_t stream_id)
{
    char user[TPI_NAME_MAX];
    tpi_path_user(user, sizeof(user));
    (void)snprintf(path, size, "%s/tensorpool-%s/t/%" PRIu32, rig->base, user, stream_id);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

size_t rig_epochs(uint32_t stream_id, uint64_t epochs[64])
{
    char path[256];
    size_t n = 0;
    rig_stream_dir(path, sizeof(path), stream_id);
    DIR *const dir = opendir(path);
    if (NULL == dir) { return 0; }
    for (const struct dirent *e = readdir(dir); NULL != e && n < 64; e = readdir(dir))
    {
        if ('.' != e->d_name[0]) { epochs[n++] = strtoull(e->d_name, NULL, 10); }
    }
    (void)closedir(dir);
    qsort(epochs, n, sizeof(epochs[0]), by_number);
    return n;
}

void rig_plant_epoch(uint32_t stream_id, uint64_t epoch, uint64_t pid, uint64_t activity_ns)
{
    char path[256];
    char file[320];
    uint8_t image[TPC_SUPERBLOCK_BYTES];
    tpc_superblock_t superblock = TPC_SUPERBLOCK_INIT;
    rig_stream_dir(path, sizeof(path), stream_id);
    for (char *slash = strchr(path + 1, '/'); NULL != slash; slash = strchr(slash + 1, '/'))
    {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    (void)mkdir(path, 0755);
    const size_t n = strlen(path);
    (void)snprintf(path + n, sizeof(path) - n, "/%" PRIu64, epoch);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(file, sizeof(file), "%s/header.ring", path);
    superblock.epoch = epoch;
    superblock.stream_id = stream_id;
    superblock.region_type = TPC_REGION_HEADER_RING;
    superblock.nslots = 8;
    superblock.slot_bytes = 256;
    superblock.pid = pid;
    superblock.start_timestamp_ns = activity_ns;
    superblock.activity_timestamp_ns = activity_ns;
    tpc_superblock_encode(image, &superblock);
    const int fd = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image, sizeof(image)), sizeof(image));
    (void)close(fd);
}

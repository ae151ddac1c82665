#include "client_rig.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"

cr_t *cr;

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* ---- the scripted driver ------------------------------------------------------------------------------------------------ */

void cr_new_epoch(void)
{
    static const uint16_t ids[] = { 1, 2 };
    cr->epoch = 0 == cr->epoch ? 100 : cr->epoch + 1;
    const tpi_region_create_t what = { .base_dir = cr->base, .user = "test", .name_space = "default", .stream_id = CR_STREAM, .epoch = cr->epoch,
        .nslots = cr->nslots, .pool_count = 2, .pool_ids = ids, .strides = cr->strides, .file_mode = 0600, .allocate_pools = !cr->sparse,
        .pid = (uint64_t)getpid(), .now_ns = (uint64_t)cr->now_ns };
    assert_true(cr->file_count < CR_FILES_MAX);
    assert_int_equal(tpi_epoch_files_create(&cr->files[cr->file_count], &what), 0);
    cr->file_count++;
}

static tpi_epoch_files_t *current_files(void) { return cr->files[cr->file_count - 1]; }

static void send(const uint8_t *data, int64_t length)
{
    assert_true(length > 0);
    assert_true(tpi_publication_offer(cr->pub, data, (size_t)length) > 0);
}

static uint32_t fill_pools(tpc_pool_entry_t *pools)
{
    const tpi_epoch_files_t *files = current_files();
    for (uint32_t i = 0; i < 2; i++)
    {
        pools[i] = (tpc_pool_entry_t){ .pool_id = (uint16_t)(i + 1), .pool_nslots = files->nslots, .stride_bytes = cr->strides[i],
            .region_uri = tpc_bytes(files->uris[i + 1]) };
    }
    return 2;
}

void cr_announce(void)
{
    uint8_t buffer[4096];
    if (0 == cr->file_count) { return; }
    const cr_lease_t *producer = cr_lease(TP_ROLE_PRODUCER);
    tpc_pool_announce_t a = TPC_POOL_ANNOUNCE_INIT;
    a.stream_id = CR_STREAM;
    a.producer_id = NULL == producer ? 0 : producer->client_id;
    a.epoch = cr->epoch;
    a.announce_timestamp_ns = (uint64_t)cr->now_ns;
    a.header_nslots = current_files()->nslots;
    a.pool_count = fill_pools(a.pools);
    a.header_region_uri = tpc_bytes(current_files()->uris[0]);
    send(buffer, tpc_pool_announce_encode(buffer, sizeof(buffer), &a));
}

static void grant(const tpc_attach_request_t *request)
{
    uint8_t buffer[4096];
    bool announce = false;
    if (0 == cr->epoch || (TP_ROLE_PRODUCER == request->role && cr->bump_on_producer)) { cr_new_epoch(); announce = true; }
    tpc_attach_response_t r = TPC_ATTACH_RESPONSE_INIT;
    r.correlation_id = request->correlation_id;
    r.code = TPC_CODE_OK;
    r.lease_id = cr->next_lease++;
    if (0 != cr->lease_ns) { r.lease_expiry_timestamp_ns = (uint64_t)(cr->now_ns + cr->lease_ns); }
    r.stream_id = CR_STREAM;
    r.epoch = cr->epoch;
    r.layout_version = 1;
    r.header_nslots = current_files()->nslots;
    r.header_slot_bytes = 256;
    r.node_id = 7;
    r.pool_count = fill_pools(r.pools);
    r.header_region_uri = tpc_bytes(current_files()->uris[0]);
    assert_true(cr->lease_count < 16);
    cr->leases[cr->lease_count++] = (cr_lease_t){ .lease_id = r.lease_id, .client_id = request->client_id, .role = request->role,
        .last_keepalive_ns = cr->now_ns, .active = true };
    if (NULL != cr->bend) { cr->bend(&r); }
    send(buffer, tpc_attach_response_encode(buffer, sizeof(buffer), &r));
    if (announce) { cr_announce(); }
}

static void on_attach(const tpc_attach_request_t *request)
{
    uint8_t buffer[2048];
    assert_true(cr->request_count < CR_REQUESTS_MAX);
    cr->requests[cr->request_count++] = (cr_request_t){ .at_ns = cr->now_ns, .m = *request };
    if (cr->mute) { return; }
    if (0 == cr->refuse) { grant(request); return; }
    cr->refuse--;
    tpc_attach_response_t r = TPC_ATTACH_RESPONSE_INIT;
    r.correlation_id = request->correlation_id;
    r.code = cr->refuse_code;
    r.error_message = tpc_bytes(cr->refuse_text);
    send(buffer, tpc_attach_response_encode(buffer, sizeof(buffer), &r));
}

static void on_detach(const tpc_detach_request_t *request)
{
    uint8_t buffer[2048];
    tpc_detach_response_t r = TPC_DETACH_RESPONSE_INIT;
    cr->detaches++;
    if (cr->mute) { return; }
    r.correlation_id = request->correlation_id;
    r.code = TPC_CODE_REJECTED;
    for (size_t i = 0; i < cr->lease_count; i++)
    {
        if (cr->leases[i].lease_id != request->lease_id || !cr->leases[i].active) { continue; }
        cr->leases[i].active = false;
        r.code = TPC_CODE_OK;
    }
    send(buffer, tpc_detach_response_encode(buffer, sizeof(buffer), &r));
}

static void on_keepalive(const tpc_keepalive_t *keepalive)
{
    cr->keepalives++;
    for (size_t i = 0; i < cr->lease_count; i++)
    {
        if (cr->leases[i].lease_id == keepalive->lease_id) { cr->leases[i].last_keepalive_ns = cr->now_ns; }
    }
}

static void on_control(void *clientd, const tpi_message_t *message)
{
    tpc_header_t h = { 0, 0, 0, 0 };
    tpc_attach_request_t attach;
    tpc_detach_request_t detach;
    tpc_keepalive_t keepalive;
    (void)clientd;
    const bool is_good = TPC_OK == tpc_header_decode(&h, message->data, message->length);
    if (cr->hostile && (!is_good || TPC_WIRE_SCHEMA == h.schema_id)) { return; }
    assert_true(is_good);
    if (TPC_WIRE_SCHEMA == h.schema_id && TPC_CONSUMER_HELLO == h.template_id)
    {
        assert_int_equal(tpc_consumer_hello_decode(&cr->hello, message->data, message->length), TPC_OK);
        cr->hellos++;
    }
    if (TPC_WIRE_SCHEMA == h.schema_id && TPC_CONSUMER_CONFIG == h.template_id)
    {
        assert_int_equal(tpc_consumer_config_decode(&cr->config, message->data, message->length), TPC_OK);
        cr->configs++;
    }
    if (TPC_DRIVER_SCHEMA != h.schema_id) { return; }
    if (TPC_ATTACH_REQUEST == h.template_id && TPC_OK == tpc_attach_request_decode(&attach, message->data, message->length)) { on_attach(&attach); }
    if (TPC_DETACH_REQUEST == h.template_id && TPC_OK == tpc_detach_request_decode(&detach, message->data, message->length)) { on_detach(&detach); }
    if (TPC_KEEPALIVE == h.template_id && TPC_OK == tpc_keepalive_decode(&keepalive, message->data, message->length)) { on_keepalive(&keepalive); }
}

static void on_descriptor(void *clientd, const tpi_message_t *message)
{
    (void)clientd;
    if (TPC_OK == tpc_frame_descriptor_decode(&cr->descriptor[cr->descriptors % 4096], message->data, message->length)) { cr->descriptors++; }
}

static void on_qos(void *clientd, const tpi_message_t *message)
{
    (void)clientd;
    if (TPC_OK == tpc_qos_consumer_decode(&cr->qos_consumer, message->data, message->length)) { cr->qos_consumers++; }
    if (TPC_OK == tpc_qos_producer_decode(&cr->qos_producer, message->data, message->length)) { cr->qos_producers++; }
}

static int poll_driver(void)
{
    int work = tpi_bus_do_work(cr->bus, cr->now_ns);
    if (work < 0) { return 0; }
    work += tpi_subscription_poll(cr->sub, on_control, NULL, 256);
    work += tpi_subscription_poll(cr->descriptor_sub, on_descriptor, NULL, 1024);
    work += tpi_subscription_poll(cr->qos_sub, on_qos, NULL, 256);
    return work;
}

void cr_driver_work(void)
{
    (void)poll_driver();
    if (cr->mute) { return; }
    if (cr->now_ns >= cr->next_announce_ns)
    {
        cr->next_announce_ns = cr->now_ns + 1000 * MS;
        if (!cr->no_regions_refresh && 0 != cr->file_count) { tpi_epoch_files_refresh(current_files(), (uint64_t)cr->now_ns); }
        if (!cr->no_announces) { cr_announce(); }
    }
}

void cr_revoke(const cr_lease_t *lease, uint8_t reason)
{
    uint8_t buffer[256];
    tpc_lease_revoked_t m = TPC_LEASE_REVOKED_INIT;
    m.timestamp_ns = (uint64_t)cr->now_ns;
    m.lease_id = lease->lease_id;
    m.stream_id = CR_STREAM;
    m.client_id = lease->client_id;
    m.role = lease->role;
    m.reason = reason;
    send(buffer, tpc_lease_revoked_encode(buffer, sizeof(buffer), &m));
}

void cr_shutdown(uint8_t reason)
{
    uint8_t buffer[256];
    tpc_driver_shutdown_t m = TPC_DRIVER_SHUTDOWN_INIT;
    m.timestamp_ns = (uint64_t)cr->now_ns;
    m.reason = reason;
    send(buffer, tpc_driver_shutdown_encode(buffer, sizeof(buffer), &m));
}

void cr_send_config(const tpc_consumer_config_t *config)
{
    uint8_t buffer[4096];
    send(buffer, tpc_consumer_config_encode(buffer, sizeof(buffer), config));
}

void cr_send_descriptor(const tpc_frame_descriptor_t *descriptor)
{
    uint8_t buffer[64];
    const int64_t n = tpc_frame_descriptor_encode(buffer, sizeof(buffer), descriptor);
    assert_true(tpi_publication_offer(cr->descriptor_pub, buffer, (size_t)n) > 0);
}

cr_lease_t *cr_lease(uint8_t role)
{
    for (size_t i = cr->lease_count; i > 0; i--)
    {
        if (cr->leases[i - 1].active && role == cr->leases[i - 1].role) { return &cr->leases[i - 1]; }
    }
    return NULL;
}

/* ---- time --------------------------------------------------------------------------------------------------------------- */

void cr_settle(void)
{
    for (int i = 0; i < 12; i++)
    {
        cr_driver_work();
        assert_true(tpi_client_do_work_at(cr->client, cr->now_ns) >= 0);
    }
}

void cr_next_epoch(void)
{
    cr_new_epoch();
    cr_announce();
    cr_settle();
}

void cr_step(int64_t ns)
{
    const int64_t until = cr->now_ns + ns;
    while (cr->now_ns < until)
    {
        cr->now_ns += until - cr->now_ns > 20 * MS ? 20 * MS : until - cr->now_ns;
        for (int i = 0; i < 3; i++)
        {
            cr_driver_work();
            assert_true(tpi_client_do_work_at(cr->client, cr->now_ns) >= 0);
        }
    }
}

/* ---- set-up ------------------------------------------------------------------------------------------------------------- */

tpi_publication_t *cr_add_publication(const char *channel, int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *pub = NULL;
    assert_int_equal(tpi_bus_add_publication(cr->bus, &async, channel, stream_id), 0);
    while (0 == tpi_bus_add_publication_poll(async, &pub)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    assert_non_null(pub);
    return pub;
}

static tpi_publication_t *add_pub(int32_t stream_id) { return cr_add_publication("aeron:ipc?term-length=4m", stream_id); }

static tpi_subscription_t *add_sub(int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    tpi_subscription_t *sub = NULL;
    const tpi_subscription_config_t config = { .channel = "aeron:ipc?term-length=4m", .stream_id = stream_id,
        .untethered = CR_DESCRIPTOR != stream_id };
    assert_int_equal(tpi_bus_add_subscription(cr->bus, &async, &config), 0);
    while (0 == tpi_bus_add_subscription_poll(async, &sub)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    assert_non_null(sub);
    return sub;
}

static int open_bus(void *clientd, const tpi_settings_t *settings, tpi_bus_t **bus)
{
    (void)clientd;
    (void)settings;
    cr->opens++;
    if (cr->no_media)
    {
        tpi_err_set(TP_ENOMEDIADRIVER, "no media driver in this test");
        return -1;
    }
    if (tpi_bus_mem_open(bus, cr->network) < 0) { return -1; }
    if (NULL != cr->wrap) { cr->wrap(*bus); }
    return 0;
}

static int find_endpoint(void *clientd, const tp_context_t *context, tpi_endpoint_t *endpoint)
{
    (void)clientd;
    (void)context;
    cr->searches++;
    if (cr->no_descriptors) { return -1; }
    if (!cr->has_endpoint) { return 1; }
    *endpoint = cr->endpoint;
    return 0;
}

/* The driver's side of a network. */
static void join_network(void)
{
    assert_int_equal(tpi_mem_network_create(&cr->network), 0);
    assert_int_equal(tpi_bus_mem_open(&cr->bus, cr->network), 0);
    if (NULL != cr->wrap) { cr->wrap(cr->bus); }
    cr->pub = add_pub(CR_CONTROL);
    cr->qos_pub = add_pub(CR_QOS);
    cr->descriptor_pub = add_pub(CR_DESCRIPTOR);
    cr->sub = add_sub(CR_CONTROL);
    cr->descriptor_sub = add_sub(CR_DESCRIPTOR);
    cr->qos_sub = add_sub(CR_QOS);
}

void cr_restart_media(void)
{
    assert_true(cr->dead_count < 8);
    tpi_mem_network_kill(cr->network);
    cr->dead[cr->dead_count] = cr->network;
    cr->dead_bus[cr->dead_count++] = cr->bus;
    for (size_t i = 0; i < cr->lease_count; i++) { cr->leases[i].active = false; }
    join_network();
}

int cr_setup(void **state) { return cr_setup_wrapped(state, NULL); }

int cr_setup_wrapped(void **state, void (*wrap)(tpi_bus_t *bus))
{
    tp_context_t *context = NULL;
    (void)state;
    cr = calloc(1, sizeof(*cr));
    assert_non_null(cr);
    (void)snprintf(cr->base, sizeof(cr->base), "/dev/shm/tp-test-%ld-client", (long)getpid());
    (void)nftw(cr->base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(cr->base, 0755), 0);
    cr->wrap = wrap;
    cr->now_ns = tpi_clock_monotonic_ns();
    cr->bump_on_producer = true;
    cr->lease_ns = 3000 * MS;
    cr->nslots = CR_NSLOTS;
    cr->strides[0] = 64;
    cr->strides[1] = 256;
    cr->next_lease = 0xABCD000000000001u;
    join_network();
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_add_allowed_base_dir(context, cr->base), 0);
    assert_int_equal(tp_context_set_use_agent_invoker(context, true), 0);
    const tpi_client_hooks_t hooks = { .open_bus = open_bus, .find_endpoint = find_endpoint, .clientd = NULL };
    assert_int_equal(tpi_client_create(&cr->client, context, &hooks), 0);
    cr->client->is_stepped = true;
    tp_context_close(context);
    assert_int_equal(tp_tensor_template_init(&cr->tensor, TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, (const int32_t[]){ 4, 4 }), 0);
    cr_settle();
    return 0;
}

int cr_teardown(void **state)
{
    (void)state;
    tp_client_close(cr->client);
    for (size_t i = 0; i < cr->dead_count; i++)
    {
        tpi_bus_close(cr->dead_bus[i]);
        tpi_mem_network_delete(cr->dead[i]);
    }
    tpi_bus_close(cr->bus);
    tpi_mem_network_delete(cr->network);
    tp_tensor_template_close(cr->tensor);
    for (size_t i = 0; i < cr->file_count; i++) { tpi_epoch_files_delete(cr->files[i]); }
    (void)nftw(cr->base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(cr);
    cr = NULL;
    return 0;
}

tp_producer_context_t *cr_producer_context(void)
{
    tp_producer_context_t *context = NULL;
    assert_int_equal(tp_producer_context_init(&context), 0);
    assert_int_equal(tp_producer_context_set_stream_id(context, CR_STREAM), 0);
    assert_int_equal(tp_producer_context_set_attach_timeout_ns(context, 0), 0);
    return context;
}

tp_consumer_context_t *cr_consumer_context(void)
{
    tp_consumer_context_t *context = NULL;
    assert_int_equal(tp_consumer_context_init(&context), 0);
    assert_int_equal(tp_consumer_context_set_stream_id(context, CR_STREAM), 0);
    assert_int_equal(tp_consumer_context_set_attach_timeout_ns(context, 0), 0);
    return context;
}

tp_producer_t *cr_producer_with(tp_producer_context_t *context)
{
    tp_producer_t *producer = NULL;
    assert_int_equal(tp_producer_init(&producer, cr->client, context), 0);
    tp_producer_context_close(context);
    cr_settle();
    return producer;
}

tp_consumer_t *cr_consumer_with(tp_consumer_context_t *context)
{
    tp_consumer_t *consumer = NULL;
    assert_int_equal(tp_consumer_init(&consumer, cr->client, context), 0);
    tp_consumer_context_close(context);
    cr_settle();
    return consumer;
}

tp_producer_t *cr_producer(void) { return cr_producer_with(cr_producer_context()); }
tp_consumer_t *cr_consumer(void) { return cr_consumer_with(cr_consumer_context()); }

int64_t cr_publish(tp_producer_t *producer, uint16_t value)
{
    uint16_t frame[16];
    for (int i = 0; i < 16; i++) { frame[i] = value; }
    return tp_producer_offer_frame(producer, cr->tensor, frame, sizeof(frame), NULL);
}

/* See fuzz_driver.h. */
#include "fuzz_driver.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/bus_mem.h"
#include "shm/uri.h"

#define CONTROL 1000

static char base[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

static void remove_base(void) { (void)nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static void take_region(rig_t *rig, tpc_bytes_t uri)
{
    tpi_region_uri_t parsed;
    if (tpi_region_uri_parse(&parsed, uri.data, uri.length) < 0) { abort(); }
    if (rig->region_count >= sizeof(rig->regions) / sizeof(rig->regions[0])) { return; }
    (void)snprintf(rig->regions[rig->region_count++], sizeof(rig->regions[0]), "%s", parsed.path);
}

static void on_sent(void *clientd, const tpi_message_t *message)
{
    rig_t *const rig = clientd;
    tpc_attach_response_t response;
    if (message->session_id == tpi_publication_session_id(rig->publication)) { return; }       /* ours */
    if (TPC_OK != tpc_attach_response_decode(&response, message->data, message->length) || TPC_CODE_OK != response.code) { return; }
    if (0 == response.lease_id || TP_NULL_U64 == response.lease_id || 0 == response.epoch || 0 == response.pool_count) { abort(); }
    rig->lease = response;
    rig->granted++;
    rig->region_count = 0;
    take_region(rig, response.header_region_uri);
    for (uint32_t i = 0; i < response.pool_count; i++) { take_region(rig, response.pools[i].region_uri); }
}

static void configure(tp_driver_config_t *config)
{
    tp_driver_config_init(config);
    (void)snprintf(config->base_dir, sizeof(config->base_dir), "%s", base);
    (void)snprintf(config->shutdown_token, sizeof(config->shutdown_token), "secret");
    config->cleanup_shm_on_exit = true;            /* the next input finds nothing of this one */
    config->allow_dynamic_streams = true;
    config->stream_id_range = (tp_id_range_t){ .first = 20000, .last = 20003 };
    tp_profile_config_t *const profile = tp_driver_config_add_profile(config, "p");
    if (NULL == profile) { abort(); }
    profile->header_nslots = 8;
    profile->pool_count = 1;
    profile->pools[0] = (tp_pool_config_t){ 1, 64 };
    (void)snprintf(config->default_profile, sizeof(config->default_profile), "p");
    if (NULL == tp_driver_config_add_stream(config, "left", 10000, "p")) { abort(); }
    if (NULL == tp_driver_config_add_stream(config, "right", 10001, "p")) { abort(); }
}

const char *rig_base(void) { return base; }

tpi_publication_t *rig_publication(rig_t *rig, int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *publication = NULL;
    if (tpi_bus_add_publication(rig->client_bus, &async, rig->config.control_channel, stream_id) < 0) { abort(); }
    for (int i = 0; i < 10 && NULL == publication; i++)
    {
        (void)tpi_bus_do_work(rig->client_bus, rig->now_ns);
        if (tpi_bus_add_publication_poll(async, &publication) < 0) { abort(); }
    }
    return publication;
}

void rig_open(rig_t *rig)
{
    const tpi_driver_options_t options = { .worker = TPI_WORKER_INLINE, .instance_token = 7, .leases_max = 16, .streams_max = 8 };
    memset(rig, 0, sizeof(*rig));
    if ('\0' == base[0])
    {
        (void)snprintf(base, sizeof(base), "/dev/shm/tp-fuzz-%ld", (long)getpid());
        (void)atexit(remove_base);
    }
    rig->now_ns = 1000000 * MS;
    configure(&rig->config);
    if (tpi_mem_network_create(&rig->network) < 0 || tpi_bus_mem_open(&rig->client_bus, rig->network) < 0) { abort(); }
    tpi_mem_network_tap(rig->network, CONTROL, on_sent, rig);
    rig->publication = rig_publication(rig, CONTROL);
    if (tpi_bus_mem_open(&rig->driver_bus, rig->network) < 0) { abort(); }
    if (tpi_driver_create(&rig->driver, &rig->config, rig->driver_bus, &options, rig->now_ns) < 0)
    {
        (void)fprintf(stderr, "driver does not start: %s\n", tp_errmsg());
        abort();
    }
    rig_step(rig, 0);
}

void rig_send(rig_t *rig, const uint8_t *data, size_t length) { (void)tpi_publication_offer(rig->publication, data, length); }

void rig_step(rig_t *rig, int64_t ns)
{
    rig->now_ns += ns;
    for (int i = 0; i < 3; i++)
    {
        if (tpi_driver_do_work(rig->driver, rig->now_ns) < 0) { abort(); }
        (void)tpi_bus_do_work(rig->client_bus, rig->now_ns);
    }
}

void rig_close(rig_t *rig)
{
    tpi_driver_delete(rig->driver, rig->now_ns);
    tpi_bus_close(rig->driver_bus);
    tpi_bus_close(rig->client_bus);
    tpi_mem_network_delete(rig->network);
    tp_driver_config_fini(&rig->config);
}

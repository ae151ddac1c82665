/*
 * A discovery provider on the in-memory bus with a stepped clock, and everybody around it: drivers that announce, producers that name their streams,
 * clients that ask and listen. Two sources: drv-a (announces on 1001, control 1000) and drv-b (2001, 2000); both share the metadata stream 1300.
 */
#ifndef TP_TESTS_DISCOVERY_RIG_H
#define TP_TESTS_DISCOVERY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bus/bus_mem.h"
#include "codec/codec_discovery.h"
#include "codec/codec_wire.h"
#include "discovery/discovery_internal.h"

#define MS INT64_C(1000000)
#define IPC "aeron:ipc"
#define ANNOUNCE_A 1001
#define ANNOUNCE_B 2001
#define METADATA 1300
#define REQUESTS 7000
#define ANSWERS 7004
#define PERIOD_MS 100

typedef struct talker
{
    int32_t stream_id;
    tpi_publication_t *publication;
}
talker_t;

typedef struct listener
{
    int32_t stream_id;
    tpi_subscription_t *subscription;
    size_t count;                      /* messages so far */
    size_t length;                     /* of the last one */
    uint8_t *data;
}
listener_t;

typedef struct drig
{
    tp_discovery_provider_config_t config;
    tpi_provider_options_t options;
    tpi_mem_network_t *network;
    tpi_bus_t *provider_bus;
    tpi_bus_t *client_bus;
    tpi_provider_t *provider;
    int64_t now_ns;
    int64_t real_ns;
    uint64_t next_request;
    size_t talker_count;
    talker_t talkers[64];
    size_t listener_count;
    listener_t listeners[1024];
}
drig_t;

extern drig_t *drig;

int drig_setup(void **state);
int drig_teardown(void **state);
void drig_start(void);
int drig_try_start(void);
void drig_stop(void);
/* One cycle of the provider, one look of the listeners. */
int drig_cycle(void);
void drig_settle(void);                             /* cycles without moving the clock */
void drig_step(int64_t ns);                         /* moves both clocks, then settles */

void drig_send(int32_t stream_id, const uint8_t *data, size_t length);
/* What comes on that stream id is kept from now on. */
listener_t *drig_listen(int32_t stream_id);
void drig_deafen(listener_t *listener);             /* closes its subscription */

tpc_pool_announce_t drig_announcement(uint32_t stream_id, uint32_t producer_id, uint64_t epoch);
void drig_send_announce(int32_t on, const tpc_pool_announce_t *announce);
/* The usual announcement, now. */
void drig_announce(int32_t on, uint32_t stream_id, uint32_t producer_id, uint64_t epoch);
void drig_name(uint32_t stream_id, uint64_t epoch, uint32_t meta_version, const char *name);

/* A request for everything, answers to ANSWERS; a new id each. */
tpc_discovery_request_t drig_request(void);
void drig_send_request(const tpc_discovery_request_t *request);
/* Sends it and returns the one answer that came there, views into the listener; fails the test without one. */
tpc_discovery_response_t drig_ask(const tpc_discovery_request_t *request);
/* Results of an unfiltered request, status OK. */
uint32_t drig_listed(void);
/* The n-th result of a response. */
tpc_discovery_result_t drig_result(const tpc_discovery_response_t *response, uint32_t n);
const tpi_provider_stats_t *drig_stats(void);

#define DRIG_TEST(name) cmocka_unit_test_setup_teardown(name, drig_setup, drig_teardown)

#endif

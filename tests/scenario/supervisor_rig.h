/*
 * A supervisor on the in-memory bus with a stepped clock, and everybody else in one: a raw client that sends encoded messages on its four streams and
 * keeps every ConsumerConfig, and a tap of all four that counts what the supervisor sends.
 */
#ifndef TP_TESTS_SUPERVISOR_RIG_H
#define TP_TESTS_SUPERVISOR_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bus/bus_mem.h"
#include "codec/codec_shm.h"
#include "codec/codec_wire.h"
#include "supervisor/supervisor_internal.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define RIG_CONTROL 1000
#define RIG_ANNOUNCE 1001
#define RIG_QOS 1200
#define RIG_METADATA 1300
#define RIG_STREAM 10010
#define RIG_CONFIGS_MAX 2048

typedef struct rig_config
{
    tpc_consumer_config_t config;      /* views point into data */
    size_t length;
    uint8_t data[4096];
}
rig_config_t;

typedef struct rig
{
    tp_supervisor_config_t config;
    tpi_supervisor_options_t options;
    tp_supervisor_hooks_t hooks;
    tpi_mem_network_t *network;
    tpi_bus_t *bus;                    /* the supervisor's */
    tpi_bus_t *peer;
    tpi_publication_t *publications[4];        /* control, announce, metadata, QoS */
    tpi_subscription_t *control;
    tpi_supervisor_t *supervisor;
    int32_t session_id;                /* of the peer on the control stream */
    int64_t now_ns;
    uint64_t foreign;                  /* messages by others than the peer: what the supervisor sends */
    uint64_t foreign_not_config;
    uint64_t foreign_elsewhere;        /* not on the control stream */
    size_t config_count;
    rig_config_t configs[RIG_CONFIGS_MAX];
}
rig_t;

extern rig_t *rig;

int rig_setup(void **state);
int rig_teardown(void **state);
void rig_start(void);                  /* ready, and the grace of 4.2 is over */
void rig_start_early(void);            /* ready, within it */
void rig_stop(void);
void rig_step(int64_t ns);             /* moves the clock, runs a few cycles */

tpc_consumer_hello_t rig_hello(uint32_t consumer_id);          /* stream RIG_STREAM, shared memory, STREAM, nothing asked for */
tpc_consumer_hello_t rig_asking(uint32_t consumer_id, uint32_t descriptor_id, uint32_t control_id);    /* aeron:ipc for those that are not 0 */
void rig_send(int role, const uint8_t *data, size_t length);
void rig_send_hello(const tpc_consumer_hello_t *hello);
/* Sends and steps; exactly one answer has to come: it, valid until the next call. */
tpc_consumer_config_t rig_ask(const tpc_consumer_hello_t *hello);
void rig_send_qos(uint32_t stream_id, uint32_t consumer_id, uint64_t last_seq, uint64_t drops_gap);
void rig_send_producer(uint32_t stream_id, uint32_t producer_id, uint64_t seq);
tpc_pool_announce_t rig_announce(uint32_t stream_id, uint64_t epoch);  /* stamped now */
void rig_send_announce(const tpc_pool_announce_t *announce);
tp_supervisor_stats_t rig_stats(void);
/* Whether that condition is raised. */
bool rig_has(uint32_t kind, uint32_t stream_id, uint32_t client_id);

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

#endif

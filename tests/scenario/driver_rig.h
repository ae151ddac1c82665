/*
 * A driver on the in-memory bus with a stepped clock, real files below /dev/shm, and a raw client: it sends encoded messages and keeps
 * everything that was sent on the control and announce streams, in order.
 */
#ifndef TP_TESTS_DRIVER_RIG_H
#define TP_TESTS_DRIVER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bus/bus_mem.h"
#include "codec/codec_driver.h"
#include "codec/codec_shm.h"
#include "codec/codec_wire.h"
#include "driver/driver_internal.h"

#define MS INT64_C(1000000)
#define RIG_CONTROL 1000
#define RIG_EVENTS_MAX 4096
#define RIG_EVENT_BYTES 4096

typedef struct rig_event
{
    uint16_t schema;
    uint16_t template_id;
    int32_t session_id;
    int64_t at_ns;
    size_t length;
    uint8_t data[RIG_EVENT_BYTES];
}
rig_event_t;

typedef struct rig
{
    char base[64];
    tp_driver_config_t config;
    tpi_driver_options_t options;
    tpi_mem_network_t *network;
    tpi_bus_t *driver_bus;
    tpi_bus_t *client_bus;
    tpi_publication_t *publication;
    tpi_subscription_t *subscription;
    tpi_driver_t *driver;
    int64_t now_ns;
    int64_t next_correlation;
    size_t event_count;
    rig_event_t events[RIG_EVENTS_MAX];
}
rig_t;

/* cmocka setup and teardown: the rig with its default configuration (not started); everything gone, files included. */
int rig_setup(void **state);
int rig_teardown(void **state);
/* The rig of the running test. */
extern rig_t *rig;

void rig_start(void);                              /* fails the test when the driver refuses */
int rig_try_start(void);
void rig_stop(void);                               /* orderly */
/* As kill -9: the driver object goes without a word and without touching its files. */
void rig_kill(void);
void rig_step(int64_t ns);                         /* moves the clock, runs a few cycles */
void rig_settle(void);                             /* cycles without moving the clock */
void rig_drain_client(void);                       /* the client reads what is there; the driver does nothing */
void rig_forget_events(void);

void rig_send(const uint8_t *data, size_t length);
void rig_send_attach(const tpc_attach_request_t *request);
void rig_send_keepalive(const tpc_attach_response_t *lease, uint32_t client_id, uint8_t role);
tpc_attach_request_t rig_request(uint8_t role, uint32_t client_id, uint32_t stream_id);
/* Sends, steps, decodes the answer. */
tpc_attach_response_t rig_ask(const tpc_attach_request_t *request);
tpc_attach_response_t rig_attach(uint8_t role, uint32_t client_id, uint32_t stream_id);
tpc_detach_response_t rig_detach(const tpc_attach_response_t *lease, uint32_t client_id, uint8_t role);

/* Number of events of a kind; the index of the n-th (from 0), or -1. */
int rig_count(uint16_t schema, uint16_t template_id);
int rig_find(uint16_t schema, uint16_t template_id, int nth);
bool rig_response(int64_t correlation_id, tpc_attach_response_t *response);      /* the last one; views live as long as the events */
bool rig_detach_response(int64_t correlation_id, tpc_detach_response_t *response);
tpc_pool_announce_t rig_last_announce(uint32_t stream_id);                       /* stream_id 0 in the result: none */
int rig_announces(uint32_t stream_id);
tpc_lease_revoked_t rig_last_revoked(void);                                      /* lease_id 0: none */

/* Files. path of a URI, sizes, superblocks, epoch directories of a stream. */
void rig_path(char *path, size_t size, tpc_bytes_t uri);
void rig_read_superblock(tpc_bytes_t uri, tpc_superblock_t *superblock);
int64_t rig_file_bytes(tpc_bytes_t uri);
size_t rig_epochs(uint32_t stream_id, uint64_t epochs[64]);
void rig_stream_dir(char *path, size_t size, uint32_t stream_id);
/* An epoch directory as another driver process would leave it. */
void rig_plant_epoch(uint32_t stream_id, uint64_t epoch, uint64_t pid, uint64_t activity_ns);
void rig_remove_tree(const char *path);

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

#endif

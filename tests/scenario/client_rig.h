/*
 * A client on the in-memory bus with a stepped clock, and a scripted driver that grants what is asked for with real files below /dev/shm. What the
 * driver does can be bent: answers withheld, refused or broken, leases revoked, epochs raised.
 */
#ifndef TP_TESTS_CLIENT_RIG_H
#define TP_TESTS_CLIENT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bus/bus_mem.h"
#include "client/client_state.h"
#include "codec/codec_driver.h"
#include "codec/codec_wire.h"
#include "shm/region_create.h"

#include <tensor_pool/tp.h>

#define MS INT64_C(1000000)
#define CR_CONTROL 1000
#define CR_DESCRIPTOR 1100
#define CR_QOS 1200
#define CR_STREAM 10000u
#define CR_NSLOTS 8u
#define CR_REQUESTS_MAX 512
#define CR_FILES_MAX 64

typedef struct cr_request { int64_t at_ns; tpc_attach_request_t m; } cr_request_t;

typedef struct cr_lease { uint64_t lease_id; uint32_t client_id; uint8_t role; int64_t last_keepalive_ns; bool active; } cr_lease_t;

typedef struct cr
{
    char base[96];
    int64_t now_ns;
    tpi_mem_network_t *network;
    tpi_bus_t *bus;                    /* the driver's */
    tpi_publication_t *pub;
    tpi_publication_t *qos_pub;        /* to play a foreign consumer */
    tpi_publication_t *descriptor_pub; /* to play a foreign producer */
    tpi_subscription_t *sub;
    tpi_subscription_t *descriptor_sub;
    tpi_subscription_t *qos_sub;
    void (*wrap)(tpi_bus_t *bus);
    tpi_mem_network_t *dead[8];
    tpi_bus_t *dead_bus[8];
    size_t dead_count;
    int opens;                         /* buses the client asked for */
    bool no_media;                     /* there is none to connect to */
    bool hostile;                      /* the driver takes nothing amiss either */
    bool has_endpoint;
    bool no_descriptors;               /* endpoint files cannot be opened */
    tpi_endpoint_t endpoint;
    unsigned searches;                 /* for a driver */
    /* script */
    bool mute;                         /* no answers, no announces: as if it were dead */
    bool no_announces;
    bool no_regions_refresh;
    bool bump_on_producer;             /* a producer's attach raises the epoch (default true) */
    int refuse;                        /* refuse the next n attach requests */
    int32_t refuse_code;
    const char *refuse_text;
    void (*bend)(tpc_attach_response_t *response);     /* changes an OK before it is sent */
    int64_t lease_ns;                  /* 0 = null expiry */
    uint32_t nslots;
    uint32_t strides[2];               /* of pools 1 and 2 */
    bool sparse;                       /* pools take no memory */
    /* state */
    uint64_t epoch;
    uint64_t next_lease;
    cr_lease_t leases[16];
    size_t lease_count;
    tpi_epoch_files_t *files[CR_FILES_MAX];
    size_t file_count;
    int64_t next_announce_ns;
    cr_request_t requests[CR_REQUESTS_MAX];
    size_t request_count;
    uint64_t keepalives;
    uint64_t detaches;
    uint64_t hellos;
    tpc_consumer_hello_t hello;
    uint64_t configs;
    tpc_consumer_config_t config;
    uint64_t descriptors;
    tpc_frame_descriptor_t descriptor[4096];           /* the last ones */
    uint64_t qos_consumers;
    tpc_qos_consumer_t qos_consumer;
    uint64_t qos_producers;
    tpc_qos_producer_t qos_producer;
    tp_client_t *client;
    tp_tensor_template_t *tensor;      /* 4 x 4 uint16 */
}
cr_t;

extern cr_t *cr;

int cr_setup(void **state);
int cr_setup_wrapped(void **state, void (*wrap)(tpi_bus_t *bus));      /* wrap is applied to both buses before anything is added */
int cr_teardown(void **state);
void cr_restart_media(void);                           /* media driver and driver die; others take their place */
void cr_driver_work(void);
void cr_settle(void);                                  /* both sides until nothing moves, same time */
void cr_next_epoch(void);                              /* a new epoch, announced and settled */
void cr_step(int64_t ns);                              /* moves the clock in steps of at most 20 ms, both sides working */
void cr_new_epoch(void);
void cr_announce(void);
void cr_revoke(const cr_lease_t *lease, uint8_t reason);
void cr_shutdown(uint8_t reason);
void cr_send_config(const tpc_consumer_config_t *config);
void cr_send_descriptor(const tpc_frame_descriptor_t *descriptor);
/* Plays somebody who publishes there; to be closed with tpi_publication_close, or it goes with the rig. */
tpi_publication_t *cr_add_publication(const char *channel, int32_t stream_id);
cr_lease_t *cr_lease(uint8_t role);                    /* the newest active one, or NULL */
tp_producer_t *cr_producer(void);                      /* opened in the background and settled */
tp_consumer_t *cr_consumer(void);
tp_producer_t *cr_producer_with(tp_producer_context_t *context);   /* closes the context */
tp_consumer_t *cr_consumer_with(tp_consumer_context_t *context);
tp_consumer_context_t *cr_consumer_context(void);
tp_producer_context_t *cr_producer_context(void);
int64_t cr_publish(tp_producer_t *producer, uint16_t value);       /* offers a 4 x 4 frame filled with value */

#define CR_TEST(name) cmocka_unit_test_setup_teardown(name, cr_setup, cr_teardown)

#endif

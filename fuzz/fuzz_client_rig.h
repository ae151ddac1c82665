/* A client beside the driver of fuzz_driver.h, on the same bus and clock. */
#ifndef TP_FUZZ_FUZZ_CLIENT_RIG_H
#define TP_FUZZ_FUZZ_CLIENT_RIG_H

#include <stdlib.h>

#include "bus/bus_mem.h"
#include "client/client_state.h"
#include "fuzz_driver.h"

#include <tensor_pool/tp.h>

static rig_t rig;
static tp_client_t *client;
static tp_tensor_template_t *tensor;               /* 4 x 8 bytes; kept from input to input */

static inline void must(bool holds) { if (!holds) { abort(); } }
static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }

static inline int open_bus(void *clientd, const tpi_settings_t *settings, tpi_bus_t **bus)
{
    (void)clientd;
    (void)settings;
    return tpi_bus_mem_open(bus, rig.network);
}

static inline void turn(int64_t ns)
{
    rig_step(&rig, ns);
    for (int i = 0; i < 3; i++)
    {
        must(tpi_client_do_work_at(client, rig.now_ns) >= 0);
        rig_step(&rig, 0);
    }
}

/* After rig_open. */
static inline void open_client(void)
{
    const tpi_client_hooks_t hooks = { .open_bus = open_bus };
    tp_context_t *context = NULL;
    must(tp_context_init(&context) == 0 && tp_context_set_default_channels(context) == 0);
    must(tp_context_add_allowed_base_dir(context, rig_base()) == 0 && tp_context_set_use_agent_invoker(context, true) == 0);
    must(tpi_client_create(&client, context, &hooks) == 0);
    tp_context_close(context);
    client->is_stepped = true;
    must(NULL != tensor || tp_tensor_template_init(&tensor, TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, (const int32_t[]){ 4, 8 }) == 0);
}

static inline void open_pair(tp_producer_t **producer, tp_consumer_t **consumer, uint32_t stream_id, bool publish_time)
{
    tp_producer_context_t *p = NULL;
    tp_consumer_context_t *c = NULL;
    must(tp_producer_context_init(&p) == 0 && tp_consumer_context_init(&c) == 0);
    must(tp_producer_context_set_stream_id(p, stream_id) == 0 && tp_producer_context_set_attach_timeout_ns(p, 0) == 0);
    must(tp_producer_context_set_publish_time(p, publish_time) == 0);
    must(tp_consumer_context_set_stream_id(c, stream_id) == 0 && tp_consumer_context_set_attach_timeout_ns(c, 0) == 0);
    must(tp_producer_init(producer, client, p) == 0 && tp_consumer_init(consumer, client, c) == 0);
    tp_producer_context_close(p);
    tp_consumer_context_close(c);
}

#endif

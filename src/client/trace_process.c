/*
 * Owns the node id and the generator of this process. The id in force is one that a lease of the process holds, or may hold again: when the driver
 * refuses it, or its producer is closed for good, another lease's is taken, because an id without lease is given away after its cooldown.
 */
#include "client/trace_process.h"

#include <inttypes.h>
#include <pthread.h>

#include <tensor_pool/common/tp_types.h>

#include "common/clock.h"
#include "common/err.h"

#define LEASES_MAX 256                 /* of tracing producers; what is above is not remembered and cannot be moved to */

static struct
{
    pthread_mutex_t mutex;
    tpi_trace_node_t node;
    bool is_configured;
    bool is_made;
    tpi_trace_generator_t generator;
    uint32_t leases[LEASES_MAX];
    size_t lease_count;
}
process = { .mutex = PTHREAD_MUTEX_INITIALIZER, .node = TPI_TRACE_NODE_INIT };

static void lock(void) { (void)pthread_mutex_lock(&process.mutex); }
static void unlock(void) { (void)pthread_mutex_unlock(&process.mutex); }

static bool same_layout(const tpi_trace_layout_t *a, const tpi_trace_layout_t *b)
{
    return a->node_bits == b->node_bits && a->sequence_bits == b->sequence_bits && a->offset_ms == b->offset_ms;
}

static int enable(const tpi_trace_layout_t *layout, uint32_t configured, uint32_t offered)
{
    if (process.is_made && !same_layout(layout, &process.generator.layout))
    {
        TPI_SET_ERR(TP_ESTATE, "this process makes trace ids of another layout already: %" PRIu32 " node bits, %" PRIu32 " sequence bits",
            process.generator.layout.node_bits, process.generator.layout.sequence_bits);
        return -1;
    }
    const bool taken = TP_NULL_U32 != process.node.node_id;
    if (taken && TP_NULL_U32 != configured && configured != process.node.node_id)
    {
        TPI_SET_ERR(TP_ESTATE, "node id = %" PRIu32 " is configured, but this process traces with %" PRIu32, configured, process.node.node_id);
        TPI_ERR_FIX("give all clients of a process the same TP_TRACE_NODE_ID");
        return -1;
    }
    if (tpi_trace_node_take(&process.node, configured, offered, layout->node_bits) < 0) { return -1; }          /* T-012 T-013 T-015 */
    if (taken) { return 0; }
    process.is_configured = TP_NULL_U32 != configured;
    const int rc = process.is_made ? tpi_trace_generator_move(&process.generator, process.node.node_id) :
        tpi_trace_generator_init(&process.generator, layout, process.node.node_id, tpi_clock_realtime_ns());
    if (rc < 0) { tpi_trace_node_forget(&process.node); }
    else { process.is_made = true; }
    return rc;
}

int tpi_trace_process_enable(const tpi_trace_layout_t *layout, uint32_t configured, uint32_t offered, tpi_trace_generator_t **generator)
{
    lock();
    const int rc = enable(layout, configured, offered);
    unlock();
    if (0 == rc) { *generator = &process.generator; }
    return rc;
}

static bool is_held(uint32_t node_id)
{
    for (size_t i = 0; i < process.lease_count; i++)
    {
        if (node_id == process.leases[i]) { return true; }
    }
    return false;
}

static bool needs_lease(void) { return TP_NULL_U32 != process.node.node_id && !process.is_configured && !is_held(process.node.node_id); }

uint32_t tpi_trace_process_wish(void)
{
    lock();
    const uint32_t wish = needs_lease() ? process.node.node_id : TP_NULL_U32;
    unlock();
    return wish;
}

void tpi_trace_process_lease_won(uint32_t node_id)
{
    lock();
    if (TP_NULL_U32 != node_id && process.lease_count < LEASES_MAX) { process.leases[process.lease_count++] = node_id; }
    unlock();
}

/* To the first lease whose node id fits. */
static void move(void)
{
    tpi_trace_node_forget(&process.node);
    for (size_t i = 0; i < process.lease_count; i++)
    {
        if (tpi_trace_generator_move(&process.generator, process.leases[i]) < 0) { continue; }
        process.node.node_id = process.leases[i];
        return;
    }
}

void tpi_trace_process_lease_ended(uint32_t node_id, bool is_final)
{
    lock();
    for (size_t i = 0; i < process.lease_count; i++)
    {
        if (node_id != process.leases[i]) { continue; }
        process.leases[i] = process.leases[--process.lease_count];
        break;
    }
    if (is_final && needs_lease() && 0 != process.lease_count) { move(); }                                /* T-011 */
    unlock();
}

void tpi_trace_process_wish_refused(void)
{
    lock();
    if (needs_lease()) { move(); }                                                                        /* O-2 */
    unlock();
}

void tpi_trace_process_reset(void)
{
    lock();
    process.node = (tpi_trace_node_t)TPI_TRACE_NODE_INIT;
    process.is_configured = false;
    process.is_made = false;
    process.lease_count = 0;
    unlock();
}

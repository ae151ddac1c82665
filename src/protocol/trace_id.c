/* Trace ids: the generator of 40-tracelink.md 2.3. Owns no state but the generator's words; each id is one compare-and-swap on `last`. */
#include "protocol/trace_id.h"

#include <inttypes.h>

#include <tensor_pool/common/tp_types.h>

#include "common/err.h"

#define NS_PER_MS INT64_C(1000000)

static uint32_t shift_of(const tpi_trace_layout_t *layout) { return layout->node_bits + layout->sequence_bits; }
static uint64_t mask(uint32_t bits) { return (UINT64_C(1) << bits) - 1; }

/* Signed: a clock before the offset is "not later", not far ahead (O-5). */
static int64_t time_of(const tpi_trace_layout_t *layout, int64_t real_ns) { return real_ns / NS_PER_MS - layout->offset_ms; }

int tpi_trace_layout_check(const tpi_trace_layout_t *layout)
{
    if (layout->node_bits > TPI_TRACE_LOW_BITS_MAX || layout->sequence_bits > TPI_TRACE_LOW_BITS_MAX ||
        shift_of(layout) > TPI_TRACE_LOW_BITS_MAX)                                                        /* O-6: each before the sum */
    {
        TPI_SET_ERR(TP_EINVAL, "node bits = %" PRIu32 " and sequence bits = %" PRIu32 ", together at most %u", layout->node_bits,
            layout->sequence_bits, TPI_TRACE_LOW_BITS_MAX);
        return -1;
    }
    if (layout->offset_ms < 0)
    {
        TPI_SET_ERR(TP_EINVAL, "timestamp offset = %" PRId64 " ms, at least 0", layout->offset_ms);
        return -1;
    }
    return 0;
}

void tpi_trace_id_parts(const tpi_trace_layout_t *layout, uint64_t id, tpi_trace_parts_t *parts)
{
    parts->time_ms = (id >> shift_of(layout)) + (uint64_t)layout->offset_ms;
    parts->node_id = (uint32_t)(id >> layout->sequence_bits & mask(layout->node_bits));
    parts->sequence = (uint32_t)(id & mask(layout->sequence_bits));
}

static int check_node(const tpi_trace_layout_t *layout, uint32_t node_id)
{
    if (node_id <= mask(layout->node_bits)) { return 0; }                                                 /* T-011 */
    TPI_SET_ERR(TP_EINVAL, "node id = %" PRIu32 ", at most %" PRIu64 " in %" PRIu32 " node bits", node_id, mask(layout->node_bits),
        layout->node_bits);
    TPI_ERR_FIX("ask the driver for a smaller one, or use more node bits");
    return -1;
}

int tpi_trace_generator_move(tpi_trace_generator_t *generator, uint32_t node_id)
{
    if (check_node(&generator->layout, node_id) < 0) { return -1; }
    atomic_store_explicit(&generator->node_value, (uint64_t)node_id << generator->layout.sequence_bits, memory_order_relaxed);
    return 0;
}

int tpi_trace_generator_init(tpi_trace_generator_t *generator, const tpi_trace_layout_t *layout, uint32_t node_id, int64_t real_ns)
{
    if (tpi_trace_layout_check(layout) < 0 || check_node(layout, node_id) < 0) { return -1; }
    const uint64_t time_max = mask(63 - shift_of(layout));
    const int64_t now = time_of(layout, real_ns);
    if (now < 0 || (uint64_t)now > time_max)
    {
        TPI_SET_ERR(TP_EINVAL, "time = %" PRId64 " ms after the timestamp offset %" PRId64 ", 0 to %" PRIu64 " fit into an id", now,
            layout->offset_ms, time_max);
        return -1;
    }
    generator->layout = *layout;
    atomic_init(&generator->node_value, (uint64_t)node_id << layout->sequence_bits);                      /* T-012 T-013 */
    generator->time_max = time_max;
    atomic_init(&generator->last, 0);
    atomic_init(&generator->borrowed, 0);
    atomic_init(&generator->waits, 0);
    atomic_init(&generator->refused, 0);
    return 0;
}

static void count(_Atomic uint64_t *counter) { (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); }

/* stands: the clock was read TPI_TRACE_READINGS_MAX times and shows the same. */
static tpi_trace_made_t next(tpi_trace_generator_t *generator, int64_t real_ns, bool stands, uint64_t *id)
{
    const uint32_t shift = shift_of(&generator->layout);
    const uint64_t sequences = mask(generator->layout.sequence_bits);
    const int64_t now = time_of(&generator->layout, real_ns);
    uint64_t old = atomic_load_explicit(&generator->last, memory_order_relaxed);
    for (;;)                                                                /* lock-free: another round means that another thread got an id */
    {
        const uint64_t time = old >> shift;
        uint64_t then = time;
        uint64_t made = old + 1;                                            /* the same millisecond, or the clock went back: next sequence */
        bool borrows = false;
        if (now > (int64_t)time)
        {
            then = (uint64_t)now;
            made = then << shift;                                           /* T-009 T-010 */
        }
        else if ((old & sequences) == sequences)
        {
            borrows = now < (int64_t)time || stands;                        /* T-051 O-4: trap P14 */
            if (!borrows) { return TPI_TRACE_WAIT; }
            then = time + 1;
            made = then << shift;
        }
        if (then > generator->time_max)                                     /* O-6 */
        {
            count(&generator->refused);
            return TPI_TRACE_ENDED;
        }
        if (atomic_compare_exchange_weak_explicit(&generator->last, &old, made, memory_order_relaxed, memory_order_relaxed))
        {
            if (borrows) { count(&generator->borrowed); }
            *id = made | atomic_load_explicit(&generator->node_value, memory_order_relaxed);            /* T-008 T-011 */
            return TPI_TRACE_MADE;
        }
    }
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

tpi_trace_made_t tpi_trace_next(tpi_trace_generator_t *generator, int64_t real_ns, uint64_t *id)
{
    const tpi_trace_made_t made = next(generator, real_ns, false, id);
    if (TPI_TRACE_WAIT == made) { count(&generator->waits); }
    return made;
}

tpi_trace_made_t tpi_trace_make(tpi_trace_generator_t *generator, int64_t (*real_ns)(void *clientd), void *clientd, uint64_t *id)
{
    tpi_trace_made_t made = tpi_trace_next(generator, real_ns(clientd), id);
    for (uint32_t readings = 2; TPI_TRACE_WAIT == made; readings++)
    {
        relax();
        made = next(generator, real_ns(clientd), readings >= TPI_TRACE_READINGS_MAX, id);
    }
    return made;
}

int tpi_trace_node_take(tpi_trace_node_t *node, uint32_t configured, uint32_t offered, uint32_t node_bits)
{
    if (TP_NULL_U32 != node->node_id) { return 0; }                         /* T-015 O-2 */
    const uint32_t node_id = TP_NULL_U32 != configured ? configured : offered;                            /* T-012 T-013 T-014 */
    if (TP_NULL_U32 == node_id)
    {
        TPI_SET_ERR(TP_ESTATE, "no node id: none is configured and the driver gave none");
        TPI_ERR_FIX("configure one that no other process of the deployment has");
        return -1;
    }
    if (node_bits > TPI_TRACE_LOW_BITS_MAX || node_id > mask(node_bits))                                  /* O-1 */
    {
        TPI_SET_ERR(TP_EINVAL, "node id = %" PRIu32 " does not fit into %" PRIu32 " bits", node_id, node_bits);
        TPI_ERR_FIX("attach with a wish for a smaller one, or use more node bits, at most %u", TPI_TRACE_LOW_BITS_MAX);
        return -1;
    }
    node->node_id = node_id;
    return 0;
}

void tpi_trace_node_forget(tpi_trace_node_t *node) { node->node_id = TP_NULL_U32; }

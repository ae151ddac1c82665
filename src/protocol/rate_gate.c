#include "protocol/rate_gate.h"

#define SECOND_NS INT64_C(1000000000)

/* A time far behind the grid is of another clock: it starts over. */
static bool is_far(const tpi_rate_gate_t *gate, int64_t interval_ns, int64_t at_ns)
{
    return gate->next_ns > INT64_MIN + 2 * interval_ns && at_ns < gate->next_ns - 2 * interval_ns;
}

bool tpi_rate_gate_is_due(const tpi_rate_gate_t *gate, uint32_t hz, int64_t at_ns)
{
    if (0 == hz || at_ns >= gate->next_ns) { return true; }                            /* W-134 S-036: 0 means no cap */
    return is_far(gate, SECOND_NS / hz, at_ns);
}

void tpi_rate_gate_take(tpi_rate_gate_t *gate, uint32_t hz, int64_t at_ns)
{
    if (0 == hz) { return; }
    const int64_t interval_ns = SECOND_NS / hz;                                        /* W-192 */
    const int64_t from_ns = is_far(gate, interval_ns, at_ns) || gate->next_ns > INT64_MAX - interval_ns ? at_ns : gate->next_ns;
    const int64_t regular_ns = from_ns > INT64_MAX - interval_ns ? INT64_MAX : from_ns + interval_ns;
    const int64_t late_ns = at_ns > INT64_MAX - interval_ns ? INT64_MAX : at_ns + interval_ns;
    gate->next_ns = regular_ns > at_ns ? regular_ns : late_ns;
}

/* Owns nothing. */
#include "protocol/qos.h"

void tpi_cadence_init(tpi_cadence_t *cadence, int64_t period_ns, int64_t first_ns)
{
    *cadence = (tpi_cadence_t){ .period_ns = period_ns, .due_ns = first_ns };
}

bool tpi_cadence_is_due(const tpi_cadence_t *cadence, int64_t now_ns) { return now_ns >= cadence->due_ns; }

void tpi_cadence_done(tpi_cadence_t *cadence, int64_t now_ns)
{
    const int64_t late_ns = now_ns - cadence->due_ns;
    const bool on_grid = late_ns >= 0 && late_ns < cadence->period_ns;
    cadence->due_ns = (on_grid ? cadence->due_ns : now_ns) + cadence->period_ns;           /* W-188 */
}

void tpi_cadence_hasten(tpi_cadence_t *cadence, int64_t now_ns)
{
    if (now_ns < cadence->due_ns) { cadence->due_ns = now_ns; }
}

void tpi_qos_consumer_totals(tpc_qos_consumer_t *qos, const uint64_t *drops)
{
    qos->drops_gap = tpi_drops_gap(drops);                                                 /* W-189 O-30 O-33 */
    qos->drops_late = tpi_drops_late(drops);
}

/* A stage on one thread, the conductor on another, leases revoked meanwhile: to be run under ThreadSanitizer as well. */
#include "client_rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "client/trace_process.h"
#include "common/clock.h"
#include "locked_bus.h"

#define REVOKES 3u
#define SETS 200u

static _Atomic bool stop;
static _Atomic uint64_t sets;
static _Atomic uint64_t went_back;
static _Atomic uint64_t strange;
static _Atomic uint32_t revokes;
static uint64_t newest;                /* the conductor's */

static int setup(void **state)
{
    tpi_trace_process_reset();
    return cr_setup_wrapped(state, locked_bus_wrap);
}

static void on_set(void *clientd, const tp_trace_link_set_t *set)
{
    (void)clientd;
    if (set->trace_id <= newest) { atomic_fetch_add(&went_back, 1); }
    if (2 != set->parent_count || set->parents[0] + 1 != set->parents[1]) { atomic_fetch_add(&strange, 1); }
    newest = set->trace_id;
    atomic_fetch_add(&sets, 1);
}

static void *conduct(void *arg)
{
    uint64_t revoked_at = 0;
    (void)arg;
    while (!atomic_load(&stop))
    {
        const int64_t now_ns = tpi_clock_monotonic_ns();
        cr->now_ns = now_ns > cr->now_ns ? now_ns : cr->now_ns;
        cr_driver_work();
        const cr_lease_t *lease = cr_lease(TP_ROLE_PRODUCER);
        if (NULL != lease && atomic_load(&sets) > revoked_at + SETS / 10 && atomic_load(&revokes) < REVOKES)
        {
            revoked_at = atomic_load(&sets);
            cr_revoke(lease, 3);
            atomic_fetch_add(&revokes, 1);
        }
        if (tpi_client_do_work_at(cr->client, cr->now_ns) < 1) { sched_yield(); }
    }
    return NULL;
}

static void *run_stage(void *arg)
{
    tp_producer_t *producer = arg;
    tp_trace_stage_t *stage = NULL;
    if (tp_trace_stage_init(&stage, producer, TP_TRACE_JOIN) < 0) { atomic_fetch_add(&strange, 1); return NULL; }
    for (uint64_t i = 1; !atomic_load(&stop); i += 2)
    {
        tp_buffer_claim_t claim;
        sched_yield();
        if (tp_producer_try_claim(producer, cr->tensor, &claim) < 0) { continue; }
        (void)tp_trace_stage_add_trace_id(stage, i);
        (void)tp_trace_stage_add_trace_id(stage, i + 1);
        (void)tp_trace_stage_commit(stage, &claim, NULL);
    }
    tp_trace_stage_close(stage);
    return NULL;
}

static void stages_go_on_while_leases_come_and_go__T_015_T_029_L1(void **state)
{
    (void)state;
    pthread_t threads[2];
    tp_trace_handlers_t handlers = TP_TRACE_HANDLERS_INIT;
    tp_producer_stats_t stats;
    tp_trace_received_t received;
    tp_producer_t *producer = cr_producer();
    newest = 0;
    atomic_store(&stop, false);
    atomic_store(&cr->client->conductor, 0);
    assert_int_equal(pthread_create(&threads[0], NULL, conduct, NULL), 0);
    while (0 == atomic_load(&cr->client->conductor)) { sched_yield(); }      /* else a waiting call of ours would become the conductor */
    handlers.on_trace_link_set = on_set;
    assert_int_equal(tp_client_set_trace_handlers(cr->client, &handlers), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, run_stage, producer), 0);
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 60000 * MS;
    while ((atomic_load(&sets) < SETS || atomic_load(&revokes) < REVOKES) && tpi_clock_monotonic_ns() < deadline_ns)
    {
        assert_int_equal(tp_producer_stats(producer, &stats), 0);
        assert_int_equal(tp_client_trace_received(cr->client, &received), 0);
        sched_yield();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) { assert_int_equal(pthread_join(threads[i], NULL), 0); }
    atomic_store(&cr->client->conductor, 0);
    assert_true(atomic_load(&sets) >= SETS);
    assert_int_equal(atomic_load(&revokes), REVOKES);
    assert_int_equal(atomic_load(&went_back), 0);
    assert_int_equal(atomic_load(&strange), 0);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stages_go_on_while_leases_come_and_go__T_015_T_029_L1, setup, cr_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

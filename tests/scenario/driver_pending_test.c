/* What happens while regions are made on the worker, and when the bus does not take an answer. */
#include "driver_rig.h"

#include <sys/stat.h>

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER

static void manual(void) { rig->options.worker = TPI_WORKER_MANUAL; }

static void run(void)
{
    while (tpi_driver_run_jobs(rig->driver, 64) > 0) { rig_settle(); }
}

static tpc_attach_request_t begin(uint8_t role, uint32_t client, uint32_t stream)
{
    const tpc_attach_request_t q = rig_request(role, client, stream);
    rig_send_attach(&q);
    rig_settle();
    return q;
}

static int32_t code_of(const tpc_attach_request_t *q)
{
    tpc_attach_response_t r;
    return rig_response(q->correlation_id, &r) ? r.code : TPC_CODE_NULL;
}

static void the_duty_cycle_goes_on_while_regions_are_made__M12(void **state)
{
    (void)state;
    manual();
    rig_start();
    const tpc_attach_request_t c = begin(CONSUMER, 1, 10001);
    run();
    assert_int_equal(code_of(&c), TPC_CODE_OK);
    tpc_attach_response_t lease;
    assert_true(rig_response(c.correlation_id, &lease));
    const tpc_attach_response_t copy = lease;
    const tpc_attach_request_t p = begin(PRODUCER, 2, 10000);
    rig_forget_events();
    for (int i = 0; i < 10; i++)
    {
        rig_step(1000 * MS);
        rig_send_keepalive(&copy, 1, CONSUMER);
    }
    rig_settle();
    assert_int_equal(rig_announces(10001), 10);
    assert_int_equal(rig_announces(10000), 0);                  /* creation first, announce after: P4 */
    assert_int_equal(code_of(&p), TPC_CODE_NULL);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    run();
    assert_int_equal(code_of(&p), TPC_CODE_OK);
    tpc_attach_response_t granted;
    assert_true(rig_response(p.correlation_id, &granted));
    assert_true(granted.lease_expiry_timestamp_ns == (uint64_t)(rig->now_ns + 3000 * MS));     /* the lease begins with the answer */
    tpc_superblock_t s;
    rig_read_superblock(granted.header_region_uri, &s);
    assert_true(s.activity_timestamp_ns == (uint64_t)rig->now_ns);
}

static void a_repeated_request_is_absorbed_while_it_waits__D_029_P3(void **state)
{
    (void)state;
    manual();
    rig_start();
    const tpc_attach_request_t q = begin(PRODUCER, 2, 10000);
    for (int i = 0; i < 5; i++) { rig_send_attach(&q); }
    rig_settle();
    assert_int_equal(tpi_driver_stats(rig->driver)->attach_absorbed, 5);
    run();
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE), 1);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    rig_send_attach(&q);
    rig_settle();
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE), 2);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
}

static void another_producer_is_rejected_while_one_waits__D_053(void **state)
{
    (void)state;
    manual();
    rig_start();
    const tpc_attach_request_t first = begin(PRODUCER, 2, 10000);
    const tpc_attach_request_t second = begin(PRODUCER, 3, 10000);
    assert_int_equal(code_of(&second), TPC_CODE_REJECTED);
    const tpc_attach_request_t same_client = begin(PRODUCER, 2, 10001);
    assert_int_equal(code_of(&same_client), TPC_CODE_REJECTED);
    run();
    assert_int_equal(code_of(&first), TPC_CODE_OK);
}

static void consumers_that_wait_get_the_new_epoch(void **state)
{
    (void)state;
    manual();
    rig_start();
    const tpc_attach_request_t p = begin(PRODUCER, 2, 10000);
    tpc_attach_request_t waiting[5];
    for (uint32_t i = 0; i < 5; i++) { waiting[i] = begin(CONSUMER, 10 + i, 10000); }
    run();
    tpc_attach_response_t pr;
    assert_true(rig_response(p.correlation_id, &pr));
    for (uint32_t i = 0; i < 5; i++)
    {
        tpc_attach_response_t r;
        assert_true(rig_response(waiting[i].correlation_id, &r));
        assert_int_equal(r.code, TPC_CODE_OK);
        assert_true(r.epoch == pr.epoch);
    }
    assert_int_equal(tpi_driver_lease_count(rig->driver), 6);
}

static void a_waiting_producer_follows_the_end_of_the_last__D_138_D_139(void **state)
{
    (void)state;
    manual();
    rig_start();
    const tpc_attach_request_t p = begin(PRODUCER, 2, 10000);
    run();
    tpc_attach_response_t pr;
    assert_true(rig_response(p.correlation_id, &pr));
    const uint64_t epoch = pr.epoch;
    rig_step(3001 * MS);                                        /* expired; its next epoch is being made */
    assert_int_equal(rig_last_revoked().reason, TPC_REVOKE_EXPIRED);
    const int announces = rig_announces(10000);
    rig_step(2000 * MS);
    assert_int_equal(rig_announces(10000), announces);          /* the old epoch is over: nothing is announced */
    const tpc_attach_request_t next = begin(PRODUCER, 3, 10000);
    assert_int_equal(code_of(&next), TPC_CODE_NULL);
    run();
    tpc_attach_response_t nr;
    assert_true(rig_response(next.correlation_id, &nr));
    assert_int_equal(nr.code, TPC_CODE_OK);
    assert_true(nr.epoch > epoch + 1);
}

static void a_detach_answer_waits_for_the_announce__D_111(void **state)
{
    (void)state;
    manual();
    rig_start();
    const tpc_attach_request_t p = begin(PRODUCER, 2, 10000);
    run();
    tpc_attach_response_t pr;
    assert_true(rig_response(p.correlation_id, &pr));
    uint8_t buffer[64];
    const tpc_detach_request_t m = { .correlation_id = 77, .lease_id = pr.lease_id, .stream_id = 10000, .client_id = 2, .role = PRODUCER };
    rig_forget_events();
    rig_send(buffer, (size_t)tpc_detach_request_encode(buffer, sizeof(buffer), &m));
    rig_settle();
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 1);
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_DETACH_RESPONSE), 0);
    run();
    assert_true(rig_find(TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, 0) < rig_find(TPC_DRIVER_SCHEMA, TPC_DETACH_RESPONSE, 0));
    assert_true(rig_find(TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, 0) >= 0);
}

static void a_request_that_waits_is_rejected_when_the_drain_begins__D_148_D_201(void **state)
{
    (void)state;
    uint64_t epochs[64];
    manual();
    rig_start();
    const tpc_attach_request_t p = begin(PRODUCER, 2, 10000);
    const tpc_attach_request_t c = begin(CONSUMER, 3, 10000);
    tpi_driver_shutdown(rig->driver, TPC_SHUTDOWN_NORMAL, NULL, false);
    rig_settle();
    run();
    assert_int_equal(code_of(&p), TPC_CODE_REJECTED);
    assert_int_equal(code_of(&c), TPC_CODE_REJECTED);
    assert_int_equal(rig_epochs(10000, epochs), 0);
    assert_int_equal(rig_announces(10000), 0);
}

static void a_new_stream_is_not_known_before_its_regions_are_there__D_201(void **state)
{
    (void)state;
    manual();
    rig->config.allow_dynamic_streams = true;
    rig->config.stream_id_range = (tp_id_range_t){ 20000, 20001 };
    rig_start();
    tpc_attach_request_t q = rig_request(PRODUCER, 2, 0);
    q.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    rig_send_attach(&q);
    rig_settle();
    const tpc_attach_request_t c = begin(CONSUMER, 3, 20000);
    assert_int_equal(code_of(&c), TPC_CODE_REJECTED);            /* not provisioned yet */
    tpc_attach_request_t other = rig_request(PRODUCER, 4, 0);
    other.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    rig_send_attach(&other);
    rig_settle();
    run();
    tpc_attach_response_t r;
    assert_true(rig_response(q.correlation_id, &r) && 20000 == r.stream_id);
    assert_true(rig_response(other.correlation_id, &r) && 20001 == r.stream_id);
}

static void the_number_of_waiting_requests_is_limited__P11(void **state)
{
    (void)state;
    manual();
    rig->options.waits_max = 3;
    rig_start();
    (void)begin(PRODUCER, 2, 10000);
    (void)begin(CONSUMER, 3, 10000);
    (void)begin(CONSUMER, 4, 10000);
    const tpc_attach_request_t q = begin(CONSUMER, 5, 10000);
    assert_int_equal(code_of(&q), TPC_CODE_INTERNAL_ERROR);
    assert_int_equal(tpi_driver_stats(rig->driver)->limit_waits, 1);
    run();
    assert_int_equal(tpi_driver_lease_count(rig->driver), 3);
}

/* The announce period passes while the attempt of the consumer is under way: the timer of the suspended stream must not be lost over it. */
static void a_failed_attempt_for_a_consumer_does_not_end_the_retries__D_201(void **state)
{
    (void)state;
    char dir[256];
    manual();
    rig_start();
    const tpc_attach_request_t p = begin(PRODUCER, 2, 10000);
    run();
    assert_int_equal(code_of(&p), TPC_CODE_OK);
    rig_stream_dir(dir, sizeof(dir), 10000);
    assert_int_equal(chmod(dir, 0777), 0);                      /* D-205: nothing is made below it */
    rig_step(3001 * MS);
    run();
    assert_int_equal(rig_last_revoked().reason, TPC_REVOKE_EXPIRED);
    const tpc_attach_request_t c = begin(CONSUMER, 3, 10000);
    rig_step(1000 * MS);
    run();
    assert_int_equal(code_of(&c), TPC_CODE_INTERNAL_ERROR);
    assert_int_equal(chmod(dir, 02770), 0);
    rig_forget_events();
    for (int i = 0; i < 3; i++)
    {
        rig_step(1000 * MS);
        run();
    }
    assert_true(rig_announces(10000) > 0);
}

static void the_longest_minimum_age_is_never_over__D_175(void **state)
{
    (void)state;
    manual();
    rig->config.epoch_gc_enabled = true;
    rig->config.epoch_gc_min_age_ns = INT64_MAX;
    rig_start();
    const tpc_attach_request_t p = begin(PRODUCER, 2, 10000);
    assert_int_equal(tpi_driver_run_jobs(rig->driver, 64), 1);  /* the regions */
    rig_settle();
    assert_int_equal(code_of(&p), TPC_CODE_OK);
    assert_int_equal(tpi_driver_run_jobs(rig->driver, 64), 1);  /* D-177: the look after an attach, and none on the timer */
    rig_settle();
    assert_int_equal(tpi_driver_run_jobs(rig->driver, 64), 0);
}

static void an_answer_refused_by_the_bus_is_sent_later_once__P3(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_request_t q = rig_request(PRODUCER, 2, 10000);
    rig_send_attach(&q);
    assert_int_equal(tpi_mem_network_fault(rig->network, RIG_CONTROL, TPI_MEM_BACK_PRESSURE, 3), 0);
    rig_settle();
    rig_settle();
    assert_int_equal(code_of(&q), TPC_CODE_OK);
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE), 1);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    assert_true(rig_find(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE, 0) < rig_find(TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, 0));
    assert_true(tpi_driver_stats(rig->driver)->sends_queued > 0);
    assert_int_equal(tpi_driver_stats(rig->driver)->sends_dropped, 0);
}

static void an_administrative_refusal_costs_nothing__A2(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_request_t q = rig_request(PRODUCER, 2, 10000);
    rig_send_attach(&q);
    assert_int_equal(tpi_mem_network_fault(rig->network, RIG_CONTROL, TPI_MEM_ADMIN_ACTION, 2), 0);
    rig_settle();
    assert_int_equal(code_of(&q), TPC_CODE_OK);
    assert_int_equal(tpi_driver_stats(rig->driver)->sends_queued, 0);
}

static void what_waits_for_the_bus_is_bounded_and_has_an_end__P11(void **state)
{
    (void)state;
    rig->options.queue_max = 4;
    rig_start();
    (void)rig_attach(CONSUMER, 1, 10000);
    for (int i = 0; i < 10; i++)
    {
        const tpc_attach_request_t q = rig_request(CONSUMER, 1, 10000);
        rig_send_attach(&q);
    }
    /* The mem bus refuses each attempt in turn. */
    assert_int_equal(tpi_mem_network_fault(rig->network, RIG_CONTROL, TPI_MEM_BACK_PRESSURE, 1000), 0);
    rig_settle();
    assert_int_equal(tpi_driver_stats(rig->driver)->sends_dropped, 6);
    rig_step(3001 * MS);                                        /* past their time they are given up */
    assert_true(tpi_driver_stats(rig->driver)->sends_dropped >= 10);
}

static void a_lost_bus_ends_the_duty_cycle(void **state)
{
    (void)state;
    rig_start();
    tpi_mem_network_kill(rig->network);
    assert_int_equal(tpi_driver_do_work(rig->driver, rig->now_ns), -1);
}

static void a_worker_thread_does_the_same(void **state)
{
    (void)state;
    rig->options.worker = TPI_WORKER_THREAD;
    rig_start();
    const tpc_attach_request_t q = begin(PRODUCER, 2, 10000);
    for (int i = 0; i < 1000000 && TPC_CODE_NULL == code_of(&q); i++) { rig_settle(); }
    assert_int_equal(code_of(&q), TPC_CODE_OK);
    rig->config.cleanup_shm_on_exit = true;
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(the_duty_cycle_goes_on_while_regions_are_made__M12),
        RIG_TEST(a_repeated_request_is_absorbed_while_it_waits__D_029_P3), RIG_TEST(another_producer_is_rejected_while_one_waits__D_053),
        RIG_TEST(consumers_that_wait_get_the_new_epoch), RIG_TEST(a_waiting_producer_follows_the_end_of_the_last__D_138_D_139),
        RIG_TEST(a_detach_answer_waits_for_the_announce__D_111), RIG_TEST(a_request_that_waits_is_rejected_when_the_drain_begins__D_148_D_201),
        RIG_TEST(a_new_stream_is_not_known_before_its_regions_are_there__D_201), RIG_TEST(the_number_of_waiting_requests_is_limited__P11),
        RIG_TEST(a_failed_attempt_for_a_consumer_does_not_end_the_retries__D_201), RIG_TEST(an_answer_refused_by_the_bus_is_sent_later_once__P3),
        RIG_TEST(the_longest_minimum_age_is_never_over__D_175), RIG_TEST(an_administrative_refusal_costs_nothing__A2),
        RIG_TEST(what_waits_for_the_bus_is_bounded_and_has_an_end__P11), RIG_TEST(a_lost_bus_ends_the_duty_cycle),
        RIG_TEST(a_worker_thread_does_the_same) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a client tells about itself: statistics, and counters that anybody can read. Ids that no other process chooses. */
#include "client_rig.h"

#include <sys/wait.h>
#include <unistd.h>

#include "client/consumer_state.h"
#include "common/clock.h"
#include "runtime/tp_counters.h"

static tp_client_stats_t client_stats(void)
{
    tp_client_stats_t stats;
    assert_int_equal(tp_client_stats(cr->client, &stats), 0);
    return stats;
}

typedef struct wanted { int32_t type_id; const char *text; int found; int64_t value; } wanted_t;

static void on_counter(void *clientd, const tpi_counter_view_t *counter)
{
    wanted_t *wanted = clientd;
    char padded[TPI_COUNTER_LABEL_MAX + 2];
    (void)snprintf(padded, sizeof(padded), "%s ", counter->label);
    if (wanted->type_id != counter->type_id || NULL == strstr(padded, wanted->text)) { return; }
    wanted->found++;
    wanted->value = counter->value;
}

/* How many counters of that type have text in their label. */
static wanted_t look(int32_t type_id, const char *text)
{
    wanted_t wanted = { .type_id = type_id, .text = text };
    assert_true(tpi_bus_counters(cr->bus, on_counter, &wanted) >= 0);
    return wanted;
}

static void conductor_counts_what_it_does(void **state)
{
    (void)state;
    const tp_client_stats_t before = client_stats();
    assert_true(before.connected);
    assert_false(before.agent);
    assert_int_equal(before.connections, 1);
    assert_int_equal(before.leases, 0);
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *consumer = cr_consumer();
    cr_step(100 * MS);
    const tp_client_stats_t after = client_stats();
    assert_true(after.cycles > before.cycles);
    assert_true(after.work > before.work);
    assert_int_equal(after.leases, 2);
    assert_int_equal(after.commands, before.commands + 2);
    assert_int_equal(after.errors, before.errors);
    assert_int_equal(after.malformed, 0);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
    cr_step(100 * MS);
    assert_int_equal(client_stats().leases, 0);
    tp_client_stats_t none;
    assert_int_equal(tp_client_stats(NULL, &none), -1);
    assert_int_equal(tp_client_stats(cr->client, NULL), -1);
}

static void duty_cycle_is_published_once_there_is_something_to_do(void **state)
{
    (void)state;
    cr_step(100 * MS);
    assert_int_equal(look(TPI_COUNTER_AGENT, "agent=tp-client").found, 0);
    tp_consumer_t *consumer = cr_consumer();
    cr_step(100 * MS);
    assert_int_equal(look(TPI_COUNTER_AGENT, "agent=tp-client").found, 2);
    const wanted_t cycles = look(TPI_COUNTER_AGENT, "kind=cycles ");
    assert_int_equal(cycles.found, 1);
    assert_true(cycles.value > 0);
    assert_int_equal(look(TPI_COUNTER_AGENT, "kind=max_cycle_ns ").found, 1);
    tp_consumer_close(consumer);
}

static void each_reason_of_loss_has_a_counter_from_its_first_loss_on(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *consumer = cr_consumer();
    cr_step(100 * MS);
    for (uint32_t i = 0; i < CR_NSLOTS; i++) { assert_true(cr_publish(producer, 1) >= 0); }
    for (uint32_t i = 0; i < CR_NSLOTS; i++) { assert_int_equal(tp_consumer_next(consumer, &view, 0), 1); }
    cr_step(100 * MS);
    assert_int_equal(look(TPI_COUNTER_CLIENT, "kind=frames ").found, 2);
    assert_int_equal(look(TPI_COUNTER_CLIENT, "kind=drops_overwritten ").found, 0);
    assert_int_equal(look(TPI_COUNTER_CLIENT, "kind=latency_p99_ns ").found, 0);
    for (uint32_t i = 0; i < CR_NSLOTS + 3; i++) { assert_true(cr_publish(producer, 2) >= 0); }
    while (1 == tp_consumer_next(consumer, &view, 0)) { }
    cr_step(100 * MS);
    const wanted_t overwritten = look(TPI_COUNTER_CLIENT, "kind=drops_overwritten ");
    assert_int_equal(overwritten.found, 1);
    assert_int_equal(overwritten.value, 3);
    assert_int_equal(look(TPI_COUNTER_CLIENT, "kind=drops_late ").value, 3);
    assert_int_equal(look(TPI_COUNTER_CLIENT, "kind=drops_torn ").found, 0);
    tp_consumer_close(consumer);
    tp_producer_close(producer);
}

static void latencies_are_published_where_they_are_recorded(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_consumer_stats_t stats;
    tp_producer_t *producer = cr_producer();
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_latency(context, true), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    cr_step(100 * MS);
    assert_true(cr_publish(producer, 1) >= 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    cr_step(1100 * MS);
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    assert_int_equal(stats.latency_count, 1);
    const wanted_t longest = look(TPI_COUNTER_CLIENT, "kind=latency_max_ns ");
    assert_int_equal(longest.found, 1);
    assert_int_equal(longest.value, stats.latency_max_ns);
    assert_int_equal(look(TPI_COUNTER_CLIENT, "kind=latency_p50_ns ").found, 1);
    assert_int_equal(look(TPI_COUNTER_CLIENT, "kind=latency_p99_ns ").found, 1);
    tp_consumer_close(consumer);
    tp_producer_close(producer);
}

#define PROCESSES 8

static void processes_started_together_choose_different_client_ids__D_026(void **state)
{
    uint32_t ids[PROCESSES];
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < PROCESSES; i++)
    {
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (0 != pid) { continue; }
        const tpi_client_hooks_t hooks = { .open_bus = NULL };
        tp_client_t *client = NULL;
        uint32_t id = 0;
        if (0 == tpi_client_create(&client, NULL, &hooks)) { id = tpi_id_source_client(&client->ids); }
        _exit(sizeof(id) == write(ends[1], &id, sizeof(id)) ? 0 : 1);
    }
    for (int i = 0; i < PROCESSES; i++)
    {
        int status = 1;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(read(ends[0], &ids[i], sizeof(ids[i])), sizeof(ids[i]));
        assert_int_not_equal(ids[i], 0);
        for (int j = 0; j < i; j++) { assert_int_not_equal(ids[i], ids[j]); }
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(conductor_counts_what_it_does), CR_TEST(duty_cycle_is_published_once_there_is_something_to_do),
        CR_TEST(each_reason_of_loss_has_a_counter_from_its_first_loss_on), CR_TEST(latencies_are_published_where_they_are_recorded),
        CR_TEST(processes_started_together_choose_different_client_ids__D_026),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Clients that lock what they map. */
#include <sys/resource.h>
#include <unistd.h>

#include "client_rig.h"
#include "shm/test_dir.h"

static void one_frame(tp_producer_t *producer, tp_consumer_t *consumer)
{
    tp_frame_view_t view;
    assert_true(cr_publish(producer, 7) >= 0);
    cr_settle();
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
}

static bool may_lock(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    return 0 == geteuid() || limit.rlim_cur >= (1u << 20);
}

static void clients_lock_what_they_map_where_the_driver_does__D_193(void **state)
{
    (void)state;
    const long long before = test_locked_kib();
    assert_true(before >= 0);
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_t *producer = cr_producer();
    one_frame(producer, consumer);
    assert_int_equal(test_locked_kib(), before);                              /* not unless it was asked for */
    tp_producer_close(producer);
    tp_consumer_close(consumer);

    cr->client->settings.lock_memory = true;
    consumer = cr_consumer();
    const long long consumer_only = test_locked_kib();
    producer = cr_producer();
    one_frame(producer, consumer);
    if (may_lock())
    {
        assert_true(consumer_only > before);
        assert_true(test_locked_kib() > consumer_only);
    }
    tp_producer_close(producer);
    tp_consumer_close(consumer);
    cr_settle();
    assert_int_equal(test_locked_kib(), before);
}

static void refused_lock_is_a_warning_and_frames_travel__D_193(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (0 == geteuid()) { skip(); }                                      /* root locks whatever the limit says */
    const struct rlimit none = { 0, limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    cr->client->settings.lock_memory = true;
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_t *producer = cr_producer();
    one_frame(producer, consumer);
    assert_int_equal(test_locked_kib(), 0);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(clients_lock_what_they_map_where_the_driver_does__D_193),
        CR_TEST(refused_lock_is_a_warning_and_frames_travel__D_193),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

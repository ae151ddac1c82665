#include "client_rig.h"

#include <stdlib.h>
#include <unistd.h>

#include "shm/fault.h"

static uint64_t torn(const tp_consumer_t *consumer)
{
    tp_consumer_stats_t stats;
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    return stats.drops[TP_DROP_TORN];
}

static void truncate_regions(size_t first, size_t last)
{
    const tpi_epoch_files_t *files = cr->files[cr->file_count - 1];
    for (size_t i = first; i <= last && i < files->region_count; i++)
    {
        assert_int_equal(truncate(files->uris[i] + strlen("shm:file?path="), 0), 0);
    }
}

static void view_of_a_truncated_pool_is_void_and_nobody_dies__M6(void **state)
{
    (void)state;
    tp_frame_view_t view;
    uint16_t copy[16] = { 0 };
    assert_int_equal(tpi_fault_guard_install(), 0);
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_t *producer = cr_producer();
    assert_true(cr_publish(producer, 7) >= 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(tp_consumer_copy_frame(&view, copy, sizeof(copy)), 32);
    assert_int_equal(copy[0], 7);
    truncate_regions(1, SIZE_MAX);
    assert_int_equal(tp_consumer_copy_frame(&view, copy, sizeof(copy)), TP_OVERWRITTEN);
    assert_false(tp_frame_view_is_valid(&view));
    assert_int_equal(torn(consumer), 1);
    assert_true(tp_consumer_is_mapped(consumer));
    cr_announce();
    cr_settle();
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 0);
    assert_false(tp_consumer_is_mapped(consumer));             /* the next announce finds it out */
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

/* TSan holds a lock of its own while it carries out the atomic load that faults: the handler never returns. */
static void skip_under_tsan(void)
{
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
    skip();
#endif
#endif
}

static void truncated_ring_delivers_nothing_and_nobody_dies__M6(void **state)
{
    (void)state;
    skip_under_tsan();
    tp_frame_view_t view;
    assert_int_equal(tpi_fault_guard_install(), 0);
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_t *producer = cr_producer();
    assert_true(cr_publish(producer, 7) >= 0);
    truncate_regions(0, 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 0);
    assert_true(cr_publish(producer, 8) < 0 || 0 == tp_consumer_next(consumer, &view, 0));
    cr_announce();
    cr_settle();
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 0);
    assert_false(tp_consumer_is_mapped(consumer));
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

static void guard_is_off_unless_asked_for(void **state)
{
    (void)state;
    tp_context_t *context = NULL;
    assert_int_equal(tp_context_init(&context), 0);
    assert_false(tp_context_get_fault_guard(context));
    assert_int_equal(setenv("TP_FAULT_GUARD", "true", 1), 0);
    assert_true(tp_context_get_fault_guard(context));
    assert_int_equal(tp_context_set_fault_guard(context, false), 0);
    assert_false(tp_context_get_fault_guard(context));
    assert_int_equal(unsetenv("TP_FAULT_GUARD"), 0);
    assert_int_equal(tp_context_set_fault_guard(context, true), 0);
    assert_true(tp_context_get_fault_guard(context));
    assert_false(tpi_fault_guard_is_installed());

    tp_client_t *client = NULL;
    tpi_bus_t *bus = NULL;
    assert_int_equal(tpi_bus_mem_open(&bus, cr->network), 0);
    assert_int_equal(tpi_client_create_on_bus(&client, context, bus), 0);
    assert_true(tpi_fault_guard_is_installed());
    tp_client_close(client);
    tp_context_close(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(guard_is_off_unless_asked_for),                /* first: the others install it for good */
        CR_TEST(view_of_a_truncated_pool_is_void_and_nobody_dies__M6),
        CR_TEST(truncated_ring_delivers_nothing_and_nobody_dies__M6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

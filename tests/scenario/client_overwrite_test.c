/* A slot that changes while it is judged: the linker puts a writer between the first and the second look at the commit word. */
#include "client_consumer_rig.h"

#include "protocol/frame_check.h"

static tpi_slot_word_t *victim;        /* slot that the writer takes next, or NULL */
static uint64_t next_word;

tpi_drop_reason_t __real_tpi_frame_checker_check(tpi_frame_checker_t *checker, tpi_frame_t *frame, const uint64_t image[TPI_SLOT_WORDS], uint64_t seq,
    const tpi_pool_set_t *set);
tpi_drop_reason_t __wrap_tpi_frame_checker_check(tpi_frame_checker_t *checker, tpi_frame_t *frame, const uint64_t image[TPI_SLOT_WORDS], uint64_t seq,
    const tpi_pool_set_t *set);

tpi_drop_reason_t __wrap_tpi_frame_checker_check(tpi_frame_checker_t *checker, tpi_frame_t *frame, const uint64_t image[TPI_SLOT_WORDS], uint64_t seq,
    const tpi_pool_set_t *set)
{
    const tpi_drop_reason_t verdict = __real_tpi_frame_checker_check(checker, frame, image, seq, set);
    if (NULL != victim) { atomic_store_explicit(victim, next_word, memory_order_release); }
    victim = NULL;
    return verdict;
}

static void change_during_the_check(uint64_t word)
{
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    victim = (tpi_slot_word_t *)(void *)(cr->files[cr->file_count - 1]->regions[0].base + TPI_SUPERBLOCK_BYTES);
    next_word = word;
    assert_int_equal(next(consumer, &view), 0);
    assert_null(victim);
    assert_int_equal(drops(consumer, TP_DROP_TORN), 1);
    assert_int_equal(stats_of(consumer).received, 0);
    assert_int_equal(cr_publish(producer, 2), 1);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void frame_overwritten_while_it_is_judged_is_dropped__W_047_W_050_W_052_M3(void **state)
{
    (void)state;
    change_during_the_check((CR_NSLOTS << 1) | 1u);
}

static void slot_taken_again_while_it_is_judged_is_dropped__W_047_W_050_W_052_M3(void **state)
{
    (void)state;
    change_during_the_check(CR_NSLOTS << 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { CR_TEST(frame_overwritten_while_it_is_judged_is_dropped__W_047_W_050_W_052_M3),
        CR_TEST(slot_taken_again_while_it_is_judged_is_dropped__W_047_W_050_W_052_M3) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

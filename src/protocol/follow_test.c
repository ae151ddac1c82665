#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/follow.h"

static tpi_follow_t follow;
static tpi_follow_step_t step;

static int setup(void **state)
{
    (void)state;
    follow = (tpi_follow_t){ .max_gap = TPI_FOLLOW_DEFAULT_MAX_GAP };
    return 0;
}

static tpi_follow_action_t take(uint64_t seq)
{
    step = tpi_follow_descriptor(&follow, seq, seq);
    return step.action;
}

static void first_descriptor_counts_no_gap(void **state)
{
    (void)state;
    assert_int_equal(take(1000), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 0);
    assert_int_equal(step.skipped, 0);
    assert_int_equal(follow.last, 1000);
}

static void next_in_order_has_no_gap_and_a_jump_counts_what_it_left_out__W_121(void **state)
{
    (void)state;
    (void)take(0);
    assert_int_equal(take(1), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 0);
    assert_int_equal(take(5), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 3);
    assert_int_equal(take(6), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 0);
}

static void equal_seq_is_a_silent_duplicate__O_20(void **state)
{
    (void)state;
    (void)take(7);
    assert_int_equal(take(7), TPI_FOLLOW_DUPLICATE);
    assert_int_equal(step.gap, 0);
    assert_int_equal(take(8), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 0);
}

static void lower_seq_is_a_regression__W_113_O_20(void **state)
{
    (void)state;
    (void)take(100);
    assert_int_equal(take(50), TPI_FOLLOW_REGRESSION);
    assert_int_equal(take(99), TPI_FOLLOW_REGRESSION);
    assert_int_equal(follow.last, 100);
    assert_int_equal(take(101), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 0);
}

static void another_stream_may_repeat_but_not_hide_frames__O_20_W_131(void **state)
{
    (void)state;
    tpi_follow_t mine = { .max_gap = 0 };
    assert_int_equal(tpi_follow_descriptor(&mine, 10, 10).action, TPI_FOLLOW_READ);
    tpi_follow_switch(&mine);
    assert_int_equal(tpi_follow_descriptor(&mine, 8, 8).action, TPI_FOLLOW_DUPLICATE);
    assert_int_equal(tpi_follow_descriptor(&mine, 10, 10).action, TPI_FOLLOW_DUPLICATE);
    assert_int_equal(tpi_follow_descriptor(&mine, 9, 9).action, TPI_FOLLOW_REGRESSION);
    tpi_follow_switch(&mine);
    const tpi_follow_step_t found = tpi_follow_descriptor(&mine, 13, 13);
    assert_int_equal(found.action, TPI_FOLLOW_READ);
    assert_int_equal(found.gap, 2);
}

static void restart_forgets_everything_but_the_limit__O_20(void **state)
{
    (void)state;
    (void)take(100);
    tpi_follow_restart(&follow);
    assert_int_equal(follow.max_gap, TPI_FOLLOW_DEFAULT_MAX_GAP);
    assert_int_equal(take(50), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 0);
}

static void sequences_from_2_to_the_63_move_nothing__W_253(void **state)
{
    (void)state;
    (void)take(4);
    assert_int_equal(take((UINT64_C(1) << 63) + 5), TPI_FOLLOW_BAD_SEQ);
    assert_int_equal(step.gap, 0);
    assert_int_equal(take(UINT64_MAX), TPI_FOLLOW_BAD_SEQ);
    assert_int_equal(take(5), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 0);
    tpi_follow_restart(&follow);
    assert_int_equal(take(UINT64_C(1) << 63), TPI_FOLLOW_BAD_SEQ);
    assert_false(follow.has_last);
    assert_int_equal(take((UINT64_C(1) << 63) - 1), TPI_FOLLOW_READ);
    step = tpi_follow_descriptor(&follow, 3, UINT64_MAX);
    assert_int_equal(step.action, TPI_FOLLOW_REGRESSION);
}

static void gap_at_the_limit_is_followed_and_one_more_is_a_resync__W_124_W_125(void **state)
{
    (void)state;
    (void)take(0);
    assert_int_equal(take(257), TPI_FOLLOW_READ);            /* 256 left out */
    assert_int_equal(step.gap, 256);
    assert_int_equal(step.skipped, 0);
    assert_int_equal(take(257 + 258), TPI_FOLLOW_READ);      /* 257 left out; this one is the newest at hand */
    assert_int_equal(step.gap, 0);
    assert_int_equal(step.skipped, 257);
    assert_false(follow.is_resyncing);
}

static void backlog_above_the_limit_jumps_to_the_newest_frame__W_125(void **state)
{
    (void)state;
    uint64_t skipped = 0;
    (void)take(0);
    for (uint64_t seq = 1; seq < 300; seq++)
    {
        step = tpi_follow_descriptor(&follow, seq, 300);
        assert_int_equal(step.action, TPI_FOLLOW_SKIP);
        assert_int_equal(step.gap, 0);
        skipped += step.skipped;
    }
    step = tpi_follow_descriptor(&follow, 300, 300);
    assert_int_equal(step.action, TPI_FOLLOW_READ);
    assert_int_equal(skipped + step.skipped, 299);
    assert_int_equal(take(301), TPI_FOLLOW_READ);
}

static void backlog_at_the_limit_is_worked_off(void **state)
{
    (void)state;
    (void)take(0);
    step = tpi_follow_descriptor(&follow, 1, 257);
    assert_int_equal(step.action, TPI_FOLLOW_READ);
    tpi_follow_restart(&follow);
    (void)take(0);
    step = tpi_follow_descriptor(&follow, 1, 258);
    assert_int_equal(step.action, TPI_FOLLOW_SKIP);
}

static void resync_ends_also_when_its_target_never_comes(void **state)
{
    (void)state;
    (void)take(0);
    step = tpi_follow_descriptor(&follow, 10, 1000);
    assert_int_equal(step.action, TPI_FOLLOW_SKIP);
    assert_int_equal(step.skipped, 10);
    assert_int_equal(take(1005), TPI_FOLLOW_READ);
    assert_int_equal(step.skipped, 994);
    assert_int_equal(step.gap, 0);
    assert_int_equal(take(1006), TPI_FOLLOW_READ);
}

static void zero_disables_the_resync__W_124_W_126(void **state)
{
    (void)state;
    follow.max_gap = 0;
    (void)take(0);
    step = tpi_follow_descriptor(&follow, 100000, 900000);
    assert_int_equal(step.action, TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 99999);
}

/* ---- the ring is the truth ---- */

#define COMMITTED(seq) (((uint64_t)(seq) << 1) | 1)
#define WRITING(seq) ((uint64_t)(seq) << 1)

static uint64_t resume;

static tpi_ring_decision_t look(uint64_t expected, uint64_t word)
{
    resume = 4242;
    return tpi_follow_ring(expected, word, false, 0, 8, &resume);
}

static tpi_ring_decision_t look_with(uint64_t expected, uint64_t word, uint64_t descriptor)
{
    resume = 4242;
    return tpi_follow_ring(expected, word, true, descriptor, 8, &resume);
}

static void committed_frame_is_read_without_a_descriptor(void **state)
{
    (void)state;
    assert_int_equal(look(13, COMMITTED(13)), TPI_RING_READ);
    assert_int_equal(look(0, COMMITTED(0)), TPI_RING_READ);
    assert_int_equal(look_with(13, COMMITTED(13), 20), TPI_RING_READ);       /* the bus lost it, nobody else did */
}

static void frame_not_there_yet_is_waited_for(void **state)
{
    (void)state;
    assert_int_equal(look(0, 0), TPI_RING_WAIT);
    assert_int_equal(look(5, 0), TPI_RING_WAIT);
    assert_int_equal(look(13, WRITING(13)), TPI_RING_WAIT);
    assert_int_equal(look(13, COMMITTED(5)), TPI_RING_WAIT);
    assert_int_equal(look(13, WRITING(5)), TPI_RING_WAIT);
    assert_int_equal(look_with(13, WRITING(13), 12), TPI_RING_WAIT);
    assert_int_equal(resume, 4242);
}

static void claim_given_up_is_known_by_a_later_descriptor__O_41(void **state)
{
    (void)state;
    assert_int_equal(look_with(13, WRITING(13), 14), TPI_RING_ABANDONED);
    assert_int_equal(look_with(13, COMMITTED(5), 14), TPI_RING_ABANDONED);
    assert_int_equal(look_with(0, 0, 1), TPI_RING_ABANDONED);
    assert_int_equal(look_with(13, WRITING(13), 13), TPI_RING_READ);         /* announced: the slot says "uncommitted" itself */
}

static void overwritten_frame_resumes_at_the_oldest_that_may_be_whole(void **state)
{
    (void)state;
    assert_int_equal(look(13, COMMITTED(21)), TPI_RING_LAPPED);
    assert_int_equal(resume, 14);
    assert_int_equal(look(13, WRITING(21)), TPI_RING_LAPPED);
    assert_int_equal(resume, 14);
    assert_int_equal(look(13, COMMITTED(45)), TPI_RING_LAPPED);
    assert_int_equal(resume, 38);
    assert_int_equal(look(0, COMMITTED(8)), TPI_RING_LAPPED);
    assert_int_equal(resume, 1);
    assert_int_equal(look(5, UINT64_MAX - 4), TPI_RING_LAPPED);              /* highest word with this index */
    assert_true(resume > 5);
}

static void word_of_another_slot_is_foreign__W_118(void **state)
{
    (void)state;
    assert_int_equal(look(13, COMMITTED(14)), TPI_RING_FOREIGN);
    assert_int_equal(look(13, WRITING(12)), TPI_RING_FOREIGN);
    assert_int_equal(look(13, 1), TPI_RING_FOREIGN);                         /* seq 0 committed in slot 5 */
    assert_int_equal(look(13, UINT64_MAX), TPI_RING_FOREIGN);
}

static void descriptor_behind_the_ring_is_a_duplicate_and_no_regression__W_113(void **state)
{
    (void)state;
    (void)take(4);
    assert_int_equal(tpi_follow_ring_read(&follow, 5).action, TPI_FOLLOW_READ);
    assert_int_equal(tpi_follow_ring_read(&follow, 6).action, TPI_FOLLOW_READ);
    assert_int_equal(tpi_follow_ring_read(&follow, 6).action, TPI_FOLLOW_DUPLICATE);
    assert_int_equal(take(5), TPI_FOLLOW_DUPLICATE);
    assert_int_equal(take(6), TPI_FOLLOW_DUPLICATE);
    assert_int_equal(take(7), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 0);
    assert_int_equal(take(5), TPI_FOLLOW_REGRESSION);        /* the bus itself went back */
}

static void frames_found_in_the_ring_close_the_gap(void **state)
{
    (void)state;
    (void)take(4);
    assert_int_equal(tpi_follow_ring_read(&follow, 5).gap, 0);
    step = tpi_follow_ring_read(&follow, 7);                 /* 6 was abandoned */
    assert_int_equal(step.gap, 1);
    assert_int_equal(take(8), TPI_FOLLOW_READ);
    assert_int_equal(step.gap, 0);
    assert_int_equal(tpi_follow_ring_read(&follow, UINT64_C(1) << 63).action, TPI_FOLLOW_BAD_SEQ);
    assert_int_equal(follow.last, 8);
}

#define TEST(function) cmocka_unit_test_setup(function, setup)

static void newest_only_passes_over_what_is_behind_and_tells_gaps_apart(void **state)
{
    (void)state;
    follow = (tpi_follow_t){ .max_gap = 2, .newest_only = true };
    step = tpi_follow_descriptor(&follow, 0, 3);
    assert_int_equal(step.action, TPI_FOLLOW_SKIP);
    assert_true(1 == step.skipped && 0 == step.gap);
    step = tpi_follow_descriptor(&follow, 2, 3);           /* 1 was never announced */
    assert_int_equal(step.action, TPI_FOLLOW_SKIP);
    assert_true(1 == step.skipped && 1 == step.gap);
    step = tpi_follow_descriptor(&follow, 3, 3);
    assert_int_equal(step.action, TPI_FOLLOW_READ);
    assert_true(0 == step.skipped && 0 == step.gap);
    assert_int_equal(take(100), TPI_FOLLOW_READ);          /* max_gap does not count */
    assert_true(0 == step.skipped && 96 == step.gap);
    assert_int_equal(take(100), TPI_FOLLOW_DUPLICATE);
    tpi_follow_restart(&follow);
    assert_true(follow.newest_only);
}

/* ---- when to look ---- */

static void a_descriptor_is_waited_for_as_long_as_patience_lasts__L_102(void **state)
{
    (void)state;
    tpi_ring_watch_t watch = { .has_seen = false };
    assert_true(tpi_ring_watch_is_new(&watch, 7));
    assert_false(tpi_ring_watch_is_new(&watch, 7));
    assert_false(tpi_ring_watch_is_overdue(&watch, 7, 100, 1000));           /* begins */
    assert_false(tpi_ring_watch_is_overdue(&watch, 7, 100, 1099));
    assert_true(tpi_ring_watch_is_overdue(&watch, 7, 100, 1100));
    assert_true(tpi_ring_watch_is_new(&watch, 8));
    assert_false(tpi_ring_watch_is_overdue(&watch, 8, 100, 1100));           /* another frame, its own time */
    assert_false(tpi_ring_watch_is_overdue(&watch, 8, 100, 1199));
    assert_true(tpi_ring_watch_is_overdue(&watch, 8, 100, 1200));
    tpi_ring_watch_took(&watch, 8);
    assert_false(tpi_ring_watch_is_overdue(&watch, 8, 100, 5000));           /* begins anew */
}

static void descriptors_of_frames_that_were_taken_are_late_and_no_others__L_104(void **state)
{
    (void)state;
    tpi_ring_watch_t watch = { .has_seen = false };
    assert_false(tpi_ring_watch_is_late(&watch, 0));
    tpi_ring_watch_took(&watch, 0);
    assert_true(tpi_ring_watch_is_late(&watch, 0));
    assert_false(tpi_ring_watch_is_late(&watch, 1));
    tpi_ring_watch_took(&watch, 10);
    for (uint64_t seq = 11; seq < 20; seq++) { tpi_ring_watch_took(&watch, seq); }
    assert_false(tpi_ring_watch_is_late(&watch, 9));
    assert_true(tpi_ring_watch_is_late(&watch, 10));
    assert_true(tpi_ring_watch_is_late(&watch, 19));
    assert_false(tpi_ring_watch_is_late(&watch, 20));
}

static uint64_t ring[16];
static uint32_t looks;
static uint64_t word_at(const void *words, uint32_t index)
{
    looks++;
    return ((const uint64_t *)words)[index];
}

/* Frames first to last written into a ring that was empty. */
static void fill(uint32_t nslots, uint64_t count)
{
    memset(ring, 0, sizeof(ring));
    for (uint64_t seq = 0; seq < count; seq++) { ring[seq % nslots] = seq << 1 | 1; }
}

static void newest_frame_is_found_wherever_the_writer_stands__L_112(void **state)
{
    (void)state;
    uint64_t newest = 99;
    for (uint32_t nslots = 1; nslots <= 16; nslots *= 2)
    {
        fill(nslots, 0);
        assert_false(tpi_follow_ring_newest(word_at, ring, nslots, &newest));
        assert_int_equal(newest, 0);
        for (uint64_t count = 1; count < 70; count++)
        {
            fill(nslots, count);
            looks = 0;
            assert_true(tpi_follow_ring_newest(word_at, ring, nslots, &newest));
            assert_int_equal(newest, count - 1);
            assert_true(looks <= 7);                       /* a search, no walk */
        }
    }
}

static void frames_begun_and_not_committed_are_not_the_newest__L_112(void **state)
{
    (void)state;
    uint64_t newest = 99;
    for (uint64_t count = 3; count < 40; count++)
    {
        fill(8, count);
        ring[(count - 1) % 8] = (count - 1) << 1;
        ring[(count - 2) % 8] = (count - 2) << 1;
        assert_true(tpi_follow_ring_newest(word_at, ring, 8, &newest));
        assert_int_equal(newest, count - 3);
    }
    fill(8, 0);
    ring[1] = 1 << 1;                                      /* 0 is being written, and its word is 0 */
    assert_false(tpi_follow_ring_newest(word_at, ring, 8, &newest));
    assert_int_equal(newest, 0);
    for (uint64_t seq = 8; seq < 16; seq++) { ring[seq % 8] = seq << 1; }
    assert_false(tpi_follow_ring_newest(word_at, ring, 8, &newest));         /* none committed: the one that will be */
    assert_int_equal(newest, 15);
}

static void words_of_any_kind_end_the_search__L_112(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 20000; round++)
    {
        for (int i = 0; i < 16; i++)
        {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            ring[i] = 0 == (seed >> 60) ? 0 : 1 == (seed >> 60) ? UINT64_MAX : seed >> (seed >> 58);
        }
        uint64_t newest = UINT64_MAX;
        looks = 0;
        if (tpi_follow_ring_newest(word_at, ring, 16, &newest)) { assert_int_equal(ring[newest % 16], newest << 1 | 1); }
        assert_int_equal(newest >> 63, 0);
        assert_true(looks <= 1 + 4 + 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_descriptor_counts_no_gap),
        TEST(next_in_order_has_no_gap_and_a_jump_counts_what_it_left_out__W_121),
        TEST(equal_seq_is_a_silent_duplicate__O_20),
        TEST(lower_seq_is_a_regression__W_113_O_20),
        TEST(restart_forgets_everything_but_the_limit__O_20),
        TEST(another_stream_may_repeat_but_not_hide_frames__O_20_W_131),
        TEST(sequences_from_2_to_the_63_move_nothing__W_253),
        TEST(gap_at_the_limit_is_followed_and_one_more_is_a_resync__W_124_W_125),
        TEST(backlog_above_the_limit_jumps_to_the_newest_frame__W_125),
        TEST(backlog_at_the_limit_is_worked_off),
        TEST(resync_ends_also_when_its_target_never_comes),
        TEST(zero_disables_the_resync__W_124_W_126),
        TEST(committed_frame_is_read_without_a_descriptor),
        TEST(frame_not_there_yet_is_waited_for),
        TEST(claim_given_up_is_known_by_a_later_descriptor__O_41),
        TEST(overwritten_frame_resumes_at_the_oldest_that_may_be_whole),
        TEST(word_of_another_slot_is_foreign__W_118),
        TEST(descriptor_behind_the_ring_is_a_duplicate_and_no_regression__W_113),
        TEST(frames_found_in_the_ring_close_the_gap),
        TEST(a_descriptor_is_waited_for_as_long_as_patience_lasts__L_102),
        TEST(descriptors_of_frames_that_were_taken_are_late_and_no_others__L_104),
        TEST(newest_frame_is_found_wherever_the_writer_stands__L_112),
        TEST(frames_begun_and_not_committed_are_not_the_newest__L_112),
        TEST(words_of_any_kind_end_the_search__L_112),
        cmocka_unit_test_setup(newest_only_passes_over_what_is_behind_and_tells_gaps_apart, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

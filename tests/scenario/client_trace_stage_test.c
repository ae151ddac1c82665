/* Stages: which id an output carries, which links go out, and that nothing of it touches a frame. */
#include "client_rig.h"

#include <stdlib.h>

#include "client/producer_state.h"
#include "client/trace_process.h"

#define SETS_MAX 512
#define CAPTURED_NS UINT64_C(123456789)

static struct { uint64_t count; tp_trace_link_set_t sets[SETS_MAX]; uint64_t parents[SETS_MAX][8]; } heard;
static tp_producer_t *producer;

static void on_set(void *clientd, const tp_trace_link_set_t *set)
{
    (void)clientd;
    if (heard.count < SETS_MAX)
    {
        heard.sets[heard.count] = *set;
        memcpy(heard.parents[heard.count], set->parents, (set->parent_count < 8 ? set->parent_count : 8) * sizeof(uint64_t));
    }
    heard.count++;
}

static int setup(void **state)
{
    tp_trace_handlers_t handlers = TP_TRACE_HANDLERS_INIT;
    tpi_trace_process_reset();
    memset(&heard, 0, sizeof(heard));
    if (cr_setup(state) < 0) { return -1; }
    handlers.on_trace_link_set = on_set;
    assert_int_equal(tp_client_set_trace_handlers(cr->client, &handlers), 0);
    producer = cr_producer();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, cr_teardown)

static tp_trace_stage_t *stage_of(int kind)
{
    tp_trace_stage_t *stage = NULL;
    assert_int_equal(tp_trace_stage_init(&stage, producer, kind), 0);
    return stage;
}

static int64_t output(tp_trace_stage_t *stage)
{
    tp_buffer_claim_t claim;
    assert_true(tp_producer_try_claim_at(producer, cr->tensor, 32, CAPTURED_NS, &claim) >= 0);
    memset(claim.payload, 0x5a, 32);
    return tp_trace_stage_commit(stage, &claim, NULL);
}

/* The trace id of the output as its descriptor says it. */
static uint64_t output_id(tp_trace_stage_t *stage)
{
    const uint64_t before = cr->descriptors;
    assert_true(output(stage) >= 0);
    cr_settle();
    assert_int_equal(cr->descriptors, before + 1);
    assert_int_equal(cr->descriptor[before % 4096].trace_id, tp_trace_stage_last_trace_id(stage));
    return cr->descriptor[before % 4096].trace_id;
}

static tp_frame_view_t view_of(uint32_t stream_id, uint64_t epoch, uint64_t seq, uint64_t trace_id)
{
    return (tp_frame_view_t){ .size = sizeof(tp_frame_view_t), .stream_id = stream_id, .epoch = epoch, .seq = seq, .trace_id = trace_id };
}

static void roots_get_new_ids_and_no_set__T_020(void **state)
{
    (void)state;
    tp_trace_stage_t *stage = stage_of(TP_TRACE_ROOT);
    const uint64_t a = output_id(stage);
    const uint64_t b = output_id(stage);
    assert_true(0 != a && 0 != b && a != b);
    assert_int_equal(heard.count, 0);
    tp_trace_stage_close(stage);
}

static void filters_keep_the_id_and_send_nothing__T_021_T_024(void **state)
{
    (void)state;
    tp_trace_stage_t *stage = stage_of(TP_TRACE_FILTER);
    const tp_frame_view_t traced = view_of(1, 1, 0, 4711);
    assert_int_equal(tp_trace_stage_add_input(stage, &traced), 0);
    assert_int_equal(output_id(stage), 4711);
    const tp_frame_view_t untraced = view_of(1, 1, 1, 0);
    assert_int_equal(tp_trace_stage_add_input(stage, &untraced), 0);
    const uint64_t minted = output_id(stage);              /* O-9 */
    assert_true(0 != minted && 4711 != minted);
    assert_int_equal(heard.count, 0);
    tp_trace_stage_close(stage);
}

/* Not 0, which says untraced: whatever stands in the field is not looked at. */
static void inputs_without_descriptor_are_counted_and_leave_no_parent__L_109(void **state)
{
    (void)state;
    tp_trace_stage_t *stage = stage_of(TP_TRACE_FILTER);
    tp_frame_view_t unknown = view_of(1, 1, 0, 4711);
    unknown.flags = TP_FRAME_NO_DESCRIPTOR;
    assert_int_equal(tp_trace_stage_unknown_inputs(stage), 0);
    assert_int_equal(tp_trace_stage_add_input(stage, &unknown), 0);
    const uint64_t minted = output_id(stage);
    assert_true(0 != minted && 4711 != minted);
    assert_int_equal(tp_trace_stage_unknown_inputs(stage), 1);
    tp_trace_stage_close(stage);
    stage = stage_of(TP_TRACE_JOIN);
    const tp_frame_view_t known = view_of(2, 1, 0, 4712);
    assert_int_equal(tp_trace_stage_add_input(stage, &unknown), 0);
    assert_int_equal(tp_trace_stage_add_input(stage, &known), 0);
    (void)output_id(stage);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.sets[0].parent_count, 1);
    assert_int_equal(heard.parents[0][0], 4712);
    assert_int_equal(tp_trace_stage_unknown_inputs(stage), 1);
    assert_int_equal(tp_trace_stage_unknown_inputs(NULL), 0);
    tp_trace_stage_close(stage);
}

static void joins_get_a_new_id_and_a_set_of_all_parents__T_022_T_023_T_037_T_042_W_108(void **state)
{
    (void)state;
    static const uint64_t ids[] = { 50, 40, 30, 20, 10 };
    tp_trace_stage_t *stage = stage_of(TP_TRACE_JOIN);
    for (size_t i = 0; i < 5; i++) { assert_int_equal(tp_trace_stage_add_trace_id(stage, ids[i]), 0); }
    const uint64_t id = output_id(stage);
    for (size_t i = 0; i < 5; i++) { assert_true(id != ids[i]); }
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.sets[0].stream_id, CR_STREAM);
    assert_int_equal(heard.sets[0].epoch, cr->epoch);
    assert_int_equal(heard.sets[0].seq, 0);
    assert_int_equal(heard.sets[0].trace_id, id);
    assert_int_equal(heard.sets[0].parent_count, 5);
    assert_memory_equal(heard.parents[0], ids, sizeof(ids));
    tp_trace_stage_close(stage);
}

static void diamonds_and_untraced_inputs_leave_what_is_left__T_022_T_023(void **state)
{
    (void)state;
    tp_trace_stage_t *stage = stage_of(TP_TRACE_JOIN);
    (void)tp_trace_stage_add_trace_id(stage, 7);
    (void)tp_trace_stage_add_trace_id(stage, 7);           /* O-7 */
    const uint64_t id = output_id(stage);
    assert_true(7 != id);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.sets[0].parent_count, 1);
    assert_int_equal(heard.parents[0][0], 7);
    (void)tp_trace_stage_add_trace_id(stage, 0);
    (void)tp_trace_stage_add_trace_id(stage, 0);           /* O-8 */
    assert_true(0 != output_id(stage));
    assert_int_equal(heard.count, 1);
    tp_trace_stage_close(stage);
}

static void retagging_names_the_old_id__T_025(void **state)
{
    (void)state;
    tp_trace_stage_t *stage = stage_of(TP_TRACE_RETAG);
    (void)tp_trace_stage_add_trace_id(stage, 8);
    assert_true(8 != output_id(stage));
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.sets[0].parent_count, 1);
    assert_int_equal(heard.parents[0][0], 8);
    tp_trace_stage_close(stage);
}

static void stage_that_is_off_traces_nothing__T_027(void **state)
{
    (void)state;
    tp_trace_stage_t *stage = stage_of(TP_TRACE_OFF);
    (void)tp_trace_stage_add_trace_id(stage, 8);
    assert_int_equal(output_id(stage), 0);
    assert_int_equal(heard.count, 0);
    tp_trace_stage_close(stage);
}

/* ---- windows ---- */

static struct { int count; tp_trace_window_t rows[8]; } told;

static void on_window(void *clientd, const tp_trace_window_t *window)
{
    (void)clientd;
    if (told.count < 8) { told.rows[told.count] = *window; }
    told.count++;
}

static void windows_tell_bounds_instead_of_parents(void **state)
{
    (void)state;
    tp_trace_stage_t *stage = stage_of(TP_TRACE_WINDOW);
    const uint64_t seqs[] = { 12, 10, 11 };
    memset(&told, 0, sizeof(told));
    assert_int_equal(tp_trace_stage_set_window_handler(stage, on_window, NULL), 0);
    for (size_t i = 0; i < 3; i++)
    {
        const tp_frame_view_t view = view_of(500, 3, seqs[i], 100 + i);
        assert_int_equal(tp_trace_stage_add_input(stage, &view), 0);
    }
    const tp_frame_view_t other = view_of(501, 9, 77, 5);
    const tp_frame_view_t later = view_of(500, 4, 0, 6);
    assert_int_equal(tp_trace_stage_add_input(stage, &other), 0);
    assert_int_equal(tp_trace_stage_add_input(stage, &later), 1);          /* O-17: another epoch */
    assert_int_equal(tp_trace_stage_add_trace_id(stage, 1), TP_INVALID_ARGUMENT);
    const uint64_t id = output_id(stage);
    assert_int_equal(heard.count, 0);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.rows[0].in_stream_id, 500);
    assert_int_equal(told.rows[0].trace_id, id);
    assert_int_equal(told.rows[0].epoch, 3);
    assert_int_equal(told.rows[0].seq_start, 10);
    assert_int_equal(told.rows[0].seq_end, 12);
    assert_int_equal(told.rows[0].frames, 3);
    assert_int_equal(told.rows[1].in_stream_id, 501);
    assert_int_equal(told.rows[1].seq_start, 77);
    assert_int_equal(tp_trace_stage_add_input(stage, &later), 0);          /* the window began anew */
    for (uint32_t i = 1; i < TP_TRACE_WINDOW_STREAMS_MAX; i++)
    {
        const tp_frame_view_t view = view_of(1000 + i, 1, 0, 0);
        assert_int_equal(tp_trace_stage_add_input(stage, &view), 0);
    }
    const tp_frame_view_t one_more = view_of(9999, 1, 0, 0);
    assert_int_equal(tp_trace_stage_add_input(stage, &one_more), TP_TOO_MANY_CLAIMS);
    tp_trace_stage_clear(stage);
    assert_int_equal(tp_trace_stage_add_input(stage, &one_more), 0);
    tp_trace_stage_close(stage);
}

/* ---- independence ---- */

typedef struct run
{
    int64_t results[64];
    uint64_t received, sets;
    uint8_t slots[64][TPI_SLOT_BYTES], payloads[64][32];
}
run_t;

/* 64 frames through a join stage (kind OFF: untraced) to a consumer that validates and copies each. */
static void run(run_t *run, int kind)
{
    tp_frame_view_t view;
    tp_consumer_t *consumer = cr_consumer();
    tp_trace_stage_t *stage = stage_of(kind);
    const uint64_t sets = heard.count;
    (void)tp_producer_flush(producer);
    for (size_t i = 0; i < 64; i++)
    {
        (void)tp_trace_stage_add_trace_id(stage, 1000 + i);
        (void)tp_trace_stage_add_trace_id(stage, 2000 + i);
        run->results[i] = output(stage);
        cr_settle();
        const tpi_pool_set_t *set = producer->map->set;
        memcpy(run->slots[i], (const void *)(uintptr_t)tpi_pool_set_slot(set, tpi_pool_set_index(set, i)), TPI_SLOT_BYTES);
        assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
        assert_int_equal(tp_consumer_copy_frame(&view, run->payloads[i], 32), 32);
        assert_int_equal(view.seq, i);
        assert_int_equal(view.timestamp_ns, CAPTURED_NS);
        run->received++;
    }
    run->sets = heard.count - sets;
    tp_trace_stage_close(stage);
    tp_consumer_close(consumer);
    cr_settle();
}

static void begin_epoch(void)
{
    tp_producer_close(producer);
    cr_settle();
    producer = cr_producer();
}

static void frames_are_the_same_with_and_without_links__T_001_T_002_T_003_T_006_T_033(void **state)
{
    (void)state;
    run_t *off = calloc(3, sizeof(*off));
    run_t *on = off + 1;
    run_t *lost = off + 2;
    assert_non_null(off);
    run(off, TP_TRACE_OFF);
    begin_epoch();
    run(on, TP_TRACE_JOIN);
    cr->client->settings.control.stream_id = 4999;         /* where nobody listens: every set is lost */
    begin_epoch();
    run(lost, TP_TRACE_JOIN);
    assert_int_equal(on->sets, 64);
    assert_int_equal(lost->sets, 0);
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    assert_int_equal(stats.tracelinks_dropped, 64);
    const run_t *others[] = { on, lost };
    for (size_t i = 0; i < 2; i++)
    {
        assert_int_equal(others[i]->received, 64);
        assert_memory_equal(off->results, others[i]->results, sizeof(off->results));
        assert_memory_equal(off->slots, others[i]->slots, sizeof(off->slots));
        assert_memory_equal(off->payloads, others[i]->payloads, sizeof(off->payloads));
    }
    free(off);
}

static void failed_commit_keeps_or_forgets_its_inputs_and_sends_nothing(void **state)
{
    (void)state;
    tp_buffer_claim_t claim;
    tp_trace_stage_t *stage = stage_of(TP_TRACE_JOIN);
    (void)tp_trace_stage_add_trace_id(stage, 1);
    (void)tp_trace_stage_add_trace_id(stage, 2);
    assert_true(tp_producer_try_claim(producer, cr->tensor, &claim) >= 0);
    const size_t length = claim.length;
    claim.length++;
    assert_int_equal(tp_trace_stage_commit(stage, &claim, NULL), TP_INVALID_ARGUMENT);     /* still out, inputs too */
    claim.length = length;
    assert_true(tp_trace_stage_commit(stage, &claim, NULL) >= 0);
    cr_settle();
    assert_int_equal(heard.count, 1);
    const uint64_t last = tp_trace_stage_last_trace_id(stage);
    (void)tp_trace_stage_add_trace_id(stage, 3);
    assert_int_equal(tp_trace_stage_commit(stage, &claim, NULL), TP_INVALID_CLAIM);
    assert_int_equal(tp_trace_stage_last_trace_id(stage), last);
    (void)tp_trace_stage_add_trace_id(stage, 4);
    (void)tp_trace_stage_add_trace_id(stage, 5);
    assert_true(0 != output_id(stage));
    assert_int_equal(heard.count, 2);
    assert_int_equal(heard.sets[1].parent_count, 2);
    assert_int_equal(heard.parents[1][0], 4);
    tp_trace_stage_close(stage);
}

/* Somebody who knows the first 32 bytes of the descriptor's block and no more. */
typedef struct old_reader { int messages; uint64_t seqs[64]; uint64_t epochs[64]; } old_reader_t;

static void on_descriptor(void *clientd, const void *message, size_t length, int32_t session_id)
{
    old_reader_t *old = clientd;
    const uint8_t *at = message;
    uint16_t block;
    (void)session_id;
    memcpy(&block, at, sizeof(block));
    assert_true(block >= 32 && length >= 8u + block);      /* a longer block is skipped as its header says */
    memcpy(&old->epochs[old->messages % 64], at + 8 + 4, 8);
    memcpy(&old->seqs[old->messages % 64], at + 8 + 12, 8);
    old->messages++;
}

static void reader_without_the_field_gets_all_frames__T_031_T_032(void **state)
{
    (void)state;
    tp_async_add_subscription_t *async = NULL;
    tp_subscription_t *descriptors = NULL;
    old_reader_t old = { .messages = 0 };
    const tpi_stream_address_t *d = &cr->client->settings.descriptor;
    assert_int_equal(tp_async_add_subscription(&async, cr->client, d->channel, d->stream_id), 0);
    cr_settle();
    assert_int_equal(tp_async_add_subscription_poll(async, &descriptors), 1);
    tp_trace_stage_t *stage = stage_of(TP_TRACE_ROOT);
    for (int i = 0; i < 64; i++)
    {
        tpi_slot_word_t copy[TPI_SLOT_WORDS];
        assert_true(0 != output_id(stage));
        (void)tp_subscription_poll(descriptors, on_descriptor, &old, 64);
        assert_int_equal(old.messages, i + 1);
        assert_int_equal(old.seqs[i], i);
        assert_int_equal(old.epochs[i], cr->epoch);
        const tpi_pool_set_t *set = producer->map->set;    /* what it names is there, committed */
        memcpy(copy, (const void *)(uintptr_t)tpi_pool_set_slot(set, tpi_pool_set_index(set, old.seqs[i])), sizeof(copy));
        assert_int_equal(copy[0], (uint64_t)i << 1 | 1);
    }
    tp_subscription_close(descriptors);
    tp_trace_stage_close(stage);
}

/* ---- generators of the application ---- */

static int64_t scripted(void *clientd) { return *(int64_t *)clientd * MS; }

static void generator_makes_the_ids_of_the_example__T_008_T_010_T_012_T_051(void **state)
{
    (void)state;
    static const struct { int64_t clock; uint64_t id; } rows[] = { { 1234, 19756 }, { 1234, 19757 }, { 1234, 19758 }, { 1234, 19759 },
        { 1235, 19772 }, { 1230, 19773 }, { 1230, 19774 }, { 1230, 19775 }, { 1230, 19788 }, { 1236, 19789 } };
    tp_trace_layout_t layout = TP_TRACE_LAYOUT_INIT;
    tp_trace_id_generator_t *g = NULL;
    tp_trace_id_parts_t parts;
    int64_t clock = 1234;
    layout.node_bits = layout.sequence_bits = 2;
    assert_int_equal(tp_trace_id_generator_init(&g, 3, &layout, scripted, &clock), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    {
        clock = rows[i].clock;
        assert_int_equal(tp_trace_id_generator_next(g), rows[i].id);
    }
    assert_int_equal(tp_trace_id_split(19788, &layout, &parts), 0);
    assert_int_equal(parts.time_ms, 1236);
    assert_int_equal(parts.node_id, 3);
    assert_int_equal(parts.sequence, 0);
    tp_trace_id_generator_close(g);
    g = NULL;
    assert_int_equal(tp_trace_id_generator_init(&g, 4, &layout, NULL, NULL), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    layout.node_bits = 21;
    assert_int_equal(tp_trace_id_generator_init(&g, 0, &layout, NULL, NULL), -1);
    layout.size = 4;
    assert_int_equal(tp_trace_id_split(1, &layout, &parts), -1);
    assert_int_equal(tp_trace_id_split(1, NULL, NULL), -1);
    assert_int_equal(tp_trace_id_generator_init(NULL, 0, NULL, NULL, NULL), -1);
    assert_int_equal(tp_trace_id_generator_next(NULL), 0);
    tp_trace_id_generator_close(NULL);
    assert_int_equal(tp_trace_id_split(UINT64_C(0x66ddb6aa00005007), NULL, &parts), 0);
    assert_int_equal(parts.time_ms, UINT64_C(1767225600000));
    assert_int_equal(parts.node_id, 5);
    assert_int_equal(parts.sequence, 7);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    tp_trace_stage_t *stage = NULL;
    tp_buffer_claim_t claim;
    assert_int_equal(tp_trace_stage_init(NULL, producer, TP_TRACE_ROOT), -1);
    assert_int_equal(tp_trace_stage_init(&stage, NULL, TP_TRACE_ROOT), -1);
    assert_int_equal(tp_trace_stage_init(&stage, producer, -1), -1);
    assert_int_equal(tp_trace_stage_init(&stage, producer, 6), -1);
    assert_null(stage);
    assert_int_equal(tp_trace_stage_add_input(NULL, NULL), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_trace_stage_add_trace_id(NULL, 1), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_trace_stage_commit(NULL, &claim, NULL), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_trace_stage_set_window_handler(NULL, NULL, NULL), -1);
    assert_int_equal(tp_trace_stage_last_trace_id(NULL), 0);
    tp_trace_stage_clear(NULL);
    tp_trace_stage_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(roots_get_new_ids_and_no_set__T_020), TEST(filters_keep_the_id_and_send_nothing__T_021_T_024),
        TEST(inputs_without_descriptor_are_counted_and_leave_no_parent__L_109),
        TEST(joins_get_a_new_id_and_a_set_of_all_parents__T_022_T_023_T_037_T_042_W_108),
        TEST(diamonds_and_untraced_inputs_leave_what_is_left__T_022_T_023), TEST(retagging_names_the_old_id__T_025),
        TEST(stage_that_is_off_traces_nothing__T_027), TEST(windows_tell_bounds_instead_of_parents),
        TEST(frames_are_the_same_with_and_without_links__T_001_T_002_T_003_T_006_T_033),
        TEST(failed_commit_keeps_or_forgets_its_inputs_and_sends_nothing), TEST(reader_without_the_field_gets_all_frames__T_031_T_032),
        TEST(generator_makes_the_ids_of_the_example__T_008_T_010_T_012_T_051), TEST(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Propagation, building and receiving of 40-tracelink.md 3 and 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/trace_link.h"

static tpi_trace_inputs_t inputs;
static tpc_trace_link_set_t set;
static tpc_frame_descriptor_t output;
static tpi_trace_outputs_t outputs;
static tpi_trace_receiver_t receiver;
static tpi_trace_published_t slots[4];
static uint8_t b[4096];

static int setup(void **state)
{
    (void)state;
    tpi_trace_inputs_clear(&inputs);
    set = (tpc_trace_link_set_t)TPC_TRACE_LINK_SET_INIT;
    output = (tpc_frame_descriptor_t)TPC_FRAME_DESCRIPTOR_INIT;
    output.stream_id = 10000;
    output.epoch = 5;
    output.seq = 17;
    output.trace_id = 0x401003;
    outputs = (tpi_trace_outputs_t){ .nslots = 0 };
    tpi_trace_outputs_reset(&outputs, slots, 4, 10000, 5);
    receiver = (tpi_trace_receiver_t){ .seen = { 0 } };
    return 0;
}

static void add(uint64_t a, uint64_t c)
{
    tpi_trace_inputs_add(&inputs, a);
    tpi_trace_inputs_add(&inputs, c);
}

/* ---- propagation ---- */

static void expect(tpi_trace_stage_t stage, tpi_trace_source_t source, uint64_t kept, bool sends_links)
{
    const tpi_trace_rule_t rule = tpi_trace_decide(stage, &inputs);
    assert_int_equal(rule.source, source);
    assert_true(kept == rule.kept);
    assert_int_equal(rule.sends_links, sends_links);
}

static void roots_and_windows_get_a_new_id_and_send_nothing__T_020_T_024(void **state)
{
    (void)state;
    expect(TPI_TRACE_ROOT, TPI_TRACE_NEW, 0, false);
    add(1, 2);
    expect(TPI_TRACE_WINDOW, TPI_TRACE_NEW, 0, false);
}

static void filters_keep_the_id_and_send_nothing__T_021_T_024(void **state)
{
    (void)state;
    tpi_trace_inputs_add(&inputs, 0x1111);
    expect(TPI_TRACE_FILTER, TPI_TRACE_KEEP, 0x1111, false);
}

static void filters_of_an_untraced_input_begin_a_lineage__T_028_O_9(void **state)
{
    (void)state;
    tpi_trace_inputs_add(&inputs, 0);
    expect(TPI_TRACE_FILTER, TPI_TRACE_NEW, 0, false);
}

static void a_filter_with_several_inputs_is_a_join__T_022_T_023(void **state)
{
    (void)state;
    add(7, 7);
    expect(TPI_TRACE_FILTER, TPI_TRACE_NEW, 0, true);
}

static void joins_get_a_new_id_and_send_their_parents__T_022_T_023_T_024(void **state)
{
    (void)state;
    add(1, 2);
    expect(TPI_TRACE_JOIN, TPI_TRACE_NEW, 0, true);
    setup(NULL);
    add(7, 7);                                                  /* a diamond */
    expect(TPI_TRACE_JOIN, TPI_TRACE_NEW, 0, true);
    assert_int_equal(inputs.count, 1);
    setup(NULL);
    add(0, 7);
    expect(TPI_TRACE_JOIN, TPI_TRACE_NEW, 0, true);
    setup(NULL);
    add(0, 0);
    expect(TPI_TRACE_JOIN, TPI_TRACE_NEW, 0, false);            /* as a root */
}

static void retagging_is_explicit_and_names_its_one_parent__T_025_O_10(void **state)
{
    (void)state;
    tpi_trace_inputs_add(&inputs, 0x1111);
    expect(TPI_TRACE_RETAG, TPI_TRACE_NEW, 0, true);
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_GOOD);
    assert_int_equal(set.parent_count, 1);
    assert_true(tpc_trace_link_set_encode(b, sizeof(b), &set) == 48);
    setup(NULL);
    tpi_trace_inputs_add(&inputs, 0);
    expect(TPI_TRACE_RETAG, TPI_TRACE_NEW, 0, false);
}

static void without_tracing_there_is_no_id__T_027(void **state)
{
    (void)state;
    add(1, 2);
    expect(TPI_TRACE_OFF, TPI_TRACE_NONE, 0, false);
}

/* ---- building ---- */

static void the_set_of_the_example_is_built__T_034_T_035_T_036_T_044(void **state)
{
    static const uint8_t example[] = { 0x1c, 0, 1, 0, 0x88, 3, 1, 0, 0x10, 0x27, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0, 0, 0, 3,
        0x10, 0x40, 0, 0, 0, 0, 0, 8, 0, 2, 0, 0x11, 0x11, 0, 0, 0, 0, 0, 0, 0x22, 0x22, 0, 0, 0, 0, 0, 0 };
    (void)state;
    add(0x1111, 0x2222);
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_GOOD);
    assert_int_equal(tpc_trace_link_set_encode(b, sizeof(b), &set), 56);
    assert_memory_equal(b, example, sizeof(example));
    set = (tpc_trace_link_set_t)TPC_TRACE_LINK_SET_INIT;
    assert_int_equal(tpi_trace_receive(&receiver, &set, example, sizeof(example)), TPI_TRACE_GOOD);
    assert_int_equal(set.stream_id, 10000);
    assert_int_equal(set.epoch, 5);
    assert_int_equal(set.seq, 17);
    assert_int_equal(set.trace_id, 0x401003);
    assert_int_equal(set.parent_count, 2);
    assert_int_equal(set.parents[0], 0x1111);
    assert_int_equal(set.parents[1], 0x2222);
}

static void parents_are_all_there_in_order_without_zeros_and_repeats__T_037_T_038_T_041_T_042(void **state)
{
    static const uint64_t seen[] = { 9, 3, 0, 9, 7, 1, 3, 8 };
    static const uint64_t left[] = { 9, 3, 7, 1, 8 };
    (void)state;
    for (size_t i = 0; i < 8; i++) { tpi_trace_inputs_add(&inputs, seen[i]); }
    assert_int_equal(inputs.frames, 8);
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_GOOD);
    assert_int_equal(set.parent_count, 5);
    assert_memory_equal(set.parents, left, sizeof(left));
}

static void a_set_has_256_parents_and_not_one_more__T_037_O_12(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 256; i++) { tpi_trace_inputs_add(&inputs, i); }
    tpi_trace_inputs_add(&inputs, 256);                         /* a repeat needs no room */
    expect(TPI_TRACE_JOIN, TPI_TRACE_NEW, 0, true);
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_GOOD);
    assert_int_equal(set.parent_count, 256);
    assert_int_equal(set.parents[255], 256);
    tpi_trace_inputs_add(&inputs, 257);
    assert_int_equal(inputs.too_many, 1);
    expect(TPI_TRACE_JOIN, TPI_TRACE_NEW, 0, false);
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_TOO_MANY);
    set.parent_count = 257;
    assert_int_equal(tpi_trace_set_check(&set), TPI_TRACE_TOO_MANY);
}

static void a_set_that_breaks_a_rule_is_not_built__T_038_T_040_T_050_O_14(void **state)
{
    (void)state;
    set.seq = 99;
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_NO_PARENT);
    add(1, output.trace_id);
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_SELF_PARENT);
    inputs.ids[1] = 0;
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_ZERO_PARENT);
    inputs.ids[1] = 1;
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_REPEATED_PARENT);
    inputs.ids[1] = 2;
    output.trace_id = 0;
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_NO_OUTPUT);
    assert_int_equal(set.seq, 99);                              /* untouched */
    output.trace_id = 3;
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_GOOD);
}

/* ---- outputs ---- */

static void only_the_frame_last_published_has_links__T_035_T_036(void **state)
{
    (void)state;
    add(1, 2);
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_GOOD);
    assert_int_equal(tpi_trace_outputs_check(&outputs, &set), TPI_TRACE_OTHER_FRAME);      /* not published yet */
    tpi_trace_outputs_note(&outputs, &output);
    assert_int_equal(tpi_trace_outputs_check(&outputs, &set), TPI_TRACE_GOOD);
    tpc_trace_link_set_t other[4] = { set, set, set, set };
    other[0].stream_id++;
    other[1].epoch++;
    other[2].seq += 4;                                          /* the same slot */
    other[3].trace_id++;
    for (int i = 0; i < 4; i++) { assert_int_equal(tpi_trace_outputs_check(&outputs, &other[i]), TPI_TRACE_OTHER_FRAME); }
    other[0] = set;
    other[0].parent_count = 0;
    assert_int_equal(tpi_trace_outputs_check(&outputs, &other[0]), TPI_TRACE_NO_PARENT);
    assert_int_equal(outputs.refused[TPI_TRACE_OTHER_FRAME], 5);
    assert_int_equal(outputs.refused[TPI_TRACE_NO_PARENT], 1);
    output.seq += 4;
    tpi_trace_outputs_note(&outputs, &output);                  /* its slot was used again */
    assert_int_equal(tpi_trace_outputs_check(&outputs, &set), TPI_TRACE_OTHER_FRAME);
}

static void a_new_epoch_forgets_what_was_published__T_035(void **state)
{
    (void)state;
    add(1, 2);
    tpi_trace_outputs_note(&outputs, &output);
    assert_int_equal(tpi_trace_set_build(&set, &output, &inputs), TPI_TRACE_GOOD);
    tpi_trace_outputs_reset(&outputs, slots, 4, 10000, 6);
    set.epoch = 6;
    assert_int_equal(tpi_trace_outputs_check(&outputs, &set), TPI_TRACE_OTHER_FRAME);
    tpi_trace_outputs_note(&outputs, &output);                  /* of epoch 5: ignored */
    assert_int_equal(tpi_trace_outputs_check(&outputs, &set), TPI_TRACE_OTHER_FRAME);
    output.epoch = 6;
    tpi_trace_outputs_note(&outputs, &output);
    assert_int_equal(tpi_trace_outputs_check(&outputs, &set), TPI_TRACE_GOOD);
}

/* ---- receiving ---- */

static size_t encoded(uint32_t count)
{
    set = (tpc_trace_link_set_t)TPC_TRACE_LINK_SET_INIT;
    set.stream_id = 10000;
    set.trace_id = 1000;
    set.parent_count = count;
    for (uint32_t i = 0; i < count; i++) { set.parents[i] = i + 1; }
    const int64_t length = tpc_trace_link_set_encode(b, sizeof(b), &set);
    assert_true(length > 0);
    return (size_t)length;
}

static tpi_trace_verdict_t receive(size_t length) { return tpi_trace_receive(&receiver, &set, b, length); }

static void other_schemas_and_templates_are_not_ours__T_043(void **state)
{
    (void)state;
    const size_t length = encoded(2);
    static const uint16_t others[] = { 900, 901, 902, 903, 905, 910 };
    for (size_t i = 0; i < 6; i++)
    {
        memcpy(b + 4, &others[i], 2);
        assert_int_equal(receive(length), TPI_TRACE_FOREIGN);
    }
    (void)encoded(2);
    b[2] = 2;
    assert_int_equal(receive(length), TPI_TRACE_FOREIGN);
    assert_int_equal(receive(7), TPI_TRACE_FOREIGN);
    assert_int_equal(receiver.seen[TPI_TRACE_FOREIGN], 8);
}

static void only_version_1_is_taken__O_20(void **state)
{
    (void)state;
    const size_t length = encoded(2);
    for (uint8_t version = 0; version <= 2; version++)
    {
        b[6] = version;
        assert_int_equal(receive(length), 1 == version ? TPI_TRACE_GOOD : TPI_TRACE_MALFORMED);
    }
}

static void the_number_of_parents_is_that_of_the_group__T_039(void **state)
{
    (void)state;
    const size_t length = encoded(3);
    memset(b + length, 0x55, 64);
    assert_int_equal(receive(length + 64), TPI_TRACE_GOOD);
    assert_int_equal(set.parent_count, 3);
    for (size_t cut = 8; cut < length; cut++) { assert_int_equal(receive(cut), TPI_TRACE_MALFORMED); }
}

static void surplus_bytes_of_block_and_entries_are_skipped__T_044(void **state)
{
    (void)state;
    const size_t length = encoded(1);
    memmove(b + 38, b + 36, length - 36);                       /* block of 30, entries of 10 */
    b[0] = 30;
    b[38] = 10;
    assert_int_equal(receive(length + 2), TPI_TRACE_MALFORMED);
    assert_int_equal(receive(length + 4), TPI_TRACE_GOOD);
    assert_int_equal(set.parents[0], 1);
    b[38] = 7;
    assert_int_equal(receive(length + 4), TPI_TRACE_MALFORMED);
}

static void received_sets_obey_the_same_rules__T_038_T_040_T_041_T_050(void **state)
{
    static const uint64_t zero = 0;
    static const uint64_t self = 1000;
    static const uint64_t again = 1;
    (void)state;
    size_t length = encoded(0);
    assert_int_equal(receive(length), TPI_TRACE_NO_PARENT);
    length = encoded(3);
    memcpy(b + 28, &zero, 8);
    assert_int_equal(receive(length), TPI_TRACE_NO_OUTPUT);
    (void)encoded(3);
    memcpy(b + 56, &zero, 8);
    assert_int_equal(receive(length), TPI_TRACE_ZERO_PARENT);
    memcpy(b + 56, &self, 8);
    assert_int_equal(receive(length), TPI_TRACE_SELF_PARENT);
    memcpy(b + 56, &again, 8);
    assert_int_equal(receive(length), TPI_TRACE_REPEATED_PARENT);
    assert_int_equal(receiver.seen[TPI_TRACE_GOOD], 0);
    for (int i = TPI_TRACE_NO_OUTPUT; i <= TPI_TRACE_REPEATED_PARENT; i++)
    {
        assert_int_equal(receiver.seen[i], TPI_TRACE_TOO_MANY == i ? 0 : 1);
    }
}

static void received_sets_have_256_parents_at_most__O_12(void **state)
{
    (void)state;
    const uint16_t more = 257;
    size_t length = encoded(256);
    assert_int_equal(receive(length), TPI_TRACE_GOOD);
    assert_int_equal(set.parents[255], 256);
    memcpy(b + 38, &more, 2);
    assert_int_equal(receive(length), TPI_TRACE_MALFORMED);
    assert_int_equal(receive(length + 8), TPI_TRACE_TOO_MANY);
    assert_int_equal(receiver.seen[TPI_TRACE_TOO_MANY], 1);
}

static void verdicts_have_texts(void **state)
{
    (void)state;
    for (int i = 0; i < TPI_TRACE_VERDICTS; i++) { assert_string_not_equal(tpi_trace_verdict_text(i), "unknown"); }
    assert_string_equal(tpi_trace_verdict_text(-1), "unknown");
    assert_string_equal(tpi_trace_verdict_text(TPI_TRACE_VERDICTS), "unknown");
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = { T(roots_and_windows_get_a_new_id_and_send_nothing__T_020_T_024),
        T(filters_keep_the_id_and_send_nothing__T_021_T_024), T(filters_of_an_untraced_input_begin_a_lineage__T_028_O_9),
        T(a_filter_with_several_inputs_is_a_join__T_022_T_023), T(joins_get_a_new_id_and_send_their_parents__T_022_T_023_T_024),
        T(retagging_is_explicit_and_names_its_one_parent__T_025_O_10), T(without_tracing_there_is_no_id__T_027),
        T(the_set_of_the_example_is_built__T_034_T_035_T_036_T_044),
        T(parents_are_all_there_in_order_without_zeros_and_repeats__T_037_T_038_T_041_T_042), T(a_set_has_256_parents_and_not_one_more__T_037_O_12),
        T(a_set_that_breaks_a_rule_is_not_built__T_038_T_040_T_050_O_14), T(only_the_frame_last_published_has_links__T_035_T_036),
        T(a_new_epoch_forgets_what_was_published__T_035), T(other_schemas_and_templates_are_not_ours__T_043), T(only_version_1_is_taken__O_20),
        T(the_number_of_parents_is_that_of_the_group__T_039), T(surplus_bytes_of_block_and_entries_are_skipped__T_044),
        T(received_sets_obey_the_same_rules__T_038_T_040_T_041_T_050), T(received_sets_have_256_parents_at_most__O_12), T(verdicts_have_texts) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tp_frame_copy: what it copies, what it refuses, and which way it takes. The two ways are wrapped by the linker. */
#include "client_consumer_rig.h"

#include <stdlib.h>

#include "client/producer_state.h"
#include "common/cache.h"
#include "shm/payload_stream.h"

#define KIB 1024u
#define LARGE (512u * KIB)             /* eight of them exceed half of the 6 MiB cache */
#define SMALL (256u * KIB)             /* eight of these do not */

static int streamed, written;

void __real_tpi_payload_stream(void *payload, const void *source, size_t length);
void __real_tpi_payload_write(void *payload, const void *source, size_t length);
void __wrap_tpi_payload_stream(void *payload, const void *source, size_t length);
void __wrap_tpi_payload_write(void *payload, const void *source, size_t length);

void __wrap_tpi_payload_stream(void *payload, const void *source, size_t length)
{
    streamed++;
    __real_tpi_payload_stream(payload, source, length);
}

void __wrap_tpi_payload_write(void *payload, const void *source, size_t length)
{
    written++;
    __real_tpi_payload_write(payload, source, length);
}

static bool is_straight;               /* the claims of this test go the straight way, where there is only one at a time */
static tp_consumer_t *consumer;
static tp_producer_t *producer;
static tp_tensor_template_t *shape;
static uint8_t *source;

static int setup(void **state)
{
    static const int32_t bytes = LARGE;
    if (0 != cr_setup(state)) { return -1; }
    cr->strides[0] = SMALL;
    cr->strides[1] = LARGE;
    open_both(&consumer, &producer);
    assert_int_equal(tp_tensor_template_init(&shape, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, &bytes), 0);
    source = malloc(LARGE);
    assert_non_null(source);
    for (size_t i = 0; i < LARGE; i++) { source[i] = (uint8_t)(i * 13 + (i >> 10)); }
    streamed = written = 0;
    is_straight = false;
    return 0;
}

static tp_buffer_claim_t claimed(size_t length)
{
    tp_buffer_claim_t claim;
    assert_true(tp_producer_try_claim_at(producer, shape, length, 1, &claim) >= 0);
    if (is_straight) { assert_int_equal(claim.opaque[0], producer->straight.gate); }
    return claim;
}

/* Once round the ring, after which frames go the straight way. */
static int setup_straight(void **state)
{
    tp_frame_view_t view;
    if (0 != setup(state)) { return -1; }
    for (uint32_t i = 0; i < CR_NSLOTS; i++)
    {
        tp_buffer_claim_t claim = claimed(SMALL);
        assert_true(tp_producer_commit_claim(producer, &claim, NULL) >= 0);
        cr_settle();
        assert_int_equal(next(consumer, &view), 1);
    }
    is_straight = true;
    return 0;
}

static int teardown(void **state)
{
    free(source);
    tp_tensor_template_close(shape);
    close_both(consumer, producer);
    return cr_teardown(state);
}

static void commit_and_compare(tp_buffer_claim_t *claim, size_t length)
{
    tp_frame_view_t view;
    assert_true(tp_producer_commit_claim(producer, claim, NULL) >= 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.payload_bytes, length);
    assert_memory_equal(view.payload, source, length);
    assert_true(tp_frame_view_is_valid(&view));
}

static void a_frame_is_copied_in_every_mode__L_403(void **state)
{
    (void)state;
    for (int mode = TP_COPY_AUTO; mode <= TP_COPY_STREAM; mode++)
    {
        tp_buffer_claim_t claim = claimed(LARGE);
        memset(claim.payload, 0xEE, LARGE);
        assert_int_equal(tp_frame_copy(producer, &claim, 0, source, LARGE, mode), LARGE);
        commit_and_compare(&claim, LARGE);
    }
}

static void parts_add_up__L_403(void **state)
{
    static const size_t cuts[] = { 0, 1, 64, 4097, 300001, LARGE - 1, LARGE };
    (void)state;
    tp_buffer_claim_t claim = claimed(LARGE);
    memset(claim.payload, 0xEE, LARGE);
    for (size_t i = 0; i + 1 < sizeof(cuts) / sizeof(cuts[0]); i++)
    {
        const size_t length = cuts[i + 1] - cuts[i];
        assert_int_equal(tp_frame_copy(producer, &claim, cuts[i], source + cuts[i], length, i % 2 ? TP_COPY_STREAM : TP_COPY_CACHED), length);
    }
    commit_and_compare(&claim, LARGE);
}

static void the_way_follows_mode_length_and_ring__L_402(void **state)
{
    (void)state;
    assert_int_equal(tp_cache_bytes(), 6 * KIB * KIB);
    tp_buffer_claim_t claim = claimed(LARGE);
    (void)tp_frame_copy(producer, &claim, 0, source, LARGE, TP_COPY_CACHED);
    assert_true(0 == streamed && 1 == written);
    (void)tp_frame_copy(producer, &claim, 0, source, 1, TP_COPY_STREAM);
    assert_int_equal(streamed, 1);
    (void)tp_frame_copy(producer, &claim, 0, source, TPI_STREAM_BYTES_MIN, TP_COPY_AUTO);
    assert_int_equal(streamed, 2);
    (void)tp_frame_copy(producer, &claim, 0, source, TPI_STREAM_BYTES_MIN - 1, TP_COPY_AUTO);
    assert_int_equal(streamed, 2);
    assert_true(tp_producer_commit_claim(producer, &claim, NULL) >= 0);
    claim = claimed(SMALL);                                                /* that pool fits into the cache */
    (void)tp_frame_copy(producer, &claim, 0, source, SMALL, TP_COPY_AUTO);
    assert_int_equal(streamed, 2);
    (void)tp_frame_copy(producer, &claim, 0, source, SMALL, TP_COPY_STREAM);
    assert_int_equal(streamed, 3);
    (void)tp_producer_abort_claim(producer, &claim);
}

static void nothing_beyond_the_claim_is_written__L_404(void **state)
{
    (void)state;
    tp_buffer_claim_t claim = claimed(1000);                               /* of a stride that is much longer */
    memset(claim.payload, 0xEE, claim.capacity);
    assert_int_equal(tp_frame_copy(producer, &claim, 0, source, 1001, TP_COPY_STREAM), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_frame_copy(producer, &claim, 1, source, 1000, TP_COPY_STREAM), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_frame_copy(producer, &claim, 1001, source, 0, TP_COPY_STREAM), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_frame_copy(producer, &claim, SIZE_MAX, source, 2, TP_COPY_STREAM), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_frame_copy(producer, &claim, 2, source, SIZE_MAX, TP_COPY_STREAM), TP_INVALID_ARGUMENT);
    claim.length = 2000;                                                   /* what was claimed counts, not what the caller writes there */
    assert_int_equal(tp_frame_copy(producer, &claim, 0, source, 2000, TP_COPY_STREAM), TP_INVALID_ARGUMENT);
    claim.length = 1000;
    assert_int_equal(*(uint8_t *)claim.payload, 0xEE);
    assert_int_equal(tp_frame_copy(producer, &claim, 1000, source, 0, TP_COPY_STREAM), 0);
    assert_int_equal(tp_frame_copy(producer, &claim, 0, source, 1000, TP_COPY_STREAM), 1000);
    assert_int_equal(((uint8_t *)claim.payload)[1000], 0xEE);
    commit_and_compare(&claim, 1000);
}

static void several_claims_are_filled_in_turns__L_403(void **state)
{
    (void)state;
    tp_buffer_claim_t first = claimed(LARGE);
    tp_buffer_claim_t second;
    assert_true(tp_producer_try_claim_at(producer, shape, SMALL, 1, &second) >= 0);        /* now both are of the long way */
    for (size_t at = 0; at < LARGE; at += LARGE / 8)
    {
        assert_int_equal(tp_frame_copy(producer, &first, at, source + at, LARGE / 8, TP_COPY_AUTO), LARGE / 8);
        if (at < SMALL) { assert_int_equal(tp_frame_copy(producer, &second, at, source + at, LARGE / 8, TP_COPY_STREAM), LARGE / 8); }
    }
    commit_and_compare(&first, LARGE);
    commit_and_compare(&second, SMALL);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    tp_buffer_claim_t claim = claimed(1000);
    tp_buffer_claim_t never = { .payload = claim.payload, .opaque = { TPI_GATE_OPEN } };
    assert_int_equal(tp_frame_copy(NULL, &claim, 0, source, 1, TP_COPY_AUTO), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_frame_copy(producer, NULL, 0, source, 1, TP_COPY_AUTO), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_frame_copy(producer, &claim, 0, NULL, 1, TP_COPY_AUTO), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_frame_copy(producer, &claim, 0, NULL, 0, TP_COPY_AUTO), 0);
    assert_int_equal(tp_frame_copy(producer, &claim, 0, source, 1, TP_COPY_AUTO - 1), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_frame_copy(producer, &claim, 0, source, 1, TP_COPY_STREAM + 1), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_frame_copy(producer, &never, 0, source, 1, TP_COPY_AUTO), TP_INVALID_CLAIM);
    (void)tp_producer_abort_claim(producer, &claim);
    assert_int_equal(tp_frame_copy(producer, &claim, 0, source, 1, TP_COPY_AUTO), TP_INVALID_CLAIM);
    assert_int_equal(tp_frame_copy(producer, &never, 0, source, 1, TP_COPY_AUTO), TP_INVALID_CLAIM);
    assert_int_equal(streamed + written, 0);
}

#define COPY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown), \
    { #name " (straight)", name, setup_straight, teardown, NULL }

int main(void)
{
    (void)setenv(TPI_CACHE_VARIABLE, "6M", 1);
    const struct CMUnitTest tests[] = {
        COPY_TEST(a_frame_is_copied_in_every_mode__L_403), COPY_TEST(parts_add_up__L_403), COPY_TEST(several_claims_are_filled_in_turns__L_403),
        COPY_TEST(the_way_follows_mode_length_and_ring__L_402), COPY_TEST(nothing_beyond_the_claim_is_written__L_404),
        COPY_TEST(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "client_consumer_rig.h"

#include <unistd.h>

#include "client/producer_state.h"
#include "common/clock.h"

static const uint8_t *slot_bytes(uint64_t seq)
{
    const tpi_epoch_files_t *files = cr->files[cr->file_count - 1];
    return files->regions[0].base + 64 + (seq & (files->nslots - 1)) * 256;
}

static uint64_t slot_word(uint64_t seq) { return tpi_slot_peek((const tpi_slot_word_t *)(const void *)slot_bytes(seq)); }

/* ---- devices ------------------------------------------------------------------------------------------------------------ */

static void device_buffers_are_known_ahead_and_finish_in_any_order__O_41_W_093(void **state)
{
    (void)state;
    static const int finished[] = { 4, 0, 2, 6, 1, 5, 3 };
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_announced_buffers_t buffers;
    tp_buffer_claim_t claims[CR_NSLOTS];
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(tp_producer_announce_buffers(producer, 32, &buffers), CR_NSLOTS);
    assert_int_equal(buffers.pool_id, 1);
    assert_int_equal(buffers.stride_bytes, 64);
    assert_int_equal(buffers.epoch, cr->epoch);
    for (uint64_t round = 0; round < 5; round++)
    {
        const uint64_t first = round * (CR_NSLOTS - 1);
        atomic_store(&producer->valid_until_ns, INT64_MAX);                  /* of the stepped clock; commits look at the real one */
        for (uint64_t i = 0; i < CR_NSLOTS - 1; i++)
        {
            assert_int_equal(tp_producer_queue_claim(producer, cr->tensor, &buffers, &claims[i]), first + i);
            const size_t index = (first + i) & (buffers.count - 1);
            assert_ptr_equal(claims[i].payload, (uint8_t *)buffers.base + index * buffers.stride_bytes);
            assert_int_equal(slot_word(first + i), (first + i) << 1);
        }
        assert_int_equal(tp_producer_queue_claim(producer, cr->tensor, &buffers, &claims[7]), TP_TOO_MANY_CLAIMS);
        for (size_t i = 0; i < CR_NSLOTS - 1; i++)                           /* the device knows the address only */
        {
            tp_buffer_claim_t *claim = &claims[finished[i]];
            memset((uint8_t *)buffers.base + (claim->seq & (buffers.count - 1)) * buffers.stride_bytes, (int)(claim->seq + 1), 32);
            assert_int_equal(tp_producer_commit_claim(producer, claim, NULL), claim->seq);
        }
        cr_settle();
        for (uint64_t i = 0; i < CR_NSLOTS - 1; i++)
        {
            assert_int_equal(next(consumer, &view), 1);
            assert_int_equal(view.seq, first + i);
            assert_int_equal(((const uint8_t *)view.payload)[31], first + i + 1);
        }
    }
    assert_int_equal(tp_producer_revoke_buffers(producer, &buffers), 0);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static uint64_t now_u64(void) { return (uint64_t)tpi_clock_monotonic_ns(); }

static void capture_time_of_a_queued_claim_is_that_of_its_commit__W_102_W_104(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_publish_time(context, true), 0);
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_t *producer = cr_producer_with(context);
    tp_announced_buffers_t buffers;
    tp_buffer_claim_t claims[3];
    tp_frame_view_t view;
    assert_int_equal(tp_producer_announce_buffers(producer, 32, &buffers), CR_NSLOTS);
    for (int64_t i = 0; i < 3; i++) { assert_int_equal(tp_producer_queue_claim(producer, cr->tensor, &buffers, &claims[i]), i); }
    assert_int_equal(claims[0].timestamp_ns, TP_NULL_U64);
    atomic_store(&producer->valid_until_ns, INT64_MAX);
    const uint64_t queued_ns = now_u64();
    assert_int_equal(tp_producer_commit_claim(producer, &claims[0], NULL), 0);
    const uint64_t committed_ns = now_u64();
    claims[1].timestamp_ns = 777;
    assert_int_equal(tp_producer_commit_claim(producer, &claims[1], NULL), 1);
    tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
    metadata.timestamp_ns = 888;
    assert_int_equal(tp_producer_commit_claim(producer, &claims[2], &metadata), 2);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_in_range(view.timestamp_ns, queued_ns, committed_ns);
    assert_true(view.publish_timestamp_ns >= view.timestamp_ns && view.publish_timestamp_ns <= committed_ns);
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.timestamp_ns, 777);
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.timestamp_ns, 888);
    close_both(consumer, producer);
}

static void queued_claim_that_finishes_after_the_deadline_is_void__M8_D_103(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_announced_buffers_t buffers;
    tp_buffer_claim_t claims[2];
    assert_int_equal(tp_producer_announce_buffers(producer, 32, &buffers), CR_NSLOTS);
    for (int64_t i = 0; i < 2; i++) { assert_int_equal(tp_producer_queue_claim(producer, cr->tensor, &buffers, &claims[i]), i); }
    atomic_store(&producer->valid_until_ns, 0);                              /* the conductor sleeps */
    assert_int_equal(tp_producer_commit_claim(producer, &claims[0], NULL), TP_LEASE_LOST);
    assert_int_equal(slot_word(0), 0);
    assert_int_equal(tp_producer_commit_claim(producer, &claims[0], NULL), TP_INVALID_CLAIM);
    atomic_store(&producer->valid_until_ns, INT64_MAX);
    assert_int_equal(tp_producer_commit_claim(producer, &claims[1], NULL), 1);
    cr_settle();
    assert_int_equal(cr->descriptors, 1);                                    /* the void one holds nobody up */
    assert_int_equal(cr->descriptor[0].seq, 1);
    tp_producer_close(producer);
}

static void announced_buffers_stay_mapped_until_they_are_revoked__M9_M8(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_announced_buffers_t old;
    tp_announced_buffers_t fresh;
    tp_buffer_claim_t claim;
    assert_int_equal(tp_producer_announce_buffers(producer, 200, &old), CR_NSLOTS);
    assert_int_equal(old.pool_id, 2);
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_REVOKED);
    cr_lease(TP_ROLE_PRODUCER)->active = false;
    cr_step(3000 * MS);
    assert_true(tp_producer_is_attached(producer));                          /* with new regions */
    assert_int_equal(tp_producer_queue_claim(producer, cr->tensor, &old, &claim), TP_LEASE_LOST);
    cr_step(100 * MS);
    memset(old.base, 9, old.count * old.stride_bytes);                       /* a device that does not know yet: no fault */
    assert_non_null(producer->retired);
    assert_int_equal(tp_producer_announce_buffers(producer, 200, &fresh), CR_NSLOTS);
    assert_true(fresh.epoch > old.epoch);
    assert_int_equal(tp_producer_queue_claim(producer, cr->tensor, &fresh, &claim), 0);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    assert_int_equal(tp_producer_revoke_buffers(producer, &old), 0);
    assert_null(old.base);
    cr_step(100 * MS);
    assert_null(producer->retired);
    tp_producer_close(producer);
}

static void announcements_are_bounded_and_end_once(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_announced_buffers_t buffers[TPI_ANNOUNCEMENTS_MAX + 1];
    tp_buffer_claim_t claim;
    tp_tensor_template_t *large = NULL;
    assert_int_equal(tp_tensor_template_init(&large, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, (const int32_t[]){ 65 }), 0);
    for (size_t i = 0; i < TPI_ANNOUNCEMENTS_MAX; i++) { assert_int_equal(tp_producer_announce_buffers(producer, 64, &buffers[i]), CR_NSLOTS); }
    assert_int_equal(tp_producer_announce_buffers(producer, 64, &buffers[TPI_ANNOUNCEMENTS_MAX]), TP_TOO_MANY_CLAIMS);
    assert_int_equal(tp_producer_announce_buffers(producer, 257, &buffers[TPI_ANNOUNCEMENTS_MAX]), TP_NO_POOL_FITS);
    assert_int_equal(tp_producer_announce_buffers(producer, 64, NULL), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_producer_queue_claim(producer, large, &buffers[0], &claim), TP_NO_POOL_FITS);
    tp_announced_buffers_t copy = buffers[3];
    assert_int_equal(tp_producer_revoke_buffers(producer, &buffers[3]), 0);
    assert_int_equal(tp_producer_revoke_buffers(producer, &buffers[3]), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_revoke_buffers(producer, &copy), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_queue_claim(producer, cr->tensor, &copy, &claim), TP_INVALID_CLAIM);
    copy.opaque[1] = 1u << 20;
    assert_int_equal(tp_producer_revoke_buffers(producer, &copy), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_announce_buffers(producer, 64, &copy), CR_NSLOTS);
    tp_tensor_template_close(large);
    tp_producer_close(producer);
}

/* ---- order of payload, commit and descriptor ---------------------------------------------------------------------------- */

typedef struct seen { int flushes; int early; int descriptors; } seen_t;
static seen_t seen;

static void on_flush(void *clientd, void *payload, size_t length)
{
    assert_ptr_equal(clientd, &seen);
    assert_non_null(payload);
    assert_int_equal(length, 32);
    seen.flushes++;
}

static void on_tapped(void *clientd, const tpi_message_t *message)
{
    tpc_frame_descriptor_t d;
    (void)clientd;
    if (TPC_OK != tpc_frame_descriptor_decode(&d, message->data, message->length)) { return; }
    if (slot_word(d.seq) != (d.seq << 1 | 1) || seen.flushes <= (int)d.seq) { seen.early++; }
    seen.descriptors++;
}

static void descriptor_leaves_after_flush_and_commit__W_042_W_094(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(tp_producer_context_set_payload_flush(context, on_flush, &seen), 0);
    tp_producer_t *producer = cr_producer_with(context);
    tpi_mem_network_tap(cr->network, CR_DESCRIPTOR, on_tapped, NULL);
    for (int i = 0; i < 20; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    assert_int_equal(seen.descriptors, 20);
    assert_int_equal(seen.early, 0);
    assert_int_equal(seen.flushes, 20);
    tp_producer_close(producer);
}

static void default_frame_has_a_capture_time_and_nothing_optional__W_102_W_103_W_107(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_buffer_claim_t claim;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    const uint64_t before_ns = now_u64();
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 0);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_in_range(view.timestamp_ns, before_ns, now_u64());
    assert_int_equal(view.publish_timestamp_ns, TP_NULL_U64);
    assert_int_equal(view.trace_id, TP_NULL_TRACE_ID);
    assert_int_equal(view.meta_version, TP_NULL_U32);
    assert_int_equal(cr->descriptor[0].timestamp_ns, TP_NULL_U64);
    assert_int_equal(cr->descriptor[0].trace_id, 0);
    tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
    metadata.trace_id = 99;
    assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "x", 1, &metadata), 1);
    cr_settle();
    assert_int_equal(cr->descriptor[1].trace_id, 99);
    close_both(consumer, producer);
}

/* ---- payloads ----------------------------------------------------------------------------------------------------------- */

static void empty_frame_is_committed_and_delivered__W_034_W_035_W_037(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_tensor_template_t *empty = NULL;
    tp_buffer_claim_t claim;
    tp_frame_view_t view;
    uint32_t payload_slot;
    uint8_t copy[1] = { 0x5A };
    open_both(&consumer, &producer);
    assert_int_equal(tp_tensor_template_init(&empty, TP_DTYPE_FLOAT64, TP_COLUMN_MAJOR, 3, (const int32_t[]){ 4, 0, 7 }), 0);
    assert_int_equal(tp_tensor_extent_bytes(tp_tensor_template_tensor(empty)), 0);
    assert_int_equal(tp_tensor_extent_bytes(tp_tensor_template_tensor(cr->tensor)), 32);
    for (uint64_t seq = 0; seq < 2 * CR_NSLOTS; seq += 2)
    {
        assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, NULL, 0, NULL), seq);       /* no bytes of a tensor that has elements */
        assert_int_equal(tp_producer_try_claim(producer, empty, &claim), seq + 1);                 /* a tensor without elements */
        assert_int_equal(claim.length, 0);
        assert_non_null(claim.payload);
        assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), seq + 1);
        cr_settle();
        for (uint64_t s = seq; s < seq + 2; s++)
        {
            assert_int_equal(slot_word(s), s << 1 | 1);
            memcpy(&payload_slot, slot_bytes(s) + 12, sizeof(payload_slot));
            assert_int_equal(payload_slot, s & (CR_NSLOTS - 1));
            assert_int_equal(next(consumer, &view), 1);
            assert_int_equal(view.seq, s);
            assert_int_equal(view.payload_bytes, 0);
            assert_int_equal(tp_consumer_copy_frame(&view, copy, sizeof(copy)), 0);
            assert_int_equal(copy[0], 0x5A);
            assert_true(tp_frame_view_is_valid(&view));
        }
        assert_int_equal(view.tensor->dims[1], 0);
    }
    assert_ledger(consumer);
    tp_tensor_template_close(empty);
    close_both(consumer, producer);
}

/* One frame of a shape there and back: the consumer sees dims, strides and every element where it was written. */
static void there_and_back(tp_producer_t *producer, tp_consumer_t *consumer, const tp_tensor_template_t *tensor)
{
    tp_buffer_claim_t claim;
    tp_frame_view_t view;
    const tp_tensor_t *const t = tp_tensor_template_tensor(tensor);
    const int64_t seq = tp_producer_try_claim(producer, tensor, &claim);
    assert_true(seq >= 0);
    assert_int_equal(claim.length, tp_tensor_extent_bytes(t));
    for (size_t i = 0; i < claim.length; i++) { ((uint8_t *)claim.payload)[i] = (uint8_t)(i * 7 + (size_t)seq); }
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), seq);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.seq, seq);
    assert_memory_equal(view.tensor, t, sizeof(*t));
    assert_int_equal(view.payload_bytes, tp_tensor_extent_bytes(t));
    int64_t index[TP_MAX_DIMS] = { 0 };
    for (uint32_t i = 0; i < t->ndims; i++) { index[i] = t->dims[i] - 1; }
    const uint8_t *last = tp_tensor_at(view.tensor, view.payload, view.payload_bytes, index);
    if (0 == view.payload_bytes) { assert_null(last); return; }
    const size_t at = view.payload_bytes - tp_dtype_size(t->dtype);
    assert_ptr_equal(last, (const uint8_t *)view.payload + at);
    assert_int_equal(*last, (uint8_t)(at * 7 + (size_t)seq));
}

static void every_type_order_rank_and_stride_goes_there_and_back__W_031_W_096(void **state)
{
    (void)state;
    static const int dtypes[] = { TP_DTYPE_UINT8, TP_DTYPE_INT8, TP_DTYPE_UINT16, TP_DTYPE_INT16, TP_DTYPE_UINT32, TP_DTYPE_INT32, TP_DTYPE_UINT64,
        TP_DTYPE_INT64, TP_DTYPE_FLOAT32, TP_DTYPE_FLOAT64, TP_DTYPE_BOOLEAN, TP_DTYPE_BYTES, TP_DTYPE_BIT };
    static const int32_t shapes[][TP_MAX_DIMS] = { { 3, 2, 1, 3, 2, 1, 2, 2 }, { 2, 0, 3, 2, 1, 1, 1, 4 } };
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    int frames = 0;
    cr->strides[0] = 128;
    cr->strides[1] = 65536;
    open_both(&consumer, &producer);
    for (size_t d = 0; d < sizeof(dtypes) / sizeof(dtypes[0]); d++)
    {
        for (int order = TP_ROW_MAJOR; order <= TP_COLUMN_MAJOR; order++)
        {
            for (uint32_t ndims = 1; ndims <= TP_MAX_DIMS; ndims++)
            {
                for (int variant = 0; variant < 4; variant++)                /* bit 0: a size of 0; bit 1: gaps between the slowest axes */
                {
                    tp_tensor_template_t *tensor = NULL;
                    int32_t strides[TP_MAX_DIMS] = { 0 };
                    strides[TP_ROW_MAJOR == order ? 0 : ndims - 1] = 0 == (variant & 2) ? 0 : 4096;
                    assert_int_equal(tp_tensor_template_init_strided(&tensor, dtypes[d], order, ndims, shapes[variant & 1], strides, 0), 0);
                    there_and_back(producer, consumer, tensor);
                    tp_tensor_template_close(tensor);
                    frames++;
                }
            }
        }
    }
    assert_int_equal(stats_of(consumer).received, frames);
    close_both(consumer, producer);
}

static void pool_over_four_gigabytes_does_not_wrap__M1_W_057_W_059(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    static const uint8_t large[65];
    cr->strides[1] = 1u << 30;                                               /* 8 slots: 8 GiB, of which a few pages are touched */
    cr->sparse = true;
    open_both(&consumer, &producer);
    assert_int_equal(tp_producer_max_payload_bytes(producer), 1u << 30);
    for (uint8_t seq = 0; seq < 2 * CR_NSLOTS; seq++)
    {
        tp_buffer_claim_t claim;
        assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, sizeof(large), 5, &claim), seq);
        assert_int_equal(claim.pool_id, 2);
        memset(claim.payload, seq + 1, sizeof(large));
        assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), seq);
        cr_settle();
        assert_int_equal(next(consumer, &view), 1);
        assert_int_equal(((const uint8_t *)view.payload)[64], seq + 1);
    }
    assert_ledger(consumer);
    for (uint64_t seq = CR_NSLOTS; seq < 2 * CR_NSLOTS; seq++)               /* every slot still holds its own frame */
    {
        assert_int_equal(tp_consumer_read_frame(consumer, seq, &view), 1);
        assert_int_equal(((const uint8_t *)view.payload)[0], seq + 1);
    }
    close_both(consumer, producer);
}

static void both_times_may_be_present_and_differ__W_104_W_105_W_106(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_publish_time(context, true), 0);
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_t *producer = cr_producer_with(context);
    tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
    tp_frame_view_t view;
    const uint64_t before_ns = now_u64();
    metadata.timestamp_ns = 42;
    assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "x", 1, &metadata), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.timestamp_ns, 42);
    assert_in_range(view.publish_timestamp_ns, before_ns, now_u64());
    close_both(consumer, producer);
}

static void slot_carries_its_fields_and_nothing_else__W_038_W_021(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    uint8_t *slot = cr->files[cr->file_count - 1]->regions[0].base + 64;
    memset(slot + 8, 0xAA, 248);
    assert_int_equal(cr_publish(producer, 1), 0);
    for (size_t i = 34; i < 60; i++) { assert_int_equal(slot[i], 0); }
    for (size_t i = 147; i < 256; i++) { assert_int_equal(slot[i], 0); }
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(device_buffers_are_known_ahead_and_finish_in_any_order__O_41_W_093),
        CR_TEST(capture_time_of_a_queued_claim_is_that_of_its_commit__W_102_W_104),
        CR_TEST(queued_claim_that_finishes_after_the_deadline_is_void__M8_D_103),
        CR_TEST(announced_buffers_stay_mapped_until_they_are_revoked__M9_M8),
        CR_TEST(announcements_are_bounded_and_end_once),
        CR_TEST(descriptor_leaves_after_flush_and_commit__W_042_W_094),
        CR_TEST(default_frame_has_a_capture_time_and_nothing_optional__W_102_W_103_W_107),
        CR_TEST(empty_frame_is_committed_and_delivered__W_034_W_035_W_037),
        CR_TEST(every_type_order_rank_and_stride_goes_there_and_back__W_031_W_096),
        CR_TEST(pool_over_four_gigabytes_does_not_wrap__M1_W_057_W_059),
        CR_TEST(both_times_may_be_present_and_differ__W_104_W_105_W_106),
        CR_TEST(slot_carries_its_fields_and_nothing_else__W_038_W_021),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

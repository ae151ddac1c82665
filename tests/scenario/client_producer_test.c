#include "client_rig.h"

#include <fcntl.h>
#include <unistd.h>

#include "client/producer_state.h"

static int64_t claim(tp_producer_t *producer, tp_buffer_claim_t *c)
{
    const int64_t seq = tp_producer_try_claim(producer, cr->tensor, c);
    if (seq >= 0) { memset(c->payload, (int)seq, c->length); }
    return seq;
}

static tp_producer_stats_t stats_of(const tp_producer_t *producer)
{
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    return stats;
}

static uint64_t slot_word(uint64_t seq)
{
    const tpi_epoch_files_t *files = cr->files[cr->file_count - 1];
    const tpi_slot_word_t *words = (const tpi_slot_word_t *)(const void *)(files->regions[0].base + 64 + (seq & (files->nslots - 1)) * 256);
    return tpi_slot_peek(words);
}

/* ---- order of descriptors ----------------------------------------------------------------------------------------------- */

static void claims_commit_in_any_order_and_descriptors_leave_in_seq_order__O_41_W_093(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t claims[3];
    for (int64_t i = 0; i < 3; i++) { assert_int_equal(claim(producer, &claims[i]), i); }
    assert_int_equal(tp_producer_commit_claim(producer, &claims[2], NULL), 2);
    cr_settle();
    assert_int_equal(cr->descriptors, 0);
    assert_int_equal(tp_producer_commit_claim(producer, &claims[0], NULL), 0);
    cr_settle();
    assert_int_equal(cr->descriptors, 1);
    assert_int_equal(tp_producer_commit_claim(producer, &claims[1], NULL), 1);
    cr_settle();
    assert_int_equal(cr->descriptors, 3);
    for (uint64_t i = 0; i < 3; i++)
    {
        assert_int_equal(cr->descriptor[i].seq, i);
        assert_int_equal(cr->descriptor[i].epoch, cr->epoch);
        assert_int_equal(cr->descriptor[i].stream_id, CR_STREAM);
        assert_int_equal(cr->descriptor[i].timestamp_ns, TP_NULL_U64);       /* W-103 */
        assert_int_equal(cr->descriptor[i].trace_id, 0);                     /* W-107 */
        assert_int_equal(slot_word(i), i << 1 | 1);
    }
    tp_producer_close(producer);
}

/* Not those that this user's own driver would have: the rig's are below tensorpool-test. */
static void frames_go_to_the_files_that_the_driver_named__D_012(void **state)
{
    (void)state;
    uint16_t frame[16] = { 0 };
    tp_producer_t *producer = cr_producer();
    tpi_epoch_files_t *const files = cr->files[cr->file_count - 1];
    assert_int_equal(cr_publish(producer, 0x1234), 0);
    const int fd = open(strchr(files->uris[1], '/'), O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, frame, sizeof(frame), TPI_SUPERBLOCK_BYTES), sizeof(frame));
    (void)close(fd);
    assert_int_equal(frame[0], 0x1234);
    assert_int_equal(frame[15], 0x1234);
    tp_producer_close(producer);
}

/* Claimed before the first byte of the payload can be written, and committed with the frame that is meant. */
static void slot_says_which_frame_it_is_made_for__W_039_W_040_W_044(void **state)
{
    (void)state;
    tp_buffer_claim_t c;
    tp_producer_t *producer = cr_producer();
    for (int i = 0; i < (int)CR_NSLOTS; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    assert_int_equal(slot_word(0), 1);
    assert_int_equal(claim(producer, &c), CR_NSLOTS);
    assert_int_equal(slot_word(0), CR_NSLOTS << 1);
    assert_int_equal(tp_producer_commit_claim(producer, &c, NULL), CR_NSLOTS);
    assert_int_equal(slot_word(0), (CR_NSLOTS << 1) | 1u);
    tp_producer_close(producer);
}

static void aborted_claim_sends_nothing_and_leaves_its_slot_uncommitted(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t first;
    tp_buffer_claim_t second;
    assert_int_equal(claim(producer, &first), 0);
    assert_int_equal(claim(producer, &second), 1);
    assert_int_equal(tp_producer_commit_claim(producer, &second, NULL), 1);
    assert_int_equal(tp_producer_abort_claim(producer, &first), 0);
    cr_settle();
    assert_int_equal(cr->descriptors, 1);
    assert_int_equal(cr->descriptor[0].seq, 1);
    assert_int_equal(slot_word(0), 0);
    assert_int_equal(stats_of(producer).aborted, 1);
    tp_producer_close(producer);
}

static void term_rotation_loses_no_descriptor__A2(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    for (int i = 0; i < 100; i++)
    {
        assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_ADMIN_ACTION, 1 + i % 3), 0);
        assert_int_equal(cr_publish(producer, 1), i);
        cr_settle();
        assert_int_equal(cr->descriptors, i + 1);
    }
    assert_int_equal(stats_of(producer).descriptors_sent, 100);
    assert_int_equal(stats_of(producer).descriptors_dropped, 0);
    tp_producer_close(producer);
}

static void back_pressure_parks_descriptors_and_the_next_commit_sends_them_first__A2(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_BACK_PRESSURE, 3), 0);
    for (int64_t i = 0; i < 3; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    assert_int_equal(stats_of(producer).descriptors_parked, 3);
    assert_int_equal(stats_of(producer).back_pressured, 3);
    cr_settle();
    assert_int_equal(cr->descriptors, 0);
    assert_int_equal(cr_publish(producer, 1), 3);
    cr_settle();
    assert_int_equal(cr->descriptors, 4);
    for (uint64_t i = 0; i < 4; i++) { assert_int_equal(cr->descriptor[i].seq, i); }
    assert_int_equal(stats_of(producer).descriptors_parked, 0);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_BACK_PRESSURE, 1), 0);
    assert_int_equal(cr_publish(producer, 1), 4);
    assert_int_equal(tp_producer_flush(producer), 1);
    cr_settle();
    assert_int_equal(cr->descriptors, 5);
    tp_producer_close(producer);
}

static void parking_is_bounded_and_what_is_given_up_is_counted__A2(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tpi_mem_network_set_window(cr->network, CR_DESCRIPTOR, 1);
    assert_int_equal(cr_publish(producer, 1), 0);                            /* fills the window of one */
    int given_up = 0;
    for (int64_t i = 1; i <= 20; i++)
    {
        const int64_t rc = cr_publish(producer, 1);
        assert_true(rc == i || TP_BACK_PRESSURED == rc);
        if (TP_BACK_PRESSURED == rc) { given_up++; }
    }
    tp_producer_stats_t stats = stats_of(producer);
    assert_int_equal(stats.frames, 21);
    assert_int_equal(stats.descriptors_parked, CR_NSLOTS);
    assert_int_equal(stats.descriptors_dropped, 20 - CR_NSLOTS);
    assert_int_equal(given_up, 20 - CR_NSLOTS);
    tpi_mem_network_set_window(cr->network, CR_DESCRIPTOR, 1024);
    cr_settle();
    assert_int_equal(tp_producer_flush(producer), CR_NSLOTS);
    cr_settle();
    stats = stats_of(producer);
    assert_int_equal(stats.descriptors_sent + stats.descriptors_dropped, stats.frames);
    assert_int_equal(cr->descriptors, 1 + CR_NSLOTS);
    for (uint64_t i = 1; i <= CR_NSLOTS; i++) { assert_int_equal(cr->descriptor[i].seq, 20 - CR_NSLOTS + i); }
    tp_producer_close(producer);
}

static void nobody_listening_is_a_result_and_the_frame_is_committed_all_the_same(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_NOT_CONNECTED, 1), 0);
    assert_int_equal(cr_publish(producer, 1), TP_NOT_CONNECTED);
    assert_int_equal(slot_word(0), 1);
    assert_int_equal(stats_of(producer).not_connected, 1);
    assert_int_equal(stats_of(producer).frames, 1);
    assert_int_equal(cr_publish(producer, 1), 1);
    tp_producer_close(producer);
}

/* ---- claims ------------------------------------------------------------------------------------------------------------- */

static void all_slots_but_one_may_be_claimed__O_41(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t claims[CR_NSLOTS];
    for (uint32_t i = 0; i < CR_NSLOTS - 1; i++) { assert_int_equal(claim(producer, &claims[i]), i); }
    assert_int_equal(claim(producer, &claims[CR_NSLOTS - 1]), TP_TOO_MANY_CLAIMS);
    assert_int_equal(tp_producer_abort_claim(producer, &claims[0]), 0);
    assert_int_equal(claim(producer, &claims[0]), CR_NSLOTS - 1);
    for (uint32_t i = 0; i < CR_NSLOTS - 1; i++) { assert_true(tp_producer_commit_claim(producer, &claims[i], NULL) >= 0); }
    cr_settle();
    assert_int_equal(cr->descriptors, CR_NSLOTS - 1);
    tp_producer_close(producer);
}

static void held_claim_keeps_its_slot_and_stops_the_window(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t held;
    assert_int_equal(claim(producer, &held), 0);
    for (int64_t i = 1; i < CR_NSLOTS; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    assert_int_equal(cr_publish(producer, 1), TP_TOO_MANY_CLAIMS);           /* seq 8 would take the slot of seq 0 */
    assert_int_equal(tp_producer_commit_claim(producer, &held, NULL), 0);
    assert_int_equal(cr_publish(producer, 1), CR_NSLOTS);
    cr_settle();
    assert_int_equal(cr->descriptors, CR_NSLOTS + 1);
    tp_producer_close(producer);
}

static void claim_ends_exactly_once(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t c;
    assert_int_equal(claim(producer, &c), 0);
    tp_buffer_claim_t copy = c;
    tp_buffer_claim_t bent = c;
    bent.length = c.length + 1;
    assert_int_equal(tp_producer_commit_claim(producer, &bent, NULL), TP_INVALID_ARGUMENT);
    bent = c;
    bent.seq = 5;
    assert_int_equal(tp_producer_commit_claim(producer, &bent, NULL), TP_INVALID_CLAIM);
    bent = c;
    bent.opaque[1] = 1u << 20;
    assert_int_equal(tp_producer_commit_claim(producer, &bent, NULL), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_commit_claim(producer, &c, NULL), 0);
    assert_int_equal(tp_producer_commit_claim(producer, &c, NULL), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_commit_claim(producer, &copy, NULL), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_abort_claim(producer, &copy), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_try_claim(NULL, cr->tensor, &c), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_producer_try_claim(producer, NULL, &c), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_producer_commit_claim(producer, NULL, NULL), TP_INVALID_ARGUMENT);
    tp_producer_close(producer);
}

static void smallest_fitting_pool_is_taken_and_larger_frames_are_refused__W_059_W_060(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t c;
    assert_int_equal(tp_producer_max_payload_bytes(producer), 256);
    static const struct { size_t length; uint16_t pool; } rows[] = { { 0, 1 }, { 64, 1 }, { 65, 2 }, { 256, 2 } };
    for (size_t i = 0; i < 4; i++)
    {
        assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, rows[i].length, 77, &c), i);
        assert_int_equal(c.pool_id, rows[i].pool);
        assert_int_equal((uintptr_t)c.payload % 64, 0);
        assert_int_equal(c.timestamp_ns, 77);
        assert_int_equal(tp_producer_commit_claim(producer, &c, NULL), i);
    }
    assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 257, 77, &c), TP_NO_POOL_FITS);
    assert_int_equal(stats_of(producer).no_pool_fits, 1);
    assert_int_equal(stats_of(producer).next_seq, 4);
    cr_settle();
    assert_int_equal(cr->descriptors, 4);
    tp_producer_close(producer);
}

static void clock_is_read_for_claims_without_a_time_only(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t c;
    assert_int_equal(claim(producer, &c), 0);
    assert_true(c.timestamp_ns > 0 && c.timestamp_ns <= (uint64_t)INT64_MAX);    /* W-102 */
    assert_int_equal(tp_producer_commit_claim(producer, &c, NULL), 0);
    atomic_store(&producer->valid_until_ns, 0);
    assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 8, 5, &c), 1);
    assert_int_equal(tp_producer_abort_claim(producer, &c), 1);
    tp_producer_close(producer);
}

static bool flushed_before_commit;

static void flush(void *clientd, void *payload, size_t length)
{
    (void)clientd;
    flushed_before_commit = 0 == (slot_word(0) & 1) && NULL != payload && 32 == length;
}

static void flush_hook_runs_between_payload_and_commit__W_042(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    flushed_before_commit = false;
    assert_int_equal(tp_producer_context_set_payload_flush(context, flush, NULL), 0);
    assert_int_equal(tp_producer_context_set_publish_time(context, true), 0);
    tp_producer_t *producer = cr_producer_with(context);
    assert_int_equal(cr_publish(producer, 1), 0);
    assert_true(flushed_before_commit);
    cr_settle();
    assert_true(cr->descriptor[0].timestamp_ns <= (uint64_t)INT64_MAX);      /* W-103 W-104 */
    tp_producer_close(producer);
}

static void frame_metadata_goes_into_slot_and_descriptor(void **state)
{
    (void)state;
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_t *producer = cr_producer();
    tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
    tp_frame_view_t view;
    metadata.meta_version = 3;
    metadata.timestamp_ns = 1234;
    metadata.trace_id = 99;
    assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "0123456789", 10, &metadata), 0);
    cr_settle();
    assert_int_equal(cr->descriptor[0].trace_id, 99);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(view.meta_version, 3);
    assert_int_equal(view.timestamp_ns, 1234);
    assert_int_equal(view.trace_id, 99);
    assert_int_equal(view.payload_bytes, 10);
    assert_memory_equal(view.payload, "0123456789", 10);
    assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, NULL, 0, NULL), 1);       /* W-034 W-035 */
    cr_settle();
    assert_int_equal(slot_word(1), 3);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(view.payload_bytes, 0);
    assert_true(tp_frame_view_is_valid(&view));
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

/* ---- lease -------------------------------------------------------------------------------------------------------------- */

typedef struct heard { int count; tp_producer_event_t event[16]; int code[16]; uint64_t epoch[16]; } heard_t;
static heard_t heard;

static void on_event(void *clientd, tp_producer_event_t event, uint64_t epoch, int code, const char *text)
{
    (void)clientd;
    assert_non_null(text);
    assert_true(heard.count < 16);
    heard.event[heard.count] = event;
    heard.code[heard.count] = code;
    heard.epoch[heard.count] = epoch;
    heard.count++;
}

static tp_producer_t *listening_producer(void)
{
    tp_producer_context_t *context = cr_producer_context();
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(tp_producer_context_set_event_handler(context, on_event, NULL), 0);
    return cr_producer_with(context);
}

static void revoked_producer_cannot_commit_and_attaches_again__M8_D_030_D_031_D_116_W_111(void **state)
{
    (void)state;
    tp_producer_t *producer = listening_producer();
    tp_buffer_claim_t c;
    assert_int_equal(cr_publish(producer, 1), 0);
    assert_int_equal(claim(producer, &c), 1);
    const uint64_t epoch = cr->epoch;
    const uint64_t before = slot_word(1);
    cr_lease_t *lease = cr_lease(TP_ROLE_PRODUCER);
    lease->active = false;
    cr_revoke(lease, TPC_REVOKE_REVOKED);
    cr_settle();
    assert_false(tp_producer_is_attached(producer));
    assert_int_equal(tp_producer_commit_claim(producer, &c, NULL), TP_LEASE_LOST);
    assert_int_equal(slot_word(1), before);
    assert_int_equal(cr_publish(producer, 1), TP_LEASE_LOST);
    assert_int_equal(stats_of(producer).lease_lost, 2);
    cr_step(200 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_true(cr->epoch > epoch);
    assert_int_equal(cr_publish(producer, 1), 0);
    assert_int_equal(stats_of(producer).reattaches, 1);
    assert_int_equal(stats_of(producer).epoch, cr->epoch);
    assert_int_equal(heard.count, 3);
    assert_int_equal(heard.event[0], TP_PRODUCER_ATTACHED);
    assert_int_equal(heard.event[1], TP_PRODUCER_LOST);
    assert_int_equal(heard.code[1], TP_ELEASE);
    assert_int_equal(heard.event[2], TP_PRODUCER_REATTACHED);
    assert_int_equal(heard.epoch[2], cr->epoch);
    tp_producer_close(producer);
}

static void old_regions_stay_mapped_while_a_claim_is_out__M9(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t c;
    assert_int_equal(claim(producer, &c), 0);
    cr_lease_t *lease = cr_lease(TP_ROLE_PRODUCER);
    lease->active = false;
    cr_revoke(lease, TPC_REVOKE_REVOKED);
    cr_step(300 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(cr_publish(producer, 1), 0);                            /* the thread has moved on to the new regions */
    cr_step(100 * MS);
    memset(c.payload, 1, c.capacity);                                        /* still ours to write: no fault */
    assert_non_null(producer->retired);
    assert_int_equal(tp_producer_abort_claim(producer, &c), 0);
    cr_settle();
    assert_null(producer->retired);
    tp_producer_close(producer);
}

static void silent_driver_ends_the_lease_and_a_new_one_is_found__D_103_D_155_D_156(void **state)
{
    (void)state;
    tp_producer_t *producer = listening_producer();
    cr->mute = true;
    cr_step(2900 * MS);
    assert_true(tp_producer_is_attached(producer));
    cr_step(2200 * MS);
    assert_false(tp_producer_is_attached(producer));
    assert_int_equal(cr_publish(producer, 1), TP_LEASE_LOST);
    cr->mute = false;
    cr->leases[0].active = false;
    cr_step(2000 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(cr_publish(producer, 1), 0);
    tp_producer_close(producer);
}

static void claim_after_the_deadline_fails_although_the_conductor_sleeps__M8_D_103(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t c;
    assert_true(atomic_load(&producer->valid_until_ns) > cr->now_ns);
    atomic_store(&producer->valid_until_ns, 1);                              /* long ago */
    assert_int_equal(claim(producer, &c), TP_LEASE_LOST);
    assert_int_equal(cr_publish(producer, 1), TP_LEASE_LOST);
    tp_producer_close(producer);
}

static void commit_after_the_deadline_fails_and_leaves_the_slot_alone__M8_D_103(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t late;
    const int64_t valid_until_ns = atomic_load(&producer->valid_until_ns);
    assert_int_equal(claim(producer, &late), 0);
    atomic_store(&producer->valid_until_ns, 1);                              /* the process stood still meanwhile */
    assert_int_equal(tp_producer_commit_claim(producer, &late, NULL), TP_LEASE_LOST);
    assert_int_equal(slot_word(0) & 1, 0);
    assert_int_equal(tp_producer_commit_claim(producer, &late, NULL), TP_INVALID_CLAIM);
    atomic_store(&producer->valid_until_ns, valid_until_ns);                 /* a keepalive had been taken after all: a gap, no stop */
    const uint64_t before = cr->descriptors;
    assert_int_equal(cr_publish(producer, 1), 1);
    cr_settle();
    assert_int_equal(cr->descriptors, before + 1);
    tp_producer_close(producer);
}

static void keepalives_go_out_without_any_call_of_the_application__P6(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    cr->keepalives = 0;
    cr_step(10000 * MS);
    assert_in_range(cr->keepalives, 9, 11);
    assert_true(tp_producer_is_attached(producer));
    tp_producer_close(producer);
}

static void shutdown_notice_stops_everything_and_the_next_driver_is_found__D_153_D_154_D_158(void **state)
{
    (void)state;
    tp_producer_t *producer = listening_producer();
    cr_shutdown(TPC_SHUTDOWN_NORMAL);
    cr->mute = true;
    cr_settle();
    assert_false(tp_producer_is_attached(producer));
    assert_int_equal(heard.code[1], TP_ESHUTDOWN);
    cr->keepalives = 0;
    cr_step(3000 * MS);
    assert_int_equal(cr->keepalives, 0);
    cr->mute = false;
    cr->leases[0].active = false;
    cr_step(1900 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(stats_of(producer).epoch, cr->epoch);
    tp_producer_close(producer);
}

static void newer_epoch_of_the_own_stream_means_new_regions(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    const uint64_t first = cr->epoch;
    cr_announce();
    cr_settle();
    assert_int_equal(stats_of(producer).epoch, first);                       /* M7 */
    cr_new_epoch();
    cr_announce();
    cr_settle();
    assert_false(tp_producer_is_attached(producer));
    cr_step(300 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(cr->detaches, 1);
    assert_true(stats_of(producer).epoch > first + 1);
    tp_producer_close(producer);
}

static void used_up_sequence_numbers_lead_to_a_new_epoch__O_40(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    const uint64_t first = cr->epoch;
    assert_int_equal(cr_publish(producer, 1), 0);
    producer->next_seq = (UINT64_C(1) << 63) - 1;
    producer->head = producer->next_seq;
    assert_int_equal(cr_publish(producer, 1), INT64_MAX);
    assert_int_equal(cr_publish(producer, 1), TP_LEASE_LOST);
    cr_step(400 * MS);
    assert_int_equal(cr_publish(producer, 1), 0);
    assert_true(stats_of(producer).epoch > first);
    tp_producer_close(producer);
}

/* ---- what others see ---------------------------------------------------------------------------------------------------- */

static void idle_producer_reports_no_seq_of_the_old_epoch_under_the_new_one__W_111_O_32(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    for (int i = 0; i < 5; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    const uint64_t before = cr->epoch;
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_REVOKED);
    cr_step(3000 * MS);                                    /* attached again; nobody calls the producer meanwhile */
    assert_true(tp_producer_is_attached(producer));
    assert_true(cr->qos_producer.epoch > before);
    assert_int_equal(cr->qos_producer.current_seq, 0);
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    assert_int_equal(stats.epoch, cr->epoch);
    assert_int_equal(stats.next_seq, 0);
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_step(1100 * MS);
    assert_int_equal(cr->qos_producer.current_seq, 1);
    tp_producer_close(producer);
}

static void qos_and_activity_are_refreshed__W_006_W_188_D_010_D_015(void **state)
{
    (void)state;
    cr->no_regions_refresh = true;
    tp_producer_t *producer = cr_producer();
    const tpi_epoch_files_t *files = cr->files[cr->file_count - 1];
    uint8_t before[56];
    memcpy(before, files->regions[0].base, sizeof(before));
    for (int i = 0; i < 5; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr->qos_producers = 0;
    cr_step(5000 * MS);
    assert_in_range(cr->qos_producers, 4, 6);
    assert_int_equal(cr->qos_producer.stream_id, CR_STREAM);
    assert_int_equal(cr->qos_producer.current_seq, 5);                       /* O-32 */
    assert_int_equal(cr->qos_producer.epoch, cr->epoch);
    assert_int_equal(cr->qos_producer.watermark, TP_NULL_U32);               /* O-10 */
    for (size_t i = 0; i < files->region_count; i++)
    {
        assert_true(tpi_region_activity_ns(&files->regions[i]) + 1000 * (uint64_t)MS >= (uint64_t)cr->now_ns);
    }
    assert_memory_equal(before, files->regions[0].base, sizeof(before));     /* W-004 */
    tp_producer_close(producer);
}

static void consumers_are_counted_while_they_are_heard__W_133(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *consumer = cr_consumer();
    cr_step(100 * MS);
    assert_int_equal(tp_producer_consumer_count(producer), 1);
    cr_step(20000 * MS);
    assert_int_equal(tp_producer_consumer_count(producer), 1);
    tp_consumer_close(consumer);
    cr_step(4800 * MS);
    assert_int_equal(tp_producer_consumer_count(producer), 1);
    cr_step(300 * MS);
    assert_int_equal(tp_producer_consumer_count(producer), 0);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(frames_go_to_the_files_that_the_driver_named__D_012),
        CR_TEST(slot_says_which_frame_it_is_made_for__W_039_W_040_W_044),
        CR_TEST(claims_commit_in_any_order_and_descriptors_leave_in_seq_order__O_41_W_093),
        CR_TEST(aborted_claim_sends_nothing_and_leaves_its_slot_uncommitted),
        CR_TEST(term_rotation_loses_no_descriptor__A2),
        CR_TEST(back_pressure_parks_descriptors_and_the_next_commit_sends_them_first__A2),
        CR_TEST(parking_is_bounded_and_what_is_given_up_is_counted__A2),
        CR_TEST(nobody_listening_is_a_result_and_the_frame_is_committed_all_the_same),
        CR_TEST(all_slots_but_one_may_be_claimed__O_41),
        CR_TEST(held_claim_keeps_its_slot_and_stops_the_window),
        CR_TEST(claim_ends_exactly_once),
        CR_TEST(smallest_fitting_pool_is_taken_and_larger_frames_are_refused__W_059_W_060),
        CR_TEST(clock_is_read_for_claims_without_a_time_only),
        CR_TEST(flush_hook_runs_between_payload_and_commit__W_042),
        CR_TEST(frame_metadata_goes_into_slot_and_descriptor),
        CR_TEST(revoked_producer_cannot_commit_and_attaches_again__M8_D_030_D_031_D_116_W_111),
        CR_TEST(old_regions_stay_mapped_while_a_claim_is_out__M9),
        CR_TEST(silent_driver_ends_the_lease_and_a_new_one_is_found__D_103_D_155_D_156),
        CR_TEST(claim_after_the_deadline_fails_although_the_conductor_sleeps__M8_D_103),
        CR_TEST(commit_after_the_deadline_fails_and_leaves_the_slot_alone__M8_D_103),
        CR_TEST(keepalives_go_out_without_any_call_of_the_application__P6),
        CR_TEST(shutdown_notice_stops_everything_and_the_next_driver_is_found__D_153_D_154_D_158),
        CR_TEST(newer_epoch_of_the_own_stream_means_new_regions),
        CR_TEST(used_up_sequence_numbers_lead_to_a_new_epoch__O_40),
        CR_TEST(idle_producer_reports_no_seq_of_the_old_epoch_under_the_new_one__W_111_O_32),
        CR_TEST(qos_and_activity_are_refreshed__W_006_W_188_D_010_D_015),
        CR_TEST(consumers_are_counted_while_they_are_heard__W_133),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

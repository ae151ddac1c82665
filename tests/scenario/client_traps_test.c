/* Traps of docs/design/traps.md, as a client meets them. */
#include "client_rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec/codec_shm.h"
#include "common/clock.h"
#include "common/err.h"
#include "shm/slot.h"

#define FRAMES 2000

static tp_producer_stats_t producer_stats(const tp_producer_t *producer)
{
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    return stats;
}

static tp_consumer_stats_t consumer_stats(const tp_consumer_t *consumer)
{
    tp_consumer_stats_t stats;
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    return stats;
}

/* The newest header ring, as somebody with write access sees it. */
static uint8_t *map_ring(size_t *length)
{
    static const char prefix[] = "shm:file?path=";
    const char *const uri = cr->files[cr->file_count - 1]->uris[0];
    assert_memory_equal(uri, prefix, sizeof(prefix) - 1);
    *length = 64 + (size_t)cr->nslots * 256;
    const int fd = open(uri + sizeof(prefix) - 1, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    uint8_t *const base = mmap(NULL, *length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    assert_true(MAP_FAILED != (void *)base);
    return base;
}

static uint64_t word_of(const uint8_t *ring, uint64_t seq)
{
    return tpi_slot_peek((tpi_slot_word_t *)(uintptr_t)(ring + 64 + seq % CR_NSLOTS * 256));
}

/* ---- bus ---------------------------------------------------------------------------------------------------------------- */

static void who_does_not_read_holds_nobody_up__A1_A6(void **state)
{
    (void)state;
    tp_consumer_t *const idle = cr_consumer();                 /* never polled, no handler */
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);                                         /* QoS is subscribed to on a tick */
    tpi_mem_network_set_window(cr->network, CR_CONTROL, 64);
    tpi_mem_network_set_window(cr->network, CR_DESCRIPTOR, 64);
    tpi_mem_network_set_window(cr->network, CR_QOS, 64);
    for (int i = 0; i < FRAMES; i++)
    {
        uint8_t buffer[64];
        const tpc_qos_consumer_t foreign = { .stream_id = CR_STREAM + 1, .consumer_id = 5, .mode = TP_MODE_STREAM };
        const int64_t n = tpc_qos_consumer_encode(buffer, sizeof(buffer), &foreign);
        assert_int_equal(cr_publish(producer, (uint16_t)i), i);
        assert_true(tpi_publication_offer(cr->qos_pub, buffer, (size_t)n) > 0);
        if (0 == i % 16) { cr_settle(); cr->descriptors = 0; }
    }
    cr_step(3000 * MS);
    const tp_producer_stats_t stats = producer_stats(producer);
    assert_int_equal(stats.descriptors_sent, FRAMES);
    assert_int_equal(stats.back_pressured, 0);
    assert_int_equal(stats.descriptors_dropped, 0);
    assert_int_equal(cr->client->sends_refused, 0);
    tp_producer_close(producer);
    tp_consumer_close(idle);
}

static void every_committed_frame_gets_one_descriptor_in_order__A2(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    for (uint16_t i = 0; i < 40; i++)
    {
        if (0 == i % 3) { assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_ADMIN_ACTION, 1), 0); }
        if (0 == i % 5) { assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_BACK_PRESSURE, 2), 0); }
        assert_int_equal(cr_publish(producer, i), i);
    }
    for (int i = 0; i < 8 && 0 != producer_stats(producer).descriptors_parked; i++) { (void)tp_producer_flush(producer); }
    cr_settle();
    assert_int_equal(cr->descriptors, 40);
    for (uint64_t i = 0; i < 40; i++) { assert_int_equal(cr->descriptor[i].seq, i); }
    assert_int_equal(producer_stats(producer).descriptors_dropped, 0);
    tp_producer_close(producer);
}

static void term_rotation_alone_parks_nothing__A2(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_ADMIN_ACTION, 1), 0);
    assert_int_equal(cr_publish(producer, 1), 0);
    const tp_producer_stats_t stats = producer_stats(producer);
    assert_int_equal(stats.descriptors_sent, 1);
    assert_int_equal(stats.back_pressured, 0);
    tp_producer_close(producer);
}

static void all_consumers_of_a_client_hear_every_announce__A3(void **state)
{
    (void)state;
    tp_consumer_t *const consumers[] = { cr_consumer(), cr_consumer(), cr_consumer() };
    for (int round = 0; round < 3; round++)
    {
        cr_new_epoch();
        cr_announce();
        cr_settle();
        for (size_t i = 0; i < 3; i++) { assert_int_equal(consumer_stats(consumers[i]).epoch, cr->epoch); }
    }
    for (size_t i = 0; i < 3; i++) { tp_consumer_close(consumers[i]); }
}

typedef struct called_back { int events; int refused; } called_back_t;

static void on_event(void *clientd, tp_consumer_event_t event, uint64_t epoch, int code, const char *text)
{
    called_back_t *const seen = clientd;
    tp_consumer_t *other = NULL;
    (void)event;
    (void)epoch;
    (void)code;
    (void)text;
    if (seen->events++ > 0) { return; }
    if (tp_client_do_work(cr->client) < 0 && TP_ESTATE == tp_errcode()) { seen->refused++; }
    if (tp_consumer_open(&other, cr->client, CR_STREAM) < 0 && TP_ESTATE == tp_errcode()) { seen->refused++; }
}

static void callbacks_neither_wait_nor_turn_the_conductor__A4(void **state)
{
    (void)state;
    called_back_t seen = { 0, 0 };
    tp_consumer_context_t *const context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_event_handler(context, on_event, &seen), 0);
    tp_consumer_t *const consumer = cr_consumer_with(context);
    assert_true(seen.events > 0);
    assert_int_equal(seen.refused, 2);
    tp_consumer_close(consumer);
}

/* ---- shared memory ------------------------------------------------------------------------------------------------------ */

static void an_overwritten_view_says_so__M4(void **state)
{
    (void)state;
    tp_consumer_t *const consumer = cr_consumer();
    tp_producer_t *const producer = cr_producer();
    tp_frame_view_t view;
    uint16_t copy[16];
    assert_int_equal(cr_publish(producer, 7), 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    for (uint16_t i = 1; i < CR_NSLOTS; i++) { assert_int_equal(cr_publish(producer, i), i); }
    assert_true(tp_frame_view_is_valid(&view));
    assert_int_equal(tp_consumer_copy_frame(&view, copy, sizeof(copy)), sizeof(copy));
    assert_int_equal(copy[15], 7);
    assert_int_equal(cr_publish(producer, 99), CR_NSLOTS);     /* its slot and payload are used again */
    assert_int_equal(tp_consumer_copy_frame(&view, copy, sizeof(copy)), TP_OVERWRITTEN);
    assert_false(tp_frame_view_is_valid(&view));
    assert_int_equal(consumer_stats(consumer).drops[TP_DROP_TORN], 1);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

typedef struct vandal { uint8_t *ring; _Atomic bool stop; } vandal_t;

/* Writes another length into all slots and back, without telling the commit word. */
static void *spoil(void *argument)
{
    vandal_t *const vandal = argument;
    while (!atomic_load(&vandal->stop))
    {
        for (unsigned i = 0; i < CR_NSLOTS; i++)
        {
            _Atomic uint32_t *const length = (_Atomic uint32_t *)(void *)(vandal->ring + 64 + i * 256 + TPC_SLOT_HEADER_VALUES_LEN_AT);
            atomic_store_explicit(length, UINT32_MAX, memory_order_relaxed);
            atomic_store_explicit(length, 32, memory_order_relaxed);
        }
    }
    return NULL;
}

static void what_was_checked_is_what_is_used__M5(void **state)
{
    (void)state;
    tp_consumer_t *const consumer = cr_consumer();
    tp_producer_t *const producer = cr_producer();
    size_t length = 0;
    vandal_t vandal = { .ring = map_ring(&length) };
    pthread_t thread;
    uint64_t delivered = 0;
    uint64_t wrong = 0;
    assert_int_equal(pthread_create(&thread, NULL, spoil, &vandal), 0);
    const int64_t end_ns = tpi_clock_monotonic_ns() + 2000 * MS;
    for (int i = 0; i < 200000 && cr->now_ns < end_ns; i++)
    {
        tp_frame_view_t view;
        assert_int_equal(cr_publish(producer, 1), i);
        if (1 == tp_consumer_next(consumer, &view, 0))
        {
            delivered++;
            wrong += 32 != view.payload_bytes;
        }
        if (0 != i % 256) { continue; }
        cr->now_ns = tpi_clock_monotonic_ns();                 /* no stepping here: tp_consumer_next turns the conductor by the real clock */
        cr_driver_work();
        cr->descriptors = 0;
    }
    atomic_store(&vandal.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(wrong, 0);
    assert_true(delivered > 0);
    (void)munmap(vandal.ring, length);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

static void repeated_announces_leave_the_mapping_alone__M7(void **state)
{
    (void)state;
    tp_consumer_t *const consumer = cr_consumer();
    tp_producer_t *const producer = cr_producer();
    tp_frame_view_t view;
    assert_int_equal(cr_publish(producer, 7), 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    const uint64_t remaps = consumer_stats(consumer).remaps;
    cr_step(5000 * MS);
    assert_true(tp_frame_view_is_valid(&view));
    const tp_consumer_stats_t stats = consumer_stats(consumer);
    assert_int_equal(stats.remaps, remaps);
    assert_int_equal(stats.received, 1);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

static void a_claim_of_a_lost_lease_is_not_committed__M8(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    size_t length = 0;
    uint8_t *const ring = map_ring(&length);
    tp_buffer_claim_t claim;
    tp_buffer_claim_t next;
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 0);
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_REVOKED);
    cr->mute = true;
    cr_settle();
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &next), TP_LEASE_LOST);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_LEASE_LOST);
    assert_int_equal(word_of(ring, 0), 0);                     /* seq 0, in progress: nobody takes it for a frame */
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_INVALID_CLAIM);
    assert_int_equal(producer_stats(producer).lease_lost, 2);
    (void)munmap(ring, length);
    tp_producer_close(producer);
}

static void a_claim_does_not_pass_into_the_next_epoch__M8(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    tp_buffer_claim_t claim;
    assert_int_equal(cr_publish(producer, 1), 0);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 1);
    const uint64_t epoch = cr->epoch;
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_EXPIRED);
    cr_step(3000 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_true(cr->epoch > epoch);
    size_t length = 0;
    uint8_t *const ring = map_ring(&length);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_LEASE_LOST);
    assert_int_equal(word_of(ring, 1), 0);
    assert_int_equal(cr_publish(producer, 2), 0);
    (void)munmap(ring, length);
    tp_producer_close(producer);
}

static void an_expired_producer_claims_nothing__M8(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    tp_buffer_claim_t claim;
    cr->mute = true;
    cr_step(cr->lease_ns + 4000 * MS);                         /* keepalives go out, but the driver gives no sign of life */
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), TP_LEASE_LOST);
    assert_int_equal(cr_publish(producer, 1), TP_LEASE_LOST);
    tp_producer_close(producer);
}

static void views_and_claims_outlive_their_mapping__M9(void **state)
{
    (void)state;
    tp_consumer_t *const consumer = cr_consumer();
    tp_producer_t *const producer = cr_producer();
    tp_frame_view_t view;
    tp_buffer_claim_t claim;
    assert_int_equal(cr_publish(producer, 7), 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 1);
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_REVOKED);
    cr_step(3000 * MS);                                        /* attached again, a new epoch is mapped */
    assert_int_equal(consumer_stats(consumer).epoch, cr->epoch);
    assert_int_equal(*(const uint16_t *)view.payload, 7);
    memset(claim.payload, 1, claim.length);
    assert_int_equal(cr_publish(producer, 8), 0);              /* uses the new mapping while the claim of the old one is out */
    cr_settle();
    memset(claim.payload, 2, claim.length);
    assert_false(tp_frame_view_is_valid(&view));
    assert_int_equal(tp_producer_abort_claim(producer, &claim), 1);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(*(const uint16_t *)view.payload, 8);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

/* ---- protocol ----------------------------------------------------------------------------------------------------------- */

static void descriptors_of_others_unmap_nothing__P1(void **state)
{
    (void)state;
    tp_consumer_t *const consumer = cr_consumer();
    tp_producer_t *const producer = cr_producer();
    tp_frame_view_t view;
    tpc_frame_descriptor_t foreign = TPC_FRAME_DESCRIPTOR_INIT;
    foreign.stream_id = CR_STREAM + 1;
    foreign.epoch = cr->epoch + 5;
    cr_send_descriptor(&foreign);
    foreign.stream_id = CR_STREAM;
    foreign.epoch = cr->epoch - 1;
    cr_send_descriptor(&foreign);
    foreign.epoch = UINT64_MAX;
    cr_send_descriptor(&foreign);
    assert_int_equal(cr_publish(producer, 3), 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    assert_true(tp_frame_view_is_valid(&view));
    const tp_consumer_stats_t stats = consumer_stats(consumer);
    assert_int_equal(stats.foreign, 1);
    assert_int_equal(stats.remaps, 1);                         /* the producer's epoch after the consumer's */
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

static void the_conductor_alone_keeps_leases_alive__P6(void **state)
{
    (void)state;
    tp_consumer_t *const consumer = cr_consumer();
    tp_producer_t *const producer = cr_producer();
    const size_t requests = cr->request_count;
    cr_step(60 * 1000 * MS);                                   /* neither claimed nor polled */
    assert_int_equal(cr->request_count, requests);
    assert_true(cr->keepalives >= 2 * 20);
    assert_true(cr->now_ns - cr_lease(TP_ROLE_PRODUCER)->last_keepalive_ns < cr->lease_ns);
    assert_true(cr->now_ns - cr_lease(TP_ROLE_CONSUMER)->last_keepalive_ns < cr->lease_ns);
    assert_true(tp_producer_is_attached(producer));
    assert_true(tp_consumer_is_mapped(consumer));
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

/* ---- library ------------------------------------------------------------------------------------------------------------ */

typedef struct second { int rc; int code; } second_t;

static void *turn(void *argument)
{
    second_t *const second = argument;
    second->rc = tp_client_do_work(cr->client);
    second->code = tp_errcode();
    return NULL;
}

static void a_second_thread_is_no_conductor__L1(void **state)
{
    (void)state;
    second_t second = { 0, 0 };
    pthread_t thread;
    assert_true(tpi_client_do_work_at(cr->client, cr->now_ns) >= 0);
    assert_int_equal(pthread_create(&thread, NULL, turn, &second), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(second.rc, -1);
    assert_int_equal(second.code, TP_ETHREAD);
    assert_true(tpi_client_do_work_at(cr->client, cr->now_ns) >= 0);
}

static void refusals_of_hot_calls_are_counted_and_write_no_text__L3(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    TPI_SET_ERR(TP_EIO, "the last error of a cold call");
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_BACK_PRESSURE, 1000), 0);
    for (uint16_t i = 0; i < 50; i++) { (void)cr_publish(producer, i); }
    tp_buffer_claim_t claim;
    assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 4096, 0, &claim), TP_NO_POOL_FITS);
    assert_int_equal(tp_errcode(), TP_EIO);
    assert_string_equal(tp_errmsg(), "the last error of a cold call");
    const tp_producer_stats_t stats = producer_stats(producer);
    assert_true(stats.back_pressured >= 50);
    assert_int_equal(stats.no_pool_fits, 1);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(who_does_not_read_holds_nobody_up__A1_A6),
        CR_TEST(every_committed_frame_gets_one_descriptor_in_order__A2),
        CR_TEST(term_rotation_alone_parks_nothing__A2),
        CR_TEST(all_consumers_of_a_client_hear_every_announce__A3),
        CR_TEST(callbacks_neither_wait_nor_turn_the_conductor__A4),
        CR_TEST(an_overwritten_view_says_so__M4),
        CR_TEST(what_was_checked_is_what_is_used__M5),
        CR_TEST(repeated_announces_leave_the_mapping_alone__M7),
        CR_TEST(a_claim_of_a_lost_lease_is_not_committed__M8),
        CR_TEST(a_claim_does_not_pass_into_the_next_epoch__M8),
        CR_TEST(an_expired_producer_claims_nothing__M8),
        CR_TEST(views_and_claims_outlive_their_mapping__M9),
        CR_TEST(descriptors_of_others_unmap_nothing__P1),
        CR_TEST(the_conductor_alone_keeps_leases_alive__P6),
        CR_TEST(a_second_thread_is_no_conductor__L1),
        CR_TEST(refusals_of_hot_calls_are_counted_and_write_no_text__L3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

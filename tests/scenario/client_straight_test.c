/* The straight way of a frame out (client/producer_straight.h): it does what the long one does, and is left whenever something else is to be done. */
#include "client_rig.h"

#include <stdlib.h>

#include "client/producer_state.h"

#define LINK_A 31000
#define LINK_B 31001

static tp_tensor_template_t *shapes[3];

static int setup(void **state)
{
    static const int32_t wide[] = { 2, 3, 1, 2, 1 };
    static const int32_t line[] = { 60 };
    static const int32_t large[] = { 100, 2 };             /* goes into the second pool */
    assert_int_equal(cr_setup(state), 0);
    assert_int_equal(tp_tensor_template_init(&shapes[0], TP_DTYPE_INT16, TP_ROW_MAJOR, 5, wide), 0);
    assert_int_equal(tp_tensor_template_init(&shapes[1], TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, line), 0);
    assert_int_equal(tp_tensor_template_init(&shapes[2], TP_DTYPE_FLOAT32, TP_COLUMN_MAJOR, 2, large), 0);
    return 0;
}

static int teardown(void **state)
{
    for (int i = 0; i < 3; i++) { tp_tensor_template_close(shapes[i]); }
    return cr_teardown(state);
}

static tp_producer_stats_t stats_of(const tp_producer_t *producer)
{
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    return stats;
}

static uint8_t *slot_of(uint64_t seq)
{
    const tpi_epoch_files_t *files = cr->files[cr->file_count - 1];
    return files->regions[0].base + 64 + (seq & (files->nslots - 1)) * 256;
}

static uint64_t word_of(uint64_t seq) { return tpi_slot_peek((const tpi_slot_word_t *)(const void *)slot_of(seq)); }

static tpc_slot_t header_of(uint64_t seq)
{
    tpc_slot_t header;
    tpc_slot_decode(&header, slot_of(seq));
    return header;
}

/* A producer all of whose slots have been written once. Its next seq is CR_NSLOTS. */
static tp_producer_t *straight_producer(void)
{
    tp_producer_t *producer = cr_producer();
    for (int64_t i = 0; i < CR_NSLOTS; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    return producer;
}

/* ---- the same as the long way ------------------------------------------------------------------------------------------- */

#define STEPS 3000
#define OUT_MAX 3

typedef struct run
{
    tp_producer_t *producer;
    bool is_long;
    unsigned seed;
    tp_buffer_claim_t out[OUT_MAX];
    int out_count;
    int64_t said[STEPS];
    int straight;                      /* steps that began with an open gate */
    uint8_t slots[CR_NSLOTS * 256];
    tpc_frame_descriptor_t descriptors[4096];
    uint64_t descriptor_count;
    tp_producer_stats_t stats;
}
run_t;

static unsigned any(run_t *r, unsigned below)
{
    r->seed = r->seed * 1103515245u + 12345u;
    return (r->seed >> 16) % below;
}

static int64_t claim_one(run_t *r, tp_buffer_claim_t *claim)
{
    const tp_tensor_template_t *shape = shapes[any(r, 3)];
    const uint64_t time = 1000 + any(r, 1000);
    if (0 != any(r, 2)) { return tp_producer_try_claim_at(r->producer, shape, any(r, (unsigned)shape->extent_bytes + 1), time, claim); }
    const int64_t seq = tp_producer_try_claim(r->producer, shape, claim);
    if (seq >= 0) { claim->timestamp_ns = time; }
    return seq;
}

static int64_t commit_one(run_t *r, tp_buffer_claim_t *claim)
{
    tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
    if (0 == any(r, 4)) { metadata.trace_id = any(r, 1000); }
    if (0 == any(r, 4)) { metadata.meta_version = any(r, 1000); }
    if (0 == any(r, 4)) { metadata.timestamp_ns = any(r, 1000); }
    if (0 == any(r, 5) && claim->length > 0) { claim->length = any(r, (unsigned)claim->length); }
    memset(claim->payload, (int)claim->seq, claim->length);
    return tp_producer_commit_claim(r->producer, claim, 0 == any(r, 2) ? NULL : &metadata);
}

static int64_t end_one(run_t *r, bool commit)
{
    if (0 == r->out_count) { return -1000; }
    const int at = (int)any(r, (unsigned)r->out_count);
    tp_buffer_claim_t claim = r->out[at];
    r->out[at] = r->out[--r->out_count];
    return commit ? commit_one(r, &claim) : tp_producer_abort_claim(r->producer, &claim);
}

static int64_t claim_ahead(run_t *r)
{
    if (OUT_MAX == r->out_count) { return -1001; }
    const int64_t seq = claim_one(r, &r->out[r->out_count]);
    if (seq >= 0) { r->out_count++; }
    return seq;
}

static int64_t step(run_t *r)
{
    tp_buffer_claim_t claim;
    const unsigned what = any(r, 24);
    switch (what)
    {
        case 0: return claim_ahead(r);
        case 1: case 2: case 3: return end_one(r, true);
        case 4: return end_one(r, false);
        case 5: return tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_BACK_PRESSURE, 1 + (int)any(r, 3));
        case 6: return tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_ADMIN_ACTION, 1 + (int)any(r, 3));
        case 7: return tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_NOT_CONNECTED, 1);
        case 8: return tp_producer_flush(r->producer);
        case 9: return 0 == r->out_count ? 0 : tp_producer_offer_progress(r->producer, &r->out[0], 0);
        case 10:
        {
            tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
            metadata.timestamp_ns = 7;
            return tp_producer_offer_frame(r->producer, shapes[1], "some bytes", any(r, 10), &metadata);
        }
        default: return claim_one(r, &claim) < 0 ? -1002 : commit_one(r, &claim);
    }
}

static void run(run_t *r, unsigned seed, bool is_long)
{
    memset(r, 0, sizeof(*r));
    r->seed = seed;
    r->is_long = is_long;
    r->producer = cr_producer();
    assert_int_equal(tp_producer_flush(r->producer), 0);   /* takes the mapping */
    if (is_long) { r->producer->map->whole_until = UINT64_MAX; }
    cr->descriptors = 0;
    for (int i = 0; i < STEPS; i++)
    {
        r->straight += TPI_GATE_SHUT != r->producer->straight.gate ? 1 : 0;
        r->said[i] = step(r);
        cr_settle();
    }
    while (r->out_count > 0) { (void)end_one(r, true); }
    for (int i = 0; i < 32; i++) { (void)tp_producer_flush(r->producer); cr_settle(); }
    memcpy(r->slots, slot_of(0), sizeof(r->slots));
    memcpy(r->descriptors, cr->descriptor, sizeof(r->descriptors));
    r->descriptor_count = cr->descriptors;
    r->stats = stats_of(r->producer);
    tp_producer_close(r->producer);
}

static void both_ways_do_the_same__O_41_A2_W_093(void **state)
{
    run_t *runs = calloc(2, sizeof(*runs));
    assert_non_null(runs);
    for (unsigned seed = 1; seed <= 4; seed++)
    {
        for (int i = 0; i < 2; i++)
        {
            run(&runs[i], seed, 1 == i);
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        assert_int_equal(runs[1].straight, 0);
        assert_true(runs[0].straight > 500);
        for (int i = 0; i < STEPS; i++) { assert_int_equal(runs[0].said[i], runs[1].said[i]); }
        assert_memory_equal(runs[0].slots, runs[1].slots, sizeof(runs[0].slots));
        assert_int_equal(runs[0].descriptor_count, runs[1].descriptor_count);
        for (uint64_t i = 0; i < runs[0].descriptor_count; i++)
        {
            runs[0].descriptors[i].epoch = runs[1].descriptors[i].epoch;
            assert_memory_equal(&runs[0].descriptors[i], &runs[1].descriptors[i], sizeof(runs[0].descriptors[i]));
        }
        assert_int_equal(runs[0].stats.frames, runs[1].stats.frames);
        assert_int_equal(runs[0].stats.bytes, runs[1].stats.bytes);
        assert_int_equal(runs[0].stats.aborted, runs[1].stats.aborted);
        assert_int_equal(runs[0].stats.next_seq, runs[1].stats.next_seq);
        assert_int_equal(runs[0].stats.descriptors_sent, runs[1].stats.descriptors_sent);
        assert_int_equal(runs[0].stats.descriptors_dropped, runs[1].stats.descriptors_dropped);
        assert_int_equal(runs[0].stats.back_pressured, runs[1].stats.back_pressured);
        assert_int_equal(runs[0].stats.not_connected, runs[1].stats.not_connected);
    }
    free(runs);
}

/* ---- slots -------------------------------------------------------------------------------------------------------------- */

/* Whatever lies in the slot: another shape of ours, or what somebody else wrote there. */
static void every_field_of_a_slot_is_written_for_each_frame__W_041_W_027_W_035(void **state)
{
    (void)state;
    tp_producer_t *producer = straight_producer();
    for (uint64_t i = 0; i < 4 * CR_NSLOTS; i++)
    {
        tp_buffer_claim_t claim;
        const int which = (int)(i / CR_NSLOTS % 3);        /* another shape each time the slot comes round */
        const uint64_t seq = CR_NSLOTS + i;
        if (i >= 2 * CR_NSLOTS) { memset(slot_of(seq) + 8, 0xAA, 26); memset(slot_of(seq) + 60, 0xAA, 87); }
        assert_int_equal(tp_producer_try_claim_at(producer, shapes[which], i % 2, 5000 + i, &claim), seq);
        assert_int_equal(word_of(seq), seq << 1);          /* W-040 */
        assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), seq);
        assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
        tpc_slot_t expected;
        uint8_t image[256];
        tpc_slot_decode(&expected, (const uint8_t *)shapes[which]->image);
        expected.seq_commit = seq << 1 | 1;
        expected.values_len_bytes = (uint32_t)(i % 2);
        expected.payload_slot = (uint32_t)(seq % CR_NSLOTS);
        expected.pool_id = claim.pool_id;
        expected.timestamp_ns = 5000 + i;
        tpc_slot_encode(image, &expected);
        memcpy(image, &expected.seq_commit, 8);
        assert_memory_equal(slot_of(seq), image, 77);
        assert_memory_equal(slot_of(seq) + 78, image + 78, 256 - 78);       /* between them a pad that 0xAA was written into */
    }
    tp_producer_close(producer);
}

static void pads_of_a_slot_are_written_before_it_goes_the_straight_way__W_021(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t claim;
    for (uint64_t i = 0; i < CR_NSLOTS; i++) { memset(slot_of(i) + 8, 0xAA, 248); }
    for (int64_t i = 0; i < 3 * CR_NSLOTS; i++)
    {
        if (5 != i && 13 != i) { assert_int_equal(cr_publish(producer, 1), i); continue; }
        assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), i);      /* not committed twice: written the third time round */
        assert_int_equal(tp_producer_abort_claim(producer, &claim), i);
    }
    assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    for (uint64_t i = 0; i < CR_NSLOTS; i++)
    {
        for (int at = 34; at < 60; at++) { assert_int_equal(slot_of(i)[at], 0); }
        for (int at = 147; at < 256; at++) { assert_int_equal(slot_of(i)[at], 0); }
    }
    tp_producer_close(producer);
}

static void smallest_fitting_pool_is_taken__W_059_W_060(void **state)
{
    (void)state;
    tp_producer_t *producer = straight_producer();
    tp_buffer_claim_t claim;
    const uint64_t strides[] = { cr->strides[0], cr->strides[1] };
    const uint64_t lengths[] = { 0, strides[0], strides[0] + 1, strides[1], strides[0], strides[1] };
    for (size_t i = 0; i < 6; i++)
    {
        const int64_t seq = CR_NSLOTS + (int64_t)i;
        assert_int_equal(tp_producer_try_claim_at(producer, shapes[1], lengths[i], 1, &claim), seq);
        assert_int_equal(claim.capacity, lengths[i] <= strides[0] ? strides[0] : strides[1]);
        assert_int_equal((uintptr_t)claim.payload % 64, 0);
        memset(claim.payload, 1, claim.capacity);
        assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), seq);
        assert_int_equal(header_of((uint64_t)seq).pool_id, claim.pool_id);
        assert_int_equal(header_of((uint64_t)seq).values_len_bytes, lengths[i]);
        assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    }
    assert_int_equal(tp_producer_try_claim_at(producer, shapes[1], strides[1] + 1, 1, &claim), TP_NO_POOL_FITS);
    assert_int_equal(cr_publish(producer, 1), CR_NSLOTS + 6);
    assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    assert_int_equal(stats_of(producer).no_pool_fits, 1);
    tp_producer_close(producer);
}

/* ---- what ends it ------------------------------------------------------------------------------------------------------- */

static void a_claim_ends_once_whatever_its_copies_say__O_41(void **state)
{
    (void)state;
    tp_producer_t *producer = straight_producer();
    tp_buffer_claim_t claim;
    tp_buffer_claim_t none;
    memset(&none, 0, sizeof(none));
    assert_int_equal(tp_producer_commit_claim(producer, &none, NULL), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), CR_NSLOTS);
    tp_buffer_claim_t copy = claim;
    tp_buffer_claim_t grown = claim;
    grown.length++;
    assert_int_equal(tp_producer_commit_claim(producer, &grown, NULL), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), CR_NSLOTS);
    assert_null(claim.payload);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_commit_claim(producer, &copy, NULL), TP_INVALID_CLAIM);
    assert_int_equal(tp_producer_abort_claim(producer, &copy), TP_INVALID_CLAIM);
    assert_int_equal(cr_publish(producer, 1), CR_NSLOTS + 1);
    assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), CR_NSLOTS + 2);
    assert_int_equal(tp_producer_commit_claim(producer, &copy, NULL), TP_INVALID_CLAIM);
    copy = claim;
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), CR_NSLOTS + 2);
    assert_int_equal(tp_producer_abort_claim(producer, &copy), TP_INVALID_CLAIM);
    cr_settle();
    assert_int_equal(cr->descriptors, CR_NSLOTS + 3);
    tp_producer_close(producer);
}

/* Announcements are numbered as claims are, and those that go straight are not counted one by one. */
static void revoked_buffers_stay_revoked_whatever_goes_straight__M9(void **state)
{
    (void)state;
    tp_producer_t *producer = straight_producer();
    tp_announced_buffers_t buffers;
    tp_announced_buffers_t stale[4];
    for (int i = 0; i < 4; i++)
    {
        assert_int_equal(tp_producer_announce_buffers(producer, 32, &buffers), CR_NSLOTS);
        stale[i] = buffers;
        assert_int_equal(tp_producer_revoke_buffers(producer, &buffers), 0);
    }
    for (int64_t i = 0; i < 4; i++)
    {
        assert_int_equal(cr_publish(producer, 1), CR_NSLOTS + i);
        assert_int_equal(tp_producer_flush(producer), 0);
        assert_int_equal(tp_producer_announce_buffers(producer, 32, &buffers), CR_NSLOTS);
        for (int k = 0; k < 4; k++) { assert_int_equal(tp_producer_revoke_buffers(producer, &stale[k]), TP_INVALID_CLAIM); }
        assert_int_equal(tp_producer_revoke_buffers(producer, &buffers), 0);
    }
    tp_producer_close(producer);
}

static void neither_claim_nor_commit_after_the_deadline__M8_D_103(void **state)
{
    (void)state;
    tp_producer_t *producer = straight_producer();
    tp_buffer_claim_t claim;
    const int64_t valid_until_ns = atomic_load(&producer->valid_until_ns);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), CR_NSLOTS);
    assert_true(producer->straight.gate >= TPI_SERIAL_FIRST);
    atomic_store(&producer->valid_until_ns, 1);                              /* the process stood still meanwhile */
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_LEASE_LOST);
    assert_int_equal(word_of(CR_NSLOTS), CR_NSLOTS << 1);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), TP_LEASE_LOST);
    assert_int_equal(cr_publish(producer, 1), TP_LEASE_LOST);
    atomic_store(&producer->valid_until_ns, valid_until_ns);
    assert_int_equal(cr_publish(producer, 1), CR_NSLOTS + 1);
    assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    atomic_store(&producer->valid_until_ns, 1);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), TP_LEASE_LOST);
    assert_int_equal(cr_publish(producer, 1), TP_LEASE_LOST);
    assert_int_equal(stats_of(producer).next_seq, CR_NSLOTS + 2);
    tp_producer_close(producer);
}

static void a_lost_mapping_is_neither_written_nor_unmapped_under_a_claim__M8_M9(void **state)
{
    (void)state;
    tp_producer_t *producer = straight_producer();
    tp_buffer_claim_t claim;
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), CR_NSLOTS);
    uint8_t *slot = slot_of(CR_NSLOTS);
    cr_next_epoch();
    cr_step(3000 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(cr_publish(producer, 2), 0);                            /* in the new epoch; W-111 */
    memset(claim.payload, 1, claim.capacity);
    cr_step(100 * MS);
    memset(claim.payload, 2, claim.capacity);                                /* still mapped */
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_LEASE_LOST);
    assert_int_equal(tpi_slot_peek((const tpi_slot_word_t *)(const void *)slot), CR_NSLOTS << 1);
    cr_step(100 * MS);
    assert_null(producer->retired);
    for (int64_t i = 1; i < CR_NSLOTS; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    tp_producer_close(producer);
}

/* Lost and won again while the application fills the payload: the deadline is far, and the mapping another one. */
static void a_claim_is_not_committed_into_the_mapping_before__M8(void **state)
{
    (void)state;
    tp_producer_t *producer = straight_producer();
    tp_buffer_claim_t claim;
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), CR_NSLOTS);
    uint8_t *slot = slot_of(CR_NSLOTS);
    cr_next_epoch();
    cr_step(3000 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_LEASE_LOST);
    assert_int_equal(tpi_slot_peek((const tpi_slot_word_t *)(const void *)slot), CR_NSLOTS << 1);
    assert_int_equal(cr_publish(producer, 2), 0);
    tp_producer_close(producer);
}

static void the_last_seq_is_followed_by_a_new_epoch__O_40_W_253(void **state)
{
    (void)state;
    tp_producer_t *producer = straight_producer();
    producer->next_seq = (UINT64_C(1) << 62) - 1;
    (void)tp_producer_flush(producer);
    assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    producer->next_seq++;
    (void)tp_producer_flush(producer);
    assert_int_equal(producer->straight.gate, TPI_GATE_SHUT);                /* for good */
    producer->next_seq = (UINT64_C(1) << 63) - 1;
    producer->head = producer->next_seq;
    assert_int_equal(cr_publish(producer, 1), INT64_MAX);
    assert_int_equal(cr_publish(producer, 1), TP_LEASE_LOST);
    assert_true(atomic_load(&producer->wants_epoch));
    tp_producer_close(producer);
}

static void what_is_refused_is_parked_and_goes_first__A2(void **state)
{
    (void)state;
    tp_producer_t *producer = straight_producer();
    const uint64_t before = cr->descriptors;
    tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
    metadata.trace_id = 77;
    metadata.meta_version = 3;
    metadata.timestamp_ns = 9;
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_BACK_PRESSURE, 2), 0);
    assert_int_equal(tp_producer_offer_frame(producer, shapes[1], "x", 1, &metadata), CR_NSLOTS);
    assert_int_equal(stats_of(producer).descriptors_parked, 1);
    assert_int_equal(cr_publish(producer, 1), CR_NSLOTS + 1);
    assert_int_equal(stats_of(producer).descriptors_parked, 2);
    assert_int_equal(cr_publish(producer, 1), CR_NSLOTS + 2);
    assert_int_equal(stats_of(producer).descriptors_parked, 0);
    assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    assert_int_equal(cr_publish(producer, 1), CR_NSLOTS + 3);
    cr_settle();
    assert_int_equal(cr->descriptors, before + 4);
    for (uint64_t i = 0; i < 4; i++) { assert_int_equal(cr->descriptor[before + i].seq, CR_NSLOTS + i); }
    assert_int_equal(cr->descriptor[before].trace_id, 77);
    assert_int_equal(cr->descriptor[before].meta_version, 3);
    assert_int_equal(cr->descriptor[before + 1].trace_id, 0);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_ADMIN_ACTION, 3), 0);
    assert_int_equal(cr_publish(producer, 1), CR_NSLOTS + 4);                /* term rotation is no refusal */
    assert_int_equal(stats_of(producer).back_pressured, 2);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_NOT_CONNECTED, 1), 0);
    assert_int_equal(cr_publish(producer, 1), TP_NOT_CONNECTED);
    assert_int_equal(stats_of(producer).not_connected, 1);
    assert_int_equal(cr_publish(producer, 1), CR_NSLOTS + 6);
    tp_producer_close(producer);
}

/* ---- private streams ---------------------------------------------------------------------------------------------------- */

typedef struct ear
{
    tpi_subscription_t *sub;
    tpc_frame_descriptor_t heard[64];
    int count;
}
ear_t;

static void on_descriptor(void *clientd, const tpi_message_t *message)
{
    ear_t *ear = clientd;
    assert_true(ear->count < 64);
    assert_int_equal(tpc_frame_descriptor_decode(&ear->heard[ear->count++], message->data, message->length), TPC_OK);
}

static void listen_on(ear_t *ear, int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    const tpi_subscription_config_t config = { .channel = "aeron:ipc", .stream_id = stream_id };
    memset(ear, 0, sizeof(*ear));
    assert_int_equal(tpi_bus_add_subscription(cr->bus, &async, &config), 0);
    while (0 == tpi_bus_add_subscription_poll(async, &ear->sub)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
}

static int hear(ear_t *ear)
{
    ear->count = 0;
    cr_settle();
    while (tpi_subscription_poll(ear->sub, on_descriptor, ear, 10) > 0) { }
    return ear->count;
}

static void ask(uint32_t consumer_id, uint32_t stream_id, uint32_t rate_hz)
{
    uint8_t buffer[512];
    tpc_consumer_hello_t hello = TPC_CONSUMER_HELLO_INIT;
    hello.stream_id = CR_STREAM;
    hello.consumer_id = consumer_id;
    hello.supports_shm = 1;
    hello.expected_layout_version = 1;
    hello.mode = 0 == rate_hz ? TP_MODE_STREAM : TP_MODE_RATE_LIMITED;
    hello.max_rate_hz = rate_hz;
    hello.descriptor_channel = tpc_bytes("aeron:ipc");
    hello.descriptor_stream_id = stream_id;
    const int64_t length = tpc_consumer_hello_encode(buffer, sizeof(buffer), &hello);
    assert_true(tpi_publication_send(cr->pub, buffer, (size_t)length) > 0);
    cr_settle();
}

static int64_t offer_traced(tp_producer_t *producer, uint64_t trace_id, uint32_t meta_version)
{
    tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
    metadata.trace_id = trace_id;
    metadata.meta_version = meta_version;
    return tp_producer_offer_frame(producer, shapes[0], "abcd", 4, &metadata);
}

/* Each stream says of each frame what that frame is, also where one of them lags. */
static void private_streams_begin_in_full_flight_and_share_one_description__W_093_W_107_W_134_S_029(void **state)
{
    (void)state;
    ear_t a;
    ear_t b;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_answer_hello(context, TP_ANSWER_HELLO_ALWAYS), 0);
    tp_producer_t *producer = cr_producer_with(context);
    for (int64_t i = 0; i < CR_NSLOTS + 5; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    assert_int_equal(producer->straight.gate, TPI_GATE_OPEN);
    listen_on(&a, LINK_A);
    listen_on(&b, LINK_B);
    ask(7, LINK_A, 0);
    ask(8, LINK_B, 10);
    cr_step(100 * MS);
    uint64_t seq = CR_NSLOTS + 5;
    int from_b = 0;
    for (uint64_t i = 0; i < 30; i++, seq++)
    {
        if (10 == i) { assert_int_equal(tpi_mem_network_fault(cr->network, LINK_A, TPI_MEM_BACK_PRESSURE, 2), 0); }
        const uint64_t shared = cr->descriptors;
        assert_int_equal(offer_traced(producer, 100 + i, (uint32_t)i), seq);
        assert_int_equal(producer->straight.gate, TPI_GATE_SHUT);
        const int n = hear(&a);
        assert_int_equal(n, 10 == i || 11 == i ? 0 : 12 == i ? 3 : 1);       /* refused twice, then all that waited */
        for (int k = 0; k < n; k++)
        {
            const uint64_t back = (uint64_t)(n - 1 - k);
            assert_int_equal(a.heard[k].seq, seq - back);
            assert_int_equal(a.heard[k].trace_id, 100 + i - back);
            assert_int_equal(a.heard[k].meta_version, i - back);
        }
        assert_int_equal(cr->descriptors, shared + 1);
        assert_int_equal(cr->descriptor[shared].trace_id, 100 + i);
        if (0 != hear(&b))
        {
            from_b++;
            assert_int_equal(b.count, 1);
            assert_int_equal(b.heard[0].seq, seq);
            assert_int_equal(b.heard[0].trace_id, 100 + i);
        }
        cr_step(20 * MS);
    }
    assert_in_range(from_b, 5, 8);                         /* 10 Hz for 0.6 s */
    assert_int_equal(stats_of(producer).private_dropped, 0);
    tp_producer_close(producer);
    tpi_subscription_close(a.sub);
    tpi_subscription_close(b.sub);
}

#define STRAIGHT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] =
    {
        STRAIGHT_TEST(both_ways_do_the_same__O_41_A2_W_093),
        STRAIGHT_TEST(every_field_of_a_slot_is_written_for_each_frame__W_041_W_027_W_035),
        STRAIGHT_TEST(pads_of_a_slot_are_written_before_it_goes_the_straight_way__W_021),
        STRAIGHT_TEST(smallest_fitting_pool_is_taken__W_059_W_060),
        STRAIGHT_TEST(a_claim_ends_once_whatever_its_copies_say__O_41),
        STRAIGHT_TEST(revoked_buffers_stay_revoked_whatever_goes_straight__M9),
        STRAIGHT_TEST(neither_claim_nor_commit_after_the_deadline__M8_D_103),
        STRAIGHT_TEST(a_lost_mapping_is_neither_written_nor_unmapped_under_a_claim__M8_M9),
        STRAIGHT_TEST(a_claim_is_not_committed_into_the_mapping_before__M8),
        STRAIGHT_TEST(the_last_seq_is_followed_by_a_new_epoch__O_40_W_253),
        STRAIGHT_TEST(what_is_refused_is_parked_and_goes_first__A2),
        STRAIGHT_TEST(private_streams_begin_in_full_flight_and_share_one_description__W_093_W_107_W_134_S_029),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

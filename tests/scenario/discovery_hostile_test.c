/* Messages that lie, on every stream the provider listens to. */
#include "discovery_rig.h"

#include "hostile.h"

static uint64_t random_state;

static uint32_t random_number(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33);
}

/* The list as everybody gets it, without the id of the request. */
static size_t list(uint8_t *buffer, size_t size)
{
    const tpc_discovery_request_t request = drig_request();
    (void)drig_ask(&request);
    const listener_t *const listener = &drig->listeners[0];
    assert_true(listener->length <= size);
    memcpy(buffer, listener->data, listener->length);
    memset(buffer + 8, 0, 8);
    return listener->length;
}

static uint8_t before[8192];
static size_t before_length;

static void begin(void)
{
    drig_start();
    (void)drig_listen(ANSWERS);
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    drig_name(10000, 5, 1, "camera");
    before_length = list(before, sizeof(before));
}

static void expect_no_change(void)
{
    uint8_t now[8192];
    assert_int_equal(list(now, sizeof(now)), before_length);
    assert_memory_equal(now, before, before_length);
}

static void send_everywhere(const uint8_t *data, size_t length)
{
    static const int32_t streams[] = { ANNOUNCE_A, METADATA, REQUESTS };
    for (size_t i = 0; i < 3; i++) { drig_send(streams[i], data, length); }
    drig_settle();
}

static bool is_ours(const hostile_t *h)
{
    const uint16_t id = h->golden->template_id;
    if (TPC_DISCOVERY_SCHEMA == h->golden->schema_id) { return TPC_DISCOVERY_REQUEST == id; }
    return TPC_WIRE_SCHEMA == h->golden->schema_id && (TPC_POOL_ANNOUNCE == id || TPC_SOURCE_ANNOUNCE == id);
}

static uint64_t noticed(void) { return drig_stats()->messages_malformed + drig_stats()->messages_newer; }

static void strict_changes_nothing(const hostile_t *h)
{
    if (h->kind >= HOSTILE_STRICT) { return; }
    const size_t answers = drig->listeners[0].count;
    const uint64_t before_it = noticed();
    send_everywhere(h->data, h->length);
    if (is_ours(h) && h->kind <= HOSTILE_NEWER && noticed() == before_it)
    {
        fail_msg("%s: kind %d number %zu was not counted", h->golden->file, h->kind, h->at);
    }
    if (answers != drig->listeners[0].count || 0 != drig_stats()->responses_waiting)
    {
        fail_msg("%s: kind %d number %zu was answered", h->golden->file, h->kind, h->at);
    }
}

static void malformed_newer_and_foreign_messages_are_not_answered_and_change_nothing__X_097_X_015_X_026_P10(void **state)
{
    (void)state;
    begin();
    const size_t held = hostile_held();
    hostile_each(strict_changes_nothing);
    assert_true(drig_stats()->messages_malformed > 100);
    assert_true(hostile_held() <= held + HOSTILE_ROOM);
    expect_no_change();
}

static void loose_does_no_harm(const hostile_t *h)
{
    if (h->kind >= HOSTILE_STRICT) { send_everywhere(h->data, h->length); }
}

static void lengths_counts_and_texts_that_lie_do_no_harm__X_097_P11(void **state)
{
    (void)state;
    begin();
    const size_t held = hostile_held();
    hostile_each(loose_does_no_harm);
    assert_true(hostile_held() <= held + HOSTILE_ROOM);
    assert_true(drig_listed() >= 1);
}

typedef struct sample { int32_t stream_id; uint8_t data[1024]; size_t length; } sample_t;

/* One good message of each kind, each of which would change or draw something. */
static void samples(sample_t out[3])
{
    tpc_pool_announce_t a = drig_announcement(20000, 1, 1);
    tpc_source_announce_t name = TPC_SOURCE_ANNOUNCE_INIT;
    const tpc_bytes_t tags[] = { tpc_bytes("cam"), tpc_bytes("nir") };
    tpc_discovery_request_t request = drig_request();
    a.pool_count = 2;
    a.pools[1] = (tpc_pool_entry_t){ 2, 64, 8192, tpc_bytes("shm:file?path=/p2") };
    name.stream_id = 10000;
    name.epoch = 5;
    name.meta_version = 9;
    name.name = tpc_bytes("intruder");
    request.tags = tags;
    request.tag_count = 2;
    request.data_source_name = tpc_bytes("camera");
    out[0] = (sample_t){ .stream_id = ANNOUNCE_A };
    out[0].length = (size_t)tpc_pool_announce_encode(out[0].data, sizeof(out[0].data), &a);
    out[1] = (sample_t){ .stream_id = METADATA };
    out[1].length = (size_t)tpc_source_announce_encode(out[1].data, sizeof(out[1].data), &name);
    out[2] = (sample_t){ .stream_id = REQUESTS };
    out[2].length = (size_t)tpc_discovery_request_encode(out[2].data, sizeof(out[2].data), &request);
}

static void cut_messages_change_nothing__X_097(void **state)
{
    sample_t good[3];
    (void)state;
    begin();
    samples(good);
    for (size_t k = 0; k < 3; k++)
    {
        const size_t answers = drig->listeners[0].count;
        for (size_t length = 1; length < good[k].length; length++)
        {
            /* A request may end in front of its last string (O-1), and what is left of this one is no request for anything else. */
            if (2 == k && good[k].length - 4 - 6 == length) { continue; }
            drig_send(good[k].stream_id, good[k].data, length);
            (void)drig_cycle();
        }
        drig_settle();
        assert_int_equal(drig->listeners[0].count, answers);
        expect_no_change();
    }
    for (size_t k = 0; k < 2; k++) { drig_send(good[k].stream_id, good[k].data, good[k].length); }
    drig_settle();
    assert_int_equal(drig_listed(), 2);                         /* whole they do */
}

static void random_mutations_never_end_the_provider__X_097(void **state)
{
    sample_t good[3];
    (void)state;
    random_state = 42;
    begin();
    const size_t held = hostile_held();
    for (int round = 0; round < 6000; round++)
    {
        if (0 == round % 100) { samples(good); }
        sample_t bent = good[round % 3];
        for (uint32_t i = 0; i <= random_number() % 4; i++) { bent.data[random_number() % bent.length] = (uint8_t)random_number(); }
        drig_send(bent.stream_id, bent.data, bent.length);
        (void)drig_cycle();
        if (0 == round % 100) { drig_step(10 * MS); }
        assert_true(drig_stats()->publications <= 32);
    }
    assert_true(hostile_held() <= held + HOSTILE_ROOM);
    drig_step(2000 * MS);
    drig_announce(ANNOUNCE_A, 10000, 42, UINT64_MAX - 1);
    assert_true(drig_listed() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRIG_TEST(malformed_newer_and_foreign_messages_are_not_answered_and_change_nothing__X_097_X_015_X_026_P10),
        DRIG_TEST(lengths_counts_and_texts_that_lie_do_no_harm__X_097_P11), DRIG_TEST(cut_messages_change_nothing__X_097),
        DRIG_TEST(random_mutations_never_end_the_provider__X_097) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tracing of a producer: node id, ids, the publication of its TraceLinkSets, and what arrives at a client. */
#include "client_rig.h"

#include "client/producer_state.h"
#include "client/trace_process.h"
#include "codec/codec_tracelink.h"
#include "common/clock.h"

static uint32_t offered_node;

static void bend_node(tpc_attach_response_t *response) { response->node_id = offered_node; }

static int setup(void **state)
{
    tpi_trace_process_reset();
    offered_node = 9;
    if (cr_setup(state) < 0) { return -1; }
    cr->bend = bend_node;
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, cr_teardown)

static tp_producer_t *tracing_producer(void)
{
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_trace(context, true), 0);
    return cr_producer_with(context);
}

static uint64_t publish(tp_producer_t *producer)
{
    const uint64_t before = cr->descriptors;
    assert_true(cr_publish(producer, 1) >= 0);
    cr_settle();
    assert_int_equal(cr->descriptors, before + 1);
    return cr->descriptor[before % 4096].trace_id;
}

static tp_trace_id_parts_t parts_of(uint64_t id)
{
    tp_trace_id_parts_t parts;
    assert_int_equal(tp_trace_id_split(id, NULL, &parts), 0);
    return parts;
}

static tp_producer_stats_t stats_of(const tp_producer_t *producer)
{
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    return stats;
}

/* ---- ids and node ids ---- */

static void without_tracing_the_id_is_0_and_with_it_never__T_027_T_028(void **state)
{
    (void)state;
    tp_producer_t *p = cr_producer();
    assert_int_equal(publish(p), 0);
    assert_int_equal(tp_producer_next_trace_id(p), 0);
    assert_int_equal(tp_producer_set_trace(p, true), 0);
    uint64_t last = 0;
    for (int i = 0; i < 1000; i++)
    {
        const uint64_t id = publish(p);
        assert_true(id > last);
        last = id;
    }
    assert_int_equal(tp_producer_set_trace(p, false), 0);
    assert_int_equal(publish(p), 0);
    tp_producer_close(p);
}

static uint64_t real_ms(void) { return (uint64_t)(tpi_clock_realtime_ns() / TPI_NS_PER_MS); }

/* Whatever time the frame itself bears: an id is of the time it was made at, a tick of the clock at most behind. */
static void ids_tell_when_they_were_made__T_009(void **state)
{
    (void)state;
    tp_producer_t *p = tracing_producer();
    const uint64_t begin_ms = real_ms();
    const uint64_t odd_ns = (uint64_t)(tpi_clock_monotonic_ns() + INT64_C(3600000000000));
    for (int i = 0; i < 3000 || real_ms() < begin_ms + 20; i++)
    {
        tp_buffer_claim_t claim = { .size = sizeof(claim) };
        const bool has_own_time = real_ms() >= begin_ms + 10;                  /* of a clock that stands still, in an hour */
        const uint64_t before_ms = real_ms();
        const int64_t seq = has_own_time ? tp_producer_try_claim_at(p, cr->tensor, 32, odd_ns, &claim) :
            tp_producer_try_claim(p, cr->tensor, &claim);
        assert_true(seq >= 0);
        const uint64_t described = cr->descriptors;
        assert_int_equal(tp_producer_commit_claim(p, &claim, NULL), seq);
        const uint64_t after_ms = real_ms();
        cr_settle();
        assert_int_equal(cr->descriptors, described + 1);
        assert_in_range(parts_of(cr->descriptor[described % 4096].trace_id).time_ms, before_ms - 1, after_ms + 1);
    }
    tp_producer_close(p);
}

static void ids_that_the_application_gives_are_kept__W_107(void **state)
{
    (void)state;
    tp_producer_t *p = tracing_producer();
    tp_frame_metadata_t m = TP_FRAME_METADATA_INIT;
    const uint16_t pixels[16] = { 0 };
    m.trace_id = UINT64_C(0x66ddb6aa00005007);
    assert_true(tp_producer_offer_frame(p, cr->tensor, pixels, sizeof(pixels), &m) >= 0);
    cr_settle();
    assert_int_equal(cr->descriptor[0].trace_id, UINT64_C(0x66ddb6aa00005007));
    tp_producer_close(p);
}

static void node_id_is_that_of_the_lease__T_013(void **state)
{
    (void)state;
    tp_producer_t *p = tracing_producer();
    assert_int_equal(parts_of(publish(p)).node_id, 9);
    tp_producer_close(p);
}

static void configured_node_id_wins__T_012(void **state)
{
    (void)state;
    cr->client->settings.trace_node_id = 5;
    tp_producer_t *p = tracing_producer();
    assert_int_equal(parts_of(publish(p)).node_id, 5);
    tp_producer_close(p);
}

static void tracing_without_any_node_id_is_an_error(void **state)
{
    (void)state;
    offered_node = TP_NULL_U32;
    tp_producer_t *p = cr_producer();
    assert_int_equal(tp_producer_set_trace(p, true), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_int_equal(publish(p), 0);
    tp_trace_stage_t *stage = NULL;
    assert_int_equal(tp_trace_stage_init(&stage, p, TP_TRACE_ROOT), -1);
    assert_null(stage);
    tp_producer_close(p);
    cr->client->settings.trace_node_id = 5;
    p = tracing_producer();
    assert_int_equal(parts_of(publish(p)).node_id, 5);
    tp_producer_close(p);
}

static void attach_fails_where_tracing_is_wanted_and_impossible(void **state)
{
    (void)state;
    offered_node = TP_NULL_U32;
    tp_producer_context_t *context = cr_producer_context();
    tp_async_add_producer_t *async = NULL;
    tp_producer_t *p = NULL;
    assert_int_equal(tp_producer_context_set_trace(context, true), 0);
    assert_int_equal(tp_producer_context_set_attach_timeout_ns(context, 1000 * MS), 0);
    assert_int_equal(tp_async_add_producer(&async, cr->client, context), 0);
    tp_producer_context_close(context);
    cr_settle();
    assert_int_equal(tp_async_add_producer_poll(async, &p), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_true(strlen(tp_errfix()) > 0);
    cr_step(100 * MS);
    assert_int_equal(cr->detaches, 1);                     /* the lease is handed back */
}

static void node_ids_that_do_not_fit_are_refused_not_cut__T_011(void **state)
{
    (void)state;
    offered_node = 1024;
    tp_producer_t *p = cr_producer();
    assert_int_equal(tp_producer_set_trace(p, true), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(publish(p), 0);
    tp_producer_close(p);
}

static void clients_of_a_process_have_one_node_id_and_one_layout__T_011(void **state)
{
    (void)state;
    tp_producer_t *p = tracing_producer();
    assert_true(0 != publish(p));
    cr->client->settings.trace_node_id = 6;                /* as if another client were configured differently */
    assert_int_equal(tp_producer_set_trace(p, true), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    cr->client->settings.trace_node_id = 9;
    assert_int_equal(tp_producer_set_trace(p, true), 0);
    cr->client->settings.trace_layout.node_bits = 8;
    assert_int_equal(tp_producer_set_trace(p, true), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    cr->client->settings.trace_layout.node_bits = 10;
    tp_producer_close(p);
}

static const tpc_attach_request_t *last_request(void) { return &cr->requests[cr->request_count - 1].m; }

static void lost_lease_is_asked_for_again_with_the_same_node__T_015_T_029(void **state)
{
    (void)state;
    tp_producer_t *p = tracing_producer();
    const uint64_t before = publish(p);
    assert_int_equal(last_request()->desired_node_id, TP_NULL_U32);
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), 3);
    cr_step(500 * MS);
    assert_true(tp_producer_is_attached(p));
    assert_int_equal(last_request()->desired_node_id, 9);
    const uint64_t after = publish(p);                     /* of a new epoch */
    assert_true(after > before);
    assert_int_equal(parts_of(after).node_id, 9);
    tp_producer_close(p);
}

static void refused_node_id_is_replaced_after_all_leases_are_lost__T_011_T_015(void **state)
{
    (void)state;
    tp_producer_t *p = tracing_producer();
    const uint64_t before = publish(p);
    cr->refuse = 1;
    cr->refuse_code = TPC_CODE_REJECTED;
    cr->refuse_text = "desired node_id unavailable";
    offered_node = 12;
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), 2);
    cr_step(1000 * MS);
    assert_true(tp_producer_is_attached(p));
    assert_int_equal(last_request()->desired_node_id, TP_NULL_U32);
    const uint64_t after = publish(p);
    assert_true(after > before);
    assert_int_equal(parts_of(after).node_id, 12);
    tp_producer_close(p);
}

static void closed_producer_leaves_its_node_to_nobody__T_011(void **state)
{
    (void)state;
    tp_producer_t *first = tracing_producer();
    assert_int_equal(parts_of(publish(first)).node_id, 9);
    offered_node = 10;
    cr->bump_on_producer = false;
    tp_producer_t *second = tracing_producer();
    assert_int_equal(parts_of(tp_producer_next_trace_id(second)).node_id, 9);      /* one of the process */
    tp_producer_close(first);
    cr_settle();
    assert_int_equal(parts_of(tp_producer_next_trace_id(second)).node_id, 10);     /* 9 may soon be somebody else's */
    tp_producer_close(second);
}

static void later_producer_asks_for_the_node_of_the_process__T_015(void **state)
{
    (void)state;
    tp_producer_t *p = tracing_producer();
    tp_producer_close(p);
    cr_settle();
    p = tracing_producer();
    assert_int_equal(last_request()->desired_node_id, 9);
    tp_producer_close(p);
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_trace(context, true), 0);
    assert_int_equal(tp_producer_context_set_node_id(context, 77), 0);
    p = cr_producer_with(context);
    assert_int_equal(last_request()->desired_node_id, 77);     /* what the application asks for stays */
    tp_producer_close(p);
}

/* ---- sets ---- */

typedef struct heard { uint64_t sets; tp_trace_link_set_t set; uint64_t parents[TP_TRACE_PARENTS_MAX]; } heard_t;

static void on_set(void *clientd, const tp_trace_link_set_t *set)
{
    heard_t *heard = clientd;
    heard->sets++;
    heard->set = *set;
    memcpy(heard->parents, set->parents, set->parent_count * sizeof(set->parents[0]));
}

static void listen(heard_t *heard)
{
    tp_trace_handlers_t handlers = TP_TRACE_HANDLERS_INIT;
    *heard = (heard_t){ .sets = 0 };
    handlers.clientd = heard;
    handlers.on_trace_link_set = on_set;
    assert_int_equal(tp_client_set_trace_handlers(cr->client, &handlers), 0);
}

static tp_trace_link_set_t set_of(const tp_producer_t *producer, uint64_t seq, uint64_t trace_id, const uint64_t *parents, uint32_t count)
{
    tp_trace_link_set_t set = TP_TRACE_LINK_SET_INIT;
    set.stream_id = CR_STREAM;
    set.epoch = stats_of(producer).epoch;
    set.seq = seq;
    set.trace_id = trace_id;
    set.parents = parents;
    set.parent_count = count;
    return set;
}

static void sets_of_published_frames_arrive__T_035_T_036_T_042(void **state)
{
    (void)state;
    const uint64_t parents[] = { 22, 11, 33 };
    heard_t heard;
    listen(&heard);
    tp_producer_t *p = tracing_producer();
    const uint64_t id = publish(p);
    const tp_trace_link_set_t set = set_of(p, 0, id, parents, 3);
    assert_true(tp_producer_send_tracelink_set(p, &set) > 0);
    cr_settle();
    assert_int_equal(heard.sets, 1);
    assert_int_equal(heard.set.stream_id, CR_STREAM);
    assert_int_equal(heard.set.epoch, cr->epoch);
    assert_int_equal(heard.set.seq, 0);
    assert_int_equal(heard.set.trace_id, id);
    assert_int_equal(heard.set.parent_count, 3);
    assert_memory_equal(heard.parents, parents, sizeof(parents));
    assert_int_equal(stats_of(p).tracelinks_sent, 1);
    tp_producer_close(p);
}

static void sets_of_other_frames_are_refused__T_035_T_036(void **state)
{
    (void)state;
    const uint64_t parents[] = { 1, 2 };
    heard_t heard;
    listen(&heard);
    tp_producer_t *p = tracing_producer();
    const uint64_t id = publish(p);
    const tp_trace_link_set_t good = set_of(p, 0, id, parents, 2);
    tp_trace_link_set_t bad[4] = { good, good, good, good };
    bad[0].stream_id++;
    bad[1].epoch++;
    bad[2].seq++;
    bad[3].trace_id++;
    for (size_t i = 0; i < 4; i++) { assert_int_equal(tp_producer_send_tracelink_set(p, &bad[i]), TP_INVALID_ARGUMENT); }
    for (uint32_t i = 1; i < CR_NSLOTS; i++) { (void)publish(p); }
    assert_true(tp_producer_send_tracelink_set(p, &good) > 0);
    (void)publish(p);                                      /* another frame lies in its slot now */
    assert_int_equal(tp_producer_send_tracelink_set(p, &good), TP_INVALID_ARGUMENT);
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), 3);
    cr_step(500 * MS);
    const tp_trace_link_set_t now = set_of(p, 0, publish(p), parents, 2);
    tp_trace_link_set_t old = now;
    old.epoch = good.epoch;
    assert_int_equal(tp_producer_send_tracelink_set(p, &old), TP_INVALID_ARGUMENT);
    assert_true(tp_producer_send_tracelink_set(p, &now) > 0);
    assert_int_equal(stats_of(p).tracelinks_refused, 6);
    cr_settle();
    assert_int_equal(heard.sets, 2);
    tp_producer_close(p);
}

static void sets_that_break_a_rule_are_not_sent__T_038_T_040_T_041_T_050(void **state)
{
    (void)state;
    static uint64_t many[TP_TRACE_PARENTS_MAX + 1];
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) { many[i] = i + 1; }
    heard_t heard;
    listen(&heard);
    tp_producer_t *p = tracing_producer();
    const uint64_t id = publish(p);
    const uint64_t zero[] = { 1, 0 };
    const uint64_t twice[] = { 1, 1 };
    const uint64_t self[] = { 1, id };
    const tp_trace_link_set_t bad[] = { set_of(p, 0, id, zero, 2), set_of(p, 0, id, twice, 2), set_of(p, 0, id, self, 2), set_of(p, 0, id, many, 0),
        set_of(p, 0, id, NULL, 2), set_of(p, 0, id, many, TP_TRACE_PARENTS_MAX + 1), set_of(p, 0, 0, many, 2) };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) { assert_int_equal(tp_producer_send_tracelink_set(p, &bad[i]), TP_INVALID_ARGUMENT); }
    const tp_trace_link_set_t most = set_of(p, 0, id, many, TP_TRACE_PARENTS_MAX);
    assert_true(tp_producer_send_tracelink_set(p, &most) > 0);
    cr_settle();
    assert_int_equal(heard.sets, 1);
    assert_int_equal(heard.set.parent_count, TP_TRACE_PARENTS_MAX);
    assert_int_equal(stats_of(p).tracelinks_refused, 7);
    assert_int_equal(tp_producer_send_tracelink_set(NULL, &most), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_producer_send_tracelink_set(p, NULL), TP_INVALID_ARGUMENT);
    tp_producer_close(p);
    p = cr_producer();
    assert_int_equal(tp_producer_send_tracelink_set(p, &most), TP_INVALID_ARGUMENT);       /* it never traced */
    tp_producer_close(p);
}

static void count_set(void *clientd, const void *message, size_t length, int32_t session_id)
{
    (void)session_id;
    if (length > 6 && 0 == memcmp((const uint8_t *)message + 2, "\x01\x00\x88\x03", 4)) { ++*(int *)clientd; }
}

static void full_bus_loses_sets_and_nothing_else__T_004_T_005_T_007_T_026(void **state)
{
    (void)state;
    const uint64_t parents[] = { 1, 2 };
    tp_async_add_subscription_t *async = NULL;
    tp_subscription_t *slow = NULL;
    tp_producer_t *p = tracing_producer();
    const tp_trace_link_set_t first = set_of(p, 0, publish(p), parents, 2);
    assert_int_equal(tp_async_add_subscription(&async, cr->client, cr->client->settings.control.channel, CR_CONTROL), 0);
    cr_settle();
    assert_int_equal(tp_async_add_subscription_poll(async, &slow), 1);
    int sent = 0;
    int64_t rc = 1;
    for (int i = 0; i < 200000 && rc > 0; i++)             /* nobody polls meanwhile */
    {
        rc = tp_producer_send_tracelink_set(p, &first);
        sent += rc > 0 ? 1 : 0;
    }
    assert_int_equal(rc, TP_BACK_PRESSURED);
    assert_int_equal(cr_publish(p, 2), 1);                 /* the frame goes all the same */
    assert_int_equal(stats_of(p).tracelinks_dropped, 1);
    cr_settle();
    int arrived = 0;
    while (tp_subscription_poll(slow, count_set, &arrived, 64) > 0) { }
    assert_int_equal(arrived, sent);                       /* forgotten: not one more */
    tp_subscription_close(slow);
    assert_int_equal(stats_of(p).frames, 2);
    assert_int_equal(stats_of(p).descriptors_sent, 2);
    tp_producer_close(p);
}

static void lost_media_driver_loses_sets_until_it_is_back__T_004_M9(void **state)
{
    (void)state;
    const uint64_t parents[] = { 1, 2 };
    heard_t heard;
    listen(&heard);
    tp_producer_t *p = tracing_producer();
    const tp_trace_link_set_t old = set_of(p, 0, publish(p), parents, 2);
    assert_true(tp_producer_send_tracelink_set(p, &old) > 0);
    cr_restart_media();
    cr_step(3000 * MS);
    assert_true(tp_producer_is_attached(p));
    const tp_trace_link_set_t now = set_of(p, 0, publish(p), parents, 2);
    assert_true(tp_producer_send_tracelink_set(p, &now) > 0);
    cr_step(100 * MS);
    assert_null(cr->client->retired);
    tp_producer_close(p);
}

static void send_raw(tpi_publication_t *publication, const uint8_t *data, size_t length)
{
    assert_true(tpi_publication_offer(publication, data, length) > 0);
    cr_settle();
}

static void received_sets_are_checked__T_038_T_039_T_040_T_041_T_043_T_050(void **state)
{
    (void)state;
    static const uint8_t example[56 + 5] = { 0x1c, 0, 1, 0, 0x88, 3, 1, 0, 0x10, 0x27, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0, 0, 0,
        3, 0x10, 0x40, 0, 0, 0, 0, 0, 8, 0, 2, 0, 0x11, 0x11, 0, 0, 0, 0, 0, 0, 0x22, 0x22, 0, 0, 0, 0, 0, 0, 0xde, 0xad };
    uint8_t bent[sizeof(example)];
    heard_t heard;
    tp_trace_received_t r;
    tpi_publication_t *foreign = cr_add_publication(cr->client->settings.control.channel, CR_CONTROL);
    send_raw(foreign, example, 56);                        /* nobody listens yet */
    listen(&heard);
    send_raw(foreign, example, sizeof(example));           /* bytes behind the last parent are not looked at */
    assert_int_equal(heard.sets, 1);
    assert_int_equal(heard.set.trace_id, 0x401003);
    assert_int_equal(heard.set.parent_count, 2);
    assert_int_equal(heard.parents[1], 0x2222);
    static const struct { size_t at; uint8_t value; } bends[] = { { 28, 0x11 }, { 38, 0 }, { 38, 3 }, { 4, 0x84 }, { 4, 0x87 }, { 6, 2 }, { 0, 27 },
        { 36, 7 }, { 2, 2 } };
    for (size_t i = 0; i < sizeof(bends) / sizeof(bends[0]); i++)
    {
        memcpy(bent, example, sizeof(example));
        bent[bends[i].at] = bends[i].value;
        if (0 == i) { memcpy(bent + 28, example + 40, 8); }                     /* the output is its own parent */
        send_raw(foreign, bent, 56);
        assert_int_equal(heard.sets, 1);
    }
    memcpy(bent, example, sizeof(example));
    memcpy(bent + 48, example + 40, 8);                    /* the same parent twice */
    send_raw(foreign, bent, 56);
    memset(bent + 48, 0, 8);
    send_raw(foreign, bent, 56);
    assert_int_equal(heard.sets, 1);
    assert_int_equal(tp_client_trace_received(cr->client, &r), 0);
    assert_int_equal(r.sets, 1);
    assert_int_equal(r.bad_ids, 4);
    assert_true(r.malformed >= 2);
    assert_int_equal(tp_client_set_trace_handlers(cr->client, NULL), 0);
    send_raw(foreign, example, 56);
    assert_int_equal(heard.sets, 1);
    tpi_publication_close(foreign);
}

static void close_when_lost(void *clientd, tp_producer_event_t event, uint64_t epoch, int code, const char *text)
{
    tp_producer_t **producer = clientd;
    (void)epoch;
    (void)code;
    (void)text;
    if (TP_PRODUCER_LOST != event || NULL == *producer) { return; }
    tp_producer_close(*producer);
    *producer = NULL;
}

/* The call turns the conductor, whose callback closes the producer that is being switched on. */
static void producer_may_be_closed_while_tracing_is_switched_on__L2(void **state)
{
    (void)state;
    tp_producer_t *p = NULL;
    tp_trace_stage_t *stage = NULL;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_event_handler(context, close_when_lost, &p), 0);
    p = cr_producer_with(context);
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), 3);
    assert_int_equal(tp_trace_stage_init(&stage, p, TP_TRACE_ROOT), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_null(stage);
    assert_null(p);
    assert_null(cr->client->producers);
}

static void handlers_are_checked(void **state)
{
    (void)state;
    tp_trace_handlers_t handlers = TP_TRACE_HANDLERS_INIT;
    tp_trace_received_t r;
    handlers.size--;
    assert_int_equal(tp_client_set_trace_handlers(cr->client, &handlers), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_client_set_trace_handlers(NULL, NULL), -1);
    assert_int_equal(tp_client_trace_received(NULL, &r), -1);
    assert_int_equal(tp_client_trace_received(cr->client, NULL), -1);
    assert_int_equal(tp_producer_set_trace(NULL, true), -1);
    assert_int_equal(tp_producer_next_trace_id(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ids_tell_when_they_were_made__T_009),
        TEST(without_tracing_the_id_is_0_and_with_it_never__T_027_T_028), TEST(ids_that_the_application_gives_are_kept__W_107),
        TEST(node_id_is_that_of_the_lease__T_013), TEST(configured_node_id_wins__T_012), TEST(tracing_without_any_node_id_is_an_error),
        TEST(attach_fails_where_tracing_is_wanted_and_impossible), TEST(node_ids_that_do_not_fit_are_refused_not_cut__T_011),
        TEST(clients_of_a_process_have_one_node_id_and_one_layout__T_011), TEST(lost_lease_is_asked_for_again_with_the_same_node__T_015_T_029),
        TEST(refused_node_id_is_replaced_after_all_leases_are_lost__T_011_T_015), TEST(closed_producer_leaves_its_node_to_nobody__T_011),
        TEST(later_producer_asks_for_the_node_of_the_process__T_015), TEST(sets_of_published_frames_arrive__T_035_T_036_T_042),
        TEST(sets_of_other_frames_are_refused__T_035_T_036), TEST(sets_that_break_a_rule_are_not_sent__T_038_T_040_T_041_T_050),
        TEST(full_bus_loses_sets_and_nothing_else__T_004_T_005_T_007_T_026), TEST(lost_media_driver_loses_sets_until_it_is_back__T_004_M9),
        TEST(received_sets_are_checked__T_038_T_039_T_040_T_041_T_043_T_050), TEST(producer_may_be_closed_while_tracing_is_switched_on__L2),
        TEST(handlers_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

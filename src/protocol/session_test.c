#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/session.h"

#include <tensor_pool/common/tp_error.h>

#define MS INT64_C(1000000)
#define T0 INT64_C(50000000000)
#define DRIVER 77
#define URI "shm:file?path=/dev/shm/tensorpool/tensorpool-a/default/10000/5/header.ring"
#define POOL_URI "shm:file?path=/dev/shm/tensorpool/tensorpool-a/default/10000/5/1.pool"

typedef struct fixture
{
    tpi_id_source_t ids;
    tpi_session_config_t config;
    tpi_session_t session;
    tpi_session_message_t message;
}
fixture_t;

static int setup(void **state)
{
    static fixture_t f;
    memset(&f, 0, sizeof(f));
    tpi_id_source_init(&f.ids, 1, 2);
    f.config = (tpi_session_config_t){ .stream_id = 10000, .client_id = 42, .role = TP_ROLE_PRODUCER, .publish_mode = TP_PUBLISH_EXISTING_OR_CREATE,
        .desired_node_id = TP_NULL_U32, .keepalive_interval_ns = 1000 * MS, .announce_period_ns = 1000 * MS, .retry_ns = 200 * MS,
        .retry_max_ns = 1000 * MS, .backoff_ns = 100 * MS, .backoff_max_ns = 1000 * MS, .detach_timeout_ns = 500 * MS };
    tpi_session_init(&f.session, &f.config, &f.ids);
    *state = &f;
    return 0;
}

static void restart(fixture_t *f) { tpi_session_init(&f->session, &f->config, &f->ids); }

static tpi_session_action_t turn(fixture_t *f, int64_t now_ns)
{
    const tpi_session_action_t action = tpi_session_next(&f->session, now_ns, &f->message);
    if (TPI_SESSION_SEND_NOTHING != action) { tpi_session_sent(&f->session, action, true, now_ns); }
    return action;
}

static tpc_attach_response_t good(const fixture_t *f, int64_t expiry_ns)
{
    tpc_attach_response_t r = TPC_ATTACH_RESPONSE_INIT;
    r.correlation_id = f->session.correlation_id;
    r.code = TPC_CODE_OK;
    r.lease_id = 900;
    if (0 != expiry_ns) { r.lease_expiry_timestamp_ns = (uint64_t)expiry_ns; }
    r.stream_id = 10000;
    r.epoch = 5;
    r.layout_version = 1;
    r.header_nslots = 8;
    r.header_slot_bytes = 256;
    r.node_id = 3;
    r.pool_count = 1;
    r.pools[0] = (tpc_pool_entry_t){ .pool_id = 1, .pool_nslots = 8, .stride_bytes = 4096, .region_uri = tpc_bytes(POOL_URI) };
    r.header_region_uri = tpc_bytes(URI);
    return r;
}

static tpi_session_event_t answer(fixture_t *f, const tpc_attach_response_t *r, int64_t now_ns)
{
    return tpi_session_on_attach_response(&f->session, r, DRIVER, now_ns);
}

static void attach(fixture_t *f, int64_t expiry_ns)
{
    tpi_session_open(&f->session, T0);
    assert_int_equal(turn(f, T0), TPI_SESSION_SEND_ATTACH);
    const tpc_attach_response_t r = good(f, expiry_ns);
    assert_int_equal(answer(f, &r, T0), TPI_SESSION_ATTACHED);
}

static tpc_attach_response_t refusal(const fixture_t *f, int32_t code, const char *text)
{
    tpc_attach_response_t r = TPC_ATTACH_RESPONSE_INIT;
    r.correlation_id = f->session.correlation_id;
    r.code = code;
    r.error_message = tpc_bytes(text);
    return r;
}

/* ---- ids ---------------------------------------------------------------------------------------------------------------- */

static void ids_of_different_processes_do_not_overlap__D_026_D_036_D_037(void **state)
{
    (void)state;
    uint64_t first[100];
    uint32_t clients[100];
    for (uint64_t i = 0; i < 100; i++)
    {
        tpi_id_source_t ids;
        memset(&ids, 0, sizeof(ids));
        tpi_id_source_init(&ids, i * 3 + 1, i);
        first[i] = (uint64_t)tpi_id_source_correlation(&ids);
        clients[i] = tpi_id_source_client(&ids);
        for (uint64_t j = 0; j < i; j++)
        {
            assert_true(first[i] - first[j] > 1000000 && first[j] - first[i] > 1000000);
            assert_int_not_equal(clients[i], clients[j]);
        }
    }
}

static void ids_in_flight_are_distinct_and_client_ids_not_zero__D_032_D_038(void **state)
{
    fixture_t *f = *state;
    int64_t last = tpi_id_source_correlation(&f->ids);
    for (int i = 0; i < 1000; i++)
    {
        const int64_t id = tpi_id_source_correlation(&f->ids);
        assert_true(id != last);
        last = id;
        const uint32_t client = tpi_id_source_client(&f->ids);
        assert_true(0 != client && TP_NULL_U32 != client);
    }
    f->ids.random = UINT64_C(0x1cd6a9d3661edde1);                            /* the next number begins with 32 zeros */
    assert_int_not_equal(tpi_id_source_client(&f->ids), 0);
    f->ids.random = UINT64_C(0xdf4fdc1b984492d9);                            /* and this one with 32 ones */
    assert_int_not_equal(tpi_id_source_client(&f->ids), TP_NULL_U32);
    f->config.client_id = 0;
    restart(f);
    attach(f, 0);
    assert_true(0 != f->session.lease.client_id);
}

static void ids_of_a_hundred_starts_are_a_hundred__S_027(void **state)
{
    (void)state;
    uint32_t ids[100];
    for (uint64_t i = 0; i < 100; i++)
    {
        tpi_id_source_t source;
        tpi_id_source_init(&source, UINT64_C(0x1000000000000000) + i, i);    /* seeds as close as can be */
        ids[i] = tpi_id_source_client(&source);
        for (uint64_t k = 0; k < i; k++) { assert_int_not_equal(ids[i], ids[k]); }
    }
}

/* ---- attaching ---------------------------------------------------------------------------------------------------------- */

static void request_carries_the_configuration(void **state)
{
    fixture_t *f = *state;
    f->config.hugepages = TP_HUGEPAGES_STANDARD;
    f->config.desired_node_id = 9;
    f->config.expected_layout_version = 1;
    restart(f);
    tpi_session_open(&f->session, T0);
    assert_int_equal(turn(f, T0), TPI_SESSION_SEND_ATTACH);
    assert_int_equal(f->message.attach.stream_id, 10000);
    assert_int_equal(f->message.attach.client_id, 42);
    assert_int_equal(f->message.attach.role, TP_ROLE_PRODUCER);
    assert_int_equal(f->message.attach.publish_mode, TP_PUBLISH_EXISTING_OR_CREATE);
    assert_int_equal(f->message.attach.require_hugepages, TP_HUGEPAGES_STANDARD);
    assert_int_equal(f->message.attach.desired_node_id, 9);
    assert_int_equal(f->message.attach.expected_layout_version, 1);
}

static void unanswered_request_is_repeated_with_its_id_at_growing_intervals__D_028_D_056(void **state)
{
    fixture_t *f = *state;
    tpi_session_open(&f->session, T0);
    assert_int_equal(turn(f, T0), TPI_SESSION_SEND_ATTACH);
    const int64_t id = f->message.attach.correlation_id;
    assert_true(id == f->session.correlation_id);
    int64_t now_ns = T0;
    static const int64_t gaps[] = { 200, 400, 800, 1000, 1000 };
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
    {
        assert_int_equal(turn(f, now_ns + gaps[i] * MS - 1), TPI_SESSION_SEND_NOTHING);
        now_ns += gaps[i] * MS;
        assert_int_equal(turn(f, now_ns), TPI_SESSION_SEND_ATTACH);
        assert_int_equal(f->message.attach.correlation_id, id);
    }
}

static void request_the_bus_refused_is_tried_again_soon(void **state)
{
    fixture_t *f = *state;
    tpi_session_open(&f->session, T0);
    assert_int_equal(tpi_session_next(&f->session, T0, &f->message), TPI_SESSION_SEND_ATTACH);
    tpi_session_sent(&f->session, TPI_SESSION_SEND_ATTACH, false, T0);
    assert_int_equal(turn(f, T0 + 20 * MS), TPI_SESSION_SEND_ATTACH);
}

static void first_ok_counts_and_no_later_answer_changes_it__D_039_D_040(void **state)
{
    fixture_t *f = *state;
    tpi_session_open(&f->session, T0);
    (void)turn(f, T0);
    tpc_attach_response_t r = good(f, 0);
    assert_int_equal(answer(f, &r, T0), TPI_SESSION_ATTACHED);
    assert_int_equal(f->session.lease.lease_id, 900);
    r.lease_id = 901;
    assert_int_equal(answer(f, &r, T0), TPI_SESSION_NOTHING);
    assert_int_equal(f->session.lease.lease_id, 900);
    const tpc_attach_response_t no = refusal(f, TPC_CODE_REJECTED, "driver draining");
    assert_int_equal(answer(f, &no, T0), TPI_SESSION_NOTHING);
    assert_true(tpi_session_is_leased(&f->session));
    assert_int_equal(f->session.ignored, 2);
}

static void answers_to_others_and_before_any_request_are_ignored(void **state)
{
    fixture_t *f = *state;
    tpi_session_open(&f->session, T0);
    tpc_attach_response_t r = good(f, 0);
    assert_int_equal(answer(f, &r, T0), TPI_SESSION_NOTHING);
    (void)turn(f, T0);
    r.correlation_id++;
    assert_int_equal(answer(f, &r, T0), TPI_SESSION_NOTHING);
    assert_int_equal(f->session.state, TPI_SESSION_ATTACHING);
}

static void refusal_backs_off_and_asks_again_with_a_new_id__W_194(void **state)
{
    fixture_t *f = *state;
    int64_t now_ns = T0;
    tpi_session_open(&f->session, now_ns);
    for (int64_t delay = 100; delay <= 1600; delay *= 2)
    {
        assert_int_equal(turn(f, now_ns), TPI_SESSION_SEND_ATTACH);
        const int64_t id = f->session.correlation_id;
        const tpc_attach_response_t no = refusal(f, TPC_CODE_INTERNAL_ERROR, "shm creation failed");
        assert_int_equal(answer(f, &no, now_ns), TPI_SESSION_REFUSED);
        assert_int_equal(f->session.code, TP_EDRIVER);
        const int64_t expected = delay > 1000 ? 1000 : delay;
        assert_int_equal(turn(f, now_ns + expected * MS - 1), TPI_SESSION_SEND_NOTHING);
        now_ns += expected * MS;
        assert_int_equal(tpi_session_next(&f->session, now_ns, &f->message), TPI_SESSION_SEND_ATTACH);
        assert_true(f->message.attach.correlation_id != id);
    }
}

static void refusals_have_codes_of_their_own(void **state)
{
    (void)state;
    static const struct { int32_t code; const char *text; int expected; } rows[] = {
        { TPC_CODE_REJECTED, "client_id already attached", TP_ECLIENTID }, { TPC_CODE_REJECTED, "producer already attached", TP_EPRODUCER },
        { TPC_CODE_REJECTED, "stream not provisioned", TP_ENOSTREAM }, { TPC_CODE_REJECTED, "driver draining", TP_EDRAINING },
        { TPC_CODE_REJECTED, "layout_version mismatch", TP_ELAYOUT }, { TPC_CODE_REJECTED, "hugepages not available", TP_EPAGES },
        { TPC_CODE_REJECTED, "standard pages not available", TP_EPAGES }, { TPC_CODE_REJECTED, "desired node_id unavailable", TP_ENODEID },
        { TPC_CODE_REJECTED, "node_id unavailable", TP_ENODEID }, { TPC_CODE_REJECTED, "something else", TP_EREJECTED },
        { TPC_CODE_REJECTED, "client_id already attached.", TP_EREJECTED }, { TPC_CODE_INVALID_PARAMS, "client_id already attached",
            TP_EINVALPARAMS },
        { TPC_CODE_UNSUPPORTED, "", TP_EUNSUPPORTED }, { TPC_CODE_INTERNAL_ERROR, "", TP_EDRIVER }, { 5, "", TP_EPROTOCOL },
        { TPC_CODE_NULL, "", TP_EPROTOCOL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    {
        assert_int_equal(tpi_session_refusal_code(rows[i].code, tpc_bytes(rows[i].text)), rows[i].expected);
    }
}

static void chosen_client_id_is_replaced_when_it_is_taken__D_033(void **state)
{
    fixture_t *f = *state;
    f->config.client_id = 0;
    restart(f);
    tpi_session_open(&f->session, T0);
    (void)turn(f, T0);
    const uint32_t before = f->message.attach.client_id;
    const tpc_attach_response_t no = refusal(f, TPC_CODE_REJECTED, "client_id already attached");
    assert_int_equal(answer(f, &no, T0), TPI_SESSION_REFUSED);
    assert_int_equal(turn(f, T0 + 50 * MS), TPI_SESSION_SEND_NOTHING);
    assert_int_equal(turn(f, T0 + 100 * MS), TPI_SESSION_SEND_ATTACH);
    assert_true(f->message.attach.client_id != before);
    assert_true(f->message.attach.client_id != 0);
}

static void configured_client_id_stays(void **state)
{
    fixture_t *f = *state;
    tpi_session_open(&f->session, T0);
    (void)turn(f, T0);
    const tpc_attach_response_t no = refusal(f, TPC_CODE_REJECTED, "client_id already attached");
    assert_int_equal(answer(f, &no, T0), TPI_SESSION_REFUSED);
    assert_int_equal(turn(f, T0 + 100 * MS), TPI_SESSION_SEND_ATTACH);
    assert_int_equal(f->message.attach.client_id, 42);
}

/* ---- validation of answers ---------------------------------------------------------------------------------------------- */

typedef void (*breaker_t)(tpc_attach_response_t *r);
static void null_lease(tpc_attach_response_t *r) { r->lease_id = TP_NULL_U64; }
static void null_stream(tpc_attach_response_t *r) { r->stream_id = TP_NULL_U32; }
static void null_epoch(tpc_attach_response_t *r) { r->epoch = TP_NULL_U64; }
static void zero_epoch(tpc_attach_response_t *r) { r->epoch = 0; }
static void null_layout(tpc_attach_response_t *r) { r->layout_version = TP_NULL_U32; }
static void null_nslots(tpc_attach_response_t *r) { r->header_nslots = TP_NULL_U32; }
static void null_slot_bytes(tpc_attach_response_t *r) { r->header_slot_bytes = UINT16_MAX; }
static void small_slots(tpc_attach_response_t *r) { r->header_slot_bytes = 128; }
static void no_pools(tpc_attach_response_t *r) { r->pool_count = 0; }
static void other_nslots(tpc_attach_response_t *r) { r->pools[0].pool_nslots = 16; }
static void empty_header_uri(tpc_attach_response_t *r) { r->header_region_uri.length = 0; }
static void empty_pool_uri(tpc_attach_response_t *r) { r->pools[0].region_uri.length = 0; }
static void blank_uri(tpc_attach_response_t *r) { r->header_region_uri = tpc_bytes(" "); }
static void relative_uri(tpc_attach_response_t *r) { r->pools[0].region_uri = tpc_bytes("shm:file?path=relative"); }
static void unknown_code(tpc_attach_response_t *r) { r->code = 99; }

static void broken_answers_are_refused_and_asked_for_again__D_076_D_077_D_078_D_079_D_080_D_081_D_082(void **state)
{
    fixture_t *f = *state;
    static const breaker_t breakers[] = { null_lease, null_stream, null_epoch, zero_epoch, null_layout, null_nslots, null_slot_bytes, small_slots,
        no_pools, other_nslots, empty_header_uri, empty_pool_uri, blank_uri, relative_uri, unknown_code };
    for (size_t i = 0; i < sizeof(breakers) / sizeof(breakers[0]); i++)
    {
        restart(f);
        tpi_session_open(&f->session, T0);
        (void)turn(f, T0);
        tpc_attach_response_t r = good(f, 0);
        breakers[i](&r);
        assert_int_equal(answer(f, &r, T0), TPI_SESSION_BROKEN);
        assert_int_equal(f->session.code, TP_EPROTOCOL);
        assert_false(tpi_session_is_leased(&f->session));
        tpi_session_action_t action = turn(f, T0 + 100 * MS);
        if (TPI_SESSION_SEND_DETACH == action)                 /* the lease it granted is handed back first */
        {
            assert_int_equal(f->message.detach.lease_id, 900);
            action = turn(f, T0 + 100 * MS);
        }
        assert_int_equal(action, TPI_SESSION_SEND_ATTACH);
    }
}

/* ---- the lease ---------------------------------------------------------------------------------------------------------- */

static void lease_ends_at_its_deadline__D_103(void **state)
{
    fixture_t *f = *state;
    attach(f, T0 + 3000 * MS);
    tpi_session_driver_alive(&f->session, T0 + 3000 * MS);
    assert_int_equal(tpi_session_check(&f->session, T0 + 3000 * MS), TPI_SESSION_NOTHING);
    assert_int_equal(tpi_session_valid_until_ns(&f->session), T0 + 3000 * MS);
    assert_int_equal(tpi_session_check(&f->session, T0 + 3000 * MS + 1), TPI_SESSION_LOST);
    assert_int_equal(f->session.code, TP_ELEASE);
    assert_false(tpi_session_is_leased(&f->session));
}

static void keepalive_moves_the_deadline_only_when_the_bus_took_it__P5_D_099_D_100(void **state)
{
    fixture_t *f = *state;
    attach(f, T0 + 3000 * MS);
    assert_int_equal(turn(f, T0 + 1000 * MS - 1), TPI_SESSION_SEND_NOTHING);
    assert_int_equal(tpi_session_next(&f->session, T0 + 1000 * MS, &f->message), TPI_SESSION_SEND_KEEPALIVE);
    assert_int_equal(f->message.keepalive.lease_id, 900);
    assert_int_equal(f->message.keepalive.stream_id, 10000);
    assert_int_equal(f->message.keepalive.client_id, 42);
    assert_int_equal(f->message.keepalive.role, TP_ROLE_PRODUCER);
    tpi_session_sent(&f->session, TPI_SESSION_SEND_KEEPALIVE, false, T0 + 1000 * MS);
    assert_int_equal(f->session.deadline_ns, T0 + 3000 * MS);
    assert_int_equal(turn(f, T0 + 1010 * MS), TPI_SESSION_SEND_KEEPALIVE);
    assert_int_equal(f->session.deadline_ns, T0 + 4010 * MS);
    assert_int_equal(turn(f, T0 + 2009 * MS), TPI_SESSION_SEND_NOTHING);
    assert_int_equal(turn(f, T0 + 2010 * MS), TPI_SESSION_SEND_KEEPALIVE);
}

static void keepalives_that_the_bus_never_takes_end_the_lease_and_another_attach_follows__D_108(void **state)
{
    fixture_t *f = *state;
    attach(f, T0 + 3000 * MS);
    for (int64_t at = T0 + 1000 * MS; at <= T0 + 3000 * MS; at += 50 * MS)
    {
        assert_int_equal(tpi_session_next(&f->session, at, &f->message), TPI_SESSION_SEND_KEEPALIVE);
        tpi_session_sent(&f->session, TPI_SESSION_SEND_KEEPALIVE, false, at);
        tpi_session_driver_alive(&f->session, at);
        assert_int_equal(tpi_session_check(&f->session, at), TPI_SESSION_NOTHING);
    }
    assert_int_equal(tpi_session_check(&f->session, T0 + 3000 * MS + 1), TPI_SESSION_LOST);
    assert_int_equal(turn(f, T0 + 3200 * MS), TPI_SESSION_SEND_DETACH);       /* should the driver be there after all */
    assert_int_equal(turn(f, T0 + 3200 * MS), TPI_SESSION_SEND_ATTACH);
}

static void keepalives_come_at_least_three_times_a_lease__D_099(void **state)
{
    fixture_t *f = *state;
    attach(f, T0 + 600 * MS);
    assert_int_equal(turn(f, T0 + 200 * MS - 1), TPI_SESSION_SEND_NOTHING);
    assert_int_equal(turn(f, T0 + 200 * MS), TPI_SESSION_SEND_KEEPALIVE);
    assert_int_equal(turn(f, T0 + 400 * MS), TPI_SESSION_SEND_KEEPALIVE);
}

static tpc_lease_revoked_t notice(uint64_t lease, uint32_t stream, uint8_t role, uint8_t reason)
{
    tpc_lease_revoked_t m = TPC_LEASE_REVOKED_INIT;
    m.lease_id = lease;
    m.stream_id = stream;
    m.client_id = 42;
    m.role = role;
    m.reason = reason;
    return m;
}

static void lease_without_expiry_still_gets_keepalives__D_104(void **state)
{
    fixture_t *f = *state;
    attach(f, T0 + 3000 * MS);                                               /* an earlier lease had one */
    const tpc_lease_revoked_t own = notice(900, 10000, TP_ROLE_PRODUCER, TPC_REVOKE_REVOKED);
    assert_int_equal(tpi_session_on_revoked(&f->session, &own, T0), TPI_SESSION_LOST);
    assert_int_equal(turn(f, T0 + 100 * MS), TPI_SESSION_SEND_ATTACH);
    const tpc_attach_response_t r = good(f, 0);
    assert_int_equal(answer(f, &r, T0), TPI_SESSION_ATTACHED);
    assert_int_equal(f->session.deadline_ns, INT64_MAX);
    for (int i = 1; i <= 10; i++)
    {
        tpi_session_driver_alive(&f->session, T0 + i * 1000 * MS);
        assert_int_equal(turn(f, T0 + i * 1000 * MS), TPI_SESSION_SEND_KEEPALIVE);
        assert_int_equal(tpi_session_check(&f->session, T0 + i * 1000 * MS), TPI_SESSION_NOTHING);
    }
}

static void accepted_keepalives_prove_nothing_about_the_driver__D_155(void **state)
{
    fixture_t *f = *state;
    attach(f, T0 + 3000 * MS);
    int64_t now_ns = T0;
    for (int i = 1; i <= 3; i++)
    {
        now_ns = T0 + i * 1000 * MS;
        assert_int_equal(turn(f, now_ns), TPI_SESSION_SEND_KEEPALIVE);
    }
    assert_int_equal(tpi_session_check(&f->session, T0 + 3000 * MS), TPI_SESSION_NOTHING);
    assert_int_equal(tpi_session_check(&f->session, T0 + 3000 * MS + 1), TPI_SESSION_LOST);
    assert_int_equal(f->session.code, TP_ENODRIVER);
}

static void announces_keep_the_lease_alive__D_155(void **state)
{
    fixture_t *f = *state;
    attach(f, T0 + 3000 * MS);
    for (int i = 1; i <= 20; i++)
    {
        const int64_t now_ns = T0 + i * 1000 * MS;
        tpi_session_driver_alive(&f->session, now_ns);
        assert_int_equal(turn(f, now_ns), TPI_SESSION_SEND_KEEPALIVE);
        assert_int_equal(tpi_session_check(&f->session, now_ns), TPI_SESSION_NOTHING);
    }
    assert_int_equal(f->session.deadline_ns, T0 + 23000 * MS);
}

static void silence_is_judged_by_the_longer_of_lease_and_three_periods__D_155(void **state)
{
    fixture_t *f = *state;
    attach(f, T0 + 10000 * MS);
    assert_int_equal(tpi_session_check(&f->session, T0 + 10000 * MS), TPI_SESSION_NOTHING);
    assert_int_equal(tpi_session_check(&f->session, T0 + 10000 * MS + 1), TPI_SESSION_LOST);
}

/* ---- the end of a lease ------------------------------------------------------------------------------------------------- */

static void foreign_and_unknown_revocations_change_nothing__P12_D_118_D_121_D_122(void **state)
{
    fixture_t *f = *state;
    attach(f, 0);
    const tpc_lease_revoked_t foreign[] = { notice(901, 10000, TP_ROLE_PRODUCER, 3), notice(900, 10001, TP_ROLE_PRODUCER, 3),
        notice(900, 10000, TP_ROLE_CONSUMER, 3), notice(900, 10000, TP_ROLE_PRODUCER, 0), notice(900, 10000, TP_ROLE_PRODUCER, 4),
        notice(900, 10000, TP_ROLE_PRODUCER, 9), notice(900, 10000, 9, 3), notice(900, 10000, 0, 3) };
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
    {
        assert_int_equal(tpi_session_on_revoked(&f->session, &foreign[i], T0), TPI_SESSION_NOTHING);
        assert_true(tpi_session_is_leased(&f->session));
    }
}

static void own_revocation_ends_the_lease_once_and_attaches_again__D_030_D_031_D_115_D_116(void **state)
{
    fixture_t *f = *state;
    for (uint8_t reason = TPC_REVOKE_DETACHED; reason <= TPC_REVOKE_REVOKED; reason++)
    {
        restart(f);
        attach(f, 0);
        const tpc_lease_revoked_t own = notice(900, 10000, TP_ROLE_PRODUCER, reason);
        assert_int_equal(tpi_session_on_revoked(&f->session, &own, T0), TPI_SESSION_LOST);
        assert_int_equal(f->session.code, TP_ELEASE);
        assert_int_equal(tpi_session_on_revoked(&f->session, &own, T0), TPI_SESSION_NOTHING);
        assert_int_equal(turn(f, T0 + 99 * MS), TPI_SESSION_SEND_NOTHING);
        assert_int_equal(turn(f, T0 + 100 * MS), TPI_SESSION_SEND_ATTACH);
    }
}

static void shutdown_counts_from_the_own_driver_only__P12_D_153_D_154_D_158(void **state)
{
    fixture_t *f = *state;
    tpc_driver_shutdown_t m = TPC_DRIVER_SHUTDOWN_INIT;
    attach(f, 0);
    m.reason = TPC_SHUTDOWN_NORMAL;
    assert_int_equal(tpi_session_on_shutdown(&f->session, &m, DRIVER + 1, T0), TPI_SESSION_NOTHING);
    m.reason = 3;
    assert_int_equal(tpi_session_on_shutdown(&f->session, &m, DRIVER, T0), TPI_SESSION_NOTHING);
    m.reason = TPC_SHUTDOWN_ADMIN;
    assert_int_equal(tpi_session_on_shutdown(&f->session, &m, DRIVER, T0), TPI_SESSION_LOST);
    assert_int_equal(f->session.code, TP_ESHUTDOWN);
    assert_int_equal(turn(f, T0 + 99 * MS), TPI_SESSION_SEND_NOTHING);       /* keepalives have stopped */
    assert_int_equal(turn(f, T0 + 100 * MS), TPI_SESSION_SEND_ATTACH);       /* D-154 */
}

static void new_driver_is_asked_at_once__D_154_D_158(void **state)
{
    fixture_t *f = *state;
    attach(f, T0 + 3000 * MS);
    const int64_t id = f->session.correlation_id;
    assert_int_equal(tpi_session_driver_gone(&f->session, TP_ENODRIVER, "gone", T0 + 5), TPI_SESSION_LOST);
    assert_int_equal(turn(f, T0 + 5), TPI_SESSION_SEND_ATTACH);
    assert_true(f->message.attach.correlation_id != id);
    assert_int_equal(tpi_session_driver_gone(&f->session, TP_ENODRIVER, "again", T0 + 6), TPI_SESSION_NOTHING);
    assert_int_equal(turn(f, T0 + 6), TPI_SESSION_SEND_ATTACH);
}

static void unusable_lease_is_handed_back_before_the_next_attach__D_082(void **state)
{
    fixture_t *f = *state;
    attach(f, 0);
    tpi_session_abandon(&f->session, TP_EREGION, "cannot be mapped", T0);
    assert_int_equal(tpi_session_next(&f->session, T0, &f->message), TPI_SESSION_SEND_DETACH);
    assert_int_equal(f->message.detach.lease_id, 900);
    tpi_session_sent(&f->session, TPI_SESSION_SEND_DETACH, false, T0);
    assert_int_equal(turn(f, T0 + 100 * MS), TPI_SESSION_SEND_DETACH);
    assert_int_equal(turn(f, T0 + 100 * MS), TPI_SESSION_SEND_ATTACH);
}

static void close_detaches_and_waits_for_the_answer_or_the_timeout(void **state)
{
    fixture_t *f = *state;
    attach(f, 0);
    tpi_session_close(&f->session, T0);
    assert_int_equal(turn(f, T0), TPI_SESSION_SEND_DETACH);
    assert_int_equal(f->message.detach.lease_id, 900);
    assert_int_equal(f->message.detach.stream_id, 10000);
    assert_int_equal(f->message.detach.client_id, 42);
    assert_int_equal(f->message.detach.role, TP_ROLE_PRODUCER);
    assert_int_equal(turn(f, T0 + 1), TPI_SESSION_SEND_NOTHING);
    tpc_detach_response_t r = TPC_DETACH_RESPONSE_INIT;
    r.correlation_id = f->session.correlation_id + 1;
    assert_int_equal(tpi_session_on_detach_response(&f->session, &r, T0), TPI_SESSION_NOTHING);
    r.correlation_id--;
    r.code = TPC_CODE_OK;
    assert_int_equal(tpi_session_on_detach_response(&f->session, &r, T0), TPI_SESSION_DETACHED);
    assert_int_equal(f->session.state, TPI_SESSION_CLOSED);
    restart(f);
    attach(f, 0);
    tpi_session_close(&f->session, T0);
    (void)turn(f, T0);
    assert_int_equal(tpi_session_check(&f->session, T0 + 500 * MS - 1), TPI_SESSION_NOTHING);
    assert_int_equal(tpi_session_check(&f->session, T0 + 500 * MS), TPI_SESSION_DETACHED);
    restart(f);
    tpi_session_open(&f->session, T0);
    tpi_session_close(&f->session, T0);
    assert_int_equal(f->session.state, TPI_SESSION_CLOSED);
    assert_int_equal(turn(f, T0), TPI_SESSION_SEND_NOTHING);
}

static void close_during_a_request_hands_back_what_it_brings(void **state)
{
    fixture_t *f = *state;
    tpi_session_open(&f->session, T0);
    assert_int_equal(turn(f, T0), TPI_SESSION_SEND_ATTACH);
    tpc_attach_response_t r = good(f, 0);
    tpi_session_close(&f->session, T0);
    assert_int_equal(turn(f, T0 + 400 * MS), TPI_SESSION_SEND_NOTHING);            /* not asked again */
    r.correlation_id++;
    assert_int_equal(answer(f, &r, T0 + 400 * MS), TPI_SESSION_NOTHING);
    assert_int_equal(turn(f, T0 + 400 * MS), TPI_SESSION_SEND_NOTHING);
    r.correlation_id--;
    assert_int_equal(answer(f, &r, T0 + 400 * MS), TPI_SESSION_NOTHING);
    assert_int_equal(turn(f, T0 + 400 * MS), TPI_SESSION_SEND_DETACH);
    assert_int_equal(f->message.detach.lease_id, 900);
    assert_int_equal(f->message.detach.stream_id, 10000);
    assert_int_equal(f->message.detach.role, TP_ROLE_PRODUCER);
    restart(f);
    tpi_session_open(&f->session, T0);
    (void)turn(f, T0);
    r = refusal(f, TPC_CODE_REJECTED, "no");
    tpi_session_close(&f->session, T0);
    assert_int_equal(answer(f, &r, T0), TPI_SESSION_DETACHED);
    assert_int_equal(f->session.state, TPI_SESSION_CLOSED);
    restart(f);
    tpi_session_open(&f->session, T0);
    (void)turn(f, T0);
    tpi_session_close(&f->session, T0);
    assert_int_equal(tpi_session_check(&f->session, T0 + 500 * MS - 1), TPI_SESSION_NOTHING);
    assert_int_equal(tpi_session_check(&f->session, T0 + 500 * MS), TPI_SESSION_DETACHED);
    restart(f);
    tpi_session_open(&f->session, T0);
    (void)turn(f, T0);
    tpi_session_close(&f->session, T0);
    assert_int_equal(tpi_session_driver_gone(&f->session, TP_ENODRIVER, "gone", T0), TPI_SESSION_DETACHED);
    assert_int_equal(f->session.state, TPI_SESSION_CLOSED);
}

static void lease_id_is_64_bits_without_meaning__D_020(void **state)
{
    fixture_t *f = *state;
    static const uint64_t ids[] = { 1, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 1 };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
    {
        restart(f);
        tpi_session_open(&f->session, T0);
        (void)turn(f, T0);
        tpc_attach_response_t r = good(f, 0);
        r.lease_id = ids[i];
        assert_int_equal(answer(f, &r, T0), TPI_SESSION_ATTACHED);
        assert_int_equal(turn(f, T0 + 1000 * MS), TPI_SESSION_SEND_KEEPALIVE);
        assert_true(ids[i] == f->message.keepalive.lease_id);
        tpi_session_close(&f->session, T0 + 1000 * MS);
        assert_int_equal(turn(f, T0 + 1000 * MS), TPI_SESSION_SEND_DETACH);
        assert_true(ids[i] == f->message.detach.lease_id);
    }
}

static void granted_dynamic_stream_is_asked_for_again(void **state)
{
    fixture_t *f = *state;
    f->config.stream_id = 0;
    restart(f);
    tpi_session_open(&f->session, T0);
    (void)turn(f, T0);
    assert_int_equal(f->message.attach.stream_id, 0);
    tpc_attach_response_t r = good(f, 0);
    r.stream_id = 20005;
    assert_int_equal(answer(f, &r, T0), TPI_SESSION_ATTACHED);
    (void)tpi_session_driver_gone(&f->session, TP_ENODRIVER, "gone", T0);
    assert_int_equal(turn(f, T0), TPI_SESSION_SEND_ATTACH);
    assert_int_equal(f->message.attach.stream_id, 20005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ids_of_different_processes_do_not_overlap__D_026_D_036_D_037, setup),
        cmocka_unit_test(ids_of_a_hundred_starts_are_a_hundred__S_027),
        cmocka_unit_test_setup(ids_in_flight_are_distinct_and_client_ids_not_zero__D_032_D_038, setup),
        cmocka_unit_test_setup(request_carries_the_configuration, setup),
        cmocka_unit_test_setup(unanswered_request_is_repeated_with_its_id_at_growing_intervals__D_028_D_056, setup),
        cmocka_unit_test_setup(request_the_bus_refused_is_tried_again_soon, setup),
        cmocka_unit_test_setup(first_ok_counts_and_no_later_answer_changes_it__D_039_D_040, setup),
        cmocka_unit_test_setup(answers_to_others_and_before_any_request_are_ignored, setup),
        cmocka_unit_test_setup(refusal_backs_off_and_asks_again_with_a_new_id__W_194, setup),
        cmocka_unit_test_setup(refusals_have_codes_of_their_own, setup),
        cmocka_unit_test_setup(chosen_client_id_is_replaced_when_it_is_taken__D_033, setup),
        cmocka_unit_test_setup(configured_client_id_stays, setup),
        cmocka_unit_test_setup(broken_answers_are_refused_and_asked_for_again__D_076_D_077_D_078_D_079_D_080_D_081_D_082, setup),
        cmocka_unit_test_setup(lease_ends_at_its_deadline__D_103, setup),
        cmocka_unit_test_setup(keepalives_that_the_bus_never_takes_end_the_lease_and_another_attach_follows__D_108, setup),
        cmocka_unit_test_setup(keepalive_moves_the_deadline_only_when_the_bus_took_it__P5_D_099_D_100, setup),
        cmocka_unit_test_setup(keepalives_come_at_least_three_times_a_lease__D_099, setup),
        cmocka_unit_test_setup(lease_without_expiry_still_gets_keepalives__D_104, setup),
        cmocka_unit_test_setup(accepted_keepalives_prove_nothing_about_the_driver__D_155, setup),
        cmocka_unit_test_setup(announces_keep_the_lease_alive__D_155, setup),
        cmocka_unit_test_setup(silence_is_judged_by_the_longer_of_lease_and_three_periods__D_155, setup),
        cmocka_unit_test_setup(foreign_and_unknown_revocations_change_nothing__P12_D_118_D_121_D_122, setup),
        cmocka_unit_test_setup(own_revocation_ends_the_lease_once_and_attaches_again__D_030_D_031_D_115_D_116, setup),
        cmocka_unit_test_setup(shutdown_counts_from_the_own_driver_only__P12_D_153_D_154_D_158, setup),
        cmocka_unit_test_setup(new_driver_is_asked_at_once__D_154_D_158, setup),
        cmocka_unit_test_setup(unusable_lease_is_handed_back_before_the_next_attach__D_082, setup),
        cmocka_unit_test_setup(close_detaches_and_waits_for_the_answer_or_the_timeout, setup),
        cmocka_unit_test_setup(close_during_a_request_hands_back_what_it_brings, setup),
        cmocka_unit_test_setup(lease_id_is_64_bits_without_meaning__D_020, setup),
        cmocka_unit_test_setup(granted_dynamic_stream_is_asked_for_again, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

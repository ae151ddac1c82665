/* Another configuration while the driver runs (docs/spec/95-local-extensions.md section 5). */
#include "driver_rig.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "common/alloc.h"
#include "common/err.h"
#include "config/driver_rows.h"
#include "driver/driver_admin.h"

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER

static tp_driver_config_t next;        /* what is applied; freed by teardown */
static tpi_reload_report_t report;

static int reload_setup(void **state)
{
    if (0 != rig_setup(state)) { return -1; }
    memset(&report, 0, sizeof(report));
    return tpi_driver_config_copy(&next, &rig->config);
}

static int reload_teardown(void **state)
{
    tpi_reload_report_fini(&report);
    tp_driver_config_fini(&next);
    return rig_teardown(state);
}

static void apply(void)
{
    tpi_reload_report_fini(&report);
    if (tpi_driver_apply(rig->driver, &next, &report, rig->now_ns) < 0) { fail_msg("not applied: %s", tp_errmsg()); }
    rig_settle();
}

static void refused(int code, const char *part)
{
    assert_int_equal(tpi_driver_apply(rig->driver, &next, &report, rig->now_ns), -1);
    assert_int_equal(tp_errcode(), code);
    if (NULL == strstr(tp_errmsg(), part)) { fail_msg("'%s' without '%s'", tp_errmsg(), part); }
    assert_null(report.added.ids);
    rig_settle();
}

/* tp_driver_config_add_stream with room that the copy has not. */
static void add_stream(const char *name, uint32_t id, const char *profile) { assert_non_null(tp_driver_config_add_stream(&next, name, id, profile)); }

static void remove_stream(uint32_t id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < next.stream_count; i++)
    {
        if (next.streams[i].stream_id != id) { next.streams[kept++] = next.streams[i]; }
    }
    next.stream_count = kept;
}

static int32_t code_of(uint8_t role, uint32_t client_id, uint32_t stream_id, uint8_t mode)
{
    tpc_attach_request_t request = rig_request(role, client_id, stream_id);
    request.publish_mode = mode;
    return rig_ask(&request).code;
}

static int revocations(void) { return rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED); }

/* ---- geometry -------------------------------------------------------------------------------------------------------------- */

static void another_geometry_raises_the_epoch_before_anybody_sees_it__D_133(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t p = rig_attach(PRODUCER, 42, 10000);
    const tpc_attach_response_t c = rig_attach(CONSUMER, 43, 10000);
    const uint64_t lease_id = p.lease_id;
    const uint64_t epoch = c.epoch;
    const uint64_t other = rig_attach(CONSUMER, 44, 10001).epoch;
    rig_forget_events();
    next.profiles[0].header_nslots = 16;
    apply();
    assert_int_equal(report.raised.count, 2);
    assert_int_equal(report.restart_count, 0);
    assert_int_equal(revocations(), 1);                        /* the producer's; consumers follow the announce */
    assert_int_equal(rig_last_revoked().lease_id, lease_id);
    assert_int_equal(rig_last_revoked().reason, TPC_REVOKE_REVOKED);
    const tpc_pool_announce_t a = rig_last_announce(10000);
    assert_int_equal(a.stream_id, 10000);
    assert_true(a.epoch > epoch);
    assert_int_equal(a.header_nslots, 16);
    assert_int_equal(a.producer_id, 0);
    assert_int_equal(a.pools[1].pool_nslots, 16);
    assert_true(rig_last_announce(10001).epoch > other);
    for (size_t i = 0; i < rig->event_count; i++)              /* nobody sees a new geometry with an old epoch */
    {
        tpc_pool_announce_t one;
        if (TPC_OK != tpc_pool_announce_decode(&one, rig->events[i].data, rig->events[i].length)) { continue; }
        assert_int_equal(one.header_nslots, one.epoch > (10000 == one.stream_id ? epoch : other) ? 16 : 8);
    }
    tpc_superblock_t superblock;
    rig_read_superblock(a.header_region_uri, &superblock);
    assert_int_equal(superblock.nslots, 16);
    assert_int_equal(superblock.epoch, a.epoch);
    const uint64_t raised = a.epoch;
    const tpc_attach_response_t again = rig_attach(PRODUCER, 42, 10000);
    assert_true(again.epoch > raised);
    assert_int_equal(again.header_nslots, 16);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 3);
}

static void the_same_file_again_changes_nothing__M7(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t p = rig_attach(PRODUCER, 42, 10000);
    const uint64_t epoch = p.epoch;
    rig_forget_events();
    apply();
    assert_int_equal(report.changed_count + report.restart_count + report.added.count + report.removed.count + report.raised.count, 0);
    assert_int_equal(revocations(), 0);
    rig_step(1000 * MS);
    assert_int_equal(rig_last_announce(10000).epoch, epoch);
    assert_int_equal(rig_last_announce(10000).producer_id, 42);
}

static void only_streams_of_the_changed_profile_get_a_new_epoch__D_133(void **state)
{
    (void)state;
    rig_start();
    const uint64_t left = rig_attach(PRODUCER, 42, 10000).epoch;
    const uint64_t right = rig_attach(PRODUCER, 43, 10001).epoch;
    tp_profile_config_t *const q = tp_driver_config_add_profile(&next, "q");
    assert_non_null(q);
    q->header_nslots = 8;
    q->pool_count = 2;
    q->pools[0] = (tp_pool_config_t){ 1, 4096 };
    q->pools[1] = (tp_pool_config_t){ 8, 65536 };              /* another pool id is another geometry */
    (void)snprintf(next.streams[1].profile, sizeof(next.streams[1].profile), "q");
    apply();
    rig_step(1000 * MS);
    assert_int_equal(report.raised.count, 1);
    assert_int_equal(report.raised.ids[0], 10001);
    assert_int_equal(rig_last_announce(10000).epoch, left);
    assert_true(rig_last_announce(10001).epoch > right);
    assert_int_equal(rig_last_announce(10001).pools[1].pool_id, 8);
    (void)snprintf(next.profiles[1].name, sizeof(next.profiles[1].name), "r");
    (void)snprintf(next.streams[1].profile, sizeof(next.streams[1].profile), "r");
    apply();                                                   /* the same geometry by another name */
    assert_int_equal(report.raised.count, 0);
    assert_int_equal(report.profile_count, 2);
    assert_string_equal(report.profiles[0], "r");
    assert_string_equal(report.profiles[1], "q");
}

static void a_stream_without_regions_just_takes_the_new_geometry__D_133(void **state)
{
    (void)state;
    rig_start();
    next.profiles[0].pools[0].stride_bytes = 8192;
    apply();
    assert_int_equal(report.raised.count, 2);
    assert_int_equal(report.profile_count, 1);
    assert_string_equal(report.profiles[0], "p");
    assert_int_equal(rig_announces(10000), 0);
    assert_int_equal(rig_attach(PRODUCER, 42, 10000).pools[0].stride_bytes, 8192);
}

static void a_creation_under_way_is_done_again_with_the_new_geometry__D_133(void **state)
{
    (void)state;
    uint64_t epochs[64];
    rig->options.worker = TPI_WORKER_MANUAL;
    rig_start();
    const tpc_attach_request_t request = rig_request(PRODUCER, 42, 10000);
    rig_send_attach(&request);
    rig_settle();
    next.profiles[0].header_nslots = 32;
    apply();
    tpc_attach_response_t r;
    assert_int_equal(tpi_driver_run_jobs(rig->driver, 1), 1);
    rig_settle();
    assert_false(rig_response(request.correlation_id, &r));
    assert_int_equal(rig_announces(10000), 0);
    while (tpi_driver_run_jobs(rig->driver, 8) > 0) { rig_settle(); }
    assert_true(rig_response(request.correlation_id, &r));
    assert_int_equal(r.code, TPC_CODE_OK);
    assert_int_equal(r.header_nslots, 32);
    assert_int_equal(rig_epochs(10000, epochs), 1);            /* that of the old geometry is gone */
    assert_int_equal(epochs[0], r.epoch);
}

static void a_creation_that_fails_does_not_keep_the_old_geometry__D_133(void **state)
{
    (void)state;
    char dir[256];
    rig->options.worker = TPI_WORKER_MANUAL;
    rig_start();
    const tpc_attach_request_t c = rig_request(CONSUMER, 7, 10000);
    rig_send_attach(&c);
    rig_settle();
    while (tpi_driver_run_jobs(rig->driver, 64) > 0) { rig_settle(); }
    const uint64_t epoch = rig_last_announce(10000).epoch;
    const tpc_attach_request_t p = rig_request(PRODUCER, 42, 10000);
    rig_send_attach(&p);
    rig_settle();
    rig_stream_dir(dir, sizeof(dir), 10000);
    assert_int_equal(chmod(dir, 0777), 0);                      /* D-205: nothing is made below it */
    next.profiles[0].header_nslots = 16;
    apply();
    while (tpi_driver_run_jobs(rig->driver, 1) > 0 && 0 == tpi_driver_stats(rig->driver)->regions_failed) { rig_settle(); }
    assert_int_equal(chmod(dir, 02770), 0);
    rig_forget_events();
    for (int i = 0; i < 3; i++)
    {
        rig_step(1000 * MS);
        while (tpi_driver_run_jobs(rig->driver, 64) > 0) { rig_settle(); }
    }
    assert_true(rig_last_announce(10000).epoch > epoch);
    assert_int_equal(rig_last_announce(10000).header_nslots, 16);
}

/* The worker has not come to the directory yet: its lock is our own and nobody else's. */
static void a_stream_that_is_still_being_removed_can_come_back__D_002(void **state)
{
    (void)state;
    char dir[256];
    char profile[TP_CONFIG_NAME_MAX];
    rig->options.worker = TPI_WORKER_MANUAL;
    rig_start();
    (void)snprintf(profile, sizeof(profile), "%s", next.streams[0].profile);
    remove_stream(10001);
    apply();
    assert_int_equal(report.removed.count, 1);
    add_stream("back", 10001, profile);
    apply();
    assert_int_equal(report.added.count, 1);
    while (tpi_driver_run_jobs(rig->driver, 64) > 0) { rig_settle(); }
    rig_stream_dir(dir, sizeof(dir), 10001);
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);         /* owned, before anybody attaches */
    (void)close(fd);
    const tpc_attach_request_t request = rig_request(PRODUCER, 42, 10001);
    rig_send_attach(&request);
    rig_settle();
    while (tpi_driver_run_jobs(rig->driver, 64) > 0) { rig_settle(); }
    tpc_attach_response_t r;
    assert_true(rig_response(request.correlation_id, &r));
    assert_int_equal(r.code, TPC_CODE_OK);
}

static void a_stream_that_comes_back_starts_above_its_last_epoch__D_134(void **state)
{
    (void)state;
    char profile[TP_CONFIG_NAME_MAX];
    const uint64_t planted = UINT64_C(1) << 62;                 /* above every clock */
    rig_start();
    (void)snprintf(profile, sizeof(profile), "%s", next.streams[0].profile);
    rig_plant_epoch(10001, planted, 1, 0);
    const uint64_t epoch = rig_attach(PRODUCER, 42, 10001).epoch;
    assert_true(epoch > planted);
    remove_stream(10001);
    apply();
    add_stream("back", 10001, profile);
    apply();
    assert_true(rig_attach(PRODUCER, 43, 10001).epoch > epoch);
}

/* What the worker reads is not what a reload writes: shown by the thread sanitizer. */
static void a_reload_does_not_touch_what_the_worker_uses__M12(void **state)
{
    (void)state;
    tpc_attach_response_t r;
    rig->options.worker = TPI_WORKER_THREAD;
    rig_start();
    for (uint32_t i = 0; i < 20; i++)
    {
        const tpc_attach_request_t request = rig_request(PRODUCER, 42 + i, 10000);
        rig_send_attach(&request);
        rig_settle();
        apply();
        for (int n = 0; n < 1000000 && !rig_response(request.correlation_id, &r); n++) { rig_settle(); }
        assert_int_equal(r.code, TPC_CODE_OK);
        assert_int_equal(tpi_driver_revoke(rig->driver, r.lease_id, "", rig->now_ns), 0);
        rig_forget_events();
    }
}

static void a_dynamic_stream_takes_the_new_geometry_of_its_profile__D_133(void **state)
{
    (void)state;
    rig->config.allow_dynamic_streams = next.allow_dynamic_streams = true;
    rig->config.stream_id_range = next.stream_id_range = (tp_id_range_t){ 20000, 20009 };
    rig_start();
    tpc_attach_request_t request = rig_request(CONSUMER, 42, 0);
    request.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    const tpc_attach_response_t r = rig_ask(&request);
    const uint64_t epoch = r.epoch;
    assert_int_equal(r.stream_id, 20000);
    next.profiles[0].header_nslots = 16;
    next.stream_id_range = (tp_id_range_t){ 21000, 21009 };
    apply();
    assert_int_equal(report.raised.count, 3);
    assert_true(rig_last_announce(20000).epoch > epoch);
    assert_int_equal(rig_last_announce(20000).header_nslots, 16);
    request = rig_request(CONSUMER, 43, 0);
    request.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    assert_int_equal(rig_ask(&request).stream_id, 21000);
}

/* ---- streams --------------------------------------------------------------------------------------------------------------- */

static void streams_come_and_go(void **state)
{
    (void)state;
    uint64_t epochs[64];
    rig_start();
    (void)rig_attach(PRODUCER, 42, 10001);
    (void)rig_attach(CONSUMER, 43, 10001);
    const uint64_t left = rig_attach(CONSUMER, 44, 10000).epoch;
    rig_forget_events();
    remove_stream(10001);
    add_stream("more", 10002, "p");
    apply();
    assert_int_equal(report.added.count, 1);
    assert_int_equal(report.added.ids[0], 10002);
    assert_int_equal(report.removed.count, 1);
    assert_int_equal(report.removed.ids[0], 10001);
    assert_int_equal(revocations(), 2);
    assert_int_equal(rig_last_revoked().role, PRODUCER);       /* consumers first */
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    assert_int_equal(rig_epochs(10001, epochs), 0);
    assert_int_equal(code_of(PRODUCER, 45, 10001, TP_PUBLISH_ABSENT), TPC_CODE_REJECTED);
    assert_int_equal(rig_attach(PRODUCER, 46, 10002).stream_id, 10002);
    rig_forget_events();
    rig_step(1000 * MS);
    assert_int_equal(rig_announces(10001), 0);
    assert_int_equal(rig_last_announce(10000).epoch, left);
    add_stream("right", 10001, "p");
    apply();
    (void)rig_attach(PRODUCER, 45, 10001);
}

static void who_waits_for_a_removed_stream_is_told__D_074(void **state)
{
    (void)state;
    uint64_t epochs[64];
    tpc_attach_response_t r;
    rig->options.worker = TPI_WORKER_MANUAL;
    rig_start();
    const tpc_attach_request_t first = rig_request(PRODUCER, 42, 10001);
    const tpc_attach_request_t second = rig_request(CONSUMER, 43, 10001);
    rig_send_attach(&first);
    rig_send_attach(&second);
    rig_settle();
    remove_stream(10001);
    apply();
    for (int i = 0; i < 8; i++)
    {
        (void)tpi_driver_run_jobs(rig->driver, 8);
        rig_settle();
    }
    assert_true(rig_response(first.correlation_id, &r));
    assert_int_equal(r.code, TPC_CODE_REJECTED);
    assert_true(rig_response(second.correlation_id, &r));
    assert_int_equal(r.code, TPC_CODE_REJECTED);
    assert_int_equal(rig_announces(10001), 0);
    assert_int_equal(rig_epochs(10001, epochs), 0);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
}

static void a_dynamic_stream_can_become_static(void **state)
{
    (void)state;
    rig->config.allow_dynamic_streams = next.allow_dynamic_streams = true;
    rig->config.stream_id_range = next.stream_id_range = (tp_id_range_t){ 20000, 20009 };
    rig_start();
    tpc_attach_request_t request = rig_request(CONSUMER, 42, 20000);
    request.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    const tpc_attach_response_t r = rig_ask(&request);
    const uint64_t epoch = r.epoch;
    assert_int_equal(r.code, TPC_CODE_OK);
    add_stream("scratch", 20000, "p");
    refused(TP_ECONF_RANGE, "20000");                          /* it still lies in the range */
    next.stream_id_range = (tp_id_range_t){ 20001, 20009 };
    apply();
    assert_int_equal(report.added.count, 1);
    assert_int_equal(rig_detach(&r, 42, CONSUMER).code, TPC_CODE_OK);
    assert_int_equal(rig_attach(CONSUMER, 43, 20000).epoch, epoch);     /* it was not forgotten */
}

/* ---- policies -------------------------------------------------------------------------------------------------------------- */

static void policies_change_for_what_comes_next__D_106(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t old = rig_attach(CONSUMER, 42, 10000);
    const uint64_t expiry = old.lease_expiry_timestamp_ns;
    next.lease_expiry_grace_intervals = 10;
    next.shutdown_timeout_ms = 500;
    (void)snprintf(next.shutdown_token, sizeof(next.shutdown_token), "secret");
    apply();
    assert_int_equal(report.changed_count, 3);
    assert_int_equal(expiry, (uint64_t)(rig->now_ns + 3000 * MS));
    assert_int_equal(rig_attach(CONSUMER, 43, 10000).lease_expiry_timestamp_ns, (uint64_t)(rig->now_ns + 10000 * MS));
    rig_step(3001 * MS);                                       /* the old lease keeps its duration: its client knows no other */
    assert_int_equal(rig_last_revoked().client_id, 42);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    uint8_t buffer[64];
    tpc_shutdown_request_t request = TPC_SHUTDOWN_REQUEST_INIT;
    request.reason = TPC_SHUTDOWN_ADMIN;
    request.token = tpc_bytes("secret");
    const int64_t n = tpc_shutdown_request_encode(buffer, sizeof(buffer), &request);
    assert_true(n > 0);
    rig_send(buffer, (size_t)n);
    rig_settle();
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_DRAINING);
    rig_step(500 * MS);
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_STOPPED);
}

static void the_node_id_cooldown_can_be_changed__D_097(void **state)
{
    (void)state;
    rig_start();
    next.node_id_reuse_cooldown_ms = 0;
    apply();
    tpc_attach_request_t request = rig_request(CONSUMER, 42, 10000);
    request.desired_node_id = 7;
    const tpc_attach_response_t r = rig_ask(&request);
    (void)rig_detach(&r, 42, CONSUMER);
    request = rig_request(CONSUMER, 43, 10000);
    request.desired_node_id = 7;
    assert_int_equal(rig_ask(&request).code, TPC_CODE_OK);
}

static void what_needs_a_restart_is_named_and_stays(void **state)
{
    (void)state;
    rig_start();
    next.control_stream_id = 1234;
    next.announce_period_ms = 50;
    (void)snprintf(next.shm_namespace, sizeof(next.shm_namespace), "elsewhere");
    (void)snprintf(next.allowed_base_dirs[0], sizeof(next.allowed_base_dirs[0]), "/dev/shm");
    next.allowed_base_dir_count = 1;
    next.epoch_gc_keep = 5;
    apply();
    assert_int_equal(report.changed_count, 1);
    assert_string_equal(report.changed[0], "policies.epoch_gc_keep");
    assert_int_equal(report.restart_count, 4);
    assert_string_equal(report.restart[0], "driver.control_stream_id");
    assert_string_equal(report.restart[1], "shm.namespace");
    assert_string_equal(report.restart[2], "shm.allowed_base_dirs");
    assert_string_equal(report.restart[3], "policies.announce_period_ms");
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    char path[1024];
    rig_path(path, sizeof(path), r.header_region_uri);
    assert_non_null(strstr(path, "/t/10000/"));
    rig_forget_events();
    rig_step(999 * MS);
    assert_int_equal(rig_announces(10000), 0);
    apply();                                                   /* still named: it still differs */
    assert_int_equal(report.restart_count, 4);
    assert_int_equal(report.changed_count, 0);
}

static void every_key_of_the_file_is_taken_over_or_named(void **state)
{
    (void)state;
    bool restart = false;
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        bool found = false;
        for (size_t k = 0; NULL != tpi_reload_key(k, &restart); k++)
        {
            if (0 != strcmp(tpi_reload_key(k, &restart), tpi_driver_rows[i].key)) { continue; }
            found = true;
            assert_int_equal(restart, tpi_driver_row_needs_restart(&tpi_driver_rows[i]));     /* as the reference page says */
        }
        if (!found) { fail_msg("a reload does not know %s", tpi_driver_rows[i].key); }
    }
    assert_null(tpi_reload_key(tpi_driver_row_count, &restart));
}

/* ---- errors ---------------------------------------------------------------------------------------------------------------- */

static void an_error_changes_nothing__D_207(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t p = rig_attach(PRODUCER, 42, 10000);
    const uint64_t epoch = p.epoch;
    rig_forget_events();
    next.profiles[0].header_nslots = 12;                       /* no power of two */
    next.epoch_gc_keep = 7;
    add_stream("more", 10002, "p");
    remove_stream(10001);
    refused(TP_ECONF_RULE, "header_nslots");
    next.profiles[0].header_nslots = 8;
    next.epoch_gc_keep = 2;
    remove_stream(10002);
    add_stream("right", 10001, "p");
    apply();
    assert_int_equal(report.changed_count + report.added.count + report.removed.count + report.raised.count, 0);
    assert_int_equal(revocations(), 0);
    rig_step(1000 * MS);
    assert_int_equal(rig_last_announce(10000).epoch, epoch);
    assert_int_equal(rig_last_announce(10000).producer_id, 42);
}

static void a_stream_of_another_driver_refuses_the_whole_reload__D_002(void **state)
{
    (void)state;
    char path[256];
    uint64_t epochs[64];
    rig_start();
    rig_plant_epoch(10003, 5, 1, 1);
    rig_stream_dir(path, sizeof(path), 10003);
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    add_stream("a", 10002, "p");
    add_stream("b", 10003, "p");
    refused(TP_EOWNED, "10003");
    rig_stream_dir(path, sizeof(path), 10002);
    assert_int_equal(access(path, F_OK), -1);                  /* what was made for the first one is gone again */
    assert_int_equal(code_of(PRODUCER, 42, 10002, TP_PUBLISH_ABSENT), TPC_CODE_REJECTED);
    assert_int_equal(rig_epochs(10003, epochs), 1);
    (void)close(fd);
    apply();
    assert_int_equal(report.added.count, 2);
    assert_true(rig_attach(PRODUCER, 42, 10003).epoch > 5);
}

static void the_limit_of_streams_holds_for_reloads__P11(void **state)
{
    (void)state;
    rig->options.streams_max = 3;
    rig_start();
    add_stream("a", 10002, "p");
    add_stream("b", 10003, "p");
    refused(TP_EFULL, "3");
    remove_stream(10003);
    apply();
    assert_int_equal(report.added.count, 1);
}

static void a_conflict_with_what_stays_is_told(void **state)
{
    (void)state;
    rig_start();
    next.control_stream_id = 1234;
    next.allow_dynamic_streams = true;
    next.stream_id_range = (tp_id_range_t){ 1000, 1009 };      /* holds the control stream that stays in force */
    refused(TP_ECONF_RANGE, "restart (driver.control_stream_id differs)");
    assert_int_equal(code_of(PRODUCER, 42, 0, TP_PUBLISH_EXISTING_OR_CREATE), TPC_CODE_REJECTED);
}

static void a_draining_driver_takes_nothing_any_more(void **state)
{
    (void)state;
    rig_start();
    tpi_driver_shutdown(rig->driver, TPC_SHUTDOWN_ADMIN, NULL, false);
    rig_settle();
    refused(TP_ESTATE, "drains");
}

/* ---- the source and the socket --------------------------------------------------------------------------------------------- */

static int calls;
static int from_next(void *clientd, tp_driver_config_t *config)
{
    calls++;
    if (NULL != clientd)
    {
        TPI_SET_ERR(TP_ECONF_KEY, "driver.toml:14:1: unknown key 'stride_byte'");
        return -1;
    }
    return tpi_driver_config_copy(config, &next);
}

static json_t *ask(const char *line)
{
    char *const answer = tpi_admin_answer(rig->driver, 4711, line, strlen(line), rig->now_ns);
    assert_non_null(answer);
    json_t *const object = json_loads(answer, 0, NULL);
    tpi_free(answer);
    assert_non_null(object);
    rig_settle();
    return object;
}

static void the_socket_reloads_and_tells_what_came_of_it(void **state)
{
    (void)state;
    const char *text = NULL;
    int ok = 0;
    rig_start();
    json_t *reply = ask("{\"cmd\":\"reload\"}");
    assert_false(json_is_true(json_object_get(reply, "ok")));  /* no source */
    json_decref(reply);
    calls = 0;
    tpi_driver_set_source(rig->driver, from_next, &calls);
    reply = ask("{\"cmd\":\"reload\"}");
    assert_int_equal(json_unpack(reply, "{s:b, s:{s:s}}", "ok", &ok, "error", "message", &text), 0);
    assert_false(ok);
    assert_string_equal(text, "not reloaded, nothing changes: driver.toml:14:1: unknown key 'stride_byte'");
    json_decref(reply);
    tpi_driver_set_source(rig->driver, from_next, NULL);
    add_stream("more", 10002, "p");
    assert_non_null(tp_driver_config_add_profile(&next, "spare"));
    next.profiles[1].pool_count = 1;
    next.profiles[1].pools[0] = (tp_pool_config_t){ 1, 64 };
    next.epoch_gc_keep = 5;
    next.qos_stream_id = 1201;
    reply = ask("{\"cmd\":\"reload\"}");
    const char *changed = NULL;
    const char *profile = NULL;
    const char *restart = NULL;
    int added = 0;
    assert_int_equal(json_unpack(reply, "{s:b, s:[s, s!], s:[s!], s:[i!], s:[!], s:[!]}", "ok", &ok, "changed", &changed, &profile, "restart",
        &restart, "added", &added, "removed", "raised"), 0);
    assert_true(ok);
    assert_string_equal(changed, "policies.epoch_gc_keep");
    assert_string_equal(profile, "profiles.spare");
    assert_string_equal(restart, "driver.qos_stream_id");
    assert_int_equal(added, 10002);
    json_decref(reply);
    assert_int_equal(calls, 2);
    tpi_driver_ask_reload(rig->driver);
    rig_settle();
    rig_settle();
    assert_int_equal(calls, 3);
}

#define RELOAD_TEST(name) cmocka_unit_test_setup_teardown(name, reload_setup, reload_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { RELOAD_TEST(another_geometry_raises_the_epoch_before_anybody_sees_it__D_133),
        RELOAD_TEST(the_same_file_again_changes_nothing__M7), RELOAD_TEST(only_streams_of_the_changed_profile_get_a_new_epoch__D_133),
        RELOAD_TEST(a_stream_without_regions_just_takes_the_new_geometry__D_133),
        RELOAD_TEST(a_creation_under_way_is_done_again_with_the_new_geometry__D_133),
        RELOAD_TEST(a_creation_that_fails_does_not_keep_the_old_geometry__D_133),
        RELOAD_TEST(a_stream_that_is_still_being_removed_can_come_back__D_002),
        RELOAD_TEST(a_stream_that_comes_back_starts_above_its_last_epoch__D_134),
        RELOAD_TEST(a_reload_does_not_touch_what_the_worker_uses__M12),
        RELOAD_TEST(a_dynamic_stream_takes_the_new_geometry_of_its_profile__D_133), RELOAD_TEST(streams_come_and_go),
        RELOAD_TEST(who_waits_for_a_removed_stream_is_told__D_074), RELOAD_TEST(a_dynamic_stream_can_become_static),
        RELOAD_TEST(policies_change_for_what_comes_next__D_106), RELOAD_TEST(the_node_id_cooldown_can_be_changed__D_097),
        RELOAD_TEST(what_needs_a_restart_is_named_and_stays), RELOAD_TEST(every_key_of_the_file_is_taken_over_or_named),
        RELOAD_TEST(an_error_changes_nothing__D_207), RELOAD_TEST(a_stream_of_another_driver_refuses_the_whole_reload__D_002),
        RELOAD_TEST(the_limit_of_streams_holds_for_reloads__P11), RELOAD_TEST(a_conflict_with_what_stays_is_told),
        RELOAD_TEST(a_draining_driver_takes_nothing_any_more), RELOAD_TEST(the_socket_reloads_and_tells_what_came_of_it) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

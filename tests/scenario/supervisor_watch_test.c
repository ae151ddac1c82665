/* What the supervisor observes (25-supervisor.md section 6), and that it says nothing else than its answers. */
#include "supervisor_rig.h"

#include <tensor_pool/common/tp_log.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void announce_now(uint32_t stream_id, uint64_t epoch)
{
    const tpc_pool_announce_t announce = rig_announce(stream_id, epoch);
    rig_send_announce(&announce);
}

static void announces_are_heard__S_004(void **state)
{
    (void)state;
    rig_start();
    announce_now(RIG_STREAM, 7);
    rig_step(MS);
    assert_int_equal(rig_stats().announces, 1);
    assert_int_equal(rig_stats().announces_ignored, 0);
    assert_int_equal(rig_stats().streams, 1);
}

static void metadata_is_heard__S_005(void **state)
{
    (void)state;
    uint8_t buffer[512];
    tpc_source_announce_t source = TPC_SOURCE_ANNOUNCE_INIT;
    source.stream_id = RIG_STREAM;
    source.name = tpc_bytes("left camera");
    tpc_source_meta_t meta = TPC_SOURCE_META_INIT;
    meta.stream_id = RIG_STREAM;
    meta.meta_version = 3;
    rig_start();
    rig_send(2, buffer, (size_t)tpc_source_announce_encode(buffer, sizeof(buffer), &source));
    rig_send(2, buffer, (size_t)tpc_source_meta_encode(buffer, sizeof(buffer), &meta));
    rig_step(MS);
    assert_int_equal(rig_stats().metadata, 2);
    char *const json = tpi_supervisor_json(rig->supervisor, rig->now_ns);
    assert_non_null(strstr(json, "\"name\":\"left camera\""));
    assert_non_null(strstr(json, "\"meta_version\":3"));
    tp_supervisor_json_free(json);
}

static void both_kinds_of_qos_are_heard__S_006(void **state)
{
    (void)state;
    rig_start();
    rig_send_qos(RIG_STREAM, 3, 10, 0);
    rig_send_producer(RIG_STREAM, 5, 10);
    rig_send_producer(RIG_STREAM, 5, 11);
    rig_step(MS);
    assert_int_equal(rig_stats().qos_consumer, 1);
    assert_int_equal(rig_stats().qos_producer, 2);
    assert_int_equal(rig_stats().producers, 1);
}

/* ---- announces ------------------------------------------------------------------------------------------------------------- */

static char *stream_json(void) { return tpi_supervisor_json(rig->supervisor, rig->now_ns); }

static void assert_shows(const char *text)
{
    char *const json = stream_json();
    assert_non_null(strstr(json, text));
    tp_supervisor_json_free(json);
}

static void assert_epoch(const char *epoch)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "\"epoch\":\"%s\"", epoch);
    assert_shows(text);
}

static void highest_epoch_counts__S_058(void **state)
{
    (void)state;
    rig_start();
    announce_now(RIG_STREAM, 7);
    rig_step(MS);
    announce_now(RIG_STREAM, 6);
    rig_step(MS);
    assert_epoch("7");
    announce_now(RIG_STREAM, UINT64_MAX);                      /* OP-S-20 */
    rig_step(MS);
    assert_epoch("7");
    assert_int_equal(rig_stats().announces_ignored, 2);
    announce_now(RIG_STREAM, 8);
    rig_step(MS);
    assert_epoch("8");
}

static void old_announces_are_ignored__S_059(void **state)
{
    (void)state;
    rig_start();
    rig_step(10 * SECOND);
    tpc_pool_announce_t announce = rig_announce(RIG_STREAM, 7);
    announce.announce_timestamp_ns = (uint64_t)(rig->now_ns - 3 * SECOND - 1);
    rig_send_announce(&announce);
    rig_step(0);
    assert_int_equal(rig_stats().streams, 0);
    announce.announce_timestamp_ns = (uint64_t)(rig->now_ns - 3 * SECOND);
    rig_send_announce(&announce);
    rig_step(0);
    assert_int_equal(rig_stats().streams, 1);
    announce.announce_clock_domain = 3;
    rig_send_announce(&announce);
    announce.announce_clock_domain = TPC_CLOCK_REALTIME_SYNCED;        /* that clock is 5 s ahead in these tests */
    announce.announce_timestamp_ns = (uint64_t)(rig->now_ns + 2 * SECOND - 1);
    rig_send_announce(&announce);
    rig_step(0);
    assert_int_equal(rig_stats().announces_ignored, 3);
    announce.announce_timestamp_ns = (uint64_t)(rig->now_ns + 2 * SECOND);
    rig_send_announce(&announce);
    rig_step(0);
    assert_int_equal(rig_stats().announces_ignored, 3);
    assert_int_equal(rig_stats().announces, 5);
}

static void announces_from_before_we_listened_are_ignored__S_059(void **state)
{
    (void)state;
    rig_start();
    tpc_pool_announce_t announce = rig_announce(RIG_STREAM, 7);
    announce.announce_timestamp_ns = (uint64_t)(rig->now_ns - SECOND - 2);     /* fresh, but stamped before the subscription */
    rig_send_announce(&announce);
    rig_step(0);
    assert_int_equal(rig_stats().streams, 0);
    announce.announce_clock_domain = TPC_CLOCK_REALTIME_SYNCED;
    announce.announce_timestamp_ns = (uint64_t)(rig->now_ns + 2 * SECOND);
    rig_send_announce(&announce);
    rig_step(0);
    assert_int_equal(rig_stats().streams, 1);
}

static void silent_stream_is_stale_after_3_to_5_periods__S_057(void **state)
{
    (void)state;
    rig->config.announce_period_ms = 500;
    rig_start();
    announce_now(RIG_STREAM, 7);
    rig_step(0);
    int64_t waited_ns = 0;
    while (!rig_has(TP_HEALTH_STREAM_STALE, RIG_STREAM, 0) && waited_ns < 10 * SECOND)
    {
        rig_step(50 * MS);
        waited_ns += 50 * MS;
    }
    assert_in_range(waited_ns, 1500 * MS, 2500 * MS);
    rig_step(500 * MS);                                        /* the report of the state tells it too */
    assert_shows("\"stale\":true");
    for (int i = 0; i < 30; i++)                               /* it comes back, and is well again after the time for that */
    {
        announce_now(RIG_STREAM, 7);
        rig_step(500 * MS);
    }
    assert_false(rig_has(TP_HEALTH_STREAM_STALE, RIG_STREAM, 0));
    assert_shows("\"stale\":false");
}

/* ---- regions --------------------------------------------------------------------------------------------------------------- */

static char dir[64];
static char path[128];

static void write_superblock(uint64_t activity_ns)
{
    uint8_t image[TPC_SUPERBLOCK_BYTES];
    tpc_superblock_t superblock = TPC_SUPERBLOCK_INIT;
    superblock.epoch = 7;
    superblock.stream_id = RIG_STREAM;
    superblock.region_type = TPC_REGION_HEADER_RING;
    superblock.nslots = 8;
    superblock.slot_bytes = 256;
    superblock.activity_timestamp_ns = activity_ns;
    tpc_superblock_encode(image, &superblock);
    FILE *const file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fwrite(image, sizeof(image), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void frozen_activity_is_the_death_of_the_producer__S_056_W_199(void **state)
{
    (void)state;
    char uri[256];
    (void)snprintf(dir, sizeof(dir), "/dev/shm/tp-test-sup-%ld", (long)getpid());
    (void)snprintf(path, sizeof(path), "%s/header.ring", dir);
    (void)snprintf(uri, sizeof(uri), "shm:file?path=%s", path);
    rig->config.allowed_base_dir_count = 1;
    (void)snprintf(rig->config.allowed_base_dirs[0], TP_CONFIG_PATH_MAX, "%s", dir);
    rig_start();                                               /* before its driver has made the directory */
    assert_int_equal(mkdir(dir, 0700), 0);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0660), 0);
    assert_int_equal(truncate(path, 64 + 8 * 256), 0);
    int64_t frozen_ns = 0;
    for (int i = 0; i < 200 && !rig_has(TP_HEALTH_STREAM_DEAD, RIG_STREAM, 0); i++)
    {
        tpc_pool_announce_t announce = rig_announce(RIG_STREAM, 7);
        announce.header_region_uri = tpc_bytes(uri);
        if (i < 100) { write_superblock((uint64_t)rig->now_ns); }      /* alive for 10 s */
        else { frozen_ns += 100 * MS; }
        if (0 == i % 10) { rig_send_announce(&announce); }
        rig_step(100 * MS);
        if (i < 100) { assert_false(rig_has(TP_HEALTH_STREAM_DEAD, RIG_STREAM, 0)); }
    }
    (void)unlink(path);
    (void)rmdir(dir);
    assert_true(rig_has(TP_HEALTH_STREAM_DEAD, RIG_STREAM, 0));
    assert_in_range(frozen_ns, 3 * SECOND, 5 * SECOND);
    assert_false(rig_has(TP_HEALTH_STREAM_STALE, RIG_STREAM, 0));
}

/* ---- health ---------------------------------------------------------------------------------------------------------------- */

static int raised;
static int cleared;
static tp_supervisor_condition_t last;

static void on_condition(void *clientd, const tp_supervisor_condition_t *condition, bool is_raised)
{
    assert_ptr_equal(clientd, &last);
    if (TP_HEALTH_CONSUMER_LOSES != condition->kind) { return; }
    last = *condition;
    if (is_raised) { raised++; }
    else { cleared++; }
}

static void losses_reach_the_hook_and_end_later__S_009(void **state)
{
    (void)state;
    raised = cleared = 0;
    rig->config.health.drops = 10;
    rig->config.health.clear_ms = 5000;
    rig->hooks.clientd = &last;
    rig->hooks.on_condition = on_condition;
    rig_start();
    const tpc_consumer_hello_t hello = rig_hello(3);
    (void)rig_ask(&hello);
    rig_send_qos(RIG_STREAM, 3, 100, 500);                     /* lost before we looked: not counted */
    rig_step(SECOND);
    rig_send_qos(RIG_STREAM, 3, 200, 509);
    rig_step(SECOND);
    assert_int_equal(raised, 0);
    rig_send_qos(RIG_STREAM, 3, 300, 510);
    rig_step(SECOND);
    assert_int_equal(raised, 1);
    assert_int_equal(last.stream_id, RIG_STREAM);
    assert_int_equal(last.client_id, 3);
    assert_int_equal(last.value, 10);
    assert_int_equal(last.bound, 10);
    for (int i = 0; i < 40; i++)
    {
        rig_send_qos(RIG_STREAM, 3, 300, 510);
        rig_step(SECOND);
        if (i < 14) { assert_int_equal(cleared, 0); }          /* rest of the window, and five seconds */
    }
    assert_int_equal(cleared, 1);
    assert_int_equal(raised, 1);
}

static void frames_thinned_on_purpose_are_no_losses(void **state)
{
    (void)state;
    uint8_t buffer[128];
    rig_start();
    const tpc_consumer_hello_t hello = rig_hello(3);
    (void)rig_ask(&hello);
    tpc_qos_consumer_t qos = { .stream_id = RIG_STREAM, .consumer_id = 3, .epoch = 1, .mode = TP_MODE_RATE_LIMITED };
    for (uint64_t i = 0; i < 5; i++)
    {
        qos.drops_gap = i * 90;
        rig_send(3, buffer, (size_t)tpc_qos_consumer_encode(buffer, sizeof(buffer), &qos));
        rig_step(SECOND);
    }
    qos.mode = TP_MODE_STREAM;                                 /* what was thinned before does not count now either */
    rig_send(3, buffer, (size_t)tpc_qos_consumer_encode(buffer, sizeof(buffer), &qos));
    rig_step(SECOND);
    assert_false(rig_has(TP_HEALTH_CONSUMER_LOSES, RIG_STREAM, 3));
    qos.drops_gap++;
    rig_send(3, buffer, (size_t)tpc_qos_consumer_encode(buffer, sizeof(buffer), &qos));
    rig_step(SECOND);
    assert_true(rig_has(TP_HEALTH_CONSUMER_LOSES, RIG_STREAM, 3));
}

static void lag_and_silence_and_unread_streams_are_told(void **state)
{
    (void)state;
    rig->config.health.lag_frames = 100;
    rig->config.health.no_consumers_ms = 5000;
    rig->config.health.clear_ms = 0;
    rig_start();
    for (uint64_t i = 0; i < 6; i++)
    {
        announce_now(RIG_STREAM, 1);
        rig_send_producer(RIG_STREAM, 5, i * 100);
        rig_step(SECOND);
    }
    assert_true(rig_has(TP_HEALTH_STREAM_UNREAD, RIG_STREAM, 0));
    const tpc_consumer_hello_t hello = rig_hello(3);
    (void)rig_ask(&hello);
    rig_send_qos(RIG_STREAM, 3, 401, 0);
    rig_step(200 * MS);
    assert_false(rig_has(TP_HEALTH_STREAM_UNREAD, RIG_STREAM, 0));
    assert_false(rig_has(TP_HEALTH_CONSUMER_LAGS, RIG_STREAM, 3));
    rig_send_qos(RIG_STREAM, 3, 400, 0);
    rig_step(200 * MS);
    assert_true(rig_has(TP_HEALTH_CONSUMER_LAGS, RIG_STREAM, 3));
    for (int i = 0; i < 5; i++)                                /* the producer is silent, its stream is announced with it */
    {
        announce_now(RIG_STREAM, 1);
        rig_step(SECOND);
    }
    assert_true(rig_has(TP_HEALTH_PRODUCER_SILENT, RIG_STREAM, 5));
    tpc_pool_announce_t announce = rig_announce(RIG_STREAM, 2);
    announce.producer_id = 0;                                  /* it has left in order */
    rig_send_announce(&announce);
    rig_step(200 * MS);
    assert_false(rig_has(TP_HEALTH_PRODUCER_SILENT, RIG_STREAM, 5));
    for (int i = 0; i < 6; i++) { rig_step(SECOND); }
    assert_false(rig_has(TP_HEALTH_CONSUMER_LAGS, RIG_STREAM, 3));     /* gone with the consumer */
}

static void consumers_are_counted_when_there_is_room_for_their_stream__P11(void **state)
{
    (void)state;
    rig->config.stream_capacity = 1;
    rig->config.health.no_consumers_ms = 3000;
    rig->config.health.clear_ms = 0;
    rig_start();
    announce_now(RIG_STREAM + 1, 1);                           /* takes the only place */
    const tpc_consumer_hello_t first = rig_hello(3);
    (void)rig_ask(&first);
    for (int i = 0; i < 65; i++)                               /* until the other stream is forgotten */
    {
        rig_step(SECOND);
        (void)rig_ask(&first);
    }
    for (uint64_t i = 0; i < 6; i++)
    {
        rig_send_producer(RIG_STREAM, 5, i);
        (void)rig_ask(&first);
        rig_step(SECOND);
    }
    assert_false(rig_has(TP_HEALTH_STREAM_UNREAD, RIG_STREAM, 0));
    for (uint64_t i = 6; i < 40; i++)                          /* it falls silent */
    {
        rig_send_producer(RIG_STREAM, 5, i);
        rig_step(SECOND);
    }
    assert_true(rig_has(TP_HEALTH_STREAM_UNREAD, RIG_STREAM, 0));
}

static void layout_other_than_announced_takes_off_shared_memory(void **state)
{
    (void)state;
    rig_start();
    tpc_consumer_hello_t hello = rig_hello(3);
    hello.expected_layout_version = 2;
    assert_int_equal(rig_ask(&hello).use_shm, 1);              /* nothing is known yet */
    announce_now(RIG_STREAM, 1);
    rig_step(MS);
    assert_int_equal(rig_ask(&hello).use_shm, 0);
    hello.expected_layout_version = 1;
    assert_int_equal(rig_ask(&hello).use_shm, 1);
    hello.expected_layout_version = 0;
    assert_int_equal(rig_ask(&hello).use_shm, 1);
}

static void another_authority_is_noticed(void **state)
{
    (void)state;
    uint8_t buffer[256];
    const tpc_consumer_config_t config = { .stream_id = RIG_STREAM, .consumer_id = 3, .use_shm = 1, .mode = TP_MODE_STREAM };
    rig_start();
    const tpc_consumer_hello_t hello = rig_hello(3);
    (void)rig_ask(&hello);
    rig_step(200 * MS);
    assert_false(rig_has(TP_HEALTH_OTHER_AUTHORITY, 0, 0));    /* our own answers are none */
    rig_send(0, buffer, (size_t)tpc_consumer_config_encode(buffer, sizeof(buffer), &config));
    rig_step(200 * MS);
    assert_true(rig_has(TP_HEALTH_OTHER_AUTHORITY, 0, 0));
    assert_int_equal(rig_stats().other_configs, 1);
}

/* ---- counters -------------------------------------------------------------------------------------------------------------- */

typedef struct seen { int health; int stats; int own; char label[TPI_COUNTER_LABEL_MAX]; int64_t hellos; } seen_t;

static void on_counter(void *clientd, const tpi_counter_view_t *counter)
{
    seen_t *const seen = clientd;
    if (9020 == counter->type_id) { seen->own++; }
    if (9021 == counter->type_id) { seen->stats++; }
    if (9021 == counter->type_id && NULL != strstr(counter->label, "name=hellos ")) { seen->hellos = counter->value; }
    if (9022 == counter->type_id) { seen->health++; (void)snprintf(seen->label, sizeof(seen->label), "%s", counter->label); }
}

static seen_t look(void)
{
    seen_t seen = { 0 };
    assert_true(tpi_bus_counters(rig->peer, on_counter, &seen) >= 0);
    return seen;
}

static void facts_are_counters_while_they_last(void **state)
{
    (void)state;
    rig->config.health.clear_ms = 0;
    rig_start();
    rig_step(200 * MS);
    rig_step(200 * MS);
    seen_t seen = look();
    assert_int_equal(seen.own, 1);
    assert_int_equal(seen.stats, 16);
    assert_int_equal(seen.health, 0);
    const tpc_consumer_hello_t hello = rig_hello(3);
    (void)rig_ask(&hello);
    rig_send_qos(RIG_STREAM, 3, 1, 0);
    rig_step(200 * MS);
    rig_send_qos(RIG_STREAM, 3, 1, 4);
    for (int i = 0; i < 4; i++) { rig_step(100 * MS); }
    seen = look();
    assert_int_equal(seen.hellos, 1);
    assert_int_equal(seen.health, 1);
    assert_non_null(strstr(seen.label, "tp-health: kind=consumer_loses_frames stream=10010 client=3"));
    for (int i = 0; i < 60; i++) { rig_step(100 * MS); }       /* the consumer is forgotten */
    assert_int_equal(look().health, 0);
}

static void names_of_clients_choose_rules(void **state)
{
    (void)state;
    tpi_bus_async_t *async = NULL;
    tpi_counter_t *counter = NULL;
    uint8_t key[TPI_COUNTER_KEY_MAX] = { 0 };
    const uint32_t ids[] = { RIG_STREAM, 3 };
    memcpy(key + 8, ids, 8);
    key[16] = TP_ROLE_CONSUMER;
    key[17] = 1;                                               /* frames */
    tp_supervisor_policy_t *policy = tp_supervisor_config_add_policy(&rig->config, "displays");
    assert_non_null(policy);
    (void)snprintf(policy->consumer_name, sizeof(policy->consumer_name), "view*");
    policy->force_mode = TP_MODE_RATE_LIMITED;
    rig_start();
    assert_int_equal(tpi_bus_add_counter(rig->peer, &async, 9004, key, 18, "tp-client: kind=frames stream=10010 client=3 name=viewer"), 0);
    rig_step(0);
    assert_int_equal(tpi_bus_add_counter_poll(async, &counter), 1);
    const tpc_consumer_hello_t hello = rig_hello(3);
    const tpc_consumer_hello_t other = rig_hello(4);
    assert_int_equal(rig_ask(&hello).mode, TP_MODE_STREAM);    /* not known by name yet */
    rig_step(SECOND);
    assert_int_equal(rig_ask(&hello).mode, TP_MODE_RATE_LIMITED);
    assert_int_equal(rig_ask(&other).mode, TP_MODE_STREAM);
    tpi_counter_close(counter);
}

/* ---- silence --------------------------------------------------------------------------------------------------------------- */

static void nothing_but_configs_on_the_control_stream__S_074(void **state)
{
    (void)state;
    uint8_t buffer[512];
    rig->config.per_consumer_enabled = true;
    rig_start();
    tpc_source_announce_t source = TPC_SOURCE_ANNOUNCE_INIT;
    source.stream_id = RIG_STREAM;
    for (uint32_t i = 0; i < 50; i++)
    {
        const tpc_consumer_hello_t hello = rig_asking(i % 5, 700 + i, 800 + i);
        (void)rig_ask(&hello);
        announce_now(RIG_STREAM, i);
        rig_send_qos(RIG_STREAM, i % 5, i, i);
        rig_send_producer(RIG_STREAM, 5, i);
        rig_send(2, buffer, (size_t)tpc_source_announce_encode(buffer, sizeof(buffer), &source));
        rig_step(SECOND);
    }
    for (int i = 0; i < 100; i++) { rig_step(SECOND); }        /* everybody falls silent */
    rig_stop();
    assert_int_equal(rig->foreign, 50);
    assert_int_equal(rig->foreign_not_config, 0);
    assert_int_equal(rig->foreign_elsewhere, 0);
}

static void one_stream_for_everything_is_read_once(void **state)
{
    (void)state;
    rig->config.announce_stream_id = RIG_CONTROL;
    rig->config.qos_stream_id = RIG_CONTROL;
    rig->config.metadata_stream_id = RIG_CONTROL;
    rig_start();
    uint8_t buffer[4096];
    const tpc_pool_announce_t announce = rig_announce(RIG_STREAM, 1);
    tpc_qos_consumer_t qos = TPC_QOS_CONSUMER_INIT;
    qos.stream_id = RIG_STREAM;
    rig_send(0, buffer, (size_t)tpc_pool_announce_encode(buffer, sizeof(buffer), &announce));
    rig_send(0, buffer, (size_t)tpc_qos_consumer_encode(buffer, sizeof(buffer), &qos));
    const tpc_consumer_hello_t hello = rig_hello(3);
    (void)rig_ask(&hello);
    assert_int_equal(rig_stats().announces, 1);
    assert_int_equal(rig_stats().qos_consumer, 1);
    assert_int_equal(rig_stats().hellos, 1);
}

static void back_pressure_delays_answers_and_loses_none_that_matters(void **state)
{
    (void)state;
    rig_start();
    const tpc_consumer_hello_t hello = rig_hello(3);
    rig_send_hello(&hello);
    assert_int_equal(tpi_mem_network_fault(rig->network, RIG_CONTROL, TPI_MEM_BACK_PRESSURE, 1), 0);
    rig_step(MS);
    assert_int_equal(rig->config_count, 1);                    /* in the next cycle */
    assert_int_equal(rig_stats().configs_sent, 1);
    rig_send_hello(&hello);
    assert_int_equal(tpi_mem_network_fault(rig->network, RIG_CONTROL, TPI_MEM_BACK_PRESSURE, 1000), 0);
    rig_step(MS);
    rig_step(SECOND + MS);
    assert_int_equal(rig->config_count, 1);
    assert_int_equal(rig_stats().configs_dropped, 1);
}

static int lines_of_rule;

static void on_line(void *clientd, tp_log_level_t level, int code, const char *text)
{
    (void)clientd;
    (void)text;
    if (TP_LOG_WARN == level && TP_ECONF_RULE == code) { lines_of_rule++; }
}

static void fallbacks_nobody_understands_are_told_at_start__S_024(void **state)
{
    (void)state;
    static const struct { const char *uri; int lines; } cases[] = { { "", 0 }, { "aeron:udp?endpoint=h:1", 0 }, { "aeron:ipc", 0 },
        { "bridge://b1", 0 }, { "foo://x", 1 }, { "aeron:x", 1 }, { "bridge://", 1 } };
    tp_log_set_handler(on_line, NULL, TP_LOG_WARN);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    {
        lines_of_rule = 0;
        (void)snprintf(rig->config.payload_fallback_uri, TP_CONFIG_CHANNEL_MAX, "%s", cases[i].uri);
        rig_start();
        rig_stop();
        assert_int_equal(lines_of_rule, cases[i].lines);
    }
    lines_of_rule = 0;
    rig->config.force_no_shm = true;                           /* OP-S-13 */
    rig->config.payload_fallback_uri[0] = '\0';
    rig_start();
    assert_int_equal(lines_of_rule, 1);
    rig_stop();
    rig->config.force_no_shm = false;                          /* what our own clients would not open */
    (void)snprintf(rig->config.per_consumer_control_channel, TP_CONFIG_CHANNEL_MAX, "aeron:udp?endpoint=h:1");
    (void)snprintf(rig->config.per_consumer_descriptor_channel, TP_CONFIG_CHANNEL_MAX, "aeron:ipc?term-length=64k");
    rig_start();
    assert_int_equal(lines_of_rule, 2);
    tp_log_set_handler(NULL, NULL, TP_LOG_WARN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(announces_are_heard__S_004),
        RIG_TEST(metadata_is_heard__S_005),
        RIG_TEST(both_kinds_of_qos_are_heard__S_006),
        RIG_TEST(highest_epoch_counts__S_058),
        RIG_TEST(old_announces_are_ignored__S_059),
        RIG_TEST(announces_from_before_we_listened_are_ignored__S_059),
        RIG_TEST(silent_stream_is_stale_after_3_to_5_periods__S_057),
        RIG_TEST(frozen_activity_is_the_death_of_the_producer__S_056_W_199),
        RIG_TEST(losses_reach_the_hook_and_end_later__S_009),
        RIG_TEST(frames_thinned_on_purpose_are_no_losses),
        RIG_TEST(lag_and_silence_and_unread_streams_are_told),
        RIG_TEST(consumers_are_counted_when_there_is_room_for_their_stream__P11),
        RIG_TEST(layout_other_than_announced_takes_off_shared_memory),
        RIG_TEST(another_authority_is_noticed),
        RIG_TEST(facts_are_counters_while_they_last),
        RIG_TEST(names_of_clients_choose_rules),
        RIG_TEST(fallbacks_nobody_understands_are_told_at_start__S_024),
        RIG_TEST(nothing_but_configs_on_the_control_stream__S_074),
        RIG_TEST(one_stream_for_everything_is_read_once),
        RIG_TEST(back_pressure_delays_answers_and_loses_none_that_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

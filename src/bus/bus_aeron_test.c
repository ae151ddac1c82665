/*
 * The Aeron bus against real media drivers: refusals and death, then the suite of all buses. Drivers that have to die are this program
 * again, with an argument.
 */
#include <aeronc.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "bus/bus_aeron.h"
#include "bus/bus_conformance.h"
#include "bus/bus_test_rig.h"
#include "bus/cnc.h"
#include "bus/media_driver.h"
#include "common/clock.h"

#define CHANNEL "aeron:ipc?term-length=64k"

static int32_t stream_id = 1100;       /* another one for each test that shares a driver: what lingers there is replayed to newcomers */

/* ---- rig ------------------------------------------------------------------------------------------------------------------ */

static tp_media_driver_config_t driver_config(const char *dir)
{
    return (tp_media_driver_config_t){ .size = sizeof(tp_media_driver_config_t), .aeron_dir = dir, .delete_on_close = true };
}

/* This program as a media driver, until it is killed. */
static int run_driver(const char *dir)
{
    tp_media_driver_config_t config = driver_config(dir);
    tp_media_driver_t *driver = NULL;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);        /* also while it is stopped */
    if (tp_media_driver_launch(&driver, &config) < 0) { return 1; }
    while (getppid() > 1) { (void)usleep(20000); }
    tp_media_driver_close(driver);
    return 0;
}

static tpi_publication_t *add_pub(tpi_bus_t *bus, const char *channel) { return tpi_test_pub(bus, channel, stream_id); }

static void on_image(void *clientd, int32_t session_id, bool available, int64_t now_ns)
{
    (void)session_id;
    (void)now_ns;
    *(int *)clientd += available ? 1 : -1;
}

static tpi_subscription_t *add_sub(tpi_bus_t *bus, void *images)
{
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = stream_id, .on_image = NULL == images ? NULL : on_image,
        .image_clientd = images };
    return tpi_test_sub(bus, &config);
}

static void count_message(void *clientd, const tpi_message_t *message)
{
    (void)message;
    ++*(int *)clientd;
}

static int64_t ms_since(int64_t start_ns) { return (tpi_clock_monotonic_ns() - start_ns) / TPI_NS_PER_MS; }

/* ---- results and texts ----------------------------------------------------------------------------------------------------- */

static void all_results_of_aeron_are_mapped__A5(void **state)
{
    (void)state;
    assert_int_equal(tpi_aeron_result(AERON_PUBLICATION_NOT_CONNECTED), TP_NOT_CONNECTED);
    assert_int_equal(tpi_aeron_result(AERON_PUBLICATION_BACK_PRESSURED), TP_BACK_PRESSURED);
    assert_int_equal(tpi_aeron_result(AERON_PUBLICATION_ADMIN_ACTION), TP_ADMIN_ACTION);
    assert_int_equal(tpi_aeron_result(AERON_PUBLICATION_CLOSED), TP_CLOSED);
    assert_int_equal(tpi_aeron_result(AERON_PUBLICATION_MAX_POSITION_EXCEEDED), TP_CLOSED);
    assert_int_equal(tpi_aeron_result(AERON_PUBLICATION_ERROR), TP_FAILED);
    for (int64_t unknown = AERON_PUBLICATION_ERROR - 1; unknown > -100; unknown--) { assert_int_equal(tpi_aeron_result(unknown), TP_FAILED); }
    assert_int_equal(tpi_aeron_result(INT64_MIN), TP_FAILED);
    assert_int_equal(tpi_aeron_result(0), 0);
    assert_int_equal(tpi_aeron_result(INT64_MAX), INT64_MAX);
}

static void without_a_media_driver_opening_says_where_others_are(void **state)
{
    (void)state;
    const tpi_bus_aeron_config_t config = { .aeron_dir = tpi_test_dir("nobody"), .connect_timeout_ns = 200 * TPI_NS_PER_MS };
    tp_media_driver_config_t other_config = driver_config(tpi_test_other_dir());
    tp_media_driver_t *driver = NULL;
    tpi_bus_t *bus = NULL;
    assert_int_equal(tp_media_driver_launch(&driver, &other_config), 0);
    const int64_t start_ns = tpi_clock_monotonic_ns();
    assert_int_equal(tpi_bus_aeron_open(&bus, &config), -1);
    assert_true(ms_since(start_ns) >= 200);
    tp_media_driver_close(driver);
    assert_int_equal(tp_errcode(), TP_ENOMEDIADRIVER);
    assert_non_null(strstr(tp_errmsg(), config.aeron_dir));
    assert_non_null(strstr(tp_errwhy(), "cnc.dat does not exist; a driver is alive at /dev/shm/"));
    assert_non_null(strstr(tp_errwhy(), "(pid "));
    assert_non_null(strstr(tp_errfix(), "tp_driver --embedded-media-driver"));
    assert_null(bus);
    const tpi_bus_aeron_config_t at_once = { .aeron_dir = tpi_test_dir("nobody") };
    assert_int_equal(tpi_bus_aeron_open(&bus, &at_once), -1);
    assert_int_equal(tp_errcode(), TP_ENOMEDIADRIVER);
    const tpi_bus_aeron_config_t too_short = { .aeron_dir = tpi_test_dir("nobody"), .driver_timeout_ns = TPI_NS_PER_S };
    assert_int_equal(tpi_bus_aeron_open(&bus, &too_short), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
}

static void a_channel_the_driver_refuses_is_an_error_with_its_reason(void **state)
{
    tpi_bus_t *const bus = tpi_test_bus(*state);
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *pub = NULL;
    tpi_subscription_t *sub = NULL;
    static const char *const wrong[] = { "foo:bar", "aeron:ipc?term-length=65k", "aeron:udp" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    {
        int result = 0;
        assert_int_equal(tpi_bus_add_publication(bus, &async, wrong[i], stream_id), 0);
        TPI_TEST_AWAIT(bus, 0 != (result = tpi_bus_add_publication_poll(async, &pub)));
        assert_int_equal(result, -1);
        assert_int_equal(tp_errcode(), TP_ECHANNEL);
        assert_non_null(strstr(tp_errmsg(), wrong[i]));
        assert_true(strlen(tp_errwhy()) > 10);
        assert_null(strchr(tp_errwhy(), '\n'));
        assert_null(strstr(tp_errwhy(), ".c:"));
    }
    const tpi_subscription_config_t config = { .channel = "foo:bar", .stream_id = stream_id };
    int result = 0;
    assert_int_equal(tpi_bus_add_subscription(bus, &async, &config), 0);
    TPI_TEST_AWAIT(bus, 0 != (result = tpi_bus_add_subscription_poll(async, &sub)));
    assert_int_equal(result, -1);
    assert_int_equal(tp_errcode(), TP_ECHANNEL);
    (void)add_pub(bus, CHANNEL);                               /* the bus is none the worse */
    tpi_bus_close(bus);
}

/* ---- rotation and additions ------------------------------------------------------------------------------------------------ */

static void admin_action_is_passed_on_and_costs_nothing_when_tried_again__A2(void **state)
{
    tpi_bus_t *const bus = tpi_test_bus(*state);
    tpi_publication_t *const pub = add_pub(bus, CHANNEL);
    tpi_subscription_t *const sub = add_sub(bus, NULL);
    TPI_TEST_AWAIT(bus, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    int got = 0;
    int rotations = 0;
    const int total = 20000;
    for (int sent = 0; sent < total;)
    {
        tpi_bus_claim_t claim;
        const int64_t position = tpi_publication_claim(pub, 40, &claim);
        if (position > 0) { tpi_bus_claim_commit(&claim); sent++; }
        else if (TP_ADMIN_ACTION == position)
        {
            rotations++;
            int64_t again = tpi_publication_claim(pub, 40, &claim);
            if (again > 0) { tpi_bus_claim_commit(&claim); sent++; }
            assert_true(TP_ADMIN_ACTION != again);             /* one retry is enough */
        }
        else
        {
            assert_int_equal(position, TP_BACK_PRESSURED);
            (void)tpi_bus_do_work(bus, tpi_clock_monotonic_ns());
        }
        assert_true(tpi_subscription_poll(sub, count_message, &got, 100) >= 0);
    }
    TPI_TEST_AWAIT(bus, tpi_subscription_poll(sub, count_message, &got, 100) >= 0 && got >= total);
    assert_int_equal(got, total);
    assert_int_equal(rotations, total / (65536 / 96));         /* 682 frames of 96 bytes in a term, the rest is padding */
    tpi_bus_close(bus);
}

#define NUMBERED 20000

typedef struct numbered
{
    int sent;
    int seen;
    int rotations;
    int32_t session_id;
    int64_t positions[NUMBERED];       /* as they were returned */
    bool is_good;
}
numbered_t;

static void on_numbered(void *clientd, const tpi_message_t *message)
{
    numbered_t *const n = clientd;
    uint64_t words[6] = { 0 };
    bool good = sizeof(words) == message->length && message->session_id == n->session_id && message->position == n->positions[n->seen];
    memcpy(words, message->data, message->length < sizeof(words) ? message->length : sizeof(words));
    for (uint64_t i = 0; i < 6; i++) { good = good && (uint64_t)n->seen * 10 + i == words[i]; }
    n->is_good = n->is_good && good;
    n->seen++;
}

static int64_t send_numbered(numbered_t *n, tpi_publication_t *pub)
{
    uint64_t words[6];
    tpi_bus_claim_t claim;
    for (uint64_t i = 0; i < 6; i++) { words[i] = (uint64_t)n->sent * 10 + i; }
    const bool is_prepared = 0 != n->sent % 3;
    const int64_t position = is_prepared ? tpi_publication_send_prepared(pub, words, sizeof(words)) :
        tpi_publication_claim(pub, sizeof(words), &claim);
    if (TP_ADMIN_ACTION == position) { n->rotations++; }
    if (position <= 0) { return position; }
    if (!is_prepared)
    {
        memcpy(claim.data, words, sizeof(words));
        tpi_bus_claim_commit(&claim);
    }
    n->positions[n->sent++] = position;
    return position;
}

/* What is appended without Aeron's help lies in the log as what Aeron puts there: positions, headers, bytes; through terms and back pressure. */
static void prepared_descriptors_and_claims_share_one_log__A2_A5(void **state)
{
    tpi_bus_t *const bus = tpi_test_bus(*state);
    tpi_publication_t *const pub = add_pub(bus, CHANNEL);
    static numbered_t n;
    n = (numbered_t){ .session_id = tpi_publication_session_id(pub), .is_good = true, .sent = 1, .seen = 1 };
    assert_int_equal(send_numbered(&n, pub), TP_NOT_CONNECTED);
    tpi_subscription_t *const sub = add_sub(bus, NULL);
    TPI_TEST_AWAIT(bus, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    int refused = 0;
    while (n.sent < NUMBERED)
    {
        const int64_t position = send_numbered(&n, pub);
        if (position > 0 || TP_ADMIN_ACTION == position) { continue; }
        assert_int_equal(position, TP_BACK_PRESSURED);                       /* what may be unread is unread */
        refused++;
        while (tpi_subscription_poll(sub, on_numbered, &n, 1000) > 0) { }
        assert_int_equal(n.seen, n.sent);
        (void)tpi_bus_do_work(bus, tpi_clock_monotonic_ns());
    }
    TPI_TEST_AWAIT(bus, tpi_subscription_poll(sub, on_numbered, &n, 1000) >= 0 && n.seen >= NUMBERED);
    assert_int_equal(n.seen, NUMBERED);
    assert_true(n.is_good);
    assert_true(refused >= NUMBERED / 700);
    assert_int_equal(n.rotations, (NUMBERED - 1) / (65536 / 96));
    tpi_bus_close(bus);
}

static void additions_come_and_go(void **state)
{
    tpi_bus_t *const bus = tpi_test_bus(*state);
    for (int i = 0; i < 20; i++)
    {
        tpi_bus_async_t *pub_async = NULL;
        tpi_bus_async_t *sub_async = NULL;
        tpi_publication_t *pub = NULL;
        tpi_subscription_t *sub = NULL;
        const tpi_subscription_config_t config = { .channel = "aeron:ipc", .stream_id = 2000 + i };
        assert_int_equal(tpi_bus_add_publication(bus, &pub_async, "aeron:ipc", 2000 + i), 0);
        assert_int_equal(tpi_bus_add_subscription(bus, &sub_async, &config), 0);
        TPI_TEST_AWAIT(bus, 0 != tpi_bus_add_publication_poll(pub_async, &pub));
        TPI_TEST_AWAIT(bus, 0 != tpi_bus_add_subscription_poll(sub_async, &sub));
        assert_non_null(pub);
        assert_non_null(sub);
        TPI_TEST_AWAIT(bus, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
        tpi_publication_close(pub);
        tpi_subscription_close(sub);
    }
    tpi_bus_close(bus);
}

/* ---- polling from another thread ------------------------------------------------------------------------------------------- */

typedef struct in_place
{
    const uint8_t *data;
    int adjacent, count;
}
in_place_t;

static void note_place(void *clientd, const tpi_message_t *message)
{
    in_place_t *const place = clientd;
    if (NULL != place->data && 96 == message->data - place->data) { place->adjacent++; }
    place->data = message->data;
    place->count++;
}

static void unfragmented_messages_are_seen_in_the_log_itself_without_allocation(void **state)
{
    tpi_bus_t *const bus = tpi_test_bus(*state);
    tpi_publication_t *const pub = add_pub(bus, CHANNEL);
    tpi_subscription_t *const sub = add_sub(bus, NULL);
    TPI_TEST_AWAIT(bus, tpi_publication_is_connected(pub) && tpi_subscription_is_connected(sub));
    static const uint8_t data[40];
    in_place_t place = { 0 };
    assert_true(tpi_publication_offer(pub, data, sizeof(data)) > 0);
    TPI_TEST_AWAIT(bus, 1 == tpi_subscription_poll(sub, note_place, &place, 10));
    for (int i = 0; i < 100; i++) { assert_true(tpi_publication_offer(pub, data, sizeof(data)) > 0); }
#if !defined(__SANITIZE_ADDRESS__)
    const struct mallinfo2 before = mallinfo2();
#endif
    assert_int_equal(tpi_subscription_poll(sub, note_place, &place, 1000), 100);
#if !defined(__SANITIZE_ADDRESS__)
    const struct mallinfo2 after = mallinfo2();
    assert_int_equal(after.uordblks, before.uordblks);
#endif
    assert_int_equal(place.adjacent, 100);
    tpi_bus_close(bus);
}

typedef struct poller
{
    tpi_subscription_t *sub;
    atomic_bool running;
    atomic_int messages;
    atomic_int wrong;
    atomic_llong first_ns;             /* no image joined before */
}
poller_t;

static void check_joined(void *clientd, const tpi_message_t *message)
{
    poller_t *const poller = clientd;
    int64_t sent_after_ns;
    memcpy(&sent_after_ns, message->data, sizeof(sent_after_ns));
    const int64_t joined_ns = message->joined_ns;
    if (joined_ns < atomic_load(&poller->first_ns) || joined_ns > tpi_clock_monotonic_ns() || joined_ns < sent_after_ns)
    {
        atomic_fetch_add(&poller->wrong, 1);
    }
    atomic_fetch_add(&poller->messages, 1);
}

static void *poll_until_told(void *clientd)
{
    poller_t *const poller = clientd;
    while (atomic_load(&poller->running))
    {
        if (tpi_subscription_poll(poller->sub, check_joined, poller, 10) < 0) { atomic_fetch_add(&poller->wrong, 1); break; }
    }
    return NULL;
}

/* Images come and go on the owner thread while another thread polls; each message carries a time before its image joined. */
static void join_times_hold_while_images_come_and_go_under_a_polling_thread__A7_W_084(void **state)
{
    tpi_bus_t *const bus = tpi_test_bus(*state);
    tpi_bus_t *const sender = tpi_test_bus(*state);
    poller_t poller = { .sub = add_sub(bus, NULL), .running = true };
    atomic_store(&poller.first_ns, tpi_clock_monotonic_ns());
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, poll_until_told, &poller), 0);
    uint8_t data[3000] = { 0 };
    int expected = 0;
    for (int round = 0; round < 50; round++)
    {
        const int64_t before_ns = tpi_clock_monotonic_ns();
        memcpy(data, &before_ns, sizeof(before_ns));
        tpi_publication_t *const pub = add_pub(sender, CHANNEL);
        TPI_TEST_AWAIT(sender, tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0 && tpi_publication_is_connected(pub));
        for (int i = 0; i < 3; i++)
        {
            TPI_TEST_AWAIT(sender, tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0 && tpi_publication_offer(pub, data, 0 == i ? 3000 : 40) > 0);
        }
        expected += 3;
        if (0 == round % 2) { tpi_publication_close(pub); }
    }
    TPI_TEST_AWAIT(sender, tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0 && atomic_load(&poller.messages) >= expected);
    atomic_store(&poller.running, false);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&poller.wrong), 0);
    assert_int_equal(atomic_load(&poller.messages), expected);
    tpi_bus_close(sender);
    tpi_bus_close(bus);
}

/* ---- death ----------------------------------------------------------------------------------------------------------------- */

typedef struct publisher
{
    tpi_publication_t *pub;
    atomic_bool running;
    atomic_int sent;
    int64_t last;
}
publisher_t;

static void *publish_until_closed(void *clientd)
{
    publisher_t *const publisher = clientd;
    static const uint8_t data[40];
    while (atomic_load(&publisher->running))
    {
        tpi_bus_claim_t claim;
        publisher->last = tpi_publication_claim(publisher->pub, sizeof(data), &claim);
        if (publisher->last > 0)
        {
            memcpy(claim.data, data, sizeof(data));
            tpi_bus_claim_commit(&claim);
            atomic_fetch_add(&publisher->sent, 1);
        }
        else if (TP_CLOSED == publisher->last) { break; }
        else if (TP_BACK_PRESSURED == publisher->last) { tpi_test_rest(); }
    }
    return NULL;
}

typedef struct wanted
{
    int32_t type_id;
    int found;
    int64_t value;
}
wanted_t;

static void on_counter(void *clientd, const tpi_counter_view_t *counter)
{
    wanted_t *const wanted = clientd;
    if (wanted->type_id == counter->type_id)
    {
        wanted->found++;
        wanted->value = counter->value;
    }
}

static tpi_counter_t *add_counter(tpi_bus_t *bus, int32_t type_id)
{
    tpi_bus_async_t *async = NULL;
    tpi_counter_t *counter = NULL;
    assert_int_equal(tpi_bus_add_counter(bus, &async, type_id, NULL, 0, "of the dead"), 0);
    TPI_TEST_AWAIT(bus, 0 != tpi_bus_add_counter_poll(async, &counter));
    return counter;
}

static void check_dead_counters(const char *dir, pid_t pid)
{
    tpi_counters_reader_t *reader = NULL;
    wanted_t wanted = { .type_id = 6001 };
    assert_int_equal(tpi_counters_reader_open(&reader, dir), 0);
    assert_int_equal(tpi_counters_reader_pid(reader), pid);
    assert_true(tpi_counters_reader_heartbeat_ms(reader) > 0);
    assert_true(tpi_counters_reader_foreach(reader, on_counter, &wanted) > 10);
    assert_int_equal(wanted.found, 1);
    assert_int_equal(wanted.value, 77);
    tpi_counters_reader_close(reader);
}

static void a_killed_media_driver_is_noticed_and_survived(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("victim");
    const pid_t pid = tpi_test_spawn("--driver", dir);
    tpi_bus_t *const bus = tpi_test_bus(dir);
    publisher_t publisher = { .pub = add_pub(bus, CHANNEL) };
    tpi_subscription_t *const sub = add_sub(bus, NULL);
    tpi_counter_t *const counter = add_counter(bus, 6001);
    tpi_counter_set(counter, 77);
    tpi_bus_async_t *pending = NULL;
    tpi_bus_async_t *left = NULL;
    tpi_publication_t *never = NULL;
    tpi_bus_claim_t claim;
    pthread_t thread;
    int got = 0;
    TPI_TEST_AWAIT(bus, tpi_publication_is_connected(publisher.pub) && tpi_subscription_is_connected(sub));
    atomic_store(&publisher.running, true);
    assert_int_equal(pthread_create(&thread, NULL, publish_until_closed, &publisher), 0);
    TPI_TEST_AWAIT(bus, tpi_subscription_poll(sub, count_message, &got, 100) >= 0 && got > 5000);
    assert_int_equal(tpi_test_kill(pid), 0);
    const int64_t killed_ns = tpi_clock_monotonic_ns();
    assert_int_equal(tpi_bus_add_publication(bus, &pending, CHANNEL, stream_id), 0);
    assert_int_equal(tpi_bus_add_publication(bus, &left, CHANNEL, stream_id), 0);
    while (tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0)
    {
        (void)tpi_subscription_poll(sub, count_message, &got, 100);
        assert_true(ms_since(killed_ns) < TPI_TEST_WAIT_NS / TPI_NS_PER_MS);
        tpi_test_rest();
    }
    print_message("death noticed after %" PRId64 " ms: %s; %s\n", ms_since(killed_ns), tp_errmsg(), tp_errwhy());
    assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(publisher.last, TP_CLOSED);
    assert_int_equal(tpi_publication_claim(publisher.pub, 8, &claim), TP_CLOSED);
    assert_int_equal(tpi_publication_offer(publisher.pub, (const uint8_t *)"x", 1), TP_CLOSED);
    assert_int_equal(tpi_subscription_poll(sub, count_message, &got, 10), TP_CLOSED);
    assert_false(tpi_publication_is_connected(publisher.pub));
    assert_int_equal(tpi_bus_add_publication_poll(pending, &never), -1);
    assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
    assert_int_equal(tpi_bus_add_publication(bus, &pending, CHANNEL, stream_id), -1);
    assert_int_equal(tpi_bus_do_work(bus, tpi_clock_monotonic_ns()), -1);
    tpi_counter_set(counter, 78);                              /* does nothing any more */
    wanted_t wanted = { .type_id = 6001 };
    assert_true(tpi_bus_counters(bus, on_counter, &wanted) > 10);
    assert_int_equal(wanted.value, 77);
    check_dead_counters(dir, pid);
    tpi_publication_close(publisher.pub);
    tpi_counter_close(counter);
    tpi_bus_close(bus);                                        /* the subscription and one addition are left to it */

    tp_media_driver_config_t config = driver_config(dir);      /* a successor */
    tp_media_driver_t *driver = NULL;
    assert_int_equal(tp_media_driver_launch(&driver, &config), -1);
    assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
    assert_non_null(strstr(tp_errfix(), "delete_on_start"));
    config.delete_on_start = true;
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);
    tp_media_driver_close(driver);
}

static void a_media_driver_that_shuts_down_is_noticed_at_once(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("orderly");
    tp_media_driver_config_t config = driver_config(dir);
    config.delete_on_close = false;
    tp_media_driver_t *driver = NULL;
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);
    tpi_bus_t *const bus = tpi_test_bus(dir);
    tpi_publication_t *const pub = add_pub(bus, CHANNEL);
    assert_true(tpi_bus_media_driver_heartbeat_ms(bus) > 0);
    tp_media_driver_close(driver);
    assert_int_equal(tpi_bus_do_work(bus, tpi_clock_monotonic_ns()), -1);
    assert_non_null(strstr(tp_errwhy(), "shut down"));
    assert_int_equal(tpi_publication_offer(pub, (const uint8_t *)"x", 1), TP_CLOSED);
    assert_int_equal(tpi_bus_media_driver_heartbeat_ms(bus), 0);
    tpi_bus_close(bus);
    tpi_cnc_info_t info;
    assert_int_equal(tpi_cnc_probe(dir, 1000, &info), TPI_CNC_DEAD);
}

static void a_stopped_driver_and_a_leap_of_the_clock_do_not_count_as_death(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("stalled");
    const pid_t pid = tpi_test_spawn("--driver", dir);
    tpi_bus_t *const bus = tpi_test_bus(dir);
    const int64_t start_ns = tpi_clock_monotonic_ns();
    TPI_TEST_AWAIT(bus, ms_since(start_ns) > 50);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    const int64_t stopped_ns = tpi_clock_monotonic_ns();
    while (ms_since(stopped_ns) < 2600)                        /* two missed beats; the process is still there */
    {
        assert_true(tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0);
        tpi_test_rest();
    }
    assert_true(tpi_bus_do_work(bus, tpi_clock_monotonic_ns() + 3600 * TPI_NS_PER_S) >= 0);    /* the machine slept */
    assert_int_equal(kill(pid, SIGCONT), 0);
    tpi_publication_t *pub = NULL;
    tpi_bus_async_t *async = NULL;
    assert_int_equal(tpi_bus_add_publication(bus, &async, CHANNEL, stream_id), 0);
    TPI_TEST_AWAIT(bus, 0 != tpi_bus_add_publication_poll(async, &pub));
    assert_non_null(pub);
    tpi_bus_close(bus);
    assert_int_equal(tpi_test_kill(pid), 0);
}

static void a_client_that_did_not_run_is_told_so(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("sleepy");
    tp_media_driver_config_t config = driver_config(dir);
    config.client_liveness_timeout_ns = 3 * TPI_NS_PER_S;      /* as long as opening may take on a busy machine */
    tp_media_driver_t *driver = NULL;
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);
    tpi_bus_t *const bus = tpi_test_bus(dir);
    tpi_publication_t *const pub = add_pub(bus, CHANNEL);
    tpi_subscription_t *const sub = add_sub(bus, NULL);
    const struct timespec too_long = { .tv_sec = 3, .tv_nsec = 200000000 };
    int got = 0;
    (void)nanosleep(&too_long, NULL);
    assert_int_equal(tpi_bus_do_work(bus, tpi_clock_monotonic_ns()), -1);
    assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
    assert_non_null(strstr(tp_errfix(), "at least once a second"));
    assert_int_equal(tpi_publication_offer(pub, (const uint8_t *)"x", 1), TP_CLOSED);
    assert_int_equal(tpi_subscription_poll(sub, count_message, &got, 1), TP_CLOSED);
    tpi_subscription_close(sub);
    tpi_publication_close(pub);
    tpi_bus_close(bus);
    tp_media_driver_close(driver);
}

/* ---- the suite ------------------------------------------------------------------------------------------------------------- */

static int open_aeron(tpi_bus_fixture_t *fixture, tpi_bus_t **bus)
{
    const tpi_bus_aeron_config_t config = { .aeron_dir = fixture->state, .connect_timeout_ns = TPI_TEST_WAIT_NS };
    return tpi_bus_aeron_open(bus, &config);
}

static int64_t real_ns(tpi_bus_fixture_t *fixture)
{
    (void)fixture;
    return tpi_clock_monotonic_ns();
}

static tp_media_driver_t *shared;

static int next_stream(void **state)
{
    (void)state;
    stream_id++;
    return 0;
}

static int launch_shared(void **state)
{
    tp_media_driver_config_t config = driver_config(tpi_test_dir("shared"));
    if (tp_media_driver_launch(&shared, &config) < 0) { return -1; }
    *state = (void *)(uintptr_t)tp_media_driver_aeron_dir(shared);
    return 0;
}

int main(int argc, char **argv)
{
    if (3 == argc && 0 == strcmp(argv[1], "--driver")) { return run_driver(argv[2]); }
    if (tpi_test_rig_start("bus") < 0) { return 1; }
    const struct CMUnitTest alone[] =
    {
        cmocka_unit_test(all_results_of_aeron_are_mapped__A5),
        cmocka_unit_test(without_a_media_driver_opening_says_where_others_are),
        cmocka_unit_test(a_killed_media_driver_is_noticed_and_survived),
        cmocka_unit_test(a_media_driver_that_shuts_down_is_noticed_at_once),
        cmocka_unit_test(a_stopped_driver_and_a_leap_of_the_clock_do_not_count_as_death),
        cmocka_unit_test(a_client_that_did_not_run_is_told_so),
    };
    const struct CMUnitTest with_shared[] =
    {
        cmocka_unit_test_setup(a_channel_the_driver_refuses_is_an_error_with_its_reason, next_stream),
        cmocka_unit_test_setup(admin_action_is_passed_on_and_costs_nothing_when_tried_again__A2, next_stream),
        cmocka_unit_test_setup(prepared_descriptors_and_claims_share_one_log__A2_A5, next_stream),
        cmocka_unit_test_setup(additions_come_and_go, next_stream),
        cmocka_unit_test_setup(unfragmented_messages_are_seen_in_the_log_itself_without_allocation, next_stream),
        cmocka_unit_test_setup(join_times_hold_while_images_come_and_go_under_a_polling_thread__A7_W_084, next_stream),
    };
    int failed = cmocka_run_group_tests(alone, NULL, NULL);
    failed += cmocka_run_group_tests(with_shared, launch_shared, NULL);
    if (NULL != shared)
    {
        tpi_bus_fixture_t fixture = { .name = "bus_aeron conformance", .open = open_aeron, .now_ns = real_ns,
            .state = (void *)(uintptr_t)tp_media_driver_aeron_dir(shared) };
        failed += tpi_bus_conformance_run(&fixture);
        failed += tpi_bus_records_conformance_run(&fixture);
    }
    tp_media_driver_close(shared);
    return failed;
}

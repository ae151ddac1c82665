/* Receiving records from a real media driver, while images come and go. */
#include "bus/bus_aeron.h"

#include <aeronc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bus/bus_test_rig.h"
#include "bus/media_driver.h"
#include "common/clock.h"

#define CHANNEL "aeron:ipc?term-length=64k"

static int32_t stream_id = 1300;       /* another one for each test: what lingers in the driver is replayed to newcomers */

static tpi_publication_t *add_pub(tpi_bus_t *bus, const char *channel) { return tpi_test_pub(bus, channel, stream_id); }

static tpi_subscription_t *add_sub(tpi_bus_t *bus)
{
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = stream_id };
    return tpi_test_sub(bus, &config);
}

static void count_message(void *clientd, const tpi_message_t *message)
{
    (void)message;
    ++*(int *)clientd;
}

/* ---- senders come and go ---------------------------------------------------------------------------------------------------- */

#define RECORDS_HEAD UINT64_C(0x0102030405060708)
#define SENDERS 12                     /* at once: more than are kept at hand, and fewer */

typedef struct reader
{
    tpi_subscription_t *sub;
    atomic_bool running;
    atomic_int seen;
    atomic_int wrong;
    uint32_t next[512];                /* by sender */
}
reader_t;

static void on_other(tpi_records_t *records, const uint8_t *data, size_t length)
{
    (void)data;
    (void)length;
    atomic_fetch_add(&((reader_t *)records->clientd)->wrong, 1);
}

static void *read_until_told(void *clientd)
{
    reader_t *const reader = clientd;
    static tpi_record_t room[64];
    tpi_records_t records = { .capacity = 64, .room = room, .head = RECORDS_HEAD, .key = 5, .other = on_other, .clientd = reader };
    while (atomic_load(&reader->running))
    {
        records.count = 0;
        if (tpi_subscription_poll_records(reader->sub, &records) < 0) { atomic_fetch_add(&reader->wrong, 1); break; }
        for (uint32_t i = 0; i < records.count; i++)
        {
            uint32_t words[12];
            memcpy(words, room[i].bytes, sizeof(words));
            if (words[3] >= 512 || words[4] != reader->next[words[3]]++) { atomic_fetch_add(&reader->wrong, 1); }
        }
        atomic_fetch_add(&reader->seen, (int)records.count);
    }
    return NULL;
}

/* Images are kept at hand by the polling thread while the owner thread has them come and go, and the subscription goes before them. */
static void records_arrive_while_senders_come_and_go_under_a_polling_thread(void **state)
{
    tpi_bus_t *const bus = tpi_test_bus(*state);
    tpi_bus_t *const sender = tpi_test_bus(*state);
    static reader_t reader;
    reader.sub = add_sub(bus);
    atomic_store(&reader.running, true);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_until_told, &reader), 0);
    tpi_publication_t *pubs[SENDERS] = { NULL };
    int sent = 0;
    for (uint32_t round = 0; round < 100; round++)
    {
        tpi_publication_t **const pub = &pubs[round * 7 % SENDERS];
        tpi_publication_close(*pub);
        *pub = add_pub(sender, CHANNEL);
        TPI_TEST_AWAIT(sender, tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0 && tpi_publication_is_connected(*pub));
        for (uint32_t i = 0; i < 40; i++)
        {
            uint32_t words[12] = { 0x05060708, 0x01020304, 5, round, i };
            TPI_TEST_AWAIT(sender, tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0 &&
                tpi_publication_send_prepared(*pub, words, sizeof(words)) > 0);
            sent++;
        }
        if (round % 30 < 20) { continue; }                 /* and all of them away */
        for (int i = 0; i < SENDERS; i++)
        {
            tpi_publication_close(pubs[i]);
            pubs[i] = NULL;
        }
    }
    TPI_TEST_AWAIT(sender, tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0 && atomic_load(&reader.seen) >= sent);
    atomic_store(&reader.running, false);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&reader.wrong), 0);
    assert_int_equal(atomic_load(&reader.seen), sent);
    tpi_subscription_close(reader.sub);
    for (int i = 0; i < 20; i++) { assert_true(tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0); }
    tpi_bus_close(sender);
    tpi_bus_close(bus);
}

/* ---- cut off, and back ------------------------------------------------------------------------------------------------------ */

#define RESTLESS CHANNEL "|untethered-window-limit-timeout=100ms|untethered-linger-timeout=100ms|untethered-resting-timeout=100ms"

typedef struct stopped
{
    tpi_bus_t *bus;
    tpi_subscription_t *sub;
    tpi_records_t records;
    int came;                          /* images, over time */
    int others;
    uint32_t read;
    uint32_t next;                     /* number that may come next at the earliest */
    uint32_t twice;
}
stopped_t;

static void count_images(void *clientd, int32_t session_id, bool available, int64_t now_ns)
{
    (void)session_id;
    (void)now_ns;
    ((stopped_t *)clientd)->came += available ? 1 : 0;
}

static void *work_until_it_is_back(void *clientd)
{
    stopped_t *const s = clientd;
    TPI_TEST_AWAIT(s->bus, s->came >= 2);
    return NULL;
}

/* In the middle of a poll: the client hears that the image is gone, and of the one in its place. */
static void hear_meanwhile(tpi_records_t *records, const uint8_t *data, size_t length)
{
    stopped_t *const s = records->clientd;
    pthread_t thread;
    (void)data;
    (void)length;
    s->others++;
    assert_int_equal(pthread_create(&thread, NULL, work_until_it_is_back, s), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void read_numbers(stopped_t *s)
{
    s->records.count = 0;
    assert_true(tpi_subscription_poll_records(s->sub, &s->records) >= 0);
    for (uint32_t i = 0; i < s->records.count; i++)
    {
        uint32_t words[12];
        memcpy(words, s->records.room[i].bytes, sizeof(words));
        if (words[3] < s->next) { s->twice++; }
        else { s->next = words[3] + 1; }
        s->read++;
    }
}

static bool send_number(tpi_publication_t *pub, uint32_t number)
{
    const uint32_t words[12] = { 0x05060708, 0x01020304, 5, number };
    return tpi_publication_send_prepared(pub, words, sizeof(words)) > 0;
}

/* A process that stood still reads on in the image it had, while another one has taken its place, which begins where Aeron knows it to be. */
static void what_was_read_of_an_image_that_is_replaced_is_not_read_again__A6_W_113(void **state)
{
    tpi_bus_t *const sender = tpi_test_bus(*state);
    static tpi_record_t room[64];
    stopped_t s = { .bus = tpi_test_bus(*state) };
    s.records = (tpi_records_t){ .capacity = 64, .room = room, .head = RECORDS_HEAD, .key = 5, .other = hear_meanwhile, .clientd = &s };
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = stream_id, .untethered = true, .on_image = count_images,
        .image_clientd = &s };
    s.sub = tpi_test_sub(s.bus, &config);
    tpi_publication_t *const pub = add_pub(sender, RESTLESS);
    tpi_subscription_t *const alive = add_sub(sender);
    TPI_TEST_AWAIT(sender, tpi_bus_do_work(s.bus, tpi_clock_monotonic_ns()) >= 0 && 1 == s.came && tpi_subscription_is_connected(alive));
    uint32_t number = 0;
    int heard = 0;
    TPI_TEST_AWAIT(sender, send_number(pub, number));
    number++;
    TPI_TEST_AWAIT(sender, (read_numbers(&s), 1 == s.read));
    aeron_image_t *const image = ((aeron_bus_sub_t *)s.sub)->held[0];
    const int64_t known = aeron_image_position(image);
    TPI_TEST_AWAIT(sender, (number += send_number(pub, number) ? 1 : 0, tpi_subscription_poll(alive, count_message, &heard, 64) >= 0) &&
        aeron_image_position(image) > known);              /* cut off, rested, and joined again: nobody else writes that position */
    assert_false(aeron_image_is_closed(image));            /* this client has heard nothing of it */
    const uint8_t other[48] = { 1 };
    TPI_TEST_AWAIT(sender, tpi_publication_offer(pub, other, sizeof(other)) > 0);
    for (uint32_t i = 0; i < 20; i++, number++) { TPI_TEST_AWAIT(sender, send_number(pub, number)); }
    TPI_TEST_AWAIT(sender, (read_numbers(&s), s.next == number));
    TPI_TEST_AWAIT(sender, send_number(pub, number));
    number++;
    TPI_TEST_AWAIT(sender, (read_numbers(&s), s.next == number));          /* by the one in its place */
    assert_int_equal(s.others, 1);
    assert_int_equal(s.came, 2);
    assert_int_equal(s.twice, 0);
    tpi_subscription_close(s.sub);
    tpi_bus_close(s.bus);
    tpi_bus_close(sender);
}

/* ---- the suite ------------------------------------------------------------------------------------------------------------- */

static int next_stream(void **state)
{
    (void)state;
    stream_id++;
    return 0;
}

int main(void)
{
    if (tpi_test_rig_start("records") < 0) { return 1; }
    const tp_media_driver_config_t config = { .size = sizeof(config), .aeron_dir = tpi_test_dir("aeron"), .delete_on_close = true };
    tp_media_driver_t *driver = NULL;
    if (tp_media_driver_launch(&driver, &config) < 0) { return 1; }
    void *const dir = (void *)(uintptr_t)tp_media_driver_aeron_dir(driver);
    const struct CMUnitTest tests[] =
    {
        cmocka_unit_test_prestate_setup_teardown(records_arrive_while_senders_come_and_go_under_a_polling_thread, next_stream, NULL, dir),
        cmocka_unit_test_prestate_setup_teardown(what_was_read_of_an_image_that_is_replaced_is_not_read_again__A6_W_113, next_stream, NULL, dir),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tp_media_driver_close(driver);
    return failed;
}

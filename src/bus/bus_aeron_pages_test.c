/* Pages of logs ahead of who writes and reads them, of a real media driver; what is mapped is what the kernel says. */
#include "bus/bus_aeron.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bus/bus_test_rig.h"
#include "bus/media_driver.h"
#include "common/clock.h"

#if defined(TPI_AERON_APPEND)

#include <aeron_exclusive_publication.h>
#include <aeron_image.h>
#include <aeron_log_buffer.h>

#define CHANNEL "aeron:ipc?term-length=1m"
#define TERM (INT64_C(1) << 20)
#define PAGE 4096
#define MESSAGE_BYTES 48
#define FRAME_BYTES 96

static int32_t stream_id = 1500;

typedef struct rig
{
    tpi_bus_t *sender;
    tpi_bus_t *receiver;               /* of the same process, with mappings of its own */
    tpi_publication_t *pub;
    tpi_subscription_t *sub;
    int heard;
}
rig_t;

static void on_message(void *clientd, const tpi_message_t *message)
{
    (void)message;
    ++*(int *)clientd;
}

/* An older kernel does without. */
static bool can_populate(void)
{
    void *const page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const bool can = MAP_FAILED != page && 0 == madvise(page, PAGE, 22);       /* MADV_POPULATE_READ */
    if (MAP_FAILED != page) { (void)munmap(page, PAGE); }
    return can && PAGE == sysconf(_SC_PAGESIZE);
}

static void open_rig(rig_t *rig, const char *dir)
{
    if (!can_populate()) { skip(); }
    stream_id++;
    *rig = (rig_t){ .sender = tpi_test_bus(dir), .receiver = tpi_test_bus(dir) };
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = stream_id };
    rig->sub = tpi_test_sub(rig->receiver, &config);
    rig->pub = tpi_test_pub(rig->sender, CHANNEL, stream_id);
    TPI_TEST_AWAIT(rig->sender, tpi_bus_do_work(rig->receiver, tpi_clock_monotonic_ns()) >= 0 && tpi_subscription_is_connected(rig->sub) &&
        tpi_publication_is_connected(rig->pub));
}

static void close_rig(rig_t *rig)
{
    tpi_bus_close(rig->sender);
    tpi_bus_close(rig->receiver);
}

static void turn(rig_t *rig)
{
    assert_true(tpi_bus_do_work(rig->sender, tpi_clock_monotonic_ns()) >= 0);
    assert_true(tpi_bus_do_work(rig->receiver, tpi_clock_monotonic_ns()) >= 0);
}

static void send(rig_t *rig, int count)
{
    const uint8_t message[MESSAGE_BYTES] = { 1 };
    const int before = rig->heard;
    for (int i = 0; i < count; i++)
    {
        TPI_TEST_AWAIT(rig->sender, tpi_publication_send_prepared(rig->pub, message, sizeof(message)) > 0);
        assert_true(tpi_subscription_poll(rig->sub, on_message, &rig->heard, 64) >= 0);
    }
    TPI_TEST_AWAIT(rig->sender, tpi_subscription_poll(rig->sub, on_message, &rig->heard, 64) >= 0 && rig->heard == before + count);
}

/* Pages of this mapping that are there, from that position of the log up to another. */
static int64_t mapped(const aeron_mapped_raw_log_t *log, int64_t from, int64_t to)
{
    const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    assert_true(pagemap >= 0);
    int64_t count = 0;
    for (int64_t at = from / PAGE * PAGE; at < to; at += PAGE)
    {
        uint64_t entry = 0;
        const uint8_t *const address = log->term_buffers[at / TERM % 3].addr + at % TERM;
        assert_int_equal(pread(pagemap, &entry, sizeof(entry), (off_t)((uintptr_t)address / PAGE * sizeof(entry))), sizeof(entry));
        count += (int64_t)(entry >> 63);
    }
    assert_int_equal(close(pagemap), 0);
    return count;
}

static const aeron_mapped_raw_log_t *written(const rig_t *rig) { return &((aeron_bus_pub_t *)rig->pub)->pub->log_buffer->mapped_raw_log; }

static const aeron_mapped_raw_log_t *read_from(const rig_t *rig)
{
    return &((aeron_bus_sub_t *)rig->sub)->owned->entries[0].image->log_buffer->mapped_raw_log;
}

static void pages_are_there_before_they_are_written_and_read__L_312(void **state)
{
    rig_t rig;
    open_rig(&rig, *state);
    turn(&rig);
    assert_in_range(mapped(written(&rig), 0, 3 * TERM), 0, 1);                 /* nothing moves: nothing is taken */
    send(&rig, 10);
    turn(&rig);
    assert_int_equal(mapped(written(&rig), 0, 16 * PAGE), 16);                 /* a little ahead of what moves a little */
    assert_int_equal(mapped(read_from(&rig), 0, 16 * PAGE), 16);
    assert_in_range(mapped(written(&rig), 0, 3 * TERM), 16, 32);
    send(&rig, 400);                                                           /* 9.4 pages: so far that a turn like it finds them there */
    turn(&rig);
    assert_true(mapped(written(&rig), 0, 80 * PAGE) >= 80);
    assert_true(mapped(read_from(&rig), 0, 80 * PAGE) >= 80);
    assert_int_equal(mapped(written(&rig), 0, 3 * TERM), mapped(written(&rig), 0, 112 * PAGE));
    close_rig(&rig);
}

/* Such positions come from memory that others write. */
static void positions_that_cannot_be_lead_nowhere__L_312(void **state)
{
    rig_t rig;
    open_rig(&rig, *state);
    send(&rig, 10);
    turn(&rig);
    turn(&rig);
    aeron_bus_pub_t *const pub = (aeron_bus_pub_t *)rig.pub;
    const tpi_log_pages_t before = pub->pages;
    assert_false(before.is_done);
    aeron_logbuffer_metadata_t *const metadata = pub->pub->log_meta_data;
    const int64_t tail = metadata->term_tail_counters[0];
    const int32_t count = metadata->active_term_count;
    metadata->term_tail_counters[0] = tail - (INT64_C(3) << 32);               /* before the first term */
    turn(&rig);
    assert_true(pub->pages.is_done);
    pub->pages = before;
    metadata->term_tail_counters[0] = tail;
    metadata->active_term_count = -5;
    turn(&rig);
    assert_true(pub->pages.is_done);
    assert_int_equal(pub->pages.until, before.until);
    metadata->active_term_count = count;
    close_rig(&rig);
}

static void once_round_the_log_nothing_is_asked_for_any_more__L_312(void **state)
{
    rig_t rig;
    open_rig(&rig, *state);
    const aeron_bus_pub_t *const pub = (aeron_bus_pub_t *)rig.pub;
    for (int64_t sent = 0; sent < 3 * TERM; sent += 2000 * FRAME_BYTES)
    {
        assert_false(pub->pages.is_done && pub->pages.until < 3 * TERM);
        send(&rig, 2000);
        turn(&rig);
        turn(&rig);                                                            /* what one turn leaves */
        const int64_t from = (sent + 2000 * FRAME_BYTES) / PAGE * PAGE;
        const int64_t to = from + 46 * PAGE < 3 * TERM ? from + 46 * PAGE : 3 * TERM;          /* what the next 2000 will touch */
        if (from < to) { assert_int_equal(mapped(written(&rig), from, to), (to - from) / PAGE); }
    }
    turn(&rig);
    assert_true(pub->pages.is_done);
    assert_int_equal(pub->pages.until, 3 * TERM);
    assert_int_equal(mapped(read_from(&rig), 0, 3 * TERM), 3 * TERM / PAGE);
    close_rig(&rig);
}

int main(void)
{
    if (tpi_test_rig_start("pages") < 0) { return 1; }
    const tp_media_driver_config_t config = { .size = sizeof(config), .aeron_dir = tpi_test_dir("aeron"), .delete_on_close = true };
    tp_media_driver_t *driver = NULL;
    if (tp_media_driver_launch(&driver, &config) < 0) { return 1; }
    void *const dir = (void *)(uintptr_t)tp_media_driver_aeron_dir(driver);
    const struct CMUnitTest tests[] =
    {
        cmocka_unit_test_prestate(pages_are_there_before_they_are_written_and_read__L_312, dir),
        cmocka_unit_test_prestate(positions_that_cannot_be_lead_nowhere__L_312, dir),
        cmocka_unit_test_prestate(once_round_the_log_nothing_is_asked_for_any_more__L_312, dir),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tp_media_driver_close(driver);
    return failed;
}

#else

int main(void) { return 0; }

#endif

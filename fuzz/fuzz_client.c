/*
 * A client with a producer and a consumer beside a driver: any message on any of its streams, and a foreign hand in its regions. The input is a
 * list of records: a byte says what, the next ones what with.
 *   0 n          the clock moves by n * 20 ms           1 s n bytes      a message of n bytes on stream s: control, descriptor, QoS, metadata
 *   2 n          a frame filled with n is published     3 n              the consumer reads what there is, and all of it
 *   4 s w n b    n bytes over slot s from word w on     5 r o n bytes    n bytes over region r from byte o on
 *   6 r          region r is cut to a page
 * Whatever comes, reading stays inside what is mapped, and closing ends it all.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/test_handlers.h"
#include "fuzz_client_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS_MAX 48
#define STREAMS 4

static tpi_publication_t *streams[STREAMS];
static tp_producer_t *producer;
static tp_consumer_t *consumer;

static void start(void)
{
    static const int32_t ids[STREAMS] = { 1000, 1100, 1200, 1300 };
    rig_open(&rig);
    for (size_t i = 1; i < STREAMS; i++) { streams[i] = rig_publication(&rig, ids[i]); }
    streams[0] = rig.publication;
    open_client();
    if (tell_everything(client, 4096) < 0) { abort(); }
    open_pair(&producer, &consumer, 10000, false);
    for (int i = 0; i < 8; i++) { turn(20 * MS); }
    if (!tp_consumer_is_mapped(consumer)) { abort(); }
}

static void read_all(void)
{
    tp_frame_view_t view;
    uint8_t copy[256];
    for (int i = 0; i < 64 && 1 == tp_consumer_next(consumer, &view, 0); i++)
    {
        const uint8_t *const payload = view.payload;
        unsigned sum = 0;
        if (view.payload_bytes > 64 || view.tensor->ndims < 1 || view.tensor->ndims > TP_MAX_DIMS) { abort(); }
        for (size_t k = 0; k < view.payload_bytes; k++) { sum += payload[k]; }
        if (tp_frame_view_is_valid(&view) && tp_consumer_copy_frame(&view, copy, sizeof(copy)) > (int64_t)view.payload_bytes) { abort(); }
        (void)sum;
    }
}

static void overwrite(const char *path, off_t at, const uint8_t *data, size_t length)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) { return; }
    (void)!pwrite(fd, data, length, at);
    (void)close(fd);
}

static size_t with_bytes(uint8_t what, const uint8_t *data, size_t size)
{
    if (size < 3) { return size; }
    size_t used = 2;
    off_t at = 0;
    const char *path = rig.regions[0];
    if (4 == what)
    {
        at = 64 + 256 * (data[0] % 8) + 8 * (data[1] % 32);
        used = 3;
    }
    if (5 == what)
    {
        at = data[1];
        path = rig.regions[data[0] % (0 == rig.region_count ? 1 : rig.region_count)];
        used = 3;
    }
    const size_t length = least(data[used - 1], size - used);
    if (1 != what) { overwrite(path, at, data + used, length); }
    else if (length > 0) { (void)tpi_publication_offer(streams[data[0] % STREAMS], data + used, length); }
    return used + length;
}

static size_t record(const uint8_t *data, size_t size)
{
    const uint8_t what = data[0] % 7;
    const uint8_t n = size > 1 ? data[1] : 0;
    uint8_t frame[32];
    switch (what)
    {
        case 0: turn(n * 20 * MS); break;
        case 2:
            memset(frame, n, sizeof(frame));
            (void)tp_producer_offer_frame(producer, tensor, frame, sizeof(frame), NULL);
            break;
        case 3:
            turn(0);
            read_all();
            break;
        case 6:
            if (rig.region_count > 0 && n % 16 < rig.region_count) { (void)!truncate(rig.regions[n % 16], 4096); }
            break;
        default: return 1 + with_bytes(what, data + 1, size - 1);
    }
    return size > 1 ? 2 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    start();
    for (int i = 0; i < RECORDS_MAX && size > 0; i++)
    {
        const size_t used = record(data, size);
        data += used;
        size -= used;
    }
    turn(0);
    read_all();
    for (int i = 0; i < 4; i++) { turn(1000 * MS); }
    read_all();
    tp_consumer_close(consumer);
    tp_producer_close(producer);
    tp_client_close(client);
    rig_close(&rig);
    return 0;
}

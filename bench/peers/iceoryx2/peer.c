/* iceoryx2: lib.rs behind the table of peers/peer.h. The two Options must have the same layout. */
#include "peers/peer.h"

typedef struct bench_iceoryx2_options
{
    size_t size;
    size_t depth;
    size_t consumers;
    uint32_t stream_id;
    const char *dir;
    bool sleeps;
}
bench_iceoryx2_options_t;

void *bench_iceoryx2_open_producer(const bench_iceoryx2_options_t *options);
void bench_iceoryx2_close_producer(void *producer);
void *bench_iceoryx2_open_consumer(const bench_iceoryx2_options_t *options);
void bench_iceoryx2_close_consumer(void *consumer);
void *bench_iceoryx2_claim(void *producer, size_t length);
int bench_iceoryx2_commit(void *producer);
int bench_iceoryx2_poll(void *consumer, peer_on_frame_t on_frame, void *clientd);
int bench_iceoryx2_wait(void *consumer, peer_on_frame_t on_frame, void *clientd, int64_t timeout_ns);

static bench_iceoryx2_options_t translate(const peer_options_t *options)
{
    return (bench_iceoryx2_options_t){ options->size, options->depth, options->consumers, options->stream_id, options->dir,
        options->sleeps };
}

static int open_producer(void **producer, const peer_options_t *options)
{
    const bench_iceoryx2_options_t translated = translate(options);
    *producer = bench_iceoryx2_open_producer(&translated);
    return NULL == *producer ? -1 : 0;
}

static int open_consumer(void **consumer, const peer_options_t *options)
{
    const bench_iceoryx2_options_t translated = translate(options);
    *consumer = bench_iceoryx2_open_consumer(&translated);
    return NULL == *consumer ? -1 : 0;
}

const peer_system_t peer_system = { .name = "iceoryx2", .open_producer = open_producer, .close_producer = bench_iceoryx2_close_producer,
    .open_consumer = open_consumer, .close_consumer = bench_iceoryx2_close_consumer, .claim = bench_iceoryx2_claim,
    .commit = bench_iceoryx2_commit, .poll = bench_iceoryx2_poll, .wait = bench_iceoryx2_wait };

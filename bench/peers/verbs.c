/*
 * The loops that measure, the same for all systems. Each runs in the process of its role. The first eight bytes of every payload are its index; the
 * roles meet in peer_shared_t and nowhere else, and what is written there while a clock runs is read by nobody meanwhile.
 */
#include <string.h>
#include <time.h>

#include "machine.h"
#include "peers/run.h"

#define PAGE 4096
#define LOOKS_AT_THE_CLOCK 4096        /* spins between two looks at the deadline */
#define SETTLING_NS INT64_C(1000000000)                /* at most: a busy machine would never have done */
#define HELLO_PAUSE_NS INT64_C(1000000)
#define ASLEEP_NS INT64_C(1000000)     /* by then a reader without frames sleeps, whatever it does before */
#define ACK_PAUSE_NS INT64_C(50000)
#define WAIT_NS INT64_C(100000000)
#define WAITS_MOST 200

typedef struct reader
{
    peer_run_t *run;
    uint64_t frames;                   /* read, without those that looked for a listener */
    uint64_t expected;
    uint64_t sum;                      /* of what was read: keeps the compiler from leaving it out */
    bool connected;
}
reader_t;

typedef struct deadline
{
    int64_t end_ns;
    uint64_t seen;                     /* progress when the clock was looked at */
    uint32_t spins;
}
deadline_t;

int64_t peer_now_ns(void) { return bench_now_ns(); }

static deadline_t patience(void)
{
    return (deadline_t){ peer_now_ns() + PEER_PATIENCE_NS, 0, 0 };
}

/* Patience begins again with each progress. */
static bool is_over(deadline_t *deadline, uint64_t progress)
{
    if (0 != ++deadline->spins % LOOKS_AT_THE_CLOCK) { return false; }
    if (progress != deadline->seen)
    {
        *deadline = patience();
        deadline->seen = progress;
    }
    return peer_now_ns() > deadline->end_ns;
}

static uint64_t load(const _Atomic uint64_t *word) { return atomic_load_explicit(word, memory_order_acquire); }
static void store(_Atomic uint64_t *word, uint64_t value) { atomic_store_explicit(word, value, memory_order_release); }

static int wait_for(const _Atomic uint64_t *word, uint64_t least)
{
    deadline_t deadline = patience();
    while (load(word) < least)
    {
        if (is_over(&deadline, 0)) { return peer_fail("the other role does not go on: a frame was lost, or it ended"); }
    }
    return 0;
}

static void *claim(void *producer, size_t size)
{
    deadline_t deadline = patience();
    void *payload = peer_system.claim(producer, size);
    while (NULL == payload && !is_over(&deadline, 0)) { payload = peer_system.claim(producer, size); }
    if (NULL == payload) { (void)peer_fail("no memory for a frame"); }
    return payload;
}

static void fill(void *payload, size_t size, uint64_t index)
{
    memset(payload, (int)(index & 0xff), size);
    memcpy(payload, &index, sizeof(index));
}

static int publish(void *producer, size_t size, uint64_t index)
{
    void *const payload = claim(producer, size);
    if (NULL == payload) { return -1; }
    fill(payload, size, index);
    return peer_system.commit(producer) < 0 ? peer_fail("a frame cannot be published") : 0;
}

/* Frames now and then until all consumers have seen one. */
static int connect(peer_run_t *run, void *producer)
{
    const int64_t end_ns = peer_now_ns() + PEER_PATIENCE_NS;
    const struct timespec pause = { 0, HELLO_PAUSE_NS };
    while (0 == load(&run->shared->connected))
    {
        if (publish(producer, run->options.size, PEER_HELLO) < 0) { return -1; }
        if (peer_now_ns() > end_ns) { return peer_fail("no consumer hears the producer"); }
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

/* ---- the producer ---- */

/* On one CPU with its reader the producer has to get out of the way; on its own it stays awake, so that it is as warm as any busy producer. */
static void pause_ns(const peer_run_t *run, int64_t ns)
{
    const int64_t end_ns = peer_now_ns() + ns;
    const struct timespec pause = { 0, ns };
    if (run->one_cpu) { (void)nanosleep(&pause, NULL); return; }
    while (peer_now_ns() < end_ns) { }
}

static int produce_to_a_sleeper(peer_run_t *run, void *producer)
{
    int64_t *const sent = run->shared->times;
    for (uint64_t i = 0; i < run->total; i++)
    {
        const int64_t end_ns = peer_now_ns() + PEER_PATIENCE_NS;
        void *const payload = claim(producer, run->options.size);
        if (NULL == payload) { return -1; }
        fill(payload, run->options.size, i);
        pause_ns(run, ASLEEP_NS);
        const int64_t now_ns = peer_now_ns();
        if (peer_system.commit(producer) < 0) { return peer_fail("a frame cannot be published"); }
        sent[i] = now_ns;
        while (load(&run->shared->ack) <= i)
        {
            pause_ns(run, ACK_PAUSE_NS);
            if (peer_now_ns() > end_ns) { return peer_fail("the sleeper does not wake"); }
        }
    }
    return 0;
}

static int produce_one_at_a_time(peer_run_t *run, void *producer)
{
    int64_t *const sent = run->shared->times;
    const int64_t settled_ns = peer_now_ns() + SETTLING_NS;
    for (uint64_t i = 0; i < run->total; i++)
    {
        if (i < run->settling && 0 == i % 64 && peer_now_ns() > settled_ns) { i = run->settling; }
        void *const payload = claim(producer, run->options.size);
        if (NULL == payload) { return -1; }
        fill(payload, i < run->settling ? PEER_MIN_SIZE : run->filled < run->options.size ? run->filled : run->options.size, i);
        atomic_thread_fence(memory_order_seq_cst);             /* the fill is over before the clock starts */
        const int64_t now_ns = peer_now_ns();
        if (peer_system.commit(producer) < 0) { return peer_fail("a frame cannot be published"); }
        sent[i] = now_ns;
        if (wait_for(&run->shared->ack, i + 1) < 0) { return -1; }
    }
    return 0;
}

static int produce_batches(peer_run_t *run, void *producer)
{
    for (uint64_t i = 0; i < run->total; i += PEER_BATCH)
    {
        const int64_t begin_ns = peer_now_ns();
        for (uint64_t k = i; k < i + PEER_BATCH; k++)
        {
            if (publish(producer, run->options.size, k) < 0) { return -1; }
        }
        run->shared->times[i / PEER_BATCH] = peer_now_ns() - begin_ns;
        store(&run->shared->turn, i / PEER_BATCH + 1);
        if (wait_for(&run->shared->ack, i / PEER_BATCH + 1) < 0) { return -1; }
    }
    return 0;
}

static int produce_flat_out(peer_run_t *run, void *producer)
{
    const uint64_t window = run->options.depth / 2;
    uint64_t end = window;             /* first frame that has to wait */
    for (uint64_t i = 0; i < run->total; i++)
    {
        if (i == end)
        {
            if (wait_for(&run->shared->ack, i - window + 1) < 0) { return -1; }
            end = load(&run->shared->ack) + window;
        }
        if (publish(producer, run->options.size, i) < 0) { return -1; }
    }
    return 0;
}

int peer_produce(peer_run_t *run)
{
    void *producer = NULL;
    if (peer_system.open_producer(&producer, &run->options) < 0) { return peer_fail("no producer"); }
    int rc = peer_pin(run->cpus[0]);
    if (0 == rc) { rc = connect(run, producer); }
    if (0 == rc)
    {
        rc = PEER_LATENCY == run->verb ? produce_one_at_a_time(run, producer) : PEER_WAKE == run->verb ? produce_to_a_sleeper(run, producer) :
            PEER_PUBLISH == run->verb ? produce_batches(run, producer) : produce_flat_out(run, producer);
    }
    if (0 == rc) { rc = wait_for(&run->shared->ack, PEER_PUBLISH == run->verb ? run->total / PEER_BATCH : run->total); }
    peer_system.close_producer(producer);
    return rc;
}

/* ---- the consumer ---- */

static uint64_t index_of(const volatile uint8_t *payload)
{
    return *(const volatile uint64_t *)(const volatile void *)payload;
}

static void on_connect(void *clientd, const volatile uint8_t *payload, size_t length)
{
    reader_t *const reader = clientd;
    (void)length;
    if (PEER_HELLO == index_of(payload)) { reader->connected = true; }
}

static void on_timed(void *clientd, const volatile uint8_t *payload, size_t length)
{
    reader_t *const reader = clientd;
    peer_run_t *const run = reader->run;
    (void)length;
    if (run->touches) { reader->sum += payload[0]; }
    const int64_t now_ns = peer_now_ns();
    const uint64_t index = index_of(payload);
    if (index < reader->expected || index >= run->total) { return; }
    run->shared->times[run->total + index] = now_ns;
    reader->expected = index + 1;      /* the producer may end the settling early, and nothing else */
    reader->frames = index + 1;
    store(&run->shared->ack, reader->frames);
}

static void on_counted(void *clientd, const volatile uint8_t *payload, size_t length)
{
    reader_t *const reader = clientd;
    (void)length;
    if (PEER_HELLO != index_of(payload)) { reader->frames++; }
}

static void look_at(reader_t *reader, const volatile uint8_t *payload, size_t length)
{
    uint64_t sum = 0;
    if (reader->run->checksums)
    {
        const uint8_t *const bytes = (const uint8_t *)(uintptr_t)payload;
        for (size_t i = 0; i + sizeof(uint64_t) <= length; i += sizeof(uint64_t))
        {
            uint64_t word;
            memcpy(&word, bytes + i, sizeof(word));
            sum += word;
        }
    }
    else
    {
        for (size_t i = 0; i < length; i += PAGE) { sum += payload[i]; }
    }
    reader->sum += sum;
}

static void on_rated(void *clientd, const volatile uint8_t *payload, size_t length)
{
    reader_t *const reader = clientd;
    const uint64_t index = index_of(payload);
    if (PEER_HELLO == index) { return; }
    look_at(reader, payload, length);
    if (index > reader->expected) { (void)atomic_fetch_add(&reader->run->shared->lost, index - reader->expected); }
    reader->expected = index + 1;
}

static int poll(void *consumer, peer_on_frame_t on_frame, reader_t *reader)
{
    const int frames = peer_system.poll(consumer, on_frame, reader);
    return frames < 0 ? peer_fail("a consumer cannot read") : frames;
}

static int consume_one_at_a_time(peer_run_t *run, void *consumer, reader_t *reader)
{
    deadline_t deadline = patience();
    while (reader->frames < run->total)
    {
        if (poll(consumer, on_timed, reader) < 0) { return -1; }
        if (is_over(&deadline, reader->frames)) { return peer_fail("no frames come"); }
    }
    return 0;
}

static int consume_asleep(peer_run_t *run, void *consumer, reader_t *reader)
{
    for (int waits = 0; reader->frames < run->total; waits++)
    {
        const int frames = peer_system.wait(consumer, on_timed, reader, WAIT_NS);
        if (frames < 0) { return peer_fail("a consumer cannot wait"); }
        if (frames > 0) { waits = 0; }
        if (waits > WAITS_MOST) { return peer_fail("no frames come"); }
    }
    return 0;
}

static int consume_batches(peer_run_t *run, void **consumers, reader_t *readers)
{
    for (uint64_t batch = 1; batch <= run->total / PEER_BATCH; batch++)
    {
        deadline_t deadline = patience();
        if (wait_for(&run->shared->turn, batch) < 0) { return -1; }
        for (uint32_t i = 0; i < run->options.consumers; i++)
        {
            while (readers[i].frames < batch * PEER_BATCH)
            {
                if (poll(consumers[i], on_counted, &readers[i]) < 0) { return -1; }
                if (is_over(&deadline, 0)) { return peer_fail("a consumer lost frames"); }
            }
        }
        store(&run->shared->ack, batch);
    }
    return 0;
}

static int consume_flat_out(peer_run_t *run, void *consumer, reader_t *reader)
{
    const uint64_t warm_up = run->total - run->frames;
    deadline_t deadline = patience();
    uint64_t told = 0;
    while (reader->expected < run->total)
    {
        if (poll(consumer, on_rated, reader) < 0) { return -1; }
        if (reader->expected != told)
        {
            if (told < warm_up && reader->expected >= warm_up)
            {
                run->shared->begin_ns = peer_now_ns();
                run->frames = run->total - reader->expected;
                run->shared->times[0] = (int64_t)run->frames;
            }
            told = reader->expected;
            store(&run->shared->ack, told);
        }
        if (is_over(&deadline, told)) { return peer_fail("no frames come"); }
    }
    run->shared->end_ns = peer_now_ns();
    return 0;
}

static int connect_all(peer_run_t *run, void **consumers, reader_t *readers)
{
    deadline_t deadline = patience();
    for (uint32_t connected = 0; connected < run->options.consumers; )
    {
        connected = 0;
        for (uint32_t i = 0; i < run->options.consumers; i++)
        {
            if (poll(consumers[i], on_connect, &readers[i]) < 0) { return -1; }
            connected += readers[i].connected ? 1 : 0;
        }
        if (is_over(&deadline, connected)) { return peer_fail("no producer is heard"); }
    }
    store(&run->shared->connected, 1);
    return 0;
}

int peer_consume(peer_run_t *run)
{
    static void *consumers[1024];
    static reader_t readers[1024];
    int rc = 0;
    for (uint32_t i = 0; 0 == rc && i < run->options.consumers; i++)
    {
        readers[i].run = run;
        rc = peer_system.open_consumer(&consumers[i], &run->options) < 0 ? peer_fail("no consumer") : 0;
    }
    if (0 == rc) { rc = peer_pin(run->cpus[1]); }
    if (0 == rc) { rc = connect_all(run, consumers, readers); }
    if (0 == rc)
    {
        rc = PEER_LATENCY == run->verb ? consume_one_at_a_time(run, consumers[0], readers) :
            PEER_WAKE == run->verb ? consume_asleep(run, consumers[0], readers) :
            PEER_PUBLISH == run->verb ? consume_batches(run, consumers, readers) : consume_flat_out(run, consumers[0], readers);
    }
    for (uint32_t i = 0; i < run->options.consumers; i++)
    {
        if (NULL != consumers[i]) { peer_system.close_consumer(consumers[i]); }
    }
    return rc;
}

/* ---- both in one process ---- */

int peer_attach(peer_run_t *run, uint64_t round)
{
    peer_options_t options = run->options;
    reader_t reader = { .run = run };
    void *producer = NULL;
    void *consumer = NULL;
    options.stream_id += (uint32_t)round;
    const int64_t begin_ns = peer_now_ns();
    const int64_t end_ns = begin_ns + PEER_PATIENCE_NS;
    if (peer_system.open_producer(&producer, &options) < 0) { return peer_fail("no producer"); }
    if (peer_system.open_consumer(&consumer, &options) < 0) { return peer_fail("no consumer"); }
    while (!reader.connected)
    {
        if (publish(producer, PEER_MIN_SIZE, PEER_HELLO) < 0 || poll(consumer, on_connect, &reader) < 0) { return -1; }
        if (peer_now_ns() > end_ns) { return peer_fail("no frame arrives"); }
    }
    run->shared->times[round] = peer_now_ns() - begin_ns;
    peer_system.close_consumer(consumer);
    peer_system.close_producer(producer);
    return 0;
}

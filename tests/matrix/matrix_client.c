/*
 * One producer or consumer of the configuration matrix, by the public API only: arguments choose how it runs. Main thread only.
 *   matrix_client pub STREAM MODE PAGES
 *   matrix_client sub STREAM MODE PAGES POOLS PRIVATE RATE COUNT
 * MODE is invoker or agent; PAGES a tp_hugepages_policy_t; POOLS how many the profile has; PRIVATE the wished Aeron stream id, 0 = none; RATE in
 * frames a second, 0 = all. Frame seq has payload_bytes(seq) bytes, byte i is (seq + i) mod 256. Exit code 0 all well, 1 not, 4 refused.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tensor_pool/tp.h>

#define CHANNEL "aeron:ipc?term-length=4m"
#define PERIOD_NS 5000000
#define LIMIT_NS INT64_C(30000000000)

static volatile sig_atomic_t stopped = 0;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int complain(const char *what)
{
    char text[1024];
    (void)tp_err_format(text, sizeof(text));
    (void)fprintf(stderr, "%s: %s\n", what, text);
    return 4 == tp_errcode() / 1000 ? 4 : 1;
}

static tp_client_t *connect_client(const char *mode)
{
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    if (tp_context_init(&context) < 0 || tp_context_set_use_agent_invoker(context, 0 == strcmp(mode, "invoker")) < 0 ||
        tp_client_init(&client, context) < 0 || (0 == strcmp(mode, "agent") && tp_client_start(client) < 0))
    {
        (void)complain("connect");
        tp_client_close(client);
        client = NULL;
    }
    tp_context_close(context);
    return client;
}

/* In invoker mode nothing moves unless we turn it; in agent mode the call is refused (trap L1). */
static void turn(tp_client_t *client, const char *mode)
{
    const struct timespec pause = { .tv_nsec = 200000 };
    if (0 == strcmp(mode, "invoker")) { (void)tp_client_do_work(client); }
    (void)nanosleep(&pause, NULL);
}

/* 48, 200, 1000, 4000: each for another of the four pools of 64, 256, 1024 and 4096 bytes, whose ids are 1 to 4. */
static size_t payload_bytes(uint64_t seq)
{
    static const size_t bytes[] = { 48, 200, 1000, 4000 };
    return bytes[seq % 4];
}

static uint16_t pool_of(uint64_t seq, int pools) { return (uint16_t)(4 == pools ? 1 + seq % 4 : 1); }

/* ---- producer --------------------------------------------------------------------------------------------------------------- */

static int publish(tp_client_t *client, tp_producer_t *producer, const char *mode)
{
    const int32_t most = 4000;
    tp_tensor_template_t *shape = NULL;
    if (tp_tensor_template_init(&shape, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, &most) < 0) { return complain("shape"); }
    uint64_t published = 0;
    uint64_t expected = 0;              /* seq of the next claim: its length has to be known beforehand */
    for (int64_t next_ns = now_ns(); 0 == stopped; turn(client, mode))
    {
        tp_buffer_claim_t claim;
        const size_t length = payload_bytes(expected);
        if (now_ns() < next_ns || tp_producer_try_claim_at(producer, shape, length, (uint64_t)now_ns(), &claim) < 0) { continue; }
        next_ns += PERIOD_NS;
        const bool is_expected = claim.seq == expected;
        expected = claim.seq + 1;
        if (!is_expected) { (void)tp_producer_abort_claim(producer, &claim); continue; }      /* another epoch */
        for (size_t i = 0; i < length; i++) { ((uint8_t *)claim.payload)[i] = (uint8_t)(claim.seq + i); }
        if (tp_producer_commit_claim(producer, &claim, NULL) >= 0) { published++; }
    }
    tp_tensor_template_close(shape);
    (void)printf("{\"type\":\"summary\",\"published\":%" PRIu64 "}\n", published);
    return 0;
}

static int run_producer(tp_client_t *client, uint32_t stream, const char *mode, int pages)
{
    tp_producer_context_t *context = NULL;
    tp_producer_t *producer = NULL;
    int code = 1;
    if (tp_producer_context_init(&context) < 0 || tp_producer_context_set_stream_id(context, stream) < 0 ||
        tp_producer_context_set_hugepages(context, pages) < 0 || tp_producer_init(&producer, client, context) < 0)
    {
        code = complain("producer");
    }
    else { code = publish(client, producer, mode); }
    tp_producer_context_close(context);
    tp_producer_close(producer);
    return code;
}

/* ---- consumer --------------------------------------------------------------------------------------------------------------- */

typedef struct check { int pools; uint64_t right, wrong; } check_t;

static void on_frame(void *clientd, const tp_frame_view_t *view)
{
    check_t *const check = clientd;
    uint8_t copy[4096];
    const int64_t length = tp_consumer_copy_frame(view, copy, sizeof(copy));
    if (length < 0) { return; }                                 /* overwritten meanwhile: counted by the library */
    bool right = (size_t)length == payload_bytes(view->seq) && view->pool_id == pool_of(view->seq, check->pools);
    for (int64_t i = 0; i < length; i++) { right = right && copy[i] == (uint8_t)(view->seq + (uint64_t)i); }
    if (right) { check->right++; } else { check->wrong++; }
}

static int consume(tp_client_t *client, tp_consumer_t *consumer, const char *mode, int pools, uint64_t count)
{
    check_t check = { .pools = pools };
    const int64_t end_ns = now_ns() + LIMIT_NS;
    int64_t first_ns = 0;
    if (tp_consumer_set_frame_handler(consumer, on_frame, &check) < 0) { return complain("handler"); }
    while (0 == stopped && check.right < count && 0 == check.wrong && now_ns() < end_ns)
    {
        (void)tp_consumer_poll_descriptors(consumer, 16);
        if (0 == first_ns && check.right > 0) { first_ns = now_ns(); }
        turn(client, mode);
    }
    tp_consumer_stats_t stats = { .size = sizeof(stats) };
    if (tp_consumer_stats(consumer, &stats) < 0) { return complain("stats"); }
    (void)printf("{\"type\":\"summary\",\"right\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"rate\":%" PRIu64 ",\"torn\":%" PRIu64
        ",\"bad_header\":%" PRIu64 ",\"took_ms\":%" PRId64 "}\n", check.right, check.wrong, stats.drops[TP_DROP_RATE], stats.drops[TP_DROP_TORN],
        stats.drops[TP_DROP_BAD_HEADER], (now_ns() - first_ns) / 1000000);
    (void)fflush(stdout);
    while (0 == stopped && check.right >= count) { (void)tp_consumer_poll_descriptors(consumer, 16); turn(client, mode); }   /* to be looked at */
    return check.right >= count && 0 == check.wrong ? 0 : 1;
}

static int run_consumer(tp_client_t *client, char **argv)
{
    const int32_t wish = atoi(argv[6]);
    const uint32_t rate_hz = (uint32_t)atoi(argv[7]);
    tp_consumer_context_t *context = NULL;
    tp_consumer_t *consumer = NULL;
    int code = 1;
    if (tp_consumer_context_init(&context) < 0 || tp_consumer_context_set_stream_id(context, (uint32_t)atoi(argv[2])) < 0 ||
        tp_consumer_context_set_hugepages(context, atoi(argv[4])) < 0 ||
        tp_consumer_context_set_mode(context, 0 == rate_hz ? TP_MODE_STREAM : TP_MODE_RATE_LIMITED, rate_hz) < 0 ||
        (0 != wish && tp_consumer_context_set_descriptor_request(context, CHANNEL, wish) < 0) || tp_consumer_init(&consumer, client, context) < 0)
    {
        code = complain("consumer");
    }
    else { code = consume(client, consumer, argv[3], atoi(argv[5]), strtoull(argv[8], NULL, 10)); }
    tp_consumer_context_close(context);
    tp_consumer_close(consumer);
    return code;
}

int main(int argc, char **argv)
{
    const bool is_pub = 5 == argc && 0 == strcmp(argv[1], "pub");
    if (!is_pub && 9 != argc) { (void)fprintf(stderr, "matrix_client: wrong arguments\n"); return 2; }
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    tp_client_t *const client = connect_client(argv[3]);
    if (NULL == client) { return 3; }
    const int code = is_pub ? run_producer(client, (uint32_t)atoi(argv[2]), argv[3], atoi(argv[4])) : run_consumer(client, argv);
    tp_client_close(client);
    return code;
}

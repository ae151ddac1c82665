/* Directory, driver and the two processes of tp bench: made, ordered, ended. Nothing of it outlives us: see demo_dir.h and demo_child.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "connect.h"
#include "out.h"

#define DRIVER_BYTES (UINT64_C(96) << 20)      /* the media driver's logs, the small stream */

extern char **environ;

static const int small_strides[] = { BENCH_COST_BYTES, 4096, BENCH_SMALL_BYTES };
static uint64_t pool_bytes;            /* stride of the wide stream, for write_tables */

static void write_tables(FILE *file)
{
    fprintf(file, "[profiles.wide]\nheader_nslots = %d\n[[profiles.wide.payload_pools]]\npool_id = 1\nstride_bytes = %" PRIu64 "\n",
        BENCH_WIDE_NSLOTS, pool_bytes);
    fprintf(file, "[profiles.small]\nheader_nslots = %d\n", BENCH_SMALL_NSLOTS);
    for (int i = 0; i < 3; i++)
    {
        fprintf(file, "[[profiles.small.payload_pools]]\npool_id = %d\nstride_bytes = %d\n", i + 1, small_strides[i]);
    }
    fprintf(file, "[streams.wide]\nstream_id = %u\nprofile = \"wide\"\n[streams.small]\nstream_id = %u\nprofile = \"small\"\n", BENCH_WIDE_STREAM,
        BENCH_SMALL_STREAM);
}

static int make_page(bench_stage_t *stage)
{
    const uint64_t small = pool_bytes < BENCH_SMALL_BYTES ? pool_bytes : BENCH_SMALL_BYTES;
    const uint64_t wide = pool_bytes * BENCH_WIDE_NSLOTS;
    const uint64_t bytes = sizeof(bench_page_t) + (wide > small * BENCH_SMALL_NSLOTS ? wide : small * BENCH_SMALL_NSLOTS);
    snprintf(stage->page_path, sizeof(stage->page_path), "%s/page", stage->host.dir.path);
    const int fd = open(stage->page_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const int rc = fd >= 0 ? posix_fallocate(fd, 0, (off_t)bytes) : errno;
    if (fd >= 0) { close(fd); }
    if (0 != rc) { return cli_error(TP_EIO, NULL, "'%s' cannot be made: %s", stage->page_path, strerror(rc)); }
    stage->page = bench_page_map(stage->page_path, &stage->page_bytes);
    return NULL != stage->page ? CLI_OK : CLI_FAILED;
}

/* A child that ends has said why; its exit code is ours. */
static int ended_early(demo_child_t *child, const char *name)
{
    const int64_t end_ns = cli_now_ns() + CLI_NS_PER_S;
    while (demo_child_runs(child) && cli_now_ns() < end_ns) { cli_sleep_ns(1000000); }
    const int code = 0 == child->pid && WIFEXITED(child->status) ? WEXITSTATUS(child->status) : 0;
    child->status = 0;
    return code > CLI_OK && code <= CLI_DATA ? code : cli_error(TP_ESTATE, NULL, "the %s ended early", name);
}

static int read_record(demo_child_t *child, const char *name, int64_t patience_ns, bench_record_t *record)
{
    const int64_t end_ns = cli_now_ns() + patience_ns;
    int got = 0;
    while (1 != (got = demo_child_record(child, record, sizeof(*record))))
    {
        if (cli_stopped()) { return CLI_FAILED; }
        if (got < 0) { return ended_early(child, name); }
        if (cli_now_ns() > end_ns) { return cli_error(TP_ETIMEDOUT, "tp doctor", "the %s does not answer", name); }
        cli_sleep_ns(200000);
    }
    return CLI_OK;
}

/* No words: the driver's own settings, else those that we were given. */
static int start_child(bench_stage_t *stage, const cli_args_t *args, const char *verb, int cpu, demo_child_t *child)
{
    char number[16];
    char *argv[12] = { stage->host.program, demo_word(verb), demo_word("--page"), stage->page_path };
    int count = 4;
    if (cpu >= 0)
    {
        snprintf(number, sizeof(number), "%d", cpu);
        argv[count++] = demo_word("--cpu");
        argv[count++] = number;
    }
    if (NULL != args->driver) { argv[count++] = demo_word("--driver"); argv[count++] = demo_word(args->driver); }
    if (NULL != args->aeron_dir) { argv[count++] = demo_word("--aeron-dir"); argv[count++] = demo_word(args->aeron_dir); }
    if (NULL != args->allowed_base_dir) { argv[count++] = demo_word("--allowed-base-dir"); argv[count++] = demo_word(args->allowed_base_dir); }
    return demo_child_start(child, argv, stage->own_driver ? stage->host.environment : environ, true, -1);
}

static int start_children(bench_stage_t *stage, const cli_args_t *args)
{
    bench_record_t record;
    int code = start_child(stage, args, "bench-publisher", stage->cpus[0], &stage->publisher);
    if (CLI_OK == code) { code = start_child(stage, args, "bench-subscriber", stage->cpus[1], &stage->subscriber); }
    if (CLI_OK == code) { code = read_record(&stage->publisher, "publisher", DEMO_START_NS, &record); }
    return CLI_OK == code ? read_record(&stage->subscriber, "subscriber", DEMO_START_NS, &record) : code;
}

/* ---- a running driver's stream ---- */

static void on_stream(void *clientd, const tp_stream_info_t *info)
{
    bench_stage_t *const stage = clientd;
    if (info->stream_id != stage->wide.id) { return; }
    stage->wide.window = info->header_nslots / 2 < BENCH_WINDOW ? info->header_nslots / 2 : BENCH_WINDOW;
    pool_bytes = info->max_stride_bytes;
}

/* What it has is known only once it has been provisioned. */
static int look_up(bench_stage_t *stage, const cli_args_t *args)
{
    tp_counters_t *counters = NULL;
    int code = cli_stream(args, args->positional[0], &stage->wide.id);
    if (CLI_OK == code) { code = cli_counters(args, &counters); }
    if (CLI_OK != code) { return code; }
    pool_bytes = 0;
    if (tp_counters_streams(counters, on_stream, stage) < 0) { code = cli_error_last(); }
    tp_counters_close(counters);
    if (CLI_OK == code && (0 == stage->wide.window || 0 == pool_bytes))
    {
        return cli_error(TP_ENOENT, "attach once: tp pub STREAM --pattern counter --shape 64 --count 1", "stream %u has no slots yet",
            stage->wide.id);
    }
    if (CLI_OK == code && bench_plan_largest(&stage->plan) > pool_bytes)
    {
        return cli_usage("bench", "--sizes: %" PRIu64 " bytes do not fit a slot of stream %u (%" PRIu64 ")", bench_plan_largest(&stage->plan),
            stage->wide.id, pool_bytes);
    }
    pool_bytes = bench_plan_largest(&stage->plan);
    stage->small = stage->wide;
    return code;
}

static int open_place(bench_stage_t *stage, const cli_args_t *args)
{
    const uint64_t most = bench_plan_largest(&stage->plan);
    pool_bytes = (most + BENCH_LINE - 1) / BENCH_LINE * BENCH_LINE;
    if (stage->own_driver)
    {
        stage->wide = (bench_stream_t){ BENCH_WIDE_STREAM, BENCH_WIDE_NSLOTS / 2 };
        stage->small = (bench_stream_t){ BENCH_SMALL_STREAM, BENCH_WINDOW };
        return demo_host_open(&stage->host, DRIVER_BYTES + 3 * pool_bytes * BENCH_WIDE_NSLOTS, write_tables);
    }
    int code = look_up(stage, args);
    if (CLI_OK == code) { code = demo_host_find(&stage->host); }
    return CLI_OK == code ? cli_demo_dir_make(&stage->host.dir, pool_bytes * BENCH_WIDE_NSLOTS) : code;
}

int bench_stage_open(bench_stage_t *stage, const cli_args_t *args)
{
    int code = open_place(stage, args);
    if (CLI_OK == code) { code = make_page(stage); }
    return CLI_OK == code ? start_children(stage, args) : code;
}

bool bench_stage_close(bench_stage_t *stage)
{
    char leftovers[200] = "";
    bool well = demo_child_end(&stage->subscriber, SIGTERM, DEMO_END_NS);
    well = demo_child_end(&stage->publisher, SIGTERM, DEMO_END_NS) && well;
    if (NULL != stage->page) { (void)munmap(stage->page, stage->page_bytes); }
    stage->page = NULL;
    if (!stage->own_driver) { return cli_demo_dir_remove(&stage->host.dir) && well; }
    if (stage->host.driver.pid > 0) { well = demo_host_close(&stage->host, false, leftovers, sizeof(leftovers)) && well; }
    else { demo_host_abort(&stage->host); }
    if ('\0' != leftovers[0]) { cli_warn(TP_EIO, NULL, "left behind: %s", leftovers); }
    return well && '\0' == leftovers[0];
}

/* ---- orders ---- */

static int order(demo_child_t *child, const char *name, bench_order_t kind, uint64_t number, uint64_t second)
{
    return demo_child_order(child, (uint32_t)kind, number, second) ? CLI_OK : cli_error(TP_EIO, NULL, "the %s cannot be reached", name);
}

static void reset_page(bench_page_t *page)
{
    atomic_store(&page->flag, 0);
    atomic_store(&page->ack, 0);
    atomic_store(&page->stop, 0);
    atomic_store(&page->ready, 0);
}

int bench_stage_chunk(bench_stage_t *stage, bench_order_t kind, uint64_t number, bench_record_t *published, bench_record_t *read)
{
    const uint64_t duration_ns = (uint64_t)stage->plan.chunk_ns;
    const int64_t patience_ns = stage->plan.chunk_ns + 2 * BENCH_STUCK_NS;
    int code = CLI_OK;
    reset_page(stage->page);
    if (BENCH_MEMCPY != kind)
    {
        code = order(&stage->subscriber, "subscriber", kind, number, duration_ns);
        const int64_t end_ns = cli_now_ns() + BENCH_STUCK_NS;
        while (CLI_OK == code && 0 == atomic_load(&stage->page->ready))
        {
            if (cli_stopped()) { return CLI_FAILED; }
            if (!demo_child_runs(&stage->subscriber)) { return ended_early(&stage->subscriber, "subscriber"); }
            if (cli_now_ns() > end_ns) { return cli_error(TP_ETIMEDOUT, "tp doctor", "the subscriber does not answer"); }
            cli_sleep_ns(50000);
        }
    }
    if (CLI_OK == code) { code = order(&stage->publisher, "publisher", kind, number, duration_ns); }
    if (CLI_OK == code) { code = read_record(&stage->publisher, "publisher", patience_ns, published); }
    return CLI_OK == code && BENCH_MEMCPY != kind ? read_record(&stage->subscriber, "subscriber", patience_ns, read) : code;
}

/* The producer first, so that all consumers map the epoch that it publishes in. */
int bench_stage_stream(bench_stage_t *stage, const bench_stream_t *stream, uint64_t consumers)
{
    bench_record_t published;
    bench_record_t read;
    int code = order(&stage->publisher, "publisher", BENCH_OPEN, stream->id, stream->window);
    if (CLI_OK == code) { code = read_record(&stage->publisher, "publisher", DEMO_START_NS, &published); }
    if (CLI_OK == code) { code = order(&stage->subscriber, "subscriber", BENCH_OPEN, stream->id, consumers); }
    if (CLI_OK == code) { code = read_record(&stage->subscriber, "subscriber", 4 * DEMO_START_NS, &read); }
    return CLI_OK == code ? bench_stage_chunk(stage, BENCH_WARM, 0, &published, &read) : code;
}

int bench_stage_stream_end(bench_stage_t *stage)
{
    bench_record_t record;
    int code = order(&stage->subscriber, "subscriber", BENCH_CLOSE, 0, 0);
    if (CLI_OK == code) { code = read_record(&stage->subscriber, "subscriber", DEMO_START_NS, &record); }
    if (CLI_OK == code) { code = order(&stage->publisher, "publisher", BENCH_CLOSE, 0, 0); }
    return CLI_OK == code ? read_record(&stage->publisher, "publisher", DEMO_START_NS, &record) : code;
}

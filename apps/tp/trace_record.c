/*
 * tp trace record. The main thread polls consumers, the agent thread of the client brings the links, the writer's thread owns the store: a slow disk
 * costs rows, which are counted, and nothing else.
 */
#include "trace.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "connect.h"
#include "number.h"
#include "out.h"
#include "streams.h"
#include "trace_queue.h"

#define STREAMS_MAX 64
#define NODES_MAX 4096
#define POLL_LIMIT 256
#define IDLE_NS INT64_C(500000)
#define LOOK_NS INT64_C(250000000)             /* between looks at streams and leases */
#define STORED 0                               /* status of a frame; local value: its slot could not be read any more */
#define UNREAD 1

typedef struct recorder recorder_t;
typedef struct source { recorder_t *recorder; tp_consumer_t *consumer; uint32_t stream_id, stage_id; } source_t;
typedef struct node { uint32_t node_id; uint64_t pid; } node_t;

struct recorder
{
    const cli_args_t *args;
    tp_client_t *client;
    tp_counters_t *counters;
    trace_store_t *store;
    trace_queue_t frames, links;               /* pushed to by the main thread, and by the agent thread */
    trace_record_t *batch;
    source_t sources[STREAMS_MAX];
    size_t source_count;
    bool told_too_many;
    node_t nodes[NODES_MAX];
    size_t node_count;
    /* the writer */
    pthread_t writer;
    int64_t interval_ns;
    _Atomic bool stop;
    _Atomic uint64_t written[TRACE_TIME_WINDOW + 1], lost, commits;
    uint64_t unknown;                          /* frames that were not announced to us: whether they were traced is not known */
};

/* ---- the writer's thread ------------------------------------------------------------------------------------------------ */

static void write_batch(recorder_t *r, size_t count)
{
    static int64_t told_ns = INT64_MIN / 2;
    if (0 == trace_store_write(r->store, r->batch, count))
    {
        (void)atomic_fetch_add(&r->commits, 1);
        for (size_t i = 0; i < count; i++) { (void)atomic_fetch_add(&r->written[r->batch[i].kind], 1); }
        return;
    }
    (void)atomic_fetch_add(&r->lost, count);
    if (cli_now_ns() - told_ns < 10 * CLI_NS_PER_S) { return; }
    told_ns = cli_now_ns();
    cli_warn(TP_ESTORE, "it goes on as soon as the store takes rows again; free space, or stop whoever locks it", "%zu rows are lost: %s", count,
        trace_store_problem(r->store));
}

static void *write_rows(void *clientd)
{
    recorder_t *r = clientd;
    for (bool last = false; !last;)
    {
        last = atomic_load(&r->stop);          /* before the last look */
        const size_t limit = r->frames.capacity;
        size_t count = trace_queue_take(&r->links, r->batch, limit);
        count += trace_queue_take(&r->frames, r->batch + count, limit - count);
        if (count > 0) { write_batch(r, count); }
        last = last && 0 == count;
        if (atomic_load(&r->stop)) { continue; }
        const struct timespec pause = { 0, r->interval_ns };
        (void)nanosleep(&pause, NULL);         /* T-046 */
    }
    return NULL;
}

/* ---- what comes in ------------------------------------------------------------------------------------------------------ */

static void on_set(void *clientd, const tp_trace_link_set_t *set)
{
    recorder_t *r = clientd;
    trace_record_t rows[TP_TRACE_PARENTS_MAX];
    for (uint32_t i = 0; i < set->parent_count; i++)
    {
        rows[i] = (trace_record_t){ .kind = TRACE_LINK, .trace_id = set->trace_id, .parent = set->parents[i] };
    }
    (void)trace_queue_push(&r->links, rows, set->parent_count);
}

static void on_descriptor(void *clientd, const tp_frame_descriptor_t *d)
{
    const source_t *source = clientd;
    recorder_t *r = source->recorder;
    tp_frame_view_t view;
    if (TP_NULL_TRACE_ID == d->trace_id && !r->args->untraced) { return; }                 /* T-047 */
    const bool is_there = 1 == tp_consumer_read_frame(source->consumer, d->seq, &view);
    uint64_t t_ns = (uint64_t)cli_now_ns();                                                /* O-16 */
    if (is_there && TP_NULL_U64 != view.timestamp_ns) { t_ns = view.timestamp_ns; }
    else if (TP_NULL_U64 != d->publish_timestamp_ns) { t_ns = d->publish_timestamp_ns; }
    const trace_record_t row = { .kind = TRACE_FRAME, .stream_id = d->stream_id, .stage_id = source->stage_id, .epoch = d->epoch, .seq = d->seq,
        .t_ns = t_ns, .trace_id = d->trace_id, .status = is_there ? STORED : UNREAD };
    (void)trace_queue_push(&r->frames, &row, 1);
}

/* ---- streams ------------------------------------------------------------------------------------------------------------ */

static int stage_of(const cli_args_t *args, uint32_t stream_id, uint32_t *stage_id)
{
    *stage_id = stream_id;
    for (size_t i = 0; i < args->stages.count; i++)
    {
        char name[128];
        uint64_t stage = 0;
        uint32_t id = 0;
        const char *text = args->stages.items[i];
        const char *equals = strrchr(text, '=');
        if (NULL == equals || (size_t)(equals - text) >= sizeof(name) || !cli_parse_u64(equals + 1, 0, UINT32_MAX, &stage))
        {
            return cli_usage("trace", "--stage %s is not STREAM=N", text);
        }
        memcpy(name, text, (size_t)(equals - text));
        name[equals - text] = '\0';
        const int code = cli_stream(args, name, &id);
        if (CLI_OK != code) { return code; }
        if (id == stream_id) { *stage_id = (uint32_t)stage; }
    }
    return CLI_OK;
}

static bool knows(const recorder_t *r, uint32_t stream_id)
{
    for (size_t i = 0; i < r->source_count; i++)
    {
        if (stream_id == r->sources[i].stream_id) { return true; }
    }
    return false;
}

static int add_stream(recorder_t *r, uint32_t stream_id)
{
    tp_consumer_context_t *context = NULL;
    if (knows(r, stream_id)) { return CLI_OK; }
    if (STREAMS_MAX == r->source_count)
    {
        if (!r->told_too_many) { cli_warn(TP_EFULL, "name them with --stream", "more than %d streams: those above are not recorded", STREAMS_MAX); }
        r->told_too_many = true;
        return CLI_OK;
    }
    source_t *source = &r->sources[r->source_count];
    *source = (source_t){ .recorder = r, .stream_id = stream_id };
    const int code = stage_of(r->args, stream_id, &source->stage_id);
    if (CLI_OK != code) { return code; }
    if (tp_consumer_context_init(&context) < 0) { return cli_error_last(); }
    const bool good = tp_consumer_context_set_stream_id(context, stream_id) >= 0 &&
        tp_consumer_context_set_attach_timeout_ns(context, 0) >= 0 && tp_consumer_context_set_max_outstanding_seq_gap(context, 0) >= 0 &&
        tp_consumer_context_set_publish_mode(context, TP_PUBLISH_REQUIRE_EXISTING) >= 0 &&
        tp_consumer_context_set_ring_recovery(context, false) >= 0 &&      /* ids are in descriptors: one that is late is waited for */
        tp_consumer_init(&source->consumer, r->client, context) >= 0 &&
        tp_consumer_set_descriptor_handler(source->consumer, on_descriptor, source) >= 0;
    tp_consumer_context_close(context);
    r->source_count++;
    return good ? CLI_OK : cli_error_last();
}

static int add_named(recorder_t *r, const char *name)
{
    uint32_t stream_id = 0;
    const int code = cli_stream(r->args, name, &stream_id);
    return CLI_OK == code ? add_stream(r, stream_id) : code;
}

/* ---- node ids ----------------------------------------------------------------------------------------------------------- */

/* When a process began, CLOCK_REALTIME; 0 when it is gone. */
static uint64_t start_of(uint64_t pid)
{
    char path[64];
    char line[1024];
    unsigned long long ticks = 0;
    unsigned long long boot = 0;
    snprintf(path, sizeof(path), "/proc/%" PRIu64 "/stat", pid);
    FILE *file = fopen(path, "re");
    const char *at = NULL != file && NULL != fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
    for (int field = 2; NULL != at && field < 22; field++) { at = strchr(at + 1, ' '); }
    if (NULL != at) { ticks = strtoull(at + 1, NULL, 10); }
    if (NULL != file) { fclose(file); }
    file = NULL == at ? NULL : fopen("/proc/stat", "re");
    while (NULL != file && NULL != fgets(line, sizeof(line), file))
    {
        if (1 == sscanf(line, "btime %llu", &boot)) { break; }
    }
    if (NULL != file) { fclose(file); }
    return 0 == boot ? 0 : boot * 1000000000ull + ticks * (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static void learn_node(recorder_t *r, const cli_lease_t *lease)
{
    if (TP_NULL_U32 == lease->node_id || TP_ROLE_PRODUCER != lease->role || 0 == lease->pid) { return; }
    for (size_t i = 0; i < r->node_count; i++)
    {
        if (lease->node_id == r->nodes[i].node_id && lease->pid == r->nodes[i].pid) { return; }
    }
    const uint64_t start_ns = start_of(lease->pid);
    const trace_record_t row = { .kind = TRACE_NODE, .stage_id = lease->node_id, .seq = lease->pid, .t_ns = start_ns };
    if (0 == start_ns || !trace_queue_push(&r->frames, &row, 1)) { return; }               /* T-017 D-094 */
    r->nodes[r->node_count % NODES_MAX] = (node_t){ lease->node_id, lease->pid };
    if (r->node_count < NODES_MAX) { r->node_count++; }
}

static int look(recorder_t *r)
{
    cli_streams_t known = { .stream_count = 0 };
    int code = CLI_OK;
    const bool all = 0 == r->args->trace_streams.count && 1 == r->args->positional_count;
    if (cli_streams_collect(&known, cli_counters_now(r->args, &r->counters), false) < 0) { return CLI_OK; }
    for (size_t i = 0; i < known.lease_count; i++) { learn_node(r, &known.leases[i]); }
    for (size_t i = 0; all && CLI_OK == code && i < known.stream_count; i++) { code = add_stream(r, known.streams[i].stream_id); }
    cli_streams_fini(&known);
    return code;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

static size_t power_of_two(uint64_t number)
{
    size_t power = 1;
    while (power < number) { power *= 2; }
    return power;
}

static int begin(recorder_t *r)
{
    tp_trace_handlers_t handlers = TP_TRACE_HANDLERS_INIT;
    const cli_args_t *args = r->args;
    const size_t capacity = power_of_two(CLI_OR(args->queue, 65536));
    r->interval_ns = (int64_t)CLI_OR(args->batch_ms, 50) * 1000000;
    r->batch = calloc(capacity, sizeof(r->batch[0]));
    if (NULL == r->batch || !trace_queue_init(&r->frames, capacity) || !trace_queue_init(&r->links, capacity))
    {
        return cli_error(TP_ENOMEM, "give a smaller --queue", "no memory for %zu rows", capacity);
    }
    int code = trace_store_create(&r->store, trace_store_path(args));
    if (CLI_OK == code) { code = cli_counters(args, &r->counters); }
    if (CLI_OK == code) { code = cli_connect(args, &r->client, NULL); }
    for (size_t i = 0; CLI_OK == code && i < args->trace_streams.count; i++) { code = add_named(r, args->trace_streams.items[i]); }
    for (int i = 1; CLI_OK == code && i < args->positional_count; i++) { code = add_named(r, args->positional[i]); }
    if (CLI_OK != code) { return code; }
    handlers.clientd = r;
    handlers.on_trace_link_set = on_set;
    if (tp_client_set_trace_handlers(r->client, &handlers) < 0) { return cli_error_last(); }
    if (0 != pthread_create(&r->writer, NULL, write_rows, r)) { return cli_error(TP_ENOMEM, NULL, "cannot start the writer's thread"); }
    return CLI_OK;
}

static int poll_all(recorder_t *r)
{
    int work = 0;
    for (size_t i = 0; i < r->source_count; i++)
    {
        const int n = tp_consumer_poll_descriptors(r->sources[i].consumer, POLL_LIMIT);
        if (n > 0) { work += n; }
    }
    return work;
}

static int record(recorder_t *r)
{
    const int64_t deadline_ns = cli_deadline_ns(r->args->seconds);
    int64_t look_ns = 0;
    int code = CLI_OK;
    bool ready = false;
    const uint64_t limit = CLI_OR(r->args->count, UINT64_MAX);
    while (CLI_OK == code && !cli_stopped() && cli_now_ns() < deadline_ns && atomic_load(&r->written[TRACE_FRAME]) < limit)
    {
        if (cli_now_ns() >= look_ns)
        {
            code = look(r);
            look_ns = cli_now_ns() + LOOK_NS;
        }
        bool mapped = true;
        for (size_t i = 0; !ready && i < r->source_count; i++) { mapped = mapped && tp_consumer_is_mapped(r->sources[i].consumer); }
        if (!ready && mapped)
        {
            ready = true;
            if (r->args->json) { (void)cli_json_line(json_pack("{s:s,s:s,s:I}", "type", "recording", "db", trace_store_path(r->args), "streams",
                (json_int_t)r->source_count)); }
            else { fprintf(stderr, "recording %zu streams to %s\n", r->source_count, trace_store_path(r->args)); }
            (void)cli_flush();
        }
        if (0 == poll_all(r)) { cli_sleep_ns(IDLE_NS); }
    }
    for (size_t i = 0; i < r->source_count; i++)
    {
        tp_consumer_stats_t stats;
        if (tp_consumer_stats(r->sources[i].consumer, &stats) >= 0) { r->unknown += stats.drops[TP_DROP_GAP]; }
    }
    return code;
}

static int summarise(const recorder_t *r, int code)
{
    tp_trace_received_t sets = { .size = sizeof(sets) };
    const uint64_t dropped = atomic_load(&r->frames.dropped) + atomic_load(&r->links.dropped);
    const uint64_t lost = atomic_load(&r->lost);
    (void)tp_client_trace_received(r->client, &sets);
    const uint64_t bad = sets.malformed + sets.too_many_parents + sets.bad_ids;
    if (r->args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "type", "recorded", "frames",
            (json_int_t)atomic_load(&r->written[TRACE_FRAME]), "links", (json_int_t)atomic_load(&r->written[TRACE_LINK]), "nodes",
            (json_int_t)atomic_load(&r->written[TRACE_NODE]), "sets", (json_int_t)sets.sets, "bad_sets", (json_int_t)bad, "commits",
            (json_int_t)atomic_load(&r->commits), "dropped", (json_int_t)dropped, "lost", (json_int_t)lost, "unknown",
            (json_int_t)r->unknown));
    }
    else
    {
        printf("%" PRIu64 " frames, %" PRIu64 " links, %" PRIu64 " nodes in %" PRIu64 " transactions\n", atomic_load(&r->written[TRACE_FRAME]),
            atomic_load(&r->written[TRACE_LINK]), atomic_load(&r->written[TRACE_NODE]), atomic_load(&r->commits));
        if (0 != r->unknown) { printf("%" PRIu64 " frames were not announced to us: their trace ids are not known\n", r->unknown); }
    }
    if (CLI_OK != code || 0 == dropped + lost) { return code; }
    return cli_error(TP_ELOST, "a faster disk, or a longer --queue", "%" PRIu64 " rows found no room, %" PRIu64 " could not be written", dropped,
        lost);
}

int trace_record(const cli_args_t *args)
{
    recorder_t *r = calloc(1, sizeof(*r));
    if (NULL == r) { return cli_error(TP_ENOMEM, NULL, "no memory for the recorder"); }
    r->args = args;
    (void)signal(SIGXFSZ, SIG_IGN);            /* a limit of file size is a full disk, not an end */
    int code = begin(r);
    const bool runs = CLI_OK == code;
    if (runs) { code = record(r); }
    if (NULL != r->client) { (void)tp_client_set_trace_handlers(r->client, NULL); }        /* nobody pushes links any more */
    if (runs)
    {
        atomic_store(&r->stop, true);
        (void)pthread_join(r->writer, NULL);
        code = summarise(r, code);
    }
    for (size_t i = 0; i < r->source_count; i++) { tp_consumer_close(r->sources[i].consumer); }
    tp_client_close(r->client);
    tp_counters_close(r->counters);
    trace_store_close(r->store);
    trace_queue_fini(&r->frames);
    trace_queue_fini(&r->links);
    free(r->batch);
    free(r);
    return code;
}

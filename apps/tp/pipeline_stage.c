/* The processes of the pipeline demo: what they are started with, when they are ready, how they end. */
#include <signal.h>
#include <unistd.h>

#include "connect.h"
#include "pipeline.h"

#define WORDS_MAX 16
#define NEEDED_BYTES (UINT64_C(320) << 20)     /* the media driver's logs and four streams */
#define READY_NS (30 * CLI_NS_PER_S)

static const int nslots[PIPE_STREAMS] = { 32, 32, 64, 32 };

/* One process: media driver, driver, supervisor and discovery provider. Only viewers are granted private streams, and are made to take them. */
static void write_tables(FILE *file)
{
    fputs("[supervisor]\nper_consumer_enabled = false\nper_consumer_descriptor_channel = \"aeron:ipc?term-length=64k\"\n"
        "per_consumer_descriptor_base = 31000\nper_consumer_descriptor_range = 16\n"
        "[supervisor.policies.viewers]\nconsumer_name = \"viewer*\"\nper_consumer_enabled = true\nforce_mode = 2\n"
        "[discovery]\n", file);
    for (int i = 0; i < PIPE_STREAMS; i++)
    {
        fprintf(file, "[profiles.%s]\nheader_nslots = %d\n[[profiles.%s.payload_pools]]\npool_id = 1\nstride_bytes = %zu\n", pipe_names[i],
            nslots[i], pipe_names[i], PIPE_RGB_BYTES(pipe_sizes[i][0], pipe_sizes[i][1]));
        fprintf(file, "[streams.%s]\nstream_id = %u\nprofile = \"%s\"\n", pipe_names[i], PIPE_FIRST_STREAM + (unsigned)i, pipe_names[i]);
    }
}

typedef struct words
{
    char *items[WORDS_MAX];
    size_t count;
}
words_t;

static void add(words_t *words, const char *name, const char *value)
{
    words->items[words->count++] = demo_word(name);
    if (NULL != value) { words->items[words->count++] = demo_word(value); }
}

static int start(pipeline_t *p, pipe_role_t role)
{
    static const char *const verbs[PIPE_ROLES] = { "pipeline-camera", "pipeline-camera", "pipeline-small", "pipeline-joined", "pipeline-viewer" };
    words_t words = { .count = 0 };
    char hz[32];
    const bool camera = PIPE_CAMERA == role || PIPE_BIKES == role;
    snprintf(hz, sizeof(hz), "%.6f", p->hz * (PIPE_BIKES == role ? PIPE_BIKES_SHARE : 1.0));
    add(&words, p->host.program, verbs[role]);
    if (camera) { add(&words, "--name", pipe_names[role]); }
    if (camera) { add(&words, "--hz", hz); }
    if (camera && '\0' != p->video[role][0]) { add(&words, "--video", p->video[role]); }
    if (PIPE_VIEWER == role) { add(&words, "--png", p->png); }
    if ((PIPE_SMALL == role || PIPE_JOINED == role) && NULL != p->args->inject) { add(&words, "--inject", p->args->inject); }
    return demo_child_start(&p->roles[role].child, words.items, p->host.environment, true, -1);
}

static int start_recorder(pipeline_t *p)
{
    words_t words = { .count = 0 };
    snprintf(p->store, sizeof(p->store), "%s/trace.db", p->host.dir.path);
    add(&words, p->host.program, "trace");
    add(&words, "record", "--db");
    add(&words, p->store, NULL);
    for (int i = 0; i < PIPE_STREAMS; i++) { add(&words, pipe_names[i], NULL); }
    return demo_child_start(&p->recorder, words.items, p->host.environment, false, p->host.log_fd);
}

/* All are started at once and find one another by name. */
static int wait_ready(pipeline_t *p)
{
    const int64_t end_ns = cli_now_ns() + READY_NS;
    for (int i = 0; i < PIPE_ROLES; i++)
    {
        while (!p->roles[i].ready)
        {
            if (cli_stopped()) { return CLI_FAILED; }
            if (p->roles[i].child.in_fd < 0) { return cli_error(TP_ESTATE, NULL, "the demo's %s ended before it was ready", pipe_names[i]); }
            if (cli_now_ns() > end_ns) { return cli_error(TP_ETIMEDOUT, NULL, "the demo's %s is not ready within 30 s", pipe_names[i]); }
            pipe_listen(p, 20);
        }
    }
    return CLI_OK;
}

int pipe_stage_open(pipeline_t *p)
{
    int code = demo_host_open(&p->host, NEEDED_BYTES, write_tables);
    if (CLI_OK == code) { code = start_recorder(p); }
    for (int i = 0; CLI_OK == code && i < PIPE_ROLES; i++) { code = start(p, (pipe_role_t)i); }
    return CLI_OK == code ? wait_ready(p) : code;
}

bool pipe_stage_end(pipeline_t *p)
{
    bool well = true;
    for (int i = PIPE_ROLES; i-- > 0;)
    {
        demo_child_t *child = &p->roles[i].child;
        if (child->out_fd >= 0) { close(child->out_fd); }
        child->out_fd = -1;
        well = p->roles[i].ended && well;
        well = demo_child_end(child, 0, DEMO_END_NS) && well;
    }
    return demo_child_end(&p->recorder, SIGTERM, DEMO_END_NS) && well;
}

void pipe_stage_abort(pipeline_t *p)
{
    for (int i = PIPE_ROLES; i-- > 0;) { (void)demo_child_end(&p->roles[i].child, SIGTERM, CLI_NS_PER_S); }
    (void)demo_child_end(&p->recorder, SIGTERM, CLI_NS_PER_S);
    demo_host_abort(&p->host);
}

/* tp demo --pipeline: the play itself. Single-threaded: polls the records of its children, tells them when to begin and end, judges the result. */
#include "pipeline.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect.h"

#define RATE_HZ 25.0
#define LAST_WORDS_NS (6 * CLI_NS_PER_S)

static bool log_add(pipe_log_t *log, const pipe_record_t *record)
{
    if (log->count == log->capacity)
    {
        const size_t capacity = 0 == log->capacity ? 256 : log->capacity * 2;
        pipe_record_t *larger = realloc(log->items, capacity * sizeof(*larger));
        if (NULL == larger) { return false; }
        log->items = larger;
        log->capacity = capacity;
    }
    log->items[log->count++] = *record;
    return true;
}

static void take(pipe_process_t *role, const pipe_record_t *record)
{
    role->last = *record;
    role->ready = true;
    if (DEMO_END == record->kind) { role->ended = true; }
    if (DEMO_FRAME == record->kind && !log_add(&role->log, record)) { cli_stop(); }
}

void pipe_listen(pipeline_t *p, int wait_ms)
{
    struct pollfd ready[PIPE_ROLES];
    pipe_record_t record;
    for (int i = 0; i < PIPE_ROLES; i++) { ready[i] = (struct pollfd){ p->roles[i].child.in_fd, POLLIN, 0 }; }
    if (poll(ready, PIPE_ROLES, wait_ms) <= 0) { return; }
    for (int i = 0; i < PIPE_ROLES; i++)
    {
        demo_child_t *child = &p->roles[i].child;
        int got = 0;
        while (0 != ready[i].revents && (got = demo_child_record(child, &record, sizeof(record))) > 0) { take(&p->roles[i], &record); }
        if (got < 0 && child->in_fd >= 0)
        {
            close(child->in_fd);
            child->in_fd = -1;
        }
    }
}

static int perform(pipeline_t *p)
{
    const int64_t duration_ns = (int64_t)(p->seconds * 1e9);
    p->start_ns = cli_now_ns();
    p->next_status_ns = p->start_ns + (p->live ? 0 : CLI_NS_PER_S);
    if (!demo_child_order(&p->roles[PIPE_CAMERA].child, 'g', 0, 0) || !demo_child_order(&p->roles[PIPE_BIKES].child, 'g', 0, 0))
    {
        return cli_error(TP_EIO, NULL, "the demo's cameras cannot be reached");
    }
    for (int64_t now_ns = p->start_ns; now_ns < p->start_ns + duration_ns; now_ns = cli_now_ns())
    {
        if (cli_stopped()) { return CLI_FAILED; }
        pipe_listen(p, 20);
        for (int i = 0; i < PIPE_ROLES; i++)
        {
            if (p->roles[i].child.in_fd < 0) { return cli_error(TP_ESTATE, NULL, "the demo's %s ended early", pipe_names[i]); }
        }
        pipe_status(p, now_ns);
    }
    return CLI_OK;
}

/* Ends one process: it reads up to the last frame of source, and says its last words. */
static void last_words_of(pipeline_t *p, pipe_role_t role, uint32_t order, pipe_role_t source)
{
    const pipe_log_t *log = &p->roles[source].log;
    const pipe_record_t *last = log->count > 0 ? &log->items[log->count - 1] : NULL;
    const int64_t end_ns = cli_now_ns() + LAST_WORDS_NS;
    (void)demo_child_order(&p->roles[role].child, order, NULL != last ? last->epoch : 0, NULL != last ? last->seq : 0);
    while (!p->roles[role].ended && p->roles[role].child.in_fd >= 0 && cli_now_ns() < end_ns) { pipe_listen(p, 20); }
}

/* Downstream, so that each reads what is still on its way. The bikes go on until the join is through: it waits for a time after its last frame. */
static void last_words(pipeline_t *p)
{
    last_words_of(p, PIPE_CAMERA, 's', PIPE_CAMERA);
    last_words_of(p, PIPE_SMALL, 'e', PIPE_CAMERA);
    last_words_of(p, PIPE_JOINED, 'e', PIPE_SMALL);
    last_words_of(p, PIPE_VIEWER, 'e', PIPE_JOINED);
    last_words_of(p, PIPE_BIKES, 's', PIPE_BIKES);
    p->next_status_ns = 0;
    pipe_status(p, cli_now_ns());
}

static int find_video(const char *file, char *path)
{
    if (NULL == file) { return CLI_OK; }
    if (NULL != realpath(file, path) && 0 == access(path, R_OK)) { return CLI_OK; }
    return cli_error(TP_ENOENT, "./run demo fetches it; without --video the demo draws its own pictures", "'%s' cannot be read: %s", file,
        strerror(errno));
}

/* Absolute paths: what is printed can be copied from anywhere. */
static int find_files(pipeline_t *p)
{
    char here[PATH_MAX];
    const char *png = NULL != p->args->png ? p->args->png : "tp-demo.png";
    if (NULL == getcwd(here, sizeof(here))) { return cli_error(TP_EIO, NULL, "the current directory: %s", strerror(errno)); }
    const int length = '/' == png[0] ? snprintf(p->png, sizeof(p->png), "%s", png) : snprintf(p->png, sizeof(p->png), "%s/%s", here, png);
    if (length >= (int)sizeof(p->png)) { return cli_usage("demo", "--png is longer than %d bytes", PATH_MAX - 1); }
    const int code = find_video(p->args->video, p->video[0]);
    return CLI_OK == code ? find_video(p->args->second_video, p->video[1]) : code;
}

static void init(pipeline_t *p, const cli_args_t *args)
{
    p->args = args;
    p->seconds = args->seconds >= 0.0 ? args->seconds : 10.0;
    p->hz = args->hz > 0.0 ? args->hz : RATE_HZ;
    p->host = (demo_host_t)DEMO_NO_HOST;
    p->recorder = (demo_child_t)DEMO_NO_CHILD;
    p->live = !args->json && 0 != isatty(STDOUT_FILENO);
    for (int i = 0; i < PIPE_ROLES; i++) { p->roles[i].child = (demo_child_t)DEMO_NO_CHILD; }
}

int pipeline_run(const cli_args_t *args)
{
    static pipeline_t p;
    char leftovers[200];
    init(&p, args);
    if (p.seconds < 2.0) { return cli_usage("demo", "--seconds %g is too short: at least 2", p.seconds); }
    int code = find_files(&p);
    if (CLI_OK == code) { code = pipe_stage_open(&p); }
    if (CLI_OK == code) { code = perform(&p); }
    if (CLI_OK == code)
    {
        last_words(&p);
        bool well = pipe_stage_end(&p);
        pipe_lineage(&p);
        well = demo_host_close(&p.host, pipe_injected(args, "leave-file"), leftovers, sizeof(leftovers)) && well;
        pipe_judge(&p, well, leftovers);
        code = pipe_summary(&p) ? CLI_OK : CLI_FAILED;
    }
    else { pipe_stage_abort(&p); }
    for (int i = 0; i < PIPE_ROLES; i++) { free(p.roles[i].log.items); }
    json_decref(p.verdict.lineage);
    free(p.host.environment);
    return code;
}

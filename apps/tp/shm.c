/* tp shm: what drivers have left in shared memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "connect.h"
#include "demo_dir.h"
#include "leftovers.h"
#include "out.h"
#include "shm_inspect.h"
#include "streams.h"
#include "verbs.h"

static const cli_option_t options[] = {
    CLI_OPT_TEXT("base-dir", 0, base_dir, "DIR", "look only below this base directory"),
    CLI_OPT_NUMBER("slots", 0, slots, "N", 0, UINT32_MAX, "inspect: at most N slots of a header ring (default all)"),
    CLI_OPT_FLAG("dry-run", 0, dry_run, "clean: say what would be removed"),
    CLI_OPT_FLAG("force", 0, force, "clean: also where the process of the superblock exists but nobody holds the lock"),
    CLI_OPT_END,
};

typedef struct shm
{
    const cli_args_t *args;
    cli_table_t table;
    cli_epoch_dir_t *epochs;           /* CLI_EPOCHS_MAX */
    uint64_t bytes;
    unsigned streams, removed, refused, failed;
}
shm_t;

/* NULL when nobody seems to own the stream any more, else why not. */
static const char *owner_of(const cli_stream_dir_t *dir, const cli_epoch_dir_t *epochs, int count, char *text, size_t size)
{
    if (cli_dir_locked(dir->fd)) { return "a driver holds its lock"; }
    for (int i = count - 1; i >= 0; i--)
    {
        if (!epochs[i].has_superblock || !cli_pid_alive(epochs[i].pid)) { continue; }
        snprintf(text, size, "process %" PRIu64 " of epoch %" PRIu64 " exists", epochs[i].pid, epochs[i].epoch);
        return text;
    }
    return NULL;
}

static int ls_stream(void *clientd, const cli_stream_dir_t *dir)
{
    shm_t *shm = clientd;
    char text[128];
    char bytes[CLI_TEXT_MAX];
    char age[CLI_TEXT_MAX];
    const int count = cli_epoch_dirs(dir, shm->epochs, CLI_EPOCHS_MAX);
    const char *owner = owner_of(dir, shm->epochs, count, text, sizeof(text));
    for (int i = 0; i < count; i++)
    {
        const cli_epoch_dir_t *e = &shm->epochs[i];
        const char *state = NULL == owner ? "stale" : i + 1 < count ? "old" : "live";
        const double age_ns = (double)(cli_now_ns() - (int64_t)e->activity_ns);
        shm->bytes += e->bytes;
        if (shm->args->json)
        {
            (void)cli_json_line(json_pack("{s:s,s:o,s:o,s:s,s:I,s:i,s:I,s:f,s:s,s:s,s:s}", "type", "region_directory", "stream_id",
                cli_json_id(dir->stream_id),
                "epoch", cli_json_id(e->epoch), "state", state, "bytes", (json_int_t)e->bytes, "files", (int)e->files, "pid", (json_int_t)e->pid,
                "activity_age_seconds", e->has_superblock ? age_ns / 1e9 : -1.0, "user", dir->user, "namespace", dir->name_space, "path", dir->path));
            continue;
        }
        cli_table_cell(&shm->table, "%" PRIu32, dir->stream_id);
        cli_table_cell(&shm->table, "%" PRIu64, e->epoch);
        cli_table_cell(&shm->table, "%s", state);
        cli_table_cell(&shm->table, "%s", cli_human_bytes(bytes, (double)e->bytes));
        cli_table_cell(&shm->table, "%" PRIu32, e->files);
        cli_table_cell(&shm->table, e->has_superblock ? "%" PRIu64 : "-", e->pid);
        cli_table_cell(&shm->table, "%s", e->has_superblock ? cli_human_ns(age, age_ns) : "-");
        cli_table_cell(&shm->table, "%s/%" PRIu64, dir->path, e->epoch);
    }
    return 0;
}

static int shm_ls(const cli_args_t *args, shm_t *shm, const cli_bases_t *bases)
{
    static const char *const headings[] = { ">STREAM", ">EPOCH", "STATE", ">SIZE", ">FILES", ">PID", ">ACTIVE AGO", "DIRECTORY", NULL };
    char bytes[CLI_TEXT_MAX];
    cli_table_init(&shm->table, headings);
    for (int i = 0; i < bases->count; i++) { (void)cli_stream_dirs(bases->path[i], ls_stream, shm); }
    if (!args->json)
    {
        cli_table_print(&shm->table, stdout);
        printf("%s in total\n", cli_human_bytes(bytes, (double)shm->bytes));
    }
    cli_table_fini(&shm->table);
    return CLI_OK;
}

/* ---- clean ---- */

static void clean_say(const shm_t *shm, const cli_stream_dir_t *dir, uint64_t bytes, const char *action, const char *why)
{
    char text[CLI_TEXT_MAX];
    if (shm->args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:o,s:s,s:I,s:s,s:s?}", "type", "clean", "stream_id", cli_json_id(dir->stream_id), "action", action,
            "bytes",
            (json_int_t)bytes, "path", dir->path, "why", why));
        return;
    }
    printf("%-13s  %10s  %s%s%s\n", action, cli_human_bytes(text, (double)bytes), dir->path, NULL != why ? ": " : "", NULL != why ? why : "");
}

static int clean_stream(void *clientd, const cli_stream_dir_t *dir)
{
    shm_t *shm = clientd;
    char text[128];
    char name[16];
    uint64_t bytes = 0;
    const int count = cli_epoch_dirs(dir, shm->epochs, CLI_EPOCHS_MAX);
    const char *why = owner_of(dir, shm->epochs, count, text, sizeof(text));
    if (NULL != why && shm->args->force && why == text) { why = NULL; }
    /* The drivers' own lock: held while we remove, so no driver begins to use the directory meanwhile. */
    if (NULL == why && flock(dir->fd, LOCK_EX | LOCK_NB) < 0) { why = EWOULDBLOCK == errno ? "a driver holds its lock" : strerror(errno); }
    for (int i = 0; i < count; i++)
    {
        bytes += shm->epochs[i].bytes;
        if (shm->epochs[i].strange && NULL == why) { why = "it holds files that are no regions"; }
    }
    if (NULL != why)
    {
        shm->refused++;
        clean_say(shm, dir, bytes, "refused", why);
        return 0;
    }
    bool failed = false;
    for (int i = 0; i < count && !shm->args->dry_run && !failed; i++) { failed = cli_epoch_remove(dir->fd, shm->epochs[i].epoch) < 0; }
    if (failed)
    {
        shm->failed++;
        clean_say(shm, dir, bytes, "failed", strerror(errno));
        return 0;
    }
    snprintf(name, sizeof(name), "%" PRIu32, dir->stream_id);
    if (!shm->args->dry_run) { (void)unlinkat(dir->parent_fd, name, AT_REMOVEDIR); }
    shm->removed++;
    shm->bytes += bytes;
    clean_say(shm, dir, bytes, shm->args->dry_run ? "would remove" : "removed", NULL);
    return 0;
}

static int shm_clean(const cli_args_t *args, shm_t *shm, const cli_bases_t *bases)
{
    char bytes[CLI_TEXT_MAX];
    for (int i = 0; i < bases->count; i++) { (void)cli_stream_dirs(bases->path[i], clean_stream, shm); }
    const unsigned demos = NULL == args->base_dir ? cli_demo_clean(args->dry_run) : 0;
    if (args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:i,s:i,s:i,s:i,s:I}", "type", "summary", "removed", (int)shm->removed, "refused", (int)shm->refused,
            "failed",
            (int)shm->failed, "demos", (int)demos, "bytes", (json_int_t)shm->bytes));
    }
    else
    {
        printf("%u streams %s (%s), %u refused, %u failed; %u directories of dead demos\n", shm->removed, args->dry_run ? "would be removed" :
            "removed",
            cli_human_bytes(bytes, (double)shm->bytes), shm->refused, shm->failed, demos);
    }
    return shm->failed > 0 ? CLI_FAILED : CLI_OK;
}

static int run_shm(const cli_args_t *args)
{
    static cli_bases_t bases;
    const char *word = args->positional[0];
    shm_t shm = { .args = args };
    cli_log_init(args);
    if (0 == strcmp(word, "inspect"))
    {
        if (2 != args->positional_count) { return cli_usage("shm", "tp shm inspect takes one path or stream"); }
        return cli_shm_inspect(args, args->positional[1]);
    }
    const bool clean = 0 == strcmp(word, "clean");
    if (!clean && 0 != strcmp(word, "ls")) { return cli_usage("shm", "tp shm ls|inspect|clean; '%s' is none of them", word); }
    if (1 != args->positional_count) { return cli_usage("shm", "tp shm %s takes no further words", word); }
    shm.epochs = calloc(CLI_EPOCHS_MAX, sizeof(*shm.epochs));
    if (NULL == shm.epochs) { return cli_error(TP_ENOMEM, NULL, "no memory for the list of epochs"); }
    if (NULL != args->base_dir && 0 != access(args->base_dir, F_OK))
    {
        free(shm.epochs);
        return cli_error(TP_ENOENT, NULL, "--base-dir %s: %s", args->base_dir, strerror(errno));
    }
    cli_bases_find(&bases, args);
    const int code = clean ? shm_clean(args, &shm, &bases) : shm_ls(args, &shm, &bases);
    free(shm.epochs);
    return code;
}

const cli_verb_t verb_shm = {
    .name = "shm", .arguments = "ls | inspect PATH|STREAM | clean", .min_arguments = 1, .max_arguments = 2, .words = "ls inspect clean",
        .options = options,
    .run = run_shm, .summary = "Regions in shared memory: list, look into, remove what dead drivers left",
    .text = "ls       every epoch directory with size, owner's process and last activity\n"
        "inspect  every field of superblocks and slots, of one region file, of an epoch directory, or of a stream's current epoch\n"
        "clean    removes streams nobody owns; refuses those whose lock a driver holds or whose process exists",
};

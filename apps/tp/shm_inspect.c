/* tp shm inspect: every field of superblocks and slots. Reads files that a writer may be changing; a slot is a stable copy, or says so. */
#include "shm_inspect.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "connect.h"
#include "leftovers.h"
#include "out.h"
#include "streams.h"

#define RING 1

static json_t *i32_array(const int32_t *values, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++) { json_array_append_new(array, json_integer(values[i])); }
    return array;
}

static json_t *u64_array(const uint64_t *values, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++) { json_array_append_new(array, json_integer((json_int_t)values[i])); }
    return array;
}

static void superblock_json(const char *path, const tp_superblock_t *s)
{
    char magic[24];
    snprintf(magic, sizeof(magic), "0x%016" PRIX64, s->magic);
    (void)cli_json_line(json_pack("{s:s,s:s,s:s,s:i,s:o,s:o,s:i,s:o,s:I,s:I,s:I,s:I,s:o,s:o}", "type", "superblock", "path", path, "magic", magic,
        "layout_version", (int)s->layout_version, "epoch", cli_json_id(s->epoch), "stream_id", cli_json_id(s->stream_id), "region_type",
        (int)s->region_type,
        "pool_id", cli_json_id(s->pool_id), "nslots", (json_int_t)s->nslots, "slot_bytes", (json_int_t)s->slot_bytes, "stride_bytes",
        (json_int_t)s->stride_bytes, "pid", (json_int_t)s->pid, "start_timestamp_ns", cli_json_id(s->start_ns), "activity_timestamp_ns",
        cli_json_id(s->activity_ns)));
}

static void superblock_text(const char *path, const tp_superblock_t *s)
{
    char age[CLI_TEXT_MAX];
    printf("%s\n  magic 0x%016" PRIX64 "  layoutVersion %" PRIu32 "  epoch %" PRIu64 "  streamId %" PRIu32 "\n", path, s->magic, s->layout_version,
        s->epoch,
        s->stream_id);
    printf("  regionType %d (%s)  poolId %u  nslots %" PRIu32 "  slotBytes %" PRIu32 "  strideBytes %" PRIu32 "\n", (int)s->region_type,
        RING == s->region_type ? "header ring" : "payload pool", (unsigned)s->pool_id, s->nslots, s->slot_bytes, s->stride_bytes);
    printf("  pid %" PRIu64 " (%s)  startTimestampNs %" PRIu64 "  activityTimestampNs %" PRIu64 " (%s ago)\n", s->pid,
        cli_pid_alive(s->pid) ? "exists" : "gone", s->start_ns, s->activity_ns, cli_human_ns(age, (double)(cli_now_ns() - (int64_t)s->activity_ns)));
}

static void slot_json(const tp_slot_t *s)
{
    const tp_tensor_t *t = &s->tensor;
    const uint32_t ndims = t->ndims <= TP_MAX_DIMS ? t->ndims : TP_MAX_DIMS;
    json_t *line = json_pack("{s:s,s:i,s:I,s:b,s:b,s:b,s:s,s:I,s:I,s:o,s:I,s:o,s:o,s:i,s:i,s:i,s:i,s:i}", "type", "slot", "index", (int)s->index,
        "seq",
        (json_int_t)s->seq, "committed", (int)s->committed, "stable", (int)s->stable, "valid", (int)s->valid, "problem", NULL != s->problem ?
        s->problem : "",
        "values_len_bytes", (json_int_t)s->values_len_bytes, "payload_slot", (json_int_t)s->payload_slot, "pool_id", cli_json_id(s->pool_id),
        "payload_offset", (json_int_t)s->payload_offset, "timestamp_ns", cli_json_id(s->timestamp_ns), "meta_version", cli_json_id(s->meta_version),
        "header_bytes", (int)s->header_bytes, "embedded_block_length", (int)s->embedded_block_length, "embedded_template_id",
        (int)s->embedded_template_id,
        "embedded_schema_id", (int)s->embedded_schema_id, "embedded_version", (int)s->embedded_version);
    json_object_set_new(line, "dtype", json_string(tp_dtype_name(t->dtype)));
    json_object_set_new(line, "major_order", json_integer(t->order));
    json_object_set_new(line, "ndims", json_integer(t->ndims));
    json_object_set_new(line, "dims", i32_array(t->dims, ndims));
    json_object_set_new(line, "declared_strides", i32_array(s->declared_strides, ndims));
    json_object_set_new(line, "strides", u64_array(t->strides, ndims));
    json_object_set_new(line, "progress_unit", json_integer(t->progress_unit));
    json_object_set_new(line, "progress_stride_bytes", json_integer(t->progress_stride_bytes));
    (void)cli_json_line(line);
}

static void slot_text(const tp_slot_t *s)
{
    const tp_tensor_t *t = &s->tensor;
    printf("  slot %" PRIu32 "  seq %" PRIu64 " %s%s%s%s\n", s->index, s->seq, s->committed ? "committed" : "in progress", s->stable ? "" :
        ", changing",
        s->valid ? "" : ", not valid: ", s->valid || NULL == s->problem ? "" : s->problem);
    if (!s->committed && 0 == s->seq && 0 == s->header_bytes) { return; }
    printf("    valuesLenBytes %" PRIu32 "  payloadSlot %" PRIu32 "  poolId %u  payloadOffset %" PRIu32 "  timestampNs %" PRIu64 ""
        "  metaVersion %" PRIu32 "\n", s->values_len_bytes, s->payload_slot, (unsigned)s->pool_id, s->payload_offset, s->timestamp_ns,
            s->meta_version);
    printf("    headerBytes %" PRIu32 " (block %u template %u schema %u version %u)  dtype %s  majorOrder %d  ndims %" PRIu32, s->header_bytes,
        (unsigned)s->embedded_block_length, (unsigned)s->embedded_template_id, (unsigned)s->embedded_schema_id, (unsigned)s->embedded_version,
        tp_dtype_name(t->dtype), t->order, t->ndims);
    printf("\n    dims");
    for (uint32_t i = 0; i < t->ndims && i < TP_MAX_DIMS; i++) { printf(" %" PRId32, t->dims[i]); }
    printf("  strides");
    for (uint32_t i = 0; i < t->ndims && i < TP_MAX_DIMS; i++) { printf(" %" PRId32 " (%" PRIu64 ")", s->declared_strides[i], t->strides[i]); }
    printf("  progressUnit %" PRIu32 "  progressStrideBytes %" PRIu32 "\n", t->progress_unit, t->progress_stride_bytes);
}

static int inspect_region(const cli_args_t *args, const char *path)
{
    tp_region_t *region = NULL;
    tp_superblock_t superblock = { .size = sizeof(superblock) };
    if (tp_region_open(&region, path) < 0) { return cli_error_last(); }
    int code = CLI_OK;
    if (tp_region_superblock(region, &superblock) < 0) { code = cli_error_last(); }
    else if (args->json) { superblock_json(path, &superblock); }
    else { superblock_text(path, &superblock); }
    const uint64_t limit = RING == superblock.region_type ? CLI_OR(args->slots, UINT64_MAX) : 0;
    for (uint32_t i = 0; CLI_OK == code && i < superblock.nslots && i < limit && !cli_stopped(); i++)
    {
        tp_slot_t slot = { .size = sizeof(slot) };
        if (tp_region_slot_read(region, i, &slot) < 0) { code = cli_error_last(); }
        else if (args->json) { slot_json(&slot); }
        else { slot_text(&slot); }
    }
    tp_region_close(region);
    return code;
}

static int is_region(const struct dirent *entry) { return cli_is_region_name(entry->d_name) ? 1 : 0; }

static int inspect_directory(const cli_args_t *args, const char *path)
{
    struct dirent **names = NULL;
    const int count = scandir(path, &names, is_region, alphasort);
    int code = count > 0 ? CLI_OK : cli_error(TP_ENOENT, "tp shm ls shows the directories of epochs", "'%s' holds no region files", path);
    for (int i = 0; i < count; i++)
    {
        char file[PATH_MAX];
        const bool fits = snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name) < (int)sizeof(file);
        const int inspected = fits ? inspect_region(args, file) : CLI_FAILED;
        if (CLI_OK != inspected) { code = inspected; }
        free(names[i]);
    }
    free(names);
    return code;
}

typedef struct search { uint32_t stream_id; char path[PATH_MAX]; } search_t;

static int find_stream(void *clientd, const cli_stream_dir_t *dir)
{
    search_t *search = clientd;
    static cli_epoch_dir_t epochs[CLI_EPOCHS_MAX];
    if (dir->stream_id != search->stream_id) { return 0; }
    const int count = cli_epoch_dirs(dir, epochs, CLI_EPOCHS_MAX);
    if (0 == count) { return 0; }
    return snprintf(search->path, sizeof(search->path), "%s/%" PRIu64, dir->path, epochs[count - 1].epoch) < (int)sizeof(search->path) ? 1 : 0;
}

static int inspect_stream(const cli_args_t *args, const char *name)
{
    static cli_bases_t bases;
    search_t search = { 0, "" };
    cli_streams_t streams = { 0 };
    tp_counters_t *counters = NULL;
    cli_target_t target = { .stream_id = 0 };
    const int code = cli_target(args, name, &target);
    if (CLI_OK != code) { return code; }
    search.stream_id = target.stream_id;
    if (NULL == args->base_dir && tp_counters_open(&counters, args->aeron_dir) == 0 && CLI_OK == cli_streams_read(&streams, counters, false))
    {
        for (size_t i = 0; i < streams.stream_count; i++)
        {
            const cli_stream_t *s = &streams.streams[i];
            const bool there = '\0' == target.driver[0] || 0 == strcmp(target.driver, s->driver_instance);
            if (there && s->stream_id == target.stream_id) { snprintf(search.path, sizeof(search.path), "%s", s->directory); }
        }
    }
    cli_streams_fini(&streams);
    tp_counters_close(counters);
    cli_bases_find(&bases, args);
    for (int i = 0; '\0' == search.path[0] && i < bases.count; i++) { (void)cli_stream_dirs(bases.path[i], find_stream, &search); }
    if ('\0' == search.path[0])
    {
        return cli_error(TP_ENOSTREAM, "tp shm ls shows what there is", "stream %" PRIu32 " has no regions", search.stream_id);
    }
    return inspect_directory(args, search.path);
}

int cli_shm_inspect(const cli_args_t *args, const char *what)
{
    struct stat info;
    if (NULL == strchr(what, '/')) { return inspect_stream(args, what); }
    if (stat(what, &info) < 0) { return cli_error(TP_ENOENT, NULL, "'%s': %s", what, strerror(errno)); }
    return S_ISDIR(info.st_mode) ? inspect_directory(args, what) : inspect_region(args, what);
}

/* Inputs of `tp pub`. Frames are read straight into shared memory. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connect.h"
#include "number.h"
#include "out.h"

static int shape_from_args(cli_source_t *source, const cli_args_t *args, const char *default_shape)
{
    const char *shape = NULL != args->shape ? args->shape : default_shape;
    if (NULL == shape) { return cli_usage("pub", "raw frames need --shape (and --dtype, default uint8): for instance --shape 576x768x3"); }
    if (!cli_parse_shape(shape, source->dims, &source->ndims))
    {
        return cli_usage("pub", "--shape '%s', must be 1 to %d sizes like 576x768x3", shape, TP_MAX_DIMS);
    }
    source->dtype = tp_dtype_from_name(NULL != args->dtype ? args->dtype : "uint8");
    if (TP_DTYPE_UNKNOWN == source->dtype) { return cli_usage("pub", "--dtype '%s', must be a type like u8, uint16, f32", args->dtype); }
    source->order = NULL != args->order && 0 == strcmp(args->order, "column") ? TP_COLUMN_MAJOR : TP_ROW_MAJOR;
    return CLI_OK;
}

static int open_npy(cli_source_t *source, const cli_args_t *args)
{
    uint8_t *head = malloc(65536 + 12);
    struct stat info;
    if (NULL == head) { return cli_error(TP_ENOMEM, NULL, "no memory for the header of '%s'", source->path); }
    if (fstat(source->fd, &info) < 0 || !S_ISREG(info.st_mode))
    {
        free(head);
        return cli_error(TP_EIO, NULL, "'%s' is not a regular file", source->path);
    }
    const ssize_t length = pread(source->fd, head, 65536 + 12, 0);
    const char *problem = length < 0 ? strerror(errno) : cli_npy_parse(&source->npy, head, (size_t)length, (uint64_t)info.st_size);
    free(head);
    if (NULL != problem) { return cli_error(TP_EIO, NULL, "'%s': %s", source->path, problem); }
    const cli_npy_t *npy = &source->npy;
    const uint32_t skip = args->split ? 1 : 0;
    if (args->split && (npy->ndims < 2 || npy->fortran_order))
    {
        return cli_error(TP_ETENSOR, "publish the array as one frame (no --split)", "'%s': --split needs at least 2 dimensions in C order",
            source->path);
    }
    if (npy->ndims - skip > TP_MAX_DIMS)
    {
        return cli_error(TP_ETENSOR, NULL, "'%s': %" PRIu32 " dimensions, at most %d", source->path, npy->ndims, TP_MAX_DIMS);
    }
    source->ndims = 0;
    for (uint32_t i = skip; i < npy->ndims; i++)
    {
        if (npy->dims[i] > INT32_MAX) { return cli_error(TP_ETENSOR, NULL, "'%s': a dimension is above 2^31-1", source->path); }
        source->dims[source->ndims++] = (int32_t)npy->dims[i];
    }
    if (0 == source->ndims) { source->dims[source->ndims++] = 1; }
    source->stacked = args->split ? npy->dims[0] : 1;
    source->dtype = npy->dtype;
    source->order = npy->fortran_order ? TP_COLUMN_MAJOR : TP_ROW_MAJOR;
    source->is_npy = true;
    return CLI_OK;
}

static int open_input(cli_source_t *source, const cli_args_t *args, const char *path)
{
    source->path = path;
    if (0 == strcmp(path, "-"))
    {
        source->fd = STDIN_FILENO;
        source->path = "standard input";
        return shape_from_args(source, args, NULL);
    }
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0) { return cli_error(TP_EIO, NULL, "'%s' cannot be read: %s", path, strerror(errno)); }
    const size_t length = strlen(path);
    return length > 4 && 0 == strcmp(path + length - 4, ".npy") ? open_npy(source, args) : shape_from_args(source, args, NULL);
}

int cli_source_open(cli_source_t *source, const cli_args_t *args)
{
    const char *path = args->positional_count > 1 ? args->positional[1] : NULL;
    int code;
    memset(source, 0, sizeof(*source));
    source->fd = -1;
    if (NULL != args->pattern)
    {
        if (NULL != path) { return cli_usage("pub", "--pattern and an input '%s' exclude each other", path); }
        source->pattern = cli_pattern_from_name(args->pattern);
        code = shape_from_args(source, args, "480x640");
    }
    else if (NULL == path && 0 != isatty(STDIN_FILENO))
    {
        return cli_usage("pub", "nothing to publish: give --pattern, a file, or raw frames on standard input");
    }
    else { code = open_input(source, args, NULL != path ? path : "-"); }
    if (CLI_OK != code) { return code; }
    uint64_t bytes = tp_dtype_size(source->dtype);
    for (uint32_t i = 0; i < source->ndims; i++)
    {
        if (__builtin_mul_overflow(bytes, (uint64_t)source->dims[i], &bytes) || bytes > UINT32_MAX)
        {
            return cli_error(TP_ETENSOR, NULL, "a frame of this shape is above 4 GiB - 1, the largest payload");
        }
    }
    source->frame_bytes = (size_t)bytes;
    if (0 == bytes && source->fd >= 0 && !source->is_npy) { return cli_usage("pub", "--shape %s has no bytes to read", args->shape); }
    return CLI_OK;
}

int cli_source_wait(const cli_source_t *source, int64_t deadline_ns)
{
    if (source->fd < 0 || source->is_npy) { return cli_stopped() ? 0 : 1; }
    struct pollfd ready = { source->fd, POLLIN, 0 };
    while (!cli_stopped() && cli_now_ns() < deadline_ns)
    {
        const int count = poll(&ready, 1, 100);
        if (count > 0 || (count < 0 && EINTR != errno)) { return 1; }
    }
    return 0;
}

static int fill_npy(cli_source_t *source, void *payload)
{
    const uint64_t at = source->npy.data_at + (source->next % source->stacked) * source->frame_bytes;
    size_t done = 0;
    while (done < source->frame_bytes)
    {
        const ssize_t count = pread(source->fd, (uint8_t *)payload + done, source->frame_bytes - done, (off_t)(at + done));
        if (count < 0 && EINTR == errno) { continue; }
        if (count <= 0)
        {
            cli_error(TP_EIO, NULL, "'%s' cannot be read: %s", source->path, count < 0 ? strerror(errno) : "it became shorter");
            return -1;
        }
        done += (size_t)count;
    }
    source->next++;
    return 1;
}

static int fill_raw(cli_source_t *source, void *payload)
{
    size_t done = 0;
    while (done < source->frame_bytes)
    {
        const ssize_t count = read(source->fd, (uint8_t *)payload + done, source->frame_bytes - done);
        if (count < 0 && EINTR == errno)
        {
            if (cli_stopped()) { return 0; }
            continue;
        }
        if (count < 0) { cli_error(TP_EIO, NULL, "%s cannot be read: %s", source->path, strerror(errno)); return -1; }
        if (0 == count)
        {
            if (0 == done) { return 0; }
            cli_error(TP_EIO, "check --shape and --dtype against what is sent", "%s ended within a frame: %zu of %zu bytes", source->path, done,
                source->frame_bytes);
            return -1;
        }
        done += (size_t)count;
    }
    source->next++;
    return 1;
}

int cli_source_fill(cli_source_t *source, uint64_t seq, void *payload)
{
    if (source->is_npy) { return 0 == source->stacked ? 0 : fill_npy(source, payload); }
    if (source->fd >= 0) { return fill_raw(source, payload); }
    cli_pattern_fill(source->pattern, source->dtype, seq, payload, source->frame_bytes);
    return 1;
}

void cli_source_close(cli_source_t *source)
{
    if (source->fd > STDIN_FILENO) { close(source->fd); }
    source->fd = -1;
}

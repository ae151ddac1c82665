/* Files of `tp sub --out`. Everything written was validated before. */
#include "sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"
#include "number.h"
#include "out.h"

static int failed(const cli_sink_t *sink)
{
    if (EPIPE == errno) { return 0; }
    return cli_error(TP_EIO, NULL, "'%s' cannot be written: %s", sink->path, strerror(errno));
}

int cli_sink_open(cli_sink_t *sink, const char *path, bool single)
{
    const size_t length = strlen(path);
    memset(sink, 0, sizeof(*sink));
    sink->path = path;
    sink->single = single;
    sink->npy = length > 4 && 0 == strcmp(path + length - 4, ".npy");
    sink->file = 0 == strcmp(path, "-") ? stdout : fopen(path, "wbe");
    return NULL != sink->file ? 0 : failed(sink);
}

const void *cli_pack(const tp_tensor_t *tensor, const void *payload, size_t payload_bytes, uint8_t **buffer, size_t *capacity)
{
    const uint64_t extent = tp_tensor_extent_bytes(tensor);
    const size_t element = tp_dtype_size(tensor->dtype);
    const uint64_t count = tp_tensor_element_count(tensor);
    const bool column = TP_COLUMN_MAJOR == tensor->order;
    if (extent > payload_bytes) { return NULL; }
    if (tp_tensor_is_contiguous(tensor)) { return payload; }
    if (*capacity < count * element)
    {
        uint8_t *larger = realloc(*buffer, count * element);
        if (NULL == larger) { return NULL; }
        *buffer = larger;
        *capacity = count * element;
    }
    int64_t index[TP_MAX_DIMS] = { 0 };
    for (uint64_t i = 0; i < count; i++)
    {
        const void *from = tp_tensor_at(tensor, payload, payload_bytes, index);
        if (NULL == from) { return NULL; }
        memcpy(*buffer + i * element, from, element);
        for (uint32_t step = 0; step < tensor->ndims; step++)
        {
            const uint32_t axis = column ? step : tensor->ndims - 1 - step;
            if (++index[axis] < tensor->dims[axis]) { break; }
            index[axis] = 0;
        }
    }
    return *buffer;
}

static bool same_shape(const tp_tensor_t *a, const tp_tensor_t *b)
{
    return a->dtype == b->dtype && a->order == b->order && a->ndims == b->ndims && 0 == memcmp(a->dims, b->dims, a->ndims * sizeof(a->dims[0]));
}

static bool write_header(cli_sink_t *sink)
{
    char header[CLI_NPY_HEADER_BYTES];
    uint64_t dims[CLI_NPY_DIMS];
    uint32_t ndims = 0;
    const bool column = TP_COLUMN_MAJOR == sink->tensor.order;
    if (!sink->single && !column) { dims[ndims++] = sink->frames; }
    for (uint32_t i = 0; i < sink->tensor.ndims; i++) { dims[ndims++] = (uint64_t)sink->tensor.dims[i]; }
    if (!sink->single && column) { dims[ndims++] = sink->frames; }
    return cli_npy_header(header, sink->tensor.dtype, column, ndims, dims) && 1 == fwrite(header, sizeof(header), 1, sink->file);
}

int cli_sink_write(cli_sink_t *sink, const tp_tensor_t *tensor, const void *payload, size_t payload_bytes)
{
    const void *bytes = payload;
    size_t length = payload_bytes;
    if (sink->npy)
    {
        if (0 == sink->frames)
        {
            sink->tensor = *tensor;
            if (!write_header(sink)) { return failed(sink); }
        }
        else if (!same_shape(tensor, &sink->tensor))
        {
            char a[128];
            char b[128];
            return cli_error(TP_EIO, "write raw (another file name), or one file a shape", "'%s' holds frames of %s %s, this one is %s %s",
                sink->path,
                cli_format_shape(a, sink->tensor.ndims, sink->tensor.dims), tp_dtype_name(sink->tensor.dtype),
                cli_format_shape(b, tensor->ndims, tensor->dims), tp_dtype_name(tensor->dtype));
        }
        bytes = cli_pack(tensor, payload, payload_bytes, &sink->packed, &sink->packed_capacity);
        length = (size_t)(tp_tensor_element_count(tensor) * tp_dtype_size(tensor->dtype));
        if (NULL == bytes) { return cli_error(TP_ETENSOR, NULL, "payload of %zu bytes is shorter than its tensor", payload_bytes); }
    }
    if (length > 0 && 1 != fwrite(bytes, length, 1, sink->file)) { return failed(sink); }
    sink->frames++;
    return 0;
}

int cli_sink_close(cli_sink_t *sink)
{
    int code = 0;
    if (NULL == sink->file) { return 0; }
    if (sink->npy && sink->frames > 0 && !sink->single && (0 != fseek(sink->file, 0, SEEK_SET) || !write_header(sink))) { code = failed(sink); }
    if (stdout == sink->file) { if (0 != fflush(stdout)) { code = failed(sink); } }
    else if (0 != fclose(sink->file) && 0 == code) { code = failed(sink); }
    sink->file = NULL;
    free(sink->packed);
    sink->packed = NULL;
    return code;
}

/* Line of JSON of a frame. The keys are part of the interface: user manual, tests. */
#include "frame_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void remember_shape(cli_frame_line_t *line, const tp_tensor_t *tensor)
{
    int at = snprintf(line->shape, sizeof(line->shape), "\"dtype\":\"%s\",\"order\":\"%s\",\"dims\":[", tp_dtype_name(tensor->dtype),
        TP_COLUMN_MAJOR == tensor->order ? "column" : "row");
    for (uint32_t i = 0; i < tensor->ndims && i < TP_MAX_DIMS; i++)
    {
        at += snprintf(line->shape + at, sizeof(line->shape) - (size_t)at, i > 0 ? ",%d" : "%d", tensor->dims[i]);
    }
    at += snprintf(line->shape + at, sizeof(line->shape) - (size_t)at, "],\"strides\":[");
    for (uint32_t i = 0; i < tensor->ndims && i < TP_MAX_DIMS; i++)
    {
        at += snprintf(line->shape + at, sizeof(line->shape) - (size_t)at, i > 0 ? ",%" PRIu64 : "%" PRIu64, tensor->strides[i]);
    }
    snprintf(line->shape + at, sizeof(line->shape) - (size_t)at, "]");
    line->tensor = *tensor;
}

static void optional_id(char buffer[32], uint64_t value, bool absent)
{
    if (absent) { snprintf(buffer, 32, "null"); }
    else { snprintf(buffer, 32, "\"%" PRIu64 "\"", value); }
}

bool cli_frame_line_print(cli_frame_line_t *line, const tp_frame_view_t *view, uint32_t crc, int64_t now_ns, const bool *matches)
{
    char trace[32];
    char publish[32];
    char meta[32];
    if ('\0' == line->shape[0] || 0 != memcmp(&line->tensor, view->tensor, sizeof(line->tensor))) { remember_shape(line, view->tensor); }
    optional_id(trace, view->trace_id, TP_NULL_TRACE_ID == view->trace_id);
    optional_id(publish, view->publish_timestamp_ns, TP_NULL_U64 == view->publish_timestamp_ns);
    optional_id(meta, view->meta_version, TP_NULL_U32 == view->meta_version);
    return printf("{\"type\":\"frame\",\"stream_id\":\"%" PRIu32 "\",\"seq\":%" PRIu64 ",\"epoch\":\"%" PRIu64 "\",\"bytes\":%zu,%s,"
        "\"pool_id\":\"%u\","
        "\"crc32\":%" PRIu32 ",%s\"trace\":%s,\"meta_version\":%s,"
        "\"timestamp_ns\":\"%" PRIu64 "\",\"publish_timestamp_ns\":%s,\"latency_ns\":%" PRId64
        "%s}\n", view->stream_id, view->seq, view->epoch, view->payload_bytes, line->shape, (unsigned)view->pool_id, crc,
        0 != (view->flags & TP_FRAME_NO_DESCRIPTOR) ? "\"no_descriptor\":true," : "", trace, meta,
        view->timestamp_ns, publish, now_ns - (int64_t)view->timestamp_ns,
        NULL == matches ? "" : *matches ? ",\"check\":true" : ",\"check\":false") > 0;
}

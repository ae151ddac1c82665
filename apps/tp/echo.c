/* tp echo: headers and first values of frames. Values are copied, then the frame is validated, then they are printed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "meta.h"
#include "number.h"
#include "reader.h"
#include "verbs.h"

#define VALUES_MAX 4096

static const cli_option_t options[] = {
    CLI_OPT_NUMBER("values", 0, values, "N", 0, VALUES_MAX, "how many elements to print (default 8)"),
    CLI_OPT_FLAG("meta", 'm', with_meta, "first name, summary and attributes of the source (up to 2.5 s)"),
    CLI_READER_OPTIONS,
    CLI_OPT_END,
};

static json_t *value_json(int dtype, const uint8_t *bytes)
{
    uint64_t u = 0;
    float f;
    double d;
    memcpy(&u, bytes, tp_dtype_size(dtype));
    switch (dtype)
    {
        case TP_DTYPE_INT8: return json_integer((int8_t)u);
        case TP_DTYPE_INT16: return json_integer((int16_t)u);
        case TP_DTYPE_INT32: return json_integer((int32_t)u);
        case TP_DTYPE_INT64: return json_integer((int64_t)u);
        case TP_DTYPE_UINT64: return u <= INT64_MAX ? json_integer((json_int_t)u) : cli_json_id(u);
        case TP_DTYPE_FLOAT32: memcpy(&f, bytes, sizeof(f)); d = (double)f; break;
        case TP_DTYPE_FLOAT64: memcpy(&d, bytes, sizeof(d)); break;
        default: return json_integer((json_int_t)u);
    }
    json_t *real = json_real(d);                       /* NULL for infinities and NaN, which JSON cannot say */
    return NULL != real ? real : json_string(d > 0 ? "inf" : d < 0 ? "-inf" : "nan");
}

/* The first elements in C order, copied; how many. */
static size_t first_values(const tp_frame_view_t *view, size_t wanted, uint8_t *copy)
{
    const tp_tensor_t *tensor = view->tensor;
    const size_t size = tp_dtype_size(tensor->dtype);
    int64_t index[TP_MAX_DIMS] = { 0 };
    size_t count = 0;
    while (count < wanted && count < tp_tensor_element_count(tensor))
    {
        const void *at = tp_tensor_at(tensor, view->payload, view->payload_bytes, index);
        if (NULL == at) { break; }
        memcpy(copy + count++ * size, at, size);
        for (uint32_t axis = tensor->ndims; axis-- > 0;)
        {
            if (++index[axis] < tensor->dims[axis]) { break; }
            index[axis] = 0;
        }
    }
    return count;
}

static json_t *shape_json(const tp_tensor_t *tensor)
{
    json_t *dims = json_array();
    for (uint32_t i = 0; i < tensor->ndims; i++) { json_array_append_new(dims, json_integer(tensor->dims[i])); }
    return dims;
}

static void print_frame(const cli_reader_t *reader, const tp_frame_view_t *view, const tp_tensor_t *tensor, const uint8_t *copy, size_t count)
{
    char shape[128];
    char age[CLI_TEXT_MAX];
    const size_t size = tp_dtype_size(tensor->dtype);
    const int64_t latency_ns = reader->now_ns - (int64_t)view->timestamp_ns;
    json_t *values = json_array();
    for (size_t i = 0; i < count; i++) { json_array_append_new(values, value_json(tensor->dtype, copy + i * size)); }
    if (reader->args->json)
    {
        json_t *line = json_pack("{s:s,s:o,s:I,s:o,s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:I,s:O}", "type", "frame", "stream_id",
            cli_json_id(view->stream_id), "seq",
            (json_int_t)view->seq, "epoch", cli_json_id(view->epoch), "bytes", (json_int_t)view->payload_bytes, "dtype", tp_dtype_name(tensor->dtype),
            "order", TP_COLUMN_MAJOR == tensor->order ? "column" : "row", "dims", shape_json(tensor), "timestamp_ns", cli_json_id(view->timestamp_ns),
            "publish_timestamp_ns", TP_NULL_U64 == view->publish_timestamp_ns ? json_null() : cli_json_id(view->publish_timestamp_ns), "trace",
            TP_NULL_TRACE_ID == view->trace_id ? json_null() : cli_json_id(view->trace_id), "meta_version",
            TP_NULL_U32 == view->meta_version ? json_null() : cli_json_id(view->meta_version), "latency_ns", (json_int_t)latency_ns, "values",
            values);
        if (0 != (view->flags & TP_FRAME_NO_DESCRIPTOR)) { (void)json_object_set_new(line, "no_descriptor", json_true()); }
        if (!cli_json_line(line)) { cli_stop(); }
    }
    else
    {
        char *text = json_dumps(values, JSON_COMPACT | JSON_REAL_PRECISION(7));
        printf("seq %" PRIu64 "  epoch %" PRIu64 "  %s %s  %zu bytes  captured %s ago", view->seq, view->epoch,
            cli_format_shape(shape, tensor->ndims, tensor->dims), tp_dtype_name(tensor->dtype), view->payload_bytes, cli_human_ns(age,
            (double)latency_ns));
        if (0 != (view->flags & TP_FRAME_NO_DESCRIPTOR)) { printf("  trace unknown (read from the ring)"); }
        else if (TP_NULL_TRACE_ID != view->trace_id) { printf("  trace %" PRIu64, view->trace_id); }
        if (count > 0 && NULL != text) { printf("\n  %s%s", text, count < tp_tensor_element_count(tensor) ? " ..." : ""); }
        putchar('\n');
        free(text);
        if (!cli_flush()) { cli_stop(); }
    }
    json_decref(values);
}

/* Once, before the frames. */
static int echo_meta(cli_reader_t *reader)
{
    cli_meta_t meta;
    const int code = cli_meta_fetch(reader->client, reader->stream_id, CLI_META_WAIT_NS, &meta);
    if (CLI_OK != code) { return code; }
    if (reader->args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:o,s:o}", "type", "source", "stream_id", cli_json_id(reader->stream_id), "source",
            cli_meta_json(&meta)));
    }
    else { cli_meta_print(&meta, reader->text); }
    cli_meta_fini(&meta);
    return CLI_OK;
}

static int run_echo(const cli_args_t *args)
{
    static uint8_t copy[VALUES_MAX * 8];
    cli_reader_t reader;
    tp_frame_view_t view;
    int code = cli_reader_open(&reader, args, args->positional[0], false);
    if (CLI_OK != code) { return code; }
    if (args->with_meta) { code = echo_meta(&reader); }
    while (CLI_OK == code && cli_reader_next(&reader, &view) > 0)
    {
        const tp_tensor_t tensor = *view.tensor;
        const size_t count = first_values(&view, (size_t)CLI_OR(args->values, 8), copy);
        if (tp_frame_view_is_valid(&view)) { print_frame(&reader, &view, &tensor, copy, count); }
        else
        {
            cli_reader_torn(&reader);
            cli_warn(TP_ETORN, NULL, "frame %" PRIu64 " was overwritten while it was read", view.seq);
        }
    }
    if (CLI_OK == code) { code = reader.exit_code; }
    cli_reader_close(&reader);
    return code;
}

const cli_verb_t verb_echo = {
    .name = "echo", .arguments = "STREAM", .min_arguments = 1, .max_arguments = 1, .options = options, .run = run_echo,
    .summary = "Print shape, times and first values of each frame",
};

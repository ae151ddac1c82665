/* tp view: a frame as PNG file or as a picture in the terminal. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "number.h"
#include "picture.h"
#include "reader.h"
#include "verbs.h"

static const cli_option_t options[] = {
    CLI_OPT_TEXT("png", 'o', png, "FILE", "write a PNG file instead of drawing; with --count it holds the last frame"),
    CLI_OPT_NUMBER("width", 'w', width, "N", 1, 1000, "columns of the drawing (default: the terminal's, else 80)"),
    CLI_READER_OPTIONS,
    CLI_OPT_END,
};

static void terminal_size(const cli_args_t *args, uint32_t *columns, uint32_t *rows)
{
    struct winsize size = { 0 };
    *columns = 80;
    *rows = 1000;
    if (0 == ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col > 0 && size.ws_row > 2)
    {
        *columns = size.ws_col;
        *rows = size.ws_row - 2U;
    }
    if (CLI_GIVEN(args->width)) { *columns = (uint32_t)args->width; }
}

static int show(const cli_reader_t *reader, const tp_frame_view_t *view, const tp_tensor_t *tensor, const uint8_t *bytes, size_t length)
{
    cli_picture_t picture = { 0 };
    char text[256];
    char shape[128];
    const cli_args_t *args = reader->args;
    const char *problem = cli_picture_from_tensor(&picture, tensor, bytes, length);
    if (NULL != problem)
    {
        return cli_error(TP_ETENSOR, "tp sub STREAM --out frame.npy writes any shape", "frame of %s %s: %s",
            cli_format_shape(shape, tensor->ndims, tensor->dims), tp_dtype_name(tensor->dtype), problem);
    }
    int code = CLI_OK;
    if (NULL != args->png && cli_picture_write_png(&picture, args->png, text, sizeof(text)) < 0)
    {
        code = cli_error(TP_EIO, NULL, "'%s' cannot be written: %s", args->png, text);
    }
    if (NULL == args->png && !args->json)
    {
        uint32_t columns;
        uint32_t rows;
        terminal_size(args, &columns, &rows);
        if (reader->frames > 1 && 0 != isatty(STDOUT_FILENO)) { fputs("\x1b[H", stdout); }
        else if (CLI_OR(args->count, 1) > 1 && 0 != isatty(STDOUT_FILENO)) { fputs("\x1b[2J\x1b[H", stdout); }
        cli_picture_print(&picture, columns, rows, stdout);
    }
    if (CLI_OK == code && args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:o,s:I,s:o,s:i,s:i,s:s?}", "type", "picture", "stream_id", cli_json_id(view->stream_id), "seq",
            (json_int_t)view->seq, "epoch", cli_json_id(view->epoch), "width", (int)picture.width, "height", (int)picture.height, "png", args->png));
    }
    else if (CLI_OK == code)
    {
        printf("stream %" PRIu32 "  seq %" PRIu64 "  %s %s%s%s\n", view->stream_id, view->seq, cli_format_shape(shape, tensor->ndims, tensor->dims),
            tp_dtype_name(tensor->dtype), NULL != args->png ? "  -> " : "", NULL != args->png ? args->png : "");
    }
    if (!cli_flush()) { cli_stop(); }
    cli_picture_fini(&picture);
    return code;
}

static int run_view(const cli_args_t *given)
{
    cli_args_t args = *given;
    cli_reader_t reader;
    tp_frame_view_t view;
    uint8_t *copy = NULL;
    uint64_t shown = 0;
    const uint64_t limit = CLI_OR(args.count, args.seconds >= 0.0 ? UINT64_MAX : 1);
    args.count = CLI_UNSET;
    if (args.timeout < 0.0) { args.timeout = 10.0; }
    int code = cli_reader_open(&reader, &args, args.positional[0], false);
    while (CLI_OK == code && shown < limit && cli_reader_next(&reader, &view) > 0)
    {
        const tp_tensor_t tensor = *view.tensor;
        const size_t length = view.payload_bytes;
        uint8_t *larger = realloc(copy, length > 0 ? length : 1);
        if (NULL == larger) { code = cli_error(TP_ENOMEM, NULL, "no memory for a frame of %zu bytes", length); break; }
        copy = larger;
        if (length > 0 && tp_consumer_copy_frame(&view, copy, length) < 0) { continue; }
        code = show(&reader, &view, &tensor, copy, length);
        shown++;
    }
    if (NULL != reader.consumer)
    {
        if (CLI_OK == code) { code = reader.exit_code; }
        cli_reader_close(&reader);
    }
    free(copy);
    return code;
}

const cli_verb_t verb_view = {
    .name = "view", .arguments = "STREAM", .min_arguments = 1, .max_arguments = 1, .options = options, .run = run_view,
    .summary = "Show a frame as a picture in the terminal, or write it as PNG",
    .text = "Frames of HxW, HxWxC or CxHxW with 1, 3 or 4 channels; other types than 8-bit are stretched to the range of their values.\n"
        "One frame, or with --count N or --seconds S a moving picture.",
};

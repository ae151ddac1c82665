/* One frame as one line of JSON, fast enough for 100,000 lines a second: numbers and fixed names only, the shape's part is kept between frames. */
#ifndef APPS_TP_FRAME_LINE_H
#define APPS_TP_FRAME_LINE_H

#include <tensor_pool/tp.h>

typedef struct cli_frame_line
{
    tp_tensor_t tensor;                /* of which shape is the text */
    char shape[512];
}
cli_frame_line_t;

/* matches may be NULL (nothing was checked). false when standard output is gone. */
bool cli_frame_line_print(cli_frame_line_t *line, const tp_frame_view_t *view, uint32_t crc, int64_t now_ns, const bool *matches);

#endif

/* The only file that sees libswscale. */
#include <stdint.h>
#include <stdlib.h>

#include <libswscale/swscale.h>

#include "pipeline_scale.h"

struct pipe_scale
{
    struct SwsContext *context;
    int from_width, from_height, to_height;
};

pipe_scale_t *pipe_scale_make(int from_width, int from_height, int to_width, int to_height)
{
    pipe_scale_t *scale = calloc(1, sizeof(*scale));
    if (NULL == scale) { return NULL; }
    *scale = (pipe_scale_t){ NULL, from_width, from_height, to_height };
    scale->context = sws_getContext(from_width, from_height, AV_PIX_FMT_RGB24, to_width, to_height, AV_PIX_FMT_RGB24, SWS_AREA, NULL, NULL, NULL);
    if (NULL != scale->context) { return scale; }
    free(scale);
    return NULL;
}

bool pipe_scale_run(pipe_scale_t *scale, const void *from, void *to, int row_bytes)
{
    const uint8_t *const planes[4] = { from, NULL, NULL, NULL };
    uint8_t *const targets[4] = { to, NULL, NULL, NULL };
    const int from_rows[4] = { scale->from_width * 3, 0, 0, 0 };
    const int to_rows[4] = { row_bytes, 0, 0, 0 };
    return scale->to_height == sws_scale(scale->context, planes, from_rows, 0, scale->from_height, targets, to_rows);
}

void pipe_scale_free(pipe_scale_t *scale)
{
    if (NULL == scale) { return; }
    sws_freeContext(scale->context);
    free(scale);
}

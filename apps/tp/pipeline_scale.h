/* Pictures made smaller by libswscale. 8-bit RGB, rows without gaps in the source; the target may be a part of a wider picture. */
#ifndef APPS_TP_PIPELINE_SCALE_H
#define APPS_TP_PIPELINE_SCALE_H

#include <stdbool.h>

typedef struct pipe_scale pipe_scale_t;

/* NULL when the library refuses the sizes. */
pipe_scale_t *pipe_scale_make(int from_width, int from_height, int to_width, int to_height);
/* row_bytes of the target. */
bool pipe_scale_run(pipe_scale_t *scale, const void *from, void *to, int row_bytes);
void pipe_scale_free(pipe_scale_t *scale);

#endif

/* Where `tp pub` takes payloads from: a pattern, raw frames of a file descriptor, or a .npy file. Owned by the verb; main thread. */
#ifndef APPS_TP_SOURCE_H
#define APPS_TP_SOURCE_H

#include "cli.h"
#include "npy.h"
#include "pattern.h"

typedef struct cli_source
{
    cli_pattern_t pattern;
    cli_npy_t npy;
    bool is_npy;
    int fd;                            /* -1 for patterns */
    const char *path;
    int dtype, order;
    uint32_t ndims;
    int32_t dims[TP_MAX_DIMS];
    size_t frame_bytes;
    uint64_t stacked;                  /* frames in the .npy file */
    uint64_t next;
}
cli_source_t;

/* From --pattern, --shape, --dtype, --order, --split and the second positional. Prints what is wrong; returns the exit code. */
int cli_source_open(cli_source_t *source, const cli_args_t *args);
/* Waits until a frame can be read without blocking long: 1, 0 = told to stop or deadline passed. Patterns and files are always ready. */
int cli_source_wait(const cli_source_t *source, int64_t deadline_ns);
/* Fills one payload of frame_bytes: 1, 0 = the input ended, -1 = failed (printed). A frame cut short at the end of the input is an error. */
int cli_source_fill(cli_source_t *source, uint64_t seq, void *payload);
void cli_source_close(cli_source_t *source);

#endif

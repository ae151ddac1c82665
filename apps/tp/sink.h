/* Where `tp sub --out` writes: raw bytes, or one .npy array with the frames stacked. Owned by the verb; main thread. */
#ifndef APPS_TP_SINK_H
#define APPS_TP_SINK_H

#include <stdio.h>

#include <tensor_pool/tp.h>

typedef struct cli_sink
{
    const char *path;
    FILE *file;
    bool npy, single;
    tp_tensor_t tensor;                /* of the first frame */
    uint64_t frames;
    uint8_t *packed;
    size_t packed_capacity;
}
cli_sink_t;

/* "-" = standard output. single: the one frame is written without an axis of its own. Prints what fails; returns the exit code. */
int cli_sink_open(cli_sink_t *sink, const char *path, bool single);
int cli_sink_write(cli_sink_t *sink, const tp_tensor_t *tensor, const void *payload, size_t payload_bytes);
int cli_sink_close(cli_sink_t *sink);

/* Copies a tensor into C order (or Fortran order when it is column major) without gaps. NULL when the payload is shorter than the tensor. */
const void *cli_pack(const tp_tensor_t *tensor, const void *payload, size_t payload_bytes, uint8_t **buffer, size_t *capacity);

#endif

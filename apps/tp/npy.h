/*
 * NumPy's .npy files (format 1.0, 2.0 and 3.0): header read and written here, validated, no pickles. Byte order little-endian only.
 */
#ifndef APPS_TP_NPY_H
#define APPS_TP_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/common/tp_types.h>

#define CLI_NPY_DIMS (TP_MAX_DIMS + 1)      /* frames may be stacked along one more axis */
#define CLI_NPY_HEADER_BYTES 256            /* of a header written here */

typedef struct cli_npy
{
    int dtype;
    bool fortran_order;
    uint32_t ndims;                    /* 0 = a scalar */
    uint64_t dims[CLI_NPY_DIMS];
    uint64_t data_at;                  /* offset of the data in the file */
    uint64_t data_bytes;
}
cli_npy_t;

/* Parses the first length bytes of a file of file_bytes. NULL on success, else what is wrong (static text). */
const char *cli_npy_parse(cli_npy_t *npy, const uint8_t *bytes, size_t length, uint64_t file_bytes);
/* Writes a header of exactly CLI_NPY_HEADER_BYTES, so that the number of frames can be filled in later. False when it does not fit. */
bool cli_npy_header(char header[CLI_NPY_HEADER_BYTES], int dtype, bool fortran_order, uint32_t ndims, const uint64_t *dims);

#endif

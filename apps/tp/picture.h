/* A frame as a picture: conversion to 8-bit RGB, PNG file, half blocks in a terminal. */
#ifndef APPS_TP_PICTURE_H
#define APPS_TP_PICTURE_H

#include <stdint.h>
#include <stdio.h>

#include <tensor_pool/common/tp_types.h>

typedef struct cli_picture
{
    uint32_t width, height;
    uint8_t *rgb;                      /* width * height * 3, owned */
}
cli_picture_t;

/*
 * HxW, HxWxC or CxHxW with 1, 3 or 4 channels, any numeric type, any strides. 8-bit values are taken as they are, everything else is stretched from
 * its smallest to its largest finite value. NULL on success, else what is wrong (static text).
 */
const char *cli_picture_from_tensor(cli_picture_t *picture, const tp_tensor_t *tensor, const void *payload, size_t payload_bytes);
void cli_picture_fini(cli_picture_t *picture);
/* Written beside and renamed. Returns 0, or -1 with a text in errno's or libpng's words. */
int cli_picture_write_png(const cli_picture_t *picture, const char *path, char *problem, size_t size);
/* Two pixels a character cell, 24-bit colour; at most columns x rows cells, keeping the picture's proportions. */
void cli_picture_print(const cli_picture_t *picture, uint32_t columns, uint32_t rows, FILE *out);

#endif

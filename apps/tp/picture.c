/* Pictures. Works on a private, validated copy of the payload. */
#include "picture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <png.h>
#include <tensor_pool/client/tp_tensor.h>

#define PIXELS_MAX (UINT64_C(1) << 28)

typedef struct layout { uint64_t height, width, channels, y_step, x_step, c_step; } layout_t;

static bool is_channels(int32_t size) { return 1 == size || 3 == size || 4 == size; }

static const char *find_layout(layout_t *layout, const tp_tensor_t *t)
{
    if (2 == t->ndims) { *layout = (layout_t){ (uint64_t)t->dims[0], (uint64_t)t->dims[1], 1, t->strides[0], t->strides[1], 0 }; }
    else if (3 == t->ndims && is_channels(t->dims[2]))
    {
        *layout = (layout_t){ (uint64_t)t->dims[0], (uint64_t)t->dims[1], (uint64_t)t->dims[2], t->strides[0], t->strides[1], t->strides[2] };
    }
    else if (3 == t->ndims && is_channels(t->dims[0]))
    {
        *layout = (layout_t){ (uint64_t)t->dims[1], (uint64_t)t->dims[2], (uint64_t)t->dims[0], t->strides[1], t->strides[2], t->strides[0] };
    }
    else { return "not a picture: HxW, HxWxC or CxHxW with 1, 3 or 4 channels are"; }
    if (0 == layout->height || 0 == layout->width) { return "the picture is empty"; }
    if (layout->height > PIXELS_MAX || layout->width > PIXELS_MAX || layout->height * layout->width > PIXELS_MAX) { return "above 2^28 pixels"; }
    return NULL;
}

static double element(int dtype, const uint8_t *at)
{
    uint64_t u = 0;
    float f;
    double d;
    memcpy(&u, at, tp_dtype_size(dtype));
    switch (dtype)
    {
        case TP_DTYPE_INT8: return (int8_t)u;
        case TP_DTYPE_INT16: return (int16_t)u;
        case TP_DTYPE_INT32: return (int32_t)u;
        case TP_DTYPE_INT64: return (double)(int64_t)u;
        case TP_DTYPE_FLOAT32: memcpy(&f, at, sizeof(f)); return (double)f;
        case TP_DTYPE_FLOAT64: memcpy(&d, at, sizeof(d)); return d;
        default: return (double)u;
    }
}

static void find_range(const layout_t *l, int dtype, const uint8_t *payload, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (uint64_t y = 0; y < l->height; y++)
    {
        for (uint64_t x = 0; x < l->width; x++)
        {
            for (uint64_t c = 0; c < l->channels; c++)
            {
                const double value = element(dtype, payload + y * l->y_step + x * l->x_step + c * l->c_step);
                if (!isfinite(value)) { continue; }
                if (value < *low) { *low = value; }
                if (value > *high) { *high = value; }
            }
        }
    }
}

static uint8_t scaled(int dtype, const uint8_t *at, double low, double factor)
{
    if (TP_DTYPE_UINT8 == dtype || TP_DTYPE_BYTES == dtype) { return *at; }
    const double value = (element(dtype, at) - low) * factor;
    return !(value > 0.0) ? 0 : value >= 255.0 ? 255 : (uint8_t)lround(value);
}

const char *cli_picture_from_tensor(cli_picture_t *picture, const tp_tensor_t *tensor, const void *payload, size_t payload_bytes)
{
    layout_t l;
    double low = 0.0;
    double high = 255.0;
    const char *problem = find_layout(&l, tensor);
    if (NULL != problem) { return problem; }
    if (0 == tp_dtype_size(tensor->dtype)) { return "unknown element type"; }
    if (tp_tensor_extent_bytes(tensor) > payload_bytes) { return "the payload is shorter than its shape"; }
    uint8_t *rgb = malloc(l.height * l.width * 3);
    if (NULL == rgb) { return "out of memory"; }
    if (TP_DTYPE_UINT8 != tensor->dtype && TP_DTYPE_BYTES != tensor->dtype) { find_range(&l, tensor->dtype, payload, &low, &high); }
    const double factor = high > low ? 255.0 / (high - low) : 0.0;
    uint8_t *to = rgb;
    for (uint64_t y = 0; y < l.height; y++)
    {
        for (uint64_t x = 0; x < l.width; x++)
        {
            const uint8_t *at = (const uint8_t *)payload + y * l.y_step + x * l.x_step;
            for (uint64_t c = 0; c < 3; c++) { *to++ = scaled(tensor->dtype, at + (l.channels > 1 ? c * l.c_step : 0), low, factor); }
        }
    }
    picture->width = (uint32_t)l.width;
    picture->height = (uint32_t)l.height;
    picture->rgb = rgb;
    return NULL;
}

void cli_picture_fini(cli_picture_t *picture)
{
    free(picture->rgb);
    memset(picture, 0, sizeof(*picture));
}

int cli_picture_write_png(const cli_picture_t *picture, const char *path, char *problem, size_t size)
{
    char part[1100];
    png_image image = { .version = PNG_IMAGE_VERSION, .width = picture->width, .height = picture->height, .format = PNG_FORMAT_RGB };
    if (snprintf(part, sizeof(part), "%s.%ld.part", path, (long)getpid()) >= (int)sizeof(part))
    {
        snprintf(problem, size, "path is longer than 1,000 bytes");
        return -1;
    }
    FILE *file = fopen(part, "wbxe");
    if (NULL == file)
    {
        snprintf(problem, size, "%s", strerror(errno));
        return -1;
    }
    const int written = png_image_write_to_stdio(&image, file, 0, picture->rgb, 0, NULL);
    snprintf(problem, size, "%s", 0 != written ? "" : image.message);
    int rc = 0 != written ? 0 : -1;
    if (0 != fclose(file) || (0 == rc && rename(part, path) < 0))
    {
        if (0 == rc) { snprintf(problem, size, "%s", strerror(errno)); }
        rc = -1;
    }
    if (rc < 0) { (void)remove(part); }
    return rc;
}

/* Mean colour of one cell half: columns x rows2 halves over the picture. */
static void half_colour(const cli_picture_t *p, uint32_t column, uint32_t columns, uint32_t row, uint32_t rows, unsigned colour[3])
{
    const uint64_t x0 = (uint64_t)column * p->width / columns;
    const uint64_t x1 = (uint64_t)(column + 1) * p->width / columns;
    const uint64_t y0 = (uint64_t)row * p->height / rows;
    const uint64_t y1 = (uint64_t)(row + 1) * p->height / rows;
    uint64_t sum[3] = { 0, 0, 0 };
    uint64_t count = 0;
    for (uint64_t y = y0; y < (y1 > y0 ? y1 : y0 + 1); y++)
    {
        for (uint64_t x = x0; x < (x1 > x0 ? x1 : x0 + 1); x++, count++)
        {
            for (int c = 0; c < 3; c++) { sum[c] += p->rgb[(y * p->width + x) * 3 + (uint64_t)c]; }
        }
    }
    for (int c = 0; c < 3; c++) { colour[c] = (unsigned)(sum[c] / count); }
}

void cli_picture_print(const cli_picture_t *picture, uint32_t columns, uint32_t rows, FILE *out)
{
    uint64_t wide = columns < picture->width ? columns : picture->width;
    uint64_t high = wide * picture->height / picture->width;         /* halves: as many pixels high as a cell is wide */
    if (high > (uint64_t)rows * 2)
    {
        high = (uint64_t)rows * 2;
        wide = high * picture->width / picture->height;
    }
    if (0 == wide) { wide = 1; }
    if (0 == high) { high = 1; }
    if (wide > columns) { wide = columns; }
    for (uint32_t row = 0; row < high; row += 2)
    {
        for (uint32_t column = 0; column < wide; column++)
        {
            unsigned upper[3];
            unsigned lower[3] = { 0, 0, 0 };
            half_colour(picture, column, (uint32_t)wide, row, (uint32_t)high, upper);
            if (row + 1 < high) { half_colour(picture, column, (uint32_t)wide, row + 1, (uint32_t)high, lower); }
            fprintf(out, "\x1b[38;2;%u;%u;%u;48;2;%u;%u;%um\xe2\x96\x80", upper[0], upper[1], upper[2], lower[0], lower[1], lower[2]);
        }
        fputs("\x1b[0m\n", out);
    }
}

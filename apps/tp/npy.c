/* The header of .npy files. The text comes from a file and is hostile until checked: one pass, explicit bounds, no allocation. */
#include "npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char MAGIC[6] = { '\x93', 'N', 'U', 'M', 'P', 'Y' };

static const struct { const char *descr; int dtype; } types[] = {
    { "|u1", TP_DTYPE_UINT8 }, { "|i1", TP_DTYPE_INT8 }, { "<u2", TP_DTYPE_UINT16 }, { "<i2", TP_DTYPE_INT16 }, { "<u4", TP_DTYPE_UINT32 },
    { "<i4", TP_DTYPE_INT32 }, { "<u8", TP_DTYPE_UINT64 }, { "<i8", TP_DTYPE_INT64 }, { "<f4", TP_DTYPE_FLOAT32 }, { "<f8", TP_DTYPE_FLOAT64 },
    { "|b1", TP_DTYPE_BOOLEAN }, { "|u1", TP_DTYPE_BYTES }, { "|u1", TP_DTYPE_BIT },
};

typedef struct cursor { const char *at, *end; } cursor_t;

static void skip_blanks(cursor_t *c)
{
    while (c->at < c->end && (' ' == *c->at || '\n' == *c->at || '\t' == *c->at)) { c->at++; }
}

static bool take(cursor_t *c, char wanted)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted) { return false; }
    c->at++;
    return true;
}

static bool take_quoted(cursor_t *c, char *buffer, size_t size)
{
    skip_blanks(c);
    if (c->at == c->end || ('\'' != *c->at && '"' != *c->at)) { return false; }
    const char quote = *c->at++;
    size_t length = 0;
    while (c->at < c->end && *c->at != quote)
    {
        if (length + 1 >= size) { return false; }
        buffer[length++] = *c->at++;
    }
    buffer[length] = '\0';
    return take(c, quote);
}

static bool take_word(cursor_t *c, const char *word)
{
    const size_t length = strlen(word);
    skip_blanks(c);
    if ((size_t)(c->end - c->at) < length || 0 != memcmp(c->at, word, length)) { return false; }
    c->at += length;
    return true;
}

static bool take_number(cursor_t *c, uint64_t *value)
{
    uint64_t sum = 0;
    skip_blanks(c);
    if (c->at == c->end || *c->at < '0' || *c->at > '9') { return false; }
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
    {
        if (__builtin_mul_overflow(sum, UINT64_C(10), &sum) || __builtin_add_overflow(sum, (uint64_t)(*c->at - '0'), &sum)) { return false; }
    }
    *value = sum;
    return true;
}

static const char *take_shape(cursor_t *c, cli_npy_t *npy)
{
    npy->ndims = 0;
    if (!take(c, '(')) { return "shape is not a tuple"; }
    while (!take(c, ')'))
    {
        if (CLI_NPY_DIMS == npy->ndims) { return "more than 9 dimensions"; }
        if (!take_number(c, &npy->dims[npy->ndims])) { return "a dimension is not a number below 2^64"; }
        npy->ndims++;
        if (!take(c, ',') && (c->at == c->end || ')' != *c->at)) { return "shape is not a tuple"; }
    }
    return NULL;
}

static const char *take_descr(cursor_t *c, cli_npy_t *npy)
{
    char descr[16];
    if (!take_quoted(c, descr, sizeof(descr))) { return "descr is not a plain type (structured arrays cannot be published)"; }
    if ('>' == descr[0]) { return "data are big-endian; convert with a.astype(a.dtype.newbyteorder('<'))"; }
    if ('=' == descr[0]) { descr[0] = '<'; }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
    {
        if (0 == strcmp(descr, types[i].descr) || (0 == strcmp(descr + 1, types[i].descr + 1) && '|' == types[i].descr[0]))
        {
            npy->dtype = types[i].dtype;
            return NULL;
        }
    }
    return "this element type has no tensor pool type";
}

static const char *parse_dictionary(cursor_t *c, cli_npy_t *npy)
{
    unsigned seen = 0;
    if (!take(c, '{')) { return "header is not a dictionary"; }
    while (!take(c, '}'))
    {
        char key[16];
        const char *problem = NULL;
        unsigned bit;
        if (!take_quoted(c, key, sizeof(key)) || !take(c, ':')) { return "header is not a dictionary"; }
        if (0 == strcmp(key, "descr")) { bit = 1; problem = take_descr(c, npy); }
        else if (0 == strcmp(key, "shape")) { bit = 2; problem = take_shape(c, npy); }
        else if (0 == strcmp(key, "fortran_order"))
        {
            bit = 4;
            npy->fortran_order = take_word(c, "True");
            if (!npy->fortran_order && !take_word(c, "False")) { problem = "fortran_order is neither True nor False"; }
        }
        else { return "header has an unknown key"; }
        if (NULL != problem) { return problem; }
        if (0 != (seen & bit)) { return "header has a key twice"; }
        seen |= bit;
        if (!take(c, ',') && (c->at == c->end || '}' != *c->at)) { return "header is not a dictionary"; }
    }
    return 7 == seen ? NULL : "header lacks descr, fortran_order or shape";
}

const char *cli_npy_parse(cli_npy_t *npy, const uint8_t *bytes, size_t length, uint64_t file_bytes)
{
    cli_npy_t found = { 0 };
    uint64_t header_bytes;
    if (length < 10 || 0 != memcmp(bytes, MAGIC, sizeof(MAGIC))) { return "not a .npy file"; }
    if (1 == bytes[6])
    {
        header_bytes = (uint64_t)bytes[8] | (uint64_t)bytes[9] << 8;
        found.data_at = 10 + header_bytes;
    }
    else if ((2 == bytes[6] || 3 == bytes[6]) && length >= 12)
    {
        header_bytes = (uint64_t)bytes[8] | (uint64_t)bytes[9] << 8 | (uint64_t)bytes[10] << 16 | (uint64_t)bytes[11] << 24;
        found.data_at = 12 + header_bytes;
    }
    else { return "unknown version of the .npy format"; }
    if (found.data_at > length) { return "header is cut off or longer than 64 KiB"; }
    cursor_t c = { (const char *)bytes + (found.data_at - header_bytes), (const char *)bytes + found.data_at };
    const char *problem = parse_dictionary(&c, &found);
    if (NULL != problem) { return problem; }
    skip_blanks(&c);
    if (c.at != c.end) { return "text behind the header's dictionary"; }
    found.data_bytes = tp_dtype_size(found.dtype);
    for (uint32_t i = 0; i < found.ndims; i++)
    {
        if (__builtin_mul_overflow(found.data_bytes, found.dims[i], &found.data_bytes)) { return "array is larger than 2^64 bytes"; }
    }
    if (file_bytes < found.data_at || file_bytes - found.data_at < found.data_bytes) { return "file is shorter than its header says"; }
    *npy = found;
    return NULL;
}

bool cli_npy_header(char header[CLI_NPY_HEADER_BYTES], int dtype, bool fortran_order, uint32_t ndims, const uint64_t *dims)
{
    const char *descr = NULL;
    char text[CLI_NPY_HEADER_BYTES];
    for (size_t i = 0; NULL == descr && i < sizeof(types) / sizeof(types[0]); i++)
    {
        if (dtype == types[i].dtype) { descr = types[i].descr; }
    }
    if (NULL == descr || ndims > CLI_NPY_DIMS) { return false; }
    int at = snprintf(text, sizeof(text), "{'descr': '%s', 'fortran_order': %s, 'shape': (", descr, fortran_order ? "True" : "False");
    for (uint32_t i = 0; i < ndims; i++)
    {
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%" PRIu64 "%s", dims[i], 1 == ndims ? "," : i + 1 < ndims ? ", " : "");
        if (at >= CLI_NPY_HEADER_BYTES - 20) { return false; }
    }
    at += snprintf(text + at, sizeof(text) - (size_t)at, "), }");
    memset(header, ' ', CLI_NPY_HEADER_BYTES);
    memcpy(header, MAGIC, sizeof(MAGIC));
    header[6] = 1;
    header[7] = 0;
    header[8] = (char)((CLI_NPY_HEADER_BYTES - 10) & 255);
    header[9] = (char)((CLI_NPY_HEADER_BYTES - 10) >> 8);
    memcpy(header + 10, text, (size_t)at);
    header[CLI_NPY_HEADER_BYTES - 1] = '\n';
    return true;
}

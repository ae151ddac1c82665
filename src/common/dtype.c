/* Owns nothing. Names and sizes of the scalar types: one table (10-wire.md 4.3, O-14). */
#include <string.h>

#include <tensor_pool/common/tp_types.h>

static const struct { int dtype; size_t size; const char *name; const char *short_name; } rows[] = {
    { TP_DTYPE_UINT8, 1, "uint8", "u8" },
    { TP_DTYPE_INT8, 1, "int8", "i8" },
    { TP_DTYPE_UINT16, 2, "uint16", "u16" },
    { TP_DTYPE_INT16, 2, "int16", "i16" },
    { TP_DTYPE_UINT32, 4, "uint32", "u32" },
    { TP_DTYPE_INT32, 4, "int32", "i32" },
    { TP_DTYPE_UINT64, 8, "uint64", "u64" },
    { TP_DTYPE_INT64, 8, "int64", "i64" },
    { TP_DTYPE_FLOAT32, 4, "float32", "f32" },
    { TP_DTYPE_FLOAT64, 8, "float64", "f64" },
    { TP_DTYPE_BOOLEAN, 1, "bool", "boolean" },
    { TP_DTYPE_BYTES, 1, "bytes", "bytes" },
    { TP_DTYPE_BIT, 1, "bit", "bit" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

size_t tp_dtype_size(int dtype)
{
    for (size_t i = 0; i < ROWS; i++)
    {
        if (dtype == rows[i].dtype) { return rows[i].size; }
    }
    return 0;
}

const char *tp_dtype_name(int dtype)
{
    for (size_t i = 0; i < ROWS; i++)
    {
        if (dtype == rows[i].dtype) { return rows[i].name; }
    }
    return "unknown";
}

int tp_dtype_from_name(const char *name)
{
    for (size_t i = 0; NULL != name && i < ROWS; i++)
    {
        if (0 == strcmp(name, rows[i].name) || 0 == strcmp(name, rows[i].short_name)) { return rows[i].dtype; }
    }
    return TP_DTYPE_UNKNOWN;
}

/* Owns the properties of the scalar types. Stateless, any thread. */
#include <tensor_pool/common/tp_types.h>

#include <string.h>

typedef struct dtype
{
    int dtype;
    uint8_t size;
    const char *name;            /* NumPy's where NumPy has the type */
    const char *alias;
}
dtype_t;

/* Sizes: 10-wire.md 4.3. BOOLEAN, BYTES and BIT count one byte an element (O-14). */
static const dtype_t dtypes[] = {
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

#define DTYPES (sizeof(dtypes) / sizeof(dtypes[0]))

static const dtype_t *find(int dtype)
{
    for (size_t i = 0; i < DTYPES; i++)
    {
        if (dtype == dtypes[i].dtype) { return &dtypes[i]; }
    }
    return NULL;
}

size_t tp_dtype_size(int dtype)
{
    const dtype_t *found = find(dtype);
    return NULL == found ? 0 : found->size;
}

const char *tp_dtype_name(int dtype)
{
    const dtype_t *found = find(dtype);
    return NULL == found ? "unknown" : found->name;
}

int tp_dtype_from_name(const char *name)
{
    if (NULL == name) { return TP_DTYPE_UNKNOWN; }
    for (size_t i = 0; i < DTYPES; i++)
    {
        if (0 == strcmp(name, dtypes[i].name) || 0 == strcmp(name, dtypes[i].alias)) { return dtypes[i].dtype; }
    }
    return TP_DTYPE_UNKNOWN;
}

/* The header of .npy files: what NumPy writes is read, what is written is read again, everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "npy.h"

/* A file of version 1.0 with this dictionary, in memory of exactly its size so that a sanitizer sees every step too far. */
static uint8_t *make(const char *dictionary, uint8_t version, size_t *length)
{
    const size_t text = strlen(dictionary) + 1;
    const size_t at = 1 == version ? 10 : 12;
    uint8_t *bytes = malloc(at + text);
    assert_non_null(bytes);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = version;
    bytes[7] = 0;
    bytes[8] = (uint8_t)(text & 255);
    bytes[9] = (uint8_t)(text >> 8);
    if (12 == at) { bytes[10] = bytes[11] = 0; }
    memcpy(bytes + at, dictionary, text - 1);
    bytes[at + text - 1] = '\n';
    *length = at + text;
    return bytes;
}

static const char *parse(const char *dictionary, uint8_t version, uint64_t data_bytes, cli_npy_t *npy)
{
    size_t length;
    uint8_t *bytes = make(dictionary, version, &length);
    const char *problem = cli_npy_parse(npy, bytes, length, length + data_bytes);
    free(bytes);
    return problem;
}

static void headers_of_numpy_are_understood(void **state)
{
    cli_npy_t npy;
    (void)state;
    assert_null(parse("{'descr': '<u2', 'fortran_order': False, 'shape': (480, 640), }", 1, 480 * 640 * 2, &npy));
    assert_int_equal(npy.dtype, TP_DTYPE_UINT16);
    assert_false(npy.fortran_order);
    assert_int_equal(npy.ndims, 2);
    assert_int_equal(npy.dims[0], 480);
    assert_int_equal(npy.dims[1], 640);
    assert_int_equal(npy.data_bytes, 480 * 640 * 2);
    assert_null(parse("{'descr': '|b1', 'fortran_order': True, 'shape': (3,)}", 2, 3, &npy));
    assert_int_equal(npy.dtype, TP_DTYPE_BOOLEAN);
    assert_true(npy.fortran_order);
    assert_null(parse("{\"shape\": (), \"descr\": \"<f8\", \"fortran_order\": False}", 3, 8, &npy));
    assert_int_equal(npy.ndims, 0);
    assert_int_equal(npy.data_bytes, 8);
}

static void files_shorter_than_their_header_says_are_refused(void **state)
{
    cli_npy_t npy;
    const char *const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (10, 10), }";
    (void)state;
    assert_null(parse(header, 1, 400, &npy));
    assert_non_null(parse(header, 1, 399, &npy));
}

static void broken_headers_are_refused_and_change_nothing(void **state)
{
    static const char *const broken[] = {
        "", "{", "{}", "{'descr': '<u2'}", "['descr']", "{'descr': '<u2', 'fortran_order': False, 'shape': (1,)",
            "{'descr': '<u2', 'fortran_order': 0, 'shape': ()}",
        "{'descr': '>u2', 'fortran_order': False, 'shape': (1,)}", "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (1,)}", "{'descr': '<u2', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (1,2,3,4,5,6,7,8,9,10)}", "{'descr': '<u2', 'fortran_order': False, 'shape': (1)} x",
        "{'descr': '<u8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (18446744073709551616,)}",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (1,), 'descr': '<u2'}", "{'evil': '<u2', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<u2, 'fortran_order': False, 'shape': (1,)}", "{'descr': '<u2222222222222222222', 'fortran_order': False, 'shape': (1,)}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
    {
        cli_npy_t npy;
        memset(&npy, 0x5A, sizeof(npy));
        const cli_npy_t before = npy;
        assert_non_null(parse(broken[i], 1, UINT32_MAX, &npy));
        assert_memory_equal(&npy, &before, sizeof(npy));
    }
}

static void every_truncation_of_a_file_is_refused(void **state)
{
    cli_npy_t npy;
    size_t length;
    uint8_t *bytes = make("{'descr': '<u2', 'fortran_order': False, 'shape': (0,), }", 1, &length);
    (void)state;
    for (size_t part = 0; part < length; part++)
    {
        uint8_t *copy = malloc(part > 0 ? part : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, part);
        assert_non_null(cli_npy_parse(&npy, copy, part, part));
        free(copy);
    }
    assert_null(cli_npy_parse(&npy, bytes, length, length));
    bytes[6] = 4;
    assert_non_null(cli_npy_parse(&npy, bytes, length, length));
    free(bytes);
}

static void what_is_written_is_read_again(void **state)
{
    static const int types[] = { TP_DTYPE_UINT8, TP_DTYPE_INT8, TP_DTYPE_UINT16, TP_DTYPE_INT16, TP_DTYPE_UINT32, TP_DTYPE_INT32, TP_DTYPE_UINT64,
        TP_DTYPE_INT64, TP_DTYPE_FLOAT32, TP_DTYPE_FLOAT64, TP_DTYPE_BOOLEAN };
    const uint64_t dims[CLI_NPY_DIMS] = { 7, 1, 2, 3, 4, 5, 1, 2, 0 };
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
    {
        for (uint32_t ndims = 0; ndims <= CLI_NPY_DIMS; ndims++)
        {
            char header[CLI_NPY_HEADER_BYTES];
            cli_npy_t npy;
            assert_true(cli_npy_header(header, types[i], 1 == i % 2, ndims, dims));
            assert_null(cli_npy_parse(&npy, (const uint8_t *)header, sizeof(header), UINT32_MAX));
            assert_int_equal(npy.dtype, types[i]);
            assert_int_equal(npy.fortran_order, 1 == i % 2);
            assert_int_equal(npy.ndims, ndims);
            assert_memory_equal(npy.dims, dims, ndims * sizeof(dims[0]));
            assert_int_equal(npy.data_at, CLI_NPY_HEADER_BYTES);
        }
    }
}

static void a_header_that_does_not_fit_is_refused(void **state)
{
    char header[CLI_NPY_HEADER_BYTES];
    uint64_t dims[CLI_NPY_DIMS + 1];
    (void)state;
    for (size_t i = 0; i < CLI_NPY_DIMS + 1; i++) { dims[i] = UINT64_MAX; }
    assert_false(cli_npy_header(header, TP_DTYPE_UINT8, false, CLI_NPY_DIMS, dims));
    assert_true(cli_npy_header(header, TP_DTYPE_UINT8, false, 3, dims));
    assert_false(cli_npy_header(header, TP_DTYPE_UINT8, false, CLI_NPY_DIMS + 1, dims));
    assert_false(cli_npy_header(header, TP_DTYPE_UNKNOWN, false, 1, dims));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_numpy_are_understood),
        cmocka_unit_test(files_shorter_than_their_header_says_are_refused),
        cmocka_unit_test(broken_headers_are_refused_and_change_nothing),
        cmocka_unit_test(every_truncation_of_a_file_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_header_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

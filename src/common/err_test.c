#include "common/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_new_error_clears_why_and_fix_of_the_old_one(void **state)
{
    (void)state;
    TPI_SET_ERR(TP_EINVAL, "stride_bytes = %d", 100);
    TPI_ERR_WHY("not a multiple of %d", 64);
    TPI_ERR_FIX("use %d", 128);
    assert_int_equal(TP_EINVAL, tp_errcode());
    assert_string_equal("stride_bytes = 100", tp_errmsg());
    assert_string_equal("not a multiple of 64", tp_errwhy());
    assert_string_equal("use 128", tp_errfix());
    TPI_SET_ERR(TP_ENOMEM, "next");
    assert_string_equal("", tp_errwhy());
    assert_string_equal("", tp_errfix());
}

static void an_error_may_quote_the_error_it_replaces(void **state)
{
    (void)state;
    TPI_SET_ERR(TP_EIO, "inner");
    TPI_SET_ERR(TP_EREGION, "outer: %s", tp_errmsg());
    assert_string_equal("outer: inner", tp_errmsg());
    tpi_err_prefix("stream %u: ", 7u);
    assert_string_equal("stream 7: outer: inner", tp_errmsg());
}

static void a_text_longer_than_its_place_is_cut_and_stays_terminated(void **state)
{
    (void)state;
    char big[2000];
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    TPI_SET_ERR(TP_EINVAL, "%s", big);
    TPI_ERR_WHY("%s", big);
    tpi_err_prefix("%s", big);
    assert_true(strlen(tp_errmsg()) < 512);
    assert_true(strlen(tp_errwhy()) < 256);
}

static void the_printed_form_has_code_message_why_and_fix(void **state)
{
    (void)state;
    char text[256];
    TPI_SET_ERR(TP_ENOMEDIADRIVER, "no driver");
    TPI_ERR_WHY("nothing there");
    TPI_ERR_FIX("start one");
    const char *const expected = "error[TP3001]: no driver\n  why: nothing there\n  fix: start one";
    assert_int_equal(strlen(expected), tp_err_format(text, sizeof(text)));
    assert_string_equal(expected, text);
    assert_int_equal(strlen(expected), tp_err_format(text, 10));
    assert_int_equal(9, strlen(text));
}

static void a_saved_error_survives_the_next_one(void **state)
{
    (void)state;
    tpi_err_t saved;
    TPI_SET_ERR(TP_EPRODUCER, "first");
    tpi_err_save(&saved);
    TPI_SET_ERR(TP_EIO, "second");
    tpi_err_restore(&saved);
    assert_int_equal(TP_EPRODUCER, tp_errcode());
    assert_string_equal("first", tp_errmsg());
    tp_err_clear();
    assert_int_equal(TP_OK, tp_errcode());
}

static void every_code_is_used_once_and_lies_in_its_thousand(void **state)
{
    (void)state;
    static const int codes[] = {
#define TP_ERROR(name, code, text) code,
#include <tensor_pool/common/errors.def>
#undef TP_ERROR
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
    {
        assert_in_range(codes[i], 1000, 6999);
        assert_string_not_equal("unknown error", tp_strerror(codes[i]));
        for (size_t k = 0; k < i; k++) { assert_int_not_equal(codes[k], codes[i]); }
    }
    assert_string_equal("unknown error", tp_strerror(1));
    assert_string_equal("no error", tp_strerror(0));
}

static void every_named_result_has_its_name__A5(void **state)
{
    (void)state;
    assert_string_equal("OK", tp_result_name(0));
    assert_string_equal("OK", tp_result_name(INT64_MAX));
    assert_string_equal("FAILED", tp_result_name(TP_FAILED));
    assert_string_equal("BACK_PRESSURED", tp_result_name(TP_BACK_PRESSURED));
    assert_string_equal("NOT_CONNECTED", tp_result_name(TP_NOT_CONNECTED));
    assert_string_equal("ADMIN_ACTION", tp_result_name(TP_ADMIN_ACTION));
    assert_string_equal("CLOSED", tp_result_name(TP_CLOSED));
    assert_string_equal("LEASE_LOST", tp_result_name(TP_LEASE_LOST));
    assert_string_equal("NO_POOL_FITS", tp_result_name(TP_NO_POOL_FITS));
    assert_string_equal("TOO_MANY_CLAIMS", tp_result_name(TP_TOO_MANY_CLAIMS));
    assert_string_equal("INVALID_CLAIM", tp_result_name(TP_INVALID_CLAIM));
    assert_string_equal("OVERWRITTEN", tp_result_name(TP_OVERWRITTEN));
    assert_string_equal("INVALID_ARGUMENT", tp_result_name(TP_INVALID_ARGUMENT));
    assert_string_equal("NOT_MAPPED", tp_result_name(TP_NOT_MAPPED));
    assert_string_equal("UNKNOWN", tp_result_name(TP_NOT_MAPPED - 1));
    assert_string_equal("UNKNOWN", tp_result_name(INT64_MIN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_error_clears_why_and_fix_of_the_old_one),
        cmocka_unit_test(an_error_may_quote_the_error_it_replaces),
        cmocka_unit_test(a_text_longer_than_its_place_is_cut_and_stays_terminated),
        cmocka_unit_test(the_printed_form_has_code_message_why_and_fix),
        cmocka_unit_test(a_saved_error_survives_the_next_one),
        cmocka_unit_test(every_code_is_used_once_and_lies_in_its_thousand),
        cmocka_unit_test(every_named_result_has_its_name__A5),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Answers of the local socket that are too long to be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "driver/driver_admin_ops.h"

static void an_answer_that_is_too_long_becomes_an_error_that_says_so__P11(void **state)
{
    (void)state;
    json_t *const reply = json_pack("{s:b, s:s}", "ok", 1, "text", "0123456789");
    const size_t length = strlen("{\"ok\":true,\"text\":\"0123456789\"}");
    char *text = tpi_admin_dump(reply, length);
    assert_string_equal(text, "{\"ok\":true,\"text\":\"0123456789\"}");
    tpi_free(text);
    text = tpi_admin_dump(reply, length - 1);
    json_t *const told = json_loads(text, 0, NULL);
    const json_t *const error = json_object_get(told, "error");
    assert_true(json_is_false(json_object_get(told, "ok")));
    assert_null(json_object_get(told, "text"));
    assert_int_equal(json_integer_value(json_object_get(error, "code")), TP_EFULL);
    assert_non_null(strstr(json_string_value(json_object_get(error, "message")), "at most"));
    assert_non_null(strstr(json_string_value(json_object_get(error, "fix")), "stream"));
    tpi_free(text);
    json_decref(told);
    json_decref(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(an_answer_that_is_too_long_becomes_an_error_that_says_so__P11) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

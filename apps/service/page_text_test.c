#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "apps/service/page_text.h"

static void written(void (*write)(FILE *out, const char *text), const char *text, const char *expected)
{
    char *found = NULL;
    size_t length = 0;
    FILE *const out = open_memstream(&found, &length);
    assert_non_null(out);
    write(out, text);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(found, expected);
    free(found);
}

static void text_of_a_man_page_is_no_request_and_no_escape(void **state)
{
    (void)state;
    written(page_man, ".so /etc/passwd\n'ie\\x", "\\&.so /etc/passwd\n\\&'ie\\ex");
    written(page_man, "a.b 'c' --d\n\n.e", "a.b 'c' \\-\\-d\n\n\\&.e");
    written(page_man_paragraphs, ".a\n\n.b\n'c", "\\&.a\n.PP\n\\&.b\n\\&'c");
    written(page_man_paragraphs, "before\vafter", "before");
}

static void text_in_a_completion_script_ends_no_quotation(void **state)
{
    (void)state;
    written(page_zsh, "it's [a:b] \\", "it'\\''s \\[a\\:b\\] \\\\");
    written(page_fish, "it's \\", "'it\\'s \\\\'");
    written(page_choices, "a|b|c", "a b c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_a_man_page_is_no_request_and_no_escape),
        cmocka_unit_test(text_in_a_completion_script_ends_no_quotation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

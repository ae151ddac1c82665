#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "runtime/async_command.h"

static int unused(tpi_command_t *command, int64_t now_ns)
{
    (void)command;
    (void)now_ns;
    return 0;
}

static int cleanups;
static void cleanup(tpi_command_t *command)
{
    assert_non_null(command->object);
    cleanups++;
}

static void outcome_and_error_reach_the_caller(void **state)
{
    (void)state;
    tpi_command_t *command = NULL;
    assert_int_equal(tpi_command_create(&command, unused, NULL, NULL), 0);
    assert_int_equal(tpi_command_poll(command), 0);
    tpi_command_finish(command, 1);
    assert_int_equal(tpi_command_poll(command), 1);
    assert_false(tpi_command_abandon(command));
    tpi_command_delete(command);
    assert_int_equal(tpi_command_create(&command, unused, NULL, NULL), 0);
    TPI_SET_ERR(TP_EPRODUCER, "taken");
    tpi_command_finish(command, -1);
    tp_err_clear();
    assert_int_equal(tpi_command_poll(command), -1);
    assert_int_equal(tp_errcode(), TP_EPRODUCER);
    assert_string_equal(tp_errmsg(), "taken");
    tpi_command_delete(command);
}

static void abandoned_command_is_freed_by_the_conductor_and_its_object_with_it__L2(void **state)
{
    (void)state;
    tpi_command_t *command = NULL;
    int object = 0;
    cleanups = 0;
    for (int outcome = -1; outcome <= 1; outcome += 2)
    {
        assert_int_equal(tpi_command_create(&command, unused, NULL, &object), 0);
        command->on_abandoned = cleanup;
        assert_true(tpi_command_abandon(command));
        tpi_command_finish(command, outcome);              /* frees */
    }
    assert_int_equal(cleanups, 1);                         /* a failed command has nothing to clean up */
}

static void *finish(void *arg)
{
    tpi_command_finish(arg, 1);
    return NULL;
}

static void finish_and_abandon_agree_who_frees__L2(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++)
    {
        tpi_command_t *command = NULL;
        pthread_t thread;
        assert_int_equal(tpi_command_create(&command, unused, NULL, NULL), 0);
        assert_int_equal(pthread_create(&thread, NULL, finish, command), 0);
        if (0 == i % 2) { (void)sched_yield(); }
        if (!tpi_command_abandon(command))
        {
            assert_int_equal(tpi_command_poll(command), 1);
            tpi_command_delete(command);
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcome_and_error_reach_the_caller),
        cmocka_unit_test(abandoned_command_is_freed_by_the_conductor_and_its_object_with_it__L2),
        cmocka_unit_test(finish_and_abandon_agree_who_frees__L2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

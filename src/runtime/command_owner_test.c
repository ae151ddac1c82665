/* Whose a command of another thread is, and from when (trap L2). */
#include "runtime/async_command.h"

#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define ROUNDS 20000
#define ROUNDS_LEAST 2000
#define LONGEST_NS (5 * INT64_C(1000000000))        /* where threads wait for each other's turns, a round takes milliseconds */
#define SPINS 1000

static int abandoned;

static int run(tpi_command_t *command, int64_t now_ns)
{
    (void)command;
    (void)now_ns;
    return 1;
}

static void on_abandoned(tpi_command_t *command)
{
    assert_ptr_equal(command->run, run);
    abandoned++;
}

static tpi_command_t *make(void)
{
    tpi_command_t *command = NULL;
    assert_int_equal(tpi_command_create(&command, run, &abandoned, NULL), 0);
    command->on_abandoned = on_abandoned;
    return command;
}

static void a_finished_command_belongs_to_its_caller__L2(void **state)
{
    (void)state;
    tpi_command_t *const command = make();
    assert_int_equal(tpi_command_poll(command), 0);
    tpi_command_finish(command, 1);
    assert_ptr_equal(command->run, run);
    assert_ptr_equal(command->owner, &abandoned);
    assert_int_equal(tpi_command_poll(command), 1);
    assert_false(tpi_command_abandon(command));
    assert_int_equal(tpi_command_poll(command), 1);
    tpi_command_delete(command);
    assert_int_equal(abandoned, 0);
}

/* ---- the waiter owns the command from the moment it sees the result --------------------------------------------------------- */

static _Atomic(tpi_command_t *) offered;
static atomic_bool has_ended;

static void *conduct(void *argument)
{
    (void)argument;
    while (!atomic_load(&has_ended))
    {
        tpi_command_t *const command = atomic_exchange(&offered, NULL);
        if (NULL != command) { tpi_command_finish(command, 1); }
        else { (void)sched_yield(); }
    }
    return NULL;
}

static void the_result_is_the_last_that_the_conductor_writes__L2(void **state)
{
    (void)state;
    pthread_t thread;
    tpi_command_t *before = NULL;
    int touched = 0;
    const int64_t end_ns = tpi_clock_monotonic_ns() + LONGEST_NS;
    assert_int_equal(pthread_create(&thread, NULL, conduct, NULL), 0);
    for (int i = 0; i < ROUNDS && (i < ROUNDS_LEAST || tpi_clock_monotonic_ns() < end_ns); i++)
    {
        tpi_command_t *const command = make();
        atomic_store(&offered, command);
        for (int spin = 0; 0 == tpi_command_poll(command); spin++)
        {
            if (spin > SPINS) { (void)sched_yield(); }
        }
        command->next = command;                               /* ours from now on */
        touched += NULL != before && before->next != before;   /* the conductor is through with the one before */
        tpi_command_delete(before);
        before = command;
    }
    atomic_store(&has_ended, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    touched += before->next != before;
    tpi_command_delete(before);
    assert_int_equal(touched, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finished_command_belongs_to_its_caller__L2),
        cmocka_unit_test(the_result_is_the_last_that_the_conductor_writes__L2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

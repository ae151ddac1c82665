#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "common/handoff.h"

static void an_object_in_use_is_not_free_until_the_user_moves_on__M9(void **state)
{
    (void)state;
    tpi_handoff_t handoff = { .published = NULL, .in_use = NULL };
    int first;
    int second;
    tpi_handoff_publish(&handoff, &first);
    assert_false(tpi_handoff_is_free(&handoff, &first));
    assert_false(tpi_handoff_is_current(&handoff, NULL));
    assert_ptr_equal(tpi_handoff_take(&handoff), &first);
    tpi_handoff_publish(&handoff, &second);
    assert_false(tpi_handoff_is_free(&handoff, &first));
    assert_false(tpi_handoff_is_current(&handoff, &first));
    assert_ptr_equal(tpi_handoff_take(&handoff), &second);
    assert_true(tpi_handoff_is_free(&handoff, &first));
    tpi_handoff_publish(&handoff, NULL);
    assert_false(tpi_handoff_is_free(&handoff, &second));
    tpi_handoff_release(&handoff);
    assert_true(tpi_handoff_is_free(&handoff, &second));
    assert_true(tpi_handoff_is_taken(&handoff));
    tpi_handoff_publish(&handoff, &first);
    assert_false(tpi_handoff_is_taken(&handoff));
    assert_ptr_equal(tpi_handoff_take(&handoff), &first);
    assert_true(tpi_handoff_is_taken(&handoff));
    tpi_handoff_publish(&handoff, NULL);
    assert_false(tpi_handoff_is_taken(&handoff));
    assert_null(tpi_handoff_take(&handoff));
}

typedef struct object
{
    uint64_t a;
    uint64_t b;
}
object_t;

typedef struct race
{
    tpi_handoff_t handoff;
    _Atomic int stop;
    _Atomic uint64_t takes;
}
race_t;

static void *user(void *arg)
{
    race_t *race = arg;
    object_t *current = NULL;
    while (0 == atomic_load(&race->stop))
    {
        if (!tpi_handoff_is_current(&race->handoff, current)) { current = tpi_handoff_take(&race->handoff); atomic_fetch_add(&race->takes, 1); }
        if (NULL != current && current->a != current->b) { abort(); }
    }
    tpi_handoff_release(&race->handoff);
    return NULL;
}

static void objects_are_freed_only_behind_the_user__M9(void **state)
{
    (void)state;
    race_t race = { .stop = 0 };
    object_t *retired[4] = { NULL };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, user, &race), 0);
    for (uint64_t i = 0; i < 20000; i++)
    {
        object_t *next = malloc(sizeof(*next));
        assert_non_null(next);
        next->a = i;
        next->b = i;
        object_t *old = tpi_handoff_published(&race.handoff);
        tpi_handoff_publish(&race.handoff, next);
        for (;;)
        {
            size_t room = 4;
            for (size_t r = 0; r < 4; r++)
            {
                if (NULL != retired[r] && tpi_handoff_is_free(&race.handoff, retired[r]))
                {
                    retired[r]->a = UINT64_MAX;
                    free(retired[r]);
                    retired[r] = NULL;
                }
                if (NULL == retired[r]) { room = r; }
            }
            if (room < 4) { retired[room] = old; break; }
            sched_yield();
        }
    }
    while (0 == atomic_load(&race.takes)) { sched_yield(); }
    atomic_store(&race.stop, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t r = 0; r < 4; r++) { free(retired[r]); }
    free(tpi_handoff_published(&race.handoff));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_in_use_is_not_free_until_the_user_moves_on__M9),
        cmocka_unit_test(objects_are_freed_only_behind_the_user__M9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

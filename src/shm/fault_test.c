#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "common/err.h"
#include "shm/fault.h"
#include "shm/test_regions.h"

/* ThreadSanitizer holds a lock of its own inside a release store; a signal that arrives there never returns. */
#if defined(__SANITIZE_THREAD__)
#define STORES_MAY_FAULT 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STORES_MAY_FAULT 0
#endif
#endif
#if !defined(STORES_MAY_FAULT)
#define STORES_MAY_FAULT 1
#endif

static test_regions_t t;

static int setup(void **state)
{
    (void)state;
    test_regions_make(&t, "fault");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_regions_remove(&t);
    return 0;
}

/* Everything that installs the handler or dies of the signal runs in a child. Results: 0 good. */

static tpi_pool_set_t *map(bool writable)
{
    tpi_pool_set_t *set = NULL;
    if (tpi_pool_set_map(&set, &t.spec, &t.bases, writable, NULL) < 0) { _exit(20); }
    return set;
}

static int truncated_pool_reads_as_zeros(void *unused)
{
    (void)unused;
    uint8_t bytes[4096];
    if (tpi_fault_guard_install() < 0 || tpi_fault_guard_install() < 0) { return 1; }
    tpi_pool_set_t *const set = map(false);
    const tpi_pool_t *const pool = tpi_pool_set_find(set, 2);
    memset(t.files->regions[1].base, 0xAA, 1);
    memset(bytes, 0xAA, sizeof(bytes));
    tpi_payload_read(bytes, tpi_pool_payload(pool, 7), sizeof(bytes));
    if (tpi_region_is_lost(&pool->region) || !tpi_pool_set_still(set, tpi_pool_set_slot(set, 7), 0)) { return 2; }
    if (0 != truncate(test_region_path(&t, 1), 0)) { return 3; }
    memset(bytes, 0xAA, sizeof(bytes));
    tpi_payload_read(bytes, tpi_pool_payload(pool, 7), sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
    {
        if (0 != bytes[i]) { return 4; }
    }
    if (!tpi_region_is_lost(&pool->region) || tpi_region_is_lost(&set->ring)) { return 5; }
    if (tpi_pool_set_still(set, tpi_pool_set_slot(set, 7), 0) || tpi_region_is_lost(&tpi_pool_set_find(set, 9)->region)) { return 10; }
    if (tpi_pool_set_check(set, &t.spec) >= 0 || TP_EREGION != tp_errcode()) { return 6; }
    if (0 != truncate(test_region_path(&t, 1), 64 + 8 * 4096)) { return 7; }
    if (tpi_pool_set_check(set, &t.spec) >= 0 || TP_EREGION != tp_errcode()) { return 8; }       /* old size, lost mapping */
    tpi_pool_set_delete(set);
    if (tpi_pool_set_map(&(tpi_pool_set_t *){ NULL }, &t.spec, &t.bases, false, NULL) >= 0) { return 9; }   /* superblock is gone */
    return 0;
}

static int truncated_ring_of_a_producer_takes_stores(void *unused)
{
    (void)unused;
    uint64_t image[TPI_SLOT_WORDS] = { 0 };
    if (tpi_fault_guard_install() < 0) { return 1; }
    tpi_pool_set_t *const set = map(true);
    if (0 != truncate(test_region_path(&t, 0), 0)) { return 2; }
    tpi_slot_begin(tpi_pool_set_slot(set, 7), 7);
    tpi_slot_commit(tpi_pool_set_slot(set, 7), 7, image);
    if (!tpi_region_is_lost(&set->ring)) { return 3; }
    if (15 != tpi_slot_peek(tpi_pool_set_slot(set, 7))) { return 4; }
    tpi_pool_set_delete(set);
    return 0;
}

static int superblock_check_survives_truncation(void *unused)
{
    (void)unused;
    if (tpi_fault_guard_install() < 0) { return 1; }
    tpi_pool_set_t *const set = map(false);
    tpc_superblock_t superblock;
    if (0 != truncate(test_region_path(&t, 0), 0)) { return 2; }
    tpi_region_superblock(&set->ring, &superblock);
    if (0 != superblock.magic || 0 != tpi_pool_set_activity_ns(set)) { return 3; }
    tpi_pool_set_delete(set);
    return 0;
}

static void *reader(void *set)
{
    uint8_t bytes[128];
    for (uint32_t i = 0; i < 8; i++) { tpi_payload_read(bytes, tpi_pool_payload(tpi_pool_set_find(set, 1), i), sizeof(bytes)); }
    return NULL;
}

static int every_thread_is_covered(void *unused)
{
    (void)unused;
    pthread_t threads[4];
    if (tpi_fault_guard_install() < 0) { return 1; }
    tpi_pool_set_t *const set = map(false);
    if (0 != truncate(test_region_path(&t, 2), 0)) { return 2; }
    for (size_t i = 0; i < 4; i++)
    {
        if (0 != pthread_create(&threads[i], NULL, reader, set)) { return 3; }
    }
    for (size_t i = 0; i < 4; i++) { (void)pthread_join(threads[i], NULL); }
    const int rc = tpi_region_is_lost(&tpi_pool_set_find(set, 1)->region) ? 0 : 4;
    tpi_pool_set_delete(set);
    return rc;
}

static void survives(int (*function)(void *))
{
    assert_int_equal(test_run_as(geteuid(), function, NULL), 0);
}

static void truncated_pool_is_zeros_and_marked__M6(void **state)
{
    (void)state;
    survives(truncated_pool_reads_as_zeros);
}

static void truncated_ring_does_not_kill_its_producer__M6(void **state)
{
    (void)state;
    if (!STORES_MAY_FAULT) { skip(); }
    survives(truncated_ring_of_a_producer_takes_stores);
}

static void truncated_superblock_does_not_kill_the_conductor__M6(void **state)
{
    (void)state;
    survives(superblock_check_survives_truncation);
}

static void faults_on_several_threads_are_all_taken__M6(void **state)
{
    (void)state;
    survives(every_thread_is_covered);
}

/* ---- what is not ours ---- */

static volatile sig_atomic_t seen_by_application;

static void application_handler(int number)
{
    (void)number;
    seen_by_application = 1;
    _exit(42);
}

/* A mapping of the application, lost: reading it faults. */
static void touch_foreign_mapping(void)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/foreign", t.base);
    test_file_make(path, 0600, 4096);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    volatile uint8_t *const page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    (void)ftruncate(fd, 0);
    (void)page[0];
}

static int foreign_fault_goes_to_the_application(void *unused)
{
    (void)unused;
    if (SIG_ERR == signal(SIGBUS, application_handler) || tpi_fault_guard_install() < 0) { return 1; }
    tpi_pool_set_t *const set = map(false);
    touch_foreign_mapping();
    tpi_pool_set_delete(set);
    return 2;
}

static int fault_after_unmapping_is_not_ours(void *unused)
{
    (void)unused;
    if (SIG_ERR == signal(SIGBUS, application_handler) || tpi_fault_guard_install() < 0) { return 1; }
    tpi_pool_set_delete(map(false));
    touch_foreign_mapping();
    return 2;
}

static int foreign_fault_kills_as_before(void *unused)
{
    (void)unused;
    const struct rlimit no_core = { 0, 0 };
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (SIG_ERR == signal(SIGBUS, SIG_DFL) || tpi_fault_guard_install() < 0) { return 1; }
    touch_foreign_mapping();
    return 2;
}

/* Put over ours, handing on to it, as a second runtime in the process would. */
static struct sigaction below_runtime;
static void runtime_handler(int number, siginfo_t *info, void *context) { below_runtime.sa_sigaction(number, info, context); }

static int handlers_that_hand_on_to_each_other_end(void *unused)
{
    (void)unused;
    const struct rlimit no_core = { 0, 0 };
    struct sigaction runtime = { .sa_flags = SA_SIGINFO };
    runtime.sa_sigaction = runtime_handler;
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (SIG_ERR == signal(SIGBUS, SIG_DFL) || tpi_fault_guard_install() < 0) { return 1; }
    if (0 != sigaction(SIGBUS, &runtime, &below_runtime) || tpi_fault_guard_install() < 0) { return 2; }
    tpi_pool_set_t *const set = map(false);
    uint8_t bytes[128];
    if (0 != truncate(test_region_path(&t, 2), 0)) { return 3; }
    tpi_payload_read(bytes, tpi_pool_payload(tpi_pool_set_find(set, 1), 0), sizeof(bytes));
    if (!tpi_pool_set_is_lost(set)) { return 4; }
    touch_foreign_mapping();
    return 5;
}

static void faults_elsewhere_go_where_they_went_before(void **state)
{
    (void)state;
    assert_int_equal(test_run_as(geteuid(), foreign_fault_goes_to_the_application, NULL), 42);
    test_regions_remove(&t);
    test_regions_make(&t, "fault");
    assert_int_equal(test_run_as(geteuid(), fault_after_unmapping_is_not_ours, NULL), 42);
    test_regions_remove(&t);
    test_regions_make(&t, "fault");
    assert_int_equal(test_run_as(geteuid(), foreign_fault_kills_as_before, NULL), 127);      /* ended by the signal */
    test_regions_remove(&t);
    test_regions_make(&t, "fault");
    assert_int_equal(test_run_as(geteuid(), handlers_that_hand_on_to_each_other_end, NULL), 127);
}

static void without_the_guard_nothing_is_registered(void **state)
{
    (void)state;
    assert_false(tpi_fault_guard_is_installed());
    tpi_pool_set_t *const set = map(false);
    assert_int_equal(set->ring.guard, 0);
    assert_false(tpi_region_is_lost(&set->ring));
    tpi_pool_set_delete(set);
    tpi_fault_unregister(0);
    tpi_fault_unregister(TPI_FAULT_REGIONS_MAX + 1);
    assert_false(tpi_fault_happened(TPI_FAULT_REGIONS_MAX + 1));
}

static int table_is_bounded(void *unused)
{
    (void)unused;
    if (tpi_fault_guard_install() < 0) { return 1; }
    static uint8_t dummy[TPI_FAULT_REGIONS_MAX + 1];
    for (size_t i = 0; i < TPI_FAULT_REGIONS_MAX; i++)
    {
        if (0 == tpi_fault_register(&dummy[i], 1, false)) { return 2; }
    }
    if (0 != tpi_fault_regions_unguarded() || 0 != tpi_fault_register(&dummy[0], 1, false) || 1 != tpi_fault_regions_unguarded()) { return 3; }
    tpi_fault_unregister(7);
    return 7 == tpi_fault_register(&dummy[0], 1, false) ? 0 : 4;
}

static void regions_beyond_the_table_are_counted(void **state)
{
    (void)state;
    survives(table_is_bounded);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_the_guard_nothing_is_registered),
        TEST(truncated_pool_is_zeros_and_marked__M6),
        TEST(truncated_ring_does_not_kill_its_producer__M6),
        TEST(truncated_superblock_does_not_kill_the_conductor__M6),
        TEST(faults_on_several_threads_are_all_taken__M6),
        TEST(faults_elsewhere_go_where_they_went_before),
        TEST(regions_beyond_the_table_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

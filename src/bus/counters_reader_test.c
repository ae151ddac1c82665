/* cnc.dat as an enemy writes it: every test makes a valid file by hand and then spoils it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus/bus.h"
#include "bus/cnc.h"
#include "common/clock.h"

#define RING (1024 + TPI_CNC_RB_TRAILER)
#define CLIENTS 1024
#define RECORDS 130                     /* more than two chunks of the reader */
#define METADATA_AT (TPI_CNC_META_BYTES + RING + CLIENTS)
#define VALUES_AT (METADATA_AT + RECORDS * 512)
#define SIZE (VALUES_AT + RECORDS * 128 + 64)
#define HEARTBEAT_AT (TPI_CNC_META_BYTES + RING - TPI_CNC_RB_TRAILER + TPI_CNC_RB_HEARTBEAT)

static char dir[64];
static char path[80];
static uint8_t file[SIZE];

static void put32(size_t at, int32_t value) { memcpy(file + at, &value, sizeof(value)); }
static void put64(size_t at, int64_t value) { memcpy(file + at, &value, sizeof(value)); }

static void write_file(size_t length)
{
    const int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file, length), (ssize_t)length);
    assert_int_equal(close(fd), 0);
}

static int set_up(void **state)
{
    (void)state;
    static const char label[] = "label and more";
    memset(file, 0, sizeof(file));
    const int32_t meta[] = { 2 << 8, RING, CLIENTS, RECORDS * 512, RECORDS * 128, 64 };
    memcpy(file, meta, sizeof(meta));
    put64(24, 10 * TPI_NS_PER_S);
    put64(32, 1);
    put64(40, getpid());
    put64(HEARTBEAT_AT, tpi_clock_realtime_ns() / TPI_NS_PER_MS);
    for (int32_t i = 0; i < RECORDS; i++)
    {
        const size_t metadata = METADATA_AT + (size_t)i * 512;
        const size_t values = VALUES_AT + (size_t)i * 128;
        put32(metadata, 3 == i % 10 ? -1 : 1);          /* some reclaimed */
        put32(metadata + 4, 1000 + i);
        put32(metadata + 128, 5);
        memcpy(file + metadata + 132, label, sizeof(label));
        put64(values, 10 * i);
        put64(values + 8, 500 + i);
        put64(values + 16, 900 + i);
    }
    write_file(SIZE);
    return 0;
}

typedef struct seen
{
    int count;
    int64_t sum;
    size_t longest;
}
seen_t;

static void on_counter(void *clientd, const tpi_counter_view_t *counter)
{
    seen_t *const seen = clientd;
    seen->count++;
    seen->sum += counter->value & 0xffff;
    const size_t length = strlen(counter->label);
    seen->longest = length > seen->longest ? length : seen->longest;
    assert_int_equal(counter->key_length, TPI_COUNTER_KEY_MAX);
    assert_in_range(counter->id, 0, RECORDS - 1);
}

static int read_all(seen_t *seen)
{
    tpi_counters_reader_t *reader = NULL;
    *seen = (seen_t){ 0 };
    if (tpi_counters_reader_open(&reader, dir) < 0) { return -1; }
    const int count = tpi_counters_reader_foreach(reader, on_counter, seen);
    (void)tpi_counters_reader_heartbeat_ms(reader);
    (void)tpi_counters_reader_pid(reader);
    tpi_counters_reader_close(reader);
    return count;
}

static void a_sound_file_is_read_whole(void **state)
{
    (void)state;
    seen_t seen;
    assert_int_equal(read_all(&seen), RECORDS - 13);
    assert_int_equal(seen.count, RECORDS - 13);
    assert_int_equal(seen.longest, 5);
    tpi_counters_reader_t *reader = NULL;
    assert_int_equal(tpi_counters_reader_open(&reader, dir), 0);
    assert_int_equal(tpi_counters_reader_pid(reader), getpid());
    assert_true(tpi_counters_reader_heartbeat_ms(reader) > 0);
    assert_int_equal(tpi_counters_reader_foreach(reader, NULL, NULL), -1);
    tpi_counters_reader_close(reader);
    tpi_counters_reader_close(NULL);
    tpi_cnc_info_t info;
    assert_int_equal(tpi_cnc_probe(dir, 10000, &info), TPI_CNC_ALIVE);
}

/* ---- distinct errors ---- */

#define ERRORS_AT (VALUES_AT + RECORDS * 128)

typedef struct errors_seen
{
    int count;
    int32_t observations;
    int64_t first_ms, last_ms;
    char text[64];
}
errors_seen_t;

static void on_error(void *clientd, const tpi_bus_error_view_t *error)
{
    errors_seen_t *const seen = clientd;
    seen->count++;
    seen->observations = error->observations;
    seen->first_ms = error->first_ms;
    seen->last_ms = error->last_ms;
    (void)snprintf(seen->text, sizeof(seen->text), "%s", error->text);
}

static void put_error(size_t at, int32_t length, int32_t observations, const char *text)
{
    put32(at, length);
    put32(at + 4, observations);
    put64(at + 8, 2000);
    put64(at + 16, 1000);
    memcpy(file + at + 24, text, strlen(text));
}

static int read_errors(errors_seen_t *seen)
{
    tpi_counters_reader_t *reader = NULL;
    *seen = (errors_seen_t){ 0 };
    write_file(SIZE);
    assert_int_equal(tpi_counters_reader_open(&reader, dir), 0);
    const int count = tpi_counters_reader_errors(reader, on_error, seen);
    tpi_counters_reader_close(reader);
    assert_int_equal(count, seen->count);
    return count;
}

static void distinct_errors_are_read_with_count_and_times(void **state)
{
    (void)state;
    errors_seen_t seen;
    assert_int_equal(read_errors(&seen), 0);
    put_error(ERRORS_AT, 24 + 5, 7, "a\nb\tc");
    assert_int_equal(read_errors(&seen), 1);
    assert_string_equal(seen.text, "a b c");
    assert_int_equal(seen.observations, 7);
    assert_int_equal(seen.first_ms, 1000);
    assert_int_equal(seen.last_ms, 2000);
    put_error(ERRORS_AT + 32, 32, 1, "the rest");
    assert_int_equal(read_errors(&seen), 2);
    assert_string_equal(seen.text, "the rest");
}

static void lengths_that_leave_the_log_end_the_reading(void **state)
{
    (void)state;
    errors_seen_t seen;
    const int32_t bad[] = { -1, 1, 23, 65, INT32_MAX, INT32_MIN };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        put_error(ERRORS_AT, bad[i], 1, "x");
        assert_int_equal(read_errors(&seen), 0);
    }
    put_error(ERRORS_AT, 64, 1, "x");
    assert_int_equal(read_errors(&seen), 1);
    put_error(ERRORS_AT, 24, 1, "x");
    assert_int_equal(read_errors(&seen), 1);
    assert_string_equal(seen.text, "");
}

static void reading_stops_at_the_first_unused_record(void **state)
{
    (void)state;
    seen_t seen;
    put32(METADATA_AT + 70 * 512, 0);
    write_file(SIZE);
    assert_int_equal(read_all(&seen), 70 - 7);
}

static void label_lengths_are_clamped__P11(void **state)
{
    (void)state;
    seen_t seen;
    memset(file + METADATA_AT + 132, 'x', 380);
    static const int32_t lengths[] = { 379, 380, 381, INT32_MAX };
    static const size_t expected[] = { 379, 380, 380, 380 };
    for (size_t i = 0; i < 4; i++)
    {
        put32(METADATA_AT + 128, lengths[i]);
        write_file(SIZE);
        assert_int_equal(read_all(&seen), RECORDS - 13);
        assert_int_equal(seen.longest, expected[i]);
    }
    put32(METADATA_AT + 128, -1);
    write_file(SIZE);
    assert_int_equal(read_all(&seen), RECORDS - 13);
    assert_int_equal(seen.longest, 5);
}

static void every_truncation_is_survived__P11(void **state)
{
    (void)state;
    seen_t seen;
    for (size_t length = 0; length < SIZE; length += length < 256 ? 1 : 997)
    {
        write_file(length);
        assert_int_equal(read_all(&seen), -1);
        assert_true(TP_EIO == tp_errcode() || TP_ENOMEDIADRIVER == tp_errcode());
        tpi_cnc_info_t info;
        assert_int_not_equal(tpi_cnc_probe(dir, 10000, &info), TPI_CNC_ALIVE);
    }
}

static void a_file_cut_short_under_the_reader_ends_the_reading(void **state)
{
    (void)state;
    tpi_counters_reader_t *reader = NULL;
    seen_t seen = { 0 };
    assert_int_equal(tpi_counters_reader_open(&reader, dir), 0);
    assert_int_equal(truncate(path, VALUES_AT + 64 * 128 + 100), 0);
    assert_int_equal(tpi_counters_reader_foreach(reader, on_counter, &seen), 64 - 7);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(tpi_counters_reader_foreach(reader, on_counter, &seen), 0);
    assert_int_equal(tpi_counters_reader_heartbeat_ms(reader), 0);
    tpi_counters_reader_close(reader);
}

static void lengths_that_do_not_fit_are_refused__P11(void **state)
{
    (void)state;
    seen_t seen;
    static const int32_t wrong[] = { -1, INT32_MIN, INT32_MAX, SIZE };
    for (size_t field = 4; field < 24; field += 4)
    {
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        {
            int32_t before;
            memcpy(&before, file + field, sizeof(before));
            put32(field, wrong[i]);
            write_file(SIZE);
            assert_int_equal(read_all(&seen), -1);
            assert_int_equal(tp_errcode(), TP_EIO);
            put32(field, before);
        }
    }
    put32(4, RING - 8);                                 /* a ring whose capacity is no power of two */
    write_file(SIZE);
    assert_int_equal(read_all(&seen), -1);
    put32(4, TPI_CNC_RB_TRAILER);                       /* a ring of nothing */
    write_file(SIZE);
    assert_int_equal(read_all(&seen), -1);
}

static void versions_are_checked(void **state)
{
    (void)state;
    seen_t seen;
    put32(0, 1 << 16);
    write_file(SIZE);
    assert_int_equal(read_all(&seen), -1);
    assert_int_equal(tp_errcode(), TP_EIO);
    put32(0, 0);                                        /* not ready yet */
    write_file(SIZE);
    assert_int_equal(read_all(&seen), -1);
    assert_int_equal(tp_errcode(), TP_ENOMEDIADRIVER);
    tpi_cnc_info_t info;
    assert_int_equal(tpi_cnc_probe(dir, 10000, &info), TPI_CNC_STARTING);
}

static void random_bytes_are_survived__P11(void **state)
{
    (void)state;
    seen_t seen;
    uint64_t random = 88172645463325252U;
    for (int round = 0; round < 300; round++)
    {
        (void)set_up(NULL);
        const int spoiled = 1 + round % 40;
        for (int i = 0; i < spoiled; i++)
        {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            const size_t range = 0 == round % 3 ? 64 : SIZE;
            file[random % range] = (uint8_t)(random >> 32);
        }
        write_file(SIZE);
        assert_in_range(read_all(&seen) + 1, 0, RECORDS + 1);
        tpi_cnc_info_t info;
        (void)tpi_cnc_probe(dir, 10000, &info);
    }
}

static void life_is_judged_by_heartbeat_and_process(void **state)
{
    (void)state;
    const int64_t now_ms = tpi_clock_realtime_ns() / TPI_NS_PER_MS;
    tpi_cnc_info_t info;
    put64(HEARTBEAT_AT, now_ms - 20000);
    write_file(SIZE);
    assert_int_equal(tpi_cnc_probe(dir, 10000, &info), TPI_CNC_DEAD);
    assert_int_equal(tpi_cnc_probe(dir, 30000, &info), TPI_CNC_ALIVE);
    put64(HEARTBEAT_AT, TPI_CNC_HEARTBEAT_GONE);
    write_file(SIZE);
    assert_int_equal(tpi_cnc_probe(dir, 10000, &info), TPI_CNC_DEAD);
    assert_non_null(strstr(info.problem, "shut down"));
    put64(HEARTBEAT_AT, 0);
    write_file(SIZE);
    assert_int_equal(tpi_cnc_probe(dir, 10000, &info), TPI_CNC_STARTING);
    put64(40, INT32_MAX);                               /* no such process: two missed beats are enough */
    put64(HEARTBEAT_AT, now_ms - 1000);
    write_file(SIZE);
    assert_int_equal(tpi_cnc_probe(dir, 10000, &info), TPI_CNC_ALIVE);
    put64(HEARTBEAT_AT, now_ms - 3000);
    write_file(SIZE);
    assert_int_equal(tpi_cnc_probe(dir, 10000, &info), TPI_CNC_DEAD);
    assert_non_null(strstr(info.problem, "does not exist"));
}

static void only_a_regular_file_is_read__M10(void **state)
{
    (void)state;
    seen_t seen;
    char target[80];
    (void)snprintf(target, sizeof(target), "%s/elsewhere", dir);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(read_all(&seen), -1);
    assert_int_equal(tp_errcode(), TP_ENOMEDIADRIVER);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(read_all(&seen), -1);
    assert_int_equal(tp_errcode(), TP_EIO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_all(&seen), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(read_all(&seen), -1);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(unlink(target), 0);
}

static void living_drivers_are_listed_with_pid_and_user(void **state)
{
    (void)state;
    char base[64];
    char text[256];
    char first[128];
    char nested[96];
    char nested_file[112];
    (void)snprintf(base, sizeof(base), "%s", dir);
    (void)snprintf(nested, sizeof(nested), "%s/aeron-x", dir);
    (void)snprintf(nested_file, sizeof(nested_file), "%s/cnc.dat", nested);
    assert_int_equal(mkdir(nested, 0700), 0);
    assert_int_equal(rename(path, nested_file), 0);
    tpi_cnc_list_alive(base, "/nowhere", text, sizeof(text), first, sizeof(first));
    assert_string_equal(first, nested);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "(pid %d, user ", (int)getpid());
    assert_non_null(strstr(text, expected));
    tpi_cnc_list_alive(base, nested, text, sizeof(text), first, sizeof(first));
    assert_string_equal(text, "");
    tpi_cnc_list_alive(base, "/nowhere", text, 20, first, sizeof(first));            /* no room: nothing half said */
    assert_string_equal(text, "");
    tpi_cnc_list_alive("/does/not/exist", "", text, sizeof(text), first, sizeof(first));
    assert_string_equal(text, "");
    assert_int_equal(unlink(nested_file), 0);
    assert_int_equal(rmdir(nested), 0);
}

static void the_default_directory_follows_the_environment(void **state)
{
    (void)state;
    char buffer[128];
    assert_int_equal(setenv("AERON_DIR", "/dev/shm/given", 1), 0);
    assert_string_equal(tpi_bus_default_aeron_dir(buffer, sizeof(buffer)), "/dev/shm/given");
    assert_int_equal(unsetenv("AERON_DIR"), 0);
    assert_int_equal(setenv("USER", "alice", 1), 0);
    assert_string_equal(tpi_bus_default_aeron_dir(buffer, sizeof(buffer)), "/dev/shm/aeron-alice");
    assert_int_equal(unsetenv("USER"), 0);
    assert_true(strlen(tpi_bus_default_aeron_dir(buffer, sizeof(buffer))) > strlen("/dev/shm/aeron-"));
}

int main(void)
{
    const struct CMUnitTest tests[] =
    {
        cmocka_unit_test_setup(a_sound_file_is_read_whole, set_up),
        cmocka_unit_test_setup(distinct_errors_are_read_with_count_and_times, set_up),
        cmocka_unit_test_setup(lengths_that_leave_the_log_end_the_reading, set_up),
        cmocka_unit_test_setup(reading_stops_at_the_first_unused_record, set_up),
        cmocka_unit_test_setup(label_lengths_are_clamped__P11, set_up),
        cmocka_unit_test_setup(every_truncation_is_survived__P11, set_up),
        cmocka_unit_test_setup(a_file_cut_short_under_the_reader_ends_the_reading, set_up),
        cmocka_unit_test_setup(lengths_that_do_not_fit_are_refused__P11, set_up),
        cmocka_unit_test_setup(versions_are_checked, set_up),
        cmocka_unit_test_setup(random_bytes_are_survived__P11, set_up),
        cmocka_unit_test_setup(life_is_judged_by_heartbeat_and_process, set_up),
        cmocka_unit_test_setup(only_a_regular_file_is_read__M10, set_up),
        cmocka_unit_test_setup(living_drivers_are_listed_with_pid_and_user, set_up),
        cmocka_unit_test(the_default_directory_follows_the_environment),
    };
    (void)snprintf(dir, sizeof(dir), "/tmp/tp-test-cnc-%d-XXXXXX", (int)getpid());
    if (NULL == mkdtemp(dir)) { return 1; }
    (void)snprintf(path, sizeof(path), "%s/cnc.dat", dir);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(dir);
    return failed;
}

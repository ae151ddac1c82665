/* Endpoint files: written atomically, locked, believed only from trusted owners. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "runtime/endpoint.h"
#include "runtime/endpoint_text.h"

static char dir[64];
static tpi_endpoint_t endpoint;
static tpi_endpoint_t other;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/tp-endpoint-test-%ld", (long)getpid());
    (void)mkdir(dir, 0755);
    setenv("TP_RUNTIME_DIR", dir, 1);
    memset(&endpoint, 0, sizeof(endpoint));
    (void)snprintf(endpoint.instance_id, sizeof(endpoint.instance_id), "rig a/1");
    (void)snprintf(endpoint.aeron_dir, sizeof(endpoint.aeron_dir), "/dev/shm/aeron-x");
    (void)snprintf(endpoint.control_channel, sizeof(endpoint.control_channel), "aeron:ipc?term-length=4m");
    (void)snprintf(endpoint.socket_path, sizeof(endpoint.socket_path), "%s/rig_a_1.sock", dir);
    endpoint.control_stream_id = 1000;
    endpoint.pid = getpid();
    endpoint.start_ns = UINT64_MAX;
    endpoint.instance_token = 0xfedcba9876543210u;
    endpoint.embedded_media_driver = true;
    endpoint.announce_period_ms = 500;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/rig_a_1.endpoint", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/second.endpoint", dir);
    (void)unlink(path);
    assert_int_equal(rmdir(dir), 0);
    unsetenv("TP_RUNTIME_DIR");
    return 0;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *writer = NULL;
    bool alive = false;
    assert_int_equal(tpi_endpoint_write(&writer, NULL, &endpoint), 0);
    assert_non_null(strstr(endpoint.file, "rig_a_1.endpoint"));
    assert_int_equal(tpi_endpoint_read(&other, endpoint.file, &alive), 0);
    assert_true(alive);
    assert_memory_equal(&other, &endpoint, sizeof(other));
    struct stat st;
    assert_int_equal(stat(endpoint.file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(tpi_endpoint_find(&other, NULL), 0);
    assert_int_equal(tpi_endpoint_find(&other, "rig a/1"), 0);
    assert_int_equal(tpi_endpoint_find(&other, "rig b"), 1);
    tpi_endpoint_remove(writer);
    assert_int_equal(access(endpoint.file, F_OK), -1);
    assert_int_equal(tpi_endpoint_find(&other, NULL), 1);
    tpi_endpoint_remove(NULL);
}

static void a_second_driver_of_that_name_is_refused__D_002(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *writer = NULL;
    tpi_endpoint_writer_t *second = NULL;
    char pid[32];
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    assert_int_equal(tpi_endpoint_write(&second, dir, &endpoint), -1);
    assert_int_equal(tp_errcode(), TP_EOWNED);
    (void)snprintf(pid, sizeof(pid), "pid %ld", (long)getpid());
    assert_non_null(strstr(tp_errmsg(), pid));
    other = endpoint;
    (void)snprintf(other.instance_id, sizeof(other.instance_id), "second");
    assert_int_equal(tpi_endpoint_write(&second, dir, &other), 0);
    tpi_endpoint_remove(second);
    tpi_endpoint_remove(writer);
}

static void a_killed_driver_is_dead_at_once_and_replaced(void **state)
{
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (0 == child)
    {
        tpi_endpoint_writer_t *writer = NULL;
        const char ok = 0 == tpi_endpoint_write(&writer, dir, &endpoint) ? 'y' : 'n';
        (void)!write(ready[1], &ok, 1);
        for (;;) { (void)pause(); }
    }
    char ok = 'n';
    assert_int_equal(read(ready[0], &ok, 1), 1);
    assert_int_equal(ok, 'y');
    assert_int_equal(tpi_endpoint_find(&other, NULL), 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    bool alive = true;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/rig_a_1.endpoint", dir);
    assert_int_equal(tpi_endpoint_read(&other, path, &alive), 0);
    assert_false(alive);
    assert_int_equal(tpi_endpoint_find(&other, NULL), 1);
    tpi_endpoint_writer_t *writer = NULL;
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    tpi_endpoint_remove(writer);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* Any local user may read the files: what a reader can lock must count for nothing. */
static void a_reader_s_lock_is_no_sign_of_life__M10(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *writer = NULL;
    tpi_endpoint_writer_t *second = NULL;
    bool alive = true;
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    char kept[sizeof(endpoint.file) + 8];
    (void)snprintf(kept, sizeof(kept), "%s.kept", endpoint.file);
    assert_int_equal(link(endpoint.file, kept), 0);
    tpi_endpoint_remove(writer);
    assert_int_equal(rename(kept, endpoint.file), 0);                   /* as a killed driver leaves it */
    const int fd = open(endpoint.file, O_RDONLY | O_CLOEXEC);
    const int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0 && dir_fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    lock.l_type = F_WRLCK;
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), -1);                /* takes the right to write */
    assert_int_equal(flock(dir_fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(tpi_endpoint_read(&other, endpoint.file, &alive), 0);
    assert_false(alive);
    assert_int_equal(tpi_endpoint_write(&second, dir, &endpoint), 0);
    assert_int_equal(tpi_endpoint_read(&other, endpoint.file, &alive), 0);
    assert_true(alive);
    tpi_endpoint_remove(second);
    (void)close(fd);
    (void)close(dir_fd);
}

/* Two calls instead of a search: whatever a search could find changed ends the watch. */
static void a_watched_file_holds_while_its_driver_lives_and_nobody_changed_it__L_309(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *writer = NULL;
    tpi_endpoint_watch_t watch;
    tpi_endpoint_watch_init(&watch);
    assert_false(tpi_endpoint_watch_holds(&watch));
    other = endpoint;
    assert_int_equal(tpi_endpoint_watch_open(&watch, &other), -1);       /* of no file */
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    other = endpoint;
    other.instance_token++;
    assert_int_equal(tpi_endpoint_watch_open(&watch, &other), -1);       /* of somebody else by now */
    assert_int_equal(watch.fd, -1);
    assert_int_equal(tpi_endpoint_watch_open(&watch, &endpoint), 0);
    assert_true(tpi_endpoint_watch_holds(&watch));
    assert_int_equal(chmod(endpoint.file, 0664), 0);
    assert_false(tpi_endpoint_watch_holds(&watch));
    assert_int_equal(tpi_endpoint_watch_open(&watch, &endpoint), -1);    /* others could write it */
    assert_int_equal(chmod(endpoint.file, 0644), 0);
    assert_int_equal(tpi_endpoint_watch_open(&watch, &endpoint), 0);
    assert_true(tpi_endpoint_watch_holds(&watch));
    assert_int_equal(unlink(endpoint.file), 0);
    assert_false(tpi_endpoint_watch_holds(&watch));
    tpi_endpoint_remove(writer);
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    assert_false(tpi_endpoint_watch_holds(&watch));                      /* a new file of that name */
    assert_int_equal(tpi_endpoint_watch_open(&watch, &endpoint), 0);
    tpi_endpoint_remove(writer);
    assert_false(tpi_endpoint_watch_holds(&watch));
    tpi_endpoint_watch_close(&watch);
    tpi_endpoint_watch_close(&watch);
    assert_false(tpi_endpoint_watch_holds(&watch));
}

/* Killed, a driver leaves its file as it is: only the lock is gone. */
static void a_watched_file_does_not_hold_without_its_lock__L_309(void **state)
{
    (void)state;
    char kept[sizeof(endpoint.file) + 8];
    struct stat st;
    tpi_endpoint_writer_t *writer = NULL;
    tpi_endpoint_watch_t watch;
    tpi_endpoint_watch_init(&watch);
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    (void)snprintf(kept, sizeof(kept), "%s.kept", endpoint.file);
    assert_int_equal(link(endpoint.file, kept), 0);
    assert_int_equal(tpi_endpoint_watch_open(&watch, &endpoint), 0);
    tpi_endpoint_remove(writer);
    assert_int_equal(fstat(watch.fd, &st), 0);
    watch.changed_s = (int64_t)st.st_ctim.tv_sec;                        /* the file that was left, unchanged since */
    watch.changed_ns = (int64_t)st.st_ctim.tv_nsec;
    assert_false(tpi_endpoint_watch_holds(&watch));
    assert_int_equal(unlink(kept), 0);
    tpi_endpoint_watch_close(&watch);
}

/* The one who looks for a namesake and the one who moves its file in place must not do so at once. */
static void a_directory_is_written_by_one_at_a_time(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *writer = NULL;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/.lock", dir);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), -1);
    assert_int_equal(tp_errcode(), TP_ETIMEDOUT);
    (void)close(fd);
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    tpi_endpoint_remove(writer);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), -1);
    assert_int_equal(tp_errcode(), TP_EPATH);
    assert_int_equal(unlink(path), 0);
}

static void files_and_directories_that_others_may_write_do_not_count__M10(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *writer = NULL;
    tpi_endpoint_writer_t *second = NULL;
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    assert_int_equal(chmod(endpoint.file, 0664), 0);
    assert_int_equal(tpi_endpoint_find(&other, NULL), 1);
    assert_int_equal(chmod(endpoint.file, 0644), 0);
    assert_int_equal(tpi_endpoint_find(&other, NULL), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(tpi_endpoint_find(&other, NULL), 1);
    (void)snprintf(endpoint.instance_id, sizeof(endpoint.instance_id), "second");
    assert_int_equal(tpi_endpoint_write(&second, dir, &endpoint), -1);
    assert_int_equal(tp_errcode(), TP_EPATH);
    assert_int_equal(chmod(dir, 0755), 0);
    tpi_endpoint_remove(writer);
}

static void a_file_that_cannot_be_opened_for_want_of_descriptors_is_not_gone(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *writer = NULL;
    struct rlimit before;
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next[] = { open("/dev/null", O_RDONLY | O_CLOEXEC), open("/dev/null", O_RDONLY | O_CLOEXEC) };
    assert_true(next[0] >= 0 && next[1] > next[0]);
    const int limits[] = { next[0], next[1], next[1] + 1 };     /* none for the directory, none for the file, enough */
    (void)close(next[0]);
    (void)close(next[1]);
    for (int spare = 0; spare <= 2; spare++)
    {
        const struct rlimit few = { (rlim_t)limits[spare], before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        const int rc = tpi_endpoint_find(&other, NULL);
        const int code = tp_errcode();
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(rc, 2 == spare ? 0 : -1);
        if (rc < 0) { assert_int_equal(code, TP_ENOMEM); }
    }
    tpi_endpoint_remove(writer);
    assert_int_equal(tpi_endpoint_find(&other, NULL), 1);
}

static void names_and_paths_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    char text[TPI_ENDPOINT_TEXT_MAX + 64];
    tpi_endpoint_writer_t *writer = NULL;
    bool alive = false;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    text[0] = '/';
    assert_int_equal(tpi_endpoint_write(&writer, text, &endpoint), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    setenv("TP_RUNTIME_DIR", text, 1);
    assert_int_equal(tpi_endpoint_write(&writer, NULL, &endpoint), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tpi_endpoint_find(&other, NULL), 1);
    setenv("TP_RUNTIME_DIR", dir, 1);
    assert_int_equal(tpi_endpoint_write(&writer, "/nonexistent/a/b", &endpoint), -1);
    assert_int_equal(tp_errcode(), TP_EPATH);
    endpoint.instance_id[0] = '\0';
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tpi_endpoint_read(&other, "no-slash", &alive), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tpi_endpoint_read(&other, "/top", &alive), -1);
    assert_null(writer);
}

static void a_file_longer_than_the_bound_or_with_a_zero_is_refused__P11(void **state)
{
    (void)state;
    char path[128];
    char *const text = calloc(1, TPI_ENDPOINT_FILE_MAX);
    bool alive = false;
    assert_non_null(text);
    (void)snprintf(path, sizeof(path), "%s/second.endpoint", dir);
    for (int excess = 0; excess <= 1; excess++)
    {
        int length = tpi_endpoint_format(text, TPI_ENDPOINT_FILE_MAX, &endpoint);
        assert_true(length > 0);
        const int end = TPI_ENDPOINT_FILE_MAX - 1 + excess;
        text[length++] = '#';
        memset(text + length, 'x', (size_t)(end - length));
        const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, text, (size_t)end), end);
        (void)close(fd);
        assert_int_equal(tpi_endpoint_read(&other, path, &alive), 0 == excess ? 0 : -1);
    }
    const int length = tpi_endpoint_format(text, TPI_ENDPOINT_FILE_MAX, &endpoint);
    assert_int_equal(tpi_endpoint_parse(&other, text, (size_t)length), 0);
    assert_int_equal(tpi_endpoint_parse(&other, text, (size_t)length + 1), -1);     /* its terminating zero is one too many */
    free(text);
}

static void the_default_directory_is_the_users_own(void **state)
{
    (void)state;
    char text[64];
    unsetenv("TP_RUNTIME_DIR");
    setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
    assert_int_equal(tpi_endpoint_default_dir(text, sizeof(text)), 0);
    assert_string_equal(text, "/run/user/7/tensor_pool");
    unsetenv("XDG_RUNTIME_DIR");
    if (0 == geteuid()) { assert_int_equal(seteuid(65534), 0); }
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "/tmp/tensor_pool-%u", (unsigned)geteuid());
    const int rc = tpi_endpoint_default_dir(text, sizeof(text));
    if (0 == getuid()) { assert_int_equal(seteuid(0), 0); }
    assert_int_equal(rc, 0);
    assert_string_equal(text, expected);
}

static void links_are_not_followed__M10(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *writer = NULL;
    char link_path[128];
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
    (void)snprintf(link_path, sizeof(link_path), "%s/second.endpoint", dir);
    assert_int_equal(symlink(endpoint.file, link_path), 0);
    bool alive = false;
    assert_int_equal(tpi_endpoint_read(&other, link_path, &alive), -1);
    tpi_endpoint_remove(writer);
}

static void malformed_texts_are_refused(void **state)
{
    (void)state;
    char text[TPI_ENDPOINT_FILE_MAX];
    const int length = tpi_endpoint_format(text, sizeof(text), &endpoint);
    assert_true(length > 0);
    assert_int_equal(tpi_endpoint_parse(&other, text, (size_t)length), 0);
    /* Cut anywhere before the last line: something is missing. */
    for (int cut = 0; cut < length - (int)strlen("keepalive_interval_ms=0\n"); cut++)
    {
        assert_int_equal(tpi_endpoint_parse(&other, text, (size_t)cut), -1);
    }
    static const char *const extra[] = { "pid=1\n", "no equals sign\n", "socket_path=x\n" };
    for (size_t i = 0; i < sizeof(extra) / sizeof(extra[0]); i++)
    {
        char bad[TPI_ENDPOINT_FILE_MAX + 64];
        const int n = snprintf(bad, sizeof(bad), "%s%s", text, extra[i]);
        assert_int_equal(tpi_endpoint_parse(&other, bad, (size_t)n), -1);
    }
    char unknown[TPI_ENDPOINT_FILE_MAX + 64];
    const int n = snprintf(unknown, sizeof(unknown), "%sfuture=1\n# note\n", text);
    assert_int_equal(tpi_endpoint_parse(&other, unknown, (size_t)n), 0);
    char *const number = strstr(text, "control_stream_id=1000");
    number[strlen("control_stream_id=")] = 'x';
    assert_int_equal(tpi_endpoint_parse(&other, text, (size_t)length), -1);
    (void)snprintf(endpoint.aeron_dir, sizeof(endpoint.aeron_dir), "/a\npid=1");
    assert_int_equal(tpi_endpoint_format(text, sizeof(text), &endpoint), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(what_is_written_is_read_back), T(a_second_driver_of_that_name_is_refused__D_002),
        T(a_killed_driver_is_dead_at_once_and_replaced), T(files_and_directories_that_others_may_write_do_not_count__M10),
        T(a_reader_s_lock_is_no_sign_of_life__M10), T(a_directory_is_written_by_one_at_a_time),
        T(a_file_that_cannot_be_opened_for_want_of_descriptors_is_not_gone),
        T(names_and_paths_that_do_not_fit_are_refused),
        T(a_file_longer_than_the_bound_or_with_a_zero_is_refused__P11), T(the_default_directory_is_the_users_own),
        T(a_watched_file_holds_while_its_driver_lives_and_nobody_changed_it__L_309), T(a_watched_file_does_not_hold_without_its_lock__L_309),
        T(links_are_not_followed__M10), T(malformed_texts_are_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

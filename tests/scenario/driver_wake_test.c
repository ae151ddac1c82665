/* Wake-up pages of a driver: who gets one, how many there are, and when they go. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver_rig.h"

#include "common/alloc.h"
#include "driver/driver_state.h"
#include "driver/driver_wake.h"
#include "runtime/local_socket.h"
#include "shm/wake.h"

#define PRODUCER TP_ROLE_PRODUCER

static tpc_attach_response_t create(uint32_t client, uint32_t stream)
{
    tpc_attach_request_t q = rig_request(PRODUCER, client, stream);
    q.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    return rig_ask(&q);
}

static void start_dynamic(void)
{
    rig->config.allow_dynamic_streams = true;
    rig->config.stream_id_range = (tp_id_range_t){ 20000, 20003 };
    rig_start();
}

static int asked(const char *line, const char *part)
{
    int fd = -2;
    char *const answer = tpi_wake_answer(rig->driver, line, strlen(line), &fd);
    assert_non_null(answer);
    if (NULL == strstr(answer, part)) { fail_msg("'%s' -> '%s', without '%s'", line, answer, part); }
    assert_null(strchr(answer, '\n'));
    tpi_free(answer);
    return fd;
}

static void a_stream_in_use_has_one_page__L_208(void **state)
{
    (void)state;
    tpi_wake_page_t *page = NULL;
    rig_start();
    assert_int_equal(asked("{\"cmd\":\"wake\",\"stream\":10000}", "\"code\":"), -1);         /* no regions yet */
    assert_int_equal(rig->driver->wake_pages, 0);
    rig_attach(PRODUCER, 42, 10000);
    const int fd = asked("{\"cmd\":\"wake\",\"stream\":10000}", "{\"ok\":true}");
    assert_true(fd >= 0);
    assert_int_equal(asked("{\"cmd\":\"wake\",\"stream\":10000,\"other\":1}", "{\"ok\":true}"), fd);
    assert_int_equal(rig->driver->wake_pages, 1);
    assert_int_equal(tpi_driver_stats(rig->driver)->wakes_handed_out, 2);
    assert_int_equal(tpi_wake_page_map(&page, fd), 0);
    tpi_wake_page_unmap(page);
}

static void nothing_else_is_to_be_had__L_207_P12(void **state)
{
    (void)state;
    static const char *const lines[] = { "", "[]", "{}", "{\"cmd\":\"drain\"}", "{\"cmd\":\"leases\"}", "{\"cmd\":\"wake\"}",
        "{\"cmd\":\"wake\",\"stream\":\"10000\"}", "{\"cmd\":\"wake\",\"stream\":-1}", "{\"cmd\":\"wake\",\"stream\":4294967296}",
        "{\"cmd\":\"wake\",\"stream\":10000.0}", "{\"cmd\":\"wake\",\"stream\":77}", "{\"cmd\":\"wake\",\"stream\":10000,\"stream\":10000}" };
    rig_start();
    rig_attach(PRODUCER, 42, 10000);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) { assert_int_equal(asked(lines[i], "{\"ok\":false,\"error\":{\"code\":"), -1); }
    assert_int_equal(rig->driver->wake_pages, 0);
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_RUNNING);
}

static void pages_go_with_their_streams__L_208(void **state)
{
    (void)state;
    start_dynamic();
    const tpc_attach_response_t p = create(42, 20000);
    const int fd = asked("{\"cmd\":\"wake\",\"stream\":20000}", "{\"ok\":true}");
    assert_int_equal(rig->driver->wake_pages, 1);
    assert_int_equal(tpi_driver_revoke(rig->driver, p.lease_id, "test", rig->now_ns), 0);
    rig_settle();
    assert_null(tpi_stream_find(rig->driver, 20000));
    assert_int_equal(rig->driver->wake_pages, 0);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void the_number_of_pages_is_limited_and_counted__L_208_P11(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    start_dynamic();
    rig_attach(PRODUCER, 42, 10000);
    create(43, 20000);
    const struct rlimit tight = { .rlim_cur = 4, .rlim_max = before.rlim_max };
    assert_true(asked("{\"cmd\":\"wake\",\"stream\":10000}", "{\"ok\":true}") >= 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    assert_int_equal(asked("{\"cmd\":\"wake\",\"stream\":20000}", "no more are made"), -1);
    assert_true(asked("{\"cmd\":\"wake\",\"stream\":10000}", "{\"ok\":true}") >= 0);          /* it is there already */
    assert_int_equal(tpi_driver_stats(rig->driver)->limit_wakes, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(asked("{\"cmd\":\"wake\",\"stream\":20000}", "{\"ok\":true}") >= 0);
    assert_int_equal(rig->driver->wake_pages, 2);
}

static void who_may_read_frames_may_ask__L_207(void **state)
{
    (void)state;
    assert_int_equal(tpi_wake_socket_mode(0600), 0600);
    assert_int_equal(tpi_wake_socket_mode(0660), 0660);
    assert_int_equal(tpi_wake_socket_mode(0640), 0660);
    assert_int_equal(tpi_wake_socket_mode(0620), 0600);
    assert_int_equal(tpi_wake_socket_mode(0644), 0666);
    assert_int_equal(tpi_wake_socket_mode(0777), 0666);
    assert_int_equal(tpi_wake_socket_mode(0), 0600);
}

static void pages_are_handed_over_by_a_socket_of_their_own__L_207(void **state)
{
    (void)state;
    char path[64];
    struct stat st;
    tpi_wake_service_t *service = NULL;
    tpi_local_ask_t *ask = NULL;
    tpi_wake_page_t *page = NULL;
    int fd = -1;
    rig_start();
    rig_attach(PRODUCER, 42, 10000);
    (void)snprintf(path, sizeof(path), "/tmp/tp-wake-test-%ld", (long)getpid());
    assert_int_equal(tpi_wake_service_open(&service, rig->driver, path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);                 /* the rig's regions have mode 660 */
    assert_int_equal(tpi_local_ask_start(&ask, path, geteuid(), "{\"cmd\":\"wake\",\"stream\":10000}\n"), 0);
    int rc = 0;
    for (int i = 0; i < 100 && 0 == rc; i++)
    {
        (void)tpi_wake_service_do_work(service);
        rc = tpi_local_ask_poll(ask, &fd);
    }
    assert_int_equal(rc, 1);
    tpi_local_ask_close(ask);
    assert_int_equal(tpi_wake_page_map(&page, fd), 0);
    (void)close(fd);
    tpi_wake_page_unmap(page);
    tpi_wake_service_close(service);
    tpi_wake_service_close(NULL);
    assert_int_equal(access(path, F_OK), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(a_stream_in_use_has_one_page__L_208), T(nothing_else_is_to_be_had__L_207_P12),
        T(pages_go_with_their_streams__L_208), T(the_number_of_pages_is_limited_and_counted__L_208_P11), T(who_may_read_frames_may_ask__L_207),
        T(pages_are_handed_over_by_a_socket_of_their_own__L_207) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

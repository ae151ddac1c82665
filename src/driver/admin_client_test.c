/* The tool's side of the local socket against a server that answers what the test wants, also nonsense. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <tensor_pool/driver/tp_admin.h>

#include "common/clock.h"
#include "runtime/endpoint.h"
#include "runtime/local_socket.h"

static char dir[64];
static char socket_path[96];
static tpi_endpoint_writer_t *writer;
static tpi_local_server_t *server;
static pthread_t thread;
static atomic_bool stopped;
static const char *answer;             /* written before the request, read while it is served */
static char asked[512];

static void on_line(void *clientd, tpi_local_peer_t *peer, const char *line, size_t length)
{
    (void)clientd;
    (void)length;
    (void)snprintf(asked, sizeof(asked), "%s", line);
    (void)tpi_local_peer_reply(peer, answer, strlen(answer));
}

static void *serve(void *argument)
{
    const struct timespec pause = { .tv_nsec = 200000 };
    (void)argument;
    while (!atomic_load(&stopped))
    {
        if (tpi_local_server_poll(server, on_line, NULL) <= 0) { (void)nanosleep(&pause, NULL); }
    }
    return NULL;
}

static void write_endpoint(const char *instance, const char *path)
{
    static tpi_endpoint_t endpoint;
    memset(&endpoint, 0, sizeof(endpoint));
    (void)snprintf(endpoint.instance_id, sizeof(endpoint.instance_id), "%s", instance);
    endpoint.pid = getpid();
    endpoint.instance_token = 77;
    (void)snprintf(endpoint.aeron_dir, sizeof(endpoint.aeron_dir), "/dev/shm/none");
    char *const channels[] = { endpoint.control_channel, endpoint.announce_channel, endpoint.descriptor_channel, endpoint.qos_channel,
        endpoint.metadata_channel };
    int32_t *const ids[] = { &endpoint.control_stream_id, &endpoint.announce_stream_id, &endpoint.descriptor_stream_id, &endpoint.qos_stream_id,
        &endpoint.metadata_stream_id };
    for (size_t i = 0; i < 5; i++)
    {
        (void)snprintf(channels[i], TPI_ENDPOINT_TEXT_MAX, "aeron:ipc");
        *ids[i] = 1000 + (int32_t)i;
    }
    (void)snprintf(endpoint.shm_base_dir, sizeof(endpoint.shm_base_dir), "/dev/shm");
    (void)snprintf(endpoint.shm_namespace, sizeof(endpoint.shm_namespace), "default");
    (void)snprintf(endpoint.socket_path, sizeof(endpoint.socket_path), "%s", path);
    endpoint.announce_period_ms = 1000;
    endpoint.keepalive_interval_ms = 1000;
    assert_int_equal(tpi_endpoint_write(&writer, dir, &endpoint), 0);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/tp-admin-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(setenv("TP_RUNTIME_DIR", dir, 1), 0);
    (void)snprintf(socket_path, sizeof(socket_path), "%s/one.sock", dir);
    assert_int_equal(tpi_local_server_open(&server, socket_path), 0);
    write_endpoint("one", socket_path);
    atomic_store(&stopped, false);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&stopped, true);
    (void)pthread_join(thread, NULL);
    tpi_local_server_close(server);
    tpi_endpoint_remove(writer);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

static tp_admin_t *opened(void)
{
    tp_admin_t *admin = NULL;
    assert_int_equal(tp_admin_open(&admin, NULL, 10 * TPI_NS_PER_S), 0);
    return admin;
}

static void the_only_driver_is_found_and_others_are_not(void **state)
{
    (void)state;
    tp_admin_t *admin = opened();
    assert_string_equal(tp_admin_instance_id(admin), "one");
    assert_int_equal(tp_admin_pid(admin), getpid());
    assert_true(tp_admin_driver_is_alive(admin));
    tp_admin_close(admin);
    tp_admin_close(NULL);
    admin = NULL;
    assert_int_equal(tp_admin_open(&admin, "two", 0), -1);
    assert_int_equal(tp_errcode(), TP_ENODRIVER);
    assert_null(admin);
    assert_int_equal(tp_admin_open(&admin, NULL, -1), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_admin_open(NULL, NULL, 0), -1);
}

static void several_drivers_have_to_be_told_apart(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *const first = writer;
    tp_admin_t *admin = NULL;
    write_endpoint("two", "");
    assert_int_equal(tp_admin_open(&admin, NULL, 0), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_non_null(strstr(tp_errmsg(), "2 drivers"));
    assert_int_equal(tp_admin_open(&admin, "two", 0), -1);                 /* has no socket */
    assert_int_equal(tp_errcode(), TP_ENODRIVER);
    assert_int_equal(tp_admin_open(&admin, "one", 0), 0);
    tp_admin_close(admin);
    tpi_endpoint_remove(writer);
    writer = first;
}

typedef struct seen { int count; tp_admin_lease_t last; } seen_t;

static void on_lease(void *clientd, const tp_admin_lease_t *lease)
{
    seen_t *const seen = clientd;
    seen->count++;
    seen->last = *lease;
}

static void leases_are_read(void **state)
{
    (void)state;
    seen_t seen = { 0 };
    tp_admin_t *const admin = opened();
    answer = "{\"ok\":true,\"leases\":[{\"lease\":\"18446744073709551615\",\"stream\":4294967294,\"client\":7,\"role\":\"consumer\",\"node\":3,"
        "\"epoch\":\"12\",\"keepalive_age_ns\":5,\"expires_in_ns\":-6,\"new\":[]}]}";
    assert_int_equal(tp_admin_leases(admin, on_lease, &seen), 1);
    assert_string_equal(asked, "{\"cmd\":\"leases\"}");
    assert_true(UINT64_MAX == seen.last.lease_id && 4294967294u == seen.last.stream_id && 7 == seen.last.client_id && 3 == seen.last.node_id);
    assert_true(12 == seen.last.epoch && TP_ROLE_CONSUMER == seen.last.role && 5 == seen.last.keepalive_age_ns && -6 == seen.last.expires_in_ns);
    answer = "{\"ok\":true,\"leases\":[]}";
    assert_int_equal(tp_admin_leases(admin, on_lease, &seen), 0);
    assert_int_equal(tp_admin_leases(admin, NULL, NULL), -1);
    tp_admin_close(admin);
}

static void answers_without_sense_are_refused(void **state)
{
    static const char *const bad[] = { "", "{", "[]", "null", "7", "{}", "{\"ok\":1}", "{\"ok\":\"true\"}", "{\"ok\":true}",
        "{\"ok\":true,\"leases\":{}}", "{\"ok\":true,\"ok\":true}", "{\"ok\":true,\"leases\":[7]}",
        "{\"ok\":true,\"leases\":[{\"lease\":\"-1\",\"stream\":1,\"client\":1,\"role\":\"consumer\",\"node\":0,\"epoch\":\"1\","
        "\"keepalive_age_ns\":1,\"expires_in_ns\":1}]}",
        "{\"ok\":true,\"leases\":[{\"lease\":\"1\",\"stream\":4294967296,\"client\":1,\"role\":\"consumer\",\"node\":0,\"epoch\":\"1\","
        "\"keepalive_age_ns\":1,\"expires_in_ns\":1}]}",
        "{\"ok\":true,\"leases\":[{\"lease\":\"1\",\"stream\":1,\"client\":1,\"role\":\"owner\",\"node\":0,\"epoch\":\"1\",\"keepalive_age_ns\":1,"
        "\"expires_in_ns\":1}]}" };
    (void)state;
    tp_admin_t *const admin = opened();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        seen_t seen = { 0 };
        answer = bad[i];
        assert_int_equal(tp_admin_leases(admin, on_lease, &seen), -1);
        assert_int_equal(tp_errcode(), TP_EPROTOCOL);
    }
    tp_admin_close(admin);
}

static void a_refusal_is_the_error_of_the_call(void **state)
{
    (void)state;
    tp_admin_t *const admin = opened();
    answer = "{\"ok\":false,\"error\":{\"code\":1009,\"message\":\"no lease\",\"why\":\"because\",\"fix\":\"look\"}}";
    assert_int_equal(tp_admin_revoke(admin, UINT64_MAX), -1);
    assert_string_equal(asked, "{\"cmd\":\"revoke\",\"lease\":\"18446744073709551615\"}");
    assert_int_equal(tp_errcode(), TP_ENOENT);
    assert_string_equal(tp_errmsg(), "no lease");
    assert_string_equal(tp_errwhy(), "because");
    assert_string_equal(tp_errfix(), "look");
    answer = "{\"ok\":false,\"error\":{\"code\":-5}}";
    assert_int_equal(tp_admin_drain(admin), -1);
    assert_int_equal(tp_errcode(), TP_EPROTOCOL);
    answer = "{\"ok\":false}";
    assert_int_equal(tp_admin_drain(admin), -1);
    assert_int_equal(tp_errcode(), TP_EPROTOCOL);
    tp_admin_close(admin);
}

static void requests_are_one_line(void **state)
{
    (void)state;
    static char large[TPI_LOCAL_LINE_MAX + 1];
    const char *reply = "untouched";
    tp_admin_t *const admin = opened();
    answer = "{\"ok\":true,\"x\":1}";
    assert_int_equal(tp_admin_call(admin, "{}\n{}", &reply), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    memset(large, ' ', TPI_LOCAL_LINE_MAX);
    assert_int_equal(tp_admin_call(admin, large, &reply), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_admin_call(admin, NULL, &reply), -1);
    assert_string_equal(reply, "untouched");
    assert_int_equal(tp_admin_reload(admin, &reply), 0);
    assert_string_equal(asked, "{\"cmd\":\"reload\"}");
    assert_string_equal(reply, answer);
    assert_int_equal(tp_admin_call(admin, "{}", NULL), 0);
    tp_admin_close(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_only_driver_is_found_and_others_are_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_drivers_have_to_be_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leases_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_without_sense_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_is_the_error_of_the_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_are_one_line, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

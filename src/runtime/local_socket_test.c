/* JSON lines over the local socket: framing, bounds, permissions. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "runtime/local_socket.h"

static char path[64];
static tpi_local_server_t *server;
static char seen[8][64];
static int seen_count;

static void on_line(void *clientd, tpi_local_peer_t *peer, const char *line, size_t length)
{
    (void)clientd;
    assert_int_equal(strlen(line), length);
    assert_int_equal(tpi_local_peer_pid(peer), getpid());
    (void)snprintf(seen[seen_count++ % 8], sizeof(seen[0]), "%s", line);
    assert_int_equal(tpi_local_peer_reply(peer, line, length), 0);
}

static int setup(void **state)
{
    (void)state;
    seen_count = 0;
    (void)snprintf(path, sizeof(path), "/tmp/tp-socket-test-%ld", (long)getpid());
    return tpi_local_server_open(&server, path);
}

static int teardown(void **state)
{
    (void)state;
    tpi_local_server_close(server);
    assert_int_equal(access(path, F_OK), -1);
    return 0;
}

static int connected(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static bool is_closed(int fd)
{
    char c = 0;
    const ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);
    return 0 == n || (n < 0 && EAGAIN != errno);
}

static void lines_come_whole_however_they_are_cut(void **state)
{
    (void)state;
    const int fd = connected();
    assert_int_equal(write(fd, "one", 3), 3);
    tpi_local_server_poll(server, on_line, NULL);
    assert_int_equal(seen_count, 0);
    assert_int_equal(write(fd, "\ntwo\nthr", 8), 8);
    tpi_local_server_poll(server, on_line, NULL);
    assert_int_equal(seen_count, 1);                           /* one request a turn */
    tpi_local_server_poll(server, on_line, NULL);
    assert_int_equal(seen_count, 2);
    assert_string_equal(seen[0], "one");
    assert_string_equal(seen[1], "two");
    char answer[16] = "";
    assert_int_equal(read(fd, answer, sizeof(answer)), 8);
    assert_string_equal(answer, "one\ntwo\n");
    (void)close(fd);
    tpi_local_server_poll(server, on_line, NULL);
}

static void answer_much(void *clientd, tpi_local_peer_t *peer, const char *line, size_t length)
{
    (void)line;
    (void)length;
    seen_count++;
    assert_int_equal(tpi_local_peer_reply(peer, clientd, TPI_LOCAL_REPLY_MAX - 1), 0);
}

static void answer_twice_too_much(void *clientd, tpi_local_peer_t *peer, const char *line, size_t length)
{
    (void)line;
    (void)length;
    seen_count++;
    assert_int_equal(tpi_local_peer_reply(peer, clientd, TPI_LOCAL_REPLY_MAX - 2), 0);
    assert_int_equal(tpi_local_peer_reply(peer, clientd, 1), -1);            /* it would fit without its line end */
    assert_int_equal(tp_errcode(), TP_EFULL);
    assert_int_equal(tpi_local_peer_reply(peer, clientd, 1), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
}

static void answers_that_wait_are_bounded__P11(void **state)
{
    (void)state;
    char *const much = tpi_alloc(TPI_LOCAL_REPLY_MAX);
    assert_non_null(much);
    memset(much, 'x', TPI_LOCAL_REPLY_MAX);
    const int fd = connected();
    assert_int_equal(write(fd, "a\n", 2), 2);
    tpi_local_server_poll(server, answer_twice_too_much, much);
    assert_int_equal(seen_count, 1);
    assert_true(is_closed(fd));
    (void)close(fd);
    tpi_free(much);
}

static void a_path_longer_than_a_socket_can_have_is_refused(void **state)
{
    (void)state;
    char text[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    char *reply = NULL;
    tpi_local_server_t *other = NULL;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    text[0] = '/';
    assert_int_equal(tpi_local_call(text, "{}", &reply, TPI_NS_PER_S), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tpi_local_server_open(&other, text), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_null(reply);
}

static void who_does_not_read_answers_gets_no_further_ones__P11(void **state)
{
    (void)state;
    char *const much = tpi_alloc(TPI_LOCAL_REPLY_MAX);
    static char sink[65536];
    assert_non_null(much);
    memset(much, 'x', TPI_LOCAL_REPLY_MAX);
    const int fd = connected();
    assert_int_equal(write(fd, "a\nb\n", 4), 4);
    for (int i = 0; i < 100; i++) { tpi_local_server_poll(server, answer_much, much); }
    assert_int_equal(seen_count, 1);
    size_t got = 0;
    for (int i = 0; i < 100000 && got < TPI_LOCAL_REPLY_MAX; i++)
    {
        const ssize_t n = recv(fd, sink, sizeof(sink), MSG_DONTWAIT);
        if (n > 0) { got += (size_t)n; }
        else { tpi_local_server_poll(server, on_line, much); }
    }
    assert_true(got >= TPI_LOCAL_REPLY_MAX);
    tpi_local_server_poll(server, on_line, much);
    assert_int_equal(seen_count, 2);
    assert_string_equal(seen[1], "b");
    (void)close(fd);
    tpi_free(much);
}

static void only_the_owner_may_connect__P12(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(S_ISSOCK(st.st_mode));
}

static void a_line_too_long_or_with_a_zero_closes_the_peer__P11(void **state)
{
    (void)state;
    char text[TPI_LOCAL_LINE_MAX];
    memset(text, 'x', sizeof(text));
    int fd = connected();
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    tpi_local_server_poll(server, on_line, NULL);
    assert_false(is_closed(fd));
    assert_int_equal(write(fd, text, 1), 1);
    tpi_local_server_poll(server, on_line, NULL);
    assert_true(is_closed(fd));
    (void)close(fd);
    fd = connected();
    assert_int_equal(write(fd, "a\0b\n", 4), 4);
    tpi_local_server_poll(server, on_line, NULL);
    assert_true(is_closed(fd));
    assert_int_equal(tpi_local_server_counts(server)->refused_line, 2);
    assert_int_equal(seen_count, 0);
    (void)close(fd);
}

static void the_number_of_peers_is_limited(void **state)
{
    (void)state;
    int fds[TPI_LOCAL_PEERS_MAX + 1];
    for (size_t i = 0; i <= TPI_LOCAL_PEERS_MAX; i++)
    {
        fds[i] = connected();
        tpi_local_server_poll(server, on_line, NULL);
    }
    assert_true(is_closed(fds[TPI_LOCAL_PEERS_MAX]));
    assert_false(is_closed(fds[0]));
    assert_int_equal(tpi_local_server_counts(server)->refused_full, 1);
    for (size_t i = 0; i <= TPI_LOCAL_PEERS_MAX; i++) { (void)close(fds[i]); }
    tpi_local_server_poll(server, on_line, NULL);
    const int again = connected();
    tpi_local_server_poll(server, on_line, NULL);
    assert_false(is_closed(again));
    (void)close(again);
}

static atomic_bool stop;

static void *serve(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) { tpi_local_server_poll(server, on_line, NULL); }
    return NULL;
}

static void a_tool_gets_its_answer_or_a_timeout(void **state)
{
    (void)state;
    char *reply = NULL;
    assert_int_equal(tpi_local_call(path, "{}", &reply, 10 * TPI_NS_PER_MS), -1);
    assert_int_equal(tp_errcode(), TP_ETIMEDOUT);
    pthread_t thread;
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    assert_int_equal(tpi_local_call(path, "{\"cmd\":\"ping\"}", &reply, 10 * TPI_NS_PER_S), 0);
    assert_string_equal(reply, "{\"cmd\":\"ping\"}");
    tpi_free(reply);
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(tpi_local_call("/nowhere/at/all", "{}", &reply, TPI_NS_PER_S), -1);
    assert_int_equal(tp_errcode(), TP_ENODRIVER);
}

/* A stopped driver accepts nobody: when its backlog is full, connecting waits too. */
static void a_driver_that_accepts_nobody_costs_no_more_than_the_timeout(void **state)
{
    (void)state;
    char *reply = NULL;
    int fds[32];
    const int count = (int)(sizeof(fds) / sizeof(fds[0]));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    for (int i = 0; i < count; i++)
    {
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fds[i], (const struct sockaddr *)&address, sizeof(address));
    }
    (void)alarm(10);                                            /* ends a test that hangs */
    const int64_t begun_ns = tpi_clock_monotonic_ns();
    assert_int_equal(tpi_local_call(path, "{}", &reply, 50 * TPI_NS_PER_MS), -1);
    assert_int_equal(tp_errcode(), TP_ETIMEDOUT);
    assert_true(tpi_clock_monotonic_ns() - begun_ns >= 50 * TPI_NS_PER_MS);
    (void)alarm(0);
    for (int i = 0; i < count; i++) { (void)close(fds[i]); }
}

static void an_endless_timeout_is_no_timeout(void **state)
{
    (void)state;
    char *reply = NULL;
    pthread_t thread;
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    assert_int_equal(tpi_local_call(path, "{}", &reply, INT64_MAX), 0);
    tpi_free(reply);
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_leftover_socket_is_replaced_anything_else_is_not(void **state)
{
    (void)state;
    tpi_local_server_t *second = NULL;
    char file[80];
    (void)snprintf(file, sizeof(file), "%s.file", path);
    FILE *const f = fopen(file, "w");
    (void)fclose(f);
    assert_int_equal(tpi_local_server_open(&second, file), -1);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(tpi_local_server_open(&second, path), 0);
    tpi_local_server_close(server);
    server = second;
    char longest[200];
    memset(longest, 'x', sizeof(longest));
    longest[199] = '\0';
    assert_int_equal(tpi_local_server_open(&second, longest), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
}

/* ---- asking for a descriptor ------------------------------------------------------------------------------------------------ */

static int handed = -1;

static void hand_over(void *clientd, tpi_local_peer_t *peer, const char *line, size_t length)
{
    (void)clientd;
    (void)length;
    seen_count++;
    if (0 == strcmp(line, "page")) { assert_int_equal(tpi_local_peer_reply_with(peer, "{}", 2, handed), 0); }
    else { assert_int_equal(tpi_local_peer_reply(peer, "no", 2), 0); }
}

static int polled(tpi_local_ask_t *ask, int *fd)
{
    int rc = 0;
    for (int i = 0; i < 100 && 0 == rc; i++)
    {
        tpi_local_server_poll(server, hand_over, NULL);
        rc = tpi_local_ask_poll(ask, fd);
    }
    return rc;
}

static int open_fds(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++) { count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0; }
    return count;
}

static void an_answer_carries_a_descriptor__L_207(void **state)
{
    (void)state;
    tpi_local_ask_t *ask = NULL;
    struct stat mine;
    struct stat theirs;
    int fd = -1;
    const int before = open_fds();
    handed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(tpi_local_ask_start(&ask, path, geteuid(), "page\n"), 0);
    assert_int_equal(tpi_local_ask_poll(ask, &fd), 0);         /* nobody has looked yet */
    assert_int_equal(polled(ask, &fd), 1);
    assert_int_not_equal(fd, handed);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fstat(handed, &mine), 0);
    assert_int_equal(fstat(fd, &theirs), 0);
    assert_int_equal(mine.st_rdev, theirs.st_rdev);
    tpi_local_ask_close(ask);
    (void)close(fd);
    (void)close(handed);
    tpi_local_server_poll(server, hand_over, NULL);
    assert_int_equal(open_fds(), before);
}

static void an_answer_without_descriptor_is_a_refusal__L_207(void **state)
{
    (void)state;
    tpi_local_ask_t *ask = NULL;
    int fd = -7;
    assert_int_equal(tpi_local_ask_start(&ask, path, geteuid(), "something\n"), 0);
    assert_int_equal(polled(ask, &fd), -1);
    assert_int_equal(tp_errcode(), TP_EPROTOCOL);
    assert_int_equal(fd, -7);
    tpi_local_ask_close(ask);
    assert_int_equal(tpi_local_ask_start(&ask, "/nowhere/at/all", geteuid(), "page\n"), -1);
    assert_int_equal(tp_errcode(), TP_ENODRIVER);
    assert_int_equal(tpi_local_ask_start(&ask, path, geteuid(), "no line"), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    tpi_local_ask_close(NULL);
}

/* A server that sends more than was asked for, and one that never ends its line. */
static void a_server_that_misbehaves_costs_nothing__L_207_P11(void **state)
{
    (void)state;
    const int before = open_fds();
    char other[80];
    (void)snprintf(other, sizeof(other), "%s.other", path);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", other);
    (void)unlink(other);
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 4), 0);
    for (int round = 0; round < 3; round++)
    {
        tpi_local_ask_t *ask = NULL;
        int fd = -1;
        int many[10];
        union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(many))]; } control = { .room = { 0 } };
        struct iovec data = { .iov_base = "x\n", .iov_len = 0 == round ? 2 : 1 };
        struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room) };
        assert_int_equal(tpi_local_ask_start(&ask, other, geteuid(), "page\n"), 0);
        const int peer = accept(listener, NULL, NULL);
        for (size_t i = 0; i < 10; i++) { many[i] = listener; }
        struct cmsghdr *const header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(many)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(header), many, sizeof(many));
        assert_int_equal(sendmsg(peer, &message, 0), (int)data.iov_len);
        int rc = tpi_local_ask_poll(ask, &fd);
        assert_int_equal(rc, 0 == round ? 1 : 0);
        for (int i = 0; 1 == round && 0 == rc && i < 100000; i++)
        {
            (void)send(peer, "yyyyyyyyyyyyyyyy", 16, MSG_DONTWAIT | MSG_NOSIGNAL);
            rc = tpi_local_ask_poll(ask, &fd);
        }
        if (1 == round) { assert_int_equal(rc, -1); assert_int_equal(tp_errcode(), TP_EPROTOCOL); }
        (void)close(peer);
        if (2 == round) { assert_int_equal(tpi_local_ask_poll(ask, &fd), -1); }
        tpi_local_ask_close(ask);
        if (fd >= 0) { (void)close(fd); }
    }
    (void)close(listener);
    (void)unlink(other);
    assert_int_equal(open_fds(), before);
}

static void a_shared_socket_has_its_own_mode_and_no_peer_can_hold_it__L_207(void **state)
{
    (void)state;
    struct stat st;
    char other[80];
    tpi_local_server_t *shared = NULL;
    (void)snprintf(other, sizeof(other), "%s.shared", path);
    assert_int_equal(tpi_local_server_open_shared(&shared, other, 0660), 0);
    assert_int_equal(stat(other, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    int fds[TPI_LOCAL_PEERS_MAX + 1];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", other);
    for (size_t i = 0; i <= TPI_LOCAL_PEERS_MAX; i++)
    {
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], (const struct sockaddr *)&address, sizeof(address)), 0);
        tpi_local_server_poll(shared, on_line, NULL);
    }
    assert_true(is_closed(fds[0]));                            /* the one that was there for longest */
    for (size_t i = 1; i <= TPI_LOCAL_PEERS_MAX; i++) { assert_false(is_closed(fds[i])); }
    assert_int_equal(tpi_local_server_counts(shared)->refused_full, 1);
    for (size_t i = 0; i <= TPI_LOCAL_PEERS_MAX; i++) { (void)close(fds[i]); }
    tpi_local_server_close(shared);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(lines_come_whole_however_they_are_cut), T(answers_that_wait_are_bounded__P11),
        T(a_path_longer_than_a_socket_can_have_is_refused),
        T(who_does_not_read_answers_gets_no_further_ones__P11),
        T(only_the_owner_may_connect__P12),
        T(a_line_too_long_or_with_a_zero_closes_the_peer__P11), T(the_number_of_peers_is_limited), T(a_tool_gets_its_answer_or_a_timeout),
        T(a_driver_that_accepts_nobody_costs_no_more_than_the_timeout), T(an_endless_timeout_is_no_timeout),
        T(a_leftover_socket_is_replaced_anything_else_is_not), T(an_answer_carries_a_descriptor__L_207),
        T(an_answer_without_descriptor_is_a_refusal__L_207), T(a_server_that_misbehaves_costs_nothing__L_207_P11),
        T(a_shared_socket_has_its_own_mode_and_no_peer_can_hold_it__L_207) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* See the header. The only state are the two paths. */
#include "bus/bus_test_rig.h"

#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static char base_dir[128];
static char other_dir[144];

int tpi_test_rig_start(const char *name)
{
    (void)snprintf(base_dir, sizeof(base_dir), "/dev/shm/tp-test-%d-%s", (int)getpid(), name);
    (void)snprintf(other_dir, sizeof(other_dir), "%s-other", base_dir);
    return mkdir(base_dir, 0700);
}

const char *tpi_test_dir(const char *name)
{
    static char dirs[8][192];
    static unsigned next;
    char *const dir = dirs[next++ % 8];
    (void)snprintf(dir, sizeof(dirs[0]), "%s/%s", base_dir, name);
    return dir;
}

const char *tpi_test_other_dir(void) { return other_dir; }

pid_t tpi_test_spawn(const char *role, const char *dir)
{
    char *const argv[] = { (char *)(uintptr_t)"self", (char *)(uintptr_t)role, (char *)(uintptr_t)dir, NULL };
    pid_t pid = 0;
    return 0 == posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) ? pid : -1;
}

int tpi_test_kill(pid_t pid) { return kill(pid, SIGKILL) < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0; }

void tpi_test_rest(void)
{
    const struct timespec pause = { .tv_nsec = 200000 };
    (void)nanosleep(&pause, NULL);
}

tpi_bus_t *tpi_test_bus(const char *aeron_dir)
{
    const tpi_bus_aeron_config_t config = { .aeron_dir = aeron_dir, .client_name = "bus test", .connect_timeout_ns = TPI_TEST_WAIT_NS };
    tpi_bus_t *bus = NULL;
    if (tpi_bus_aeron_open(&bus, &config) < 0) { fail_msg("%s; %s", tp_errmsg(), tp_errwhy()); }
    return bus;
}

tpi_publication_t *tpi_test_pub(tpi_bus_t *bus, const char *channel, int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *pub = NULL;
    assert_int_equal(tpi_bus_add_publication(bus, &async, channel, stream_id), 0);
    TPI_TEST_AWAIT(bus, 0 != tpi_bus_add_publication_poll(async, &pub));
    assert_non_null(pub);
    return pub;
}

tpi_subscription_t *tpi_test_sub(tpi_bus_t *bus, const tpi_subscription_config_t *config)
{
    tpi_bus_async_t *async = NULL;
    tpi_subscription_t *sub = NULL;
    assert_int_equal(tpi_bus_add_subscription(bus, &async, config), 0);
    TPI_TEST_AWAIT(bus, 0 != tpi_bus_add_subscription_poll(async, &sub));
    assert_non_null(sub);
    return sub;
}

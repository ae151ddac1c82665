/* What publisher and subscriber of tp bench share: the page, the client, the CPU they are pinned to, orders. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connect.h"
#include "out.h"

const cli_option_t bench_child_options[] = {
    CLI_OPT_TEXT("page", 0, page, "FILE", NULL),
    CLI_OPT_NUMBER("cpu", 0, cpu, "N", 0, CPU_SETSIZE - 1, NULL),
    CLI_OPT_END,
};

bench_page_t *bench_page_map(const char *path, size_t *bytes)
{
    struct stat info;
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    void *page = MAP_FAILED;
    if (fd >= 0 && 0 == fstat(fd, &info) && info.st_size >= (off_t)sizeof(bench_page_t))
    {
        page = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (MAP_FAILED == page) { cli_error(TP_EIO, NULL, "'%s' cannot be mapped: %s", path, strerror(errno)); }
    else { *bytes = (size_t)info.st_size; }
    if (fd >= 0) { close(fd); }
    return MAP_FAILED == page ? NULL : page;
}

/* This thread alone: the library's own threads were started before and go where there is room. */
static int pin(bench_child_t *child, uint64_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0)
    {
        return cli_error(TP_EINVAL, "--cpus A,B", "CPU %d cannot be had: %s", (int)cpu, strerror(errno));
    }
    child->pinned = true;
    return CLI_OK;
}

int bench_child_open(bench_child_t *child, const cli_args_t *args)
{
    if (NULL == args->page) { return cli_usage(args->verb->name, "--page is missing"); }
    child->page = bench_page_map(args->page, &child->page_bytes);
    if (NULL == child->page) { return CLI_FAILED; }
    const int code = cli_connect(args, &child->client, NULL);
    return CLI_OK == code && CLI_GIVEN(args->cpu) ? pin(child, args->cpu) : code;
}

void bench_child_close(bench_child_t *child)
{
    tp_client_close(child->client);
    if (NULL != child->page) { (void)munmap(child->page, child->page_bytes); }
}

int bench_child_order(demo_order_t *order)
{
    int got = 0;
    while (0 == got && !cli_stopped()) { got = demo_order_read(order, 200); }
    return 1 == got ? 1 : 0;
}

void bench_child_wait(const bench_child_t *child)
{
    if (!child->pinned) { (void)sched_yield(); return; }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

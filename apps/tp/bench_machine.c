/* What a figure was taken on, as far as the kernel tells. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

#define CPU_PATH "/sys/devices/system/cpu/cpu"

/* The first line of a file without its end; "" when it cannot be read. */
static void read_line(const char *path, char *line, size_t size)
{
    line[0] = '\0';
    FILE *file = fopen(path, "re");
    if (NULL == file) { return; }
    if (NULL == fgets(line, (int)size, file)) { line[0] = '\0'; }
    line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

static void read_cpu_name(bench_machine_t *machine)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(machine->cpu, sizeof(machine->cpu), "unknown CPU");
    while (NULL != file && NULL != fgets(line, sizeof(line), file))
    {
        const char *const colon = strchr(line, ':');
        if (NULL == colon || 0 != strncmp(line, "model name", 10)) { continue; }
        snprintf(machine->cpu, sizeof(machine->cpu), "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (NULL != file) { fclose(file); }
}

void bench_machine_read(bench_machine_t *machine)
{
    struct utsname system;
    double load = 0.0;
    memset(machine, 0, sizeof(*machine));
    read_cpu_name(machine);
    if (0 == uname(&system)) { snprintf(machine->kernel, sizeof(machine->kernel), "%s %s", system.sysname, system.release); }
    read_line(CPU_PATH "0/cpufreq/scaling_governor", machine->governor, sizeof(machine->governor));
    machine->cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    machine->cache_bytes = tp_cache_bytes();
    if (getloadavg(&load, 1) > 0) { machine->load = load; }
}

/* Package and core of a CPU in one number; -1 - cpu when unknown, so that it equals no other one's. */
static long core_of(int cpu)
{
    char path[128];
    char core[32];
    char package[32];
    snprintf(path, sizeof(path), CPU_PATH "%d/topology/core_id", cpu);
    read_line(path, core, sizeof(core));
    snprintf(path, sizeof(path), CPU_PATH "%d/topology/physical_package_id", cpu);
    read_line(path, package, sizeof(package));
    return '\0' != core[0] ? strtol(package, NULL, 10) * 100000 + strtol(core, NULL, 10) : -1L - cpu;
}

bool bench_machine_cpus(int cpus[2])
{
    cpu_set_t set;
    int first = -1;
    int second = -1;
    if (sched_getaffinity(0, sizeof(set), &set) < 0) { return false; }
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    {
        if (!CPU_ISSET((size_t)cpu, &set)) { continue; }
        if (first < 0) { first = cpu; continue; }
        if (second < 0) { second = cpu; }
        if (core_of(cpu) != core_of(first)) { second = cpu; break; }
    }
    if (second < 0) { return false; }
    cpus[0] = first;
    cpus[1] = second;
    return true;
}

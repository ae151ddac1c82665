/* Directories and processes of tests with real media drivers. For tests only. */
#ifndef TPI_BUS_BUS_TEST_RIG_H
#define TPI_BUS_BUS_TEST_RIG_H

#include <sys/types.h>

/* Makes a directory below /dev/shm. tests/leftovers.c removes it when this process ends, however it ends. First call of main. */
int tpi_test_rig_start(const char *name);
/* A path in it. One of eight buffers. */
const char *tpi_test_dir(const char *name);
/* A path beside it, where a search for living drivers finds it; removed as well. */
const char *tpi_test_other_dir(void);
/* This program again, with a role and a directory as arguments. -1 when that fails. */
pid_t tpi_test_spawn(const char *role, const char *dir);
/* SIGKILL, and waits for the end. */
int tpi_test_kill(pid_t pid);

#endif

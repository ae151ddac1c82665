/*
 * The private directory of a demo below /dev/shm: media driver, regions and endpoint file all lie in it. It is owned by whoever holds the lock on its
 * file "lock": the demo and its guardian, a process that waits for the demo's end on a pipe and removes the directory if the demo could not.
 */
#ifndef APPS_TP_DEMO_DIR_H
#define APPS_TP_DEMO_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct cli_demo_dir
{
    char path[128];
    int lock_fd;
    int guard_fd;                      /* writing end of the guardian's pipe */
    pid_t guardian;
}
cli_demo_dir_t;

/* Makes and locks the directory and starts the guardian. Fails without that much free memory. Prints what fails; returns the exit code. */
int cli_demo_dir_make(cli_demo_dir_t *dir, uint64_t needed_bytes);
/* Removes everything and lets the guardian go. False when something could not be removed. */
bool cli_demo_dir_remove(cli_demo_dir_t *dir);

/* Removes the directories of demos nobody holds the lock of; how many. With look_only nothing is removed. */
unsigned cli_demo_clean(bool look_only);
/* rm -rf, on one file system, without following links. */
bool cli_remove_tree(const char *path);

#endif

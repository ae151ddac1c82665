/*
 * The media driver's command-and-control file (cnc.dat): who runs there, is it alive, and its counters. Read with pread only, so that a
 * file that shrinks under the reader is an error and not a signal; every number in it is checked. Layout: Aeron CnC version 0.x.
 */
#ifndef TPI_BUS_CNC_H
#define TPI_BUS_CNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TPI_CNC_META_BYTES 128          /* version and lengths, before the first buffer */
#define TPI_CNC_RB_TRAILER 768          /* of the commands ring: positions, correlation counter, heartbeat */
#define TPI_CNC_RB_TAIL 128
#define TPI_CNC_RB_HEAD 384
#define TPI_CNC_RB_HEARTBEAT 640
#define TPI_CNC_METADATA_BYTES 512
#define TPI_CNC_VALUE_BYTES 128
#define TPI_CNC_COUNTER_TYPE_ID 4       /* of its metadata, which begin with the state */
#define TPI_CNC_COUNTER_UNUSED 0        /* this one and all behind it */
#define TPI_CNC_COUNTER_ALLOCATED 1
#define TPI_CNC_HEARTBEAT_GONE (-1)     /* a driver that shut down in order leaves this */
#define TPI_CNC_DEFAULT_TIMEOUT_MS 10000

typedef struct tpi_cnc_layout
{
    int32_t version;
    int64_t to_driver_length;
    int64_t metadata_at, metadata_length;
    int64_t values_at, values_length;
    int64_t errors_at, errors_length;
    int64_t client_liveness_ns;
    int64_t start_ms;
    int64_t pid;
    int64_t file_length;
    uid_t owner;
}
tpi_cnc_layout_t;

typedef enum tpi_cnc_state
{
    TPI_CNC_ABSENT,                     /* no such file or directory */
    TPI_CNC_STARTING,                   /* the file is there but not ready yet */
    TPI_CNC_UNUSABLE,                   /* cannot be opened, or breaks the layout */
    TPI_CNC_DEAD,
    TPI_CNC_ALIVE
}
tpi_cnc_state_t;

typedef struct tpi_cnc_info
{
    tpi_cnc_layout_t layout;
    int64_t heartbeat_ms;
    char problem[160];                  /* why it is not ALIVE */
}
tpi_cnc_info_t;

/* Counters that there is room for. */
static inline int64_t tpi_cnc_counters_max(const tpi_cnc_layout_t *layout)
{
    const int64_t by_metadata = layout->metadata_length / TPI_CNC_METADATA_BYTES;
    const int64_t by_values = layout->values_length / TPI_CNC_VALUE_BYTES;
    return by_metadata < by_values ? by_metadata : by_values;
}

/* Opens dir/cnc.dat and checks the layout. Descriptor, or -1 with *state and problem set; no error text. */
int tpi_cnc_open(const char *dir, tpi_cnc_layout_t *layout, tpi_cnc_state_t *state, char *problem, size_t problem_size);
/* One 64-bit word of the commands ring's trailer; false when it cannot be read any more. */
bool tpi_cnc_read_trailer(int fd, const tpi_cnc_layout_t *layout, int64_t trailer_offset, int64_t *value);
/* Looks once, does not wait. A driver whose process is gone or whose heartbeat is older than timeout_ms (CLOCK_REALTIME) is dead. */
tpi_cnc_state_t tpi_cnc_probe(const char *dir, int64_t timeout_ms, tpi_cnc_info_t *info);
/* "a driver is alive at /dev/shm/aeron-root (pid 812, user root)", several with "; ", "" for none. Bounded search below base. */
void tpi_cnc_list_alive(const char *base, const char *except_dir, char *text, size_t size, char *first_dir, size_t first_dir_size);
/* Sets TP_ENOMEDIADRIVER for a directory where nobody answers: why, who is alive elsewhere, what to do. Always -1. */
int tpi_cnc_refuse(const char *dir, tpi_cnc_state_t state, const char *problem);
/* Does the process exist? False only when the kernel says so; a process of another pid namespace looks gone. */
bool tpi_cnc_process_exists(int64_t pid);
void tpi_cnc_user_name(uid_t uid, char *name, size_t size);

#endif

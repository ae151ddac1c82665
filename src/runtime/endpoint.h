/*
 * The endpoint file: key=value text that a running driver writes so that nothing needs configuring on one host. Written atomically (temporary name,
 * rename), mode 0644, write-locked by the driver for as long as it lives (alive = that lock is held; it takes the right to write), removed at its
 * end.
 *
 * Directory, first that applies: TP_RUNTIME_DIR; $XDG_RUNTIME_DIR/tensor_pool; /run/tensor_pool (root); /tmp/tensor_pool-<uid>. Readers look into
 * their own directory, then /run/tensor_pool. A file counts only when its owner is the reader, root, or the owner of its directory, and
 * nobody else can write file or directory. Name: <instance_id sanitized>.endpoint.
 */
#ifndef TPI_RUNTIME_ENDPOINT_H
#define TPI_RUNTIME_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPI_ENDPOINT_TEXT_MAX 1024

typedef struct tpi_endpoint
{
    char file[TPI_ENDPOINT_TEXT_MAX];
    char instance_id[128];
    int64_t pid;
    uint64_t start_ns;                 /* CLOCK_REALTIME: with pid it tells one driver instance from the next */
    uint64_t instance_token;           /* random, new for each driver process */
    char aeron_dir[TPI_ENDPOINT_TEXT_MAX];
    bool embedded_media_driver;
    char control_channel[TPI_ENDPOINT_TEXT_MAX];     int32_t control_stream_id;
    char announce_channel[TPI_ENDPOINT_TEXT_MAX];    int32_t announce_stream_id;
    char descriptor_channel[TPI_ENDPOINT_TEXT_MAX];  int32_t descriptor_stream_id;
    char qos_channel[TPI_ENDPOINT_TEXT_MAX];         int32_t qos_stream_id;
    char metadata_channel[TPI_ENDPOINT_TEXT_MAX];    int32_t metadata_stream_id;
    char discovery_channel[TPI_ENDPOINT_TEXT_MAX];   int32_t discovery_stream_id;       /* "" and 0: no embedded provider */
    char shm_base_dir[TPI_ENDPOINT_TEXT_MAX];
    char shm_namespace[128];
    char socket_path[TPI_ENDPOINT_TEXT_MAX];
    char wake_path[TPI_ENDPOINT_TEXT_MAX];     /* socket that hands over wake-up pages; "" = none */
    uint32_t announce_period_ms;
    uint32_t keepalive_interval_ms;
    bool mlock_shm;                    /* policies.mlock_shm: clients lock what they map, too */
    uint32_t owner_uid;                /* of the file; not in its text */
}
tpi_endpoint_t;

typedef struct tpi_endpoint_writer tpi_endpoint_writer_t;

/* runtime_dir NULL or "" = default. TP_EOWNED when a living driver holds the same instance id. */
int tpi_endpoint_write(tpi_endpoint_writer_t **writer, const char *runtime_dir, tpi_endpoint_t *endpoint);
void tpi_endpoint_remove(tpi_endpoint_writer_t *writer);        /* accepts NULL */

typedef void (*tpi_on_endpoint_t)(void *clientd, const tpi_endpoint_t *endpoint, bool alive);
int tpi_endpoint_foreach(tpi_on_endpoint_t handler, void *clientd);      /* number of readable files, or -1; TP_ENOMEM: there may be more */
/* The living driver to use: the named instance, else the only one alive, else the first of the own user. 0 found, 1 none, -1
 * cannot be told for want of descriptors or memory (TP_ENOMEM). */
int tpi_endpoint_find(tpi_endpoint_t *endpoint, const char *instance_id);
int tpi_endpoint_read(tpi_endpoint_t *endpoint, const char *file, bool *alive);
int tpi_endpoint_default_dir(char *buffer, size_t size);

/* An eye on the file of a driver that was found: two system calls tell whether all is as it was, without looking for the file, reading it, or asking
 * who the user is. */
typedef struct tpi_endpoint_watch
{
    int fd;                            /* -1: none */
    int64_t changed_s;                 /* ctime of the file: replaced, removed, linked or given another owner or mode, it changes */
    int64_t changed_ns;
    uint32_t mode;
    uint32_t uid;
    int64_t size_bytes;
}
tpi_endpoint_watch_t;

void tpi_endpoint_watch_init(tpi_endpoint_watch_t *watch);
/* 0 when the file is there, is that of this very driver, and the driver lives; otherwise -1, and nothing is watched. */
int tpi_endpoint_watch_open(tpi_endpoint_watch_t *watch, const tpi_endpoint_t *endpoint);
/* The driver lives and its file is unchanged in its place. false: look for drivers anew. */
bool tpi_endpoint_watch_holds(const tpi_endpoint_watch_t *watch);
void tpi_endpoint_watch_close(tpi_endpoint_watch_t *watch);

#endif

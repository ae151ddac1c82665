/*
 * A driver with its media driver inside, one stream, and a client, all in this process and in private directories below one that the caller made.
 * For programs of the suite that need no other process. Functions return 0, or -1 and have said why on standard error.
 */
#ifndef BENCH_ONE_DRIVER_H
#define BENCH_ONE_DRIVER_H

#include <tensor_pool/tp_services.h>

#define ONE_STREAM 10000u

typedef struct one_driver
{
    char aeron_dir[256];
    char shm_dir[256];
    char runtime_dir[256];
    const char *descriptor_channel;            /* to be set before the start; NULL: the default one */
    tp_driver_t *driver;
    tp_client_t *client;
}
one_driver_t;

/* nslots 0: the streams of a driver without configuration file, 32 slots in three pools. */
int one_driver_start(one_driver_t *one, const char *dir, uint32_t nslots, uint32_t stride_bytes);
/* The client alone, in another process, at a driver that runs there below that directory. */
int one_driver_join(one_driver_t *one, const char *dir);
/* After producers and consumers; also what a start left half done. */
void one_driver_stop(one_driver_t *one);
int one_driver_producer(one_driver_t *one, tp_producer_t **producer);
int one_driver_consumer(one_driver_t *one, tp_consumer_t **consumer);
int one_driver_observer(one_driver_t *one, tp_consumer_t **observer);          /* follows the ring alone */
int one_driver_fail(const char *what);         /* -1; says it with the last error's text */

#endif

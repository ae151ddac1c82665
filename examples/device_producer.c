/*
 * A producer whose pictures are written by a device (DMA): the device is told fixed buffers once, four of them are always queued ahead, and they are
 * committed as the device finishes them. Consumers that ask for it hear how many rows are there. Stream 10000 until SIGTERM or so many seconds.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tensor_pool/tp.h>

#define QUEUED 4
#define ROWS 480
#define STEP 60                        /* rows the device writes at a time */

static volatile sig_atomic_t stopped = 0;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* Stands for the device: knows base, stride and which buffer comes next; writes some rows. */
static void device_writes(const tp_announced_buffers_t *buffers, uint64_t seq, int row)
{
    const struct timespec pause = { .tv_sec = 0, .tv_nsec = 1000000 };
    uint8_t *const buffer = (uint8_t *)buffers->base + (seq & (buffers->count - 1)) * buffers->stride_bytes;
    (void)nanosleep(&pause, NULL);
    memset(buffer + (size_t)row * 640 * 2, (int)seq, (size_t)STEP * 640 * 2);
}

/* One picture, told row by row; its buffer goes to the end of the queue. Negative: the lease is gone, with it the buffers. */
static int64_t one_picture(tp_producer_t *cam, const tp_tensor_template_t *shape, const tp_announced_buffers_t *buffers, tp_buffer_claim_t *claim)
{
    for (int row = 0; row < ROWS; row += STEP)
    {
        (void)tp_producer_offer_progress_units(cam, claim, (uint32_t)row);
        device_writes(buffers, claim->seq, row);
    }
    const int64_t rc = tp_producer_commit_claim(cam, claim, NULL);         /* capture time: now */
    if (TP_LEASE_LOST == rc || TP_CLOSED == rc) { return rc; }
    return tp_producer_queue_claim(cam, shape, buffers, claim);
}

static void run_device(tp_producer_t *cam, const tp_tensor_template_t *shape)
{
    tp_announced_buffers_t buffers;
    tp_buffer_claim_t claims[QUEUED] = { { .size = 0 } };
    if (tp_producer_announce_buffers(cam, (size_t)tp_tensor_extent_bytes(tp_tensor_template_tensor(shape)), &buffers) < 0) { return; }
    int64_t rc = 0;
    for (int i = 0; i < QUEUED && rc >= 0; i++) { rc = tp_producer_queue_claim(cam, shape, &buffers, &claims[i]); }
    for (int i = 0; 0 == stopped && rc >= 0; i = (i + 1) % QUEUED) { rc = one_picture(cam, shape, &buffers, &claims[i]); }
    for (int i = 0; i < QUEUED; i++) { (void)tp_producer_abort_claim(cam, &claims[i]); }
    (void)tp_producer_revoke_buffers(cam, &buffers);                       /* here the device has stopped */
}

int main(int argc, char **argv)
{
    tp_client_t *client = NULL;
    tp_producer_t *cam = NULL;
    tp_tensor_template_t *shape = NULL;
    const int32_t dims[] = { ROWS, 640 };
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGALRM, on_signal);
    if (argc > 1) { (void)alarm((unsigned)strtoul(argv[1], NULL, 10)); }
    int rc = tp_connect(&client, NULL);
    if (0 == rc) { rc = tp_producer_open(&cam, client, 10000); }
    if (0 == rc) { rc = tp_tensor_template_init_strided(&shape, TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, dims, NULL, TP_PROGRESS_ROWS); }
    if (rc < 0) { (void)fprintf(stderr, "%s\n", tp_errmsg()); }
    while (0 == rc && 0 == stopped) { run_device(cam, shape); }            /* again after a lost lease: other regions, other buffers */
    tp_tensor_template_close(shape);
    tp_producer_close(cam);
    tp_client_close(client);
    return 0 == rc ? EXIT_SUCCESS : EXIT_FAILURE;
}

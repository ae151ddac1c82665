/*
 * The smallest producer: 640x480 16-bit frames on stream 10000 until SIGINT, SIGTERM or the given number of seconds.
 * What stands between the two marks is the text of docs/design/api.md, letter by letter (tools/check_examples.py).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <tensor_pool/tp.h>

static volatile sig_atomic_t stopped = 0;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* Stands for the camera: waits for the next picture, 100 a second, and writes it where it will be read. */
static void grab_image(void *payload)
{
    static uint16_t count = 0;
    uint16_t *const pixel = payload;
    const struct timespec pause = { .tv_sec = 0, .tv_nsec = 10000000 };
    (void)nanosleep(&pause, NULL);
    for (size_t i = 0; i < (size_t)480 * 640; i++) { pixel[i] = count; }
    count++;
}

static bool keep_running(const tp_producer_t *producer)
{
    return NULL != producer && 0 == stopped;
}

int main(int argc, char **argv)
{
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGALRM, on_signal);
    if (argc > 1) { (void)alarm((unsigned)strtoul(argv[1], NULL, 10)); }

#define running keep_running(cam)
    /* --- docs/design/api.md --- */
    /* producer: 640x480 16-bit frames */
    tp_client_t *client = NULL; tp_producer_t *cam = NULL; tp_tensor_template_t *shape = NULL;
    tp_connect(&client, NULL);                                   /* defaults, environment, the running driver's endpoint; starts the agent thread */
    tp_producer_open(&cam, client, 10000);                       /* attaches, maps, keeps the lease, reattaches */
    tp_tensor_template_init(&shape, TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, (int32_t[]){480, 640});
    while (running) {
        tp_buffer_claim_t claim;
        if (tp_producer_try_claim(cam, shape, &claim) >= 0) { grab_image(claim.payload); tp_producer_commit_claim(cam, &claim, NULL); }
    }
    /* --- docs/design/api.md --- */

    int status = EXIT_SUCCESS;
    if (NULL == cam)
    {
        char text[1024];
        (void)tp_err_format(text, sizeof(text));
        (void)fprintf(stderr, "%s\n", text);
        status = EXIT_FAILURE;
    }
    tp_tensor_template_close(shape);
    tp_producer_close(cam);
    tp_client_close(client);
    return status;
}

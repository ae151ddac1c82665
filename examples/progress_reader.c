/* Hears how far pictures are while they are taken, and reads them when they are there: stream 10000, the given number of frames. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <tensor_pool/tp.h>

static _Atomic unsigned long started, reports, completed;

/* On the client's agent thread, so it does little. Before the commit the number is all there is; no byte may be read on the strength of it. */
static void on_progress(void *clientd, const tp_frame_progress_t *progress)
{
    (void)clientd;
    switch (progress->state)
    {
        case TP_FRAME_STARTED: started++; break;
        case TP_FRAME_COMPLETE: completed++; break;
        default: reports++; break;
    }
}

static int fail(void)
{
    (void)fprintf(stderr, "%s\n", tp_errmsg());
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    tp_client_t *client = NULL;
    tp_consumer_t *in = NULL;
    tp_frame_view_t view;
    unsigned long used = 0;
    unsigned long discarded = 0;
    const unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    if (tp_connect(&client, NULL) < 0) { return fail(); }
    if (tp_consumer_open(&in, client, 10000) < 0 || tp_consumer_set_progress_handler(in, on_progress, NULL) < 0) { return fail(); }
    while (used < wanted)
    {
        const int rc = tp_consumer_next(in, &view, INT64_C(1000000000));
        if (rc < 0) { break; }
        if (0 == rc) { continue; }
        if (tp_frame_view_is_valid(&view)) { used++; }
        else { discarded++; }
    }
    (void)tp_consumer_set_progress_handler(in, NULL, NULL);                /* nothing is sent any more when nobody listens */
    (void)printf("%lu frames used, %lu discarded; progress: %lu started, %lu reports between, %lu complete\n", used, discarded,
        (unsigned long)started, (unsigned long)reports, (unsigned long)completed);
    tp_consumer_close(in);
    tp_client_close(client);
    return used >= wanted && started > 0 && reports > 0 && completed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * The smallest consumer: reads stream 10000 in place until the given number of frames (default: for ever).
 * What stands between the two marks is the text of docs/design/api.md, letter by letter (tools/check_examples.py).
 */
#include <stdio.h>
#include <stdlib.h>

#include <tensor_pool/tp.h>

static unsigned long used, discarded, wanted, sum;
static tp_client_t *client = NULL;
static tp_consumer_t *in = NULL;

static void finish(void)
{
    (void)printf("%lu frames used, %lu discarded, sum %lu\n", used, discarded, sum);
    tp_consumer_close(in);
    tp_client_close(client);
}

/* Stands for the work: adds up two corners. The result counts only when the frame was valid until the end. */
static void use(const void *payload, const tp_tensor_t *tensor)
{
    if (0 != wanted && used == wanted) { exit(EXIT_SUCCESS); }
    const uint16_t *const pixel = payload;
    const size_t last = (size_t)tensor->dims[0] * (size_t)tensor->dims[1] - 1;
    sum += (unsigned long)pixel[0] + pixel[last];
    used++;
}

static void discard(void)
{
    used--;
    discarded++;
}

static int fail(void)
{
    char text[1024];
    (void)tp_err_format(text, sizeof(text));
    (void)fprintf(stderr, "%s\n", text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    tp_frame_view_t view;
    int rc;
    wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (tp_connect(&client, NULL) < 0) { return fail(); }
    (void)atexit(finish);

    /* --- docs/design/api.md --- */
    /* consumer */
    tp_consumer_open(&in, client, 10000);
    while ((rc = tp_consumer_next(in, &view, 1000000000)) >= 0) {
        if (1 == rc) { use(view.payload, view.tensor); if (!tp_frame_view_is_valid(&view)) { discard(); } }
    }
    /* --- docs/design/api.md --- */

    return NULL == in ? fail() : EXIT_SUCCESS;
}

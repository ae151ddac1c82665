/*
 * Discovery: gives a stream a name, finds it by that name, and lists what there is. Producer and consumer are one program here, so that it can be
 * tried alone; needs a driver and a discovery provider (examples/embedded.c, or tp_driver with a table [discovery]). Reads so many frames.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tensor_pool/tp.h>

static int fail(void)
{
    (void)fprintf(stderr, "%s\n", tp_errmsg());
    return EXIT_FAILURE;
}

/* The other end: whoever writes a stream gives it its name. */
static int open_producer(tp_producer_t **cam, tp_client_t *client)
{
    if (tp_producer_open(cam, client, 10000) < 0) { return -1; }
    return tp_producer_set_data_source(*cam, "front-door", "the camera above the front door");
}

/* Asks once for everything; tp_discovery_filter_t narrows it down to names, tags, ids. */
static int list(tp_client_t *client)
{
    tp_discovery_client_t *discovery = NULL;
    tp_discovery_response_t *response = NULL;
    tp_discovery_result_t stream = { .size = sizeof(stream) };
    if (tp_discovery_client_init(&discovery, client, NULL) < 0) { return -1; }
    const int rc = tp_discovery_find(discovery, NULL, INT64_C(5000000000), &response);
    for (uint32_t i = 0; 0 == rc && tp_discovery_response_at(response, i, &stream) == 0; i++)
    {
        (void)printf("stream %u at driver %s: '%s'\n", stream.stream_id, stream.driver_instance, stream.name);
    }
    tp_discovery_response_free(response);
    tp_discovery_client_close(discovery);
    return rc;
}

/* A name is known as soon as the provider has heard it; until then the answer is TP_ENOENT. */
static int open_by_name(tp_consumer_t **in, tp_client_t *client, const char *name)
{
    const struct timespec pause = { .tv_nsec = 100000000 };
    for (int tries = 0; tries < 300; tries++)
    {
        if (tp_consumer_open_named(in, client, name) == 0) { return 0; }
        if (TP_ENOENT != tp_errcode()) { break; }
        (void)nanosleep(&pause, NULL);
    }
    return -1;
}

int main(int argc, char **argv)
{
    tp_client_t *client = NULL;
    tp_producer_t *cam = NULL;
    tp_consumer_t *in = NULL;
    tp_tensor_template_t *shape = NULL;
    tp_frame_view_t view;
    unsigned long used = 0;
    unsigned long discarded = 0;
    const uint16_t picture[8] = { 0 };
    const int32_t dims[] = { 2, 4 };
    const unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    if (tp_connect(&client, NULL) < 0 || open_producer(&cam, client) < 0) { return fail(); }
    if (open_by_name(&in, client, "front-door") < 0 || list(client) < 0) { return fail(); }
    if (tp_tensor_template_init(&shape, TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, dims) < 0) { return fail(); }
    while (used < wanted)
    {
        (void)tp_producer_offer_frame(cam, shape, picture, sizeof(picture), NULL);
        if (1 != tp_consumer_next(in, &view, INT64_C(100000000))) { continue; }
        if (tp_frame_view_is_valid(&view)) { used++; }
        else { discarded++; }
    }
    (void)printf("%lu frames used, %lu discarded\n", used, discarded);
    tp_consumer_close(in);
    tp_producer_close(cam);
    tp_tensor_template_close(shape);
    tp_client_close(client);
    return EXIT_SUCCESS;
}

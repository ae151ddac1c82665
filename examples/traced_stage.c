/*
 * A stage of a traced pipeline: reads stream IN (10000), adds up every two frames into one on stream OUT (10001), and says which frames went into
 * it. Run sources with TP_TRACE=1, watch with: tp trace record. Usage: traced_stage [FRAMES [IN [OUT]]], 0 = for ever.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <tensor_pool/tp.h>

static tp_client_t *client;
static tp_consumer_t *in;
static tp_producer_t *out;
static tp_tensor_template_t *shape;
static tp_trace_stage_t *stage;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static int fail(void)
{
    char text[1024];
    (void)tp_err_format(text, sizeof(text));
    (void)fprintf(stderr, "%s\n", text);
    return EXIT_FAILURE;
}

/* The checksum stands for the work of the stage. */
static uint64_t sum_of(const tp_frame_view_t *view)
{
    const uint8_t *const bytes = view->payload;
    uint64_t sum = 0;
    for (size_t i = 0; i < view->payload_bytes; i++) { sum += bytes[i]; }
    return sum;
}

/* Two inputs, one output: their links go out behind the frame, by themselves. */
static int run(unsigned long wanted)
{
    tp_frame_view_t view;
    tp_buffer_claim_t claim;
    uint64_t sums[2] = { 0, 0 };
    unsigned long inputs = 0, used = 0, discarded = 0;
    while (!stopped && (0 == wanted || used < wanted))
    {
        const int rc = tp_consumer_next(in, &view, 100000000);
        if (rc < 0) { return EXIT_FAILURE; }
        if (0 == rc) { continue; }
        sums[inputs % 2] = sum_of(&view);
        if (!tp_frame_view_is_valid(&view)) { discarded++; continue; }
        if (0 == inputs % 2) { tp_trace_stage_clear(stage); }
        (void)tp_trace_stage_add_input(stage, &view);
        if (1 == inputs++ % 2 && tp_producer_try_claim(out, shape, &claim) >= 0)
        {
            ((uint64_t *)claim.payload)[0] = sums[0] + sums[1];
            (void)tp_trace_stage_commit(stage, &claim, NULL);
            used++;
        }
    }
    (void)printf("%lu frames used, %lu discarded, last trace id %llu\n", used, discarded, (unsigned long long)tp_trace_stage_last_trace_id(stage));
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    const uint32_t from = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10000;
    const uint32_t to = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 10001;
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    int code = EXIT_FAILURE;
    if (tp_connect(&client, NULL) < 0 || tp_consumer_open(&in, client, from) < 0 || tp_producer_open(&out, client, to) < 0 ||
        tp_tensor_template_init(&shape, TP_DTYPE_UINT64, TP_ROW_MAJOR, 1, (int32_t[]){ 1 }) < 0 ||
        tp_trace_stage_init(&stage, out, TP_TRACE_JOIN) < 0)
    {
        code = fail();
    }
    else { code = run(wanted); }
    tp_trace_stage_close(stage);
    tp_consumer_close(in);
    tp_producer_close(out);
    tp_tensor_template_close(shape);
    tp_client_close(client);
    return code;
}

/*
 * A stage with three inputs: for each frame of stream 10000 the nearest ones in time of 10001 and 10002; the sum of their first pixels goes to stream
 * 20000. An input that is silent for a second is left out. Usage: three_input_join [OUTPUTS], 0 = for ever.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <tensor_pool/tp.h>

static tp_producer_t *out;
static tp_tensor_template_t *shape;
static unsigned long used, discarded, partial;
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

/* One call an output. The views live until it returns; what was read counts only when all of them were valid until the end. */
static void on_joined(void *clientd, const tp_joined_t *joined)
{
    tp_buffer_claim_t claim;
    uint64_t sum = 0;
    (void)clientd;
    for (uint32_t i = 0; i < joined->view_count; i++) { sum += *(const uint16_t *)joined->views[i].payload; }
    if (!tp_joined_is_valid(joined)) { discarded++; return; }
    used++;
    partial += 0 != joined->absent_count ? 1 : 0;
    if (tp_producer_try_claim(out, shape, &claim) < 0) { return; }
    *(uint64_t *)claim.payload = sum;
    (void)tp_producer_commit_claim(out, &claim, NULL);
}

static void report(const tp_join_t *join)
{
    tp_join_stats_t s = { .size = sizeof(s) };
    (void)printf("%lu frames used, %lu discarded, %lu without one of the inputs\n", used, discarded, partial);
    if (tp_join_stats(join, &s) < 0) { return; }
    (void)printf("%llu frames = %llu joined + %llu waiting", (unsigned long long)s.frames, (unsigned long long)s.joined,
        (unsigned long long)s.waiting);
    for (int i = 0; i < TP_UNJOINED_REASONS; i++)
    {
        if (0 != s.unjoined[i]) { (void)printf(" + %llu %s", (unsigned long long)s.unjoined[i], tp_unjoined_name(i)); }
    }
    (void)printf("\n");
}

int main(int argc, char **argv)
{
    const unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    tp_merge_rule_t rules[3] = { { .input_stream_id = 10000 }, { .input_stream_id = 10001 }, { .input_stream_id = 10002 } };
    tp_merge_map_t map = TP_MERGE_MAP_INIT;
    tp_join_options_t options = TP_JOIN_OPTIONS_INIT;
    tp_client_t *client = NULL;
    tp_join_t *join = NULL;
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    for (int i = 0; i < 3; i++) { rules[i].source = TP_TIME_CAPTURED; }
    map.kind = TP_MERGE_TIMESTAMP;
    map.clock_domain = TP_CLOCK_MONOTONIC;
    map.out_stream_id = 20000;
    map.epoch = 1;
    map.stale_timeout_ns = 1000000000;
    map.rules = rules;
    map.rule_count = 3;
    options.kind = TP_JOIN_TIMESTAMP;
    options.match = TP_JOIN_NEAREST;
    options.allow_stale = true;
    int code = EXIT_FAILURE;
    if (tp_connect(&client, NULL) < 0 || tp_producer_open(&out, client, 20000) < 0 ||
        tp_tensor_template_init(&shape, TP_DTYPE_UINT64, TP_ROW_MAJOR, 1, (int32_t[]){ 1 }) < 0 ||
        tp_join_open(&join, client, &options, &map) < 0)
    {
        code = fail();
    }
    else
    {
        (void)tp_join_set_handler(join, on_joined, NULL);
        while (!stopped && (0 == wanted || used < wanted) && tp_join_wait(join, 1, 100000000) >= 0) { }
        report(join);
        code = EXIT_SUCCESS;
    }
    tp_join_close(join);
    tp_tensor_template_close(shape);
    tp_producer_close(out);
    tp_client_close(client);
    return code;
}

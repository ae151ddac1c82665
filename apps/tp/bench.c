/* tp bench: the plan, the rounds, the end. Single-threaded: one chunk of work after the other, nothing of ours runs beside what is measured. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "connect.h"
#include "number.h"
#include "out.h"
#include "verbs.h"

#define SECONDS 10.0
#define ROUNDS 7
#define TRIES_A_ROUND 3
#define ENOUGH_FOR_P999 1000

static const cli_option_t options[] = {
    CLI_OPT_TEXT("sizes", 0, sizes, "LIST", "payload bytes, ascending (default 64,4K,64K,1M,4M)"),
    CLI_OPT_TEXT("consumers", 0, consumers, "LIST", "numbers of consumers for the publish cost (default 1,8,32,128)"),
    CLI_OPT_TEXT("cpus", 0, cpus, "A,B", "CPUs of publisher and subscriber (default: two of different cores, if there are)"),
    CLI_OPT_END,
};

static bool parse_cpus(const char *text, int cpus[2])
{
    char first[16];
    uint64_t numbers[2];
    const size_t length = strcspn(text, ",");
    if (',' != text[length] || length >= sizeof(first)) { return false; }
    memcpy(first, text, length);
    first[length] = '\0';
    if (!cli_parse_u64(first, 0, 4095, &numbers[0]) || !cli_parse_u64(text + length + 1, 0, 4095, &numbers[1])) { return false; }
    cpus[0] = (int)numbers[0];
    cpus[1] = (int)numbers[1];
    return cpus[0] != cpus[1];
}

static int make_plan(bench_stage_t *stage, const cli_args_t *args)
{
    bench_plan_t *const plan = &stage->plan;
    const char *const sizes = NULL != args->sizes ? args->sizes : "64,4K,64K,1M,4M";
    const char *const consumers = NULL != args->consumers ? args->consumers : "1,8,32,128";
    stage->own_driver = NULL == args->driver && NULL == args->aeron_dir;
    plan->rounds = (int)CLI_OR(args->count, ROUNDS);
    if (CLI_OR(args->count, 1) > BENCH_ROUNDS_MAX) { return cli_usage("bench", "--count: at most %d rounds", BENCH_ROUNDS_MAX); }
    if (!bench_plan_numbers(sizes, 1, BENCH_SIZE_MOST, BENCH_SIZES_MAX, plan->sizes, &plan->size_count))
    {
        return cli_usage("bench", "--sizes '%s': 1 to %d sizes, ascending, such as 64,4K,1M; at most 64M", sizes, BENCH_SIZES_MAX);
    }
    if (!bench_plan_numbers(consumers, 1, BENCH_CONSUMERS_MOST, BENCH_CONSUMERS_MAX, plan->consumers, &plan->consumers_count))
    {
        return cli_usage("bench", "--consumers '%s': 1 to %d numbers, ascending, each 1 to %d", consumers, BENCH_CONSUMERS_MAX, BENCH_CONSUMERS_MOST);
    }
    if (stage->own_driver && args->positional_count > 0) { return cli_usage("bench", "a STREAM is measured with --driver or --aeron-dir"); }
    if (!stage->own_driver && 0 == args->positional_count) { return cli_usage("bench", "which STREAM of that driver? One without a producer"); }
    stage->cpus[0] = stage->cpus[1] = -1;
    if (NULL == args->cpus) { (void)bench_machine_cpus(stage->cpus); }
    else if (!parse_cpus(args->cpus, stage->cpus)) { return cli_usage("bench", "--cpus '%s': two numbers, such as 2,3", args->cpus); }
    bench_plan_share(plan, args->seconds >= 0.0 ? args->seconds : SECONDS);
    return CLI_OK;
}

static void keep(bench_latency_t *to, int round, const bench_record_t *published, const bench_record_t *read, double floor)
{
    to->p50[round] = (double)read->p50_ns;
    to->p99[round] = (double)read->p99_ns;
    to->p999[round] = read->count >= ENOUGH_FOR_P999 ? (double)read->p999_ns : -1.0;
    to->ratio[round] = floor > 0.0 ? (double)read->p50_ns / floor : 0.0;
    if ((double)read->max_ns > to->max) { to->max = (double)read->max_ns; }
    to->count += read->count;
    to->lost += published->lost;
}

/* Floor, every size, floor. *agree: whether the round counts. */
static int latency_round(bench_stage_t *stage, bench_result_t *result, int round, bool last_chance, bool *counts)
{
    bench_record_t published[BENCH_SIZES_MAX + 2] = { { 0 } };
    bench_record_t read[BENCH_SIZES_MAX + 2] = { { 0 } };
    const int sizes = stage->plan.size_count;
    int code = CLI_OK;
    for (int i = 0; CLI_OK == code && i < sizes + 2; i++)
    {
        const bool floor = 0 == i || sizes + 1 == i;
        code = bench_stage_chunk(stage, floor ? BENCH_FLOOR : BENCH_LATENCY, floor ? 0 : stage->plan.sizes[i - 1], &published[i], &read[i]);
    }
    if (CLI_OK != code) { return code; }
    const bool agree = bench_floors_agree((double)read[0].p50_ns, (double)read[sizes + 1].p50_ns);
    const double floor = (double)(read[0].p50_ns + read[sizes + 1].p50_ns) / 2.0;
    *counts = agree || last_chance;
    if (!*counts) { return CLI_OK; }
    result->unsteady += agree ? 0 : 1;
    keep(&result->floor, round, &published[0], &read[0], floor);
    for (int i = 0; i < sizes; i++) { keep(&result->latency[i], round, &published[i + 1], &read[i + 1], floor); }
    return CLI_OK;
}

static int measure_latency(bench_stage_t *stage, bench_result_t *result)
{
    const int most = TRIES_A_ROUND * stage->plan.rounds;
    int code = CLI_OK;
    for (int counted = 0; CLI_OK == code && counted < stage->plan.rounds;)
    {
        bool counts = false;
        result->tries++;
        code = latency_round(stage, result, counted, most - result->tries < stage->plan.rounds - counted, &counts);
        counted += counts ? 1 : 0;
    }
    return code;
}

static double per_second(const bench_record_t *record)
{
    return record->elapsed_ns > 0 ? (double)record->count * 1e9 / (double)record->elapsed_ns : 0.0;
}

/* Which of the two comes first changes from round to round. */
static int rate_once(bench_stage_t *stage, bench_result_t *result, int round, int size)
{
    bench_rate_t *const to = &result->rate[size];
    const uint64_t bytes = stage->plan.sizes[size];
    bench_record_t filled = { 0 };
    bench_record_t copied = { 0 };
    bench_record_t read = { 0 };
    int code = CLI_OK;
    for (int turn = 0; CLI_OK == code && turn < 2; turn++)
    {
        code = turn == round % 2 ? bench_stage_chunk(stage, BENCH_MEMCPY, bytes, &copied, NULL) :
            bench_stage_chunk(stage, BENCH_THROUGHPUT, bytes, &filled, &read);
    }
    if (CLI_OK != code) { return code; }
    to->frames[round] = per_second(&filled);
    to->copied[round] = per_second(&copied);
    to->ratio[round] = to->copied[round] > 0.0 ? to->frames[round] / to->copied[round] : 0.0;
    to->count += read.count;
    to->lost += filled.lost;
    return CLI_OK;
}

/* Sizes that fit the slots of the small stream (or there is but one stream), or the others. */
static int measure_rates(bench_stage_t *stage, bench_result_t *result, bool small)
{
    int code = CLI_OK;
    for (int round = 0; CLI_OK == code && round < stage->plan.rounds; round++)
    {
        for (int i = 0; CLI_OK == code && i < stage->plan.size_count; i++)
        {
            if (small == bench_is_small(stage, stage->plan.sizes[i])) { code = rate_once(stage, result, round, i); }
        }
    }
    return code;
}

static int measure_cost(bench_stage_t *stage, bench_result_t *result, int which)
{
    bench_cost_t *const to = &result->cost[which];
    int code = bench_stage_stream(stage, &stage->small, stage->plan.consumers[which]);
    for (int round = 0; CLI_OK == code && round < stage->plan.rounds; round++)
    {
        bench_record_t published;
        bench_record_t read;
        code = bench_stage_chunk(stage, BENCH_PUBLISH, BENCH_COST_BYTES, &published, &read);
        if (CLI_OK != code) { return code; }
        to->p50[round] = (double)published.p50_ns / BENCH_BATCH;
        to->p99[round] = (double)published.p99_ns / BENCH_BATCH;
        to->ratio[round] = result->cost[0].p50[round] > 0.0 ? to->p50[round] / result->cost[0].p50[round] : 0.0;
        to->count += published.count;
        to->lost += read.lost + published.lost;
    }
    return CLI_OK == code ? bench_stage_stream_end(stage) : code;
}

static int measure(bench_stage_t *stage, bench_result_t *result)
{
    int code = bench_stage_stream(stage, &stage->wide, 1);
    if (CLI_OK == code) { code = measure_latency(stage, result); }
    if (CLI_OK == code) { code = measure_rates(stage, result, false); }
    if (CLI_OK == code) { code = bench_stage_stream_end(stage); }
    if (CLI_OK == code && stage->own_driver) { code = bench_stage_stream(stage, &stage->small, 1); }
    if (CLI_OK == code && stage->own_driver) { code = measure_rates(stage, result, true); }
    if (CLI_OK == code && stage->own_driver) { code = bench_stage_stream_end(stage); }
    for (int i = 0; CLI_OK == code && i < stage->plan.consumers_count; i++) { code = measure_cost(stage, result, i); }
    return code;
}

static int run_bench(const cli_args_t *args)
{
    static bench_stage_t stage;
    static bench_result_t result;
    stage.host = (demo_host_t)DEMO_NO_HOST;
    stage.publisher = (demo_child_t)DEMO_NO_CHILD;
    stage.subscriber = (demo_child_t)DEMO_NO_CHILD;
    int code = make_plan(&stage, args);
    if (CLI_OK != code) { return code; }
    cli_log_init(args);
    (void)cli_demo_clean(false);
    bench_machine_read(&result.machine);
    code = bench_stage_open(&stage, args);
    if (CLI_OK == code)
    {
        bench_report_header(&stage, &result, args->json);
        code = measure(&stage, &result);
    }
    if (CLI_OK == code) { bench_report(&stage, &result, args->json); }
    if (!bench_stage_close(&stage) && CLI_OK == code) { code = cli_error(TP_ESTATE, NULL, "the bench did not end well"); }
    free(stage.host.environment);
    return code;
}

const cli_verb_t verb_bench = {
    .name = "bench", .arguments = "[STREAM]", .min_arguments = 0, .max_arguments = 1, .options = options, .run = run_bench,
    .summary = "Latency, throughput and publish cost between two processes on this machine",
    .text = "A publisher and a subscriber, each on a CPU of its own where there are two, with a driver of their own in a private directory that is\n"
        "removed afterwards, also after kill -9; or, with --driver or --aeron-dir, on a STREAM of a running driver that has no producer.\n"
        "Latency: one frame at a time, from the call of commit (payload filled before) until the header was checked and the first payload byte was\n"
        "loaded. Floor: the same with two cache lines and nothing else, before and after the frames of each round; a round counts when both floors\n"
        "agree within 15 %. Throughput: all bytes are written, one byte a page is read, none is lost; beside it memcpy of the same bytes. Publish\n"
        "cost: claim and commit in batches of 64, the consumers read between the batches. Figures are medians of the rounds, ratios are taken\n"
        "within a round. --count N: so many rounds (default 7); --seconds S: about how long all of it takes (default 10).\n"
        "Nothing is judged: 0 means that everything was measured.",
};

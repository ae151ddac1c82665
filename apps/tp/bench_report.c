/* What tp bench found: a table for people, one JSON object a figure for programs. */
#include <inttypes.h>

#include "bench.h"
#include "out.h"

#define GIB 1073741824.0

bool bench_is_small(const bench_stage_t *stage, uint64_t bytes) { return stage->own_driver && bytes <= BENCH_SMALL_BYTES; }

/* Below zero when a round had too few frames for it. */
static double p999_of(const bench_latency_t *latency, int rounds)
{
    double values[BENCH_ROUNDS_MAX];
    for (int i = 0; i < rounds; i++)
    {
        if (latency->p999[i] < 0.0) { return -1.0; }
        values[i] = latency->p999[i];
    }
    return bench_median(values, rounds);
}

static json_t *known(double value) { return value >= 0.0 ? json_real(value) : json_null(); }

void bench_report_header(const bench_stage_t *stage, const bench_result_t *result, bool json)
{
    const bench_machine_t *const m = &result->machine;
    char cache[CLI_TEXT_MAX];
    if (json)
    {
        (void)cli_json_line(json_pack("{s:s,s:s,s:i,s:s,s:I,s:o,s:f,s:o,s:i}", "type", "machine", "cpu", m->cpu, "cpus", m->cpus, "kernel", m->kernel,
            "last_level_cache_bytes", (json_int_t)m->cache_bytes, "governor", '\0' != m->governor[0] ? json_string(m->governor) : json_null(), "load",
            m->load, "pinned", stage->cpus[0] >= 0 ? json_pack("[i,i]", stage->cpus[0], stage->cpus[1]) : json_null(), "rounds", stage->plan.rounds));
        (void)cli_flush();
        return;
    }
    printf("%s, %d CPU%s, last-level cache %s, %s, governor %s, load %.2f\n", m->cpu, m->cpus, 1 == m->cpus ? "" : "s",
        0 != m->cache_bytes ? cli_human_bytes(cache, (double)m->cache_bytes) : "unknown", m->kernel, '\0' != m->governor[0] ? m->governor : "unknown",
        m->load);
    if (stage->cpus[0] >= 0) { printf("publisher on CPU %d, subscriber on CPU %d", stage->cpus[0], stage->cpus[1]); }
    else { printf("publisher and subscriber on one CPU, not pinned: every frame waits for the scheduler"); }
    if (stage->own_driver) { printf("; driver of its own\n"); }
    else { printf("; stream %u of a running driver\n", stage->wide.id); }
    if (m->load > (double)m->cpus / 2.0) { printf("the machine is busy: expect worse figures than it can do\n"); }
    (void)cli_flush();
}

/* ---- latency ---- */

static void latency_json(const char *type, uint64_t bytes, bench_latency_t *l, int rounds)
{
    (void)cli_json_line(json_pack("{s:s,s:I,s:f,s:f,s:o,s:f,s:f,s:I,s:I}", "type", type, "bytes", (json_int_t)bytes, "p50_ns",
        bench_median(l->p50, rounds), "p99_ns", bench_median(l->p99, rounds), "p999_ns", known(p999_of(l, rounds)), "max_ns", l->max,
        "times_floor", bench_median(l->ratio, rounds), "count", (json_int_t)l->count, "lost", (json_int_t)l->lost));
}

static void latency_row(cli_table_t *table, const char *name, bench_latency_t *l, int rounds)
{
    char text[CLI_TEXT_MAX];
    const double p999 = p999_of(l, rounds);
    cli_table_cell(table, "%s", name);
    cli_table_cell(table, "%s", cli_human_ns(text, bench_median(l->p50, rounds)));
    cli_table_cell(table, "%s", cli_human_ns(text, bench_median(l->p99, rounds)));
    cli_table_cell(table, "%s", p999 >= 0.0 ? cli_human_ns(text, p999) : "-");
    cli_table_cell(table, "%s", cli_human_ns(text, l->max));
    cli_table_cell(table, "%.2f", bench_median(l->ratio, rounds));
    cli_table_cell(table, "%" PRIu64, l->count);
}

static void report_latency(const bench_stage_t *stage, bench_result_t *result, bool json)
{
    static const char *const headings[] = { "ONE WAY", ">P50", ">P99", ">P99.9", ">MAX", ">X FLOOR", ">FRAMES", NULL };
    const int rounds = stage->plan.rounds;
    cli_table_t table;
    char text[CLI_TEXT_MAX];
    if (json) { latency_json("floor", BENCH_LINE, &result->floor, rounds); }
    for (int i = 0; json && i < stage->plan.size_count; i++) { latency_json("latency", stage->plan.sizes[i], &result->latency[i], rounds); }
    if (json) { return; }
    cli_table_init(&table, headings);
    latency_row(&table, "floor: two cache lines", &result->floor, rounds);
    for (int i = 0; i < stage->plan.size_count; i++)
    {
        latency_row(&table, cli_human_bytes(text, (double)stage->plan.sizes[i]), &result->latency[i], rounds);
    }
    putchar('\n');
    cli_table_print(&table, stdout);
    cli_table_fini(&table);
}

/* ---- throughput ---- */

static void report_rates(const bench_stage_t *stage, bench_result_t *result, bool json)
{
    static const char *const headings[] = { "THROUGHPUT", ">FRAMES/S", ">GIB/S", ">MEMCPY GIB/S", ">OF MEMCPY", ">FRAMES", NULL };
    const int rounds = stage->plan.rounds;
    cli_table_t table;
    char text[CLI_TEXT_MAX];
    cli_table_init(&table, headings);
    for (int i = 0; i < stage->plan.size_count; i++)
    {
        bench_rate_t *const r = &result->rate[i];
        const double bytes = (double)stage->plan.sizes[i];
        const double frames = bench_median(r->frames, rounds);
        const double copied = bench_median(r->copied, rounds);
        const double ratio = bench_median(r->ratio, rounds);
        if (json)
        {
            (void)cli_json_line(json_pack("{s:s,s:I,s:f,s:f,s:f,s:f,s:I,s:I}", "type", "throughput", "bytes", (json_int_t)stage->plan.sizes[i],
                "frames_per_second", frames, "bytes_per_second", frames * bytes, "memcpy_bytes_per_second", copied * bytes, "of_memcpy", ratio,
                "count", (json_int_t)r->count, "lost", (json_int_t)r->lost));
            continue;
        }
        cli_table_cell(&table, "%s", cli_human_bytes(text, bytes));
        cli_table_cell(&table, "%s", cli_human_count(text, (uint64_t)frames));
        cli_table_cell(&table, "%.2f", frames * bytes / GIB);
        cli_table_cell(&table, "%.2f", copied * bytes / GIB);
        cli_table_cell(&table, "%.2f", ratio);
        cli_table_cell(&table, "%" PRIu64, r->count);
    }
    if (!json)
    {
        putchar('\n');
        cli_table_print(&table, stdout);
    }
    cli_table_fini(&table);
}

/* ---- publish cost ---- */

static void report_costs(const bench_stage_t *stage, bench_result_t *result, bool json)
{
    static const char *const headings[] = { "PUBLISH TO", ">P50", ">P99", ">X FIRST", ">FRAMES", NULL };
    const int rounds = stage->plan.rounds;
    cli_table_t table;
    char text[CLI_TEXT_MAX];
    cli_table_init(&table, headings);
    for (int i = 0; i < stage->plan.consumers_count; i++)
    {
        bench_cost_t *const c = &result->cost[i];
        const double p50 = bench_median(c->p50, rounds);
        const double p99 = bench_median(c->p99, rounds);
        const double ratio = bench_median(c->ratio, rounds);
        if (json)
        {
            (void)cli_json_line(json_pack("{s:s,s:I,s:f,s:f,s:f,s:I,s:I}", "type", "publish", "consumers", (json_int_t)stage->plan.consumers[i],
                "p50_ns", p50, "p99_ns", p99, "times_first", ratio, "count", (json_int_t)c->count, "lost", (json_int_t)c->lost));
            continue;
        }
        cli_table_cell(&table, "%" PRIu64 " consumer%s", stage->plan.consumers[i], 1 == stage->plan.consumers[i] ? "" : "s");
        cli_table_cell(&table, "%s", cli_human_ns(text, p50));
        cli_table_cell(&table, "%s", cli_human_ns(text, p99));
        cli_table_cell(&table, "%.2f", ratio);
        cli_table_cell(&table, "%" PRIu64, c->count);
    }
    if (!json)
    {
        putchar('\n');
        cli_table_print(&table, stdout);
    }
    cli_table_fini(&table);
}

void bench_report(const bench_stage_t *stage, bench_result_t *result, bool json)
{
    report_latency(stage, result, json);
    report_rates(stage, result, json);
    report_costs(stage, result, json);
    if (json)
    {
        (void)cli_json_line(json_pack("{s:s,s:i,s:i,s:i}", "type", "summary", "rounds", stage->plan.rounds, "latency_tries", result->tries,
            "unsteady_rounds", result->unsteady));
        return;
    }
    printf("\nmedians of %d rounds; latency took %d tries", stage->plan.rounds, result->tries);
    if (result->unsteady > 0) { printf(", in %d of them the floors differ by more than 15 %%: do not trust the ratios", result->unsteady); }
    putchar('\n');
}

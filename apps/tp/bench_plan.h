/* What tp bench measures: sizes, numbers of consumers, rounds, and how long each chunk takes. Nothing here prints. */
#ifndef APPS_TP_BENCH_PLAN_H
#define APPS_TP_BENCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_SIZES_MAX 16
#define BENCH_CONSUMERS_MAX 8
#define BENCH_CONSUMERS_MOST 128
#define BENCH_ROUNDS_MAX 101
#define BENCH_SIZE_MOST (UINT64_C(64) << 20)

typedef struct bench_plan
{
    int size_count, consumers_count, rounds;
    uint64_t sizes[BENCH_SIZES_MAX];
    uint64_t consumers[BENCH_CONSUMERS_MAX];
    int64_t chunk_ns;
}
bench_plan_t;

/* "64,4K,1MiB": numbers with K, M, KiB, MiB in any case, ascending, 1..most of them in minimum..maximum. Outputs change on success only. */
bool bench_plan_numbers(const char *text, uint64_t minimum, uint64_t maximum, int most, uint64_t *numbers, int *count);
/* Shares seconds among the chunks of all rounds; no chunk is shorter than a millisecond. */
void bench_plan_share(bench_plan_t *plan, double seconds);
uint64_t bench_plan_largest(const bench_plan_t *plan);

/* Of count > 0 values, which it sorts. */
double bench_median(double *values, int count);
/* Whether two floors are within 15 % of each other, so that what lies between them may be compared with them. */
bool bench_floors_agree(double before, double after);

#endif

/* Arithmetic of tp bench. */
#include "bench_plan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define AGREE 1.15
#define CHUNK_LEAST_NS INT64_C(1000000)

static bool parse_one(const char *text, size_t length, uint64_t *value)
{
    static const struct { const char *unit; uint64_t factor; } units[] = {
        { "", 1 }, { "k", 1024 }, { "kib", 1024 }, { "m", 1024 * 1024 }, { "mib", 1024 * 1024 },
    };
    uint64_t number = 0;
    size_t digits = 0;
    while (digits < length && text[digits] >= '0' && text[digits] <= '9')
    {
        if (digits > 12) { return false; }
        number = number * 10 + (uint64_t)(text[digits] - '0');
        digits++;
    }
    for (size_t i = 0; digits > 0 && i < sizeof(units) / sizeof(units[0]); i++)
    {
        if (strlen(units[i].unit) != length - digits || 0 != strncasecmp(units[i].unit, text + digits, length - digits)) { continue; }
        *value = number * units[i].factor;
        return true;
    }
    return false;
}

bool bench_plan_numbers(const char *text, uint64_t minimum, uint64_t maximum, int most, uint64_t *numbers, int *count)
{
    uint64_t found[BENCH_SIZES_MAX];
    int at = 0;
    while (NULL != text)
    {
        const size_t length = strcspn(text, ",");
        if (at == most || BENCH_SIZES_MAX == at || !parse_one(text, length, &found[at])) { return false; }
        if (found[at] < minimum || found[at] > maximum || (at > 0 && found[at] <= found[at - 1])) { return false; }
        at++;
        text = ',' == text[length] ? text + length + 1 : NULL;
    }
    if (0 == at) { return false; }
    memcpy(numbers, found, (size_t)at * sizeof(found[0]));
    *count = at;
    return true;
}

void bench_plan_share(bench_plan_t *plan, double seconds)
{
    const int chunks = 2 + plan->size_count + 2 * plan->size_count + plan->consumers_count;
    plan->chunk_ns = (int64_t)(seconds * 1e9) / (chunks * plan->rounds);
    if (plan->chunk_ns < CHUNK_LEAST_NS) { plan->chunk_ns = CHUNK_LEAST_NS; }
}

uint64_t bench_plan_largest(const bench_plan_t *plan) { return plan->sizes[plan->size_count - 1]; }

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

double bench_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(values[0]), by_value);
    return 0 != count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2.0;
}

bool bench_floors_agree(double before, double after)
{
    return before > 0.0 && after > 0.0 && before <= AGREE * after && after <= AGREE * before;
}

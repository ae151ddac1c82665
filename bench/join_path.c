/*
 * A joined tuple of three inputs, for bench/run to count: tp_join_poll with one frame of each input, on the in-memory bus, the handler included,
 * which looks at every view. usage: join_path sequence|time OUTPUTS
 */
#include "join_rig.h"

#include <stdlib.h>

#define WARM_UP 64

static bool by_time;
static uint32_t outputs;

int measure_join(tp_join_t *join);
__attribute__((noinline)) int measure_join(tp_join_t *join) { return tp_join_poll(join, 64); }

static int plain_join(tp_join_t *join) { return tp_join_poll(join, 64); }

static void start_sequence(void)
{
    static const tp_merge_rule_t rules[] = { S_OFFSET(0, 0), S_OFFSET(1, 0), S_WINDOW(2, 2) };
    jr_start_sequence(rules, 3);
}

static void start_time(void)
{
    static const tp_merge_rule_t rules[] = { T_OFFSET(0, TP_TIME_CAPTURED, 0), T_WINDOW(1, TP_TIME_CAPTURED, 5), T_OFFSET(2, TP_TIME_CAPTURED, 0) };
    const tp_join_options_t options = jr_options(TP_JOIN_TIMESTAMP);
    tp_merge_map_t map = jr_map(rules, 3);
    map.kind = TP_MERGE_TIMESTAMP;
    map.clock_domain = TP_CLOCK_MONOTONIC;
    jr_start(&options, &map, 3, false);
    jr_step(1200 * MS);
}

static void tuples_are_counted(void **state)
{
    (void)state;
    if (by_time) { start_time(); } else { start_sequence(); }
    uint64_t made = 0;
    for (uint32_t i = 0; i < WARM_UP + outputs; i++)
    {
        for (uint32_t n = 0; n < 3; n++) { (void)jr_publish_at(n, 1000 + (uint64_t)i); }
        made += (uint64_t)(i < WARM_UP ? plain_join : measure_join)(jr.join);
    }
    assert_true(made >= WARM_UP + outputs - 1);
    (void)jr_stats();
}

int main(int argc, char **argv)
{
    if (argc < 3) { (void)fprintf(stderr, "usage: join_path sequence|time OUTPUTS\n"); return 2; }
    by_time = 0 == strcmp(argv[1], "time");
    outputs = (uint32_t)strtoul(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = { JR_TEST(tuples_are_counted) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

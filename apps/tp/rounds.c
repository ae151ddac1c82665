/* Repeats a look at things. */
#include "rounds.h"

#include "connect.h"
#include "out.h"

int cli_rounds(const cli_args_t *args, cli_round_t round, void *clientd)
{
    const bool again = args->watch || args->seconds >= 0.0 || CLI_GIVEN(args->count);
    const uint64_t limit = again ? CLI_OR(args->count, UINT64_MAX) : 1;
    const int64_t deadline_ns = cli_deadline_ns(args->seconds);
    cli_pace_t pace;
    cli_pace_init(&pace, 1.0 / (args->interval > 0.001 ? args->interval : args->interval >= 0.0 ? 0.001 : 1.0));
    for (uint64_t i = 0; i < limit; i++)
    {
        const int64_t now_ns = cli_pace_wait(&pace);
        if (i > 0 && (cli_stopped() || now_ns >= deadline_ns)) { break; }
        const int code = round(args, clientd);
        if (CLI_OK != code || !cli_flush()) { return code; }
    }
    return CLI_OK;
}

int cli_counter_rounds(const cli_args_t *args, cli_round_t round)
{
    tp_counters_t *counters = NULL;
    int code = cli_counters(args, &counters);
    if (CLI_OK == code) { code = cli_rounds(args, round, &counters); }
    tp_counters_close(counters);
    return code;
}

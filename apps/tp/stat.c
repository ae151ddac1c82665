/* tp stat: every counter of the media driver and of tensor pool, from cnc.dat; also of a dead driver. */
#include <inttypes.h>
#include <string.h>

#include "connect.h"
#include "out.h"
#include "rounds.h"
#include "streams.h"
#include "verbs.h"

static const cli_option_t options[] = {
    CLI_OPT_TEXT("name", 0, name, "TEXT", "only counters whose label contains TEXT"),
    CLI_OPT_FLAG("all", 'a', all, "counters of zero as well"),
    CLI_ROUNDS_OPTIONS,
    CLI_OPT_END,
};

typedef struct stat_round { const cli_args_t *args; cli_table_t table; } stat_round_t;

static const char *kind_of(int32_t type_id)
{
    switch (type_id)
    {
        case CLI_COUNTER_DRIVER: return "tp driver";
        case CLI_COUNTER_STREAM: return "tp stream";
        case CLI_COUNTER_LEASE: return "tp lease";
        case CLI_COUNTER_CLIENT: return "tp client";
        case CLI_COUNTER_STAT: return "tp driver stat";
        case CLI_COUNTER_AGENT: return "tp agent";
        case CLI_COUNTER_DISCOVERY: return "tp discovery";
        case CLI_COUNTER_DISCOVERY_STAT: return "tp discovery stat";
        case CLI_COUNTER_SUPERVISOR: return "tp supervisor";
        case CLI_COUNTER_SUPERVISOR_STAT: return "tp supervisor stat";
        case CLI_COUNTER_HEALTH: return "tp health";
        default: return "aeron";
    }
}

static void on_counter(void *clientd, const tp_counter_t *counter)
{
    stat_round_t *round = clientd;
    const cli_args_t *args = round->args;
    if (NULL != args->name && NULL == strstr(counter->label, args->name)) { return; }
    if (args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:o,s:o,s:s,s:I,s:s}", "type", "counter", "id", cli_json_id((uint64_t)counter->id), "type_id",
            cli_json_id((uint64_t)counter->type_id), "kind", kind_of(counter->type_id), "value", (json_int_t)counter->value, "label",
            counter->label));
        return;
    }
    if (0 == counter->value && !args->all && !CLI_COUNTER_TENSOR_POOL(counter->type_id)) { return; }
    cli_table_cell(&round->table, "%" PRId32, counter->id);
    cli_table_cell(&round->table, "%s", kind_of(counter->type_id));
    cli_table_cell(&round->table, "%" PRId64, counter->value);
    cli_table_cell(&round->table, "%s", counter->label);
}

static int stat_round(const cli_args_t *args, void *clientd)
{
    static const char *const headings[] = { ">ID", "KIND", ">VALUE", "LABEL", NULL };
    tp_counters_t *const counters = cli_counters_now(args, clientd);
    stat_round_t round = { .args = args };
    cli_table_init(&round.table, headings);
    const bool alive = cli_note_dead(counters);
    int code = CLI_OK;
    if (tp_counters_foreach(counters, on_counter, &round) < 0) { code = cli_error_last(); }
    else if (args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:b,s:I,s:I}", "type", "summary", "alive", (int)alive, "pid", (json_int_t)tp_counters_pid(counters),
            "heartbeat_age_ms", (json_int_t)tp_counters_heartbeat_age_ms(counters)));
    }
    else { cli_table_print(&round.table, stdout); }
    cli_table_fini(&round.table);
    return code;
}

static int run_stat(const cli_args_t *args) { return cli_counter_rounds(args, stat_round); }

const cli_verb_t verb_stat = {
    .name = "stat", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .run = run_stat,
    .summary = "Counters of Aeron and of tensor pools, read from shared memory; also of a dead driver",
    .text = "Counters of a driver with an embedded media driver stay until its directory is removed. A media driver without a sign of life for\n"
        "10 s is called dead. Options --count and --seconds repeat the list.",
};

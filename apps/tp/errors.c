/* tp errors: what went wrong, as shared memory tells it: the media driver's error log, and every count of trouble; also of dead processes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "connect.h"
#include "driver_show.h"
#include "out.h"
#include "rounds.h"
#include "streams.h"
#include "verbs.h"

#define NS_PER_MS UINT64_C(1000000)

static const cli_option_t options[] = {
    CLI_OPT_TEXT("name", 0, name, "TEXT", "only errors whose text contains TEXT"),
    CLI_ROUNDS_OPTIONS,
    CLI_OPT_END,
};

typedef struct errors
{
    const cli_args_t *args;
    cli_table_t table;
    unsigned shown;
}
errors_t;

/* What 95-local-extensions.md, section 3, counts although nobody wants it. The other numbers of 9005 are business as usual. */
static const struct { const char *name, *meaning; } troubles[] = {
    { "attach_refused", "requests for a lease refused" }, { "attach_failed", "requests for a lease failed inside the driver" },
    { "detach_refused", "detach requests refused" }, { "keepalive_ignored", "keepalives of leases the driver does not know" },
    { "leases_expired", "leases whose holder fell silent" }, { "leases_revoked", "leases taken away" },
    { "messages_malformed", "malformed messages on the control stream" }, { "messages_newer", "messages of a newer protocol version" },
    { "sends_dropped", "messages of the driver given up: the bus did not take them" }, { "limit_leases", "requests beyond the limit of leases" },
    { "limit_streams", "requests beyond the limit of streams" }, { "limit_waits", "requests beyond the limit of waiting ones" },
    { "shutdown_refused", "shutdown requests refused" }, { "hello_declined", "greetings of consumers declined" },
    { "regions_failed", "regions that could not be made" }, { "counters_failed", "counters the media driver did not give" } };

static const char *time_text(char buffer[32], int64_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    if (NULL == localtime_r(&seconds, &parts) || 0 == strftime(buffer, 32, "%Y-%m-%d %H:%M:%S", &parts)) { snprintf(buffer, 32, "-"); }
    return buffer;
}

static json_t *time_json(int64_t ms) { return ms > 0 ? cli_json_id((uint64_t)ms * NS_PER_MS) : json_null(); }

static void show(errors_t *errors, const char *source, uint64_t count, int64_t first_ms, int64_t last_ms, const char *text)
{
    char first[32];
    char last[32];
    if (NULL != errors->args->name && NULL == strstr(text, errors->args->name)) { return; }
    errors->shown++;
    if (errors->args->json)
    {
        json_t *const valid = json_string(text);       /* NULL for text that is not UTF-8 */
        (void)cli_json_line(json_pack("{s:s,s:s,s:I,s:o,s:o,s:o}", "type", "error", "source", source, "count", (json_int_t)count, "first_ns",
            time_json(first_ms), "last_ns", time_json(last_ms), "text", NULL != valid ? valid : json_string("(not UTF-8)")));
        return;
    }
    cli_table_cell(&errors->table, "%" PRIu64, count);
    cli_table_cell(&errors->table, "%s", first_ms > 0 ? time_text(first, first_ms) : "-");
    cli_table_cell(&errors->table, "%s", last_ms > 0 ? time_text(last, last_ms) : "-");
    cli_table_cell(&errors->table, "%s", source);
    cli_table_cell(&errors->table, "%s", text);
}

static void on_bus_error(void *clientd, const tp_bus_error_t *error)
{
    show(clientd, "media driver", error->observations, error->first_ms, error->last_ms, error->text);
}

static void on_counter(void *clientd, const tp_counter_t *counter)
{
    char name[64];
    char instance[128];
    char text[320];
    if (CLI_COUNTER_STAT != counter->type_id || counter->value <= 0 || !cli_label_value(counter->label, "name", name, sizeof(name))) { return; }
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
    {
        if (0 != strcmp(troubles[i].name, name)) { continue; }
        if (!cli_label_value(counter->label, "instance", instance, sizeof(instance))) { snprintf(instance, sizeof(instance), "?"); }
        snprintf(text, sizeof(text), "%s: %s (%s)", instance, troubles[i].meaning, name);
        show(clientd, "driver", (uint64_t)counter->value, 0, 0, text);
    }
}

/* Frames that consumers lost: which, and the cure. */
static void show_drops(errors_t *errors, const cli_streams_t *streams)
{
    for (size_t i = 0; i < streams->lease_count; i++)
    {
        const cli_lease_t *const lease = &streams->leases[i];
        const uint64_t *const v = lease->values;
        const uint64_t drops = v[CLI_CLIENT_DROPS_GAP] + v[CLI_CLIENT_DROPS_LATE] + v[CLI_CLIENT_DROPS_OTHER];
        char text[320];
        if (TP_ROLE_CONSUMER != lease->role || 0 == drops) { continue; }
        int used = snprintf(text, sizeof(text), "stream %" PRIu32 ", consumer %" PRIu32 " (pid %" PRIu64 ") lost frames", lease->stream_id,
            lease->client_id, lease->pid);
        for (int reason = 0; reason < TP_DROP_REASONS && used > 0 && used < (int)sizeof(text); reason++)
        {
            if (0 == lease->reasons[reason]) { continue; }
            used += snprintf(text + used, sizeof(text) - (size_t)used, ", %s %" PRIu64, tp_drop_reason_name(reason), lease->reasons[reason]);
        }
        show(errors, "consumer", drops, 0, 0, text);
    }
}

/* The distinct errors and warnings of the driver's log. A driver that is dead, another user's or older has none to tell: shared memory is enough. */
static void show_driver_log(errors_t *errors)
{
    const char *reply = NULL;
    tp_admin_t *const admin = cli_admin_quiet(errors->args);
    json_t *const answer = NULL != admin && 0 == tp_admin_call(admin, "{\"cmd\":\"errors\"}", &reply) ? json_loads(reply, 0, NULL) : NULL;
    const json_t *const list = json_object_get(answer, "errors");
    for (size_t i = 0; i < json_array_size(list); i++)
    {
        const json_t *const one = json_array_get(list, i);
        const json_int_t code = json_integer_value(json_object_get(one, "code"));
        char text[700];
        char number[16] = "";
        if (0 != code) { snprintf(number, sizeof(number), "[TP%04" JSON_INTEGER_FORMAT "]", code); }
        snprintf(text, sizeof(text), "%s: %s%s: %s", tp_admin_instance_id(admin), cli_json_text(one, "level"), number, cli_json_text(one, "text"));
        show(errors, "driver log", (uint64_t)json_integer_value(json_object_get(one, "count")),
            (int64_t)(strtoull(cli_json_text(one, "first_ns"), NULL, 10) / NS_PER_MS),
            (int64_t)(strtoull(cli_json_text(one, "last_ns"), NULL, 10) / NS_PER_MS), text);
    }
    json_decref(answer);
    tp_admin_close(admin);
}

static int errors_round(const cli_args_t *args, void *clientd)
{
    static const char *const headings[] = { ">COUNT", "FIRST", "LAST", "SOURCE", "ERROR", NULL };
    tp_counters_t *const counters = cli_counters_now(args, clientd);
    errors_t errors = { .args = args };
    cli_streams_t streams;
    const int code = cli_streams_read(&streams, counters, false);
    if (CLI_OK != code) { return code; }
    cli_table_init(&errors.table, headings);
    const bool alive = cli_note_dead(counters);
    const bool failed = tp_counters_errors(counters, on_bus_error, &errors) < 0 || tp_counters_foreach(counters, on_counter, &errors) < 0;
    show_drops(&errors, &streams);
    show_driver_log(&errors);
    cli_streams_fini(&streams);
    if (failed)
    {
        cli_table_fini(&errors.table);
        return cli_error(TP_EIO, NULL, "the counters of the media driver cannot be read");
    }
    if (args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:i,s:b,s:I}", "type", "summary", "errors", (int)errors.shown, "alive", (int)alive, "pid",
            (json_int_t)tp_counters_pid(counters)));
    }
    else if (0 == errors.shown) { printf("no errors\n"); }
    else { cli_table_print(&errors.table, stdout); }
    cli_table_fini(&errors.table);
    return CLI_OK;
}

static int run_errors(const cli_args_t *args) { return cli_counter_rounds(args, errors_round); }

const cli_verb_t verb_errors = {
    .name = "errors", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .run = run_errors,
    .summary = "What went wrong: the media driver's error log, refusals, losses; also of a dead driver",
    .text = "Reads shared memory. The media driver keeps each distinct error once, with its count and times; the driver's and the\n"
        "consumers' counts are those since they started. A living driver of this user adds the distinct errors and warnings of its log.",
};

/* From arguments to a client. Main thread only. */
#include "connect.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "number.h"
#include "out.h"
#include "streams.h"

#define SPIN_NS INT64_C(30000)
#define BEHIND_NS CLI_NS_PER_S                  /* further behind than this is not caught up */
#define STARTING_NS (2 * CLI_NS_PER_S)
#define LOOK_AGAIN_NS INT64_C(20000000)
#define SLEEP_PART_NS INT64_C(200000000)

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * CLI_NS_PER_S + now.tv_nsec;
}

int64_t cli_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
int64_t cli_realtime_ns(void) { return clock_ns(CLOCK_REALTIME); }

static void sleep_until(int64_t until_ns)
{
    const struct timespec until = { until_ns / CLI_NS_PER_S, until_ns % CLI_NS_PER_S };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

void cli_sleep_ns(int64_t ns)
{
    const int64_t end = cli_now_ns() + ns;
    for (int64_t now = cli_now_ns(); now < end && !cli_stopped(); now = cli_now_ns())
    {
        sleep_until(end - now < SLEEP_PART_NS ? end : now + SLEEP_PART_NS);
    }
}

int64_t cli_deadline_ns(double seconds)
{
    return seconds < 0.0 ? INT64_MAX : cli_now_ns() + (int64_t)(seconds * 1e9);
}

void cli_pace_init(cli_pace_t *pace, double hz)
{
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    pace->start_ns = cli_now_ns();
    pace->period_ns = hz > 0.0 ? 1e9 / hz : 0.0;
    pace->round = 0;
}

int64_t cli_pace_wait(cli_pace_t *pace)
{
    int64_t now = cli_now_ns();
    if (pace->period_ns <= 0.0) { return now; }
    int64_t due = pace->start_ns + (int64_t)((double)pace->round * pace->period_ns);
    if (now - due > BEHIND_NS)
    {
        pace->start_ns += now - due;
        due = now;
    }
    pace->round++;
    while (now < due && !cli_stopped())
    {
        if (due - now > SPIN_NS) { sleep_until(due - now - SPIN_NS < SLEEP_PART_NS ? due - SPIN_NS : now + SLEEP_PART_NS); }
        else { sched_yield(); }
        now = cli_now_ns();
    }
    return now;
}

void cli_log_init(const cli_args_t *args)
{
    uint64_t level = TP_LOG_WARN;
    if (CLI_GIVEN(args->log_level)) { level = args->log_level; }
    else { (void)cli_parse_u64(getenv("TP_LOG_LEVEL"), 0, 4, &level); }
    tp_log_set_handler(args->log_json ? tp_log_to_stderr_json : tp_log_to_stderr, NULL, (tp_log_level_t)level);
}

static tp_stream_ref_t chosen;         /* the stream that was asked for last; size 0 = none */

typedef struct known { const char *instance; bool alive; } known_t;

static void on_known(void *clientd, const tp_endpoint_t *endpoint)
{
    known_t *const known = clientd;
    known->alive = known->alive || (endpoint->alive && 0 == strcmp(endpoint->instance_id, known->instance));
}

/* A driver with an endpoint file is told by its name; of any other one nothing is known but what discovery said. */
static int set_chosen_driver(tp_context_t *context)
{
    known_t known = { chosen.driver_instance, false };
    if (0 == chosen.size || '\0' == chosen.driver_instance[0]) { return 0; }
    (void)tp_endpoint_list(on_known, &known);
    if (TP_STREAM_BY_DISCOVERY == chosen.origin) { return tp_context_set_driver_of(context, &chosen); }
    return known.alive ? tp_context_set_driver_instance(context, chosen.driver_instance) : 0;
}

int cli_context(const cli_args_t *args, tp_context_t **context)
{
    tp_context_t *made = NULL;
    cli_log_init(args);
    if (tp_context_init(&made) < 0) { return cli_error_last(); }
    if (tp_context_set_aeron_dir(made, args->aeron_dir) < 0 || tp_context_set_driver_instance(made, args->driver) < 0 ||
        tp_context_set_client_name(made, args->client_name) < 0 || tp_context_set_fault_guard(made, true) < 0 ||
        (NULL != args->idle && tp_context_set_idle_strategy(made, args->idle) < 0) ||
        (NULL != args->allowed_base_dir && tp_context_add_allowed_base_dir(made, args->allowed_base_dir) < 0) ||
        (NULL == args->driver && set_chosen_driver(made) < 0))
    {
        const int code = cli_error_last();
        tp_context_close(made);
        return code;
    }
    *context = made;
    return CLI_OK;
}

int cli_connect(const cli_args_t *args, tp_client_t **client, tp_context_t **context)
{
    tp_context_t *made = NULL;
    int code = cli_context(args, &made);
    if (CLI_OK != code) { return code; }
    if (tp_connect(client, made) < 0) { code = cli_error_last(); }
    if (CLI_OK == code && NULL != context) { *context = made; }
    else { tp_context_close(made); }
    return code;
}

int cli_counters(const cli_args_t *args, tp_counters_t **counters)
{
    tp_context_t *context = NULL;
    int code = cli_context(args, &context);
    if (CLI_OK != code) { return code; }
    if (tp_counters_open(counters, tp_context_get_aeron_dir(context)) < 0) { code = cli_error_last(); }
    tp_context_close(context);
    return code;
}

static void on_endpoint(void *clientd, const tp_endpoint_t *endpoint)
{
    int64_t *const youngest_ns = clientd;
    if (endpoint->alive && (int64_t)endpoint->start_ns > *youngest_ns) { *youngest_ns = (int64_t)endpoint->start_ns; }
}

/* The names of a driver that has just started come with its counters, a moment after it is ready. */
static bool names_may_come(void)
{
    int64_t youngest_ns = INT64_MIN / 2;
    return tp_endpoint_list(on_endpoint, &youngest_ns) > 0 && cli_realtime_ns() - youngest_ns < STARTING_NS && !cli_stopped();
}

bool cli_media_driver_lives(const char *aeron_dir)
{
    tp_counters_t *counters = NULL;
    if (tp_counters_open(&counters, aeron_dir) < 0) { return false; }
    const bool lives = cli_counters_live(counters);
    tp_counters_close(counters);
    return lives;
}

/* NAME@INSTANCE where --driver or TP_DRIVER says which driver is meant. false: as it stands. */
static bool at_wanted_driver(const cli_args_t *args, const char *name, char *to, size_t size)
{
    const char *const variable = getenv("TP_DRIVER");
    const char *const driver = NULL != args->driver ? args->driver : NULL != variable ? variable : "";
    if ('\0' == driver[0] || NULL != strchr(name, '@')) { return false; }
    const int length = snprintf(to, size, "%s@%s", name, driver);
    return length > 0 && (size_t)length < size;
}

/* CLI_OK; CLI_USAGE: several are meant, and that was printed; CLI_FAILED: no provider knows it, or there is none. Says nothing then. */
static int ask_provider(const cli_args_t *args, const char *name, tp_stream_ref_t *found)
{
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    int code = CLI_FAILED;
    if (CLI_OK != cli_context(args, &context)) { return CLI_FAILED; }
    tp_stream_ref_t stream;
    if (cli_media_driver_lives(tp_context_get_aeron_dir(context)) && 0 == tp_connect(&client, context))
    {
        const int rc = tp_stream_find(client, name, CLI_NS_PER_S, &stream);
        if (0 == rc && TP_STREAM_BY_DISCOVERY == stream.origin)
        {
            *found = stream;
            code = CLI_OK;
        }
        else if (rc < 0 && TP_EAMBIGUOUS == tp_errcode())
        {
            (void)cli_error_last();
            code = CLI_USAGE;
        }
    }
    tp_client_close(client);
    tp_context_close(context);
    return code;
}

static int ask_counters(const cli_args_t *args, const char *name, tp_stream_ref_t *found)
{
    tp_counters_t *counters = NULL;
    int code = cli_counters(args, &counters);
    if (CLI_OK != code) { return code; }
    int rc = tp_counters_stream_find(counters, name, found);
    while (rc < 0 && TP_ENOENT == tp_errcode() && names_may_come())
    {
        cli_sleep_ns(LOOK_AGAIN_NS);
        rc = tp_counters_stream_find(counters, name, found);
    }
    if (rc < 0)
    {
        code = cli_error_last();
        if (CLI_FAILED == code) { code = CLI_USAGE; }
    }
    tp_counters_close(counters);
    return code;
}

static int find(const cli_args_t *args, const char *name, tp_stream_ref_t *found)
{
    char full[1024];
    const bool at = at_wanted_driver(args, name, full, sizeof(full));
    tp_counters_t *counters = NULL;
    const int code = ask_provider(args, at ? full : name, found);
    if (CLI_FAILED != code) { return code; }
    if (at && CLI_OK == cli_counters(args, &counters))
    {
        const int rc = tp_counters_stream_find(counters, full, found);
        tp_counters_close(counters);
        if (0 == rc) { return CLI_OK; }
    }
    return ask_counters(args, name, found);
}

int cli_stream(const cli_args_t *args, const char *name_or_id, uint32_t *stream_id)
{
    uint64_t id;
    tp_stream_ref_t found;
    if (cli_parse_u64(name_or_id, 1, UINT32_MAX, &id))
    {
        *stream_id = (uint32_t)id;
        return CLI_OK;
    }
    const int code = find(args, name_or_id, &found);
    if (CLI_OK != code) { return code; }
    *stream_id = found.stream_id;
    chosen = found;
    return CLI_OK;
}

static bool has_counters(const cli_args_t *args)
{
    tp_context_t *context = NULL;
    tp_counters_t *counters = NULL;
    if (CLI_OK != cli_context(args, &context)) { return false; }
    const bool has = 0 == tp_counters_open(&counters, tp_context_get_aeron_dir(context));
    tp_counters_close(counters);
    tp_context_close(context);
    return has;
}

int cli_target(const cli_args_t *args, const char *name_or_id, cli_target_t *target)
{
    uint64_t id;
    tp_stream_ref_t found;
    const bool number = cli_parse_u64(name_or_id, 1, UINT32_MAX, &id);
    char full[1024];
    const bool at = number && at_wanted_driver(args, name_or_id, full, sizeof(full));
    if (number && !has_counters(args))                     /* regions may be left of a media driver that is gone */
    {
        *target = (cli_target_t){ .stream_id = (uint32_t)id };
        return CLI_OK;
    }
    const int code = number ? ask_counters(args, at ? full : name_or_id, &found) : find(args, name_or_id, &found);
    if (CLI_OK != code) { return code; }
    target->stream_id = found.stream_id;
    snprintf(target->driver, sizeof(target->driver), "%s", found.driver_instance);
    chosen = found;
    return CLI_OK;
}

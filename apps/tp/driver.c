/* tp driver: what the driver does for its administrator, through its local socket (docs/spec/95-local-extensions.md, section 2). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "connect.h"
#include "driver_show.h"
#include "number.h"
#include "out.h"
#include "verbs.h"

#define WAIT_STEP_NS INT64_C(20000000)
#define LOG_LINES_MAX 256

static const cli_option_t options[] = {
    CLI_OPT_FLAG("wait", 'w', watch, "drain: until the driver has ended (30 s, or --timeout)"),
    CLI_OPT_FLAG("now", 0, force, "drain: without the time that clients are given to finish"),
    CLI_OPT_FLAG("follow", 'f', all, "log: further lines as they come"),
    CLI_OPT_REAL("interval", 'i', interval, "S", 3600, "log --follow: seconds between looks (default 0.5)"),
    CLI_ADMIN_OPTIONS,
    CLI_OPT_END,
};

static int show_answer(const cli_args_t *args, tp_admin_t *admin, const char *type, json_t *request, void (*show)(json_t *answer))
{
    int code = CLI_OK;
    json_t *const answer = cli_admin_ask(admin, request, &code);
    if (NULL == answer) { return code; }
    if (args->json)
    {
        json_object_del(answer, "ok");
        json_object_set_new(answer, "type", json_string(type));
        json_object_set_new(answer, "instance", json_string(tp_admin_instance_id(admin)));
        (void)cli_json_line(json_incref(answer));
    }
    else
    {
        printf("%-10s  %s\n", "instance", tp_admin_instance_id(admin));
        show(answer);
    }
    json_decref(answer);
    return CLI_OK;
}

static int driver_status(const cli_args_t *args, tp_admin_t *admin)
{
    return show_answer(args, admin, "driver", json_pack("{s:s}", "cmd", "ping"), cli_show_status);
}

static int driver_reload(const cli_args_t *args, tp_admin_t *admin)
{
    return show_answer(args, admin, "reload", json_pack("{s:s}", "cmd", "reload"), cli_show_reload);
}

/* ---- drain ---- */

/* Says something each second, so that a long drain does not look like a hang. */
static int wait_for_end(const cli_args_t *args, const tp_admin_t *admin)
{
    const int64_t begun_ns = cli_now_ns();
    const int64_t deadline_ns = cli_deadline_ns(args->timeout > 0.0 ? args->timeout : 30.0);
    int64_t said_ns = begun_ns;
    while (tp_admin_driver_is_alive(admin) && !cli_stopped())
    {
        const int64_t now_ns = cli_now_ns();
        if (now_ns >= deadline_ns)
        {
            return cli_error(TP_ETIMEDOUT, "wait longer: --timeout S", "driver '%s' (pid %" PRId64 ") still runs after %.0f s",
                tp_admin_instance_id(admin), tp_admin_pid(admin), (double)(now_ns - begun_ns) / 1e9);
        }
        if (!args->json && now_ns - said_ns >= CLI_NS_PER_S)
        {
            said_ns = now_ns;
            fprintf(stderr, "draining, %.0f s\n", (double)(now_ns - begun_ns) / 1e9);
        }
        cli_sleep_ns(WAIT_STEP_NS);
    }
    return CLI_OK;
}

static int driver_drain(const cli_args_t *args, tp_admin_t *admin)
{
    const bool wait = args->watch;
    int code = CLI_OK;
    json_t *const request = json_pack("{s:s}", "cmd", "drain");
    if (args->force) { json_object_set_new(request, "now", json_true()); }
    json_t *const answer = cli_admin_ask(admin, request, &code);
    if (NULL == answer) { return code; }
    json_decref(answer);
    if (wait) { code = wait_for_end(args, admin); }
    const bool ended = wait && CLI_OK == code && !tp_admin_driver_is_alive(admin);
    if (args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:s,s:I,s:b}", "type", "drain", "instance", tp_admin_instance_id(admin), "pid",
            (json_int_t)tp_admin_pid(admin), "ended", (int)ended));
    }
    else { printf("driver '%s' (pid %" PRId64 ") %s\n", tp_admin_instance_id(admin), tp_admin_pid(admin), ended ? "has ended" : "is draining"); }
    return code;
}

/* ---- log ---- */

static json_t *ask_log(tp_admin_t *admin, const char *level, const char *after, int64_t limit, int *code)
{
    json_t *const request = json_pack("{s:s,s:I}", "cmd", "log", "limit", (json_int_t)limit);
    if (NULL != level) { json_object_set_new(request, "level", json_string(level)); }
    if (NULL != after) { json_object_set_new(request, "after", json_string(after)); }
    return cli_admin_ask(admin, request, code);
}

static bool print_log(const cli_args_t *args, const json_t *answer)
{
    const json_t *const lines = json_object_get(answer, "lines");
    for (size_t i = 0; i < json_array_size(lines); i++)
    {
        json_t *const line = json_array_get(lines, i);
        if (args->json)
        {
            json_object_set_new(line, "type", json_string("log"));
            (void)cli_json_line(json_incref(line));
        }
        else { cli_show_log_line(line); }
    }
    return cli_flush();
}

static int driver_log(const cli_args_t *args, tp_admin_t *admin)
{
    const char *const level = args->positional_count > 1 ? args->positional[1] : NULL;
    const int64_t limit = CLI_GIVEN(args->count) && args->count < LOG_LINES_MAX ? (int64_t)args->count : LOG_LINES_MAX;
    const int64_t deadline_ns = cli_deadline_ns(args->seconds);
    int code = CLI_OK;
    json_t *answer = ask_log(admin, level, NULL, NULL != level && !args->all ? 0 : limit, &code);
    if (NULL == answer) { return code; }
    if (NULL != level && args->json) { (void)cli_json_line(json_pack("{s:s,s:O}", "type", "log_level", "level", json_object_get(answer, "level"))); }
    else if (NULL != level) { printf("log level %s\n", cli_json_text(answer, "level")); }
    bool going = print_log(args, answer) && args->all;
    while (going)
    {
        char after[32];
        snprintf(after, sizeof(after), "%s", cli_json_text(answer, "next"));
        cli_sleep_ns((int64_t)((args->interval > 0.01 ? args->interval : args->interval >= 0.0 ? 0.01 : 0.5) * 1e9));
        if (cli_stopped() || cli_now_ns() >= deadline_ns) { break; }
        json_decref(answer);
        answer = ask_log(admin, NULL, after, LOG_LINES_MAX, &code);
        going = NULL != answer && print_log(args, answer);
    }
    json_decref(answer);
    return code;
}

/* ---- streams ---- */

static int driver_streams(const cli_args_t *args, tp_admin_t *admin)
{
    int code = CLI_OK;
    uint32_t stream_id = 0;
    json_t *const request = json_pack("{s:s}", "cmd", "streams");
    if (args->positional_count > 1)
    {
        code = cli_stream(args, args->positional[1], &stream_id);
        if (CLI_OK != code) { json_decref(request); return code; }
        json_object_set_new(request, "stream", json_integer(stream_id));
    }
    json_t *const answer = cli_admin_ask(admin, request, &code);
    const json_t *const streams = json_object_get(answer, "streams");
    for (size_t i = 0; args->json && i < json_array_size(streams); i++)
    {
        json_t *const stream = json_array_get(streams, i);
        json_object_set_new(stream, "type", json_string("driver_stream"));
        (void)cli_json_line(json_incref(stream));
    }
    if (NULL != answer && !args->json) { cli_show_streams(streams); }
    json_decref(answer);
    return code;
}

static int run_driver(const cli_args_t *args)
{
    static const struct { const char *word; int words; int (*run)(const cli_args_t *args, tp_admin_t *admin); } subs[] = {
        { "status", 1, driver_status }, { "streams", 2, driver_streams }, { "drain", 1, driver_drain }, { "reload", 1, driver_reload },
        { "log", 2, driver_log } };
    const char *const word = args->positional[0];
    for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++)
    {
        if (0 != strcmp(subs[i].word, word)) { continue; }
        if (args->positional_count > subs[i].words) { return cli_usage("driver", "tp driver %s takes no further words", word); }
        tp_admin_t *admin = NULL;
        int code = cli_admin(args, &admin);
        if (CLI_OK == code) { code = subs[i].run(args, admin); }
        tp_admin_close(admin);
        return code;
    }
    return cli_usage("driver", "tp driver status|streams|drain|reload|log; '%s' is none of them", word);
}

const cli_verb_t verb_driver = {
    .name = "driver", .arguments = "status | streams [STREAM] | drain | reload | log [LEVEL]", .min_arguments = 1, .max_arguments = 2,
    .words = "status streams drain reload log", .options = options, .run = run_driver, .summary = "Administer the running driver",
    .text = "status   process, state, number of leases\n"
        "streams  what the driver itself says of its streams: state, memory, leases, counts since it knows them\n"
        "drain    no new leases, everybody is told, and the driver ends after policies.shutdown_timeout_ms\n"
        "reload   reads file, environment and command line again; an error changes nothing, what needs a restart is named\n"
        "log      the last lines of the driver's log, --count N of them; with LEVEL (error, warn, info, debug, trace) sets its level instead\n\n"
        "Asks the driver through its local socket, which serves its own user and root.",
};

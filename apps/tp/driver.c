/* tp driver: what the driver does for its administrator, through its local socket. */
#include <inttypes.h>
#include <string.h>

#include "admin.h"
#include "connect.h"
#include "out.h"
#include "verbs.h"

#define WAIT_STEP_NS INT64_C(20000000)

static const cli_option_t options[] = {
    CLI_OPT_FLAG("wait", 'w', watch, "drain: until the driver has ended"),
    CLI_ADMIN_OPTIONS,
    CLI_OPT_END,
};

static void json_with(const char *type, const tp_admin_t *admin, json_t *answer)
{
    json_object_del(answer, "ok");
    json_object_set_new(answer, "type", json_string(type));
    json_object_set_new(answer, "instance", json_string(tp_admin_instance_id(admin)));
    (void)cli_json_line(json_incref(answer));
}

/* Members of an answer, one a line; arrays and objects as JSON. */
static void print_members(json_t *answer)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(answer, key, value)
    {
        if (0 == strcmp(key, "ok")) { continue; }
        if (json_is_string(value)) { printf("%-16s  %s\n", key, json_string_value(value)); continue; }
        printf("%-16s  ", key);
        (void)json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
        putchar('\n');
    }
}

static int driver_status(const cli_args_t *args, tp_admin_t *admin)
{
    int code = CLI_OK;
    json_t *const answer = cli_admin_ask(admin, "ping", NULL, NULL, &code);
    if (NULL == answer) { return code; }
    if (args->json) { json_with("driver", admin, answer); }
    else
    {
        printf("%-16s  %s\n", "instance", tp_admin_instance_id(admin));
        print_members(answer);
    }
    json_decref(answer);
    return CLI_OK;
}

/* Says something each second, so that a long drain does not look like a hang. */
static int wait_for_end(const cli_args_t *args, const tp_admin_t *admin)
{
    const int64_t begun_ns = cli_now_ns();
    const int64_t deadline_ns = cli_deadline_ns(args->timeout > 0.0 ? args->timeout : 30.0);
    int64_t said_ns = begun_ns;
    while (tp_admin_driver_is_alive(admin))
    {
        const int64_t now_ns = cli_now_ns();
        if (cli_stopped()) { return CLI_OK; }
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
    if (tp_admin_drain(admin) < 0) { return cli_admin_error(); }
    const int code = wait ? wait_for_end(args, admin) : CLI_OK;
    const bool ended = wait && CLI_OK == code && !tp_admin_driver_is_alive(admin);
    if (args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:s,s:I,s:b}", "type", "drain", "instance", tp_admin_instance_id(admin), "pid",
            (json_int_t)tp_admin_pid(admin), "ended", (int)ended));
    }
    else { printf("driver '%s' (pid %" PRId64 ") %s\n", tp_admin_instance_id(admin), tp_admin_pid(admin), ended ? "has ended" : "is draining"); }
    return code;
}

static int driver_reload(const cli_args_t *args, tp_admin_t *admin)
{
    int code = CLI_OK;
    json_t *const answer = cli_admin_ask(admin, "reload", NULL, NULL, &code);
    if (NULL == answer) { return code; }
    if (args->json) { json_with("reload", admin, answer); }
    else
    {
        printf("driver '%s' has read its configuration again\n", tp_admin_instance_id(admin));
        print_members(answer);
    }
    json_decref(answer);
    return CLI_OK;
}

static int driver_log(const cli_args_t *args, tp_admin_t *admin)
{
    int code = CLI_OK;
    const bool set = args->positional_count > 1;
    json_t *const answer = cli_admin_ask(admin, "log", set ? "level" : NULL, set ? args->positional[1] : NULL, &code);
    if (NULL == answer) { return code; }
    if (args->json) { json_with("log", admin, answer); }
    else { print_members(answer); }
    json_decref(answer);
    return CLI_OK;
}

static int run_driver(const cli_args_t *args)
{
    static const struct { const char *word; int words; int (*run)(const cli_args_t *args, tp_admin_t *admin); } subs[] = {
        { "status", 1, driver_status }, { "drain", 1, driver_drain }, { "reload", 1, driver_reload }, { "log", 2, driver_log } };
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
    return cli_usage("driver", "tp driver status|drain|reload|log; '%s' is none of them", word);
}

const cli_verb_t verb_driver = {
    .name = "driver", .arguments = "status | drain | reload | log [LEVEL]", .min_arguments = 1, .max_arguments = 2, .words = "status drain reload log",
    .options = options, .run = run_driver, .summary = "Administer the running driver",
    .text = "status  process, state, number of leases\n"
        "drain   no new leases, everybody is told, and the driver ends after policies.shutdown_timeout_ms\n"
        "reload  reads the configuration file again; what can change takes effect, what cannot is refused as a whole\n"
        "log     prints the level of the driver's log, or sets it: error, warn, info, debug, trace\n\n"
        "Asks the driver through its local socket, which serves its own user and root.",
};

/* From arguments to the driver's local socket. Main thread only. */
#include "admin.h"

#include <stdlib.h>
#include <string.h>

#include "connect.h"
#include "out.h"

typedef struct pick
{
    const char *aeron_dir;             /* NULL = any */
    int count;
    char instance[128];
}
pick_t;

static void on_endpoint(void *clientd, const tp_endpoint_t *endpoint)
{
    pick_t *const pick = clientd;
    if (!endpoint->alive || (NULL != pick->aeron_dir && 0 != strcmp(pick->aeron_dir, endpoint->aeron_dir))) { return; }
    if (0 == pick->count++) { snprintf(pick->instance, sizeof(pick->instance), "%s", endpoint->instance_id); }
}

/* The driver of a STREAM that is written NAME@INSTANCE; NULL = none is. */
static const char *driver_of_stream(const cli_args_t *args)
{
    const char *const at = args->positional_count > 1 ? strrchr(args->positional[1], '@') : NULL;
    return NULL != at && '\0' != at[1] ? at + 1 : NULL;
}

/* Administration does not guess: the named driver, or the only one there is on the media driver that was named. */
static int find(const cli_args_t *args, tp_admin_t **admin, double seconds)
{
    const char *name = NULL != args->driver ? args->driver : getenv("TP_DRIVER");
    if (NULL == args->driver && NULL != driver_of_stream(args)) { name = driver_of_stream(args); }
    pick_t pick = { .aeron_dir = NULL != args->aeron_dir ? args->aeron_dir : getenv("TP_AERON_DIR") };
    if ((NULL == name || '\0' == name[0]) && tp_endpoint_list(on_endpoint, &pick) >= 0 && 1 == pick.count) { name = pick.instance; }
    return tp_admin_open(admin, name, (int64_t)(seconds * 1e9));
}

int cli_admin(const cli_args_t *args, tp_admin_t **admin)
{
    cli_log_init(args);
    if (0 == find(args, admin, args->timeout > 0.0 ? args->timeout : 5.0)) { return CLI_OK; }
    const int code = cli_error_last();
    return TP_EINVAL == tp_errcode() ? CLI_USAGE : code;
}

tp_admin_t *cli_admin_quiet(const cli_args_t *args)
{
    tp_admin_t *admin = NULL;
    return 0 == find(args, &admin, 1.0) ? admin : NULL;
}

int cli_admin_error(void)
{
    const int code = cli_error_last();
    return CLI_FAILED == code && TP_EIO != tp_errcode() && TP_EPERM != tp_errcode() ? CLI_REJECTED : code;
}

json_t *cli_admin_ask(tp_admin_t *admin, json_t *request, int *code)
{
    const char *reply = NULL;
    char *const text = json_dumps(request, JSON_COMPACT);
    json_t *answer = NULL;
    *code = CLI_OK;
    json_decref(request);
    if (NULL == text) { *code = cli_error(TP_EINVAL, NULL, "the request is not valid UTF-8"); }
    else if (tp_admin_call(admin, text, &reply) < 0) { *code = cli_admin_error(); }
    else { answer = json_loads(reply, 0, NULL); }
    free(text);
    if (NULL == answer && CLI_OK == *code) { *code = cli_error(TP_ENOMEM, NULL, "no memory for the answer"); }
    return answer;
}

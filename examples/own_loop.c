/*
 * One thread for everything: the library's conductor, a consumer and the application's own way to idle, which waits where something else of the
 * application could wake it (here: a signal). Stream 10000, the given number of frames (default: 100).
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tensor_pool/tp.h>

typedef struct app
{
    tp_client_t *client;
    tp_consumer_t *in;
    unsigned long used, discarded, wanted, waited;
}
app_t;

/* An agent: do_work does what there is to do without waiting and says how much that was. Invoker mode: leases live only while it is called. */
static int turn_conductor(void *state, int64_t now_ns)
{
    app_t *const app = state;
    (void)now_ns;
    return tp_client_do_work(app->client);
}

static void on_frame(void *clientd, const tp_frame_view_t *view)
{
    app_t *const app = clientd;
    if (tp_frame_view_is_valid(view)) { app->used++; }
    else { app->discarded++; }
}

static int read_frames(void *state, int64_t now_ns)
{
    app_t *const app = state;
    (void)now_ns;
    return app->used < app->wanted ? tp_consumer_poll_descriptors(app->in, 16) : -1;        /* negative ends the runner */
}

/* The custom idle strategy: 100 empty rounds at full speed, then at most 1 ms in poll(2); file descriptors of the application would go there. */
static void idle(app_t *app, int work)
{
    static int rounds = 0;
    const struct timespec pause = { .tv_sec = 0, .tv_nsec = 1000000 };
    rounds = work > 0 ? 0 : rounds + 1;
    if (rounds > 100)
    {
        (void)ppoll(NULL, 0, &pause, NULL);
        app->waited++;
    }
}

static int fail(void)
{
    (void)fprintf(stderr, "%s\n", tp_errmsg());
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    app_t app = { .wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 100 };
    tp_context_t *context = NULL;
    tp_agent_runner_t *runner = NULL;
    const tp_agent_t agents[] = {
        { .size = sizeof(tp_agent_t), .name = "conductor", .state = &app, .do_work = turn_conductor },
        { .size = sizeof(tp_agent_t), .name = "frames", .state = &app, .do_work = read_frames },
    };
    int work;
    if (tp_context_init(&context) < 0 || tp_context_set_use_agent_invoker(context, true) < 0) { return fail(); }
    if (tp_client_init(&app.client, context) < 0 || tp_consumer_open(&app.in, app.client, 10000) < 0) { return fail(); }
    if (tp_consumer_set_frame_handler(app.in, on_frame, &app) < 0 || tp_agent_runner_init(&runner, agents, 2, NULL) < 0) { return fail(); }
    while ((work = tp_agent_runner_do_work(runner)) >= 0) { idle(&app, work); }     /* tp_agent_runner_start would give them a thread instead */
    (void)printf("%lu frames used, %lu discarded; idled %lu times\n", app.used, app.discarded, app.waited);
    tp_agent_runner_close(runner);
    tp_consumer_close(app.in);
    tp_client_close(app.client);
    tp_context_close(context);
    return app.used >= app.wanted ? EXIT_SUCCESS : EXIT_FAILURE;
}

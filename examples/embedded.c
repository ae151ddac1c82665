/*
 * A whole deployment in one program: media driver, driver, supervisor and discovery provider, each on a thread of its own. Everything lies below the
 * given directory; clients find it by TP_RUNTIME_DIR=DIRECTORY/run. Runs until SIGINT or SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tensor_pool/tp_services.h>

static int fail(void)
{
    char text[1024];
    (void)tp_err_format(text, sizeof(text));
    (void)fprintf(stderr, "%s\n", text);
    return EXIT_FAILURE;
}

/* Streams 10000 to 10015, as tp_driver without a file has them; regions, media driver and endpoint file in the directory. */
static int configure_driver(tp_driver_config_t *config, const char *directory)
{
    (void)snprintf(config->media_driver, sizeof(config->media_driver), "embedded");
    (void)snprintf(config->answer_hello, sizeof(config->answer_hello), "never");       /* the supervisor does */
    (void)snprintf(config->aeron_dir, sizeof(config->aeron_dir), "%s/aeron", directory);
    (void)snprintf(config->base_dir, sizeof(config->base_dir), "%s/shm", directory);
    (void)snprintf(config->runtime_dir, sizeof(config->runtime_dir), "%s/run", directory);
    (void)mkdir(config->base_dir, 0700);
    (void)mkdir(config->runtime_dir, 0700);
    return tp_driver_config_set_builtin(config);
}

/* Whoever calls himself "viewer..." is thinned out to the rate that he asks for, on a stream of his own. */
static int configure_supervisor(tp_supervisor_config_t *config, const tp_driver_config_t *driver)
{
    if (tp_supervisor_config_inherit(config, driver) < 0) { return -1; }
    tp_supervisor_policy_t *policy = tp_supervisor_config_add_policy(config, "viewers");
    if (NULL == policy) { return -1; }
    (void)snprintf(policy->consumer_name, sizeof(policy->consumer_name), "viewer*");
    policy->per_consumer_enabled = TP_SUPERVISOR_YES;
    policy->force_mode = TP_MODE_RATE_LIMITED;
    return 0;
}

/* Listens to this driver's announces and its producers' names; is asked on the control channel, stream 7000, where clients ask by default. */
static int configure_discovery(tp_discovery_provider_config_t *config, const tp_driver_config_t *driver)
{
    tp_discovery_source_config_t *source = tp_discovery_provider_config_add_source(config);
    if (NULL == source) { return -1; }
    const bool shared = '\0' == driver->announce_channel[0];
    (void)snprintf(config->aeron_dir, sizeof(config->aeron_dir), "%s", driver->aeron_dir);
    (void)snprintf(config->request_channel, sizeof(config->request_channel), "%s", driver->control_channel);
    config->request_stream_id = 7000;
    (void)snprintf(source->announce_channel, sizeof(source->announce_channel), "%s", shared ? driver->control_channel : driver->announce_channel);
    source->announce_stream_id = 0 == driver->announce_stream_id ? driver->control_stream_id : driver->announce_stream_id;
    (void)snprintf(source->metadata_channel, sizeof(source->metadata_channel), "%s", driver->metadata_channel);
    source->metadata_stream_id = driver->metadata_stream_id;
    (void)snprintf(source->driver_instance_id, sizeof(source->driver_instance_id), "%s", driver->instance_id);
    (void)snprintf(source->driver_control_channel, sizeof(source->driver_control_channel), "%s", driver->control_channel);
    source->driver_control_stream_id = driver->control_stream_id;
    return 0;
}

int main(int argc, char **argv)
{
    static tp_driver_config_t of_driver;
    static tp_supervisor_config_t of_supervisor;
    static tp_discovery_provider_config_t of_discovery;
    tp_driver_t *driver = NULL;
    tp_supervisor_hooks_t hooks = { .size = sizeof(hooks), .has_lease = tp_driver_has_consumer_lease };
    tp_supervisor_t *supervisor = NULL;
    tp_discovery_provider_t *discovery = NULL;
    sigset_t stops;
    int number;
    if (argc < 2) { return EXIT_FAILURE; }
    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGINT);
    (void)sigaddset(&stops, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &stops, NULL);            /* before the threads are made */
    tp_driver_config_init(&of_driver);
    tp_supervisor_config_init(&of_supervisor);
    tp_discovery_provider_config_init(&of_discovery);
    if (configure_driver(&of_driver, argv[1]) < 0 || tp_driver_init(&driver, &of_driver) < 0 || tp_driver_start(driver) < 0) { return fail(); }
    if (configure_supervisor(&of_supervisor, &of_driver) < 0 || tp_supervisor_init(&supervisor, &of_supervisor) < 0) { return fail(); }
    hooks.clientd = driver;                                /* private streams only for those who hold a lease */
    tp_supervisor_set_hooks(supervisor, &hooks);
    if (configure_discovery(&of_discovery, &of_driver) < 0 || tp_discovery_provider_init(&discovery, &of_discovery) < 0) { return fail(); }
    if (tp_supervisor_start(supervisor) < 0 || tp_discovery_provider_start(discovery) < 0) { return fail(); }
    (void)printf("ready: %s\n", tp_driver_endpoint_file(driver));
    (void)fflush(stdout);
    (void)sigwait(&stops, &number);
    tp_discovery_provider_close(discovery);
    tp_supervisor_close(supervisor);
    tp_driver_close(driver);
    return EXIT_SUCCESS;
}

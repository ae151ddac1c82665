/* See one_driver.h. */
#include "one_driver.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SECOND_NS INT64_C(1000000000)
#define PATIENCE_NS (120 * SECOND_NS)          /* the machine may be busy */
#define DESCRIPTOR_STREAM 1100                 /* the default */
#define KEEPALIVE_MS 20000                     /* busy threads and callgrind are no reason to lose a lease */

int one_driver_fail(const char *what)
{
    char text[1024];
    (void)tp_err_format(text, sizeof(text));
    (void)fprintf(stderr, "bench: %s\n%s\n", what, text);
    return -1;
}

static void name_dirs(one_driver_t *one, const char *dir)
{
    one->driver = NULL;
    one->client = NULL;
    (void)snprintf(one->aeron_dir, sizeof(one->aeron_dir), "%s/aeron", dir);
    (void)snprintf(one->shm_dir, sizeof(one->shm_dir), "%s/shm", dir);
    (void)snprintf(one->runtime_dir, sizeof(one->runtime_dir), "%s/run", dir);
}

static int make_dirs(one_driver_t *one, const char *dir)
{
    name_dirs(one, dir);
    if (0 == mkdir(one->shm_dir, 0700) && 0 == mkdir(one->runtime_dir, 0700)) { return 0; }
    (void)fprintf(stderr, "bench: %s: not an empty directory to write into\n", dir);
    return -1;
}

static int add_stream(tp_driver_config_t *config, uint32_t nslots, uint32_t stride_bytes)
{
    tp_profile_config_t *const profile = tp_driver_config_add_profile(config, "bench");
    if (NULL == profile || NULL == tp_driver_config_add_stream(config, "bench", ONE_STREAM, "bench")) { return -1; }
    profile->header_nslots = nslots;
    profile->pool_count = 1;
    profile->pools[0] = (tp_pool_config_t){ 1, stride_bytes };
    return 0;
}

static int start_driver(one_driver_t *one, uint32_t nslots, uint32_t stride_bytes)
{
    tp_driver_config_t config;
    tp_driver_config_init(&config);
    int rc = 0 == nslots ? tp_driver_config_set_builtin(&config) : add_stream(&config, nslots, stride_bytes);
    (void)snprintf(config.aeron_dir, sizeof(config.aeron_dir), "%s", one->aeron_dir);
    (void)snprintf(config.base_dir, sizeof(config.base_dir), "%s", one->shm_dir);
    (void)snprintf(config.runtime_dir, sizeof(config.runtime_dir), "%s", one->runtime_dir);
    (void)snprintf(config.media_driver, sizeof(config.media_driver), "embedded");
    if (NULL != one->descriptor_channel)
    {
        (void)snprintf(config.descriptor_channel, sizeof(config.descriptor_channel), "%s", one->descriptor_channel);
    }
    config.lease_keepalive_interval_ms = KEEPALIVE_MS;
    if (0 == rc) { rc = tp_driver_init(&one->driver, &config); }
    if (0 == rc) { rc = tp_driver_start(one->driver); }
    tp_driver_config_fini(&config);
    return rc < 0 ? one_driver_fail("the driver does not start") : 0;
}

static int start_client(one_driver_t *one)
{
    tp_context_t *context = NULL;
    int rc = tp_context_init(&context);
    if (0 == rc) { rc = tp_context_set_aeron_dir(context, one->aeron_dir); }
    if (0 == rc) { rc = tp_context_add_allowed_base_dir(context, one->shm_dir); }
    if (0 == rc) { rc = tp_context_set_driver_timeout_ns(context, PATIENCE_NS); }
    if (0 == rc) { rc = tp_context_set_message_timeout_ns(context, 30 * SECOND_NS); }
    if (0 == rc && NULL != one->descriptor_channel) { rc = tp_context_set_descriptor(context, one->descriptor_channel, DESCRIPTOR_STREAM); }
    if (0 == rc) { rc = tp_connect(&one->client, context); }
    tp_context_close(context);
    return rc < 0 ? one_driver_fail("the client does not start") : 0;
}

int one_driver_start(one_driver_t *one, const char *dir, uint32_t nslots, uint32_t stride_bytes)
{
    if (make_dirs(one, dir) < 0 || start_driver(one, nslots, stride_bytes) < 0) { return -1; }
    return start_client(one);
}

int one_driver_join(one_driver_t *one, const char *dir)
{
    name_dirs(one, dir);
    return start_client(one);
}

void one_driver_stop(one_driver_t *one)
{
    tp_client_close(one->client);
    tp_driver_close(one->driver);
    one->client = NULL;
    one->driver = NULL;
}

int one_driver_producer(one_driver_t *one, tp_producer_t **producer)
{
    tp_producer_context_t *context = NULL;
    int rc = tp_producer_context_init(&context);
    if (0 == rc) { rc = tp_producer_context_set_stream_id(context, ONE_STREAM); }
    if (0 == rc) { rc = tp_producer_context_set_attach_timeout_ns(context, PATIENCE_NS); }
    if (0 == rc) { rc = tp_producer_init(producer, one->client, context); }
    tp_producer_context_close(context);
    return rc < 0 ? one_driver_fail("no producer") : 0;
}

static int open_consumer(one_driver_t *one, tp_consumer_t **consumer, bool follows)
{
    tp_consumer_context_t *context = NULL;
    int rc = tp_consumer_context_init(&context);
    if (0 == rc) { rc = tp_consumer_context_set_stream_id(context, ONE_STREAM); }
    if (0 == rc) { rc = tp_consumer_context_set_follow_ring(context, follows); }
    if (0 == rc) { rc = tp_consumer_context_set_attach_timeout_ns(context, PATIENCE_NS); }
    if (0 == rc) { rc = tp_consumer_init(consumer, one->client, context); }
    tp_consumer_context_close(context);
    return rc < 0 ? one_driver_fail("no consumer") : 0;
}

int one_driver_consumer(one_driver_t *one, tp_consumer_t **consumer) { return open_consumer(one, consumer, false); }
int one_driver_observer(one_driver_t *one, tp_consumer_t **observer) { return open_consumer(one, observer, true); }

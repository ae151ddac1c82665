#include "services.h"

#include <tensor_pool/discovery/tp_discovery_provider.h>
#include <tensor_pool/supervisor/tp_supervisor.h>

#include "apps/service/output.h"

#define PARK_QUIET_NS INT64_C(10000000)        /* a service that names no less has nothing under way */

static tp_supervisor_t *supervisor;
static tp_discovery_provider_t *provider;

/* With an embedded media driver its directory is known only now. */
#define SET_AERON_DIR(config_, driver_) \
    (void)snprintf((config_)->aeron_dir, sizeof((config_)->aeron_dir), "%s", tp_driver_aeron_dir(driver_))

static int start_supervisor(tp_driver_t *driver, const tp_supervisor_config_t *config)
{
    static tp_supervisor_config_t made;                 /* what it owns stays with config */
    const tp_supervisor_hooks_t hooks = { .size = sizeof(hooks), .clientd = driver, .has_lease = tp_driver_has_consumer_lease };   /* S-073 OP-S-11 */
    made = *config;
    SET_AERON_DIR(&made, driver);
    if (tp_supervisor_init(&supervisor, &made) < 0) { return -1; }
    tp_supervisor_set_hooks(supervisor, &hooks);
    return 0;
}

static int start_provider(tp_driver_t *driver, const tp_discovery_provider_config_t *config)
{
    static tp_discovery_provider_config_t made;
    made = *config;
    SET_AERON_DIR(&made, driver);
    return tp_discovery_provider_init(&provider, &made);
}

int services_start(tp_driver_t *driver, const tpi_embedded_config_t *embedded)
{
    if (embedded->has_supervisor && start_supervisor(driver, &embedded->supervisor) < 0) { return -1; }     /* S-063 S-003 */
    return embedded->has_discovery ? start_provider(driver, &embedded->discovery) : 0;
}

int services_do_work(void)
{
    const int supervised = NULL != supervisor ? tp_supervisor_do_work(supervisor) : 0;
    if (supervised < 0)
    {
        (void)output_error();
        output_say(TP_LOG_ERROR, 0, "the supervisor ended; the driver goes on without it");
        tp_supervisor_close(supervisor);
        supervisor = NULL;
    }
    const int provided = NULL != provider ? tp_discovery_provider_do_work(provider) : 0;
    if (provided < 0)
    {
        (void)output_error();
        output_say(TP_LOG_ERROR, 0, "the discovery provider ended; the driver goes on without it");
        tp_discovery_provider_close(provider);
        provider = NULL;
    }
    return (supervised > 0 ? supervised : 0) + (provided > 0 ? provided : 0);
}

int64_t services_park_limit_ns(bool rings)
{
    const int64_t supervised = NULL != supervisor ? tp_supervisor_park_limit_ns(supervisor) : INT64_MAX;
    const int64_t provided = NULL != provider ? tp_discovery_provider_park_limit_ns(provider) : INT64_MAX;
    const int64_t limit = provided < supervised ? provided : supervised;
    return rings && limit >= PARK_QUIET_NS ? INT64_MAX : limit;
}

void services_print_state(FILE *out)
{
    char *const json = NULL != supervisor ? tp_supervisor_json(supervisor) : NULL;
    if (NULL != json) { fprintf(out, "%s\n", json); }
    tp_supervisor_json_free(json);
}

void services_close(void)
{
    tp_discovery_provider_close(provider);
    tp_supervisor_close(supervisor);
    provider = NULL;
    supervisor = NULL;
}

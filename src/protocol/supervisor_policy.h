/* What is decided for which consumer (keys of 25-supervisor.md 7.1, and rules of ours in front of them). Pure; any thread. */
#ifndef TPI_PROTOCOL_SUPERVISOR_POLICY_H
#define TPI_PROTOCOL_SUPERVISOR_POLICY_H

#include <tensor_pool/supervisor/tp_supervisor_config.h>

typedef struct tpi_supervisor_decision
{
    bool force_no_shm;
    uint8_t force_mode;                /* 0 = as wanted */
    bool offers_private;
    const char *fallback_uri;          /* borrowed from the configuration; "" = none */
}
tpi_supervisor_decision_t;

/* name: of the consumer's client, NULL = unknown. */
tpi_supervisor_decision_t tpi_supervisor_decide(const tp_supervisor_config_t *config, uint32_t stream_id, uint32_t consumer_id, const char *name);
/* Whether any rule looks at names. */
bool tpi_supervisor_needs_names(const tp_supervisor_config_t *config);

#endif

/* Metadata of a stream as verbs give and show it. Main thread; what comes from the bus is collected on the client's thread under a lock. */
#ifndef APPS_TP_META_H
#define APPS_TP_META_H

#include "cli.h"
#include "out.h"

/* name and summary come from the arguments of `tp pub`, attributes from its --meta KEY=VALUE. Prints what fails; returns the exit code. */
int cli_meta_publish(const cli_args_t *args, tp_producer_t *producer, const tp_tensor_template_t *tensor);

typedef struct cli_meta
{
    bool has_source, has_attributes;
    uint32_t announced_version, version;
    char name[TP_DATA_SOURCE_TEXT_MAX + 1], summary[TP_DATA_SOURCE_TEXT_MAX + 1];
    json_t *attributes;                /* array of objects; NULL before there are any */
}
cli_meta_t;

#define CLI_META_WAIT_NS INT64_C(2500000000)

/* Listens until announce and attributes of the stream were heard, at most for the time given. What was not heard stays absent. */
int cli_meta_fetch(tp_client_t *client, uint32_t stream_id, int64_t timeout_ns, cli_meta_t *meta);
/* {"name":..,"summary":..,"meta_version":..,"attributes":[..]}, or null when nothing was heard. */
json_t *cli_meta_json(const cli_meta_t *meta);
void cli_meta_print(const cli_meta_t *meta, FILE *out);
void cli_meta_fini(cli_meta_t *meta);

#endif

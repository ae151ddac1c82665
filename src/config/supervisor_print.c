/* Owns how a supervisor's configuration is shown, and its example, help and reference page. */
#include "config/supervisor_print.h"

#include <inttypes.h>

#include "config/conf_print.h"
#include "config/supervisor_rows.h"

/* driver.aeron_dir comes after the rows of the service (supervisor_load.c). */
static tpi_conf_shown_t service(const tp_supervisor_config_t *config, const tpi_config_origins_t *origins, size_t first_origin)
{
    return (tpi_conf_shown_t){ .rows = tpi_supervisor_rows, .row_count = tpi_supervisor_row_count, .object = config, .origins = origins,
        .first_origin = first_origin };
}

static tpi_conf_shown_t host(const tp_supervisor_config_t *config, const tpi_config_origins_t *origins)
{
    return (tpi_conf_shown_t){ .rows = tpi_supervisor_host_rows, .row_count = tpi_supervisor_host_row_count, .object = config, .origins = origins,
        .first_origin = tpi_supervisor_row_count };
}

/* ---- rules: each decision as the file would say it ---- */

typedef void (*on_decision_t)(void *clientd, const char *key, const char *value);

static void range_text(const tp_id_range_t *range, char *buffer, size_t size)
{
    (void)snprintf(buffer, size, "\"%" PRIu32 "-%" PRIu32 "\"", range->first, range->last);
}

static void each_decision(const tp_supervisor_policy_t *policy, on_decision_t handler, void *clientd)
{
    char text[TPI_CONF_SHOWN_MAX];
    if (0 != policy->streams.last) { range_text(&policy->streams, text, sizeof(text)); handler(clientd, "streams", text); }
    if (0 != policy->consumers.last) { range_text(&policy->consumers, text, sizeof(text)); handler(clientd, "consumers", text); }
    if ('\0' != policy->consumer_name[0])
    {
        tpi_conf_string_text(policy->consumer_name, text, sizeof(text));
        handler(clientd, "consumer_name", text);
    }
    const struct { const char *key; uint32_t choice; } choices[] = { { "force_no_shm", policy->force_no_shm },
        { "per_consumer_enabled", policy->per_consumer_enabled } };
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
    {
        if (TP_SUPERVISOR_UNDECIDED == choices[i].choice) { continue; }
        handler(clientd, choices[i].key, TP_SUPERVISOR_YES == choices[i].choice ? "true" : "false");
    }
    if (TP_SUPERVISOR_MODE_UNDECIDED != policy->force_mode)
    {
        (void)snprintf(text, sizeof(text), "%" PRIu32, policy->force_mode);
        handler(clientd, "force_mode", text);
    }
    if (policy->has_payload_fallback_uri)
    {
        tpi_conf_string_text(policy->payload_fallback_uri, text, sizeof(text));
        handler(clientd, "payload_fallback_uri", text);
    }
}

static void print_decision(void *clientd, const char *key, const char *value) { fprintf(clientd, "%-30s = %s\n", key, value); }

typedef struct forward
{
    tpi_config_on_value_t handler;
    void *clientd;
    const char *policy;
    const char *source;
}
forward_t;

static void forward_decision(void *clientd, const char *key, const char *value)
{
    const forward_t *const to = clientd;
    char name[TP_CONFIG_NAME_MAX + TPI_CONF_KEY_MAX];
    (void)snprintf(name, sizeof(name), "supervisor.policies.%s.%s", to->policy, key);
    to->handler(to->clientd, name, value, to->source);
}

void tpi_supervisor_show(FILE *out, const tp_supervisor_config_t *config, const tpi_config_origins_t *origins, size_t first_origin)
{
    const tpi_conf_shown_t shown = service(config, origins, first_origin);
    char name[6 * TP_CONFIG_NAME_MAX];
    char source[TP_CONFIG_PATH_MAX + 128];
    tpi_conf_show(out, &shown);
    for (uint32_t i = 0; i < config->policy_count; i++)
    {
        tpi_conf_key_text(config->policies[i].name, name, sizeof(name));
        tpi_conf_entry_source(origins, origins->policy_lines[i], source, sizeof(source));
        fprintf(out, "\n[supervisor.policies.%s]  # %s\n", name, source);
        each_decision(&config->policies[i], print_decision, out);
    }
}

void tpi_supervisor_foreach(const tp_supervisor_config_t *config, const tpi_config_origins_t *origins, size_t first_origin,
    tpi_config_on_value_t handler, void *clientd)
{
    const tpi_conf_shown_t shown = service(config, origins, first_origin);
    char source[TP_CONFIG_PATH_MAX + 128];
    tpi_conf_foreach(&shown, handler, clientd);
    for (uint32_t i = 0; i < config->policy_count; i++)
    {
        tpi_conf_entry_source(origins, origins->policy_lines[i], source, sizeof(source));
        forward_t to = { handler, clientd, config->policies[i].name, source };
        each_decision(&config->policies[i], forward_decision, &to);
    }
}

void tpi_supervisor_config_show(FILE *out, const tp_supervisor_config_t *config, const tpi_config_origins_t *origins)
{
    const tpi_conf_shown_t shown = host(config, origins);
    tpi_supervisor_show(out, config, origins, 0);
    fputc('\n', out);
    tpi_conf_show(out, &shown);
}

void tpi_supervisor_config_foreach(const tp_supervisor_config_t *config, const tpi_config_origins_t *origins, tpi_config_on_value_t handler,
    void *clientd)
{
    const tpi_conf_shown_t shown = host(config, origins);
    tpi_supervisor_foreach(config, origins, 0, handler, clientd);
    tpi_conf_foreach(&shown, handler, clientd);
}

/* ---- example, help, reference ---------------------------------------------------------------------------------------------------- */

static const tpi_conf_set_t example_values[] = {
    { "supervisor.per_consumer_enabled", "true" },
    { "supervisor.per_consumer_descriptor_channel", "\"aeron:ipc?term-length=4m\"" },
    { "supervisor.per_consumer_descriptor_base", "31000" },
    { "supervisor.per_consumer_descriptor_range", "1000" },
    { "supervisor.per_consumer_control_channel", "\"aeron:ipc?term-length=4m\"" },
    { "supervisor.per_consumer_control_base", "32000" },
    { "supervisor.per_consumer_control_range", "1000" },
    { NULL, NULL }
};

static const char *no_derived(const tpi_conf_row_t *row) { return row->default_text; }

void tpi_supervisor_config_example(FILE *out)
{
    fputs("# Configuration of tp_supervisord. Lines that are commented out show the default. Check it: tp_supervisord --check -c FILE\n"
        "# The table [supervisor] may also stand in the file of tp_driver: the supervisor then runs inside of the driver.\n"
        "# Each key can also be set by a variable: supervisor.consumer_stale_ms by SUPERVISOR_CONSUMER_STALE_MS.\n", out);
    tpi_conf_example(out, tpi_supervisor_rows, tpi_supervisor_row_count, example_values, no_derived);
    fputs("\n# Rules for some consumers: each decision is that of the first rule that matches and takes it.\n"
        "#[supervisor.policies.displays]\n#consumer_name = \"viewer*\"\n#force_mode = 2\n", out);
    tpi_conf_example(out, tpi_supervisor_host_rows, tpi_supervisor_host_row_count, example_values, no_derived);
}

void tpi_supervisor_config_help(FILE *out)
{
    tpi_conf_help(out, tpi_supervisor_rows, tpi_supervisor_row_count);
    tpi_conf_help(out, tpi_supervisor_host_rows, tpi_supervisor_host_row_count);
}

void tpi_supervisor_config_reference(FILE *out)
{
    fputs("# Configuration of the supervisor\n\n"
        "Printed by `tp_supervisord --print-reference`; do not edit. `tp_supervisord --print-example` writes a file to start from,\n"
        "`tp_supervisord --check` checks one, `tp_supervisord --print-config` shows each value in force and where it came from.\n\n"
        "The same table in the file of `tp_driver` makes the supervisor run inside of the driver; keys that say so take their\n"
        "default from the driver's configuration then, each for itself.\n\n"
        "A value is taken from the first of: command line, environment, file, default. Errors name file, line, column, key, value\n"
        "and bound. SIGHUP checks the file again and says in the log which keys differ from those in force; all of them take\n"
        "effect with a restart, which costs no frame.\n", out);
    tpi_conf_reference(out, tpi_supervisor_rows, tpi_supervisor_row_count, NULL);
    tpi_conf_reference_entry(out, "[supervisor.policies.NAME]", tpi_policy_rows, tpi_policy_row_count);
    fputs("\nRules are looked at in the order of the file. A rule applies to a consumer when stream, id and name all match; each\n"
        "decision is that of the first rule that applies and takes it, else that of the keys above.\n", out);
    tpi_conf_reference(out, tpi_supervisor_host_rows, tpi_supervisor_host_row_count, NULL);
}

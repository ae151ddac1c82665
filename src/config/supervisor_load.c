/* Owns the order of sources and the cross check of a stand-alone supervisor, and the judgement of an embedded one. */
#include "config/supervisor_load.h"

#include <inttypes.h>
#include <string.h>

#include "common/alloc.h"
#include "config/driver_rows.h"
#include "config/supervisor_rows.h"

/* Where the rule stands that a message is about. */
static uint32_t line_of_policy(const tpi_conf_source_t *source, const tp_supervisor_config_t *config, const char *message)
{
    char key[TP_CONFIG_NAME_MAX + 32];
    for (uint32_t i = 0; i < config->policy_count; i++)
    {
        (void)snprintf(key, sizeof(key), "supervisor.policies.%s:", config->policies[i].name);
        if (0 == strncmp(message, key, strlen(key))) { return source->origins->policy_lines[i]; }
    }
    return 0;
}

int tpi_supervisor_judge(const tpi_conf_source_t *source, const tp_supervisor_config_t *config)
{
    if (tp_supervisor_config_check(config) < 0)                                     /* S-065 S-075 */
    {
        tpi_conf_add_place(source, line_of_policy(source, config, tp_errmsg()));
        return -1;
    }
    return 0;
}

static int read_all(tp_supervisor_config_t *config, tpi_config_origins_t *origins, const char *file, const tpi_config_options_t *options)
{
    const tpi_conf_reader_t readers[] = { { "supervisor", "policies", tpi_supervisor_read_policies, config } };
    const tpi_conf_section_t sections[] = {
        { .rows = tpi_supervisor_rows, .row_count = tpi_supervisor_row_count, .object = config, .readers = readers, .reader_count = 1 },
        { .rows = tpi_supervisor_host_rows, .row_count = tpi_supervisor_host_row_count, .object = config,
            .first_origin = tpi_supervisor_row_count, .others = tpi_driver_rows, .other_count = tpi_driver_row_count } };
    const tpi_conf_source_t source = { .sections = sections, .section_count = sizeof(sections) / sizeof(sections[0]),
        .options = options, .origins = origins };
    unsigned mode = 0;
    if (NULL != file && tpi_conf_apply_file(&source, file, &mode) < 0) { return -1; }
    if (tpi_conf_apply_environment(&source) < 0 || tpi_conf_apply_settings(&source) < 0) { return -1; }
    return tpi_supervisor_judge(&source, config);
}

int tpi_supervisor_config_load(tp_supervisor_config_t *config, const char *file, const tpi_config_options_t *options)
{
    static const tpi_config_options_t no_options;
    options = NULL != options ? options : &no_options;
    tp_supervisor_config_t *const made = tpi_alloc(sizeof(*made));
    tpi_config_origins_t *const origins = tpi_alloc(sizeof(*origins));
    int rc = -1;
    if (NULL == made || NULL == origins) { goto out; }
    tp_supervisor_config_init(made);
    rc = read_all(made, origins, file, options);
    if (rc < 0)
    {
        tp_supervisor_config_fini(made);
        goto out;
    }
    *config = *made;
    if (NULL != options->origins) { *options->origins = *origins; }
out:
    tpi_free(made);
    tpi_free(origins);
    return rc;
}

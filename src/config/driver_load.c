/*
 * Owns the order of sources and the cross checks of a driver's configuration and of the services embedded in it: defaults, file, environment,
 * settings, tp_driver_config_check, then what the services inherit, and their checks.
 */
#include <string.h>

#include "common/alloc.h"
#include "config/driver_file.h"
#include "config/driver_rows.h"
#include "config/embedded.h"

/* ---- cross check ----------------------------------------------------------------------------------------------------------------- */

/* Whether the message starts with that key. */
static bool starts_with_key(const char *message, const char *key)
{
    const size_t length = strlen(key);
    const char next = 0 == strncmp(message, key, length) ? message[length] : 'x';
    return '\0' == next || ' ' == next || '.' == next || ':' == next || ',' == next;
}

static bool starts_with_entry(const char *message, const char *table, const char *name)
{
    char key[TP_CONFIG_NAME_MAX + 16];
    (void)snprintf(key, sizeof(key), "%s.%s", table, name);
    return starts_with_key(message, key);
}

static uint32_t line_of_entry(const tpi_conf_source_t *source, const tp_driver_config_t *config, const char *message)
{
    size_t longest = 0;
    uint32_t line = 0;
    for (uint32_t i = 0; i < config->profile_count; i++)
    {
        const char *const name = config->profiles[i].name;
        if (strlen(name) <= longest || !starts_with_entry(message, "profiles", name)) { continue; }
        longest = strlen(name);
        line = source->origins->profile_lines[i];
    }
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        const char *const name = config->streams[i].name;
        if (strlen(name) <= longest || !starts_with_entry(message, "streams", name)) { continue; }
        longest = strlen(name);
        line = source->origins->stream_lines[i];
    }
    return line;
}

static int check(const tpi_conf_source_t *source, const tp_driver_config_t *config)
{
    if (tp_driver_config_check(config) < 0)
    {
        tpi_conf_add_place(source, line_of_entry(source, config, tp_errmsg()));
        return -1;
    }
    if (0 != (config->permissions_mode & 0007))                                    /* W-245 */
    {
        tpi_conf_warn(source, TP_ECONF_RULE, "shm.permissions_mode = %03o lets every user of this host %s the frames",
            (unsigned)config->permissions_mode, 0 != (config->permissions_mode & 0002) ? "write" : "read");
    }
    return 0;
}

static int add_builtin(const tpi_conf_source_t *source, tp_driver_config_t *config)
{
    tp_driver_config_t *const before = tpi_alloc(sizeof(*before));
    if (NULL == before) { return -1; }
    *before = *config;
    const int rc = tp_driver_config_set_builtin(config);
    for (size_t i = 0; rc >= 0 && i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        const char *const old = (const char *)before + row->offset;
        const char *const new = (const char *)config + row->offset;
        if (TPI_CONF_TEXTS != row->type && 0 != memcmp(old, new, row->size)) { source->origins->rows[i].kind = TPI_CONFIG_BUILTIN; }
    }
    tpi_free(before);
    return rc;
}

static int read_file(const tpi_conf_source_t *source, const tp_driver_config_t *config, const char *file)
{
    unsigned mode = 0;
    if (tpi_conf_apply_file(source, file, &mode) < 0) { return -1; }
    if (0 != (mode & 0044) && '\0' != config->shutdown_token[0])
    {
        tpi_conf_warn(source, TP_ECONF_RULE, "%.180s: policies.shutdown_token can be read by others (mode %03o); chmod 600, or use "
            "POLICIES_SHUTDOWN_TOKEN", file, mode & 0777);
    }
    return 0;
}

/* Everything into config, which is initialised, and tables. */
static int read_all(tp_driver_config_t *config, tpi_embedded_tables_t *tables, tpi_config_origins_t *origins, const char *file,
    const tpi_config_options_t *options)
{
    const tpi_conf_reader_t readers[] = { { "", "profiles", tpi_driver_read_profiles, config }, { "", "streams", tpi_driver_read_streams, config } };
    tpi_conf_section_t sections[1 + TPI_EMBEDDED_SECTIONS] = { { .rows = tpi_driver_rows, .row_count = tpi_driver_row_count, .object = config,
        .readers = readers, .reader_count = sizeof(readers) / sizeof(readers[0]) } };
    tpi_embedded_tables_init(tables, sections + 1);
    const tpi_conf_source_t source = { .reader = "the driver", .sections = sections, .section_count = 1 + TPI_EMBEDDED_SECTIONS,
        .options = options, .origins = origins };
    if ((NULL != file ? read_file(&source, config, file) : add_builtin(&source, config)) < 0) { return -1; }
    if (tpi_conf_apply_environment(&source) < 0 || tpi_conf_apply_settings(&source) < 0 || check(&source, config) < 0) { return -1; }
    return tpi_embedded_tables_finish(&source, tables, config);
}

int tpi_driver_config_load(tp_driver_config_t *config, const char *file, const tpi_config_options_t *options)
{
    static const tpi_config_options_t no_options;
    if (NULL == config)
    {
        TPI_SET_ERR(TP_EINVAL, "config = NULL");
        return -1;
    }
    options = NULL != options ? options : &no_options;
    tp_driver_config_t *const made = tpi_alloc(sizeof(*made));
    tpi_config_origins_t *const origins = tpi_alloc(sizeof(*origins));
    tpi_embedded_tables_t *const tables = tpi_alloc(sizeof(*tables));
    int rc = -1;
    if (NULL == made || NULL == origins || NULL == tables) { goto out; }
    tp_driver_config_init(made);
    rc = read_all(made, tables, origins, file, options);
    if (rc < 0) { tp_driver_config_fini(made); }
    else
    {
        *config = *made;
        if (NULL != options->origins) { *options->origins = *origins; }
    }
    if (rc < 0 || NULL == options->embedded) { tpi_embedded_tables_fini(tables); }
    else
    {
        *options->embedded = (tpi_embedded_config_t){ .has_supervisor = tables->has_supervisor, .supervisor = tables->supervisor,
            .has_discovery = tables->has_discovery, .discovery = tables->discovery.config };
    }
out:
    tpi_free(made);
    tpi_free(origins);
    tpi_free(tables);
    return rc;
}

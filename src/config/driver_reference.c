/* Owns the example file, the key list of --help and the reference page; all are printed from the rows. */
#include <inttypes.h>
#include <string.h>

#include "config/config.h"
#include "config/driver_rows.h"

#define LINE_MAX_COLUMNS 110

/* Text broken at blanks, each line after the prefix. */
static void print_wrapped(FILE *out, const char *prefix, const char *text)
{
    const size_t room = LINE_MAX_COLUMNS - strlen(prefix);
    while ('\0' != *text)
    {
        size_t length = strlen(text);
        if (length > room)
        {
            length = room;
            while (length > 0 && ' ' != text[length]) { length--; }
            if (0 == length) { length = strcspn(text, " "); }
        }
        fprintf(out, "%s%.*s\n", prefix, (int)length, text);
        text += length;
        while (' ' == *text) { text++; }
    }
}

static void print_table_start(FILE *out, const tpi_conf_row_t *row, const char **table)
{
    const size_t length = strcspn(row->key, ".");
    if (0 != strncmp(*table, row->key, length + 1)) { fprintf(out, "\n[%.*s]\n", (int)length, row->key); }
    *table = row->key;
}

static const char *example_of_derived(const tpi_conf_row_t *row)
{
    switch (row->type)
    {
        case TPI_CONF_TEXTS: return "[\"/dev/shm/tensorpool\"]";
        case TPI_CONF_U32: return "1001";
        case TPI_CONF_U64: return "3000000000";
        default: return 0 == strcmp(row->key, "policies.default_profile") ? "\"video\"" : "\"aeron:ipc?term-length=4m\"";
    }
}

/* Keys that the example sets: dynamic streams work out of the box. */
static const char *example_value(const tpi_conf_row_t *row)
{
    static const struct { const char *key, *value; } set[] = {
        { "driver.announce_stream_id", "1001" },
        { "driver.stream_id_range", "\"20000-29999\"" },
        { "driver.descriptor_stream_id_range", "\"31000-31999\"" },
        { "driver.control_stream_id_range", "\"32000-32999\"" },
        { "policies.allow_dynamic_streams", "true" },
        { "policies.default_profile", "\"small\"" },
    };
    for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
    {
        if (0 == strcmp(set[i].key, row->key)) { return set[i].value; }
    }
    return NULL;
}

static const char example_entries[] =
    "\n"
    "# ---- profiles: how large the regions of a stream are ------------------------------------------------------------\n"
    "# Every pool has header_nslots slots. A frame takes the smallest slot it fits. A consumer may be header_nslots frames\n"
    "# behind before it loses frames.\n"
    "# Memory of one stream: header_nslots x (256 + sum of all stride_bytes); it is taken when the first client attaches.\n"
    "\n"
    "[profiles.small]                    # spectra, tables, small images: 17 MiB a stream\n"
    "header_nslots = 256\n"
    "payload_pools = [\n"
    "  { pool_id = 1, stride_bytes = 4096 },\n"
    "  { pool_id = 2, stride_bytes = 65536 },\n"
    "]\n"
    "\n"
    "[profiles.video]                    # 768x576 and 1920x1080 pixels of 3 bytes: 115 MiB a stream\n"
    "header_nslots = 16\n"
    "payload_pools = [\n"
    "  { pool_id = 1, stride_bytes = 1327104 },\n"
    "  { pool_id = 2, stride_bytes = 6220800 },\n"
    "]\n"
    "\n"
    "[profiles.frames_4m]                # frames of up to 4 MiB: 256 MiB a stream\n"
    "header_nslots = 64\n"
    "payload_pools = [\n"
    "  { pool_id = 1, stride_bytes = 4194304 },\n"
    "]\n"
    "\n"
    "# ---- streams: which streams exist without anybody asking for them -----------------------------------------------\n"
    "\n"
    "[streams.cam1]\n"
    "stream_id = 10000\n"
    "profile   = \"video\"\n"
    "\n"
    "[streams.cam2]\n"
    "stream_id = 10001\n"
    "profile   = \"video\"\n"
    "\n"
    "[streams.detector]\n"
    "stream_id = 10002\n"
    "profile   = \"frames_4m\"\n"
    "\n"
    "[streams.telemetry]\n"
    "stream_id = 10003\n"
    "profile   = \"small\"\n";

void tpi_driver_config_example(FILE *out)
{
    const char *table = "";
    fprintf(out, "# Configuration of tp_driver. Lines that are commented out show the default. Check it: tp config check FILE\n");
    fprintf(out, "# Each key of [driver], [shm] and [policies] can also be set by a variable: driver.instance_id by DRIVER_INSTANCE_ID.\n");
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        const char *const set = example_value(row);
        const char *const value = NULL != set ? set : 0 != (row->flags & TPI_CONF_DERIVED) ? example_of_derived(row) : row->default_text;
        const size_t table_length = strcspn(row->key, ".");
        char takes[160];
        char doc[600];
        print_table_start(out, row, &table);
        tpi_conf_describe(row, takes, sizeof(takes));
        if (0 != (row->flags & TPI_CONF_DERIVED)) { (void)snprintf(doc, sizeof(doc), "%s; %s; default: %s", row->doc, takes, row->default_text); }
        else { (void)snprintf(doc, sizeof(doc), "%s; %s", row->doc, takes); }
        print_wrapped(out, "# ", doc);
        fprintf(out, "%s%s = %s\n", NULL != set ? "" : "#", row->key + table_length + 1, value);
    }
    fputs(example_entries, out);
}

void tpi_driver_config_help(FILE *out)
{
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        char takes[160];
        tpi_conf_describe(row, takes, sizeof(takes));
        fprintf(out, "  %s = %s (%s)\n", row->key, row->default_text, takes);
        print_wrapped(out, "      ", row->doc);
    }
}

/* ---- reference page -------------------------------------------------------------------------------------------------------------- */

/* '|' would end a cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; '\0' != *text; text++)
    {
        if ('|' == *text) { (void)fputc('\\', out); }
        (void)fputc(*text, out);
    }
}

/* restart: whether to say that a reload leaves it alone. */
static void print_reference_row(FILE *out, const tpi_conf_row_t *row, bool with_variable, bool restart)
{
    char takes[160];
    char variable[TPI_CONF_KEY_MAX] = "-";
    tpi_conf_describe(row, takes, sizeof(takes));
    fprintf(out, "| `%s` | ", row->key);
    print_cell(out, takes);
    if (NULL == row->default_text) { fprintf(out, " | required"); }
    else if (0 != (row->flags & TPI_CONF_DERIVED)) { fprintf(out, " | %s", row->default_text); }
    else { fprintf(out, " | `%s`", row->default_text); }
    if (with_variable)
    {
        if (TPI_CONF_TEXTS != row->type) { tpi_conf_variable(row, variable, sizeof(variable)); }
        fprintf(out, " | %s%s%s", variable, NULL != row->alias ? ", else " : "", NULL != row->alias ? row->alias : "");
    }
    fprintf(out, " | ");
    print_cell(out, row->doc);
    fprintf(out, "%s%s |\n", 0 != (row->flags & TPI_CONF_LOCAL) ? " (key of this implementation)" : "", restart ? "; *restart*" : "");
}

static void print_reference_table(FILE *out, const char *title, const tpi_conf_row_t *rows, size_t count)
{
    fprintf(out, "\n## %s\n\n| Key | Takes | Default | Meaning |\n| --- | --- | --- | --- |\n", title);
    for (size_t i = 0; i < count; i++) { print_reference_row(out, &rows[i], false, false); }
}

void tpi_driver_config_reference(FILE *out)
{
    fputs("# Configuration of the driver\n\n"
        "Printed by `tp_driver --print-reference`; do not edit. `tp_driver --print-example` writes a file to start from,\n"
        "`tp_driver --check` checks one, `tp_driver --print-config` shows each value in force and where it came from.\n\n"
        "A value is taken from the first of: command line, environment, file, default. Without `--config` the driver serves\n"
        "built-in streams: 10000 to 10015, and dynamic ones from 20000 to 29999.\n\n"
        "An unknown key in one of the tables below is an error; a table that is not one of them is ignored with a warning, because\n"
        "a file may serve several programs. Errors name file, line, column, key, value and bound.\n\n"
        "Integers of variables are decimal, booleans `true` or `false` in any case, ranges as in the file without quotation marks.\n"
        "Ranges are written `\"start-end\"`, `\"n\"`, `\"start,end\"`, `[start, end]` or `[\"start-end\", \"n\", ...]`, whose parts follow\n"
        "one another without gap.\n\n"
        "SIGHUP and `tp driver reload` read everything again: an error changes nothing, streams and profiles may come, go and change, and\n"
        "keys marked *restart* keep their value until the driver is started anew, which the log and the answer say.\n", out);
    const char *table = "";
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        const size_t length = strcspn(row->key, ".");
        if (0 != strncmp(table, row->key, length + 1))
        {
            fprintf(out, "\n## [%.*s]\n\n| Key | Takes | Default | Variable | Meaning |\n| --- | --- | --- | --- | --- |\n", (int)length, row->key);
        }
        table = row->key;
        print_reference_row(out, row, true, tpi_driver_row_needs_restart(row));
    }
    print_reference_table(out, "[profiles.NAME]", tpi_profile_rows, tpi_profile_row_count);
    fprintf(out, "\nAnd `payload_pools`, an array of 1 to %d tables:\n", TP_CONFIG_POOLS_MAX);
    print_reference_table(out, "[[profiles.NAME.payload_pools]]", tpi_pool_rows, tpi_pool_row_count);
    print_reference_table(out, "[streams.NAME]", tpi_stream_rows, tpi_stream_row_count);
}

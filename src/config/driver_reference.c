/* Owns the example file, the key list of --help and the reference page; all are printed from the rows. */
#include <inttypes.h>
#include <string.h>

#include "config/conf_print.h"
#include "config/driver_rows.h"

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
static const tpi_conf_set_t example_values[] = {
    { "driver.announce_stream_id", "1001" },
    { "driver.stream_id_range", "\"20000-29999\"" },
    { "driver.descriptor_stream_id_range", "\"31000-31999\"" },
    { "driver.control_stream_id_range", "\"32000-32999\"" },
    { "policies.allow_dynamic_streams", "true" },
    { "policies.default_profile", "\"small\"" },
    { NULL, NULL }
};

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
    fprintf(out, "# Configuration of tp_driver. Lines that are commented out show the default. Check it: tp config check FILE\n");
    fprintf(out, "# Each key of [driver], [shm] and [policies] can also be set by a variable: driver.instance_id by DRIVER_INSTANCE_ID.\n");
    tpi_conf_example(out, tpi_driver_rows, tpi_driver_row_count, example_values, example_of_derived);
    fputs(example_entries, out);
}

void tpi_driver_config_help(FILE *out) { tpi_conf_help(out, tpi_driver_rows, tpi_driver_row_count); }

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
    tpi_conf_reference(out, tpi_driver_rows, tpi_driver_row_count, tpi_driver_row_needs_restart);
    tpi_conf_reference_entry(out, "[profiles.NAME]", tpi_profile_rows, tpi_profile_row_count);
    fprintf(out, "\nAnd `payload_pools`, an array of 1 to %d tables:\n", TP_CONFIG_POOLS_MAX);
    tpi_conf_reference_entry(out, "[[profiles.NAME.payload_pools]]", tpi_pool_rows, tpi_pool_row_count);
    tpi_conf_reference_entry(out, "[streams.NAME]", tpi_stream_rows, tpi_stream_row_count);
}

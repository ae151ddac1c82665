/* Answers of the driver's local socket, written for people. Main thread only. */
#include "driver_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "out.h"

const char *cli_json_text(const json_t *object, const char *key)
{
    const char *const text = json_string_value(json_object_get(object, key));
    return NULL == text ? "" : text;
}

static json_int_t number(const json_t *object, const char *key) { return json_integer_value(json_object_get(object, key)); }

void cli_show_status(json_t *answer)
{
    printf("%-10s  %" JSON_INTEGER_FORMAT "\n", "pid", number(answer, "pid"));
    printf("%-10s  %s\n", "state", cli_json_text(answer, "state"));
    printf("%-10s  %" JSON_INTEGER_FORMAT "\n", "leases", number(answer, "leases"));
    printf("%-10s  %s\n", "token", cli_json_text(answer, "token"));
}

void cli_show_reload(json_t *answer)
{
    static const struct { const char *key, *words; } lists[] = { { "changed", "changed" }, { "added", "added" }, { "removed", "removed" },
        { "raised", "new epoch" }, { "restart", "needs restart" } };
    bool any = false;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
    {
        const json_t *const list = json_object_get(answer, lists[i].key);
        for (size_t j = 0; j < json_array_size(list); j++)
        {
            const json_t *const item = json_array_get(list, j);
            any = true;
            if (json_is_string(item)) { printf("%-13s  %s\n", lists[i].words, json_string_value(item)); }
            else { printf("%-13s  stream %" JSON_INTEGER_FORMAT "\n", lists[i].words, json_integer_value(item)); }
        }
    }
    if (!any) { printf("nothing differs from what is in force\n"); }
}

void cli_show_log_line(const json_t *line)
{
    char stamp[32] = "-";
    char text[700];
    const uint64_t ns = strtoull(cli_json_text(line, "time_ns"), NULL, 10);
    const time_t seconds = (time_t)(ns / 1000000000U);
    struct tm parts;
    if (NULL != localtime_r(&seconds, &parts)) { (void)strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &parts); }
    snprintf(text, sizeof(text), "%s", cli_json_text(line, "text"));
    cli_disarm(text);
    printf("%s.%03u %s", stamp, (unsigned)(ns / 1000000U % 1000U), cli_json_text(line, "level"));
    if (0 != number(line, "code")) { printf("[TP%04" JSON_INTEGER_FORMAT "]", number(line, "code")); }
    printf(": %s\n", text);
}

static void lease_cells(cli_table_t *table, const json_t *lease, const char *role)
{
    char age[CLI_TEXT_MAX];
    cli_table_cell(table, "%s", "");
    cli_table_cell(table, "  %s %" JSON_INTEGER_FORMAT, role, number(lease, "client"));
    cli_table_cell(table, "keepalive %s ago", cli_human_ns(age, (double)number(lease, "keepalive_age_ns")));
    cli_table_cell(table, "%s", cli_json_text(lease, "epoch"));
    for (int i = 0; i < 3; i++) { cli_table_cell(table, "%s", ""); }
    cli_table_cell(table, "lease %s", cli_json_text(lease, "lease"));
}

static void counts_cell(cli_table_t *table, const json_t *counts)
{
    char text[400] = "";
    size_t used = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)counts, key, value)
    {
        if (!json_is_integer(value) || 0 == json_integer_value(value) || used >= sizeof(text)) { continue; }
        const int n = snprintf(text + used, sizeof(text) - used, "%s%s %" JSON_INTEGER_FORMAT, 0 == used ? "" : ", ", key, json_integer_value(value));
        used += n > 0 ? (size_t)n : 0;
    }
    cli_table_cell(table, "%s", text);
}

void cli_show_streams(const json_t *streams)
{
    static const char *const headings[] = { ">ID", "NAME", "STATE", ">EPOCH", ">SLOTS", ">POOLS", ">MEMORY", "COUNTS", NULL };
    cli_table_t table;
    char bytes[CLI_TEXT_MAX];
    cli_table_init(&table, headings);
    for (size_t i = 0; i < json_array_size(streams); i++)
    {
        const json_t *const stream = json_array_get(streams, i);
        const json_t *const producer = json_object_get(stream, "producer");
        const json_t *const consumers = json_object_get(stream, "consumers");
        const char *const name = cli_json_text(stream, "name");
        cli_table_cell(&table, "%" JSON_INTEGER_FORMAT, number(stream, "stream"));
        cli_table_cell(&table, "%s", '\0' != name[0] ? name : cli_json_text(stream, "origin"));
        cli_table_cell(&table, "%s", cli_json_text(stream, "state"));
        cli_table_cell(&table, "%s", cli_json_text(stream, "epoch"));
        cli_table_cell(&table, "%" JSON_INTEGER_FORMAT, number(stream, "nslots"));
        cli_table_cell(&table, "%zu", json_array_size(json_object_get(stream, "pools")));
        cli_table_cell(&table, "%s", cli_human_bytes(bytes, (double)number(stream, "bytes")));
        counts_cell(&table, json_object_get(stream, "counts"));
        if (json_is_object(producer)) { lease_cells(&table, producer, "producer"); }
        for (size_t j = 0; j < json_array_size(consumers); j++) { lease_cells(&table, json_array_get(consumers, j), "consumer"); }
    }
    if (0 == json_array_size(streams)) { printf("no streams\n"); }
    else { cli_table_print(&table, stdout); }
    cli_table_fini(&table);
}

/* tp lease: who holds what, and taking it away, through the driver's local socket. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "connect.h"
#include "number.h"
#include "out.h"
#include "rounds.h"
#include "streams.h"
#include "verbs.h"

static const cli_option_t options[] = {
    CLI_OPT_FLAG("quiet", 'q', quiet, "only lease ids, one a line"),
    CLI_ROUNDS_OPTIONS,
    CLI_ADMIN_OPTIONS,
    CLI_OPT_END,
};

typedef struct listing
{
    const cli_args_t *args;
    tp_admin_t *admin;
    uint32_t stream_id;                /* 0 = all */
    cli_streams_t known;               /* names and pids from the counters, as far as there are any */
    tp_admin_lease_t *leases;
    size_t count, capacity;
    bool failed;
}
listing_t;

static void on_lease(void *clientd, const tp_admin_lease_t *lease)
{
    listing_t *const listing = clientd;
    if (0 != listing->stream_id && lease->stream_id != listing->stream_id) { return; }
    if (listing->count == listing->capacity)
    {
        const size_t capacity = 0 == listing->capacity ? 64 : listing->capacity * 2;
        tp_admin_lease_t *grown = realloc(listing->leases, capacity * sizeof(*grown));
        if (NULL == grown) { listing->failed = true; return; }
        listing->leases = grown;
        listing->capacity = capacity;
    }
    listing->leases[listing->count++] = *lease;
}

static int by_stream_and_role(const void *a, const void *b)
{
    const tp_admin_lease_t *x = a;
    const tp_admin_lease_t *y = b;
    if (x->stream_id != y->stream_id) { return x->stream_id < y->stream_id ? -1 : 1; }
    if (x->role != y->role) { return TP_ROLE_PRODUCER == x->role ? -1 : 1; }
    return (x->client_id > y->client_id) - (x->client_id < y->client_id);
}

static const char *name_of(const listing_t *listing, uint32_t stream_id)
{
    for (size_t i = 0; i < listing->known.stream_count; i++)
    {
        if (listing->known.streams[i].stream_id == stream_id) { return listing->known.streams[i].name; }
    }
    return "";
}

static uint64_t pid_of(const listing_t *listing, uint64_t lease_id)
{
    for (size_t i = 0; i < listing->known.lease_count; i++)
    {
        if (listing->known.leases[i].lease_id == lease_id) { return listing->known.leases[i].pid; }
    }
    return 0;
}

static const char *role_of(const tp_admin_lease_t *lease) { return TP_ROLE_PRODUCER == lease->role ? "producer" : "consumer"; }

static void print_json(const listing_t *listing, const tp_admin_lease_t *lease)
{
    const uint64_t pid = pid_of(listing, lease->lease_id);
    (void)cli_json_line(json_pack("{s:s,s:o,s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:I,s:I}", "type", "lease", "lease_id", cli_json_id(lease->lease_id),
        "stream_id", cli_json_id(lease->stream_id), "name", name_of(listing, lease->stream_id), "role", role_of(lease), "client_id",
        cli_json_id(lease->client_id), "pid", 0 != pid ? json_integer((json_int_t)pid) : json_null(), "node_id", cli_json_id(lease->node_id), "epoch",
        cli_json_id(lease->epoch), "keepalive_age_ns", (json_int_t)lease->keepalive_age_ns, "expires_in_ns", (json_int_t)lease->expires_in_ns));
}

static void print_row(const listing_t *listing, cli_table_t *table, const tp_admin_lease_t *lease)
{
    char text[CLI_TEXT_MAX];
    const uint64_t pid = pid_of(listing, lease->lease_id);
    const char *const name = name_of(listing, lease->stream_id);
    cli_table_cell(table, "%" PRIu64, lease->lease_id);
    cli_table_cell(table, "%" PRIu32, lease->stream_id);
    cli_table_cell(table, "%s", '\0' != name[0] ? name : "-");
    cli_table_cell(table, "%s", role_of(lease));
    cli_table_cell(table, "%" PRIu32, lease->client_id);
    cli_table_cell(table, 0 != pid ? "%" PRIu64 : "-", pid);
    cli_table_cell(table, "%" PRIu64, lease->epoch);
    cli_table_cell(table, "%s ago", cli_human_ns(text, (double)lease->keepalive_age_ns));
    cli_table_cell(table, "%s", cli_human_ns(text, (double)lease->expires_in_ns));
}

static int list_round(const cli_args_t *args, void *clientd)
{
    static const char *const headings[] = { ">LEASE", ">STREAM", "NAME", "ROLE", ">CLIENT", ">PID", ">EPOCH", ">KEEPALIVE", ">EXPIRES IN", NULL };
    listing_t *const listing = clientd;
    cli_table_t table;
    listing->count = 0;
    if (tp_admin_leases(listing->admin, on_lease, listing) < 0) { return cli_admin_error(); }
    if (listing->failed) { return cli_error(TP_ENOMEM, NULL, "no memory for the list of leases"); }
    if (listing->count > 1) { qsort(listing->leases, listing->count, sizeof(listing->leases[0]), by_stream_and_role); }
    cli_table_init(&table, headings);
    for (size_t i = 0; i < listing->count; i++)
    {
        if (args->json) { print_json(listing, &listing->leases[i]); }
        else if (args->quiet) { printf("%" PRIu64 "\n", listing->leases[i].lease_id); }
        else { print_row(listing, &table, &listing->leases[i]); }
    }
    if (!args->json && !args->quiet)
    {
        if (listing->count > 0) { cli_table_print(&table, stdout); }
        else { printf("no leases\n"); }
    }
    cli_table_fini(&table);
    return CLI_OK;
}

static int lease_ls(const cli_args_t *args, tp_admin_t *admin)
{
    listing_t listing = { .args = args, .admin = admin };
    tp_counters_t *counters = NULL;
    int code = args->positional_count > 1 ? cli_stream(args, args->positional[1], &listing.stream_id) : CLI_OK;
    if (CLI_OK == code && !args->quiet) { code = cli_counters(args, &counters); }
    if (CLI_OK == code && NULL != counters) { code = cli_streams_read(&listing.known, counters, false); }
    if (CLI_OK == code) { code = cli_rounds(args, list_round, &listing); }
    cli_streams_fini(&listing.known);
    tp_counters_close(counters);
    free(listing.leases);
    return code;
}

/* All are tried; the first failure is the exit code. */
static int lease_revoke(const cli_args_t *args, tp_admin_t *admin)
{
    int result = CLI_OK;
    for (int i = 1; i < args->positional_count; i++)
    {
        uint64_t lease_id = 0;
        if (!cli_parse_u64(args->positional[i], 0, UINT64_MAX, &lease_id))
        {
            return cli_usage("lease", "'%s' is no lease id; tp lease ls shows them", args->positional[i]);
        }
    }
    for (int i = 1; i < args->positional_count; i++)
    {
        uint64_t lease_id = 0;
        (void)cli_parse_u64(args->positional[i], 0, UINT64_MAX, &lease_id);
        const int code = tp_admin_revoke(admin, lease_id) < 0 ? cli_admin_error() : CLI_OK;
        if (CLI_OK == result) { result = code; }
        if (CLI_OK != code) { continue; }
        if (args->json) { (void)cli_json_line(json_pack("{s:s,s:o}", "type", "revoked", "lease_id", cli_json_id(lease_id))); }
        else { printf("revoked %" PRIu64 "\n", lease_id); }
    }
    return result;
}

static int run_lease(const cli_args_t *args)
{
    const char *const word = args->positional[0];
    const bool revoke = 0 == strcmp(word, "revoke");
    tp_admin_t *admin = NULL;
    if (!revoke && 0 != strcmp(word, "ls")) { return cli_usage("lease", "tp lease ls|revoke; '%s' is neither", word); }
    if (revoke && args->positional_count < 2) { return cli_usage("lease", "tp lease revoke takes lease ids; tp lease ls shows them"); }
    if (!revoke && args->positional_count > 2) { return cli_usage("lease", "tp lease ls takes at most one stream"); }
    int code = cli_admin(args, &admin);
    if (CLI_OK == code) { code = revoke ? lease_revoke(args, admin) : lease_ls(args, admin); }
    tp_admin_close(admin);
    return code;
}

const cli_verb_t verb_lease = {
    .name = "lease", .arguments = "ls [STREAM] | revoke LEASE...", .min_arguments = 1, .max_arguments = 65, .words = "ls revoke", .options = options,
    .run = run_lease, .summary = "Who holds what: list leases, take them away",
    .text = "ls      every lease of the driver, or those of one stream: role, client, process, last keepalive\n"
        "revoke  ends leases; their holders are told at once, and attach again if they are so minded (ours are)\n\n"
        "Asks the driver through its local socket, which serves its own user and root.",
};

/* tp trace: where frames came from. Recording, questions, and what stages hand in afterwards. */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "verbs.h"

static const cli_option_t options[] = {
    CLI_OPT_TEXT("db", 0, db, "FILE", "the store, an SQLite file (default trace.db)"),
    CLI_OPT_LIST("stream", 0, trace_streams, "STREAM", "record: name or id of a stream; may be given several times (default: all there are)"),
    CLI_OPT_LIST("stage", 0, stages, "STREAM=N", "record: number of the stage that writes a stream (default: the stream's id)"),
    CLI_OPT_FLAG("untraced", 0, untraced, "record: frames without trace id as well"),
    CLI_OPT_NUMBER("batch-ms", 0, batch_ms, "MS", 10, 100, "record: milliseconds between transactions (default 50)"),
    CLI_OPT_NUMBER("queue", 0, queue, "ROWS", 1024, 1048576, "record: rows that wait at most, of frames and of links each (default 65536)"),
    CLI_OPT_FLAG("children", 0, children, "show: what came of it instead of what it came from"),
    CLI_OPT_FLAG("dot", 0, dot, "show: as a graph for Graphviz"),
    CLI_OPT_TEXT("add", 0, window_file, "FILE", "windows: store those of FILE (- is standard input), JSON, one a line"),
    CLI_OPT_END,
};

const char *trace_store_path(const cli_args_t *args) { return NULL != args->db ? args->db : TRACE_STORE_FILE; }

bool trace_parse_id(const char *text, uint64_t *id)
{
    const bool hexadecimal = '0' == text[0] && ('x' == text[1] || 'X' == text[1]);
    const char *digits = hexadecimal ? text + 2 : text;
    char *end = NULL;
    if ('\0' == *digits || strspn(digits, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits)) { return false; }
    errno = 0;
    const unsigned long long value = strtoull(digits, &end, hexadecimal ? 16 : 10);
    if (0 != errno || '\0' != *end || 0 == value) { return false; }
    *id = value;
    return true;
}

static int run_trace(const cli_args_t *args)
{
    const char *const word = args->positional[0];
    const bool shows = 0 == strcmp(word, "show");
    const bool records = 0 == strcmp(word, "record");
    if (shows && 2 != args->positional_count) { return cli_usage("trace", "tp trace show takes one trace id"); }
    if (!shows && !records && args->positional_count > 1) { return cli_usage("trace", "tp trace %s takes no arguments", word); }
    if (records) { return trace_record(args); }
    if (shows) { return trace_show(args, args->positional[1]); }
    if (0 == strcmp(word, "windows")) { return trace_windows(args); }
    if (0 == strcmp(word, "expand")) { return trace_expand(args); }
    if (0 == strcmp(word, "nodes")) { return trace_nodes(args); }
    return cli_usage("trace", "tp trace record|show|windows|expand|nodes; '%s' is none of them", word);
}

const cli_verb_t verb_trace = {
    .name = "trace", .arguments = "record [STREAM...] | show ID | windows | expand | nodes", .min_arguments = 1, .max_arguments = 65,
    .words = "record show windows expand nodes", .options = options, .run = run_trace, .summary = "Where frames came from: record, and ask",
    .text = "record   stores trace id and time of every frame, the links between ids, and which process had which node id; reads only\n"
        "show     the ancestors of a trace id (decimal or 0x...), or with --children what came of it, with the time of each hop\n"
        "windows  the stored bounds of stateful stages; --add takes lines like\n"
        "         {\"trace_id\":\"7\",\"in_stream_id\":\"10000\",\"epoch\":\"3\",\"seq_start\":\"10\",\"seq_end\":\"19\"} (or t_start_ns, t_end_ns)\n"
        "expand   turns stored windows into links to the frames that lie in them\n"
        "nodes    node ids and the processes that had them\n\n"
        "The store is an SQLite file with the tables of the TraceLink specification; other programs may read it while it is written.",
};

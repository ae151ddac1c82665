/* tp top: the tree of streams as lines, made anew each round; top_screen.c shows them on a terminal, top.c without one. Main thread only. */
#ifndef APPS_TP_TOP_H
#define APPS_TP_TOP_H

#include "cli.h"
#include "streams.h"

typedef enum top_sort { TOP_BY_ID, TOP_BY_NAME, TOP_BY_HZ, TOP_BY_RATE, TOP_BY_DROPS, TOP_BY_CONSUMERS, TOP_SORTS } top_sort_t;
extern const char *const top_sort_names[TOP_SORTS];

typedef enum top_line { TOP_TITLE, TOP_STREAM, TOP_CLIENT, TOP_NOTE } top_line_t;

typedef struct top
{
    const cli_args_t *args;
    cli_streams_t now, before;
    int64_t now_ns, before_ns;
    size_t *order;                     /* indices of now.streams that pass the filter, sorted */
    size_t order_count;
    top_sort_t sort;
    bool reverse;
    char filter[64];
    bool alive;
    int64_t media_pid;
    char problem[512];                 /* "" or why there is nothing new to see */
}
top_t;

/* What a lease did since the round before. */
typedef struct top_client
{
    bool measured;
    double hz, bytes_per_second, drops_per_second;
    uint64_t drops, behind;            /* behind: frames between the newest one and the last one taken */
}
top_client_t;

/* Reads counters and rings; on failure the last round stays and problem says why. Returns the exit code that belongs to it. */
int top_read(top_t *top);
/* Applies filter and sort order to what was read. */
void top_arrange(top_t *top);
void top_client(const top_t *top, const cli_stream_t *stream, const cli_lease_t *lease, top_client_t *out);
typedef void (*top_emit_t)(void *clientd, top_line_t kind, const char *text);
void top_lines(const top_t *top, top_emit_t emit, void *clientd);
void top_fini(top_t *top);

/* Full screen until q, an interrupt, --count or --seconds. CLI_FAILED with *unable set when the terminal cannot do it. */
int top_screen(top_t *top, bool *unable);

#endif

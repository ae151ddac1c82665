/*
 * A consumer as the reading verbs use it: opened from the arguments, with the rules for ending (count, time, silence, signal) in one place.
 * Main thread; events of the conductor only set flags and print warnings.
 */
#ifndef APPS_TP_READER_H
#define APPS_TP_READER_H

#include "cli.h"
#include "out.h"

typedef struct cli_reader
{
    const cli_args_t *args;
    tp_context_t *context;
    tp_client_t *client;
    tp_consumer_t *consumer;
    uint32_t stream_id;
    bool every_frame;
    uint64_t frames;                   /* handed out */
    int64_t start_ns, first_ns, last_ns, deadline_ns, silence_ns;
    int64_t now_ns;                    /* when the last frame was handed out */
    bool joined;                       /* a frame came */
    uint64_t before_join[TP_DROP_REASONS];
    int exit_code;                     /* why the reading ended, CLI_OK for count, time and signal */
    FILE *text;                        /* where lines for people go */
}
cli_reader_t;

#define CLI_READER_OPTIONS \
    CLI_OPT_NUMBER("client-id", 0, client_id, "N", 1, UINT32_MAX, "client id instead of a random one"), \
    CLI_OPT_ENUM("mode", 0, mode, "stream|rate-limited", "how to receive (default stream)"), \
    CLI_OPT_NUMBER("max-rate", 0, max_rate, "HZ", 0, UINT32_MAX, "frames a second in mode rate-limited, 0 = unlimited"), \
    CLI_OPT_TEXT("desc-channel", 0, desc_channel, "CHANNEL", "ask for a descriptor stream of our own on this channel"), \
    CLI_OPT_NUMBER("desc-id", 0, desc_id, "N", 1, INT32_MAX, "its Aeron stream id"), \
    CLI_OPT_TEXT("ctrl-channel", 0, ctrl_channel, "CHANNEL", "ask for a control stream of our own on this channel"), \
    CLI_OPT_NUMBER("ctrl-id", 0, ctrl_id, "N", 1, INT32_MAX, "its Aeron stream id"), \
    CLI_OPT_FLAG("newest", 0, newest, "only the newest frame each time; those passed over count as skipped"), \
    CLI_OPT_FLAG("observe", 0, observe, "read the ring only: no lease, no descriptors, nobody knows of us; frames have no trace id"), \
    CLI_OPT_FLAG("recover", 0, recover, "look into the ring for frames whose descriptor does not come (the default)"), \
    CLI_OPT_FLAG("no-recover", 0, no_recover, "do not: a frame that is not announced is lost"), \
    CLI_OPT_ENUM("idle", 0, idle, "busy|yield|backoff|sleep|noop", "how to wait for frames (default backoff)"), \
    CLI_OPT_REAL("timeout", 0, timeout, "S", 1000000000, "end with exit code 5 after S seconds without a frame")

/* every_frame: counts matter: no jump to the newest frame, latency histogram. Prints what fails; returns the exit code. */
int cli_reader_open(cli_reader_t *reader, const cli_args_t *args, const char *stream, bool every_frame);
/* 1 and a view that lives until the next call, or 0: the reading is over, see exit_code. Flushes standard output when it has to wait. */
int cli_reader_next(cli_reader_t *reader, tp_frame_view_t *view);
/* The frame just handed out was overwritten while it was read: it does not count for --count. */
void cli_reader_torn(cli_reader_t *reader);
void cli_reader_close(cli_reader_t *reader);
/* Statistics of the consumer, without the frames of the stream that it met before its first mapping: nobody could have given it those. */
int cli_reader_stats(const cli_reader_t *reader, tp_consumer_stats_t *stats);

/* Lost frames: every reason but thinning that was asked for. */
uint64_t cli_lost(const tp_consumer_stats_t *stats);
json_t *cli_lost_by_reason(const tp_consumer_stats_t *stats);
/* "overwritten 12, gap 3" or "". */
const char *cli_lost_text(char *buffer, size_t size, const tp_consumer_stats_t *stats);
json_t *cli_latency_json(const tp_consumer_stats_t *stats);

#endif

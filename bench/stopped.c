/*
 * Row 5: what eight consumers of the shared stream notice of a ninth that stands still (SIGSTOP). Three processes: driver and producer, the eight,
 * the ninth; default settings. The producer goes at a fixed rate: first for as long without a stop (the run before), then with it, then on until the
 * ninth has caught up. Its descriptors find no room any more while somebody does not read them; the eight read on from the ring.
 *
 * Nobody spins: who sleeps for microseconds is given a core at once, also on a busy machine; who yields waits for everybody else.
 *
 * Frames the eight lost, by reason, and their 99th percentile from claim to validated header, against the run before. What they skip
 * because the machine did not let them run is no part of it and told besides.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hdr/hdr_histogram.h>

#include "machine.h"
#include "one_driver.h"

#define OTHERS 8
#define WORDS 8u                       /* of the payload */
#define PATIENCE_NS INT64_C(120000000000)
#define SAMPLE_NS INT64_C(50000000)
#define STARVED_FRAMES 128             /* half of those after which a consumer jumps */
#define TURN_NS INT64_C(1000000)       /* longer than a turn takes */
#define PAUSE_NS INT64_C(20000)        /* of a reader that found nothing */
#define OVERDUE_NS INT64_C(200000)     /* a pause that took so long was the machine's */
#define OVERDUE_SHARE 10
#define QUIET_NS INT64_C(2000000000)   /* nothing came for so long after the last frame */
#define MULTIPLIER UINT64_C(0x9E3779B97F4A7C15)

/* Between the processes. */
typedef struct shared
{
    _Atomic int driver_runs;
    _Atomic int readers_ready;
    _Atomic int failed;
    _Atomic uint64_t last_seq;         /* UINT64_MAX until the producer is through */
    uint64_t first[4];                 /* seqs where phases begin: before, during, after; and the end */
    tp_consumer_stats_t stats[OTHERS + 1];
    uint64_t unannounced[OTHERS + 1];
    uint64_t wrong[OTHERS + 1];        /* frames twice, out of order, or of other content */
    int64_t longest_pause_ns;          /* of the eight */
    uint64_t starved;                  /* frames they skipped around pauses of their own */
    int64_t p50_ns[2];                 /* by phase: before and during */
    int64_t p99_ns[2];
    int64_t p99_all_ns[2];             /* with those that came while the eight were overdue */
    uint64_t overdue[2];
}
shared_t;

typedef struct settings { int64_t seconds; int64_t hz; uint32_t nslots; int cpu[2]; const char *dir; const char *channel; } settings_t;

/* Of the eight, by phase. The machine may leave a process that wants 20 us of sleep without a CPU for milliseconds, whoever is stopped. */
typedef struct latencies
{
    struct hdr_histogram *own[2];      /* of frames that did not come while the readers were overdue */
    struct hdr_histogram *all[2];
    int64_t overdue_from_ns;
    int64_t overdue_until_ns;
    uint64_t overdue[2];
}
latencies_t;

typedef struct reader
{
    tp_consumer_t *consumer;
    latencies_t *latency;              /* NULL: the ninth */
    const shared_t *shared;
    uint64_t next;
    uint64_t frames;
    uint64_t unannounced;
    uint64_t wrong;
    uint64_t newest;
}
reader_t;

static volatile sig_atomic_t told_to_end;
static void on_signal(int number) { (void)number; told_to_end = 1; }

/* ---- readers ------------------------------------------------------------------------------------------------------------ */

static void on_frame(void *clientd, const tp_frame_view_t *view)
{
    reader_t *const r = clientd;
    const int64_t late_ns = bench_now_ns() - (int64_t)view->timestamp_ns;
    const uint64_t *const words = view->payload;
    const bool is_right = WORDS * sizeof(uint64_t) == view->payload_bytes && words[WORDS - 1] == (view->seq + 1) * MULTIPLIER;
    if (!tp_frame_view_is_valid(view)) { return; }
    if (!is_right || view->seq < r->next) { r->wrong++; }
    r->next = view->seq + 1;
    r->frames++;
    if (0 != (view->flags & TP_FRAME_NO_DESCRIPTOR)) { r->unannounced++; }
    latencies_t *const l = r->latency;
    for (int phase = 0; NULL != l && phase < 2; phase++)
    {
        if (view->seq < r->shared->first[phase] || view->seq >= r->shared->first[phase + 1]) { continue; }
        (void)hdr_record_value(l->all[phase], late_ns);
        const int64_t published_ns = (int64_t)view->timestamp_ns;
        if (published_ns >= l->overdue_from_ns && published_ns < l->overdue_until_ns) { l->overdue[phase]++; }
        else { (void)hdr_record_value(l->own[phase], late_ns); }
    }
}

static int open_readers(one_driver_t *one, reader_t *readers, int count, const settings_t *settings, shared_t *shared)
{
    while (0 == atomic_load(&shared->driver_runs) && !told_to_end) { bench_pause_ns(1000000); }
    one->descriptor_channel = settings->channel;
    if (one_driver_join(one, settings->dir) < 0) { return -1; }
    for (int i = 0; i < count; i++)
    {
        readers[i].shared = shared;
        if (one_driver_consumer(one, &readers[i].consumer) < 0) { return -1; }
        if (tp_consumer_set_frame_handler(readers[i].consumer, on_frame, &readers[i]) < 0) { return one_driver_fail("no handler"); }
    }
    atomic_fetch_add(&shared->readers_ready, count);
    return 0;
}

/*
 * Who is not given a core while 256 frames are written jumps to the newest one (10-wire.md W-125), whether somebody stands still or not. Frames
 * skipped around such a pause are told apart.
 */
typedef struct starving
{
    int64_t limit_ns;                  /* of the time away: more is a pause */
    int64_t away_ns;                   /* long turns, less the short ones since */
    int64_t until_ns;                  /* what is skipped before belongs to the last one; 0: none */
    int64_t sampled_ns;
    uint64_t sampled;                  /* skipped by all, as of then */
    uint64_t before;                   /* the pause */
    uint64_t skipped;
}
starving_t;

static uint64_t skipped_by(const reader_t *readers, int count)
{
    uint64_t sum = 0;
    for (int i = 0; i < count; i++)
    {
        tp_consumer_stats_t stats = { .size = sizeof(stats) };
        if (0 == tp_consumer_stats(readers[i].consumer, &stats)) { sum += stats.drops[TP_DROP_SKIPPED]; }
    }
    return sum;
}

static void notice(starving_t *s, const reader_t *readers, int count, int64_t turn_ns, int64_t at_ns)
{
    s->away_ns += turn_ns > TURN_NS ? turn_ns : -turn_ns;
    if (s->away_ns < 0) { s->away_ns = 0; }
    if (s->away_ns > s->limit_ns)
    {
        if (0 == s->until_ns) { s->before = s->sampled; }
        s->until_ns = at_ns + 2 * SAMPLE_NS;
    }
    if (at_ns - s->sampled_ns < SAMPLE_NS) { return; }
    s->sampled_ns = at_ns;
    s->sampled = skipped_by(readers, count);
    if (0 == s->until_ns || at_ns < s->until_ns) { return; }
    s->skipped += s->sampled - s->before;
    s->until_ns = 0;
}

/* Until all have the last frame, or nothing comes any more. The longest time between two turns. */
static int64_t read_all(reader_t *readers, int count, const shared_t *shared, bool is_measured, starving_t *starving)
{
    int64_t longest_ns = 0;
    int64_t turn_ns = bench_now_ns();
    int64_t heard_ns = turn_ns;
    bool ends = false;
    while (!ends && !told_to_end && 0 == atomic_load(&shared->failed))
    {
        int work = 0;
        int through = 0;
        const uint64_t last = atomic_load(&shared->last_seq);
        for (int i = 0; i < count; i++)
        {
            const int n = tp_consumer_poll_descriptors(readers[i].consumer, 64);
            if (n > 0) { work += n; }
            if (UINT64_MAX != last && readers[i].next > last) { through++; }
        }
        const int64_t at_ns = bench_now_ns();
        if (UINT64_MAX == last && at_ns - turn_ns > longest_ns) { longest_ns = at_ns - turn_ns; }
        if (is_measured) { notice(starving, readers, count, at_ns - turn_ns, at_ns); }
        turn_ns = at_ns;
        if (work > 0 || UINT64_MAX == last) { heard_ns = at_ns; }
        ends = count == through || at_ns - heard_ns > QUIET_NS;
        if (0 != work) { continue; }
        bench_pause_ns(is_measured ? PAUSE_NS : 10 * PAUSE_NS);
        if (!is_measured) { continue; }
        const int64_t awake_ns = bench_now_ns();
        if (awake_ns - at_ns <= OVERDUE_NS) { continue; }
        readers[0].latency->overdue_from_ns = at_ns;
        readers[0].latency->overdue_until_ns = awake_ns;
    }
    if (0 != starving->until_ns) { starving->skipped += skipped_by(readers, count) - starving->before; }
    return longest_ns;
}

static int read_process(const settings_t *settings, shared_t *shared, int first, int count)
{
    one_driver_t one;
    reader_t readers[OTHERS];
    latencies_t latency;
    memset(&one, 0, sizeof(one));
    memset(readers, 0, sizeof(readers));
    memset(&latency, 0, sizeof(latency));
    const bool is_measured = OTHERS == count;
    for (int phase = 0; phase < 2; phase++)
    {
        if (0 != hdr_init(1, INT64_C(10000000000), 3, &latency.own[phase]) || 0 != hdr_init(1, INT64_C(10000000000), 3, &latency.all[phase]))
        {
            return 1;
        }
    }
    for (int i = 0; i < count; i++) { readers[i].latency = is_measured ? &latency : NULL; }
    int rc = open_readers(&one, readers, count, settings, shared);
    if (is_measured) { bench_pin(settings->cpu[1]); }      /* this thread, not the client's */
    if (0 == rc)
    {
        starving_t starving = { .limit_ns = STARVED_FRAMES * (1000000000 / settings->hz) };
        const int64_t longest_ns = read_all(readers, count, shared, is_measured, &starving);
        if (is_measured) { shared->longest_pause_ns = longest_ns; shared->starved = starving.skipped; }
    }
    for (int i = 0; i < count && 0 == rc; i++)
    {
        rc = tp_consumer_stats(readers[i].consumer, &shared->stats[first + i]);
        shared->unannounced[first + i] = readers[i].unannounced;
        shared->wrong[first + i] = readers[i].wrong;
    }
    for (int phase = 0; is_measured && phase < 2; phase++)
    {
        shared->p50_ns[phase] = hdr_value_at_percentile(latency.own[phase], 50.0);
        shared->p99_ns[phase] = hdr_value_at_percentile(latency.own[phase], 99.0);
        shared->p99_all_ns[phase] = hdr_value_at_percentile(latency.all[phase], 99.0);
        shared->overdue[phase] = latency.overdue[phase];
    }
    for (int i = 0; i < count; i++) { tp_consumer_close(readers[i].consumer); }
    one_driver_stop(&one);
    for (int phase = 0; phase < 2; phase++) { hdr_close(latency.own[phase]); hdr_close(latency.all[phase]); }
    if (rc < 0) { atomic_store(&shared->failed, 1); }
    return rc < 0 || told_to_end ? 1 : 0;
}

/* ---- the producer ------------------------------------------------------------------------------------------------------- */

static int publish(tp_producer_t *producer, const tp_tensor_template_t *shape, uint64_t *seq)
{
    tp_buffer_claim_t claim;
    const int64_t rc = tp_producer_try_claim(producer, shape, &claim);
    if (rc < 0) { return one_driver_fail(tp_result_name((int)rc)); }
    *seq = claim.seq;
    for (uint64_t i = 0; i < WORDS; i++) { ((uint64_t *)claim.payload)[i] = (claim.seq + 1) * MULTIPLIER; }
    (void)tp_producer_commit_claim(producer, &claim, NULL);                /* the frame lies there, whatever becomes of its descriptor */
    return 0;
}

static int produce(const settings_t *settings, shared_t *shared, tp_producer_t *producer, const tp_tensor_template_t *shape, pid_t ninth)
{
    const int64_t period_ns = 1000000000 / settings->hz;
    int64_t due_ns = bench_now_ns();
    uint64_t seq = 0;
    for (uint64_t i = 0; i < shared->first[3]; i++)
    {
        if (i == shared->first[1]) { (void)kill(ninth, SIGSTOP); }
        if (i == shared->first[2]) { (void)kill(ninth, SIGCONT); }
        const int64_t at_ns = bench_now_ns();
        if (at_ns < due_ns) { bench_pause_ns(due_ns - at_ns); }
        due_ns = (at_ns > due_ns + period_ns ? at_ns : due_ns) + period_ns;        /* what it is late for is no reason to go faster */
        if (told_to_end || 0 != atomic_load(&shared->failed)) { return -1; }
        if (publish(producer, shape, &seq) < 0) { return -1; }
    }
    /* Descriptors that still wait; who was stopped hears of the last frame by another one, if it needs that. */
    const int64_t deadline_ns = bench_now_ns() + PATIENCE_NS;
    while (tp_producer_flush(producer) > 0 && bench_now_ns() < deadline_ns) { bench_pause_ns(1000000); }
    atomic_store(&shared->last_seq, seq);
    return 0;
}

/* ---- the figures -------------------------------------------------------------------------------------------------------- */

static uint64_t lost(const tp_consumer_stats_t *s)
{
    uint64_t sum = 0;
    for (int i = 0; i < TP_DROP_REASONS; i++) { sum += TP_DROP_NOT_MAPPED == i || TP_DROP_EPOCH == i ? 0 : s->drops[i]; }
    return sum;
}

/* Whether received and lost add up to what was published from the first frame on. */
static bool adds_up(const shared_t *shared, int i)
{
    const tp_consumer_stats_t *s = &shared->stats[i];
    return s->received + lost(s) == s->last_seq - s->first_seq + 1 && atomic_load(&shared->last_seq) == s->last_seq && 0 == shared->wrong[i];
}

/* Nothing is said of a machine that left the readers alone for a tenth of the time, or for much longer while one was stopped. */
static void say_p99(const shared_t *shared)
{
    const uint64_t most = OTHERS * (shared->first[1] - shared->first[0]) / OVERDUE_SHARE;
    const bool is_quiet = shared->overdue[0] <= most && shared->overdue[1] <= most && shared->overdue[1] <= 2 * shared->overdue[0] + most / 2;
    if (is_quiet && shared->p99_ns[0] > 0 && shared->p99_ns[1] > 0)
    {
        (void)printf("{\"name\":\"p99 against the run before\",\"value\":%.3f", (double)shared->p99_ns[1] / (double)shared->p99_ns[0]);
    }
    else
    {
        (void)printf("{\"name\":\"p99 against the run before\",\"value\":null,\"reason\":\"the machine did not run the readers often enough\"");
    }
    (void)printf(",\"unit\":\"ratio\",\"before_p99_ns\":%" PRId64 ",\"during_p99_ns\":%" PRId64 ",\"before_p50_ns\":%" PRId64
        ",\"during_p50_ns\":%" PRId64 ",\"before_overdue\":%" PRIu64 ",\"during_overdue\":%" PRIu64 ",\"before_p99_with_overdue_ns\":%" PRId64
        ",\"during_p99_with_overdue_ns\":%" PRId64 "}\n", shared->p99_ns[0], shared->p99_ns[1], shared->p50_ns[0], shared->p50_ns[1],
        shared->overdue[0], shared->overdue[1], shared->p99_all_ns[0], shared->p99_all_ns[1]);
}

static void say(const shared_t *shared, const tp_producer_stats_t *sent)
{
    uint64_t sum = 0, unannounced = 0, late = 0, received = 0;
    bool add_up = true;
    for (int i = 0; i <= OTHERS; i++) { add_up = add_up && adds_up(shared, i); }
    for (int i = 0; i < OTHERS; i++)
    {
        sum += lost(&shared->stats[i]);
        unannounced += shared->unannounced[i];
        late += shared->stats[i].late_descriptors;
        received += shared->stats[i].received;
    }
    const tp_consumer_stats_t *const ninth = &shared->stats[OTHERS];
    (void)printf("{\"name\":\"frames lost by others\",\"value\":%" PRIu64 ",\"unit\":\"frames\",\"received\":%" PRIu64
        ",\"skipped_while_not_running\":%" PRIu64
        ",\"from_ring\":%" PRIu64 ",\"late_descriptors\":%" PRIu64 ",\"longest_pause_ms\":%.3f,\"frames\":%" PRIu64 ",\"refused\":%" PRIu64
        ",\"given_up\":%" PRIu64 ",\"stopped_received\":%" PRIu64 ",\"stopped_lost\":%" PRIu64 ",\"stopped_last_seq\":%" PRIu64
        ",\"stopped_reattaches\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"ledgers_add_up\":%s}\n", sum > shared->starved ? sum - shared->starved : 0,
        received, shared->starved, unannounced, late,
        (double)shared->longest_pause_ns / 1e6, sent->frames, sent->back_pressured, sent->descriptors_dropped, ninth->received, lost(ninth),
        ninth->last_seq, ninth->reattaches, atomic_load(&shared->last_seq), add_up ? "true" : "false");
    say_p99(shared);
    for (int i = 0; !add_up && i <= OTHERS; i++)
    {
        const tp_consumer_stats_t *s = &shared->stats[i];
        (void)fprintf(stderr, "bench: consumer %d: first %" PRIu64 " last %" PRIu64 " received %" PRIu64 " lost %" PRIu64 " wrong %" PRIu64 "\n", i,
            s->first_seq, s->last_seq, s->received, lost(s), shared->wrong[i]);
        for (int k = 0; k < TP_DROP_REASONS; k++)
        {
            if (0 != s->drops[k]) { (void)fprintf(stderr, "bench:   %s %" PRIu64 "\n", tp_drop_reason_name(k), s->drops[k]); }
        }
    }
}

/* ---- the run ------------------------------------------------------------------------------------------------------------ */

static pid_t start_readers(const settings_t *settings, shared_t *shared, int first, int count)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (0 != pid) { return pid; }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) { _exit(1); }
    _exit(read_process(settings, shared, first, count));
}

static int measure(const settings_t *settings, shared_t *shared, one_driver_t *one, pid_t ninth)
{
    static const int32_t words = WORDS;
    tp_producer_t *producer = NULL;
    tp_tensor_template_t *shape = NULL;
    tp_producer_stats_t sent = { .size = sizeof(sent) };
    one->descriptor_channel = settings->channel;
    int rc = one_driver_start(one, settings->dir, settings->nslots, WORDS * sizeof(uint64_t));
    if (0 == rc && tp_tensor_template_init(&shape, TP_DTYPE_UINT64, TP_ROW_MAJOR, 1, &words) < 0) { rc = one_driver_fail("no shape"); }
    if (0 == rc) { rc = one_driver_producer(one, &producer); }
    if (0 == rc) { atomic_store(&shared->driver_runs, 1); }
    const int64_t deadline_ns = bench_now_ns() + PATIENCE_NS;
    while (0 == rc && atomic_load(&shared->readers_ready) <= OTHERS)
    {
        if (told_to_end || 0 != atomic_load(&shared->failed) || bench_now_ns() > deadline_ns) { rc = one_driver_fail("the readers do not come"); }
        bench_pause_ns(1000000);
    }
    if (0 == rc) { bench_pin(settings->cpu[0]); rc = produce(settings, shared, producer, shape, ninth); }
    if (0 == rc) { rc = tp_producer_stats(producer, &sent); }
    if (rc < 0) { atomic_store(&shared->failed, 1); (void)kill(ninth, SIGCONT); }
    for (int i = 0, status = 0; i < 2; i++)
    {
        if (wait(&status) < 0 || !WIFEXITED(status) || 0 != WEXITSTATUS(status)) { rc = -1; }
    }
    if (0 == rc) { say(shared, &sent); }
    tp_producer_close(producer);
    tp_tensor_template_close(shape);
    one_driver_stop(one);
    return rc;
}

static int run(const settings_t *settings)
{
    one_driver_t one;
    memset(&one, 0, sizeof(one));
    shared_t *const shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (MAP_FAILED == shared) { (void)fprintf(stderr, "bench: no memory: %s\n", strerror(errno)); return -1; }
    const uint64_t hz = (uint64_t)settings->hz;
    shared->first[0] = hz;             /* a second to warm up */
    shared->first[1] = shared->first[0] + hz * (uint64_t)settings->seconds;
    shared->first[2] = shared->first[1] + hz * (uint64_t)settings->seconds;
    shared->first[3] = shared->first[2] + hz * 6;                          /* whoever was away for long attaches again meanwhile */
    atomic_store(&shared->last_seq, UINT64_MAX);
    (void)prctl(PR_SET_TIMERSLACK, 1000);
    const pid_t eight = start_readers(settings, shared, 0, OTHERS);
    const pid_t ninth = start_readers(settings, shared, OTHERS, 1);
    if (eight < 0 || ninth < 0) { (void)fprintf(stderr, "bench: no process: %s\n", strerror(errno)); return -1; }
    return measure(settings, shared, &one, ninth);
}

static int usage(FILE *out, int code)
{
    (void)fprintf(out, "stopped [--seconds S] [--hz N] [--slots N] [--channel URI] [--quick] [--cpu A,B] --dir DIR\n"
        "One of nine consumers is stopped for S seconds (60; --quick: 10); what the others lose and how late they are. DIR is empty.\n"
        "--channel: of the descriptors, for another length of term.\n");
    return code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "seconds", required_argument, NULL, 's' }, { "hz", required_argument, NULL, 'r' },
        { "slots", required_argument, NULL, 'n' },
        { "channel", required_argument, NULL, 'u' }, { "cpu", required_argument, NULL, 'c' }, { "dir", required_argument, NULL, 'd' },
        { "quick", no_argument, NULL, 'q' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    settings_t settings = { .seconds = 60, .hz = 10000, .nslots = 4096, .cpu = { -1, -1 } };
    bool is_given = false;
    bool is_quick = false;
    for (int option; -1 != (option = getopt_long(argc, argv, "", options, NULL));)
    {
        switch (option)
        {
            case 's': settings.seconds = strtoll(optarg, NULL, 10); is_given = true; break;
            case 'r': settings.hz = strtoll(optarg, NULL, 10); break;
            case 'n': settings.nslots = (uint32_t)strtoul(optarg, NULL, 10); break;
            case 'u': settings.channel = optarg; break;
            case 'c': if (2 != sscanf(optarg, "%d,%d", &settings.cpu[0], &settings.cpu[1])) { return usage(stderr, 2); } break;
            case 'd': settings.dir = optarg; break;
            case 'q': is_quick = true; break;
            case 'h': return usage(stdout, 0);
            default: return usage(stderr, 2);
        }
    }
    if (is_quick && !is_given) { settings.seconds = 10; }
    if (NULL == settings.dir || settings.seconds < 1 || settings.hz < 1 || settings.hz > 1000000 || optind != argc) { return usage(stderr, 2); }
    const struct sigaction action = { .sa_handler = on_signal };
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    return 0 == run(&settings) ? 0 : 1;
}

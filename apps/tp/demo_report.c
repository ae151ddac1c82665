/* What the demo says: the live table, the checks, the summary. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect.h"
#include "demo.h"

uint64_t demo_received(const demo_consumer_t *consumer)
{
    uint64_t sum = 0;
    for (int i = 0; i < DEMO_LIVES; i++) { sum += consumer->lives[i].frames; }
    return sum;
}

/* Frames lost since the first one that was received: what came while nothing was mapped yet is before joining. */
static uint64_t life_lost(const demo_life_t *life, int reason)
{
    uint64_t lost = life->last.drops[reason];
    if (TP_DROP_NOT_MAPPED == reason) { lost -= life->last.before_join[0] < lost ? life->last.before_join[0] : lost; }
    if (TP_DROP_EPOCH == reason) { lost -= life->last.before_join[1] < lost ? life->last.before_join[1] : lost; }
    return lost;
}

uint64_t demo_lost(const demo_consumer_t *consumer, int reason)
{
    uint64_t sum = 0;
    for (int r = 0; r < TP_DROP_REASONS; r++)
    {
        for (int i = 0; i < DEMO_LIVES && (reason < 0 || reason == r); i++) { sum += life_lost(&consumer->lives[i], r); }
    }
    return sum;
}

static const char *lost_text(char *buffer, size_t size, const demo_consumer_t *consumer)
{
    size_t at = 0;
    buffer[0] = '\0';
    for (int r = 0; r < TP_DROP_REASONS && at < size; r++)
    {
        const uint64_t lost = demo_lost(consumer, r);
        if (lost > 0) { at += (size_t)snprintf(buffer + at, size - at, "%s%s %" PRIu64, at > 0 ? ", " : "", tp_drop_reason_name(r), lost); }
    }
    return buffer;
}

static int compare_latency(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* p50, p99, max of frames from..count. */
static void latencies(const demo_consumer_t *consumer, size_t from, int64_t result[3])
{
    const size_t count = consumer->seen.count - from;
    int64_t *sorted = count > 0 ? malloc(count * sizeof(*sorted)) : NULL;
    result[0] = result[1] = result[2] = 0;
    if (NULL == sorted) { return; }
    for (size_t i = 0; i < count; i++) { sorted[i] = consumer->seen.items[from + i].latency_ns; }
    qsort(sorted, count, sizeof(*sorted), compare_latency);
    result[0] = sorted[(count - 1) / 2];
    result[1] = sorted[(count * 99 + 99) / 100 - 1];
    result[2] = sorted[count - 1];
    free(sorted);
}

/* ---- while it runs ---- */

static const char *state_of(const demo_consumer_t *consumer)
{
    const demo_life_t *life = &consumer->lives[consumer->life];
    if (life->killed) { return "killed"; }
    if (life->ended) { return "done"; }
    if (!life->ready) { return 0 == consumer->life ? "starting" : "restarting"; }
    return 0 == consumer->life ? "reading" : "reading again";
}

static void status_json(const demo_t *demo, double seconds)
{
    json_t *consumers = json_array();
    for (int i = 0; i < DEMO_CONSUMERS; i++)
    {
        const demo_consumer_t *c = &demo->consumers[i];
        json_array_append_new(consumers, json_pack("{s:s,s:s,s:I,s:I}", "name", c->name, "state", state_of(c), "received",
            (json_int_t)demo_received(c), "lost",
            (json_int_t)demo_lost(c, -1)));
    }
    (void)cli_json_line(json_pack("{s:s,s:f,s:I,s:o}", "type", "status", "seconds", seconds, "published", (json_int_t)demo->published.count,
        "consumers",
        consumers));
}

static void status_line(const demo_t *demo, double seconds)
{
    char reasons[160];
    printf("%5.1f s  published %zu", seconds, demo->published.count);
    for (int i = 0; i < DEMO_CONSUMERS; i++)
    {
        const demo_consumer_t *c = &demo->consumers[i];
        const uint64_t lost = demo_lost(c, -1);
        printf("  |  %s: %" PRIu64 " received, %" PRIu64 " lost%s%s%s%s", c->name, demo_received(c), lost, lost > 0 ? " (" : "",
            lost_text(reasons, sizeof(reasons), c), lost > 0 ? ")" : "", c->lives[c->life].killed ? ", killed" : "");
    }
    putchar('\n');
}

static void status_table(demo_t *demo, double seconds)
{
    static const char *const headings[] = { "", ">RECEIVED", ">LOST", ">LATENCY P50", ">MAX", "STATE", "WHY LOST", NULL };
    cli_table_t table;
    char text[200];
    if (demo->drawn_lines > 0) { printf("\x1b[%dA\x1b[J", demo->drawn_lines); }
    printf("%s, %dx%d RGB at %.0f Hz: %5.1f of %.0f s, %zu frames published\n", '\0' != demo->video[0] ? "video" : "synthetic picture", DEMO_WIDTH,
        DEMO_HEIGHT, demo->hz, seconds, demo->seconds, demo->published.count);
    cli_table_init(&table, headings);
    for (int i = 0; i < DEMO_CONSUMERS; i++)
    {
        const demo_consumer_t *c = &demo->consumers[i];
        int64_t latency[3];
        latencies(c, c->seen.count > 250 ? c->seen.count - 250 : 0, latency);
        cli_table_cell(&table, "%s", c->name);
        cli_table_cell(&table, "%" PRIu64, demo_received(c));
        cli_table_cell(&table, "%" PRIu64, demo_lost(c, -1));
        cli_table_cell(&table, "%s", cli_human_ns(text, (double)latency[0]));
        cli_table_cell(&table, "%s", cli_human_ns(text, (double)latency[2]));
        cli_table_cell(&table, "%s", state_of(c));
        cli_table_cell(&table, "%s", lost_text(text, sizeof(text), c));
    }
    cli_table_print(&table, stdout);
    cli_table_fini(&table);
    demo->drawn_lines = 2 + DEMO_CONSUMERS;
}

void demo_status(demo_t *demo, int64_t now_ns)
{
    if (now_ns < demo->next_status_ns) { return; }
    const double seconds = (double)(now_ns - demo->start_ns) / 1e9;
    demo->next_status_ns = now_ns + (demo->live ? CLI_NS_PER_S / 5 : CLI_NS_PER_S);
    if (demo->args->json) { status_json(demo, seconds); }
    else if (demo->live) { status_table(demo, seconds); }
    else { status_line(demo, seconds); }
    (void)cli_flush();
}

/* ---- the verdict ---- */

static int compare_seen(const void *a, const void *b)
{
    const demo_seen_t *x = a;
    const demo_seen_t *y = b;
    if (x->epoch != y->epoch) { return x->epoch < y->epoch ? -1 : 1; }
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static void find_corrupt(demo_t *demo)
{
    if (demo->published.count > 1) { qsort(demo->published.items, demo->published.count, sizeof(demo->published.items[0]), compare_seen); }
    for (int i = 0; i < DEMO_CONSUMERS; i++)
    {
        demo_consumer_t *c = &demo->consumers[i];
        for (size_t j = 0; j < c->seen.count; j++)
        {
            const demo_seen_t *published = 0 == demo->published.count ? NULL :
                bsearch(&c->seen.items[j], demo->published.items, demo->published.count, sizeof(demo_seen_t), compare_seen);
            if (NULL == published || published->crc != c->seen.items[j].crc) { c->corrupt++; }
        }
    }
}

/* Frames published from the life's first one to its last word. */
static uint64_t published_since(const demo_t *demo, const demo_life_t *life)
{
    uint64_t count = 0;
    if (0 == life->frames) { return 0; }
    for (size_t i = 0; i < demo->published.count; i++)
    {
        const demo_seen_t *p = &demo->published.items[i];
        if (p->epoch == life->last.epoch && p->seq >= life->last.first_seq && (!life->killed || p->seq <= life->last.last_seq)) { count++; }
    }
    return count;
}

static void judge_life(demo_t *demo, const demo_consumer_t *c, int which)
{
    const demo_life_t *life = &c->lives[which];
    const uint64_t published = published_since(demo, life);
    uint64_t lost = 0;
    char name[40];
    demo_checks_t *const checks = &demo->checks;
    for (int r = 0; r < TP_DROP_REASONS; r++) { lost += life_lost(life, r); }
    snprintf(name, sizeof(name), DEMO_KILLED == c - demo->consumers ? "%s adds up, life %d" : "%s adds up", c->name, which + 1);
    demo_check(checks, life->frames > 0 && life->frames + lost == published && (life->killed || life->ended), name,
        "%" PRIu64 " received + %" PRIu64 " lost, %" PRIu64 " published since it joined%s", life->frames, lost, published,
        life->killed || life->ended ? "" : "; it did not say its last words");
}

void demo_judge(demo_t *demo, bool ended_well, const char *leftovers)
{
    const demo_consumer_t *const c = demo->consumers;
    demo_checks_t *const checks = &demo->checks;
    const double wanted = 0.9 * demo->hz * demo->seconds;
    const uint64_t published = demo->published.count;
    uint64_t torn = 0;
    find_corrupt(demo);
    for (int i = 0; i < DEMO_CONSUMERS; i++) { torn += demo_lost(&c[i], TP_DROP_TORN); }
    const uint64_t corrupt = c[0].corrupt + c[1].corrupt + c[2].corrupt;
    const uint64_t fast = demo_received(&c[DEMO_FAST]) - (c[DEMO_FAST].corrupt < demo_received(&c[DEMO_FAST]) ? c[DEMO_FAST].corrupt : 0);
    demo_check(checks, (double)published >= wanted, "published", "%" PRIu64 " frames, at least %.0f", published, wanted);
    demo_check(checks, published > 0 && (double)fast >= 0.95 * (double)published, "fast gets them", "%" PRIu64 " with the right content of %" PRIu64
        ", at least 95 %%", fast, published);
    demo_check(checks, 0 == corrupt, "content", "%" PRIu64 " frames whose checksum is not the producer's", corrupt);
    demo_check(checks, 0 == torn, "nothing torn", "%" PRIu64 " frames overwritten while they were read", torn);
    demo_check(checks, demo_lost(&c[DEMO_SLOW], -1) > 0, "slow loses", "%" PRIu64 " frames lost", demo_lost(&c[DEMO_SLOW], -1));
    demo_check(checks, c[DEMO_KILLED].lives[0].killed && c[DEMO_KILLED].lives[1].frames > 0, "killed comes back",
        "%" PRIu64 " frames before, %" PRIu64 " after",
        c[DEMO_KILLED].lives[0].frames, c[DEMO_KILLED].lives[1].frames);
    judge_life(demo, &c[DEMO_FAST], 0);
    judge_life(demo, &c[DEMO_SLOW], 0);
    judge_life(demo, &c[DEMO_KILLED], 0);
    judge_life(demo, &c[DEMO_KILLED], 1);
    demo_check(checks, ended_well, "processes", "%s", ended_well ? "all ended by themselves" : "one did not end by itself with status 0");
    demo_check(checks, demo->host.nothing_left, "nothing left", "%s", demo->host.nothing_left ? "in shared memory" : leftovers);
}

static json_t *reasons_json(const demo_consumer_t *c)
{
    json_t *object = json_object();
    for (int r = 0; r < TP_DROP_REASONS; r++) { json_object_set_new(object, tp_drop_reason_name(r), json_integer((json_int_t)demo_lost(c, r))); }
    return object;
}

static json_t *consumer_json(const demo_t *demo, const demo_consumer_t *c)
{
    int64_t latency[3];
    json_t *lives = json_array();
    latencies(c, 0, latency);
    for (int i = 0; i < DEMO_LIVES; i++)
    {
        const demo_life_t *life = &c->lives[i];
        uint64_t lost = 0;
        if (!life->started) { continue; }
        for (int r = 0; r < TP_DROP_REASONS; r++) { lost += life_lost(life, r); }
        json_array_append_new(lives, json_pack("{s:I,s:I,s:I,s:b}", "received", (json_int_t)life->frames, "lost", (json_int_t)lost,
            "published_since_joined",
            (json_int_t)published_since(demo, life), "killed", (int)life->killed));
    }
    return json_pack("{s:s,s:I,s:I,s:o,s:I,s:I,s:{s:I,s:I,s:I},s:o}", "name", c->name, "received", (json_int_t)demo_received(c), "lost",
        (json_int_t)demo_lost(c, -1), "lost_by_reason", reasons_json(c), "torn", (json_int_t)demo_lost(c, TP_DROP_TORN), "corrupt",
        (json_int_t)c->corrupt,
        "latency_ns", "p50", (json_int_t)latency[0], "p99", (json_int_t)latency[1], "max", (json_int_t)latency[2], "lives", lives);
}

static void summary_json(const demo_t *demo, bool ok)
{
    json_t *consumers = json_array();
    for (int i = 0; i < DEMO_CONSUMERS; i++) { json_array_append_new(consumers, consumer_json(demo, &demo->consumers[i])); }
    (void)cli_json_line(json_pack("{s:s,s:b,s:I,s:o,s:f,s:f,s:s,s:s,s:o}", "type", "summary", "ok", (int)ok, "published",
        (json_int_t)demo->published.count,
        "consumers", consumers, "seconds", demo->seconds, "hz", demo->hz, "source", '\0' != demo->video[0] ? "video" : "synthetic", "png", demo->png,
        "checks",
        demo_checks_json(&demo->checks)));
}

bool demo_summary(demo_t *demo)
{
    const bool ok = demo_checks_ok(&demo->checks);
    char text[200];
    if (demo->args->json)
    {
        summary_json(demo, ok);
        return ok;
    }
    putchar('\n');
    for (int i = 0; i < DEMO_CONSUMERS; i++)
    {
        const demo_consumer_t *c = &demo->consumers[i];
        const uint64_t lost = demo_lost(c, -1);
        printf("%-8s %6" PRIu64 " received, %6" PRIu64 " lost%s%s%s\n", c->name, demo_received(c), lost, lost > 0 ? " (" : "",
            lost_text(text, sizeof(text), c), lost > 0 ? ")" : "");
    }
    putchar('\n');
    demo_checks_print(&demo->checks);
    printf("\n%s%s%s\n", ok ? "All is well; one frame is in " : "The demo failed", ok ? demo->png : "", ".");
    (void)cli_flush();
    return ok;
}

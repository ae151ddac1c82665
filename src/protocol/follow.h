/*
 * Sequence accounting of one consumer (10-wire.md 11.2), and the local extension "the ring is the truth": a consumer that knows the next
 * sequence looks at that slot itself, so a descriptor the bus refused costs nobody a frame. Pure, hot, owned by the thread that polls.
 */
#ifndef TPI_PROTOCOL_FOLLOW_H
#define TPI_PROTOCOL_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#define TPI_FOLLOW_DEFAULT_MAX_GAP 256u

/* Per mapping; zero it and set max_gap and newest_only to start. */
typedef struct tpi_follow
{
    uint32_t max_gap;                  /* max_outstanding_seq_gap; 0 = never resync */
    bool newest_only;                  /* pass over all but the newest at hand; max_gap does not count */
    bool has_last;
    bool has_descriptor;
    bool is_resyncing;
    uint64_t last;                     /* highest seq accounted for, by descriptor or by looking at the ring */
    uint64_t last_descriptor;          /* highest seq a descriptor named: only descriptors can step back */
    uint64_t resync_to;                /* newest seq at hand when the resync began */
}
tpi_follow_t;

typedef enum tpi_follow_action
{
    TPI_FOLLOW_READ = 0,               /* look at the slot */
    TPI_FOLLOW_SKIP,                   /* on the way to the newest frame: do not (counted in skipped) */
    TPI_FOLLOW_DUPLICATE,              /* accounted for already: drop silently */
    TPI_FOLLOW_REGRESSION,             /* below the last descriptor: unmap and wait for an announce (W-113, O-20) */
    TPI_FOLLOW_BAD_SEQ                 /* >= 2^63: nothing moved (W-253) */
}
tpi_follow_action_t;

typedef struct tpi_follow_step
{
    tpi_follow_action_t action;
    uint64_t gap;                      /* frames nobody announced to us, for TPI_DROP_GAP */
    uint64_t skipped;                  /* frames the resync leaves out, this one included on SKIP, for TPI_DROP_RESYNC */
}
tpi_follow_step_t;

/* New epoch or new mapping: the next descriptor is a first one (O-20). max_gap and newest_only stay. */
void tpi_follow_restart(tpi_follow_t *follow);

/*
 * Another descriptor stream of the same mapping: its first descriptor is no regression (O-20). What is accounted for stays so: a repeated frame is a
 * duplicate, and what neither stream announced to us is a gap.
 */
void tpi_follow_switch(tpi_follow_t *follow);

/*
 * A descriptor of the mapped epoch. newest is the highest seq at hand (of a later descriptor in the same batch, or what the ring shows); at
 * least seq itself is assumed.
 */
tpi_follow_step_t tpi_follow_descriptor(tpi_follow_t *follow, uint64_t seq, uint64_t newest);

/* ---- the ring is the truth ---- */

typedef enum tpi_ring_decision
{
    TPI_RING_READ = 0,                 /* committed with the expected seq: read it, whatever the bus says */
    TPI_RING_WAIT,                     /* not written yet, or being written */
    TPI_RING_ABANDONED,                /* given up by its producer: descriptors leave in order, and one above it was seen */
    TPI_RING_LAPPED,                   /* overwritten before we came: go on at *resume */
    TPI_RING_FOREIGN                   /* a seq that does not belong into this slot: the mapping no longer fits (W-118) */
}
tpi_ring_decision_t;

/*
 * expected: the next seq (last + 1, or 0 in a new epoch), below 2^63. word: the commit word of its slot. newest_descriptor: highest seq a
 * descriptor named, if has_descriptor. nslots: power of two. *resume is set with LAPPED only: the oldest frame that may still be whole;
 * everything before it is lost.
 */
tpi_ring_decision_t tpi_follow_ring(uint64_t expected, uint64_t word, bool has_descriptor, uint64_t newest_descriptor, uint32_t nslots,
    uint64_t *resume);

/* Accounts for a frame found by looking at the ring, so that its descriptor, should it come, is a duplicate. Never a regression. */
tpi_follow_step_t tpi_follow_ring_read(tpi_follow_t *follow, uint64_t seq);

/* ---- when to look (L-101 to L-104) ---- */

#define TPI_RING_PATIENCE_NS INT64_C(500000)          /* for the descriptor of a frame that was seen committed */
#define TPI_RING_JOIN_PATIENCE_NS INT64_C(100000000)  /* the same before the first descriptor: its image may still be on its way */
#define TPI_RING_HOLE_PATIENCE_NS INT64_C(100000000)  /* for a frame that was begun before others which are committed */

/*
 * A frame is committed before its descriptor is sent, so an eager look would find nearly every frame without trace id. While descriptors come they
 * are preferred; once one was overdue each poll looks, until they have caught up. Zero it to start. Owned by the thread that polls.
 */
typedef struct tpi_ring_watch
{
    bool is_following;                 /* a descriptor was overdue, and none has caught up since */
    bool has_seen;
    uint64_t seen_seq;                 /* frame, or first of some, that lies in the ring unannounced */
    bool is_timed;
    int64_t since_ns;                  /* when that was seen for the second time */
    bool has_taken;
    uint64_t first;                    /* [first, last] were taken from the ring, one after the other */
    uint64_t last;
}
tpi_ring_watch_t;

/* seq was seen in the ring without a descriptor. true: for the first time; its patience begins with the second. */
bool tpi_ring_watch_is_new(tpi_ring_watch_t *watch, uint64_t seq);
/* Again. true: it is overdue for patience_ns. */
bool tpi_ring_watch_is_overdue(tpi_ring_watch_t *watch, uint64_t seq, int64_t patience_ns, int64_t now_ns);
void tpi_ring_watch_took(tpi_ring_watch_t *watch, uint64_t seq);
/* Whether a descriptor of seq comes after its frame was taken from the ring. */
bool tpi_ring_watch_is_late(const tpi_ring_watch_t *watch, uint64_t seq);

/* The commit word of a slot, for the search below. */
typedef uint64_t (*tpi_ring_word_t)(const void *ring, uint32_t index);
/*
 * Where a reader that joins by looking begins: *newest is the newest committed frame, or with false the next one that will be. Bounded: a binary
 * search over the commit words and a walk back over frames that were begun; whatever the words hold.
 */
bool tpi_follow_ring_newest(tpi_ring_word_t word, const void *ring, uint32_t nslots, uint64_t *newest);

#endif

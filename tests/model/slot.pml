/*
 * The seqlock of one header slot (10-wire.md section 8, src/shm/slot.h) under the release-acquire memory of C11, views made explicit.
 * One writer laps one slot FRAMES times, one reader looks at it once for a sequence of its choice.
 *
 * Memory is the history of each location. A thread has a view: for each location the oldest store it may still read. A load takes any store
 * from there on. A store carries a view that whoever acquires it takes over:
 *   release store    the writer's view           relaxed store  the writer's view at its last release fence
 *   acquire load     takes the view over         relaxed load   keeps it until an acquire fence
 * The writer is alone, so the n-th store to a location always has the same value, and only the views have to be kept.
 *
 * Orders W0, W1, R0, R1 as named in src/shm/slot.h; MARK is the in-progress word, SECOND_LOOK the comparison at the end. -DWITHOUT_x takes
 * one away; each must then give a torn frame.
 * -DREACH=s shows that frame s can be accepted at all.
 */
#ifndef FRAMES
#define FRAMES 3
#endif
#define WORD 0
#define HEADER 1
#define FIRST 2                         /* of the payload */
#define LAST 3
#define PLACES 4
#define STORES 7                        /* 2 * FRAMES + 1: of the word; the others have FRAMES + 1 */

typedef View { byte at[PLACES] };
typedef History { byte stores; View carried[STORES] };

History memory[PLACES];                 /* store 0 of each: frame 0 lies in the slot */
View now, fenced;                       /* the writer's view, and that of its last release fence */

inline store(place, released)
{
    memory[place].stores++;
    now.at[place] = memory[place].stores;
    k = 0;
    do
    :: k < PLACES -> memory[place].carried[memory[place].stores].at[k] = (released -> now.at[k] : fenced.at[k]); k++
    :: else -> break
    od;
    /* a store carries itself */
    memory[place].carried[memory[place].stores].at[place] = memory[place].stores;
    k = 0
}

inline release_fence()
{
    k = 0;
    do
    :: k < PLACES -> fenced.at[k] = now.at[k]; k++
    :: else -> break
    od;
    k = 0
}

/* Store 2s - 1 of the word is s << 1, store 2s is s << 1 | 1. */
#ifndef WITHOUT_MARK
#define IS_COMMITTED(word) ((word) % 2 == 0)
#define SEQ(word) ((word) / 2)
#else
#define IS_COMMITTED(word) true
#define SEQ(word) (word)
#endif

active proctype Writer()
{
    byte s = 1, k;
    do
    :: s <= FRAMES ->
#ifndef WITHOUT_MARK
        atomic { store(WORD, true) };
#endif
#ifndef WITHOUT_W0
        atomic { release_fence() };
#endif
        atomic { store(FIRST, false) };
        atomic { store(LAST, false) };
        atomic { store(HEADER, false) };
#ifndef WITHOUT_W1
        atomic { store(WORD, true) };
#else
        atomic { store(WORD, false) };
#endif
        s++
    :: else -> break
    od
}

View seen, pending;                     /* the reader's view, and what an acquire fence would add to it */

inline take_over(from)
{
    k = 0;
    do
    :: k < PLACES ->
        if
        :: from.at[k] > seen.at[k] -> seen.at[k] = from.at[k]
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0
}

inline load(place, result, acquires)
{
    select_store(place, result);
    seen.at[place] = result;
    k = 0;
    do
    :: k < PLACES ->
        if
        :: memory[place].carried[result].at[k] > pending.at[k] -> pending.at[k] = memory[place].carried[result].at[k]
        :: else
        fi;
        k++
    :: else -> break
    od;
    if
    :: acquires -> take_over(memory[place].carried[result])
    :: else
    fi;
    k = 0
}

inline select_store(place, result)
{
    result = seen.at[place];
    do
    :: result < memory[place].stores -> result++
    :: break
    od
}

active proctype Reader()
{
    byte first, header, begin, end, again, k;
#ifndef WITHOUT_R0
    atomic { load(WORD, first, true) };
#else
    atomic { load(WORD, first, false) };
#endif
    if
    :: !IS_COMMITTED(first) -> goto dropped
    :: else
    fi;
    atomic { load(HEADER, header, false) };
    atomic { load(FIRST, begin, false) };
    atomic { load(LAST, end, false) };
#ifndef WITHOUT_R1
    atomic { take_over(pending) };
#endif
#ifndef WITHOUT_SECOND_LOOK
    atomic { load(WORD, again, false) };
#else
    again = first;
#endif
    if
    :: again == first ->
#ifdef REACH
        assert(SEQ(first) != REACH)
#else
        assert(header == SEQ(first) && begin == SEQ(first) && end == SEQ(first))
#endif
    :: else
    fi;
dropped:
    skip
}

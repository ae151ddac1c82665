/*
 * Leases and epochs of one stream (20-driver.md sections 3 to 5 and 9): a driver that may die and start again, makes regions beside its duty
 * cycle and may fail to, and two producers over a bus that loses and delays. Time is not modelled: a lease may expire at any moment, and a
 * producer may hold what it was granted for as long as it likes (a frozen process) or give it up at any moment, so nothing below rests on
 * clocks, and keepalives, refusals and notices of revocation, which only change when such a moment comes, are left out.
 *
 * Shown:  one live producer lease at most
 *         a number under which regions are made is above every earlier one, across restarts of the driver
 *         a grant is of an epoch that nobody was told of before
 *         the files of an epoch are written by one lease only, and those of the current epoch only while that lease lives
 *
 * -DFAULT_x takes one rule away; each must then break one of these.
 */
#define CLIENTS 2
#ifndef EPOCHS
#define EPOCHS 5                        /* numbers 1 to 4, then the story ends */
#endif
#ifndef LEASES
#define LEASES 4
#endif
#define CORRELATIONS 2
#define NOBODY CLIENTS

mtype = { ATTACH, KEEPALIVE, DETACH };

chan requests = [2] of { mtype, byte, byte };               /* client; correlation or lease */
chan answers[CLIENTS] = [1] of { byte, byte };              /* grants: correlation, lease */

/* what everybody can see: the file system */
bool present[EPOCHS];                   /* the directory of that number */

/* history, seen by the assertions only */
byte highest;                           /* number of the latest regions */
byte announced;
byte epoch_of[LEASES];
bool live[LEASES];
byte writer[EPOCHS];

/* the driver's memory */
byte known, files, tried, holder, holder_client, holder_correlation, next_lease = 1;
byte waiting = NOBODY, waiting_correlation;
byte maker = NOBODY;                    /* for whom regions are being made, NOBODY for a stream without producer */
bool creating, suspended, over, restarted;

inline tell(to, correlation, lease)     /* the bus may be full, and may lose */
{
    if
    :: nfull(answers[to]) -> answers[to]!correlation,lease
    :: true
    fi
}

inline start_creation(whom)
{
    tried = known;
#ifndef FAULT_DIRECTORIES_ARE_NOT_READ
    i = 1;
    do
    :: i < EPOCHS && present[i] && i > tried -> tried = i; i++
    :: i < EPOCHS && !(present[i] && i > tried) -> i++
    :: i >= EPOCHS -> break
    od;
    i = 0;
#endif
    tried++;
    if
    :: tried >= EPOCHS -> over = true
    :: else ->
        known = tried;
        creating = true;
        maker = whom;
        present[tried] = true
    fi
}

inline grant(to, correlation)
{
    if
    :: next_lease >= LEASES -> over = true
    :: else ->
        assert(files > announced);
        i = 1;
        do
        :: i < LEASES -> assert(!live[i]); i++
        :: else -> break
        od;
        i = 0;
        holder = next_lease;
        holder_client = to;
        holder_correlation = correlation;
        live[holder] = true;
        epoch_of[holder] = files;
        next_lease++;
        tell(to, correlation, holder)
    fi
}

inline end_lease()
{
    live[holder] = false;
    holder = 0; holder_client = 0; holder_correlation = 0;
#ifndef FAULT_END_KEEPS_THE_EPOCH
    suspended = true;
    if
    :: creating
    :: else -> start_creation(NOBODY)
    fi
#endif
}

inline attach(from, correlation)
{
    if
    :: holder != 0 && holder_client == from && holder_correlation == correlation -> tell(from, correlation, holder)
#ifndef FAULT_SECOND_PRODUCER
    :: holder != 0 && !(holder_client == from && holder_correlation == correlation)
#else
    :: holder != 0 && holder_client == from && holder_correlation != correlation
    :: holder != 0 && holder_client != from && !creating -> start_creation(from); waiting_correlation = correlation
    :: holder != 0 && holder_client != from && creating
#endif
    :: holder == 0 && creating && (maker == from || (maker == NOBODY && waiting == from)) && waiting_correlation == correlation
    :: holder == 0 && creating && maker == NOBODY && waiting == NOBODY -> waiting = from; waiting_correlation = correlation
    :: holder == 0 && creating && !((maker == from || (maker == NOBODY && waiting == from)) && waiting_correlation == correlation) &&
        !(maker == NOBODY && waiting == NOBODY)
    :: holder == 0 && !creating ->
#ifdef FAULT_ATTACH_KEEPS_THE_EPOCH
        if
        :: files != 0 && !suspended -> grant(from, correlation)
        :: else -> start_creation(from); waiting_correlation = correlation
        fi
#else
        start_creation(from);
        waiting_correlation = correlation
#endif
    fi
}

/* Whoever waited for the outcome is looked at again as if the request had just come. */
inline look_again()
{
    if
    :: waiting != NOBODY ->
        c = waiting;
        waiting = NOBODY;
        attach(c, waiting_correlation);
        c = 0
    :: else
    fi
}

active proctype Driver()
{
    byte c, id, i;
end:
    do
    :: atomic { !over && nempty(requests) ->
        if
        :: requests?ATTACH(c, id) -> attach(c, id)
        :: requests?DETACH(c, id) ->
            if
            :: holder != 0 && holder == id && holder_client == c -> end_lease()
            :: else
            fi
#ifdef FAULT_KEEPALIVE_REVIVES
        :: requests?KEEPALIVE(c, id) -> live[id] = true
#endif
        fi;
        c = 0;
        id = 0 }
    :: atomic { !over && holder != 0 -> end_lease() }                       /* expired, or revoked */
    :: atomic { !over && creating ->                                        /* the worker is done */
        creating = false;
        assert(tried > highest && 0 == writer[tried]);
        highest = tried;
        if
        :: files != 0 -> present[files] = false                             /* old epochs are removed */
        :: else
        fi;
        files = tried;
        tried = 0;
        suspended = false;
        if
        :: maker != NOBODY -> grant(maker, waiting_correlation)
        :: else
        fi;
        announced = files;
        maker = NOBODY;
        if
        :: waiting == NOBODY -> waiting_correlation = 0
        :: else
        fi;
        look_again() }
    :: atomic { !over && creating ->                                        /* the worker failed */
        creating = false;
        present[tried] = false;
        tried = 0;
        maker = NOBODY;
        if
        :: waiting == NOBODY -> waiting_correlation = 0
        :: else
        fi;
        look_again() }
    :: atomic { !over && suspended && !creating -> start_creation(NOBODY) }
    :: atomic { !over && !restarted ->                                      /* killed, and started again */
        restarted = true;
        i = 1;
        do
        :: i < LEASES -> live[i] = false; i++
        :: else -> break
        od;
        i = 0;
        known = 0; files = 0; tried = 0; holder = 0; holder_client = 0; holder_correlation = 0; waiting = NOBODY; maker = NOBODY; waiting_correlation = 0;
        creating = false; suspended = false }
    od
}

proctype Producer(byte me)
{
    byte correlation, lease, first, second;
#ifdef FAULT_WRITER_FOLLOWS_ANNOUNCES
    byte epoch;
#define EPOCH epoch
#else
#define EPOCH epoch_of[lease]
#endif
    bool asking;
end:
    do
    :: atomic { !over && lease == 0 && !asking && correlation < CORRELATIONS && nfull(requests) ->
        correlation++; asking = true; requests!ATTACH(me, correlation) }
    :: atomic { !over && asking && nfull(requests) -> requests!ATTACH(me, correlation) }
    :: atomic { !over && asking -> asking = false }
    :: atomic { !over && nempty(answers[me]) ->
        answers[me]?first,second;
        if
        :: asking && first == correlation ->
            lease = second;
#ifdef FAULT_WRITER_FOLLOWS_ANNOUNCES
            epoch = epoch_of[lease];
#endif
            asking = false
        :: else
        fi;
        first = 0;
        second = 0 }
#ifdef FAULT_KEEPALIVE_REVIVES
    :: atomic { !over && lease != 0 && nfull(requests) -> requests!KEEPALIVE(me, lease) }
#endif
    :: atomic { !over && lease != 0 && nfull(requests) -> requests!DETACH(me, lease); lease = 0 }
    :: atomic { !over && lease != 0 -> lease = 0 }                          /* over by its own clock, or revoked */
#ifdef FAULT_WRITER_FOLLOWS_ANNOUNCES
    :: atomic { !over && lease != 0 && announced > epoch -> epoch = announced }
#endif
    :: atomic { !over && lease != 0 ->                                      /* a frame */
        assert(0 == writer[EPOCH] || lease == writer[EPOCH]);
        assert(!(EPOCH == files && !suspended) || live[lease]);
        writer[EPOCH] = lease }
    od
}

init
{
    atomic {
        run Producer(0);
        run Producer(1)
    }
}

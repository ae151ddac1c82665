/*
 * The thread of an embedded media driver: its duty cycle and how it sleeps between two of them. Publisher limits move and commands are carried out in
 * the duty cycle only. Part of the services library only.
 */
#ifndef TPI_BUS_MEDIA_LOOP_H
#define TPI_BUS_MEDIA_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/doorbell.h"
#include "bus/positions.h"

typedef enum tpi_media_idle_kind
{
    TPI_MEDIA_IDLE_SLEEP = 0,
    TPI_MEDIA_IDLE_BACKOFF,
    TPI_MEDIA_IDLE_SPIN
}
tpi_media_idle_kind_t;

#define TPI_MEDIA_PARK_MIN_NS INT64_C(50000)       /* shorter ones only burn the timer slack */
#define TPI_MEDIA_PARK_MOVING_NS INT64_C(1000000)
#define TPI_MEDIA_PARK_BACKOFF_NS INT64_C(5000000)
#define TPI_MEDIA_PARK_SLEEP_NS INT64_C(100000000)

/* What the thread does next: a value, no clock. */
typedef struct tpi_media_idle
{
    tpi_media_idle_kind_t kind;
    uint32_t rounds;                   /* without work, for backoff */
    int64_t park_ns;                   /* next sleep */
    int64_t max_park_ns;
}
tpi_media_idle_t;

/* 0, or -1 with TP_EINVAL naming the three. NULL and "" are "sleep". */
int tpi_media_idle_kind_from_name(tpi_media_idle_kind_t *kind, const char *name);
/* max_park_ns 0 = the default of the kind. */
void tpi_media_idle_init(tpi_media_idle_t *idle, tpi_media_idle_kind_t kind, int64_t max_park_ns);
/* How long the next sleep may be, after a cycle that worked or not; 0 = look again at once. moved: a position did since the last cycle. */
int64_t tpi_media_idle_step(tpi_media_idle_t *idle, bool worked, bool moved);
/* Whether positions have to be looked at: the next sleep is longer than one while they move. */
bool tpi_media_idle_asks(const tpi_media_idle_t *idle);

typedef struct tpi_media_stats
{
    uint64_t cycles;
    uint64_t sleeps;                   /* begun */
    uint64_t long_sleeps;              /* of them longer than TPI_MEDIA_PARK_MOVING_NS */
    uint64_t long_sleeps_moving;       /* of them in spite of a position that moved: always 0 */
    uint64_t woken;                    /* by the doorbell, out of a sleep or just before it */
}
tpi_media_stats_t;

typedef struct tpi_media_loop tpi_media_loop_t;

typedef struct tpi_media_loop_config
{
    void *driver;                      /* of do_work */
    int (*begin)(void *driver);        /* first on the thread: 0, or -1 with tp_err set */
    int (*do_work)(void *driver);
    tpi_doorbell_t *doorbell;          /* both the caller's, until the loop is closed */
    tpi_positions_t *positions;
    tpi_media_idle_t idle;
}
tpi_media_loop_config_t;

int tpi_media_loop_start(tpi_media_loop_t **loop, const tpi_media_loop_config_t *config);
/* Called on the loop's thread when somebody rang, or something began to move while it slept long. NULL ends it; not called any more then. */
void tpi_media_loop_set_on_stir(tpi_media_loop_t *loop, void (*on_stir)(void *clientd), void *clientd);
void tpi_media_loop_stats(const tpi_media_loop_t *loop, tpi_media_stats_t *stats);
void tpi_media_loop_close(tpi_media_loop_t *loop);             /* accepts NULL */

#endif

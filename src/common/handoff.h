/*
 * One object handed from its owner thread (the conductor) to one user thread, replaceable at any time, without locks: the owner publishes, the user
 * takes over at a moment of its choosing, and the owner frees the old object only when the user has let go of it (trap M9).
 *
 * in_use is a hazard pointer. The user stores it and then looks at published again; the owner changes published first and then looks at in_use. Both
 * are seq_cst, so at least one of them sees the other: either the user drops the stale object, or the owner keeps it.
 */
#ifndef TPI_COMMON_HANDOFF_H
#define TPI_COMMON_HANDOFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct tpi_handoff
{
    _Atomic(void *) published;         /* written by the owner */
    _Atomic(void *) in_use;            /* written by the user */
}
tpi_handoff_t;

/* Owner. object may be NULL: nothing to use. */
static inline void tpi_handoff_publish(tpi_handoff_t *handoff, void *object) { atomic_store(&handoff->published, object); }

static inline void *tpi_handoff_published(const tpi_handoff_t *handoff)
{
    return atomic_load_explicit(&((tpi_handoff_t *)(size_t)handoff)->published, memory_order_acquire);
}

/* Owner. Whether an object that is no longer published may be freed. */
static inline bool tpi_handoff_is_free(tpi_handoff_t *handoff, const void *object)
{
    return object != atomic_load(&handoff->published) && object != atomic_load(&handoff->in_use);
}

/* User. One acquire load: whether the object in use is still the published one. */
static inline bool tpi_handoff_is_current(const tpi_handoff_t *handoff, const void *current) { return tpi_handoff_published(handoff) == current; }

/* Any thread. Whether the user has taken what is published; acquire: pairs with the user's store of in_use, and what it wrote before counts. */
static inline bool tpi_handoff_is_taken(const tpi_handoff_t *handoff)
{
    const void *published = tpi_handoff_published(handoff);
    return atomic_load_explicit(&((tpi_handoff_t *)(size_t)handoff)->in_use, memory_order_acquire) == published;
}

/* User. Lets go of the object in use and takes the published one. */
static inline void *tpi_handoff_take(tpi_handoff_t *handoff)
{
    for (;;)
    {
        void *object = atomic_load(&handoff->published);
        atomic_store(&handoff->in_use, object);
        if (atomic_load(&handoff->published) == object) { return object; }
    }
}

/* User. Lets go without taking another. */
static inline void tpi_handoff_release(tpi_handoff_t *handoff) { atomic_store(&handoff->in_use, NULL); }

#endif

/*
 * One poll site a subscription, one dispatcher behind it (trap A3). A message is matched by {schema, template}; header, version and minimum
 * block length are checked once, here (trap P10); whatever does not match is a counter, never an error.
 */
#ifndef TPI_RUNTIME_DISPATCHER_H
#define TPI_RUNTIME_DISPATCHER_H

#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"
#include "codec/codec.h"

/*
 * message->data starts at the SBE message header. Return value is ignored; decode failures are counted by the handler with
 * tpi_dispatcher_malformed.
 */
typedef void (*tpi_route_handler_t)(void *clientd, const tpi_message_t *message, int64_t now_ns);

typedef struct tpi_route
{
    uint16_t schema_id;
    uint16_t template_id;
    uint16_t min_block;
    tpi_route_handler_t handler;
}
tpi_route_t;

#define TPI_DISPATCHER_LISTENERS_MAX 64

typedef struct tpi_dispatcher_counts
{
    uint64_t dispatched;
    uint64_t unknown;          /* no route: other schema or template, skipped silently */
    uint64_t malformed;        /* shorter than header, block, group or var-data say */
    uint64_t newer_version;    /* version > 1 without a route that wants it */
}
tpi_dispatcher_counts_t;

typedef struct tpi_dispatcher tpi_dispatcher_t;

int tpi_dispatcher_create(tpi_dispatcher_t **dispatcher);
/* routes must outlive the registration; several listeners may take the same message, each gets it once. TP_EFULL. */
int tpi_dispatcher_add(tpi_dispatcher_t *dispatcher, const tpi_route_t *routes, size_t count, void *clientd);
/* Safe inside a handler: the listener gets nothing any more. */
void tpi_dispatcher_remove(tpi_dispatcher_t *dispatcher, void *clientd);
/* Messages with a newer schema version go here instead of being counted only (20-driver.md 1.6: answered UNSUPPORTED). May be NULL. */
void tpi_dispatcher_set_newer_version_handler(tpi_dispatcher_t *dispatcher, tpi_route_handler_t handler, void *clientd);
/* Polls one subscription through the table. Messages handed out. */
int tpi_dispatcher_poll(tpi_dispatcher_t *dispatcher, tpi_subscription_t *subscription, int limit, int64_t now_ns);
void tpi_dispatcher_dispatch(tpi_dispatcher_t *dispatcher, const tpi_message_t *message, int64_t now_ns);
void tpi_dispatcher_malformed(tpi_dispatcher_t *dispatcher);
const tpi_dispatcher_counts_t *tpi_dispatcher_counts(const tpi_dispatcher_t *dispatcher);
void tpi_dispatcher_delete(tpi_dispatcher_t *dispatcher);

#endif

/*
 * TraceLink node ids of the driver (20-driver.md 3.5 and 7): the lowest free number of 1..1023, wishes of any other value, a cooldown for everybody
 * but the last owner, and the old number for a client that comes back. Owned by the driver's thread.
 */
#ifndef TPI_PROTOCOL_NODE_ID_H
#define TPI_PROTOCOL_NODE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPI_NODE_ID_AUTO_MAX 1023u     /* the trace id generator has 10 bits for the node (OP-D-07) */

typedef struct tpi_node_id_entry tpi_node_id_entry_t;

typedef struct tpi_node_ids
{
    tpi_node_id_entry_t *by_id;        /* hash table */
    size_t limit;                      /* entries: held, cooling and remembered */
    int64_t cooldown_ns;
}
tpi_node_ids_t;

void tpi_node_ids_init(tpi_node_ids_t *ids, size_t limit, int64_t cooldown_ns);
void tpi_node_ids_fini(tpi_node_ids_t *ids);

/* Whether this client could have this id now. */
bool tpi_node_ids_is_free(const tpi_node_ids_t *ids, uint32_t node_id, uint32_t client_id, int64_t now_ns);
/* The id this client would get without a wish; 0 when none is free. */
uint32_t tpi_node_ids_pick(const tpi_node_ids_t *ids, uint32_t client_id, int64_t now_ns);
/* Holds an id that is free for the client. -1 with TP_EFULL, TP_ENOMEM or TP_ESTATE (not free). */
int tpi_node_ids_hold(tpi_node_ids_t *ids, uint32_t node_id, uint32_t client_id, int64_t now_ns);
/* The lease ended: the cooldown begins. */
void tpi_node_ids_release(tpi_node_ids_t *ids, uint32_t node_id, int64_t now_ns);
/* The id was held for an attach that failed: as if it had never been held. */
void tpi_node_ids_cancel(tpi_node_ids_t *ids, uint32_t node_id);

#endif

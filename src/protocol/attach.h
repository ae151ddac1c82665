/*
 * The decision about an attach request: tables 3.2 to 3.5 of 20-driver.md, row by row. Pure: the driver gathers the facts, this decides, and nothing
 * has changed when the answer is no.
 */
#ifndef TPI_PROTOCOL_ATTACH_H
#define TPI_PROTOCOL_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec_driver.h"

/* Machine-read by existing clients: spelled exactly so (3.2). */
#define TPI_TEXT_CLIENT_ID_ATTACHED "client_id already attached"
#define TPI_TEXT_UNSUPPORTED_VERSION "unsupported driver schema version"

typedef struct tpi_attach_facts
{
    bool draining;                     /* or stopped */
    bool is_repeat;                    /* row 7: a lease of the same client, correlation id, role and requested stream */
    bool client_attached;              /* row 8: any other lease, granted or under way, of the same client */
    bool stream_known;                 /* static, or created before */
    bool allow_dynamic;
    bool range_set;
    bool in_range;                     /* streamId lies in driver.stream_id_range */
    bool id_free;                      /* for streamId 0: the range has an id left */
    bool default_profile_known;
    uint32_t pool_count;               /* of the stream's profile, or of the default profile for a new stream */
    bool has_producer;                 /* a producer lease, granted or under way */
    bool huge_backing;                 /* the base directory lies on hugetlbfs */
    bool default_huge;                 /* shm.require_hugepages */
    bool wanted_node_free;             /* desiredNodeId can be granted to this client */
    bool any_node_free;
}
tpi_attach_facts_t;

typedef enum tpi_attach_outcome
{
    TPI_ATTACH_GRANT = 1,              /* row 18 may be tried: row 17 is decided by the file system */
    TPI_ATTACH_REPEAT,                 /* row 7 */
    TPI_ATTACH_REFUSE
}
tpi_attach_outcome_t;

typedef struct tpi_attach_decision
{
    tpi_attach_outcome_t outcome;
    int row;                           /* of table 3.2 */
    int32_t code;                      /* TPC_CODE_*; OK unless refused */
    const char *text;                  /* "" unless refused; static */
    bool create_stream;                /* the stream is new and dynamic */
    bool allocate_id;                  /* streamId was 0 */
    bool hugepages;                    /* URIs of a first epoch carry require_hugepages=true */
    bool any_node;                     /* no wish: the driver chooses */
}
tpi_attach_decision_t;

/* 0 is read as "no wish" (OP-D-09). */
bool tpi_attach_wants_node(uint32_t desired_node_id);
tpi_attach_decision_t tpi_attach_decide(const tpc_attach_request_t *request, const tpi_attach_facts_t *facts);

/* 4.3. */
typedef struct tpi_detach_decision { int32_t code; const char *text; } tpi_detach_decision_t;
tpi_detach_decision_t tpi_detach_decide(uint8_t role, bool lease_matches);

#endif

/*
 * What a client keeps of a discovery response, and which of several streams a name means (30-discovery.md section 5). Pure; one thread. A list is
 * advice and nothing else: what it says about regions, epochs and layouts is shown to people and never opened (X-006 X-008).
 */
#ifndef TPI_PROTOCOL_DISCOVERY_CHOICE_H
#define TPI_PROTOCOL_DISCOVERY_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_discovery.h"

#include <tensor_pool/client/tp_discovery.h>

typedef enum tpi_result_fault
{
    TPI_RESULT_GOOD = 0,
    TPI_RESULT_NO_ENDPOINT,            /* driverControlStreamId 0 or above 2147483647, driverControlChannel empty */
    TPI_RESULT_CHANNEL,                /* no Aeron channel, or bytes outside 0x21..0x7E */
    TPI_RESULT_POOLS,                  /* poolNslots differs from headerNslots: a protocol error */
    TPI_RESULT_TEXT,                   /* longer than we take (O-17), or with a NUL inside */
    TPI_RESULT_FAULTS
}
tpi_result_fault_t;

/* Kept of one result at most; ours. */
#define TPI_RESULT_POOLS_MAX 256u
#define TPI_RESULT_TAGS_MAX 256u

tpi_result_fault_t tpi_result_check(const tpc_discovery_result_t *result);

typedef struct tp_discovery_response tpi_result_list_t;

struct tp_discovery_response
{
    uint64_t request_id;
    uint8_t status;
    uint32_t count;
    uint32_t refused;
    uint32_t stale;                    /* older epochs and repetitions */
    uint32_t faults[TPI_RESULT_FAULTS];
    tp_discovery_result_t *results;    /* in the order of driver and stream id */
    char *arena;
};

/* Told of each result that is left out. */
typedef void (*tpi_on_result_fault_t)(void *clientd, tpi_result_fault_t fault, const tpc_discovery_result_t *result);
/* A copy of all that is good in a response; nothing of one whose status is not OK. on_fault may be NULL. TP_ENOMEM. */
int tpi_result_list_create(tpi_result_list_t **list, const tpc_discovery_response_t *response, tpi_on_result_fault_t on_fault, void *clientd);
void tpi_result_list_delete(tpi_result_list_t *list);          /* accepts NULL */

/* ---- names -------------------------------------------------------------------------------------------------------------- */

typedef struct tpi_candidate
{
    uint32_t stream_id;
    const char *name;                  /* "" = none */
    const char *instance;              /* "" = not told */
}
tpi_candidate_t;

typedef enum tpi_choice { TPI_CHOICE_NONE = 0, TPI_CHOICE_ONE, TPI_CHOICE_SEVERAL } tpi_choice_t;

/* "12" as 12; 1..4294967294 without sign or blanks. */
bool tpi_stream_id_of(const char *text, uint32_t *stream_id);
/*
 * Which candidate is meant by NAME, ID, NAME@INSTANCE or ID@INSTANCE (NULL: whichever there is). A name that matches as a whole goes before any other
 * reading. *index is set with ONE, and the first of them with SEVERAL.
 */
tpi_choice_t tpi_choose(const tpi_candidate_t *candidates, size_t count, const char *wanted, size_t *index);
/* Sets the error for NONE (TP_ENOENT, with the nearest name) or SEVERAL (TP_EAMBIGUOUS, with all that are meant). */
void tpi_choose_error(const tpi_candidate_t *candidates, size_t count, const char *wanted, tpi_choice_t choice);

#endif

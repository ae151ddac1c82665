/*
 * Discovery clients of one client. Publication, subscription and requests under way are the conductor's; the table of handles is the application
 * thread's. A request is a command: the conductor owns it until its outcome is published.
 */
#ifndef TPI_CLIENT_DISCOVERY_STATE_H
#define TPI_CLIENT_DISCOVERY_STATE_H

#include "client/client_state.h"
#include "protocol/discovery_ask.h"
#include "protocol/discovery_choice.h"

#define TPI_DISCOVERY_KNOWN_MAX 256u       /* streams of answers that are compared with announces */

struct tp_discovery_request
{
    tp_discovery_client_t *discovery;      /* NULL once that is gone */
    tp_client_t *client;
    tpi_command_t *command;
    tpi_ask_t ask;
    int64_t timeout_ns;
    _Atomic bool cancelled;
    tpi_err_t err;                         /* code TP_OK: response is the outcome */
    tpi_result_list_t *response;
    tp_discovery_request_t *next;          /* conductor: outstanding ones */
    bool is_linked;
    bool is_done;
    size_t length;
    uint8_t message[];
};

/* What an answer said about a stream, kept to be compared with announces. */
typedef struct tpi_known
{
    tp_stream_ref_t ref;
    uint32_t layout_version;
}
tpi_known_t;

struct tp_discovery_client
{
    tp_client_t *client;
    tpi_stream_address_t request;
    tpi_stream_address_t response;
    int64_t retry_ns;
    tpi_ask_ids_t ids;                     /* the application thread's */
    tpi_ask_ids_t own_ids;                 /* the conductor's: upper half of the counter */
    tp_discovery_request_t *handles[TP_DISCOVERY_REQUESTS_MAX];
    size_t handle_count;
    /* the conductor's */
    tpi_publication_t *pub;
    tpi_subscription_t *sub;
    tpi_open_t *pub_open;
    tpi_open_t *sub_open;
    int64_t reopen_ns;
    tpi_err_t open_err;                    /* why the last attempt failed */
    tp_discovery_request_t *requests;
    tpi_known_t *known;
    size_t known_count;
    tpi_ask_t again;                       /* asks again after a contradiction; request_id 0 = nothing under way */
    uint32_t again_stream_id;
    int64_t next_again_ns;
    int64_t next_reattach_ns;
    struct tp_discovery_client *next;
    _Atomic bool connected;
    tpi_stat_t accepted, sends, responses, timeouts, errors, heard[TPI_HEARD_KINDS], refused, stale;
};

/* The request for one stream or all, as bytes; -1 when a limit is broken. buffer NULL: the length only. */
int64_t tpi_discovery_encode(const tp_discovery_client_t *discovery, const tp_discovery_filter_t *filter, uint64_t request_id, uint8_t *buffer,
    size_t size);
/* discovery.c: how the conductor opens a discovery client and runs a request. */
extern const tpi_opening_t tpi_discovery_opening;
int tpi_discovery_run_request(tpi_command_t *command, int64_t now_ns);
void tpi_discovery_free_request(tp_discovery_request_t *request);

#endif

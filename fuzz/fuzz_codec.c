/*
 * Any bytes through a dispatcher that listens to every message of one schema, and into the decoder of each. What decodes must encode, to the
 * length told in advance, and decode again to the same bytes. Every message is counted exactly once.
 */
#include "codec/test_messages.h"
#include "runtime/dispatcher.h"

#include <stdlib.h>

#define MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t handled;

static void again(const message_type_t *type, const uint8_t *data, size_t size)
{
    static any_message_t first;
    static any_message_t second;
    static uint8_t encoded[MAX];
    static uint8_t twice[MAX];
    if (TPC_OK != type->decode(&first, data, size)) { return; }
    const int64_t length = type->encode(encoded, sizeof(encoded), &first);
    if (length <= 0 || length != type->length(&first)) { abort(); }
    if (TPC_OK != type->decode(&second, encoded, (size_t)length)) { abort(); }
    if (length != type->encode(twice, sizeof(twice), &second) || 0 != memcmp(encoded, twice, (size_t)length)) { abort(); }
}

static void on_message(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpc_header_t header;
    (void)now_ns;
    handled++;
    if (TPC_OK != tpc_header_decode(&header, message->data, message->length)) { abort(); }
    const message_type_t *const type = message_type(header.schema_id, header.template_id);
    if (NULL == type || type->schema_id != FUZZ_SCHEMA || header.version > TPC_SCHEMA_VERSION || header.block_length < type->min_block) { abort(); }
    again(type, message->data, message->length);
    (void)clientd;
}

static tpi_dispatcher_t *dispatcher_of(void)
{
    static tpi_route_t routes[MESSAGE_TYPES];
    static tpi_dispatcher_t *dispatcher;
    if (NULL != dispatcher) { return dispatcher; }
    size_t count = 0;
    for (size_t i = 0; i < MESSAGE_TYPES; i++)
    {
        if (FUZZ_SCHEMA != message_types[i].schema_id) { continue; }
        routes[count++] = (tpi_route_t){ FUZZ_SCHEMA, message_types[i].template_id, message_types[i].min_block, on_message };
    }
    if (tpi_dispatcher_create(&dispatcher) < 0 || tpi_dispatcher_add(dispatcher, routes, count, NULL) < 0) { abort(); }
    return dispatcher;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t sent;
    int64_t correlation_id;
    uint32_t stream_id;
    uint64_t epoch;
    tpi_dispatcher_t *const dispatcher = dispatcher_of();
    const tpi_message_t message = { .data = data, .length = size };
    tpi_dispatcher_dispatch(dispatcher, &message, 0);
    const tpi_dispatcher_counts_t *const counts = tpi_dispatcher_counts(dispatcher);
    if (++sent != counts->dispatched + counts->unknown + counts->malformed + counts->newer_version || handled != counts->dispatched) { abort(); }
    for (size_t i = 0; i < MESSAGE_TYPES; i++)
    {
        if (FUZZ_SCHEMA == message_types[i].schema_id) { again(&message_types[i], data, size); }
    }
    (void)tpc_driver_correlation_id(&correlation_id, data, size);
    (void)tpc_map_announce_key(&stream_id, &epoch, data, size);
    return 0;
}

/*
 * Any bytes into every decoder. What decodes must encode, to the length told in advance, and decode again to the same bytes.
 */
#include "codec/test_messages.h"

#include <stdlib.h>

#define MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(const message_type_t *type, const uint8_t *data, size_t size)
{
    static any_message_t first;
    static any_message_t second;
    static uint8_t encoded[MAX];
    static uint8_t again[MAX];
    if (TPC_OK != type->decode(&first, data, size)) { return; }
    const int64_t length = type->encode(encoded, sizeof(encoded), &first);
    if (length <= 0 || length != type->length(&first)) { abort(); }
    if (TPC_OK != type->decode(&second, encoded, (size_t)length)) { abort(); }
    if (length != type->encode(again, sizeof(again), &second) || 0 != memcmp(encoded, again, (size_t)length)) { abort(); }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t correlation_id;
    uint32_t stream_id;
    uint64_t epoch;
    for (size_t i = 0; i < MESSAGE_TYPES; i++) { one(&message_types[i], data, size); }
    (void)tpc_driver_correlation_id(&correlation_id, data, size);
    (void)tpc_map_announce_key(&stream_id, &epoch, data, size);
    return 0;
}

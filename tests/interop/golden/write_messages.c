/*
 * Writes messages for the second decoder: <messages> gets the bytes (32-bit length, then the message), <expected> what every field
 * must read as. First the golden files, which the other side reads for itself, then messages of this codec with random fields.
 */
#include "codec/fields.h"
#include "codec/test_messages.h"

#include <inttypes.h>
#include <stdlib.h>

#define ROUNDS 60
#define MAX 65536

static FILE *messages;
static FILE *expected;
static uint64_t random_state = UINT64_C(0x9E3779B97F4A7C15);
static char text_pool[4096];

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545F4914F6CDD1D);
}

static tpc_bytes_t random_bytes(void)
{
    const uint64_t r = next_random();
    const tpc_bytes_t bytes = { text_pool + r % 2048, (uint32_t)((r >> 32) % (0 == r % 9 ? 2000 : 24)) };
    return bytes;
}

/* header_region_uri -> headerRegionUri */
static void print_name(const char *name)
{
    for (; '\0' != *name; name++)
    {
        if ('_' == *name) { name++; (void)fputc(*name - 'a' + 'A', expected); }
        else { (void)fputc(*name, expected); }
    }
}

static void print_bytes(const char *name, tpc_bytes_t bytes)
{
    print_name(name);
    (void)fputc('=', expected);
    for (uint32_t i = 0; i < bytes.length; i++) { (void)fprintf(expected, "%02x", (unsigned)(uint8_t)bytes.data[i]); }
    (void)fputc('\n', expected);
}

#define FORMAT_u8 PRIu8
#define FORMAT_u16 PRIu16
#define FORMAT_u32 PRIu32
#define FORMAT_u64 PRIu64
#define FORMAT_i16 PRId16
#define FORMAT_i32 PRId32
#define FORMAT_i64 PRId64
#define CAST_u8 uint8_t
#define CAST_u16 uint16_t
#define CAST_u32 uint32_t
#define CAST_u64 uint64_t
#define CAST_i16 int16_t
#define CAST_i32 int32_t
#define CAST_i64 int64_t

#define PRINT_ROW(M, T, wire, name) (void)fprintf(expected, #wire "=%" FORMAT_##T "\n", m->name);
#define PRINT_DATA(name) print_bytes(#name, m->name);
#define FILL_ROW(M, T, wire, name) m->name = (CAST_##T)next_random();
#define FILL_DATA(name) m->name = random_bytes();
#define NO_DATA(V)

static void print_pools(const tpc_pool_entry_t *pools, uint32_t count)
{
    (void)fprintf(expected, "payloadPools=%" PRIu32 "\n", count);
    for (uint32_t i = 0; i < count; i++)
    {
        const tpc_pool_entry_t *m = &pools[i];
        TPI_POOL_ENTRY_FIELDS(PRINT_ROW, )
        print_bytes("region_uri", m->region_uri);
    }
}

static void fill_pools(tpc_pool_entry_t *pools, uint32_t *count)
{
    *count = (uint32_t)(next_random() % 9);
    if (0 == next_random() % 16) { *count = TPC_POOLS_MAX; }
    for (uint32_t i = 0; i < *count; i++)
    {
        tpc_pool_entry_t *m = &pools[i];
        TPI_POOL_ENTRY_FIELDS(FILL_ROW, )
        m->region_uri = random_bytes();
    }
}

#define PLAIN(name, FIELDS, DATA) \
    static void print_##name(const tpc_##name##_t *m) { FIELDS(PRINT_ROW, ) DATA(PRINT_DATA) } \
    static void fill_##name(tpc_##name##_t *m) { FIELDS(FILL_ROW, ) DATA(FILL_DATA) }
#define WITH_POOLS(name, FIELDS, DATA) \
    static void print_##name(const tpc_##name##_t *m) { FIELDS(PRINT_ROW, ) print_pools(m->pools, m->pool_count); DATA(PRINT_DATA) } \
    static void fill_##name(tpc_##name##_t *m) { FIELDS(FILL_ROW, ) fill_pools(m->pools, &m->pool_count); DATA(FILL_DATA) }
#define DESCRIPTOR_ROWS(F, M) TPI_FRAME_DESCRIPTOR_FIELDS(F, M) TPI_FRAME_DESCRIPTOR_TRACE(F, M)

WITH_POOLS(pool_announce, TPI_POOL_ANNOUNCE_FIELDS, TPI_POOL_ANNOUNCE_DATA)
PLAIN(consumer_hello, TPI_CONSUMER_HELLO_FIELDS, TPI_CONSUMER_HELLO_DATA)
PLAIN(consumer_config, TPI_CONSUMER_CONFIG_FIELDS, TPI_CONSUMER_CONFIG_DATA)
PLAIN(frame_descriptor, DESCRIPTOR_ROWS, NO_DATA)
PLAIN(qos_consumer, TPI_QOS_CONSUMER_FIELDS, NO_DATA)
PLAIN(qos_producer, TPI_QOS_PRODUCER_FIELDS, NO_DATA)
PLAIN(source_announce, TPI_SOURCE_ANNOUNCE_FIELDS, TPI_SOURCE_ANNOUNCE_DATA)
PLAIN(control_response, TPI_CONTROL_RESPONSE_FIELDS, TPI_CONTROL_RESPONSE_DATA)
PLAIN(blob_announce, TPI_BLOB_ANNOUNCE_FIELDS, NO_DATA)
PLAIN(frame_progress, TPI_FRAME_PROGRESS_FIELDS, NO_DATA)
PLAIN(blob_chunk, TPI_BLOB_CHUNK_FIELDS, TPI_BLOB_CHUNK_DATA)
PLAIN(blob_complete, TPI_BLOB_COMPLETE_FIELDS, NO_DATA)
PLAIN(attach_request, TPI_ATTACH_REQUEST_FIELDS, NO_DATA)
WITH_POOLS(attach_response, TPI_ATTACH_RESPONSE_FIELDS, TPI_ATTACH_RESPONSE_DATA)
PLAIN(detach_request, TPI_DETACH_REQUEST_FIELDS, NO_DATA)
PLAIN(detach_response, TPI_DETACH_RESPONSE_FIELDS, TPI_DETACH_RESPONSE_DATA)
PLAIN(keepalive, TPI_KEEPALIVE_FIELDS, NO_DATA)
PLAIN(driver_shutdown, TPI_DRIVER_SHUTDOWN_FIELDS, TPI_DRIVER_SHUTDOWN_DATA)
PLAIN(lease_revoked, TPI_LEASE_REVOKED_FIELDS, TPI_LEASE_REVOKED_DATA)
PLAIN(shutdown_request, TPI_SHUTDOWN_REQUEST_FIELDS, TPI_SHUTDOWN_REQUEST_DATA)

PLAIN(frame_chunk, TPI_FRAME_CHUNK_FIELDS, TPI_FRAME_CHUNK_DATA)
PLAIN(sequence_map_request, TPI_SEQUENCE_MAP_REQUEST_FIELDS, NO_DATA)
PLAIN(timestamp_map_request, TPI_TIMESTAMP_MAP_REQUEST_FIELDS, NO_DATA)
PLAIN(sequence_rule, TPI_SEQUENCE_RULE_FIELDS, NO_DATA)
PLAIN(timestamp_rule, TPI_TIMESTAMP_RULE_FIELDS, NO_DATA)

#define WITH_RULES(name, FIELDS, rule) \
    static void print_##name(const tpc_##name##_t *m) \
    { \
        FIELDS(PRINT_ROW, ) \
        (void)fprintf(expected, "rules=%" PRIu32 "\n", m->rule_count); \
        for (uint32_t i = 0; i < m->rule_count; i++) { print_##rule(&m->rules[i]); } \
    } \
    static void fill_##name(tpc_##name##_t *m) \
    { \
        FIELDS(FILL_ROW, ) \
        m->rule_count = (uint32_t)(next_random() % (TPC_RULES_MAX + 1)); \
        for (uint32_t i = 0; i < m->rule_count; i++) { fill_##rule(&m->rules[i]); } \
    }
WITH_RULES(sequence_map_announce, TPI_SEQUENCE_MAP_ANNOUNCE_FIELDS, sequence_rule)
WITH_RULES(timestamp_map_announce, TPI_TIMESTAMP_MAP_ANNOUNCE_FIELDS, timestamp_rule)

static void print_trace_link_set(const tpc_trace_link_set_t *m)
{
    TPI_TRACE_LINK_SET_FIELDS(PRINT_ROW, )
    (void)fprintf(expected, "parents=%" PRIu32 "\n", m->parent_count);
    for (uint32_t i = 0; i < m->parent_count; i++) { (void)fprintf(expected, "traceId=%" PRIu64 "\n", m->parents[i]); }
}

static void fill_trace_link_set(tpc_trace_link_set_t *m)
{
    TPI_TRACE_LINK_SET_FIELDS(FILL_ROW, )
    m->parent_count = (uint32_t)(next_random() % (TPC_PARENTS_MAX + 1));
    for (uint32_t i = 0; i < m->parent_count; i++) { m->parents[i] = next_random(); }
}

/* Discovery: what is filled are arrays, what was decoded are walks. */
#define RESULTS_MAX 5

static tpc_discovery_result_t results[RESULTS_MAX];
static tpc_pool_entry_t result_pools[RESULTS_MAX][TPC_POOLS_MAX];
static tpc_bytes_t tags[8];

static uint32_t fill_tags(void)
{
    const uint32_t count = (uint32_t)(next_random() % 8);
    for (uint32_t i = 0; i < count; i++) { tags[i] = random_bytes(); }
    return count;
}

static void print_tags(const tpc_bytes_t *array, uint32_t count, tpc_walk_t walk)
{
    (void)fprintf(expected, "tags=%" PRIu32 "\n", count);
    for (uint32_t i = 0; i < count; i++)
    {
        tpc_bytes_t tag = TPC_BYTES_NONE;
        if (NULL != array) { tag = array[i]; }
        else { (void)tpc_tags_next(&walk, &tag); }
        print_bytes("tag", tag);
    }
}

static void fill_discovery_request(tpc_discovery_request_t *m)
{
    TPI_DISCOVERY_REQUEST_FIELDS(FILL_ROW, )
    m->tag_count = fill_tags();
    m->tags = tags;
    m->response_channel = random_bytes();
    m->data_source_name = random_bytes();
}

static void print_discovery_request(const tpc_discovery_request_t *m)
{
    TPI_DISCOVERY_REQUEST_FIELDS(PRINT_ROW, )
    print_tags(m->tags, m->tag_count, m->tag_walk);
    print_bytes("response_channel", m->response_channel);
    print_bytes("data_source_name", m->data_source_name);
}

static void fill_discovery_response(tpc_discovery_response_t *response)
{
    response->request_id = next_random();
    response->status = (uint8_t)next_random();
    response->error_message = random_bytes();
    response->results = results;
    response->result_count = (uint32_t)(next_random() % (RESULTS_MAX + 1));
    const uint32_t tag_count = fill_tags();
    for (uint32_t i = 0; i < response->result_count; i++)
    {
        tpc_discovery_result_t *m = &results[i];
        TPI_DISCOVERY_RESULT_FIELDS(FILL_ROW, )
        fill_pools(result_pools[i], &m->pool_count);
        m->pools = result_pools[i];
        m->tags = tags;
        m->tag_count = tag_count;
        TPI_DISCOVERY_RESULT_DATA(FILL_DATA)
    }
}

static void print_result(const tpc_discovery_result_t *m)
{
    tpc_pool_entry_t pools[TPC_POOLS_MAX];
    tpc_walk_t walk = m->pool_walk;
    for (uint32_t i = 0; NULL == m->pools && i < TPC_POOLS_MAX && tpc_pools_next(&walk, &pools[i]); i++) { }
    TPI_DISCOVERY_RESULT_FIELDS(PRINT_ROW, )
    print_pools(NULL == m->pools ? pools : m->pools, m->pool_count);
    print_tags(m->tags, m->tag_count, m->tag_walk);
    TPI_DISCOVERY_RESULT_DATA(PRINT_DATA)
}

static void print_discovery_response(const tpc_discovery_response_t *m)
{
    TPI_DISCOVERY_RESPONSE_FIELDS(PRINT_ROW, )
    (void)fprintf(expected, "results=%" PRIu32 "\n", m->result_count);
    tpc_walk_t walk = m->result_walk;
    tpc_discovery_result_t walked;
    for (uint32_t i = 0; i < m->result_count; i++)
    {
        if (NULL != m->results) { print_result(&m->results[i]); }
        else if (tpc_results_next(&walk, &walked)) { print_result(&walked); }
    }
    print_bytes("error_message", m->error_message);
}

static tpc_attribute_t attributes[8];

static void fill_source_meta(tpc_source_meta_t *m)
{
    TPI_SOURCE_META_FIELDS(FILL_ROW, )
    m->attribute_count = (uint32_t)(next_random() % 8);
    m->attributes = attributes;
    for (uint32_t i = 0; i < m->attribute_count; i++)
    {
        attributes[i] = (tpc_attribute_t){ random_bytes(), random_bytes(), random_bytes() };
    }
}

static void print_source_meta(const tpc_source_meta_t *m)
{
    TPI_SOURCE_META_FIELDS(PRINT_ROW, )
    (void)fprintf(expected, "attributes=%" PRIu32 "\n", m->attribute_count);
    tpc_attributes_t walk = m->walk;
    tpc_attribute_t a;
    for (uint32_t i = 0; i < m->attribute_count; i++)
    {
        if (NULL != m->attributes) { a = m->attributes[i]; }
        else if (!tpc_attributes_next(&walk, &a)) { break; }
        print_bytes("key", a.key);
        print_bytes("format", a.format);
        print_bytes("value", a.value);
    }
}

static void print_message(const message_type_t *type, const any_message_t *m)
{
    (void)fprintf(expected, "blockLength=%d\ntemplateId=%d\nschemaId=%d\nversion=%d\n", type->block_length, type->template_id,
        type->schema_id, TPC_SCHEMA_VERSION);
#define PRINT_IF(member, NAME) if (0 == strcmp(#member, type->name)) { print_##member(&m->member); }
    ALL_MESSAGES(PRINT_IF)
}

static void fill_message(const message_type_t *type, any_message_t *m)
{
    memset(m, 0, sizeof(*m));
#define FILL_IF(member, NAME) if (0 == strcmp(#member, type->name)) { fill_##member(&m->member); }
    ALL_MESSAGES(FILL_IF)
}

static void print_superblock(const tpc_superblock_t *m) { TPI_SUPERBLOCK_FIELDS(PRINT_ROW, ) }

static void print_slot(const tpc_slot_t *m)
{
    TPI_SLOT_HEADER_FIELDS(PRINT_ROW, )
    (void)fprintf(expected, "headerBytes=%" PRIu32 "\n", m->header_bytes_length);
    TPI_MESSAGE_HEADER_FIELDS(PRINT_ROW, )
    TPI_TENSOR_HEADER_FIELDS(PRINT_ROW, )
    for (int i = 0; i < TP_MAX_DIMS; i++) { (void)fprintf(expected, "dims=%" PRId32 "\n", i < m->ndims ? m->dims[i] : 0); }
    for (int i = 0; i < TP_MAX_DIMS; i++) { (void)fprintf(expected, "strides=%" PRId32 "\n", i < m->ndims ? m->strides[i] : 0); }
}

static void write_bytes(const uint8_t *bytes, uint32_t length)
{
    (void)fwrite(&length, sizeof(length), 1, messages);
    (void)fwrite(bytes, 1, length, messages);
}

static int write_goldens(void)
{
    static any_message_t m;
    uint8_t bytes[MAX];
    for (size_t i = 0; i < GOLDENS; i++)
    {
        const message_type_t *type = message_type(goldens[i].schema_id, goldens[i].template_id);
        const size_t length = golden_load(goldens[i].file, bytes, sizeof(bytes));
        if (TPC_OK != type->decode(&m, bytes, length)) { return -1; }
        (void)fprintf(expected, "= message %s\n", goldens[i].file);
        print_message(type, &m);
    }
    (void)fprintf(expected, "= superblock shm_superblock\n");
    print_superblock(&golden_superblock);
    (void)fprintf(expected, "= slot shm_slot\n");
    print_slot(&golden_slot);
    return 0;
}

static int write_random_messages(void)
{
    static any_message_t m;
    static uint8_t bytes[MAX * 8];
    for (size_t i = 0; i < ROUNDS * MESSAGE_TYPES; i++)
    {
        const message_type_t *type = &message_types[i % MESSAGE_TYPES];
        fill_message(type, &m);
        if (0 == strcmp("frame_chunk", type->name)) { m.frame_chunk.header_bytes.length %= TPC_CHUNK_HEADER_BYTES_MAX + 1; }
        const int64_t length = type->encode(bytes, sizeof(bytes), &m);
        if (length < 0) { return -1; }
        write_bytes(bytes, (uint32_t)length);
        (void)fprintf(expected, "= message -\n");
        print_message(type, &m);
    }
    return 0;
}

static void write_random_layouts(void)
{
    for (unsigned i = 0; i < ROUNDS; i++)
    {
        uint8_t image[TPC_SLOT_BYTES];
        tpc_superblock_t superblock;
        tpc_superblock_t *m = &superblock;
        TPI_SUPERBLOCK_FIELDS(FILL_ROW, )
        tpc_superblock_encode(image, &superblock);
        write_bytes(image, TPC_SUPERBLOCK_BYTES);
        (void)fprintf(expected, "= superblock -\n");
        print_superblock(&superblock);
    }
    for (unsigned i = 0; i < ROUNDS; i++)
    {
        uint8_t image[TPC_SLOT_BYTES];
        tpc_slot_t slot = TPC_SLOT_INIT;
        tpc_slot_t *m = &slot;
        TPI_SLOT_HEADER_FIELDS(FILL_ROW, )
        TPI_TENSOR_HEADER_FIELDS(FILL_ROW, )
        slot.ndims = (uint8_t)(i % 9);
        for (int k = 0; k < TP_MAX_DIMS; k++) { slot.dims[k] = (int32_t)next_random(); slot.strides[k] = (int32_t)next_random(); }
        tpc_slot_encode(image, &slot);
        write_bytes(image, TPC_SLOT_BYTES);
        (void)fprintf(expected, "= slot -\n");
        print_slot(&slot);
    }
}

int main(int argc, char **argv)
{
    if (3 != argc) { (void)fprintf(stderr, "usage: write_messages <messages> <expected>\n"); return 2; }
    messages = fopen(argv[1], "wb");
    expected = fopen(argv[2], "w");
    if (NULL == messages || NULL == expected) { perror("write_messages"); return 1; }
    for (size_t i = 0; i < sizeof(text_pool); i++) { text_pool[i] = (char)next_random(); }
    int failed = write_goldens() < 0 || write_random_messages() < 0;
    write_random_layouts();
    failed |= 0 != fclose(messages);
    failed |= 0 != fclose(expected);
    return failed;
}

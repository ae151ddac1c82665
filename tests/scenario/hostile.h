/*
 * Every golden message of every schema, bent in every way a message can be wrong. Each variation lies at the end of a page behind which nothing is
 * mapped: a reader that looks one byte too far dies.
 */
#ifndef TP_TESTS_HOSTILE_H
#define TP_TESTS_HOSTILE_H

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec/test_messages.h"

typedef enum hostile_kind
{
    HOSTILE_CUT,                /* ends too early */
    HOSTILE_SHORT_BLOCK,        /* states a block shorter than version 1 has */
    HOSTILE_LONG_BLOCK,         /* states a block that ends behind the message */
    HOSTILE_NEWER,              /* a version we do not know */
    HOSTILE_TEMPLATE,           /* a template nobody knows */
    HOSTILE_SCHEMA,             /* a schema nobody knows */
    HOSTILE_STRICT,             /* ---- above: to be ignored and counted. Below: may be taken, and must do no harm ---- */
    HOSTILE_LIE,                /* four bytes somewhere behind the block say a length or a count that is not so */
    HOSTILE_TEXT,               /* bytes behind the block that are no text */
    HOSTILE_LONGER              /* a block with bytes that we do not know, behind ours */
}
hostile_kind_t;

typedef struct hostile
{
    const golden_t *golden;
    const message_type_t *type;
    hostile_kind_t kind;
    size_t at;                  /* which of its kind */
    const uint8_t *data;
    size_t length;
}
hostile_t;

typedef void (*on_hostile_t)(const hostile_t *variation);

static uint8_t *hostile_page_end;

static inline void hostile_call(on_hostile_t handler, hostile_t *h, const uint8_t *bytes, size_t length)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (NULL == hostile_page_end)
    {
        uint8_t *const pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(pages, MAP_FAILED);
        assert_int_equal(mprotect(pages + 2 * page, page, PROT_NONE), 0);
        hostile_page_end = pages + 2 * page;
    }
    assert_true(length <= 2 * page);
    memcpy(hostile_page_end - length, bytes, length);
    h->data = hostile_page_end - length;
    h->length = length;
    handler(h);
}

static inline void hostile_set_u16(uint8_t *at, uint16_t value) { memcpy(at, &value, sizeof(value)); }

static inline void hostile_headers(on_hostile_t handler, hostile_t *h, const uint8_t *golden, size_t length)
{
    static const uint16_t versions[] = { 2, 3, 0x0100, UINT16_MAX };
    static const uint16_t blocks[] = { UINT16_MAX, 0x8000 };
    uint8_t bytes[1024];
    memcpy(bytes, golden, length);
    for (size_t i = 0; i < 4; i++)
    {
        h->kind = HOSTILE_NEWER;
        h->at = i;
        hostile_set_u16(bytes + 6, versions[i]);
        hostile_call(handler, h, bytes, length);
    }
    memcpy(bytes, golden, length);
    for (uint16_t block = 0; block < h->type->min_block; block++)
    {
        h->kind = HOSTILE_SHORT_BLOCK;
        h->at = block;
        hostile_set_u16(bytes, block);
        hostile_call(handler, h, bytes, length);
    }
    for (size_t i = 0; i < 3; i++)
    {
        h->kind = HOSTILE_LONG_BLOCK;
        h->at = i;
        hostile_set_u16(bytes, i < 2 ? blocks[i] : (uint16_t)(length - TPC_HEADER_BYTES + 1));
        hostile_call(handler, h, bytes, length);
    }
    memcpy(bytes, golden, length);
    h->kind = HOSTILE_TEMPLATE;
    hostile_set_u16(bytes + 2, 200);
    hostile_call(handler, h, bytes, length);
    memcpy(bytes, golden, length);
    h->kind = HOSTILE_SCHEMA;
    hostile_set_u16(bytes + 4, 999);
    hostile_call(handler, h, bytes, length);
}

static inline void hostile_bodies(on_hostile_t handler, hostile_t *h, const uint8_t *golden, size_t length)
{
    static const uint32_t lies[] = { UINT32_MAX, 0x7fffffff, 0x40000000, 0x40000001, 0xffff0000, 0x0000ffff, 1 };
    static const uint8_t no_text[] = { 0x00, 0x1b, 0x80, 0xff, '\n' };
    const size_t tail = TPC_HEADER_BYTES + (size_t)h->type->block_length;
    uint8_t bytes[1024];
    for (size_t at = tail; at + 4 <= length; at++)
    {
        h->kind = HOSTILE_LIE;
        h->at = at;
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        {
            memcpy(bytes, golden, length);
            memcpy(bytes + at, &lies[i], 4);
            hostile_call(handler, h, bytes, length);
        }
    }
    for (size_t at = tail; at < length; at++)
    {
        h->kind = HOSTILE_TEXT;
        h->at = at;
        memcpy(bytes, golden, length);
        bytes[at] = no_text[at % sizeof(no_text)];
        hostile_call(handler, h, bytes, length);
    }
    h->kind = HOSTILE_LONGER;
    for (size_t more = 1; more <= 64; more *= 4)
    {
        h->at = more;
        memcpy(bytes, golden, tail);
        memset(bytes + tail, 0xa5, more);
        memcpy(bytes + tail + more, golden + tail, length - tail);
        hostile_set_u16(bytes, (uint16_t)(h->type->block_length + more));
        hostile_call(handler, h, bytes, length + more);
    }
}

/* Calls the handler with every variation; how many there were. */
static inline void hostile_each(on_hostile_t handler)
{
    uint8_t golden[1024];
    for (size_t i = 0; i < GOLDENS; i++)
    {
        const size_t length = golden_load(goldens[i].file, golden, sizeof(golden));
        hostile_t h = { .golden = &goldens[i], .type = message_type(goldens[i].schema_id, goldens[i].template_id) };
        assert_true(length > TPC_HEADER_BYTES && length <= 512);
        assert_non_null(h.type);
        for (size_t cut = 1; cut < length; cut++)
        {
            h.kind = HOSTILE_CUT;
            h.at = cut;
            if (TPC_DISCOVERY_SCHEMA == goldens[i].schema_id && length - 4 == cut) { continue; }     /* legal there: src/codec/discovery_test.c */
            hostile_call(handler, &h, golden, cut);
        }
        hostile_headers(handler, &h, golden, length);
        hostile_bodies(handler, &h, golden, length);
    }
}

/* Bytes that are held now; 0 where the allocator is not the system's. */
static inline size_t hostile_held(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

#define HOSTILE_ROOM ((size_t)4 << 20)     /* what all the variations together may leave behind */

#endif

/* Keys and labels of our counters. Stateless. Keys are packed little-endian, like everything the product writes. */
#include "runtime/tp_counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"

typedef struct packer { uint8_t *at; const uint8_t *from; size_t left; bool ok; } packer_t;

static void put(packer_t *p, const void *value, size_t size)
{
    memcpy(p->at, value, size);
    p->at += size;
}

static void get(packer_t *p, void *value, size_t size)
{
    if (p->left < size)
    {
        p->ok = false;
        p->left = 0;
        return;
    }
    memcpy(value, p->from, size);
    p->from += size;
    p->left -= size;
}

size_t tpi_counter_key_driver_put(uint8_t key[112], const tpi_counter_key_driver_t *k)
{
    packer_t p = { .at = key };
    put(&p, &k->token, 8);
    put(&p, &k->pid, 8);
    return (size_t)(p.at - key);
}

size_t tpi_counter_key_stream_put(uint8_t key[112], const tpi_counter_key_stream_t *k)
{
    packer_t p = { .at = key };
    put(&p, &k->token, 8);
    put(&p, &k->stream_id, 4);
    return (size_t)(p.at - key);
}

size_t tpi_counter_key_lease_put(uint8_t key[112], const tpi_counter_key_lease_t *k)
{
    packer_t p = { .at = key };
    put(&p, &k->token, 8);
    put(&p, &k->lease_id, 8);
    put(&p, &k->stream_id, 4);
    put(&p, &k->client_id, 4);
    put(&p, &k->role, 1);
    return (size_t)(p.at - key);
}

size_t tpi_counter_key_client_put(uint8_t key[112], const tpi_counter_key_client_t *k)
{
    packer_t p = { .at = key };
    put(&p, &k->pid, 8);
    put(&p, &k->stream_id, 4);
    put(&p, &k->client_id, 4);
    put(&p, &k->role, 1);
    put(&p, &k->kind, 1);
    return (size_t)(p.at - key);
}

size_t tpi_counter_key_agent_put(uint8_t key[112], const tpi_counter_key_agent_t *k)
{
    packer_t p = { .at = key };
    put(&p, &k->pid, 8);
    put(&p, &k->client, 8);
    put(&p, &k->kind, 1);
    return (size_t)(p.at - key);
}

size_t tpi_counter_key_health_put(uint8_t key[112], const tpi_counter_key_health_t *k)
{
    packer_t p = { .at = key };
    put(&p, &k->token, 8);
    put(&p, &k->stream_id, 4);
    put(&p, &k->client_id, 4);
    put(&p, &k->kind, 1);
    return (size_t)(p.at - key);
}

int tpi_counter_key_health_get(tpi_counter_key_health_t *k, const uint8_t *key, size_t length)
{
    packer_t p = { .from = key, .left = length, .ok = true };
    tpi_counter_key_health_t read = { 0 };
    get(&p, &read.token, 8);
    get(&p, &read.stream_id, 4);
    get(&p, &read.client_id, 4);
    get(&p, &read.kind, 1);
    if (p.ok) { *k = read; }
    return p.ok ? 0 : -1;
}

int tpi_counter_key_driver_get(tpi_counter_key_driver_t *k, const uint8_t *key, size_t length)
{
    packer_t p = { .from = key, .left = length, .ok = true };
    tpi_counter_key_driver_t read = { 0 };
    get(&p, &read.token, 8);
    get(&p, &read.pid, 8);
    if (p.ok) { *k = read; }
    return p.ok ? 0 : -1;
}

int tpi_counter_key_stream_get(tpi_counter_key_stream_t *k, const uint8_t *key, size_t length)
{
    packer_t p = { .from = key, .left = length, .ok = true };
    tpi_counter_key_stream_t read = { 0 };
    get(&p, &read.token, 8);
    get(&p, &read.stream_id, 4);
    if (p.ok) { *k = read; }
    return p.ok ? 0 : -1;
}

int tpi_counter_key_lease_get(tpi_counter_key_lease_t *k, const uint8_t *key, size_t length)
{
    packer_t p = { .from = key, .left = length, .ok = true };
    tpi_counter_key_lease_t read = { 0 };
    get(&p, &read.token, 8);
    get(&p, &read.lease_id, 8);
    get(&p, &read.stream_id, 4);
    get(&p, &read.client_id, 4);
    get(&p, &read.role, 1);
    if (p.ok) { *k = read; }
    return p.ok ? 0 : -1;
}

int tpi_counter_key_agent_get(tpi_counter_key_agent_t *k, const uint8_t *key, size_t length)
{
    packer_t p = { .from = key, .left = length, .ok = true };
    tpi_counter_key_agent_t read = { 0 };
    get(&p, &read.pid, 8);
    get(&p, &read.client, 8);
    get(&p, &read.kind, 1);
    if (p.ok) { *k = read; }
    return p.ok ? 0 : -1;
}

int tpi_counter_key_client_get(tpi_counter_key_client_t *k, const uint8_t *key, size_t length)
{
    packer_t p = { .from = key, .left = length, .ok = true };
    tpi_counter_key_client_t read = { 0 };
    get(&p, &read.pid, 8);
    get(&p, &read.stream_id, 4);
    get(&p, &read.client_id, 4);
    get(&p, &read.role, 1);
    get(&p, &read.kind, 1);
    if (p.ok) { *k = read; }
    return p.ok ? 0 : -1;
}

/* ---- labels ---------------------------------------------------------------------------------------------------------------- */

static bool is_plain(char c) { return c > 0x20 && c < 0x7f && '=' != c && '%' != c; }

/* Appends at *length; false when it does not fit. */
static bool append(char *label, size_t size, size_t *length, char c)
{
    if (*length + 1 >= size) { return false; }
    label[(*length)++] = c;
    return true;
}

static bool append_encoded(char *label, size_t size, size_t *length, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (const char *c = text; '\0' != *c; c++)
    {
        if (is_plain(*c))
        {
            if (!append(label, size, length, *c)) { return false; }
            continue;
        }
        const unsigned value = (unsigned char)*c;
        if (!append(label, size, length, '%') || !append(label, size, length, hex[value >> 4]) || !append(label, size, length, hex[value & 15]))
        {
            return false;
        }
    }
    return true;
}

int tpi_label_init(char *label, size_t size, const char *kind)
{
    const int n = snprintf(label, size, "%s:", kind);
    if (n < 0 || (size_t)n >= size)
    {
        TPI_SET_ERR(TP_EINVAL, "label kind '%s' does not fit %zu bytes", kind, size);
        return -1;
    }
    return 0;
}

int tpi_label_add(char *label, size_t size, const char *key, const char *value)
{
    const size_t before = strlen(label);
    size_t length = before;
    bool ok = append(label, size, &length, ' ') && append_encoded(label, size, &length, key);
    ok = ok && append(label, size, &length, '=') && append_encoded(label, size, &length, value);
    label[ok ? length : before] = '\0';
    if (ok) { return 0; }
    TPI_SET_ERR(TP_EINVAL, "label part '%s' does not fit: %zu bytes are used of %zu", key, before, size);
    return -1;
}

int tpi_label_add_u64(char *label, size_t size, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return tpi_label_add(label, size, key, text);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') { return c - '0'; }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(const char *text, size_t length, char *value, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++)
    {
        char c = text[i];
        if ('%' == c)
        {
            const int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
            const int low = i + 2 < length ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0) { return false; }
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        }
        if (n + 1 >= size) { return false; }
        value[n++] = c;
    }
    value[n] = '\0';
    return true;
}

bool tpi_label_get(const char *label, const char *key, char *value, size_t size)
{
    const size_t key_length = strlen(key);
    const char *part = strchr(label, ' ');
    while (NULL != part)
    {
        part++;
        const char *const end = strchr(part, ' ');
        const size_t length = NULL == end ? strlen(part) : (size_t)(end - part);
        if (length > key_length && '=' == part[key_length] && 0 == memcmp(part, key, key_length))
        {
            return size > 0 && decode(part + key_length + 1, length - key_length - 1, value, size);
        }
        part = end;
    }
    return false;
}

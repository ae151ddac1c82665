#include "apps/service/values.h"

#include <stdlib.h>
#include <string.h>

#include "apps/service/output.h"

#define LOGGED_MAX 20

int values_begin(values_t *values)
{
    *values = (values_t){ .text = NULL };
    values->out = open_memstream(&values->text, &values->length);
    return NULL != values->out ? 0 : -1;
}

void values_add(void *values, const char *key, const char *value, const char *source)
{
    (void)source;
    fprintf(((values_t *)values)->out, "%s\n%s\n", key, value);
}

int values_end(values_t *values)
{
    const int rc = NULL != values->out && 0 == fclose(values->out) ? 0 : -1;
    values->out = NULL;
    return rc;
}

void values_free(values_t *values)
{
    if (NULL != values->out) { (void)fclose(values->out); }
    free(values->text);
    *values = (values_t){ .text = NULL };
}

typedef struct pair { const char *key; size_t key_length; const char *value; size_t value_length; } pair_t;

/* The pair that begins at *at, which moves behind it. No control bytes are in keys and values. */
static bool next(const values_t *values, size_t *at, pair_t *pair)
{
    if (*at >= values->length) { return false; }
    pair->key = values->text + *at;
    pair->key_length = strcspn(pair->key, "\n");
    pair->value = pair->key + pair->key_length + 1;
    pair->value_length = strcspn(pair->value, "\n");
    *at += pair->key_length + pair->value_length + 2;
    return true;
}

/* From *at on, then from the beginning: both lists are nearly always in the same order. */
static bool find(const values_t *values, const pair_t *wanted, size_t *at, pair_t *found)
{
    const size_t start = *at;
    for (int round = 0; round < 2; round++)
    {
        while (next(values, at, found))
        {
            if (found->key_length == wanted->key_length && 0 == memcmp(found->key, wanted->key, wanted->key_length)) { return true; }
            if (1 == round && *at >= start) { break; }
        }
        *at = 0;
    }
    *at = start;
    return false;
}

static size_t compare(const values_t *a, const values_t *b, bool only_missing, values_on_difference_t handler, void *clientd)
{
    pair_t one;
    pair_t other;
    size_t count = 0;
    size_t at_b = 0;
    for (size_t at_a = 0; next(a, &at_a, &one); )
    {
        const bool there = find(b, &one, &at_b, &other);
        const bool same = there && one.value_length == other.value_length && 0 == memcmp(one.value, other.value, one.value_length);
        if (same || (there && only_missing)) { continue; }
        char key[512];
        (void)snprintf(key, sizeof(key), "%.*s", (int)one.key_length, one.key);
        handler(clientd, key);
        count++;
    }
    return count;
}

size_t values_compare(const values_t *a, const values_t *b, values_on_difference_t handler, void *clientd)
{
    return compare(a, b, false, handler, clientd) + compare(b, a, true, handler, clientd);
}

static void log_one(void *clientd, const char *key)
{
    size_t *const count = clientd;
    if (++*count <= LOGGED_MAX) { output_say(TP_LOG_WARN, 0, "%s differs from the value in force; it takes effect with a restart", key); }
}

size_t values_log_differences(const values_t *in_force, const values_t *read_again)
{
    size_t count = 0;
    (void)values_compare(in_force, read_again, log_one, &count);
    if (count > LOGGED_MAX) { output_say(TP_LOG_WARN, 0, "and %zu keys more", count - LOGGED_MAX); }
    return count;
}

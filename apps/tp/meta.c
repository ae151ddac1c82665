/* Metadata given with `tp pub --meta`, shown with `tp info --meta` and `tp echo --meta`. */
#include "meta.h"

#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "connect.h"
#include "number.h"

#define LINE_MAX_BYTES 512
#define POLL_NS INT64_C(10000000)

/* ---- giving ------------------------------------------------------------------------------------------------------------- */

int cli_meta_publish(const cli_args_t *args, tp_producer_t *producer, const tp_tensor_template_t *tensor)
{
    tp_attribute_t attributes[CLI_LIST_MAX];
    char shape[128];
    char summary[256];
    const tp_tensor_t *t = tp_tensor_template_tensor(tensor);
    snprintf(summary, sizeof(summary), "%s %s", tp_dtype_name(t->dtype), cli_format_shape(shape, t->ndims, t->dims));
    char name[TP_DISCOVERY_NAME_MAX + 2];
    snprintf(name, sizeof(name), "%s", NULL != args->name ? args->name : args->positional[0]);
    char *const at = NULL == args->name ? strrchr(name, '@') : NULL;       /* NAME@INSTANCE */
    if (NULL != at) { *at = '\0'; }
    const bool is_id = NULL == args->name && isdigit((unsigned char)name[0]);
    if (tp_producer_set_data_source(producer, is_id ? NULL : name, summary) < 0) { return cli_error_last(); }
    for (size_t i = 0; i < args->meta.count; i++)
    {
        const char *text = args->meta.items[i];
        const char *equals = strchr(text, '=');
        if (NULL == equals || equals == text) { return cli_usage("pub", "--meta '%s', must be KEY=VALUE", text); }
        attributes[i] = (tp_attribute_t){ { text, (size_t)(equals - text) }, tp_bytes_of("text/plain"), tp_bytes_of(equals + 1) };
    }
    if (0 != args->meta.count && tp_producer_set_metadata(producer, attributes, args->meta.count) < 0) { return cli_error_last(); }
    return CLI_OK;
}

/* ---- hearing ------------------------------------------------------------------------------------------------------------ */

/* Outlives a call: handlers that cannot be taken away may still write to it. */
typedef struct hearing
{
    pthread_mutex_t lock;
    uint32_t stream_id;
    cli_meta_t meta;
}
hearing_t;

static hearing_t hearing = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void copy_text(char *target, size_t size, tp_bytes_t bytes)
{
    const size_t length = bytes.length < size - 1 ? bytes.length : size - 1;
    if (0 != length) { memcpy(target, bytes.data, length); }
    target[length] = '\0';
    cli_disarm(target);
}

static json_t *text_json(tp_bytes_t bytes)
{
    json_t *text = json_stringn(0 == bytes.length ? "" : bytes.data, bytes.length);
    return NULL == text ? json_string("?") : text;         /* not UTF-8 */
}

static json_t *hex_json(tp_bytes_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = bytes.data;
    char *hex = malloc(2 * bytes.length + 1);
    if (NULL == hex) { return NULL; }
    for (size_t i = 0; i < bytes.length; i++)
    {
        hex[2 * i] = digits[at[i] >> 4];
        hex[2 * i + 1] = digits[at[i] & 15];
    }
    json_t *text = json_stringn(hex, 2 * bytes.length);
    free(hex);
    return text;
}

static json_t *attribute_json(const tp_attribute_t *attribute)
{
    json_t *object = json_pack("{s:o,s:o,s:I}", "key", text_json(attribute->key), "format", text_json(attribute->format), "bytes",
        (json_int_t)attribute->value.length);
    json_t *value = json_stringn(0 == attribute->value.length ? "" : attribute->value.data, attribute->value.length);
    if (NULL != value) { (void)json_object_set_new(object, "value", value); }
    else { (void)json_object_set_new(object, "value_hex", hex_json(attribute->value)); }
    return object;
}

static void on_source(void *clientd, const tp_source_announce_t *announce)
{
    hearing_t *h = clientd;
    if (announce->stream_id != h->stream_id) { return; }
    (void)pthread_mutex_lock(&h->lock);
    h->meta.has_source = true;
    h->meta.announced_version = announce->meta_version;
    copy_text(h->meta.name, sizeof(h->meta.name), announce->name);
    copy_text(h->meta.summary, sizeof(h->meta.summary), announce->summary);
    (void)pthread_mutex_unlock(&h->lock);
}

static void on_attributes(void *clientd, const tp_source_meta_t *meta)
{
    hearing_t *h = clientd;
    if (meta->stream_id != h->stream_id) { return; }
    json_t *attributes = json_array();
    for (uint32_t i = 0; i < meta->attribute_count; i++) { (void)json_array_append_new(attributes, attribute_json(&meta->attributes[i])); }
    (void)pthread_mutex_lock(&h->lock);
    json_decref(h->meta.attributes);
    h->meta.attributes = attributes;
    h->meta.has_attributes = true;
    h->meta.version = meta->meta_version;
    (void)pthread_mutex_unlock(&h->lock);
}

static bool is_complete(hearing_t *h)
{
    const cli_meta_t *m = &h->meta;
    (void)pthread_mutex_lock(&h->lock);
    const bool complete = m->has_source && (0 == m->announced_version || (m->has_attributes && m->version == m->announced_version));
    (void)pthread_mutex_unlock(&h->lock);
    return complete;
}

int cli_meta_fetch(tp_client_t *client, uint32_t stream_id, int64_t timeout_ns, cli_meta_t *meta)
{
    hearing_t *h = &hearing;
    tp_metadata_handlers_t handlers = TP_METADATA_HANDLERS_INIT;
    const int64_t deadline_ns = cli_now_ns() + timeout_ns;
    memset(meta, 0, sizeof(*meta));
    h->stream_id = stream_id;
    handlers.clientd = h;
    handlers.on_source_announce = on_source;
    handlers.on_source_meta = on_attributes;
    if (tp_client_set_metadata_handlers(client, &handlers) < 0) { return cli_error_last(); }
    while (!is_complete(h) && !cli_stopped() && cli_now_ns() < deadline_ns) { cli_sleep_ns(POLL_NS); }
    if (tp_client_set_metadata_handlers(client, NULL) < 0) { return cli_error_last(); }
    (void)pthread_mutex_lock(&h->lock);
    *meta = h->meta;
    memset(&h->meta, 0, sizeof(h->meta));
    (void)pthread_mutex_unlock(&h->lock);
    return CLI_OK;
}

void cli_meta_fini(cli_meta_t *meta)
{
    json_decref(meta->attributes);
    meta->attributes = NULL;
}

/* ---- showing ------------------------------------------------------------------------------------------------------------ */

json_t *cli_meta_json(const cli_meta_t *meta)
{
    if (!meta->has_source && !meta->has_attributes) { return json_null(); }
    const uint32_t version = meta->has_attributes ? meta->version : meta->announced_version;
    return json_pack("{s:o,s:o,s:o,s:O?}", "name", text_json(tp_bytes_of(meta->name)), "summary", text_json(tp_bytes_of(meta->summary)),
        "meta_version", cli_json_id(version), "attributes", meta->attributes);
}

static void print_attribute(const json_t *attribute, FILE *out)
{
    char key[LINE_MAX_BYTES];
    char format[LINE_MAX_BYTES];
    char value[LINE_MAX_BYTES];
    const json_t *text = json_object_get(attribute, "value");
    snprintf(key, sizeof(key), "%s", json_string_value(json_object_get(attribute, "key")));
    snprintf(format, sizeof(format), "%s", json_string_value(json_object_get(attribute, "format")));
    if (NULL != text) { snprintf(value, sizeof(value), "%s", json_string_value(text)); }
    else { snprintf(value, sizeof(value), "%" JSON_INTEGER_FORMAT " bytes", json_integer_value(json_object_get(attribute, "bytes"))); }
    cli_disarm(key);
    cli_disarm(format);
    cli_disarm(value);
    fprintf(out, "  %s = %s%s%s%s\n", key, value, '\0' != format[0] ? "  (" : "", format, '\0' != format[0] ? ")" : "");
}

void cli_meta_print(const cli_meta_t *meta, FILE *out)
{
    size_t i;
    const json_t *attribute;
    if (!meta->has_source && !meta->has_attributes)
    {
        fprintf(out, "source     nothing was heard: no producer, or one that tells nothing\n");
        return;
    }
    fprintf(out, "source     %s%s%s, metadata version %" PRIu32 "\n", '\0' != meta->name[0] ? meta->name : "-", '\0' != meta->summary[0] ? ": " : "",
        meta->summary, meta->has_attributes ? meta->version : meta->announced_version);
    json_array_foreach(meta->attributes, i, attribute) { print_attribute(attribute, out); }
}

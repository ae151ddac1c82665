/*
 * What a client makes of a discovery response: bytes of the network, any. The first two bytes choose the name that is looked for; the rest is the
 * message. What is kept keeps every rule, and choosing among it never leaves it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "protocol/discovery_ask.h"
#include "protocol/discovery_choice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool any(void *clientd, uint64_t request_id) { (void)clientd; return 0 != request_id; }

static void check_text(const char *text, size_t max)
{
    if (NULL == text || strnlen(text, max + 1) > max) { abort(); }
}

static void check_result(const tp_discovery_result_t *r)
{
    if (r->driver_control_stream_id <= 0 || 0 != strncmp(r->driver_control_channel, "aeron:", 6)) { abort(); }
    check_text(r->driver_control_channel, TP_DISCOVERY_CHANNEL_MAX);
    check_text(r->driver_instance, TP_DISCOVERY_NAME_MAX);
    check_text(r->name, TP_DISCOVERY_NAME_MAX);
    check_text(r->header_region_uri, TP_DISCOVERY_URI_MAX);
    for (uint32_t i = 0; i < r->pool_count; i++)
    {
        if (r->pools[i].nslots != r->header_nslots) { abort(); }
        check_text(r->pools[i].region_uri, TP_DISCOVERY_URI_MAX);
    }
    for (uint32_t i = 0; i < r->tag_count; i++) { check_text(r->tags[i], TP_DISCOVERY_NAME_MAX); }
}

static void check_list(const tpi_result_list_t *list, uint32_t given)
{
    if (list->count + list->refused + list->stale != given) { abort(); }
    for (uint32_t i = 0; i < list->count; i++)
    {
        const tp_discovery_result_t *r = &list->results[i];
        check_result(r);
        if (i > 0 && r[-1].stream_id == r->stream_id && '\0' != r->driver_instance[0] && 0 == strcmp(r[-1].driver_instance, r->driver_instance))
        {
            abort();                                       /* twice the same stream */
        }
    }
}

static void choose(const tpi_result_list_t *list, const char *wanted)
{
    tpi_candidate_t candidates[64];
    const size_t count = list->count < 64 ? list->count : 64;
    size_t index = 0;
    for (size_t i = 0; i < count; i++)
    {
        const tp_discovery_result_t *r = &list->results[i];
        candidates[i] = (tpi_candidate_t){ .stream_id = r->stream_id, .name = r->name, .instance = r->driver_instance };
    }
    const tpi_choice_t choice = tpi_choose(candidates, count, wanted, &index);
    if (TPI_CHOICE_NONE != choice && index >= count) { abort(); }
    if (TPI_CHOICE_ONE != choice)
    {
        tpi_err_t err;
        tpi_choose_error(candidates, count, wanted, choice);
        tpi_err_save(&err);
        for (const char *at = err.why; '\0' != *at; at++) { if ((unsigned char)*at < 0x20) { abort(); } }
        for (const char *at = err.fix; '\0' != *at; at++) { if ((unsigned char)*at < 0x20) { abort(); } }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tpc_discovery_response_t response;
    tpi_result_list_t *list = NULL;
    char name[16];
    if (size < 2) { return 0; }
    const size_t length = data[0] % sizeof(name) < size - 1 ? data[0] % sizeof(name) : size - 1;
    memcpy(name, data + size - length, length);            /* the end of the message: a name that may well be there */
    name[length] = '\0';
    if (TPI_HEARD_ANSWER != tpi_ask_hear(data + 2, size - 2, any, NULL, &response)) { return 0; }
    if (tpi_result_list_create(&list, &response, NULL, NULL) < 0) { return 0; }
    check_list(list, TPC_DISCOVERY_OK == response.status ? response.result_count : 0);
    choose(list, 0 == data[1] % 4 ? NULL : name);
    for (uint32_t i = 0; i < list->count && i < 4; i++) { choose(list, list->results[i].name); }
    tpi_result_list_delete(list);
    return 0;
}

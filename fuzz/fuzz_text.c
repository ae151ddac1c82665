/* Texts that others write: region URIs, channels, endpoint files. What parses must come out the same when it is written and parsed again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bus/channel.h"
#include "common/alloc.h"
#include "runtime/endpoint_text.h"
#include "shm/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void region_uri(const char *text, size_t length)
{
    static tpi_region_uri_t first;
    static tpi_region_uri_t second;
    char written[TPI_URI_MAX];
    if (tpi_region_uri_parse(&first, text, length) < 0) { return; }
    if ('/' != first.path[0] || !tpi_region_path_is_plain(first.path)) { abort(); }
    const int n = tpi_region_uri_format(written, sizeof(written), first.path, first.require_hugepages);
    if (n < 0 || (size_t)n > length) { abort(); }
    if (tpi_region_uri_parse(&second, written, (size_t)n) < 0) { abort(); }
    if (0 != strcmp(first.path, second.path) || first.require_hugepages != second.require_hugepages) { abort(); }
}

static void channel(const char *text)
{
    char value[256];
    (void)tpi_channel_param(text, "term-length", value, sizeof(value));
    (void)tpi_channel_param(text, "endpoint", value, 1);
    (void)tpi_channel_term_length(text);
    if (!tpi_channel_same_medium(text, text)) { abort(); }
    char *const untethered = tpi_channel_untethered(text);
    if (NULL == untethered || tpi_channel_is_ipc(text) != tpi_channel_is_ipc(untethered)) { abort(); }
    if (!tpi_channel_param(untethered, "tether", value, sizeof(value)) && strlen(text) < 200) { abort(); }
    tpi_free(untethered);
}

static void endpoint(const char *text, size_t length)
{
    static tpi_endpoint_t first;
    static tpi_endpoint_t second;
    static char written[TPI_ENDPOINT_FILE_MAX];
    if (tpi_endpoint_parse(&first, text, length) < 0) { return; }
    const int n = tpi_endpoint_format(written, sizeof(written), &first);
    if (n >= 0 && tpi_endpoint_parse(&second, written, (size_t)n) < 0) { abort(); }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const text = malloc(size + 1);
    if (NULL == text) { abort(); }
    memcpy(text, data, size);
    text[size] = '\0';
    region_uri(text, size);
    channel(text);
    endpoint(text, size);
    free(text);
    return 0;
}

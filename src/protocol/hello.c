/* Answers to hellos. Stateless. */
#include "protocol/hello.h"

#include <string.h>

#include "codec/codec_shm.h"

static bool is_printable(tpc_bytes_t text)
{
    for (uint32_t i = 0; i < text.length; i++)
    {
        if (text.data[i] < 0x21 || text.data[i] > 0x7e) { return false; }
    }
    return text.length <= TPI_HELLO_CHANNEL_MAX;
}

static bool starts_with(tpc_bytes_t text, const char *start)
{
    const size_t length = strlen(start);
    return text.length >= length && 0 == memcmp(text.data, start, length);
}

bool tpi_hello_channel_is_allowed(tpc_bytes_t channel)
{
    static const char ipc[] = "aeron:ipc";
    const uint32_t length = (uint32_t)sizeof(ipc) - 1;
    if (!starts_with(channel, ipc) || (channel.length > length && '?' != channel.data[length])) { return false; }
    return is_printable(channel);
}

tpi_fallback_t tpi_hello_fallback(tpc_bytes_t uri)
{
    static const char bridge[] = "bridge://";
    if (0 == uri.length) { return TPI_FALLBACK_NONE; }                                  /* W-067 */
    if (!is_printable(uri)) { return TPI_FALLBACK_UNSUPPORTED; }
    if (starts_with(uri, bridge) && uri.length > sizeof(bridge) - 1) { return TPI_FALLBACK_BRIDGE; }
    if (starts_with(uri, "aeron:ipc") && (9 == uri.length || '?' == uri.data[9])) { return TPI_FALLBACK_AERON; }
    if (starts_with(uri, "aeron:udp?")) { return TPI_FALLBACK_AERON; }
    return TPI_FALLBACK_UNSUPPORTED;                                                    /* W-154 S-025 */
}

tpi_hello_wish_t tpi_hello_wish(tpc_bytes_t channel, uint32_t stream_id)
{
    const bool has_id = 0 != stream_id && UINT32_MAX != stream_id;                      /* O-25 */
    if (0 == channel.length) { return has_id ? TPI_HELLO_INVALID : TPI_HELLO_NONE; }    /* W-149 W-150 */
    if (!has_id || stream_id > TPI_HELLO_STREAM_MAX) { return TPI_HELLO_INVALID; }      /* W-150 */
    return tpi_hello_channel_is_allowed(channel) ? TPI_HELLO_WANTED : TPI_HELLO_INVALID;        /* W-141 P12 */
}

bool tpi_hello_answer(tpc_consumer_config_t *config, const tpc_consumer_hello_t *hello, const tpi_hello_facts_t *facts)
{
    const tpi_hello_wish_t descriptor = tpi_hello_wish(hello->descriptor_channel, hello->descriptor_stream_id);
    const tpi_hello_wish_t control = tpi_hello_wish(hello->control_channel, hello->control_stream_id);
    if (!facts->has_lease || (TPI_HELLO_NONE == descriptor && TPI_HELLO_NONE == control)) { return false; }

    const tpc_consumer_config_t init = TPC_CONSUMER_CONFIG_INIT;
    *config = init;
    config->stream_id = hello->stream_id;
    config->consumer_id = hello->consumer_id;
    const bool layout_fits = 0 == hello->expected_layout_version || TPC_LAYOUT_VERSION == hello->expected_layout_version;
    config->use_shm = layout_fits && 1 == hello->supports_shm ? 1 : 0;                  /* O-31 */
    config->mode = TP_MODE_RATE_LIMITED == hello->mode ? TP_MODE_RATE_LIMITED : TP_MODE_STREAM;
    if (TPI_HELLO_WANTED == descriptor && 0 != facts->descriptor_id)                    /* D-165 D-166 D-167 */
    {
        config->descriptor_stream_id = facts->descriptor_id;
        config->descriptor_channel = hello->descriptor_channel;
    }
    if (TPI_HELLO_WANTED == control && 0 != facts->control_id)
    {
        config->control_stream_id = facts->control_id;
        config->control_channel = hello->control_channel;
    }
    return true;
}

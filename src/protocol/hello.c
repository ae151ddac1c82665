/* Answers to hellos. Stateless. */
#include "protocol/hello.h"

#include "codec/codec_shm.h"

bool tpi_hello_channel_is_allowed(tpc_bytes_t channel)
{
    static const char ipc[] = "aeron:ipc";
    const uint32_t length = (uint32_t)sizeof(ipc) - 1;
    if (channel.length < length || channel.length > TPI_HELLO_CHANNEL_MAX || 0 != memcmp(channel.data, ipc, length)) { return false; }
    if (channel.length > length && '?' != channel.data[length]) { return false; }
    for (uint32_t i = 0; i < channel.length; i++)
    {
        if (channel.data[i] < 0x21 || channel.data[i] > 0x7e) { return false; }
    }
    return true;
}

tpi_hello_wish_t tpi_hello_wish(tpc_bytes_t channel, uint32_t stream_id)
{
    const bool has_id = 0 != stream_id && UINT32_MAX != stream_id;                      /* O-25 */
    if (0 == channel.length) { return has_id ? TPI_HELLO_INVALID : TPI_HELLO_NONE; }
    return has_id && tpi_hello_channel_is_allowed(channel) ? TPI_HELLO_WANTED : TPI_HELLO_INVALID;
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

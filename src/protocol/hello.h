/* The driver's answer to a ConsumerHello (20-driver.md 8, 10-wire.md 12): which kinds are asked for, and the config. Pure. */
#ifndef TPI_PROTOCOL_HELLO_H
#define TPI_PROTOCOL_HELLO_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec_wire.h"

#define TPI_HELLO_CHANNEL_MAX 1023u
#define TPI_HELLO_STREAM_MAX 2147483647u

typedef enum tpi_hello_wish
{
    TPI_HELLO_NONE = 0,                /* this kind is not asked for */
    TPI_HELLO_INVALID,                 /* asked for, half-filled or a channel outside the allow-list: declined */
    TPI_HELLO_WANTED
}
tpi_hello_wish_t;

/* What a payloadFallbackUri names (10-wire.md 5.3). */
typedef enum tpi_fallback
{
    TPI_FALLBACK_NONE = 0,             /* length 0 */
    TPI_FALLBACK_AERON,                /* aeron:<media> with or without parameters */
    TPI_FALLBACK_BRIDGE,               /* bridge://<id> */
    TPI_FALLBACK_UNSUPPORTED
}
tpi_fallback_t;
tpi_fallback_t tpi_hello_fallback(tpc_bytes_t uri);

/* The allow-list is IPC: "aeron:ipc", with or without parameters (trap P12). */
bool tpi_hello_channel_is_allowed(tpc_bytes_t channel);
tpi_hello_wish_t tpi_hello_wish(tpc_bytes_t channel, uint32_t stream_id);

typedef struct tpi_hello_facts
{
    bool has_lease;                    /* an active consumer lease of this client on that stream */
    uint32_t descriptor_id;            /* id to assign, 0 = none left or range unset */
    uint32_t control_id;
}
tpi_hello_facts_t;

/* false: no answer. The config borrows the channels of the hello. */
bool tpi_hello_answer(tpc_consumer_config_t *config, const tpc_consumer_hello_t *hello, const tpi_hello_facts_t *facts);

#endif

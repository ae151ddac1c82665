/*
 * Control traffic of the application's own over the client's connection to the media driver, without seeing Aeron. Producers and consumers need none
 * of it.
 *
 * A publication or subscription is used by one thread at a time, whichever. When the media driver is lost its calls return TP_CLOSED for good: close
 * it and add it again once tp_client_is_connected says true.
 */
#ifndef TENSOR_POOL_CLIENT_TP_TRAFFIC_H
#define TENSOR_POOL_CLIENT_TP_TRAFFIC_H

#include <tensor_pool/client/tp_client.h>

TP_BEGIN_DECLS

typedef struct tp_publication tp_publication_t;
typedef struct tp_subscription tp_subscription_t;
typedef struct tp_async_add_publication tp_async_add_publication_t;
typedef struct tp_async_add_subscription tp_async_add_subscription_t;

/*
 * Asks for a publication on an Aeron channel; 0, or -1 with TP_EINVAL (channel does not begin with "aeron:" or has 1024 bytes or more), TP_ENOMEM,
 * TP_EFULL. Any thread, callbacks too; in invoker mode it goes on in tp_client_do_work. poll: 1 and *publication set, 0 pending, -1 failed
 * (TP_ECHANNEL, TP_EBUS; TP_ESTATE: the client was closed); the handle is gone after 1 and -1. Poll before the client is closed.
 */
TP_EXPORT int tp_async_add_publication(tp_async_add_publication_t **async, tp_client_t *client, const char *channel, int32_t stream_id);
TP_EXPORT int tp_async_add_publication_poll(tp_async_add_publication_t *async, tp_publication_t **publication);
/*
 * Copies one message to the bus, in fragments where it is long: its position (> 0), or TP_BACK_PRESSURED, TP_NOT_CONNECTED, TP_ADMIN_ACTION (try
 * again at once), TP_CLOSED, TP_INVALID_ARGUMENT (NULL, empty, or longer than tp_publication_max_message_bytes). Takes no lock, allocates nothing.
 */
TP_EXPORT int64_t tp_publication_offer(tp_publication_t *publication, const void *message, size_t length);
/* Whether somebody subscribes; false for NULL. */
TP_EXPORT bool tp_publication_is_connected(const tp_publication_t *publication);
/* 0 for NULL. */
TP_EXPORT size_t tp_publication_max_message_bytes(const tp_publication_t *publication);
/* Frees; no other thread may be inside a call on it. Waits for the conductor only; put off inside a callback. Accepts NULL. */
TP_EXPORT void tp_publication_close(tp_publication_t *publication);

/*
 * As tp_async_add_publication. A subscription that nobody polls stops every publisher of its stream, unless its channel says tether=false (trap A1).
 */
TP_EXPORT int tp_async_add_subscription(tp_async_add_subscription_t **async, tp_client_t *client, const char *channel, int32_t stream_id);
TP_EXPORT int tp_async_add_subscription_poll(tp_async_add_subscription_t *async, tp_subscription_t **subscription);
/* A whole message; bytes live until the handler returns. session_id tells its sender. */
typedef void (*tp_message_handler_t)(void *clientd, const void *message, size_t length, int32_t session_id);
/* Hands at most limit messages to the handler, on this thread: how many, TP_CLOSED, or TP_INVALID_ARGUMENT. */
TP_EXPORT int tp_subscription_poll(tp_subscription_t *subscription, tp_message_handler_t handler, void *clientd, int limit);
/* Whether somebody publishes; false for NULL. */
TP_EXPORT bool tp_subscription_is_connected(const tp_subscription_t *subscription);
/* As tp_publication_close. */
TP_EXPORT void tp_subscription_close(tp_subscription_t *subscription);

TP_END_DECLS

#endif

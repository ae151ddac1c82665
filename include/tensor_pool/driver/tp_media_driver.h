/*
 * An Aeron media driver inside the process: for demos, tests, single-binary deployments and tp_driver. Library tensor_pool_services.
 */
#ifndef TENSOR_POOL_DRIVER_TP_MEDIA_DRIVER_H
#define TENSOR_POOL_DRIVER_TP_MEDIA_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <tensor_pool/common/tp_export.h>

TP_BEGIN_DECLS

typedef struct tp_media_driver tp_media_driver_t;

typedef struct tp_media_driver_config
{
    uint32_t size;                     /* sizeof(tp_media_driver_config_t) */
    const char *aeron_dir;             /* NULL = Aeron's default for this user */
    bool delete_on_close;              /* remove the directory at close */
    bool delete_on_start;              /* remove what a dead driver left there; a live one is an error in any case */
    uint32_t term_length;              /* IPC term length in bytes where a channel gives none; 0 = 4 MiB */
    int64_t client_liveness_timeout_ns;/* 0 = default 10 s */
    uint64_t idle_max_park_ns;         /* longest sleep of an idle thread, at most 100 ms; 0 = 100 ms ("sleep"), 5 ms ("backoff") */
    /*
     * What its thread does when there is nothing to do; NULL = "sleep".
     *   sleep    sleeps for growing times up to idle_max_park_ns, never longer than 1 ms while a position moves or a socket is open, and is woken at
     *            once by clients of this library (a doorbell beside cnc.dat); what other clients ask for waits one sleep at most
     *   backoff  spins, yields, then sleeps up to idle_max_park_ns
     *   spin     never sleeps: a whole core for the last microseconds of what foreign clients ask for
     */
    const char *idle;
    uint64_t reserved[5];
}
tp_media_driver_config_t;

/*
 * Starts the media driver with one shared thread of its own. Returns when clients can connect. Errors: TP_EMEDIADRIVER (a live driver owns the
 * directory; it holds something else than a media driver's files, or belongs to another user; the start failed), TP_ENOSPACE, TP_EINVAL.
 * May block for 5 s at most, while it watches whether the directory's former driver is dead. Any thread.
 */
TP_EXPORT int tp_media_driver_launch(tp_media_driver_t **driver, const tp_media_driver_config_t *config);
/* The directory in use. Valid until close. */
TP_EXPORT const char *tp_media_driver_aeron_dir(const tp_media_driver_t *driver);
/* Stops the thread and frees all. Clients notice at once and have to connect anew to a successor. Accepts NULL. */
TP_EXPORT void tp_media_driver_close(tp_media_driver_t *driver);

TP_END_DECLS

#endif

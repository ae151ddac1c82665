/*
 * The driver, embeddable: owns the regions of its streams and hands out leases. Library tensor_pool_services.
 *
 * Threads: one thread calls tp_driver_do_work (or tp_driver_start runs it on one of its own). Region files are created by a worker thread so that
 * the duty cycle never waits for the file system.
 */
#ifndef TENSOR_POOL_DRIVER_TP_DRIVER_H
#define TENSOR_POOL_DRIVER_TP_DRIVER_H

#include <tensor_pool/driver/tp_driver_config.h>
#include <tensor_pool/driver/tp_media_driver.h>

TP_BEGIN_DECLS

typedef struct tp_driver tp_driver_t;

/*
 * Checks the configuration, launches or connects the media driver, takes ownership locks, opens control and announce stream, writes the endpoint file
 * and opens the local socket. The config is copied. TP_ECONF_*, TP_EPATH, TP_EOWNED (another driver serves a stream or has this instance id),
 * TP_ENOMEDIADRIVER, TP_EMEDIADRIVER, TP_ECHANNEL, TP_EMLOCK, TP_ETIMEDOUT.
 */
TP_EXPORT int tp_driver_init(tp_driver_t **driver, const tp_driver_config_t *config);
/* Runs the duty cycle on a thread of its own, which sleeps when there is nothing to do. TP_ESTATE when it runs already. */
TP_EXPORT int tp_driver_start(tp_driver_t *driver);
/* One duty cycle; work done, or -1: the media driver is lost (TP_EMEDIADRIVER), or another thread runs this driver (TP_ETHREAD). */
TP_EXPORT int tp_driver_do_work(tp_driver_t *driver);
/* For loops of your own: how long a cycle without work may sleep; 0 = not at all (driver.idle = "spin"). Call it on the thread of do_work. */
TP_EXPORT int64_t tp_driver_park_limit_ns(const tp_driver_t *driver);
/*
 * Descriptor for poll and epoll in loops of your own: readable when the next cycle has something to do, so that the sleep need not run out. It is the
 * driver's; read nothing from it, the cycle does. Any thread. -1 for NULL.
 */
TP_EXPORT int tp_driver_event_fd(const tp_driver_t *driver);

/*
 * Where a reload gets the configuration from: fills *config (tp_driver_config_init first), which becomes the driver's, or returns -1 with tp_err set.
 * Called on the thread of do_work; it may read a file.
 */
typedef int (*tp_driver_config_source_t)(void *clientd, tp_driver_config_t *config);
/* Without a source reloads are refused. Before tp_driver_start, or on the thread of do_work. */
TP_EXPORT void tp_driver_set_config_source(tp_driver_t *driver, tp_driver_config_source_t source, void *clientd);
/*
 * Reads the configuration again in the next cycle, from any thread: everything is checked, an error (logged) changes nothing, and what needs a
 * restart is named in the log. Streams whose geometry changes get a new epoch; their producers attach again (docs/spec/95-local-extensions.md
 * section 5).
 */
TP_EXPORT void tp_driver_reload(tp_driver_t *driver);

typedef enum tp_driver_state
{
    TP_DRIVER_RUNNING = 1,
    TP_DRIVER_DRAINING = 2,
    TP_DRIVER_STOPPED = 3
}
tp_driver_state_t;
/* Where the driver is in its life. Any thread. */
TP_EXPORT tp_driver_state_t tp_driver_state(const tp_driver_t *driver);
/*
 * Begins to drain, as a shutdown request with that reason does (0 NORMAL, 1 ADMIN, 2 ERROR); skip_wait sends the notice in the next cycle. Any
 * thread.
 */
TP_EXPORT void tp_driver_shutdown(tp_driver_t *driver, int reason, bool skip_wait);
/* Sends the notice if it was not sent, closes everything, removes files as configured. Accepts NULL. */
TP_EXPORT void tp_driver_close(tp_driver_t *driver);

/*
 * Whether that client holds an active consumer lease on that stream. On the thread of do_work. driver is a tp_driver_t: it has the shape of the hook
 * has_lease of an embedded supervisor (tp_supervisor.h).
 */
TP_EXPORT bool tp_driver_has_consumer_lease(void *driver, uint32_t stream_id, uint32_t client_id);

/* "" when the media driver is external and its default directory is used. Valid until close. */
TP_EXPORT const char *tp_driver_aeron_dir(const tp_driver_t *driver);
/* Where clients find this driver. Valid until close; the file is gone then. */
TP_EXPORT const char *tp_driver_endpoint_file(const tp_driver_t *driver);

TP_END_DECLS

#endif

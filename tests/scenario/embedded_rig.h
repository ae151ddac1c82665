/* A public driver in this process, with a media driver, a thread and files of its own. One a test program. */
#ifndef TP_SCENARIO_EMBEDDED_RIG_H
#define TP_SCENARIO_EMBEDDED_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <tensor_pool/tp_services.h>

#define PATIENCE_NS INT64_C(30000000000)

static char root[64];
static tp_driver_config_t driver_config;
static tp_driver_t *driver;

static inline int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void nap(void)
{
    const struct timespec pause = { 0, 1000000 };
    (void)nanosleep(&pause, NULL);
}

static inline void new_root(const char *name)
{
    static int number;
    (void)snprintf(root, sizeof(root), "/dev/shm/tp-test-%ld-%s-%d", (long)getpid(), name, ++number);
}

/* Everything below the root. */
static inline void configure(tp_driver_config_t *config)
{
    tp_driver_config_init(config);
    assert_int_equal(tp_driver_config_set_builtin(config), 0);
    (void)snprintf(config->media_driver, sizeof(config->media_driver), "embedded");
    (void)snprintf(config->aeron_dir, sizeof(config->aeron_dir), "%s-aeron", root);
    (void)snprintf(config->base_dir, sizeof(config->base_dir), "%s", root);
    (void)snprintf(config->runtime_dir, sizeof(config->runtime_dir), "%s-run", root);
    config->cleanup_shm_on_exit = true;
}

/* As driver_config says. */
static inline void start_driver(void)
{
    setenv("TP_RUNTIME_DIR", driver_config.runtime_dir, 1);
    if (tp_driver_init(&driver, &driver_config) < 0) { fail_msg("%s: %s", tp_errmsg(), tp_errwhy()); }
}

static inline void close_driver(void)
{
    tp_driver_close(driver);
    driver = NULL;
    unsetenv("TP_RUNTIME_DIR");
}

#endif

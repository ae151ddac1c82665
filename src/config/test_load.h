/* For tests only: a file for a loader to read, its warnings, and a driver with embedded services of it. One a process, hence names without prefix. */
#ifndef TPI_CONFIG_TEST_LOAD_H
#define TPI_CONFIG_TEST_LOAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "config/config.h"

#define PROFILE "[profiles.p]\npayload_pools = [{ pool_id = 1, stride_bytes = 64 }]\n"
#define STREAM "[streams.s]\nstream_id = 10000\nprofile = \"p\"\n"
#define REST PROFILE STREAM

static char path[64];
static char warnings[4096];
static tpi_config_origins_t origins;
static tp_driver_config_t driver;
static tpi_embedded_config_t embedded;
static const char *const no_environment[] = { NULL };

static inline void on_warning(void *clientd, int code, const char *line)
{
    (void)clientd;
    assert_true(code >= 2100 && code < 2200);
    const size_t used = strlen(warnings);
    (void)snprintf(warnings + used, sizeof(warnings) - used, "%s\n", line);
}

static inline int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/tp_load_test-%d.toml", (int)getpid());
    warnings[0] = '\0';
    memset(&embedded, 0, sizeof(embedded));
    return 0;
}

static inline int remove_file(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static inline void write_bytes(const char *bytes, size_t length)
{
    FILE *const file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void write_file(const char *content) { write_bytes(content, strlen(content)); }

/* Into driver and embedded; release() after a success. */
static inline int embed_in(const char *content, const char *const *environment)
{
    const tpi_config_options_t options = { .environment = environment, .on_warning = on_warning, .origins = &origins, .embedded = &embedded };
    write_file(content);
    return tpi_driver_config_load(&driver, path, &options);
}

static inline int embed(const char *content) { return embed_in(content, no_environment); }

static inline void release(void)
{
    tp_driver_config_fini(&driver);
    tpi_embedded_config_fini(&embedded);
}

#endif

/* Configuration files of the driver with its embedded services, the supervisor and discovery: any bytes load or are refused with a text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tensor_pool/common/tp_error.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tpi_config_origins_t origins;
static FILE *null_file;

static void need_text(void)
{
    if (TP_OK == tp_errcode() || '\0' == tp_errmsg()[0]) { abort(); }
}

/* What loads can be shown. */
static void try_driver(const char *path, tpi_config_options_t options)
{
    static tp_driver_config_t config;
    static tpi_embedded_config_t embedded;
    options.embedded = &embedded;
    if (tpi_driver_config_load(&config, path, &options) < 0) { need_text(); return; }
    tpi_driver_config_show(null_file, &config, &origins);
    tpi_embedded_config_show(null_file, &embedded, &origins);
    tpi_embedded_config_fini(&embedded);
    tp_driver_config_fini(&config);
}

static void try_services(const char *path, const tpi_config_options_t *options)
{
    static tp_supervisor_config_t supervisor;
    static tp_discovery_provider_config_t discovery;
    (void)tpi_config_kind_of(path);
    if (tpi_supervisor_config_load(&supervisor, path, options) < 0) { need_text(); }
    else
    {
        tpi_supervisor_config_show(null_file, &supervisor, &origins);
        tp_supervisor_config_fini(&supervisor);
    }
    if (tpi_discovery_config_load(&discovery, path, options) < 0) { need_text(); }
    else
    {
        tpi_discovery_config_show(null_file, &discovery, &origins);
        tp_discovery_provider_config_fini(&discovery);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const no_environment[] = { NULL };
    static int fd = -1;
    static char path[64];
    const tpi_config_options_t options = { .environment = no_environment, .origins = &origins };
    if (fd < 0)
    {
        fd = memfd_create("config", MFD_CLOEXEC);
        null_file = fopen("/dev/null", "we");
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (NULL == null_file || ftruncate(fd, 0) < 0 || (ssize_t)size != pwrite(fd, data, size, 0)) { abort(); }
    try_driver(path, options);
    try_services(path, &options);
    return 0;
}

/* The configuration file of the driver: any bytes load or are refused with a text; what loads can be shown. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tensor_pool/common/tp_error.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const no_environment[] = { NULL };
    static tpi_config_origins_t origins;
    static int fd = -1;
    static char path[64];
    static FILE *null_file;
    const tpi_config_options_t options = { .environment = no_environment, .origins = &origins };
    tp_driver_config_t config;
    if (fd < 0)
    {
        fd = memfd_create("config", MFD_CLOEXEC);
        null_file = fopen("/dev/null", "we");
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (NULL == null_file || ftruncate(fd, 0) < 0 || (ssize_t)size != pwrite(fd, data, size, 0)) { abort(); }
    if (tpi_driver_config_load(&config, path, &options) < 0)
    {
        if (TP_OK == tp_errcode() || '\0' == tp_errmsg()[0]) { abort(); }
        return 0;
    }
    tpi_driver_config_show(null_file, &config, &origins);
    tp_driver_config_fini(&config);
    return 0;
}

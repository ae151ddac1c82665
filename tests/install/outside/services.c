/* Uses the services library, and through it the client library. */
#include <stdio.h>

#include <tensor_pool/tp_services.h>

int main(void)
{
    tp_driver_config_t config;
    tp_driver_config_init(&config);
    if (tp_driver_config_set_builtin(&config) < 0) { return 1; }
    printf("services: %u profiles, control stream %u\n", config.profile_count, config.control_stream_id);
    tp_driver_config_fini(&config);
    return 0;
}

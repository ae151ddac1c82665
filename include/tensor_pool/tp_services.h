/* Everything of the services library. */
#ifndef TENSOR_POOL_TP_SERVICES_H
#define TENSOR_POOL_TP_SERVICES_H

#include <tensor_pool/discovery/tp_discovery_provider.h>
#include <tensor_pool/discovery/tp_discovery_provider_config.h>
#include <tensor_pool/driver/tp_admin.h>
#include <tensor_pool/driver/tp_driver.h>
#include <tensor_pool/driver/tp_driver_config.h>
#include <tensor_pool/driver/tp_media_driver.h>
#include <tensor_pool/supervisor/tp_supervisor.h>
#include <tensor_pool/supervisor/tp_supervisor_config.h>
#include <tensor_pool/tp.h>

#endif

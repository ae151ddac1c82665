/* Everything a client needs. */
#ifndef TENSOR_POOL_TP_H
#define TENSOR_POOL_TP_H

#include <tensor_pool/client/tp_client.h>
#include <tensor_pool/client/tp_consumer.h>
#include <tensor_pool/client/tp_context.h>
#include <tensor_pool/client/tp_discovery.h>
#include <tensor_pool/client/tp_frame_copy.h>
#include <tensor_pool/client/tp_handlers.h>
#include <tensor_pool/client/tp_dlpack.h>
#include <tensor_pool/client/tp_inspect.h>
#include <tensor_pool/client/tp_join.h>
#include <tensor_pool/client/tp_metadata.h>
#include <tensor_pool/client/tp_producer.h>
#include <tensor_pool/client/tp_tensor.h>
#include <tensor_pool/client/tp_trace.h>
#include <tensor_pool/client/tp_traffic.h>
#include <tensor_pool/common/tp_agent.h>
#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/common/tp_log.h>
#include <tensor_pool/common/tp_types.h>

#endif

/* A driver on the in-memory bus with a stepped clock, for fuzz targets: real files below /dev/shm/tp-fuzz-<pid>, gone afterwards. */
#ifndef TP_FUZZ_FUZZ_DRIVER_H
#define TP_FUZZ_FUZZ_DRIVER_H

#include "codec/codec_driver.h"
#include "driver/driver_internal.h"

#define MS INT64_C(1000000)

typedef struct rig
{
    tp_driver_config_t config;
    struct tpi_mem_network *network;
    tpi_bus_t *driver_bus;
    tpi_bus_t *client_bus;
    tpi_publication_t *publication;
    tpi_driver_t *driver;
    int64_t now_ns;
    tpc_attach_response_t lease;       /* of the last OK, without its texts */
    uint64_t granted;
    char regions[4][512];              /* files of the last OK: ring, then pools */
    size_t region_count;
}
rig_t;

/* A running driver with two streams and a dynamic range; aborts when that fails. */
void rig_open(rig_t *rig);
const char *rig_base(void);
/* A publication of the client's side. */
tpi_publication_t *rig_publication(rig_t *rig, int32_t stream_id);
void rig_send(rig_t *rig, const uint8_t *data, size_t length);
void rig_step(rig_t *rig, int64_t ns);
void rig_close(rig_t *rig);

#endif

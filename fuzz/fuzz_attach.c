/*
 * The control stream of a driver. The input is a list of records: a byte says what, the next ones what with.
 *   0 n      the clock moves by n * 50 ms        1 n bytes  a message of n bytes
 *   2 n      keepalive of the last lease, its byte n turned       3 n  detach of it, byte n turned
 * The driver stays within its limits whatever comes, and is told apart from a stopped one only by a shutdown with the token.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS_MAX 64

static void about_lease(rig_t *rig, bool detach, uint8_t turned)
{
    uint8_t buffer[64];
    const tpc_attach_response_t *const l = &rig->lease;
    const tpc_keepalive_t keepalive = { .lease_id = l->lease_id, .stream_id = l->stream_id, .client_id = 42, .role = TP_ROLE_PRODUCER };
    const tpc_detach_request_t request = { .correlation_id = 1, .lease_id = l->lease_id, .stream_id = l->stream_id, .client_id = 42,
        .role = TP_ROLE_PRODUCER };
    const int64_t n = detach ? tpc_detach_request_encode(buffer, sizeof(buffer), &request) : tpc_keepalive_encode(buffer, sizeof(buffer), &keepalive);
    if (n <= 0) { abort(); }
    if (turned < n) { buffer[turned] ^= 1; }
    rig_send(rig, buffer, (size_t)n);
}

static size_t record(rig_t *rig, const uint8_t *data, size_t size)
{
    const uint8_t n = size > 1 ? data[1] : 0;
    size_t used = size > 1 ? 2 : size;
    switch (data[0] % 4)
    {
        case 0: rig_step(rig, n * 50 * MS); break;
        case 1:
        {
            const size_t length = n < size - used ? n : size - used;
            rig_send(rig, data + used, length);
            used += length;
            break;
        }
        case 2: about_lease(rig, false, n); break;
        default: about_lease(rig, true, n); break;
    }
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rig_t rig;
    rig_open(&rig);
    for (int i = 0; i < RECORDS_MAX && size > 0 && TP_DRIVER_RUNNING == tpi_driver_state(rig.driver); i++)
    {
        const size_t used = record(&rig, data, size);
        data += used;
        size -= used;
    }
    rig_step(&rig, 0);
    if (tpi_driver_lease_count(rig.driver) > 16 || tpi_driver_stats(rig.driver)->regions_failed > 0) { abort(); }
    rig_step(&rig, 3600 * 1000 * MS);
    rig_step(&rig, 3600 * 1000 * MS);
    if (0 != tpi_driver_lease_count(rig.driver)) { abort(); }
    rig_close(&rig);
    return 0;
}

/* CRC32C (Castagnoli, polynomial 0x1EDC6F41 reflected), as iSCSI and SCTP use it. Stateless, any thread. */
#ifndef TPI_COMMON_CRC32C_H
#define TPI_COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Checksum of what crc stands for followed by data; 0 begins. The checksum of nothing is 0. */
uint32_t tpi_crc32c(uint32_t crc, const void *data, size_t length);
/* The same without help of the processor. */
uint32_t tpi_crc32c_portable(uint32_t crc, const void *data, size_t length);

#endif

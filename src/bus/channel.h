/* What the bus needs to know of a channel text: "aeron:ipc?term-length=4m|alias=x". */
#ifndef TPI_BUS_CHANNEL_H
#define TPI_BUS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies the value of a parameter; false when the channel does not carry it or it does not fit. */
bool tpi_channel_param(const char *channel, const char *name, char *value, size_t size);
/* Length of an explicit term-length (k, m and g understood), 0 when there is none or it makes no sense. */
uint64_t tpi_channel_term_length(const char *channel);
bool tpi_channel_is_ipc(const char *channel);
/* Do both name the same medium: the part before '?', and the endpoint and control addresses? */
bool tpi_channel_same_medium(const char *a, const char *b);
/* channel with "tether=false", unless it says tether itself. NULL with TP_ENOMEM; free with tpi_free. */
char *tpi_channel_untethered(const char *channel);

#endif

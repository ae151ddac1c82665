/* Random numbers that tell one instance of a program from another. */
#ifndef TPI_COMMON_TOKEN_H
#define TPI_COMMON_TOKEN_H

#include <stdint.h>

/* A number that is not 0; *token stays where it is not 0 already. whose is for the message. 0, or -1 with TP_EINTERNAL. */
int tpi_token_make(uint64_t *token, const char *whose);

#endif

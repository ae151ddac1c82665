#include "common/token.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/err.h"

int tpi_token_make(uint64_t *token, const char *whose)
{
    while (0 == *token)
    {
        if (getrandom(token, sizeof(*token), 0) < 0 && EINTR != errno)
        {
            TPI_SET_ERR(TP_EINTERNAL, "no random number for this %s: %s", whose, strerror(errno));
            return -1;
        }
    }
    return 0;
}

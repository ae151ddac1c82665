/*
 * Something that a call of the application changes in the conductor's state. Made by the caller, applied once and freed by the conductor; inside a
 * callback the caller is the conductor and it is applied at once.
 */
#ifndef TPI_CLIENT_CHANGE_H
#define TPI_CLIENT_CHANGE_H

#include "client/client_state.h"

typedef struct tpi_change tpi_change_t;
struct tpi_change
{
    tp_client_t *client;
    int (*apply)(tpi_change_t *change, int64_t now_ns);    /* conductor: 0, or -1 with the thread's error */
    void (*unmake)(tpi_change_t *change);                  /* frees what apply did not take; then the change itself is freed */
};

/* Any thread. 0, or -1; the change is gone in any case. TP_EFULL, TP_ETIMEDOUT (it may still be applied), or the error of apply. */
int tpi_change_make(tpi_change_t *change);

#endif

/* Owns nothing. Names and classes of drop reasons, from the one list in the header. */
#include "protocol/drop_reason.h"

static const struct { const char *name; tpi_drop_class_t class; } rows[] = {
#define TPI_DROP_ROW(name, text, class) { text, TPI_DROP_CLASS_##class },
    TPI_DROP_ROWS(TPI_DROP_ROW)
#undef TPI_DROP_ROW
};

static int is_known(int reason) { return reason >= 0 && reason < TPI_DROP_REASON_COUNT; }

const char *tpi_drop_reason_name(int reason) { return is_known(reason) ? rows[reason].name : "unknown"; }

tpi_drop_class_t tpi_drop_reason_class(int reason) { return is_known(reason) ? rows[reason].class : TPI_DROP_CLASS_NONE; }

static uint64_t sum(const uint64_t *drops, tpi_drop_class_t class)
{
    uint64_t total = 0;
    for (int i = 0; i < TPI_DROP_REASON_COUNT; i++)
    {
        /* a total that has reached its end stays there */
        if (class == rows[i].class) { total = drops[i] > UINT64_MAX - total ? UINT64_MAX : total + drops[i]; }          /* W-189 */
    }
    return total;
}

uint64_t tpi_drops_late(const uint64_t *drops) { return sum(drops, TPI_DROP_CLASS_LATE); }
uint64_t tpi_drops_gap(const uint64_t *drops) { return sum(drops, TPI_DROP_CLASS_GAP); }

/* Owns the comparison of words. No state. */
#include "common/closest.h"

#include <string.h>

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

size_t tpi_edit_distance(const char *a, const char *b)
{
    const size_t a_length = strnlen(a, TPI_CLOSEST_WORD_MAX);
    const size_t b_length = strnlen(b, TPI_CLOSEST_WORD_MAX);
    size_t row[TPI_CLOSEST_WORD_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) { row[j] = j; }
    for (size_t i = 1; i <= a_length; i++)
    {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++)
        {
            const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[b_length];
}

bool tpi_likely_misspelling(const char *a, const char *b)
{
    const size_t a_length = strnlen(a, TPI_CLOSEST_WORD_MAX);
    const size_t b_length = strnlen(b, TPI_CLOSEST_WORD_MAX);
    const size_t longer = a_length > b_length ? a_length : b_length;
    return tpi_edit_distance(a, b) <= (longer < 6 ? 1 : longer / 3);
}

void tpi_closest_offer(tpi_closest_t *closest, const char *name)
{
    const size_t distance = tpi_edit_distance(closest->word, name);
    if (NULL == closest->name || distance < closest->distance)
    {
        closest->name = name;
        closest->distance = distance;
    }
}

/* "Did you mean": the known name nearest to a word. Pure; bounded for hostile words. */
#ifndef TPI_COMMON_CLOSEST_H
#define TPI_COMMON_CLOSEST_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a word that are looked at; what follows counts as equal. */
#define TPI_CLOSEST_WORD_MAX 64

/* Levenshtein distance: inserted, removed and replaced bytes. */
size_t tpi_edit_distance(const char *a, const char *b);

/* Whether two words are so near that one is likely a misspelling of the other: at most a third of the longer one differs. */
bool tpi_likely_misspelling(const char *a, const char *b);

/*
 * Keeps the nearest of the names it is shown. Start with TPI_CLOSEST_INIT(word); of equally near names the first stays.
 * name is NULL while nothing was shown.
 */
typedef struct tpi_closest
{
    const char *word;
    const char *name;
    size_t distance;
}
tpi_closest_t;

#define TPI_CLOSEST_INIT(for_word) { .word = (for_word), .name = NULL, .distance = (size_t)-1 }

void tpi_closest_offer(tpi_closest_t *closest, const char *name);

#endif

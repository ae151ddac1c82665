/* Hints to the compiler for hot paths: what happens rarely lies out of line. They change no meaning. */
#ifndef TPI_COMMON_HINT_H
#define TPI_COMMON_HINT_H

#define TPI_COLD __attribute__((cold, noinline))
#define TPI_INLINE static inline __attribute__((always_inline))
#define TPI_RARE(condition) __builtin_expect(!!(condition), 0)

#endif

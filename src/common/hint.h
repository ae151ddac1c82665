/* Hints to the compiler for hot paths: what happens rarely lies out of line. They change no meaning. */
#ifndef TPI_COMMON_HINT_H
#define TPI_COMMON_HINT_H

#define TPI_COLD __attribute__((cold, noinline))
#define TPI_INLINE static inline __attribute__((always_inline))
#define TPI_RARE(condition) __builtin_expect(!!(condition), 0)

/* A line that is about to be written: who else has it gives it up while other things are done. Any address, also none. */
#if defined(__x86_64__)
#define TPI_FETCH_TO_WRITE(address) __asm__ volatile("prefetchw (%0)" : : "r"(address))
#else
#define TPI_FETCH_TO_WRITE(address) __builtin_prefetch((address), 1)
#endif

#if defined(__SANITIZE_THREAD__)
#define TPI_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TPI_THREAD_SANITIZER 1
#endif
#endif

#endif

/*
 * Synthetic payloads that anybody can check: a pure function of the frame's seq, the byte position and, for ramp, the scalar type.
 *   counter  byte i of frame seq is (seq + i) mod 256
 *   ramp     element k of frame seq is seq + k, wrapped to the type (floats: (seq + k) mod 65536)
 *   noise    the 64-bit words of splitmix64 started at seq * 2^32, little-endian
 */
#ifndef APPS_TP_PATTERN_H
#define APPS_TP_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cli_pattern
{
    CLI_PATTERN_NONE = 0,
    CLI_PATTERN_COUNTER,
    CLI_PATTERN_RAMP,
    CLI_PATTERN_NOISE
}
cli_pattern_t;

/* CLI_PATTERN_NONE for an unknown name. */
cli_pattern_t cli_pattern_from_name(const char *name);
void cli_pattern_fill(cli_pattern_t pattern, int dtype, uint64_t seq, void *payload, size_t length);
/* Whether the payload is that of frame seq. Reads each byte once, front to back, and stops at the first wrong block. */
bool cli_pattern_matches(cli_pattern_t pattern, int dtype, uint64_t seq, const void *payload, size_t length);

#endif

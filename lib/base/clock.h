/* Time as Kubernetes writes it: RFC 3339, UTC, whole seconds ("2026-01-02T03:04:05Z"). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_TEXT_SIZE = 32 };

/* Seconds since 1970 of an RFC 3339 date-time (fractions are cut, offsets applied). */
bool clock_parse(const char *text, int64_t *seconds);
void clock_format(int64_t seconds, char text[CLOCK_TEXT_SIZE]);

#endif

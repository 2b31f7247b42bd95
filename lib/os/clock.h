/* What the clocks say; base/clock.h reads and writes it. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include "base/clock.h"

int64_t clock_now(void);           /* wall clock, seconds */
int64_t clock_monotonic_ms(void);  /* for timeouts */

/* The sooner of two timeouts in milliseconds; -1 is never, as for poll(2). */
int clock_sooner_ms(int a, int b);

#endif

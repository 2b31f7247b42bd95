/*
 * What cannot fail but for want of memory, or of a library that can do what this program is built on.
 * Going on without it would be wrong in silence: a header with rights left out, a digest that tells
 * nothing apart. So the program ends.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#include <stdbool.h>

/* Aborts with a message when it was not done; `what` names the call or option. */
void must(bool done, const char *what);

#endif

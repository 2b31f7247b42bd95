/* Why one signature does not count. */
#ifndef TRUST_FAILURE_H
#define TRUST_FAILURE_H

#include "trust/verdict.h"

enum { TRUST_FAILURE_SIZE = 384 };

struct trust_failure {
	enum trust_reason reason;
	char message[TRUST_FAILURE_SIZE];
};

/* Always false, so that a check ends with `return trust_fail(…)`. What it quotes of hostile
 * input must be bounded by the format ("%.64s"). */
bool trust_fail(struct trust_failure *failure, enum trust_reason reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif

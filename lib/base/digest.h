/*
 * Digests (SHA-256, FIPS 180-4) of texts that others choose: nobody can find two that pass for
 * equal. When libcrypto fails the program is aborted, as when memory runs out: a digest that is
 * not one would pass for another.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/text.h"

/* Half of one: enough to tell texts apart in memory. All zero: of nothing. */
struct policy_digest {
	uint8_t bytes[16];
};

struct policy_digest policy_digest(struct json_text text);
bool policy_digest_same(struct policy_digest a, struct policy_digest b);

/* The first `digits` lower-case hex digits (an even number, at most DIGEST_HEX_MAX) and NUL. */
enum { DIGEST_HEX_MAX = 64 };
void digest_hex(struct json_text text, char *hex, size_t digits);

#endif

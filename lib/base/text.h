/*
 * A span of bytes that somebody else keeps: what every parser here hands out.
 *
 * Ownership: a json_text borrows; it stays valid as long as the bytes do. An absent value has
 * `at` NULL, and every function accepts one.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct json_text {
	const char *at;
	size_t len;
};

struct json_text json_of(const char *string); /* borrows a C string; NULL: absent */

/* True when both are the same bytes (or both absent). */
bool json_same(struct json_text a, struct json_text b);

/* True when it is there and its bytes are exactly those of `string`. */
bool text_is(struct json_text text, const char *string);

/* FNV-1a of the bytes, for change detection and spreading; not for security, and not for tables
 * whose keys others choose (base/table.h). */
uint64_t json_hash(struct json_text text);

/* Length of the UTF-8 sequence at p (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF), or 0. */
unsigned json_utf8_length(const char *p, const char *end);

/* A word whose lowest byte is the one at p. */
static inline uint64_t json_load(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

#endif

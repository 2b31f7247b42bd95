/* Inside lib/json: the steps that checking and reading share. */
#ifndef JSON_SCAN_PRIVATE_H
#define JSON_SCAN_PRIVATE_H

#include "base/text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool json_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline const char *json_skip_space(const char *p, const char *end)
{
	while (p < end && json_is_space(*p))
		p++;
	return p;
}

/* How far from p the first byte of JSON_STEP bytes is that is a quote or a backslash, or, if
 * `odd`, a control character or not ASCII; JSON_STEP when there is none. */
#ifdef __SSE2__
enum { JSON_STEP = 16 };

static inline unsigned json_step(const char *p, bool odd)
{
	__m128i bytes = _mm_loadu_si128((const void *)p);
	__m128i stops = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
	                             _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
	/* as signed numbers: what is not ASCII is negative */
	if (odd)
		stops = _mm_or_si128(stops, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
	unsigned hit = (unsigned)_mm_movemask_epi8(stops);
	return hit == 0 ? JSON_STEP : (unsigned)__builtin_ctz(hit);
}
#else
enum { JSON_STEP = 8 };

#define JSON_BYTES(c) ((uint64_t)0x0101010101010101u * (c))

/* Sets the high bit of each byte that is wanted. Only the lowest one is exact: a borrow may run
 * upwards from it. */
static inline unsigned json_step(const char *p, bool odd)
{
	uint64_t word = json_load(p);
	uint64_t quote = word ^ JSON_BYTES('"');
	uint64_t slash = word ^ JSON_BYTES('\\');
	uint64_t hit = ((quote - JSON_BYTES(1)) & ~quote) | ((slash - JSON_BYTES(1)) & ~slash);
	if (odd)
		hit |= (word - JSON_BYTES(0x20)) | word;
	hit &= JSON_BYTES(0x80);
	return hit == 0 ? JSON_STEP : (unsigned)__builtin_ctzll(hit) >> 3;
}
#endif

static inline const char *json_find(const char *p, const char *end, bool odd)
{
	for (; end - p >= JSON_STEP; p += JSON_STEP) {
		unsigned at = json_step(p, odd);
		if (at < JSON_STEP)
			return p + at;
	}
	while (p < end && *p != '"' && *p != '\\' &&
	       !(odd && ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x80)))
		p++;
	return p;
}

/* The first quote or backslash at or after p, or `end`. */
static inline const char *json_find_stop(const char *p, const char *end)
{
	return json_find(p, end, false);
}

/* The first byte of a string's contents that is not plain ASCII, at or after p, or `end`. */
static inline const char *json_find_odd(const char *p, const char *end)
{
	return json_find(p, end, true);
}

/* Behind the value, or the string, at p, which is part of a checked text. */
const char *json_skip_value(const char *p, const char *end);
const char *json_skip_string(const char *p, const char *end);

/* Decodes the contents of a checked string (without quotes); writes at most end - p bytes to
 * `out` and returns how many. */
size_t json_decode(const char *p, const char *end, char *out);

/* The four hex digits at p, or -1. */
int json_hex4(const char *p, const char *end);

#endif

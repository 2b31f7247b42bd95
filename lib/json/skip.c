#include "json/scan_private.h"

/* All of this reads text that json_check() passed, so the ends are where they should be; the
 * bounds are kept all the same. */

const char *json_skip_string(const char *p, const char *end)
{
	p++;
	for (;;) {
		p = json_find_stop(p, end);
		if (p == end)
			return p;
		if (*p == '"')
			return p + 1;
		p += end - p >= 2 ? 2 : 1;
	}
}

/* Where a walk through a container is. */
struct walk {
	const char *p;
	size_t depth;
	bool in_string;
};

/* To `stop`, or a little behind it when an escape or a string lies across, or behind the
 * container's end, which makes the depth 0. */
static void walk_bytes(struct walk *walk, const char *stop, const char *end)
{
	if (walk->in_string) {
		walk->p = json_skip_string(walk->p - 1, end);
		walk->in_string = false;
	}
	while (walk->p < stop) {
		char c = *walk->p;
		if (c == '"') {
			walk->p = json_skip_string(walk->p, end);
			continue;
		}
		walk->p++;
		if (c == '{' || c == '[')
			walk->depth++;
		else if ((c == '}' || c == ']') && --walk->depth == 0)
			return;
	}
}

#ifdef __SSE2__

enum { BLOCK = 64 };

/* One bit for each byte of a block, the lowest for the first. */
struct block {
	uint64_t quotes, brackets;
	bool escapes;
};

static uint64_t bits_of(__m128i bytes, unsigned at)
{
	return (uint64_t)(uint16_t)_mm_movemask_epi8(bytes) << at;
}

static struct block read_block(const char *p)
{
	struct block block = {0};
	__m128i slashes = _mm_setzero_si128();
	for (unsigned at = 0; at < BLOCK; at += sizeof(__m128i)) {
		__m128i bytes = _mm_loadu_si128((const void *)(p + at));
		/* brackets differ from braces by this bit, and nothing else joins them */
		__m128i folded = _mm_or_si128(bytes, _mm_set1_epi8('{' ^ '['));
		__m128i brackets = _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')),
		                                _mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
		slashes = _mm_or_si128(slashes, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
		block.quotes |= bits_of(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), at);
		block.brackets |= bits_of(brackets, at);
	}
	block.escapes = _mm_movemask_epi8(slashes) != 0;
	return block;
}

/* The bits from each quote up to the one that closes it, or to the top. */
static uint64_t inside(uint64_t quotes)
{
	for (unsigned shift = 1; shift < BLOCK; shift *= 2)
		quotes ^= quotes << shift;
	return quotes;
}

/* Takes a whole block, or up to the container's end in it. False, and nothing is taken, when
 * there are escapes, which need a closer look. */
static bool walk_block(struct walk *walk)
{
	struct block block = read_block(walk->p);
	if (block.escapes)
		return false;
	uint64_t strings = inside(block.quotes) ^ (walk->in_string ? UINT64_MAX : 0);
	for (uint64_t left = block.brackets & ~strings; left != 0; left &= left - 1) {
		const char *bracket = walk->p + __builtin_ctzll(left);
		if (*bracket == '{' || *bracket == '[') {
			walk->depth++;
		} else if (--walk->depth == 0) {
			walk->p = bracket + 1;
			return true;
		}
	}
	walk->in_string = strings >> (BLOCK - 1) != 0;
	walk->p += BLOCK;
	return true;
}

static void walk_blocks(struct walk *walk, const char *end)
{
	while (walk->depth > 0 && end - walk->p >= BLOCK)
		if (!walk_block(walk))
			walk_bytes(walk, walk->p + BLOCK, end);
}

#else

static void walk_blocks(struct walk *walk, const char *end)
{
	(void)walk;
	(void)end;
}

#endif

/* From behind the opening bracket. */
static const char *skip_container(const char *p, const char *end)
{
	struct walk walk = {p, 1, false};
	walk_blocks(&walk, end);
	if (walk.depth > 0)
		walk_bytes(&walk, end, end);
	return walk.p;
}

const char *json_skip_value(const char *p, const char *end)
{
	if (p == end)
		return p;
	if (*p == '"')
		return json_skip_string(p, end);
	if (*p == '{' || *p == '[')
		return skip_container(p + 1, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']' && !json_is_space(*p))
		p++;
	return p;
}

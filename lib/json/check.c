#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/scan_private.h"

const struct json_limits json_record_limits = {JSON_RECORD_MAX, JSON_DEPTH_MAX};

/* A key seen in an object that is still open. Equal keys have equal hashes, so only keys of
 * one hash are compared as strings. */
struct key {
	uint32_t hash;
	uint32_t at; /* offset of its first byte behind the quote */
	uint32_t len;
	bool escaped;
};

enum { KEYS_HELD = 128 };

struct scan {
	const char *start, *p, *end;
	const char *reason;
	bool truncated;
	unsigned depth, depth_max;
	struct {
		bool object;
		size_t first_key;
	} open[JSON_DEPTH_MAX];
	struct key *keys; /* a stack: those of the innermost object last */
	size_t key_count, key_size;
	struct key held[KEYS_HELD];
};

static bool fail(struct scan *s, const char *reason)
{
	s->reason = reason;
	return false;
}

static bool fail_at_end(struct scan *s, const char *reason)
{
	s->truncated = true;
	return fail(s, reason);
}

/* s->p is behind a backslash. */
static bool scan_escape(struct scan *s)
{
	if (s->p == s->end)
		return fail_at_end(s, "string not closed");
	char c = *s->p++;
	if (c != 'u')
		return strchr("\"\\/bfnrt", c) != NULL && c != '\0' ? true
		                                                    : fail(s, "unknown escape");
	int code = json_hex4(s->p, s->end);
	if (code < 0)
		return s->end - s->p < 4 ? fail_at_end(s, "string not closed")
		                         : fail(s, "\\u not followed by four hex digits");
	s->p += 4;
	if (code < 0xd800 || code > 0xdfff)
		return true;
	bool paired = code <= 0xdbff && s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u';
	int low = paired ? json_hex4(s->p + 2, s->end) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return fail(s, "lone surrogate escape");
	s->p += 6;
	return true;
}

/* s->p is behind the opening quote; ends behind the closing one. */
static bool scan_string(struct scan *s, bool *escaped)
{
	for (;;) {
		s->p = json_find_odd(s->p, s->end);
		if (s->p == s->end)
			return fail_at_end(s, "string not closed");
		unsigned char c = (unsigned char)*s->p;
		if (c == '"') {
			s->p++;
			return true;
		}
		if (c == '\\') {
			s->p++;
			*escaped = true;
			if (!scan_escape(s))
				return false;
		} else if (c >= 0x80) {
			unsigned length = json_utf8_length(s->p, s->end);
			if (length == 0)
				return fail(s, "invalid UTF-8");
			s->p += length;
		} else {
			return fail(s, "control character in a string");
		}
	}
}

static uint32_t hash_bytes(const char *p, size_t len)
{
	uint64_t hash = len * 0x9e3779b97f4a7c15u;
	for (; len >= 8; p += 8, len -= 8)
		hash = (hash ^ json_load(p)) * 0xff51afd7ed558ccdu + (hash >> 29);
	uint64_t tail = 0;
	for (size_t i = 0; i < len; i++)
		tail = tail << 8 | (unsigned char)p[i];
	hash = (hash ^ tail) * 0xc4ceb9fe1a85ec53u;
	return (uint32_t)(hash >> 32);
}

static uint32_t hash_key(const struct scan *s, const struct key *key)
{
	if (!key->escaped)
		return hash_bytes(s->start + key->at, key->len);
	char *decoded = malloc(key->len + 1);
	if (decoded == NULL)
		abort();
	size_t len = json_decode(s->start + key->at, s->start + key->at + key->len, decoded);
	uint32_t hash = hash_bytes(decoded, len);
	free(decoded);
	return hash;
}

static void push_key(struct scan *s, struct key key)
{
	if (s->key_count == s->key_size) {
		size_t size = s->key_size * 2;
		struct key *keys = realloc(s->keys == s->held ? NULL : s->keys, size * sizeof *keys);
		if (keys == NULL)
			abort();
		if (s->keys == s->held)
			memcpy(keys, s->held, sizeof s->held);
		s->keys = keys;
		s->key_size = size;
	}
	s->keys[s->key_count++] = key;
}

/* `"key" :` */
static bool scan_key(struct scan *s)
{
	if (s->p == s->end)
		return fail_at_end(s, "object not closed");
	if (*s->p != '"')
		return fail(s, "expected a key");
	s->p++;
	struct key key = {.at = (uint32_t)(s->p - s->start)};
	if (!scan_string(s, &key.escaped))
		return false;
	key.len = (uint32_t)(s->p - 1 - s->start) - key.at;
	key.hash = hash_key(s, &key);
	push_key(s, key);
	s->p = json_skip_space(s->p, s->end);
	if (s->p == s->end)
		return fail_at_end(s, "object not closed");
	if (*s->p != ':')
		return fail(s, "expected ':' after a key");
	s->p = json_skip_space(s->p + 1, s->end);
	return true;
}

static int compare_decoded(const char *start, const struct key *a, const struct key *b)
{
	char *one = malloc((size_t)a->len + b->len + 1);
	if (one == NULL)
		abort();
	size_t one_len = json_decode(start + a->at, start + a->at + a->len, one);
	char *two = one + one_len;
	size_t two_len = json_decode(start + b->at, start + b->at + b->len, two);
	int order = one_len != two_len ? (one_len < two_len ? -1 : 1) : memcmp(one, two, one_len);
	free(one);
	return order;
}

/* For qsort_r(): `scan` is the struct scan whose text the keys are in. */
static int compare_keys(const void *left, const void *right, void *scan)
{
	const struct key *a = left, *b = right;
	const char *start = ((const struct scan *)scan)->start;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->escaped || b->escaped)
		return compare_decoded(start, a, b);
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(start + a->at, start + b->at, a->len);
}

/* The keys of the innermost object: all different? Few are compared with each other, many
 * are sorted, so that an object made of keys costs no more than n log n. */
static bool keys_differ(struct scan *s, size_t first)
{
	struct key *keys = s->keys + first;
	size_t count = s->key_count - first;
	if (count > 24) {
		qsort_r(keys, count, sizeof *keys, compare_keys, s);
		for (size_t i = 1; i < count; i++)
			if (compare_keys(&keys[i - 1], &keys[i], s) == 0)
				return false;
		return true;
	}
	for (size_t i = 1; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (keys[i].hash == keys[j].hash && compare_keys(&keys[i], &keys[j], s) == 0)
				return false;
	return true;
}

static bool close_container(struct scan *s)
{
	s->depth--;
	if (!s->open[s->depth].object)
		return true;
	size_t first = s->open[s->depth].first_key;
	if (!keys_differ(s, first))
		return fail(s, "duplicate key");
	s->key_count = first;
	return true;
}

static bool digits(struct scan *s)
{
	const char *first = s->p;
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	if (s->p > first)
		return true;
	return s->p == s->end ? fail_at_end(s, "number cut off") : fail(s, "invalid number");
}

static bool scan_number(struct scan *s)
{
	if (*s->p == '-')
		s->p++;
	const char *first = s->p;
	if (!digits(s))
		return false;
	if (*first == '0' && s->p > first + 1)
		return fail(s, "number with a leading zero");
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		return digits(s);
	}
	return true;
}

static bool scan_word(struct scan *s, const char *word)
{
	size_t len = strlen(word), left = (size_t)(s->end - s->p);
	if (left < len && memcmp(s->p, word, left) == 0)
		return fail_at_end(s, "literal cut off");
	if (left < len || memcmp(s->p, word, len) != 0)
		return fail(s, "not a JSON value");
	s->p += len;
	return true;
}

/* Opens a container; `*more` when it is not empty, so that a value is to follow. */
static bool open_container(struct scan *s, bool *more)
{
	if (s->depth >= s->depth_max)
		return fail(s, "nested too deeply");
	bool object = *s->p == '{';
	s->open[s->depth].object = object;
	s->open[s->depth].first_key = s->key_count;
	s->depth++;
	s->p = json_skip_space(s->p + 1, s->end);
	if (s->p < s->end && *s->p == (object ? '}' : ']')) {
		s->p++;
		s->depth--;
		return true;
	}
	*more = true;
	return object ? scan_key(s) : true;
}

/* A scalar, an empty container, or the opening of another one (`*more`). */
static bool scan_value(struct scan *s, bool *more)
{
	bool escaped;
	*more = false;
	if (s->p == s->end)
		return fail_at_end(s, "value missing");
	switch (*s->p) {
	case '{':
	case '[':
		return open_container(s, more);
	case '"':
		s->p++;
		return scan_string(s, &escaped);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		return *s->p == '-' || (*s->p >= '0' && *s->p <= '9')
		               ? scan_number(s)
		               : fail(s, "not a JSON value");
	}
}

/* Behind a value: closes what closes here; `*more` when another value follows. */
static bool scan_after(struct scan *s, bool *more)
{
	while (s->depth > 0) {
		bool object = s->open[s->depth - 1].object;
		s->p = json_skip_space(s->p, s->end);
		if (s->p == s->end)
			return fail_at_end(s, object ? "object not closed" : "array not closed");
		if (*s->p == ',') {
			s->p = json_skip_space(s->p + 1, s->end);
			*more = true;
			return object ? scan_key(s) : true;
		}
		if (*s->p != (object ? '}' : ']'))
			return fail(s, object ? "expected ',' or '}'" : "expected ',' or ']'");
		s->p++;
		if (!close_container(s))
			return false;
	}
	return true;
}

static bool scan_text(struct scan *s)
{
	bool more;
	s->p = json_skip_space(s->p, s->end);
	if (s->p == s->end)
		return fail_at_end(s, "empty");
	do {
		if (!scan_value(s, &more))
			return false;
		if (!more && !scan_after(s, &more))
			return false;
	} while (more);
	s->p = json_skip_space(s->p, s->end);
	return s->p == s->end ? true : fail(s, "text after the value");
}

bool json_check(struct json_text text, const struct json_limits *limits, struct json_error *error)
{
	struct scan s;
	s.start = s.p = text.at;
	s.end = text.at + text.len;
	s.reason = NULL;
	s.truncated = false;
	s.depth = 0;
	s.depth_max = limits->depth < JSON_DEPTH_MAX ? limits->depth : JSON_DEPTH_MAX;
	s.keys = s.held;
	s.key_count = 0;
	s.key_size = KEYS_HELD;

	bool good = text.at != NULL && text.len <= limits->bytes && text.len < UINT32_MAX
	                    ? scan_text(&s)
	                    : fail(&s, text.at == NULL ? "empty" : "too long");
	if (s.keys != s.held)
		free(s.keys);
	if (!good && error != NULL)
		*error = (struct json_error){(size_t)(s.p - s.start), s.reason, s.truncated};
	return good;
}

/*
 * Reading JSON text (RFC 8259) in place.
 *
 * json_check() decides once, in one pass, whether a text is acceptable; every
 * other function here takes text that passed it and only locates members: no
 * tree is built and nothing is copied until somebody asks for a decoded string.
 *
 * Ownership: a json_text borrows bytes that somebody else keeps; it stays valid
 * as long as those bytes do. An absent value is a json_text whose `at` is NULL,
 * and every function accepts one (it has no type, no members, and equals
 * nothing), so look-ups chain without checks. What is returned as `char *`
 * belongs to the caller.
 *
 * Strictness, beyond RFC 8259: no duplicate keys (compared after decoding), valid
 * UTF-8, no lone surrogate escapes, no byte order mark, no text after the value
 * (RFC 7493, I-JSON, section 2).
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include "base/text.h"

enum json_type {
	JSON_ABSENT,
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_limits {
	size_t bytes;   /* longest text */
	unsigned depth; /* most nested arrays and objects; at most JSON_DEPTH_MAX */
};

enum {
	JSON_DEPTH_MAX = 512,            /* of any text, and the limit of a record */
	JSON_RECORD_MAX = 16 * 1024 * 1024, /* bytes of a record */
};

extern const struct json_limits json_record_limits;

struct json_error {
	size_t offset;      /* byte of the text where it was noticed */
	const char *reason; /* static; e.g. "duplicate key" */
	bool truncated;     /* the text ended too early: more bytes might complete it */
};

/* True when `text` is one JSON value, with white space around it, within the
 * limits; otherwise false and `error` (which may be NULL) says where and why. */
bool json_check(struct json_text text, const struct json_limits *limits,
                struct json_error *error);

/* The value without the white space around it. */
struct json_text json_trim(struct json_text text);

enum json_type json_type(struct json_text value);

/* The member at a path of object keys, the first of them in the value itself:
 * json_get(object, "metadata", "name"). Absent when any step is not there. A JSON
 * null is returned as such (json_type tells). */
#define json_get(...) json_get_path(__VA_ARGS__, (const char *)NULL)
struct json_text json_get_path(struct json_text object, ...) __attribute__((sentinel));

/* Several members of one object in one pass: `found[i]` is the member `keys[i]`. */
void json_pick(struct json_text object, size_t count, const char *const keys[],
               struct json_text found[]);

/* Iterating: for (struct json_member m = json_first(v); m.value.at; m = json_next(m))
 * For an array, `key` is absent. */
struct json_member {
	struct json_text key;   /* a string value, with its quotes */
	struct json_text value;
	struct json_text rest;  /* what follows, up to the closing bracket */
};
struct json_member json_first(struct json_text container);
struct json_member json_next(struct json_member member);
size_t json_count(struct json_text container);
/* True when there is nothing to iterate: an empty container, another type, or absent. */
bool json_is_empty(struct json_text container);

/* True when `value` is a string that decodes to exactly `string`. */
bool json_equals(struct json_text value, const char *string);
bool json_is_true(struct json_text value);

/* A string decoded: NUL-terminated, its length in `len` if not NULL (it may hold
 * NUL bytes: compare the length with strlen before using it as a C string).
 * NULL when `value` is not a string or memory ran out. */
char *json_string(struct json_text value, size_t *len);
/* The same for strings that must be usable as C strings: NULL also when one holds NUL. */
char *json_cstring(struct json_text value);

/* The contents of a string between its quotes, when it has no escapes (so nothing needs
 * decoding); otherwise, or for another type, absent. */
struct json_text json_plain(struct json_text value);

/* The value of a number written as an integer (no fraction or exponent) that fits. */
bool json_integer(struct json_text value, int64_t *number);

#endif

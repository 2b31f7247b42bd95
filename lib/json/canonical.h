/*
 * Canonical JSON: RFC 8785, and the ways in which others write sorted JSON, one part at a time.
 *
 * Ownership: a json_canon borrows all that it points at.
 */
#ifndef JSON_CANONICAL_H
#define JSON_CANONICAL_H

#include "json/nodes.h"

/* Appends RFC 8785 of a value that json_check() accepted. False, with a static reason and nothing
 * appended, when it has none: a number is out of the range of a double. */
bool json_canonical(struct json_text value, struct json_buffer *out, const char **reason);

/* How strings and numbers are written, and keys are sorted. */
enum json_style {
	JSON_STYLE_RFC_8785,
	JSON_STYLE_GO,            /* encoding/json since Go 1.22, of float64 and strings */
	JSON_STYLE_PYTHON,        /* json.dumps(sort_keys=True), all numbers as floats */
	JSON_STYLE_PYTHON_TYPED,  /* the same, but what is written as an integer stays one */
};

/* What becomes of null, "", [] and {}, also of those that become empty so. */
enum json_empties {
	JSON_EMPTIES_KEPT,
	JSON_EMPTIES_OUT,
	JSON_EMPTIES_OUT_BUT_NESTED, /* but an array directly in an array is kept with all in it */
};

struct json_canon {
	struct json_nodes *nodes;
	enum json_style style;
	enum json_empties empties;
	struct json_buffer *out;
	size_t limit;       /* of the bytes in `out`; more is a failure */
	const char *reason; /* why there is no such form: static; NULL while there is */
};

/* Sorts the nodes as the style wants them: before anything is written. */
void json_canon_start(struct json_canon *canon);

/* Appends a node's value, of any type, with all in it. False when nothing was appended: it is
 * empty and empties are out, or there is no such form (canon->reason). */
bool json_canon_put(struct json_canon *canon, struct json_node node);

/* Appends the opening bracket. */
size_t json_canon_open(struct json_canon *canon, char bracket);
/* Appends the closing bracket, or, if it is still empty and empties are out, takes the opening
 * one back: then false. `start` is what json_canon_open() gave. */
bool json_canon_close(struct json_canon *canon, size_t start, char bracket);

/* Appends a comma, but behind the opening bracket. */
void json_canon_next(struct json_canon *canon);
/* The same, and `"key":`. */
void json_canon_key(struct json_canon *canon, struct json_text key);

/* Fails: false. The first reason stays. */
bool json_canon_fail(struct json_canon *canon, const char *reason);

#endif

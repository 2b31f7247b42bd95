/*
 * A document of YAML that people write and a program must not misread, as JSON with the line of each
 * value: one document, without anchors, aliases, tags, merge keys or keys that are there twice. What
 * is plain is null, true, false, a number of JSON, or a string; times and addresses are strings.
 *
 * Ownership: a yaml_strict owns what it holds; yaml_strict_free() releases it. Initialise with {0}.
 */
#ifndef YAML_STRICT_H
#define YAML_STRICT_H

#include "base/buffer.h"

enum { YAML_STRICT_BYTES = 1024 * 1024, YAML_STRICT_DEPTH = 32 };

struct yaml_line {
	size_t offset; /* in `json` */
	size_t line;
};

struct yaml_strict {
	struct json_buffer json; /* passed json_check() */
	struct yaml_line *lines; /* of values and keys, in order */
	size_t count, size;
	const char *fault;       /* static; NULL: it was read */
	size_t fault_line;
};

/* Appends a file's text, or so much of it that yaml_strict_read() refuses it as too large. False, with
 * errno, when it cannot be read. */
bool yaml_strict_load(const char *path, struct json_buffer *text);

/* False with `fault` and its line. */
bool yaml_strict_read(struct yaml_strict *read, struct json_text text);

/* The line of the value that begins at, or holds, this offset of `json`. */
size_t yaml_strict_line(const struct yaml_strict *read, size_t offset);

void yaml_strict_free(struct yaml_strict *read);

#endif

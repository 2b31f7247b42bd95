/*
 * JSON written as YAML, for people and for kubectl; and YAML read as JSON.
 *
 * Members keep their order and numbers their spelling. A string is written plain only when
 * no reader, of YAML 1.1 or 1.2, could take it for anything but that string; otherwise it is
 * quoted (yes, no, on, off, null, ~, 1e3, 0x10, 22:22, 2026-01-02, <<, the empty string).
 */
#ifndef YAML_WRITE_H
#define YAML_WRITE_H

#include "base/buffer.h"

/* Appends one document without a `---` line. False when libyaml refuses (out of memory). */
bool kube_yaml_write(struct json_text value, struct json_buffer *out);

/* True when these bytes are safe as a plain scalar. */
bool kube_yaml_plain(const char *bytes, size_t len);

enum { KUBE_YAML_ERROR_SIZE = 256 };

struct kube_yaml_visitor {
	/* The document has passed json_check() and is valid during the call. False ends the
	 * reading. */
	bool (*visit)(void *context, struct json_text document);
	void *context;
};

/* Reads a stream of YAML documents, or JSON. False with `error` when it is neither, when a
 * document would be no acceptable JSON text (a key twice, over 16 MiB with its aliases followed), or
 * with an empty `error` when the visitor ended it. */
bool kube_yaml_read(struct json_text text, const struct kube_yaml_visitor *visitor,
                    char error[KUBE_YAML_ERROR_SIZE]);

#endif

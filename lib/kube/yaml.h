/*
 * JSON written as YAML, for people and for kubectl.
 *
 * Members keep their order and numbers their spelling. A string is written plain only when
 * no reader, of YAML 1.1 or 1.2, could take it for anything but that string; otherwise it is
 * quoted (yes, no, on, off, null, ~, 1e3, 0x10, 22:22, 2026-01-02, <<, the empty string).
 */
#ifndef KUBE_YAML_H
#define KUBE_YAML_H

#include "json/buffer.h"

/* Appends one document without a `---` line. False when libyaml refuses (out of memory). */
bool kube_yaml_write(struct json_text value, struct json_buffer *out);

/* True when these bytes are safe as a plain scalar. */
bool kube_yaml_plain(const char *bytes, size_t len);

#endif

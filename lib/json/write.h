/*
 * Writing JSON into a buffer (RFC 8259). What is written is strict: strings are UTF-8, and only
 * what must be escaped is.
 */
#ifndef JSON_WRITE_H
#define JSON_WRITE_H

#include "base/buffer.h"
#include "json/json.h"

/* A JSON string with its quotes, from UTF-8 bytes; bytes that are not UTF-8 become U+FFFD. */
void json_put_string(struct json_buffer *buffer, const char *string);
void json_put_string_n(struct json_buffer *buffer, const char *string, size_t len);

/* The escape of a character that needs one within a string: a control, a quote or a backslash. */
void json_put_escape(struct json_buffer *buffer, unsigned char c);

/* A comma, unless what comes next is the first in the buffer or after an opening bracket. */
void json_put_comma(struct json_buffer *buffer);
/* The same, then `"key":`. */
void json_put_key(struct json_buffer *buffer, const char *key);
/* The same of a member that stands elsewhere, byte for byte: its key, and its value as well. */
void json_put_member_key(struct json_buffer *buffer, const struct json_member *member);
void json_put_member(struct json_buffer *buffer, const struct json_member *member);

#endif

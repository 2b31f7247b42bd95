/*
 * A growing buffer, and writing JSON into it.
 *
 * Ownership: a json_buffer owns `at`; json_buffer_free() releases it and leaves an
 * empty buffer that can be used again. Initialise with {0}.
 *
 * Memory: when it runs out the program ends (abort with a message): a stage that cannot
 * hold a record cannot go on, and half a record must never be written.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "json/json.h"

struct json_buffer {
	char *at;
	size_t len;
	size_t size;
};

void json_buffer_free(struct json_buffer *buffer);
void json_buffer_reserve(struct json_buffer *buffer, size_t more);

void json_put(struct json_buffer *buffer, const char *bytes, size_t len);
void json_puts(struct json_buffer *buffer, const char *string); /* as is */
void json_puttext(struct json_buffer *buffer, struct json_text text); /* as is */
void json_putc(struct json_buffer *buffer, char c);
void json_putf(struct json_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes, from UTF-8 bytes; bytes that are not UTF-8 become U+FFFD. */
void json_put_string(struct json_buffer *buffer, const char *string);
void json_put_string_n(struct json_buffer *buffer, const char *string, size_t len);

/* A comma, unless what comes next is the first in the buffer or after an opening bracket. */
void json_put_comma(struct json_buffer *buffer);
/* The same, then `"key":`. */
void json_put_key(struct json_buffer *buffer, const char *key);

struct json_text json_buffer_text(const struct json_buffer *buffer); /* borrows */

#endif

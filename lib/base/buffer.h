/*
 * A growing buffer. json/write.h writes JSON into one.
 *
 * Ownership: a json_buffer owns `at`; json_buffer_free() releases it and leaves an
 * empty buffer that can be used again. Initialise with {0}.
 *
 * Memory: when it runs out the program ends (abort with a message): a stage that cannot
 * hold a record cannot go on, and half a record must never be written.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/text.h"

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

/* Text without control characters, which a terminal might obey: each becomes a question mark. */
void json_put_plain(struct json_buffer *buffer, const char *text, size_t len);

struct json_text json_buffer_text(const struct json_buffer *buffer); /* borrows */

#endif

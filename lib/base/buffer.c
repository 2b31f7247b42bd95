#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_buffer_free(struct json_buffer *buffer)
{
	free(buffer->at);
	*buffer = (struct json_buffer){0};
}

static _Noreturn void out_of_memory(void)
{
	fputs("out of memory\n", stderr);
	abort();
}

void json_buffer_reserve(struct json_buffer *buffer, size_t more)
{
	if (buffer->size - buffer->len >= more)
		return;
	size_t size = buffer->size < 64 ? 64 : buffer->size;
	while (size - buffer->len < more)
		if (__builtin_mul_overflow(size, 2, &size))
			out_of_memory();
	char *at = realloc(buffer->at, size);
	if (at == NULL)
		out_of_memory();
	buffer->at = at;
	buffer->size = size;
}

void json_put(struct json_buffer *buffer, const char *bytes, size_t len)
{
	if (len == 0)
		return;
	json_buffer_reserve(buffer, len);
	memcpy(buffer->at + buffer->len, bytes, len);
	buffer->len += len;
}

void json_puts(struct json_buffer *buffer, const char *string)
{
	json_put(buffer, string, strlen(string));
}

void json_puttext(struct json_buffer *buffer, struct json_text text)
{
	json_put(buffer, text.at, text.len);
}

void json_putc(struct json_buffer *buffer, char c)
{
	json_put(buffer, &c, 1);
}

void json_putf(struct json_buffer *buffer, const char *format, ...)
{
	char text[1024];
	va_list list;
	va_start(list, format);
	int len = vsnprintf(text, sizeof text, format, list);
	va_end(list);
	if (len < 0)
		return;
	if ((size_t)len < sizeof text) {
		json_put(buffer, text, (size_t)len);
		return;
	}
	json_buffer_reserve(buffer, (size_t)len + 1);
	va_start(list, format);
	vsnprintf(buffer->at + buffer->len, (size_t)len + 1, format, list);
	va_end(list);
	buffer->len += (size_t)len;
}

struct json_text json_buffer_text(const struct json_buffer *buffer)
{
	return (struct json_text){buffer->at == NULL ? "" : buffer->at, buffer->len};
}

void json_put_plain(struct json_buffer *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		/* U+0080 to U+009F are controls, too */
		if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0)
			i++;
		else if (c >= 0x20 && c != 0x7f) {
			json_putc(out, (char)c);
			continue;
		}
		json_putc(out, '?');
	}
}

#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/scan_private.h"

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

static void put_escaped(struct json_buffer *buffer, unsigned char c)
{
	static const char *const short_form[] = {['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",
	                                         ['\f'] = "\\f", ['\r'] = "\\r", ['"'] = "\\\"",
	                                         ['\\'] = "\\\\"};
	if (c < sizeof short_form / sizeof *short_form && short_form[c] != NULL)
		json_puts(buffer, short_form[c]);
	else
		json_putf(buffer, "\\u%04x", c);
}

void json_put_string_n(struct json_buffer *buffer, const char *string, size_t len)
{
	const char *p = len == 0 ? "" : string, *end = p + len;
	json_buffer_reserve(buffer, len + 2);
	json_putc(buffer, '"');
	while (p < end) {
		const char *run = p;
		p = json_find_odd(p, end);
		json_put(buffer, run, (size_t)(p - run));
		if (p == end)
			break;
		unsigned char c = (unsigned char)*p;
		if (c < 0x80) {
			put_escaped(buffer, c);
			p++;
			continue;
		}
		unsigned length = json_utf8_length(p, end);
		if (length == 0)
			json_puts(buffer, "\xef\xbf\xbd");
		else
			json_put(buffer, p, length);
		p += length == 0 ? 1 : length;
	}
	json_putc(buffer, '"');
}

void json_put_string(struct json_buffer *buffer, const char *string)
{
	json_put_string_n(buffer, string, strlen(string));
}

void json_put_comma(struct json_buffer *buffer)
{
	char last = buffer->len > 0 ? buffer->at[buffer->len - 1] : '{';
	if (last != '{' && last != '[')
		json_putc(buffer, ',');
}

void json_put_key(struct json_buffer *buffer, const char *key)
{
	json_put_comma(buffer);
	json_put_string(buffer, key);
	json_putc(buffer, ':');
}

struct json_text json_buffer_text(const struct json_buffer *buffer)
{
	return (struct json_text){buffer->at == NULL ? "" : buffer->at, buffer->len};
}

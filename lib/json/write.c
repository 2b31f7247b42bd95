#include "json/write.h"

#include <string.h>

#include "json/scan_private.h"

void json_put_escape(struct json_buffer *buffer, unsigned char c)
{
	static const char *const short_form[] = {['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",
	                                         ['\f'] = "\\f", ['\r'] = "\\r", ['"'] = "\\\"",
	                                         ['\\'] = "\\\\"};
	static const char hex[] = "0123456789abcdef";
	if (c < sizeof short_form / sizeof *short_form && short_form[c] != NULL)
		json_puts(buffer, short_form[c]);
	else
		json_put(buffer, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
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
			json_put_escape(buffer, c);
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

void json_put_member_key(struct json_buffer *buffer, const struct json_member *member)
{
	json_put_comma(buffer);
	json_puttext(buffer, member->key);
	json_putc(buffer, ':');
}

void json_put_member(struct json_buffer *buffer, const struct json_member *member)
{
	json_put_member_key(buffer, member);
	json_puttext(buffer, member->value);
}

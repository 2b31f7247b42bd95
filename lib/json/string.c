#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/scan_private.h"

int json_hex4(const char *p, const char *end)
{
	int value = 0;
	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit;
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10;
		else
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static size_t put_utf8(char *out, unsigned code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* p is behind the `u` of an escape in checked text; moves it past the escape. */
static unsigned decode_unicode(const char **p, const char *end)
{
	unsigned code = (unsigned)json_hex4(*p, end);
	*p += 4;
	if (code < 0xd800 || code > 0xdbff)
		return code;
	unsigned low = (unsigned)json_hex4(*p + 2, end);
	*p += 6;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

size_t json_decode(const char *p, const char *end, char *out)
{
	char *start = out;
	while (p < end) {
		const char *stop = json_find_stop(p, end);
		memcpy(out, p, (size_t)(stop - p));
		out += stop - p;
		p = stop;
		if (p == end)
			break;
		char c = p[1];
		p += 2;
		switch (c) {
		case 'b': *out++ = '\b'; break;
		case 'f': *out++ = '\f'; break;
		case 'n': *out++ = '\n'; break;
		case 'r': *out++ = '\r'; break;
		case 't': *out++ = '\t'; break;
		case 'u': out += put_utf8(out, decode_unicode(&p, end)); break;
		default: *out++ = c; break;
		}
	}
	return (size_t)(out - start);
}

char *json_string(struct json_text value, size_t *len)
{
	if (json_type(value) != JSON_STRING)
		return NULL;
	char *out = malloc(value.len - 1);
	if (out == NULL)
		return NULL;
	size_t size = json_decode(value.at + 1, value.at + value.len - 1, out);
	out[size] = '\0';
	if (len != NULL)
		*len = size;
	return out;
}

char *json_cstring(struct json_text value)
{
	size_t len;
	char *string = json_string(value, &len);
	if (string != NULL && strlen(string) != len) {
		free(string);
		return NULL;
	}
	return string;
}

struct json_text json_plain(struct json_text value)
{
	if (json_type(value) != JSON_STRING ||
	    memchr(value.at, '\\', value.len) != NULL)
		return (struct json_text){0};
	return (struct json_text){value.at + 1, value.len - 2};
}

bool json_equals(struct json_text value, const char *string)
{
	size_t len = strlen(string);
	if (json_type(value) != JSON_STRING || value.len < len + 2)
		return false;
	if (memchr(value.at, '\\', value.len) == NULL)
		return value.len == len + 2 && memcmp(value.at + 1, string, len) == 0;
	size_t size;
	char *decoded = json_string(value, &size);
	bool equal = decoded != NULL && size == len && memcmp(decoded, string, len) == 0;
	free(decoded);
	return equal;
}

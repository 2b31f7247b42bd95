#include "base/base64url.h"

#include <string.h>

static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { NOT_A_DIGIT = 64 };

struct digits {
	uint8_t of[256];
};

static const struct digits *digits_of(const char *letters)
{
	static struct digits url, standard;
	struct digits *digits = letters == url_alphabet ? &url : &standard;
	if (digits->of['B'] == 0) {
		memset(digits->of, NOT_A_DIGIT, sizeof digits->of);
		for (unsigned i = 0; i < 64; i++)
			digits->of[(unsigned char)letters[i]] = (uint8_t)i;
	}
	return digits;
}

/* `len` characters without padding. */
static bool decode(const char *letters, const char *text, size_t len, uint8_t *out, size_t *size)
{
	const uint8_t *digit = digits_of(letters)->of;
	const unsigned char *p = (const unsigned char *)text;
	uint8_t *start = out;
	unsigned bad = 0;
	for (; len >= 4; p += 4, len -= 4) {
		unsigned a = digit[p[0]], b = digit[p[1]], c = digit[p[2]], d = digit[p[3]];
		bad |= a | b | c | d;
		unsigned bits = a << 18 | b << 12 | c << 6 | d;
		*out++ = (uint8_t)(bits >> 16);
		*out++ = (uint8_t)(bits >> 8);
		*out++ = (uint8_t)bits;
	}
	if (len == 1)
		return false;
	if (len >= 2) {
		unsigned a = digit[p[0]], b = digit[p[1]], c = len == 3 ? digit[p[2]] : 0;
		bad |= a | b | c;
		unsigned bits = a << 12 | b << 6 | c;
		*out++ = (uint8_t)(bits >> 10);
		if (len == 3)
			*out++ = (uint8_t)(bits >> 2);
		if ((len == 3 ? bits & 0x3 : bits & 0x3ff) != 0)
			return false;
	}
	*size = (size_t)(out - start);
	return (bad & NOT_A_DIGIT) == 0;
}

bool trust_base64url_decode(struct json_text text, uint8_t *out, size_t *len)
{
	return text.at != NULL && decode(url_alphabet, text.at, text.len, out, len);
}

bool trust_base64_decode(struct json_text text, uint8_t *out, size_t *len)
{
	if (text.at == NULL || text.len % 4 != 0)
		return false;
	size_t padding = 0;
	while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=')
		padding++;
	return decode(alphabet, text.at, text.len - padding, out, len);
}

static void put(const char *letters, bool padded, struct json_buffer *out, const uint8_t *p, size_t len)
{
	if (len == 0)
		return;
	json_buffer_reserve(out, (len + 2) / 3 * 4);
	char *to = out->at + out->len;
	for (; len >= 3; p += 3, len -= 3) {
		unsigned bits = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
		*to++ = letters[bits >> 18];
		*to++ = letters[bits >> 12 & 63];
		*to++ = letters[bits >> 6 & 63];
		*to++ = letters[bits & 63];
	}
	if (len > 0) {
		unsigned bits = (unsigned)p[0] << 16 | (len == 2 ? (unsigned)p[1] << 8 : 0);
		*to++ = letters[bits >> 18];
		*to++ = letters[bits >> 12 & 63];
		if (len == 2)
			*to++ = letters[bits >> 6 & 63];
		else if (padded)
			*to++ = '=';
		if (padded)
			*to++ = '=';
	}
	out->len = (size_t)(to - out->at);
}

void trust_base64url_put(struct json_buffer *out, const void *bytes, size_t len)
{
	put(url_alphabet, false, out, bytes, len);
}

void trust_base64_put(struct json_buffer *out, const void *bytes, size_t len)
{
	put(alphabet, true, out, bytes, len);
}

/*
 * Reading DER (X.690, section 10) in place: one definite, minimal length for every element.
 *
 * Whoever reads takes elements off the front of a `der`; what is left must be empty at the
 * end, or there were trailing bytes. Everything borrows from the bytes given.
 *
 * Why not d2i_X509() for leaves: it decodes the public key through OpenSSL's providers, which
 * costs more than verifying a signature; and it accepts BER. tests/fuzz/fuzz_x5c.c holds the
 * two against each other.
 */
#ifndef TRUST_DER_H
#define TRUST_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct der {
	const uint8_t *p;
	size_t len;
};

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
};
#define DER_CONTEXT(n) (0x80 | (n))             /* [n] IMPLICIT, primitive */
#define DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n)) /* [n] EXPLICIT, or of a constructed type */

/* Takes the next element, whatever its (single-byte) tag: `element` with its header,
 * `content` without. */
static inline bool der_next(struct der *in, uint8_t *tag, struct der *content, struct der *element)
{
	if (in->len < 2 || (in->p[0] & 0x1f) == 0x1f)
		return false;
	size_t header = 2, len = in->p[1];
	if (len >= 0x80) {
		size_t octets = len & 0x7f;
		if (octets == 0 || octets > 3 || in->len < 2 + octets)
			return false;
		len = 0;
		for (size_t i = 0; i < octets; i++)
			len = len << 8 | in->p[2 + i];
		if (len < 0x80 || len >> (8 * (octets - 1)) == 0)
			return false;
		header += octets;
	}
	if (len > in->len - header)
		return false;
	*tag = in->p[0];
	*content = (struct der){in->p + header, len};
	*element = (struct der){in->p, header + len};
	in->p += header + len;
	in->len -= header + len;
	return true;
}

static inline bool der_at(const struct der *in, uint8_t tag)
{
	return in->len > 0 && in->p[0] == tag;
}

static inline bool der_read(struct der *in, uint8_t tag, struct der *content)
{
	uint8_t found;
	struct der element;
	return der_at(in, tag) && der_next(in, &found, content, &element);
}

static inline bool der_read_whole(struct der *in, uint8_t tag, struct der *element)
{
	uint8_t found;
	struct der content;
	return der_at(in, tag) && der_next(in, &found, &content, element);
}

/* An INTEGER that is not negative, without its sign byte. */
static inline bool der_read_unsigned(struct der *in, struct der *digits)
{
	if (!der_read(in, DER_INTEGER, digits) || digits->len == 0 || (digits->p[0] & 0x80) != 0)
		return false;
	if (digits->len > 1 && digits->p[0] == 0) {
		if ((digits->p[1] & 0x80) == 0)
			return false;
		digits->p++;
		digits->len--;
	}
	return true;
}

static inline bool der_same(struct der a, struct der b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* `oid` is a string literal of the object identifier's content octets. */
#define DER_IS(value, oid) der_same(value, (struct der){(const uint8_t *)(oid), sizeof(oid) - 1})

#endif

#include "trust/certificate_private.h"

#define OID_SUBJECT_KEY_ID "\x55\x1d\x0e"
#define OID_KEY_USAGE "\x55\x1d\x0f"
#define OID_ALT_NAME "\x55\x1d\x11"
#define OID_BASIC_CONSTRAINTS "\x55\x1d\x13"
#define OID_AUTHORITY_KEY_ID "\x55\x1d\x23"
#define OID_EXTENDED_KEY_USAGE "\x55\x1d\x25"

static const struct {
	const char *oid;
	size_t len;
	enum trust_scheme scheme;
	unsigned digest;
} signatures[] = {
	{"\x2a\x86\x48\xce\x3d\x04\x03\x02", 8, TRUST_ECDSA, 256},
	{"\x2a\x86\x48\xce\x3d\x04\x03\x03", 8, TRUST_ECDSA, 384},
	{"\x2a\x86\x48\xce\x3d\x04\x03\x04", 8, TRUST_ECDSA, 512},
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 9, TRUST_RSA_PKCS1, 256},
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", 9, TRUST_RSA_PKCS1, 384},
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", 9, TRUST_RSA_PKCS1, 512},
};

static bool read_two(const uint8_t *p, int *value)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*value = (p[0] - '0') * 10 + (p[1] - '0');
	return true;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = year / 400;
	int64_t in_era = year - era * 400;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static int days_in_month(int64_t year, int month)
{
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month == 2 ? 28 + leap : 30 + ((month + (month > 7)) & 1);
}

/* The two forms that RFC 5280 allows: YYMMDDHHMMSSZ, and YYYYMMDDHHMMSSZ. */
static bool read_time(struct der *in, int64_t *seconds)
{
	struct der text;
	int century = 0, part[6];
	if (der_at(in, DER_GENERALIZED_TIME)) {
		if (!der_read(in, DER_GENERALIZED_TIME, &text) || text.len != 15 ||
		    !read_two(text.p, &century))
			return false;
		text.p += 2;
	} else if (!der_read(in, DER_UTC_TIME, &text) || text.len != 13) {
		return false;
	}
	for (int i = 0; i < 6; i++)
		if (!read_two(text.p + (ptrdiff_t)2 * i, &part[i]))
			return false;
	if (text.len == 13)
		century = part[0] < 50 ? 20 : 19;
	int64_t year = (int64_t)century * 100 + part[0], minutes = (int64_t)part[3] * 60 + part[4];
	if (text.p[12] != 'Z' || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
	    part[2] > days_in_month(year, part[1]) || part[3] > 23 || part[4] > 59 || part[5] > 59)
		return false;
	*seconds = days_of(year, part[1], part[2]) * 86400 + minutes * 60 + part[5];
	return true;
}

static bool read_key_usage(struct der value, struct trust_certificate *c)
{
	struct der bits;
	if (!der_read(&value, DER_BIT_STRING, &bits) || value.len != 0 || bits.len < 2 || bits.p[0] > 7)
		return false;
	/* bits that are declared unused would be read by some and not by others */
	if ((bits.p[bits.len - 1] & ((1U << bits.p[0]) - 1)) != 0)
		return false;
	c->has_key_usage = true;
	c->key_usage = bits.p[1];
	return true;
}

static bool read_basic_constraints(struct der value, struct trust_certificate *c)
{
	struct der sequence, flag, length;
	if (!der_read(&value, DER_SEQUENCE, &sequence) || value.len != 0)
		return false;
	if (der_at(&sequence, DER_BOOLEAN)) {
		/* DER: FALSE is the default and not written, TRUE is 0xff */
		if (!der_read(&sequence, DER_BOOLEAN, &flag) || flag.len != 1 || flag.p[0] != 0xff)
			return false;
		c->ca = true;
	}
	if (sequence.len != 0) {
		if (!der_read_unsigned(&sequence, &length))
			return false;
		c->path_length = length.len > 1 ? 255 : length.p[0];
	}
	return sequence.len == 0;
}

static bool read_alt_name(struct der value, struct trust_certificate *c)
{
	struct der names, name, element;
	uint8_t tag;
	if (!der_read(&value, DER_SEQUENCE, &names) || value.len != 0 || names.len == 0)
		return false;
	while (names.len > 0) {
		if (!der_next(&names, &tag, &name, &element) || (tag & 0xc0) != 0x80)
			return false;
		if (tag == DER_CONTEXT(6)) {
			c->uris++;
			c->uri = name;
		}
	}
	return true;
}

static bool read_authority_key_id(struct der value, struct trust_certificate *c)
{
	struct der sequence;
	if (!der_read(&value, DER_SEQUENCE, &sequence) || value.len != 0)
		return false;
	return !der_at(&sequence, DER_CONTEXT(0)) ||
	       der_read(&sequence, DER_CONTEXT(0), &c->authority_key_id);
}

/* One extension: `seen` has a bit for each kind met. */
static const char *read_extension(struct der oid, bool critical, struct der value, unsigned *seen,
                                  struct trust_certificate *c)
{
	unsigned kind = 0;
	bool good = true;
	if (DER_IS(oid, OID_KEY_USAGE)) {
		kind = 1;
		good = read_key_usage(value, c);
	} else if (DER_IS(oid, OID_BASIC_CONSTRAINTS)) {
		kind = 2;
		good = read_basic_constraints(value, c);
	} else if (DER_IS(oid, OID_ALT_NAME)) {
		kind = 4;
		good = read_alt_name(value, c);
	} else if (DER_IS(oid, OID_AUTHORITY_KEY_ID)) {
		kind = 8;
		good = read_authority_key_id(value, c);
	} else if (DER_IS(oid, OID_EXTENDED_KEY_USAGE)) {
		kind = 16;
	} else if (DER_IS(oid, OID_SUBJECT_KEY_ID)) {
		kind = 32;
	}
	if (!good)
		return "an extension is malformed";
	if ((*seen & kind) != 0)
		return "an extension is there twice";
	*seen |= kind;
	if (critical && (kind == 0 || kind == 8 || kind == 32))
		c->critical = "has a critical extension that is not understood";
	return NULL;
}

static const char *read_extensions(struct der in, struct trust_certificate *c)
{
	struct der list, extension, oid, flag, value;
	unsigned seen = 0;
	if (!der_read(&in, DER_SEQUENCE, &list) || in.len != 0 || list.len == 0)
		return "its extensions are malformed";
	while (list.len > 0) {
		bool critical = false;
		if (!der_read(&list, DER_SEQUENCE, &extension) || !der_read(&extension, DER_OID, &oid))
			return "its extensions are malformed";
		if (der_at(&extension, DER_BOOLEAN)) {
			if (!der_read(&extension, DER_BOOLEAN, &flag) || flag.len != 1 || flag.p[0] != 0xff)
				return "its extensions are malformed";
			critical = true;
		}
		if (!der_read(&extension, DER_OCTET_STRING, &value) || extension.len != 0)
			return "its extensions are malformed";
		const char *reason = read_extension(oid, critical, value, &seen, c);
		if (reason != NULL)
			return reason;
	}
	return NULL;
}

static bool read_validity(struct der in, struct trust_certificate *c)
{
	return read_time(&in, &c->not_before) && read_time(&in, &c->not_after) && in.len == 0;
}

static void read_signature_algorithm(struct der algorithm, struct trust_certificate *c)
{
	struct der oid, null;
	if (!der_read(&algorithm, DER_OID, &oid))
		return;
	for (unsigned i = 0; i < sizeof signatures / sizeof *signatures; i++) {
		struct der known = {(const uint8_t *)signatures[i].oid, signatures[i].len};
		if (!der_same(oid, known))
			continue;
		bool parameters = der_read(&algorithm, DER_NULL, &null) && null.len == 0;
		c->signature_known = parameters == (signatures[i].scheme != TRUST_ECDSA) &&
		                     algorithm.len == 0;
		c->scheme = signatures[i].scheme;
		c->digest = signatures[i].digest;
	}
}

static const char *read_tbs(struct der in, struct der outer_algorithm, struct trust_certificate *c)
{
	struct der version, number, serial, algorithm, validity, skipped;
	if (!der_read(&in, DER_CONTEXT_CONSTRUCTED(0), &version) ||
	    !der_read_unsigned(&version, &number) || version.len != 0 || number.len != 1 ||
	    number.p[0] != 2)
		return "it is not of version 3";
	if (!der_read(&in, DER_INTEGER, &serial) || !der_read_whole(&in, DER_SEQUENCE, &algorithm) ||
	    !der_read_whole(&in, DER_SEQUENCE, &c->issuer) || !der_read(&in, DER_SEQUENCE, &validity) ||
	    !der_read_whole(&in, DER_SEQUENCE, &c->subject) ||
	    !der_read_whole(&in, DER_SEQUENCE, &c->spki))
		return "it is not a certificate in DER";
	if (!der_same(algorithm, outer_algorithm))
		return "it names two signature algorithms";
	if (!read_validity(validity, c))
		return "its validity is malformed";
	for (uint8_t unique = 1; unique <= 2; unique++)
		if (der_at(&in, DER_CONTEXT(unique)) && !der_read(&in, DER_CONTEXT(unique), &skipped))
			return "it is not a certificate in DER";
	if (in.len == 0)
		return NULL;
	struct der extensions;
	if (!der_read(&in, DER_CONTEXT_CONSTRUCTED(3), &extensions) || in.len != 0)
		return "it is not a certificate in DER";
	return read_extensions(extensions, c);
}

const char *trust_certificate_read(struct der bytes, struct trust_certificate *certificate)
{
	struct trust_certificate *c = certificate;
	struct der rest = bytes, content, algorithm, tbs, inner;
	*c = (struct trust_certificate){.whole = bytes, .path_length = -1};
	if (!der_read(&rest, DER_SEQUENCE, &content))
		return "it is not a certificate in DER";
	if (rest.len != 0)
		return "it has bytes behind its end";
	if (!der_read_whole(&content, DER_SEQUENCE, &c->tbs) ||
	    !der_read_whole(&content, DER_SEQUENCE, &algorithm) ||
	    !der_read(&content, DER_BIT_STRING, &c->signature) || content.len != 0 ||
	    c->signature.len < 1 || c->signature.p[0] != 0)
		return "it is not a certificate in DER";
	c->signature.p++;
	c->signature.len--;
	tbs = c->tbs;
	inner = algorithm;
	struct der fields;
	if (!der_read(&tbs, DER_SEQUENCE, &fields) || !der_read(&inner, DER_SEQUENCE, &content))
		return "it is not a certificate in DER";
	read_signature_algorithm(content, c);
	return read_tbs(fields, algorithm, c);
}

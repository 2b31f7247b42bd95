/* Public keys, at the edges of what counts: read from a leaf, and of a CA that OpenSSL has read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>

#include "authority.h"
#include "trust/jwa_private.h"

static const char SHORT[] = "its RSA key is shorter than 2048 bits";
static const char LONG[] = "its RSA key is longer than 8192 bits";
static const char EXPONENT[] = "its RSA exponent is not an odd number from 3 to 4294967295";
static const char MALFORMED[] = "its RSA key is malformed";
static const char EXPLICIT[] = "its EC parameters are not a named curve";
static const char CURVE[] = "its curve is none of P-256, P-384, P-521";

/* Bytes that grow at their front, as DER is written best. */
struct front {
	uint8_t bytes[2048];
	size_t at; /* of the first */
};

static void put(struct front *out, const void *bytes, size_t len)
{
	assert_true(len <= out->at);
	out->at -= len;
	if (len > 0)
		memcpy(out->bytes + out->at, bytes, len);
}

static void put_byte(struct front *out, unsigned byte)
{
	put(out, &(uint8_t){(uint8_t)byte}, 1);
}

/* The header of an element whose content ends at `end`. */
static void put_header(struct front *out, uint8_t tag, size_t end)
{
	size_t len = end - out->at;
	size_t octets = len < 0x80 ? 0 : len < 0x100 ? 1 : 2;
	for (size_t i = 0; i < (octets == 0 ? 1 : octets); i++)
		put_byte(out, (unsigned)(len >> (8 * i)) & 0xff);
	if (octets > 0)
		put_byte(out, 0x80 | (unsigned)octets);
	put_byte(out, tag);
}

/* An INTEGER of so many bits: the first, the last and `fill` between are set. */
static void put_modulus(struct front *out, size_t bits)
{
	size_t end = out->at, octets = (bits + 7) / 8;
	unsigned first = 1U << ((bits - 1) % 8);
	put_byte(out, 0x01);
	for (size_t i = 0; i + 2 < octets; i++)
		put_byte(out, 0xa5);
	put_byte(out, first);
	if (first == 0x80)
		put_byte(out, 0);
	put_header(out, DER_INTEGER, end);
}

/* An INTEGER of these big-endian bytes. */
static void put_number(struct front *out, const void *bytes, size_t len)
{
	size_t end = out->at;
	put(out, bytes, len);
	if ((out->bytes[out->at] & 0x80) != 0)
		put_byte(out, 0);
	put_header(out, DER_INTEGER, end);
}

/* SubjectPublicKeyInfo of an RSA key (RFC 8017, A.1). */
static struct der rsa_spki(struct front *out, size_t bits, const void *exponent, size_t exponent_len)
{
	static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
	                                    0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
	size_t end = out->at = sizeof out->bytes;
	put_number(out, exponent, exponent_len);
	put_modulus(out, bits);
	put_header(out, DER_SEQUENCE, end);
	put_byte(out, 0);
	put_header(out, DER_BIT_STRING, end);
	put(out, algorithm, sizeof algorithm);
	put_header(out, DER_SEQUENCE, end);
	return (struct der){out->bytes + out->at, end - out->at};
}

/* What is said of the key, NULL when it is used: the same by both readers. */
static const char *said_of(struct der spki)
{
	const char *read = "nothing", *unfit;
	const uint8_t *p = spki.p;
	EVP_PKEY *ours = trust_key_read(spki, &read);
	EVP_PKEY *theirs = d2i_PUBKEY(NULL, &p, (long)spki.len);
	assert_non_null(theirs);
	unfit = trust_key_unfit(theirs);
	if (ours != NULL) {
		assert_null(unfit);
		assert_int_equal(EVP_PKEY_eq(ours, theirs), 1);
		read = NULL;
	} else {
		assert_string_equal(unfit, read);
	}
	EVP_PKEY_free(ours);
	EVP_PKEY_free(theirs);
	return read;
}

static void assert_said(const char *said, const char *wanted)
{
	if (wanted == NULL)
		assert_null(said);
	else
		assert_string_equal(said, wanted);
}

static void an_rsa_key_has_2048_to_8192_bits(void **state)
{
	(void)state;
	static const struct {
		size_t bits;
		const char *said;
	} cases[] = {{1024, SHORT}, {2040, SHORT}, {2047, SHORT}, {2048, NULL}, {2049, NULL},
	             {3072, NULL},  {8191, NULL},  {8192, NULL},  {8193, LONG}, {8200, LONG}};
	struct front out;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_said(said_of(rsa_spki(&out, cases[i].bits, "\x01\x00\x01", 3)), cases[i].said);
}

static void an_rsa_exponent_is_odd_and_from_3_to_2_32_less_1(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		const char *said;
	} cases[] = {
		{"\x01", 1, EXPONENT},
		{"\x02", 1, EXPONENT},
		{"\x03", 1, NULL},
		{"\x04", 1, EXPONENT},
		{"\x01\x00\x00", 3, EXPONENT},
		{"\x01\x00\x01", 3, NULL},
		{"\x01\x00\x02", 3, EXPONENT},
		{"\xff\xff\xff\xff", 4, NULL},
		{"\xff\xff\xff\xfe", 4, EXPONENT},
		{"\x01\x00\x00\x00\x01", 5, EXPONENT},
		{"\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 9, EXPONENT},
	};
	struct front out;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_said(said_of(rsa_spki(&out, 2048, cases[i].bytes, cases[i].len)), cases[i].said);
}

/* What only our reader gets to see: OpenSSL refuses it, or takes what is no DER. */
static void an_rsa_key_has_one_spelling(void **state)
{
	(void)state;
	struct front out, other;
	const char *reason = NULL;
	struct der spki = rsa_spki(&out, 2048, "\x01\x00\x01", 3);
	EVP_PKEY *key = trust_key_read(spki, &reason);
	assert_non_null(key);
	EVP_PKEY_free(key);
	/* a modulus that is negative, an exponent of zero, a byte that is missing */
	other = out;
	uint8_t *bytes = other.bytes + other.at;
	assert_int_equal(bytes[32], 0);
	bytes[32] = 0x80;
	assert_null(trust_key_read((struct der){bytes, spki.len}, &reason));
	assert_string_equal(reason, MALFORMED);
	assert_null(trust_key_read(rsa_spki(&out, 2048, "\x00", 1), &reason));
	assert_string_equal(reason, EXPONENT);
	assert_null(trust_key_read((struct der){spki.p, spki.len - 1}, &reason));
	assert_string_equal(reason, "its public key is malformed");
}

static struct der spki_of(EVP_PKEY *key, uint8_t bytes[1024])
{
	uint8_t *p = bytes;
	int len = i2d_PUBKEY(key, &p);
	assert_true(len > 0 && len <= 1024);
	return (struct der){bytes, (size_t)len};
}

/* RFC 5480, section 2.1.1: a curve is named; parameters of its own may be made to any public key. */
static void an_ec_key_is_on_a_named_curve(void **state)
{
	(void)state;
	static const struct {
		const char *curve;
		bool is_explicit;
		const char *said;
	} cases[] = {
		{"P-256", false, NULL},      {"P-384", false, NULL},      {"P-521", false, NULL},
		{"P-256", true, EXPLICIT},   {"P-384", true, EXPLICIT},   {"P-521", true, EXPLICIT},
		{"secp256k1", false, CURVE}, {"secp224r1", false, CURVE}, {"brainpoolP256r1", false, CURVE},
	};
	uint8_t bytes[1024];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EVP_PKEY *key = ec_key(cases[i].curve);
		if (cases[i].is_explicit)
			assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
			                                                OSSL_PKEY_EC_ENCODING_EXPLICIT), 1);
		assert_said(said_of(spki_of(key, bytes)), cases[i].said);
		EVP_PKEY_free(key);
	}
}

static void an_ec_point_is_whole_and_on_its_curve(void **state)
{
	(void)state;
	uint8_t bytes[1024];
	const char *reason = NULL;
	EVP_PKEY *key = ec_key("P-256");
	struct der spki = spki_of(key, bytes);
	bytes[spki.len - 1] ^= 1;
	assert_null(trust_key_read(spki, &reason));
	assert_string_equal(reason, "its EC point is not on the curve");
	bytes[spki.len - 1] ^= 1;
	bytes[spki.len - 65] = 6; /* the hybrid form */
	assert_null(trust_key_read(spki, &reason));
	assert_string_equal(reason, "its EC point is not in uncompressed form");
	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
	                                                OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED), 1);
	assert_null(trust_key_read(spki_of(key, bytes), &reason));
	assert_string_equal(reason, "its EC point is not in uncompressed form");
	EVP_PKEY_free(key);
}

static void an_ec_key_has_its_curve_and_no_more(void **state)
{
	(void)state;
	static const uint8_t null[] = {0x05, 0x00};
	struct front out;
	uint8_t bytes[1024];
	const char *reason = NULL;
	EVP_PKEY *key = ec_key("P-256");
	struct der spki = spki_of(key, bytes), whole = {0}, algorithm = {0}, rest;
	assert_true(der_read(&spki, DER_SEQUENCE, &whole));
	assert_true(der_read(&whole, DER_SEQUENCE, &algorithm));
	rest = whole;
	for (int more = 0; more < 2; more++) {
		size_t end = out.at = sizeof out.bytes;
		put(&out, rest.p, rest.len);
		size_t middle = out.at;
		if (more)
			put(&out, null, sizeof null);
		put(&out, algorithm.p, algorithm.len);
		put_header(&out, DER_SEQUENCE, middle);
		put_header(&out, DER_SEQUENCE, end);
		EVP_PKEY *read = trust_key_read((struct der){out.bytes + out.at, end - out.at}, &reason);
		assert_int_equal(read == NULL, more);
		EVP_PKEY_free(read);
	}
	assert_string_equal(reason, EXPLICIT);
	EVP_PKEY_free(key);
}

static void a_key_of_another_kind_is_refused(void **state)
{
	(void)state;
	static const char *const kinds[] = {"ED25519", "X25519", "ED448"};
	uint8_t bytes[1024];
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, kinds[i]);
		assert_said(said_of(spki_of(key, bytes)), "its key is neither RSA nor EC");
		EVP_PKEY_free(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_rsa_key_has_2048_to_8192_bits),
		cmocka_unit_test(an_rsa_exponent_is_odd_and_from_3_to_2_32_less_1),
		cmocka_unit_test(an_rsa_key_has_one_spelling),
		cmocka_unit_test(an_ec_key_is_on_a_named_curve),
		cmocka_unit_test(an_ec_point_is_whole_and_on_its_curve),
		cmocka_unit_test(an_ec_key_has_its_curve_and_no_more),
		cmocka_unit_test(a_key_of_another_kind_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "trust/jwa_private.h"

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384 "\x2b\x81\x04\x00\x22"
#define OID_P521 "\x2b\x81\x04\x00\x23"

struct curve {
	const char *name; /* OpenSSL's group name */
	struct der oid;
	size_t octets;
	EVP_PKEY *parameters;
};

#define CURVE(name, oid, octets) {name, {(const uint8_t *)(oid), sizeof(oid) - 1}, octets, NULL}
static struct curve curves[] = {
	CURVE("prime256v1", OID_P256, 32),
	CURVE("secp384r1", OID_P384, 48),
	CURVE("secp521r1", OID_P521, 66),
};
enum { CURVES = sizeof curves / sizeof *curves };

/* Making a group is dear, so each curve's parameters are made once and copied. */
static EVP_PKEY *curve_parameters(struct curve *curve)
{
	if (curve->parameters != NULL)
		return curve->parameters;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (context != NULL && EVP_PKEY_paramgen_init(context) == 1 &&
	    EVP_PKEY_CTX_set_group_name(context, curve->name) == 1)
		EVP_PKEY_paramgen(context, &curve->parameters);
	EVP_PKEY_CTX_free(context);
	return curve->parameters;
}

/* Looking up what makes keys is dear, so it is done once. */
static EVP_PKEY_CTX *rsa_maker(void)
{
	static EVP_PKEY_CTX *maker;
	if (maker != NULL)
		return maker;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	if (context != NULL && EVP_PKEY_fromdata_init(context) == 1)
		return maker = context;
	EVP_PKEY_CTX_free(context);
	return NULL;
}

bool trust_crypto_prepare(void)
{
	bool good = true;
	for (unsigned i = 0; i < CURVES; i++)
		good = curve_parameters(&curves[i]) != NULL && good;
	good = rsa_maker() != NULL && good;
	for (unsigned bits = 256; bits <= 512; bits += 128)
		good = trust_digest(bits) != NULL && good;
	return good;
}

const EVP_MD *trust_digest(unsigned bits)
{
	static EVP_MD *fetched[3];
	static const char *const names[] = {"SHA256", "SHA384", "SHA512"};
	unsigned i = (bits - 256) / 128;
	if (fetched[i] == NULL)
		fetched[i] = EVP_MD_fetch(NULL, names[i], NULL);
	return fetched[i];
}

static EVP_PKEY *read_point(struct curve *curve, struct der point, const char **reason)
{
	if (point.len != 1 + 2 * curve->octets || point.p[0] != 4) {
		*reason = "its EC point is not in uncompressed form";
		return NULL;
	}
	EVP_PKEY *parameters = curve_parameters(curve);
	EVP_PKEY *key = EVP_PKEY_new();
	if (parameters != NULL && key != NULL && EVP_PKEY_copy_parameters(key, parameters) == 1 &&
	    EVP_PKEY_set1_encoded_public_key(key, point.p, point.len) == 1)
		return key;
	ERR_clear_error();
	EVP_PKEY_free(key);
	*reason = "its EC point is not on the curve";
	return NULL;
}

static EVP_PKEY *read_ec(struct der parameters, struct der point, const char **reason)
{
	struct der oid;
	if (!der_read(&parameters, DER_OID, &oid) || parameters.len != 0) {
		*reason = "its EC parameters are not a named curve";
		return NULL;
	}
	for (unsigned i = 0; i < CURVES; i++)
		if (der_same(oid, curves[i].oid))
			return read_point(&curves[i], point, reason);
	*reason = "its curve is none of P-256, P-384, P-521";
	return NULL;
}

static const char *check_rsa(size_t bits, const uint8_t *exponent, size_t exponent_len)
{
	if (bits < TRUST_RSA_BITS_MIN)
		return "its RSA key is shorter than 2048 bits";
	if (bits > TRUST_RSA_BITS_MAX)
		return "its RSA key is longer than 8192 bits";
	/* 1 would make every signature valid; even or huge ones are no RSA keys of anybody */
	if (exponent_len == 0 || exponent_len > 4 || (exponent[exponent_len - 1] & 1) == 0 ||
	    (exponent_len == 1 && exponent[0] < 3))
		return "its RSA exponent is not an odd number from 3 to 4294967295";
	return NULL;
}

static size_t bits_of(struct der number)
{
	size_t bits = number.len * 8;
	for (unsigned mask = 0x80; mask != 0 && number.len > 0 && (number.p[0] & mask) == 0; mask >>= 1)
		bits--;
	return bits;
}

static EVP_PKEY *build_rsa(struct der modulus, unsigned long exponent)
{
	uint8_t native[TRUST_RSA_BITS_MAX / 8];
	BIGNUM *n = BN_bin2bn(modulus.p, (int)modulus.len, NULL);
	EVP_PKEY_CTX *maker = rsa_maker();
	EVP_PKEY *key = NULL;
	if (n != NULL && maker != NULL && BN_bn2nativepad(n, native, (int)modulus.len) > 0) {
		OSSL_PARAM parameters[] = {
			OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native, modulus.len),
			OSSL_PARAM_construct_ulong(OSSL_PKEY_PARAM_RSA_E, &exponent),
			OSSL_PARAM_construct_end(),
		};
		EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, parameters);
	}
	BN_free(n);
	return key;
}

static EVP_PKEY *read_rsa(struct der parameters, struct der bits, const char **reason)
{
	struct der null, sequence, modulus, exponent;
	if (!der_read(&parameters, DER_NULL, &null) || null.len != 0 || parameters.len != 0 ||
	    !der_read(&bits, DER_SEQUENCE, &sequence) || bits.len != 0 ||
	    !der_read_unsigned(&sequence, &modulus) || !der_read_unsigned(&sequence, &exponent) ||
	    sequence.len != 0) {
		*reason = "its RSA key is malformed";
		return NULL;
	}
	*reason = check_rsa(bits_of(modulus), exponent.p, exponent.len);
	if (*reason != NULL)
		return NULL;
	unsigned long e = 0;
	for (size_t i = 0; i < exponent.len; i++)
		e = e << 8 | exponent.p[i];
	EVP_PKEY *key = build_rsa(modulus, e);
	if (key == NULL) {
		ERR_clear_error();
		*reason = "its RSA key is malformed";
	}
	return key;
}

EVP_PKEY *trust_key_read(struct der spki, const char **reason)
{
	struct der sequence, algorithm, oid, bits;
	if (!der_read(&spki, DER_SEQUENCE, &sequence) || spki.len != 0 ||
	    !der_read(&sequence, DER_SEQUENCE, &algorithm) || !der_read(&algorithm, DER_OID, &oid) ||
	    !der_read(&sequence, DER_BIT_STRING, &bits) || sequence.len != 0 || bits.len < 1 ||
	    bits.p[0] != 0) {
		*reason = "its public key is malformed";
		return NULL;
	}
	bits.p++;
	bits.len--;
	if (DER_IS(oid, OID_EC))
		return read_ec(algorithm, bits, reason);
	if (DER_IS(oid, OID_RSA))
		return read_rsa(algorithm, bits, reason);
	*reason = "its key is neither RSA nor EC";
	return NULL;
}

static const char *unfit_rsa(const EVP_PKEY *key)
{
	BIGNUM *e = NULL;
	uint8_t exponent[4];
	const char *reason = "its RSA key is malformed";
	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1) {
		size_t len = BN_num_bytes(e) <= 4 ? (size_t)BN_bn2bin(e, exponent) : 5;
		reason = check_rsa((size_t)EVP_PKEY_get_bits(key), exponent, len);
	}
	BN_free(e);
	return reason;
}

const char *trust_key_unfit(const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA"))
		return unfit_rsa(key);
	if (!EVP_PKEY_is_a(key, "EC"))
		return "its key is neither RSA nor EC";
	int explicit_parameters = 0;
	char name[32];
	if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
	                           &explicit_parameters) == 1 && explicit_parameters != 0)
		return "its EC parameters are not a named curve";
	if (EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1)
		for (unsigned i = 0; i < CURVES; i++)
			if (strcmp(name, curves[i].name) == 0)
				return NULL;
	return "its curve is none of P-256, P-384, P-521";
}

#include "trust/jwa_private.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

static const struct trust_algorithm algorithms[] = {
	{"RS256", TRUST_RSA_PKCS1, 256, NULL, 0},
	{"RS384", TRUST_RSA_PKCS1, 384, NULL, 0},
	{"RS512", TRUST_RSA_PKCS1, 512, NULL, 0},
	{"PS256", TRUST_RSA_PSS, 256, NULL, 0},
	{"PS384", TRUST_RSA_PSS, 384, NULL, 0},
	{"PS512", TRUST_RSA_PSS, 512, NULL, 0},
	{"ES256", TRUST_ECDSA, 256, "prime256v1", 32},
	{"ES384", TRUST_ECDSA, 384, "secp384r1", 48},
	{"ES512", TRUST_ECDSA, 512, "secp521r1", 66},
};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

const struct trust_algorithm *trust_algorithm_find(const char *name)
{
	for (unsigned i = 0; i < ALGORITHMS; i++)
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	return NULL;
}

/* OpenSSL's names of curves, as people know them. */
static const char *curve_title(const char *name)
{
	return strcmp(name, "prime256v1") == 0  ? "P-256"
	       : strcmp(name, "secp384r1") == 0 ? "P-384"
	       : strcmp(name, "secp521r1") == 0 ? "P-521"
	                                        : name;
}

const struct trust_algorithm *trust_algorithm_of(const EVP_PKEY *key, const char **reason)
{
	*reason = trust_key_unfit(key);
	if (*reason != NULL)
		return NULL;
	if (EVP_PKEY_is_a(key, "RSA"))
		return &algorithms[0];
	char name[32] = "";
	EVP_PKEY_get_group_name(key, name, sizeof name, NULL);
	for (unsigned i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].curve != NULL && strcmp(algorithms[i].curve, name) == 0)
			return &algorithms[i];
	return NULL;
}

bool trust_algorithm_fits(const struct trust_algorithm *algorithm, const EVP_PKEY *key,
                          struct trust_failure *failure)
{
	bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;
	if (rsa != (algorithm->scheme != TRUST_ECDSA))
		return trust_fail(failure, TRUST_ALGORITHM_NOT_ALLOWED,
		                  "alg %s does not fit the leaf's key, which is %s", algorithm->name,
		                  rsa ? "RSA" : "EC");
	if (rsa)
		return true;
	char name[32] = "?";
	EVP_PKEY_get_group_name(key, name, sizeof name, NULL);
	if (strcmp(name, algorithm->curve) == 0)
		return true;
	return trust_fail(failure, TRUST_ALGORITHM_NOT_ALLOWED,
	                  "alg %s needs a key on %s, but the leaf's is on %s", algorithm->name,
	                  curve_title(algorithm->curve), curve_title(name));
}

static bool set_up(EVP_PKEY_CTX *context, enum trust_scheme scheme, unsigned digest_bits)
{
	if (EVP_PKEY_CTX_set_signature_md(context, trust_digest(digest_bits)) != 1)
		return false;
	if (scheme == TRUST_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
	if (scheme == TRUST_RSA_PSS)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
	return true;
}

bool trust_signature_verify(EVP_PKEY *key, enum trust_scheme scheme, unsigned digest_bits,
                            const uint8_t *digest, const uint8_t *signature, size_t len)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool good = context != NULL && EVP_PKEY_verify_init(context) == 1 &&
	            set_up(context, scheme, digest_bits) &&
	            EVP_PKEY_verify(context, signature, len, digest, digest_bits / 8) == 1;
	EVP_PKEY_CTX_free(context);
	if (!good)
		ERR_clear_error();
	return good;
}

/* r || s as DER: its length, or 0. */
static size_t der_from_raw(const uint8_t *raw, size_t octets, uint8_t der[TRUST_SIGNATURE_BYTES_MAX])
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)octets, NULL);
	BIGNUM *s = BN_bin2bn(raw + octets, (int)octets, NULL);
	size_t len = 0;
	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL;
		int written = i2d_ECDSA_SIG(pair, &der);
		len = written > 0 ? (size_t)written : 0;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return len;
}

/* BER, padded or negative numbers would give one signature many spellings. */
static bool is_only_der(const uint8_t *signature, size_t len)
{
	struct der in = {signature, len}, pair, number;
	return der_read(&in, DER_SEQUENCE, &pair) && in.len == 0 && der_read_unsigned(&pair, &number) &&
	       der_read_unsigned(&pair, &number) && pair.len == 0;
}

bool trust_jwa_verify(const struct trust_algorithm *algorithm, EVP_PKEY *key,
                      const uint8_t *digest, const uint8_t *signature, size_t len)
{
	uint8_t der[TRUST_SIGNATURE_BYTES_MAX];
	if (algorithm->scheme == TRUST_ECDSA) {
		if (len == 2 * algorithm->octets) {
			len = der_from_raw(signature, algorithm->octets, der);
			signature = der;
		} else if (!is_only_der(signature, len)) {
			return false;
		}
	} else if (len != (size_t)EVP_PKEY_get_size(key)) {
		return false;
	}
	return len > 0 && trust_signature_verify(key, algorithm->scheme, algorithm->digest, digest,
	                                         signature, len);
}

static bool raw_from_der(const uint8_t *der, size_t len, size_t octets, uint8_t *raw)
{
	const uint8_t *p = der;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)len);
	bool good = pair != NULL &&
	            BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)octets) > 0 &&
	            BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + octets, (int)octets) > 0;
	ECDSA_SIG_free(pair);
	return good;
}

bool trust_jwa_sign(const struct trust_algorithm *algorithm, EVP_PKEY *key,
                    const uint8_t *digest, uint8_t *signature, size_t *len)
{
	uint8_t bytes[TRUST_SIGNATURE_BYTES_MAX];
	*len = sizeof bytes;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool good = context != NULL && EVP_PKEY_sign_init(context) == 1 &&
	            set_up(context, algorithm->scheme, algorithm->digest) &&
	            EVP_PKEY_sign(context, bytes, len, digest, algorithm->digest / 8) == 1;
	EVP_PKEY_CTX_free(context);
	if (good && algorithm->scheme == TRUST_ECDSA) {
		good = raw_from_der(bytes, *len, algorithm->octets, signature);
		*len = 2 * algorithm->octets;
	} else if (good) {
		memcpy(signature, bytes, *len);
	}
	if (!good)
		ERR_clear_error();
	return good;
}

/*
 * Signature algorithms of JWS (RFC 7518, section 3) and the keys that fit them.
 *
 *   RS256 RS384 RS512   RSASSA-PKCS1-v1_5      RSA, 2048 to 8192 bits
 *   PS256 PS384 PS512   RSASSA-PSS, MGF1 with the same digest, salt as long as the digest
 *   ES256 ES384 ES512   ECDSA on P-256, P-384, P-521, each with its own digest
 *
 * Everything else is not allowed: `none`, HMAC (its key would be public), EdDSA, ES256K.
 *
 * Keys are OpenSSL's; a `const` algorithm is static.
 */
#ifndef TRUST_JWA_PRIVATE_H
#define TRUST_JWA_PRIVATE_H

#include <openssl/evp.h>

#include "trust/der.h"
#include "trust/failure.h"

enum trust_scheme { TRUST_RSA_PKCS1, TRUST_RSA_PSS, TRUST_ECDSA };

struct trust_algorithm {
	const char *name;
	enum trust_scheme scheme;
	unsigned digest;   /* bits of SHA-2: 256, 384, 512 */
	const char *curve; /* OpenSSL's name; of ECDSA only */
	size_t octets;     /* of r, and of s */
};

enum { TRUST_SIGNATURE_BYTES_MAX = 1056, TRUST_RSA_BITS_MIN = 2048, TRUST_RSA_BITS_MAX = 8192 };

/* NULL when there is none of that name (compared byte by byte). */
const struct trust_algorithm *trust_algorithm_find(const char *name);

/* What a key signs with when nobody says: RS256, or the curve's own. NULL, with a sentence
 * in `reason`, when the key is of no use. */
const struct trust_algorithm *trust_algorithm_of(const EVP_PKEY *key, const char **reason);

/* False, with a failure, unless the algorithm fits the key's type and curve. */
bool trust_algorithm_fits(const struct trust_algorithm *algorithm, const EVP_PKEY *key,
                          struct trust_failure *failure);

/* Loads what OpenSSL loads lazily, before a sandbox forbids it. False when it cannot. */
bool trust_crypto_prepare(void);

/* SHA-256, SHA-384 or SHA-512 by its bits. */
const EVP_MD *trust_digest(unsigned bits);

/* A public key from a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7): RSA (RFC 8017,
 * modulus in bounds, exponent odd, from 3 to 2^32 - 1) or EC (RFC 5480: a named curve of the
 * three, an uncompressed point on it). The caller frees it. NULL with a static reason. */
EVP_PKEY *trust_key_read(struct der spki, const char **reason);

/* NULL when a key that OpenSSL read is one that trust_key_read() would accept, else why not. */
const char *trust_key_unfit(const EVP_PKEY *key);

/* Is `signature` (for ECDSA in DER) made over a message of this digest? */
bool trust_signature_verify(EVP_PKEY *key, enum trust_scheme scheme, unsigned digest_bits,
                            const uint8_t *digest, const uint8_t *signature, size_t len);

/* A JWS signature over `digest`: ECDSA as r || s, or, for compatibility with signers that do
 * not convert it, DER (which must be the one DER encoding). */
bool trust_jwa_verify(const struct trust_algorithm *algorithm, EVP_PKEY *key,
                      const uint8_t *digest, const uint8_t *signature, size_t len);

/* Signs; `signature` has room for TRUST_SIGNATURE_BYTES_MAX. ECDSA as r || s. */
bool trust_jwa_sign(const struct trust_algorithm *algorithm, EVP_PKEY *key,
                    const uint8_t *digest, uint8_t *signature, size_t *len);

#endif

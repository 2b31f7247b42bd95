/* Signatures themselves: what other spellings and odd numbers of them do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ecdsa.h>

#include "authority.h"
#include "trust/jwa_private.h"

static const uint8_t digest[64] = {9, 8, 7};

struct made {
	const struct trust_algorithm *algorithm;
	EVP_PKEY *key;
	uint8_t bytes[TRUST_SIGNATURE_BYTES_MAX];
	size_t len;
};

static struct made sign(const char *alg, EVP_PKEY *key)
{
	struct made made = {.algorithm = trust_algorithm_find(alg), .key = key};
	assert_non_null(made.algorithm);
	assert_true(trust_jwa_sign(made.algorithm, key, digest, made.bytes, &made.len));
	return made;
}

static bool verifies(const struct made *made, const uint8_t *bytes, size_t len)
{
	return trust_jwa_verify(made->algorithm, made->key, digest, bytes, len);
}

static void every_algorithm_signs_and_verifies(void **state)
{
	(void)state;
	static const char *const names[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};
	static const struct {
		const char *alg, *curve;
		size_t len;
	} curves[] = {{"ES256", "P-256", 64}, {"ES384", "P-384", 96}, {"ES512", "P-521", 132}};
	EVP_PKEY *key = rsa_key(2048);
	for (size_t i = 0; i < 6; i++) {
		struct made made = sign(names[i], key);
		assert_true(verifies(&made, made.bytes, made.len));
		made.bytes[5] ^= 1;
		assert_false(verifies(&made, made.bytes, made.len));
	}
	EVP_PKEY_free(key);
	for (size_t i = 0; i < 3; i++) {
		key = ec_key(curves[i].curve);
		struct made made = sign(curves[i].alg, key);
		assert_int_equal(made.len, curves[i].len);
		assert_true(verifies(&made, made.bytes, made.len));
		made.bytes[made.len - 1] ^= 1;
		assert_false(verifies(&made, made.bytes, made.len));
		EVP_PKEY_free(key);
	}
}

static void a_signature_of_another_padding_or_length_is_refused(void **state)
{
	(void)state;
	EVP_PKEY *key = rsa_key(2048);
	struct made pkcs1 = sign("RS256", key), pss = sign("PS256", key);
	assert_false(verifies(&pkcs1, pss.bytes, pss.len));
	assert_false(verifies(&pss, pkcs1.bytes, pkcs1.len));
	assert_false(verifies(&pkcs1, pkcs1.bytes, pkcs1.len - 1));
	pkcs1.bytes[pkcs1.len] = 0;
	assert_false(verifies(&pkcs1, pkcs1.bytes, pkcs1.len + 1));
	assert_false(verifies(&pkcs1, pkcs1.bytes, 0));
	EVP_PKEY_free(key);
}

/* Zero would make some verifiers accept anything ("psychic signatures"). */
static void r_and_s_are_in_their_range(void **state)
{
	(void)state;
	EVP_PKEY *key = ec_key("P-256");
	struct made made = sign("ES256", key);
	uint8_t zero[64] = {0}, one[64] = {0}, bytes[64];
	one[31] = one[63] = 1;
	assert_false(verifies(&made, zero, 64));
	assert_false(verifies(&made, one, 64));
	memcpy(bytes, made.bytes, 64);
	memset(bytes, 0, 32);
	assert_false(verifies(&made, bytes, 64));
	memcpy(bytes, made.bytes, 64);
	memset(bytes + 32, 0, 32);
	assert_false(verifies(&made, bytes, 64));
	memset(bytes, 0xff, 64);
	assert_false(verifies(&made, bytes, 64));
	EVP_PKEY_free(key);
}

static void ecdsa_may_be_der_in_its_one_spelling(void **state)
{
	(void)state;
	EVP_PKEY *key = ec_key("P-256");
	struct made made = sign("ES256", key);
	uint8_t der[80], bad[96], *p = der;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	assert_int_equal(ECDSA_SIG_set0(pair, BN_bin2bn(made.bytes, 32, NULL),
	                                BN_bin2bn(made.bytes + 32, 32, NULL)), 1);
	size_t len = (size_t)i2d_ECDSA_SIG(pair, &p);
	ECDSA_SIG_free(pair);
	assert_true(verifies(&made, der, len));
	/* bytes behind it */
	memcpy(bad, der, len);
	bad[len] = 0;
	assert_false(verifies(&made, bad, len + 1));
	/* a length in two bytes */
	bad[0] = 0x30, bad[1] = 0x81;
	memcpy(bad + 2, der + 1, len - 1);
	assert_false(verifies(&made, bad, len + 1));
	/* r padded with another zero */
	memcpy(bad, der, 4);
	bad[1]++, bad[3]++, bad[4] = 0;
	memcpy(bad + 5, der + 4, len - 4);
	assert_false(verifies(&made, bad, len + 1));
	assert_false(verifies(&made, der, len - 1));
	EVP_PKEY_free(key);
}

static void a_key_says_what_it_signs_with(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"P-256", "ES256"}, {"P-384", "ES384"}, {"P-521", "ES512"}};
	const char *reason;
	for (size_t i = 0; i < 3; i++) {
		EVP_PKEY *key = ec_key(pairs[i][0]);
		assert_string_equal(trust_algorithm_of(key, &reason)->name, pairs[i][1]);
		EVP_PKEY_free(key);
	}
	EVP_PKEY *key = rsa_key(2048);
	assert_string_equal(trust_algorithm_of(key, &reason)->name, "RS256");
	EVP_PKEY_free(key);
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_null(trust_algorithm_of(key, &reason));
	assert_non_null(strstr(reason, "neither RSA nor EC"));
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_signs_and_verifies),
		cmocka_unit_test(a_signature_of_another_padding_or_length_is_refused),
		cmocka_unit_test(r_and_s_are_in_their_range),
		cmocka_unit_test(ecdsa_may_be_der_in_its_one_spelling),
		cmocka_unit_test(a_key_says_what_it_signs_with),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

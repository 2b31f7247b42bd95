/* Signing: what it makes is verified, what cannot be verified is not made, and the card stays as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64url.h"
#include "json/json.h"
#include "scene.h"
#include "trust/sign.h"

static char *drain(BIO *bio)
{
	char *at, *text;
	long len = BIO_get_mem_data(bio, &at);
	text = malloc((size_t)len + 1);
	assert_non_null(text);
	memcpy(text, at, (size_t)len);
	text[len] = '\0';
	BIO_free(bio);
	return text;
}

static char *pem_of_key(EVP_PKEY *key, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int len = password == NULL ? 0 : (int)strlen(password);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, len > 0 ? EVP_aes_128_cbc() : NULL, password,
	                                               len, NULL, NULL), 1);
	return drain(bio);
}

static char *pem_of_chain(size_t count, const struct party *const *chain)
{
	BIO *bio = BIO_new(BIO_s_mem());
	for (size_t i = 0; i < count; i++)
		assert_int_equal(PEM_write_bio_X509(bio, chain[i]->certificate), 1);
	return drain(bio);
}

static char *together(const char *before, const char *after)
{
	size_t size = strlen(before) + strlen(after) + 1;
	char *text = malloc(size);
	assert_non_null(text);
	snprintf(text, size, "%s%s", before, after);
	return text;
}

static struct trust_signer *signer_of(EVP_PKEY *key, const char *chain, const char *key_id,
                                      char reason[TRUST_SIGN_REASON_SIZE])
{
	char *pem = pem_of_key(key, NULL);
	reason[0] = '\0';
	struct trust_signer *signer =
	        trust_signer_new(json_of(pem), json_of(chain), NULL, key_id, reason);
	free(pem);
	return signer;
}

static struct trust_signer *signer_by(const struct party *leaf, const char *key_id)
{
	char reason[TRUST_SIGN_REASON_SIZE], *chain = pem_of_chain(1, &leaf);
	struct trust_signer *signer = signer_of(leaf->key, chain, key_id, reason);
	if (signer == NULL)
		fail_msg("%s", reason);
	free(chain);
	return signer;
}

static void expect_refused(EVP_PKEY *key, const char *chain, const char *key_id, const char *words)
{
	char reason[TRUST_SIGN_REASON_SIZE];
	assert_null(signer_of(key, chain, key_id, reason));
	if (strstr(reason, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, reason);
}

/* The caller's to free. */
static char *sign(const struct trust_signer *signer, const char *card, bool replace)
{
	struct json_buffer out = {0};
	char reason[TRUST_SIGN_REASON_SIZE] = "";
	if (!trust_sign(signer, json_of(card), TRUST_FORM_JCS, replace, &out, reason))
		fail_msg("%.80s: %s", card, reason);
	json_putc(&out, '\0');
	return out.at;
}

static void expect_unsigned(const struct trust_signer *signer, const char *card, const char *words)
{
	struct json_buffer out = {0};
	char reason[TRUST_SIGN_REASON_SIZE] = "";
	json_puts(&out, "before");
	assert_false(trust_sign(signer, json_of(card), TRUST_FORM_A2A_SDK, false, &out, reason));
	assert_int_equal(out.len, strlen("before"));
	if (strstr(reason, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, reason);
	json_buffer_free(&out);
}

static void what_is_signed_is_verified(void **state)
{
	struct scene *scene = *state;
	struct trust_signer *signer = signer_by(&scene->leaf, NULL);
	char *card = sign(signer, TEST_PAYLOAD, false);
	expect(scene, card, TRUST_VERIFIED);
	free(card);
	trust_signer_free(signer);
}

static void a_chain_with_an_intermediate_is_verified_whatever_stands_between_its_certificates(void **state)
{
	struct scene *scene = *state;
	char reason[TRUST_SIGN_REASON_SIZE];
	struct party intermediate = make_ca(&scene->root, "intermediate"),
	             leaf = make_svid(&intermediate, ID);
	char *key = pem_of_key(leaf.key, NULL),
	     *chain = pem_of_chain(2, (const struct party *const[]){&leaf, &intermediate}),
	     *both = together(key, chain);
	struct trust_signer *signer = signer_of(leaf.key, both, NULL, reason);
	assert_non_null(signer);
	char *card = sign(signer, TEST_PAYLOAD, false);
	expect(scene, card, TRUST_VERIFIED);
	free(card);
	trust_signer_free(signer);
	free(both);
	free(chain);
	free(key);
	party_free(&leaf);
	party_free(&intermediate);
}

static struct json_text header_of(const char *card, struct json_buffer *bytes)
{
	struct json_text encoded = json_plain(
	        json_get(json_first(json_get(json_of(card), "signatures")).value, "protected"));
	assert_non_null(encoded.at);
	json_put(bytes, encoded.at, encoded.len); /* room for less */
	assert_true(trust_base64url_decode(encoded, (uint8_t *)bytes->at, &bytes->len));
	return json_buffer_text(bytes);
}

static void the_protected_header_names_algorithm_key_and_chain_and_nothing_else(void **state)
{
	struct scene *scene = *state;
	struct json_buffer bytes = {0};
	struct trust_signer *signer = signer_by(&scene->leaf, "mine");
	char *card = sign(signer, TEST_PAYLOAD, false), expected[8192],
	     *x5c = make_x5c(1, (const struct party *const[]){&scene->leaf});
	snprintf(expected, sizeof expected,
	         "{\"alg\":\"ES256\",\"typ\":\"JOSE\",\"kid\":\"mine\",\"x5c\":%s}", x5c);
	struct json_text header = header_of(card, &bytes);
	assert_int_equal(header.len, strlen(expected));
	assert_memory_equal(header.at, expected, header.len);
	expect(scene, card, TRUST_VERIFIED);
	assert_string_equal(scene->verdict.key_id, "mine");
	assert_string_equal(scene->verdict.spiffe_id, ID);
	assert_string_equal(scene->verdict.algorithm, "ES256");
	json_buffer_free(&bytes);
	free(x5c);
	free(card);
	trust_signer_free(signer);
}

static void without_a_key_id_it_is_the_digest_of_the_public_key(void **state)
{
	struct scene *scene = *state;
	struct json_buffer bytes = {0};
	unsigned char *spki = NULL, digest[32];
	int len = i2d_PUBKEY(scene->leaf.key, &spki);
	assert_int_equal(EVP_Digest(spki, (size_t)len, digest, NULL, EVP_sha256(), NULL), 1);
	struct trust_signer *signer = signer_by(&scene->leaf, NULL);
	char *card = sign(signer, TEST_PAYLOAD, false), *expected = encode64(digest, 32, true);
	assert_true(json_equals(json_get(header_of(card, &bytes), "kid"), expected));
	json_buffer_free(&bytes);
	OPENSSL_free(spki);
	free(expected);
	free(card);
	trust_signer_free(signer);
}

static void a_key_id_has_one_to_256_bytes(void **state)
{
	struct scene *scene = *state;
	char *chain = pem_of_chain(1, (const struct party *const[]){&scene->leaf}), id[258];
	memset(id, 'k', sizeof id);
	id[257] = '\0';
	expect_refused(scene->leaf.key, chain, id, "longer than 256 bytes");
	expect_refused(scene->leaf.key, chain, "", "is empty");
	id[256] = '\0';
	struct trust_signer *signer = signer_by(&scene->leaf, id);
	char *card = sign(signer, TEST_PAYLOAD, false);
	expect(scene, card, TRUST_VERIFIED);
	free(card);
	trust_signer_free(signer);
	free(chain);
}

static void a_chain_that_nobody_would_accept_signs_nothing(void **state)
{
	struct scene *scene = *state;
	struct party ca = make_ca(&scene->root, "intermediate"), other = make_svid(&scene->root, ID);
	const struct party *leaf = &scene->leaf;
	char *good = pem_of_chain(1, &leaf);
	char *foreign = pem_of_chain(2, (const struct party *const[]){leaf, &scene->other_root});
	char *last_foreign = pem_of_chain(
	        3, (const struct party *const[]){leaf, &scene->root, &scene->other_root});
	char *no_leaf = pem_of_chain(1, (const struct party *const[]){&ca});
	char *cut = together(good, "-----BEGIN CERTIFICATE-----\nAAAA\n");
	char *cut_short = strdup(good);
	cut_short[strlen(good) / 2] = '\0';
	expect_refused(leaf->key, foreign, NULL, "certificate 1 is not issued by the next");
	expect_refused(leaf->key, last_foreign, NULL, "certificate 2 is not issued by the next");
	expect_refused(ca.key, no_leaf, NULL, "the chain cannot be used");
	expect_refused(other.key, good, NULL, "the key is not that of the chain's first certificate");
	expect_refused(leaf->key, cut, NULL, "the chain is not in PEM");
	expect_refused(leaf->key, cut_short, NULL, "the chain is not in PEM");
	expect_refused(leaf->key, "", NULL, "the chain holds no certificate");
	char *const texts[] = {good, foreign, last_foreign, no_leaf, cut, cut_short};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	party_free(&other);
	party_free(&ca);
}

static void expect_key_refused(const struct party *leaf, const char *key, const char *algorithm,
                               const char *words)
{
	char reason[TRUST_SIGN_REASON_SIZE] = "", *chain = pem_of_chain(1, &leaf);
	assert_null(trust_signer_new(json_of(key), json_of(chain), algorithm, NULL, reason));
	if (strstr(reason, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, reason);
	free(chain);
}

static void a_key_that_nobody_would_accept_signs_nothing(void **state)
{
	struct scene *scene = *state;
	const struct party *leaf = &scene->leaf;
	EVP_PKEY *small = rsa_key(1024);
	char *encrypted = pem_of_key(leaf->key, "secret"), *weak = pem_of_key(small, NULL),
	     *good = pem_of_key(leaf->key, NULL);
	expect_key_refused(leaf, encrypted, NULL, "without a password");
	expect_key_refused(leaf, "", NULL, "not a private key in PEM");
	expect_key_refused(leaf, weak, NULL, "the key cannot be used");
	expect_key_refused(leaf, good, "none", "none is not an algorithm");
	expect_key_refused(leaf, good, "RS256", "RS256");
	free(good);
	free(weak);
	free(encrypted);
	EVP_PKEY_free(small);
}

static void the_span_of_a_signer_is_that_of_its_svid(void **state)
{
	struct scene *scene = *state;
	int64_t from, until;
	struct trust_signer *signer = signer_by(&scene->leaf, NULL);
	trust_signer_validity(signer, &from, &until);
	assert_int_equal(from, NOW - HOUR);
	assert_int_equal(until, NOW + HOUR);
	trust_signer_free(signer);
}

/* A signature goes where those that are there end, and all other bytes stay. */
static void a_signature_is_added_or_takes_the_place_of_all(void **state)
{
	struct scene *scene = *state;
	static const struct {
		const char *before, *signatures, *after;
		bool replace;
		unsigned count;
	} cases[] = {
		{" {\"name\":\"b\",", "\"signatures\" : null", ",\"n\":1.50}\n", false, 1},
		{"{\"name\":\"b\",", "\"signatures\":[ ]", "}", false, 1},
		{"{", "\"signatures\":[{\"protected\":\"e30\",\"signature\":\"AA\"}]", ",\"name\":\"b\"}", false, 2},
		{"{", "\"signatures\":[1,2,3]", ",\"name\":\"b\"}", true, 1},
		{"{\"name\":\"b\",", "\"signatures\":\"none\"", "}", true, 1},
	};
	struct trust_signer *signer = signer_by(&scene->leaf, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *rest = together(cases[i].signatures, cases[i].after),
		     *card = together(cases[i].before, rest),
		     *signed_card = sign(signer, card, cases[i].replace);
		struct json_text whole = json_of(signed_card);
		struct json_text before = json_trim(json_of(cases[i].before)),
		                 after = json_trim(json_of(cases[i].after));
		assert_memory_equal(signed_card, before.at, before.len);
		assert_memory_equal(whole.at + whole.len - after.len, after.at, after.len);
		assert_int_equal(json_count(json_get(whole, "signatures")), cases[i].count);
		expect(scene, signed_card, TRUST_VERIFIED);
		free(signed_card);
		free(card);
		free(rest);
	}
	trust_signer_free(signer);
}

static void an_agent_signs_no_more_often_than_a_checker_looks(void **state)
{
	struct scene *scene = *state;
	struct trust_signer *signer = signer_by(&scene->leaf, NULL);
	char *card = strdup(TEST_PAYLOAD);
	for (int i = 0; i < TRUST_SIGNATURES_MAX; i++) {
		char *more = sign(signer, card, false);
		free(card);
		card = more;
	}
	expect(scene, card, TRUST_VERIFIED);
	expect_unsigned(signer, card, "as many signatures as a card may have");
	free(card);
	trust_signer_free(signer);
}

static void what_is_no_card_is_not_signed(void **state)
{
	struct scene *scene = *state;
	struct trust_signer *signer = signer_by(&scene->leaf, NULL);
	expect_unsigned(signer, "[]", "it is not an object");
	expect_unsigned(signer, "{\"name\":\"b\",\"signatures\":\"none\"}", "its signatures are not an array");
	expect_unsigned(signer, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"b\"}",
	                "it is a Kubernetes object");
	expect_unsigned(signer, "{\"unheardOf\":\"b\"}", "");
	trust_signer_free(signer);
}

/* A card of `len` bytes. */
static char *card_of(size_t len)
{
	char *card = malloc(len + 1);
	assert_non_null(card);
	int zeros = (int)(len - strlen("{\"name\":\"\"}"));
	snprintf(card, len + 1, "{\"name\":\"%0*d\"}", zeros, 0);
	assert_int_equal(strlen(card), len);
	return card;
}

static void a_signed_card_is_at_most_a_mebibyte(void **state)
{
	struct scene *scene = *state;
	struct trust_signer *signer = signer_by(&scene->leaf, NULL);
	struct party ca = make_ca(NULL, "longer");
	/* ECDSA's signatures of P-256 have one length in a JWS */
	char *small = card_of(1000), *signed_small = sign(signer, small, false);
	size_t more = strlen(signed_small) - strlen(small);
	char *most = card_of(TRUST_CARD_MAX - more), *over = card_of(TRUST_CARD_MAX - more + 1);
	char *signed_most = sign(signer, most, false);
	assert_int_equal(strlen(signed_most), TRUST_CARD_MAX);
	expect(scene, signed_most, TRUST_VERIFIED);
	expect_unsigned(signer, over, "larger than a card may be");
	char *const texts[] = {small, signed_small, most, over, signed_most};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	party_free(&ca);
	trust_signer_free(signer);
}

static char advice[4096];

static void collect(const char *sentence)
{
	size_t len = strlen(advice);
	snprintf(advice + len, sizeof advice - len, "%s\n", sentence);
}

static void what_a_signature_does_not_cover_is_said(void **state)
{
	(void)state;
	advice[0] = '\0';
	trust_sign_advise(json_of("{\"name\":\"b\",\"supportedInterfaces\":[{\"url\":\"https://a.example\",\"protocolBinding\":\"JSONRPC\",\"protocolVersion\":\"1.0\"}],\"mood\":\"m\"}"),
	                  TRUST_FORM_A2A_SDK, collect);
	assert_non_null(strstr(advice, "the signature does not cover mood\n"));
	assert_non_null(strstr(advice, "the operator will not accept it: that checks form kagenti, which is not "
	                               "the same and leaves out mood, supportedInterfaces\n"));
	advice[0] = '\0';
	trust_sign_advise(json_of("{\"name\":\"b\",\"mood\":\"m\"}"), TRUST_FORM_JCS, collect);
	assert_null(strstr(advice, "does not cover"));
	assert_non_null(strstr(advice, "an SDK of A2A 1.0 will not accept it: that checks form a2a-sdk, which "
	                               "is not the same and leaves out mood\n"));
}

static const char *configmap(const char *namespace, const char *workload, struct json_buffer *out)
{
	out->len = 0;
	return trust_signed_configmap(json_of("{\"a\":\"\\\"\"}"), namespace, workload, out);
}

static void a_signed_card_is_put_into_the_configmap_of_its_workload(void **state)
{
	(void)state;
	struct json_buffer out = {0};
	assert_null(configmap("team-a", "billing.v2", &out));
	json_putc(&out, '\0');
	assert_string_equal(out.at,
	                    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"namespace\":\"team-a\","
	                    "\"name\":\"billing.v2-card-signed\"},\"data\":{\"agent-card.json\":"
	                    "\"{\\\"a\\\":\\\"\\\\\\\"\\\"}\"}}");
	json_buffer_free(&out);
}

static void a_configmap_has_names_of_kubernetes_or_is_not_made(void **state)
{
	(void)state;
	struct json_buffer out = {0};
	char name[260];
	static const char *const bad[] = {"", "-a", "a-", "A", "a_b", "a/b", "a\"b", "a:b", "a b", "a`b", "a{b", NULL};
	static const char *const bad_workloads[] = {".a", "a.", "a..b", "a.-b", "a-.b", NULL};
	static const char *const good[] = {"a", "0", "z9", "a-b", "a--b", "az09", NULL};
	for (size_t i = 0; bad[i] != NULL; i++) {
		assert_non_null(configmap(bad[i], "a", &out));
		assert_non_null(configmap("a", bad[i], &out));
		assert_int_equal(out.len, 0);
	}
	for (size_t i = 0; bad_workloads[i] != NULL; i++)
		assert_non_null(configmap("a", bad_workloads[i], &out));
	for (size_t i = 0; good[i] != NULL; i++)
		assert_null(configmap(good[i], good[i], &out));
	assert_non_null(configmap("a.b", "a", &out));
	assert_null(configmap("a", "a.b", &out));
	memset(name, 'a', sizeof name);
	name[63] = '\0';
	assert_null(configmap(name, "a", &out));
	name[63] = 'a', name[64] = '\0';
	assert_non_null(configmap(name, "a", &out));
	name[64] = 'a', name[253 - 12] = '\0';
	assert_null(configmap("a", name, &out));
	name[253 - 12] = 'a', name[253 - 11] = '\0';
	assert_non_null(configmap("a", name, &out));
	json_buffer_free(&out);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_signed_is_verified),
		CASE(a_chain_with_an_intermediate_is_verified_whatever_stands_between_its_certificates),
		CASE(the_protected_header_names_algorithm_key_and_chain_and_nothing_else),
		CASE(without_a_key_id_it_is_the_digest_of_the_public_key),
		CASE(a_key_id_has_one_to_256_bytes),
		CASE(a_chain_that_nobody_would_accept_signs_nothing),
		CASE(a_key_that_nobody_would_accept_signs_nothing),
		CASE(the_span_of_a_signer_is_that_of_its_svid),
		CASE(a_signature_is_added_or_takes_the_place_of_all),
		CASE(an_agent_signs_no_more_often_than_a_checker_looks),
		CASE(what_is_no_card_is_not_signed),
		CASE(a_signed_card_is_at_most_a_mebibyte),
		cmocka_unit_test(what_a_signature_does_not_cover_is_said),
		cmocka_unit_test(a_signed_card_is_put_into_the_configmap_of_its_workload),
		cmocka_unit_test(a_configmap_has_names_of_kubernetes_or_is_not_made),
	};
	return cmocka_run_group_tests_name("trust_sign", tests, NULL, NULL);
}

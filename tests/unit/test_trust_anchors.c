/* Trust bundles: both formats, and what spoils one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority.h"
#include "trust/anchors.h"

struct cas {
	struct party one, two;
	char *x5c_one, *x5c_two; /* arrays of one certificate */
};

static int set_up(void **state)
{
	struct cas *cas = calloc(1, sizeof *cas);
	assert_non_null(cas);
	cas->one = make_ca(NULL, "one");
	cas->two = make_ca(NULL, "two");
	cas->x5c_one = make_x5c(1, (const struct party *const[]){&cas->one});
	cas->x5c_two = make_x5c(1, (const struct party *const[]){&cas->two});
	*state = cas;
	return 0;
}

static int tear_down(void **state)
{
	struct cas *cas = *state;
	party_free(&cas->one);
	party_free(&cas->two);
	free(cas->x5c_one);
	free(cas->x5c_two);
	free(cas);
	return 0;
}

/* Reads a bundle of so many anchors, or one that is refused with these words; frees the text. */
static void expect(struct json_buffer *bundle, const char *domain, size_t count, const char *words)
{
	char reason[TRUST_BUNDLE_REASON_SIZE] = "";
	struct trust_anchors *anchors = trust_anchors_read(json_buffer_text(bundle), domain, reason);
	if (words != NULL && strstr(reason, words) == NULL)
		print_error("\"%s\" is not in \"%s\"\n", words, reason);
	if (words == NULL && anchors == NULL)
		print_error("%s\n", reason);
	assert_int_equal(anchors != NULL, words == NULL);
	if (anchors != NULL)
		assert_int_equal(trust_anchors_count(anchors), count);
	else if (words != NULL)
		assert_non_null(strstr(reason, words));
	trust_anchors_free(anchors);
	json_buffer_free(bundle);
}

static struct json_buffer text_of(const char *text)
{
	struct json_buffer buffer = {0};
	json_puts(&buffer, text);
	return buffer;
}

/* {"keys":[…]} with a key of each use and x5c. */
static struct json_buffer jwks(size_t count, const char *const *uses, const char *const *x5cs)
{
	struct json_buffer out = text_of("{\"keys\":[");
	for (size_t i = 0; i < count; i++)
		json_putf(&out, "%s{\"use\":\"%s\",\"kty\":\"EC\",\"x5c\":%s}", i > 0 ? "," : "", uses[i],
		          x5cs[i]);
	json_puts(&out, "],\"spiffe_sequence\":1}");
	return out;
}

static void a_spiffe_bundle_gives_its_x509_keys(void **state)
{
	struct cas *cas = *state;
	const char *uses[] = {"x509-svid", "jwt-svid", "x509-svid", "x509-svid"};
	const char *x5cs[] = {cas->x5c_one, "7", cas->x5c_two, cas->x5c_one};
	struct json_buffer bundle = jwks(4, uses, x5cs);
	expect(&bundle, NULL, 2, NULL);
	bundle = jwks(1, uses, x5cs);
	expect(&bundle, "example.org", 1, NULL);
}

static void a_pem_bundle_gives_its_certificates(void **state)
{
	struct cas *cas = *state;
	const struct party *both[] = {&cas->one, &cas->two, &cas->one};
	char *pem = make_bundle(3, both);
	struct json_buffer bundle = text_of("# a remark\n");
	json_puts(&bundle, pem);
	expect(&bundle, NULL, 2, NULL);
	free(pem);
}

static void a_document_of_several_trust_domains_gives_the_one_asked_for(void **state)
{
	struct cas *cas = *state;
	const char *uses[] = {"x509-svid", "x509-svid"};
	const char *x5cs[] = {cas->x5c_one, cas->x5c_two};
	for (int round = 0; round < 3; round++) {
		struct json_buffer one = jwks(1, uses, x5cs), both = jwks(2, uses, x5cs), all = {0};
		json_puts(&all, "{\"trust_domains\":{\"a.org\":");
		json_puttext(&all, json_buffer_text(&one));
		json_puts(&all, ",\"b.org\":");
		json_puttext(&all, json_buffer_text(&both));
		json_puts(&all, "}}");
		json_buffer_free(&one);
		json_buffer_free(&both);
		assert_int_equal(json_count(trust_bundle_domains(json_buffer_text(&all))), 2);
		if (round == 0)
			expect(&all, "b.org", 2, NULL);
		else if (round == 1)
			expect(&all, "c.org", 0, "does not name trust domain c.org");
		else
			expect(&all, NULL, 0, "several trust domains");
	}
}

static void one_bad_part_spoils_a_bundle(void **state)
{
	struct cas *cas = *state;
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "is empty"},
		{" \n", "is empty"},
		{"{", "is not JSON"},
		{"{}", "no array \"keys\""},
		{"{\"keys\":{}}", "no array \"keys\""},
		{"{\"keys\":[]}", "has no certificate"},
		{"{\"keys\":[],\"keys\":[]}", "duplicate key"},
		{"{\"keys\":[1]}", "key 1 is not an object"},
		{"{\"keys\":[{\"use\":\"jwt-svid\"}]}", "has no certificate"},
		{"{\"keys\":[{\"use\":\"x509-svid\"}]}", "not exactly one certificate"},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"x5c\":[]}]}", "not exactly one certificate"},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"x5c\":[\"AA\"]}]}", "not in base64"},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"x5c\":[\"AAAA\"]}]}", "not a certificate in DER"},
		{"hello", "has no certificate"},
		{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a certificate in DER"},
		{"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "malformed"},
		{"-----BEGIN CERTIFICATE-----\nMIIB\n", "malformed"},
		{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		 "is not a certificate: PRIVATE KEY"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_buffer bundle = text_of(cases[i].text);
		expect(&bundle, NULL, 0, cases[i].words);
	}
	/* also beside good ones */
	const char *uses[] = {"x509-svid", "x509-svid"};
	const char *x5cs[] = {cas->x5c_one, "[\"AAAA\"]"};
	struct json_buffer bundle = jwks(2, uses, x5cs);
	expect(&bundle, NULL, 0, "certificate 2: it is not a certificate in DER");
}

static void an_anchor_is_a_ca_with_a_fit_key(void **state)
{
	(void)state;
	static const char *const words[] = {"not a CA", "not allow it to sign", "shorter than 2048",
	                                    "none of P-256"};
	struct party each[] = {
		issue(NULL, NULL, &(struct wishes){.extensions = WISHES(LEAF_EXTENSIONS)}),
		issue(NULL, NULL, &(struct wishes){.extensions = WISHES("basicConstraints", "CA:TRUE",
		                                                        "keyUsage", "digitalSignature")}),
		issue(NULL, rsa_key(1024), &(struct wishes){.extensions = WISHES(CA_EXTENSIONS)}),
		issue(NULL, ec_key("secp256k1"), &(struct wishes){.extensions = WISHES(CA_EXTENSIONS)}),
	};
	for (size_t i = 0; i < 4; i++) {
		const struct party *ca = &each[i];
		char *pem = make_bundle(1, &ca);
		struct json_buffer bundle = text_of(pem);
		expect(&bundle, NULL, 0, words[i]);
		free(pem);
		party_free(&each[i]);
	}
}

static void equal_anchors_have_one_fingerprint_whatever_their_order_and_format(void **state)
{
	struct cas *cas = *state;
	char reason[TRUST_BUNDLE_REASON_SIZE];
	const struct party *order[] = {&cas->two, &cas->one};
	const char *uses[] = {"x509-svid", "x509-svid"};
	const char *x5cs[] = {cas->x5c_one, cas->x5c_two};
	char *pem = make_bundle(2, order), *less = make_bundle(1, order);
	struct json_buffer set = jwks(2, uses, x5cs);
	struct trust_anchors *a = trust_anchors_read(json_of(pem), NULL, reason);
	struct trust_anchors *b = trust_anchors_read(json_buffer_text(&set), NULL, reason);
	struct trust_anchors *c = trust_anchors_read(json_of(less), NULL, reason);
	assert_memory_equal(trust_anchors_fingerprint(a), trust_anchors_fingerprint(b), 32);
	assert_memory_not_equal(trust_anchors_fingerprint(a), trust_anchors_fingerprint(c), 32);
	trust_anchors_free(a);
	trust_anchors_free(b);
	trust_anchors_free(c);
	json_buffer_free(&set);
	free(pem);
	free(less);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_spiffe_bundle_gives_its_x509_keys),
		TEST(a_pem_bundle_gives_its_certificates),
		TEST(a_document_of_several_trust_domains_gives_the_one_asked_for),
		TEST(one_bad_part_spoils_a_bundle),
		TEST(an_anchor_is_a_ca_with_a_fit_key),
		TEST(equal_anchors_have_one_fingerprint_whatever_their_order_and_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

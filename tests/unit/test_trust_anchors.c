/* Trust bundles: their formats, and what in them does not count. */
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

/* Reads a bundle of so many anchors, of which these words are said ("" nothing), or with NONE one
 * that is no bundle at all; frees the text. */
enum { NONE = 1000 };
static void expect(struct json_buffer *bundle, const char *domain, size_t count, const char *words)
{
	char reason[TRUST_BUNDLE_REASON_SIZE] = "unset";
	struct trust_anchors *anchors = trust_anchors_read(json_buffer_text(bundle), domain, reason);
	if (strstr(reason, words) == NULL || (words[0] == '\0' && reason[0] != '\0'))
		print_error("\"%s\" is not in \"%s\"\n", words, reason);
	assert_int_equal(anchors == NULL, count == NONE);
	if (anchors != NULL)
		assert_int_equal(trust_anchors_count(anchors), count);
	assert_non_null(strstr(reason, words));
	if (words[0] == '\0')
		assert_string_equal(reason, "");
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
	expect(&bundle, NULL, 2, "");
	bundle = jwks(1, uses, x5cs);
	expect(&bundle, "example.org", 1, "");
}

static void a_pem_bundle_gives_its_certificates(void **state)
{
	struct cas *cas = *state;
	const struct party *both[] = {&cas->one, &cas->two, &cas->one};
	char *pem = make_bundle(3, both);
	struct json_buffer bundle = text_of("# a remark\n");
	json_puts(&bundle, pem);
	expect(&bundle, NULL, 2, "");
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
			expect(&all, "b.org", 2, "");
		else if (round == 1)
			expect(&all, "c.org", 0, "does not name trust domain c.org");
		else
			expect(&all, NULL, 0, "several trust domains");
	}
}

static void what_is_no_bundle_at_all_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"{", "is not JSON"},
		{"{}", "no array \"keys\""},
		{"{\"keys\":{}}", "no array \"keys\""},
		{"{\"trust_domains\":[]}", "no array \"keys\""},
		{"{\"keys\":[],\"keys\":[]}", "duplicate key"},
		{"[]", "neither a JSON object nor PEM"},
		{"hello", "neither a JSON object nor PEM"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_buffer bundle = text_of(cases[i].text);
		expect(&bundle, NULL, NONE, cases[i].words);
	}
	struct json_buffer large = text_of("{\"keys\":[],\"pad\":\"");
	for (int i = 0; i < TRUST_BUNDLE_MAX; i++)
		json_putc(&large, 'x');
	json_puts(&large, "\"}");
	expect(&large, NULL, NONE, "larger than 1048576 bytes");
}

static void a_bundle_without_a_usable_entry_ends_trust(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "is empty"},
		{" \n", "is empty"},
		{"{\"keys\":[]}", ""},
		{"{\"keys\":[1]}", "key 1 is not an object"},
		{"{\"keys\":[{\"use\":\"jwt-svid\"},{\"use\":\"wit-svid\"}]}", ""},
		{"{\"keys\":[{\"use\":\"x509\",\"kty\":\"EC\"}]}", "key 1: its use is missing or unknown"},
		{"{\"keys\":[{\"use\":\"x509-svid\"}]}", "key 1: its kty is missing or unknown"},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"OKP\",\"x5c\":[\"AAAA\"]}]}",
		 "key 1: its kty is missing or unknown"},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\"}]}", "key 1: it has no x5c"},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[]}]}", "key 1: it has no x5c"},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[\"AA\"]}]}", "no string in base64"},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[7]}]}", "no string in base64"},
		{"{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[\"AAAA\"]}]}", "not a certificate in DER"},
		{"{\"trust_domains\":{}}", "several trust domains"},
		{"{\"trust_domains\":{\"a.org\":{}}}", "no array \"keys\""},
		{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a certificate in DER"},
		{"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "malformed"},
		{"-----BEGIN CERTIFICATE-----\nMIIB\n", "malformed"},
		{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		 "is not a certificate: PRIVATE KEY"},
		{"-----BEGIN CERTIFICATE-----\nMIIB\n-----BEGIN X-----\nAAAA\n-----END X-----\n",
		 "2 parts are ignored, the first: PEM block 1 is malformed"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_buffer bundle = text_of(cases[i].text);
		expect(&bundle, NULL, 0, cases[i].words);
	}
}

static void one_bad_entry_does_not_spoil_the_others(void **state)
{
	struct cas *cas = *state;
	const char *uses[] = {"x509-svid", "ssh-svid", "x509-svid"};
	const char *x5cs[] = {"[\"AAAA\"]", cas->x5c_two, cas->x5c_one};
	struct json_buffer bundle = jwks(3, uses, x5cs);
	expect(&bundle, NULL, 1, "2 parts are ignored, the first: key 1: it is not a certificate in DER");
	const struct party *one[] = {&cas->one};
	char *pem = make_bundle(1, one);
	bundle = text_of("-----BEGIN CERTIFICATE-----\nMIIB\n");
	json_puts(&bundle, pem);
	expect(&bundle, NULL, 1, "PEM block 1 is malformed");
	free(pem);
}

static void of_several_certificates_in_one_key_the_first_counts(void **state)
{
	struct cas *cas = *state;
	const struct party *both[] = {&cas->one, &cas->two};
	char *x5c = make_x5c(2, both), reason[TRUST_BUNDLE_REASON_SIZE];
	const char *uses[] = {"x509-svid", "x509-svid"}, *x5cs[] = {x5c, cas->x5c_one};
	struct json_buffer bundle = jwks(1, uses, x5cs), first = jwks(1, uses, x5cs + 1);
	struct trust_anchors *a = trust_anchors_read(json_buffer_text(&bundle), NULL, reason);
	struct trust_anchors *b = trust_anchors_read(json_buffer_text(&first), NULL, reason);
	assert_memory_equal(trust_anchors_fingerprint(a), trust_anchors_fingerprint(b), 32);
	trust_anchors_free(a);
	trust_anchors_free(b);
	json_buffer_free(&first);
	expect(&bundle, NULL, 1, "only the first counts");
	free(x5c);
}

static void the_sequence_of_a_bundle_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t sequence; /* -1: there is none */
	} cases[] = {
		{"{\"keys\":[],\"spiffe_sequence\":17}", 17},
		{"{\"trust_domains\":{\"a.org\":{\"keys\":[],\"spiffe_sequence\":18}}}", 18},
		{"{\"keys\":[],\"spiffe_sequence\":\"17\"}", -1},
		{"{\"keys\":[]}", -1},
		{"-----BEGIN X-----\n", -1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char reason[TRUST_BUNDLE_REASON_SIZE];
		int64_t sequence;
		struct trust_anchors *anchors = trust_anchors_read(json_of(cases[i].text), NULL, reason);
		assert_int_equal(trust_anchors_sequence(anchors, &sequence), cases[i].sequence >= 0);
		if (cases[i].sequence >= 0)
			assert_true(sequence == cases[i].sequence);
		trust_anchors_free(anchors);
	}
}

/* The key identifier of a certificate, as OpenSSL prints it. */
static void print_id(const struct party *party, char id[64])
{
	const ASN1_OCTET_STRING *octets = X509_get0_subject_key_id(party->certificate);
	for (int i = 0; i < ASN1_STRING_length(octets); i++)
		sprintf(id + 3 * i, "%02X:", ASN1_STRING_get0_data(octets)[i]);
	id[3 * ASN1_STRING_length(octets) - 1] = '\0';
}

static void an_anchor_can_be_left_out_by_its_id(void **state)
{
	struct cas *cas = *state;
	const struct party *both[] = {&cas->one, &cas->two};
	char id[64], reason[TRUST_BUNDLE_REASON_SIZE];
	char *pem = make_bundle(2, both), *less = make_bundle(1, both + 1);
	struct trust_anchors *a = trust_anchors_read(json_of(pem), NULL, reason);
	struct trust_anchors *b = trust_anchors_read(json_of(less), NULL, reason);
	print_id(&cas->one, id);
	assert_true(trust_anchor_id_is_valid(id));
	assert_int_equal(trust_anchors_leave_out(a, "00"), 0);
	assert_int_equal(trust_anchors_count(a), 2);
	assert_int_equal(trust_anchors_leave_out(a, id), 1);
	assert_int_equal(trust_anchors_leave_out(a, id), 0);
	assert_memory_equal(trust_anchors_fingerprint(a), trust_anchors_fingerprint(b), 32);
	static const char *const bad[] = {"", ":", "0", "abc", "xy", "00 11", "root"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(trust_anchor_id_is_valid(bad[i]));
	trust_anchors_free(a);
	trust_anchors_free(b);
	free(pem);
	free(less);
}

static void an_anchor_is_a_ca_with_a_fit_key(void **state)
{
	(void)state;
	static const char *const words[] = {"not a CA", "not allow it to sign", "shorter than 2048",
	                                    "none of P-256", "has a path", "critical extension",
	                                    "critical policy extension", "several URIs"};
	struct party each[] = {
		issue(NULL, NULL, &(struct wishes){.extensions = WISHES(LEAF_EXTENSIONS)}),
		issue(NULL, NULL, &(struct wishes){.extensions = WISHES("basicConstraints", "CA:TRUE",
		                                                        "keyUsage", "digitalSignature")}),
		issue(NULL, rsa_key(1024), &(struct wishes){.extensions = WISHES(CA_EXTENSIONS)}),
		issue(NULL, ec_key("secp256k1"), &(struct wishes){.extensions = WISHES(CA_EXTENSIONS)}),
		issue(NULL, NULL, &(struct wishes){.extensions = WISHES(CA_EXTENSIONS, "subjectAltName",
		                                                        "URI:spiffe://example.org/ca")}),
		issue(NULL, NULL, &(struct wishes){.extensions = WISHES(CA_EXTENSIONS, "1.2.3.4",
		                                                        "critical,DER:0500")}),
		issue(NULL, NULL, &(struct wishes){.extensions = WISHES(CA_EXTENSIONS, "policyConstraints",
		                                                        "critical,requireExplicitPolicy:0")}),
		issue(NULL, NULL, &(struct wishes){.extensions = WISHES(CA_EXTENSIONS, "subjectAltName",
		                                                        "URI:spiffe://a,URI:spiffe://b")}),
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
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
		TEST(what_is_no_bundle_at_all_is_refused),
		TEST(a_bundle_without_a_usable_entry_ends_trust),
		TEST(one_bad_entry_does_not_spoil_the_others),
		TEST(of_several_certificates_in_one_key_the_first_counts),
		TEST(the_sequence_of_a_bundle_is_told),
		TEST(an_anchor_can_be_left_out_by_its_id),
		TEST(an_anchor_is_a_ca_with_a_fit_key),
		TEST(equal_anchors_have_one_fingerprint_whatever_their_order_and_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The chain in x5c: every rule that a leaf, an intermediate and an anchor must keep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

#define URI "subjectAltName", ID_URI
#define USAGE "keyUsage", "critical,digitalSignature"

static char *card_below(size_t count, const struct party *const *chain)
{
	return make_card(EVP_PKEY_is_a(chain[0]->key, "RSA") ? "RS256" : "ES256", count, chain);
}

static void expect_chain(struct scene *scene, size_t count, const struct party *const *chain,
                         enum trust_reason reason, const char *words)
{
	char *card = card_below(count, chain);
	expect_message(scene, card, reason, words);
	free(card);
}

static void expect_leaf(struct scene *scene, const struct wishes *wishes, enum trust_reason reason,
                        const char *words)
{
	struct party leaf = issue(&scene->root, NULL, wishes);
	expect_chain(scene, 1, (const struct party *const[]){&leaf}, reason, words);
	party_free(&leaf);
}

struct leaf_case {
	struct wishes wishes;
	enum trust_reason reason;
	const char *words;
};
#define LEAF(reason_, words_, ...) \
	{{.extensions = WISHES(__VA_ARGS__)}, TRUST_##reason_, words_}

static void expect_leaves(struct scene *scene, size_t count, const struct leaf_case *cases)
{
	for (size_t i = 0; i < count; i++)
		expect_leaf(scene, &cases[i].wishes, cases[i].reason, cases[i].words);
}

static void a_leaf_is_an_svid_or_is_refused(void **state)
{
	const struct leaf_case cases[] = {
		LEAF(VERIFIED, "signed by", USAGE, URI),
		LEAF(VERIFIED, "signed by", USAGE, "extendedKeyUsage", "critical,clientAuth", URI),
		LEAF(VERIFIED, "signed by", USAGE, "subjectAltName",
		     "critical,URI:spiffe://example.org/ns/team-a/sa/billing"),
		LEAF(VERIFIED, "signed by", USAGE, "subjectAltName",
		     "DNS:billing,URI:spiffe://example.org/ns/team-a/sa/billing,email:a@b.c"),
		LEAF(CHAIN_INVALID, "is a CA", CA_EXTENSIONS, URI),
		LEAF(CHAIN_INVALID, "is a CA", "basicConstraints", "CA:TRUE", USAGE, URI),
		LEAF(CHAIN_INVALID, "has no key usage", URI),
		LEAF(CHAIN_INVALID, "lacks digitalSignature", "keyUsage", "keyAgreement", URI),
		LEAF(CHAIN_INVALID, "has keyCertSign", "keyUsage", "digitalSignature,keyCertSign", URI),
		LEAF(CHAIN_INVALID, "has cRLSign", "keyUsage", "digitalSignature,cRLSign", URI),
		/* cRLSign in a bit that is declared unused */
		LEAF(CHAIN_INVALID, "malformed", "keyUsage", "DER:03020382", URI),
		LEAF(CHAIN_INVALID, "not understood", USAGE, URI, "1.2.3.4", "critical,DER:0500"),
		LEAF(VERIFIED, "signed by", USAGE, URI, "1.2.3.4", "DER:0500"),
		LEAF(CHAIN_INVALID, "not understood", USAGE, URI, "nameConstraints",
		     "critical,permitted;URI:example.org"),
		LEAF(CHAIN_INVALID, "there twice", USAGE, URI, "subjectAltName", "URI:spiffe://example.org/x"),
		LEAF(CHAIN_INVALID, "malformed", USAGE, "subjectAltName", "DER:3003860161ff"),
	};
	expect_leaves(*state, sizeof cases / sizeof *cases, cases);
}

static void a_leaf_names_exactly_one_spiffe_id(void **state)
{
	const struct leaf_case cases[] = {
		LEAF(SPIFFE_ID_INVALID, "names 0 URIs", USAGE),
		LEAF(SPIFFE_ID_INVALID, "names 0 URIs", USAGE, "subjectAltName", "DNS:example.org"),
		LEAF(SPIFFE_ID_INVALID, "names 2 URIs", USAGE, "subjectAltName",
		     "URI:spiffe://example.org/a,URI:spiffe://example.org/a"),
		LEAF(SPIFFE_ID_INVALID, "names 2 URIs", USAGE, "subjectAltName",
		     "URI:https://x,URI:spiffe://example.org/a"),
		LEAF(SPIFFE_ID_INVALID, "does not start with spiffe://", USAGE, "subjectAltName",
		     "URI:https://example.org/ns/team-a/sa/billing"),
		LEAF(SPIFFE_ID_INVALID, "has no path", USAGE, "subjectAltName", "URI:spiffe://example.org"),
		LEAF(SPIFFE_ID_INVALID, "upper case", USAGE, "subjectAltName",
		     "URI:spiffe://Example.org/ns/team-a/sa/billing"),
		LEAF(SPIFFE_ID_INVALID, "dot segment", USAGE, "subjectAltName",
		     "URI:spiffe://example.org/x/../ns/team-a/sa/billing"),
		/* spiffe://example.org/a<NUL>b: who stops at the NUL reads another name */
		LEAF(SPIFFE_ID_INVALID, "NUL", USAGE, "subjectAltName",
		     "DER:301a86187370696666653a2f2f6578616d706c652e6f72672f610062"),
		LEAF(DOMAIN_MISMATCH, "not of example.org", USAGE, "subjectAltName",
		     "URI:spiffe://example.org.evil/ns/team-a/sa/billing"),
	};
	expect_leaves(*state, sizeof cases / sizeof *cases, cases);
}

static void a_leaf_of_version_1_or_never_valid_is_refused(void **state)
{
	struct scene *scene = *state;
	expect_leaf(scene, &(struct wishes){.version1 = true}, TRUST_CHAIN_INVALID, "not of version 3");
	expect_leaf(scene, &(struct wishes){.extensions = WISHES(USAGE, URI), .from = HOUR, .to = -HOUR},
	            TRUST_CHAIN_INVALID, "not yet valid");
	expect_leaf(scene, &(struct wishes){.extensions = WISHES(USAGE, URI), .from = -HOUR, .to = -2 * HOUR},
	            TRUST_CHAIN_INVALID, "never valid");
}

static void a_self_signed_leaf_is_refused(void **state)
{
	struct scene *scene = *state;
	struct party leaf = issue(NULL, NULL, &(struct wishes){.extensions = WISHES(USAGE, URI)});
	expect_chain(scene, 1, (const struct party *const[]){&leaf}, TRUST_CHAIN_INVALID, "self-signed");
	party_free(&leaf);
	/* also when it takes the root's name */
	leaf = issue(NULL, NULL,
	             &(struct wishes){.extensions = WISHES(USAGE, URI), .subject = "root"});
	expect_chain(scene, 1, (const struct party *const[]){&leaf}, TRUST_CHAIN_INVALID,
	             "not signed by its issuer's key");
	party_free(&leaf);
}

static struct party svid_below(const struct party *issuer)
{
	return make_svid(issuer, ID);
}

static void a_chain_may_hold_intermediates_and_the_anchor_itself(void **state)
{
	struct scene *scene = *state;
	struct party middle = make_ca(&scene->root, "middle"), low = make_ca(&middle, "low");
	struct party below_middle = svid_below(&middle), below_low = svid_below(&low);
	const struct party *direct[] = {&scene->leaf, &scene->root};
	const struct party *two[] = {&below_middle, &middle, &scene->root};
	const struct party *three[] = {&below_low, &low, &middle};
	expect_chain(scene, 1, direct, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 2, direct, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 2, two, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 3, two, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 3, three, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 1, two, TRUST_CHAIN_INVALID, "does not lead to an anchor");
	expect_chain(scene, 2, three, TRUST_CHAIN_INVALID, "does not lead to an anchor");
	/* an anchor need not be self-signed */
	trust(scene, "example.org", &middle);
	expect_chain(scene, 1, two, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 3, two, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 3, three, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 1, direct, TRUST_CHAIN_INVALID, "does not lead to an anchor");
	party_free(&below_low);
	party_free(&below_middle);
	party_free(&low);
	party_free(&middle);
}

static void a_chain_is_in_order_and_not_too_long(void **state)
{
	struct scene *scene = *state;
	struct party middle = make_ca(&scene->root, "middle"), low = make_ca(&middle, "low");
	struct party leaf = svid_below(&low);
	const struct party *shuffled[] = {&leaf, &middle, &low};
	const struct party *gap[] = {&leaf, &middle};
	const struct party *four[] = {&leaf, &low, &middle, &scene->root};
	const struct party *twice[] = {&scene->leaf, &scene->leaf};
	const struct party *upside_down[] = {&low, &leaf};
	expect_chain(scene, 3, shuffled, TRUST_CHAIN_INVALID, "out of order: x5c[0]");
	expect_chain(scene, 2, gap, TRUST_CHAIN_INVALID, "out of order: x5c[0]");
	expect_chain(scene, 4, four, TRUST_CHAIN_INVALID, "holds 4 certificates");
	expect_chain(scene, 2, twice, TRUST_CHAIN_INVALID, "out of order");
	expect_chain(scene, 2, upside_down, TRUST_SPIFFE_ID_INVALID, "names 0 URIs");
	party_free(&leaf);
	party_free(&low);
	party_free(&middle);
}

/* A leaf below an intermediate of these extensions. */
static void expect_middle(struct scene *scene, const struct wishes *wishes, enum trust_reason reason,
                          const char *words)
{
	struct party middle = issue(&scene->root, NULL, wishes), leaf = svid_below(&middle);
	const struct party *chain[] = {&leaf, &middle};
	expect_chain(scene, 2, chain, reason, words);
	/* and a second time, from what is remembered */
	char *card = card_below(2, chain);
	expect_message(scene, card, reason, words);
	free(card);
	party_free(&leaf);
	party_free(&middle);
}

static void an_intermediate_is_a_ca_of_the_same_trust_domain(void **state)
{
	struct scene *scene = *state;
	const struct leaf_case cases[] = {
		LEAF(VERIFIED, "signed by", CA_EXTENSIONS),
		LEAF(VERIFIED, "signed by", CA_EXTENSIONS, "subjectAltName", "URI:spiffe://example.org"),
		LEAF(VERIFIED, "signed by", CA_EXTENSIONS, "subjectAltName", "URI:https://other.org"),
		LEAF(CHAIN_INVALID, "x5c[1] is not a CA", LEAF_EXTENSIONS),
		LEAF(CHAIN_INVALID, "x5c[1] is not a CA", "keyUsage", "keyCertSign"),
		LEAF(CHAIN_INVALID, "x5c[1] may not sign certificates", "basicConstraints",
		     "critical,CA:TRUE", USAGE),
		LEAF(CHAIN_INVALID, "x5c[1] may not sign certificates", "basicConstraints",
		     "critical,CA:TRUE"),
		LEAF(CHAIN_INVALID, "another trust domain", CA_EXTENSIONS, "subjectAltName",
		     "URI:spiffe://other.org"),
		LEAF(CHAIN_INVALID, "another trust domain", CA_EXTENSIONS, "subjectAltName",
		     "URI:SPIFFE://example.org"),
		LEAF(CHAIN_INVALID, "several URIs", CA_EXTENSIONS, "subjectAltName",
		     "URI:spiffe://example.org,URI:https://x"),
		LEAF(CHAIN_INVALID, "whose SPIFFE ID has a path", CA_EXTENSIONS, "subjectAltName",
		     "URI:spiffe://example.org/ns/team-a/sa/ca"),
		LEAF(CHAIN_INVALID, "critical extension that is not understood", CA_EXTENSIONS, "1.2.3.4",
		     "critical,DER:0500"),
		/* policies are not evaluated: RFC 5280, sections 4.2.1.5, 4.2.1.11, 4.2.1.14 */
		LEAF(CHAIN_INVALID, "critical policy extension", CA_EXTENSIONS, "policyConstraints",
		     "critical,requireExplicitPolicy:0"),
		LEAF(CHAIN_INVALID, "critical policy extension", CA_EXTENSIONS, "policyMappings",
		     "critical,1.2.3:1.2.4"),
		LEAF(CHAIN_INVALID, "critical policy extension", CA_EXTENSIONS, "inhibitAnyPolicy",
		     "critical,0"),
		LEAF(VERIFIED, "signed by", CA_EXTENSIONS, "policyMappings", "1.2.3:1.2.4"),
		LEAF(VERIFIED, "signed by", CA_EXTENSIONS, "nameConstraints", "permitted;URI:example.org"),
		LEAF(CHAIN_INVALID, "permitted subtree", CA_EXTENSIONS, "nameConstraints",
		     "permitted;URI:other.org"),
		LEAF(CHAIN_INVALID, "excluded subtree", CA_EXTENSIONS, "nameConstraints",
		     "critical,excluded;URI:example.org"),
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wishes wishes = cases[i].wishes;
		wishes.subject = "middle";
		expect_middle(scene, &wishes, cases[i].reason, cases[i].words);
	}
	expect_middle(scene,
	              &(struct wishes){.extensions = WISHES(CA_EXTENSIONS), .subject = "sha1",
	                               .digest = EVP_sha1()},
	              TRUST_CHAIN_INVALID, "digest algorithm too weak");
	expect_middle(scene,
	              &(struct wishes){.extensions = WISHES(CA_EXTENSIONS), .subject = "past",
	                               .from = -9 * HOUR, .to = -2 * HOUR},
	              TRUST_CHAIN_INVALID, "never valid at the same time");
}

static void path_lengths_are_kept(void **state)
{
	struct scene *scene = *state;
	const char *const zero[] = {"basicConstraints", "critical,CA:TRUE,pathlen:0", "keyUsage",
	                            "critical,keyCertSign", NULL};
	struct party middle = issue(&scene->root, NULL,
	                            &(struct wishes){.extensions = zero, .subject = "middle"});
	struct party low = make_ca(&middle, "low");
	struct party good = svid_below(&middle), bad = svid_below(&low);
	expect_chain(scene, 2, (const struct party *const[]){&good, &middle}, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 3, (const struct party *const[]){&bad, &low, &middle}, TRUST_CHAIN_INVALID,
	             "the path below x5c[2] is longer than its path length, 0");
	/* the anchor's own counts as well */
	trust(scene, "example.org", &middle);
	expect_chain(scene, 1, (const struct party *const[]){&good}, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 2, (const struct party *const[]){&bad, &low}, TRUST_CHAIN_INVALID,
	             "the path below the anchor is longer than its path length, 0");
	party_free(&bad);
	party_free(&good);
	party_free(&low);
	party_free(&middle);
}

static void name_constraints_of_an_anchor_bind_a_leaf_directly_below(void **state)
{
	struct scene *scene = *state;
	struct party root = issue(NULL, NULL,
	                          &(struct wishes){.extensions = WISHES(CA_EXTENSIONS, "nameConstraints",
	                                                                "permitted;URI:other.org"),
	                                           .subject = "constrained"});
	struct party leaf = svid_below(&root);
	trust(scene, "example.org", &root);
	expect_chain(scene, 1, (const struct party *const[]){&leaf}, TRUST_CHAIN_INVALID,
	             "permitted subtree");
	party_free(&leaf);
	party_free(&root);
}

/* The same key and name twice: once for other names only. Whichever comes first, the other counts,
 * above a leaf and above an intermediate alike. */
static void of_two_anchors_with_one_name_and_key_each_is_tried(void **state)
{
	struct scene *scene = *state;
	char reason[TRUST_BUNDLE_REASON_SIZE];
	struct party free_root = make_ca(NULL, "twin");
	EVP_PKEY_up_ref(free_root.key);
	struct party bound = issue(NULL, free_root.key,
	                           &(struct wishes){.extensions = WISHES(CA_EXTENSIONS, "nameConstraints",
	                                                                 "permitted;URI:other.org"),
	                                            .subject = "twin"});
	struct party leaf = svid_below(&free_root), middle = make_ca(&free_root, "middle");
	struct party low = svid_below(&middle);
	const struct party *direct[] = {&leaf}, *below[] = {&low, &middle};
	const struct party *twins[] = {&bound, &free_root};
	char *pem = make_bundle(2, twins);
	trust_checker_anchors(scene->checker, "example.org", trust_anchors_read(json_of(pem), NULL, reason));
	expect_chain(scene, 1, direct, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 2, below, TRUST_VERIFIED, "signed by");
	trust(scene, "example.org", &bound);
	expect_chain(scene, 1, direct, TRUST_CHAIN_INVALID, "permitted subtree");
	expect_chain(scene, 2, below, TRUST_CHAIN_INVALID, "permitted subtree");
	free(pem);
	party_free(&low);
	party_free(&middle);
	party_free(&leaf);
	party_free(&bound);
	party_free(&free_root);
}

/* RFC 5280, section 6.1.3 (b): a CA that certified its own new key. */
static void a_self_issued_intermediate_is_exempt_from_name_constraints(void **state)
{
	struct scene *scene = *state;
	struct party root = issue(NULL, NULL,
	                          &(struct wishes){.extensions = WISHES(CA_EXTENSIONS, "nameConstraints",
	                                                                "permitted;DNS:agents.example"),
	                                           .subject = "rolling"});
	trust(scene, "example.org", &root);
	static const char *const subjects[] = {"rolling", "another"};
	for (int i = 0; i < 2; i++) {
		struct party middle = issue(&root, NULL,
		                            &(struct wishes){.extensions = WISHES(CA_EXTENSIONS,
		                                                                  "authorityKeyIdentifier", "keyid",
		                                                                  "subjectAltName", "DNS:elsewhere.example"),
		                                             .subject = subjects[i]});
		struct party good = svid_below(&middle);
		static const char with_name[] = ID_URI ",DNS:elsewhere.example";
		struct party bad = issue(&middle, NULL,
		                         &(struct wishes){.extensions = WISHES(LEAF_EXTENSIONS, "subjectAltName", with_name)});
		const struct party *chain[] = {&good, &middle}, *named[] = {&bad, &middle};
		expect_chain(scene, 2, chain, i == 0 ? TRUST_VERIFIED : TRUST_CHAIN_INVALID,
		             i == 0 ? "signed by" : "permitted subtree");
		expect_chain(scene, 2, named, TRUST_CHAIN_INVALID, "permitted subtree");
		party_free(&bad);
		party_free(&good);
		party_free(&middle);
	}
	party_free(&root);
}

static void the_anchor_that_a_chain_leads_to_is_named(void **state)
{
	struct scene *scene = *state;
	struct party middle = make_ca(&scene->root, "middle"), leaf = svid_below(&middle);
	const ASN1_OCTET_STRING *octets = X509_get0_subject_key_id(scene->root.certificate);
	char id[64];
	for (int i = 0; i < ASN1_STRING_length(octets); i++)
		sprintf(id + 2 * i, "%02x", ASN1_STRING_get0_data(octets)[i]);
	expect_chain(scene, 2, (const struct party *const[]){&leaf, &middle}, TRUST_VERIFIED, "signed by");
	assert_string_equal(scene->verdict.anchor, id);
	expect_chain(scene, 1, (const struct party *const[]){&scene->leaf}, TRUST_VERIFIED, "signed by");
	assert_string_equal(scene->verdict.anchor, id);
	expect_chain(scene, 1, (const struct party *const[]){&leaf}, TRUST_CHAIN_INVALID, "anchor");
	assert_string_equal(scene->verdict.anchor, "");
	party_free(&leaf);
	party_free(&middle);
}

/* An anchor without a key identifier has one by RFC 7093, section 2, method 1. */
static void an_anchor_without_a_key_identifier_has_its_keys_digest(void **state)
{
	struct scene *scene = *state;
	struct party root = issue(NULL, NULL,
	                          &(struct wishes){.extensions = WISHES("basicConstraints", "critical,CA:TRUE",
	                                                                "keyUsage", "critical,keyCertSign"),
	                                           .subject = "plain"});
	struct party leaf = svid_below(&root);
	uint8_t digest[32];
	char id[64];
	X509_pubkey_digest(root.certificate, EVP_sha256(), digest, NULL);
	for (int i = 0; i < 20; i++)
		sprintf(id + 2 * i, "%02x", digest[i]);
	trust(scene, "example.org", &root);
	expect_chain(scene, 1, (const struct party *const[]){&leaf}, TRUST_VERIFIED, "signed by");
	assert_string_equal(scene->verdict.anchor, id);
	party_free(&leaf);
	party_free(&root);
}

static void an_issuer_of_the_right_name_and_the_wrong_key_is_refused(void **state)
{
	struct scene *scene = *state;
	struct party false_root = make_ca(NULL, "root"), leaf = svid_below(&false_root);
	struct party plain = issue(&false_root, NULL, &(struct wishes){.extensions = WISHES(USAGE, URI)});
	struct party middle = make_ca(&false_root, "middle"), low = svid_below(&middle);
	expect_chain(scene, 1, (const struct party *const[]){&leaf}, TRUST_CHAIN_INVALID,
	             "does not lead to an anchor");
	expect_chain(scene, 2, (const struct party *const[]){&leaf, &false_root}, TRUST_CHAIN_INVALID,
	             "x5c[1]");
	expect_chain(scene, 1, (const struct party *const[]){&plain}, TRUST_CHAIN_INVALID,
	             "not signed by its issuer's key");
	expect_chain(scene, 2, (const struct party *const[]){&low, &middle}, TRUST_CHAIN_INVALID, "x5c[1]");
	party_free(&low);
	party_free(&middle);
	party_free(&plain);
	party_free(&leaf);
	party_free(&false_root);
}

static void a_leaf_signed_with_pss_or_another_digest_is_known_too(void **state)
{
	struct scene *scene = *state;
	struct party root = issue(NULL, rsa_key(2048),
	                          &(struct wishes){.extensions = WISHES(CA_EXTENSIONS), .subject = "rsa"});
	struct wishes each[] = {{.pss = true}, {.digest = EVP_sha384()}, {.digest = EVP_sha512()},
	                        {.digest = EVP_sha1()}};
	trust(scene, "example.org", &root);
	for (size_t i = 0; i < 4; i++) {
		each[i].extensions = WISHES(LEAF_EXTENSIONS, URI);
		struct party leaf = issue(&root, NULL, &each[i]);
		expect_chain(scene, 1, (const struct party *const[]){&leaf},
		             i < 3 ? TRUST_VERIFIED : TRUST_CHAIN_INVALID,
		             i < 3 ? "signed by" : "digest algorithm too weak");
		party_free(&leaf);
	}
	party_free(&root);
}

static void a_rotated_root_is_found_by_its_key(void **state)
{
	struct scene *scene = *state;
	char reason[TRUST_BUNDLE_REASON_SIZE];
	/* two roots of one name, as after a rotation */
	struct party new_root = make_ca(NULL, "root"), leaf = svid_below(&new_root);
	const struct party *both[] = {&scene->root, &new_root};
	char *bundle = make_bundle(2, both);
	trust_checker_anchors(scene->checker, "example.org",
	                      trust_anchors_read(json_of(bundle), NULL, reason));
	expect_chain(scene, 1, (const struct party *const[]){&leaf}, TRUST_VERIFIED, "signed by");
	expect_chain(scene, 1, (const struct party *const[]){&scene->leaf}, TRUST_VERIFIED, "signed by");
	free(bundle);
	party_free(&leaf);
	party_free(&new_root);
}

static void expect_x5c(struct scene *scene, const char *x5c, const char *words)
{
	struct json_buffer header = {0};
	json_putf(&header, "{\"alg\":\"ES256\"%s%s}", x5c[0] == '\0' ? "" : ",\"x5c\":", x5c);
	json_putc(&header, '\0');
	char *signature = make_signature("ES256", scene->leaf.key, header.at, TEST_PAYLOAD);
	char *card = make_signed(1, (const char *const[]){signature});
	expect_message(scene, card, TRUST_CHAIN_INVALID, words);
	free(card);
	free(signature);
	json_buffer_free(&header);
}

static void x5c_has_one_spelling(void **state)
{
	struct scene *scene = *state;
	const struct party *chain[] = {&scene->leaf};
	char *x5c = make_x5c(1, chain);
	expect_x5c(scene, "", "has no x5c");
	expect_x5c(scene, "[]", "not an array of certificates");
	expect_x5c(scene, "\"MIIB\"", "not an array of certificates");
	expect_x5c(scene, "[1]", "x5c[0] is not a string in base64");
	expect_x5c(scene, "[\"\"]", "x5c[0]: it is not a certificate in DER");
	expect_x5c(scene, "[\"AAAA\"]", "x5c[0]: it is not a certificate in DER");
	expect_x5c(scene, "[\"-----BEGIN CERTIFICATE-----\"]", "x5c[0] is not a string in base64");
	struct json_buffer odd = {0};
	json_putf(&odd, "[\"%.8s\\n%s", x5c + 2, x5c + 10);
	json_putc(&odd, '\0');
	expect_x5c(scene, odd.at, "x5c[0] is not a string in base64");
	/* bytes behind the certificate; its length in x5c is a multiple of three or not */
	odd.len = 0;
	unsigned char der[4096], *p = der;
	int len = i2d_X509(scene->leaf.certificate, &p);
	der[len] = 0;
	char *longer = encode64(der, (size_t)len + 1, false);
	json_putf(&odd, "[\"%s\"]", longer);
	json_putc(&odd, '\0');
	expect_x5c(scene, odd.at, "bytes behind its end");
	free(longer);
	json_buffer_free(&odd);
	free(x5c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_leaf_is_an_svid_or_is_refused),
		TEST(a_leaf_names_exactly_one_spiffe_id),
		TEST(a_leaf_of_version_1_or_never_valid_is_refused),
		TEST(a_self_signed_leaf_is_refused),
		TEST(a_chain_may_hold_intermediates_and_the_anchor_itself),
		TEST(a_chain_is_in_order_and_not_too_long),
		TEST(an_intermediate_is_a_ca_of_the_same_trust_domain),
		TEST(path_lengths_are_kept),
		TEST(name_constraints_of_an_anchor_bind_a_leaf_directly_below),
		TEST(of_two_anchors_with_one_name_and_key_each_is_tried),
		TEST(a_self_issued_intermediate_is_exempt_from_name_constraints),
		TEST(the_anchor_that_a_chain_leads_to_is_named),
		TEST(an_anchor_without_a_key_identifier_has_its_keys_digest),
		TEST(an_issuer_of_the_right_name_and_the_wrong_key_is_refused),
		TEST(a_leaf_signed_with_pss_or_another_digest_is_known_too),
		TEST(a_rotated_root_is_found_by_its_key),
		TEST(x5c_has_one_spelling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

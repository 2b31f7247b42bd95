/* The other end of a TLS connection: who it must be, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority.h"
#include "trust/anchors.h"
#include "trust/chain_private.h"
#include "trust/peer.h"

#define ID "spiffe://example.org/ns/team-a/sa/billing"
#define PATH "/ns/team-a/sa/billing"
#define ID_NAME "URI:spiffe://example.org/ns/team-a/sa/billing"

static struct party root, other;
static struct trust_anchors *anchors;

static int open_authority(void **state)
{
	char reason[TRUST_BUNDLE_REASON_SIZE];
	(void)state;
	root = make_ca(NULL, "root");
	other = make_ca(NULL, "other");
	char *bundle = make_bundle(1, (const struct party *const[]){&root});
	anchors = trust_anchors_read(json_of(bundle), NULL, reason);
	free(bundle);
	return anchors == NULL;
}

static int close_authority(void **state)
{
	(void)state;
	trust_anchors_free(anchors);
	party_free(&root);
	party_free(&other);
	return 0;
}

static bool check(const struct trust_peer *peer, size_t count, const struct party *const *chain,
                  int64_t at, struct trust_failure *failure)
{
	struct der der[8] = {0};
	unsigned char *bytes[8] = {0};
	for (size_t i = 0; i < count; i++) {
		int len = i2d_X509(chain[i]->certificate, &bytes[i]);
		der[i] = (struct der){bytes[i], (size_t)len};
	}
	bool good = trust_peer_check(peer, der, count, at, failure);
	for (size_t i = 0; i < count; i++)
		OPENSSL_free(bytes[i]);
	return good;
}

/* `words` NULL: it is believed. */
static void expect(const struct trust_peer *peer, const struct party *leaf, int64_t at,
                   const char *words)
{
	struct trust_failure failure = {.message = ""};
	bool good = check(peer, 1, &leaf, at, &failure);
	if (good != (words == NULL) || (!good && strstr(failure.message, words) == NULL))
		fail_msg("%d: %s", good, failure.message);
}

static void the_workloads_own_svid_is_believed(void **state)
{
	const struct trust_peer peer = {anchors, "example.org", PATH};
	struct party leaf = make_svid(&root, ID);
	(void)state;
	expect(&peer, &leaf, NOW, NULL);
	party_free(&leaf);
}

static void another_identity_is_not(void **state)
{
	static const struct {
		const char *id, *words;
	} cases[] = {
		{"spiffe://example.org/ns/team-a/sa/other", "not the workload's own"},
		{"spiffe://example.org/ns/team-a/sa/billing2", "not the workload's own"},
		{"spiffe://example.org/ns/team-a/sa", "not the workload's own"},
		{"spiffe://other.org/ns/team-a/sa/billing", "is not of the trust domain"},
	};
	const struct trust_peer peer = {anchors, "example.org", PATH};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct party leaf = make_svid(&root, cases[i].id);
		expect(&peer, &leaf, NOW, cases[i].words);
		party_free(&leaf);
	}
}

static void a_workload_without_an_identity_is_nobody(void **state)
{
	const struct trust_peer peer = {anchors, "example.org", ""};
	struct party leaf = make_svid(&root, "spiffe://example.org"), named = make_svid(&root, ID);
	(void)state;
	expect(&peer, &leaf, NOW, "it names the trust domain itself");
	expect(&peer, &named, NOW, "not the workload's own");
	party_free(&leaf);
	party_free(&named);
}

static void another_authority_or_none_is_not_believed(void **state)
{
	const struct trust_peer peer = {anchors, "example.org", PATH};
	const struct trust_peer blind = {NULL, "example.org", PATH};
	struct party leaf = make_svid(&other, ID), good = make_svid(&root, ID);
	struct party alone = issue(NULL, NULL, &(struct wishes){.extensions = WISHES(
		"keyUsage", "critical,digitalSignature", "subjectAltName", ID_NAME)});
	(void)state;
	expect(&peer, &leaf, NOW, "x5c");
	expect(&peer, &alone, NOW, "x5c");
	expect(&blind, &good, NOW, "there is no trust bundle");
	party_free(&leaf);
	party_free(&good);
	party_free(&alone);
}

static void a_connection_is_made_now(void **state)
{
	const struct trust_peer peer = {anchors, "example.org", PATH};
	struct party leaf = issue(&root, NULL, &(struct wishes){
		.extensions = WISHES(LEAF_EXTENSIONS, "subjectAltName", ID_NAME), .from = -60, .to = 60});
	(void)state;
	expect(&peer, &leaf, NOW, NULL);
	expect(&peer, &leaf, NOW + 60, NULL);
	expect(&peer, &leaf, NOW + 61, "has expired");
	expect(&peer, &leaf, NOW - 61, "not yet valid");
	party_free(&leaf);
}

static void a_chain_may_have_a_link_between_and_not_five(void **state)
{
	const struct trust_peer peer = {anchors, "example.org", PATH};
	struct party between = make_ca(&root, "between"), leaf = make_svid(&between, ID);
	const struct party *const chain[] = {&leaf, &between, &between, &between, &between};
	struct trust_failure failure;
	(void)state;
	assert_true(check(&peer, 2, chain, NOW, &failure));
	assert_false(check(&peer, 1, chain, NOW, &failure));
	assert_false(check(&peer, 5, chain, NOW, &failure));
	assert_non_null(strstr(failure.message, "it sent 5 certificates"));
	assert_false(check(&peer, 0, chain, NOW, &failure));
	party_free(&leaf);
	party_free(&between);
}

static void bytes_that_are_no_certificate_are_refused(void **state)
{
	const struct trust_peer peer = {anchors, "example.org", PATH};
	static uint8_t large[TRUST_CERTIFICATE_MAX + 1];
	const struct der junk[] = {{(const uint8_t *)"\x30\x03\x02\x01", 4}};
	const struct der huge[] = {{large, sizeof large}};
	struct trust_failure failure;
	(void)state;
	assert_false(trust_peer_check(&peer, junk, 1, NOW, &failure));
	assert_false(trust_peer_check(&peer, huge, 1, NOW, &failure));
	assert_non_null(strstr(failure.message, "is larger than"));
}

static void the_path_is_the_templates(void **state)
{
	char path[TRUST_SPIFFE_ID_SIZE];
	(void)state;
	trust_peer_path(NULL, "team-a", "billing", path);
	assert_string_equal(path, PATH);
	trust_peer_path("/x/{serviceAccountName}/{namespace}", "a", "b", path);
	assert_string_equal(path, "/x/b/a");
	trust_peer_path(NULL, "a/b", "c", path);
	assert_string_equal(path, "");
	assert_null(trust_peer_template("/ns/{namespace}/sa/{serviceAccountName}"));
	assert_string_equal(trust_peer_template("/{namespace}"), "lacks {serviceAccountName}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_workloads_own_svid_is_believed),
		cmocka_unit_test(another_identity_is_not),
		cmocka_unit_test(a_workload_without_an_identity_is_nobody),
		cmocka_unit_test(another_authority_or_none_is_not_believed),
		cmocka_unit_test(a_connection_is_made_now),
		cmocka_unit_test(a_chain_may_have_a_link_between_and_not_five),
		cmocka_unit_test(bytes_that_are_no_certificate_are_refused),
		cmocka_unit_test(the_path_is_the_templates),
	};
	return cmocka_run_group_tests(tests, open_authority, close_authority);
}

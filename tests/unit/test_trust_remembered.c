/* What the checker remembers of a card, and how long a verdict holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

static void a_signature_is_verified_once(void **state)
{
	struct scene *scene = *state;
	char *card = card_by(&scene->leaf, "ES256");
	struct trust_request request = request_for(card);
	request.service_account = NULL;
	assert_int_equal(check(scene, &request), TRUST_WORKLOAD_MISSING);
	for (int i = 0; i < 5; i++)
		expect(scene, card, TRUST_VERIFIED);
	request.service_account = "other";
	assert_int_equal(check(scene, &request), TRUST_IDENTITY_MISMATCH);
	struct trust_counts counts = trust_checker_counts(scene->checker);
	assert_int_equal(counts.checks, 7);
	assert_int_equal(counts.cached, 6);
	assert_int_equal(counts.signatures, 1);
	assert_int_equal(counts.chains, 1);
	free(card);
}

static void a_remembered_signature_does_not_hide_those_behind_it(void **state)
{
	struct scene *scene = *state;
	struct party other = make_svid(&scene->root, "spiffe://example.org/ns/team-a/sa/other");
	char *headers[] = {make_header("ES256", 1, (const struct party *const[]){&scene->leaf}),
	                   make_header("ES256", 1, (const struct party *const[]){&other})};
	char *signatures[] = {make_signature("ES256", scene->leaf.key, headers[0], TEST_PAYLOAD),
	                      make_signature("ES256", other.key, headers[1], TEST_PAYLOAD)};
	char *card = make_signed(2, (const char *const *)signatures);
	struct trust_request request = request_for(card);
	assert_int_equal(check(scene, &request), TRUST_VERIFIED);
	assert_int_equal(trust_checker_counts(scene->checker).signatures, 1);
	request.service_account = "other";
	assert_int_equal(check(scene, &request), TRUST_VERIFIED);
	assert_string_equal(scene->verdict.spiffe_id, "spiffe://example.org/ns/team-a/sa/other");
	request.service_account = "nobody";
	assert_int_equal(check(scene, &request), TRUST_IDENTITY_MISMATCH);
	assert_int_equal(trust_checker_counts(scene->checker).signatures, 3);
	free(card);
	for (int i = 0; i < 2; i++) {
		free(signatures[i]);
		free(headers[i]);
	}
	party_free(&other);
}

static void what_is_remembered_is_bounded_and_right_when_forgotten(void **state)
{
	struct scene *scene = *state;
	scene->settings.cache_entries = 4;
	begin(scene);
	char *card = card_by(&scene->leaf, "ES256");
	size_t len = strlen(card);
	char *spaced = malloc(len + 16);
	assert_non_null(spaced);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < 8; i++) {
			memset(spaced, ' ', i);
			memcpy(spaced + i, card, len + 1);
			expect(scene, spaced, TRUST_VERIFIED);
		}
	assert_int_equal(trust_checker_counts(scene->checker).signatures, 16);
	expect(scene, spaced, TRUST_VERIFIED);
	assert_int_equal(trust_checker_counts(scene->checker).cached, 1);
	free(spaced);
	free(card);
}

static void as_many_cards_as_the_bound_are_remembered(void **state)
{
	struct scene *scene = *state;
	scene->settings.cache_entries = 4;
	begin(scene);
	char *card = card_by(&scene->leaf, "ES256"), spaced[5][16384];
	for (size_t i = 0; i < 5; i++)
		snprintf(spaced[i], sizeof spaced[i], "%*s%s", (int)i, "", card);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < 4; i++)
			expect(scene, spaced[i], TRUST_VERIFIED);
	assert_int_equal(trust_checker_counts(scene->checker).cached, 4);
	/* one more takes the place of the oldest */
	expect(scene, spaced[4], TRUST_VERIFIED);
	expect(scene, spaced[1], TRUST_VERIFIED);
	assert_int_equal(trust_checker_counts(scene->checker).cached, 5);
	expect(scene, spaced[0], TRUST_VERIFIED);
	assert_int_equal(trust_checker_counts(scene->checker).cached, 5);
	free(card);
}

static enum trust_reason check_at(struct scene *scene, const char *card, int64_t at)
{
	struct trust_request request = request_for(card);
	request.at = at;
	return check(scene, &request);
}

/* Leaf and root live from NOW - 1 h to NOW + 1 h. */
static void a_verdict_holds_in_its_span_of_time(void **state)
{
	struct scene *scene = *state;
	struct party root = issue(NULL, NULL, &(struct wishes){.extensions = WISHES(CA_EXTENSIONS),
	                                                       .subject = "long", .from = -9 * HOUR,
	                                                       .to = 9 * HOUR});
	struct party leaf = make_svid(&root, ID);
	char *card = card_by(&leaf, "ES256");
	trust(scene, "example.org", &root);
	assert_int_equal(check_at(scene, card, NOW - HOUR - 1), TRUST_CHAIN_INVALID);
	assert_non_null(strstr(scene->verdict.message, "not yet valid"));
	assert_true(scene->verdict.until == NOW - HOUR);
	assert_int_equal(check_at(scene, card, NOW - HOUR), TRUST_VERIFIED);
	assert_true(scene->verdict.since == NOW - HOUR);
	/* an expired leaf still counts while its CA is valid */
	assert_int_equal(check_at(scene, card, NOW + 9 * HOUR), TRUST_VERIFIED);
	assert_true(scene->verdict.until == NOW + 9 * HOUR + 1);
	assert_int_equal(check_at(scene, card, NOW + 9 * HOUR + 1), TRUST_CHAIN_INVALID);
	assert_non_null(strstr(scene->verdict.message, "not valid now"));
	/* and back again */
	assert_int_equal(check_at(scene, card, NOW), TRUST_VERIFIED);
	free(card);
	party_free(&leaf);
	party_free(&root);
}

static void with_require_unexpired_a_leaf_ends_at_its_time(void **state)
{
	struct scene *scene = *state;
	scene->settings.require_unexpired = true;
	begin(scene);
	struct party root = issue(NULL, NULL, &(struct wishes){.extensions = WISHES(CA_EXTENSIONS),
	                                                       .subject = "long", .from = -9 * HOUR,
	                                                       .to = 9 * HOUR});
	struct party leaf = make_svid(&root, ID);
	char *card = card_by(&leaf, "ES256");
	trust(scene, "example.org", &root);
	assert_int_equal(check_at(scene, card, NOW + HOUR), TRUST_VERIFIED);
	assert_true(scene->verdict.until == NOW + HOUR + 1);
	assert_int_equal(check_at(scene, card, NOW + HOUR + 1), TRUST_EXPIRED);
	assert_string_equal(scene->verdict.spiffe_id, ID);
	struct trust_request request = request_for(card);
	request.at = NOW + HOUR + 1;
	request.namespace = "team-b";
	assert_int_equal(check(scene, &request), TRUST_IDENTITY_MISMATCH);
	free(card);
	party_free(&leaf);
	party_free(&root);
}

/* A card of a new leaf below the intermediate, so that no signature of it is remembered. */
static char *card_of(const char *spiffe_id, const struct party *intermediate)
{
	struct party leaf = make_svid(intermediate, spiffe_id);
	char *card = make_card("ES256", 2, (const struct party *const[]){&leaf, intermediate});
	party_free(&leaf);
	return card;
}

static char *card_below(const struct party *intermediate)
{
	return card_of(ID, intermediate);
}

static void expect_below(struct scene *scene, const struct party *intermediate, enum trust_reason reason,
                         const char *words)
{
	char *card = card_below(intermediate);
	expect_message(scene, card, reason, words);
	free(card);
}

static void a_remembered_intermediate_counts_for_the_anchors_above_it_alone(void **state)
{
	struct scene *scene = *state;
	struct party intermediate = make_ca(&scene->root, "intermediate");
	expect_below(scene, &intermediate, TRUST_VERIFIED, "signed by");
	expect_below(scene, &intermediate, TRUST_VERIFIED, "signed by");
	/* in another trust domain, whose bundle has another root */
	char *card = card_of("spiffe://other.org/ns/team-a/sa/billing", &intermediate);
	struct trust_request request = request_for(card);
	request.trust_domain = "other.org";
	assert_int_equal(check(scene, &request), TRUST_CHAIN_INVALID);
	free(card);
	/* and when its own bundle has another root, and back */
	trust(scene, "example.org", &scene->other_root);
	expect_below(scene, &intermediate, TRUST_CHAIN_INVALID, "does not lead to an anchor");
	trust(scene, "example.org", &scene->root);
	expect_below(scene, &intermediate, TRUST_VERIFIED, "signed by");
	party_free(&intermediate);
}

/* A remembered issuer borrows its anchor, which name constraints ask for again. */
static void a_bundle_that_is_read_again_is_asked_anew(void **state)
{
	struct scene *scene = *state;
	struct party root = issue(NULL, NULL, &(struct wishes){
		.extensions = WISHES(CA_EXTENSIONS, "nameConstraints", "permitted;URI:example.org"),
		.subject = "constrained"});
	struct party intermediate = make_ca(&root, "intermediate");
	for (int i = 0; i < 3; i++) {
		trust(scene, "example.org", &root);
		expect_below(scene, &intermediate, TRUST_VERIFIED, "signed by");
		expect_below(scene, &intermediate, TRUST_VERIFIED, "signed by");
	}
	party_free(&intermediate);
	party_free(&root);
}

static struct party make_root(int64_t from, int64_t to)
{
	return issue(NULL, NULL, &(struct wishes){.extensions = WISHES(CA_EXTENSIONS), .subject = "timed",
	                                         .from = from, .to = to});
}

static void an_intermediate_below_an_anchor_that_is_not_valid_now_does_not_count(void **state)
{
	struct scene *scene = *state;
	static const struct {
		int64_t from, to;
		enum trust_reason reason;
		const char *words;
	} cases[] = {
		{-2 * HOUR, -1, TRUST_CHAIN_INVALID, "anchor of the trust bundle that is not valid now"},
		{-2 * HOUR, 0, TRUST_VERIFIED, "signed by"},
		{0, 2 * HOUR, TRUST_VERIFIED, "signed by"},
		{1, 2 * HOUR, TRUST_CHAIN_INVALID, "anchor of the trust bundle that is not valid now"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct party root = make_root(cases[i].from, cases[i].to);
		struct party intermediate = make_ca(&root, "intermediate");
		trust(scene, "example.org", &root);
		expect_below(scene, &intermediate, cases[i].reason, cases[i].words);
		expect_below(scene, &intermediate, cases[i].reason, cases[i].words);
		party_free(&intermediate);
		party_free(&root);
	}
}

static void a_remembered_intermediate_ends_with_its_anchor(void **state)
{
	struct scene *scene = *state;
	struct party root = make_root(-HOUR / 2, HOUR / 2);
	struct party intermediate = make_ca(&root, "intermediate");
	char *cards[] = {card_below(&intermediate), card_below(&intermediate), card_below(&intermediate),
	                 card_below(&intermediate)};
	trust(scene, "example.org", &root);
	assert_int_equal(check_at(scene, cards[0], NOW), TRUST_VERIFIED);
	assert_true(scene->verdict.until == NOW + HOUR / 2 + 1);
	assert_true(scene->verdict.since == NOW - HOUR / 2);
	assert_int_equal(check_at(scene, cards[1], NOW + HOUR / 2), TRUST_VERIFIED);
	assert_int_equal(check_at(scene, cards[2], NOW + HOUR / 2 + 1), TRUST_CHAIN_INVALID);
	assert_int_equal(check_at(scene, cards[3], NOW - HOUR / 2 - 1), TRUST_CHAIN_INVALID);
	assert_int_equal(check_at(scene, cards[2], NOW), TRUST_VERIFIED);
	for (size_t i = 0; i < 4; i++)
		free(cards[i]);
	party_free(&intermediate);
	party_free(&root);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_signature_is_verified_once),
		TEST(a_remembered_signature_does_not_hide_those_behind_it),
		TEST(what_is_remembered_is_bounded_and_right_when_forgotten),
		TEST(as_many_cards_as_the_bound_are_remembered),
		TEST(a_verdict_holds_in_its_span_of_time),
		TEST(with_require_unexpired_a_leaf_ends_at_its_time),
		TEST(a_remembered_intermediate_counts_for_the_anchors_above_it_alone),
		TEST(a_bundle_that_is_read_again_is_asked_anew),
		TEST(an_intermediate_below_an_anchor_that_is_not_valid_now_does_not_count),
		TEST(a_remembered_intermediate_ends_with_its_anchor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

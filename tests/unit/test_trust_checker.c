/* The verdict on a card: what it takes, and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

static void a_card_signed_by_its_workload_is_verified(void **state)
{
	struct scene *scene = *state;
	char *card = card_by(&scene->leaf, "ES256");
	expect(scene, card, TRUST_VERIFIED);
	assert_string_equal(scene->verdict.spiffe_id, ID);
	assert_string_equal(scene->verdict.key_id, "key-1");
	assert_string_equal(scene->verdict.algorithm, "ES256");
	assert_true(scene->verdict.not_after == NOW + HOUR);
	free(card);
}

static void every_algorithm_verifies_with_its_key_and_with_no_other(void **state)
{
	struct scene *scene = *state;
	static const char *const names[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
	                                    "PS512", "ES256", "ES384", "ES512"};
	static const char *const keys[] = {"RSA", "P-256", "P-384", "P-521"};
	for (size_t k = 0; k < 4; k++) {
		EVP_PKEY *key = k == 0 ? rsa_key(2048) : ec_key(keys[k]);
		struct party leaf = issue(&scene->root, key,
		                          &(struct wishes){.extensions = WISHES(
							   LEAF_EXTENSIONS, "subjectAltName", ID_URI)});
		for (size_t n = 0; n < 9; n++) {
			bool fits = k == 0 ? n < 6 : n == 5 + k;
			/* what does not fit is signed as well as its key can */
			char *header = make_header(names[n], 1, (const struct party *const[]){&leaf});
			char *signature = make_signature(fits ? names[n] : k == 0 ? "RS256" : "ES256", key,
			                                 header, TEST_PAYLOAD);
			char *card = make_signed(1, (const char *const[]){signature});
			expect(scene, card, fits ? TRUST_VERIFIED : TRUST_ALGORITHM_NOT_ALLOWED);
			free(card);
			free(signature);
			free(header);
		}
		party_free(&leaf);
	}
}

static void weak_and_foreign_keys_are_not_allowed(void **state)
{
	struct scene *scene = *state;
	static const struct {
		const char *alg, *words;
	} cases[] = {{"RS256", "shorter than 2048"}, {"ES256", "none of P-256"}};
	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY *key = i == 0 ? rsa_key(1024) : ec_key("secp256k1");
		struct party leaf = issue(&scene->root, key,
		                          &(struct wishes){.extensions = WISHES(
							   LEAF_EXTENSIONS, "subjectAltName", ID_URI)});
		char *card = card_by(&leaf, cases[i].alg);
		expect_message(scene, card, TRUST_ALGORITHM_NOT_ALLOWED, cases[i].words);
		free(card);
		party_free(&leaf);
	}
}

static void a_changed_card_is_not_verified(void **state)
{
	struct scene *scene = *state;
	char *card = card_by(&scene->leaf, "ES256");
	char *changed = strstr(card, "billing");
	changed[0] = 'B';
	expect(scene, card, TRUST_SIGNATURE_INVALID);
	assert_string_equal(scene->verdict.spiffe_id, "");
	assert_null(scene->verdict.algorithm);
	free(card);
}

/* Each byte of a signed card is covered by the signature, or part of it, or holds both together. */
static void no_byte_of_a_signed_card_can_be_changed_or_left_out(void **state)
{
	struct scene *scene = *state;
	char *card = card_by(&scene->leaf, "ES256");
	size_t len = strlen(card);
	struct trust_request request = request_for(card);
	for (size_t i = 0; i < len; i++) {
		char bit = (char)(1 << (i % 7));
		card[i] ^= bit;
		request.card = (struct json_text){card, len};
		assert_int_not_equal(check(scene, &request), TRUST_VERIFIED);
		card[i] ^= bit;
		request.card.len = i;
		assert_int_not_equal(check(scene, &request), TRUST_VERIFIED);
	}
	expect(scene, card, TRUST_VERIFIED);
	free(card);
}

static void a_card_is_bound_to_its_workload(void **state)
{
	struct scene *scene = *state;
	char *card = card_by(&scene->leaf, "ES256");
	struct trust_request request = request_for(card);
	request.namespace = "team-b";
	assert_int_equal(check(scene, &request), TRUST_IDENTITY_MISMATCH);
	assert_non_null(strstr(scene->verdict.message, "spiffe://example.org/ns/team-b/sa/billing"));
	assert_string_equal(scene->verdict.spiffe_id, ID);
	request = request_for(card);
	request.service_account = "default";
	assert_int_equal(check(scene, &request), TRUST_IDENTITY_MISMATCH);
	request.service_account = NULL;
	assert_int_equal(check(scene, &request), TRUST_WORKLOAD_MISSING);
	/* names that would span segments are nobody's */
	request.namespace = "team-a/sa/billing";
	request.service_account = "x";
	assert_int_equal(check(scene, &request), TRUST_IDENTITY_MISMATCH);
	request.namespace = "";
	assert_int_equal(check(scene, &request), TRUST_IDENTITY_MISMATCH);
	free(card);
}

static void with_bind_trust_domain_any_svid_of_it_will_do_for_a_workload_that_exists(void **state)
{
	struct scene *scene = *state;
	scene->settings.bind = TRUST_BIND_TRUST_DOMAIN;
	begin(scene);
	char *card = card_by(&scene->leaf, "ES256");
	struct trust_request request = request_for(card);
	request.namespace = "team-b";
	assert_int_equal(check(scene, &request), TRUST_VERIFIED);
	request.service_account = NULL;
	assert_int_equal(check(scene, &request), TRUST_WORKLOAD_MISSING);
	free(card);
}

static void a_card_may_name_the_spiffe_ids_that_count(void **state)
{
	struct scene *scene = *state;
	static const struct {
		const char *allowed;
		enum trust_reason reason;
	} cases[] = {
		{"[\"" ID "\"]", TRUST_VERIFIED},
		{"[\"spiffe://example.org/x\",\"" ID "\"]", TRUST_VERIFIED},
		{"[\"spiffe://example.org/ns/team-a/sa/bill\\u0069ng\"]", TRUST_VERIFIED},
		{"[]", TRUST_IDENTITY_MISMATCH},
		{"[\"spiffe://example.org/ns/team-a/sa/*\"]", TRUST_IDENTITY_MISMATCH},
		{"[\"SPIFFE://example.org/ns/team-a/sa/billing\"]", TRUST_IDENTITY_MISMATCH},
		{"[\"" ID "/\"]", TRUST_IDENTITY_MISMATCH},
		{"\"" ID "\"", TRUST_IDENTITY_MISMATCH},
		{"[[\"" ID "\"]]", TRUST_IDENTITY_MISMATCH},
		{"7", TRUST_IDENTITY_MISMATCH},
	};
	char *card = card_by(&scene->leaf, "ES256");
	for (int bind = 0; bind < 2; bind++) {
		scene->settings.bind = (enum trust_bind)bind;
		begin(scene);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			struct trust_request request = request_for(card);
			request.allowed = json_of(cases[i].allowed);
			assert_int_equal(check(scene, &request), cases[i].reason);
		}
		struct trust_request request = request_for(card);
		request.allowed = json_of("[]");
		check(scene, &request);
		assert_non_null(strstr(scene->verdict.message, "allowedSpiffeIDs"));
	}
	/* it does not replace what the workload must have */
	scene->settings.bind = TRUST_BIND_WORKLOAD;
	begin(scene);
	struct trust_request other = request_for(card);
	other.service_account = "other";
	other.allowed = json_of("[\"" ID "\"]");
	assert_int_equal(check(scene, &other), TRUST_IDENTITY_MISMATCH);
	/* no more than 256 of them are looked at */
	struct json_buffer many = {0};
	for (int i = 0; i < 256; i++)
		json_putf(&many, "%s\"x\"", i == 0 ? "[" : ",");
	json_puts(&many, ",\"" ID "\"]");
	struct trust_request request = request_for(card);
	request.allowed = json_buffer_text(&many);
	assert_int_equal(check(scene, &request), TRUST_IDENTITY_MISMATCH);
	json_buffer_free(&many);
	free(card);
}

static void a_template_says_which_path_a_workload_has(void **state)
{
	struct scene *scene = *state;
	scene->settings.path_template = "/k8s/{namespace}/agent-{serviceAccountName}/v1";
	begin(scene);
	struct party leaf = make_svid(&scene->root, "spiffe://example.org/k8s/team-a/agent-billing/v1");
	char *card = card_by(&leaf, "ES256");
	expect(scene, card, TRUST_VERIFIED);
	free(card);
	card = card_by(&scene->leaf, "ES256");
	expect(scene, card, TRUST_IDENTITY_MISMATCH);
	free(card);
	party_free(&leaf);
}

static void settings_that_bind_nobody_are_refused(void **state)
{
	(void)state;
	static const char *const templates[] = {
		"/ns/{namespace}", "/sa/{serviceAccountName}", "ns/{namespace}/sa/{serviceAccountName}",
		"/{namespace}{serviceAccountName}", "/{namespace}-{serviceAccountName}",
		"/{namespace}/{serviceAccountName}/", "/{namespace}//{serviceAccountName}",
		"/{namespace}/{serviceAccountName}/{pod}", "/{namespace}/../{serviceAccountName}",
		"/%6e/{namespace}/{serviceAccountName}", "/{namespace}/{serviceAccountName}?x", ""};
	static const char *const good_domains[] = {"example.org"};
	static const char *const bad_domains[] = {"", "Example.org", "a/b", "spiffe://a", "a:1"};
	char reason[TRUST_BUNDLE_REASON_SIZE];
	struct trust_settings settings = {.trust_domain_count = 0};
	assert_null(trust_checker_new(&settings, reason));
	settings.trust_domains = good_domains;
	settings.trust_domain_count = 1;
	for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
		settings.path_template = templates[i];
		assert_null(trust_checker_new(&settings, reason));
		assert_true(reason[0] != '\0');
	}
	settings.path_template = NULL;
	for (size_t i = 0; i < sizeof bad_domains / sizeof *bad_domains; i++) {
		settings.trust_domains = &bad_domains[i];
		assert_null(trust_checker_new(&settings, reason));
	}
}

static void a_card_needs_the_trust_domain_that_is_expected_of_it(void **state)
{
	struct scene *scene = *state;
	struct party federated = make_svid(&scene->other_root, "spiffe://other.org/ns/team-a/sa/billing");
	char *card = card_by(&federated, "ES256");
	struct trust_request request = request_for(card);
	assert_int_equal(check(scene, &request), TRUST_DOMAIN_MISMATCH);
	request.trust_domain = "other.org";
	assert_int_equal(check(scene, &request), TRUST_VERIFIED);
	free(card);
	/* one that is not configured is no other, and spelling counts */
	static const char *const elsewhere[] = {"elsewhere.org", "Example.ORG", "example.org.", ""};
	card = card_by(&scene->leaf, "ES256");
	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
		request = request_for(card);
		request.trust_domain = elsewhere[i];
		assert_int_equal(check(scene, &request), TRUST_DOMAIN_MISMATCH);
		assert_non_null(strstr(scene->verdict.message, "not a configured trust domain"));
		assert_null(trust_checker_domain(scene->checker, elsewhere[i]));
	}
	assert_string_equal(trust_checker_domain(scene->checker, NULL), "example.org");
	assert_string_equal(trust_checker_domain(scene->checker, "other.org"), "other.org");
	free(card);
	party_free(&federated);
}

static void anchors_of_one_trust_domain_do_not_speak_for_another(void **state)
{
	struct scene *scene = *state;
	struct party imposter = make_svid(&scene->other_root, ID);
	char *card = card_by(&imposter, "ES256");
	expect(scene, card, TRUST_CHAIN_INVALID);
	free(card);
	party_free(&imposter);
}

/* Both trust domains have the same CA: what was found for one is not remembered for the other. */
static void what_is_remembered_of_a_card_is_that_of_one_trust_domain(void **state)
{
	struct scene *scene = *state;
	static const char *const names[] = {"example.org", "example.orh"};
	struct trust_settings settings = {.trust_domains = names, .trust_domain_count = 2};
	char reason[TRUST_BUNDLE_REASON_SIZE], *card = card_by(&scene->leaf, "ES256");
	const struct party *root = &scene->root;
	struct trust_checker *checker = trust_checker_new(&settings, reason);
	assert_non_null(checker);
	for (int i = 0; i < 2; i++) {
		char *bundle = make_bundle(1, &root);
		assert_true(trust_checker_anchors(checker, names[i],
		                                  trust_anchors_read(json_of(bundle), NULL, reason)));
		free(bundle);
	}
	struct trust_request request = request_for(card);
	for (int i = 0; i < 4; i++) {
		request.trust_domain = names[i % 2];
		trust_check(checker, &request, &scene->verdict);
		assert_int_equal(scene->verdict.reason, i % 2 == 0 ? TRUST_VERIFIED : TRUST_DOMAIN_MISMATCH);
	}
	trust_checker_free(checker);
	free(card);
}

static void without_a_bundle_nothing_is_verified(void **state)
{
	struct scene *scene = *state;
	char *card = card_by(&scene->leaf, "ES256");
	expect(scene, card, TRUST_VERIFIED);
	assert_true(trust_checker_anchors(scene->checker, "example.org", NULL));
	expect(scene, card, TRUST_BUNDLE_MISSING);
	trust(scene, "example.org", &scene->other_root);
	expect(scene, card, TRUST_CHAIN_INVALID);
	trust(scene, "example.org", &scene->root);
	expect(scene, card, TRUST_VERIFIED);
	assert_false(trust_checker_anchors(scene->checker, "elsewhere.org", NULL));
	free(card);
}

static void what_is_no_card_is_invalid(void **state)
{
	struct scene *scene = *state;
	struct json_buffer deep = {0};
	json_puts(&deep, "{\"x\":");
	for (int i = 0; i < TRUST_CARD_DEPTH; i++)
		json_putc(&deep, '[');
	for (int i = 0; i < TRUST_CARD_DEPTH; i++)
		json_putc(&deep, ']');
	json_puts(&deep, "}");
	json_putc(&deep, '\0');
	const char *const cards[] = {
		"", "[]", "\"x\"", "{", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
		"{\"name\":\"\xff\"}", "{\"name\":\"\\ud800\"}", "{} x", "\xef\xbb\xbf{}",
		"{\"signatures\":{}}", "{\"signatures\":\"x\"}", "{\"signatures\":[],\"signatures\":[]}",
		"{\"signatures\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", deep.at};
	for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
		expect(scene, cards[i], TRUST_CARD_INVALID);
	expect(scene, "{}", TRUST_SIGNATURE_MISSING);
	expect(scene, "{\"signatures\":[]}", TRUST_SIGNATURE_MISSING);
	expect(scene, "{\"signatures\":null}", TRUST_SIGNATURE_MISSING);
	struct trust_request none = request_for("{}");
	none.card = (struct json_text){0};
	assert_int_equal(check(scene, &none), TRUST_CARD_MISSING);
	json_buffer_free(&deep);
}

static void a_card_over_a_mebibyte_is_invalid(void **state)
{
	struct scene *scene = *state;
	char *card = malloc(TRUST_CARD_MAX + 2);
	assert_non_null(card);
	memset(card, ' ', TRUST_CARD_MAX + 1);
	memcpy(card, "{}", 2);
	card[TRUST_CARD_MAX] = '\0';
	expect(scene, card, TRUST_SIGNATURE_MISSING);
	memcpy(card + TRUST_CARD_MAX, " ", 2);
	expect_message(scene, card, TRUST_CARD_INVALID, "larger than 1048576 bytes");
	free(card);
}

static void one_good_signature_of_several_is_enough(void **state)
{
	struct scene *scene = *state;
	const struct party *chain[] = {&scene->leaf};
	char *header = make_header("ES256", 1, chain);
	char *good = make_signature("ES256", scene->leaf.key, header, TEST_PAYLOAD);
	char *bad = make_signature("ES256", scene->leaf.key, header, "{}");
	const char *const orders[][3] = {{bad, bad, good}, {good, bad, bad}, {"{}", "1", good}};
	for (size_t i = 0; i < 3; i++) {
		char *card = make_signed(3, orders[i]);
		expect(scene, card, TRUST_VERIFIED);
		free(card);
	}
	free(good);
	free(bad);
	free(header);
}

static void of_several_bad_signatures_all_are_named_and_the_furthest_decides(void **state)
{
	struct scene *scene = *state;
	const struct party *chain[] = {&scene->leaf};
	char *header = make_header("ES256", 1, chain);
	char *bad = make_signature("ES256", scene->leaf.key, header, "{}");
	char *none = make_signature("ES256", scene->leaf.key, "{\"alg\":\"none\"}", TEST_PAYLOAD);
	char *card = make_signed(3, (const char *const[]){none, bad, "7"});
	expect_message(scene, card, TRUST_SIGNATURE_INVALID, "signature 1: alg \"none\"");
	expect_message(scene, card, TRUST_SIGNATURE_INVALID, "signature 2: the leaf's key did not");
	expect_message(scene, card, TRUST_SIGNATURE_INVALID, "signature 3: it is not an object");
	free(card);
	const char *sixteen[16];
	for (size_t i = 0; i < 16; i++)
		sixteen[i] = bad;
	card = make_signed(16, sixteen);
	expect_message(scene, card, TRUST_SIGNATURE_INVALID, "signature 16: the leaf's key");
	assert_true(strlen(scene->verdict.message) < TRUST_MESSAGE_SIZE);
	free(card);
	free(none);
	free(bad);
	free(header);
}

static char *card_in_form(const struct party *leaf, const char *card, enum trust_form form)
{
	struct json_buffer payload = {0}, out = {0};
	char *header = make_header("ES256", 1, &leaf);
	char reason[TRUST_FORM_REASON_SIZE];
	assert_true(trust_payload(json_of(card), form, &payload, reason));
	json_putc(&payload, '\0');
	char *signature = make_signature("ES256", leaf->key, header, payload.at);
	json_put(&out, card, strlen(card) - 1);
	json_putf(&out, ",\"signatures\":[%s]}", signature);
	json_putc(&out, '\0');
	free(signature);
	free(header);
	json_buffer_free(&payload);
	return out.at;
}

static void every_form_verifies_and_only_those_that_are_accepted(void **state)
{
	struct scene *scene = *state;
	/* all forms of this differ */
	static const char card[] =
	        "{\"name\":\"<x>\",\"url\":\"u\",\"skills\":[],\"x\":1.0,\"description\":\"\","
	        "\"capabilities\":{\"extensions\":[{\"params\":{\"n\":1}}]}}";
	for (int form = 0; form < TRUST_FORMS; form++) {
		char *made = card_in_form(&scene->leaf, card, (enum trust_form)form);
		for (unsigned accepted = 0; accepted < 1U << TRUST_FORMS; accepted += 3) {
			scene->settings.forms = accepted;
			begin(scene);
			unsigned mask = accepted == 0 ? TRUST_FORMS_DEFAULT : accepted;
			bool counts = (mask & 1U << form) != 0;
			expect(scene, made, counts ? TRUST_VERIFIED : TRUST_SIGNATURE_INVALID);
			if (counts)
				assert_int_equal(scene->verdict.form, form);
		}
		free(made);
	}
}

static void a_number_without_canonical_form_is_named(void **state)
{
	struct scene *scene = *state;
	char *good = card_by(&scene->leaf, "ES256");
	struct json_buffer card = {0};
	json_puts(&card, "{\"capabilities\":{\"extensions\":[{\"params\":{\"n\":1e999}}]},");
	json_puts(&card, good + 1);
	json_putc(&card, '\0');
	expect_message(scene, card.at, TRUST_SIGNATURE_INVALID, "out of the range of a double");
	json_buffer_free(&card);
	free(good);
}

static void a_payload_is_the_card_without_its_signatures(void **state)
{
	(void)state;
	struct json_buffer out = {0};
	char reason[TRUST_FORM_REASON_SIZE];
	assert_true(trust_payload(json_of(" {\"signatures\":[1],\"b\":{\"signatures\":2},\"a\":1} "),
	                          TRUST_FORM_JCS, &out, reason));
	json_putc(&out, '\0');
	assert_string_equal(out.at, "{\"a\":1,\"b\":{\"signatures\":2}}");
	assert_false(trust_payload(json_of("[]"), TRUST_FORM_JCS, &out, reason));
	assert_false(trust_payload(json_of("{\"a\":1,\"a\":1}"), TRUST_FORM_JCS, &out, reason));
	json_buffer_free(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_card_signed_by_its_workload_is_verified),
		TEST(every_algorithm_verifies_with_its_key_and_with_no_other),
		TEST(weak_and_foreign_keys_are_not_allowed),
		TEST(a_changed_card_is_not_verified),
		TEST(no_byte_of_a_signed_card_can_be_changed_or_left_out),
		TEST(a_card_is_bound_to_its_workload),
		TEST(with_bind_trust_domain_any_svid_of_it_will_do_for_a_workload_that_exists),
		TEST(a_card_may_name_the_spiffe_ids_that_count),
		TEST(a_template_says_which_path_a_workload_has),
		TEST(settings_that_bind_nobody_are_refused),
		TEST(a_card_needs_the_trust_domain_that_is_expected_of_it),
		TEST(anchors_of_one_trust_domain_do_not_speak_for_another),
		TEST(what_is_remembered_of_a_card_is_that_of_one_trust_domain),
		TEST(without_a_bundle_nothing_is_verified),
		TEST(what_is_no_card_is_invalid),
		TEST(a_card_over_a_mebibyte_is_invalid),
		TEST(one_good_signature_of_several_is_enough),
		TEST(of_several_bad_signatures_all_are_named_and_the_furthest_decides),
		TEST(every_form_verifies_and_only_those_that_are_accepted),
		TEST(a_number_without_canonical_form_is_named),
		TEST(a_payload_is_the_card_without_its_signatures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

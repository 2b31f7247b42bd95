/* What egress-verify holds: when verdicts change with time alone, bundles that do not come in the
 * stream, and what is not done twice. The stream itself is tested in tests/verify.bats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"
#include "verify/cards.h"
#include "json/write.h"

struct stage {
	struct scene *scene;
	struct trust_cards *cards;
	struct json_buffer emitted, warned; /* a line each */
	char *card;                         /* signed by the scene's leaf */
};

static void add_line(struct json_buffer *out, struct json_text line)
{
	json_puttext(out, line);
	json_putc(out, '\n');
}

static void emit(void *context, struct json_text line)
{
	add_line(&((struct stage *)context)->emitted, line);
}

static void warn(void *context, const char *sentence)
{
	add_line(&((struct stage *)context)->warned, json_of(sentence));
}

static void open_stage(struct stage *stage, void *scene)
{
	static const struct trust_cards_bundle bundles[] = {{.trust_domain = "example.org"},
	                                                    {.trust_domain = "other.org"}};
	*stage = (struct stage){.scene = scene};
	stage->cards = trust_cards_new(&(struct trust_cards_settings){
		.agentcard_group = "agent.kagenti.dev",
		.checker = stage->scene->checker,
		.bundles = bundles,
		.bundle_count = 2,
		.bundle_grace = 600,
		.emit = emit,
		.warn = warn,
		.context = stage,
	});
	stage->card = card_by(&stage->scene->leaf, "ES256");
}

static void close_stage(struct stage *stage)
{
	trust_cards_free(stage->cards);
	json_buffer_free(&stage->emitted);
	json_buffer_free(&stage->warned);
	free(stage->card);
}

static const char *take(struct stage *stage, const char *line, int64_t at)
{
	stage->emitted.len = 0;
	return trust_cards_take(stage->cards, json_of(line), json_of(line), at);
}

#define AGENTCARD(status) \
	"{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\"," \
	"\"kind\":\"AgentCard\",\"metadata\":{\"namespace\":\"team-a\",\"name\":\"card\"}," \
	"\"spec\":{\"targetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"," \
	"\"name\":\"billing\"}}" status "}}"
#define WORKLOAD \
	"{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"," \
	"\"metadata\":{\"namespace\":\"team-a\",\"name\":\"billing\"}," \
	"\"spec\":{\"template\":{\"spec\":{\"serviceAccountName\":\"billing\"}}}}}"

static void give_card(struct stage *stage, int64_t at)
{
	struct json_buffer line = {0};
	json_puts(&line, "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
	                 "\"metadata\":{\"namespace\":\"team-a\",\"name\":\"billing-card-signed\"},"
	                 "\"data\":{\"agent-card.json\":");
	json_put_string(&line, stage->card);
	json_puts(&line, "}}}");
	json_putc(&line, '\0');
	assert_null(take(stage, line.at, at));
	json_buffer_free(&line);
}

static void give_all(struct stage *stage, int64_t at)
{
	assert_null(take(stage, WORKLOAD, at));
	give_card(stage, at);
	assert_null(take(stage, AGENTCARD(""), at));
}

static bool give_bundle(struct stage *stage, const char *domain, const struct party *ca, int64_t at)
{
	char *bundle = ca == NULL ? NULL : make_bundle(1, &ca);
	struct json_text text = {0};
	if (bundle != NULL)
		text = json_of(bundle);
	stage->emitted.len = stage->warned.len = 0;
	bool good = trust_cards_bundle(stage->cards, domain, text, "file b", at);
	free(bundle);
	return good;
}

static void pass_time(struct stage *stage, int64_t at)
{
	stage->emitted.len = 0;
	trust_cards_time(stage->cards, at);
}

/* Exactly one line, of this type and reason; NULL: none at all. */
static void expect_line(struct stage *stage, const char *type, const char *reason)
{
	if (type == NULL) {
		assert_int_equal(stage->emitted.len, 0);
		return;
	}
	assert_true(stage->emitted.len > 0);
	struct json_text line = {stage->emitted.at, stage->emitted.len - 1};
	assert_null(memchr(line.at, '\n', line.len));
	assert_true(json_check(line, &json_record_limits, NULL));
	assert_true(json_equals(json_get(line, "type"), type));
	assert_true(json_equals(json_get(line, "verification", "reason"), reason));
}

static void expect_warning(struct stage *stage, const char *words)
{
	json_putc(&stage->warned, '\0');
	if (strstr(stage->warned.at, words) == NULL)
		print_error("%s\n-- not: %s\n", stage->warned.at, words);
	assert_non_null(strstr(stage->warned.at, words));
}

/* Another root, valid until so many seconds from NOW, and a leaf below it. */
static void replace_root(struct scene *scene, int64_t to)
{
	party_free(&scene->root);
	party_free(&scene->leaf);
	scene->root = issue(NULL, NULL, &(struct wishes){.extensions = WISHES(CA_EXTENSIONS),
	                                                 .subject = "root", .from = -HOUR, .to = to});
	scene->leaf = make_svid(&scene->root, ID);
}

static void an_anchor_that_expires_ends_its_trust_without_any_event(void **state)
{
	struct stage stage;
	struct scene *scene = *state;
	replace_root(scene, 100);
	open_stage(&stage, scene);
	assert_true(give_bundle(&stage, "example.org", &scene->root, NOW));
	give_all(&stage, NOW);
	expect_line(&stage, "ADDED", "Verified");
	pass_time(&stage, NOW + 100);
	expect_line(&stage, NULL, NULL);
	pass_time(&stage, NOW + 101);
	expect_line(&stage, "MODIFIED", "ChainInvalid");
	pass_time(&stage, NOW + 102);
	expect_line(&stage, NULL, NULL);
	close_stage(&stage);
}

static void a_leaf_that_begins_to_be_valid_is_verified_then(void **state)
{
	struct stage stage;
	struct scene *scene = *state;
	party_free(&scene->leaf);
	scene->leaf = issue(&scene->root, NULL,
	                    &(struct wishes){.extensions = WISHES(LEAF_EXTENSIONS, "subjectAltName", ID_URI),
	                                     .from = 100, .to = 200});
	open_stage(&stage, scene);
	give_all(&stage, NOW);
	expect_line(&stage, "ADDED", "ChainInvalid");
	pass_time(&stage, NOW + 99);
	expect_line(&stage, NULL, NULL);
	pass_time(&stage, NOW + 100);
	expect_line(&stage, "MODIFIED", "Verified");
	close_stage(&stage);
}

static void a_leaf_expires_only_where_that_is_asked_for(void **state)
{
	struct scene *scene = *state;
	replace_root(scene, 10 * HOUR);
	for (int required = 0; required < 2; required++) {
		struct stage stage;
		scene->settings.require_unexpired = required;
		begin(scene);
		open_stage(&stage, scene);
		give_all(&stage, NOW);
		expect_line(&stage, "ADDED", "Verified");
		pass_time(&stage, NOW + HOUR);
		expect_line(&stage, NULL, NULL);
		pass_time(&stage, NOW + HOUR + 1);
		expect_line(&stage, required ? "MODIFIED" : NULL, "Expired");
		close_stage(&stage);
	}
}

static void an_event_is_judged_at_its_own_time(void **state)
{
	struct stage stage;
	struct scene *scene = *state;
	replace_root(scene, 10 * HOUR);
	scene->settings.require_unexpired = true;
	begin(scene);
	open_stage(&stage, scene);
	give_all(&stage, NOW);
	assert_null(take(&stage, AGENTCARD(",\"status\":{}"), NOW + HOUR));
	expect_line(&stage, "ADDED", "Verified");
	assert_null(take(&stage, AGENTCARD(",\"status\":{}"), NOW + HOUR + 1));
	expect_line(&stage, "ADDED", "Expired");
	/* and a clock that was set back is believed */
	assert_null(take(&stage, AGENTCARD(",\"status\":{}"), NOW));
	expect_line(&stage, "ADDED", "Verified");
	close_stage(&stage);
}

static void a_bundle_from_elsewhere_counts_like_one_in_the_stream(void **state)
{
	struct stage stage;
	struct scene *scene = *state;
	open_stage(&stage, scene);
	assert_true(give_bundle(&stage, "example.org", &scene->root, NOW));
	give_all(&stage, NOW);
	expect_line(&stage, "ADDED", "Verified");
	assert_true(give_bundle(&stage, "example.org", &scene->other_root, NOW));
	expect_line(&stage, "MODIFIED", "ChainInvalid");
	assert_true(give_bundle(&stage, "example.org", &scene->root, NOW));
	expect_line(&stage, "MODIFIED", "Verified");
	assert_false(give_bundle(&stage, "example.org", NULL, NOW));
	expect_line(&stage, "MODIFIED", "TrustBundleMissing");
	expect_warning(&stage, "in file b is not there");
	/* gone already: nothing to say */
	assert_false(give_bundle(&stage, "example.org", NULL, NOW));
	expect_line(&stage, NULL, NULL);
	assert_int_equal(stage.warned.len, 0);
	close_stage(&stage);
}

static void what_is_no_bundle_at_all_keeps_the_last_one_for_a_bounded_time(void **state)
{
	struct stage stage;
	struct scene *scene = *state;
	open_stage(&stage, scene);
	assert_true(give_bundle(&stage, "example.org", &scene->root, NOW));
	give_all(&stage, NOW);
	stage.emitted.len = 0;
	assert_false(trust_cards_bundle(stage.cards, "example.org", json_of("{}"), "file b", NOW));
	expect_line(&stage, NULL, NULL);
	expect_warning(&stage, "the trust bundle of example.org in file b is unusable: it has no array "
	                       "\"keys\"; the last good one stays for at most 600 seconds more");
	stage.warned.len = 0;
	/* said once a minute, however often it is seen */
	assert_false(trust_cards_bundle(stage.cards, "example.org", json_of("{}"), "file b", NOW + 59));
	pass_time(&stage, NOW + 59);
	assert_int_equal(stage.warned.len, 0);
	pass_time(&stage, NOW + 60);
	expect_warning(&stage, "for at most 540 seconds more");
	stage.warned.len = 0;
	/* a good one ends it, and the next bad one has the whole time again */
	assert_true(give_bundle(&stage, "example.org", &scene->root, NOW + 61));
	pass_time(&stage, NOW + 599);
	assert_int_equal(stage.warned.len, 0);
	trust_cards_bundle_unreadable(stage.cards, "example.org", "file b", "it cannot be read", NOW + 600);
	expect_warning(&stage, "file b is unusable: it cannot be read; the last good one stays for at most 600");
	pass_time(&stage, NOW + 1199);
	expect_line(&stage, NULL, NULL);
	stage.warned.len = 0;
	pass_time(&stage, NOW + 1200);
	expect_line(&stage, "MODIFIED", "TrustBundleMissing");
	expect_warning(&stage, "for longer than --bundle-grace: no card of that trust domain is verified");
	stage.warned.len = 0;
	stage.emitted.len = 0;
	assert_false(trust_cards_bundle(stage.cards, "third.org", json_of("{}"), "file b", NOW));
	expect_line(&stage, NULL, NULL);
	close_stage(&stage);
}

static void a_bundle_without_a_ca_ends_trust_at_once(void **state)
{
	static const char *const bundles[] = {"", "{\"keys\":[]}", "{\"keys\":[{\"use\":\"jwt-svid\"}]}",
	                                      "{\"trust_domains\":{\"other.org\":{\"keys\":[]}}}"};
	struct stage stage;
	struct scene *scene = *state;
	open_stage(&stage, scene);
	for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++) {
		assert_true(give_bundle(&stage, "example.org", &scene->root, NOW));
		give_all(&stage, NOW);
		stage.emitted.len = 0;
		assert_false(trust_cards_bundle(stage.cards, "example.org", json_of(bundles[i]), "file b", NOW));
		expect_line(&stage, "MODIFIED", "TrustBundleMissing");
		expect_warning(&stage, "file b holds no CA");
		stage.warned.len = 0;
	}
	close_stage(&stage);
}

static void an_older_version_of_a_bundle_counts_and_is_said(void **state)
{
	struct stage stage;
	struct scene *scene = *state;
	const struct party *root = &scene->root;
	char *x5c = make_x5c(1, &root);
	open_stage(&stage, scene);
	for (int sequence = 7; sequence >= 5; sequence -= 2) {
		struct json_buffer bundle = {0};
		json_putf(&bundle, "{\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":%s}],"
		                   "\"spiffe_sequence\":%d}", x5c, sequence);
		assert_true(trust_cards_bundle(stage.cards, "example.org", json_buffer_text(&bundle), "file b", NOW));
		if (sequence == 7)
			assert_int_equal(stage.warned.len, 0);
		json_buffer_free(&bundle);
	}
	expect_warning(&stage, "spiffe_sequence of the trust bundle of example.org in file b went back from 7 to 5");
	free(x5c);
	close_stage(&stage);
}

static void the_bundle_of_another_trust_domain_concerns_nobody(void **state)
{
	struct stage stage;
	struct scene *scene = *state;
	open_stage(&stage, scene);
	assert_true(give_bundle(&stage, "example.org", &scene->root, NOW));
	assert_true(give_bundle(&stage, "other.org", &scene->other_root, NOW));
	give_all(&stage, NOW);
	unsigned long checks = trust_checker_counts(scene->checker).checks;
	assert_true(give_bundle(&stage, "other.org", &scene->root, NOW));
	assert_false(give_bundle(&stage, "other.org", NULL, NOW));
	expect_line(&stage, NULL, NULL);
	assert_int_equal(trust_checker_counts(scene->checker).checks, checks);
	close_stage(&stage);
}

static void a_signature_is_verified_once_whatever_else_changes(void **state)
{
	struct stage stage;
	struct scene *scene = *state;
	open_stage(&stage, scene);
	assert_true(give_bundle(&stage, "example.org", &scene->root, NOW));
	give_all(&stage, NOW);
	for (int i = 1; i <= 10; i++) {
		give_all(&stage, NOW + i);
		assert_null(take(&stage, AGENTCARD(",\"status\":{\"phase\":\"x\"}"), NOW + i));
		expect_line(&stage, "ADDED", "Verified");
		assert_true(give_bundle(&stage, "example.org", &scene->root, NOW + i));
		pass_time(&stage, NOW + i);
	}
	assert_int_equal(trust_checker_counts(scene->checker).signatures, 1);
	close_stage(&stage);
}

static void what_is_no_event_is_said_and_changes_nothing(void **state)
{
	struct stage stage;
	open_stage(&stage, *state);
	give_all(&stage, NOW);
	assert_non_null(take(&stage, "{\"type\":\"APPLY\",\"object\":{}}", NOW));
	assert_non_null(take(&stage, "{\"type\":\"DELETED\",\"object\":{\"kind\":\"AgentCard\"}}", NOW));
	expect_line(&stage, NULL, NULL);
	assert_int_equal(trust_cards_count(stage.cards), 1);
	close_stage(&stage);
}

static void an_error_of_a_watch_changes_nothing(void **state)
{
	struct stage stage;
	open_stage(&stage, *state);
	give_all(&stage, NOW);
	assert_null(take(&stage, "{\"type\":\"ERROR\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Status\","
	                         "\"code\":410}}", NOW));
	assert_non_null(strstr(stage.emitted.at, "410"));
	assert_null(take(&stage, AGENTCARD(""), NOW));
	expect_line(&stage, "ADDED", "Verified");
	close_stage(&stage);
}

struct measured {
	int64_t of_source[4], of_anchor;
};

static void measure(void *context, enum trust_measure what, const char *label, int64_t value)
{
	static const char *const sources[] = {"ConfigMap", "status.card", "status", "none"};
	struct measured *measured = context;
	for (int i = 0; i < 4; i++)
		if (what == TRUST_MEASURE_SOURCE && strcmp(label, sources[i]) == 0)
			measured->of_source[i] += value;
	if (what == TRUST_MEASURE_ANCHOR)
		measured->of_anchor += value;
}

static void expect_measured(struct stage *stage, int64_t configmap, int64_t status_card, int64_t none,
                            int64_t anchored)
{
	struct measured measured = {{0}, 0};
	trust_cards_measure(stage->cards, measure, &measured);
	assert_int_equal(measured.of_source[0], configmap);
	assert_int_equal(measured.of_source[1], status_card);
	assert_int_equal(measured.of_source[2], 0);
	assert_int_equal(measured.of_source[3], none);
	assert_int_equal(measured.of_anchor, anchored);
}

static void cards_are_counted_by_where_they_were_found_and_by_the_ca_that_vouches(void **state)
{
	struct stage stage;
	open_stage(&stage, *state);
	expect_measured(&stage, 0, 0, 0, 0);
	assert_null(take(&stage, AGENTCARD(""), NOW));
	expect_measured(&stage, 0, 0, 1, 0);
	assert_null(take(&stage, AGENTCARD(",\"status\":{\"card\":{\"name\":\"b\"}}"), NOW));
	expect_measured(&stage, 0, 1, 0, 0);
	give_all(&stage, NOW);
	expect_measured(&stage, 1, 0, 0, 1);
	assert_true(give_bundle(&stage, "example.org", &stage.scene->other_root, NOW));
	expect_measured(&stage, 1, 0, 0, 0);
	close_stage(&stage);
}

static void verdicts_are_counted_as_often_as_they_are_told(void **state)
{
	struct stage stage;
	open_stage(&stage, *state);
	assert_null(take(&stage, AGENTCARD(""), NOW));
	const unsigned long *counts = trust_cards_verdicts(stage.cards);
	assert_int_equal(counts[TRUST_CARD_MISSING], 1);
	assert_null(take(&stage, AGENTCARD(""), NOW));
	assert_int_equal(counts[TRUST_CARD_MISSING], 2);
	give_card(&stage, NOW); /* of a workload that is not known */
	assert_int_equal(counts[TRUST_WORKLOAD_MISSING], 1);
	assert_null(take(&stage, WORKLOAD, NOW));
	assert_int_equal(counts[TRUST_VERIFIED], 1);
	assert_null(take(&stage, WORKLOAD, NOW));
	assert_int_equal(counts[TRUST_VERIFIED], 1);
	close_stage(&stage);
}

int main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CLAIM(an_anchor_that_expires_ends_its_trust_without_any_event),
		CLAIM(a_leaf_that_begins_to_be_valid_is_verified_then),
		CLAIM(a_leaf_expires_only_where_that_is_asked_for),
		CLAIM(an_event_is_judged_at_its_own_time),
		CLAIM(a_bundle_from_elsewhere_counts_like_one_in_the_stream),
		CLAIM(what_is_no_bundle_at_all_keeps_the_last_one_for_a_bounded_time),
		CLAIM(a_bundle_without_a_ca_ends_trust_at_once),
		CLAIM(an_older_version_of_a_bundle_counts_and_is_said),
		CLAIM(the_bundle_of_another_trust_domain_concerns_nobody),
		CLAIM(a_signature_is_verified_once_whatever_else_changes),
		CLAIM(what_is_no_event_is_said_and_changes_nothing),
		CLAIM(an_error_of_a_watch_changes_nothing),
		CLAIM(cards_are_counted_by_where_they_were_found_and_by_the_ca_that_vouches),
		CLAIM(verdicts_are_counted_as_often_as_they_are_told),
	};
	return cmocka_run_group_tests_name("cards", tests, NULL, NULL);
}

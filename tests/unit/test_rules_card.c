/* Where a card's rules stand, what stands in the wrong place, and what is kept of a resolution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/json.h"
#include "rules/card.h"
#include "rules/resolution.h"
#include "rules/rules.h"

struct found {
	struct json_buffer object;
	struct policy_problems problems;
	struct policy_card_rules rules;
};

/* `spec` and `annotation` with ' for "; the annotation is a JSON string, or NULL. */
static void find(struct found *found, const char *spec, const char *annotation)
{
	*found = (struct found){0};
	json_putf(&found->object, "{'metadata':{'annotations':{'%s':%s}},'spec':%s}", POLICY_RULES_ANNOTATION,
	          annotation == NULL ? "null" : annotation, spec);
	for (size_t i = 0; i < found->object.len; i++)
		if (found->object.at[i] == '\'')
			found->object.at[i] = '"';
	assert_true(json_check(json_buffer_text(&found->object), &json_record_limits, NULL));
	if (annotation == NULL) { /* none at all */
		found->object.len = 0;
		json_putf(&found->object, "{\"spec\":%s}", spec);
		for (size_t i = 0; i < found->object.len; i++)
			if (found->object.at[i] == '\'')
				found->object.at[i] = '"';
	}
	found->rules = policy_card_rules_find(json_buffer_text(&found->object), &found->problems);
}

static void close(struct found *found)
{
	policy_card_rules_free(&found->rules);
	policy_problems_free(&found->problems);
	json_buffer_free(&found->object);
}

static void expect_problem(struct found *found, const char *words)
{
	json_putc(&found->problems.text, '\0');
	if (strstr(found->problems.text.at, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, found->problems.text.at);
}

static void rules_stand_in_the_field_or_in_the_annotation(void **state)
{
	(void)state;
	struct found found;
	find(&found, "{'networkPolicy':{'egress':[]}}", NULL);
	assert_true(text_is(found.rules.text, "{\"egress\":[]}"));
	assert_false(found.rules.annotated);
	close(&found);
	find(&found, "{}", "'{\\'egress\\':[]}'");
	assert_true(text_is(found.rules.text, "{\"egress\":[]}"));
	assert_true(found.rules.annotated);
	assert_int_equal(found.problems.errors, 0);
	close(&found);
	find(&found, "{'networkPolicy':{'egress':null,'domains':null}}", NULL);
	assert_null(found.rules.text.at);
	close(&found);
}

static void both_count_when_they_say_the_same_and_contradict_when_not(void **state)
{
	(void)state;
	struct found found;
	find(&found, "{'networkPolicy':{'egress':[]}}", "'{ \\'egress\\' : [] }'");
	assert_false(found.rules.conflict);
	assert_int_equal(found.problems.errors, 0);
	close(&found);
	find(&found, "{'networkPolicy':{'egress':[]}}", "'{\\'egress\\':[{}]}'");
	assert_true(found.rules.conflict);
	assert_false(found.rules.annotated);
	expect_problem(&found, "says something else than spec.networkPolicy");
	close(&found);
}

static void an_annotation_that_holds_no_rules_is_an_error(void **state)
{
	(void)state;
	static const char *const bad[] = {"''", "'[]'", "'{}'", "'{\\'egress\\':'", "7", "'{\\'egress\\':null}'", NULL};
	for (size_t i = 0; bad[i] != NULL; i++) {
		struct found found;
		find(&found, "{}", bad[i]);
		assert_int_equal(found.problems.errors, 1);
		expect_problem(&found, "must be a JSON object with egress, domains or groups");
		close(&found);
	}
}

static void rules_in_the_wrong_place_are_an_error(void **state)
{
	(void)state;
	static const char *const misplaced[] = {"egress", "domains", "groups", "networkPolicies",
	                                        "NetworkPolicy", "networkpolicy", "Egress", NULL};
	struct found found;
	char spec[128], path[64];
	for (size_t i = 0; misplaced[i] != NULL; i++) {
		snprintf(spec, sizeof spec, "{'%s':[]}", misplaced[i]);
		snprintf(path, sizeof path, "spec.%s\"", misplaced[i]);
		find(&found, spec, NULL);
		assert_int_equal(found.problems.errors, 1);
		expect_problem(&found, path);
		expect_problem(&found, "unknown field: an agent's rules stand in spec.networkPolicy");
		close(&found);
	}
	find(&found, "{'targetRef':{},'syncPeriod':'30s','egres':[]}", NULL);
	assert_int_equal(found.problems.errors, 0);
	close(&found);
}

static void rules_larger_than_may_be_are_not_read(void **state)
{
	(void)state;
	struct found found;
	char *spec = malloc(POLICY_RULES_BYTES + 64);
	assert_non_null(spec);
	for (size_t more = 0; more < 2; more++) {
		size_t spaces = POLICY_RULES_BYTES + more - strlen("{'egress':[]}");
		snprintf(spec, POLICY_RULES_BYTES + 64, "{'networkPolicy':{%*s'egress':[]}}", (int)spaces, "");
		find(&found, spec, NULL);
		assert_int_equal(found.rules.oversized, more == 1);
		assert_int_equal(found.rules.text.at == NULL, more == 1);
		close(&found);
	}
	free(spec);
}

static void of_a_resolution_its_problems_are_kept_and_told_again(void **state)
{
	(void)state;
	struct json_buffer kept = {0};
	struct policy_problems problems = {0};
	policy_resolution_put(json_of("{\"names\":[{\"name\":\"a.example\",\"problem\":\"has no address\"},"
	                              "{\"name\":\"b.example\"},{\"problem\":\"whose?\"},{\"name\":7,\"problem\":\"x\"},"
	                              "{\"name\":\"c.example\",\"problem\":\"is private\"}]}"), &kept);
	assert_true(text_is(json_buffer_text(&kept),
	                    "[[\"a.example\",\"has no address\"],[\"c.example\",\"is private\"]]"));
	json_putc(&kept, '\0');
	policy_resolution_warn(kept.at, &problems);
	assert_int_equal(problems.warnings, 2);
	json_putc(&problems.text, '\0');
	assert_non_null(strstr(problems.text.at, "a.example"));
	assert_non_null(strstr(problems.text.at, "has no address"));
	assert_non_null(strstr(problems.text.at, "is private"));
	policy_problems_free(&problems);
	json_buffer_free(&kept);
}

static void a_resolution_without_problems_leaves_nothing(void **state)
{
	(void)state;
	static const char *const none[] = {"{}", "7", "{\"names\":[]}", "{\"names\":[{\"name\":\"a.example\"}]}", NULL};
	struct json_buffer kept = {0};
	struct policy_problems problems = {0};
	for (size_t i = 0; none[i] != NULL; i++)
		policy_resolution_put(json_of(none[i]), &kept);
	assert_int_equal(kept.len, 0);
	policy_resolution_warn("", &problems);
	assert_int_equal(problems.warnings, 0);
	json_buffer_free(&kept);
}

static void what_is_kept_of_a_resolution_is_bounded(void **state)
{
	(void)state;
	struct json_buffer said = {0}, kept = {0};
	json_puts(&said, "{\"names\":[");
	for (int i = 0; i <= POLICY_PROBLEMS_MAX; i++)
		json_putf(&said, "%s{\"name\":\"n%d\",\"problem\":\"p\"}", i == 0 ? "" : ",", i);
	json_puts(&said, "]}");
	policy_resolution_put(json_buffer_text(&said), &kept);
	assert_int_equal(json_count(json_buffer_text(&kept)), POLICY_PROBLEMS_MAX);
	json_buffer_free(&kept);
	json_buffer_free(&said);
	/* the longest name and problem that are kept, in quotes, and one byte more of each */
	for (int more = 0; more < 3; more++) {
		struct json_buffer long_said = {0}, long_kept = {0};
		json_putf(&long_said, "{\"names\":[{\"name\":\"%0*d\",\"problem\":\"%0*d\"}]}",
		          298 + (more == 1), 0, 1022 + (more == 2), 0);
		policy_resolution_put(json_buffer_text(&long_said), &long_kept);
		assert_int_equal(long_kept.len > 0, more == 0);
		json_buffer_free(&long_kept);
		json_buffer_free(&long_said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_stand_in_the_field_or_in_the_annotation),
		cmocka_unit_test(both_count_when_they_say_the_same_and_contradict_when_not),
		cmocka_unit_test(an_annotation_that_holds_no_rules_is_an_error),
		cmocka_unit_test(rules_in_the_wrong_place_are_an_error),
		cmocka_unit_test(rules_larger_than_may_be_are_not_read),
		cmocka_unit_test(of_a_resolution_its_problems_are_kept_and_told_again),
		cmocka_unit_test(a_resolution_without_problems_leaves_nothing),
		cmocka_unit_test(what_is_kept_of_a_resolution_is_bounded),
	};
	return cmocka_run_group_tests_name("rules_card", tests, NULL, NULL);
}

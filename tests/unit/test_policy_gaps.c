/* The gaps of an agent: what is kept of them, and that no number of them costs more than its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/json.h"
#include "policy/gaps.h"

static void add(struct policy_gaps *gaps, size_t count, enum policy_gap_reason reason)
{
	for (size_t i = 0; i < count; i++)
		policy_gap(gaps, reason, NULL, "number %zu", i);
}

/* How many are listed; the last one is in `last`. */
static size_t listed(const struct policy_gaps *gaps, struct json_buffer *out, struct json_text *last)
{
	size_t count = 0;
	out->len = 0;
	policy_gaps_put(gaps, out);
	assert_true(json_check(json_buffer_text(out), &json_record_limits, NULL));
	for (struct json_member m = json_first(json_buffer_text(out)); m.value.at; m = json_next(m)) {
		*last = m.value;
		count++;
	}
	return count;
}

static void as_many_as_the_bound_are_all_listed(void **state)
{
	(void)state;
	struct policy_gaps gaps = {0};
	struct json_buffer out = {0};
	struct json_text last = {0};
	add(&gaps, POLICY_GAPS_MAX, POLICY_GAP_NOT_APPLIED);
	assert_int_equal(listed(&gaps, &out, &last), POLICY_GAPS_MAX);
	assert_true(json_equals(json_get(last, "message"), "number 31"));
	assert_int_equal(gaps.counts[POLICY_GAP_NOT_APPLIED], POLICY_GAPS_MAX);
	json_buffer_free(&out);
	policy_gaps_free(&gaps);
}

static void more_are_counted_and_said_by_one(void **state)
{
	(void)state;
	struct policy_gaps gaps = {0};
	struct json_buffer out = {0};
	struct json_text last = {0};
	add(&gaps, POLICY_GAPS_MAX, POLICY_GAP_UNDECIDED);
	add(&gaps, 1, POLICY_GAP_WIDENED_BY_POLICY);
	add(&gaps, 2, POLICY_GAP_NOT_APPLIED);
	assert_int_equal(listed(&gaps, &out, &last), POLICY_GAPS_MAX + 1);
	assert_true(json_equals(json_get(last, "reason"), "WidenedByPolicy"));
	struct json_text said = json_plain(json_get(last, "message"));
	assert_non_null(memmem(said.at, said.len, "3", 1));
	assert_int_equal(gaps.counts[POLICY_GAP_WIDENED_BY_POLICY], 1);
	assert_int_equal(gaps.counts[POLICY_GAP_NOT_APPLIED], 2);
	json_buffer_free(&out);
	policy_gaps_free(&gaps);
}

static void undecided_are_those_alone(void **state)
{
	(void)state;
	struct policy_gaps gaps = {0};
	assert_false(policy_gaps_undecided(&gaps));
	add(&gaps, 2, POLICY_GAP_UNDECIDED);
	assert_true(policy_gaps_undecided(&gaps));
	add(&gaps, 1, POLICY_GAP_HOST_NETWORK);
	assert_false(policy_gaps_undecided(&gaps));
	policy_gaps_clear(&gaps);
	assert_false(policy_gaps_undecided(&gaps));
	policy_gaps_free(&gaps);
}

static void those_of_two_are_added(void **state)
{
	(void)state;
	struct policy_gaps gaps = {0}, more = {0};
	struct json_buffer out = {0};
	struct json_text last = {0};
	add(&gaps, 1, POLICY_GAP_HOST_NETWORK);
	add(&more, 2, POLICY_GAP_OBSERVED);
	policy_gaps_add(&gaps, &more);
	assert_int_equal(listed(&gaps, &out, &last), 3);
	assert_int_equal(gaps.counts[POLICY_GAP_HOST_NETWORK], 1);
	assert_int_equal(gaps.counts[POLICY_GAP_OBSERVED], 2);
	json_buffer_free(&out);
	policy_gaps_free(&gaps);
	policy_gaps_free(&more);
}

static void the_object_in_the_way_is_named(void **state)
{
	(void)state;
	struct policy_gaps gaps = {0};
	struct json_buffer out = {0};
	struct json_text last = {0};
	const struct kube_identity object = {
		.api_version = json_of("v1"), .kind = json_of("Service"), .name = json_of("s")};
	policy_gap(&gaps, POLICY_GAP_FOREIGN_POLICY, &object, "it is in the way");
	assert_int_equal(listed(&gaps, &out, &last), 1);
	struct json_text named = json_get(last, "object");
	assert_true(json_equals(json_get(named, "kind"), "Service"));
	assert_true(json_equals(json_get(named, "name"), "s"));
	assert_null(json_get(named, "namespace").at);
	json_buffer_free(&out);
	policy_gaps_free(&gaps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_as_the_bound_are_all_listed),
		cmocka_unit_test(more_are_counted_and_said_by_one),
		cmocka_unit_test(undecided_are_those_alone),
		cmocka_unit_test(those_of_two_are_added),
		cmocka_unit_test(the_object_in_the_way_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What current API servers ask of the definition, which that of the cluster tests does not: bounds
 * everywhere, and CEL rules whose estimated cost it accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rules/crd.h"
#include "rules/schema_private.h"

/* k8s.io/apiextensions-apiserver: StaticEstimatedCostLimit, StaticEstimatedCRDCostLimit. */
static const uint64_t rule_limit = 10000000, whole_limit = 100000000;

static uint64_t times(const char *rule, const char *what)
{
	uint64_t count = 0;
	for (const char *at = rule; (at = strstr(at, what)) != NULL; at += strlen(what))
		count++;
	return count;
}

/* At most what cel-go's checker estimates: a member of self costs 2, an operator or function 1,
 * and a conditional no more than both its branches. */
static uint64_t cost_of(const char *rule)
{
	static const char *const ones[] = {"==", "<", ">", "!", "size(", "int("};
	uint64_t cost = 2 * times(rule, "self.");
	for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++)
		cost += times(rule, ones[i]);
	return cost;
}

struct visit {
	void (*rule)(const char *rule, uint64_t places, uint64_t *sum);
	uint64_t sum;
};

/* `places`: how many values may stand where the schema does. */
static void walk(const struct policy_schema *schema, uint64_t places, struct visit *visit)
{
	for (const struct policy_cel *cel = schema->rules; cel && cel->rule; cel++)
		visit->rule(cel->rule, places, &visit->sum);
	if (schema->type == POLICY_LIST || schema->type == POLICY_MAP) {
		assert_true(schema->max > 0);
		walk(schema->items, places * schema->max, visit);
	}
	if (schema->type == POLICY_STRING && schema->words == NULL)
		assert_true(schema->max > 0);
	for (const struct policy_field *field = schema->fields; field && field->name; field++) {
		assert_non_null(field->description);
		walk(field->schema, places, visit);
	}
}

static void check_cost(const char *rule, uint64_t places, uint64_t *sum)
{
	uint64_t cost = cost_of(rule) * places;
	if (cost >= rule_limit)
		fail_msg("%lu: %s", (unsigned long)cost, rule);
	*sum += cost;
}

static void the_server_accepts_what_the_rules_may_cost(void **state)
{
	(void)state;
	struct visit visit = {check_cost, 0};
	walk(&policy_network_policy_schema, 1, &visit);
	assert_true(visit.sum > 0);
	assert_true(visit.sum < whole_limit);
}

/* Of these the estimate depends on sizes that the server does not know: of a port's name, or of
 * a type. It takes them for the largest request, and refuses the definition. */
static void check_bounded(const char *rule, uint64_t places, uint64_t *sum)
{
	static const char *const unbounded[] = {"type(", "matches(", "contains(", "string(", " in ",
	                                        "exists(", "all("};
	(void)places;
	(void)sum;
	for (size_t i = 0; i < sizeof unbounded / sizeof unbounded[0]; i++)
		if (strstr(rule, unbounded[i]) != NULL)
			fail_msg("%s: %s", unbounded[i], rule);
}

static void no_rule_uses_what_has_no_bounded_cost(void **state)
{
	(void)state;
	struct visit visit = {check_bounded, 0};
	walk(&policy_network_policy_schema, 1, &visit);
}

static void every_rule_of_the_table_is_in_the_definition(void **state)
{
	(void)state;
	struct json_buffer yaml = {0};
	policy_crd_put(&yaml, policy_names(POLICY_NAMES_KAGENTI));
	json_putc(&yaml, '\0');
	assert_int_equal(times(yaml.at, "- rule: "), 6);
	assert_int_equal(times(yaml.at, "x-kubernetes-int-or-string: true"), 2);
	assert_int_equal(times(yaml.at, "\t"), 0);
	assert_non_null(strstr(yaml.at, "name: agentcards.agent.kagenti.dev\n"));
	json_buffer_free(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_accepts_what_the_rules_may_cost),
		cmocka_unit_test(no_rule_uses_what_has_no_bounded_cost),
		cmocka_unit_test(every_rule_of_the_table_is_in_the_definition),
	};
	return cmocka_run_group_tests_name("crd", tests, NULL, NULL);
}

/* What current API servers ask of the definition, which that of the cluster tests does not: bounds
 * everywhere, and CEL rules whose estimated cost it accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
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
	/* k8s.io/apiserver/pkg/cel/library: a tenth of the text's bytes, of which there are 49 */
	static const char *const texts[] = {"isCIDR(", " cidr(", "masked(", "startsWith("};
	uint64_t cost = 2 * times(rule, "self.") + times(rule, "(self)");
	for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++)
		cost += times(rule, ones[i]);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		cost += 5 * times(rule, texts[i]);
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

static char *definition(enum policy_crd_version version)
{
	struct json_buffer yaml = {0};
	policy_crd_put(&yaml, policy_names(POLICY_NAMES_KAGENTI), version);
	json_putc(&yaml, '\0');
	return yaml.at;
}

static void every_rule_of_the_table_is_in_the_definition(void **state)
{
	(void)state;
	char *yaml = definition(POLICY_CRD_1_31);
	assert_int_equal(times(yaml, "- rule: "), 7);
	assert_int_equal(times(yaml, "x-kubernetes-int-or-string: true"), 2);
	assert_int_equal(times(yaml, "\t"), 0);
	assert_non_null(strstr(yaml, "name: agentcards.agent.kagenti.dev\n"));
	free(yaml);
}

static void that_for_old_servers_has_no_rule_and_is_the_same_besides(void **state)
{
	(void)state;
	char *old = definition(POLICY_CRD_1_20), *now = definition(POLICY_CRD_1_31);
	assert_int_equal(times(old, "x-kubernetes-validations"), 0);
	assert_int_equal(times(old, "- rule: "), 0);
	assert_int_equal(times(old, "nullable: true"), times(now, "nullable: true"));
	assert_int_equal(times(old, "x-kubernetes-preserve-unknown-fields: true"),
	                 times(now, "x-kubernetes-preserve-unknown-fields: true"));
	free(old);
	free(now);
}

static void count_values(const struct policy_schema *schema, uint64_t *values, uint64_t *objects)
{
	++*values;
	if (schema->type == POLICY_OBJECT)
		++*objects;
	if (schema->type == POLICY_LIST || schema->type == POLICY_MAP)
		count_values(schema->items, values, objects);
	for (const struct policy_field *field = schema->fields; field && field->name; field++)
		count_values(field->schema, values, objects);
}

/* What is dropped cannot be refused. Besides its objects these are
 * spec, two that are the operator's, the status, its conditions and our part of it. */
static void the_server_drops_nothing_of_the_rules(void **state)
{
	(void)state;
	uint64_t values = 0, objects = 0;
	char *yaml = definition(POLICY_CRD_1_31);
	count_values(&policy_network_policy_schema, &values, &objects);
	assert_int_equal(times(yaml, "nullable: true"), values);
	assert_int_equal(times(yaml, "x-kubernetes-preserve-unknown-fields: true"), objects + 6);
	free(yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_accepts_what_the_rules_may_cost),
		cmocka_unit_test(no_rule_uses_what_has_no_bounded_cost),
		cmocka_unit_test(every_rule_of_the_table_is_in_the_definition),
		cmocka_unit_test(that_for_old_servers_has_no_rule_and_is_the_same_besides),
		cmocka_unit_test(the_server_drops_nothing_of_the_rules),
	};
	return cmocka_run_group_tests_name("crd", tests, NULL, NULL);
}

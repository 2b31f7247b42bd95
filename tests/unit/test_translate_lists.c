/* When something is deleted, and when not: lists that lost a record or are open side by side, objects of
 * others. And the rules of a card that cannot be read, or that another card contradicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/rules.h"
#include "translating.h"

#define POLICY "agent-signature-policy"
#define ALLOW_ALL "APPLY EgressUnset [{}]"
#define CIDR(cidr) "{'egress':[{'to':[{'ipBlock':{'cidr':'" cidr "'}}]}]}"
#define DOMAINS(names) "{'domains':[{'names':[" names "],'ports':[{'port':443}]}]}"

/* A verified agent in a world that is known. */
static void start(struct translating *world)
{
	translating_start(world);
	tell_workload(world, "agent");
	tell_card(world, "ADDED", "agent", true, NULL);
	tell_end_cards(world);
	assert_string_equal(asked(world, POLICY), ALLOW_ALL);
}

static void test_a_card_that_a_whole_list_does_not_name_loses_its_policy(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	tell_begin_cards(&world);
	assert_string_equal(asked(&world, POLICY), ALLOW_ALL);
	tell_end_cards(&world);
	assert_string_equal(asked(&world, POLICY), "DELETE Unwanted");
	translating_free(&world);
}

static void lose_line(struct translating *world)
{
	policy_translator_unusable(world->translator, json_of("{"));
}

static void lose_by_error(struct translating *world)
{
	tell(world, "{'type':'ERROR','object':{'apiVersion':'v1','kind':'Status','code':500}}");
}

static void test_a_lost_record_deletes_nothing_until_a_whole_list_came(void **state)
{
	(void)state;
	void (*const lose[])(struct translating *) = {lose_line, lose_by_error};
	for (size_t i = 0; i < 2; i++) {
		struct translating world;
		start(&world);
		size_t before = operations(&world);
		tell_begin_cards(&world);
		lose[i](&world);
		tell_end_cards(&world);
		assert_string_equal(asked(&world, POLICY), ALLOW_ALL);
		/* the begin mark, and the agent's state again; the end mark does not pass */
		assert_int_equal(operations(&world), before + 2);
		tell_begin_cards(&world);
		tell_end_cards(&world);
		assert_string_equal(asked(&world, POLICY), "DELETE Unwanted");
		translating_free(&world);
	}
}

static void test_a_record_lost_before_the_first_end_deletes_no_policy_of_an_earlier_run(void **state)
{
	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		struct translating world;
		translating_start(&world);
		tell_begin_cards(&world);
		tell(&world, "{'type':'ADDED','object':{'apiVersion':'networking.k8s.io/v1',"
		             "'kind':'NetworkPolicy','metadata':{'name':'" POLICY "','namespace':'n',"
		             "'labels':{'app.kubernetes.io/managed-by':'agent-egress'}},'spec':{"
		             "'podSelector':{'matchLabels':{'app':'agent'}}}}}");
		if (lost)
			lose_line(&world);
		tell_end_cards(&world);
		assert_string_equal(asked(&world, POLICY), lost ? "nothing" : "DELETE Unwanted");
		translating_free(&world);
	}
}

static void test_a_loss_counts_until_a_list_begins_while_none_is_open(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	tell_begin(&world, "apps/v1", "Deployment");
	lose_line(&world);
	tell_begin_cards(&world);
	tell_end_cards(&world);
	tell_workload(&world, "agent");
	tell_end(&world, "apps/v1", "Deployment");
	assert_string_equal(asked(&world, POLICY), ALLOW_ALL);
	translating_free(&world);
}

static void test_what_was_seen_to_go_is_deleted_also_after_a_loss(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	lose_line(&world);
	tell_card(&world, "DELETED", "agent", true, NULL);
	assert_string_equal(asked(&world, POLICY), "DELETE Unwanted");
	translating_free(&world);
}

static void test_nothing_is_asked_for_while_any_list_is_open(void **state)
{
	(void)state;
	struct translating world;
	translating_start(&world);
	tell_begin_cards(&world);
	tell_begin(&world, "apps/v1", "Deployment");
	tell_begin(&world, "networking.k8s.io/v1", "NetworkPolicy");
	tell_card(&world, "ADDED", "agent", true, NULL);
	tell_end_cards(&world);
	assert_int_equal(operations(&world), 1); /* the begin mark */
	tell_workload(&world, "agent");
	tell_end(&world, "networking.k8s.io/v1", "NetworkPolicy");
	assert_int_equal(operations(&world), 1);
	assert_non_null(policy_translator_end(world.translator));
	assert_int_equal(operations(&world), 1);
	tell_end(&world, "apps/v1", "Deployment");
	assert_string_equal(asked(&world, POLICY), ALLOW_ALL);
	assert_int_equal(operations(&world), 3); /* and the policy, and the agent's state */
	assert_null(policy_translator_end(world.translator));
	translating_free(&world);
}

static void test_a_list_of_one_kind_ends_no_other(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	tell_begin_cards(&world);
	tell_begin(&world, "apps/v1", "Deployment");
	tell_begin(&world, "apps/v1", "StatefulSet");
	tell_end(&world, "apps/v1", "StatefulSet");
	assert_string_equal(asked(&world, POLICY), ALLOW_ALL);
	tell_workload(&world, "agent");
	tell_end(&world, "apps/v1", "Deployment");
	assert_string_equal(asked(&world, POLICY), ALLOW_ALL);
	tell_card(&world, "ADDED", "agent", true, NULL);
	tell_end_cards(&world);
	assert_string_equal(asked(&world, POLICY), ALLOW_ALL);
	translating_free(&world);
}

static void test_more_lists_at_once_than_are_kept_are_never_complete(void **state)
{
	(void)state;
	struct translating world;
	char kind[32];
	translating_start(&world);
	tell_workload(&world, "agent");
	tell_card(&world, "ADDED", "agent", true, NULL);
	for (int i = 0; i < 33; i++) {
		snprintf(kind, sizeof kind, "Kind%d", i);
		tell_begin(&world, "example.com/v1", kind);
	}
	for (int i = 0; i < 33; i++) {
		snprintf(kind, sizeof kind, "Kind%d", i);
		tell_end(&world, "example.com/v1", kind);
	}
	tell_end_cards(&world);
	assert_int_equal(operations(&world), 0);
	translating_free(&world);
}

/* A policy as it is seen. */
static void tell_policy(struct translating *world, const char *namespace, const char *name,
                        const char *labels, const char *card)
{
	tell(world,
	     "{'type':'ADDED','object':{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy',"
	     "'metadata':{'name':'%s','namespace':'%s','labels':{%s},'ownerReferences':[{"
	     "'apiVersion':'agent.kagenti.dev/v1alpha1','kind':'AgentCard','name':'%s','uid':'u'}]},"
	     "'spec':{'podSelector':{'matchLabels':{'app':'old'}},'policyTypes':['Egress']}}}",
	     name, namespace, labels, card);
}

#define OURS "'app.kubernetes.io/managed-by':'agent-egress'"

static void test_only_what_has_our_label_is_deleted(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	tell_policy(&world, "n", "other", "", "agent");
	tell_policy(&world, "n", "helm", "'app.kubernetes.io/managed-by':'Helm'", "agent");
	tell_policy(&world, "n", "near", "'managed-by':'agent-egress'", "agent");
	assert_string_equal(asked(&world, "other"), "nothing");
	assert_string_equal(asked(&world, "helm"), "nothing");
	assert_string_equal(asked(&world, "near"), "nothing");
	tell_policy(&world, "n", "ours", OURS, "agent");
	assert_string_equal(asked(&world, "ours"), "DELETE Unwanted");
	translating_free(&world);
}

static void test_what_loses_our_label_is_not_deleted(void **state)
{
	(void)state;
	struct translating world;
	translating_start(&world);
	tell_begin_cards(&world);
	tell_policy(&world, "n", "ours", OURS, "agent");
	tell_policy(&world, "n", "ours", "", "agent");
	tell_end_cards(&world);
	assert_string_equal(asked(&world, "ours"), "nothing");
	translating_free(&world);
}

/* The card's workload does not exist: the policy of an earlier run for it stays as it is, if it is of the
 * card's own namespace and is ours. */
static void test_a_left_over_of_another_namespace_is_not_taken_for_ones_own(void **state)
{
	(void)state;
	static const struct {
		const char *namespace, *labels, *card;
		bool stays;
	} cases[] = {
		{"n", OURS, "agent", true},
		{"n", OURS, "other", false},
		{"m", OURS, "agent", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct translating world;
		translating_start(&world);
		tell_begin_cards(&world);
		tell_policy(&world, cases[i].namespace, POLICY, cases[i].labels, cases[i].card);
		tell_card(&world, "ADDED", "agent", false, NULL);
		tell_end_cards(&world);
		assert_string_equal(asked(&world, POLICY),
		                    cases[i].stays ? "APPLY NotVerified []" : "DELETE Unwanted");
		translating_free(&world);
	}
}

/* {'egress':[…]} of so many bytes. */
static char *rules_of(size_t bytes)
{
	static const char start[] = "{'egress':[]", end[] = "}";
	char *text = malloc(bytes + 1);
	assert_non_null(text);
	memset(text, ' ', bytes);
	memcpy(text, start, sizeof start - 1);
	memcpy(text + bytes - 1, end, sizeof end);
	return text;
}

static void test_rules_that_are_too_large_to_read_allow_nothing(void **state)
{
	(void)state;
	char *fit = rules_of(POLICY_RULES_BYTES), *large = rules_of(POLICY_RULES_BYTES + 1);
	struct translating world;
	start(&world);
	tell_card(&world, "MODIFIED", "agent", true, fit);
	assert_string_equal(asked(&world, POLICY), "APPLY EgressEmpty []");
	tell_card(&world, "MODIFIED", "agent", true, large);
	assert_string_equal(asked(&world, POLICY), "APPLY RulesInvalid []");
	tell_card(&world, "MODIFIED", "agent", true, NULL);
	assert_string_equal(asked(&world, POLICY), "APPLY EgressErased []");
	tell_card(&world, "MODIFIED", "agent", true, "{'egress':[{}]}");
	assert_string_equal(asked(&world, POLICY), "APPLY EgressRules [{}]");
	tell(&world,
	     "{'type':'MODIFIED','object':{'apiVersion':'agent.kagenti.dev/v1alpha1','kind':'AgentCard',"
	     "'metadata':{'name':'agent','namespace':'n','annotations':{"
	     "'agent-egress.dev/network-policy':'%*s'}},'spec':{'targetRef':{'apiVersion':'apps/v1',"
	     "'kind':'Deployment','name':'agent'}}},'verification':{'verified':true}}",
	     POLICY_RULES_BYTES, "");
	assert_string_equal(asked(&world, POLICY), "APPLY RulesInvalid []");
	free(fit);
	free(large);
	translating_free(&world);
}

static void assert_two(const char *first, const char *second, const char *wanted)
{
	struct translating world;
	start(&world);
	tell_card(&world, "MODIFIED", "agent", true, first);
	tell_card_for(&world, "ADDED", "agent2", "agent", true, second);
	if (strncmp(asked(&world, POLICY), wanted, strlen(wanted)) != 0)
		fail_msg("%s beside %s: %s", first ? first : "-", second ? second : "-",
		         asked(&world, POLICY));
	translating_free(&world);
}

static void test_two_cards_of_a_workload_that_differ_in_anything_allow_nothing(void **state)
{
	(void)state;
	static const char conflict[] = "APPLY RulesConflict []";
	assert_two(DOMAINS("'a.example'"), DOMAINS("'b.example'"), conflict);
	assert_two("{'egress':[],'domains':[]}", "{'egress':[]}", conflict);
	assert_two("{'egress':[{}],'domains':[{'names':['a.example'],'ports':[{'port':443}]}]}", "{'egress':[{}]}",
	           conflict);
	assert_two(CIDR("192.0.2.1/32"), CIDR("192.0.2.2/32"), conflict);
	assert_two(CIDR("192.0.2.1/32"), NULL, conflict);
	assert_two(NULL, DOMAINS("'a.example'"), conflict);
	assert_two(DOMAINS("'a.example'"), DOMAINS("'a.example'"), "APPLY EgressRules ");
	assert_two(CIDR("192.0.2.1/32"), CIDR("192.0.2.1/32"), "APPLY EgressRules ");
	assert_two(NULL, NULL, ALLOW_ALL);
}

static void test_one_card_of_a_workload_that_is_not_verified_is_enough(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	tell_card_for(&world, "ADDED", "agent2", "agent", false, NULL);
	assert_string_equal(asked(&world, POLICY), "APPLY NotVerified []");
	tell_card_for(&world, "DELETED", "agent2", "agent", false, NULL);
	assert_string_equal(asked(&world, POLICY), ALLOW_ALL);
	translating_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_card_that_a_whole_list_does_not_name_loses_its_policy),
		cmocka_unit_test(test_a_lost_record_deletes_nothing_until_a_whole_list_came),
		cmocka_unit_test(test_a_record_lost_before_the_first_end_deletes_no_policy_of_an_earlier_run),
		cmocka_unit_test(test_a_loss_counts_until_a_list_begins_while_none_is_open),
		cmocka_unit_test(test_what_was_seen_to_go_is_deleted_also_after_a_loss),
		cmocka_unit_test(test_nothing_is_asked_for_while_any_list_is_open),
		cmocka_unit_test(test_a_list_of_one_kind_ends_no_other),
		cmocka_unit_test(test_more_lists_at_once_than_are_kept_are_never_complete),
		cmocka_unit_test(test_only_what_has_our_label_is_deleted),
		cmocka_unit_test(test_what_loses_our_label_is_not_deleted),
		cmocka_unit_test(test_a_left_over_of_another_namespace_is_not_taken_for_ones_own),
		cmocka_unit_test(test_rules_that_are_too_large_to_read_allow_nothing),
		cmocka_unit_test(test_two_cards_of_a_workload_that_differ_in_anything_allow_nothing),
		cmocka_unit_test(test_one_card_of_a_workload_that_is_not_verified_is_enough),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

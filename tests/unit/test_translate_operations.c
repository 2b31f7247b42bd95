/* Operations word for word, and who may reach an agent: each on the smallest world that shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/json.h"
#include "translating.h"

#define POLICY "agent-signature-policy"
#define CARD "{'namespace':'n','name':'agent','uid':'uid-agent'}"
#define OBJECT "{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy','namespace':'n','name':'" POLICY "'}"
#define OURS "'app.kubernetes.io/managed-by':'agent-egress','kagenti.dev/agentcard':'agent'"

/* The last line of this type about that object or card, with ' for "; "" when there is none. */
static const char *last(struct translating *world, const char *type, const char *words)
{
	static char text[8192];
	struct json_text all = json_buffer_text(&world->operations);
	text[0] = '\0';
	for (size_t at = 0, len; at < all.len; at += len + 1) {
		len = (size_t)((const char *)memchr(all.at + at, '\n', all.len - at) - all.at) - at;
		struct json_text line = {all.at + at, len};
		if (!json_equals(json_get(line, "type"), type) || memmem(line.at, line.len, words, strlen(words)) == NULL)
			continue;
		assert_true(len < sizeof text);
		snprintf(text, sizeof text, "%.*s", (int)len, line.at);
	}
	for (char *p = text; *p != '\0'; p++)
		if (*p == '"')
			*p = '\'';
	return text;
}

static void expect_part(const char *line, const char *part)
{
	if (strstr(line, part) == NULL)
		fail_msg("%s\n-- is not in: %s", part, line);
}

static void start(struct translating *world, bool verified, const char *rules)
{
	translating_start(world);
	tell_workload(world, "agent");
	tell_card(world, "ADDED", "agent", verified, rules);
	tell_end_cards(world);
}

/* Our policy of the agent, as the server has it. */
static void tell_policy(struct translating *world, const char *type, const char *labels)
{
	tell(world,
	     "{'type':'%s','object':{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy','metadata':{"
	     "'name':'" POLICY "','namespace':'n','labels':{%s}},'spec':{'podSelector':{},'policyTypes':["
	     "'Ingress','Egress']}}}",
	     type, labels);
}

static void an_apply_says_why_and_for_which_card(void **state)
{
	(void)state;
	struct translating world;
	start(&world, false, NULL);
	const char *line = last(&world, "APPLY", POLICY);
	expect_part(line, "{'type':'APPLY','object':{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy','metadata':{"
	                  "'name':'" POLICY "','namespace':'n',");
	expect_part(line, "'reason':'NotVerified','message':'");
	expect_part(line, "'agentCard':" CARD ",'problems':[");
	expect_part(line, "'effect':'unknown'}"); /* no list of policies has come */
	translating_free(&world);
}

static void a_delete_names_the_object_and_nothing_more(void **state)
{
	(void)state;
	struct translating world;
	translating_start(&world);
	tell_policy(&world, "ADDED", OURS);
	tell_end_cards(&world);
	expect_part(last(&world, "DELETE", POLICY),
	            "{'type':'DELETE','object':{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy',"
	            "'metadata':{'namespace':'n','name':'" POLICY "'}},'reason':'Unwanted',"
	            "'message':'no AgentCard asks for this policy any more',");
	translating_free(&world);
}

static void an_agent_names_its_card_workload_objects_and_state(void **state)
{
	(void)state;
	struct translating world;
	start(&world, true, "{'egress':[{'ports':[{'port':443}]}]}");
	const char *line = last(&world, "AGENT", "uid-agent");
	expect_part(line, "{'type':'AGENT','agentCard':" CARD ",'workload':{'apiVersion':'apps/v1','kind':'Deployment',"
	                  "'name':'agent'},'verified':true,'reason':'EgressRules','message':'");
	expect_part(line, "'egress':'scoped','confined':");
	expect_part(line, "'objects':[" OBJECT "],'rulesDigest':'");
	expect_part(line, "'live':false}");
	translating_free(&world);
}

static void an_agent_that_is_not_confined_has_no_gaps(void **state)
{
	(void)state;
	struct translating world;
	start(&world, true, NULL);
	const char *line = last(&world, "AGENT", "uid-agent");
	expect_part(line, "'egress':'allow-all'");
	assert_null(strstr(line, "'confined'"));
	assert_null(strstr(line, "'gaps'"));
	translating_free(&world);
}

static void an_agent_whose_card_is_gone_is_told_once(void **state)
{
	(void)state;
	struct translating world;
	start(&world, true, NULL);
	tell_card(&world, "DELETED", "agent", true, NULL);
	assert_string_equal(last(&world, "AGENT", "uid-agent"), "{'type':'AGENT','agentCard':" CARD ",'gone':true}");
	translating_free(&world);
}

/* The object of the last APPLY of the agent's policy, seen at the server. */
static void tell_as_asked(struct translating *world, const char *type)
{
	char line[8192];
	snprintf(line, sizeof line, "%s", last(world, "APPLY", POLICY));
	for (char *p = line; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	struct json_text found = json_get(json_of(line), "object");
	assert_true(found.len > 0);
	tell(world, "{'type':'%s','object':%.*s}", type, (int)found.len, found.at);
}

static size_t count_of(const struct translating *world, const char *words)
{
	size_t count = 0;
	const char *at = world->operations.at, *end = at + world->operations.len;
	while ((at = memmem(at, (size_t)(end - at), words, strlen(words))) != NULL) {
		count++;
		at += strlen(words);
	}
	return count;
}

/* "live": the input says what of its objects is there, and what is not is a gap. */
static void a_policy_that_is_not_there_is_a_gap_and_asked_for_again(void **state)
{
	(void)state;
	static const char apply[] = "{\"type\":\"APPLY\"",
	                  gap[] = "{'reason':'NotApplied','message':'NetworkPolicy " POLICY " is not there'";
	struct translating world;
	start(&world, false, NULL);
	size_t applies = count_of(&world, apply);
	tell_as_asked(&world, "ADDED");
	/* while the list is not whole, nobody knows */
	expect_part(last(&world, "AGENT", "uid-agent"), "'live':false}");
	tell_begin(&world, "networking.k8s.io/v1", "NetworkPolicy");
	tell_as_asked(&world, "ADDED");
	tell_end(&world, "networking.k8s.io/v1", "NetworkPolicy");
	expect_part(last(&world, "AGENT", "uid-agent"), "'live':true}");
	assert_null(strstr(last(&world, "AGENT", "uid-agent"), gap));
	assert_int_equal(count_of(&world, apply), applies);
	tell_as_asked(&world, "DELETED");
	expect_part(last(&world, "AGENT", "uid-agent"), gap);
	assert_int_equal(count_of(&world, apply), applies + 1);
	translating_free(&world);
}

static void a_policy_that_somebody_widens_is_asked_for_again(void **state)
{
	(void)state;
	static const char apply[] = "{\"type\":\"APPLY\"";
	struct translating world;
	start(&world, false, NULL);
	size_t applies = count_of(&world, apply);
	tell_as_asked(&world, "ADDED");
	tell(&world,
	     "{'type':'MODIFIED','object':{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy','metadata':{"
	     "'name':'" POLICY "','namespace':'n','labels':{" OURS ",'managed-by':'agent-egress',"
	     "'kagenti.dev/policy-type':'signature-verification'}},'spec':{'podSelector':{'matchLabels':{'app':'agent'}},"
	     "'policyTypes':['Ingress','Egress'],'egress':[{}]}}}");
	expect_part(last(&world, "AGENT", "uid-agent"), "'live':false}");
	assert_int_equal(count_of(&world, apply), applies + 1);
	translating_free(&world);
}

static void tell_others_policy(struct translating *world, const char *rules)
{
	tell(world,
	     "{'type':'ADDED','object':{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy','metadata':{"
	     "'name':'other','namespace':'n'},'spec':{'podSelector':{},'policyTypes':['Egress'],'egress':%s}}}",
	     rules);
}

/* Policies are added up: what another one allows is allowed. */
static void a_policy_of_others_that_allows_more_is_a_gap(void **state)
{
	(void)state;
	static const char widened[] = "{'reason':'WidenedByPolicy'";
	struct translating world;
	start(&world, false, NULL);
	assert_null(strstr(last(&world, "AGENT", "uid-agent"), widened));
	tell_others_policy(&world, "[{}]");
	const char *line = last(&world, "AGENT", "uid-agent");
	expect_part(line, widened);
	expect_part(line, "'name':'other'");
	expect_part(line, "WidenedByPolicy: the agent is not verified, and ");
	translating_free(&world);
	start(&world, true, "{'egress':[]}");
	tell_others_policy(&world, "[{}]");
	line = last(&world, "AGENT", "uid-agent");
	expect_part(line, widened);
	assert_null(strstr(line, "the agent is not verified, and "));
	translating_free(&world);
}

static void another_policy_that_allows_no_more_is_none(void **state)
{
	(void)state;
	struct translating world;
	start(&world, false, NULL);
	tell_others_policy(&world, "[]");
	assert_null(strstr(last(&world, "AGENT", "uid-agent"), "WidenedByPolicy"));
	translating_free(&world);
}

/* With every agent named by its own selector, only verified ones that are there are let in. */
static void with_peers_by_workload_the_other_verified_agents_are_let_in(void **state)
{
	(void)state;
	static const char *const none[] = {NULL}, *const operators[] = {"ops", NULL};
	struct policy_settings settings = {.names = policy_names(POLICY_NAMES_KAGENTI),
	                                   .ingress_namespaces = operators,
	                                   .api_server = none,
	                                   .verified_peers = POLICY_PEERS_WORKLOADS};
	struct translating world;
	translating_start_with(&world, &settings);
	const char *const names[] = {"c", "a", "b", "unverified"};
	for (size_t i = 0; i < 4; i++) {
		tell_workload(&world, names[i]);
		tell_card(&world, "ADDED", names[i], i < 3, NULL);
	}
	tell_card(&world, "ADDED", "unknown", true, NULL);
	tell_end_cards(&world);
#define APP(name) "{'podSelector':{'matchLabels':{'app':'" name "'}}}"
	expect_part(last(&world, "APPLY", "\"b-signature-policy\""),
	            "'ingress':[{'from':[{'namespaceSelector':{'matchLabels':{'kubernetes.io/metadata.name':'ops'}}},"
	            APP("a") "," APP("b") "," APP("c") "]}]");
	expect_part(last(&world, "APPLY", "\"unverified-signature-policy\""),
	            "'ingress':[{'from':[{'namespaceSelector':{'matchLabels':{'kubernetes.io/metadata.name':'ops'}}}]}]");
	translating_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_apply_says_why_and_for_which_card),
		cmocka_unit_test(a_delete_names_the_object_and_nothing_more),
		cmocka_unit_test(an_agent_names_its_card_workload_objects_and_state),
		cmocka_unit_test(an_agent_that_is_not_confined_has_no_gaps),
		cmocka_unit_test(an_agent_whose_card_is_gone_is_told_once),
		cmocka_unit_test(a_policy_that_is_not_there_is_a_gap_and_asked_for_again),
		cmocka_unit_test(a_policy_that_somebody_widens_is_asked_for_again),
		cmocka_unit_test(a_policy_of_others_that_allows_more_is_a_gap),
		cmocka_unit_test(another_policy_that_allows_no_more_is_none),
		cmocka_unit_test(with_peers_by_workload_the_other_verified_agents_are_let_in),
	};
	return cmocka_run_group_tests_name("operations", tests, NULL, NULL);
}

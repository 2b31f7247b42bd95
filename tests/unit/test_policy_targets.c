/* Every target beside NetworkPolicy: where it claims to express a rule it gives the same answer,
 * and nowhere a wider one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/inventory.h"
#include "translate/namespace_wide_private.h"
#include "translate/translator.h"
#include "target_evaluators.h"

enum { RULE_SETS = 10000, MODE_SETS = 300, CONNECTIONS = 12 };

/* One agent, its decision, and what a target makes of that. */
struct stage {
	const struct target_evaluator *evaluator;
	struct policy_settings settings;
	const struct policy_target *target;
	struct policy_translator *translator;
	struct policy_decision decision;
	struct policy_manifests of_agent, of_namespace;
	struct policy_problems of_namespace_problems;
	struct json_buffer line, card, problems; /* `problems`: the renderer's, an array */
};

static void ignore(void *context, struct json_text line)
{
	(void)context;
	(void)line;
}

static void feed(struct stage *stage)
{
	struct json_text text = json_buffer_text(&stage->line);
	assert_true(json_check(text, &json_record_limits, NULL));
	assert_null(policy_translator_take(stage->translator, text, text));
	stage->line.len = 0;
}

static const struct policy_target *target_named(const char *word)
{
	for (size_t i = 0; policy_targets[i] != NULL; i++)
		if (strcmp(policy_targets[i]->word, word) == 0)
			return policy_targets[i];
	fail_msg("there is no target %s", word);
	return NULL;
}

static void open_stage(struct stage *stage, const struct target_evaluator *evaluator)
{
	static const char *const namespaces[] = {"ops", NULL};
	static const char *const no_cidrs[] = {NULL};
	*stage = (struct stage){
	        .evaluator = evaluator,
	        .target = target_named(evaluator->target),
	        .settings = {.names = policy_names(POLICY_NAMES_KAGENTI),
	                     .ingress_namespaces = namespaces,
	                     .api_server = no_cidrs,
	                     .api_server_port = POLICY_PORT_DEFAULT,
	                     .no_wait = true},
	};
	stage->translator =
	        policy_translator_new(&stage->settings, stage->target, (struct policy_output){ignore, NULL});
	json_putf(&stage->line,
	          "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":"
	          "\"Deployment\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"agent\"},"
	          "\"spec\":{\"selector\":%s}}}",
	          WORLD_SPACE, WORLD_SELECTOR);
	feed(stage);
	json_putf(&stage->line,
	          "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\","
	          "\"metadata\":{\"namespace\":\"default\",\"name\":\"kubernetes\"},\"subsets\":[{"
	          "\"addresses\":[{\"ip\":\"%s\"},{\"ip\":\"%s\"}],\"ports\":[{\"port\":6443}]}]}}",
	          WORLD_API_SERVER, WORLD_API_SERVER_6);
	feed(stage);
}

static void close_stage(struct stage *stage)
{
	policy_translator_free(stage->translator);
	policy_decision_free(&stage->decision);
	policy_manifests_free(&stage->of_agent);
	policy_manifests_free(&stage->of_namespace);
	policy_problems_free(&stage->of_namespace_problems);
	json_buffer_free(&stage->line);
	json_buffer_free(&stage->card);
	json_buffer_free(&stage->problems);
}

/* The renderer's own problems: those behind the decision's. */
static void keep_problems(struct stage *stage, size_t before)
{
	struct json_buffer *out = &stage->problems;
	struct json_text text = json_buffer_text(&stage->decision.problems.text);
	size_t skip = before > 0 && text.len > before ? before + 1 : before;
	out->len = 0;
	json_putc(out, '[');
	json_put(out, text.at + skip, text.len - skip);
	if (stage->of_namespace_problems.text.len > 0) {
		json_puts(out, out->len == 1 ? "" : ",");
		json_puttext(out, json_buffer_text(&stage->of_namespace_problems.text));
	}
	json_putc(out, ']');
	if (stage->decision.problems.errors + stage->decision.problems.warnings >
	            POLICY_PROBLEMS_MAX ||
	    stage->of_namespace_problems.errors + stage->of_namespace_problems.warnings >
	            POLICY_PROBLEMS_MAX)
		fail_msg("more problems than are kept, of %.*s", (int)stage->card.len,
		         stage->card.at);
}

/* Gives the agent this spec.networkPolicy, and renders. */
static void play(struct stage *stage, bool verified, const struct world_rules *rules)
{
	struct policy_inventory *inventory = policy_translator_inventory(stage->translator);
	struct policy_workload *workload = NULL;
	stage->card.len = 0;
	world_rules_put(rules, &stage->card);
	json_putf(&stage->line,
	          "{\"type\":\"MODIFIED\",\"object\":{\"apiVersion\":"
	          "\"agent.kagenti.dev/v1alpha1\",\"kind\":\"AgentCard\",\"metadata\":{"
	          "\"namespace\":\"%s\",\"name\":\"agent\",\"uid\":\"u\"},\"spec\":{"
	          "\"targetRef\":{\"kind\":\"Deployment\",\"name\":\"agent\"},"
	          "\"networkPolicy\":%.*s}},\"verification\":{\"verified\":%s,\"reason\":\"R\"}}",
	          WORLD_SPACE, (int)stage->card.len, stage->card.at, verified ? "true" : "false");
	feed(stage);
	HASH_FIND_STR(inventory->workloads, WORLD_SPACE "/Deployment/agent", workload);
	if (workload == NULL) {
		fail_msg("the agent is not there");
		return;
	}
	policy_decide(inventory, workload, &stage->decision);
	size_t before = stage->decision.problems.text.len;
	policy_render(stage->target, inventory, &stage->decision, &stage->of_agent);
	assert_true(stage->of_agent.count > 0);
	if (stage->target->render_namespace != NULL)
		policy_namespace_wide_render(stage->target, inventory, workload->namespace, &stage->of_namespace_problems,
		                        &stage->of_namespace);
	keep_problems(stage, before);
}

static void fail_at(const struct stage *stage, uint64_t seed, const char *what,
                    const struct world_connection *connection)
{
	char words[256];
	struct json_buffer manifests = {0};
	world_connection_print(connection, words);
	for (size_t i = 0; i < stage->of_agent.count; i++)
		json_puttext(&manifests, policy_manifest_text(&stage->of_agent, i));
	for (size_t i = 0; i < stage->of_namespace.count; i++)
		json_puttext(&manifests, policy_manifest_text(&stage->of_namespace, i));
	json_putc(&manifests, '\0');
	print_error("%s, seed %llu: %s\n%s\n%.*s\nproblems: %.*s\n%s\n", stage->evaluator->target,
	            (unsigned long long)seed, what, words, (int)stage->card.len, stage->card.at,
	            (int)stage->problems.len, stage->problems.at, manifests.at);
	json_buffer_free(&manifests);
	fail();
}

/* Compares answers on random connections with those that the rules give. */
static void compare(struct stage *stage, struct world *world, uint64_t seed,
                    const struct world_rules *rules)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		struct world_connection connection;
		world_connection_draw(world, &connection);
		if (stage->evaluator->judges != NULL && !stage->evaluator->judges(&connection))
			continue;
		enum policy_answer answer =
		        world_reference(rules, &connection, json_buffer_text(&stage->problems));
		bool allowed =
		        stage->evaluator->allows(&stage->of_agent, &stage->of_namespace, &connection);
		if (allowed && answer == POLICY_DENIED)
			fail_at(stage, seed, "it allows what the rules do not", &connection);
		if (!allowed && answer == POLICY_ALLOWED)
			fail_at(stage, seed, "it denies what the rules allow, and has not said so",
			        &connection);
	}
}

static void a_target_gives_the_answers_of_networkpolicy(void **state)
{
	struct stage stage;
	struct world_rules rules = {0};
	open_stage(&stage, *state);
	for (uint64_t seed = 0; seed < RULE_SETS; seed++) {
		struct world world;
		world_seed(&world, seed);
		world_rules_draw(&world, &rules);
		play(&stage, true, &rules);
		compare(&stage, &world, seed, &rules);
	}
	world_rules_free(&rules);
	close_stage(&stage);
}

/* Whatever the card of an agent asks for that is not verified, it gets the API server. */
static void an_agent_that_is_not_verified_gets_the_api_server(void **state)
{
	static const char api_server[] =
	        "[{\"ports\":[{\"port\":6443,\"protocol\":\"TCP\"}],\"to\":[{\"ipBlock\":{\"cidr\":"
	        "\"" WORLD_API_SERVER "/32\"}},{\"ipBlock\":{\"cidr\":\"" WORLD_API_SERVER_6
	        "/128\"}}]}]";
	struct stage stage;
	struct world_rules rules = {0}, gets = {0};
	json_puts(&gets.egress, api_server);
	open_stage(&stage, *state);
	for (uint64_t seed = 0; seed < MODE_SETS; seed++) {
		struct world world;
		world_seed(&world, seed);
		world_rules_draw(&world, &rules);
		play(&stage, false, &rules);
		assert_int_equal(stage.decision.mode, POLICY_MODE_RESTRICTIVE);
		compare(&stage, &world, seed, &gets);
	}
	world_rules_free(&rules);
	world_rules_free(&gets);
	close_stage(&stage);
}

static void compare_mode(const struct target_evaluator *evaluator, const char *egress,
                         enum policy_mode mode)
{
	struct stage stage;
	struct world_rules rules = {0};
	json_puts(&rules.egress, egress);
	open_stage(&stage, evaluator);
	play(&stage, true, &rules);
	assert_int_equal(stage.decision.mode, mode);
	for (uint64_t seed = 0; seed < MODE_SETS; seed++) {
		struct world world;
		world_seed(&world, seed);
		compare(&stage, &world, seed, &rules);
	}
	world_rules_free(&rules);
	close_stage(&stage);
}

static void unset_allows_everything(void **state)
{
	compare_mode(*state, "", POLICY_MODE_ALLOW_ALL);
}

static void empty_denies_everything(void **state)
{
	compare_mode(*state, "[]", POLICY_MODE_DENY_ALL);
}

static void every_target_has_an_evaluator(void **state)
{
	(void)state;
	for (size_t i = 0; policy_targets[i] != NULL; i++) {
		size_t found = 0;
		for (size_t j = 0; target_evaluators[j] != NULL; j++)
			found += strcmp(target_evaluators[j]->target, policy_targets[i]->word) == 0;
		if (found != 1)
			fail_msg("target %s has no evaluator", policy_targets[i]->word);
	}
}

#define OF_A_TARGET(function)                                                                      \
	{                                                                                          \
#function, function                                                                \
	}

static const struct {
	const char *name;
	CMUnitTestFunction function;
} claims[] = {
        OF_A_TARGET(a_target_gives_the_answers_of_networkpolicy),
        OF_A_TARGET(an_agent_that_is_not_verified_gets_the_api_server),
        OF_A_TARGET(unset_allows_everything),
        OF_A_TARGET(empty_denies_everything),
};

int main(void)
{
	enum { CLAIMS = sizeof claims / sizeof claims[0], TARGETS = 16 };
	static char names[CLAIMS * TARGETS][128];
	struct CMUnitTest tests[1 + CLAIMS * TARGETS] = {
	        cmocka_unit_test(every_target_has_an_evaluator)};
	size_t count = 1;
	for (size_t t = 0; t < TARGETS && target_evaluators[t] != NULL; t++)
		for (size_t c = 0; c < CLAIMS; c++, count++) {
			snprintf(names[count - 1], sizeof names[0], "%s: %s",
			         target_evaluators[t]->target, claims[c].name);
			tests[count].name = names[count - 1];
			tests[count].test_func = claims[c].function;
			tests[count].initial_state = (void *)target_evaluators[t];
		}
	return _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
}

/* Agents of one namespace, random rules each: on targets that share objects among them none gets
 * what only its neighbours may have, and none is cut off for their sake. */
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

enum { AGENTS = 3, NAMESPACES = 1500, CONNECTIONS = 12 };

static const char api_server[] =
        "[{\"ports\":[{\"port\":6443,\"protocol\":\"TCP\"}],\"to\":[{\"ipBlock\":{\"cidr\":"
        "\"" WORLD_API_SERVER "/32\"}}]}]";

struct agent {
	bool verified;
	struct world_rules rules; /* what it may have */
	struct policy_manifests manifests;
};

struct stage {
	const struct target_evaluator *evaluator;
	struct policy_settings settings;
	const struct policy_target *target;
	struct policy_translator *translator;
	struct agent agents[AGENTS];
	struct policy_decision decision;
	struct policy_manifests of_namespace;
	struct policy_problems problems; /* of the namespace */
	struct json_buffer line;
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

static void feed_workloads(struct stage *stage)
{
	for (int i = 0; i < AGENTS; i++) {
		json_putf(&stage->line,
		          "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":"
		          "\"Deployment\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"a%d\"},"
		          "\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"a%d\"}}}}}",
		          WORLD_SPACE, i, i);
		feed(stage);
	}
	json_putf(&stage->line,
	          "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\","
	          "\"metadata\":{\"namespace\":\"default\",\"name\":\"kubernetes\"},\"subsets\":[{"
	          "\"addresses\":[{\"ip\":\"%s\"}],\"ports\":[{\"port\":6443}]}]}}",
	          WORLD_API_SERVER);
	feed(stage);
}

static void open_stage(struct stage *stage, const struct target_evaluator *evaluator)
{
	static const char *const namespaces[] = {"ops", NULL};
	static const char *const no_cidrs[] = {NULL};
	*stage = (struct stage){.evaluator = evaluator,
	                        .settings = {.names = policy_names(POLICY_NAMES_KAGENTI),
	                                     .ingress_namespaces = namespaces,
	                                     .api_server = no_cidrs,
	                                     .api_server_port = POLICY_PORT_DEFAULT,
	                                     .no_wait = true}};
	for (size_t i = 0; policy_targets[i] != NULL; i++)
		if (strcmp(policy_targets[i]->word, evaluator->target) == 0)
			stage->target = policy_targets[i];
	assert_non_null(stage->target);
	stage->translator =
	        policy_translator_new(&stage->settings, stage->target, (struct policy_output){ignore, NULL});
	feed_workloads(stage);
}

static void close_stage(struct stage *stage)
{
	policy_translator_free(stage->translator);
	for (int i = 0; i < AGENTS; i++) {
		world_rules_free(&stage->agents[i].rules);
		policy_manifests_free(&stage->agents[i].manifests);
	}
	policy_decision_free(&stage->decision);
	policy_manifests_free(&stage->of_namespace);
	policy_problems_free(&stage->problems);
	json_buffer_free(&stage->line);
}

static void draw_agent(struct stage *stage, struct world *world, int index)
{
	struct agent *agent = &stage->agents[index];
	agent->verified = world_pick(world, 4) != 0;
	world_rules_draw(world, &agent->rules);
	json_putf(&stage->line,
	          "{\"type\":\"MODIFIED\",\"object\":{\"apiVersion\":"
	          "\"agent.kagenti.dev/v1alpha1\",\"kind\":\"AgentCard\",\"metadata\":{"
	          "\"namespace\":\"%s\",\"name\":\"c%d\",\"uid\":\"u%d\"},\"spec\":{"
	          "\"targetRef\":{\"kind\":\"Deployment\",\"name\":\"a%d\"},\"networkPolicy\":",
	          WORLD_SPACE, index, index, index);
	world_rules_put(&agent->rules, &stage->line);
	json_putf(&stage->line, "}},\"verification\":{\"verified\":%s,\"reason\":\"R\"}}",
	          agent->verified ? "true" : "false");
	feed(stage);
	if (agent->verified)
		return;
	agent->rules.egress.len = agent->rules.domains.len = 0;
	json_puts(&agent->rules.egress, api_server);
}

/* Copies the manifests but the first, as what others of the namespace see of them. */
static void join(struct policy_manifests *joined, const struct policy_manifests *manifests)
{
	for (size_t i = 1; i < manifests->count; i++) {
		struct json_text text = policy_manifest_text(manifests, i);
		policy_manifest_begin(joined, manifests->items[i].kind, manifests->items[i].name);
		joined->text.len = joined->items[joined->count - 1].at;
		json_puttext(&joined->text, text);
		policy_manifest_end(joined);
	}
}

static void render(struct stage *stage)
{
	struct policy_inventory *inventory = policy_translator_inventory(stage->translator);
	struct policy_manifests own[AGENTS] = {0};
	struct policy_workload *workload = NULL;
	char key[64];
	for (int i = 0; i < AGENTS; i++) {
		snprintf(key, sizeof key, WORLD_SPACE "/Deployment/a%d", i);
		HASH_FIND_STR(inventory->workloads, key, workload);
		assert_non_null(workload);
		policy_decide(inventory, workload, &stage->decision);
		policy_render(stage->target, inventory, &stage->decision, &own[i]);
		policy_render(stage->target, inventory, &stage->decision,
		              &stage->agents[i].manifests);
	}
	for (int i = 0; i < AGENTS; i++)
		for (int other = 0; other < AGENTS; other++)
			if (other != i)
				join(&stage->agents[i].manifests, &own[other]);
	for (int i = 0; i < AGENTS; i++)
		policy_manifests_free(&own[i]);
	if (stage->target->render_namespace != NULL)
		policy_namespace_wide_render(stage->target, inventory, workload->namespace, &stage->problems,
		                        &stage->of_namespace);
}

static void fail_at(const struct stage *stage, uint64_t seed, int agent, const char *what,
                    const struct world_connection *connection)
{
	char words[256];
	world_connection_print(connection, words);
	print_error("%s, seed %llu: agent %d %s: %s\n", stage->evaluator->target,
	            (unsigned long long)seed, agent, what, words);
	fail();
}

static void compare(struct stage *stage, struct world *world, uint64_t seed, int index)
{
	const struct target_evaluator *evaluator = stage->evaluator;
	struct agent *agent = &stage->agents[index];
	for (int i = 0; i < CONNECTIONS; i++) {
		struct world_connection connection;
		world_connection_draw(world, &connection);
		if (evaluator->judges != NULL && !evaluator->judges(&connection))
			continue;
		bool allowed = evaluator->allows(&agent->manifests, &stage->of_namespace, &connection);
		enum policy_answer answer =
		        world_reference(&agent->rules, &connection, (struct json_text){0});
		if (allowed && answer == POLICY_DENIED)
			fail_at(stage, seed, index, "gets what its rules do not allow",
			        &connection);
		/* beside a NetworkPolicy, nothing is cut off that it allows */
		if (evaluator == &evaluate_ovn && !allowed &&
		    evaluate_networkpolicy.allows(&agent->manifests, &stage->of_namespace, &connection))
			fail_at(stage, seed, index, "is cut off by the firewall", &connection);
	}
}

static void neighbours_do_not_change_what_an_agent_may_reach(void **state)
{
	struct stage stage;
	open_stage(&stage, *state);
	for (uint64_t seed = 0; seed < NAMESPACES; seed++) {
		struct world world;
		world_seed(&world, seed);
		for (int i = 0; i < AGENTS; i++)
			draw_agent(&stage, &world, i);
		render(&stage);
		for (int i = 0; i < AGENTS; i++)
			compare(&stage, &world, seed, i);
	}
	close_stage(&stage);
}

#define OF_TARGET(evaluator)                                                                       \
	{                                                                                          \
		"neighbours_do_not_change_what_an_agent_may_reach: " #evaluator,                   \
		        neighbours_do_not_change_what_an_agent_may_reach, NULL, NULL,              \
		        (void *)&(evaluator)                                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        OF_TARGET(evaluate_ovn),
	        OF_TARGET(evaluate_istio),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "target_evaluators.h"

/* networking.k8s.io/v1. Its rules are those that the reference reads. */
static bool allows(const struct policy_manifests *of_agent, const struct policy_manifests *of_namespace,
                   const struct world_connection *connection)
{
	struct world_rules rules = {0};
	(void)of_namespace;
	json_puttext(&rules.egress, json_get(policy_manifest_text(of_agent, 0), "spec", "egress"));
	enum policy_answer answer = world_reference(&rules, connection, (struct json_text){0});
	world_rules_free(&rules);
	return answer != POLICY_DENIED;
}

const struct target_evaluator evaluate_networkpolicy = {"networkpolicy", allows, NULL};

#include "targets/target.h"
#include "targets/readings.h"

#include <stdio.h>
#include <string.h>

const struct policy_target *const policy_targets[] = {
        &policy_target_networkpolicy, &policy_target_cilium, &policy_target_calico,
        &policy_target_ovn,           &policy_target_istio,  NULL,
};
const char *const policy_target_words[] = {"networkpolicy", "cilium", "calico",
                                           "ovn",           "istio",  NULL};

static bool is_oversized(const struct policy_manifests *manifests)
{
	for (size_t i = 0; i < manifests->count; i++)
		if (manifests->items[i].len > POLICY_MANIFEST_BYTES)
			return true;
	return false;
}

void policy_render(const struct policy_target *target, const struct policy_inventory *inventory,
                   struct policy_decision *decision, struct policy_manifests *manifests)
{
	policy_narrow(inventory, decision);
	policy_manifests_clear(manifests);
	target->render(inventory, decision, manifests);
	if (!is_oversized(manifests))
		return;
	policy_decision_deny(decision, "RulesTooLarge",
	                     "its policy would be larger than an API server takes: all egress is "
	                     "denied");
	policy_problem(&decision->problems, POLICY_ERROR, decision->rules_path, (struct json_text){0},
	               "Too long: its %s may not be more than %d bytes", target->kind->kind,
	               POLICY_MANIFEST_BYTES);
	policy_manifests_clear(manifests);
	target->render(inventory, decision, manifests);
}

struct policy_writes policy_target_writes(const struct policy_target *target)
{
	return (struct policy_writes){.kind = target->kind,
	                              .names = target->names,
	                              .namespace_wide = target->render_namespace != NULL};
}

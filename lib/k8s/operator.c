#include "k8s/operator.h"

#include <stddef.h>

const char *const policy_names_words[] = {"kagenti", "rossoctl", NULL};

static const char *const kagenti_namespaces[] = {"kagenti-operator-system", "kagenti-system", NULL};
static const char *const rossoctl_namespaces[] = {"rossoctl-operator-system", "rossoctl-system",
                                                  NULL};

static const struct policy_names sets[] = {
	[POLICY_NAMES_KAGENTI] =
		{
			.agentcard_group = "agent.kagenti.dev",
			.type_label = "kagenti.io/type",
			.verified_label = "agent.kagenti.dev/signature-verified",
			.agentcard_label = "kagenti.dev/agentcard",
			.namespace_label = "kagenti.dev/agentcard-namespace",
			.policy_type_label = "kagenti.dev/policy-type",
			.policy_type = "signature-verification",
			.manager = "kagenti-operator",
			.operator_namespaces = kagenti_namespaces,
		},
	[POLICY_NAMES_ROSSOCTL] =
		{
			.agentcard_group = "agent.rossoctl.dev",
			.type_label = "rossoctl.io/type",
			.verified_label = "agent.rossoctl.dev/signature-verified",
			.agentcard_label = "rossoctl.dev/agentcard",
			.namespace_label = "rossoctl.dev/agentcard-namespace",
			.policy_type_label = "rossoctl.dev/policy-type",
			.policy_type = "identity-verification",
			.manager = "rossoctl-operator",
			.operator_namespaces = rossoctl_namespaces,
		},
};

const struct policy_names *policy_names(int which)
{
	return &sets[which];
}

struct json_text policy_workload_of(struct json_text name)
{
	const size_t len = sizeof POLICY_SUFFIX - 1;
	if (name.len <= len || memcmp(name.at + name.len - len, POLICY_SUFFIX, len) != 0)
		return (struct json_text){0};
	return (struct json_text){name.at, name.len - len};
}

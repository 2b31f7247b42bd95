#include "apply/adopt_private.h"

#include "k8s/operator.h"
#include "k8s/path.h"
#include "k8s/workload.h"

const char kube_operators_query[] = "managed-by%20in%20%28kagenti-operator%2Crossoctl-operator%29";

static const char *operator_named(struct json_text label)
{
	for (int i = 0; policy_names_words[i] != NULL; i++)
		if (json_equals(label, policy_names(i)->manager))
			return policy_names(i)->manager;
	return NULL;
}

const char *kube_operator_of(struct json_text live)
{
	struct json_text labels = json_get(live, "metadata", "labels");
	struct json_text tool = json_get(labels, "app.kubernetes.io/managed-by");
	if (json_type(tool) > JSON_NULL && operator_named(tool) == NULL)
		return NULL;
	return operator_named(json_get(labels, "managed-by"));
}

/* Whose controller it names: this very AgentCard, not one of its name that was there before. */
static bool is_of_card(const struct kube_operation *operation, struct json_text live)
{
	struct json_text controller = k8s_controller_of(json_get(live, "metadata"));
	struct json_text uid = json_plain(json_get(operation->agent_card, "uid"));
	return uid.len > 0 && json_equals(json_get(controller, "kind"), "AgentCard") &&
	       json_same(json_plain(json_get(controller, "uid")), uid);
}

const char *kube_adopt_refusal(const struct kube_operation *operation, struct json_text live)
{
	if (operation->type != KUBE_APPLY || kube_kind_of(&operation->id) != &policy_kind_networkpolicy ||
	    policy_workload_of(operation->id.name).at == NULL || kube_operator_of(live) == NULL)
		return "it exists without the label app.kubernetes.io/managed-by=" POLICY_MANAGER
		       ": left alone";
	if (!is_of_card(operation, live))
		return "it is the operator's, and its controller is not this AgentCard: left alone, "
		       "also by --adopt; delete it once nothing needs it, or let the operator name "
		       "this card as its controller";
	return NULL;
}

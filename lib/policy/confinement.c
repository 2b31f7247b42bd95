#include "policy/confinement.h"

#include <stdio.h>

#include "k8s/selector.h"

static void check_host_network(const struct policy_workload *w, struct policy_gaps *gaps)
{
	if (w->host_network == K8S_HOST_NETWORK_YES)
		policy_gap(gaps, POLICY_GAP_HOST_NETWORK, NULL,
		           "the pods of %s %s are on their host's network, where no policy holds",
		           w->kind, w->name);
	else if (w->host_network == K8S_HOST_NETWORK_UNKNOWN)
		policy_gap(gaps, POLICY_GAP_UNDECIDED, NULL,
		           "whether the pods of %s %s are on their host's network is not in the input",
		           w->kind, w->name);
}

static void check_selector(const struct policy_decision *decision, struct policy_gaps *gaps)
{
	const struct policy_workload *w = decision->workload;
	if (w->controller != NULL)
		policy_gap(gaps, POLICY_GAP_SELECTOR_MISSES_PODS, NULL,
		           "the next pods are not those of %s %s: name its owner, %s", w->kind, w->name,
		           w->controller);
	if (w->misselected)
		policy_gap(gaps, POLICY_GAP_SELECTOR_MISSES_PODS, NULL,
		           "the status of %s %s selects other pods than its controller makes", w->kind,
		           w->name);
	if (w->labels == NULL)
		policy_gap(gaps, POLICY_GAP_UNDECIDED, NULL,
		           "the labels of the pods of %s %s are not in the input", w->kind, w->name);
	else if (!policy_selector_matches_template(decision->selector, json_of(w->labels)))
		policy_gap(gaps, POLICY_GAP_SELECTOR_MISSES_PODS, NULL,
		           "the pods of %s %s do not have the labels that the policy selects", w->kind,
		           w->name);
}

void policy_gaps_of_workload(const struct policy_decision *decision, struct policy_gaps *gaps)
{
	const struct policy_workload *w = decision->workload;
	if (w != NULL && w->unusable)
		policy_gap(gaps, POLICY_GAP_UNDECIDED, NULL,
		           "the last record of %s %s cannot be used, so that its pods may be others now",
		           w->kind, w->name);
	if (w != NULL && w->unusable && w->selector == NULL)
		return;
	if (w == NULL || decision->mode == POLICY_MODE_NONE) {
		policy_gap(gaps, POLICY_GAP_WORKLOAD_UNKNOWN, NULL, "%.*s",
		           (int)decision->message.len, decision->message.at);
		return;
	}
	if (w->row == K8S_WORKLOADS) {
		policy_gap(gaps, POLICY_GAP_UNDECIDED, NULL,
		           "nothing is known of %s %s but the label that selects its pods", w->kind,
		           w->name);
		return;
	}
	if (!w->present) {
		policy_gap(gaps, POLICY_GAP_WORKLOAD_UNKNOWN, NULL, "%s %s is not in the input",
		           w->kind, w->name);
		return;
	}
	check_host_network(w, gaps);
	check_selector(decision, gaps);
}

void policy_gaps_of_object(const struct policy_inventory *inventory,
                           const struct policy_object *object, struct policy_gaps *gaps)
{
	static const struct {
		enum policy_gap_reason reason;
		const char *why;
	} said[] = {
	        [POLICY_LIVE_ABSENT] = {POLICY_GAP_NOT_APPLIED, "is not there"},
	        [POLICY_LIVE_DIFFERS] = {POLICY_GAP_CHANGED_BY_SERVER,
	                                 "is stored otherwise than it was asked for"},
	        [POLICY_LIVE_FOREIGN] = {POLICY_GAP_FOREIGN_POLICY,
	                                 "is somebody else's, and is left alone"},
	        [POLICY_LIVE_UNUSABLE] = {POLICY_GAP_UNDECIDED,
	                                  "is stored, and its last record cannot be used"},
	};
	enum policy_live live = policy_object_live(inventory, object);
	char version[128];
	if (live == POLICY_LIVE_UNKNOWN || live == POLICY_LIVE_AS_ASKED)
		return;
	snprintf(version, sizeof version, "%s/%s", object->kind->group, object->kind->version);
	struct kube_identity id = {.api_version = json_of(version),
	                           .kind = json_of(object->kind->kind),
	                           .name = json_of(object->name)};
	if (!object->kind->cluster_scoped)
		id.namespace = json_of(object->namespace->name);
	if (live == POLICY_LIVE_REFUSED) {
		char message[POLICY_GAP_MESSAGE];
		snprintf(message, sizeof message, "%s %s is stored, and refused by who enforces it%s%s",
		         object->kind->kind, object->name, object->refusal[0] == '\0' ? "" : ": ",
		         object->refusal);
		policy_gap_told(gaps, &id, "Valid", message);
		return;
	}
	policy_gap(gaps, said[live].reason, &id, "%s %s %s", object->kind->kind, object->name,
	           said[live].why);
}

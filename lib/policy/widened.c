#include "policy/widened.h"

#include <string.h>

struct widened {
	const struct policy_decision *decision;
	struct policy_gaps *gaps;
	struct policy_problems *problems;
};

static bool is_of(const struct policy_object *object, const char *kind, struct json_text name)
{
	return object != NULL && strcmp(object->kind->kind, kind) == 0 &&
	       text_is(name, object->name);
}

/* One of the objects that implement the decision. */
static bool is_own(const void *context, const char *kind, struct json_text name)
{
	const struct policy_workload *workload = context;
	if (is_of(workload->object, kind, name))
		return true;
	for (const struct policy_object *extra = workload->extra; extra != NULL;
	     extra = extra->extra_next)
		if (is_of(extra, kind, name))
			return true;
	return false;
}

static void on_found(void *context, const struct evidence_found *found)
{
	const struct widened *widened = context;
	struct kube_identity object = {.api_version = found->api_version,
	                               .kind = found->kind,
	                               .namespace = found->namespace,
	                               .name = found->name};
	const char *who = widened->decision->quarantined ? "is in quarantine"
	                  : widened->decision->verified  ? NULL
	                                                 : "is not verified";
	switch (found->finding) {
	case EVIDENCE_WIDENS_INGRESS:
		policy_problem(widened->problems, POLICY_WARNING, "", (struct json_text){0},
		               "IngressWidened: %s", found->message);
		return;
	case EVIDENCE_UNDECIDED:
		policy_gap(widened->gaps, POLICY_GAP_UNDECIDED,
		           found->kind.at == NULL ? NULL : &object, "%s", found->message);
		return;
	case EVIDENCE_WIDENS:
		policy_gap(widened->gaps, POLICY_GAP_WIDENED_BY_POLICY, &object, "%s",
		           found->message);
		if (who != NULL)
			policy_problem(widened->problems, POLICY_ERROR, "", (struct json_text){0},
			               "WidenedByPolicy: the agent %s, and %s", who, found->message);
		return;
	}
}

void policy_widened(struct evidence *evidence, const struct policy_decision *decision,
                    struct policy_gaps *gaps, struct policy_problems *problems)
{
	struct widened widened = {decision, gaps, problems};
	const struct policy_workload *workload = decision->workload;
	if (decision->mode == POLICY_MODE_NONE || decision->mode == POLICY_MODE_ALLOW_ALL)
		return;
	struct evidence_agent agent = {
	        .namespace = workload->namespace->name,
	        .selector = decision->selector,
	        .labels = json_of(workload->labels),
	        .egress = json_buffer_text(&decision->egress),
	        .domains = decision->domains,
	        .api_server = decision->mode == POLICY_MODE_RESTRICTIVE,
	        .is_own = is_own,
	        .context = workload,
	};
	if (decision->ingress.len > 0)
		agent.ingress = json_buffer_text(&decision->ingress);
	evidence_judge(evidence, &agent, on_found, &widened);
	const char *missing = evidence_missing(evidence);
	if (missing != NULL)
		policy_gap(gaps, POLICY_GAP_UNDECIDED, NULL, "%s", missing);
}

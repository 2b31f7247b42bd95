#include "explain/directory.h"

#include <stdio.h>
#include <string.h>

#include "k8s/workload.h"
#include "os/log.h"
#include "k8s/operator.h"

#define SUFFIX "-signature-policy"

struct reading {
	const struct policy_names *names;
	struct policy_translator *translator;
	struct policy_stored *stored;
	const char *path;
	bool policies; /* else everything but them */
	bool told;
};

static bool refuse(const struct reading *reading, const char *why)
{
	log_error("%s: %s", reading->path, why);
	return false;
}

static bool hand_over(struct reading *reading, const struct json_buffer *line)
{
	struct json_text text = json_buffer_text(line);
	const char *wrong = "not a manifest";
	if (json_check(text, &json_record_limits, NULL))
		wrong = policy_translator_take(reading->translator, text, text);
	return wrong == NULL || refuse(reading, wrong);
}

/* The name of the card that the policy is for, when agent-egress made it: its owner; or, as manifests
 * have none, from the annotation, where it is whole, else from the label. */
static struct json_text card_of(const struct reading *reading, const struct event *policy)
{
	struct json_text labels = json_get(policy->metadata, "labels");
	struct json_text owners = json_get(policy->metadata, "ownerReferences");
	struct json_text none = {0};
	if (!json_equals(json_get(labels, "app.kubernetes.io/managed-by"), POLICY_MANAGER) ||
	    json_get(labels, reading->names->policy_type_label).at == NULL)
		return none;
	for (struct json_member m = json_first(owners); m.value.at; m = json_next(m))
		if (json_equals(json_get(m.value, "kind"), "AgentCard"))
			return json_plain(json_get(m.value, "name"));
	struct json_text name = json_plain(
	        json_get(policy->metadata, "annotations", reading->names->agentcard_label));
	return name.at != NULL ? name
	                       : json_plain(json_get(labels, reading->names->agentcard_label));
}

/* Only agents that are verified let other agents in. */
static bool is_of_verified(struct json_text spec)
{
	struct json_text rules = json_get(spec, "ingress");
	for (struct json_member rule = json_first(rules); rule.value.at; rule = json_next(rule)) {
		struct json_text peers = json_get(rule.value, "from");
		for (struct json_member m = json_first(peers); m.value.at; m = json_next(m))
			if (json_get(m.value, "podSelector").at != NULL)
				return true;
	}
	return false;
}

static void put_head(struct json_buffer *out, const char *api_version, const char *kind,
                     struct json_text namespace, struct json_text name)
{
	out->len = 0;
	json_putf(out, "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"%s\",\"kind\":\"%s\"",
	          api_version, kind);
	json_putf(out, ",\"metadata\":{\"namespace\":\"%.*s\",\"name\":\"%.*s\"}",
	          (int)namespace.len, namespace.at, (int)name.len, name.at);
}

static void put_card(struct json_buffer *out, const struct reading *reading,
                     const struct event *policy, struct json_text card, struct json_text workload)
{
	char version[128];
	bool verified = is_of_verified(json_get(policy->object, "spec"));
	snprintf(version, sizeof version, "%s/v1alpha1", reading->names->agentcard_group);
	put_head(out, version, "AgentCard", policy->namespace, card);
	json_puts(out,
	          ",\"spec\":{\"targetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"");
	json_putf(out, ",\"name\":\"%.*s\"}}},", (int)workload.len, workload.at);
	json_putf(out, "\"verification\":{\"verified\":%s,\"reason\":\"%s\"",
	          verified ? "true" : "false", verified ? "Verified" : "NotVerified");
	json_puts(out, ",\"message\":\"by its policy; the events say why\"}}");
}

static void put_workload(struct json_buffer *out, const struct event *policy,
                         struct json_text workload)
{
	struct json_text selector = json_get(policy->object, "spec", "podSelector");
	put_head(out, "apps/v1", "Deployment", policy->namespace, workload);
	json_puts(out, ",\"spec\":{\"selector\":");
	json_puttext(out, selector.at != NULL ? selector : json_of("{}"));
	json_puts(out, "}}}");
}

/* The card and the workload that this policy would come of; the policy's name is a workload's,
 * which is a Deployment's as far as names go. */
static bool take_agent(struct reading *reading, const struct event *policy, struct json_text card)
{
	struct json_buffer line = {0};
	struct json_text workload = policy->name;
	if (workload.len <= strlen(SUFFIX) ||
	    memcmp(workload.at + workload.len - strlen(SUFFIX), SUFFIX, strlen(SUFFIX)) != 0)
		return true;
	workload.len -= strlen(SUFFIX);
	put_card(&line, reading, policy, card, workload);
	bool good = hand_over(reading, &line);
	put_workload(&line, policy, workload);
	good = good && hand_over(reading, &line);
	json_buffer_free(&line);
	return good;
}

static bool take_policy(struct reading *reading, const struct event *policy)
{
	if (policy->namespace.at == NULL)
		return refuse(reading, "a NetworkPolicy without a namespace: whose pods it selects "
		                       "is not known");
	policy_stored_take(reading->stored, policy);
	struct json_text card = card_of(reading, policy);
	return card.at == NULL || take_agent(reading, policy, card);
}

/* AgentCards do not say whether they are verified: the policies do. */
static bool take_other(struct reading *reading, const struct event *event,
                       const struct json_buffer *line)
{
	static const char other[] = "NetworkPolicy";
	size_t len = strlen(other);
	policy_stored_take(reading->stored, event);
	if (event->kind.len >= len && !reading->told &&
	    memcmp(event->kind.at + event->kind.len - len, other, len) == 0) {
		log_warning("%s: a %.*s of %.*s does not count: only those of networking.k8s.io do",
		            reading->path, (int)event->kind.len, event->kind.at,
		            (int)event->api_version.len, event->api_version.at);
		reading->told = true;
	}
	bool workload = k8s_workload_of(event->api_version, event->kind) < K8S_WORKLOADS;
	return !workload || event->namespace.at == NULL || hand_over(reading, line);
}

static bool take(void *context, const char *path, struct json_text object)
{
	struct reading *reading = context;
	struct json_buffer line = {0};
	struct event event;
	reading->path = path;
	json_puts(&line, "{\"type\":\"ADDED\",\"object\":");
	json_puttext(&line, object);
	json_putc(&line, '}');
	const char *wrong = event_read(json_buffer_text(&line), &event);
	bool good = wrong == NULL || refuse(reading, wrong);
	if (good) {
		bool policy = event_is(&event, "networking.k8s.io", "NetworkPolicy");
		if (policy == reading->policies)
			good = policy ? take_policy(reading, &event)
			              : take_other(reading, &event, &line);
	}
	json_buffer_free(&line);
	return good;
}

bool directory_take(const struct kube_manifests *manifests, const struct policy_names *names,
                    struct policy_translator *translator, struct policy_stored *stored,
                    bool *others)
{
	struct reading reading = {names, translator, stored, NULL, true, false};
	if (!kube_manifests_each(manifests, take, &reading))
		return false;
	/* a workload that is there knows its pods' labels better than its policy does */
	reading.policies = false;
	bool good = kube_manifests_each(manifests, take, &reading);
	*others = reading.told;
	return good;
}

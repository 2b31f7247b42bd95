#include "targets/istio_entries_private.h"
#include "rules/rules.h"
#include "targets/target.h"

/*
 * Istio (networking.istio.io/v1): a Sidecar that lets the proxies of an agent's pods reach the
 * hosts that it lists and nothing else, and the ServiceEntries of those hosts.
 *
 * The first manifest comes first in every sense: an entry that no Sidecar lists gives nothing.
 */

/* The Service by which pods know the API server: its endpoints are what the rules name. */
static const char api_server_host[] = "kubernetes.default.svc.cluster.local";

static void put_label(struct json_buffer *labels, struct json_text key, struct json_text value)
{
	json_puts(labels, labels->len == 0 ? "" : ",");
	json_puttext(labels, key);
	json_putc(labels, ':');
	json_puttext(labels, value);
}

static void put_labels(struct json_buffer *labels, struct json_text object)
{
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m))
		put_label(labels, m.key, m.value);
}

static bool has_label(const struct json_buffer *labels, struct json_text key)
{
	struct json_text object;
	struct json_buffer text = {0};
	json_putc(&text, '{');
	json_puttext(&text, json_buffer_text(labels));
	json_putc(&text, '}');
	object = json_buffer_text(&text);
	bool found = false;
	for (struct json_member m = json_first(object); m.value.at && !found; m = json_next(m))
		found = json_same(m.key, key);
	json_buffer_free(&text);
	return found;
}

/* A workloadSelector has labels alone. An expression that asks for one value is one; without the
 * others it selects more pods than the agent's, never fewer. False when something was left out. */
static bool put_selector(struct json_text selector, struct json_buffer *labels)
{
	struct json_text expressions = json_get(selector, "matchExpressions");
	bool whole = true;
	put_labels(labels, json_get(selector, "matchLabels"));
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m)) {
		struct json_text values = json_get(m.value, "values"),
		                 key = json_get(m.value, "key");
		bool one = json_equals(json_get(m.value, "operator"), "In") &&
		           json_count(values) == 1 && !has_label(labels, key);
		if (one)
			put_label(labels, key, json_first(values).value);
		whole = whole && one;
	}
	return whole;
}

/* Writes the labels; false when the Sidecar would not select the agent's pods alone, or not all
 * of them: whatever it selects is then cut off. */
static bool select_pods(struct policy_decision *decision, struct json_buffer *selected)
{
	const char *labels = decision->workload->labels;
	if (put_selector(decision->selector, selected))
		return true;
	bool of_pods = selected->len == 0 && labels != NULL;
	if (of_pods)
		put_labels(selected, json_of(labels));
	policy_problem(&decision->problems, POLICY_ERROR, "spec.targetRef", (struct json_text){0},
	               "a Sidecar selects by labels, without matchExpressions: %s; see "
	               "--selector-from template",
	               selected->len == 0 ? "nothing limits these pods"
	               : of_pods ? "all pods with the labels of the pod template are cut off"
	                         : "all pods with the labels in the selector are cut off");
	return false;
}

static void put_sidecar(const struct policy_inventory *inventory,
                        const struct policy_decision *decision, const struct istio_entries *entries,
                        const struct json_buffer *labels, struct policy_manifests *manifests)
{
	struct json_buffer *out = policy_manifest_begin(manifests, &policy_kind_sidecar,
	                                                decision->workload->object->name);
	policy_metadata_put(inventory, decision, manifests);
	json_puts(out, ",\"spec\":{\"egress\":[{\"hosts\":[");
	if (entries->any)
		json_puts(out, "\"*/*\"");
	else if (entries->hosts.len == 0)
		json_puts(out, "\"~/*\"");
	else
		json_puttext(out, json_buffer_text(&entries->hosts));
	json_putf(out, "]}],\"outboundTrafficPolicy\":{\"mode\":\"%s\"},",
	          entries->any ? "ALLOW_ANY" : "REGISTRY_ONLY");
	json_puts(out, "\"workloadSelector\":{\"labels\":{");
	json_puttext(out, json_buffer_text(labels));
	json_puts(out, "}}}}");
	policy_manifest_end(manifests);
}

static void put_entry(const struct policy_inventory *inventory,
                      const struct policy_decision *decision, const struct istio_entry *entry,
                      struct policy_manifests *manifests)
{
	char name[POLICY_NAME_SIZE];
	policy_extra_name(name, decision->workload->object->name, entry->hex);
	struct json_buffer *out = policy_manifest_begin(manifests, &policy_kind_serviceentry, name);
	policy_metadata_put(inventory, decision, manifests);
	json_puts(out, ",\"spec\":{\"exportTo\":[\".\"],");
	json_puttext(out, json_buffer_text(&entry->spec));
	json_puts(out, "}}");
	policy_manifest_end(manifests);
}

static void warn(struct policy_decision *decision)
{
	policy_problem(&decision->problems, POLICY_WARNING, "spec", (struct json_text){0},
	               "a proxy limits TCP alone, and only of pods that do not go around it: UDP, "
	               "SCTP and ingress stay as they are");
}

static void render(const struct policy_inventory *inventory, struct policy_decision *decision,
                   struct policy_manifests *manifests)
{
	struct istio_entries entries = {0};
	struct json_buffer labels = {0};
	if (select_pods(decision, &labels))
		istio_entries_read(&entries, decision);
	if (decision->mode == POLICY_MODE_RESTRICTIVE && entries.count > 0)
		istio_add_host(&entries.hosts, "default", json_of(api_server_host));
	if (!entries.any)
		warn(decision);
	/* without a label it would hold for the whole namespace */
	if (labels.len > 0)
		put_sidecar(inventory, decision, &entries, &labels, manifests);
	for (size_t i = 0; i < entries.count && !entries.any && labels.len > 0; i++)
		put_entry(inventory, decision, &entries.items[i], manifests);
	istio_entries_free(&entries);
	json_buffer_free(&labels);
}

const struct policy_target policy_target_istio = {
        .word = "istio",
        .cnis = POLICY_CNI_SET(POLICY_CNI_ISTIO),
        .kind = &policy_kind_sidecar,
        .is_of_proxies = true,
        .render = render,
};

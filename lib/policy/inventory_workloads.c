#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/inventory_private.h"
#include "k8s/selector.h"
#include "json/write.h"

static char *normal(struct policy_inventory *inventory, struct json_text value)
{
	struct json_buffer *scratch = &inventory->scratch;
	scratch->len = 0;
	policy_normal_put(scratch, value);
	return policy_copy(json_buffer_text(scratch));
}

/* A selector that is these labels. */
static char *selector_of_labels(struct policy_inventory *inventory, const char *labels)
{
	struct json_buffer *scratch = &inventory->scratch;
	scratch->len = 0;
	json_puts(scratch, "{\"matchLabels\":");
	json_puts(scratch, labels);
	json_putc(scratch, '}');
	return policy_copy(json_buffer_text(scratch));
}

/* How a setting says that pods of such a kind are selected; NULL: it does not. */
static char *selector_by_setting(struct policy_inventory *inventory,
                                 const struct policy_workload *workload)
{
	const char *const *words = inventory->settings->selector_labels;
	struct json_buffer *scratch = &inventory->scratch;
	char value[POLICY_LABEL_SIZE];
	size_t len = strlen(workload->kind);
	if (workload->row < K8S_WORKLOADS)
		return NULL;
	while (words != NULL && *words != NULL &&
	       (strncmp(*words, workload->kind, len) != 0 || (*words)[len] != '='))
		words++;
	if (words == NULL || *words == NULL)
		return NULL;
	policy_label_value(value, workload->name);
	scratch->len = 0;
	json_puts(scratch, "{\"matchLabels\":{");
	json_put_key(scratch, *words + len + 1);
	json_put_string(scratch, value);
	json_puts(scratch, "}}");
	return policy_copy(json_buffer_text(scratch));
}

/* One label. */
static char *selector_of(struct policy_inventory *inventory, const char *key, const char *value)
{
	struct json_buffer *scratch = &inventory->scratch;
	scratch->len = 0;
	json_puts(scratch, "{\"matchLabels\":{");
	json_put_key(scratch, key);
	json_put_string(scratch, value);
	json_puts(scratch, "}}");
	return policy_copy(json_buffer_text(scratch));
}

static bool has_labels(const char *labels)
{
	return labels != NULL && !json_is_empty(json_of(labels));
}

static char *selector_of_template(struct policy_inventory *inventory, const char *labels)
{
	return has_labels(labels) ? selector_of_labels(inventory, labels) : NULL;
}

/* Its own, or, where it cannot be used, its template's labels. */
static char *selector_of_workload(struct policy_inventory *inventory,
                                  struct policy_workload *workload, struct json_text selector,
                                  const char *labels)
{
	const char *fault = policy_selector_check(selector);
	if (fault == NULL)
		return normal(inventory, selector);
	if (selector.at != NULL)
		workload->selector_fault = fault;
	return selector_of_template(inventory, labels);
}

/* Of a Sandbox the status says it, once a pod was seen. */
static char *selector_of_sandbox(struct policy_inventory *inventory,
                                 const struct policy_workload *workload, const char *labels)
{
	char hash[K8S_SANDBOX_HASH_SIZE];
	if (!workload->selected)
		return selector_of_template(inventory, labels);
	k8s_sandbox_hash(json_of(workload->name), hash);
	return selector_of(inventory, K8S_SANDBOX_LABEL, hash);
}

/* What selects the pods of a workload; NULL when nothing does, or everything would. */
static char *choose_selector(struct policy_inventory *inventory, struct policy_workload *workload,
                             struct json_text object, const char *labels)
{
	enum k8s_pods_by by = k8s_workloads[workload->row].pods_by;
	struct json_text selector = json_get(object, "spec", "selector");
	bool from_template = inventory->settings->selector_from == POLICY_FROM_TEMPLATE;
	workload->selector_fault = NULL;
	if (by == K8S_PODS_BY_HASH)
		return selector_of_sandbox(inventory, workload, labels);
	if (by == K8S_PODS_BY_JOB_NAME && labels != NULL &&
	    json_equals(json_get(json_of(labels), "job-name"), workload->name))
		return selector_of(inventory, "job-name", workload->name);
	if (by == K8S_PODS_BY_TEMPLATE || (from_template && has_labels(labels)))
		return selector_of_template(inventory, labels);
	return selector_of_workload(inventory, workload, selector, labels);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void policy_workload_set_pods(struct policy_inventory *inventory, struct policy_workload *workload,
                             char *selector, char *labels)
{
	if (same(workload->selector, selector) && same(workload->labels, labels)) {
		free(selector);
		free(labels);
		return;
	}
	policy_workload_changed(inventory, workload); /* who overlapped with it until now */
	policy_overlap_remove(&workload->namespace->overlap, &workload->overlap);
	free(workload->selector);
	free(workload->labels);
	workload->selector = selector;
	workload->labels = labels;
	workload->overlap.selector = json_of(selector);
	workload->overlap.labels = labels != NULL ? json_of(labels) : (struct json_text){0};
	policy_overlap_add(&workload->namespace->overlap, &workload->overlap);
	policy_workload_changed(inventory, workload);
}

void policy_workload_default(struct policy_inventory *inventory, struct policy_workload *workload)
{
	char *selector = workload->selector == NULL ? selector_by_setting(inventory, workload) : NULL;
	if (selector != NULL)
		policy_workload_set_pods(inventory, workload, selector, NULL);
}

/* The labels of the pods, normal form. Those that the Sandbox's controller keeps for itself do not
 * come from the template; `selected`: its pods have been seen to have its own. */
static char *pod_labels(struct policy_inventory *inventory, enum k8s_workload_kind row,
                        struct json_text object, bool selected)
{
	struct json_text labels = k8s_workload_labels(row, object);
	struct json_buffer kept = {0};
	if (policy_labels_check(labels) != NULL)
		return NULL;
	if (row != K8S_SANDBOX)
		return normal(inventory, labels);
	json_putc(&kept, '{');
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		if (k8s_label_is_controllers(json_plain(m.key)))
			continue;
		json_put_comma(&kept);
		json_puttext(&kept, m.key);
		json_putc(&kept, ':');
		json_puttext(&kept, m.value);
	}
	if (selected) {
		char hash[K8S_SANDBOX_HASH_SIZE];
		k8s_sandbox_hash(json_plain(json_get(object, "metadata", "name")), hash);
		json_put_key(&kept, K8S_SANDBOX_LABEL);
		json_put_string(&kept, hash);
	}
	json_putc(&kept, '}');
	char *copy = normal(inventory, json_buffer_text(&kept));
	json_buffer_free(&kept);
	return copy;
}

/* Whose pods the workload's selector will miss. */
static char *replacing_owner(enum k8s_workload_kind row, const struct event *event)
{
	struct json_text owner = k8s_controller_of(event->metadata);
	struct json_text kind = json_plain(json_get(owner, "kind"));
	struct json_text name = json_plain(json_get(owner, "name"));
	char *words = NULL;
	if (!k8s_workloads[row].replaced_by_owner || !policy_is_word(kind) ||
	    !policy_is_subdomain(name))
		return NULL;
	if (asprintf(&words, "%.*s %.*s", (int)kind.len, kind.at, (int)name.len, name.at) < 0)
		abort();
	return words;
}

/* What a Sandbox's status said is kept, for it is lost when the Sandbox expires. */
static void take_status(struct policy_workload *workload, struct json_text object)
{
	if (workload->row != K8S_SANDBOX)
		return;
	enum k8s_sandbox_selector said = k8s_sandbox_selector(object);
	workload->selected = workload->selected || said == K8S_SANDBOX_SELECTED;
	workload->misselected = said == K8S_SANDBOX_MISSELECTED;
}

/* What of it is no selector; whoever asks for its policy asks again when it differs. */
static void take_settings(struct policy_inventory *inventory, struct policy_workload *workload,
                          const struct event *event)
{
	enum k8s_host_network network = k8s_workload_host_network(workload->row, event->object);
	char *owner = replacing_owner(workload->row, event);
	bool differs = network != workload->host_network || !same(owner, workload->controller);
	free(workload->controller);
	workload->controller = owner;
	workload->host_network = network;
	if (differs && workload->cards != NULL)
		policy_touch(inventory, workload);
}

void policy_workload_absent(struct policy_inventory *inventory, struct policy_workload *workload)
{
	if (workload->present && workload->cards != NULL)
		policy_touch(inventory, workload);
	workload->present = workload->listed = workload->selected = workload->misselected = false;
	workload->unusable = false;
	policy_workload_sweep(inventory, workload);
}

const char *policy_take_workload(struct policy_inventory *inventory, const struct event *event,
                                 enum k8s_workload_kind row)
{
	if (!policy_is_label(event->namespace) || !policy_is_subdomain(event->name))
		return "the workload's namespace or name is not one that Kubernetes allows";
	struct policy_workload *workload = policy_workload_at(
	        inventory, policy_namespace_at(inventory, event->namespace), event->kind, event->name);
	bool was_present = workload->present;
	if (event->type == EVENT_DELETED) {
		policy_workload_absent(inventory, workload);
		return NULL;
	}
	workload->listed = workload->present = true;
	if ((!was_present || workload->unusable) && workload->cards != NULL)
		policy_touch(inventory, workload);
	workload->unusable = false;
	bool misselected = workload->misselected;
	take_status(workload, event->object);
	char *labels = pod_labels(inventory, row, event->object, workload->selected);
	char *selector = choose_selector(inventory, workload, event->object, labels);
	/* without any a policy that is in force would be given up: it keeps the last one */
	if (selector == NULL && workload->selector != NULL)
		selector = policy_copy(json_of(workload->selector));
	take_settings(inventory, workload, event);
	if (misselected != workload->misselected && workload->cards != NULL)
		policy_touch(inventory, workload);
	policy_workload_set_pods(inventory, workload, selector, labels);
	return NULL;
}

/* Its policy stays; so does a card's that is without a selector until now, where there is one. */
void policy_workload_unusable(struct policy_inventory *inventory, const struct event *named)
{
	if (!policy_is_label(named->namespace) || !policy_is_subdomain(named->name))
		return;
	struct policy_workload *workload = policy_workload_at(
	        inventory, policy_namespace_at(inventory, named->namespace), named->kind, named->name);
	workload->listed = workload->present = true;
	if (!workload->unusable && workload->cards != NULL)
		policy_touch(inventory, workload);
	workload->unusable = true;
}

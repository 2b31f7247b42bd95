#include <string.h>

#include "policy/inventory_private.h"
#include "k8s/selector.h"
#include "json/write.h"

bool policy_is_workload(const struct event *event)
{
	static const struct {
		const char *group, *kind;
	} kinds[] = {
	        {"apps", "Deployment"},
	        {"apps", "StatefulSet"},
	        {"agents.x-k8s.io", "Sandbox"},
	};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (event_is(event, kinds[i].group, kinds[i].kind))
			return true;
	return false;
}

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

/* What the operator puts on the pods of kinds that have no selector. */
static char *selector_by_name(struct policy_inventory *inventory,
                              const struct policy_workload *workload)
{
	char app[POLICY_LABEL_SIZE];
	struct json_buffer *scratch = &inventory->scratch;
	policy_label_value(app, workload->name);
	scratch->len = 0;
	json_puts(scratch, "{\"matchLabels\":{\"app\":");
	json_put_string(scratch, app);
	json_putf(scratch, ",\"%s\":\"agent\"}}", inventory->settings->names->type_label);
	return policy_copy(json_buffer_text(scratch));
}

static bool has_labels(const char *labels)
{
	return labels != NULL && !json_is_empty(json_of(labels));
}

/* What selects the pods of a workload that has `selector` (or none that is usable) and pods
 * with `labels` (or none that are). */
static char *choose_selector(struct policy_inventory *inventory, struct policy_workload *workload,
                             struct json_text selector, const char *labels)
{
	bool from_template = inventory->settings->selector_from == POLICY_FROM_TEMPLATE;
	const char *fault = policy_selector_check(selector);
	workload->selector_fault = NULL;
	if (from_template && has_labels(labels))
		return selector_of_labels(inventory, labels);
	if (fault == NULL)
		return normal(inventory, selector);
	if (selector.at != NULL)
		workload->selector_fault = fault;
	return policy_has_selector(workload) && has_labels(labels)
	               ? selector_of_labels(inventory, labels)
	               : selector_by_name(inventory, workload);
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
	if (workload->selector == NULL && !policy_has_selector(workload))
		policy_workload_set_pods(
		        inventory, workload,
		        choose_selector(inventory, workload, (struct json_text){0}, NULL), NULL);
}

/* Where the kinds keep their pods' labels. */
static struct json_text template_labels(struct json_text object)
{
	struct json_text spec = json_get(object, "spec");
	struct json_text labels = json_get(spec, "template", "metadata", "labels");
	if (labels.at == NULL)
		labels = json_get(spec, "podTemplate", "metadata", "labels");
	return policy_labels_check(labels) == NULL ? labels : (struct json_text){0};
}

const char *policy_take_workload(struct policy_inventory *inventory, const struct event *event)
{
	if (!policy_is_label(event->namespace) || !policy_is_subdomain(event->name))
		return "the workload's namespace or name is not one that Kubernetes allows";
	struct policy_workload *workload = policy_workload_at(
	        inventory, policy_namespace_at(inventory, event->namespace), event->kind, event->name);
	workload->listed = workload->present = event->type != EVENT_DELETED;
	if (!workload->present) {
		policy_workload_sweep(inventory, workload);
		return NULL;
	}
	struct json_text found = template_labels(event->object);
	char *labels = found.at == NULL ? NULL : normal(inventory, found);
	struct json_text own = json_get(event->object, "spec", "selector");
	policy_workload_set_pods(inventory, workload,
	                        choose_selector(inventory, workload, own, labels), labels);
	return NULL;
}

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
                              const struct policy_subject *subject)
{
	char app[POLICY_LABEL_SIZE];
	struct json_buffer *scratch = &inventory->scratch;
	policy_label_value(app, subject->name);
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
static char *choose_selector(struct policy_inventory *inventory, struct policy_subject *subject,
                             struct json_text selector, const char *labels)
{
	bool from_template = inventory->settings->selector_from == POLICY_FROM_TEMPLATE;
	const char *fault = policy_selector_check(selector);
	subject->selector_fault = NULL;
	if (from_template && has_labels(labels))
		return selector_of_labels(inventory, labels);
	if (fault == NULL)
		return normal(inventory, selector);
	if (selector.at != NULL)
		subject->selector_fault = fault;
	return policy_has_selector(subject) && has_labels(labels)
	               ? selector_of_labels(inventory, labels)
	               : selector_by_name(inventory, subject);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void policy_subject_set_pods(struct policy_inventory *inventory, struct policy_subject *subject,
                             char *selector, char *labels)
{
	if (same(subject->selector, selector) && same(subject->labels, labels)) {
		free(selector);
		free(labels);
		return;
	}
	policy_subject_changed(inventory, subject); /* who overlapped with it until now */
	policy_overlap_remove(&subject->space->overlap, &subject->overlap);
	free(subject->selector);
	free(subject->labels);
	subject->selector = selector;
	subject->labels = labels;
	subject->overlap.selector = json_of(selector);
	subject->overlap.labels = labels != NULL ? json_of(labels) : (struct json_text){0};
	policy_overlap_add(&subject->space->overlap, &subject->overlap);
	policy_subject_changed(inventory, subject);
}

void policy_subject_default(struct policy_inventory *inventory, struct policy_subject *subject)
{
	if (subject->selector == NULL && !policy_has_selector(subject))
		policy_subject_set_pods(
		        inventory, subject,
		        choose_selector(inventory, subject, (struct json_text){0}, NULL), NULL);
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
	struct policy_subject *subject = policy_subject_at(
	        inventory, policy_space_at(inventory, event->namespace), event->kind, event->name);
	subject->listed = subject->present = event->type != EVENT_DELETED;
	if (!subject->present) {
		policy_subject_sweep(inventory, subject);
		return NULL;
	}
	struct json_text found = template_labels(event->object);
	char *labels = found.at == NULL ? NULL : normal(inventory, found);
	struct json_text own = json_get(event->object, "spec", "selector");
	policy_subject_set_pods(inventory, subject,
	                        choose_selector(inventory, subject, own, labels), labels);
	return NULL;
}

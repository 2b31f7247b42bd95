#include <string.h>

#include "bounds/bounds.h"
#include "k8s/selector.h"
#include "policy/inventory_private.h"
#include "policy/quarantine.h"

/* What only admins write: the labels of Namespaces, the bounds, and the time that ends their grants. */

static void touch_namespace(struct policy_inventory *inventory, struct policy_namespace *namespace)
{
	struct policy_workload *workload;
	const struct bounds *bounds = inventory->settings->bounds;
	if (bounds == NULL || !bounds_select_by_labels(bounds))
		return;
	DL_FOREACH2(namespace->workloads, workload, namespace_next)
	if (workload->cards != NULL)
		policy_touch(inventory, workload);
}

static void set_labels(struct policy_inventory *inventory, struct policy_namespace *namespace,
                       char *labels)
{
	bool same = labels != NULL && namespace->labels != NULL &&
	            strcmp(labels, namespace->labels) == 0;
	bool differs = !same && (labels != NULL || namespace->labels != NULL);
	free(namespace->labels);
	namespace->labels = labels;
	if (differs)
		touch_namespace(inventory, namespace);
}

/* Labels that are too many to look at are not known. */
const char *policy_take_namespace(struct policy_inventory *inventory, const struct event *event)
{
	struct json_buffer *scratch = &inventory->scratch;
	struct json_text labels = json_get(event->metadata, "labels");
	if (!policy_is_label(event->name))
		return "the Namespace's name is not one that Kubernetes allows";
	struct policy_namespace *namespace = policy_namespace_at(inventory, event->name);
	namespace->labels_listed = event->type != EVENT_DELETED;
	if (labels.at == NULL)
		labels = json_of("{}");
	if (event->type == EVENT_DELETED || policy_labels_check(labels) != NULL) {
		set_labels(inventory, namespace, NULL);
		return NULL;
	}
	scratch->len = 0;
	policy_normal_put(scratch, labels);
	set_labels(inventory, namespace, policy_copy(json_buffer_text(scratch)));
	return NULL;
}

/* Its labels may be any. */
void policy_namespace_unusable(struct policy_inventory *inventory, const struct event *named)
{
	struct policy_namespace *namespace = NULL;
	HASH_FIND(hh, inventory->namespaces, named->name.at, named->name.len, namespace);
	if (namespace != NULL)
		set_labels(inventory, namespace, NULL);
}

void policy_namespaces_begin(struct policy_inventory *inventory)
{
	for (struct policy_namespace *n = inventory->namespaces; n != NULL; n = n->hh.next)
		n->labels_listed = false;
}

void policy_namespaces_end(struct policy_inventory *inventory)
{
	for (struct policy_namespace *n = inventory->namespaces; n != NULL; n = n->hh.next)
		if (!n->labels_listed)
			set_labels(inventory, n, NULL);
}

/* "NAMESPACE/KIND/NAME" is the key of a workload. */
static void touch_named(struct policy_inventory *inventory, const char *key)
{
	struct policy_workload *workload = NULL;
	HASH_FIND_STR(inventory->workloads, key, workload);
	if (workload != NULL)
		policy_touch(inventory, workload);
}

static void touch_quarantined(struct policy_inventory *inventory, const struct bounds *bounds)
{
	const struct bounds_quarantine *entry;
	for (size_t i = 0; bounds != NULL && (entry = bounds_quarantine_at(bounds, i)) != NULL; i++)
		touch_named(inventory, entry->workload);
}

void policy_bounds_changed(struct policy_inventory *inventory, const struct bounds *before)
{
	for (struct policy_workload *w = inventory->workloads; w != NULL; w = w->hh.next)
		if (w->cards != NULL)
			policy_touch(inventory, w);
	touch_quarantined(inventory, before);
	touch_quarantined(inventory, inventory->settings->bounds);
	for (struct policy_object *o = inventory->objects; o != NULL; o = o->hh.next)
		if (o->quarantine && !o->extra)
			policy_unwanted(inventory, o);
}

void policy_inventory_time(struct policy_inventory *inventory, int64_t now)
{
	const struct bounds *bounds = inventory->settings->bounds;
	const struct bounds_grant *grant;
	int64_t before = inventory->now;
	bool first = !inventory->now_known;
	size_t index = 0;
	if (!first && now <= before)
		return;
	inventory->now = now;
	inventory->now_known = true;
	while (bounds != NULL &&
	       (grant = bounds_next_grant(bounds, NULL, NULL, NULL, &index)) != NULL)
		if (first || (grant->until > before && grant->until <= now))
			touch_named(inventory, grant->workload);
}

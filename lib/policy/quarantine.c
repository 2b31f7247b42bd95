#include "policy/quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "k8s/selector.h"

const struct bounds_quarantine *policy_quarantine_of(const struct policy_inventory *inventory,
                                                     const struct policy_workload *workload)
{
	const struct bounds *bounds = inventory->settings->bounds;
	return bounds == NULL ? NULL
	                      : bounds_quarantine_of(bounds, workload->namespace->name,
	                                             workload->kind, workload->name);
}

void policy_quarantine_name(char name[POLICY_NAME_SIZE], const char *kind, const char *workload)
{
	char hex[POLICY_HEX_SIZE];
	char *whole = kube_format("%s/%s", kind, workload);
	char *stem = kube_format("quarantine-%s", workload);
	digest_hex(json_of(whole), hex, POLICY_HEX_SIZE - 1);
	policy_extra_name(name, stem, hex);
	free(whole);
	free(stem);
}

static bool is_of(const struct policy_object *object, const char *key)
{
	char name[POLICY_NAME_SIZE];
	size_t len = strcspn(key, "/");
	if (strlen(object->namespace->name) != len || strncmp(object->namespace->name, key, len) != 0)
		return false;
	char *kind = kube_copy(key + len + 1);
	char *slash = strchr(kind, '/');
	*slash = '\0';
	policy_quarantine_name(name, kind, slash + 1);
	free(kind);
	return strcmp(object->name, name) == 0;
}

/* The labels that the selector of an object asks for, where nothing else tells those of the pods. */
static struct json_text seen_labels(const struct policy_inventory *inventory, const char *key)
{
	char name[POLICY_NAME_SIZE];
	struct policy_object *object = NULL;
	size_t namespace = strcspn(key, "/"), kind = strcspn(key + namespace + 1, "/");
	char *kind_name = kube_copy_n(key + namespace + 1, kind);
	policy_quarantine_name(name, kind_name, key + namespace + kind + 2);
	char *whole = kube_format("NetworkPolicy/%.*s/%s", (int)namespace, key, name);
	HASH_FIND_STR(inventory->objects, whole, object);
	free(whole);
	free(kind_name);
	if (object == NULL || object->seen_selector == NULL)
		return (struct json_text){0};
	return json_get(json_of(object->seen_selector), "matchLabels");
}

static struct json_text pods_of(const struct policy_inventory *inventory, const char *key)
{
	const struct policy_workload *workload = NULL;
	HASH_FIND_STR(inventory->workloads, key, workload);
	if (workload != NULL && workload->labels != NULL)
		return json_of(workload->labels);
	if (workload != NULL && workload->selector != NULL)
		return json_get(json_of(workload->selector), "matchLabels");
	return seen_labels(inventory, key);
}

const struct bounds_quarantine *policy_quarantine_shared(const struct policy_inventory *inventory,
                                                         const struct policy_workload *workload)
{
	const struct bounds *bounds = inventory->settings->bounds;
	const struct bounds_quarantine *entry;
	const char *namespace = workload->namespace->name;
	size_t len = strlen(namespace);
	if (bounds == NULL || workload->selector == NULL)
		return NULL;
	for (size_t i = 0; (entry = bounds_quarantine_at(bounds, i)) != NULL; i++) {
		if (strncmp(entry->workload, namespace, len) != 0 || entry->workload[len] != '/')
			continue;
		struct json_text labels = pods_of(inventory, entry->workload);
		if (labels.at != NULL && policy_labels_check(labels) == NULL &&
		    policy_selector_matches_template(json_of(workload->selector), labels))
			return entry;
	}
	return NULL;
}

bool policy_quarantine_holds(const struct policy_inventory *inventory,
                             const struct policy_object *object)
{
	const struct bounds *bounds = inventory->settings->bounds;
	const struct bounds_quarantine *entry;
	if (!object->quarantine || bounds == NULL)
		return object->quarantine;
	for (size_t i = 0; (entry = bounds_quarantine_at(bounds, i)) != NULL; i++)
		if (is_of(object, entry->workload))
			return true;
	return false;
}

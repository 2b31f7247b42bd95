#include "policy/quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

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

/*
 * What limits an agent while its policy is not there yet: objects of kinds that the target does
 * not write, of an earlier run with another target. They are unwanted objects that wait.
 */
#include <string.h>

#include "policy/inventory_private.h"

bool policy_object_is_in_force(const struct policy_inventory *inventory,
                          const struct policy_object *object)
{
	bool asked = object->kind == inventory->settings->writes.kind &&
	             object->last == POLICY_LAST_APPLY && !object->drifted;
	if (!asked || !inventory->watched)
		return asked;
	return object->seen && object->essence_known &&
	       policy_digest_same(object->seen_essence, object->essence);
}

struct policy_workload *policy_previous_of(const struct policy_inventory *inventory,
                                        const struct policy_object *object)
{
	struct policy_card *card =
	        object->kind == inventory->settings->writes.kind ? NULL
	                                                          : policy_card_of(inventory, object);
	struct policy_workload *workload = card == NULL ? NULL : card->workload;
	if (workload == NULL ||
	    (workload->object != NULL && policy_object_is_in_force(inventory, workload->object)))
		return NULL;
	return workload;
}

void policy_previous_add(struct policy_workload *workload, struct policy_object *object)
{
	object->previous = workload;
	DL_APPEND2(workload->previous, object, extra_prev, extra_next);
}

void policy_previous_remove(struct policy_object *object)
{
	if (object->previous == NULL)
		return;
	DL_DELETE2(object->previous->previous, object, extra_prev, extra_next);
	object->previous = NULL;
}

void policy_previous_release(struct policy_inventory *inventory, struct policy_workload *workload)
{
	bool wait = workload->cards != NULL &&
	            (workload->object == NULL || !policy_object_is_in_force(inventory, workload->object));
	while (!wait && workload->previous != NULL) {
		struct policy_object *object = workload->previous;
		policy_previous_remove(object);
		policy_unwanted(inventory, object);
	}
}

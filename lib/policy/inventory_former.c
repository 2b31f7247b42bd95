/*
 * What limits an agent while its policy is not there yet: objects of kinds that the target does
 * not write, of an earlier run with another target. They are strays that wait.
 */
#include <string.h>

#include "policy/inventory_private.h"

bool policy_object_stands(const struct policy_inventory *inventory,
                          const struct policy_object *object)
{
	bool asked = object->kind == inventory->settings->writes.kind &&
	             object->last == POLICY_LAST_APPLY && !object->drifted;
	if (!asked || !inventory->watched)
		return asked;
	return object->seen && object->weighed &&
	       policy_digest_same(object->seen_essence, object->essence);
}

struct policy_subject *policy_former_of(const struct policy_inventory *inventory,
                                        const struct policy_object *object)
{
	struct policy_card *card =
	        object->kind == inventory->settings->writes.kind ? NULL
	                                                          : policy_card_of(inventory, object);
	struct policy_subject *subject = card == NULL ? NULL : card->subject;
	if (subject == NULL ||
	    (subject->object != NULL && policy_object_stands(inventory, subject->object)))
		return NULL;
	return subject;
}

void policy_former_add(struct policy_subject *subject, struct policy_object *object)
{
	object->former = subject;
	DL_APPEND2(subject->former, object, further_prev, further_next);
}

void policy_former_remove(struct policy_object *object)
{
	if (object->former == NULL)
		return;
	DL_DELETE2(object->former->former, object, further_prev, further_next);
	object->former = NULL;
}

void policy_former_release(struct policy_inventory *inventory, struct policy_subject *subject)
{
	bool wait = subject->cards != NULL &&
	            (subject->object == NULL || !policy_object_stands(inventory, subject->object));
	while (!wait && subject->former != NULL) {
		struct policy_object *object = subject->former;
		policy_former_remove(object);
		policy_stray(inventory, object);
	}
}

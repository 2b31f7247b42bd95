#include <stdio.h>
#include <string.h>

#include "policy/inventory_private.h"
#include "k8s/selector.h"

static bool is_managed(const struct event *event)
{
	return json_equals(json_get(event->metadata, "labels", "app.kubernetes.io/managed-by"),
	                   POLICY_MANAGER);
}

/* The card that a managed policy says it is for: its name from the owner reference or the
 * annotation, where it is whole, else from the label. */
static void keep_card(struct policy_object *object, const struct policy_names *names,
                      const struct event *event)
{
	struct json_text name = {0}, uid = {0};
	struct json_text owners = json_get(event->metadata, "ownerReferences");
	for (struct json_member m = json_first(owners); m.value.at; m = json_next(m)) {
		if (!json_equals(json_get(m.value, "kind"), "AgentCard"))
			continue;
		name = json_plain(json_get(m.value, "name"));
		uid = json_plain(json_get(m.value, "uid"));
	}
	if (name.at == NULL)
		name = json_plain(
		        json_get(event->metadata, "annotations", names->agentcard_label));
	if (name.at == NULL)
		name = json_plain(json_get(event->metadata, "labels", names->agentcard_label));
	if (name.at == NULL || object->last != POLICY_LAST_NONE)
		return;
	free(object->card);
	object->card = calloc(1, name.len + uid.len + 2);
	if (object->card == NULL)
		abort();
	memcpy(object->card, name.at, name.len);
	if (uid.at != NULL)
		memcpy(object->card + name.len + 1, uid.at, uid.len);
}

struct policy_digest policy_object_essence(const struct policy_inventory *inventory,
                                           struct json_text object, struct json_buffer *scratch)
{
	const struct policy_names *names = inventory->settings->names;
	const char *const labels[] = {"app.kubernetes.io/managed-by", "managed-by",
	                              names->agentcard_label, names->namespace_label,
	                              names->policy_type_label, NULL};
	return policy_essence(object, labels, names->agentcard_label, scratch);
}

static void keep_seen(struct policy_inventory *inventory, struct policy_object *object,
                      const struct event *event)
{
	struct json_buffer *scratch = &inventory->scratch;
	struct json_text selector = json_get(event->object, "spec", "podSelector");
	object->seen_essence = policy_object_essence(inventory, event->object, scratch);
	free(object->seen_version);
	object->seen_version = policy_copy(event->resource_version);
	free(object->seen_selector);
	object->seen_selector = NULL;
	if (policy_selector_check(selector) == NULL) {
		scratch->len = 0;
		policy_normal_put(scratch, selector);
		object->seen_selector = policy_copy(json_buffer_text(scratch));
	}
}

static bool is_as_asked(const struct policy_object *object)
{
	switch (object->last) {
	case POLICY_LAST_APPLY:
		return object->seen &&
		       (!object->weighed ||
		        policy_digest_same(object->seen_essence, object->essence));
	case POLICY_LAST_DELETE:
		return !object->seen;
	default:
		return true;
	}
}

/* Whose part the object is has it rendered again. */
static void touch_whole(struct policy_inventory *inventory, const struct policy_object *object)
{
	if (object->part_of != NULL)
		policy_touch(inventory, object->part_of);
	else
		policy_space_changed(inventory, object->space);
}

/* Asks again for what is not as it was asked for, or finds out whether it is. */
static void repair(struct policy_inventory *inventory, struct policy_object *object)
{
	bool unweighed = object->last == POLICY_LAST_APPLY && object->seen && !object->weighed;
	object->drifted = !is_as_asked(object);
	bool news = object->drifted || unweighed;
	if (object->further && news)
		touch_whole(inventory, object);
	else if (object->owner == NULL)
		policy_stray(inventory, object);
	else if (news || object->owner->former != NULL)
		policy_touch(inventory, object->owner);
}

struct policy_card *policy_card_of(const struct policy_inventory *inventory,
                                   const struct policy_object *object)
{
	char key[EVENT_KEY_SIZE];
	struct policy_card *card = NULL;
	if (object->card == NULL)
		return NULL;
	snprintf(key, sizeof key, "%s/%s", object->space->name, object->card);
	HASH_FIND_STR(inventory->cards, key, card);
	return card;
}

/* A workload that is not known may take over the selector that is seen. */
static void touch_orphan(struct policy_inventory *inventory, const struct policy_object *object)
{
	const struct policy_card *card = policy_card_of(inventory, object);
	if (card != NULL && card->subject != NULL && card->subject->selector == NULL)
		policy_touch(inventory, card->subject);
}

void policy_object_unseen(struct policy_inventory *inventory, struct policy_object *object)
{
	object->seen = false;
	repair(inventory, object);
}

void policy_watched(struct policy_inventory *inventory, const struct k8s_kind *kind)
{
	if (kind == inventory->settings->writes.kind)
		inventory->watched = true;
}

/* Absent when there is no telling. */
static struct json_text space_of(const struct policy_inventory *inventory,
                                 const struct event *event, const struct k8s_kind *kind)
{
	const char *label = inventory->settings->names->namespace_label;
	if (!kind->cluster_scoped)
		return event->namespace;
	struct json_text name = json_plain(json_get(event->metadata, "labels", label));
	return policy_is_label(name) ? name : json_of("");
}

static struct policy_object *find(const struct policy_inventory *inventory,
                                  const struct k8s_kind *kind, const char *space,
                                  struct json_text name)
{
	char key[64 + EVENT_KEY_SIZE];
	struct policy_object *object = NULL;
	snprintf(key, sizeof key, "%s/%s/%.*s", kind->kind, kind->cluster_scoped ? "" : space,
	         (int)name.len, name.at);
	HASH_FIND_STR(inventory->objects, key, object);
	return object;
}

const char *policy_take_object(struct policy_inventory *inventory, const struct event *event,
                               const struct k8s_kind *kind)
{
	bool managed = is_managed(event);
	if (kind->cluster_scoped ? event->namespace.at != NULL : !policy_is_label(event->namespace))
		return "the policy's namespace is not one that Kubernetes allows";
	if (!policy_is_subdomain(event->name))
		return "the policy's name is not one that Kubernetes allows";
	policy_watched(inventory, kind);
	struct policy_space *space =
	        policy_space_at(inventory, space_of(inventory, event, kind));
	struct policy_object *object = find(inventory, kind, space->name, event->name);
	if (object == NULL && (!managed || event->type == EVENT_DELETED))
		return NULL;
	if (object == NULL)
		object = policy_object_at(inventory, kind, space, event->name);
	/* One that lost its label is not ours to delete; as what somebody's policy should be,
	 * it has drifted. */
	bool wanted = object->owner != NULL || object->further;
	object->seen = event->type != EVENT_DELETED && (managed || wanted);
	object->listed = object->seen;
	if (object->seen && kind->cluster_scoped && !wanted)
		object->space = space;
	if (object->seen) {
		keep_seen(inventory, object, event);
		if (managed)
			keep_card(object, inventory->settings->names, event);
		if (object->owner == NULL)
			touch_orphan(inventory, object);
	}
	repair(inventory, object);
	return NULL;
}

/* Who comes first to a name: the whole hash at attempt 2, which nobody else may take, then the
 * workload's own name, then that with the kind; a Deployment before other kinds. */
static int precedence(const struct policy_subject *a, unsigned a_attempt,
                      const struct policy_subject *b, unsigned b_attempt)
{
	static const int rank[POLICY_NAME_ATTEMPTS] = {1, 2, 0};
	if (a_attempt != b_attempt)
		return rank[a_attempt] - rank[b_attempt];
	bool a_first = strcmp(a->kind, "Deployment") == 0;
	bool b_first = strcmp(b->kind, "Deployment") == 0;
	if (a_first != b_first)
		return a_first ? -1 : 1;
	return strcmp(a->key, b->key);
}

static void set_displaced(struct policy_subject *subject, bool displaced)
{
	struct policy_space *space = subject->space;
	if (subject->is_displaced == displaced)
		return;
	subject->is_displaced = displaced;
	if (displaced)
		DL_APPEND2(space->displaced, subject, displaced_prev, displaced_next);
	else
		DL_DELETE2(space->displaced, subject, displaced_prev, displaced_next);
}

/* The name is free: who was displaced may want it. */
static void release(struct policy_inventory *inventory, struct policy_subject *subject)
{
	struct policy_object *object = subject->object;
	struct policy_subject *other;
	if (object == NULL)
		return;
	subject->object = NULL;
	object->owner = NULL;
	object->gone = true;
	policy_stray(inventory, object);
	DL_FOREACH2(subject->space->displaced, other, displaced_next)
	if (other != subject)
		policy_touch(inventory, other);
}

static bool may_take(const struct policy_subject *subject, unsigned attempt,
                     const struct policy_object *object)
{
	const struct policy_subject *owner = object->owner;
	return owner == NULL || owner == subject ||
	       precedence(subject, attempt, owner, owner->attempt) < 0;
}

static void take(struct policy_inventory *inventory, struct policy_subject *subject,
                 unsigned attempt, struct policy_object *object)
{
	if (object->owner != subject) {
		policy_former_remove(object);
		object->space = subject->space;
		struct policy_subject *loser = object->owner;
		if (loser != NULL) {
			loser->object = NULL;
			policy_touch(inventory, loser);
		}
		release(inventory, subject);
		object->owner = subject;
		object->gone = false;
		subject->object = object;
	}
	subject->attempt = attempt;
	set_displaced(subject, attempt > 0);
}

/* A policy of an earlier run for a card of this subject. */
static bool is_left_over(const struct policy_subject *subject, const struct policy_object *object)
{
	const struct policy_card *card;
	if (!object->seen || object->card == NULL || object->last != POLICY_LAST_NONE ||
	    object->space != subject->space)
		return false;
	DL_FOREACH(subject->cards, card)
	if (strcmp(card->name, object->card) == 0)
		return true;
	return false;
}

static void write_name(const struct policy_subject *subject, const struct k8s_kind *kind,
                       unsigned attempt, char name[POLICY_NAME_SIZE])
{
	char plain[POLICY_NAME_SIZE];
	policy_name(name, subject->name, subject->kind, attempt);
	if (!kind->cluster_scoped)
		return;
	memcpy(plain, name, sizeof plain);
	policy_cluster_name(name, subject->space->name, plain);
}

struct left_over {
	struct policy_object *object; /* NULL: none */
	unsigned attempt;
};

static struct left_over find_left_over(const struct policy_inventory *inventory,
                                       const struct policy_subject *subject,
                                       const struct k8s_kind *kind)
{
	char name[POLICY_NAME_SIZE];
	for (unsigned attempt = 0; attempt < POLICY_NAME_ATTEMPTS; attempt++) {
		write_name(subject, kind, attempt, name);
		struct policy_object *object =
		        find(inventory, kind, subject->space->name, json_of(name));
		if (object != NULL && is_left_over(subject, object) &&
		    may_take(subject, attempt, object))
			return (struct left_over){object, attempt};
	}
	return (struct left_over){0};
}

static void claim_named(struct policy_inventory *inventory, struct policy_subject *subject)
{
	const struct k8s_kind *kind = inventory->settings->writes.kind;
	char name[POLICY_NAME_SIZE];
	for (unsigned attempt = 0; attempt < POLICY_NAME_ATTEMPTS; attempt++) {
		write_name(subject, kind, attempt, name);
		struct policy_object *object =
		        policy_object_at(inventory, kind, subject->space, json_of(name));
		if (may_take(subject, attempt, object)) {
			take(inventory, subject, attempt, object);
			return;
		}
	}
}

/* Of a workload that is not known. */
static void claim_left_over(struct policy_inventory *inventory, struct policy_subject *subject)
{
	const struct k8s_kind *kind = inventory->settings->writes.kind;
	struct left_over left = find_left_over(inventory, subject, kind);
	for (size_t i = 0; left.object == NULL && subject->cards != NULL && policy_kinds[i] != NULL;
	     i++)
		left = find_left_over(inventory, subject, policy_kinds[i]);
	if (left.object == NULL) {
		release(inventory, subject);
		set_displaced(subject, false);
		return;
	}
	if (left.object->seen_selector != NULL)
		policy_subject_set_pods(inventory, subject, strdup(left.object->seen_selector),
		                        NULL);
	if (left.object->kind == kind || subject->selector == NULL)
		take(inventory, subject, left.attempt, left.object);
	else
		claim_named(inventory, subject);
}

void policy_claim(struct policy_inventory *inventory, struct policy_subject *subject)
{
	if (subject->cards == NULL || subject->selector == NULL)
		claim_left_over(inventory, subject);
	else
		claim_named(inventory, subject);
}

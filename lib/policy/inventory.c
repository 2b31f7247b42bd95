#include "policy/inventory.h"

#include <stdio.h>
#include <string.h>

#include "policy/inventory_private.h"

char *policy_copy(struct json_text text)
{
	if (text.at == NULL)
		return NULL;
	char *copy = strndup(text.at, text.len);
	if (copy == NULL)
		abort();
	return copy;
}

static void *make(size_t size)
{
	void *made = calloc(1, size);
	if (made == NULL)
		abort();
	return made;
}

/* Joins up to three parts with slashes. */
static char *join(struct json_text a, struct json_text b, struct json_text c)
{
	char *joined = NULL;
	if (asprintf(&joined, "%.*s/%.*s%s%.*s", (int)a.len, a.at, (int)b.len, b.at,
	             c.at == NULL ? "" : "/", (int)c.len, c.at == NULL ? "" : c.at) < 0)
		abort();
	return joined;
}

struct policy_space *policy_space_at(struct policy_inventory *inventory, struct json_text name)
{
	struct policy_space *space = NULL;
	HASH_FIND(hh, inventory->spaces, name.at, name.len, space);
	if (space != NULL)
		return space;
	space = make(sizeof *space);
	space->name = policy_copy(name);
	HASH_ADD_KEYPTR(hh, inventory->spaces, space->name, strlen(space->name), space);
	return space;
}

struct policy_subject *policy_subject_at(struct policy_inventory *inventory,
                                         struct policy_space *space, struct json_text kind,
                                         struct json_text name)
{
	struct policy_subject *subject = NULL;
	char *key = join(json_of(space->name), kind, name);
	HASH_FIND_STR(inventory->subjects, key, subject);
	if (subject != NULL) {
		free(key);
		return subject;
	}
	subject = make(sizeof *subject);
	subject->key = key;
	subject->name = strrchr(key, '/') + 1;
	subject->kind = strndup(kind.at, kind.len);
	subject->space = space;
	subject->overlap.owner = subject;
	if (subject->kind == NULL)
		abort();
	HASH_ADD_KEYPTR(hh, inventory->subjects, key, strlen(key), subject);
	DL_APPEND2(space->subjects, subject, space_prev, space_next);
	return subject;
}

struct policy_object *policy_object_at(struct policy_inventory *inventory,
                                       const struct k8s_kind *kind, struct policy_space *space,
                                       struct json_text name)
{
	struct policy_object *object = NULL;
	char *key = join(json_of(kind->kind), json_of(kind->cluster_scoped ? "" : space->name),
	                 name);
	HASH_FIND_STR(inventory->objects, key, object);
	if (object != NULL) {
		free(key);
		return object;
	}
	object = make(sizeof *object);
	object->key = key;
	object->name = strrchr(key, '/') + 1;
	object->kind = kind;
	object->space = space;
	HASH_ADD_KEYPTR(hh, inventory->objects, key, strlen(key), object);
	return object;
}

void policy_touch(struct policy_inventory *inventory, struct policy_subject *subject)
{
	if (subject->queued)
		return;
	subject->queued = true;
	DL_APPEND(inventory->touched, subject);
}

void policy_stray(struct policy_inventory *inventory, struct policy_object *object)
{
	if (object->queued)
		return;
	object->queued = true;
	DL_APPEND(inventory->stray, object);
}

void policy_space_changed(struct policy_inventory *inventory, struct policy_space *space)
{
	if (space->queued)
		return;
	space->queued = true;
	DL_APPEND(inventory->changed, space);
}

struct change {
	struct policy_inventory *inventory;
	const struct policy_subject *subject;
};

/* Only whom it concerns: of very many that overlap each names a few, and most changes are not
 * among those. */
static void touch_other(void *context, void *owner)
{
	const struct change *change = context;
	struct policy_subject *other = owner;
	bool named = other->overlaps_to == NULL ||
	             strcmp(change->subject->key, other->overlaps_to) <= 0;
	if (other->cards != NULL && named)
		policy_touch(change->inventory, other);
}

static void touch_peers(struct policy_inventory *inventory, struct policy_space *space)
{
	struct policy_subject *peer;
	if (inventory->settings->verified_peers != POLICY_PEERS_WORKLOADS)
		return;
	DL_FOREACH2(space->verified, peer, verified_next)
	policy_touch(inventory, peer);
}

static bool all_verified(const struct policy_subject *subject)
{
	const struct policy_card *card;
	DL_FOREACH(subject->cards, card)
	if (!card->verified)
		return false;
	return subject->cards != NULL;
}

static void set_permissive(struct policy_subject *subject, bool permissive)
{
	struct policy_space *space = subject->space;
	if (subject->permissive == permissive)
		return;
	subject->permissive = permissive;
	if (permissive) {
		DL_APPEND2(space->verified, subject, verified_prev, verified_next);
		space->verified_count++;
	} else {
		DL_DELETE2(space->verified, subject, verified_prev, verified_next);
		space->verified_count--;
	}
}

void policy_subject_changed(struct policy_inventory *inventory, struct policy_subject *subject)
{
	struct change change = {inventory, subject};
	policy_touch(inventory, subject);
	policy_overlap_each(&subject->space->overlap, &subject->overlap, touch_other, &change);
	touch_peers(inventory, subject->space);
	set_permissive(subject, all_verified(subject));
	touch_peers(inventory, subject->space);
}

static const char *const kinds_with_selector[] = {"Deployment", "StatefulSet", NULL};

bool policy_has_selector(const struct policy_subject *subject)
{
	for (size_t i = 0; kinds_with_selector[i] != NULL; i++)
		if (strcmp(subject->kind, kinds_with_selector[i]) == 0)
			return true;
	return false;
}

static void forget_pods(struct policy_subject *subject)
{
	policy_overlap_remove(&subject->space->overlap, &subject->overlap);
	subject->overlap.selector = subject->overlap.labels = (struct json_text){0};
	free(subject->selector);
	free(subject->labels);
	subject->selector = subject->labels = NULL;
}

static void subject_free(struct policy_inventory *inventory, struct policy_subject *subject)
{
	set_permissive(subject, false);
	forget_pods(subject);
	HASH_DEL(inventory->subjects, subject);
	DL_DELETE2(subject->space->subjects, subject, space_prev, space_next);
	free(subject->overlaps_to);
	free((char *)subject->kind);
	free(subject->key);
	free(subject);
}

void policy_subject_sweep(struct policy_inventory *inventory, struct policy_subject *subject)
{
	if (subject->cards != NULL || subject->present)
		return;
	forget_pods(subject);
	if (subject->object == NULL && subject->further == NULL && subject->former == NULL &&
	    !subject->queued && !subject->is_displaced)
		subject_free(inventory, subject);
}

static void object_free(struct policy_inventory *inventory, struct policy_object *object)
{
	HASH_DEL(inventory->objects, object);
	free(object->card);
	free(object->seen_version);
	free(object->seen_selector);
	free(object->key);
	free(object);
}

void policy_object_sweep(struct policy_inventory *inventory, struct policy_object *object)
{
	if (object->owner == NULL && !object->further && object->former == NULL &&
	    !object->seen && !object->queued && object->last != POLICY_LAST_APPLY)
		object_free(inventory, object);
}

struct overlaps {
	struct policy_subject **found;
	size_t count;
};

/* Keeps the first few in order of their keys, each once. */
static void insert_overlap(void *context, void *owner)
{
	struct overlaps *overlaps = context;
	struct policy_subject *other = owner;
	size_t at = 0;
	if (other->cards == NULL)
		return;
	while (at < overlaps->count && strcmp(overlaps->found[at]->key, other->key) < 0)
		at++;
	if (at == POLICY_OVERLAPS || (at < overlaps->count && overlaps->found[at] == other))
		return;
	if (overlaps->count < POLICY_OVERLAPS)
		overlaps->count++;
	memmove(overlaps->found + at + 1, overlaps->found + at,
	        (overlaps->count - at - 1) * sizeof(void *));
	overlaps->found[at] = other;
}

size_t policy_subject_overlaps(struct policy_subject *subject,
                               struct policy_subject *found[POLICY_OVERLAPS])
{
	struct overlaps overlaps = {found, 0};
	policy_overlap_each(&subject->space->overlap, &subject->overlap, insert_overlap, &overlaps);
	free(subject->overlaps_to);
	subject->overlaps_to = NULL;
	if (overlaps.count == POLICY_OVERLAPS)
		subject->overlaps_to = policy_copy(json_of(found[POLICY_OVERLAPS - 1]->key));
	return overlaps.count;
}

static void card_free(struct policy_inventory *inventory, struct policy_card *card)
{
	HASH_DEL(inventory->cards, card);
	free(card->packed);
	free(card->key);
	free(card);
}

void policy_inventory_free(struct policy_inventory *inventory)
{
	struct policy_card *card, *next_card;
	struct policy_subject *subject, *next_subject;
	struct policy_object *object, *next_object;
	struct policy_space *space, *next_space;
	HASH_ITER(hh, inventory->cards, card, next_card)
	card_free(inventory, card);
	HASH_ITER(hh, inventory->subjects, subject, next_subject)
	subject_free(inventory, subject);
	HASH_ITER(hh, inventory->objects, object, next_object)
	object_free(inventory, object);
	HASH_ITER(hh, inventory->spaces, space, next_space)
	{
		HASH_DEL(inventory->spaces, space);
		policy_overlap_free(&space->overlap);
		free(space->name);
		free(space);
	}
	policy_apiserver_free(&inventory->apiserver);
	json_buffer_free(&inventory->scratch);
}

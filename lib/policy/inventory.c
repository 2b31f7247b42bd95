#include "policy/inventory.h"

#include <stdio.h>
#include <string.h>

#include "policy/inventory_private.h"
#include "policy/quarantine.h"

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

struct policy_namespace *policy_namespace_at(struct policy_inventory *inventory, struct json_text name)
{
	struct policy_namespace *namespace = NULL;
	HASH_FIND(hh, inventory->namespaces, name.at, name.len, namespace);
	if (namespace != NULL)
		return namespace;
	namespace = make(sizeof *namespace);
	namespace->name = policy_copy(name);
	HASH_ADD_KEYPTR(hh, inventory->namespaces, namespace->name, strlen(namespace->name), namespace);
	return namespace;
}

struct policy_workload *policy_workload_at(struct policy_inventory *inventory,
                                         struct policy_namespace *namespace, struct json_text kind,
                                         struct json_text name)
{
	struct policy_workload *workload = NULL;
	char *key = join(json_of(namespace->name), kind, name);
	HASH_FIND_STR(inventory->workloads, key, workload);
	if (workload != NULL) {
		free(key);
		return workload;
	}
	workload = make(sizeof *workload);
	workload->key = key;
	workload->name = strrchr(key, '/') + 1;
	workload->kind = strndup(kind.at, kind.len);
	workload->row = k8s_workload_named((struct json_text){0}, kind);
	workload->host_network = K8S_HOST_NETWORK_UNKNOWN;
	workload->namespace = namespace;
	workload->overlap.owner = workload;
	if (workload->kind == NULL)
		abort();
	HASH_ADD_KEYPTR(hh, inventory->workloads, key, strlen(key), workload);
	DL_APPEND2(namespace->workloads, workload, namespace_prev, namespace_next);
	return workload;
}

struct policy_object *policy_object_at(struct policy_inventory *inventory,
                                       const struct k8s_kind *kind, struct policy_namespace *namespace,
                                       struct json_text name)
{
	struct policy_object *object = NULL;
	char *key = join(json_of(kind->kind), json_of(kind->cluster_scoped ? "" : namespace->name),
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
	object->namespace = namespace;
	HASH_ADD_KEYPTR(hh, inventory->objects, key, strlen(key), object);
	return object;
}

void policy_touch(struct policy_inventory *inventory, struct policy_workload *workload)
{
	if (workload->queued)
		return;
	workload->queued = true;
	DL_APPEND(inventory->touched, workload);
}

void policy_unwanted(struct policy_inventory *inventory, struct policy_object *object)
{
	if (object->queued)
		return;
	object->queued = true;
	DL_APPEND(inventory->unwanted, object);
}

void policy_namespace_changed(struct policy_inventory *inventory, struct policy_namespace *namespace)
{
	if (namespace->queued)
		return;
	namespace->queued = true;
	DL_APPEND(inventory->changed, namespace);
}

void policy_report(struct policy_inventory *inventory, struct policy_card *card)
{
	if (card->report_queued)
		return;
	card->report_queued = true;
	DL_APPEND2(inventory->reports, card, report_prev, report_next);
}

void policy_report_all(struct policy_inventory *inventory)
{
	for (struct policy_card *card = inventory->cards; card != NULL; card = card->hh.next) {
		card->told = (struct policy_digest){0};
		if (card->workload != NULL)
			policy_touch(inventory, card->workload);
		else
			policy_report(inventory, card);
	}
}

static size_t index_of(const struct k8s_kind *kind)
{
	size_t at = 0;
	while (policy_kinds[at] != kind)
		at++;
	return at;
}

bool policy_kind_is_complete(const struct policy_inventory *inventory, const struct k8s_kind *kind)
{
	return inventory->complete[index_of(kind)];
}

void policy_kind_complete(struct policy_inventory *inventory, const struct k8s_kind *kind, bool whole)
{
	bool *held = &inventory->complete[index_of(kind)];
	if (*held == whole)
		return;
	*held = whole;
	for (struct policy_workload *w = inventory->workloads; w != NULL; w = w->hh.next)
		if (w->cards != NULL)
			policy_touch(inventory, w);
}

struct change {
	struct policy_inventory *inventory;
	const struct policy_workload *workload;
	bool quarantined; /* what shares its pods is, too */
};

/* Only whom it concerns: of very many that overlap each names a few, and most changes are not
 * among those. */
static void touch_other(void *context, void *owner)
{
	const struct change *change = context;
	struct policy_workload *other = owner;
	bool named = change->quarantined || other->overlaps_to == NULL ||
	             strcmp(change->workload->key, other->overlaps_to) <= 0;
	if (other->cards != NULL && named)
		policy_touch(change->inventory, other);
}

static void touch_peers(struct policy_inventory *inventory, struct policy_namespace *namespace)
{
	struct policy_workload *peer;
	if (inventory->settings->verified_peers != POLICY_PEERS_WORKLOADS)
		return;
	DL_FOREACH2(namespace->verified, peer, verified_next)
	policy_touch(inventory, peer);
}

static bool all_verified(const struct policy_workload *workload)
{
	const struct policy_card *card;
	DL_FOREACH(workload->cards, card)
	if (!card->verified)
		return false;
	return workload->cards != NULL;
}

static void set_permissive(struct policy_workload *workload, bool permissive)
{
	struct policy_namespace *namespace = workload->namespace;
	if (workload->permissive == permissive)
		return;
	workload->permissive = permissive;
	if (permissive) {
		DL_APPEND2(namespace->verified, workload, verified_prev, verified_next);
		namespace->verified_count++;
	} else {
		DL_DELETE2(namespace->verified, workload, verified_prev, verified_next);
		namespace->verified_count--;
	}
}

void policy_workload_changed(struct policy_inventory *inventory, struct policy_workload *workload)
{
	struct change change = {inventory, workload,
	                        policy_quarantine_of(inventory, workload) != NULL};
	policy_touch(inventory, workload);
	policy_overlap_each(&workload->namespace->overlap, &workload->overlap, touch_other, &change);
	touch_peers(inventory, workload->namespace);
	set_permissive(workload, all_verified(workload));
	touch_peers(inventory, workload->namespace);
}

static void forget_pods(struct policy_workload *workload)
{
	policy_overlap_remove(&workload->namespace->overlap, &workload->overlap);
	workload->overlap.selector = workload->overlap.labels = (struct json_text){0};
	free(workload->selector);
	free(workload->labels);
	workload->selector = workload->labels = NULL;
}

static void workload_free(struct policy_inventory *inventory, struct policy_workload *workload)
{
	set_permissive(workload, false);
	forget_pods(workload);
	HASH_DEL(inventory->workloads, workload);
	DL_DELETE2(workload->namespace->workloads, workload, namespace_prev, namespace_next);
	free(workload->overlaps_to);
	free(workload->controller);
	free((char *)workload->kind);
	free(workload->key);
	free(workload);
}

void policy_workload_sweep(struct policy_inventory *inventory, struct policy_workload *workload)
{
	if (workload->cards != NULL || workload->present)
		return;
	forget_pods(workload);
	if (workload->object == NULL && workload->extra == NULL && workload->previous == NULL &&
	    !workload->queued && !workload->is_displaced)
		workload_free(inventory, workload);
}

static void object_free(struct policy_inventory *inventory, struct policy_object *object)
{
	HASH_DEL(inventory->objects, object);
	free(object->card);
	free(object->refusal);
	free(object->seen_version);
	free(object->seen_selector);
	free(object->key);
	free(object);
}

void policy_object_sweep(struct policy_inventory *inventory, struct policy_object *object)
{
	if (object->owner == NULL && !object->extra && object->previous == NULL &&
	    !object->seen && !object->foreign && !object->queued && object->last != POLICY_LAST_APPLY)
		object_free(inventory, object);
}

struct overlaps {
	struct policy_workload **found;
	size_t count;
};

/* Keeps the first few in order of their keys, each once. */
static void insert_overlap(void *context, void *owner)
{
	struct overlaps *overlaps = context;
	struct policy_workload *other = owner;
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

size_t policy_workload_overlaps(struct policy_workload *workload,
                               struct policy_workload *found[POLICY_OVERLAPS])
{
	struct overlaps overlaps = {found, 0};
	policy_overlap_each(&workload->namespace->overlap, &workload->overlap, insert_overlap, &overlaps);
	free(workload->overlaps_to);
	workload->overlaps_to = NULL;
	if (overlaps.count == POLICY_OVERLAPS)
		workload->overlaps_to = policy_copy(json_of(found[POLICY_OVERLAPS - 1]->key));
	return overlaps.count;
}

static void card_free(struct policy_inventory *inventory, struct policy_card *card)
{
	HASH_DEL(inventory->cards, card);
	free(card->packed);
	free(card->key);
	free(card);
}

void policy_remembered_free(struct policy_remembered *kept)
{
	free(kept->key);
	free(kept->rules);
	free(kept);
}

void policy_gone_free(struct policy_gone *gone)
{
	free(gone->namespace);
	free(gone->name);
	free(gone->uid);
	free(gone);
}

void policy_inventory_free(struct policy_inventory *inventory)
{
	struct policy_card *card, *next_card;
	struct policy_workload *workload, *next_workload;
	struct policy_object *object, *next_object;
	struct policy_namespace *namespace, *next_namespace;
	HASH_ITER(hh, inventory->cards, card, next_card)
	card_free(inventory, card);
	HASH_ITER(hh, inventory->workloads, workload, next_workload)
	workload_free(inventory, workload);
	HASH_ITER(hh, inventory->objects, object, next_object)
	object_free(inventory, object);
	HASH_ITER(hh, inventory->namespaces, namespace, next_namespace)
	{
		HASH_DEL(inventory->namespaces, namespace);
		policy_overlap_free(&namespace->overlap);
		free(namespace->labels);
		free(namespace->name);
		free(namespace);
	}
	policy_apiserver_free(&inventory->apiserver);
	struct policy_remembered *kept, *next_kept;
	HASH_ITER(hh, inventory->remembered, kept, next_kept)
	{
		HASH_DEL(inventory->remembered, kept);
		policy_remembered_free(kept);
	}
	struct policy_gone *gone, *next_gone;
	DL_FOREACH_SAFE(inventory->gone, gone, next_gone)
	policy_gone_free(gone);
	json_buffer_free(&inventory->scratch);
}

struct policy_card *policy_card_of(const struct policy_inventory *inventory,
                                   const struct policy_object *object)
{
	char key[EVENT_KEY_SIZE];
	struct policy_card *card = NULL;
	if (object->card == NULL)
		return NULL;
	snprintf(key, sizeof key, "%s/%s", object->namespace->name, object->card);
	HASH_FIND_STR(inventory->cards, key, card);
	return card;
}

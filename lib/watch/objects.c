#include <string.h>

#include "k8s/workload.h"
#include "watch/watch_private.h"

static bool is_labelled(const struct reflector *r, struct json_text object)
{
	struct json_text labels = json_get(object, "metadata", "labels");
	return json_equals(json_get(labels, r->watch->options->type_label), "agent");
}

/* A policy of ours, of a namespace that another stage may look after. */
static bool is_elsewhere(const struct reflector *r, struct json_text object)
{
	const struct kube_watch_options *o = r->watch->options;
	struct json_text namespace =
	        json_get(object, "metadata", "labels", o->namespace_label);
	for (size_t i = 0; i < o->namespace_count; i++)
		if (json_equals(namespace, o->namespaces[i]))
			return false;
	return kube_is_managed(object);
}

static bool counts(const struct reflector *r, struct json_text object,
                   const struct kube_identity *id, const char *key)
{
	switch (r->filter) {
	case FILTER_SIGNED:
		return k8s_signed_for(id->name).at != NULL;
	case FILTER_NAMED:
		return (!is_labelled(r, object) || !named_has_labelled_list(r)) && named_has(r, key);
	case FILTER_LABELLED:
		return is_labelled(r, object) || named_has(r, key);
	case FILTER_OURS:
		return !is_elsewhere(r, object);
	case FILTER_NONE:
		break;
	}
	return true;
}

/* What counted and does no more: one that got the label is shown by the list of those. */
static void uncount(struct reflector *r, const char *key, struct json_text object)
{
	struct held *held = held_find(r, key);
	if (held == NULL)
		return;
	fetch_forget(r, key);
	if (r->filter == FILTER_NAMED)
		held_forget(r, held);
	else
		held_gone(r, held, object);
}

void objects_upsert(struct reflector *r, struct json_text object, const struct kube_identity *id)
{
	char key[KUBE_KEY_SIZE];
	kube_identity_key(id, key);
	if (!counts(r, object, id, key)) {
		uncount(r, key, object);
		return;
	}
	uint64_t version = held_version(r, object);
	struct held *held = held_add(r, key);
	held->generation = r->generation;
	held->seen = version;
	held->labelled = r->filter == FILTER_LABELLED && is_labelled(r, object);
	if (!r->fetched) {
		if (r->filter == FILTER_LABELLED)
			fetch_forget(r, key); /* this is newer than what was asked for */
		if (r->marks->role == ROLE_CARDS)
			named_take(r, held, object);
		held_write(r, held, object, version);
		return;
	}
	if (held->written && held->version == version)
		return;
	if (r->filter != FILTER_SIGNED || named_has(r, key))
		fetch_want(r, key);
}

static void remove_held(struct reflector *r, struct held *held, struct json_text object)
{
	struct json_text unknown = {0};
	char key[KUBE_KEY_SIZE];
	memcpy(key, held->key, strlen(held->key) + 1);
	fetch_forget(r, key);
	if (r->marks->role == ROLE_CARDS)
		named_take(r, held, unknown);
	held_gone(r, held, object);
	if (r->marks->role == ROLE_WORKLOAD && r->filter == FILTER_NONE)
		named_miss(r, key);
}

void objects_remove(struct reflector *r, const char *key, struct json_text object)
{
	struct held *held = r->held == NULL ? NULL : held_find(r, key);
	if (held != NULL)
		remove_held(r, held, object);
}

void objects_sweep(struct reflector *r)
{
	struct held *held, *next;
	struct json_text unknown = {0};
	HASH_ITER(hh, r->held, held, next) {
		if (held->generation != r->generation)
			remove_held(r, held, unknown);
	}
}

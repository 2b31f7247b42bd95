/* Which workloads AgentCards name, and with them which signed cards are wanted: "Kind.group/ns/name"
 * and "/ns/name" in one table. What is named for the first time is read by name where no list has
 * written it; what is named no more is forgotten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "k8s/name.h"
#include "k8s/workload.h"
#include "watch/watch_private.h"

static const char SUFFIX[] = K8S_SIGNED_SUFFIX;

static struct named *find(const struct watch *w, const char *key)
{
	struct named *named = NULL;
	HASH_FIND_STR(w->named, key, named);
	return named;
}

/* Whether this list may show the object "namespace/name". */
static bool covers(const struct reflector *r, const char *key)
{
	size_t len = r->namespace == NULL ? 0 : strlen(r->namespace);
	return r->namespace == NULL || (strncmp(key, r->namespace, len) == 0 && key[len] == '/');
}

/* Whether "Kind.group/…" is of its kind: the length of what comes before the namespace, or 0. */
static size_t kind_len(const struct reflector *r, const char *key)
{
	const struct k8s_kind *kind = &r->marks->kind;
	size_t word = strlen(kind->kind), group = strlen(kind->group), len = word + 1 + group;
	bool same = r->marks->role == ROLE_WORKLOAD && strncmp(key, kind->kind, word) == 0 &&
	            key[word] == '.' && strncmp(key + word + 1, kind->group, group) == 0 &&
	            key[len] == '/';
	return same ? len + 1 : 0;
}

/* The list of the same kind and namespace that holds those with the label; NULL: `r` does. */
static const struct reflector *labelled_beside(const struct reflector *r)
{
	const struct watch *w = r->watch;
	for (size_t i = 0; i < w->count; i++) {
		const struct reflector *other = &w->reflectors[i];
		if (other == r || other->marks != r->marks)
			continue;
		if (other->namespace == NULL || strcmp(other->namespace, r->namespace) == 0)
			return other;
	}
	return NULL;
}

bool named_has_labelled_list(const struct reflector *r)
{
	return labelled_beside(r) != NULL;
}

/* Reads it by name, unless it was written already. */
static void want(struct reflector *r, const char *key)
{
	if (r->served == SERVED_NO)
		return;
	if (r->state == REFLECTOR_IDLE) {
		r->state = REFLECTOR_WAITING;
		r->due_ms = 0;
		r->marks->lists++;
	}
	if (!held_add(r, key)->written)
		fetch_want(r, key);
}

static void want_workload(struct reflector *r, const char *key)
{
	const struct reflector *labelled = r->filter == FILTER_NAMED ? labelled_beside(r) : NULL;
	/* its first list tells by itself which are missing */
	if (labelled != NULL && (labelled->list == LIST_NEVER || held_find(labelled, key) != NULL))
		return;
	want(r, key);
}

static void want_signed(struct reflector *r, const char *workload)
{
	char *key = kube_format("%s%s", workload, SUFFIX);
	struct held *held = held_find(r, key);
	if (held != NULL && (!held->written || held->seen != held->version))
		fetch_want(r, key);
	free(key);
}

/* Nobody asks for it: the stages behind need not hold it. A card that asks again brings it again. */
static void drop_signed(struct reflector *r, const char *workload)
{
	char *key = kube_format("%s%s", workload, SUFFIX);
	struct json_text unknown = {0};
	struct held *held = held_find(r, key);
	fetch_forget(r, key);
	if (held != NULL && held->written)
		marks_emit(r, "DELETED", key, unknown);
	if (held != NULL)
		held->written = false;
	free(key);
}

static void drop_workload(struct reflector *r, const char *key)
{
	struct json_text unknown = {0};
	struct held *held = held_find(r, key);
	if (held == NULL || held->labelled)
		return;
	fetch_forget(r, key);
	held_gone(r, held, unknown);
}

/* What is to be done when the first card names it, or the last one does no more. */
static void change(struct watch *w, const char *key, bool named)
{
	for (size_t i = 0; i < w->count; i++) {
		struct reflector *r = &w->reflectors[i];
		size_t len = key[0] == '/' ? 1 : kind_len(r, key);
		if (len == 0 || !covers(r, key + len))
			continue;
		if (key[0] == '/' && r->filter == FILTER_SIGNED)
			(named ? want_signed : drop_signed)(r, key + len);
		if (key[0] == '/' || (r->filter != FILTER_NAMED && r->filter != FILTER_LABELLED))
			continue;
		if (named)
			want_workload(r, key + len);
		else
			drop_workload(r, key + len);
	}
}

static void add(struct watch *w, const char *key)
{
	struct named *named = find(w, key);
	if (named == NULL) {
		size_t len = strlen(key);
		named = kube_alloc(1, sizeof *named + len + 1);
		memcpy(named->key, key, len + 1);
		HASH_ADD_KEYPTR(hh, w->named, named->key, len, named);
	}
	if (named->cards++ == 0)
		change(w, key, true);
}

static void drop(struct watch *w, const char *key)
{
	struct named *named = find(w, key);
	if (named == NULL || --named->cards > 0)
		return;
	HASH_DEL(w->named, named);
	change(w, key, false);
	free(named);
}

/* "Kind.group/namespace/name" of what a card names; NULL: nothing that can be. */
static char *target_of(struct json_text card, const char *card_key)
{
	enum { API_VERSION, KIND, NAME, COUNT };
	static const char *const keys[COUNT] = {"apiVersion", "kind", "name"};
	struct json_text found[COUNT];
	json_pick(json_get(card, "spec", "targetRef"), COUNT, keys, found);
	struct json_text kind = json_plain(found[KIND]), name = json_plain(found[NAME]);
	struct json_text api = json_plain(found[API_VERSION]);
	if (!policy_is_word(kind) || !policy_is_subdomain(name))
		return NULL;
	const char *slash = api.at == NULL ? NULL : memchr(api.at, '/', api.len);
	struct json_text group = {api.at, slash == NULL ? 0 : (size_t)(slash - api.at)};
	if (group.len > 0 && !policy_is_subdomain(group))
		return NULL;
	return kube_format("%.*s.%.*s/%.*s/%.*s", (int)kind.len, kind.at, (int)group.len,
	                   group.len == 0 ? "" : group.at, (int)strcspn(card_key, "/"), card_key,
	                   (int)name.len, name.at);
}

void named_take(struct reflector *cards, struct held *card, struct json_text object)
{
	struct watch *w = cards->watch;
	char *was = card->names;
	char *names = object.at == NULL ? NULL : target_of(object, card->key);
	if (was != NULL && names != NULL && strcmp(was, names) == 0) {
		free(names);
		return;
	}
	card->names = names;
	if (names != NULL) {
		add(w, names);
		add(w, strchr(names, '/'));
	}
	if (was != NULL) {
		drop(w, was);
		drop(w, strchr(was, '/'));
	}
	free(was);
}

bool named_has(const struct reflector *r, const char *key)
{
	size_t len = strlen(key);
	if (r->filter == FILTER_SIGNED)
		len -= sizeof SUFFIX - 1; /* which objects.c has seen */
	const struct k8s_kind *kind = &r->marks->kind;
	bool is_signed = r->filter == FILTER_SIGNED;
	char *full = kube_format("%s%s%s/%.*s", is_signed ? "" : kind->kind, is_signed ? "" : ".",
	                         is_signed ? "" : kind->group, (int)len, key);
	bool has = find(r->watch, full) != NULL;
	free(full);
	return has;
}

static struct reflector *by_name_beside(const struct reflector *labelled)
{
	struct watch *w = labelled->watch;
	for (size_t i = 0; i < w->count; i++) {
		struct reflector *r = &w->reflectors[i];
		if (r->filter == FILTER_NAMED && r->marks == labelled->marks &&
		    labelled_beside(r) == labelled)
			return r;
	}
	return NULL;
}

void named_miss(const struct reflector *labelled, const char *key)
{
	struct reflector *r = by_name_beside(labelled);
	if (r == NULL || !named_has(r, key))
		return;
	struct held *held = held_find(r, key);
	if (held != NULL)
		held->written = false; /* a DELETED was */
	want(r, key);
}

void named_miss_all(const struct reflector *labelled)
{
	struct reflector *r = by_name_beside(labelled);
	struct named *named, *next;
	if (r == NULL)
		return;
	HASH_ITER(hh, labelled->watch->named, named, next) {
		size_t len = kind_len(labelled, named->key);
		if (len > 0 && covers(labelled, named->key + len) &&
		    held_find(labelled, named->key + len) == NULL)
			want(r, named->key + len);
	}
}

void named_free_all(struct watch *w)
{
	struct named *named = w->named, *next;
	HASH_CLEAR(hh, w->named);
	for (; named != NULL; named = next) {
		next = named->hh.next;
		free(named);
	}
}

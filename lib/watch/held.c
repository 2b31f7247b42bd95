#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "watch/watch_private.h"

static struct held *find(const struct reflector *r, const char *key)
{
	struct held *held = NULL;
	HASH_FIND_STR(r->held, key, held);
	return held;
}

static struct held *add(struct reflector *r, const char *key)
{
	size_t len = strlen(key);
	struct held *held = kube_alloc(1, sizeof *held + len + 1);
	memcpy(held->key, key, len + 1);
	HASH_ADD_KEYPTR(hh, r->held, held->key, len, held);
	return held;
}

static bool wanted(const struct reflector *r, struct json_text name)
{
	size_t len = r->suffix == NULL ? 0 : strlen(r->suffix);
	return name.len > len && memcmp(name.at + name.len - len, r->suffix == NULL ? "" : r->suffix,
	                                len) == 0;
}

static void write_event(struct reflector *r, struct held *held, struct json_text object,
                        uint64_t version)
{
	watch_emit(r, held->written ? "MODIFIED" : "ADDED", held->key, object);
	held->written = true;
	held->version = version;
}

void held_upsert(struct reflector *r, struct json_text object, const struct kube_identity *id)
{
	if (r->fetched && !wanted(r, id->name))
		return;
	char key[KUBE_KEY_SIZE];
	kube_identity_key(id, key);
	uint64_t version = json_hash(id->resource_version);
	struct held *held = find(r, key);
	if (held == NULL)
		held = add(r, key);
	held->generation = r->generation;
	if (held->written && held->version == version)
		return;
	if (r->fetched)
		fetch_want(r, key);
	else
		write_event(r, held, object, version);
}

void held_fetched(struct reflector *r, const char *key, struct json_text object,
                  struct json_text version)
{
	struct held *held = find(r, key);
	uint64_t hash = json_hash(version);
	if (held != NULL && !(held->written && held->version == hash))
		write_event(r, held, object, hash);
}

void held_remove(struct reflector *r, const char *key, struct json_text object)
{
	struct held *held = r->held == NULL ? NULL : find(r, key);
	if (held == NULL)
		return;
	HASH_DEL(r->held, held);
	if (r->fetched)
		fetch_forget(r, held->key); /* which may be where `key` is kept */
	if (held->written)
		watch_emit(r, "DELETED", held->key, object);
	free(held);
}

void held_sweep(struct reflector *r)
{
	struct held *held, *next;
	struct json_text unknown = {0};
	HASH_ITER(hh, r->held, held, next) {
		if (held->generation != r->generation)
			held_remove(r, held->key, unknown);
	}
}

void held_forget_all(struct reflector *r)
{
	struct held *held = r->held, *next;
	HASH_CLEAR(hh, r->held); /* frees the table and leaves the elements linked */
	for (; held != NULL; held = next) {
		next = held->hh.next;
		free(held);
	}
}

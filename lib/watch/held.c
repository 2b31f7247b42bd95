#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "watch/watch_private.h"

struct held *held_find(const struct reflector *r, const char *key)
{
	struct held *held = NULL;
	HASH_FIND_STR(r->held, key, held);
	return held;
}

struct held *held_add(struct reflector *r, const char *key)
{
	size_t len = strlen(key);
	struct held *held = held_find(r, key);
	if (held != NULL)
		return held;
	held = kube_alloc(1, sizeof *held + len + 1);
	memcpy(held->key, key, len + 1);
	held->generation = r->generation;
	HASH_ADD_KEYPTR(hh, r->held, held->key, len, held);
	return held;
}

uint64_t held_version(const struct reflector *r, struct json_text object)
{
	static const char *const keys[] = {"uid", "generation", "labels", "ownerReferences"};
	enum { COUNT = sizeof keys / sizeof keys[0] };
	struct json_text metadata = json_get(object, "metadata"), found[COUNT];
	uint64_t version = 0;
	if (r->filter != FILTER_NAMED)
		return json_hash(json_plain(json_get(metadata, "resourceVersion")));
	json_pick(metadata, COUNT, keys, found);
	for (size_t i = 0; i < COUNT; i++)
		version = version * 31 + json_hash(json_trim(found[i]));
	return version;
}

void held_write(struct reflector *r, struct held *held, struct json_text object, uint64_t version)
{
	if (held->written && held->version == version)
		return;
	marks_emit(r, held->written ? "MODIFIED" : "ADDED", held->key, object);
	held->written = true;
	held->version = version;
}

void held_gone(struct reflector *r, struct held *held, struct json_text object)
{
	if (held->written)
		marks_emit(r, "DELETED", held->key, object);
	held_forget(r, held);
}

static void held_free(struct held *held)
{
	free(held->names);
	free(held);
}

void held_forget(struct reflector *r, struct held *held)
{
	HASH_DEL(r->held, held);
	held_free(held);
}

void held_forget_all(struct reflector *r)
{
	struct held *held = r->held, *next;
	HASH_CLEAR(hh, r->held); /* frees the table and leaves the elements linked */
	for (; held != NULL; held = next) {
		next = held->hh.next;
		held_free(held);
	}
}

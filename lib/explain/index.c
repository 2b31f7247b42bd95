#include "explain/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

struct place {
	const struct policy_stored_object *policy;
	size_t order;
};

/* Of one namespace and label: "namespace", NUL, "key", NUL, "value"; of no label the namespace. */
struct bucket {
	struct place *at;
	size_t count, size;
	UT_hash_handle hh;
	char key[];
};

struct explain_index {
	struct bucket *buckets, *wholes; /* by label, and all of a namespace */
};

static struct bucket *find(struct bucket *table, struct json_text key)
{
	struct bucket *bucket = NULL;
	HASH_FIND(hh, table, key.at, key.len, bucket);
	return bucket;
}

static void add(struct bucket **table, struct json_text key, struct place place)
{
	struct bucket *bucket = find(*table, key);
	if (bucket == NULL) {
		bucket = kube_alloc(1, sizeof *bucket + key.len + 1);
		memcpy(bucket->key, key.at, key.len);
		HASH_ADD(hh, *table, key[0], key.len, bucket);
	}
	if (bucket->count == bucket->size) {
		bucket->size = bucket->size == 0 ? 2 : bucket->size * 2;
		bucket->at = kube_resize(bucket->at, bucket->size, sizeof *bucket->at);
	}
	bucket->at[bucket->count++] = place;
}

static struct json_text key_of(struct json_buffer *out, struct json_text namespace,
                               struct json_member label)
{
	out->len = 0;
	json_puttext(out, namespace);
	if (label.value.at != NULL) {
		json_putc(out, '\0');
		json_puttext(out, json_plain(label.key));
		json_putc(out, '\0');
		json_puttext(out, json_plain(label.value));
	}
	return json_buffer_text(out);
}

/* By the label that the fewest are found by so far: most policies ask for one that is theirs. */
static void index_policy(struct explain_index *index, struct place place)
{
	struct json_buffer key = {0}, best = {0};
	size_t least = SIZE_MAX;
	struct json_text text = policy_stored_text(place.policy);
	struct json_text namespace = {place.policy->key, strcspn(place.policy->key, "/")};
	struct json_text labels = json_get(text, "spec", "podSelector", "matchLabels");
	if (text.at == NULL)
		return;
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		if (json_plain(m.key).at == NULL || json_plain(m.value).at == NULL)
			continue;
		const struct bucket *bucket = find(index->buckets, key_of(&key, namespace, m));
		size_t count = bucket == NULL ? 0 : bucket->count;
		if (count >= least)
			continue;
		least = count;
		best.len = 0;
		json_puttext(&best, json_buffer_text(&key));
	}
	if (least == SIZE_MAX)
		key_of(&best, namespace, (struct json_member){0});
	add(&index->buckets, json_buffer_text(&best), place);
	add(&index->wholes, namespace, place);
	json_buffer_free(&key);
	json_buffer_free(&best);
}

struct explain_index *explain_index_new(const struct policy_stored *stored)
{
	struct explain_index *index = kube_alloc(1, sizeof *index);
	size_t order = 0;
	const struct policy_stored_object *policy = stored->policies;
	for (; policy != NULL; policy = policy->hh.next)
		index_policy(index, (struct place){policy, order++});
	return index;
}

static void free_table(struct bucket **table)
{
	struct bucket *bucket, *next;
	HASH_ITER(hh, *table, bucket, next) {
		HASH_DEL(*table, bucket);
		free(bucket->at);
		free(bucket);
	}
}

void explain_index_free(struct explain_index *index)
{
	if (index == NULL)
		return;
	free_table(&index->buckets);
	free_table(&index->wholes);
	free(index);
}

struct found {
	struct place *at;
	size_t count, size;
};

static void gather(struct found *found, const struct bucket *bucket)
{
	if (bucket == NULL || bucket->count == 0)
		return;
	if (found->count + bucket->count > found->size) {
		found->size = (found->count + bucket->count) * 2;
		found->at = kube_resize(found->at, found->size, sizeof *found->at);
	}
	memcpy(found->at + found->count, bucket->at, bucket->count * sizeof *bucket->at);
	found->count += bucket->count;
}

static int by_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	return (x->order > y->order) - (x->order < y->order);
}

void explain_index_each(const struct explain_index *index, const char *namespace,
                        struct policy_labels labels,
                        void (*found)(void *context, const struct policy_stored_object *policy),
                        void *context)
{
	struct found places = {0};
	struct json_buffer key = {0};
	struct json_text of = json_of(namespace);
	if (labels.known.at == NULL || labels.partial) {
		gather(&places, find(index->wholes, of));
	} else {
		gather(&places, find(index->buckets, of));
		for (struct json_member m = json_first(labels.known); m.value.at; m = json_next(m))
			if (json_plain(m.key).at != NULL && json_plain(m.value).at != NULL)
				gather(&places, find(index->buckets, key_of(&key, of, m)));
	}
	if (places.count > 0)
		qsort(places.at, places.count, sizeof *places.at, by_order);
	for (size_t i = 0; i < places.count; i++)
		found(context, places.at[i].policy);
	free(places.at);
	json_buffer_free(&key);
}

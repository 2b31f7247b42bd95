#include "policy/overlap.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/selector.h"
#include "base/buffer.h"
#include "base/table.h"

struct policy_bucket {
	struct policy_overlap_entry **entries;
	size_t count, size;
	UT_hash_handle hh;
	char pair[]; /* key, NUL, value */
};

static void put_decoded(struct json_buffer *out, struct json_text string)
{
	struct json_text plain = json_plain(string);
	if (plain.at != NULL) {
		json_puttext(out, plain);
		return;
	}
	size_t len = 0;
	char *decoded = json_string(string, &len);
	if (decoded == NULL)
		abort();
	json_put(out, decoded, len);
	free(decoded);
}

static struct json_text pair_of(struct json_buffer *scratch, struct json_member member)
{
	scratch->len = 0;
	put_decoded(scratch, member.key);
	json_putc(scratch, '\0');
	put_decoded(scratch, member.value);
	return json_buffer_text(scratch);
}

static struct policy_bucket *bucket_find(struct policy_bucket *table, struct json_text pair)
{
	struct policy_bucket *bucket = NULL;
	HASH_FIND(hh, table, pair.at, pair.len, bucket);
	return bucket;
}

static struct policy_bucket *bucket_put(struct policy_bucket **table, struct json_text pair,
                                        struct policy_overlap_entry *entry)
{
	struct policy_bucket *bucket = bucket_find(*table, pair);
	if (bucket == NULL) {
		bucket = calloc(1, sizeof *bucket + pair.len + 1);
		if (bucket == NULL)
			abort();
		memcpy(bucket->pair, pair.at, pair.len);
		HASH_ADD(hh, *table, pair[0], pair.len, bucket);
	}
	if (bucket->count == bucket->size) {
		bucket->size = bucket->size == 0 ? 2 : bucket->size * 2;
		bucket->entries = realloc(bucket->entries, bucket->size * sizeof(void *));
		if (bucket->entries == NULL)
			abort();
	}
	bucket->entries[bucket->count++] = entry;
	return bucket;
}

static void bucket_free(struct policy_bucket **table, struct policy_bucket *bucket)
{
	HASH_DEL(*table, bucket);
	free(bucket->entries);
	free(bucket);
}

static void bucket_take(struct policy_bucket **table, struct policy_bucket *bucket,
                        const struct policy_overlap_entry *entry)
{
	for (size_t i = 0; i < bucket->count; i++) {
		if (bucket->entries[i] == entry) {
			bucket->entries[i] = bucket->entries[--bucket->count];
			break;
		}
	}
	if (bucket->count == 0)
		bucket_free(table, bucket);
}

/* The pair of the selector under which the fewest entries are: few share it, so few are
 * compared. */
static struct json_text rarest_pair(struct policy_bucket *table, struct json_text selector,
                                    struct json_buffer *kept)
{
	struct json_buffer scratch = {0};
	size_t least = SIZE_MAX;
	struct json_text wanted = json_get(selector, "matchLabels");
	kept->len = 0;
	for (struct json_member m = json_first(wanted); m.value.at; m = json_next(m)) {
		struct json_text pair = pair_of(&scratch, m);
		const struct policy_bucket *bucket = bucket_find(table, pair);
		size_t count = bucket == NULL ? 0 : bucket->count;
		if (count < least) {
			least = count;
			kept->len = 0;
			json_puttext(kept, pair);
		}
	}
	json_buffer_free(&scratch);
	return least != SIZE_MAX ? json_buffer_text(kept) : (struct json_text){0};
}

static void add_selector(struct policy_overlap *index, struct policy_overlap_entry *entry)
{
	struct json_buffer scratch = {0};
	struct json_text pair = rarest_pair(index->anchors, entry->selector, &scratch);
	if (pair.at == NULL)
		DL_APPEND2(index->unanchored, entry, loose_prev, loose_next);
	else
		entry->anchor = bucket_put(&index->anchors, pair, entry);
	json_buffer_free(&scratch);
}

void policy_overlap_add(struct policy_overlap *index, struct policy_overlap_entry *entry)
{
	struct json_buffer scratch = {0};
	if (entry->held)
		return;
	entry->held = true;
	entry->anchor = NULL;
	DL_APPEND(index->all, entry);
	if (entry->selector.at != NULL)
		add_selector(index, entry);
	for (struct json_member m = json_first(entry->labels); m.value.at; m = json_next(m))
		bucket_put(&index->pairs, pair_of(&scratch, m), entry);
	json_buffer_free(&scratch);
}

void policy_overlap_remove(struct policy_overlap *index, struct policy_overlap_entry *entry)
{
	struct json_buffer scratch = {0};
	if (!entry->held)
		return;
	entry->held = false;
	DL_DELETE(index->all, entry);
	if (entry->anchor != NULL)
		bucket_take(&index->anchors, entry->anchor, entry);
	else if (entry->selector.at != NULL)
		DL_DELETE2(index->unanchored, entry, loose_prev, loose_next);
	entry->anchor = NULL;
	for (struct json_member m = json_first(entry->labels); m.value.at; m = json_next(m)) {
		struct policy_bucket *bucket = bucket_find(index->pairs, pair_of(&scratch, m));
		if (bucket != NULL)
			bucket_take(&index->pairs, bucket, entry);
	}
	json_buffer_free(&scratch);
}

struct search {
	const struct policy_overlap_entry *entry;
	void (*found)(void *context, void *owner);
	void *context;
	struct json_text other; /* the last that was compared, */
	bool matched;           /* and whether it matched: many are the same */
};

/* The other one selects our pods. */
static void try_selector(struct search *search, const struct policy_overlap_entry *other)
{
	if (other == search->entry)
		return;
	if (!json_same(search->other, other->selector))
		search->matched = policy_selector_matches(other->selector, search->entry->labels);
	search->other = other->selector;
	if (search->matched)
		search->found(search->context, other->owner);
}

/* We select the other one's pods. */
static void try_labels(struct search *search, const struct policy_overlap_entry *other)
{
	if (other == search->entry || other->labels.at == NULL)
		return;
	if (!json_same(search->other, other->labels))
		search->matched = policy_selector_matches(search->entry->selector, other->labels);
	search->other = other->labels;
	if (search->matched)
		search->found(search->context, other->owner);
}

static void find_selectors(const struct policy_overlap *index, struct search *search)
{
	struct json_buffer scratch = {0};
	struct json_text labels = search->entry->labels;
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		const struct policy_bucket *bucket =
		        bucket_find(index->anchors, pair_of(&scratch, m));
		for (size_t i = 0; bucket != NULL && i < bucket->count; i++)
			try_selector(search, bucket->entries[i]);
	}
	const struct policy_overlap_entry *other;
	DL_FOREACH2(index->unanchored, other, loose_next)
	try_selector(search, other);
	json_buffer_free(&scratch);
}

static void find_labels(const struct policy_overlap *index, struct search *search)
{
	struct json_buffer scratch = {0};
	struct json_text pair = rarest_pair(index->pairs, search->entry->selector, &scratch);
	const struct policy_bucket *bucket =
	        pair.at == NULL ? NULL : bucket_find(index->pairs, pair);
	for (size_t i = 0; bucket != NULL && i < bucket->count; i++)
		try_labels(search, bucket->entries[i]);
	json_buffer_free(&scratch);
	if (pair.at != NULL)
		return;
	const struct policy_overlap_entry *other;
	DL_FOREACH(index->all, other)
	try_labels(search, other);
}

void policy_overlap_each(const struct policy_overlap *index,
                         const struct policy_overlap_entry *entry,
                         void (*found)(void *context, void *owner), void *context)
{
	struct search search = {.entry = entry, .found = found, .context = context};
	if (entry->labels.at != NULL)
		find_selectors(index, &search);
	search.other = (struct json_text){0};
	if (entry->selector.at != NULL)
		find_labels(index, &search);
}

static void table_free(struct policy_bucket **table)
{
	struct policy_bucket *bucket, *next;
	HASH_ITER(hh, *table, bucket, next)
	bucket_free(table, bucket);
}

void policy_overlap_free(struct policy_overlap *index)
{
	table_free(&index->anchors);
	table_free(&index->pairs);
}

#include "trust/table_private.h"

#include <stdlib.h>
#include <string.h>

void trust_table_open(struct trust_table *table, size_t limit,
                      void (*release)(struct trust_entry *entry))
{
	size_t buckets = 16;
	while (buckets < limit)
		buckets *= 2;
	*table = (struct trust_table){.mask = buckets - 1, .limit = limit, .release = release};
	table->buckets = calloc(buckets, sizeof(struct trust_entry *));
	if (table->buckets == NULL)
		abort();
}

/* A digest is as good as its first bytes. */
static struct trust_entry **bucket_of(const struct trust_table *table, const uint8_t *digest)
{
	size_t hash;
	memcpy(&hash, digest, sizeof hash);
	return &table->buckets[hash & table->mask];
}

static void drop(struct trust_table *table, struct trust_entry *entry)
{
	struct trust_entry **link = bucket_of(table, entry->digest);
	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	*(entry->older != NULL ? &entry->older->newer : &table->oldest) = entry->newer;
	*(entry->newer != NULL ? &entry->newer->older : &table->newest) = entry->older;
	table->count--;
	table->release(entry);
}

void trust_table_clear(struct trust_table *table)
{
	while (table->oldest != NULL)
		drop(table, table->oldest);
}

void trust_table_close(struct trust_table *table)
{
	trust_table_clear(table);
	free(table->buckets);
	table->buckets = NULL;
}

struct trust_entry *trust_table_find(const struct trust_table *table,
                                     const uint8_t digest[TRUST_FINGERPRINT_SIZE])
{
	struct trust_entry *entry = *bucket_of(table, digest);
	while (entry != NULL && memcmp(entry->digest, digest, sizeof entry->digest) != 0)
		entry = entry->next;
	return entry;
}

void trust_table_put(struct trust_table *table, struct trust_entry *entry)
{
	struct trust_entry *same = trust_table_find(table, entry->digest);
	if (same != NULL)
		drop(table, same);
	else if (table->count == table->limit)
		drop(table, table->oldest);
	struct trust_entry **bucket = bucket_of(table, entry->digest);
	entry->next = *bucket;
	*bucket = entry;
	entry->older = table->newest;
	entry->newer = NULL;
	*(table->newest != NULL ? &table->newest->newer : &table->oldest) = entry;
	table->newest = entry;
	table->count++;
}

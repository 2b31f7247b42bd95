/*
 * Inside lib/trust: a bounded table of entries under SHA-256 digests. When it is full, the
 * oldest goes. An entry is a struct of its owner's that begins with a trust_entry.
 *
 * Ownership: the table owns what was put into it, and gives it to `release` in the end.
 */
#ifndef TRUST_TABLE_PRIVATE_H
#define TRUST_TABLE_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "trust/anchors.h"

struct trust_entry {
	struct trust_entry *next;          /* in its bucket */
	struct trust_entry *older, *newer; /* in order of arrival */
	uint8_t digest[TRUST_FINGERPRINT_SIZE];
};

struct trust_table {
	struct trust_entry **buckets;
	size_t mask, count, limit;
	struct trust_entry *oldest, *newest;
	void (*release)(struct trust_entry *entry);
};

void trust_table_open(struct trust_table *table, size_t limit,
                      void (*release)(struct trust_entry *entry));
void trust_table_clear(struct trust_table *table);
void trust_table_close(struct trust_table *table);

/* NULL when there is none. */
struct trust_entry *trust_table_find(const struct trust_table *table,
                                     const uint8_t digest[TRUST_FINGERPRINT_SIZE]);

/* Takes the entry, in the place of one with the same digest. */
void trust_table_put(struct trust_table *table, struct trust_entry *entry);

#endif

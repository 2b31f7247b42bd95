#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/table.h"
#include "trust/findings_private.h"

struct remembered {
	UT_hash_handle hh;
	uint8_t digest[TRUST_FINGERPRINT_SIZE];
	struct trust_findings findings;
	struct trust_finding list[]; /* and behind it the text */
};

struct trust_memory {
	struct remembered *table; /* the oldest first */
	size_t limit;
};

struct trust_memory *trust_memory_new(size_t entries)
{
	struct trust_memory *memory = kube_alloc(1, sizeof *memory);
	memory->limit = entries;
	return memory;
}

static void drop(struct trust_memory *memory, struct remembered *entry)
{
	HASH_DEL(memory->table, entry);
	free(entry);
}

void trust_memory_free(struct trust_memory *memory)
{
	struct remembered *entry, *next;
	if (memory == NULL)
		return;
	HASH_ITER(hh, memory->table, entry, next)
	{
		drop(memory, entry);
	}
	free(memory);
}

static struct remembered *find(const struct trust_memory *memory, const uint8_t *digest)
{
	struct remembered *entry;
	HASH_FIND(hh, memory->table, digest, TRUST_FINGERPRINT_SIZE, entry);
	return entry;
}

const struct trust_findings *trust_memory_find(const struct trust_memory *memory,
                                               const uint8_t digest[TRUST_FINGERPRINT_SIZE],
                                               int64_t at)
{
	const struct remembered *found = find(memory, digest);
	if (found == NULL || at < found->findings.span.since || at >= found->findings.span.until)
		return NULL;
	return &found->findings;
}

void trust_memory_put(struct trust_memory *memory, const uint8_t digest[TRUST_FINGERPRINT_SIZE],
                      const struct trust_findings *findings)
{
	struct remembered *same = find(memory, digest);
	size_t list = findings->count * sizeof *findings->list;
	struct remembered *new = kube_alloc(1, sizeof *new + list + findings->text_len);
	if (same != NULL)
		drop(memory, same);
	else if (HASH_COUNT(memory->table) >= memory->limit)
		drop(memory, memory->table);
	memcpy(new->digest, digest, sizeof new->digest);
	memcpy(new->list, findings->list, list);
	char *text = (char *)new->list + list;
	memcpy(text, findings->text, findings->text_len);
	new->findings = *findings;
	new->findings.list = new->list;
	new->findings.text = text;
	HASH_ADD(hh, memory->table, digest, sizeof new->digest, new);
}

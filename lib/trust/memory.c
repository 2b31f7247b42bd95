#include <stdlib.h>
#include <string.h>

#include "trust/findings_private.h"

struct remembered {
	struct trust_entry entry;
	struct trust_findings findings;
	struct trust_finding list[]; /* and behind it the text */
};

static void release(struct trust_entry *entry)
{
	free(entry);
}

void trust_memory_open(struct trust_table *memory, size_t entries)
{
	trust_table_open(memory, entries, release);
}

const struct trust_findings *trust_memory_find(const struct trust_table *memory,
                                               const uint8_t digest[TRUST_FINGERPRINT_SIZE],
                                               int64_t at)
{
	const struct remembered *found = (struct remembered *)trust_table_find(memory, digest);
	if (found == NULL || at < found->findings.span.since || at >= found->findings.span.until)
		return NULL;
	return &found->findings;
}

void trust_memory_put(struct trust_table *memory, const uint8_t digest[TRUST_FINGERPRINT_SIZE],
                      const struct trust_findings *findings)
{
	size_t list = findings->count * sizeof *findings->list;
	struct remembered *new = malloc(sizeof *new + list + findings->text_len);
	if (new == NULL)
		abort();
	memcpy(new->entry.digest, digest, sizeof new->entry.digest);
	memcpy(new->list, findings->list, list);
	char *text = (char *)new->list + list;
	memcpy(text, findings->text, findings->text_len);
	new->findings = *findings;
	new->findings.list = new->list;
	new->findings.text = text;
	trust_table_put(memory, &new->entry);
}

/* The memory of one computation: taken in pieces, and given back as a whole. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rules/sets.h"
#include "rules/sets_private.h"

enum { MEMORY = 64 * 1024, ALIGN = 16 };

struct sets *sets_new(const char *namespace, const struct policy_cidr *pods, size_t count)
{
	struct sets *sets = kube_alloc(1, sizeof *sets);
	sets->namespace = json_of(namespace);
	sets->pods = pods;
	sets->pods_count = count;
	return sets;
}

void sets_clear(struct sets *sets, const char *namespace)
{
	while (sets->memory != NULL) {
		struct sets_memory *next = sets->memory->next;
		free(sets->memory);
		sets->memory = next;
	}
	sets->namespace = json_of(namespace);
	sets->losses = 0;
}

void sets_free(struct sets *sets)
{
	if (sets == NULL)
		return;
	sets_clear(sets, NULL);
	free(sets);
}

unsigned sets_losses(struct sets *sets)
{
	unsigned losses = sets->losses;
	sets->losses = 0;
	return losses;
}

/* Zeroed; at least one, so that nothing is NULL. */
void *sets_take(struct sets *sets, size_t count, size_t size)
{
	size_t bytes = (count == 0 ? 1 : count) * size;
	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (sets->memory == NULL || sets->memory->size - sets->memory->used < bytes) {
		size_t room = bytes > MEMORY ? bytes : MEMORY;
		struct sets_memory *memory = kube_alloc(1, sizeof *memory + room);
		memory->size = room;
		memory->next = sets->memory;
		sets->memory = memory;
	}
	void *taken = sets->memory->bytes + sets->memory->used;
	sets->memory->used += bytes;
	return taken;
}

void *sets_copy(struct sets *sets, const void *at, size_t count, size_t size)
{
	void *copy = sets_take(sets, count, size);
	if (count > 0)
		memcpy(copy, at, count * size);
	return copy;
}

int sets_compare_text(struct json_text a, struct json_text b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.at, b.at, len);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

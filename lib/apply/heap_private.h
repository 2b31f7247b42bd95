/*
 * Jobs by the time at which each is due: a binary heap, so that ten thousand that wait cost no
 * more than a few steps each.
 *
 * Borrows the jobs; a job knows its place (`heap_at`). Starts as {0}.
 */
#ifndef APPLY_HEAP_PRIVATE_H
#define APPLY_HEAP_PRIVATE_H

#include "apply/queue_private.h"

struct kube_heap {
	struct kube_job **jobs;
	size_t count, size;
};

void kube_heap_add(struct kube_heap *heap, struct kube_job *job);
void kube_heap_remove(struct kube_heap *heap, struct kube_job *job);
struct kube_job *kube_heap_first(const struct kube_heap *heap); /* NULL: empty */
/* No job is due later than this. */
void kube_heap_limit(struct kube_heap *heap, int64_t latest);
void kube_heap_free(struct kube_heap *heap);

#endif

#include "apply/heap_private.h"

#include "base/memory.h"

static void put(struct kube_heap *heap, size_t at, struct kube_job *job)
{
	heap->jobs[at] = job;
	job->heap_at = at;
}

static void move_up(struct kube_heap *heap, size_t at)
{
	struct kube_job *job = heap->jobs[at];
	for (size_t above; at > 0; at = above) {
		above = (at - 1) / 2;
		if (heap->jobs[above]->due <= job->due)
			break;
		put(heap, at, heap->jobs[above]);
	}
	put(heap, at, job);
}

static void move_down(struct kube_heap *heap, size_t at)
{
	struct kube_job *job = heap->jobs[at];
	for (size_t below; (below = 2 * at + 1) < heap->count; at = below) {
		if (below + 1 < heap->count && heap->jobs[below + 1]->due < heap->jobs[below]->due)
			below++;
		if (heap->jobs[below]->due >= job->due)
			break;
		put(heap, at, heap->jobs[below]);
	}
	put(heap, at, job);
}

void kube_heap_add(struct kube_heap *heap, struct kube_job *job)
{
	if (heap->count == heap->size) {
		heap->size = heap->size == 0 ? 64 : 2 * heap->size;
		heap->jobs = kube_resize(heap->jobs, heap->size, sizeof(struct kube_job *));
	}
	put(heap, heap->count++, job);
	move_up(heap, heap->count - 1);
}

void kube_heap_remove(struct kube_heap *heap, struct kube_job *job)
{
	size_t at = job->heap_at;
	struct kube_job *last = heap->jobs[--heap->count];
	if (last == job)
		return;
	put(heap, at, last);
	move_up(heap, at);
	move_down(heap, last->heap_at);
}

struct kube_job *kube_heap_first(const struct kube_heap *heap)
{
	return heap->count == 0 ? NULL : heap->jobs[0];
}

/* What stood above another is still not due after it. */
void kube_heap_limit(struct kube_heap *heap, int64_t latest)
{
	for (size_t i = 0; i < heap->count; i++)
		if (heap->jobs[i]->due > latest)
			heap->jobs[i]->due = latest;
}

void kube_heap_free(struct kube_heap *heap)
{
	free(heap->jobs);
	*heap = (struct kube_heap){0};
}

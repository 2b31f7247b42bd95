#include "flows/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/table.h"

struct destination {
	struct json_text text; /* the flow without its source, times and count; this is the key */
	uint64_t count;
	int64_t first, last; /* -1: no time */
	UT_hash_handle hh;
};

struct flow_namespace {
	size_t bytes;
	UT_hash_handle hh;
	char name[];
};

struct workload {
	char *key;
	struct flow *source; /* a flow of which only the source counts */
	struct destination *destinations;
	struct flow_namespace *namespace;
	uint64_t beyond;
	bool incomplete; /* what was added was so */
	UT_hash_handle hh;
};

struct flow_merge {
	struct workload *workloads;
	struct flow_namespace *namespaces;
	struct json_buffer key, text;
	size_t bytes;
};

static void *allocated(size_t size)
{
	void *at = calloc(1, size);
	if (at == NULL)
		abort();
	return at;
}

struct flow_merge *flow_merge_new(void)
{
	return allocated(sizeof(struct flow_merge));
}

static void free_destinations(struct workload *workload)
{
	struct destination *destination, *next;
	HASH_ITER(hh, workload->destinations, destination, next)
	{
		HASH_DEL(workload->destinations, destination);
		free(destination);
	}
}

void flow_merge_free(struct flow_merge *merge)
{
	struct workload *workload, *next;
	struct flow_namespace *namespace, *next_namespace;
	if (merge == NULL)
		return;
	HASH_ITER(hh, merge->workloads, workload, next)
	{
		HASH_DEL(merge->workloads, workload);
		free_destinations(workload);
		free(workload->source);
		free(workload->key);
		free(workload);
	}
	HASH_ITER(hh, merge->namespaces, namespace, next_namespace)
	{
		HASH_DEL(merge->namespaces, namespace);
		free(namespace);
	}
	json_buffer_free(&merge->key);
	json_buffer_free(&merge->text);
	free(merge);
}

/* What the memory is charged for, besides the texts. */
enum { WORKLOAD_BYTES = sizeof(struct workload) + sizeof(struct flow) + 64, DESTINATION_BYTES = sizeof(struct destination) + 64 };

static bool charge(struct flow_merge *merge, struct flow_namespace *namespace, size_t bytes)
{
	if (merge->bytes + bytes > FLOW_MERGE_BYTES || namespace->bytes + bytes > FLOW_MERGE_BYTES / 4)
		return false;
	merge->bytes += bytes;
	namespace->bytes += bytes;
	return true;
}

static struct flow_namespace *find_namespace(struct flow_merge *merge, struct json_text name)
{
	struct flow_namespace *namespace;
	HASH_FIND(hh, merge->namespaces, name.len > 0 ? name.at : "", name.len, namespace);
	if (namespace != NULL)
		return namespace;
	namespace = allocated(sizeof *namespace + name.len + 1);
	if (name.len > 0)
		memcpy(namespace->name, name.at, name.len);
	HASH_ADD_KEYPTR(hh, merge->namespaces, namespace->name, name.len, namespace);
	return namespace;
}

/* Who it was: the workload where it is known, else the pod, else the address. */
static void put_source(struct json_buffer *out, const struct flow_peer *source)
{
	out->len = 0;
	json_puttext(out, source->namespace);
	json_putc(out, '\n');
	if (source->workload.at != NULL) {
		json_puttext(out, source->kind);
		json_putc(out, '/');
		json_puttext(out, source->workload);
	} else if (source->pod.at != NULL) {
		json_puttext(out, source->pod);
	} else {
		json_puts(out, source->ip);
	}
	json_putc(out, '\0');
}

static struct workload *find_workload(struct flow_merge *merge, const struct flow *flow)
{
	struct workload *workload;
	put_source(&merge->key, &flow->source);
	HASH_FIND(hh, merge->workloads, merge->key.at, merge->key.len, workload);
	if (workload != NULL)
		return workload;
	struct flow source = {.source = flow->source};
	if (source.source.workload.at != NULL) {
		source.source.pod = (struct json_text){0};
		source.source.ip[0] = '\0';
	}
	workload = allocated(sizeof *workload);
	workload->namespace = find_namespace(merge, flow->source.namespace);
	workload->source = flow_copy(&source);
	workload->key = allocated(merge->key.len);
	memcpy(workload->key, merge->key.at, merge->key.len);
	HASH_ADD_KEYPTR(hh, merge->workloads, workload->key, merge->key.len, workload);
	/* one over the limit is kept without destinations: that it is there must be told */
	charge(merge, workload->namespace, WORKLOAD_BYTES + merge->key.len + source.source.labels.len);
	return workload;
}

static struct destination *find_destination(struct flow_merge *merge, struct workload *workload, const struct flow *flow)
{
	struct flow key = *flow;
	struct destination *destination;
	key.source = (struct flow_peer){0};
	key.time = key.first = key.last = (struct json_text){0};
	key.count = 0;
	key.incomplete = false;
	merge->text.len = 0;
	flow_put(&key, &merge->text);
	HASH_FIND(hh, workload->destinations, merge->text.at, merge->text.len, destination);
	if (destination != NULL || HASH_COUNT(workload->destinations) >= FLOW_DESTINATIONS ||
	    !charge(merge, workload->namespace, DESTINATION_BYTES + merge->text.len))
		return destination;
	destination = allocated(sizeof *destination + merge->text.len);
	memcpy(destination + 1, merge->text.at, merge->text.len);
	*destination = (struct destination){.text = {(char *)(destination + 1), merge->text.len}, .first = -1, .last = -1};
	HASH_ADD_KEYPTR(hh, workload->destinations, destination->text.at, destination->text.len, destination);
	return destination;
}

static void widen(struct destination *destination, struct json_text time)
{
	int64_t ns;
	if (!flow_time(time, &ns))
		return;
	if (destination->first < 0 || ns < destination->first)
		destination->first = ns;
	if (ns > destination->last)
		destination->last = ns;
}

void flow_merge_add(struct flow_merge *merge, const struct flow *flow)
{
	struct workload *workload = find_workload(merge, flow);
	struct destination *destination = find_destination(merge, workload, flow);
	uint64_t count = flow->count > 0 ? flow->count : 1;
	workload->incomplete |= flow->incomplete;
	if (destination == NULL) {
		workload->beyond = flow_sum(workload->beyond, count);
		return;
	}
	destination->count = flow_sum(destination->count, count);
	widen(destination, flow->time);
	widen(destination, flow->first);
	widen(destination, flow->last);
}

static void emit_destination(const struct workload *workload, const struct destination *destination,
                             void (*emit)(void *context, const struct flow *flow), void *context)
{
	char first[FLOW_TIME_SIZE], last[FLOW_TIME_SIZE];
	struct flow flow;
	if (flow_read(destination->text, &flow) != NULL)
		abort(); /* we wrote it */
	flow.source = workload->source->source;
	flow.count = destination->count;
	flow.incomplete = workload->incomplete || workload->beyond > 0;
	if (destination->first >= 0) {
		flow_time_format(destination->first, first);
		flow_time_format(destination->last, last);
		flow.first = json_of(first);
		flow.last = json_of(last);
	}
	emit(context, &flow);
}

void flow_merge_emit(struct flow_merge *merge, void (*emit)(void *context, const struct flow *flow),
                     void (*beyond)(void *context, const struct flow_peer *source, uint64_t flows), void *context)
{
	for (struct workload *workload = merge->workloads; workload != NULL; workload = workload->hh.next) {
		for (struct destination *d = workload->destinations; d != NULL; d = d->hh.next)
			emit_destination(workload, d, emit, context);
		if (workload->beyond > 0)
			beyond(context, &workload->source->source, workload->beyond);
	}
}

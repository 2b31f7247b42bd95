/*
 * Equal flows as one, with a count and the times of the first and the last: what a workload did, without its
 * pods.
 *
 * Logs are written by those who are watched: a workload that asks for very many destinations must neither
 * take the memory of others nor hide one of its own behind the rest. So a workload has FLOW_DESTINATIONS
 * destinations at most and a namespace a fourth of FLOW_MERGE_BYTES; what comes beyond that is counted, and
 * every flow of that workload says `incomplete`.
 *
 * Ownership: nothing of a flow is borrowed. Cost: a look-up a flow.
 */
#ifndef FLOWS_MERGE_H
#define FLOWS_MERGE_H

#include "flows/flow.h"

enum { FLOW_DESTINATIONS = 1024, FLOW_MERGE_BYTES = 64 * 1024 * 1024 };

struct flow_merge;

struct flow_merge *flow_merge_new(void);
void flow_merge_free(struct flow_merge *merge);

void flow_merge_add(struct flow_merge *merge, const struct flow *flow);

/* All that was added, workload by workload in order of their first flow. `beyond` is called for each workload
 * that is incomplete, with how many flows are in no record. */
void flow_merge_emit(struct flow_merge *merge, void (*emit)(void *context, const struct flow *flow),
                     void (*beyond)(void *context, const struct flow_peer *source, uint64_t flows), void *context);

#endif

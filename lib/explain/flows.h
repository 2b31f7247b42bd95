/*
 * Connections that were seen (flows/flow.h), judged against the policies of a world: which of them these
 * would let through, and which they would cut.
 *
 * Each flow is judged, however many there are. What is said of single destinations is bounded, because
 * those who are watched write the logs: FLOW_DESTINATIONS of an agent, a fourth of FLOW_MERGE_BYTES for
 * the agents of a namespace, FLOW_MERGE_BYTES in all. Flows beyond that are judged and counted with their
 * agent alone, so nobody hides one that would be cut behind others.
 *
 * Ownership: the world is borrowed and must not change meanwhile; nothing of an event or a flow is. Cost:
 * a look-up a flow, and for each destination of an agent the policies that select the agent's pods.
 */
#ifndef EXPLAIN_FLOWS_H
#define EXPLAIN_FLOWS_H

#include "explain/explain.h"
#include "flows/flow.h"
#include "flows/pods.h"

/* What becomes of flows. */
enum explain_fate {
	EXPLAIN_PASSES,   /* these policies allow it */
	EXPLAIN_CUT,      /* they deny what passed, or what has no verdict */
	EXPLAIN_DOUBTFUL, /* whether they allow it cannot be told */
	EXPLAIN_REFUSED,  /* they deny what was denied already */
	EXPLAIN_FATES,
};

struct explain_flows;

/* For these agents; `pods` names the addresses of flows that say no more. The index of the world is there. */
struct explain_flows *explain_flows_new(const struct world *world, const struct flow_pods *pods,
                                        bool (*wanted)(void *context, const struct policy_card *card), void *context);
void explain_flows_free(struct explain_flows *flows);

/* A flow record: NULL, or a static reason why it cannot be used. */
const char *explain_flows_take(struct explain_flows *flows, struct json_text line);

/* Appends what became of them, for people, or as JSON: an object an agent, and one for all. */
void explain_flows_put(const struct explain_flows *flows, struct json_buffer *out);
void explain_flows_put_json(const struct explain_flows *flows, struct json_buffer *out);

struct explain_flows_count {
	uint64_t of[EXPLAIN_FATES];
	uint64_t unmatched; /* flows of no agent that is wanted */
	uint64_t undetermined; /* flows that may be of one, but of which cannot be told */
	size_t incomplete;  /* agents of which the flows do not tell all */
};
struct explain_flows_count explain_flows_count(const struct explain_flows *flows);

#endif

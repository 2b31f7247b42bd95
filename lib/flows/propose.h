/*
 * The narrowest rules that allow what a workload was seen to do: flows (flows/flow.h) and the verified events
 * of the same time, as AgentCards that a person reviews.
 *
 * Each rule is used by at least one flow. What allows more than was seen, a selector or a name, says so beside
 * it. Flows count from agents that were verified at that time. Not proposed, but listed: destinations that no
 * card should ask for without a second look (a cloud's metadata, the API server, other agents), and what cannot be
 * put into a rule.
 *
 * Ownership: nothing of an event or a flow is borrowed. Memory: FLOW_DESTINATIONS rules and as many listed
 * destinations an agent; an agent with more is incomplete, as one whose flows are, and gets no rules: what was not
 * kept would be cut.
 */
#ifndef FLOWS_PROPOSE_H
#define FLOWS_PROPOSE_H

#include "flows/flow.h"

struct flow_propose_settings {
	int64_t since;       /* flows before it do not count, nor those without a time; 0: all */
	bool denied;         /* denied flows count, too */
	bool any_name;       /* a flow with several names counts for each of them */
	const char *group;   /* of the AgentCards */
};

struct flow_proposals;

struct flow_proposals *flow_proposals_new(const struct flow_propose_settings *settings);
void flow_proposals_free(struct flow_proposals *proposals);

/* A verified event. NULL, or a static reason why it cannot be used. All events come before the first flow. */
const char *flow_proposals_event(struct flow_proposals *proposals, struct json_text line);

/* A flow record, likewise. */
const char *flow_proposals_flow(struct flow_proposals *proposals, struct json_text line);

/* Appends the YAML documents: an AgentCard for each agent that gets rules, comments for what has none. */
void flow_proposals_put(const struct flow_proposals *proposals, struct json_buffer *out);

struct flow_proposals_count {
	size_t agents;     /* that got rules */
	size_t incomplete; /* that got none because not all was kept */
	uint64_t unmatched;/* flows of no agent */
	size_t thin;       /* agents seen for less than seven days or with a rule of less than three flows */
};
struct flow_proposals_count flow_proposals_count(const struct flow_proposals *proposals);

#endif

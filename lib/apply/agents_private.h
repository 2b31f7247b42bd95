/*
 * Agents as egress-translate tells of them (AGENT lines, egress-records(5)), made true by the results
 * of their objects.
 *
 * An agent's line is held until each of its objects has a result. Then it is written among the
 * results, without the gaps NotApplied and ChangedByServer that others judged, and with our own, and
 * given on to become the status of its AgentCard. It is written again when a result changes: when what
 * was refused succeeds, or what succeeded is refused.
 *
 * Cost: linear in the record, and for a result in the agents that name its object, which are of its
 * own namespace.
 *
 * Ownership: copies what it is given. Running out of memory ends the program.
 */
#ifndef APPLY_AGENTS_PRIVATE_H
#define APPLY_AGENTS_PRIVATE_H

#include "apply/outcome.h"

struct kube_agents;

struct kube_agents_options {
	/* An agent's line, whole; borrowed. `card_version`: the apiVersion of AgentCards, "" when no
	 * mark has told it. `status_due`: its status is not to be written before this
	 * (clock_monotonic_ms()): one that somebody else replaces is repaired once a minute. */
	void (*write)(void *user, struct json_text line, const char *card_version,
	              int64_t status_due);
	void *user;
};

struct kube_agents *kube_agents_new(const struct kube_agents_options *options);
void kube_agents_free(struct kube_agents *agents);

/* An AGENT line. NULL, or a static reason why it is none. */
const char *kube_agents_take_line(struct kube_agents *agents, struct json_text line);

/* A mark of the AgentCards' list. At its end, agents of which it did not tell are forgotten. */
void kube_agents_mark(struct kube_agents *agents, const struct kube_operation *mark);

/* An operation on a policy is to be carried out: its result is awaited. */
void kube_agents_asked(struct kube_agents *agents, const struct kube_operation *operation);

/* What became of it. One that is still tried for is given as FAILED, with what hinders it. */
void kube_agents_result(struct kube_agents *agents, const struct kube_operation *operation,
                        const struct kube_outcome *outcome);

#endif

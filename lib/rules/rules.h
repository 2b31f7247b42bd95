/*
 * An agent's own rules: spec.networkPolicy of an AgentCard, validated as the API server
 * validates a NetworkPolicy (networking.k8s.io/v1, NetworkPolicyEgressRule; field paths and
 * wording of k8s.io/kubernetes/pkg/apis/networking/validation and of apimachinery's field
 * errors), and written in a normal form. What may stand in it is the table of rules/schema_private.h.
 *
 * Texts passed json_check(). What is returned borrows from `network_policy`.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "rules/problems.h"

#define POLICY_RULES_PATH "spec.networkPolicy"

struct policy_rules {
	bool set;   /* egress or domains is there and not null: the agent is scoped */
	bool valid; /* false: each error is in `problems`, and all of it counts as deny-all */
	struct json_text egress;  /* an array; absent when not set */
	struct json_text domains; /* an array; absent when not set */
};

/* Reads and validates; an absent or null `network_policy` is not set and valid. An unknown
 * field, or anything else that is wrong, makes it invalid: a misspelt `egress` must not pass
 * for one that is not set. */
struct policy_rules policy_rules_read(struct json_text network_policy,
                                      struct policy_problems *problems);

/* Warnings about valid rules that mean what their author may not: rules for ports only,
 * destinations that hold a cloud's metadata addresses, no DNS, DNS on 53 only, names of ports in
 * domains. With `resolves` the names of domains can be looked up whatever the rules say. */
void policy_rules_lint(const struct policy_rules *rules, bool resolves,
                       struct policy_problems *problems);

/* Appends the array of valid rules in normal form (rules/normal.h). With `explicit_peers` a
 * rule without `to`, or with an empty one, gets the peers 0.0.0.0/0 and ::/0. */
void policy_rules_put(struct json_buffer *out, struct json_text egress, bool explicit_peers);

#endif

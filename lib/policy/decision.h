/*
 * What egress a workload gets, and why: DESIGN's rules of unset, set, empty and unverified.
 *
 * Whatever is invalid, in conflict or not known gives less egress, never more.
 *
 * Ownership: a decision owns its buffers and is used again and again; initialise with {0}. What
 * it points to is the inventory's, and valid until that changes.
 */
#ifndef POLICY_DECISION_H
#define POLICY_DECISION_H

#include "policy/inventory.h"
#include "rules/problems.h"

enum policy_mode {
	POLICY_MODE_NONE,        /* no policy: it is not known which pods it would select */
	POLICY_MODE_ALLOW_ALL,   /* verified, and it never had rules */
	POLICY_MODE_SCOPED,      /* verified, its own rules */
	POLICY_MODE_DENY_ALL,    /* verified, no egress */
	POLICY_MODE_RESTRICTIVE, /* the API server: not verified, or its rules are not known */
};
extern const char *const policy_mode_words[]; /* none, allow-all, scoped, deny-all, api-server */

struct policy_decision {
	const struct policy_workload *workload;
	const struct policy_card *owner; /* the oldest card */
	enum policy_mode mode;
	enum policy_mode asked;       /* what is decided, whether or not a policy can be made; not NONE */
	bool verified;                /* all of its cards are */
	bool kept;                    /* its policy stays as it is: nothing is asked for */
	const char *reason;           /* one word, as Kubernetes has them: EgressUnset */
	struct json_buffer message;   /* a sentence */
	struct json_text selector;    /* of the pods */
	struct json_buffer egress;    /* an array of NetworkPolicyEgressRules, normal form */
	struct json_buffer ingress;   /* an array of NetworkPolicyIngressRules, the same */
	struct json_text domains;     /* of the card's rules, normal form; absent: none */
	const char *rules_path;       /* where its rules stand in the card; static */
	bool egress_is_dns; /* the card has no egress of its own: it is what its domains need */
	bool quarantined; /* by the admin's bounds: whatever its card says */
	bool names_beside_never; /* it has names, and the admin denies some addresses to all */
	struct policy_problems problems;
	struct json_buffer domain_rules, scratch, other;
};

/* For a workload that has cards. */
void policy_decide(const struct policy_inventory *inventory, struct policy_workload *workload,
                   struct policy_decision *decision);

/* For a card that names no possible workload: what its agent would get. No policy is made. */
void policy_decide_alone(const struct policy_inventory *inventory, const struct policy_card *card,
                         struct policy_decision *decision);

/* Makes it one that allows no egress, for this reason (one word) and message. */
void policy_decision_deny(struct policy_decision *decision, const char *reason,
                          const char *message);

void policy_decision_free(struct policy_decision *decision);

#endif

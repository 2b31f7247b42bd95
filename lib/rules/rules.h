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

#include "rules/cni.h"
#include "rules/problems.h"

#define POLICY_RULES_PATH "spec.networkPolicy"

enum { POLICY_RULES_BYTES = 512 * 1024 }; /* of a card's rules; more is invalid */

struct policy_rules {
	bool set;   /* egress, domains or groups is there and not null: the agent is scoped */
	bool valid; /* false: each error is in `problems`, and all of it counts as deny-all */
	const char *path;         /* where the rules stand in the card; static */
	struct json_text egress;  /* an array; absent when not set */
	struct json_text domains; /* an array; absent when not set */
	struct json_text groups;  /* an array; absent when not set */
};

/* Reads and validates; an absent or null `network_policy` is not set and valid, and null counts
 * as absent for its members. An unknown field, a null below these, or anything else that is
 * wrong, makes it invalid: a misspelt `egress` must not pass for one that is not set, nor
 * `to: null` for a rule without destinations, which would be one for all of them. */
struct policy_rules policy_rules_read(struct json_text network_policy,
                                      struct policy_problems *problems);
/* The same for rules that stand elsewhere in the card; `path` is static. */
struct policy_rules policy_rules_read_at(const char *path, struct json_text network_policy,
                                         struct policy_problems *problems);

/* Appends what rules mean, as an object with those of domains, egress and groups that are set,
 * each in normal form (rules/normal.h): equal for rules that mean the same. */
void policy_rules_normal_put(struct json_buffer *out, struct json_text network_policy);

/* The SHA-256 of that, in hexadecimal digits: the name of rules in status.networkPolicy.rulesDigest
 * and in annotations. */
enum { POLICY_RULES_DIGEST_SIZE = 65 };
void policy_rules_digest(struct json_text network_policy, char digest[POLICY_RULES_DIGEST_SIZE]);

/* Whether it may name a group of destinations. */
bool policy_group_name(struct json_text name);

/* What lints depend on besides the rules. */
struct policy_lint {
	bool resolves;             /* the names of domains can be looked up whatever the rules say */
	bool explicit_peers;       /* rules without `to` are written with peers */
	policy_cnis cnis;          /* 0: not known */
	const char *const *dns;    /* rules/dns.h; NULL: the usual one */
	const char *namespace;     /* the agent's */
};

/* Warnings about valid rules that mean what their author may not: rules for ports only,
 * destinations that hold a cloud's metadata addresses, no DNS, DNS by TCP alone or on another port
 * than that of the DNS pods, names of ports where only numbers match, and what the network plugins
 * are known not to do (rules/cni.h). Fields are below the rules' own path. */
void policy_rules_lint(const struct policy_rules *rules, const struct policy_lint *lint,
                       struct policy_problems *problems);

/* Appends the array of valid rules in normal form (rules/normal.h). With `explicit_peers` a
 * rule without `to`, or with an empty one, gets the peers 0.0.0.0/0 and ::/0. */
void policy_rules_put(struct json_buffer *out, struct json_text egress, bool explicit_peers);

#endif

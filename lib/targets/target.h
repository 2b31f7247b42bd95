/*
 * A target: the kinds of policy that a decision becomes. One file each, named in the table of
 * targets.c.
 *
 * A renderer writes manifests: for an agent first the one that bears the policy's name (the
 * object of the workload), then whatever else it needs, named after it; for a namespace what
 * cannot be said of one agent alone. It must not allow what the decision does not. What it
 * cannot express it leaves denied, and says so in the decision's problems.
 *
 * The egress and ingress of a decision are valid NetworkPolicy rules in normal form, whatever
 * the mode; selectors passed policy_selector_check().
 *
 * The name of a workload's object is that of the first manifest, of a cluster-scoped one too. The
 * names of all that a target writes are its own: no two workloads may share one.
 */
#ifndef TARGETS_TARGET_H
#define TARGETS_TARGET_H

#include "targets/manifest.h"

struct policy_target {
	const char *word;               /* for --target */
	const struct k8s_kind *kind; /* of the first manifest of an agent */
	bool names; /* it expresses DNS names, and lets their agent look them up */
	policy_cnis cnis; /* the plugins that its kinds are for; 0: any may read them */
	bool is_plain;      /* all that it writes are NetworkPolicies, which each plugin reads its way */
	bool is_of_proxies; /* what it writes binds sidecar proxies, and no plugin */
	void (*render)(const struct policy_inventory *inventory, struct policy_decision *decision,
	               struct policy_manifests *manifests);
	/* For a namespace in which something has changed; NULL: there is nothing namespace-wide.
	 * `decisions` are those of its agents, in order of their keys, without MODE_NONE. */
	void (*render_namespace)(const struct policy_inventory *inventory,
	                     const struct policy_namespace *namespace,
	                     struct policy_decision *const decisions[], size_t count,
	                     struct policy_problems *problems, struct policy_manifests *manifests);
};

extern const struct policy_target *const policy_targets[]; /* NULL-terminated */
extern const char *const policy_target_words[];            /* in the same order */

extern const struct policy_target policy_target_networkpolicy;
extern const struct policy_target policy_target_cilium;
extern const struct policy_target policy_target_calico;
extern const struct policy_target policy_target_ovn;
extern const struct policy_target policy_target_istio;

/* Renders an agent's decision. What would become larger than an API server
 * takes is not rendered so: refused, it would leave the agent with what it had. All its egress is
 * denied instead, in the decision too, with a problem. */
enum { POLICY_MANIFEST_BYTES = 1024 * 1024 };
void policy_render(const struct policy_target *target, const struct policy_inventory *inventory,
                   struct policy_decision *decision, struct policy_manifests *manifests);

/* What lib/policy must know of the target. */
struct policy_writes policy_target_writes(const struct policy_target *target);

/* Says that the names of a decision, where it has some, stay denied; unless egress-resolve(1) has told
 * why they are left: then it is the same that it would say. */
void policy_warn_of_names(struct policy_decision *decision, const char *message);

/* The NetworkPolicy that keeps a workload, whose selector is known, in quarantine: its whole manifest. */
void policy_quarantine_put(const struct policy_workload *workload,
                           struct policy_manifests *manifests);

/* The NetworkPolicy of a decision, for every target that has it: its whole manifest. */
void policy_networkpolicy_put(const struct policy_inventory *inventory,
                              const struct policy_decision *decision,
                              struct policy_manifests *manifests);

#endif

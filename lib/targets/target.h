/*
 * A target: the kinds of policy that a decision becomes. One file each, named in the table of
 * targets.c.
 *
 * A renderer writes manifests: for an agent first the one that bears the policy's name (the
 * object of the subject), then whatever else it needs, named after it; for a namespace what
 * cannot be said of one agent alone. It must not allow what the decision does not. What it
 * cannot express it leaves denied, and says so in the decision's problems.
 *
 * The egress and ingress of a decision are valid NetworkPolicy rules in normal form, whatever
 * the mode; selectors passed policy_selector_check().
 *
 * The name of a subject's object is that of the first manifest, of a cluster-scoped one too. The
 * names of all that a target writes are its own: no two subjects may share one.
 *
 * Ownership: a policy_manifests owns its text; initialise with {0}.
 */
#ifndef TARGETS_TARGET_H
#define TARGETS_TARGET_H

#include "policy/decision.h"

struct policy_manifest {
	const struct policy_kind *kind;
	char name[POLICY_NAME_SIZE];
	size_t at, len; /* in the text */
};

struct policy_manifests {
	struct json_buffer text;
	struct policy_manifest *items;
	size_t count, size;
};

struct policy_target {
	const char *word;               /* for --target */
	const struct policy_kind *kind; /* of the first manifest of an agent */
	bool names; /* it expresses DNS names, and lets their agent look them up */
	void (*render)(const struct policy_inventory *inventory, struct policy_decision *decision,
	               struct policy_manifests *manifests);
	/* For a namespace in which something has changed; NULL: there is nothing namespace-wide.
	 * `decisions` are those of its agents, in order of their keys, without MODE_NONE. */
	void (*render_space)(const struct policy_inventory *inventory,
	                     const struct policy_space *space,
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

/* Renders an agent's decision by the settings' target. What would become larger than an API server
 * takes is not rendered so: refused, it would leave the agent with what it had. All its egress is
 * denied instead, in the decision too, with a problem. */
enum { POLICY_MANIFEST_BYTES = 1024 * 1024 };
void policy_render(const struct policy_inventory *inventory, struct policy_decision *decision,
                   struct policy_manifests *manifests);

/* Begins a manifest: apiVersion and kind are written, with a comma behind them. */
struct json_buffer *policy_manifest_begin(struct policy_manifests *manifests,
                                          const struct policy_kind *kind, const char *name);
void policy_manifest_end(struct policy_manifests *manifests);

/* Writes "metadata":{…} of the manifest that has begun: name, namespace, labels, and the card
 * as owner (not of a cluster-scoped object, which no namespaced one may own). */
void policy_metadata_put(const struct policy_inventory *inventory,
                         const struct policy_decision *decision,
                         struct policy_manifests *manifests);
/* The same of a namespace-wide object. */
void policy_space_metadata_put(const struct policy_inventory *inventory,
                               const struct policy_space *space,
                               struct policy_manifests *manifests);

/* The NetworkPolicy of a decision, for every target that has it: its whole manifest. */
void policy_networkpolicy_put(const struct policy_inventory *inventory,
                              const struct policy_decision *decision,
                              struct policy_manifests *manifests);

struct json_text policy_manifest_text(const struct policy_manifests *manifests, size_t index);
void policy_manifests_clear(struct policy_manifests *manifests);
void policy_manifests_free(struct policy_manifests *manifests);

#endif

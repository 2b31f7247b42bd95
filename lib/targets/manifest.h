/*
 * The objects that a target writes: their text, one behind the other, and what all of them have.
 *
 * Ownership: a policy_manifests owns its text; initialise with {0}. When memory runs out the program
 * is aborted.
 */
#ifndef TARGETS_MANIFEST_H
#define TARGETS_MANIFEST_H

#include "policy/decision.h"

struct policy_manifest {
	const struct k8s_kind *kind;
	char name[POLICY_NAME_SIZE];
	size_t at, len; /* in the text */
};

struct policy_manifests {
	struct json_buffer text;
	struct policy_manifest *items;
	size_t count, size;
};

/* Begins a manifest: apiVersion and kind are written, with a comma behind them. */
struct json_buffer *policy_manifest_begin(struct policy_manifests *manifests,
                                          const struct k8s_kind *kind, const char *name);
void policy_manifest_end(struct policy_manifests *manifests);

/* Writes "metadata":{…} of the manifest that has begun: name, namespace, labels, and the card
 * as owner (not of a cluster-scoped object, which no namespaced one may own). */
void policy_metadata_put(const struct policy_inventory *inventory,
                         const struct policy_decision *decision,
                         struct policy_manifests *manifests);
/* The same of a namespace-wide object. */
void policy_namespace_metadata_put(const struct policy_inventory *inventory,
                               const struct policy_namespace *namespace,
                               struct policy_manifests *manifests);

struct json_text policy_manifest_text(const struct policy_manifests *manifests, size_t index);
void policy_manifests_clear(struct policy_manifests *manifests);
void policy_manifests_free(struct policy_manifests *manifests);

#endif

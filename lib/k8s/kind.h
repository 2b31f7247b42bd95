/*
 * A kind of object as the API server serves it, and the kinds that policies are written as: one
 * table, for the renderers, the state, and what watches and applies them.
 *
 * The table is static; its kinds are compared by their address.
 */
#ifndef K8S_KIND_H
#define K8S_KIND_H

#include "base/buffer.h"

/* How much of an object the event log has. */
enum k8s_shape { K8S_WHOLE, K8S_WORKLOAD };

/* Borrows its strings. */
struct k8s_kind {
	const char *group; /* "" is the core group */
	const char *version, *kind, *plural;
	bool cluster_scoped; /* its name must tell the namespace, too */
	const char *target;  /* the word of the target that it belongs to; others may use it too */
	enum k8s_shape shape;
};

extern const struct k8s_kind policy_kind_networkpolicy;
extern const struct k8s_kind policy_kind_ciliumnetworkpolicy;
extern const struct k8s_kind policy_kind_globalnetworkpolicy;
extern const struct k8s_kind policy_kind_egressfirewall;
extern const struct k8s_kind policy_kind_sidecar;
extern const struct k8s_kind policy_kind_serviceentry;

enum { POLICY_KINDS_MAX = 32 };
extern const struct k8s_kind *const policy_kinds[]; /* all of them, NULL-terminated */

/* By group and kind, whatever the version; NULL: policies are not written as that. */
const struct k8s_kind *policy_kind_of(struct json_text api_version, struct json_text kind);

/* Writes "GROUP/VERSION", quoted. */
void policy_kind_put_version(const struct k8s_kind *kind, struct json_buffer *out);

#endif

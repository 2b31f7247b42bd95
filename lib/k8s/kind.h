/*
 * The kinds of object that policies are written as: one table, for the renderers, the inventory,
 * and what watches and applies them.
 *
 * The table is static; kinds are compared by their address.
 */
#ifndef K8S_KIND_H
#define K8S_KIND_H

#include "base/buffer.h"

struct policy_kind {
	const char *group, *version, *kind, *plural;
	bool cluster_scoped; /* its name must tell the namespace, too */
	const char *target;  /* the word of the target that it belongs to; others may use it too */
};

extern const struct policy_kind policy_kind_networkpolicy;
extern const struct policy_kind policy_kind_ciliumnetworkpolicy;
extern const struct policy_kind policy_kind_globalnetworkpolicy;
extern const struct policy_kind policy_kind_egressfirewall;
extern const struct policy_kind policy_kind_sidecar;
extern const struct policy_kind policy_kind_serviceentry;

extern const struct policy_kind *const policy_kinds[]; /* all of them, NULL-terminated */

/* By group and kind, whatever the version; NULL: policies are not written as that. */
const struct policy_kind *policy_kind_of(struct json_text api_version, struct json_text kind);

/* Writes "GROUP/VERSION", quoted. */
void policy_kind_put_version(const struct policy_kind *kind, struct json_buffer *out);

#endif

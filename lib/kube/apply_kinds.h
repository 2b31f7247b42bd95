/*
 * Where the API server keeps an object: the kinds that are applied, and their paths.
 *
 * A table, not discovery: what is not in it is not applied, so a hostile record reaches no
 * other API. All parts of a path come from the table or from a kube_identity, whose names
 * were checked when it was read; nothing needs escaping.
 */
#ifndef KUBE_APPLY_KINDS_H
#define KUBE_APPLY_KINDS_H

#include "kube/apply.h"

struct kube_kind {
	const char *group; /* "" is the core group */
	const char *kind;
	const char *plural;
	bool namespaced;
};

/* NULL when there is no such kind, or the namespace is missing or one too many. */
const struct kube_kind *kube_kind_of(const struct kube_identity *id);

/* Appends "/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME". */
void kube_kind_path(const struct kube_kind *kind, const struct kube_identity *id,
                    struct json_buffer *path);

#endif

/*
 * Where the API server keeps an object: the kinds that are applied, those of policies and the
 * AgentCards, and their paths.
 *
 * Tables, not discovery: what is not in them is not applied, so a hostile record reaches no
 * other API. All parts of a path come from the tables or from a kube_identity, whose names
 * were checked when it was read; nothing needs escaping.
 */
#ifndef K8S_PATH_H
#define K8S_PATH_H

#include "k8s/kind.h"
#include "k8s/object.h"

/* NULL when there is no such kind, or the namespace is missing or one too many. */
const struct k8s_kind *kube_kind_of(const struct kube_identity *id);

/* Appends "/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME". */
void kube_kind_path(const struct k8s_kind *kind, const struct kube_identity *id,
                    struct json_buffer *path);

#endif

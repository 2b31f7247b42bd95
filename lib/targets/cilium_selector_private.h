/*
 * Selectors of pods in Cilium's terms (docs.cilium.io, "Endpoints Based"): an identity has the
 * labels of a pod as k8s:KEY, its namespace's name, and its namespace's labels under a prefix.
 *
 * Some labels are in no identity, and some keys are too long once that prefix is before them: what
 * asks for one cannot be written.
 *
 * Selectors and peers are metav1.LabelSelectors and NetworkPolicyPeers that passed their checks.
 */
#ifndef TARGETS_CILIUM_SELECTOR_PRIVATE_H
#define TARGETS_CILIUM_SELECTOR_PRIVATE_H

#include "base/buffer.h"

#define POLICY_CILIUM_SPACE "k8s:io.kubernetes.pod.namespace"

/* Whether all of it can be written. */
bool policy_cilium_selector_usable(struct json_text selector);
bool policy_cilium_peer_usable(struct json_text peer);

/* Appends an endpointSelector for the policy's own namespace. What cannot be written is left out,
 * so that it selects more. */
void policy_cilium_put_selector(struct json_buffer *out, struct json_text selector);

/* Appends an element of toEndpoints, with a comma before it unless it follows a bracket, for a
 * peer of a policy in namespace `namespace` that is no ipBlock and can be written. */
void policy_cilium_put_peer(struct json_buffer *out, const char *namespace, struct json_text peer);

#endif

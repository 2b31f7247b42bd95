/*
 * Selectors in Calico's language (docs.tigera.io, "Selectors" of a GlobalNetworkPolicy), from
 * metav1.LabelSelectors that passed their checks.
 *
 * A key or a value that is no label of Kubernetes could be read as a part of the expression, and
 * some keys mean what Calico sets itself, whatever a pod says: these cannot be written, nor can
 * what becomes longer than Calico takes.
 */
#ifndef TARGETS_CALICO_SELECTOR_PRIVATE_H
#define TARGETS_CALICO_SELECTOR_PRIVATE_H

#include "base/buffer.h"

enum { POLICY_CALICO_MAX = 1024 };

/* Each appends an expression, not quoted: for pods, which are told from whatever else has labels,
 * for namespaces, and for one namespace by its name. False when not all of it could be written:
 * then it is what could be, and selects more. */
bool policy_calico_put_pods(struct json_buffer *out, struct json_text selector);
bool policy_calico_put_namespaces(struct json_buffer *out, struct json_text selector);
void policy_calico_put_namespace(struct json_buffer *out, const char *name);

#endif

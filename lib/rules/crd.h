/*
 * The CustomResourceDefinition of the AgentCard (apiextensions.k8s.io/v1), with what this
 * project adds to it: spec.networkPolicy, from the table of rules/schema_private.h, and
 * status.networkPolicy. The rest is the operator's, as far as it is needed here; what else it
 * keeps in the status is preserved.
 */
#ifndef RULES_CRD_H
#define RULES_CRD_H

#include "base/buffer.h"
#include "k8s/operator.h"

/* Appends it as YAML. */
void policy_crd_put(struct json_buffer *out, const struct policy_names *names);

#endif

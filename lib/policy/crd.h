/*
 * The CustomResourceDefinition of the AgentCard (apiextensions.k8s.io/v1), with what this
 * project adds to it: spec.networkPolicy, from the table of policy/schema.h, and
 * status.networkPolicy. The rest is the operator's, as far as it is needed here; what else it
 * keeps in the status is preserved.
 */
#ifndef POLICY_CRD_H
#define POLICY_CRD_H

#include "json/buffer.h"
#include "policy/names.h"

/* Appends it as YAML. */
void policy_crd_put(struct json_buffer *out, const struct policy_names *names);

#endif

/*
 * The CustomResourceDefinition of the AgentCard (apiextensions.k8s.io/v1), with what this
 * project adds to it: spec.networkPolicy, from the table of rules/schema_private.h, and
 * status.networkPolicy, and the conditions as a list by their type. The rest is the operator's, as
 * far as it is needed here.
 *
 * It makes a server keep what nobody knows, and null, in spec and below spec.networkPolicy: what a
 * server drops cannot be refused, and a rule without its misspelt `to` is one for everywhere.
 */
#ifndef RULES_CRD_H
#define RULES_CRD_H

#include "base/buffer.h"
#include "k8s/operator.h"

/* The oldest server that a definition is for. CEL rules, with the library for CIDRs, came with 1.31;
 * older servers refuse a definition whose rules they cannot compile, or cut them out. They only add
 * messages: the validator (rules/rules.h) judges what is stored. */
enum policy_crd_version { POLICY_CRD_1_20, POLICY_CRD_1_31 };
extern const char *const policy_crd_words[]; /* 1.20, 1.31; NULL-terminated */

/* Appends it as YAML. */
void policy_crd_put(struct json_buffer *out, const struct policy_names *names,
                    enum policy_crd_version version);

#endif

/*
 * Policies of the operator, which are under the names that ours need.
 *
 * The operator labels its policies `managed-by` with its own name, and makes the AgentCard their
 * controller. `live` is an object as the server answered, which passed json_check(); nothing is kept.
 */
#ifndef APPLY_ADOPT_PRIVATE_H
#define APPLY_ADOPT_PRIVATE_H

#include "apply/operation.h"

/* A label selector of what an operator manages, as a query has it. */
extern const char kube_operators_query[];

/* Who manages it: an operator's name, or NULL when no operator does, or another tool does besides. */
const char *kube_operator_of(struct json_text live);

/* NULL when `live`, which is not ours, is an operator's policy for the operation's own AgentCard, so
 * that applying the operation takes it over. Else a static reason. */
const char *kube_adopt_refusal(const struct kube_operation *operation, struct json_text live);

#endif

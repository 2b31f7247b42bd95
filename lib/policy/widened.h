/* What others' policies mean for an agent: gaps, and problems of ingress. */
#ifndef POLICY_WIDENED_H
#define POLICY_WIDENED_H

#include "policy/decision.h"
#include "policy/evidence.h"
#include "policy/gaps.h"

/* Adds WidenedByPolicy for each policy that may let the workload's pods do more than the decision
 * allows, Undecided where that cannot be told, and the problem IngressWidened for each that lets
 * in whom ours does not. For a decision of a workload whose pods are known, and that does not
 * allow everything. For an agent that is not verified WidenedByPolicy is a problem, too, an error. */
void policy_widened(struct evidence *evidence, const struct policy_decision *decision,
                    struct policy_gaps *gaps, struct policy_problems *problems);

#endif

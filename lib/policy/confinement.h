/*
 * Whether an agent is confined to what is decided for it, as far as its own workload and its own
 * policies tell: the gaps that others' policies make are those of policy/evidence.h.
 */
#ifndef POLICY_CONFINEMENT_H
#define POLICY_CONFINEMENT_H

#include "policy/decision.h"
#include "policy/gaps.h"

/* Adds the gaps of a decision's workload, and of one of the objects that implement it. */
void policy_gaps_of_workload(const struct policy_decision *decision, struct policy_gaps *gaps);
void policy_gaps_of_object(const struct policy_inventory *inventory,
                           const struct policy_object *object, struct policy_gaps *gaps);

#endif

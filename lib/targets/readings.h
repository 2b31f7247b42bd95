/*
 * What the plugins that are named (policy_settings, cnis) read otherwise in what a target writes
 * (rules/cni.h): some of it is left out before it is written, some of it is a gap, and some does not
 * work and is said.
 */
#ifndef TARGETS_READINGS_H
#define TARGETS_READINGS_H

#include "policy/decision.h"
#include "policy/gaps.h"
#include "targets/target.h"

/* Before a decision is rendered: leaves out of it what would be read wider and can be left out,
 * with a problem for each, and warns of what would be read narrower. */
void policy_narrow(const struct policy_inventory *inventory, struct policy_decision *decision);

/* Of a decision that was rendered: adds a gap TargetIgnores for each way in which its agent may
 * reach more than it. Cost: linear in the decision's rules, with at most POLICY_READINGS_PAIRS
 * comparisons of blocks. */
enum { POLICY_READINGS_PAIRS = 10000 };
void policy_target_gaps(const struct policy_target *target,
                        const struct policy_inventory *inventory,
                        const struct policy_decision *decision, struct policy_gaps *gaps);

#endif

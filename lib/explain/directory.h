/*
 * The world as a directory of manifests has it: its NetworkPolicies stand as they are. Which
 * agents there are is read back out of the policies that agent-egress made.
 */
#ifndef EXPLAIN_DIRECTORY_H
#define EXPLAIN_DIRECTORY_H

#include "explain/manifests.h"
#include "policy/stored.h"
#include "translate/translator.h"

/* False, reported, when a manifest cannot be used: it might be a policy that widens another. `others`
 * says whether there are policies of kinds that do not count. */
bool directory_take(const struct kube_manifests *manifests, const struct policy_names *names,
                    struct policy_translator *translator, struct policy_stored *stored,
                    bool *others);

#endif

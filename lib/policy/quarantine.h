/*
 * The admin's quarantine: a workload that reaches nothing, and is reached by nobody, whether or not it
 * has a card. An object of its own says so to the cluster, whatever the target: a NetworkPolicy, which
 * no card owns, and which stays until bounds are known that do not name the workload.
 */
#ifndef POLICY_QUARANTINE_H
#define POLICY_QUARANTINE_H

#include "bounds/bounds.h"
#include "k8s/operator.h"
#include "policy/inventory.h"

/* The entry of the bounds; NULL: it is not in quarantine. */
const struct bounds_quarantine *policy_quarantine_of(const struct policy_inventory *inventory,
                                                     const struct policy_workload *workload);

/* That of another workload of the namespace whose pods this one's selector selects, too: policies add up, so
 * that this one's would open what the quarantine shuts. Where that one is gone its pods are those that its
 * quarantine's object selects. NULL: there is none. */
const struct bounds_quarantine *policy_quarantine_shared(const struct policy_inventory *inventory,
                                                         const struct policy_workload *workload);

/* quarantine-<workload>-<32 hex digits of SHA-256(kind/workload)> */
void policy_quarantine_name(char name[POLICY_NAME_SIZE], const char *kind, const char *workload);

/* An object that may not be deleted: no bounds are known, or they name its workload. */
bool policy_quarantine_holds(const struct policy_inventory *inventory,
                             const struct policy_object *object);

#endif

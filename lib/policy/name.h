/*
 * What our policies are called.
 *
 * Names and namespaces that are given are such as Kubernetes allows; so are those that are made.
 */
#ifndef POLICY_NAME_H
#define POLICY_NAME_H

#include "k8s/name.h"

/* The name that the policy of a workload has at its `attempt`:
 *   0  <workload>-signature-policy
 *   1  <workload>-<kind>-signature-policy, the kind in lower case
 *   2  <workload>-<kind>-<32 hex digits of SHA-256(kind/workload)>-signature-policy
 * One that would be over 253 bytes is cut, and ends in a dash and 8 hex digits of its SHA-256
 * (the whole name's) before the suffix; attempt 2 keeps its 32 digits instead. */
enum { POLICY_NAME_ATTEMPTS = 3 };
void policy_name(char name[POLICY_NAME_SIZE], const char *workload, const char *kind,
                 unsigned attempt);

/* The name of an extra object of the policy: its own, cut if it must be, a dash, and 32 hex
 * digits that the caller took of all that tells it from others. */
enum { POLICY_HEX_SIZE = 33 };
void policy_extra_name(char name[POLICY_NAME_SIZE], const char *policy,
                         const char hex[POLICY_HEX_SIZE]);

/* The name that the policy `plain` of a namespace has as a cluster-scoped object:
 * <namespace>-<plain, less the suffix>-<32 hex digits of SHA-256(namespace/plain)>-signature-policy,
 * without dots (Calico takes what is before a dot for a tier) and cut to 253 bytes. The digits
 * tell a-b/c from a/b-c. */
void policy_cluster_name(char name[POLICY_NAME_SIZE], const char *namespace, const char *plain);

#endif

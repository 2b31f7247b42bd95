/*
 * The two sets of names an operator may use: its API group and its labels
 * (--names kagenti|rossoctl).
 */
#ifndef K8S_OPERATOR_H
#define K8S_OPERATOR_H

#include "base/text.h"

struct policy_names {
	const char *agentcard_group;      /* agent.kagenti.dev */
	const char *type_label;           /* kagenti.io/type, with the value "agent" on workloads */
	const char *verified_label;       /* agent.kagenti.dev/signature-verified, set on pods */
	const char *agentcard_label;      /* kagenti.dev/agentcard, on our policies */
	const char *namespace_label;      /* kagenti.dev/agentcard-namespace, where there is no other */
	const char *policy_type_label;    /* kagenti.dev/policy-type, */
	const char *policy_type;          /* and what it says: of old signature-verification */
	const char *manager;              /* kagenti-operator: its own policies are `managed-by` it */
	const char *const *operator_namespaces; /* NULL-terminated */
};

enum { POLICY_NAMES_KAGENTI, POLICY_NAMES_ROSSOCTL };
extern const char *const policy_names_words[]; /* for --names; NULL-terminated */
const struct policy_names *policy_names(int which);

#define POLICY_MANAGER "agent-egress"
/* The label of an object that keeps a workload in quarantine: only a DELETE takes it away, no pruning. */
#define POLICY_QUARANTINE_LABEL "agent-egress.dev/quarantine"

/* The policy of a workload is WORKLOAD-signature-policy, the operator's as ours. The workload's name,
 * or absent when a policy's name is none of these. */
#define POLICY_SUFFIX "-signature-policy"
struct json_text policy_workload_of(struct json_text name);

#endif

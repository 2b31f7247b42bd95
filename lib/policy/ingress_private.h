/* Who may connect to an agent: the operator, and for a verified one its verified neighbours. */
#ifndef POLICY_INGRESS_PRIVATE_H
#define POLICY_INGRESS_PRIVATE_H

#include "policy/decision.h"

/* Appends an array of NetworkPolicyIngressRules for the decision's mode; empty when nobody may. */
void policy_ingress_put(const struct policy_inventory *inventory,
                        const struct policy_decision *decision, struct json_buffer *out);

#endif

/* The egress of an agent that is not verified: the Kubernetes API server, and nothing else. */
#ifndef POLICY_RESTRICT_H
#define POLICY_RESTRICT_H

#include "policy/inventory.h"
#include "rules/problems.h"

/* Appends the array of rules: each address at the port of the settings, or at its own one.
 * Where no address is known it is empty, an error. */
void policy_restrict_put(const struct policy_inventory *inventory, struct json_buffer *out,
                         struct policy_problems *problems);

#endif

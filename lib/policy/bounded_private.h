/* What the admin's bounds make of a decision: bounds/bounds.h:
 *
 *   (((card or groups) and at most) or always or grants) without never */
#ifndef POLICY_BOUNDED_PRIVATE_H
#define POLICY_BOUNDED_PRIVATE_H

#include "policy/decision.h"
#include "rules/rules.h"

/* Changes a decision for a verified agent. `rules` are its card's; NULL: they do not count, and it asks
 * for nothing. */
void policy_bound(const struct policy_inventory *inventory, struct policy_decision *decision,
                  const struct policy_rules *rules);

/* One for an agent that is not verified: the API server, less what none may reach. */
void policy_bound_restrictive(const struct policy_inventory *inventory,
                              struct policy_decision *decision);

#endif

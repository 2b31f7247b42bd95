/* What a target says of a whole namespace, from the decisions on all of its agents. */
#ifndef TRANSLATE_NAMESPACE_WIDE_PRIVATE_H
#define TRANSLATE_NAMESPACE_WIDE_PRIVATE_H

#include "targets/target.h"

/* Clears both, and fills them by the target's render_namespace. */
void policy_namespace_wide_render(const struct policy_target *target,
                             const struct policy_inventory *inventory,
                             const struct policy_namespace *namespace, struct policy_problems *problems,
                             struct policy_manifests *manifests);

#endif

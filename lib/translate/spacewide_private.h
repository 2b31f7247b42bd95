/* What a target says of a whole namespace, from the decisions on all of its agents. */
#ifndef TRANSLATE_SPACEWIDE_PRIVATE_H
#define TRANSLATE_SPACEWIDE_PRIVATE_H

#include "targets/target.h"

/* Clears both, and fills them by the target's render_space. */
void policy_spacewide_render(const struct policy_target *target,
                             const struct policy_inventory *inventory,
                             const struct policy_space *space, struct policy_problems *problems,
                             struct policy_manifests *manifests);

#endif

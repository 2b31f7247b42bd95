/* Patterns by which an admin's document names namespaces, workloads and identities. */
#ifndef K8S_PATTERN_H
#define K8S_PATTERN_H

#include "base/text.h"

/* Whether all of `text` fits: `*` is any text, none included. Linear but for going back to the last
 * star. */
bool k8s_pattern_fits(struct json_text pattern, const char *text);

#endif

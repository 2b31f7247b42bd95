/* The difference between two texts, for --diff. */
#ifndef APPLY_DIFF_PRIVATE_H
#define APPLY_DIFF_PRIVATE_H

#include "json/json.h"

/* Shows a unified diff on stderr (diff(1)): results have stdout for themselves. */
void kube_diff_show(const char *title, struct json_text before, struct json_text after);

#endif

/* The DNS names of a decision, in targets that express none. */
#include "targets/target.h"

#include <stdio.h>

void policy_warn_of_names(struct policy_decision *decision, const char *message)
{
	char path[POLICY_FIELD_SIZE];
	if (decision->domains.at == NULL || decision->owner->resolution[0] != '\0')
		return;
	snprintf(path, sizeof path, "%s.domains", decision->rules_path);
	policy_problem(&decision->problems, POLICY_WARNING, path, (struct json_text){0}, "%s",
	               message);
}

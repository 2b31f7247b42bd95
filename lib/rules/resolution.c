#include "rules/resolution.h"

#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"
#include "json/json.h"

enum { NAME_BYTES = 300, PROBLEM_BYTES = 1024 };

static bool usable(struct json_text name, struct json_text problem)
{
	return json_type(name) == JSON_STRING && name.len <= NAME_BYTES &&
	       json_type(problem) == JSON_STRING && problem.len <= PROBLEM_BYTES;
}

void policy_resolution_put(struct json_text resolution, struct json_buffer *out)
{
	int count = 0;
	struct json_text names = json_get(resolution, "names");
	for (struct json_member m = json_first(names); m.value.at && count < POLICY_PROBLEMS_MAX;
	     m = json_next(m)) {
		struct json_text name = json_get(m.value, "name");
		struct json_text problem = json_get(m.value, "problem");
		if (!usable(name, problem))
			continue;
		json_puts(out, count++ == 0 ? "[" : ",");
		json_putc(out, '[');
		json_puttext(out, name);
		json_putc(out, ',');
		json_puttext(out, problem);
		json_putc(out, ']');
	}
	if (count > 0)
		json_putc(out, ']');
}

void policy_resolution_warn(const char *kept, struct policy_problems *problems)
{
	if (kept[0] == '\0')
		return;
	for (struct json_member m = json_first(json_of(kept)); m.value.at; m = json_next(m)) {
		struct json_member name = json_first(m.value);
		char *problem = json_cstring(json_next(name).value);
		if (problem != NULL)
			policy_problem(problems, POLICY_WARNING, POLICY_RULES_PATH ".domains",
			               name.value, "%s", problem);
		free(problem);
	}
}

/* Whether the server keeps the rules of AgentCards. When a definition without them takes the place of
 * ours, the server prunes them from all that it tells, though they are still stored: cards then look
 * as if they had never had any. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch/watch_private.h"

const char *schema_word(enum schema schema)
{
	return schema == SCHEMA_EGRESS ? "egress" : schema == SCHEMA_NONE ? "none" : "unknown";
}

static bool keeps_all(struct json_text schema)
{
	return json_is_true(json_get(schema, "x-kubernetes-preserve-unknown-fields"));
}

/* Of the schema of a whole AgentCard. */
static enum schema judge(struct json_text schema)
{
	struct json_text at = schema;
	static const char *const path[] = {"spec", "networkPolicy", "egress"};
	for (size_t i = 0; i < sizeof path / sizeof path[0]; i++) {
		if (json_type(at) != JSON_OBJECT)
			return SCHEMA_NONE;
		if (keeps_all(at))
			return SCHEMA_EGRESS;
		at = json_get(at, "properties", path[i]);
	}
	return json_type(at) == JSON_OBJECT ? SCHEMA_EGRESS : SCHEMA_NONE;
}

enum schema schema_of_definition(struct json_text definition, const char *version)
{
	struct json_member m = json_first(json_get(definition, "spec", "versions"));
	for (; m.value.at != NULL; m = json_next(m))
		if (json_equals(json_get(m.value, "name"), version))
			return judge(json_get(m.value, "schema", "openAPIV3Schema"));
	return SCHEMA_UNKNOWN;
}

static bool is_kind(struct json_text schema, const char *group, const char *version)
{
	struct json_member m = json_first(json_get(schema, "x-kubernetes-group-version-kind"));
	for (; m.value.at != NULL; m = json_next(m))
		if (json_equals(json_get(m.value, "group"), group) &&
		    json_equals(json_get(m.value, "version"), version) &&
		    json_equals(json_get(m.value, "kind"), "AgentCard"))
			return true;
	return false;
}

enum schema schema_of_openapi(struct json_text document, const char *group, const char *version)
{
	struct json_text schemas = json_get(document, "components", "schemas");
	if (schemas.at == NULL)
		schemas = json_get(document, "definitions"); /* OpenAPI v2 */
	for (struct json_member m = json_first(schemas); m.value.at != NULL; m = json_next(m))
		if (is_kind(m.value, group, version))
			return judge(m.value);
	return SCHEMA_UNKNOWN;
}

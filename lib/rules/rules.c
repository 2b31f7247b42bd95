#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/normal.h"
#include "rules/schema_private.h"
#include "json/write.h"
#include "json/json.h"

static void walk_value(struct policy_walk *walk, const struct policy_schema *schema,
                       struct json_text value);

static const struct policy_field *field_named(const struct policy_schema *schema,
                                              struct json_text key)
{
	for (const struct policy_field *field = schema->fields; field->name != NULL; field++)
		if (json_equals(key, field->name))
			return field;
	return NULL;
}

static void say_unknown(struct policy_walk *walk, struct json_member member)
{
	struct json_text key = json_plain(member.key);
	size_t before = walk->len;
	policy_walk_append(walk, ".", 1);
	policy_walk_append(walk, key.at == NULL ? "?" : key.at, key.at == NULL ? 1 : key.len);
	policy_walk_problem(walk, member.value, "unknown field");
	policy_walk_back(walk, before);
}

static bool is_set(struct json_text value)
{
	return json_type(value) > JSON_NULL;
}

static void walk_object(struct policy_walk *walk, const struct policy_schema *schema,
                        struct json_text object)
{
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m)) {
		const struct policy_field *field = field_named(schema, m.key);
		if (field == NULL) {
			say_unknown(walk, m);
		} else if (is_set(m.value) || !schema->null_is_absent) {
			size_t before = policy_walk_into(walk, field->name);
			walk_value(walk, field->schema, m.value);
			policy_walk_back(walk, before);
		}
	}
	for (const struct policy_field *field = schema->fields; field->name != NULL; field++) {
		if (!field->required || json_get(object, field->name).at != NULL)
			continue;
		size_t before = policy_walk_into(walk, field->name);
		policy_walk_problem(walk, (struct json_text){0}, "Required value");
		policy_walk_back(walk, before);
	}
}

static bool count_fits(struct policy_walk *walk, const struct policy_schema *schema,
                       struct json_text value)
{
	size_t count = json_count(value);
	if (count >= schema->min && count <= schema->max)
		return true;
	if (count < schema->min)
		policy_walk_problem(walk, (struct json_text){0}, "Required value");
	else
		policy_problem(walk->problems, POLICY_ERROR, walk->path, (struct json_text){0},
		               "Too many: %zu: must have at most %zu items", count, schema->max);
	return false;
}

static void walk_list(struct policy_walk *walk, const struct policy_schema *schema,
                      struct json_text list)
{
	size_t index = 0;
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m)) {
		size_t before = policy_walk_index(walk, index++);
		walk_value(walk, schema->items, m.value);
		policy_walk_back(walk, before);
	}
}

static bool is_among(struct json_text value, const char *const words[])
{
	for (size_t i = 0; words[i] != NULL; i++)
		if (json_equals(value, words[i]))
			return true;
	return false;
}

static bool say_unsupported(struct policy_walk *walk, struct json_text value,
                            const char *const words[])
{
	char list[128] = "";
	size_t len = 0;
	for (size_t i = 0; words[i] != NULL && len < sizeof list; i++)
		len += (size_t)snprintf(list + len, sizeof list - len, "%s\"%s\"",
		                        i == 0 ? "" : ", ", words[i]);
	int shown = value.len > POLICY_VALUE_MAX ? POLICY_VALUE_MAX : (int)value.len;
	policy_problem(walk->problems, POLICY_ERROR, walk->path, value,
	               "Unsupported value: %.*s: supported values: %s", shown, value.at, list);
	return false;
}

/* Is it of the schema's type? Says so when it is not. */
static bool type_fits(struct policy_walk *walk, const struct policy_schema *schema,
                      struct json_text value)
{
	static const char *const wrong[] = {
	        [POLICY_OBJECT] = "must be of type object",
	        [POLICY_LIST] = "must be of type array",
	        [POLICY_MAP] = "must be of type object",
	        [POLICY_STRING] = "must be of type string",
	        [POLICY_INTEGER] = "must be of type integer",
	        [POLICY_INT_OR_STRING] = "must be an integer or a string",
	};
	int64_t number;
	enum json_type type = json_type(value);
	bool fits = false;
	switch (schema->type) {
	case POLICY_OBJECT:
	case POLICY_MAP:
		fits = type == JSON_OBJECT;
		break;
	case POLICY_LIST:
		fits = type == JSON_ARRAY;
		break;
	case POLICY_STRING:
		fits = type == JSON_STRING;
		break;
	case POLICY_INTEGER:
		fits = json_integer(value, &number);
		break;
	case POLICY_INT_OR_STRING:
		fits = type == JSON_STRING || json_integer(value, &number);
		break;
	}
	if (!fits)
		policy_walk_invalid(walk, value, wrong[schema->type]);
	return fits;
}

/* Length counts what stands between the quotes: escapes only make it longer. */
static bool string_fits(struct policy_walk *walk, const struct policy_schema *schema,
                        struct json_text value)
{
	if (schema->words != NULL)
		return is_among(value, schema->words) ||
		       say_unsupported(walk, value, schema->words);
	if (value.len - 2 < schema->min) {
		policy_walk_problem(walk, (struct json_text){0}, "Required value");
		return false;
	}
	/* a longer one gets the words of its own check, where it has one */
	if (schema->check == NULL && value.len - 2 > 4 * schema->max) {
		policy_problem(walk->problems, POLICY_ERROR, walk->path, value,
		               "Too long: may not be more than %zu bytes", schema->max);
		return false;
	}
	return true;
}

static void walk_value(struct policy_walk *walk, const struct policy_schema *schema,
                       struct json_text value)
{
	if (!type_fits(walk, schema, value))
		return;
	switch (schema->type) {
	case POLICY_OBJECT:
		walk_object(walk, schema, value);
		break;
	case POLICY_LIST:
		if (!count_fits(walk, schema, value))
			return;
		walk_list(walk, schema, value);
		break;
	case POLICY_MAP:
		if (!count_fits(walk, schema, value))
			return;
		break;
	case POLICY_STRING:
		if (!string_fits(walk, schema, value))
			return;
		break;
	case POLICY_INTEGER:
	case POLICY_INT_OR_STRING:
		break;
	}
	if (schema->check != NULL)
		schema->check(walk, value);
}

static struct json_text list_set(struct json_text network_policy, const char *name)
{
	struct json_text list = json_get(network_policy, name);
	return json_type(list) == JSON_ARRAY ? list : (struct json_text){0};
}

struct policy_rules policy_rules_read_at(const char *path, struct json_text network_policy,
                                         struct policy_problems *problems)
{
	struct policy_walk walk = {.problems = problems};
	size_t before = problems->errors;
	if (!is_set(network_policy))
		return (struct policy_rules){.valid = true, .path = path};
	policy_walk_append(&walk, path, strlen(path));
	walk_value(&walk, &policy_network_policy_schema, json_trim(network_policy));
	return (struct policy_rules){
	        .set = is_set(json_get(network_policy, "egress")) ||
	               is_set(json_get(network_policy, "domains")) ||
	               is_set(json_get(network_policy, "groups")),
	        .valid = problems->errors == before,
	        .path = path,
	        .egress = list_set(network_policy, "egress"),
	        .domains = list_set(network_policy, "domains"),
	        .groups = list_set(network_policy, "groups"),
	};
}

struct policy_rules policy_rules_read(struct json_text network_policy,
                                      struct policy_problems *problems)
{
	return policy_rules_read_at(POLICY_RULES_PATH, network_policy, problems);
}

void policy_rules_normal_put(struct json_buffer *out, struct json_text network_policy)
{
	static const char *const lists[] = {"domains", "egress", "groups"};
	network_policy = json_trim(network_policy);
	json_putc(out, '{');
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		struct json_text list = json_get(network_policy, lists[i]);
		if (!is_set(list))
			continue;
		json_put_key(out, lists[i]);
		policy_normal_put(out, list);
	}
	json_putc(out, '}');
}

void policy_rules_digest(struct json_text network_policy, char digest[POLICY_RULES_DIGEST_SIZE])
{
	struct json_buffer normal = {0};
	policy_rules_normal_put(&normal, network_policy);
	digest_hex(json_buffer_text(&normal), digest, POLICY_RULES_DIGEST_SIZE - 1);
	json_buffer_free(&normal);
}

/* The normal form of the rule with two peers that are everywhere. */
static void put_everywhere(struct json_buffer *out, struct json_text rule)
{
	struct json_text ports = json_get(rule, "ports");
	struct json_buffer whole = {0};
	json_puts(&whole, "{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\"}},"
	                  "{\"ipBlock\":{\"cidr\":\"::/0\"}}]");
	if (!json_is_empty(ports)) {
		json_puts(&whole, ",\"ports\":");
		json_puttext(&whole, ports);
	}
	json_putc(&whole, '}');
	policy_normal_put(out, json_buffer_text(&whole));
	json_buffer_free(&whole);
}

void policy_rules_put(struct json_buffer *out, struct json_text egress, bool explicit_peers)
{
	if (!explicit_peers) {
		policy_normal_put(out, egress);
		return;
	}
	json_putc(out, '[');
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m)) {
		json_put_comma(out);
		if (json_is_empty(json_get(m.value, "to")))
			put_everywhere(out, m.value);
		else
			policy_normal_put(out, m.value);
	}
	json_putc(out, ']');
}

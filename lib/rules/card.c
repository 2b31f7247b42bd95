#include "rules/card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json/json.h"

#define ANNOTATION_PATH "metadata.annotations[" POLICY_RULES_ANNOTATION "]"

/* Longer keys are none of those that are looked for. */
enum { KEY_SIZE = 32, PATH_SIZE = 64 };

/* Written in any case, but not as networkPolicy itself. */
static bool is_misplaced(const char *key)
{
	static const char *const meant[] = {"egress", "domains", "groups", "networkPolicies",
	                                    "networkPolicy"};
	if (strcmp(key, "networkPolicy") == 0)
		return false;
	for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++)
		if (strcasecmp(key, meant[i]) == 0)
			return true;
	return false;
}

static void find_misplaced(struct json_text spec, struct policy_problems *problems)
{
	for (struct json_member m = json_first(spec); m.value.at; m = json_next(m)) {
		char path[PATH_SIZE];
		char *key = m.key.len > 6 * KEY_SIZE ? NULL : json_cstring(m.key);
		if (key != NULL && strlen(key) < KEY_SIZE && is_misplaced(key)) {
			snprintf(path, sizeof path, "spec.%s", key);
			policy_problem(problems, POLICY_ERROR, path, m.value,
			               "unknown field: an agent's rules stand in " POLICY_RULES_PATH);
		}
		free(key);
	}
}

static bool is_empty_member(struct json_member member)
{
	return json_type(member.value) == JSON_NULL &&
	       (json_equals(member.key, "egress") || json_equals(member.key, "domains") ||
	        json_equals(member.key, "groups"));
}

/* A field with a member that is unknown is there: it is not valid. */
static bool is_there(struct json_text field)
{
	if (json_type(field) != JSON_OBJECT)
		return json_type(field) > JSON_NULL;
	for (struct json_member m = json_first(field); m.value.at; m = json_next(m))
		if (!is_empty_member(m))
			return true;
	return false;
}

/* Decodes the annotation into `found`; false, reported, when it holds no rules at all. */
static bool read_annotation(struct json_text annotation, struct policy_card_rules *found,
                            struct policy_problems *problems)
{
	size_t len = 0;
	struct json_text text;
	found->decoded = json_string(annotation, &len);
	text = (struct json_text){found->decoded, len};
	if (found->decoded != NULL && json_check(text, &json_record_limits, NULL) &&
	    json_type(json_trim(text)) == JSON_OBJECT && is_there(json_trim(text))) {
		found->text = json_trim(text);
		return true;
	}
	policy_problem(problems, POLICY_ERROR, ANNOTATION_PATH, annotation,
	               "Invalid value: must be a JSON object with egress, domains or groups, as "
	               "in " POLICY_RULES_PATH);
	return false;
}

static bool say_same(struct json_text a, struct json_text b)
{
	struct json_buffer one = {0}, two = {0};
	policy_rules_normal_put(&one, a);
	policy_rules_normal_put(&two, b);
	bool same = json_same(json_buffer_text(&one), json_buffer_text(&two));
	json_buffer_free(&one);
	json_buffer_free(&two);
	return same;
}

/* The annotation beside a field that is there: the field counts, and both must be valid. */
static void compare(struct policy_card_rules *found, struct json_text field,
                    struct policy_problems *problems)
{
	policy_rules_read_at(ANNOTATION_PATH, found->text, problems);
	found->conflict = !say_same(field, found->text);
	if (found->conflict)
		policy_problem(problems, POLICY_ERROR, ANNOTATION_PATH, (struct json_text){0},
		               "Invalid value: says something else than " POLICY_RULES_PATH
		               ": delete the one that is out of date");
	found->text = field;
	found->annotated = false;
}

struct policy_card_rules policy_card_rules_find(struct json_text object,
                                                struct policy_problems *problems)
{
	struct policy_card_rules found = {0};
	struct json_text spec = json_get(object, "spec");
	struct json_text field = json_get(spec, "networkPolicy");
	struct json_text annotation =
		json_get(object, "metadata", "annotations", POLICY_RULES_ANNOTATION);
	find_misplaced(spec, problems);
	if (field.len > POLICY_RULES_BYTES || annotation.len > POLICY_RULES_BYTES) {
		found.oversized = true;
		found.annotated = field.len <= POLICY_RULES_BYTES;
		return found;
	}
	if (annotation.at != NULL && read_annotation(annotation, &found, problems)) {
		found.annotated = true;
		if (is_there(field))
			compare(&found, field, problems);
	} else if (is_there(field)) {
		found.text = field;
	}
	return found;
}

const char *policy_card_rules_path(bool annotated)
{
	return annotated ? ANNOTATION_PATH : POLICY_RULES_PATH;
}

void policy_card_rules_free(struct policy_card_rules *rules)
{
	free(rules->decoded);
	*rules = (struct policy_card_rules){0};
}

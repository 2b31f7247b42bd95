#include "k8s/selector.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/name.h"

static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist"};
enum { IN, NOT_IN, EXISTS, DOES_NOT_EXIST, OPERATORS };

static int operator_of(struct json_text expression)
{
	struct json_text word = json_get(expression, "operator");
	for (int i = 0; i < OPERATORS; i++)
		if (json_equals(word, operators[i]))
			return i;
	return -1;
}

static bool all_strings(struct json_text values, enum json_type container, size_t *count)
{
	if (json_type(values) != container)
		return false;
	*count = 0;
	for (struct json_member m = json_first(values); m.value.at; m = json_next(m)) {
		if (json_type(m.value) != JSON_STRING)
			return false;
		++*count;
	}
	return true;
}

const char *policy_labels_check(struct json_text labels)
{
	size_t count;
	if (labels.len > POLICY_SELECTOR_BYTES)
		return "is too large";
	if (!all_strings(labels, JSON_OBJECT, &count))
		return "is not an object of strings";
	return count > POLICY_SELECTOR_PARTS ? "has too many labels" : NULL;
}

static bool expression_usable(struct json_text expression)
{
	size_t count = 0;
	struct json_text values = json_get(expression, "values");
	int operator = operator_of(expression);
	if (operator < 0 || json_type(json_get(expression, "key")) != JSON_STRING)
		return false;
	if (json_type(values) > JSON_NULL && !all_strings(values, JSON_ARRAY, &count))
		return false;
	return (operator == IN || operator == NOT_IN) == (count > 0);
}

static bool is_set(struct json_text value)
{
	return json_type(value) > JSON_NULL;
}

const char *policy_selector_check(struct json_text selector)
{
	size_t count = 0;
	struct json_text labels = json_get(selector, "matchLabels");
	struct json_text expressions = json_get(selector, "matchExpressions");
	if (json_type(selector) != JSON_OBJECT)
		return "is missing";
	if (selector.len > POLICY_SELECTOR_BYTES)
		return "is too large";
	for (struct json_member m = json_first(selector); m.value.at; m = json_next(m))
		if (!json_equals(m.key, "matchLabels") && !json_equals(m.key, "matchExpressions"))
			return "has an unknown field";
	if (is_set(labels) && !all_strings(labels, JSON_OBJECT, &count))
		return "has matchLabels that are not strings";
	if (is_set(expressions) && json_type(expressions) != JSON_ARRAY)
		return "has matchExpressions that are not a list";
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m)) {
		if (!expression_usable(m.value))
			return "has an unusable expression";
		count++;
	}
	if (count == 0)
		return "is empty, and would select every pod of the namespace";
	return count > POLICY_SELECTOR_PARTS ? "has too many requirements" : NULL;
}

/* Both are strings; spellings may differ. */
static bool same_string(struct json_text a, struct json_text b)
{
	struct json_text x = json_plain(a), y = json_plain(b);
	if (x.at != NULL && y.at != NULL)
		return x.len == y.len && memcmp(x.at, y.at, x.len) == 0;
	size_t x_len, y_len;
	char *first = json_string(a, &x_len), *second = json_string(b, &y_len);
	bool same = first != NULL && second != NULL && x_len == y_len &&
	            memcmp(first, second, x_len) == 0;
	free(first);
	free(second);
	return same;
}

static struct json_text label_of(struct json_text labels, struct json_text key)
{
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m))
		if (same_string(m.key, key))
			return m.value;
	return (struct json_text){0};
}

static bool is_among(struct json_text value, struct json_text values)
{
	for (struct json_member m = json_first(values); m.value.at; m = json_next(m))
		if (same_string(m.value, value))
			return true;
	return false;
}

static bool expression_matches(struct json_text expression, struct json_text labels)
{
	struct json_text value = label_of(labels, json_get(expression, "key"));
	struct json_text values = json_get(expression, "values");
	switch (operator_of(expression)) {
	case IN:
		return value.at != NULL && is_among(value, values);
	case NOT_IN:
		return value.at == NULL || !is_among(value, values);
	case EXISTS:
		return value.at != NULL;
	default:
		return value.at == NULL;
	}
}

/* Of which labels that are not among the known ones a pod may have some. */
enum may_have { NO_OTHER, CONTROLLERS_OWN, ANY_OTHER };

static bool is_open(enum may_have may_have, struct json_text key)
{
	return may_have == ANY_OTHER ||
	       (may_have == CONTROLLERS_OWN && k8s_label_is_controllers(json_plain(key)));
}

static bool all_match(struct json_text selector, struct json_text labels, enum may_have may_have)
{
	struct json_text wanted = json_get(selector, "matchLabels");
	struct json_text expressions = json_get(selector, "matchExpressions");
	for (struct json_member m = json_first(wanted); m.value.at; m = json_next(m)) {
		struct json_text value = label_of(labels, m.key);
		if (value.at == NULL ? !is_open(may_have, m.key) : !same_string(value, m.value))
			return false;
	}
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m)) {
		struct json_text key = json_get(m.value, "key");
		bool known = label_of(labels, key).at != NULL || !is_open(may_have, key);
		if (known && !expression_matches(m.value, labels))
			return false;
	}
	return true;
}

bool policy_selector_matches(struct json_text selector, struct json_text labels)
{
	return all_match(selector, labels, NO_OTHER);
}

bool policy_selector_may_match(struct json_text selector, struct json_text labels)
{
	return all_match(selector, labels, ANY_OTHER);
}

bool policy_selector_matches_template(struct json_text selector, struct json_text labels)
{
	return all_match(selector, labels, CONTROLLERS_OWN);
}

bool policy_selector_asks_beyond(struct json_text selector, struct json_text labels)
{
	struct json_text wanted = json_get(selector, "matchLabels");
	struct json_text expressions = json_get(selector, "matchExpressions");
	for (struct json_member m = json_first(wanted); m.value.at; m = json_next(m))
		if (label_of(labels, m.key).at == NULL)
			return true;
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m))
		if (label_of(labels, json_get(m.value, "key")).at == NULL)
			return true;
	return false;
}

bool k8s_labels_fit_template(struct json_text labels, struct json_text template)
{
	if (template.at == NULL || json_is_empty(template))
		return false;
	for (struct json_member m = json_first(template); m.value.at; m = json_next(m)) {
		struct json_text value = label_of(labels, m.key);
		if (value.at == NULL || !same_string(value, m.value))
			return false;
	}
	return true;
}

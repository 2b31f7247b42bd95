#include "rules/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

enum { PATH = 256, MESSAGE = 512 };

void document_fault(struct document_check *check, struct json_text at, const char *path, const char *message)
{
	check->good = false;
	check->faults->say(check->faults->context, at.at == NULL ? check->document : at, path, message);
}

/* What a step of a path names in a value; absent when it is not there. */
static struct json_text step(struct json_text value, const char *at, size_t len, bool is_index)
{
	char name[PATH];
	if (is_index) {
		size_t index = strtoul(at, NULL, 10);
		struct json_member m = json_first(value);
		while (m.value.at != NULL && index-- > 0)
			m = json_next(m);
		return m.value;
	}
	snprintf(name, sizeof name, "%.*s", (int)len, at);
	return json_get(value, name);
}

/* Where "atMost.egress[0].to" is in a value, or as near as can be. */
static struct json_text find(struct json_text value, const char *path)
{
	while (*path != '\0') {
		bool is_index = *path == '[';
		const char *at = is_index || *path == '.' ? path + 1 : path;
		size_t len = strcspn(at, is_index ? "]" : ".[");
		struct json_text next = step(value, at, len, is_index);
		if (next.at == NULL)
			return value;
		value = next;
		path = at + len + (is_index && at[len] == ']');
	}
	return value;
}

void document_refuse_nulls(struct document_check *check, struct json_text value, const char *path)
{
	if (json_type(value) == JSON_NULL)
		document_fault(check, value, path, "has no value");
	for (struct json_member m = json_first(value); m.value.at; m = json_next(m))
		document_refuse_nulls(check, m.value, path);
}

void document_refuse_unknown(struct document_check *check, struct json_text object, const char *path,
                           const char *const known[])
{
	char message[MESSAGE];
	if (json_type(object) != JSON_OBJECT) {
		document_fault(check, object, path, "must be an object");
		return;
	}
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m)) {
		size_t i = 0;
		while (known[i] != NULL && !json_equals(m.key, known[i]))
			i++;
		if (known[i] != NULL)
			continue;
		snprintf(message, sizeof message, "unknown field %.*s", m.key.len > 64 ? 64 : (int)m.key.len,
		         m.key.at);
		document_fault(check, m.key, path, message);
	}
}

void document_problems(struct document_check *check, struct json_text value, const char *path,
                       const struct policy_problems *problems)
{
	struct json_buffer list = {0};
	policy_problems_put(problems, &list);
	for (struct json_member m = json_first(json_buffer_text(&list)); m.value.at; m = json_next(m)) {
		char *field = json_cstring(json_get(m.value, "field"));
		char *message = json_cstring(json_get(m.value, "message"));
		const char *below = field != NULL && strlen(field) > strlen(path) ? field + strlen(path) : "";
		document_fault(check, find(value, below), field == NULL ? path : field,
		      message == NULL ? "is invalid" : message);
		free(field);
		free(message);
	}
	json_buffer_free(&list);
}

struct policy_rules document_rules(struct document_check *check, struct json_text value,
                                   const char *path)
{
	struct policy_problems problems = {0};
	if (value.at == NULL)
		return (struct policy_rules){.valid = true};
	struct policy_rules rules = policy_rules_read_at(path, value, &problems);
	if (!rules.valid)
		document_problems(check, value, path, &problems);
	policy_problems_free(&problems);
	return rules;
}

struct json_text document_patterns(struct document_check *check, struct json_text object, const char *name,
                                      const char *path, bool slash)
{
	struct json_text list = json_get(object, name);
	char at[PATH];
	snprintf(at, sizeof at, "%s.%s", path, name);
	if (list.at == NULL)
		return list;
	if (json_type(list) != JSON_ARRAY || json_is_empty(list))
		document_fault(check, list, at, "must be a list of patterns that is not empty");
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m)) {
		struct json_text plain = json_plain(m.value);
		if (plain.at == NULL || plain.len == 0)
			document_fault(check, m.value, at, "must be a pattern: plain text, in which * is any text");
		else if (slash && memchr(plain.at, '/', plain.len) == NULL)
			document_fault(check, m.value, at, "must be KIND/NAME");
	}
	return list;
}

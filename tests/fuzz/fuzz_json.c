/* Any bytes as a record: checking, walking every member, decoding every string. What was
 * accepted must be JSON for cJSON too, with as many values, and each value must end where a walk
 * byte by byte ends. */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>

#include "k8s/event.h"
#include "json/json.h"

/* Behind the value at p, found without any block of bytes. */
static const char *plain_end(const char *p, const char *end)
{
	size_t depth = 0;
	bool in_string = false;
	while (p < end) {
		char c = *p++;
		if (in_string && c == '\\')
			p++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']'))
			depth--;
		if (depth == 0 && !in_string)
			return p;
	}
	return p;
}

static size_t walk(struct json_text value)
{
	size_t values = 1;
	enum json_type type = json_type(value);
	if ((type == JSON_OBJECT || type == JSON_ARRAY || type == JSON_STRING) &&
	    plain_end(value.at, value.at + value.len) != value.at + value.len)
		abort();
	free(json_string(value, NULL));
	for (struct json_member m = json_first(value); m.value.at; m = json_next(m)) {
		free(json_string(m.key, NULL));
		values += walk(m.value);
	}
	return values;
}

static size_t count(const cJSON *value)
{
	size_t values = 1;
	const cJSON *child;
	cJSON_ArrayForEach(child, value) values += count(child);
	return values;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_text text = {(const char *)data, size};
	struct json_limits limits = {1 << 20, 100};
	struct json_error error;
	struct event event;
	if (!json_check(text, &limits, &error)) {
		if (error.offset > size || error.reason == NULL)
			abort();
		return 0;
	}
	text = json_trim(text);
	size_t values = walk(text);
	cJSON *tree = cJSON_ParseWithLength(text.at, text.len);
	/* cJSON does not read a string with an escaped NUL whole, nor numbers over 63 characters. */
	if (tree != NULL && count(tree) != values)
		abort();
	cJSON_Delete(tree);
	(void)event_read(text, &event);
	return 0;
}

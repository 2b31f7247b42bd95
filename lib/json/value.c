#include "json/json.h"
#include "json/scan_private.h"

struct json_text json_trim(struct json_text text)
{
	if (text.at == NULL)
		return text;
	const char *end = text.at + text.len;
	const char *p = json_skip_space(text.at, end);
	while (end > p && json_is_space(end[-1]))
		end--;
	return (struct json_text){p, (size_t)(end - p)};
}

enum json_type json_type(struct json_text value)
{
	if (value.at == NULL || value.len == 0)
		return JSON_ABSENT;
	switch (value.at[0]) {
	case '{': return JSON_OBJECT;
	case '[': return JSON_ARRAY;
	case '"': return JSON_STRING;
	case 't': return JSON_TRUE;
	case 'f': return JSON_FALSE;
	case 'n': return JSON_NULL;
	default: return JSON_NUMBER;
	}
}

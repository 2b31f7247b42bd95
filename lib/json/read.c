#include <stdarg.h>
#include <string.h>

#include "json/json.h"
#include "json/scan_private.h"

/* The member at p, which is behind an opening bracket or a comma. */
static struct json_member member_at(const char *p, const char *end, bool keyed)
{
	struct json_member member = {0};
	p = json_skip_space(p, end);
	if (p == end || *p == '}' || *p == ']')
		return member;
	if (keyed) {
		const char *close = json_skip_string(p, end);
		member.key = (struct json_text){p, (size_t)(close - p)};
		p = json_skip_space(close, end);
		p = json_skip_space(p < end ? p + 1 : p, end);
	}
	const char *after = json_skip_value(p, end);
	member.value = (struct json_text){p, (size_t)(after - p)};
	member.rest = (struct json_text){after, (size_t)(end - after)};
	return member;
}

struct json_member json_first(struct json_text container)
{
	enum json_type type = json_type(container);
	if (type != JSON_OBJECT && type != JSON_ARRAY)
		return (struct json_member){0};
	return member_at(container.at + 1, container.at + container.len, type == JSON_OBJECT);
}

struct json_member json_next(struct json_member member)
{
	const char *end = member.rest.at + member.rest.len;
	const char *p = json_skip_space(member.rest.at, end);
	if (p == end || *p != ',')
		return (struct json_member){0};
	return member_at(p + 1, end, member.key.at != NULL);
}

size_t json_count(struct json_text container)
{
	size_t count = 0;
	for (struct json_member m = json_first(container); m.value.at; m = json_next(m))
		count++;
	return count;
}

bool json_is_empty(struct json_text container)
{
	return json_first(container).value.at == NULL;
}

static bool key_is(struct json_text key, const char *name, size_t len)
{
	if (key.len == len + 2 && memcmp(key.at + 1, name, len) == 0)
		return true;
	return key.len > len + 2 && memchr(key.at, '\\', key.len) != NULL && json_equals(key, name);
}

static struct json_text find(struct json_text object, const char *name)
{
	if (json_type(object) != JSON_OBJECT)
		return (struct json_text){0};
	size_t len = strlen(name);
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m))
		if (key_is(m.key, name, len))
			return m.value;
	return (struct json_text){0};
}

struct json_text json_get_path(struct json_text object, ...)
{
	va_list path;
	va_start(path, object);
	for (const char *key; (key = va_arg(path, const char *)) != NULL;)
		object = find(object, key);
	va_end(path);
	return object;
}

void json_pick(struct json_text object, size_t count, const char *const keys[],
               struct json_text found[])
{
	memset(found, 0, count * sizeof *found);
	if (json_type(object) != JSON_OBJECT)
		return;
	size_t left = count;
	for (struct json_member m = json_first(object); m.value.at && left > 0; m = json_next(m)) {
		for (size_t i = 0; i < count; i++) {
			if (found[i].at == NULL && key_is(m.key, keys[i], strlen(keys[i]))) {
				found[i] = m.value;
				left--;
			}
		}
	}
}

bool json_is_true(struct json_text value)
{
	return json_type(value) == JSON_TRUE;
}

bool json_integer(struct json_text value, int64_t *number)
{
	if (json_type(value) != JSON_NUMBER)
		return false;
	size_t i = value.at[0] == '-' ? 1 : 0;
	bool negative = i == 1;
	int64_t sum = 0;
	for (; i < value.len; i++) {
		char c = value.at[i];
		if (c < '0' || c > '9')
			return false;
		int64_t digit = negative ? -(c - '0') : c - '0';
		if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
			return false;
	}
	*number = sum;
	return true;
}

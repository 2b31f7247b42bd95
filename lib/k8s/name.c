#include "k8s/name.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool policy_is_subdomain(struct json_text name)
{
	if (name.at == NULL || name.len == 0 || name.len >= POLICY_NAME_SIZE)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool edge = i == 0 || i + 1 == name.len || name.at[i - 1] == '.' ||
		            name.at[i + 1] == '.';
		if (!is_lower_or_digit(c) && (edge || (c != '-' && c != '.')))
			return false;
	}
	return true;
}

bool policy_is_label(struct json_text name)
{
	return policy_is_subdomain(name) && name.len < POLICY_LABEL_SIZE &&
	       memchr(name.at, '.', name.len) == NULL;
}

bool policy_is_word(struct json_text kind)
{
	if (kind.at == NULL || kind.len == 0 || kind.len >= POLICY_LABEL_SIZE)
		return false;
	for (size_t i = 0; i < kind.len; i++)
		if (!is_lower_or_digit(kind.at[i]) && !(kind.at[i] >= 'A' && kind.at[i] <= 'Z'))
			return false;
	return true;
}

bool k8s_name_usable(struct json_text name)
{
	if (name.at == NULL || name.len == 0 || name.len >= POLICY_NAME_SIZE)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~' || name.at[i] == '/')
			return false;
	return true;
}

bool policy_label_value(char value[POLICY_LABEL_SIZE], const char *name)
{
	char hex[9];
	if (strlen(name) < POLICY_LABEL_SIZE) {
		snprintf(value, POLICY_LABEL_SIZE, "%s", name);
		return false;
	}
	digest_hex(json_of(name), hex, 8);
	snprintf(value, POLICY_LABEL_SIZE, "%.*s-%s", POLICY_LABEL_SIZE - 10, name, hex);
	return true;
}

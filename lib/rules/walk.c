#include "rules/walk_private.h"

#include <stdio.h>
#include <string.h>

void policy_walk_append(struct policy_walk *walk, const char *text, size_t len)
{
	size_t room = sizeof walk->path - 1 - walk->len;
	if (len > room)
		len = room;
	memcpy(walk->path + walk->len, text, len);
	walk->len += len;
	walk->path[walk->len] = '\0';
}

size_t policy_walk_into(struct policy_walk *walk, const char *member)
{
	size_t before = walk->len;
	policy_walk_append(walk, ".", 1);
	policy_walk_append(walk, member, strlen(member));
	return before;
}

size_t policy_walk_index(struct policy_walk *walk, size_t index)
{
	char text[32];
	size_t before = walk->len;
	int len = snprintf(text, sizeof text, "[%zu]", index);
	policy_walk_append(walk, text, (size_t)len);
	return before;
}

void policy_walk_back(struct policy_walk *walk, size_t len)
{
	walk->len = len;
	walk->path[len] = '\0';
}

void policy_walk_problem(struct policy_walk *walk, struct json_text value, const char *message)
{
	policy_problem(walk->problems, POLICY_ERROR, walk->path, value, "%s", message);
}

void policy_walk_invalid(struct policy_walk *walk, struct json_text value, const char *why)
{
	int len = value.len > POLICY_VALUE_MAX ? POLICY_VALUE_MAX : (int)value.len;
	policy_problem(walk->problems, POLICY_ERROR, walk->path, value, "Invalid value: %.*s: %s",
	               len, value.at, why);
}

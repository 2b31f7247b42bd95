#include "k8s/open_lists.h"

#include <stdio.h>
#include <string.h>

static void list_name(const struct event *event, char name[POLICY_LIST_SIZE])
{
	const char *slash = event->api_version.at == NULL
	                            ? NULL
	                            : memchr(event->api_version.at, '/', event->api_version.len);
	size_t group = slash == NULL ? 0 : (size_t)(slash - event->api_version.at);
	snprintf(name, POLICY_LIST_SIZE, "%.*s/%.*s", (int)group,
	         slash == NULL ? "" : event->api_version.at, (int)event->kind.len,
	         event->kind.at == NULL ? "" : event->kind.at);
}

static size_t list_at(const struct policy_lists *lists, const char *name)
{
	size_t at = 0;
	while (at < lists->count && strcmp(lists->names[at], name) != 0)
		at++;
	return at;
}

void policy_lists_begin(struct policy_lists *lists, const struct event *mark)
{
	char name[POLICY_LIST_SIZE];
	list_name(mark, name);
	if (list_at(lists, name) < lists->count)
		return;
	if (lists->count == POLICY_LISTS_MAX)
		lists->lost = true;
	else
		memcpy(lists->names[lists->count++], name, POLICY_LIST_SIZE);
}

void policy_lists_end(struct policy_lists *lists, const struct event *mark)
{
	char name[POLICY_LIST_SIZE];
	list_name(mark, name);
	size_t at = list_at(lists, name);
	if (at < lists->count)
		memmove(lists->names[at], lists->names[--lists->count], POLICY_LIST_SIZE);
}

bool policy_lists_any(const struct policy_lists *lists)
{
	return lists->count > 0 || lists->lost;
}

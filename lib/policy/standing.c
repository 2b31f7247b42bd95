#include "policy/standing.h"

#include <stdio.h>
#include <string.h>

static char *copy(struct json_text text)
{
	char *string = strndup(text.at, text.len);
	if (string == NULL)
		abort();
	return string;
}

static struct policy_stand *at(struct policy_stand **table, const char *key)
{
	struct policy_stand *stand = NULL;
	HASH_FIND_STR(*table, key, stand);
	if (stand != NULL)
		return stand;
	stand = calloc(1, sizeof *stand);
	if (stand == NULL)
		abort();
	stand->key = copy(json_of(key));
	HASH_ADD_KEYPTR(hh, *table, stand->key, strlen(stand->key), stand);
	return stand;
}

static void unsee(struct policy_stand *stand)
{
	free(stand->seen);
	stand->seen = NULL;
	stand->listed = false;
}

static void take_mark(struct policy_stand *table, enum event_mark mark)
{
	for (struct policy_stand *stand = table; stand != NULL; stand = stand->hh.next) {
		if (mark == EVENT_MARK_BEGIN)
			stand->listed = false;
		else if (mark == EVENT_MARK_END && !stand->listed)
			unsee(stand);
	}
}

void policy_standing_take(struct policy_standing *standing, const struct event *event)
{
	char key[EVENT_KEY_SIZE];
	bool space = event_is(event, "", "Namespace");
	struct policy_stand **table = space ? &standing->spaces : &standing->policies;
	if (!space && !event_is(event, "networking.k8s.io", "NetworkPolicy"))
		return;
	if (event->type == EVENT_BOOKMARK)
		take_mark(*table, event->mark);
	if (event->type > EVENT_DELETED || (!space && event->namespace.at == NULL))
		return;
	if (space)
		snprintf(key, sizeof key, "%.*s", (int)event->name.len, event->name.at);
	else
		event_key(event, key);
	struct policy_stand *stand = at(table, key);
	unsee(stand);
	if (event->type == EVENT_DELETED)
		return;
	stand->seen = copy(event->object);
	stand->listed = true;
	stand->unwanted = false;
}

void policy_standing_operation(struct policy_standing *standing, struct json_text line)
{
	char key[EVENT_KEY_SIZE];
	struct json_text type = json_get(line, "type"), object = json_get(line, "object");
	bool apply = json_equals(type, "APPLY");
	if ((!apply && !json_equals(type, "DELETE")) ||
	    !json_equals(json_get(object, "kind"), "NetworkPolicy"))
		return;
	struct json_text space = json_plain(json_get(object, "metadata", "namespace"));
	struct json_text name = json_plain(json_get(object, "metadata", "name"));
	if (space.at == NULL || name.at == NULL)
		return;
	snprintf(key, sizeof key, "%.*s/%.*s", (int)space.len, space.at, (int)name.len, name.at);
	struct policy_stand *stand = at(&standing->policies, key);
	free(stand->wanted);
	stand->wanted = apply ? copy(object) : NULL;
	stand->unwanted = !apply;
}

static int by_key(const struct policy_stand *a, const struct policy_stand *b)
{
	return strcmp(a->key, b->key);
}

void policy_standing_sort(struct policy_standing *standing)
{
	HASH_SORT(standing->policies, by_key);
}

struct json_text policy_stand_object(const struct policy_stand *stand)
{
	const char *text = stand->wanted != NULL ? stand->wanted : stand->seen;
	if (text == NULL || stand->unwanted)
		return (struct json_text){0};
	return json_of(text);
}

struct json_text policy_standing_space(const struct policy_standing *standing, const char *name)
{
	struct policy_stand *stand = NULL;
	HASH_FIND_STR(standing->spaces, name, stand);
	if (stand == NULL || stand->seen == NULL)
		return (struct json_text){0};
	return json_get(json_of(stand->seen), "metadata", "labels");
}

static void free_table(struct policy_stand **table)
{
	struct policy_stand *stand, *next;
	HASH_ITER(hh, *table, stand, next)
	{
		HASH_DEL(*table, stand);
		free(stand->key);
		free(stand->seen);
		free(stand->wanted);
		free(stand);
	}
}

void policy_standing_free(struct policy_standing *standing)
{
	free_table(&standing->policies);
	free_table(&standing->spaces);
}

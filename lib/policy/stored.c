#include "policy/stored.h"

#include <stdio.h>
#include <string.h>

static char *copy(struct json_text text)
{
	char *string = strndup(text.at, text.len);
	if (string == NULL)
		abort();
	return string;
}

static struct policy_stored_object *at(struct policy_stored_object **table, const char *key)
{
	struct policy_stored_object *entry = NULL;
	HASH_FIND_STR(*table, key, entry);
	if (entry != NULL)
		return entry;
	entry = calloc(1, sizeof *entry);
	if (entry == NULL)
		abort();
	entry->key = copy(json_of(key));
	HASH_ADD_KEYPTR(hh, *table, entry->key, strlen(entry->key), entry);
	return entry;
}

static void unsee(struct policy_stored_object *entry)
{
	free(entry->seen);
	entry->seen = NULL;
	entry->listed = false;
}

static void take_mark(struct policy_stored_object *table, enum event_mark mark)
{
	for (struct policy_stored_object *entry = table; entry != NULL; entry = entry->hh.next) {
		if (mark == EVENT_MARK_BEGIN)
			entry->listed = false;
		else if (mark == EVENT_MARK_END && !entry->listed)
			unsee(entry);
	}
}

void policy_stored_take(struct policy_stored *stored, const struct event *event)
{
	char key[EVENT_KEY_SIZE];
	bool namespace = event_is(event, "", "Namespace");
	struct policy_stored_object **table = namespace ? &stored->namespaces : &stored->policies;
	if (!namespace && !event_is(event, "networking.k8s.io", "NetworkPolicy"))
		return;
	if (event->type == EVENT_BOOKMARK)
		take_mark(*table, event->mark);
	if (event->type > EVENT_DELETED || (!namespace && event->namespace.at == NULL))
		return;
	if (namespace)
		snprintf(key, sizeof key, "%.*s", (int)event->name.len, event->name.at);
	else
		event_key(event, key);
	struct policy_stored_object *entry = at(table, key);
	unsee(entry);
	if (event->type == EVENT_DELETED)
		return;
	entry->seen = copy(event->object);
	entry->listed = true;
	entry->unwanted = false;
}

void policy_stored_operation(struct policy_stored *stored, struct json_text line)
{
	char key[EVENT_KEY_SIZE];
	struct json_text type = json_get(line, "type"), object = json_get(line, "object");
	bool apply = json_equals(type, "APPLY");
	if ((!apply && !json_equals(type, "DELETE")) ||
	    !json_equals(json_get(object, "kind"), "NetworkPolicy"))
		return;
	struct json_text namespace = json_plain(json_get(object, "metadata", "namespace"));
	struct json_text name = json_plain(json_get(object, "metadata", "name"));
	if (namespace.at == NULL || name.at == NULL)
		return;
	snprintf(key, sizeof key, "%.*s/%.*s", (int)namespace.len, namespace.at, (int)name.len, name.at);
	struct policy_stored_object *entry = at(&stored->policies, key);
	free(entry->wanted);
	entry->wanted = apply ? copy(object) : NULL;
	entry->unwanted = !apply;
}

static int by_key(const struct policy_stored_object *a, const struct policy_stored_object *b)
{
	return strcmp(a->key, b->key);
}

void policy_stored_sort(struct policy_stored *stored)
{
	HASH_SORT(stored->policies, by_key);
}

struct json_text policy_stored_text(const struct policy_stored_object *entry)
{
	const char *text = entry->wanted != NULL ? entry->wanted : entry->seen;
	if (text == NULL || entry->unwanted)
		return (struct json_text){0};
	return json_of(text);
}

struct json_text policy_stored_namespace(const struct policy_stored *stored, const char *name)
{
	struct policy_stored_object *entry = NULL;
	HASH_FIND_STR(stored->namespaces, name, entry);
	if (entry == NULL || entry->seen == NULL)
		return (struct json_text){0};
	return json_get(json_of(entry->seen), "metadata", "labels");
}

static void free_table(struct policy_stored_object **table)
{
	struct policy_stored_object *entry, *next;
	HASH_ITER(hh, *table, entry, next)
	{
		HASH_DEL(*table, entry);
		free(entry->key);
		free(entry->seen);
		free(entry->wanted);
		free(entry);
	}
}

void policy_stored_free(struct policy_stored *stored)
{
	free_table(&stored->policies);
	free_table(&stored->namespaces);
}

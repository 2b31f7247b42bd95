#include "k8s/event.h"

#include <stdio.h>
#include <string.h>

#include "k8s/name.h"

const char *const event_type_names[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", NULL};

static const char *read_type(struct json_text type, enum event_type *out)
{
	for (int i = 0; event_type_names[i] != NULL; i++) {
		if (json_equals(type, event_type_names[i])) {
			*out = (enum event_type)i;
			return NULL;
		}
	}
	return "\"type\" is not that of a watch event";
}

static enum event_mark read_mark(struct json_text metadata)
{
	struct json_text annotations = json_get(metadata, "annotations");
	if (json_equals(json_get(annotations, "agent-egress.dev/initial-events-begin"), "true"))
		return EVENT_MARK_BEGIN;
	if (json_equals(json_get(annotations, "k8s.io/initial-events-end"), "true"))
		return EVENT_MARK_END;
	return EVENT_MARK_NONE;
}

static const char *read_identity(struct event *event)
{
	enum { NAMESPACE, NAME, UID, VERSION, COUNT };
	static const char *const keys[COUNT] = {"namespace", "name", "uid", "resourceVersion"};
	struct json_text found[COUNT];
	json_pick(event->metadata, COUNT, keys, found);
	event->namespace = json_plain(found[NAMESPACE]);
	event->name = json_plain(found[NAME]);
	event->uid = json_plain(found[UID]);
	event->resource_version = json_plain(found[VERSION]);
	if (event->type == EVENT_BOOKMARK || event->type == EVENT_ERROR)
		return NULL;
	if (event->api_version.at == NULL || event->kind.at == NULL || event->kind.len == 0)
		return "the object has no apiVersion or kind";
	if (!k8s_name_usable(event->name))
		return "the object's metadata.name is missing or not a name";
	bool namespaced = json_type(found[NAMESPACE]) == JSON_STRING && found[NAMESPACE].len > 2;
	if (!namespaced)
		event->namespace = (struct json_text){0};
	else if (!k8s_name_usable(event->namespace))
		return "the object's metadata.namespace is not a name";
	return NULL;
}

const char *event_read(struct json_text text, struct event *event)
{
	enum { TYPE, OBJECT, VERIFICATION, RESOLUTION, ATTESTATION, TIME, COUNT };
	static const char *const keys[COUNT] = {"type",       "object",      "verification",
	                                        "resolution", "attestation", "time"};
	struct json_text found[COUNT];
	*event = (struct event){0};
	json_pick(text, COUNT, keys, found);
	const char *wrong = read_type(found[TYPE], &event->type);
	if (wrong != NULL)
		return wrong;
	if (json_type(found[OBJECT]) != JSON_OBJECT)
		return "\"object\" is missing or not an object";
	event->object = found[OBJECT];
	event->verification = found[VERIFICATION];
	event->resolution = found[RESOLUTION];
	event->attestation = found[ATTESTATION];
	event->time = found[TIME];

	enum { API_VERSION, KIND, METADATA, PARTS };
	static const char *const parts[PARTS] = {"apiVersion", "kind", "metadata"};
	struct json_text part[PARTS];
	json_pick(event->object, PARTS, parts, part);
	event->api_version = json_plain(part[API_VERSION]);
	event->kind = json_plain(part[KIND]);
	event->metadata = part[METADATA];
	if (event->type == EVENT_BOOKMARK)
		event->mark = read_mark(event->metadata);
	return read_identity(event);
}

bool event_is(const struct event *event, const char *group, const char *kind)
{
	size_t kind_len = strlen(kind), group_len = strlen(group);
	if (event->kind.len != kind_len || memcmp(event->kind.at, kind, kind_len) != 0)
		return false;
	struct json_text api = event->api_version;
	if (api.at == NULL)
		return false;
	if (group_len == 0)
		return memchr(api.at, '/', api.len) == NULL;
	return api.len > group_len && memcmp(api.at, group, group_len) == 0 &&
	       api.at[group_len] == '/';
}

void event_key(const struct event *event, char key[EVENT_KEY_SIZE])
{
	snprintf(key, EVENT_KEY_SIZE, "%.*s/%.*s", (int)event->namespace.len,
	         event->namespace.at == NULL ? "" : event->namespace.at, (int)event->name.len,
	         event->name.at == NULL ? "" : event->name.at);
}

bool event_lacks_rules(const struct event *mark)
{
	struct json_text schema = json_get(mark->metadata, "annotations", "agent-egress.dev/schema");
	return json_equals(schema, "none") || json_equals(schema, "unknown");
}

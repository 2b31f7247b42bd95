/*
 * Kubernetes watch events and the identity of the objects in them
 * (API concepts, "Efficient detection of changes"; metav1.WatchEvent).
 *
 * Everything borrows from the line that was read.
 */
#ifndef K8S_EVENT_H
#define K8S_EVENT_H

#include "json/json.h"

enum event_type {
	EVENT_ADDED,    /* an upsert, as MODIFIED is */
	EVENT_MODIFIED,
	EVENT_DELETED,
	EVENT_BOOKMARK,
	EVENT_ERROR,
};

/* What a BOOKMARK says about the list of its kind. */
enum event_mark {
	EVENT_MARK_NONE,
	EVENT_MARK_BEGIN, /* agent-egress.dev/initial-events-begin: "true" */
	EVENT_MARK_END,   /* k8s.io/initial-events-end: "true" */
};

struct event {
	enum event_type type;
	enum event_mark mark;
	struct json_text object;
	struct json_text metadata;
	struct json_text verification; /* of a verified event; else absent */
	struct json_text resolution;   /* of one whose names were resolved; else absent */
	struct json_text attestation;  /* who was at the other end when it was fetched; else absent */
	struct json_text time;         /* when it was read from the server; else absent */
	/* identity; strings decoded only when they hold no escapes (names never do), else absent */
	struct json_text api_version, kind, namespace, name, uid, resource_version;
};

/* Reads a checked JSON text as an event. NULL when it is one, else a static reason. An
 * ADDED, MODIFIED or DELETED needs an object with apiVersion, kind and metadata.name; names
 * and namespaces must be printable ASCII of at most 253 bytes. */
const char *event_read(struct json_text text, struct event *event);

/* Of the AgentCards' begin mark: the server may leave the rules of the cards that follow out, because
 * the definition that it serves has no place for them, or because that cannot be known. */
bool event_lacks_rules(const struct event *mark);

/* True when the object is of this API group ("" is the core group) and kind, any version. */
bool event_is(const struct event *event, const char *group, const char *kind);

/* "namespace/name", for tables; at most 507 bytes and NUL. */
enum { EVENT_KEY_SIZE = 512 };
void event_key(const struct event *event, char key[EVENT_KEY_SIZE]);

extern const char *const event_type_names[];

#endif

/*
 * What of an object goes into the event log: only what the later stages use, because objects
 * hold secrets and a log must not.
 *
 *   KUBE_WHOLE     everything but metadata.managedFields and kubectl's last-applied annotation
 *   KUBE_WORKLOAD  identity, labels, spec.selector, and of the pod template its labels and
 *                  serviceAccountName
 *
 * With `full`, everything but managedFields, whatever the shape.
 */
#ifndef WATCH_OBJECT_PRIVATE_H
#define WATCH_OBJECT_PRIVATE_H

#include "base/buffer.h"
#include "json/json.h"

enum kube_shape { KUBE_WHOLE, KUBE_WORKLOAD };

/* A kind of object as the API server serves it. Borrows its strings. */
struct kube_kind {
	const char *group; /* "" is the core group */
	const char *version, *plural, *kind;
	enum kube_shape shape;
};

enum { KUBE_KEY_SIZE = 512, KUBE_NAME_MAX = 253 };

/* An object's identity; it borrows from the object. */
struct kube_identity {
	struct json_text namespace, name, resource_version; /* plain text; namespace may be empty */
	char key[KUBE_KEY_SIZE];                            /* "namespace/name" */
};

/* False when it has no usable name or resourceVersion. `object` has passed json_check(). */
bool kube_identify(struct json_text object, struct kube_identity *identity);

/* `{"type":"TYPE","object":{…}}`. Lists leave out apiVersion and kind, so they come from
 * `kind`. */
void kube_event_put(struct json_buffer *out, const char *type, const struct kube_kind *kind,
                    struct json_text object, bool full);

/* The same, of an object of which only its key "namespace/name" is known. */
void kube_event_put_key(struct json_buffer *out, const char *type, const struct kube_kind *kind,
                        const char *key);

/* A BOOKMARK with one annotation set to "true". */
void kube_event_put_mark(struct json_buffer *out, const struct kube_kind *kind,
                         const char *annotation);

#endif

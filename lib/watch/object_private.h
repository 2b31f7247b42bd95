/*
 * What of an object goes into the event log: only what the later stages use, because objects
 * hold secrets and a log must not.
 *
 *   K8S_WHOLE     everything but metadata.managedFields and kubectl's last-applied annotation
 *                 without the annotation that egress-fetch alone writes; of an AgentCard's status
 *                 what the later stages read
 *   K8S_WORKLOAD  identity, owners, labels, spec.selector, status.selector, and of the pod template
 *                 its labels, hostNetwork, serviceAccountName and its containers' ports
 *
 * With `full`, everything but managedFields (and that annotation), whatever the shape.
 */
#ifndef WATCH_OBJECT_PRIVATE_H
#define WATCH_OBJECT_PRIVATE_H

#include "base/buffer.h"
#include "k8s/kind.h"
#include "k8s/object.h"

/* `{"type":"TYPE","object":{…}}`. Lists leave out apiVersion and kind, so they come from
 * `kind`. */
void kube_event_put(struct json_buffer *out, const char *type, const struct k8s_kind *kind,
                    struct json_text object, bool full);

/* The same, of an object of which only its key "namespace/name" is known. */
void kube_event_put_key(struct json_buffer *out, const char *type, const struct k8s_kind *kind,
                        const char *key);

/* A BOOKMARK with this annotation set to "true", and `more` set to `value`; each may be NULL. */
void kube_event_put_mark(struct json_buffer *out, const struct k8s_kind *kind,
                         const char *annotation, const char *more, const char *value);

/* Adds `"time":"…"` to the event that ends the buffer, of seconds since 1970. */
void kube_event_put_time(struct json_buffer *out, int64_t seconds);

#endif

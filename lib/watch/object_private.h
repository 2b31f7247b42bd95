/*
 * What of an object goes into the event log: only what the later stages use, because objects
 * hold secrets and a log must not.
 *
 *   K8S_WHOLE     everything but metadata.managedFields and kubectl's last-applied annotation
 *   K8S_WORKLOAD  identity, labels, owners, spec.selector, status.selector, and of the pod template
 *                 its labels, serviceAccountName, hostNetwork (always) and the names and numbers of
 *                 its containers' ports
 *
 * With `full`, everything but managedFields, whatever the shape.
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

/* A BOOKMARK with one annotation set to "true". */
void kube_event_put_mark(struct json_buffer *out, const struct k8s_kind *kind,
                         const char *annotation);

#endif

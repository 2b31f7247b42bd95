/*
 * Which object: the identity of a Kubernetes object (metav1.TypeMeta and ObjectMeta).
 *
 * Ownership: an identity borrows from the object that was read, which passed json_check(). Members
 * are plain text, without quotes or escapes; an absent one is not there.
 */
#ifndef K8S_OBJECT_H
#define K8S_OBJECT_H

#include "json/json.h"

struct kube_identity {
	struct json_text api_version;           /* "networking.k8s.io/v1" */
	struct json_text group, version;        /* its two parts; the group of "v1" is absent */
	struct json_text kind, namespace, name; /* no namespace: cluster-scoped */
	struct json_text uid, resource_version;
};

/* All of it, of an object of whom nothing is trusted: names are what Kubernetes allows (RFC 1123
 * labels and subdomains; kinds and versions of letters and digits), so that no later code needs to
 * escape them in a path or a file name. uid and resourceVersion are as they are found. NULL, or a
 * static reason. */
const char *k8s_object_identify(struct json_text object, struct kube_identity *id);

/* What of it stands in metadata, of an item of a list, which has no apiVersion and kind. False
 * when it has no name or resourceVersion, or one that cannot stand in a message
 * (k8s_name_usable()). */
bool k8s_object_names(struct json_text object, struct kube_identity *id);

/* "namespace/name", for tables. */
enum { KUBE_KEY_SIZE = 512 };
void kube_identity_key(const struct kube_identity *id, char key[KUBE_KEY_SIZE]);

/* "NetworkPolicy team-a/billing", for messages; truncated to fit. */
enum { KUBE_TITLE_SIZE = 400 };
void kube_identity_title(const struct kube_identity *id, char title[KUBE_TITLE_SIZE]);

/* The label that makes an object ours: app.kubernetes.io/managed-by with POLICY_MANAGER. */
bool kube_is_managed(struct json_text object);

#endif

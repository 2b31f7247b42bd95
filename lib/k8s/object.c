#include "k8s/object.h"

#include <stdio.h>

#include "k8s/name.h"
#include "k8s/operator.h"

static bool read_api_version(struct kube_identity *id)
{
	const char *slash = memchr(id->api_version.at, '/', id->api_version.len);
	if (slash == NULL) {
		id->version = id->api_version;
		return policy_is_word(id->version);
	}
	size_t len = (size_t)(slash - id->api_version.at);
	id->group = (struct json_text){id->api_version.at, len};
	id->version = (struct json_text){slash + 1, id->api_version.len - len - 1};
	return policy_is_subdomain(id->group) && policy_is_word(id->version);
}

/* True when a namespace is there, whatever it is. */
static bool read_metadata(struct json_text metadata, struct kube_identity *id)
{
	enum { NAMESPACE, NAME, UID, VERSION, COUNT };
	static const char *const keys[COUNT] = {"namespace", "name", "uid", "resourceVersion"};
	struct json_text found[COUNT];
	json_pick(metadata, COUNT, keys, found);
	id->namespace = json_plain(found[NAMESPACE]);
	id->name = json_plain(found[NAME]);
	id->uid = json_plain(found[UID]);
	id->resource_version = json_plain(found[VERSION]);
	return found[NAMESPACE].at != NULL;
}

const char *k8s_object_identify(struct json_text object, struct kube_identity *id)
{
	enum { API_VERSION, KIND, METADATA, COUNT };
	static const char *const keys[COUNT] = {"apiVersion", "kind", "metadata"};
	struct json_text found[COUNT];
	*id = (struct kube_identity){0};
	json_pick(object, COUNT, keys, found);
	id->api_version = json_plain(found[API_VERSION]);
	id->kind = json_plain(found[KIND]);
	if (id->api_version.at == NULL || !read_api_version(id))
		return "object.apiVersion is missing or not a group and version";
	if (!policy_is_word(id->kind))
		return "object.kind is missing or not a kind";
	bool namespaced = read_metadata(found[METADATA], id);
	if (!policy_is_subdomain(id->name))
		return "object.metadata.name is missing or not an RFC 1123 subdomain";
	if (namespaced && !policy_is_label(id->namespace))
		return "object.metadata.namespace is not an RFC 1123 label";
	return NULL;
}

bool k8s_object_names(struct json_text object, struct kube_identity *id)
{
	*id = (struct kube_identity){0};
	read_metadata(json_get(object, "metadata"), id);
	if (id->namespace.len == 0)
		id->namespace = (struct json_text){0};
	return k8s_name_usable(id->name) && k8s_name_usable(id->resource_version) &&
	       (id->namespace.at == NULL || k8s_name_usable(id->namespace));
}

void kube_identity_key(const struct kube_identity *id, char key[KUBE_KEY_SIZE])
{
	snprintf(key, KUBE_KEY_SIZE, "%.*s/%.*s", (int)id->namespace.len,
	         id->namespace.at == NULL ? "" : id->namespace.at, (int)id->name.len, id->name.at);
}

void kube_identity_title(const struct kube_identity *id, char title[KUBE_TITLE_SIZE])
{
	snprintf(title, KUBE_TITLE_SIZE, "%.*s %.*s%s%.*s", (int)id->kind.len, id->kind.at,
	         (int)id->namespace.len, id->namespace.at == NULL ? "" : id->namespace.at,
	         id->namespace.at == NULL ? "" : "/", (int)id->name.len, id->name.at);
}

bool kube_is_managed(struct json_text object)
{
	return json_equals(json_get(object, "metadata", "labels", "app.kubernetes.io/managed-by"),
	                   POLICY_MANAGER);
}

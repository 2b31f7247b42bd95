#include "targets/cilium_selector_private.h"

#include <string.h>

#include "k8s/name.h"
#include "json/write.h"
#include "json/json.h"

#define SPACE_NAME "kubernetes.io/metadata.name"
#define SPACE_LABELS "k8s:io.cilium.k8s.namespace.labels."

/* Labels of pods that Cilium leaves out of an identity unless it is told otherwise, by how their keys
 * begin ("Limiting Identity-Relevant Labels"; the defaults of pkg/labelsfilter up to 1.20.2, and more
 * of each kind). A selector that asks for one selects nobody, one that forbids it everybody; and
 * io.kubernetes.pod.namespace among them would name another namespace. */
static const struct {
	const char *begins;
	const char *since; /* 1.18: then or before */
} left_out[] = {
        {"io.kubernetes", "1.18"},
        {"io.cilium.k8s", "1.18"},
        {"kubernetes.io", "1.18"},
        {"k8s.io", "1.18"},
        {"topology.kubernetes.io", "1.19"},
        {"statefulset.kubernetes.io/pod-name", "1.18"},
        {"apps.kubernetes.io/pod-index", "1.18"},
        {"batch.kubernetes.io/", "1.18"},
        {"pod-template-generation", "1.18"},
        {"pod-template-hash", "1.18"},
        {"controller-revision-hash", "1.18"},
        {"controller-uid", "1.18"},
        {"annotation", "1.18"},
        {"etcd_node", "1.18"},
};
/* And by what stands anywhere in them, those of namespaces among them. */
static const char left_out_anywhere[] = "beta.kubernetes.io";

static bool begins(struct json_text text, const char *with)
{
	size_t len = strlen(with);
	return text.len >= len && memcmp(text.at, with, len) == 0;
}

/* Cilium puts `k8s.` before the key, or `k8s.` and more before that of a namespace's label, and
 * then refuses an object whose key is none of Kubernetes', as a whole and after the API server took
 * it: the agent would have no policy at all. (1.20 leaves `k8s.` out again before it looks; the
 * longer one is counted.) */
static bool fits_with_prefix(struct json_text key, bool of_namespace)
{
	enum { NAME_MAX_BYTES = 63, PREFIX_MAX_BYTES = 253 };
	size_t before = of_namespace ? strlen("k8s.io.cilium.k8s.namespace.labels.") : strlen("k8s.");
	const char *slash = memchr(key.at, '/', key.len);
	if (slash == NULL)
		return before + key.len <= NAME_MAX_BYTES;
	return before + (size_t)(slash - key.at) <= PREFIX_MAX_BYTES;
}

static bool key_usable(struct json_text key, bool of_namespace)
{
	key = json_plain(key);
	if (key.at == NULL || !policy_is_label_key(key) ||
	    memmem(key.at, key.len, left_out_anywhere, strlen(left_out_anywhere)) != NULL)
		return false;
	for (size_t i = 0; !of_namespace && i < sizeof left_out / sizeof left_out[0]; i++)
		if (begins(key, left_out[i].begins))
			return false;
	return (of_namespace && json_same(key, json_of(SPACE_NAME))) || fits_with_prefix(key, of_namespace);
}

static bool value_usable(struct json_text value)
{
	value = json_plain(value);
	return value.at != NULL && policy_is_label_value(value);
}

static bool expression_usable(struct json_text expression, bool of_namespace)
{
	struct json_text values = json_get(expression, "values");
	for (struct json_member m = json_first(values); m.value.at; m = json_next(m))
		if (!value_usable(m.value))
			return false;
	return key_usable(json_get(expression, "key"), of_namespace);
}

/* Can all of the selector be written? */
static bool selector_usable(struct json_text selector, bool of_namespace)
{
	struct json_text labels = json_get(selector, "matchLabels");
	struct json_text expressions = json_get(selector, "matchExpressions");
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m))
		if (!key_usable(m.key, of_namespace) || !value_usable(m.value))
			return false;
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m))
		if (!expression_usable(m.value, of_namespace))
			return false;
	return true;
}

static void put_key(struct json_buffer *out, struct json_text key, bool of_namespace)
{
	if (of_namespace && json_equals(key, SPACE_NAME)) {
		json_puts(out, "\"" POLICY_CILIUM_SPACE "\"");
		return;
	}
	json_puts(out, of_namespace ? "\"" SPACE_LABELS : "\"k8s:");
	json_puttext(out, json_plain(key));
	json_putc(out, '"');
}

/* What cannot be used is left out, so more is selected. */
static void put_labels(struct json_buffer *out, struct json_text selector, bool of_namespace)
{
	struct json_text labels = json_get(selector, "matchLabels");
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		if (!key_usable(m.key, of_namespace) || !value_usable(m.value))
			continue;
		json_put_comma(out);
		put_key(out, m.key, of_namespace);
		json_putc(out, ':');
		json_puttext(out, m.value);
	}
}

static void put_expressions(struct json_buffer *out, struct json_text selector, bool of_namespace)
{
	struct json_text expressions = json_get(selector, "matchExpressions");
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m)) {
		struct json_text values = json_get(m.value, "values");
		if (!expression_usable(m.value, of_namespace))
			continue;
		json_put_comma(out);
		json_puts(out, "{\"key\":");
		put_key(out, json_get(m.value, "key"), of_namespace);
		json_puts(out, ",\"operator\":");
		json_puttext(out, json_get(m.value, "operator"));
		if (!json_is_empty(values)) {
			json_puts(out, ",\"values\":");
			json_puttext(out, values);
		}
		json_putc(out, '}');
	}
}

static void close_labels(struct json_buffer *out, size_t empty)
{
	/* without a label the member is left out, as a server would */
	if (out->len == empty)
		out->len -= strlen("\"matchLabels\":{");
	else
		json_putc(out, '}');
}

static void close_expressions(struct json_buffer *out, size_t start, size_t empty)
{
	if (out->len == empty)
		out->len = start;
	else
		json_putc(out, ']');
	json_putc(out, '}');
}

void policy_cilium_put_selector(struct json_buffer *out, struct json_text selector)
{
	json_puts(out, "{\"matchLabels\":{");
	size_t empty = out->len;
	put_labels(out, selector, false);
	close_labels(out, empty);
	size_t start = out->len;
	json_put_comma(out);
	json_puts(out, "\"matchExpressions\":[");
	empty = out->len;
	put_expressions(out, selector, false);
	close_expressions(out, start, empty);
}

bool policy_cilium_selector_usable(struct json_text selector)
{
	return selector_usable(selector, false);
}

bool policy_cilium_peer_usable(struct json_text peer)
{
	return selector_usable(json_get(peer, "namespaceSelector"), true) &&
	       selector_usable(json_get(peer, "podSelector"), false);
}

/* A selector that only excludes would also match what is no pod: one of namespaces asks for pods.
 */
void policy_cilium_put_peer(struct json_buffer *out, const char *namespace, struct json_text peer)
{
	struct json_text namespaces = json_get(peer, "namespaceSelector");
	struct json_text pods = json_get(peer, "podSelector");
	json_put_comma(out);
	json_puts(out, "{\"matchLabels\":{");
	size_t empty = out->len;
	if (namespaces.at == NULL)
		json_putf(out, "\"" POLICY_CILIUM_SPACE "\":\"%s\"", namespace);
	put_labels(out, namespaces, true);
	put_labels(out, pods, false);
	close_labels(out, empty);
	size_t start = out->len;
	json_put_comma(out);
	json_puts(out, "\"matchExpressions\":[");
	empty = out->len;
	if (namespaces.at != NULL && json_get(namespaces, "matchLabels", SPACE_NAME).at == NULL)
		json_puts(out, "{\"key\":\"" POLICY_CILIUM_SPACE "\",\"operator\":\"Exists\"}");
	put_expressions(out, namespaces, true);
	put_expressions(out, pods, false);
	close_expressions(out, start, empty);
}

#include "watch/object_private.h"
#include "json/write.h"

#include <stdio.h>
#include <string.h>

#include "k8s/workload.h"
#include "os/clock.h"

/* An agent that could write this into a ConfigMap of its own would attest itself. */
static const char FETCHED[] = "agent-egress.dev/fetched-from";
static const char LAST_APPLIED[] = "kubectl.kubernetes.io/last-applied-configuration";

/* `"key":value` when there is a value. */
static void put_value(struct json_buffer *out, const char *key, struct json_text value)
{
	if (value.at == NULL)
		return;
	json_put_key(out, key);
	json_puttext(out, value);
}

static void put_text(struct json_buffer *out, const char *key, const char *value)
{
	json_put_key(out, key);
	json_put_string(out, value);
}

static void put_type(struct json_buffer *out, const struct k8s_kind *kind)
{
	json_put_key(out, "apiVersion");
	json_putf(out, "\"%s%s%s\"", kind->group, kind->group[0] == '\0' ? "" : "/",
	          kind->version);
	put_text(out, "kind", kind->kind);
}

static void put_annotations(struct json_buffer *out, struct json_text annotations, bool full)
{
	json_put_key(out, "annotations");
	json_putc(out, '{');
	for (struct json_member m = json_first(annotations); m.value.at; m = json_next(m))
		if (!json_equals(m.key, FETCHED) && (full || !json_equals(m.key, LAST_APPLIED)))
			json_put_member(out, &m);
	json_putc(out, '}');
}

static void put_metadata(struct json_buffer *out, struct json_text metadata, bool full)
{
	json_put_key(out, "metadata");
	json_putc(out, '{');
	for (struct json_member m = json_first(metadata); m.value.at; m = json_next(m)) {
		if (json_equals(m.key, "managedFields"))
			continue;
		if (json_equals(m.key, "annotations") && json_type(m.value) == JSON_OBJECT)
			put_annotations(out, m.value, full);
		else
			json_put_member(out, &m);
	}
	json_putc(out, '}');
}

/* What is judged of it, and what is compared when we write it; the rest changes often. */
static void put_card_status(struct json_buffer *out, struct json_text status)
{
	static const char *const kept[] = {
		"card", "conditions", "signatureIdentityMatch", "validSignature",
		"observedGeneration", "signatureSpiffeId", "signatureKeyId",
		"attestedAgentSpiffeId", "targetRef", "networkPolicy",
	};
	enum { KEPT = sizeof kept / sizeof *kept };
	struct json_text found[KEPT];
	json_pick(status, KEPT, kept, found);
	json_put_key(out, "status");
	json_putc(out, '{');
	for (size_t i = 0; i < KEPT; i++)
		put_value(out, kept[i], found[i]);
	json_putc(out, '}');
}

static void put_whole(struct json_buffer *out, const struct k8s_kind *kind,
                      struct json_text object, bool full)
{
	bool card = !full && strcmp(kind->kind, "AgentCard") == 0;
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m)) {
		if (json_equals(m.key, "apiVersion") || json_equals(m.key, "kind"))
			continue;
		if (json_equals(m.key, "metadata"))
			put_metadata(out, m.value, full);
		else if (card && json_equals(m.key, "status") && json_type(m.value) == JSON_OBJECT)
			put_card_status(out, m.value);
		else
			json_put_member(out, &m);
	}
}

static void put_ports(struct json_buffer *out, struct json_text ports)
{
	json_putc(out, '[');
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		json_put_comma(out);
		json_putc(out, '{');
		put_value(out, "name", json_get(m.value, "name"));
		put_value(out, "containerPort", json_get(m.value, "containerPort"));
		put_value(out, "protocol", json_get(m.value, "protocol"));
		json_putc(out, '}');
	}
	json_putc(out, ']');
}

/* Of the containers their ports alone, of those that have any. */
static void put_containers(struct json_buffer *out, struct json_text containers)
{
	json_put_key(out, "containers");
	json_putc(out, '[');
	for (struct json_member m = json_first(containers); m.value.at; m = json_next(m)) {
		struct json_text ports = json_get(m.value, "ports");
		if (json_is_empty(ports))
			continue;
		json_put_comma(out);
		json_putc(out, '{');
		put_value(out, "name", json_get(m.value, "name"));
		json_put_key(out, "ports");
		put_ports(out, ports);
		json_putc(out, '}');
	}
	json_putc(out, ']');
}

static void put_template(struct json_buffer *out, struct json_text template)
{
	struct json_text spec = json_get(template, "spec");
	json_puts(out, "{\"metadata\":{");
	put_value(out, "labels", json_get(template, "metadata", "labels"));
	json_puts(out, "},\"spec\":{");
	put_value(out, "serviceAccountName", json_get(spec, "serviceAccountName"));
	json_put_key(out, "hostNetwork");
	json_puts(out, json_is_true(json_get(spec, "hostNetwork")) ? "true" : "false");
	put_containers(out, json_get(spec, "containers"));
	json_puts(out, "}}");
}

/* The template where its row says that it stands, and the objects around it. */
static void put_path(struct json_buffer *out, const struct k8s_workload *row,
                     struct json_text template)
{
	size_t depth = 0;
	for (; depth < K8S_TEMPLATE_PATH && row->template[depth] != NULL; depth++) {
		if (depth > 0)
			json_putc(out, '{');
		json_put_key(out, row->template[depth]);
	}
	put_template(out, template);
	while (depth-- > 1)
		json_putc(out, '}');
}

static void put_workload(struct json_buffer *out, const struct k8s_kind *kind,
                         struct json_text object)
{
	static const char *const kept[] = {"name",   "namespace",       "uid",
	                                   "labels", "resourceVersion", "creationTimestamp",
	                                   "generation", "ownerReferences"};
	enum { KEPT = sizeof kept / sizeof *kept };
	struct json_text found[KEPT];
	enum k8s_workload_kind row = k8s_workload_in(kind->group, kind->kind);
	json_pick(json_get(object, "metadata"), KEPT, kept, found);
	json_put_key(out, "metadata");
	json_putc(out, '{');
	for (size_t i = 0; i < KEPT; i++)
		put_value(out, kept[i], found[i]);
	json_putc(out, '}');
	json_put_key(out, "spec");
	json_putc(out, '{');
	put_value(out, "selector", json_get(object, "spec", "selector"));
	struct json_text template = k8s_workload_template(row, object);
	if (template.at != NULL)
		put_path(out, &k8s_workloads[row], template);
	json_putc(out, '}');
	struct json_text selector = json_get(object, "status", "selector"); /* a Sandbox's */
	if (selector.at != NULL) {
		json_put_key(out, "status");
		json_puts(out, "{\"selector\":");
		json_puttext(out, selector);
		json_putc(out, '}');
	}
}

static void put_start(struct json_buffer *out, const char *type, const struct k8s_kind *kind)
{
	json_putf(out, "{\"type\":\"%s\",\"object\":{", type);
	put_type(out, kind);
}

void kube_event_put(struct json_buffer *out, const char *type, const struct k8s_kind *kind,
                    struct json_text object, bool full)
{
	put_start(out, type, kind);
	if (full || kind->shape == K8S_WHOLE)
		put_whole(out, kind, object, full);
	else
		put_workload(out, kind, object);
	json_puts(out, "}}");
}

void kube_event_put_key(struct json_buffer *out, const char *type, const struct k8s_kind *kind,
                        const char *key)
{
	const char *slash = strchr(key, '/');
	put_start(out, type, kind);
	json_puts(out, ",\"metadata\":{");
	if (slash != key) {
		json_put_key(out, "namespace");
		json_put_string_n(out, key, (size_t)(slash - key));
	}
	put_text(out, "name", slash + 1);
	json_puts(out, "}}}");
}

void kube_event_put_mark(struct json_buffer *out, const struct k8s_kind *kind,
                         const char *annotation, const char *more, const char *value)
{
	put_start(out, "BOOKMARK", kind);
	json_puts(out, ",\"metadata\":{");
	if (annotation != NULL) {
		json_putf(out, "\"annotations\":{\"%s\":\"true\"", annotation);
		if (more != NULL)
			put_text(out, more, value);
		json_putc(out, '}');
	}
	json_puts(out, "}}}");
}

void kube_event_put_time(struct json_buffer *out, int64_t seconds)
{
	char text[CLOCK_TEXT_SIZE];
	clock_format(seconds, text);
	out->len--; /* the event's closing brace */
	put_text(out, "time", text);
	json_putc(out, '}');
}

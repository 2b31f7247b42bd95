#include "apply/operation.h"

#include <stdio.h>
#include <string.h>

#include "k8s/operator.h"
#include "k8s/event.h"

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter_or_digit(char c)
{
	return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

/* RFC 1123, as Kubernetes reads it: labels of lower-case letters, digits and inner dashes. */
static bool is_label(const char *at, size_t len)
{
	if (len == 0 || len > 63 || at[0] == '-' || at[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_lower_or_digit(at[i]) && at[i] != '-')
			return false;
	return true;
}

/* A subdomain's labels may be longer than 63 bytes here, as in Kubernetes' own check. */
bool kube_is_name(struct json_text name)
{
	if (name.at == NULL || name.len == 0 || name.len > 253)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool edge = i == 0 || i + 1 == name.len || name.at[i - 1] == '.' ||
		            name.at[i + 1] == '.';
		if (!is_lower_or_digit(c) && (edge || (c != '-' && c != '.')))
			return false;
	}
	return true;
}

static bool is_word(struct json_text word, size_t most)
{
	if (word.at == NULL || word.len == 0 || word.len > most)
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!is_letter_or_digit(word.at[i]))
			return false;
	return true;
}

static bool read_api_version(struct kube_identity *id)
{
	const char *slash = memchr(id->api_version.at, '/', id->api_version.len);
	if (slash == NULL) {
		id->version = id->api_version;
		return is_word(id->version, 63);
	}
	size_t len = (size_t)(slash - id->api_version.at);
	id->group = (struct json_text){id->api_version.at, len};
	id->version = (struct json_text){slash + 1, id->api_version.len - len - 1};
	return kube_is_name(id->group) && is_word(id->version, 63);
}

static const char *read_identity(struct json_text object, struct kube_identity *id)
{
	enum { API_VERSION, KIND, METADATA, COUNT };
	static const char *const keys[COUNT] = {"apiVersion", "kind", "metadata"};
	struct json_text found[COUNT];
	json_pick(object, COUNT, keys, found);
	id->api_version = json_plain(found[API_VERSION]);
	id->kind = json_plain(found[KIND]);
	if (id->api_version.at == NULL || !read_api_version(id))
		return "object.apiVersion is missing or not a group and version";
	if (!is_word(id->kind, 63))
		return "object.kind is missing or not a kind";

	static const char *const names[] = {"namespace", "name"};
	struct json_text name[2];
	json_pick(found[METADATA], 2, names, name);
	id->name = json_plain(name[1]);
	if (!kube_is_name(id->name))
		return "object.metadata.name is missing or not an RFC 1123 subdomain";
	if (name[0].at == NULL)
		return NULL;
	id->namespace = json_plain(name[0]);
	if (id->namespace.at == NULL || !is_label(id->namespace.at, id->namespace.len))
		return "object.metadata.namespace is not an RFC 1123 label";
	return NULL;
}

static void read_bookmark(struct json_text record, struct kube_operation *operation)
{
	struct event event;
	operation->type = KUBE_BOOKMARK;
	if (event_read(record, &event) != NULL)
		return;
	operation->begins = event.mark == EVENT_MARK_BEGIN;
	operation->complete = event.mark == EVENT_MARK_END &&
	                      event.kind.len == strlen("AgentCard") &&
	                      memcmp(event.kind.at, "AgentCard", event.kind.len) == 0;
}

static bool is_kind(const struct kube_identity *id, const char *kind)
{
	return id->kind.len == strlen(kind) && memcmp(id->kind.at, kind, id->kind.len) == 0;
}

const char *kube_operation_read(struct json_text record, struct kube_operation *operation)
{
	enum { TYPE, OBJECT, REASON, MESSAGE, CARD, PROBLEMS, COUNT };
	static const char *const keys[COUNT] = {"type",    "object",    "reason",
	                                        "message", "agentCard", "problems"};
	struct json_text found[COUNT];
	*operation = (struct kube_operation){0};
	json_pick(record, COUNT, keys, found);
	if (json_equals(found[TYPE], "BOOKMARK")) {
		read_bookmark(record, operation);
		return NULL;
	}
	if (json_equals(found[TYPE], "APPLY"))
		operation->type = KUBE_APPLY;
	else if (json_equals(found[TYPE], "DELETE"))
		operation->type = KUBE_DELETE;
	else
		return "\"type\" is not that of an operation (APPLY, DELETE or BOOKMARK)";
	if (json_type(found[OBJECT]) != JSON_OBJECT)
		return "\"object\" is missing or not an object";
	operation->object = found[OBJECT];
	operation->reason = found[REASON];
	operation->message = found[MESSAGE];
	operation->agent_card = found[CARD];
	operation->problems = found[PROBLEMS];
	const char *wrong = read_identity(operation->object, &operation->id);
	if (wrong != NULL)
		return wrong;
	if (is_kind(&operation->id, "AgentCard")) {
		if (operation->type != KUBE_APPLY ||
		    json_type(json_get(operation->object, "status")) != JSON_OBJECT)
			return "of an AgentCard only the status is ours to apply";
		operation->status = true;
	}
	return NULL;
}

bool kube_is_managed(struct json_text object)
{
	return json_equals(json_get(object, "metadata", "labels", "app.kubernetes.io/managed-by"),
	                   POLICY_MANAGER);
}

void kube_identity_title(const struct kube_identity *id, char title[KUBE_TITLE_SIZE])
{
	snprintf(title, KUBE_TITLE_SIZE, "%.*s %.*s%s%.*s", (int)id->kind.len, id->kind.at,
	         (int)id->namespace.len, id->namespace.at == NULL ? "" : id->namespace.at,
	         id->namespace.at == NULL ? "" : "/", (int)id->name.len, id->name.at);
}

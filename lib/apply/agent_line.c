#include "apply/agent_line_private.h"

#include <stdio.h>
#include <string.h>

#include "json/write.h"
#include "k8s/name.h"

static struct json_text plain(struct json_text object, const char *key)
{
	return json_plain(json_get(object, key));
}

bool kube_agent_line_key(struct json_text line, char key[KUBE_AGENT_KEY_SIZE])
{
	struct json_text card = json_get(line, "agentCard");
	struct json_text uid = plain(card, "uid");
	struct json_text namespace = plain(card, "namespace"), name = plain(card, "name");
	if (!policy_is_label(namespace) || !policy_is_subdomain(name))
		return false;
	if (uid.at != NULL && uid.len > 0 && uid.len < 64)
		snprintf(key, KUBE_AGENT_KEY_SIZE, "%.*s", (int)uid.len, uid.at);
	else
		snprintf(key, KUBE_AGENT_KEY_SIZE, "%.*s/%.*s", (int)namespace.len, namespace.at,
		         (int)name.len, name.at);
	return true;
}

bool kube_agent_object_identify(struct json_text item, struct kube_identity *id)
{
	*id = (struct kube_identity){.api_version = plain(item, "apiVersion"),
	                             .kind = plain(item, "kind"),
	                             .namespace = plain(item, "namespace"),
	                             .name = plain(item, "name")};
	if (id->api_version.at == NULL || !policy_is_word(id->kind) ||
	    !policy_is_subdomain(id->name) ||
	    (id->namespace.at != NULL && !policy_is_label(id->namespace)))
		return false;
	const char *slash = memchr(id->api_version.at, '/', id->api_version.len);
	if (slash != NULL)
		id->group = (struct json_text){id->api_version.at,
		                               (size_t)(slash - id->api_version.at)};
	return true;
}

static bool is_ours_to_judge(struct json_text gap)
{
	struct json_text reason = json_get(gap, "reason");
	if (json_type(json_get(gap, "condition")) == JSON_STRING)
		return false; /* no answer to a request tells that */
	return json_equals(reason, "NotApplied") || json_equals(reason, "ChangedByServer");
}

/* What stood under one of our names, before the object was applied there. */
static bool is_replaced(struct json_text gap, struct json_text items,
                        const struct kube_agent_object *const *objects, size_t count)
{
	struct kube_identity was, id;
	size_t at = 0;
	if (!json_equals(json_get(gap, "reason"), "ForeignPolicy") ||
	    !kube_agent_object_identify(json_get(gap, "object"), &was))
		return false;
	for (struct json_member m = json_first(items); m.value.at; m = json_next(m)) {
		if (!kube_agent_object_identify(m.value, &id) || at == count)
			continue;
		if (objects[at++]->result == KUBE_OBJECT_APPLIED && json_same(was.group, id.group) &&
		    json_same(was.kind, id.kind) && json_same(was.namespace, id.namespace) &&
		    json_same(was.name, id.name))
			return true;
	}
	return false;
}

static void put_gap(struct json_buffer *out, struct json_text item,
                    const struct kube_agent_object *object)
{
	struct kube_identity id;
	char title[KUBE_TITLE_SIZE], message[KUBE_TITLE_SIZE + 1100];
	if (!kube_agent_object_identify(item, &id))
		return;
	kube_identity_title(&id, title);
	snprintf(message, sizeof message, "%s: %s", title,
	         object->why != NULL && object->why[0] != '\0' ? object->why
	                                                       : "it is not there");
	json_put_comma(out);
	json_putf(out, "{\"reason\":\"%s\",\"message\":",
	          object->changed ? "ChangedByServer" : "NotApplied");
	json_put_string(out, message);
	json_puts(out, ",\"object\":");
	json_puttext(out, item);
	json_putc(out, '}');
}

static void put_gaps(struct json_buffer *out, struct json_text line,
                     const struct kube_agent_object *const *objects, size_t count)
{
	struct kube_identity id;
	size_t at = 0;
	struct json_text items = json_get(line, "objects"), gaps = json_get(line, "gaps");
	for (struct json_member m = json_first(gaps); m.value.at; m = json_next(m)) {
		if (is_ours_to_judge(m.value) || is_replaced(m.value, items, objects, count))
			continue;
		json_put_comma(out);
		json_puttext(out, m.value);
	}
	for (struct json_member m = json_first(items); m.value.at; m = json_next(m)) {
		if (!kube_agent_object_identify(m.value, &id) || at == count)
			continue;
		const struct kube_agent_object *object = objects[at++];
		if (object->result != KUBE_OBJECT_APPLIED)
			put_gap(out, m.value, object);
	}
}

/* The decision allow-all has no gaps, and is not confined to anything. */
void kube_agent_line_put(struct json_text line, const struct kube_agent_object *const *objects,
                         size_t count, struct json_buffer *out)
{
	struct json_buffer gaps = {0};
	bool judged = json_get(line, "gaps").at != NULL || json_get(line, "confined").at != NULL;
	json_putc(&gaps, '[');
	put_gaps(&gaps, line, objects, count);
	json_putc(&gaps, ']');
	json_putc(out, '{');
	for (struct json_member m = json_first(line); m.value.at; m = json_next(m)) {
		if (json_equals(m.key, "gaps") || json_equals(m.key, "confined") ||
		    json_equals(m.key, "live"))
			continue;
		json_put_member(out, &m);
	}
	if (judged) {
		json_putf(out, ",\"confined\":%s,\"gaps\":", gaps.len == 2 ? "true" : "false");
		json_puttext(out, json_buffer_text(&gaps));
	}
	json_puts(out, ",\"live\":true}");
	json_buffer_free(&gaps);
}

static void put_member(struct json_buffer *out, const char *key, struct json_text value)
{
	if (value.at == NULL)
		return;
	json_put_key(out, key);
	json_puttext(out, value);
}

/* A status is no place for a long list: who reads it wants the first few. */
static void put_first(struct json_buffer *out, const char *key, struct json_text list)
{
	enum { ITEMS = 20, BYTES = 32 * 1024 };
	size_t items = 0, begin = out->len;
	if (list.at == NULL)
		return;
	json_put_key(out, key);
	json_putc(out, '[');
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m)) {
		if (items++ == ITEMS || out->len - begin + m.value.len > BYTES)
			break;
		json_put_comma(out);
		json_puttext(out, m.value);
	}
	json_putc(out, ']');
}

/* The first gap that is known, or the first of all; absent: there is none. */
static struct json_text leading_gap(struct json_text gaps)
{
	for (struct json_member m = json_first(gaps); m.value.at; m = json_next(m))
		if (!json_equals(json_get(m.value, "reason"), "Undecided"))
			return m.value;
	return json_first(gaps).value;
}

static void put_condition(struct json_buffer *out, struct json_text line)
{
	struct json_text gaps = json_get(line, "gaps"), gap = leading_gap(gaps);
	bool undecided = json_equals(json_get(gap, "reason"), "Undecided");
	json_puts(out, "{\"type\":\"Confined\"");
	json_putf(out, ",\"status\":\"%s\"",
	          gap.at == NULL ? "True"
	          : undecided    ? "Unknown"
	                         : "False");
	if (gap.at == NULL) {
		json_puts(out, ",\"reason\":\"Confined\",\"message\":\"its pods reach no more than "
		               "is decided\"");
	} else {
		put_member(out, "reason", json_get(gap, "reason"));
		put_member(out, "message", json_get(gap, "message"));
	}
	put_member(out, "observedGeneration", json_get(line, "observedGeneration"));
	json_putc(out, '}');
}

static void put_network_policy(struct json_buffer *out, struct json_text line)
{
	struct json_text object = json_first(json_get(line, "objects")).value;
	static const char *const copied[] = {"egress",   "reason",      "message",
	                                     "confined", "rulesDigest", "observedGeneration"};
	json_putc(out, '{');
	put_member(out, "name", json_get(object, "name"));
	json_put_key(out, "mode");
	json_puts(out, object.at == NULL                              ? "\"none\""
	               : json_is_true(json_get(line, "verified")) ? "\"permissive\""
	                                                              : "\"restrictive\"");
	for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
		put_member(out, copied[i], json_get(line, copied[i]));
	put_first(out, "gaps", json_get(line, "gaps"));
	put_first(out, "problems", json_get(line, "problems"));
	json_putc(out, '}');
}

void kube_agent_status_put(struct json_text line, const char *card_version,
                           struct json_buffer *out)
{
	struct json_text card = json_get(line, "agentCard");
	json_puts(out, "{\"type\":\"APPLY\",\"object\":{\"apiVersion\":");
	json_put_string(out, card_version);
	json_puts(out, ",\"kind\":\"AgentCard\",\"metadata\":{");
	put_member(out, "namespace", json_get(card, "namespace"));
	put_member(out, "name", json_get(card, "name"));
	put_member(out, "uid", json_get(card, "uid"));
	json_puts(out, "},\"status\":{");
	if (json_get(line, "gaps").at != NULL) {
		json_puts(out, "\"conditions\":[");
		put_condition(out, line);
		json_puts(out, "],");
	}
	json_puts(out, "\"networkPolicy\":");
	put_network_policy(out, line);
	json_puts(out, "}}");
	put_member(out, "reason", json_get(line, "reason"));
	put_member(out, "message", json_get(line, "message"));
	put_member(out, "agentCard", card);
	put_member(out, "problems", json_get(line, "problems"));
	json_putc(out, '}');
}

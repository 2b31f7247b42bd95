#include "apply/status_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/match_private.h"
#include "base/memory.h"
#include "json/write.h"
#include "k8s/name.h"
#include "os/clock.h"

static struct json_text confined_of(struct json_text conditions)
{
	for (struct json_member m = json_first(conditions); m.value.at; m = json_next(m))
		if (json_equals(json_get(m.value, "type"), "Confined"))
			return m.value;
	return (struct json_text){0};
}

static void put_conditions(struct json_buffer *out, struct json_text condition,
                           struct json_text live)
{
	char now[CLOCK_TEXT_SIZE];
	struct json_text since = json_get(live, "lastTransitionTime");
	bool same = json_same(json_get(condition, "status"), json_get(live, "status"));
	json_put_key(out, "conditions");
	json_puts(out, "[{");
	for (struct json_member m = json_first(condition); m.value.at; m = json_next(m)) {
		json_put_member(out, &m);
	}
	json_put_key(out, "lastTransitionTime");
	if (same && json_type(since) == JSON_STRING) {
		json_puttext(out, since);
	} else {
		clock_format(clock_now(), now);
		json_put_string(out, now);
	}
	json_puts(out, "}]");
}

static void put_members(struct json_buffer *out, struct json_text object, const char *but)
{
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m)) {
		if (json_equals(m.key, but))
			continue;
		json_put_member(out, &m);
	}
}

void kube_status_compose(struct json_text asked, struct json_text live, bool in_list,
                         struct json_buffer *out)
{
	struct json_text condition = confined_of(json_get(asked, "status", "conditions"));
	if (condition.at == NULL) {
		json_puttext(out, asked);
		return;
	}
	struct json_text status = json_get(live, "status");
	struct json_text before =
	        in_list ? confined_of(json_get(status, "conditions"))
	                : confined_of(json_get(status, "networkPolicy", "conditions"));
	json_putc(out, '{');
	put_members(out, asked, "status");
	json_put_key(out, "status");
	json_putc(out, '{');
	if (in_list)
		put_conditions(out, condition, before);
	json_put_key(out, "networkPolicy");
	json_putc(out, '{');
	put_members(out, json_get(asked, "status", "networkPolicy"), "conditions");
	if (!in_list)
		put_conditions(out, condition, before);
	json_puts(out, "}}}");
}

/* The members that are asked for, each as a whole: one that lost a message must lose it there
 * too. Other members, and other conditions, are the operator's. */
bool kube_status_is_so(struct json_text composed, struct json_text live)
{
	struct json_text wanted = json_get(composed, "status"), stored = json_get(live, "status");
	struct json_text ours = confined_of(json_get(wanted, "conditions"));
	if (!kube_spec_matches(ours, confined_of(json_get(stored, "conditions"))))
		return false;
	for (struct json_member m = json_first(wanted); m.value.at; m = json_next(m)) {
		if (json_equals(m.key, "conditions"))
			continue;
		struct json_member at = json_first(stored);
		while (at.value.at != NULL && !json_same(m.key, at.key))
			at = json_next(at);
		if (!kube_spec_matches(m.value, at.value))
			return false;
	}
	return true;
}

void kube_status_schema_ask(struct kube_status_schema *schema, struct json_text api_version)
{
	if (schema->state != KUBE_SCHEMA_UNASKED)
		return;
	const char *slash = memchr(api_version.at, '/', api_version.len);
	size_t group = slash == NULL ? 0 : (size_t)(slash - api_version.at);
	snprintf(schema->group, sizeof schema->group, "%.*s", (int)group, api_version.at);
	snprintf(schema->version, sizeof schema->version, "%.*s",
	         (int)(slash == NULL ? 0 : api_version.len - group - 1), api_version.at + group + 1);
	schema->state = KUBE_SCHEMA_ASKED;
	schema->backoff = (struct kube_backoff){.first_ms = 200, .most_ms = 30000};
}

/* CustomResourceDefinition v1: x-kubernetes-list-type and x-kubernetes-list-map-keys. */
static bool is_map_by_type(struct json_text definition, const char *version)
{
	struct json_text versions = json_get(definition, "spec", "versions");
	for (struct json_member m = json_first(versions); m.value.at; m = json_next(m)) {
		if (!json_equals(json_get(m.value, "name"), version))
			continue;
		struct json_text list = json_get(m.value, "schema", "openAPIV3Schema");
		list = json_get(list, "properties", "status", "properties", "conditions");
		struct json_text keys = json_get(list, "x-kubernetes-list-map-keys");
		return json_equals(json_get(list, "x-kubernetes-list-type"), "map") &&
		       json_count(keys) == 1 && json_equals(json_first(keys).value, "type");
	}
	return false;
}

static void on_definition(void *user, const struct kube_result *result)
{
	struct kube_status_schema *schema = user;
	schema->call = NULL;
	kube_server_answered(schema->server, result);
	if (kube_server_may_retry(schema->server, result)) {
		schema->due = clock_monotonic_ms() +
		              kube_backoff_next(&schema->backoff, result->retry_after_ms);
		return;
	}
	schema->state = KUBE_SCHEMA_KNOWN;
	schema->in_list = result->failure == KUBE_OK && result->code == 200 &&
	                  json_check(result->body, &json_record_limits, NULL) &&
	                  is_map_by_type(result->body, schema->version);
}

int64_t kube_status_schema_pump(struct kube_status_schema *schema, int64_t now)
{
	if (schema->state != KUBE_SCHEMA_ASKED || schema->call != NULL)
		return -1;
	if (schema->due > now)
		return schema->due;
	char *path = kube_format(
	        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/agentcards.%s",
	        schema->group);
	schema->call = kube_request_start(schema->server->client, &(struct kube_request){
	                                                                  .method = "GET",
	                                                                  .path = path,
	                                                                  .on_done = on_definition,
	                                                                  .user = schema,
	                                                          });
	free(path);
	return -1;
}

void kube_status_schema_end(struct kube_status_schema *schema)
{
	if (schema->call != NULL)
		kube_call_cancel(schema->call);
	schema->call = NULL;
}

#include <stdlib.h>

#include "base/memory.h"
#include "watch/watch_private.h"
#include "os/log.h"

/* Where the definition can be read: as itself, by the right to get it; else in what the server
 * publishes for every client, OpenAPI v3, and before Kubernetes 1.24 v2. */
void reflector_learn(struct reflector *r)
{
	const struct k8s_kind *kind = &r->asked;
	char *path = NULL;
	if (r->source == SOURCE_DEFINITION)
		path = kube_format("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/%s.%s",
		                   kind->plural, kind->group);
	else if (r->source == SOURCE_OPENAPI_V3)
		path = kube_format("/openapi/v3/apis/%s/%s", kind->group, kind->version);
	else
		path = kube_copy("/openapi/v2");
	reflector_start(r, REFLECTOR_LEARNING, path, NULL, 0, 0);
	free(path);
}

static void say(const struct reflector *r, enum schema schema)
{
	const struct k8s_kind *kind = &r->asked;
	if (schema == SCHEMA_NONE)
		log_error("%s.%s: the definition that the server has drops spec.networkPolicy, so that "
		          "cards come without their rules, as after an upgrade of the operator; apply "
		          "ours again (egress-translate --print-crd)",
		          kind->plural, kind->group);
	else if (schema == SCHEMA_UNKNOWN)
		log_warning("%s.%s: whether the server keeps spec.networkPolicy is not known: neither "
		            "the definition nor the OpenAPI document can be read; a ClusterRole must "
		            "grant the verb get on customresourcedefinitions in apiGroup "
		            "\"apiextensions.k8s.io\"",
		            kind->plural, kind->group);
}

static bool learned(struct reflector *r, enum schema schema)
{
	struct marks *marks = r->marks;
	r->learned = true;
	r->source = SOURCE_DEFINITION;
	if (schema == marks->schema)
		return true;
	say(r, schema);
	bool before = marks->schema != SCHEMA_UNASKED && marks->begun;
	marks->schema = schema;
	if (before) {
		r->list = LIST_NEVER;
		reflector_begin_kind(r);
	}
	return true;
}

static enum schema read_schema(const struct reflector *r, struct json_text body)
{
	const struct k8s_kind *kind = &r->asked;
	if (!json_check(body, &json_record_limits, NULL))
		return SCHEMA_UNKNOWN;
	if (r->source == SOURCE_DEFINITION)
		return schema_of_definition(json_trim(body), kind->version);
	return schema_of_openapi(json_trim(body), kind->group, kind->version);
}

bool reflector_after_learning(struct reflector *r, const struct kube_result *result)
{
	bool answered = result->failure == KUBE_OK && !kube_result_retryable(result);
	if ((!answered && result->failure != KUBE_TOO_LARGE) || result->code == 401) {
		reflector_fail(r, result);
		return false;
	}
	enum schema schema = SCHEMA_UNKNOWN;
	if (result->failure == KUBE_OK && result->code == 200)
		schema = read_schema(r, result->body);
	if (schema != SCHEMA_UNKNOWN || r->source == SOURCE_OPENAPI_V2)
		return learned(r, schema);
	r->source++;
	return true;
}

#include "apply/attempt_private.h"
#include "json/write.h"

static struct json_buffer path_of(const struct kube_attempt *attempt)
{
	struct json_buffer path = {0};
	kube_kind_path(attempt->kind, &attempt->job->now.operation.id, &path);
	return path;
}

static void start(struct kube_attempt *attempt, const char *method, struct json_buffer *path,
                  struct json_buffer *body, const char *content_type, kube_attempt_done *on_done)
{
	json_putc(path, '\0');
	attempt->call =
	        kube_request_start(attempt->attempts->server->client, &(struct kube_request){
	                                                             .method = method,
	                                                             .path = path->at,
	                                                             .body = json_buffer_text(body),
	                                                             .content_type = content_type,
	                                                             .on_done = on_done,
	                                                             .user = attempt,
	                                                     });
	json_buffer_free(path);
	json_buffer_free(body);
}

/* Field managers come from the command line: whatever is not plain is escaped. */
static void put_query(struct json_buffer *path, const char *value)
{
	for (const char *c = value; *c != '\0'; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		             (*c >= '0' && *c <= '9') || *c == '-' || *c == '.' || *c == '_';
		if (plain)
			json_putc(path, *c);
		else
			json_putf(path, "%%%02X", (unsigned char)*c);
	}
}

static void put_options(const struct kube_attempt *attempt, struct json_buffer *path)
{
	const struct kube_cluster_options *options = attempt->attempts->options;
	json_puts(path, "?fieldManager=");
	put_query(path, attempt->job->now.operation.status ? options->status_manager
	                                               : options->field_manager);
	json_puts(path, "&fieldValidation=Strict");
	if (options->dry_run == KUBE_DRY_RUN_SERVER)
		json_puts(path, "&dryRun=All");
}

void kube_attempt_get(struct kube_attempt *attempt, kube_attempt_done *on_done)
{
	struct json_buffer path = path_of(attempt), body = {0};
	start(attempt, "GET", &path, &body, NULL, on_done);
}

/*
 * Preconditions, as the API server reads them in server-side apply: a wrong resourceVersion is 409, a
 * wrong uid 422 ("field is immutable"), either of an object that is absent 409, and a
 * resourceVersion alone of an absent object creates it. So a write to what was read carries both, and
 * one that creates carries a resourceVersion that no object can have any more: when somebody was
 * first, it is 409.
 *
 * A status carries the uid alone: the card's owner may change the card meanwhile.
 */
static void put_precondition(const struct kube_attempt *attempt, struct json_buffer *body)
{
	if (!attempt->exists) {
		json_puts(body, "\"resourceVersion\":\"1\"");
		return;
	}
	json_puts(body, "\"uid\":");
	json_put_string(body, attempt->uid);
	if (attempt->job->now.operation.status)
		return;
	json_puts(body, ",\"resourceVersion\":");
	json_put_string(body, attempt->version);
}

static void put_bound(const struct kube_attempt *attempt, struct json_buffer *body)
{
	const struct kube_operation *operation = &attempt->job->now.operation;
	struct json_text object = operation->status ? json_buffer_text(&attempt->body)
	                                            : operation->object;
	json_putc(body, '{');
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m)) {
		if (body->len > 1)
			json_putc(body, ',');
		json_puttext(body, m.key);
		json_putc(body, ':');
		if (!json_equals(m.key, "metadata")) {
			json_puttext(body, m.value);
			continue;
		}
		json_putc(body, '{');
		put_precondition(attempt, body);
		for (struct json_member n = json_first(m.value); n.value.at; n = json_next(n)) {
			if (json_equals(n.key, "uid") || json_equals(n.key, "resourceVersion"))
				continue;
			json_putc(body, ',');
			json_puttext(body, n.key);
			json_putc(body, ':');
			json_puttext(body, n.value);
		}
		json_putc(body, '}');
	}
	json_putc(body, '}');
}

void kube_attempt_patch(struct kube_attempt *attempt, kube_attempt_done *on_done)
{
	struct json_buffer path = path_of(attempt), body = {0};
	if (attempt->job->now.operation.status)
		json_puts(&path, "/status");
	put_options(attempt, &path);
	json_putf(&path, "&force=%s", attempt->forced ? "true" : "false");
	put_bound(attempt, &body);
	start(attempt, "PATCH", &path, &body, "application/apply-patch+yaml", on_done);
}

void kube_attempt_replace(struct kube_attempt *attempt, kube_attempt_done *on_done)
{
	struct json_buffer path = path_of(attempt), body = {0};
	put_options(attempt, &path);
	json_puts(&body, "[{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":");
	json_put_string(&body, attempt->version);
	json_puts(&body, "},{\"op\":\"replace\",\"path\":\"/spec\",\"value\":");
	json_puttext(&body, json_get(attempt->job->now.operation.object, "spec"));
	json_putc(&body, '}');
	if (attempt->more)
		json_puts(&body, ",{\"op\":\"remove\",\"path\":\"/specs\"}");
	json_putc(&body, ']');
	start(attempt, "PATCH", &path, &body, "application/json-patch+json", on_done);
}

void kube_attempt_delete(struct kube_attempt *attempt, kube_attempt_done *on_done)
{
	struct json_buffer path = path_of(attempt), body = {0};
	json_puts(&body,
	          "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":");
	json_put_string(&body, attempt->uid);
	json_puts(&body, ",\"resourceVersion\":");
	json_put_string(&body, attempt->version);
	json_puts(&body, attempt->attempts->options->dry_run == KUBE_DRY_RUN_SERVER
	                         ? "},\"dryRun\":[\"All\"]}"
	                         : "}}");
	start(attempt, "DELETE", &path, &body, "application/json", on_done);
}

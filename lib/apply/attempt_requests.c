#include "apply/cluster_private.h"
#include "json/write.h"

static struct json_buffer path_of(const struct kube_attempt *attempt)
{
	struct json_buffer path = {0};
	kube_kind_path(attempt->kind, &attempt->job->operation.id, &path);
	return path;
}

static void start(struct kube_attempt *attempt, const char *method, struct json_buffer *path,
                  struct json_buffer *body, const char *content_type, kube_attempt_done *on_done)
{
	json_putc(path, '\0');
	attempt->call =
	        kube_request_start(attempt->cluster->client, &(struct kube_request){
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
	const struct kube_cluster_options *options = &attempt->cluster->options;
	json_puts(path, "?fieldManager=");
	put_query(path, attempt->job->operation.status ? options->status_manager
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

/* The object as asked for, its metadata bound to the uid that was seen: one that was deleted
 * and made anew in between, perhaps by somebody else, is not touched (409). */
static void put_bound(const struct kube_attempt *attempt, struct json_buffer *body)
{
	const struct kube_operation *operation = &attempt->job->operation;
	json_putc(body, '{');
	for (struct json_member m = json_first(operation->object); m.value.at; m = json_next(m)) {
		if (body->len > 1)
			json_putc(body, ',');
		json_puttext(body, m.key);
		json_putc(body, ':');
		if (!json_equals(m.key, "metadata") || !attempt->exists) {
			json_puttext(body, m.value);
			continue;
		}
		json_puts(body, "{\"uid\":");
		json_put_string(body, attempt->uid);
		for (struct json_member n = json_first(m.value); n.value.at; n = json_next(n)) {
			if (json_equals(n.key, "uid"))
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
	if (attempt->job->operation.status)
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
	json_puttext(&body, json_get(attempt->job->operation.object, "spec"));
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
	json_puts(&body, attempt->cluster->options.dry_run == KUBE_DRY_RUN_SERVER
	                         ? "},\"dryRun\":[\"All\"]}"
	                         : "}}");
	start(attempt, "DELETE", &path, &body, "application/json", on_done);
}

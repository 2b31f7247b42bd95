#include "apply/cluster_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/match_private.h"
#include "os/log.h"
#include "k8s/operator.h"

enum { ROUNDS = 5 }; /* an object that changes under our hands this often waits its turn */

static void on_read(void *user, const struct kube_result *result);

static void finish(struct kube_attempt *attempt, enum kube_verdict verdict, long code,
                   const char *message)
{
	struct kube_outcome outcome = {.verdict = verdict, .code = code};
	if (attempt->version[0] != '\0')
		outcome.resource_version = json_of(attempt->version);
	snprintf(outcome.message, sizeof outcome.message, "%s%s%s", attempt->note,
	         attempt->note[0] != '\0' && message[0] != '\0' ? "; " : "", message);
	kube_cluster_finish(attempt, &outcome);
}

static void fail(struct kube_attempt *attempt, const struct kube_result *result)
{
	char why[KUBE_ERROR_SIZE];
	kube_result_describe(result, why);
	finish(attempt, KUBE_FAILED, result->code, why);
}

/* What was written, or in a dry run would have been. */
static void finish_written(struct kube_attempt *attempt, enum kube_verdict verdict, long code)
{
	bool dry = attempt->cluster->options.dry_run != KUBE_DRY_RUN_NONE;
	finish(attempt, verdict, code, dry ? "dry run" : "");
}

static void copy_plain(char to[64], struct json_text value)
{
	struct json_text plain = json_plain(value);
	snprintf(to, 64, "%.*s", (int)(plain.at == NULL || plain.len > 63 ? 0 : plain.len),
	         plain.at == NULL ? "" : plain.at);
}

static bool remember(struct kube_attempt *attempt, struct json_text object)
{
	struct json_text metadata = json_get(object, "metadata");
	copy_plain(attempt->uid, json_get(metadata, "uid"));
	copy_plain(attempt->version, json_get(metadata, "resourceVersion"));
	return attempt->uid[0] != '\0' && attempt->version[0] != '\0';
}

static void keep_live(struct kube_attempt *attempt, struct json_text object)
{
	free(attempt->live);
	attempt->live = malloc(object.len + 1);
	attempt->live_len = attempt->live == NULL ? 0 : object.len;
	if (attempt->live != NULL)
		memcpy(attempt->live, object.at, object.len);
}

static void show_diff(const struct kube_attempt *attempt, struct json_text after)
{
	struct json_buffer old = {0}, new = {0};
	char title[KUBE_TITLE_SIZE];
	if (!attempt->cluster->options.diff)
		return;
	kube_identity_title(&attempt->job->operation.id, title);
	if (attempt->exists && attempt->live != NULL)
		kube_object_view((struct json_text){attempt->live, attempt->live_len}, &old);
	if (after.at != NULL)
		kube_object_view(after, &new);
	kube_diff_show(title, json_buffer_text(&old), json_buffer_text(&new));
	json_buffer_free(&old);
	json_buffer_free(&new);
}

/* The object changed between reading and writing it: read it again, or later when that goes
 * on. */
static void start_over(struct kube_attempt *attempt, const struct kube_result *result)
{
	attempt->forced = false;
	attempt->replaced = false;
	if (++attempt->rounds < ROUNDS)
		kube_attempt_get(attempt, on_read);
	else
		kube_cluster_retry(attempt, result);
}

/* An answer that was cut short, or some other server's. */
static bool is_garbled(struct kube_attempt *attempt, const struct kube_result *result)
{
	struct kube_result garbled = *result;
	if (json_check(result->body, &json_record_limits, NULL))
		return false;
	garbled.error = "the server's answer is not JSON";
	kube_cluster_retry(attempt, &garbled);
	return true;
}

static void on_deleted(void *user, const struct kube_result *result)
{
	struct kube_attempt *attempt = user;
	kube_cluster_heard(attempt->cluster, result);
	if (kube_cluster_may_retry(attempt->cluster, result))
		kube_cluster_retry(attempt, result);
	else if (result->code == 404)
		finish(attempt, KUBE_ABSENT, result->code, "");
	else if (result->code == 409)
		start_over(attempt, result);
	else if (result->failure != KUBE_OK || result->code >= 300)
		fail(attempt, result);
	else
		finish_written(attempt, KUBE_DELETED, result->code);
}

static bool is_field_conflict(struct json_text body)
{
	struct json_text causes = json_get(body, "details", "causes");
	for (struct json_member m = json_first(causes); m.value.at; m = json_next(m))
		if (json_equals(json_get(m.value, "reason"), "FieldManagerConflict"))
			return true;
	return false;
}

static void on_written(void *user, const struct kube_result *result);

/* The server's message names the other manager and the fields. */
static void resolve_conflict(struct kube_attempt *attempt, const struct kube_result *result)
{
	bool conflict = json_check(result->body, &json_record_limits, NULL) &&
	                is_field_conflict(result->body);
	if (!conflict || !attempt->exists) {
		start_over(attempt, result);
		return;
	}
	bool ours = attempt->job->operation.status || attempt->cluster->options.force_conflicts;
	if (!ours || attempt->forced) {
		fail(attempt, result);
		return;
	}
	char why[KUBE_ERROR_SIZE];
	kube_result_describe(result, why);
	snprintf(attempt->note, sizeof attempt->note, "taken back: %.480s", why);
	attempt->forced = true;
	kube_attempt_patch(attempt, on_written);
}

static void judge_written(struct kube_attempt *attempt, const struct kube_result *result)
{
	const struct kube_operation *operation = &attempt->job->operation;
	char before[sizeof attempt->version];
	memcpy(before, attempt->version, sizeof before);
	bool dry = attempt->cluster->options.dry_run != KUBE_DRY_RUN_NONE;
	if (is_garbled(attempt, result))
		return;
	/* in a dry run a new object has no resourceVersion yet */
	if (!remember(attempt, result->body) && !dry) {
		finish(attempt, KUBE_FAILED, result->code, "the server's answer is not an object");
		return;
	}
	attempt->more = json_type(json_get(result->body, "specs")) > JSON_NULL;
	bool as_asked = operation->status ||
	                (!attempt->more && kube_spec_matches(json_get(operation->object, "spec"),
	                                                     json_get(result->body, "spec")));
	if (!as_asked && !attempt->replaced && !dry) {
		attempt->replaced = true;
		kube_attempt_replace(attempt, on_written);
		return;
	}
	if (attempt->exists && !attempt->replaced && !dry &&
	    strcmp(before, attempt->version) == 0) {
		finish(attempt, KUBE_UNCHANGED, result->code, "");
		return;
	}
	show_diff(attempt, result->body);
	if (!kube_covers(json_get(operation->object, "spec"), json_get(result->body, "spec")))
		finish(attempt, KUBE_FAILED, result->code,
		       "the server did not keep all of spec: it does not know a field");
	else
		finish_written(attempt, KUBE_APPLIED, result->code);
}

/* Of a missing object or namespace the answer is a Status. */
static bool is_without_api(const struct kube_result *result)
{
	return result->failure == KUBE_OK && result->code == 404 &&
	       !json_check(result->body, &json_record_limits, NULL);
}

/* Nobody would ask again once it is there. */
static void wait_for_api(struct kube_attempt *attempt, const struct kube_result *result)
{
	struct kube_result missing = *result;
	missing.error = "the server does not have this kind: is its CustomResourceDefinition "
			"installed?";
	kube_cluster_retry(attempt, &missing);
}

static void on_written(void *user, const struct kube_result *result)
{
	struct kube_attempt *attempt = user;
	kube_cluster_heard(attempt->cluster, result);
	if (kube_cluster_may_retry(attempt->cluster, result))
		kube_cluster_retry(attempt, result);
	else if (result->failure == KUBE_OK && result->code == 409)
		resolve_conflict(attempt, result);
	else if (result->failure == KUBE_OK && result->code == 422 && attempt->replaced)
		start_over(attempt, result); /* a JSON patch's failed test */
	else if (is_without_api(result))
		wait_for_api(attempt, result);
	else if (result->failure != KUBE_OK || result->code >= 300)
		fail(attempt, result);
	else
		judge_written(attempt, result);
}

static void delete (struct kube_attempt *attempt)
{
	struct json_text uid = json_get(attempt->job->operation.object, "metadata", "uid");
	if (!attempt->exists) {
		finish(attempt, KUBE_ABSENT, 404, "");
		return;
	}
	if (uid.at != NULL && !json_equals(uid, attempt->uid)) {
		finish(attempt, KUBE_ABSENT, 200, "the object of that name is another one (uid)");
		return;
	}
	if (attempt->cluster->options.dry_run != KUBE_DRY_RUN_SERVER)
		show_diff(attempt, (struct json_text){0});
	if (attempt->cluster->options.dry_run == KUBE_DRY_RUN_CLIENT)
		finish_written(attempt, KUBE_DELETED, 200);
	else
		kube_attempt_delete(attempt, on_deleted);
}

static void apply(struct kube_attempt *attempt)
{
	if (attempt->job->operation.status && !attempt->exists) {
		finish(attempt, KUBE_ABSENT, 404, "the AgentCard is gone");
	} else if (attempt->cluster->options.dry_run == KUBE_DRY_RUN_CLIENT) {
		show_diff(attempt, attempt->job->operation.object);
		finish_written(attempt, KUBE_APPLIED, attempt->exists ? 200 : 404);
	} else {
		kube_attempt_patch(attempt, on_written);
	}
}

/* The members that are asked for, each as a whole: one that lost a message must lose it there
 * too. Other members are the operator's. */
static bool status_matches(struct json_text wanted, struct json_text live)
{
	for (struct json_member m = json_first(wanted); m.value.at; m = json_next(m)) {
		struct json_member at = json_first(live);
		while (at.value.at != NULL && !json_same(m.key, at.key))
			at = json_next(at);
		if (!kube_spec_matches(m.value, at.value))
			return false;
	}
	return true;
}

static bool already_so(const struct kube_operation *operation, struct json_text live)
{
	if (operation->type == KUBE_DELETE)
		return false;
	if (operation->status)
		return status_matches(json_get(operation->object, "status"),
		                      json_get(live, "status"));
	return kube_object_matches(operation->object, live);
}

static void judge_live(struct kube_attempt *attempt, const struct kube_result *result)
{
	const struct kube_operation *operation = &attempt->job->operation;
	if (is_garbled(attempt, result))
		return;
	if (!remember(attempt, result->body)) {
		finish(attempt, KUBE_FAILED, result->code, "the server's answer is not an object");
		return;
	}
	if (!operation->status && !kube_is_managed(result->body)) {
		finish(attempt, KUBE_FAILED, result->code,
		       "it exists without the label app.kubernetes.io/managed-by=" POLICY_MANAGER
		       ": left alone");
		return;
	}
	if (already_so(operation, result->body)) {
		finish(attempt, KUBE_UNCHANGED, result->code, "");
		return;
	}
	if (attempt->cluster->options.diff)
		keep_live(attempt, result->body);
	if (operation->type == KUBE_DELETE)
		delete (attempt);
	else
		apply(attempt);
}

static void on_read(void *user, const struct kube_result *result)
{
	struct kube_attempt *attempt = user;
	kube_cluster_heard(attempt->cluster, result);
	attempt->exists = result->failure == KUBE_OK && result->code == 200;
	if (kube_cluster_may_retry(attempt->cluster, result)) {
		kube_cluster_retry(attempt, result);
	} else if (attempt->exists) {
		judge_live(attempt, result);
	} else if (result->failure == KUBE_OK && result->code == 404) {
		attempt->version[0] = '\0';
		if (attempt->job->operation.type == KUBE_DELETE)
			delete (attempt);
		else
			apply(attempt);
	} else {
		fail(attempt, result);
	}
}

void kube_attempt_start(struct kube_cluster *cluster, struct kube_job *job)
{
	struct kube_attempt *attempt = calloc(1, sizeof *attempt);
	if (attempt == NULL) {
		log_error("out of memory");
		abort();
	}
	attempt->cluster = cluster;
	attempt->job = job;
	job->attempt = attempt;
	attempt->kind = kube_kind_of(&job->operation.id);
	TAILQ_INSERT_TAIL(&cluster->attempts, attempt, link);
	cluster->running++;
	kube_attempt_get(attempt, on_read);
}

void kube_attempt_cancel(struct kube_attempt *attempt)
{
	struct kube_cluster *cluster = attempt->cluster;
	TAILQ_REMOVE(&cluster->attempts, attempt, link);
	cluster->running--;
	attempt->job->attempt = NULL;
	if (attempt->call != NULL)
		kube_call_cancel(attempt->call);
	free(attempt->live);
	free(attempt);
}

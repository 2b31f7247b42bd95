#include "apply/attempt_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/adopt_private.h"
#include "apply/diff_private.h"
#include "apply/match_private.h"
#include "apply/status_private.h"
#include "base/memory.h"
#include "os/log.h"

enum { ROUNDS = 5 }; /* an object that changes under our hands this often waits its turn */

static void on_read(void *user, const struct kube_result *result);

/* Ends it: whoever calls this returns at once. */
static void retry(struct kube_attempt *attempt, const struct kube_result *result)
{
	attempt->attempts->retry(attempt->attempts, attempt, result);
}

static void end(struct kube_attempt *attempt, struct kube_outcome outcome, const char *message)
{
	if (attempt->version[0] != '\0')
		outcome.resource_version = json_of(attempt->version);
	snprintf(outcome.message, sizeof outcome.message, "%s%s%s", attempt->note,
	         attempt->note[0] != '\0' && message[0] != '\0' ? "; " : "", message);
	attempt->attempts->ended(attempt->attempts, attempt, &outcome);
}

static void finish(struct kube_attempt *attempt, enum kube_verdict verdict, long code,
                   const char *message)
{
	end(attempt, (struct kube_outcome){.verdict = verdict, .code = code}, message);
}

static bool has_cause(struct json_text body, const char *member, const char *value)
{
	struct json_text causes = json_get(body, "details", "causes");
	for (struct json_member m = json_first(causes); m.value.at; m = json_next(m))
		if (json_equals(json_get(m.value, member), value))
			return true;
	return false;
}

static bool is_checked(const struct kube_result *result)
{
	return result->failure == KUBE_OK && json_check(result->body, &json_record_limits, NULL);
}

/* Nothing can be made in a namespace that is being deleted, and its pods go with it. */
static bool is_terminating(const struct kube_result *result)
{
	return result->code == 403 && is_checked(result) &&
	       has_cause(result->body, "reason", "NamespaceTerminating");
}

static void fail(struct kube_attempt *attempt, const struct kube_result *result)
{
	char why[KUBE_ERROR_SIZE];
	struct kube_outcome outcome = {.verdict = KUBE_FAILED, .code = result->code};
	if (is_terminating(result)) {
		outcome.verdict = KUBE_ABSENT;
		outcome.reason = "NamespaceTerminating";
	}
	kube_result_describe(result, why);
	end(attempt, outcome, why);
}

/* What was written, or in a dry run would have been. */
static void finish_written(struct kube_attempt *attempt, enum kube_verdict verdict, long code)
{
	bool dry = attempt->attempts->options->dry_run != KUBE_DRY_RUN_NONE;
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
	attempt->live = kube_copy_n(object.at, object.len);
	attempt->live_len = object.len;
}

static void show_diff(const struct kube_attempt *attempt, struct json_text after)
{
	struct json_buffer old = {0}, new = {0};
	char title[KUBE_TITLE_SIZE];
	if (!attempt->attempts->options->diff)
		return;
	kube_identity_title(&attempt->job->now.operation.id, title);
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
	attempt->adopting = false;
	attempt->replaced = false;
	if (++attempt->rounds < ROUNDS)
		kube_attempt_get(attempt, on_read);
	else
		retry(attempt, result);
}

/* An answer that was cut short, or some other server's. */
static bool is_garbled(struct kube_attempt *attempt, const struct kube_result *result)
{
	struct kube_result garbled = *result;
	if (json_check(result->body, &json_record_limits, NULL))
		return false;
	garbled.error = "the server's answer is not JSON";
	retry(attempt, &garbled);
	return true;
}

static void on_deleted(void *user, const struct kube_result *result)
{
	struct kube_attempt *attempt = user;
	attempt->call = NULL;
	kube_server_answered(attempt->attempts->server, result);
	if (kube_server_may_retry(attempt->attempts->server, result))
		retry(attempt, result);
	else if (result->code == 404)
		finish(attempt, KUBE_ABSENT, result->code, "");
	else if (result->code == 409)
		start_over(attempt, result);
	else if (result->failure != KUBE_OK || result->code >= 300)
		fail(attempt, result);
	else
		finish_written(attempt, KUBE_DELETED, result->code);
}

static void on_written(void *user, const struct kube_result *result);

/* Another manager has the condition, or the whole list, which a forced apply would take from it. */
static bool is_over_conditions(struct json_text body)
{
	static const char path[] = ".status.conditions";
	struct json_text causes = json_get(body, "details", "causes");
	for (struct json_member m = json_first(causes); m.value.at; m = json_next(m)) {
		struct json_text field = json_plain(json_get(m.value, "field"));
		if (field.len >= strlen(path) && memcmp(field.at, path, strlen(path)) == 0)
			return true;
	}
	return false;
}

/* The server's message names the other manager and the fields. */
static void resolve_conflict(struct kube_attempt *attempt, const struct kube_result *result)
{
	bool conflict = is_checked(result) &&
	                has_cause(result->body, "reason", "FieldManagerConflict");
	if (!conflict || !attempt->exists) {
		start_over(attempt, result);
		return;
	}
	bool status = attempt->job->now.operation.status;
	if (status && !attempt->beside && is_over_conditions(result->body)) {
		attempt->beside = true;
		kube_attempt_get(attempt, on_read);
		return;
	}
	bool ours = status || attempt->attempts->options->force_conflicts;
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

static void finish_changed(struct kube_attempt *attempt, long code, const char *difference)
{
	end(attempt,
	    (struct kube_outcome){
	            .verdict = KUBE_FAILED, .code = code, .reason = "ChangedByServer"},
	    difference);
}

/* What the server stores must be what was asked for, as a whole: a webhook can widen a policy by
 * adding to it and by taking something out (a label of its podSelector, an `except`, Egress from
 * policyTypes). */
static void judge_stored(struct kube_attempt *attempt, const struct kube_result *result,
                         bool is_written)
{
	const struct json_text asked = attempt->job->now.operation.object, stored = result->body;
	struct json_buffer difference = {0};
	bool dry = attempt->attempts->options->dry_run != KUBE_DRY_RUN_NONE;
	bool kept = dry ? kube_covers(json_get(asked, "spec"), json_get(stored, "spec"))
	                : kube_object_matches(asked, stored, &difference);
	if (dry && !kept)
		json_puts(&difference, "the server would not keep all of spec");
	json_putc(&difference, '\0');
	if (!kept)
		finish_changed(attempt, result->code, difference.at);
	else if (!is_written)
		finish(attempt, KUBE_UNCHANGED, result->code, "");
	else
		finish_written(attempt, attempt->adopting ? KUBE_ADOPTED : KUBE_APPLIED,
		               result->code);
	json_buffer_free(&difference);
}

/* Server-side apply leaves in spec what we do not name and others do. */
static bool has_leftovers(struct kube_attempt *attempt, struct json_text stored)
{
	const struct json_text asked = attempt->job->now.operation.object;
	attempt->more = json_type(json_get(stored, "specs")) > JSON_NULL;
	return attempt->more ||
	       !kube_spec_matches(json_get(asked, "spec"), json_get(stored, "spec"));
}

static void judge_written(struct kube_attempt *attempt, const struct kube_result *result)
{
	char before[sizeof attempt->version];
	bool status = attempt->job->now.operation.status;
	bool dry = attempt->attempts->options->dry_run != KUBE_DRY_RUN_NONE;
	memcpy(before, attempt->version, sizeof before);
	if (is_garbled(attempt, result))
		return;
	/* in a dry run a new object has no resourceVersion yet */
	if (!remember(attempt, result->body) && !dry) {
		finish(attempt, KUBE_FAILED, result->code, "the server's answer is not an object");
		return;
	}
	if (!status && !attempt->replaced && !dry && has_leftovers(attempt, result->body)) {
		attempt->replaced = true;
		kube_attempt_replace(attempt, on_written);
		return;
	}
	bool written = !attempt->exists || attempt->replaced || dry ||
	               strcmp(before, attempt->version) != 0;
	if (written)
		show_diff(attempt, result->body);
	if (!status)
		judge_stored(attempt, result, written);
	else if (written)
		finish_written(attempt, KUBE_APPLIED, result->code);
	else
		finish(attempt, KUBE_UNCHANGED, result->code, "");
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
	retry(attempt, &missing);
}

/* A JSON patch's test failed, or the object is another one of that name. */
static bool is_of_another(const struct kube_attempt *attempt, const struct kube_result *result)
{
	return is_checked(result) &&
	       (attempt->replaced || has_cause(result->body, "field", "metadata.uid"));
}

static void on_written(void *user, const struct kube_result *result)
{
	struct kube_attempt *attempt = user;
	attempt->call = NULL;
	kube_server_answered(attempt->attempts->server, result);
	if (kube_server_may_retry(attempt->attempts->server, result))
		retry(attempt, result);
	else if (result->failure == KUBE_OK && result->code == 409)
		resolve_conflict(attempt, result);
	else if (result->code == 422 && is_of_another(attempt, result))
		start_over(attempt, result);
	else if (is_without_api(result))
		wait_for_api(attempt, result);
	else if (result->failure != KUBE_OK || result->code >= 300)
		fail(attempt, result);
	else
		judge_written(attempt, result);
}

static void delete (struct kube_attempt *attempt)
{
	struct json_text uid = json_get(attempt->job->now.operation.object, "metadata", "uid");
	if (!attempt->exists) {
		finish(attempt, KUBE_ABSENT, 404, "");
		return;
	}
	if (uid.at != NULL && !json_equals(uid, attempt->uid)) {
		finish(attempt, KUBE_ABSENT, 200, "the object of that name is another one (uid)");
		return;
	}
	if (attempt->attempts->options->dry_run != KUBE_DRY_RUN_SERVER)
		show_diff(attempt, (struct json_text){0});
	if (attempt->attempts->options->dry_run == KUBE_DRY_RUN_CLIENT)
		finish_written(attempt, KUBE_DELETED, 200);
	else
		kube_attempt_delete(attempt, on_deleted);
}

static void apply(struct kube_attempt *attempt)
{
	if (attempt->job->now.operation.status && !attempt->exists) {
		finish(attempt, KUBE_ABSENT, 404, "the AgentCard is gone");
	} else if (attempt->attempts->options->dry_run == KUBE_DRY_RUN_CLIENT) {
		show_diff(attempt, attempt->job->now.operation.object);
		finish_written(attempt, attempt->adopting ? KUBE_ADOPTED : KUBE_APPLIED,
		               attempt->exists ? 200 : 404);
	} else {
		kube_attempt_patch(attempt, on_written);
	}
}

static bool already_so(const struct kube_operation *operation, struct json_text live)
{
	if (operation->type == KUBE_DELETE)
		return false;
	return kube_object_matches(operation->object, live, NULL);
}

static void compose_status(struct kube_attempt *attempt, struct json_text live)
{
	bool in_list = attempt->attempts->conditions_in_list && !attempt->beside;
	attempt->body.len = 0;
	kube_status_compose(attempt->job->now.operation.object, live, in_list, &attempt->body);
}

static void judge_status(struct kube_attempt *attempt, const struct kube_result *result)
{
	struct json_text uid = json_get(attempt->job->now.operation.object, "metadata", "uid");
	if (uid.at != NULL && !json_equals(uid, attempt->uid)) {
		finish(attempt, KUBE_ABSENT, 200, "the AgentCard of that name is another one (uid)");
		return;
	}
	compose_status(attempt, result->body);
	if (kube_status_is_so(json_buffer_text(&attempt->body), result->body)) {
		finish(attempt, KUBE_UNCHANGED, result->code, "");
		return;
	}
	if (attempt->attempts->options->diff)
		keep_live(attempt, result->body);
	apply(attempt);
}

/* Whether it is ours, or becomes ours by this apply: spec and labels in one request, as a policy that
 * bears our label and still allows everything would be taken for ours, and one that was deleted would
 * leave its pods open. */
static bool is_ours(struct kube_attempt *attempt, const struct kube_result *result)
{
	if (kube_is_managed(result->body))
		return true;
	const char *why = kube_adopt_refusal(&attempt->job->now.operation, result->body);
	if (why == NULL && !attempt->attempts->options->adopt)
		why = "it is the operator's policy for this AgentCard: left alone; switch the "
		      "operator's part off (--enforce-network-policies=false), then egress-apply "
		      "--adopt takes it over";
	if (why != NULL) {
		finish(attempt, KUBE_FAILED, result->code, why);
		return false;
	}
	attempt->adopting = attempt->forced = true;
	return true;
}

static void judge_live(struct kube_attempt *attempt, const struct kube_result *result)
{
	const struct kube_operation *operation = &attempt->job->now.operation;
	if (is_garbled(attempt, result))
		return;
	if (!remember(attempt, result->body)) {
		finish(attempt, KUBE_FAILED, result->code, "the server's answer is not an object");
		return;
	}
	if (operation->status) {
		judge_status(attempt, result);
		return;
	}
	if (!is_ours(attempt, result))
		return;
	if (already_so(operation, result->body)) {
		finish(attempt, KUBE_UNCHANGED, result->code, "");
		return;
	}
	if (attempt->attempts->options->diff)
		keep_live(attempt, result->body);
	if (operation->type == KUBE_DELETE)
		delete (attempt);
	else
		apply(attempt);
}

static void on_read(void *user, const struct kube_result *result)
{
	struct kube_attempt *attempt = user;
	attempt->call = NULL;
	kube_server_answered(attempt->attempts->server, result);
	attempt->exists = result->failure == KUBE_OK && result->code == 200;
	if (kube_server_may_retry(attempt->attempts->server, result)) {
		retry(attempt, result);
	} else if (attempt->exists) {
		judge_live(attempt, result);
	} else if (result->failure == KUBE_OK && result->code == 404) {
		attempt->version[0] = '\0';
		if (attempt->job->now.operation.type == KUBE_DELETE)
			delete (attempt);
		else
			apply(attempt);
	} else {
		fail(attempt, result);
	}
}

struct kube_attempt *kube_attempt_new(struct kube_attempts *attempts, struct kube_job *job)
{
	struct kube_attempt *attempt = kube_alloc(1, sizeof *attempt);
	attempt->attempts = attempts;
	attempt->job = job;
	attempt->kind = job->kind;
	TAILQ_INSERT_TAIL(&attempts->running, attempt, link);
	attempts->count++;
	kube_attempt_get(attempt, on_read);
	return attempt;
}

void kube_attempt_free(struct kube_attempt *attempt)
{
	TAILQ_REMOVE(&attempt->attempts->running, attempt, link);
	attempt->attempts->count--;
	if (attempt->call != NULL)
		kube_call_cancel(attempt->call);
	free(attempt->live);
	json_buffer_free(&attempt->body);
	free(attempt);
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "watch/watch_private.h"
#include "os/clock.h"
#include "os/log.h"

enum {
	GRACE_MS = 30 * 1000, /* a watch that outlives its time by this hangs */
	RETRY_AFTER_MAX_S = 3600,
	SHORT_MS = 1000,      /* a watch that ends sooner, with nothing, is not well */
	IDLE_MS = 150 * 1000, /* servers send a bookmark each minute (KEP-956) */
};

/* A Status object: what the server wants done (metav1.Status). */
static enum kube_taken take_error(struct reflector *r, struct json_text status)
{
	int64_t code = 0, after = 0;
	json_integer(json_get(status, "code"), &code);
	if (json_integer(json_get(status, "details", "retryAfterSeconds"), &after) && after > 0)
		r->answer.after_ms =
		        1000L * (after > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (long)after);
	if (r->list == LIST_CURRENT && code != 429)
		r->list = LIST_AGAIN;
	r->answer.error_code = code > 0 && code < 1000 ? (long)code : 500;
	r->answer.message = json_cstring(json_get(status, "message"));
	r->answer.gone = code == 410;
	if (r->answer.gone)
		log_detail("%s: the server no longer has resourceVersion %s; listing again",
		           r->marks->kind.plural, r->rv);
	else
		r->answer.unusable = "the server ended the watch with an error";
	return KUBE_STOP;
}

static bool is_end_mark(struct json_text object)
{
	return json_equals(json_get(object, "metadata", "annotations", "k8s.io/initial-events-end"),
	                   "true");
}

static enum kube_taken take_event(struct reflector *r, struct json_text event)
{
	struct json_text type = json_get(event, "type"), object = json_get(event, "object");
	struct json_text unknown = {0};
	struct kube_identity id;
	char key[KUBE_KEY_SIZE];
	if (json_equals(type, "ERROR"))
		return take_error(r, object);
	r->answer.active = true;
	reflector_recovered(r);
	reflector_shown(r);
	if (json_equals(type, "BOOKMARK")) {
		reflector_set_rv(r, json_plain(json_get(object, "metadata", "resourceVersion")));
		if (r->state == REFLECTOR_STREAMING && is_end_mark(object)) {
			r->state = REFLECTOR_WATCHING;
			reflector_finish_list(r);
		}
		return KUBE_TAKEN;
	}
	if (!k8s_object_names(object, &id)) {
		reflector_skip(r, event, "it has no name or resourceVersion");
		return KUBE_TAKEN;
	}
	if (r->state == REFLECTOR_WATCHING)
		reflector_set_rv(r, id.resource_version);
	kube_identity_key(&id, key);
	if (json_equals(type, "DELETED"))
		objects_remove(r, key, r->fetched ? unknown : object);
	else
		objects_upsert(r, object, &id);
	return KUBE_TAKEN;
}

static enum kube_taken take_line(struct reflector *r, struct json_text line)
{
	static const char start_of_event[] = "{\"type\":";
	struct json_error error;
	if (json_trim(line).len == 0)
		return KUBE_TAKEN;
	if (json_check(line, &json_record_limits, &error))
		return take_event(r, json_trim(line));
	if (line.len > sizeof start_of_event &&
	    memcmp(line.at, start_of_event, sizeof start_of_event - 1) == 0) {
		/* One object that cannot be read must not end the watch of the others. */
		reflector_skip(r, line, error.reason);
		return KUBE_TAKEN;
	}
	r->answer.unusable = "the watch is not a stream of events";
	return KUBE_STOP;
}

static enum kube_taken on_watch_body(void *user, const char *bytes, size_t len)
{
	struct reflector *r = user;
	if (reflector_must_wait(r))
		return KUBE_LATER;
	if (r->state == REFLECTOR_STREAMING)
		r->due_ms = clock_monotonic_ms() + WATCH_STREAM_QUIET_MS;
	while (len > 0) {
		const char *newline = memchr(bytes, '\n', len);
		size_t part = newline == NULL ? len : (size_t)(newline - bytes);
		if (part > JSON_RECORD_MAX - r->line.len) {
			r->answer.unusable = "an object is over 16 MiB";
			r->list = r->list == LIST_CURRENT ? LIST_AGAIN : r->list;
			return KUBE_STOP;
		}
		json_put(&r->line, bytes, part);
		if (newline == NULL)
			return KUBE_TAKEN;
		if (take_line(r, json_buffer_text(&r->line)) == KUBE_STOP)
			return KUBE_STOP;
		r->line.len = 0;
		if (r->line.size > KUBE_ENVELOPE_MAX)
			json_buffer_free(&r->line);
		bytes += part + 1;
		len -= part + 1;
	}
	return KUBE_TAKEN;
}

void reflector_watch(struct reflector *r, bool stream)
{
	long most = r->watch->options->watch_s;
	long seconds = kube_random(most, 2 * most);
	long grace = seconds * 500 + 2000 < GRACE_MS ? seconds * 500 + 2000 : GRACE_MS;
	char *scope = watch_path(&r->asked, r->namespace), *rv = watch_encode(r->rv);
	char *path = kube_format("%s?watch=1&allowWatchBookmarks=true&timeoutSeconds=%ld%s%s%s%s",
	                         scope, seconds,
	                         stream ? "&sendInitialEvents=true"
	                                  "&resourceVersionMatch=NotOlderThan"
	                                : "&resourceVersion=",
	                         stream ? "" : rv, r->query[0] == '\0' ? "" : "&", r->query);
	reflector_start(r, stream ? REFLECTOR_STREAMING : REFLECTOR_WATCHING, path, on_watch_body,
	                seconds * 1000 + grace, IDLE_MS);
	long quiet = most * 1000 < WATCH_STREAM_QUIET_MS ? most * 1000 : WATCH_STREAM_QUIET_MS;
	r->due_ms = clock_monotonic_ms() + quiet;
	free(path);
	free(scope);
	free(rv);
}

/* Any end before the mark but these is a refusal. A server without the parameters says 400 or 422, or
 * ignores them; one whose store has no progress requests begins well, and then says so in an ERROR;
 * who only may list is told 403. */
static bool refuses_streams(const struct reflector *r, const struct kube_result *result)
{
	long code = r->answer.error_code != 0 ? r->answer.error_code : result->code;
	bool answered = result->failure == KUBE_OK || result->failure == KUBE_STOPPED;
	return r->state == REFLECTOR_STREAMING && answered && code != 401 && code != 404 &&
	       code != 410 && code != 429;
}

static void say_refusal(struct reflector *r, const struct kube_result *result)
{
	char why[KUBE_ERROR_SIZE];
	if (r->answer.message != NULL)
		snprintf(why, sizeof why, "%s", r->answer.message);
	else if (result->code == 200)
		snprintf(why, sizeof why, "%s", "it ended without its mark");
	else
		kube_result_describe(result, why);
	if (!r->watch->said_pages && r->answer.error_code != 0)
		log_notice("%s: the server refuses streaming lists: %.900s; listing in pages",
		           r->marks->kind.plural, why);
	else
		log_detail("%s: no streaming list: %.900s; listing in pages",
		           r->marks->kind.plural, why);
	r->watch->said_pages = r->watch->said_pages || r->answer.error_code != 0;
}

bool reflector_after_watch(struct reflector *r, const struct kube_result *result)
{
	if (refuses_streams(r, result)) {
		say_refusal(r, result);
		bool lasts = r->answer.error_code != 0 || (result->code != 403 && result->code < 500);
		r->manner = lasts ? MANNER_PAGES : MANNER_PAGES_ONCE;
		return true;
	}
	bool gone = result->code == 410 || r->answer.gone;
	bool lived = r->answer.active ||
	             (result->code == 200 &&
	              clock_monotonic_ms() - r->answer.since_ms >= SHORT_MS);
	r->expired = r->expired && !lived;
	if (gone && !r->expired) { /* the second in a row waits */
		r->expired = true;
		r->list = r->list == LIST_CURRENT ? LIST_AGAIN : r->list;
		return true;
	}
	if (gone)
		r->answer.unusable = "the server keeps saying that the resourceVersion is too old";
	bool ended = result->code == 200 && r->answer.unusable == NULL && !gone;
	if (ended && lived &&
	    (result->failure == KUBE_OK || result->failure == KUBE_TIMEOUT)) {
		if (r->answer.active)
			kube_backoff_reset(&r->backoff);
		return true;
	}
	reflector_fail(r, result);
	return false;
}

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "watch/watch_private.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"

enum { FIRST_MS = 500, MOST_MS = 30 * 1000 };

static const char METADATA_LIST[] =
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
static const char METADATA_WATCH[] =
	"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

static void on_done(void *user, const struct kube_result *result);

char *reflector_path(const struct reflector *r, const char *namespace)
{
	const struct k8s_kind *kind = &r->marks->kind;
	return kube_format("/%s%s/%s%s%s/%s", kind->group[0] == '\0' ? "api" : "apis/",
	                   kind->group, kind->version, namespace == NULL ? "" : "/namespaces/",
	                   namespace == NULL ? "" : namespace, kind->plural);
}

void reflector_open(struct reflector *r)
{
	r->backoff = (struct kube_backoff){FIRST_MS, MOST_MS, 0};
	r->after_ms = -1;
	reflector_go(r);
}

void reflector_wait(struct reflector *r, long ms)
{
	r->state = REFLECTOR_WAITING;
	r->due_ms = clock_monotonic_ms() + ms;
}

void reflector_start(struct reflector *r, enum reflector_state state, const char *path,
                     enum kube_taken (*on_body)(void *, const char *, size_t), long timeout_ms,
                     long idle_ms)
{
	bool list = state == REFLECTOR_LISTING || state == REFLECTOR_PROBING;
	struct kube_request request = {
		.method = "GET",
		.path = path,
		.accept = !r->fetched ? NULL : list ? METADATA_LIST : METADATA_WATCH,
		.on_body = on_body,
		.on_done = on_done,
		.user = r,
		.timeout_ms = timeout_ms,
		.idle_ms = idle_ms,
	};
	r->state = state;
	r->since_ms = clock_monotonic_ms();
	r->line.len = 0;
	r->unusable = NULL;
	r->active = r->paused = r->gone = false;
	r->after_ms = -1;
	r->call = kube_request_start(r->watch->client, &request);
}

/* True while the reader is so far behind that more should wait at the server. */
bool reflector_must_wait(struct reflector *r)
{
	size_t most = r->state == REFLECTOR_WATCHING ? WATCH_SINK_LIMIT : WATCH_SINK_HIGH;
	r->paused = kube_sink_pending(r->watch->sink) >= most;
	return r->paused;
}

void reflector_set_rv(struct reflector *r, struct json_text rv)
{
	if (rv.at != NULL && rv.len > 0 && rv.len < sizeof r->rv)
		snprintf(r->rv, sizeof r->rv, "%.*s", (int)rv.len, rv.at);
}

void reflector_recovered(struct reflector *r)
{
	if (r->failing)
		log_notice("%s: well again", r->marks->kind.plural);
	r->failing = false;
}

void reflector_finish_list(struct reflector *r)
{
	/* An object that could not be read was not named either: it is not gone. */
	if (!r->skipped)
		held_sweep(r);
	if (!r->expired)
		kube_backoff_reset(&r->backoff);
	r->listed = true;
	r->relist = r->no_pages = false;
	reflector_recovered(r);
	watch_complete(r);
}

void reflector_skip(struct reflector *r, struct json_text object, const char *reason)
{
	r->skipped = true;
	watch_reject(r, object, reason);
}

char *reflector_encode(const char *text)
{
	char *encoded = curl_easy_escape(NULL, text, 0);
	char *copy = kube_copy(encoded == NULL ? "" : encoded);
	curl_free(encoded);
	return copy;
}

void reflector_new_generation(struct reflector *r)
{
	r->generation++;
	r->skipped = false;
}

void reflector_go(struct reflector *r)
{
	if (r->optional && !r->probed) {
		reflector_probe(r);
	} else if (r->listed && !r->relist) {
		reflector_watch(r, false);
	} else if (r->no_stream) {
		reflector_list(r);
	} else {
		reflector_new_generation(r);
		reflector_watch(r, true);
	}
}

void reflector_fail(struct reflector *r, const struct kube_result *result)
{
	bool list = r->state == REFLECTOR_LISTING || r->state == REFLECTOR_PROBING;
	long asked = r->after_ms > result->retry_after_ms ? r->after_ms : result->retry_after_ms;
	if (r->active && r->state == REFLECTOR_WATCHING)
		kube_backoff_reset(&r->backoff);
	long wait = result->failure == KUBE_UNREACHABLE && r->unusable == NULL && asked < 0
	                    ? kube_backoff_unreached(&r->backoff)
	                    : kube_backoff_next(&r->backoff, asked);
	r->failing = true;
	metrics_add(METRIC_RETRIES, NULL, 1);
	watch_report(r, list ? "list" : "watch", result, r->unusable, wait);
	if (watch_is_hopeless(r->watch, result, r->backoff.tries))
		return;
	reflector_wait(r, wait);
}

static void on_done(void *user, const struct kube_result *result)
{
	struct reflector *r = user;
	r->call = NULL;
	r->paused = false;
	bool nowhere = result->failure == KUBE_OK && result->code == 404 &&
	               (r->optional || (r->instead != NULL && !r->complete));
	if (r->state == REFLECTOR_PROBING)
		reflector_after_probe(r, result);
	else if (nowhere)
		reflector_absent(r);
	else if (r->state == REFLECTOR_LISTING)
		reflector_after_page(r, result);
	else
		reflector_after_watch(r, result);
}

void reflector_tick(struct reflector *r, int64_t now)
{
	size_t low = WATCH_SINK_HIGH / 2;
	if (r->paused && kube_sink_pending(r->watch->sink) < low) {
		r->paused = false;
		r->due_ms = now + WATCH_STREAM_QUIET_MS;
		kube_call_resume(r->call);
	}
	if (r->state == REFLECTOR_WAITING && now >= r->due_ms)
		reflector_go(r);
	if (r->state == REFLECTOR_STREAMING && !r->paused && now >= r->due_ms) {
		log_detail("%s: the server does not offer streaming lists", r->marks->kind.plural);
		kube_call_cancel(r->call);
		r->no_stream = true;
		reflector_list(r);
	}
}

int64_t reflector_due(const struct reflector *r)
{
	bool timed = r->state == REFLECTOR_WAITING ||
	             (r->state == REFLECTOR_STREAMING && !r->paused);
	return timed ? r->due_ms : -1;
}

void reflector_free(struct reflector *r)
{
	if (r->call != NULL)
		kube_call_cancel(r->call);
	held_forget_all(r);
	kube_split_free(&r->split);
	json_buffer_free(&r->line);
	free(r->next_page);
	free(r->namespace);
	free(r->query);
}

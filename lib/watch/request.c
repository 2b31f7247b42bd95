#include <stdio.h>
#include <stdlib.h>

#include "watch/watch_private.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"

enum { EVIDENCE_TRIES = 3 /* until others no longer wait for it */ };

static const char METADATA_LIST[] =
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
static const char METADATA_WATCH[] =
	"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

void reflector_wait(struct reflector *r, long ms)
{
	r->state = REFLECTOR_WAITING;
	r->due_ms = clock_monotonic_ms() + ms;
}

long reflector_absent_ms(const struct reflector *r)
{
	long watch_ms = r->watch->options->watch_s * 1000;
	return watch_ms < WATCH_ABSENT_MS ? watch_ms : WATCH_ABSENT_MS;
}

void reflector_start(struct reflector *r, enum reflector_state state, const char *path,
                     enum kube_taken (*on_body)(void *, const char *, size_t), long timeout_ms,
                     long idle_ms)
{
	bool list = state == REFLECTOR_LISTING;
	struct kube_request request = {
		.method = "GET",
		.path = path,
		.accept = !r->metadata || state == REFLECTOR_LEARNING ? NULL
		          : list                                      ? METADATA_LIST
		                                                      : METADATA_WATCH,
		.on_body = on_body,
		.on_done = r->on_done,
		.user = r,
		.timeout_ms = timeout_ms,
		.idle_ms = idle_ms,
		.compressed = list,
	};
	free(r->answer.message);
	r->answer = (struct answer){.since_ms = clock_monotonic_ms(), .after_ms = -1};
	r->state = state;
	r->learned = r->learned && state != REFLECTOR_WATCHING;
	r->line.len = 0;
	r->call = kube_request_start(r->watch->client, &request);
}

/* True while the reader is so far behind that more should wait at the server. */
bool reflector_must_wait(struct reflector *r)
{
	size_t most = r->state == REFLECTOR_WATCHING ? WATCH_SINK_LIMIT : WATCH_SINK_HIGH;
	r->answer.paused = kube_sink_pending(r->watch->sink) >= most;
	return r->answer.paused;
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

static void begin_anew(struct reflector *r)
{
	struct held *held, *next;
	HASH_ITER(hh, r->held, held, next) {
		held->written = false;
	}
	if (r->complete)
		r->marks->complete--;
	r->complete = false;
}

/* The other lists of its kind are written again, too. */
static void restart_others(struct reflector *r)
{
	struct watch *w = r->watch;
	for (size_t i = 0; i < w->count; i++) {
		struct reflector *other = &w->reflectors[i];
		if (other == r || other->marks != r->marks || other->state == REFLECTOR_IDLE)
			continue;
		begin_anew(other);
		if (other->call != NULL)
			kube_call_cancel(other->call);
		other->call = NULL;
		other->list = LIST_NEVER;
		reflector_wait(other, 0);
	}
}

void reflector_begin_kind(struct reflector *r)
{
	begin_anew(r);
	restart_others(r);
	r->marks->begun = r->marks->ended = false;
}

void reflector_shown(struct reflector *r)
{
	bool was_not = r->served == SERVED_NO || r->served == SERVED_REFUSED ||
	               r->served == SERVED_FAILING;
	r->served = SERVED_YES;
	if (was_not && r->marks->ended)
		reflector_begin_kind(r);
	else if (was_not)
		begin_anew(r);
}

void reflector_unavailable(struct reflector *r, enum reflector_served served)
{
	bool news = r->served != served;
	r->served = served;
	r->list = LIST_NEVER;
	fetch_forget_all(r);
	held_forget_all(r);
	if (news && r->marks->ended)
		reflector_begin_kind(r);
	marks_advance(r->watch);
}

void reflector_new_generation(struct reflector *r)
{
	r->generation++;
	r->skipped = false;
}

void reflector_finish_list(struct reflector *r)
{
	reflector_shown(r);
	/* An object that could not be read was not named either: it is not gone. */
	if (!r->skipped)
		objects_sweep(r);
	if (!r->expired)
		kube_backoff_reset(&r->backoff);
	r->list = LIST_CURRENT;
	r->learned = r->learned && r->state != REFLECTOR_WATCHING;
	if (r->manner == MANNER_WHOLE)
		r->manner = MANNER_PAGES;
	else if (r->manner == MANNER_PAGES_ONCE)
		r->manner = MANNER_STREAM;
	reflector_recovered(r);
	if (r->marks->role == ROLE_WORKLOAD && r->filter == FILTER_NONE)
		named_miss_all(r);
	marks_advance(r->watch);
}

void reflector_skip(struct reflector *r, struct json_text object, const char *reason)
{
	r->skipped = true;
	watch_reject(r, object, reason);
}

/* Evidence is given up for now, so that nothing waits for it; it is asked for again. */
static bool give_up(struct reflector *r, const struct kube_result *result)
{
	bool refused = result->failure == KUBE_OK && result->code == 403;
	bool tired = r->backoff.tries >= EVIDENCE_TRIES && !r->complete &&
	             kube_client_connected(r->watch->client);
	if (r->marks->role != ROLE_EVIDENCE || (!refused && !tired))
		return false;
	reflector_unavailable(r, refused ? SERVED_REFUSED : SERVED_FAILING);
	return true;
}

void reflector_fail(struct reflector *r, const struct kube_result *result)
{
	bool list = r->state == REFLECTOR_LISTING, learning = r->state == REFLECTOR_LEARNING;
	long asked = r->answer.after_ms > result->retry_after_ms ? r->answer.after_ms
	                                                         : result->retry_after_ms;
	if (r->answer.active && r->state == REFLECTOR_WATCHING)
		kube_backoff_reset(&r->backoff);
	long wait = result->failure == KUBE_UNREACHABLE && r->answer.unusable == NULL && asked < 0
	                    ? kube_backoff_unreached(&r->backoff)
	                    : kube_backoff_next(&r->backoff, asked);
	r->failing = true;
	r->learned = false;
	metrics_add(METRIC_RETRIES, NULL, 1);
	watch_report(r, learning ? "read the definition of" : list ? "list" : "watch", result,
	             r->answer.unusable, wait);
	if (give_up(r, result))
		wait = asked > reflector_absent_ms(r) ? asked : reflector_absent_ms(r);
	else if (r->marks->role != ROLE_EVIDENCE &&
	         watch_is_hopeless(r->watch, result, r->backoff.tries))
		return;
	reflector_wait(r, wait);
}

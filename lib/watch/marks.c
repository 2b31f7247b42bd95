#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "k8s/unusable.h"
#include "watch/watch_private.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "stream/stream.h"

static const char BEGIN[] = "agent-egress.dev/initial-events-begin";
static const char END[] = "k8s.io/initial-events-end";

/* The line that was put into the scratch buffer, on its way; NULL: a mark. */
static void put_line(struct watch *w, const char *key)
{
	if (w->options->timestamps)
		kube_event_put_time(&w->scratch, clock_now());
	kube_sink_put(w->sink, key, json_buffer_text(&w->scratch));
	if (w->scratch.size > KUBE_ENVELOPE_MAX)
		json_buffer_free(&w->scratch);
}

static void put_mark(struct watch *w, const struct marks *marks, const char *annotation,
                     const char *more, const char *value)
{
	w->scratch.len = 0;
	kube_event_put_mark(&w->scratch, &marks->kind, annotation, more, value);
	put_line(w, NULL);
}

static void begin(struct watch *w, struct marks *marks)
{
	if (marks->begun)
		return;
	marks->begun = true;
	put_mark(w, marks, BEGIN, marks->role == ROLE_CARDS ? "agent-egress.dev/schema" : NULL,
	         schema_word(marks->schema));
}

void marks_emit(struct reflector *r, const char *type, const char *key, struct json_text object)
{
	struct watch *w = r->watch;
	const struct k8s_kind *kind = &r->marks->kind;
	char *sink_key = kube_format("%s.%s/%s", kind->kind, kind->group, key);
	metrics_event();
	begin(w, r->marks);
	w->scratch.len = 0;
	if (object.at == NULL)
		kube_event_put_key(&w->scratch, type, kind, key);
	else
		kube_event_put(&w->scratch, type, kind, object, w->options->full);
	put_line(w, sink_key);
	free(sink_key);
}

/* In the order of the events of that object. */
static void put_unusable(struct watch *w, const struct event *named)
{
	char key[EVENT_KEY_SIZE];
	event_key(named, key);
	const char *slash = memchr(named->api_version.at, '/', named->api_version.len);
	size_t group = slash == NULL ? 0 : (size_t)(slash - named->api_version.at);
	char *sink_key = kube_format("%.*s.%.*s/%s", (int)named->kind.len, named->kind.at, (int)group,
	                             named->api_version.at, key);
	k8s_unusable_put(&w->scratch, named);
	put_line(w, sink_key);
	free(sink_key);
}

void marks_emit_unusable(struct reflector *r, struct json_text object)
{
	struct watch *w = r->watch;
	const struct k8s_kind *kind = &r->marks->kind;
	struct event named;
	char *api_version = kube_format("%s%s%s", kind->group, kind->group[0] == '\0' ? "" : "/",
	                                kind->version);
	begin(w, r->marks);
	w->scratch.len = 0;
	if (k8s_unusable_find(object, &named) ||
	    k8s_unusable_find_item(object, api_version, kind->kind, &named)) {
		put_unusable(w, &named);
	} else {
		json_puts(&w->scratch, STREAM_LOST_EVENT);
		put_line(w, NULL);
	}
	free(api_version);
}

/* Why not all of the kind's lists could be read; NULL: they were. */
static const char *lack_of(const struct watch *w, const struct marks *marks)
{
	bool absent = true;
	for (size_t i = 0; i < w->count; i++) {
		const struct reflector *r = &w->reflectors[i];
		if (r->marks != marks || r->state == REFLECTOR_IDLE)
			continue;
		if (r->served == SERVED_REFUSED)
			return "Forbidden";
		if (r->served == SERVED_FAILING)
			return "Failing";
		absent = absent && r->served == SERVED_NO;
	}
	return absent ? "NotServed" : NULL;
}

static void end(struct watch *w, struct marks *marks)
{
	const char *lack = lack_of(w, marks);
	begin(w, marks);
	put_mark(w, marks, END, lack == NULL ? NULL : "agent-egress.dev/unavailable", lack);
	marks->ended = true;
}

size_t marks_objects(const struct watch *w)
{
	size_t objects = 0;
	for (size_t i = 0; i < w->count; i++)
		objects += HASH_COUNT(w->reflectors[i].held);
	return objects;
}

static void announce(const struct watch *w)
{
	size_t objects = marks_objects(w);
	char state[128];
	log_detail("the lists are complete: %zu objects", objects);
	snprintf(state, sizeof state, "READY=1\nSTATUS=%zu objects watched", objects);
	notify_send(state);
}

static bool cards_complete(const struct watch *w)
{
	return w->marks[0].complete == w->marks[0].lists;
}

/* Which workloads and signed cards are wanted depends on the cards. */
static bool waits_for_cards(const struct watch *w, const struct marks *marks)
{
	return (marks->role == ROLE_WORKLOAD || marks->role == ROLE_SIGNED) && !cards_complete(w);
}

static void complete_lists(struct watch *w)
{
	for (size_t i = 0; i < w->count; i++) {
		struct reflector *r = &w->reflectors[i];
		bool nothing = r->served == SERVED_NO || r->served == SERVED_REFUSED ||
		               r->served == SERVED_FAILING;
		if (r->complete || (r->list != LIST_CURRENT && !nothing) || r->fetches != NULL ||
		    waits_for_cards(w, r->marks))
			continue;
		r->complete = true;
		r->marks->complete++;
	}
}

void marks_advance(struct watch *w)
{
	bool needed = true, all = true, late;
	complete_lists(w); /* the cards' come first in the table */
	for (size_t i = 1; i < w->marks_count; i++) {
		struct marks *marks = &w->marks[i];
		if (marks->lists == 0 || marks->ended)
			continue;
		if (marks->complete == marks->lists && !waits_for_cards(w, marks)) {
			end(w, marks);
			continue;
		}
		all = false;
		needed = needed && marks->role == ROLE_EVIDENCE;
	}
	if (w->marks[0].ended || !cards_complete(w) || !needed)
		return;
	int64_t now = clock_monotonic_ms();
	if (w->needed_ms == 0)
		w->needed_ms = now;
	/* A log that is whole is worth waiting for; enforcement is not to wait for evidence. */
	late = !w->options->once && now - w->needed_ms >= WATCH_EVIDENCE_MS;
	if (!all && !late)
		return;
	end(w, &w->marks[0]);
	announce(w);
}

void marks_tick(struct watch *w, int64_t now)
{
	if (w->needed_ms != 0 && !w->marks[0].ended)
		marks_advance(w);
	if (!w->options->timestamps || now - w->told_ms < WATCH_TIME_MS)
		return;
	w->told_ms = now;
	put_mark(w, &w->marks[0], NULL, NULL, NULL);
}

int64_t marks_due(const struct watch *w)
{
	int64_t due = -1;
	if (w->needed_ms != 0 && !w->marks[0].ended && !w->options->once)
		due = w->needed_ms + WATCH_EVIDENCE_MS;
	if (w->options->timestamps && (due < 0 || w->told_ms + WATCH_TIME_MS < due))
		due = w->told_ms + WATCH_TIME_MS;
	return due;
}

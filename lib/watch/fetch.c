#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "watch/watch_private.h"
#include "os/clock.h"

enum { FETCHES_MAX = 32, FETCH_FIRST_MS = 500, FETCH_MOST_MS = 30 * 1000 };

static void move(struct fetch *f, struct fetch **queue)
{
	if (f->queue != NULL)
		DL_DELETE(*f->queue, f);
	f->queue = queue;
	if (queue != NULL)
		DL_APPEND(*queue, f);
}

static void forget(struct fetch *f)
{
	struct reflector *r = f->reflector;
	if (f->call != NULL) {
		kube_call_cancel(f->call);
		r->watch->flying_count--;
	}
	move(f, NULL);
	HASH_DEL(r->fetches, f);
	free(f);
}

void fetch_want(struct reflector *r, const char *key)
{
	struct fetch *f = NULL;
	size_t len = strlen(key);
	HASH_FIND_STR(r->fetches, key, f);
	if (f != NULL) {
		f->again = f->call != NULL;
		return;
	}
	f = kube_alloc(1, sizeof *f + len + 1);
	memcpy(f->key, key, len + 1);
	f->reflector = r;
	f->backoff = (struct kube_backoff){FETCH_FIRST_MS, FETCH_MOST_MS, 0};
	HASH_ADD_KEYPTR(hh, r->fetches, f->key, len, f);
	move(f, &r->watch->ready);
}

void fetch_forget(struct reflector *r, const char *key)
{
	struct fetch *f = NULL;
	HASH_FIND_STR(r->fetches, key, f);
	if (f != NULL)
		forget(f);
}

void fetch_forget_all(struct reflector *r)
{
	struct fetch *f, *next;
	HASH_ITER(hh, r->fetches, f, next) {
		forget(f);
	}
}

static void delay(struct fetch *f, const struct kube_result *result, const char *why)
{
	struct reflector *r = f->reflector;
	struct watch *w = r->watch;
	long wait = kube_backoff_next(&f->backoff, result->retry_after_ms);
	watch_report(r, "get", result, why, wait);
	if (watch_is_hopeless(w, result, f->backoff.tries))
		return;
	f->due_ms = clock_monotonic_ms() + wait;
	move(f, &w->delayed);
}

/* NULL, or why the object cannot be used. */
static const char *take(struct fetch *f, struct json_text body)
{
	struct reflector *r = f->reflector;
	struct kube_identity id;
	char key[KUBE_KEY_SIZE];
	if (!json_check(body, &json_record_limits, NULL))
		return "the response is not JSON";
	body = json_trim(body);
	if (!k8s_object_names(body, &id))
		return "the response has no name or resourceVersion";
	kube_identity_key(&id, key);
	if (strcmp(key, f->key) != 0)
		return "the response is not the object that was asked for";
	struct held *held = held_find(r, f->key);
	if (held != NULL)
		held_write(r, held, body, held_version(r, body));
	return NULL;
}

/* Gone since; the watch may say so, or already has. Or it never was, and a card names it. */
static void take_absence(struct fetch *f)
{
	struct reflector *r = f->reflector;
	struct json_text unknown = {0};
	struct held *held = held_find(r, f->key);
	forget(f);
	if (held != NULL)
		held_gone(r, held, unknown);
}

/* What was seen while it was being read may be what came. */
static bool is_outdated(const struct fetch *f)
{
	const struct held *held = held_find(f->reflector, f->key);
	return held != NULL && held->seen != held->version;
}

static void on_fetched(void *user, const struct kube_result *result)
{
	struct fetch *f = user;
	struct watch *w = f->reflector->watch;
	bool again = f->again;
	const char *why = NULL;
	f->call = NULL;
	f->again = false;
	w->flying_count--;
	if (result->failure == KUBE_OK && result->code == 404) {
		take_absence(f);
		marks_advance(w);
		return;
	}
	if (result->failure == KUBE_OK && result->code == 200)
		why = take(f, result->body);
	if (result->failure != KUBE_OK || result->code != 200 || why != NULL) {
		delay(f, result, why);
		return;
	}
	kube_backoff_reset(&f->backoff);
	if (again && is_outdated(f))
		move(f, &w->ready);
	else
		forget(f);
	marks_advance(w);
}

static void start(struct fetch *f)
{
	struct reflector *r = f->reflector;
	const char *slash = strchr(f->key, '/');
	char *namespace = kube_copy_n(f->key, (size_t)(slash - f->key));
	char *scope = watch_path(&r->asked, namespace);
	char *path = kube_format("%s%s", scope, slash);
	struct kube_request request = {
		.method = "GET", .path = path, .on_done = on_fetched, .user = f, .compressed = true};
	f->call = kube_request_start(r->watch->client, &request);
	move(f, &r->watch->flying);
	r->watch->flying_count++;
	free(path);
	free(scope);
	free(namespace);
}

/* Where its kind is, if the server has it, is not known yet. */
static bool is_early(const struct fetch *f)
{
	return f->reflector->optional && f->reflector->served == SERVED_UNASKED;
}

void fetch_pump(struct watch *w, int64_t now)
{
	struct fetch *f, *next;
	DL_FOREACH_SAFE(w->delayed, f, next) {
		if (f->due_ms <= now)
			move(f, &w->ready);
	}
	DL_FOREACH_SAFE(w->ready, f, next) {
		if (w->flying_count >= FETCHES_MAX ||
		    kube_sink_pending(w->sink) >= WATCH_SINK_HIGH)
			break;
		if (!is_early(f))
			start(f);
	}
}

int64_t fetch_due(const struct watch *w)
{
	int64_t due = -1;
	const struct fetch *f;
	DL_FOREACH(w->delayed, f) {
		if (due < 0 || f->due_ms < due)
			due = f->due_ms;
	}
	return due;
}

/* Which API groups the server has, and in which versions: one APIGroupList for all kinds (GET /apis),
 * asked for at the start, and again when a kind that was not there is looked for. */
#include <stdlib.h>

#include "base/memory.h"
#include "watch/watch_private.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"

enum { FIRST_MS = 500, MOST_MS = 30 * 1000 };

static void known(struct watch *w)
{
	int64_t now = clock_monotonic_ms();
	w->discovery.known = true;
	w->discovery.asked_ms = now;
	for (size_t i = 0; i < w->count; i++)
		if (w->reflectors[i].state == REFLECTOR_WAITING &&
		    w->reflectors[i].due_ms == WATCH_DISCOVERY)
			w->reflectors[i].due_ms = now;
}

static void fail(struct watch *w, const struct kube_result *result)
{
	struct discovery *d = &w->discovery;
	char why[KUBE_ERROR_SIZE];
	bool transport = result->failure != KUBE_OK;
	long wait = result->failure == KUBE_UNREACHABLE
	                    ? kube_backoff_unreached(&d->backoff)
	                    : kube_backoff_next(&d->backoff, result->retry_after_ms);
	kube_result_describe(result, why);
	d->due_ms = clock_monotonic_ms() + wait;
	metrics_add(METRIC_RETRIES, NULL, 1);
	if (transport && watch_is_news(&w->report, result->failure))
		log_error("%.900s", why);
	else if (!transport && watch_is_news(&d->report, (uint64_t)result->code))
		log_error("cannot ask the server for its API groups: %.900s", why);
	watch_is_hopeless(w, result, d->backoff.tries);
}

static void on_done(void *user, const struct kube_result *result)
{
	struct watch *w = user;
	struct discovery *d = &w->discovery;
	d->call = NULL;
	if (result->failure != KUBE_OK || kube_result_retryable(result)) {
		fail(w, result);
		return;
	}
	d->groups.len = 0;
	kube_backoff_reset(&d->backoff);
	bool list = result->code == 200 && json_check(result->body, &json_record_limits, NULL) &&
	            json_type(json_get(json_trim(result->body), "groups")) == JSON_ARRAY;
	if (list)
		json_puttext(&d->groups, json_trim(result->body));
	else
		log_detail("the server does not tell its API groups (HTTP %ld)", result->code);
	known(w);
}

void discovery_tick(struct watch *w, int64_t now)
{
	struct discovery *d = &w->discovery;
	if (d->known || d->call != NULL || now < d->due_ms)
		return;
	if (d->backoff.first_ms == 0)
		d->backoff = (struct kube_backoff){FIRST_MS, MOST_MS, 0};
	struct kube_request request = {
		.method = "GET", .path = "/apis", .on_done = on_done, .user = w, .compressed = true};
	d->call = kube_request_start(w->client, &request);
}

int64_t discovery_due(const struct watch *w)
{
	return w->discovery.known || w->discovery.call != NULL ? -1 : w->discovery.due_ms;
}

void discovery_renew(struct watch *w)
{
	int64_t age = clock_monotonic_ms() - w->discovery.asked_ms;
	if (age >= WATCH_ABSENT_MS / 2 || age >= w->options->watch_s * 500)
		w->discovery.known = false;
}

static struct json_text group_of(const struct watch *w, const char *group)
{
	struct json_text none = {0}, all = json_buffer_text(&w->discovery.groups);
	struct json_member m = json_first(json_get(all, "groups"));
	for (; m.value.at != NULL; m = json_next(m))
		if (json_equals(json_get(m.value, "name"), group))
			return m.value;
	return none;
}

bool discovery_has(const struct watch *w, const char *group)
{
	return w->discovery.groups.len == 0 || group[0] == '\0' || group_of(w, group).at != NULL;
}

bool discovery_has_version(const struct watch *w, const char *group, const char *version)
{
	struct json_member m = json_first(json_get(group_of(w, group), "versions"));
	for (; m.value.at != NULL; m = json_next(m))
		if (json_equals(json_get(m.value, "version"), version))
			return true;
	return false;
}

char *discovery_version(const struct watch *w, const char *group, unsigned at)
{
	struct json_text found = group_of(w, group);
	char *preferred = json_cstring(json_get(found, "preferredVersion", "version"));
	if (preferred != NULL && at-- == 0)
		return preferred;
	char *version = NULL;
	struct json_member m = json_first(json_get(found, "versions"));
	for (; m.value.at != NULL && version == NULL; m = json_next(m)) {
		struct json_text text = json_get(m.value, "version");
		if (preferred != NULL && json_equals(text, preferred))
			continue;
		if (at-- == 0)
			version = json_cstring(text);
	}
	free(preferred);
	return version;
}

void discovery_free(struct watch *w)
{
	if (w->discovery.call != NULL)
		kube_call_cancel(w->discovery.call);
	json_buffer_free(&w->discovery.groups);
}

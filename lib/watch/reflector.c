/* One list and its watch: what it does next. Each answer of a request says whether to go on; how is
 * decided here alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "watch/watch_private.h"
#include "os/clock.h"
#include "os/log.h"

enum { FIRST_MS = 500, MOST_MS = 30 * 1000 };

/* Takes the next version of its group that may have the kind; false: there is no more. */
static bool choose_version(struct reflector *r)
{
	struct watch *w = r->watch;
	const char *group = r->asked.group;
	unsigned at = r->version_at++;
	if (r->unless != NULL && w->discovery.groups.len > 0 && discovery_has(w, r->unless))
		return false;
	if (!discovery_has(w, group))
		return !r->optional && at == 0;
	if (w->discovery.groups.len == 0 ||
	    (!r->chosen && discovery_has_version(w, group, r->asked.version)))
		return at == 0;
	char *version = discovery_version(w, group, at);
	if (version == NULL)
		return at == 0 && !r->optional;
	free(r->version);
	free(r->marks->preferred);
	r->asked.version = r->version = version;
	r->marks->kind.version = r->marks->preferred = kube_copy(version);
	return true;
}

static void absent(struct reflector *r)
{
	log_detail("%s.%s: the server does not have this API; skipped", r->asked.plural,
	           r->asked.group);
	r->version_at = 0;
	reflector_wait(r, reflector_absent_ms(r));
	reflector_unavailable(r, SERVED_NO);
}

/* Finds out where the kind is. False when that takes time, or it is nowhere. */
static bool is_found(struct reflector *r)
{
	bool asks = r->optional || r->chosen;
	if (!asks || (r->served != SERVED_UNASKED && r->served != SERVED_NO) || r->version_at > 0)
		return true;
	if (r->served == SERVED_NO || !discovery_has(r->watch, r->asked.group))
		discovery_renew(r->watch);
	if (!r->watch->discovery.known) {
		r->state = REFLECTOR_WAITING;
		r->due_ms = WATCH_DISCOVERY;
		return false;
	}
	if (choose_version(r))
		return true;
	absent(r);
	return false;
}

static void reflector_go(struct reflector *r)
{
	if (!is_found(r))
		return;
	if (r->marks->role == ROLE_CARDS && !r->learned) {
		reflector_learn(r);
	} else if (r->list == LIST_CURRENT) {
		reflector_watch(r, false);
	} else if (r->manner != MANNER_STREAM) {
		reflector_list(r);
	} else {
		reflector_new_generation(r);
		reflector_watch(r, true);
	}
}

/* The kind is not where it was looked for. True when it may be elsewhere. */
static bool look_elsewhere(struct reflector *r)
{
	if (r->instead != NULL && !r->complete) {
		log_detail("%s: the server has none; %s instead", r->asked.plural,
		           r->instead->plural);
		r->marks->kind = r->asked = *r->instead;
		r->instead = NULL;
		free(r->query);
		r->query = kube_copy("fieldSelector=metadata.name%3Dkubernetes");
		r->manner = MANNER_STREAM;
		return true;
	}
	return (r->optional || r->chosen) && r->served != SERVED_YES && choose_version(r);
}

/* True: go on. */
static bool take_answer(struct reflector *r, const struct kube_result *result)
{
	bool nowhere = result->failure == KUBE_OK && result->code == 404;
	if (r->state == REFLECTOR_LEARNING)
		return reflector_after_learning(r, result);
	if (nowhere && look_elsewhere(r))
		return true;
	if (nowhere && r->optional) {
		absent(r);
		return false;
	}
	if (nowhere) /* for its definition to come, in whatever version */
		r->version_at = 0;
	if (r->state == REFLECTOR_LISTING)
		return reflector_after_page(r, result);
	return reflector_after_watch(r, result);
}

static void on_done(void *user, const struct kube_result *result)
{
	struct reflector *r = user;
	r->call = NULL;
	r->answer.paused = false;
	if (take_answer(r, result))
		reflector_go(r);
}

void reflector_open(struct reflector *r)
{
	r->backoff = (struct kube_backoff){FIRST_MS, MOST_MS, 0};
	r->on_done = on_done;
	if (r->state != REFLECTOR_IDLE)
		reflector_go(r);
}

void reflector_tick(struct reflector *r, int64_t now)
{
	size_t low = WATCH_SINK_HIGH / 2;
	if (r->answer.paused && kube_sink_pending(r->watch->sink) < low) {
		r->answer.paused = false;
		r->due_ms = now + WATCH_STREAM_QUIET_MS;
		kube_call_resume(r->call);
	}
	if (r->state == REFLECTOR_WAITING && now >= r->due_ms)
		reflector_go(r);
	if (r->state == REFLECTOR_STREAMING && !r->answer.paused && now >= r->due_ms) {
		log_detail("%s: the server does not offer streaming lists", r->marks->kind.plural);
		kube_call_cancel(r->call);
		r->manner = MANNER_PAGES;
		reflector_list(r);
	}
}

int64_t reflector_due(const struct reflector *r)
{
	bool timed = (r->state == REFLECTOR_WAITING && r->due_ms != WATCH_DISCOVERY) ||
	             (r->state == REFLECTOR_STREAMING && !r->answer.paused);
	return timed ? r->due_ms : -1;
}

void reflector_free(struct reflector *r)
{
	if (r->call != NULL)
		kube_call_cancel(r->call);
	held_forget_all(r);
	kube_split_free(&r->split);
	json_buffer_free(&r->line);
	free(r->answer.message);
	free(r->next_page);
	free(r->namespace);
	free(r->query);
	free(r->version);
}

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "watch/watch_private.h"
#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"

enum { REPEAT_MS = 60 * 1000 };

static void word_rights(const struct reflector *r, const char *verb,
                        const struct kube_result *result, char text[256])
{
	const struct k8s_kind *kind = &r->asked;
	text[0] = '\0';
	if (result->code == 403)
		snprintf(text, 256,
		         "; a %s must grant the verb %s (of get, list, watch) on %s in apiGroup "
		         "\"%s\"",
		         r->namespace == NULL ? "ClusterRole" : "Role", verb, kind->plural,
		         kind->group);
	else if (result->code == 404)
		snprintf(text, 256, "; is its CustomResourceDefinition installed?");
}

bool watch_is_news(struct report *last, uint64_t what)
{
	int64_t now = clock_monotonic_ms();
	bool news = what != last->what || now - last->at_ms >= REPEAT_MS;
	if (news)
		*last = (struct report){what, now};
	return news;
}

/* A server that has just begun says so, and to come back in a second. */
static bool is_starting(const char *reason)
{
	return strstr(reason, "storage is (re)initializing") != NULL;
}

void watch_report(struct reflector *r, const char *verb, const struct kube_result *result,
                  const char *why, long wait_ms)
{
	struct watch *w = r->watch;
	const struct k8s_kind *kind = &r->asked;
	char reason[KUBE_ERROR_SIZE], text[KUBE_ERROR_SIZE], rights[256];
	const char *message = why == NULL || why != r->answer.unusable ? NULL : r->answer.message;
	if (why != NULL)
		snprintf(reason, sizeof reason, "%s%s%s", why, message == NULL ? "" : ": ",
		         message == NULL ? "" : message);
	else
		kube_result_describe(result, reason);
	word_rights(r, verb, result, rights);
	bool transport = result->failure != KUBE_OK && why == NULL;
	if (transport) /* The server's trouble, not this kind's: say it once for all. */
		snprintf(text, sizeof text, "%.900s", reason);
	else
		snprintf(text, sizeof text, "cannot %s %s%s%s in %s%s: %.400s%s", verb,
		         kind->plural, kind->group[0] == '\0' ? "" : ".", kind->group,
		         r->namespace == NULL ? "all namespaces" : "namespace ",
		         r->namespace == NULL ? "" : r->namespace, reason, rights);
	/* The text of a transport error varies with its timing. */
	uint64_t what = transport ? result->failure : json_hash(json_of(text));
	bool news = watch_is_news(transport ? &w->report : &r->report, what);
	if (news && !is_starting(reason))
		log_error("%s", text);
	else
		log_detail("%s; trying again in %ld ms", text, wait_ms);
}

bool watch_is_hopeless(struct watch *w, const struct kube_result *result, unsigned tries)
{
	bool never = !kube_client_connected(w->client) &&
	             (result->failure == KUBE_TLS || result->failure == KUBE_CREDENTIALS);
	bool refused = result->failure == KUBE_OK && !kube_result_retryable(result) &&
	               result->code != 404 && result->code != 200;
	if (never || (w->options->once && (refused || tries >= WATCH_ONCE_TRIES)))
		w->status = EXIT_CANNOT;
	return w->status >= 0;
}

static bool keep(int fd, struct json_text object)
{
	struct iovec parts[] = {{(void *)object.at, object.len}, {(void *)"\n", 1}};
	ssize_t put;
	do {
		put = writev(fd, parts, 2);
	} while (put < 0 && errno == EINTR);
	return put == (ssize_t)object.len + 1;
}

void watch_reject(struct reflector *r, struct json_text object, const char *reason)
{
	struct watch *w = r->watch;
	w->rejected++;
	marks_emit_unusable(r, object);
	log_error("%s: an object of %zu bytes was skipped: %s", r->marks->kind.plural, object.len,
	          reason);
	if (w->rejects_fd >= 0 && !keep(w->rejects_fd, object))
		log_error("cannot write %s: %s", w->options->rejects, strerror(errno));
}

#include "client/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json/write.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/signals.h"

/* client-go's defaults */
enum { DURATION_S = 15, DURATION_MAX_S = 3600, DEADLINE_MS = 10 * 1000, RETRY_MS = 2 * 1000, TICK_MS = 50,
       RELEASE_MS = 500 /* for giving it back, when a signal ends us */ };

enum step { STEP_IDLE, STEP_READING, STEP_WRITING };

struct kube_lease {
	struct kube_client *client;
	char *namespace, *identity, *name, *path;
	enum step step;
	struct kube_call *call;
	bool held, lost;
	int64_t asked_ms;   /* when the request in flight was sent */
	int64_t renewed_ms; /* when the write that we hold by was sent */
	int64_t due_ms;
	char *version;      /* resourceVersion as read; NULL: it does not exist */
	char *acquired;     /* acquireTime, kept while we hold it */
	int64_t transitions;
	char *seen;         /* holder and renewTime of another, as seen last */
	int64_t seen_ms;    /* and since when it has been the same */
};

struct kube_lease *kube_lease_new(struct kube_client *client, const char *namespace,
                                  const char *name, const char *identity)
{
	struct kube_lease *lease = kube_alloc(1, sizeof *lease);
	lease->client = client;
	lease->namespace = kube_copy(namespace);
	lease->identity = kube_copy(identity);
	lease->name = kube_copy(name);
	lease->path = kube_format("/apis/coordination.k8s.io/v1/namespaces/%s/leases", namespace);
	return lease;
}

static void retry(struct kube_lease *lease)
{
	lease->step = STEP_IDLE;
	lease->due_ms = clock_monotonic_ms() + RETRY_MS;
}

/* RFC 3339 with microseconds, as metav1.MicroTime demands. */
static void now_text(char text[64])
{
	struct timespec now;
	struct tm parts;
	char seconds[32];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text, 64, "%s.%06ldZ", seconds, now.tv_nsec / 1000);
}

static void put_member(struct json_buffer *out, const char *key, const char *value)
{
	json_put_key(out, key);
	json_put_string(out, value);
}

/* `holder` "" gives the lease back. */
static void put_lease(struct kube_lease *lease, struct json_buffer *out, const char *holder)
{
	char now[64];
	now_text(now);
	if (lease->acquired == NULL) {
		lease->acquired = kube_copy(now);
		lease->transitions++;
	}
	json_puts(out, "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{");
	put_member(out, "name", lease->name);
	put_member(out, "namespace", lease->namespace);
	if (lease->version != NULL)
		put_member(out, "resourceVersion", lease->version);
	json_puts(out, "},\"spec\":{");
	put_member(out, "holderIdentity", holder);
	json_putf(out, ",\"leaseDurationSeconds\":%d", holder[0] == '\0' ? 1 : DURATION_S);
	put_member(out, "acquireTime", lease->acquired);
	put_member(out, "renewTime", now);
	json_putf(out, ",\"leaseTransitions\":%lld}}", (long long)lease->transitions);
}

static void remember_version(struct kube_lease *lease, struct json_text object)
{
	free(lease->version);
	lease->version = json_cstring(json_get(object, "metadata", "resourceVersion"));
}

static void on_written(void *user, const struct kube_result *result)
{
	struct kube_lease *lease = user;
	char why[KUBE_ERROR_SIZE];
	lease->call = NULL;
	retry(lease);
	bool written = result->failure == KUBE_OK && (result->code == 200 || result->code == 201);
	if (written && json_check(result->body, &json_record_limits, NULL)) {
		remember_version(lease, json_trim(result->body));
		if (!lease->held)
			log_notice("leader: %s holds the lease %s/%s", lease->identity,
			           lease->namespace, lease->name);
		lease->held = true;
		lease->renewed_ms = lease->asked_ms;
		return;
	}
	if (!lease->held) {
		free(lease->acquired);
		lease->acquired = NULL;
	}
	if (result->code == 409)
		return; /* another was faster; look again */
	kube_result_describe(result, why);
	log_warning("cannot write the lease %s/%s: %s", lease->namespace, lease->name, why);
}

static void send(struct kube_lease *lease, const char *holder,
                 void (*done)(void *, const struct kube_result *))
{
	struct json_buffer body = {0};
	bool exists = lease->version != NULL;
	char *path = kube_format("%s%s%s", lease->path, exists ? "/" : "",
	                         exists ? lease->name : "");
	put_lease(lease, &body, holder);
	struct kube_request request = {.method = exists ? "PUT" : "POST",
	                               .path = path,
	                               .body = json_buffer_text(&body),
	                               .on_done = done,
	                               .user = lease,
	                               .timeout_ms = DEADLINE_MS / 2};
	lease->asked_ms = clock_monotonic_ms();
	lease->step = STEP_WRITING;
	lease->call = kube_request_start(lease->client, &request);
	json_buffer_free(&body);
	free(path);
}

/* True when nobody holds it, or its holder has shown no sign of life for its duration. */
static bool is_free(struct kube_lease *lease, struct json_text spec)
{
	char *holder = json_cstring(json_get(spec, "holderIdentity"));
	char *renewed = json_cstring(json_get(spec, "renewTime"));
	int64_t duration = DURATION_S, now = clock_monotonic_ms();
	json_integer(json_get(spec, "leaseDurationSeconds"), &duration);
	if (duration < 1 || duration > DURATION_MAX_S)
		duration = DURATION_S;
	char *sign = kube_format("%s %s", holder == NULL ? "" : holder,
	                         renewed == NULL ? "" : renewed);
	bool nobody = holder == NULL || holder[0] == '\0' || strcmp(holder, lease->identity) == 0;
	if (!nobody && (lease->seen == NULL || strcmp(sign, lease->seen) != 0)) {
		free(lease->seen);
		lease->seen = kube_copy(sign);
		lease->seen_ms = now;
		log_detail("leader: %s", holder);
	}
	free(sign);
	free(holder);
	free(renewed);
	return nobody || now - lease->seen_ms > duration * 1000;
}

static void on_read(void *user, const struct kube_result *result)
{
	struct kube_lease *lease = user;
	char why[KUBE_ERROR_SIZE];
	lease->call = NULL;
	retry(lease);
	if (result->failure == KUBE_OK && result->code == 404) {
		free(lease->version);
		lease->version = NULL;
		send(lease, lease->identity, on_written);
		return;
	}
	if (result->failure != KUBE_OK || result->code != 200 ||
	    !json_check(result->body, &json_record_limits, NULL)) {
		kube_result_describe(result, why);
		log_warning("cannot read the lease %s/%s: %s", lease->namespace, lease->name, why);
		return;
	}
	struct json_text object = json_trim(result->body), spec = json_get(object, "spec");
	remember_version(lease, object);
	bool ours = json_equals(json_get(spec, "holderIdentity"), lease->identity);
	if (lease->held && !ours) {
		lease->lost = true;
		return;
	}
	if (!lease->held)
		json_integer(json_get(spec, "leaseTransitions"), &lease->transitions);
	if (is_free(lease, spec))
		send(lease, lease->identity, on_written);
}

static void advance(struct kube_lease *lease)
{
	if (lease->step != STEP_IDLE || clock_monotonic_ms() < lease->due_ms)
		return;
	char *path = kube_format("%s/%s", lease->path, lease->name);
	struct kube_request request = {.method = "GET",
	                               .path = path,
	                               .on_done = on_read,
	                               .user = lease,
	                               .timeout_ms = DEADLINE_MS / 2};
	lease->step = STEP_READING;
	lease->call = kube_request_start(lease->client, &request);
	free(path);
}

bool kube_lease_acquire(struct kube_lease *lease)
{
	while (!lease->held && !signals_stop()) {
		advance(lease);
		int64_t left = lease->due_ms - clock_monotonic_ms();
		bool idle = lease->step == STEP_IDLE;
		kube_client_poll(lease->client, idle ? (int)(left > 0 ? left : 0) : -1, NULL, 0);
	}
	return lease->held;
}

bool kube_lease_hold(struct kube_lease *lease)
{
	advance(lease);
	if (lease->step != STEP_IDLE)
		kube_client_poll(lease->client, 0, NULL, 0);
	/* Stop before another may take it: the deadline is shorter than the duration. */
	bool late = clock_monotonic_ms() - lease->renewed_ms > DEADLINE_MS;
	if (!lease->lost && !late)
		return true;
	log_error("the lease %s/%s is lost: %s", lease->namespace, lease->name,
	          lease->lost ? "another holds it" : "it could not be renewed in time");
	lease->held = false;
	return false;
}

int64_t kube_lease_due(const struct kube_lease *lease)
{
	return lease->step == STEP_IDLE ? lease->due_ms : clock_monotonic_ms() + TICK_MS;
}

static void on_released(void *user, const struct kube_result *result)
{
	struct kube_lease *lease = user;
	(void)result;
	lease->call = NULL;
	lease->held = false;
}

static void release(struct kube_lease *lease)
{
	int64_t until = clock_monotonic_ms() + RELEASE_MS;
	if (lease->call != NULL)
		kube_call_cancel(lease->call);
	send(lease, "", on_released);
	while (lease->held && clock_monotonic_ms() < until)
		kube_client_poll(lease->client, TICK_MS, NULL, 0);
	if (lease->held)
		kube_call_cancel(lease->call);
}

void kube_lease_free(struct kube_lease *lease)
{
	if (lease == NULL)
		return;
	if (lease->held)
		release(lease);
	else if (lease->call != NULL)
		kube_call_cancel(lease->call);
	free(lease->namespace);
	free(lease->identity);
	free(lease->name);
	free(lease->path);
	free(lease->version);
	free(lease->acquired);
	free(lease->seen);
	free(lease);
}

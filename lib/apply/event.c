#include "apply/cluster_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "os/clock.h"
#include "os/log.h"
#include "k8s/name.h"
#include "k8s/operator.h"
#include "base/table.h"
#include "json/write.h"

/*
 * An Event's name is made of its AgentCard's and of what it says, so the same is told once, also
 * by the next process; told again, it gets a new time. Events are a courtesy: when the server
 * does not take one, that is a warning, and the policies are what counts.
 */
enum { PENDING_MAX = 1000, IN_FLIGHT = 4, TRIES = 5, TEXT_MAX = 1000, CARD_PART = 200 };

struct note {
	struct note *prev, *next;
	struct kube_events *events;
	char *path, *name, *body;
	bool again; /* it is there from before: only its time changes */
	unsigned tries;
};

/* What was last told of a card that is in trouble. */
struct told {
	char *card; /* "namespace/name" */
	uint64_t hash;
	UT_hash_handle hh;
};

struct kube_events {
	struct kube_server *server;
	struct told *told;
	struct note *pending;
	struct kube_call *calls[IN_FLIGHT];
	struct note *notes[IN_FLIGHT]; /* of the calls */
	size_t count, flying;
	struct kube_backoff backoff;
	int64_t due;
	bool overflown;
};

struct kube_events *kube_events_new(struct kube_server *server)
{
	struct kube_events *events = kube_alloc(1, sizeof *events);
	events->server = server;
	events->backoff = (struct kube_backoff){.first_ms = 500, .most_ms = 30000};
	return events;
}

static void free_note(struct note *note)
{
	free(note->path);
	free(note->name);
	free(note->body);
	free(note);
}

static void forget(struct kube_events *events, struct told *told)
{
	HASH_DEL(events->told, told);
	free(told->card);
	free(told);
}

void kube_events_free(struct kube_events *events)
{
	struct note *note, *next;
	struct told *told, *other;
	if (events == NULL)
		return;
	for (size_t i = 0; i < IN_FLIGHT; i++) {
		if (events->calls[i] == NULL)
			continue;
		kube_call_cancel(events->calls[i]);
		free_note(events->notes[i]);
	}
	DL_FOREACH_SAFE(events->pending, note, next) {
		free_note(note);
	}
	HASH_ITER(hh, events->told, told, other) {
		forget(events, told);
	}
	free(events);
}

static bool is_error(struct json_text problem)
{
	return !json_equals(json_get(problem, "severity"), "warning");
}

static void put_decoded(struct json_buffer *out, struct json_text string)
{
	size_t len = 0;
	char *text = json_string(string, &len);
	if (text != NULL)
		json_put(out, text, len);
	free(text);
}

/* Of a status: why the agent is not confined. */
static void put_gap(const struct kube_operation *operation, struct json_buffer *out)
{
	struct json_text condition =
	        json_first(json_get(operation->object, "status", "conditions")).value;
	if (!json_equals(json_get(condition, "status"), "False"))
		return;
	json_puts(out, "not confined: ");
	put_decoded(out, json_get(condition, "reason"));
	json_puts(out, ": ");
	put_decoded(out, json_get(condition, "message"));
	json_puts(out, ". ");
}

/* Appends what there is to tell, plain text; nothing when all is well. */
static void put_trouble(const struct kube_operation *operation, struct json_buffer *out)
{
	struct json_buffer errors = {0};
	for (struct json_member m = json_first(operation->problems); m.value.at; m = json_next(m)) {
		if (!is_error(m.value))
			continue;
		json_puts(&errors, errors.len == 0 ? ": " : "; ");
		put_decoded(&errors, json_get(m.value, "field"));
		json_puts(&errors, ": ");
		put_decoded(&errors, json_get(m.value, "message"));
	}
	put_gap(operation, out);
	if (errors.len > 0 || json_equals(operation->reason, "NotVerified")) {
		put_decoded(out, operation->message);
		json_puttext(out, json_buffer_text(&errors));
	}
	if (out->len > TEXT_MAX) {
		out->len = TEXT_MAX;
		while (out->len > 0 && ((unsigned char)out->at[out->len] & 0xc0) == 0x80)
			out->len--;
		json_puts(out, " ...");
	}
	json_buffer_free(&errors);
}

/* The group and version of the card: of the status' own object, or of the policy's owner. */
static struct json_text card_version(const struct kube_operation *operation)
{
	if (operation->status)
		return json_get(operation->object, "apiVersion");
	struct json_text owners = json_get(operation->object, "metadata", "ownerReferences");
	for (struct json_member m = json_first(owners); m.value.at; m = json_next(m))
		if (json_equals(json_get(m.value, "kind"), "AgentCard"))
			return json_get(m.value, "apiVersion");
	return (struct json_text){0};
}

static void put_text(struct json_buffer *out, const char *key, struct json_text value)
{
	if (json_type(value) != JSON_STRING)
		return;
	json_put_key(out, key);
	json_puttext(out, value);
}

static void put_member(struct json_buffer *out, const char *key, const char *value)
{
	json_put_key(out, key);
	json_put_string(out, value);
}

static void put_event(const struct kube_operation *operation, const char *name,
                      struct json_text text, struct json_buffer *out)
{
	char now[CLOCK_TEXT_SIZE];
	clock_format(clock_now(), now);
	json_puts(out, "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{");
	put_text(out, "namespace", json_get(operation->agent_card, "namespace"));
	put_member(out, "name", name);
	json_puts(out, "},\"involvedObject\":{\"kind\":\"AgentCard\"");
	put_text(out, "apiVersion", card_version(operation));
	put_text(out, "namespace", json_get(operation->agent_card, "namespace"));
	put_text(out, "name", json_get(operation->agent_card, "name"));
	put_text(out, "uid", json_get(operation->agent_card, "uid"));
	json_puts(out, "},\"type\":\"Warning\"");
	put_text(out, "reason", operation->reason);
	json_put_key(out, "message");
	json_put_string_n(out, text.at, text.len);
	json_puts(out, ",\"source\":{\"component\":\"" POLICY_MANAGER "\"}");
	put_member(out, "reportingComponent", POLICY_MANAGER);
	put_member(out, "firstTimestamp", now);
	put_member(out, "lastTimestamp", now);
	json_puts(out, ",\"count\":1}");
}

static void queue(struct kube_events *events, const struct kube_operation *operation,
                  struct json_text card, struct json_text text, uint64_t hash)
{
	struct json_text namespace = json_plain(json_get(operation->agent_card, "namespace"));
	struct json_buffer body = {0};
	if (events->count >= PENDING_MAX) {
		if (!events->overflown)
			log_warning("more than %d Events wait: some are not told", PENDING_MAX);
		events->overflown = true;
		return;
	}
	struct note *note = kube_alloc(1, sizeof *note);
	note->events = events;
	note->path = kube_format("/api/v1/namespaces/%.*s/events", (int)namespace.len, namespace.at);
	/* a name must not end in a dot before the next one begins */
	size_t len = card.len < CARD_PART ? card.len : CARD_PART;
	while (len > 1 && (card.at[len - 1] == '.' || card.at[len - 1] == '-'))
		len--;
	note->name = kube_format("%.*s.%016llx", (int)len, card.at, (unsigned long long)hash);
	put_event(operation, note->name, text, &body);
	json_putc(&body, '\0');
	note->body = body.at;
	DL_APPEND(events->pending, note);
	events->count++;
}

static void tell(struct kube_events *events, const struct kube_operation *operation,
                 struct json_text card, struct json_text text)
{
	struct json_text namespace = json_plain(json_get(operation->agent_card, "namespace"));
	char *key = kube_format("%.*s/%.*s", (int)namespace.len, namespace.at, (int)card.len,
	                        card.at);
	uint64_t hash = json_hash(text) ^ json_hash(json_get(operation->agent_card, "uid"));
	struct told *told;
	HASH_FIND_STR(events->told, key, told);
	bool known = told != NULL && told->hash == hash;
	if (told != NULL && text.len == 0)
		forget(events, told);
	if (told == NULL && text.len > 0) {
		told = kube_alloc(1, sizeof *told);
		told->card = kube_copy(key);
		HASH_ADD_KEYPTR(hh, events->told, told->card, strlen(told->card), told);
	}
	if (text.len > 0 && !known) {
		told->hash = hash;
		queue(events, operation, card, text, hash);
	}
	free(key);
}

/* The card's namespace is the object's; one that is cluster-scoped has none to compare with. */
static bool is_namespace(struct json_text namespace, const struct kube_identity *id)
{
	if (id->namespace.at != NULL)
		return json_same(namespace, id->namespace);
	return policy_is_label(namespace);
}

void kube_events_report(struct kube_events *events, const struct kube_operation *operation)
{
	struct json_text card = json_plain(json_get(operation->agent_card, "name"));
	struct json_text namespace = json_plain(json_get(operation->agent_card, "namespace"));
	struct json_buffer text = {0};
	/* these come from the record: only names are used in a path */
	if (operation->type == KUBE_BOOKMARK || !policy_is_subdomain(card) ||
	    !is_namespace(namespace, &operation->id))
		return;
	if (operation->type == KUBE_APPLY)
		put_trouble(operation, &text);
	tell(events, operation, card, json_buffer_text(&text));
	json_buffer_free(&text);
}

static void on_done(void *user, const struct kube_result *result);

static void send(struct kube_events *events, struct note *note)
{
	char now[CLOCK_TEXT_SIZE];
	char *path =
	        note->again ? kube_format("%s/%s", note->path, note->name) : kube_copy(note->path);
	clock_format(clock_now(), now);
	char *body = note->again ? kube_format("{\"lastTimestamp\":\"%s\"}", now)
	                         : kube_copy(note->body);
	size_t at = 0;
	while (events->calls[at] != NULL)
		at++;
	events->notes[at] = note;
	events->calls[at] = kube_request_start(
	        events->server->client,
	        &(struct kube_request){
	                .method = note->again ? "PATCH" : "POST",
	                .path = path,
	                .body = json_of(body),
	                .content_type = note->again ? "application/merge-patch+json" : NULL,
	                .on_done = on_done,
	                .user = note,
	        });
	events->flying++;
	free(path);
	free(body);
}

static void on_done(void *user, const struct kube_result *result)
{
	struct note *note = user;
	struct kube_events *events = note->events;
	char why[KUBE_ERROR_SIZE];
	size_t at = 0;
	while (events->notes[at] != note)
		at++;
	events->calls[at] = NULL;
	events->notes[at] = NULL;
	events->flying--;
	kube_server_answered(events->server, result);
	bool there = result->failure == KUBE_OK && result->code == 409 && !note->again;
	bool retry = kube_server_may_retry(events->server, result) && ++note->tries < TRIES;
	if (there || retry) {
		note->again |= there;
		if (retry)
			events->due = clock_monotonic_ms() +
			              kube_backoff_next(&events->backoff, result->retry_after_ms);
		DL_PREPEND(events->pending, note);
		events->count++;
		return;
	}
	kube_result_describe(result, why);
	if (result->failure != KUBE_OK || result->code >= 300)
		log_warning("cannot tell Event %s: %s", note->name, why);
	else
		kube_backoff_reset(&events->backoff);
	free_note(note);
}

int64_t kube_events_pump(struct kube_events *events, int64_t now)
{
	if (events->pending != NULL && now < events->due)
		return events->due;
	while (events->pending != NULL && events->flying < IN_FLIGHT) {
		struct note *note = events->pending;
		DL_DELETE(events->pending, note);
		events->count--;
		send(events, note);
	}
	return -1;
}

bool kube_events_busy(const struct kube_events *events)
{
	if (events == NULL || kube_server_is_late(events->server))
		return false;
	return events->pending != NULL || events->flying > 0;
}

#include "apply/cluster_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/agent_line_private.h"
#include "apply/agents_private.h"
#include "apply/files_private.h"
#include "apply/orphans_private.h"
#include "apply/status_private.h"
#include "base/memory.h"
#include "k8s/operator.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"

/* Reading ahead lets a later operation replace an earlier one, and must have an end. */
enum { QUEUE_JOBS = 20000, QUEUE_BYTES = 64 * 1024 * 1024 };

enum { TRIES_TOLD = 5 }; /* some seconds */

struct kube_cluster {
	struct kube_cluster_options options;
	struct stream *stream;
	struct kube_server server;
	struct kube_queue *queue;
	struct kube_attempts attempts;
	bool incomplete;                  /* an operation was refused: what is wanted is not all known */
	const struct k8s_kind *failed; /* of an APPLY that failed; NULL: none did */
	bool failed_others;               /* and others of another kind */
	struct json_buffer bookmarks;     /* lines that wait for what came before them */
	bool prune_due;
	struct kube_wanted unread; /* namespaces, since the last begin mark: not all that cards want is known */
	bool keeps; /* since the last begin mark: not all that is wanted has an operation */
	struct kube_pruning *pruning;
	bool orphans_due;
	struct kube_orphans *orphans;
	struct kube_events *events;
	struct kube_agents *agents;
	struct kube_status_schema schema;
};

static void attempt_ended(struct kube_attempts *attempts, struct kube_attempt *attempt,
                          const struct kube_outcome *outcome);
static void attempt_retry(struct kube_attempts *attempts, struct kube_attempt *attempt,
                          const struct kube_result *result);

/* Its line among the results, and its status in the queue, behind the policies that it speaks of. */
static void write_agent(void *user, struct json_text line, const char *card_version,
                        int64_t status_due)
{
	struct kube_cluster *cluster = user;
	struct json_buffer record = {0};
	struct kube_operation operation;
	char version[128];
	stream_write(cluster->stream, line);
	if (!cluster->options.status || json_is_true(json_get(line, "gone")))
		return;
	snprintf(version, sizeof version, "%s/v1alpha1", policy_names(0)->agentcard_group);
	kube_agent_status_put(line, card_version[0] == '\0' ? version : card_version, &record);
	const char *wrong = kube_operation_read(json_buffer_text(&record), &operation);
	if (wrong == NULL)
		wrong = kube_operation_refusal(&operation);
	if (wrong == NULL) {
		kube_status_schema_ask(&cluster->schema, operation.id.api_version);
		kube_queue_add(cluster->queue, json_buffer_text(&record), &operation);
		if (status_due > clock_monotonic_ms())
			kube_queue_postpone(cluster->queue, &operation, status_due);
	} else {
		log_warning("no status is written for an agent: %s", wrong);
	}
	json_buffer_free(&record);
}

static void gather_metrics(void *context)
{
	const struct kube_cluster *cluster = context;
	for (size_t i = 0; policy_kinds[i] != NULL; i++) {
		size_t count = kube_queue_not_in_force(cluster->queue, policy_kinds[i]);
		metrics_set(METRIC_NOT_IN_FORCE, policy_kinds[i]->kind, (int64_t)count);
	}
}

struct kube_cluster *kube_cluster_new(const struct kube_cluster_options *options,
                                      struct kube_client *client, struct stream *stream)
{
	struct kube_cluster *cluster = kube_alloc(1, sizeof *cluster);
	cluster->options = *options;
	cluster->stream = stream;
	cluster->server = kube_server_of(client, options->retry_ms);
	cluster->queue = kube_queue_new(options->prune || options->adopt != KUBE_ADOPT_NONE,
	                                options->refused_ms);
	cluster->attempts = (struct kube_attempts){
	        .options = &cluster->options,
	        .server = &cluster->server,
	        .ended = attempt_ended,
	        .retry = attempt_retry,
	};
	TAILQ_INIT(&cluster->attempts.running);
	if (options->events && options->dry_run == KUBE_DRY_RUN_NONE)
		cluster->events = kube_events_new(&cluster->server);
	cluster->agents = kube_agents_new(
	        &(struct kube_agents_options){.write = write_agent, .user = cluster});
	cluster->schema.server = &cluster->server;
	metrics_gather(gather_metrics, cluster);
	return cluster;
}

void kube_cluster_free(struct kube_cluster *cluster)
{
	struct kube_attempt *attempt;
	gather_metrics(cluster);
	metrics_gather(NULL, NULL);
	while ((attempt = TAILQ_FIRST(&cluster->attempts.running)) != NULL)
		kube_attempt_free(attempt);
	kube_prune_free(cluster->pruning);
	kube_orphans_free(cluster->orphans);
	kube_events_free(cluster->events);
	kube_agents_free(cluster->agents);
	kube_status_schema_end(&cluster->schema);
	kube_queue_free(cluster->queue);
	json_buffer_free(&cluster->bookmarks);
	kube_wanted_free(&cluster->unread);
	free(cluster);
}

static void write_outcome(struct kube_cluster *cluster, const struct kube_operation *operation,
                          const struct kube_outcome *outcome)
{
	kube_outcome_write(cluster->stream, &operation->id, outcome);
	if (!operation->status)
		kube_agents_result(cluster->agents, operation, outcome);
}

static void report(struct kube_cluster *cluster, const struct kube_operation *operation,
                   const char *why)
{
	struct kube_outcome outcome = {.verdict = KUBE_FAILED};
	snprintf(outcome.message, sizeof outcome.message, "%s", why);
	write_outcome(cluster, operation, &outcome);
}

static bool is_idle(const struct kube_cluster *cluster)
{
	return cluster->attempts.count == 0 && kube_queue_length(cluster->queue) == 0;
}

static void report_blocked(struct kube_cluster *cluster)
{
	const struct kube_job *job;
	while ((job = kube_queue_blocked(cluster->queue)) != NULL)
		report(cluster, &job->now.operation,
		       "not deleted: what its AgentCard asks for in its place is not in force yet");
}

static void pass_bookmarks(struct kube_cluster *cluster);

static void pruning_ended(void *user, bool whole)
{
	struct kube_cluster *cluster = user;
	cluster->pruning = NULL;
	if (!whole)
		stream_count_failure(cluster->stream);
	pass_bookmarks(cluster);
}

/* What no operation named is looked for only where that tells that nobody wants it; else `none` is
 * said, and why. */
static bool knows_wanted(struct kube_cluster *cluster, const char *none)
{
	const char *unknown = kube_wanted_unknown(
	        cluster->incomplete || stream_rejected(cluster->stream) > 0, cluster->keeps);
	if (unknown == NULL)
		return true;
	log_error("%s: %s", none, unknown);
	stream_count_failure(cluster->stream);
	return false;
}

static void begin_pruning(struct kube_cluster *cluster)
{
	cluster->prune_due = false;
	if (!knows_wanted(cluster, "nothing is pruned"))
		return;
	cluster->pruning = kube_prune_new(&(struct kube_prune_options){
	        .server = &cluster->server,
	        .queue = cluster->queue,
	        .unread = &cluster->unread,
	        .failed = cluster->failed,
	        .failed_others = cluster->failed_others,
	        .ended = pruning_ended,
	        .user = cluster,
	});
}

static void orphan_told(void *user, const struct kube_operation *operation,
                        const struct kube_outcome *outcome)
{
	struct kube_cluster *cluster = user;
	kube_outcome_write(cluster->stream, &operation->id, outcome);
}

static void orphans_ended(void *user, bool whole)
{
	struct kube_cluster *cluster = user;
	cluster->orphans = NULL;
	if (!whole)
		stream_count_failure(cluster->stream);
	pass_bookmarks(cluster);
}

static void begin_orphans(struct kube_cluster *cluster)
{
	cluster->orphans_due = false;
	if (!knows_wanted(cluster, "the operator's policies that no AgentCard asks for are not looked for"))
		return;
	cluster->orphans = kube_orphans_new(&(struct kube_orphans_options){
	        .server = &cluster->server,
	        .queue = cluster->queue,
	        .unread = &cluster->unread,
	        .adopt = cluster->options.adopt,
	        .dry_run = cluster->options.dry_run,
	        .told = orphan_told,
	        .ended = orphans_ended,
	        .user = cluster,
	});
}

/* Once all that came before it is done: prunes, then lets the bookmarks go. */
static void pass_bookmarks(struct kube_cluster *cluster)
{
	if (cluster->server.stopped || !is_idle(cluster))
		return;
	report_blocked(cluster);
	if (cluster->prune_due && cluster->pruning == NULL)
		begin_pruning(cluster);
	if (cluster->orphans_due && cluster->pruning == NULL && cluster->orphans == NULL)
		begin_orphans(cluster);
	if (cluster->pruning != NULL || cluster->orphans != NULL || cluster->bookmarks.len == 0)
		return;
	/* without the last newline, which stream_write() adds */
	cluster->bookmarks.len--;
	stream_write(cluster->stream, json_buffer_text(&cluster->bookmarks));
	cluster->bookmarks.len = 0;
}

/* Others' namespaces are pruned as ever. */
static void take_unread(struct kube_cluster *cluster, const struct record *record,
                        const struct kube_operation *operation)
{
	kube_wanted_set_namespace(&cluster->unread, &operation->id);
	stream_write(cluster->stream, record->line);
}

static void take_mark(struct kube_cluster *cluster, const struct record *record,
                      const struct kube_operation *operation)
{
	json_puttext(&cluster->bookmarks, record->line);
	json_putc(&cluster->bookmarks, '\n');
	if (operation->begins) {
		cluster->keeps = operation->keeps;
		kube_wanted_free(&cluster->unread);
	}
	cluster->prune_due |= operation->complete && cluster->options.prune;
	cluster->orphans_due |= operation->complete && cluster->options.adopt != KUBE_ADOPT_NONE;
	kube_agents_mark(cluster->agents, operation);
	pass_bookmarks(cluster);
}

/* Two sources of one status would take turns. */
static void write_superseded(struct kube_cluster *cluster, const struct kube_operation *operation)
{
	struct kube_outcome outcome = {.verdict = KUBE_UNCHANGED};
	snprintf(outcome.message, sizeof outcome.message,
	         "with --status it is written from AGENT lines");
	kube_outcome_write(cluster->stream, &operation->id, &outcome);
}

static void take_operation(struct kube_cluster *cluster, const struct record *record,
                           const struct kube_operation *operation)
{
	const char *wrong = kube_operation_refusal(operation);
	if (wrong != NULL) {
		report(cluster, operation, wrong);
		cluster->incomplete = true;
	} else if (operation->status && cluster->options.status) {
		write_superseded(cluster, operation);
	} else {
		if (!operation->status)
			kube_agents_asked(cluster->agents, operation);
		kube_queue_add(cluster->queue, record->json, operation);
	}
	/* with --status they are told from AGENT lines, when a status has changed */
	if (cluster->events != NULL && !cluster->options.status)
		kube_events_report(cluster->events, operation);
}

const char *kube_cluster_operate(struct kube_cluster *cluster, const struct record *record,
                                 const struct kube_operation *operation)
{
	switch (operation->type) {
	case KUBE_APPLY:
	case KUBE_DELETE:
		take_operation(cluster, record, operation);
		return NULL;
	case KUBE_BOOKMARK:
		take_mark(cluster, record, operation);
		return NULL;
	case KUBE_AGENT:
		return kube_agents_take_line(cluster->agents, record->json);
	case KUBE_UNREAD:
		take_unread(cluster, record, operation);
		return NULL;
	case KUBE_OTHER:
		stream_write(cluster->stream, record->line);
		return NULL;
	}
	return NULL;
}

/* -1 is never. */
static int64_t earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* No status before it is known where its condition goes. */
static void start_attempts(struct kube_cluster *cluster, size_t most, int64_t now)
{
	struct kube_job *job;
	bool ask = cluster->schema.state == KUBE_SCHEMA_ASKED;
	enum kube_rank last = ask ? KUBE_RANK_DELETES : KUBE_RANK_STATUS;
	cluster->attempts.conditions_in_list = cluster->schema.in_list;
	while (cluster->attempts.count < most &&
	       (job = kube_queue_next(cluster->queue, last, now)) != NULL)
		kube_attempt_new(&cluster->attempts, job);
}

int kube_cluster_pump(struct kube_cluster *cluster)
{
	const struct kube_server *server = &cluster->server;
	struct kube_attempts *attempts = &cluster->attempts;
	int64_t now = clock_monotonic_ms();
	pass_bookmarks(cluster);
	if (server->stopped || server->lost)
		return -1;
	if (server->quiet && now < server->quiet_until)
		return (int)(server->quiet_until - now);
	size_t most = server->quiet ? 1 : cluster->options.concurrency;
	start_attempts(cluster, most, now);
	int64_t due = attempts->count < most ? kube_queue_due(cluster->queue) : -1;
	due = earlier(due, kube_status_schema_pump(&cluster->schema, now));
	if (cluster->pruning != NULL)
		due = earlier(due, kube_prune_pump(cluster->pruning, now));
	if (cluster->orphans != NULL)
		due = earlier(due, kube_orphans_pump(cluster->orphans, now));
	if (cluster->events != NULL)
		due = earlier(due, kube_events_pump(cluster->events, now));
	return due < 0 ? -1 : due <= now ? 0 : (int)(due - now);
}

bool kube_cluster_full(const struct kube_cluster *cluster)
{
	return kube_queue_length(cluster->queue) >= QUEUE_JOBS ||
	       kube_queue_bytes(cluster->queue) >= QUEUE_BYTES;
}

bool kube_cluster_busy(const struct kube_cluster *cluster)
{
	return !is_idle(cluster) || cluster->pruning != NULL || cluster->prune_due ||
	       cluster->orphans != NULL || cluster->orphans_due ||
	       kube_events_busy(cluster->events);
}

bool kube_cluster_lost(const struct kube_cluster *cluster)
{
	return cluster->server.lost;
}

size_t kube_cluster_running(const struct kube_cluster *cluster)
{
	return cluster->attempts.count;
}

void kube_cluster_end(struct kube_cluster *cluster)
{
	if (cluster->server.ended)
		return;
	kube_server_end(&cluster->server);
	kube_queue_end(cluster->queue, cluster->server.give_up);
}

void kube_cluster_stop(struct kube_cluster *cluster)
{
	cluster->server.stopped = true;
}

static struct kube_cluster *cluster_of(struct kube_attempts *attempts)
{
	return (struct kube_cluster *)((char *)attempts - offsetof(struct kube_cluster, attempts));
}

static void note_failed(struct kube_cluster *cluster, const struct kube_attempt *attempt)
{
	const struct kube_operation *operation = &attempt->job->now.operation;
	if (operation->type != KUBE_APPLY || operation->status)
		return;
	cluster->failed_others |= cluster->failed != NULL && cluster->failed != attempt->kind;
	cluster->failed = attempt->kind;
}

/* What is refused stays asked for: the refusal is told once for as long as it is the same, and the
 * operation tried again after a pause. */
static void refused(struct kube_cluster *cluster, struct kube_job *job,
                    const struct kube_outcome *outcome)
{
	uint64_t hash = json_hash(json_of(outcome->message)) | 1;
	if (job->told != hash)
		write_outcome(cluster, &job->now.operation, outcome);
	job->told = hash;
	kube_queue_refused(cluster->queue, job, clock_monotonic_ms());
}

/* An Event for a state that the AgentCard did not show before, and no other. */
static void report_status(struct kube_events *events, const struct kube_operation *operation,
                          const struct kube_outcome *outcome)
{
	if (operation->status && outcome->verdict == KUBE_APPLIED)
		kube_events_report(events, operation);
}

static void attempt_ended(struct kube_attempts *attempts, struct kube_attempt *attempt,
                          const struct kube_outcome *outcome)
{
	struct kube_cluster *cluster = cluster_of(attempts);
	struct kube_job *job = attempt->job;
	if (outcome->verdict == KUBE_FAILED)
		note_failed(cluster, attempt);
	if (outcome->verdict == KUBE_FAILED && cluster->options.dry_run == KUBE_DRY_RUN_NONE) {
		refused(cluster, job, outcome);
	} else {
		write_outcome(cluster, &job->now.operation, outcome);
		if (cluster->events != NULL && cluster->options.status)
			report_status(cluster->events, &job->now.operation, outcome);
		kube_queue_done(cluster->queue, job);
	}
	kube_attempt_free(attempt); /* the outcome holds text of it */
	pass_bookmarks(cluster);
}

static void drop_all(struct kube_cluster *cluster, const char *why)
{
	struct kube_job *job;
	while ((job = kube_queue_drop(cluster->queue)) != NULL) {
		report(cluster, &job->now.operation, why);
		kube_queue_done(cluster->queue, job);
	}
}

/* When the server itself is what fails, the others would wait for it in vain, each its time. */
static void give_up(struct kube_cluster *cluster, struct kube_attempt *attempt,
                    const struct kube_result *result, const char *why)
{
	struct kube_outcome outcome = {.verdict = KUBE_FAILED, .code = result->code};
	snprintf(outcome.message, sizeof outcome.message, "given up: %.1000s", why);
	attempt_ended(&cluster->attempts, attempt, &outcome);
	if (cluster->server.ended && kube_result_is_of_server(result))
		drop_all(cluster, outcome.message);
}

/* A webhook that is away for long must not leave an agent's last state standing. */
static void tell_agents(struct kube_cluster *cluster, const struct kube_operation *operation,
                        const char *why)
{
	struct kube_outcome outcome = {.verdict = KUBE_FAILED};
	if (operation->status)
		return;
	snprintf(outcome.message, sizeof outcome.message, "not yet: %.1000s", why);
	kube_agents_result(cluster->agents, operation, &outcome);
}

static void attempt_retry(struct kube_attempts *attempts, struct kube_attempt *attempt,
                          const struct kube_result *result)
{
	struct kube_cluster *cluster = cluster_of(attempts);
	const struct kube_server *server = &cluster->server;
	struct kube_job *job = attempt->job;
	char why[KUBE_ERROR_SIZE], title[KUBE_TITLE_SIZE];
	kube_result_describe(result, why);
	if (server->stopped || server->lost || kube_server_is_late(server)) {
		give_up(cluster, attempt, result, why);
		return;
	}
	metrics_add(METRIC_RETRIES, NULL, 1);
	int64_t due = server->quiet_until;
	if (!kube_result_is_of_server(result)) {
		long wait = kube_backoff_next(&job->backoff, result->retry_after_ms);
		kube_identity_title(&job->now.operation.id, title);
		log_warning("%s: %s; trying again in %ld ms", title, why, wait);
		due = clock_monotonic_ms() + wait;
		if (job->backoff.tries >= TRIES_TOLD)
			tell_agents(cluster, &job->now.operation, why);
	}
	kube_attempt_free(attempt);
	kube_queue_later(cluster->queue, job, kube_server_before_deadline(server, due));
}

void kube_cluster_abandon(struct kube_cluster *cluster)
{
	struct kube_attempt *attempt;
	while ((attempt = TAILQ_FIRST(&cluster->attempts.running)) != NULL) {
		struct kube_job *job = attempt->job;
		report(cluster, &job->now.operation,
		       "ended before the server answered: perhaps applied");
		kube_attempt_free(attempt);
		kube_queue_done(cluster->queue, job);
	}
	drop_all(cluster, "ended before it was sent: not applied");
}

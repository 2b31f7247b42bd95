#include "apply/cluster_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "k8s/operator.h"

/* Reading ahead lets a later operation replace an earlier one, and must have an end. */
enum { QUEUE_JOBS = 20000, QUEUE_BYTES = 64 * 1024 * 1024 };

enum { SETTLE_MS = 60 * 1000 };

struct kube_cluster *kube_cluster_new(const struct kube_cluster_options *options,
                                      struct kube_client *client, struct stream *stream)
{
	struct kube_cluster *cluster = calloc(1, sizeof *cluster);
	if (cluster == NULL) {
		log_error("out of memory");
		abort();
	}
	cluster->options = *options;
	cluster->client = client;
	cluster->stream = stream;
	cluster->queue = kube_queue_new(options->prune);
	cluster->quiet_backoff = (struct kube_backoff){.first_ms = 200, .most_ms = 30000};
	TAILQ_INIT(&cluster->attempts);
	if (options->events)
		cluster->events = kube_events_new(cluster);
	return cluster;
}

void kube_cluster_free(struct kube_cluster *cluster)
{
	struct kube_attempt *attempt;
	while ((attempt = TAILQ_FIRST(&cluster->attempts)) != NULL)
		kube_attempt_cancel(attempt);
	kube_prune_free(cluster->pruning);
	kube_events_free(cluster->events);
	kube_queue_free(cluster->queue);
	json_buffer_free(&cluster->bookmarks);
	free(cluster);
}

static void refuse(struct kube_cluster *cluster, const struct kube_operation *operation,
                   const char *why)
{
	struct kube_outcome outcome = {.verdict = KUBE_FAILED};
	snprintf(outcome.message, sizeof outcome.message, "%s", why);
	kube_outcome_write(cluster->stream, &operation->id, &outcome);
	cluster->incomplete = true;
}

/* A line that could not be used may have named what would now be deleted. */
static void prune(struct kube_cluster *cluster)
{
	cluster->prune_due = false;
	if (!cluster->incomplete && stream_rejected(cluster->stream) == 0) {
		kube_prune_start(cluster);
		return;
	}
	log_error("nothing is pruned: some records could not be used, so not all that is wanted is "
	          "known");
	stream_count_failure(cluster->stream);
}

void kube_cluster_settle(struct kube_cluster *cluster)
{
	if (cluster->stopped || cluster->running > 0 || kube_queue_length(cluster->queue) > 0)
		return;
	if (cluster->prune_due && cluster->pruning == NULL)
		prune(cluster);
	if (cluster->pruning != NULL || cluster->bookmarks.len == 0)
		return;
	/* without the last newline, which stream_write() adds */
	cluster->bookmarks.len--;
	stream_write(cluster->stream, json_buffer_text(&cluster->bookmarks));
	cluster->bookmarks.len = 0;
}

void kube_cluster_operate(struct kube_cluster *cluster, const struct record *record,
                          const struct kube_operation *operation)
{
	if (operation->type == KUBE_BOOKMARK) {
		json_puttext(&cluster->bookmarks, record->line);
		json_putc(&cluster->bookmarks, '\n');
		cluster->prune_due |= operation->complete && cluster->options.prune;
		kube_cluster_settle(cluster);
		return;
	}
	if (kube_kind_of(&operation->id) == NULL)
		refuse(cluster, operation, "not a kind that is applied to a cluster");
	else if (operation->type == KUBE_APPLY && !operation->status &&
	         !kube_is_managed(operation->object))
		refuse(cluster, operation,
		       "it lacks the label app.kubernetes.io/managed-by=" POLICY_MANAGER
		       ", by which it would be known as ours");
	else
		kube_queue_add(cluster->queue, record->json, operation);
	if (cluster->events != NULL)
		kube_events_report(cluster->events, operation);
}

/* -1 is never. */
static int64_t earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

int kube_cluster_pump(struct kube_cluster *cluster)
{
	int64_t now = clock_monotonic_ms();
	kube_cluster_settle(cluster);
	if (cluster->stopped || cluster->lost)
		return -1;
	if (cluster->quiet && now < cluster->quiet_until)
		return (int)(cluster->quiet_until - now);
	size_t most = cluster->quiet ? 1 : cluster->options.concurrency;
	struct kube_job *job;
	while (cluster->running < most && (job = kube_queue_take(cluster->queue, now)) != NULL)
		kube_attempt_start(cluster, job);
	int64_t due = cluster->running < most ? kube_queue_due(cluster->queue) : -1;
	if (cluster->pruning != NULL)
		due = earlier(due, kube_prune_pump(cluster->pruning, now));
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
	return cluster->running > 0 || kube_queue_length(cluster->queue) > 0 ||
	       cluster->pruning != NULL || cluster->prune_due || kube_events_busy(cluster->events);
}

bool kube_cluster_lost(const struct kube_cluster *cluster)
{
	return cluster->lost;
}

size_t kube_cluster_running(const struct kube_cluster *cluster)
{
	return cluster->running;
}

/* However long the server asks us to wait, the last try is not after the deadline. */
static int64_t before_deadline(const struct kube_cluster *cluster, int64_t due)
{
	return cluster->ended && due > cluster->give_up ? cluster->give_up : due;
}

void kube_cluster_end(struct kube_cluster *cluster)
{
	if (cluster->ended)
		return;
	cluster->ended = true;
	cluster->give_up = clock_monotonic_ms() + cluster->options.retry_ms;
	cluster->quiet_until = before_deadline(cluster, cluster->quiet_until);
	kube_queue_hasten(cluster->queue, cluster->give_up);
}

void kube_cluster_stop(struct kube_cluster *cluster)
{
	cluster->stopped = true;
}

static void forget(struct kube_attempt *attempt)
{
	attempt->call = NULL; /* its answer came */
	kube_attempt_cancel(attempt);
}

static void note_failed(struct kube_cluster *cluster, const struct kube_attempt *attempt)
{
	const struct kube_operation *operation = &attempt->job->operation;
	if (operation->type != KUBE_APPLY || operation->status)
		return;
	cluster->failed_others |= cluster->failed != NULL && cluster->failed != attempt->kind;
	cluster->failed = attempt->kind;
}

void kube_cluster_finish(struct kube_attempt *attempt, const struct kube_outcome *outcome)
{
	struct kube_cluster *cluster = attempt->cluster;
	struct kube_job *job = attempt->job;
	kube_outcome_write(cluster->stream, &job->operation.id, outcome);
	if (outcome->verdict == KUBE_FAILED)
		note_failed(cluster, attempt);
	forget(attempt);
	kube_queue_done(cluster->queue, job);
	kube_cluster_settle(cluster);
}

/* It says nothing about one object: all requests would fare the same. */
static bool is_of_server(const struct kube_result *result)
{
	if (result->failure == KUBE_OK)
		return result->code == 401 || result->code == 429 || result->code == 503;
	return result->failure != KUBE_TOO_LARGE;
}

static bool is_refusal(const struct kube_result *result)
{
	return result->failure == KUBE_TLS || result->failure == KUBE_CREDENTIALS ||
	       (result->failure == KUBE_OK && result->code == 401);
}

/* An API server that has just started may not have read its roles yet, and forbids what they grant. */
static bool is_settling(const struct kube_cluster *cluster, const struct kube_result *result)
{
	return result->failure == KUBE_OK && result->code == 403 && cluster->away_ms != 0 &&
	       clock_monotonic_ms() - cluster->away_ms < SETTLE_MS;
}

bool kube_cluster_may_retry(const struct kube_cluster *cluster, const struct kube_result *result)
{
	return kube_result_retryable(result) || (is_refusal(result) && cluster->accepted) ||
	       is_settling(cluster, result);
}

void kube_cluster_heard(struct kube_cluster *cluster, const struct kube_result *result)
{
	char why[KUBE_ERROR_SIZE];
	int64_t now = clock_monotonic_ms();
	if (is_refusal(result) && !cluster->accepted && !cluster->lost) {
		kube_result_describe(result, why);
		log_error("cannot use the API server: %s", why);
		cluster->lost = true;
	}
	if (!is_of_server(result)) {
		cluster->accepted = true;
		if (cluster->quiet)
			log_notice("the API server answers again");
		cluster->quiet = false;
		kube_backoff_reset(&cluster->quiet_backoff);
		return;
	}
	bool unreached = result->failure == KUBE_UNREACHABLE;
	if (unreached || result->code == 503)
		cluster->away_ms = now;
	/* many requests fail together: that is one failure */
	if (cluster->quiet && now < cluster->quiet_until)
		return;
	long wait = unreached ? kube_backoff_unreached(&cluster->quiet_backoff)
	                      : kube_backoff_next(&cluster->quiet_backoff, result->retry_after_ms);
	cluster->quiet = true;
	cluster->quiet_until = before_deadline(cluster, now + wait);
	kube_result_describe(result, why);
	log_warning("the API server: %s; asking again in %ld ms", why, wait);
}

static void report_undone(struct kube_cluster *cluster, const struct kube_job *job, const char *why)
{
	struct kube_outcome outcome = {.verdict = KUBE_FAILED};
	snprintf(outcome.message, sizeof outcome.message, "%s", why);
	kube_outcome_write(cluster->stream, &job->operation.id, &outcome);
}

static void drop_all(struct kube_cluster *cluster, const char *why)
{
	struct kube_job *job;
	while ((job = kube_queue_drop(cluster->queue)) != NULL) {
		report_undone(cluster, job, why);
		kube_queue_done(cluster->queue, job);
	}
}

/* When the server itself is what fails, the others would wait for it in vain, each its time. */
static void give_up(struct kube_attempt *attempt, const struct kube_result *result, const char *why)
{
	struct kube_cluster *cluster = attempt->cluster;
	struct kube_outcome outcome = {.verdict = KUBE_FAILED, .code = result->code};
	snprintf(outcome.message, sizeof outcome.message, "given up: %.1000s", why);
	kube_cluster_finish(attempt, &outcome);
	if (cluster->ended && is_of_server(result))
		drop_all(cluster, outcome.message);
}

void kube_cluster_retry(struct kube_attempt *attempt, const struct kube_result *result)
{
	struct kube_cluster *cluster = attempt->cluster;
	struct kube_job *job = attempt->job;
	int64_t now = clock_monotonic_ms();
	char why[KUBE_ERROR_SIZE], title[KUBE_TITLE_SIZE];
	kube_result_describe(result, why);
	if (cluster->stopped || cluster->lost || (cluster->ended && now >= cluster->give_up)) {
		give_up(attempt, result, why);
		return;
	}
	metrics_add(METRIC_RETRIES, NULL, 1);
	int64_t due = cluster->quiet_until;
	if (!is_of_server(result)) {
		long wait = kube_backoff_next(&job->backoff, result->retry_after_ms);
		kube_identity_title(&job->operation.id, title);
		log_warning("%s: %s; trying again in %ld ms", title, why, wait);
		due = now + wait;
	}
	forget(attempt);
	kube_queue_later(cluster->queue, job, before_deadline(cluster, due));
}

void kube_cluster_abandon(struct kube_cluster *cluster)
{
	struct kube_attempt *attempt;
	struct kube_job *job;
	while ((attempt = TAILQ_FIRST(&cluster->attempts)) != NULL) {
		job = attempt->job;
		report_undone(cluster, job, "ended before the server answered: perhaps applied");
		kube_attempt_cancel(attempt);
		kube_queue_done(cluster->queue, job);
	}
	drop_all(cluster, "ended before it was sent: not applied");
}

/*
 * What the parts of apply_cluster.h share.
 *
 * An attempt is one job's way through its requests; it owns its call and ends in exactly one
 * of kube_cluster_finish(), kube_cluster_retry() and kube_attempt_cancel().
 */
#ifndef APPLY_CLUSTER_PRIVATE_H
#define APPLY_CLUSTER_PRIVATE_H

#include "apply/cluster.h"
#include "k8s/path.h"
#include "apply/queue_private.h"

struct kube_pruning;
struct kube_events;

struct kube_cluster {
	struct kube_cluster_options options;
	struct kube_client *client;
	struct stream *stream;
	struct kube_queue *queue;
	TAILQ_HEAD(kube_attempts, kube_attempt) attempts; /* in flight */
	size_t running;
	bool stopped, ended, lost;
	bool accepted;       /* the server has taken our credentials before */
	bool incomplete;     /* an operation was refused: what is wanted is not all known */
	const struct k8s_kind *failed; /* of an APPLY that failed; NULL: none did */
	bool failed_others;               /* and others of another kind */
	int64_t give_up;     /* after the end of input: no retry after this */
	int64_t away_ms;     /* when the server was last found away; 0: never */
	int64_t quiet_until; /* the server is not to be asked before this, but for one */
	bool quiet;
	struct kube_backoff quiet_backoff;
	struct json_buffer bookmarks; /* lines that wait for what came before them */
	bool prune_due;
	struct kube_pruning *pruning;
	struct kube_events *events;
};

struct kube_attempt {
	TAILQ_ENTRY(kube_attempt) link;
	struct kube_cluster *cluster;
	struct kube_job *job;
	const struct k8s_kind *kind;
	struct kube_call *call;
	bool exists; /* as last read */
	char uid[64], version[64];
	char *live; /* what was there before, for --diff */
	size_t live_len;
	bool forced, replaced; /* conflicts were overridden; spec was replaced as a whole */
	bool more;             /* `specs` is there beside spec, and is not ours */
	unsigned rounds;       /* how often it was read anew */
	char note[512];        /* for the outcome's message */
};

void kube_attempt_start(struct kube_cluster *cluster, struct kube_job *job);
void kube_attempt_cancel(struct kube_attempt *attempt);

/* The requests of an attempt; their answers go to `on_done`. */
typedef void kube_attempt_done(void *attempt, const struct kube_result *result);
void kube_attempt_get(struct kube_attempt *attempt, kube_attempt_done *on_done);
void kube_attempt_patch(struct kube_attempt *attempt, kube_attempt_done *on_done);
void kube_attempt_replace(struct kube_attempt *attempt, kube_attempt_done *on_done);
void kube_attempt_delete(struct kube_attempt *attempt, kube_attempt_done *on_done);

/* Once all that came is done: prunes, then lets the bookmarks go. */
void kube_cluster_settle(struct kube_cluster *cluster);
void kube_cluster_finish(struct kube_attempt *attempt, const struct kube_outcome *outcome);
void kube_cluster_retry(struct kube_attempt *attempt, const struct kube_result *result);
/* Trying again may help: also where only our credentials fail for now. */
bool kube_cluster_may_retry(const struct kube_cluster *cluster, const struct kube_result *result);
/* Every answer passes here: it tells whether the server is there, and whether it is no use. */
void kube_cluster_heard(struct kube_cluster *cluster, const struct kube_result *result);

/* Lists what is managed and queues a DELETE for what nothing wants. */
void kube_prune_start(struct kube_cluster *cluster);
/* Asks again when that is due, or says when it will be; -1: an answer is awaited. */
int64_t kube_prune_pump(struct kube_pruning *pruning, int64_t now);
void kube_prune_free(struct kube_pruning *pruning);

struct kube_events *kube_events_new(struct kube_cluster *cluster);
void kube_events_report(struct kube_events *events, const struct kube_operation *operation);
/* As kube_prune_pump(). */
int64_t kube_events_pump(struct kube_events *events, int64_t now);
bool kube_events_busy(const struct kube_events *events);
void kube_events_free(struct kube_events *events);

#endif

/*
 * Operations that wait for the cluster: one job an object.
 *
 * An operation that comes while an earlier one for the same object waits replaces it; one
 * that comes while the earlier one is being sent waits for it. What narrows is taken first:
 * policies with no or few destinations, then the others, then what allows everything and
 * what deletes; within these, in the order they came.
 *
 * Ownership: the queue owns its jobs and copies of the records; a job is valid until
 * kube_queue_done() says it is forgotten or the queue is freed.
 */
#ifndef APPLY_QUEUE_PRIVATE_H
#define APPLY_QUEUE_PRIVATE_H

#include <stdint.h>
#include <sys/queue.h>

#include "apply/operation.h"
#include "client/backoff.h"

enum kube_rank { KUBE_NARROWS, KUBE_SCOPES, KUBE_WIDENS, KUBE_RANKS };

/* What is known of an operation before it is sent. */
enum kube_rank kube_operation_rank(const struct kube_operation *operation);

enum kube_job_state { KUBE_JOB_IDLE, KUBE_JOB_READY, KUBE_JOB_RUNNING, KUBE_JOB_WAITING };

struct kube_job {
	TAILQ_ENTRY(kube_job) link;
	char *key;
	enum kube_job_state state;
	enum kube_rank rank;
	bool wanted;       /* the last operation was an APPLY */
	char *text, *next; /* the record at hand, and a later one that waits for it */
	size_t text_len, next_len;
	struct kube_operation operation; /* of `text` */
	struct kube_backoff backoff;
	int64_t due;   /* WAITING: clock_monotonic_ms() */
	void *attempt; /* the sender's, while RUNNING or WAITING */
};

struct kube_queue;

struct kube_queue *kube_queue_new(bool keep_names); /* remember what is wanted, for pruning */
void kube_queue_free(struct kube_queue *queue);

/* Takes over a record that kube_operation_read() accepted as APPLY or DELETE. */
void kube_queue_add(struct kube_queue *queue, struct json_text record,
                    const struct kube_operation *operation);

/* The next job that may be sent, now RUNNING; NULL when there is none. */
struct kube_job *kube_queue_take(struct kube_queue *queue, int64_t now);
/* It was carried out, for better or worse. */
void kube_queue_done(struct kube_queue *queue, struct kube_job *job);
/* It is to be tried again at `due`; or at once with the later operation, if one waits: then
 * true, and the earlier one is forgotten. */
bool kube_queue_later(struct kube_queue *queue, struct kube_job *job, int64_t due);

/* The time of the earliest WAITING job; -1: none. */
int64_t kube_queue_due(const struct kube_queue *queue);
/* No job waits beyond this. */
void kube_queue_hasten(struct kube_queue *queue, int64_t latest);
size_t kube_queue_length(const struct kube_queue *queue); /* READY and WAITING */
size_t kube_queue_bytes(const struct kube_queue *queue);  /* of the records held */
bool kube_queue_wants(const struct kube_queue *queue, const struct kube_identity *id);
/* Any READY or WAITING job, taken off: to report what was not done. */
struct kube_job *kube_queue_drop(struct kube_queue *queue);

#endif

/*
 * Operations that wait for the cluster: one job an object.
 *
 * An operation that comes while an earlier one for the same object waits replaces it; one
 * that comes while the earlier one is being sent waits for it.
 *
 * Order among what waits: what narrows, what is new, what nobody knows the effect of, what widens,
 * deletions, statuses; within these, as they came. Beyond that
 *   - a deletion waits until what its AgentCard asks for is applied, however long that takes: it may
 *     be what the deleted object is replaced by;
 *   - a namespace's default-deny waits until the policies of that namespace were tried, or it would
 *     cut off for a moment all that they allow. One that is refused does not hold it up.
 *
 * What is refused is kept, to be tried again: it counts neither for kube_queue_length() nor for
 * kube_queue_bytes(), so that it holds nothing up but the deletions of its own card.
 *
 * Ownership: the queue owns its jobs and copies of the records; a job is valid until
 * kube_queue_done() says it is forgotten or the queue is freed. Running out of memory ends the
 * program.
 */
#ifndef APPLY_QUEUE_PRIVATE_H
#define APPLY_QUEUE_PRIVATE_H

#include <stdint.h>
#include <sys/queue.h>

#include "apply/operation.h"
#include "base/table.h"
#include "client/backoff.h"
#include "k8s/path.h"

enum kube_rank {
	KUBE_RANK_NARROWS,
	KUBE_RANK_NEW,
	KUBE_RANK_UNKNOWN,
	KUBE_RANK_WIDENS,
	KUBE_RANK_DELETES,
	KUBE_RANK_STATUS,
	KUBE_RANKS,
};

enum kube_job_state {
	KUBE_JOB_IDLE,
	KUBE_JOB_READY,
	KUBE_JOB_RUNNING,
	KUBE_JOB_WAITING, /* for `due`: the server is to be asked again soon */
	KUBE_JOB_REFUSED, /* for `due`, which may be minutes away */
	KUBE_JOB_BLOCKED, /* for its card's other operations, or its namespace's */
};

struct kube_record {
	char *text; /* NULL: none */
	size_t len;
	struct kube_operation operation; /* of `text` */
};

struct kube_job {
	UT_hash_handle hh;
	TAILQ_ENTRY(kube_job) link;   /* READY and BLOCKED: one of the lists */
	TAILQ_ENTRY(kube_job) report; /* for kube_queue_blocked() */
	char *key;
	const struct k8s_kind *kind;
	enum kube_job_state state;
	enum kube_rank rank;
	bool to_report, reported; /* as blocked by what is refused */
	bool wanted;              /* the last operation was an APPLY */
	struct kube_record now, next; /* at hand; and a later one that waits for it */
	struct kube_group *card, *namespace; /* of `now`; NULL: none */
	struct kube_backoff backoff, refusals;
	uint64_t told;  /* a hash of the refusal that was reported; 0: none was, of `now` */
	int64_t due;    /* clock_monotonic_ms() */
	size_t heap_at; /* WAITING and REFUSED: its place in the queue's heap */
};

struct kube_queue;

/* `keep_names`: remember what is wanted, for pruning. `refused_ms`: the first pause after a
 * refusal; the longest is ten times that. */
struct kube_queue *kube_queue_new(bool keep_names, long refused_ms);
void kube_queue_free(struct kube_queue *queue);

/* Takes over a record that kube_operation_read() read as APPLY or DELETE. */
void kube_queue_add(struct kube_queue *queue, struct json_text record,
                    const struct kube_operation *operation);

/* What was added last for that object is not to be sent before `due`; until then it holds nothing
 * up. */
void kube_queue_postpone(struct kube_queue *queue, const struct kube_operation *operation,
                         int64_t due);

/* The next job that may be sent, of a rank up to this, now RUNNING; NULL when there is none. */
struct kube_job *kube_queue_next(struct kube_queue *queue, enum kube_rank last, int64_t now);

/* What becomes of a RUNNING job. Whether a later operation waits for it, which then is READY and the
 * earlier one forgotten: */
/* - it was carried out, or is given up; */
bool kube_queue_done(struct kube_queue *queue, struct kube_job *job);
/* - it is to be tried again at `due`; */
bool kube_queue_later(struct kube_queue *queue, struct kube_job *job, int64_t due);
/* - the server refused it: it is tried again after a pause that grows each time. */
bool kube_queue_refused(struct kube_queue *queue, struct kube_job *job, int64_t now);

/* A deletion that waits for something refused, and was not given out by this function before; NULL
 * when there is none. */
struct kube_job *kube_queue_blocked(struct kube_queue *queue);

/* The time of the earliest WAITING or REFUSED job; -1: none. */
int64_t kube_queue_due(const struct kube_queue *queue);
/* Input has ended: no job waits beyond `latest`, and what is refused is not tried again. */
void kube_queue_end(struct kube_queue *queue, int64_t latest);
size_t kube_queue_length(const struct kube_queue *queue); /* READY and WAITING */
size_t kube_queue_bytes(const struct kube_queue *queue);  /* of the records that may be sent now */
/* Objects of this kind that are not as asked for, because the server refused it. */
size_t kube_queue_not_in_force(const struct kube_queue *queue, const struct k8s_kind *kind);
bool kube_queue_wants(const struct kube_queue *queue, const struct kube_identity *id);
/* Any READY or WAITING job, now RUNNING: to report what was not done. */
struct kube_job *kube_queue_drop(struct kube_queue *queue);

#endif

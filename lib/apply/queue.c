#include "apply/queue_private.h"

#include <stdio.h>
#include <string.h>

#include "apply/group_private.h"
#include "apply/heap_private.h"
#include "base/memory.h"
#include "os/log.h"

enum { LONGEST_REFUSAL = 10 }; /* times the first pause */

struct kube_queue {
	struct kube_job *jobs; /* a table by key */
	struct kube_group *groups;
	bool keep_names, ended;
	long refused_ms;
	struct kube_job_list ready[KUBE_RANKS], to_report;
	struct kube_heap waiting, refused;
	size_t length, bytes;
};

enum { KEY_SIZE = 1024 };

static void write_key(const struct kube_identity *id, char key[KEY_SIZE])
{
	/* names hold no spaces: no two objects share a key */
	snprintf(key, KEY_SIZE, "%.*s %.*s %.*s %.*s", (int)id->group.len,
	         id->group.at == NULL ? "" : id->group.at, (int)id->kind.len, id->kind.at,
	         (int)id->namespace.len, id->namespace.at == NULL ? "" : id->namespace.at,
	         (int)id->name.len, id->name.at);
}

static struct kube_job *find(const struct kube_queue *queue, const struct kube_identity *id)
{
	char key[KEY_SIZE];
	struct kube_job *job;
	write_key(id, key);
	HASH_FIND_STR(queue->jobs, key, job);
	return job;
}

static struct kube_job *find_or_make(struct kube_queue *queue, const struct kube_identity *id)
{
	struct kube_job *job = find(queue, id);
	if (job != NULL)
		return job;
	char key[KEY_SIZE];
	write_key(id, key);
	job = kube_alloc(1, sizeof *job);
	job->key = kube_copy(key);
	job->kind = kube_kind_of(id);
	job->backoff = (struct kube_backoff){.first_ms = 200, .most_ms = 30000};
	job->refusals = (struct kube_backoff){.first_ms = queue->refused_ms,
	                                      .most_ms = LONGEST_REFUSAL * queue->refused_ms};
	HASH_ADD_KEYPTR(hh, queue->jobs, job->key, strlen(job->key), job);
	return job;
}

struct kube_queue *kube_queue_new(bool keep_names, long refused_ms)
{
	struct kube_queue *queue = kube_alloc(1, sizeof *queue);
	queue->keep_names = keep_names;
	queue->refused_ms = refused_ms;
	for (int i = 0; i < KUBE_RANKS; i++)
		TAILQ_INIT(&queue->ready[i]);
	TAILQ_INIT(&queue->to_report);
	return queue;
}

static bool may_be_sent(enum kube_job_state state)
{
	return state == KUBE_JOB_READY || state == KUBE_JOB_RUNNING || state == KUBE_JOB_WAITING;
}

static void unlink_job(struct kube_queue *queue, struct kube_job *job)
{
	struct kube_group *group;
	switch (job->state) {
	case KUBE_JOB_READY:
		TAILQ_REMOVE(&queue->ready[job->rank], job, link);
		break;
	case KUBE_JOB_WAITING:
		kube_heap_remove(&queue->waiting, job);
		break;
	case KUBE_JOB_REFUSED:
		kube_heap_remove(&queue->refused, job);
		break;
	case KUBE_JOB_BLOCKED:
		group = job->now.operation.type == KUBE_DELETE ? job->card : job->namespace;
		TAILQ_REMOVE(&group->blocked, job, link);
		if (job->to_report)
			TAILQ_REMOVE(&queue->to_report, job, report);
		job->to_report = false;
		break;
	case KUBE_JOB_IDLE:
	case KUBE_JOB_RUNNING:
		break;
	}
}

static void link_job(struct kube_queue *queue, struct kube_job *job)
{
	switch (job->state) {
	case KUBE_JOB_READY:
		TAILQ_INSERT_TAIL(&queue->ready[job->rank], job, link);
		break;
	case KUBE_JOB_WAITING:
		kube_heap_add(&queue->waiting, job);
		break;
	case KUBE_JOB_REFUSED:
		kube_heap_add(&queue->refused, job);
		break;
	case KUBE_JOB_BLOCKED: /* by whoever knows the group */
	case KUBE_JOB_IDLE:
	case KUBE_JOB_RUNNING:
		break;
	}
}

static void set_state(struct kube_queue *queue, struct kube_job *job, enum kube_job_state state)
{
	unlink_job(queue, job);
	kube_group_count(job, job->state, -1);
	queue->length -= job->state == KUBE_JOB_READY || job->state == KUBE_JOB_WAITING;
	queue->bytes -= may_be_sent(job->state) ? job->now.len : 0;
	job->state = state;
	queue->bytes += may_be_sent(job->state) ? job->now.len : 0;
	queue->length += job->state == KUBE_JOB_READY || job->state == KUBE_JOB_WAITING;
	kube_group_count(job, job->state, 1);
	link_job(queue, job);
}

static void report_blocked(struct kube_queue *queue, struct kube_job *job)
{
	if (job->to_report || job->reported)
		return;
	job->to_report = true;
	TAILQ_INSERT_TAIL(&queue->to_report, job, report);
}

static void block(struct kube_queue *queue, struct kube_job *job, struct kube_group *group)
{
	set_state(queue, job, KUBE_JOB_BLOCKED);
	TAILQ_INSERT_TAIL(&group->blocked, job, link);
	if (group->pending == 0)
		report_blocked(queue, job);
}

/* Nothing more of the group is being sent: what waited for it goes, or is told why it does not. */
static void release(struct kube_queue *queue, struct kube_group *group)
{
	struct kube_job *job, *next;
	if (group == NULL || group->pending > 0)
		return;
	for (job = TAILQ_FIRST(&group->blocked); job != NULL; job = next) {
		next = TAILQ_NEXT(job, link);
		if (kube_group_to_wait_for(job) == NULL)
			set_state(queue, job, KUBE_JOB_READY);
		else
			report_blocked(queue, job);
	}
}

static enum kube_rank rank_of(const struct kube_operation *operation)
{
	if (operation->status)
		return KUBE_RANK_STATUS;
	return operation->type == KUBE_DELETE ? KUBE_RANK_DELETES
	                                      : (enum kube_rank)operation->effect;
}

/* Replaces the record at hand, of a job that is IDLE. */
static void set_record(struct kube_queue *queue, struct kube_job *job, struct kube_record record)
{
	struct kube_group *card = job->card, *namespace = job->namespace;
	free(job->now.text);
	job->now = record;
	job->reported = false;
	job->told = 0;
	kube_backoff_reset(&job->refusals);
	job->card = job->namespace = NULL;
	if (record.text != NULL) {
		kube_group_join(&queue->groups, job);
		job->rank = rank_of(&record.operation);
		set_state(queue, job, KUBE_JOB_READY);
	}
	release(queue, card);
	release(queue, namespace);
	kube_group_leave(&queue->groups, card);
	kube_group_leave(&queue->groups, namespace);
}

static void forget(struct kube_queue *queue, struct kube_job *job)
{
	HASH_DEL(queue->jobs, job);
	free(job->key);
	free(job->now.text);
	free(job->next.text);
	free(job);
}

void kube_queue_free(struct kube_queue *queue)
{
	struct kube_job *job, *next;
	if (queue == NULL)
		return;
	HASH_ITER(hh, queue->jobs, job, next) {
		kube_group_leave(&queue->groups, job->card);
		kube_group_leave(&queue->groups, job->namespace);
		forget(queue, job);
	}
	kube_heap_free(&queue->waiting);
	kube_heap_free(&queue->refused);
	free(queue);
}

static struct kube_record copy_of(struct json_text text, const struct kube_operation *operation)
{
	char *copy = kube_copy_n(text.at, text.len);
	return (struct kube_record){copy, text.len,
	                            kube_operation_moved(operation, text.at, copy)};
}

void kube_queue_add(struct kube_queue *queue, struct json_text record,
                    const struct kube_operation *operation)
{
	struct kube_job *job = find_or_make(queue, &operation->id);
	job->wanted = operation->type == KUBE_APPLY;
	if (job->state == KUBE_JOB_RUNNING) {
		queue->bytes += record.len - job->next.len;
		free(job->next.text);
		job->next = copy_of(record, operation);
		return;
	}
	if (job->state != KUBE_JOB_IDLE)
		log_detail("%s: a later operation replaces the one that waited", job->key);
	set_state(queue, job, KUBE_JOB_IDLE);
	set_record(queue, job, copy_of(record, operation));
}

static void wake_due(struct kube_queue *queue, struct kube_heap *heap, int64_t now)
{
	struct kube_job *job;
	while ((job = kube_heap_first(heap)) != NULL && job->due <= now)
		set_state(queue, job, KUBE_JOB_READY);
}

void kube_queue_postpone(struct kube_queue *queue, const struct kube_operation *operation,
                         int64_t due)
{
	struct kube_job *job = find(queue, &operation->id);
	if (job->state != KUBE_JOB_READY)
		return;
	job->due = due;
	set_state(queue, job, KUBE_JOB_REFUSED);
}

struct kube_job *kube_queue_next(struct kube_queue *queue, enum kube_rank last, int64_t now)
{
	wake_due(queue, &queue->waiting, now);
	if (!queue->ended)
		wake_due(queue, &queue->refused, now);
	for (int i = 0; i <= (int)last; i++) {
		struct kube_job *job;
		while ((job = TAILQ_FIRST(&queue->ready[i])) != NULL) {
			struct kube_group *group = kube_group_to_wait_for(job);
			if (group == NULL) {
				set_state(queue, job, KUBE_JOB_RUNNING);
				return job;
			}
			block(queue, job, group);
		}
	}
	return NULL;
}

/* Ends RUNNING; the later operation is READY then. */
static bool begin_next(struct kube_queue *queue, struct kube_job *job)
{
	struct kube_record next = job->next;
	if (next.text == NULL)
		return false;
	set_state(queue, job, KUBE_JOB_IDLE);
	queue->bytes -= next.len;
	job->next = (struct kube_record){0};
	set_record(queue, job, next);
	return true;
}

bool kube_queue_done(struct kube_queue *queue, struct kube_job *job)
{
	kube_backoff_reset(&job->backoff);
	if (begin_next(queue, job))
		return true;
	set_state(queue, job, KUBE_JOB_IDLE);
	set_record(queue, job, (struct kube_record){0});
	if (!queue->keep_names || !job->wanted)
		forget(queue, job);
	return false;
}

bool kube_queue_later(struct kube_queue *queue, struct kube_job *job, int64_t due)
{
	if (begin_next(queue, job))
		return true;
	job->due = due;
	set_state(queue, job, KUBE_JOB_WAITING);
	return false;
}

bool kube_queue_refused(struct kube_queue *queue, struct kube_job *job, int64_t now)
{
	kube_backoff_reset(&job->backoff);
	if (begin_next(queue, job))
		return true;
	job->due = now + kube_backoff_next(&job->refusals, -1);
	set_state(queue, job, KUBE_JOB_REFUSED);
	release(queue, job->card);
	release(queue, job->namespace);
	return false;
}

struct kube_job *kube_queue_blocked(struct kube_queue *queue)
{
	struct kube_job *job = TAILQ_FIRST(&queue->to_report);
	if (job == NULL)
		return NULL;
	TAILQ_REMOVE(&queue->to_report, job, report);
	job->to_report = false;
	job->reported = true;
	return job;
}

int64_t kube_queue_due(const struct kube_queue *queue)
{
	const struct kube_job *waiting = kube_heap_first(&queue->waiting);
	const struct kube_job *refused = queue->ended ? NULL : kube_heap_first(&queue->refused);
	if (waiting == NULL)
		return refused == NULL ? -1 : refused->due;
	return refused == NULL || waiting->due < refused->due ? waiting->due : refused->due;
}

void kube_queue_end(struct kube_queue *queue, int64_t latest)
{
	queue->ended = true;
	kube_heap_limit(&queue->waiting, latest);
}

size_t kube_queue_length(const struct kube_queue *queue)
{
	return queue->length;
}

size_t kube_queue_bytes(const struct kube_queue *queue)
{
	return queue->bytes;
}

size_t kube_queue_not_in_force(const struct kube_queue *queue, const struct k8s_kind *kind)
{
	size_t count = 0;
	for (const struct kube_job *job = queue->jobs; job != NULL; job = job->hh.next)
		count += job->kind == kind && job->told != 0;
	return count;
}

bool kube_queue_wants(const struct kube_queue *queue, const struct kube_identity *id)
{
	const struct kube_job *job = find(queue, id);
	return job != NULL && job->wanted;
}

struct kube_job *kube_queue_drop(struct kube_queue *queue)
{
	struct kube_job *job = kube_heap_first(&queue->waiting);
	for (int i = 0; job == NULL && i < KUBE_RANKS; i++)
		job = TAILQ_FIRST(&queue->ready[i]);
	if (job != NULL)
		set_state(queue, job, KUBE_JOB_RUNNING);
	return job;
}

#include "apply/queue_private.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"

TAILQ_HEAD(job_list, kube_job);

struct kube_queue {
	void *jobs; /* a tree of tsearch(3), by key */
	bool keep_names;
	struct job_list ready[KUBE_RANKS], waiting;
	size_t length, bytes;
};

static void *need(void *memory)
{
	if (memory == NULL) {
		log_error("out of memory");
		abort();
	}
	return memory;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct kube_job *)a)->key, ((const struct kube_job *)b)->key);
}

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
	write_key(id, key);
	const struct kube_job wanted = {.key = key};
	struct kube_job **found = tfind(&wanted, &queue->jobs, by_key);
	return found == NULL ? NULL : *found;
}

static struct kube_job *find_or_make(struct kube_queue *queue, const struct kube_identity *id)
{
	struct kube_job *job = find(queue, id);
	if (job != NULL)
		return job;
	char key[KEY_SIZE];
	write_key(id, key);
	job = need(calloc(1, sizeof *job));
	job->key = need(strdup(key));
	job->backoff = (struct kube_backoff){.first_ms = 200, .most_ms = 30000};
	need(tsearch(job, &queue->jobs, by_key));
	return job;
}

static void free_job(void *memory)
{
	struct kube_job *job = memory;
	free(job->key);
	free(job->text);
	free(job->next);
	free(job);
}

struct kube_queue *kube_queue_new(bool keep_names)
{
	struct kube_queue *queue = need(calloc(1, sizeof *queue));
	queue->keep_names = keep_names;
	for (int i = 0; i < KUBE_RANKS; i++)
		TAILQ_INIT(&queue->ready[i]);
	TAILQ_INIT(&queue->waiting);
	return queue;
}

void kube_queue_free(struct kube_queue *queue)
{
	if (queue == NULL)
		return;
	tdestroy(queue->jobs, free_job);
	free(queue);
}

/* Replaces the record at hand. */
static void set_text(struct kube_queue *queue, struct kube_job *job, char *text, size_t len)
{
	queue->bytes -= job->text_len;
	free(job->text);
	job->text = text;
	job->text_len = len;
	if (text == NULL)
		return;
	queue->bytes += len;
	kube_operation_read((struct json_text){text, len}, &job->operation);
	job->rank = kube_operation_rank(&job->operation);
}

static void take_off(struct kube_queue *queue, struct kube_job *job)
{
	if (job->state == KUBE_JOB_READY)
		TAILQ_REMOVE(&queue->ready[job->rank], job, link);
	if (job->state == KUBE_JOB_WAITING)
		TAILQ_REMOVE(&queue->waiting, job, link);
	if (job->state == KUBE_JOB_READY || job->state == KUBE_JOB_WAITING)
		queue->length--;
	job->state = KUBE_JOB_IDLE;
}

static void make_ready(struct kube_queue *queue, struct kube_job *job)
{
	job->state = KUBE_JOB_READY;
	TAILQ_INSERT_TAIL(&queue->ready[job->rank], job, link);
	queue->length++;
}

void kube_queue_add(struct kube_queue *queue, struct json_text record,
                    const struct kube_operation *operation)
{
	struct kube_job *job = find_or_make(queue, &operation->id);
	char *copy = need(malloc(record.len + 1));
	memcpy(copy, record.at, record.len);
	copy[record.len] = '\0';
	job->wanted = operation->type == KUBE_APPLY;
	if (job->state == KUBE_JOB_RUNNING) {
		queue->bytes += record.len - job->next_len;
		free(job->next);
		job->next = copy;
		job->next_len = record.len;
		return;
	}
	if (job->state != KUBE_JOB_IDLE)
		log_detail("%s: a later operation replaces the one that waited", job->key);
	take_off(queue, job);
	set_text(queue, job, copy, record.len);
	make_ready(queue, job);
}

static void wake_due(struct kube_queue *queue, int64_t now)
{
	struct kube_job *job, *next;
	for (job = TAILQ_FIRST(&queue->waiting); job != NULL; job = next) {
		next = TAILQ_NEXT(job, link);
		if (job->due > now)
			continue;
		take_off(queue, job);
		make_ready(queue, job);
	}
}

struct kube_job *kube_queue_take(struct kube_queue *queue, int64_t now)
{
	wake_due(queue, now);
	for (int i = 0; i < KUBE_RANKS; i++) {
		struct kube_job *job = TAILQ_FIRST(&queue->ready[i]);
		if (job == NULL)
			continue;
		take_off(queue, job);
		job->state = KUBE_JOB_RUNNING;
		return job;
	}
	return NULL;
}

static bool take_next(struct kube_queue *queue, struct kube_job *job)
{
	if (job->next == NULL)
		return false;
	char *text = job->next;
	size_t len = job->next_len;
	queue->bytes -= len;
	job->next = NULL;
	job->next_len = 0;
	set_text(queue, job, text, len);
	make_ready(queue, job);
	return true;
}

void kube_queue_done(struct kube_queue *queue, struct kube_job *job)
{
	job->backoff.tries = 0;
	job->state = KUBE_JOB_IDLE;
	if (take_next(queue, job))
		return;
	set_text(queue, job, NULL, 0);
	if (queue->keep_names && job->wanted)
		return;
	tdelete(job, &queue->jobs, by_key);
	free_job(job);
}

bool kube_queue_later(struct kube_queue *queue, struct kube_job *job, int64_t due)
{
	job->state = KUBE_JOB_IDLE;
	if (take_next(queue, job))
		return true;
	job->state = KUBE_JOB_WAITING;
	job->due = due;
	TAILQ_INSERT_TAIL(&queue->waiting, job, link);
	queue->length++;
	return false;
}

int64_t kube_queue_due(const struct kube_queue *queue)
{
	int64_t due = -1;
	const struct kube_job *job;
	TAILQ_FOREACH(job, &queue->waiting, link)
	if (due < 0 || job->due < due)
		due = job->due;
	return due;
}

void kube_queue_hasten(struct kube_queue *queue, int64_t latest)
{
	struct kube_job *job = TAILQ_FIRST(&queue->waiting);
	for (; job != NULL; job = TAILQ_NEXT(job, link))
		if (job->due > latest)
			job->due = latest;
}

size_t kube_queue_length(const struct kube_queue *queue)
{
	return queue->length;
}

size_t kube_queue_bytes(const struct kube_queue *queue)
{
	return queue->bytes;
}

bool kube_queue_wants(const struct kube_queue *queue, const struct kube_identity *id)
{
	const struct kube_job *job = find(queue, id);
	return job != NULL && job->wanted;
}

struct kube_job *kube_queue_drop(struct kube_queue *queue)
{
	struct kube_job *job = kube_queue_take(queue, 0);
	if (job == NULL)
		job = TAILQ_FIRST(&queue->waiting);
	if (job != NULL) {
		take_off(queue, job);
		job->state = KUBE_JOB_RUNNING;
	}
	return job;
}

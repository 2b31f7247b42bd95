/*
 * Operations that others wait for: those of one AgentCard, and those of one namespace.
 *
 * Inside the queue (apply/queue_private.h), which owns the table; a group lives while a job names it.
 */
#ifndef APPLY_GROUP_PRIVATE_H
#define APPLY_GROUP_PRIVATE_H

#include "apply/queue_private.h"

TAILQ_HEAD(kube_job_list, kube_job);

struct kube_group {
	UT_hash_handle hh;
	size_t jobs;    /* that name it */
	size_t pending; /* APPLYs that are to be sent, or are being sent */
	size_t refused; /* APPLYs that the server refused */
	struct kube_job_list blocked;
	char key[]; /* "namespace" or "namespace/card" */
};

/* Makes the groups of the job's operation, or leaves them NULL. */
void kube_group_join(struct kube_group **groups, struct kube_job *job);
/* One job less names the group (NULL: none). */
void kube_group_leave(struct kube_group **groups, struct kube_group *group);

/* Counts the job in its groups as one in this state: once before and once after it changes. */
void kube_group_count(struct kube_job *job, enum kube_job_state state, int by);

/* The group for which the job must wait; NULL: none. */
struct kube_group *kube_group_to_wait_for(const struct kube_job *job);

#endif

/*
 * What apply/cluster.h holds together: the queue of what is to be done, the attempts in flight, and
 * what is known of the server. Each part has a header of its own and ends in callbacks; only
 * cluster.c knows them all.
 */
#ifndef APPLY_CLUSTER_PRIVATE_H
#define APPLY_CLUSTER_PRIVATE_H

#include "apply/attempt_private.h"

struct kube_pruning;
struct kube_events;

/* What pruning needs of the cluster. */
struct kube_prune_options {
	struct kube_server *server;
	struct kube_queue *queue; /* is given a DELETE for what nothing wants */
	const struct kube_wanted *unread; /* namespaces of which nothing is pruned */
	/* The kind of an APPLY that failed, NULL: none did; and whether another kind's failed too. */
	const struct k8s_kind *failed;
	bool failed_others;
	void (*ended)(void *user, bool whole); /* `pruning` is freed; false: not all could be listed, reported */
	void *user;
};

/* Lists what is managed and queues a DELETE for what nothing wants. */
struct kube_pruning *kube_prune_new(const struct kube_prune_options *options);
/* Asks the server: at once, or when it is due again. Milliseconds of the clock until then; -1: an
 * answer is awaited. */
int64_t kube_prune_pump(struct kube_pruning *pruning, int64_t now);
void kube_prune_free(struct kube_pruning *pruning);

struct kube_events *kube_events_new(struct kube_server *server);
void kube_events_report(struct kube_events *events, const struct kube_operation *operation);
/* As kube_prune_pump(). */
int64_t kube_events_pump(struct kube_events *events, int64_t now);
bool kube_events_busy(const struct kube_events *events);
void kube_events_free(struct kube_events *events);

#endif

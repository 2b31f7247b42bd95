/*
 * The operator's policies that no operation asks for: their AgentCard is gone or names another
 * workload, or the workload was not seen.
 *
 * Each is told as a result, with the pods that it still selects, and left as it is: it may be all that
 * confines them. With KUBE_ADOPT_PRUNE one is deleted where it selects no pod, its AgentCard does not
 * name its workload any more, and no workload of its name is there, whose pods might come back.
 *
 * Cost: a list, and for each orphan at most ten requests, one after the other.
 */
#ifndef APPLY_ORPHANS_PRIVATE_H
#define APPLY_ORPHANS_PRIVATE_H

#include "apply/cluster.h"
#include "apply/queue_private.h"
#include "apply/server_private.h"

struct kube_orphans;

struct kube_orphans_options {
	struct kube_server *server;
	const struct kube_queue *queue; /* knows what is asked for */
	const struct kube_wanted *unread; /* namespaces of which nothing is told */
	enum kube_adopt adopt;
	enum kube_dry_run dry_run;
	void (*told)(void *user, const struct kube_operation *operation,
	             const struct kube_outcome *outcome);
	void (*ended)(void *user, bool whole); /* `orphans` is freed; false: they could not be listed */
	void *user;
};

struct kube_orphans *kube_orphans_new(const struct kube_orphans_options *options);
/* Asks the server: at once, or when it is due again. Milliseconds of the clock until then; -1: an
 * answer is awaited. */
int64_t kube_orphans_pump(struct kube_orphans *orphans, int64_t now);
void kube_orphans_free(struct kube_orphans *orphans);

#endif

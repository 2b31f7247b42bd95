/*
 * Operations carried out on a cluster, many at a time over one client.
 *
 * An APPLY reads the object first: one that is not ours is left alone, or with `adopt` taken over
 * where it is the operator's for the same AgentCard; one that is as it should be is UNCHANGED without a
 * write. Else it is sent as server-side apply (KEP-555), bound to the object that was seen by its uid; a
 * conflict with another field manager is named, and with `force_conflicts` taken back. Where server-side apply leaves something in `spec` that was not
 * asked for (somebody else's addition to a map), `spec` is replaced. A DELETE is bound to the
 * uid and resourceVersion that were seen.
 *
 * What can succeed later (no connection, 408, 429, 5xx) is tried again with backoff for as
 * long as input may come, and `retry_ms` after its end; what cannot is FAILED at once. While the
 * server cannot be reached or asks for quiet, one request at a time finds out whether it is back.
 */
#ifndef APPLY_CLUSTER_H
#define APPLY_CLUSTER_H

#include "apply/outcome.h"
#include "client/client.h"

struct kube_cluster;

enum kube_dry_run {
	KUBE_DRY_RUN_NONE,
	KUBE_DRY_RUN_CLIENT, /* read, and say what would be written */
	KUBE_DRY_RUN_SERVER, /* let the server say: dryRun=All */
};

enum kube_adopt {
	KUBE_ADOPT_NONE,
	KUBE_ADOPT_POLICIES, /* the operator's, each by the APPLY of its AgentCard; once complete, tell of
	                      * those that no operation named */
	KUBE_ADOPT_PRUNE,    /* and delete such a one where nothing is left that it confines */
};

struct kube_cluster_options {
	const char *field_manager, *status_manager;
	bool force_conflicts;
	enum kube_dry_run dry_run;
	bool diff;
	enum kube_adopt adopt;
	bool prune; /* once complete, delete our objects that no operation named */
	bool status; /* keep the state of each agent in its AgentCard's status */
	bool events;
	size_t concurrency;
	long retry_ms;   /* after the end of input */
	long refused_ms; /* the first pause after a refusal; doubled each time, up to ten times this */
};

/* Borrows all three until kube_cluster_free(). */
struct kube_cluster *kube_cluster_new(const struct kube_cluster_options *options,
                                      struct kube_client *client, struct stream *stream);
void kube_cluster_free(struct kube_cluster *cluster);

/* Takes an operation over. A BOOKMARK is written out when all that came before it is done, an AGENT
 * line when its objects have their results. NULL, or a static reason why it cannot be used. */
const char *kube_cluster_operate(struct kube_cluster *cluster, const struct record *record,
                                 const struct kube_operation *operation);

/* Starts what may be started; milliseconds until there may be more to start (-1: not before
 * an answer comes). To be called before each kube_client_poll(). */
int kube_cluster_pump(struct kube_cluster *cluster);

bool kube_cluster_full(const struct kube_cluster *cluster); /* take no more input for now */
bool kube_cluster_busy(const struct kube_cluster *cluster); /* something is not done yet */
bool kube_cluster_lost(const struct kube_cluster *cluster); /* it cannot go on; reported */

/* No more operations come: retries end after retry_ms. */
void kube_cluster_end(struct kube_cluster *cluster);

/* Starts nothing any more. */
void kube_cluster_stop(struct kube_cluster *cluster);
/* Gives up on what is in flight and reports all that was not done as FAILED. */
void kube_cluster_abandon(struct kube_cluster *cluster);
/* Requests in flight. */
size_t kube_cluster_running(const struct kube_cluster *cluster);

#endif

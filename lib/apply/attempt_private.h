/*
 * An attempt: one operation's way through its requests.
 *
 * GET, and where that shows another object than the one that is asked for: PATCH (server-side
 * apply), and once more where the server kept something in spec that was not asked for. Each write
 * is bound to what was read (see attempt_requests.c), so that whoever changed the object in between
 * is seen, and the object read again.
 *
 * Ownership: an attempt borrows its job, and owns its call. It ends in exactly one of the two
 * callbacks, which frees it, or by kube_attempt_free() before that.
 */
#ifndef APPLY_ATTEMPT_PRIVATE_H
#define APPLY_ATTEMPT_PRIVATE_H

#include "apply/cluster.h"
#include "apply/queue_private.h"
#include "apply/server_private.h"
#include "k8s/path.h"

struct kube_attempt;

/* Shared by all attempts of a cluster. */
struct kube_attempts {
	const struct kube_cluster_options *options;
	struct kube_server *server;
	/* It was carried out, or cannot be as things stand. */
	bool conditions_in_list; /* see apply/status_private.h */
	void (*ended)(struct kube_attempts *attempts, struct kube_attempt *attempt,
	              const struct kube_outcome *outcome);
	/* The server could not answer now: `result` says why. */
	void (*retry)(struct kube_attempts *attempts, struct kube_attempt *attempt,
	              const struct kube_result *result);
	TAILQ_HEAD(kube_attempt_list, kube_attempt) running;
	size_t count; /* of `running` */
};

struct kube_attempt {
	TAILQ_ENTRY(kube_attempt) link;
	struct kube_attempts *attempts;
	struct kube_job *job;
	const struct k8s_kind *kind;
	struct kube_call *call;
	bool exists; /* as last read */
	char uid[64], version[64];
	char *live; /* what was there before, for --diff */
	size_t live_len;
	bool adopting;         /* another's, which --adopt lets us take over */
	bool forced, replaced; /* conflicts were overridden; spec was replaced as a whole */
	bool more;             /* `specs` is there beside spec, and is not ours */
	bool beside;           /* the condition goes beside status.conditions: they are another's */
	struct json_buffer body; /* of a status: the object to apply */
	unsigned rounds;       /* how often it was read anew */
	char note[512];        /* for the outcome's message */
};

/* Sends the first request. */
struct kube_attempt *kube_attempt_new(struct kube_attempts *attempts, struct kube_job *job);
/* Cancels what is in flight. */
void kube_attempt_free(struct kube_attempt *attempt);

/* The requests of an attempt; their answers go to `on_done`. */
typedef void kube_attempt_done(void *attempt, const struct kube_result *result);
void kube_attempt_get(struct kube_attempt *attempt, kube_attempt_done *on_done);
void kube_attempt_patch(struct kube_attempt *attempt, kube_attempt_done *on_done);
void kube_attempt_replace(struct kube_attempt *attempt, kube_attempt_done *on_done);
void kube_attempt_delete(struct kube_attempt *attempt, kube_attempt_done *on_done);

#endif

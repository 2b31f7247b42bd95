/*
 * Why an agent is not confined: the `gaps` of an AGENT record (egress-records(5)), each {"reason",
 * "message","object"}.
 *
 * An agent is confined when the stored policies and settings that the input shows let its pods open
 * no connection that the decision for its card does not allow. A gap is a reason why that is not so,
 * or, Undecided, why it cannot be told.
 *
 * Bounded: after POLICY_GAPS_MAX of them, messages of at most POLICY_GAP_MESSAGE bytes, gaps are
 * counted alone, and one more, of the first reason that was left out, says how many.
 *
 * Ownership: a policy_gaps owns its text; initialise with {0}.
 */
#ifndef POLICY_GAPS_H
#define POLICY_GAPS_H

#include "base/buffer.h"
#include "k8s/object.h"

enum policy_gap_reason {
	POLICY_GAP_HOST_NETWORK,         /* its pods are on the host's network */
	POLICY_GAP_SELECTOR_MISSES_PODS, /* the policy may not select its pods */
	POLICY_GAP_WORKLOAD_UNKNOWN,     /* no policy can be made: its pods are not known */
	POLICY_GAP_WIDENED_BY_POLICY,    /* another's policy may allow more */
	POLICY_GAP_FOREIGN_POLICY,       /* the name is taken by an object that is not ours */
	POLICY_GAP_TARGET_IGNORES,       /* the CNI is known to read it wider, or not at all */
	POLICY_GAP_NOT_APPLIED,          /* the cluster has no such object */
	POLICY_GAP_CHANGED_BY_SERVER,    /* or one that says something else */
	POLICY_GAP_NEVER_NOT_ENFORCED,
	POLICY_GAP_OBSERVED,
	POLICY_GAP_UNDECIDED, /* the input cannot tell */
	POLICY_GAP_REASONS,
};
extern const char *const policy_gap_words[]; /* "HostNetwork", ...; NULL-terminated */

enum { POLICY_GAPS_MAX = 32, POLICY_GAP_MESSAGE = 1024 };

struct policy_gaps {
	struct json_buffer text;           /* objects, with commas between them */
	size_t counts[POLICY_GAP_REASONS]; /* all of them, also those left out */
	size_t count;
	enum policy_gap_reason left_out; /* the first of those */
};

/* Adds one. `message` is a sentence that is safe to print. `object` is the one in the way; NULL:
 * there is none to name. */
void policy_gap(struct policy_gaps *gaps, enum policy_gap_reason reason,
                const struct kube_identity *object, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds a NotApplied that the object itself tells: with "condition", the type of that condition. */
void policy_gap_told(struct policy_gaps *gaps, const struct kube_identity *object,
                     const char *condition, const char *message);

/* Adds those of the other. */
void policy_gaps_add(struct policy_gaps *gaps, const struct policy_gaps *other);

/* True when there are some, and all of them are Undecided. */
bool policy_gaps_undecided(const struct policy_gaps *gaps);

/* Appends "[...]". */
void policy_gaps_put(const struct policy_gaps *gaps, struct json_buffer *out);

/* Forgets all, and keeps the memory. */
void policy_gaps_clear(struct policy_gaps *gaps);
void policy_gaps_free(struct policy_gaps *gaps);

#endif

/*
 * What became of an operation, and its line among the results (egress-records(5)).
 *
 * An outcome borrows `resource_version`; the message is its own.
 */
#ifndef APPLY_OUTCOME_H
#define APPLY_OUTCOME_H

#include "apply/operation.h"

enum kube_verdict {
	KUBE_APPLIED,
	KUBE_UNCHANGED,
	KUBE_ADOPTED, /* it was another's, and is ours now */
	KUBE_DELETED,
	KUBE_ABSENT,
	KUBE_FAILED,
};

struct kube_outcome {
	enum kube_verdict verdict;
	long code;                         /* HTTP status, 0 without one */
	const char *reason; /* a word that the message begins with: ChangedByServer,
	                       NamespaceTerminating; NULL: none */
	struct json_text resource_version; /* a plain string, or absent */
	char message[1024];                /* may be empty */
};

/* Writes the result line; a failure is also reported on stderr and counted. */
void kube_outcome_write(struct stream *stream, const struct kube_identity *id,
                        const struct kube_outcome *outcome);

/* Makes the metrics of results appear before there are any (os/metrics.h). */
void kube_outcome_declare(void);

#endif

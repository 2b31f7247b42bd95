/*
 * Operations (egress-records(5)) carried out: on a directory of YAML files, or on a cluster
 * (apply/cluster.h). This header has what both share.
 *
 * Ownership: everything in a kube_operation borrows from the record that was read.
 *
 * Names become file names and API paths, and the records are hostile: an operation is read
 * only when its names are what Kubernetes allows (RFC 1123 labels and subdomains; kinds and
 * versions of letters and digits), so no later code needs to escape them.
 */
#ifndef APPLY_OPERATION_H
#define APPLY_OPERATION_H

#include "base/buffer.h"
#include "k8s/object.h"
#include "stream/stream.h"

enum kube_operation_type { KUBE_APPLY, KUBE_DELETE, KUBE_BOOKMARK };

struct kube_operation {
	enum kube_operation_type type;
	struct kube_identity id; /* of APPLY and DELETE */
	struct json_text object;
	struct json_text reason, message, agent_card, problems; /* may be absent */
	bool complete; /* BOOKMARK: the AgentCards' end mark, so all that is wanted was named */
	bool begins;   /* BOOKMARK: the world is listed anew */
	bool status;   /* APPLY of an AgentCard's status */
};

/* Reads a record. NULL when it is an operation, else a static reason. */
const char *kube_operation_read(struct json_text record, struct kube_operation *operation);

enum kube_verdict { KUBE_APPLIED, KUBE_UNCHANGED, KUBE_DELETED, KUBE_ABSENT, KUBE_FAILED };

struct kube_outcome {
	enum kube_verdict verdict;
	long code;                         /* HTTP status, 0 without one */
	struct json_text resource_version; /* a plain string, or absent */
	char message[1024];                /* may be empty */
};

/* Writes the result line; a failure is also reported on stderr and counted. */
void kube_outcome_write(struct stream *stream, const struct kube_identity *id,
                        const struct kube_outcome *outcome);

/* Makes the metrics of results appear before there are any (os/metrics.h). */
void kube_outcome_declare(void);

/* Shows a unified diff on stderr (diff(1)): results have stdout for themselves. */
void kube_diff_show(const char *title, struct json_text before, struct json_text after);

#endif

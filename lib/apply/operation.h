/*
 * An operation as egress-records(5) has it, read from a record: what both ways to carry it out
 * share, on a directory of YAML files (apply/dir.h) and on a cluster (apply/cluster.h).
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

/* What carrying it out does to what its agent may reach, beside what is live. */
enum kube_effect { KUBE_NARROWS, KUBE_NEW, KUBE_UNKNOWN, KUBE_WIDENS };

enum kube_operation_type {
	KUBE_APPLY,
	KUBE_DELETE,
	KUBE_BOOKMARK,
	KUBE_AGENT,
	KUBE_UNREAD, /* an AgentCard in id.namespace, of which no more is known, may want what nobody names */
	KUBE_OTHER, /* of a type that is not known: it passes */
};

struct kube_operation {
	enum kube_operation_type type;
	struct kube_identity id; /* of APPLY and DELETE; of a mark the kind alone; of UNREAD the namespace */
	struct json_text object;
	struct json_text reason, message, agent_card, problems; /* may be absent */
	enum kube_effect effect;
	bool begins;   /* BOOKMARK: the AgentCards' begin mark */
	bool keeps;    /* that mark says that cards may lack their rules: some agents keep their policies,
	                * and no operation names these */
	bool complete; /* BOOKMARK: the AgentCards' end mark, so all that is wanted was named */
	bool status;   /* APPLY of an AgentCard's status */
};

/* Reads a record. NULL when it is an operation, else a static reason. */
const char *kube_operation_read(struct json_text record, struct kube_operation *operation);

/* The same operation, borrowing from `to`, which holds the same bytes as `from`. */
struct kube_operation kube_operation_moved(const struct kube_operation *operation, const char *from,
                                           const char *to);

/* NULL when it may be carried out: the object is of a kind that we write, and to be ours. Else a
 * static reason. */
const char *kube_operation_refusal(const struct kube_operation *operation);

/* Why not all that is wanted can be told from the operations, so that what none of them names may be
 * wanted all the same; NULL: it can. `unusable`: some records were; `keeps` is that of the last begin
 * mark. A static string. */
const char *kube_wanted_unknown(bool unusable, bool keeps);

#endif

/*
 * The kinds of workload that an AgentCard may name: one row each, for all who watch, verify, select
 * and fetch them. A kind that has no row is not known: nobody can say which pods are its.
 *
 * Sources: apps/v1 and batch/v1 of the Kubernetes API; agents.x-k8s.io (kubernetes-sigs/agent-sandbox)
 * for the Sandbox, whose pods bear agents.x-k8s.io/sandbox-name-hash, eight hex digits of the FNV-1a
 * 32 of its name.
 *
 * Objects passed json_check(); what is returned borrows from them. The table is static; a kind's
 * `version` is the one that is asked for where the server's preference is not known.
 */
#ifndef K8S_WORKLOAD_H
#define K8S_WORKLOAD_H

#include "k8s/event.h"
#include "k8s/kind.h"

enum k8s_workload_kind {
	K8S_DEPLOYMENT,
	K8S_STATEFULSET,
	K8S_DAEMONSET,
	K8S_REPLICASET,
	K8S_JOB,
	K8S_CRONJOB,
	K8S_SANDBOX,
	K8S_WORKLOADS,
};

/* How its pods are told from others. */
enum k8s_pods_by {
	K8S_PODS_BY_SELECTOR, /* spec.selector, a LabelSelector */
	K8S_PODS_BY_JOB_NAME, /* the label job-name where its template has it, else spec.selector:
	                       * the generated one is the uid, and a new Job of the name has another */
	K8S_PODS_BY_TEMPLATE, /* the labels of its pod template */
	K8S_PODS_BY_HASH,     /* a Sandbox: status.selector */
};

enum { K8S_TEMPLATE_PATH = 4 };

struct k8s_workload {
	struct k8s_kind kind;
	const char *template[K8S_TEMPLATE_PATH]; /* where the pod template stands in spec; NULL ends it */
	enum k8s_pods_by pods_by;
	/* Its controller makes another when the template changes, whose pods this one's selector
	 * does not select: a card must name that controller. */
	bool replaced_by_owner;
};

extern const struct k8s_workload k8s_workloads[K8S_WORKLOADS];

/* Which row it is, by group and kind, whatever the version; K8S_WORKLOADS: none. */
enum k8s_workload_kind k8s_workload_of(struct json_text api_version, struct json_text kind);
/* By group and kind as a row has them. */
enum k8s_workload_kind k8s_workload_in(const char *group, const char *kind);
/* The same of a reference, whose apiVersion may be left out (absent): then any group will do. */
enum k8s_workload_kind k8s_workload_named(struct json_text api_version, struct json_text kind);

/* The pod template, its labels, and its spec; absent when they are not there. */
struct json_text k8s_workload_template(enum k8s_workload_kind kind, struct json_text object);
struct json_text k8s_workload_labels(enum k8s_workload_kind kind, struct json_text object);
struct json_text k8s_workload_pod_spec(enum k8s_workload_kind kind, struct json_text object);

/* The service account of its pods: "default" when none is named; absent when what stands there is
 * no name. */
struct json_text k8s_workload_account(enum k8s_workload_kind kind, struct json_text object);

/* Whether its pods are on their host's network. Events say true or false; a template that does not
 * say, and has its containers, means false; one without containers was cut by an older writer. */
enum k8s_host_network { K8S_HOST_NETWORK_NO, K8S_HOST_NETWORK_YES, K8S_HOST_NETWORK_UNKNOWN };
enum k8s_host_network k8s_workload_host_network(enum k8s_workload_kind kind,
                                                struct json_text object);

/* The owner reference that is the controller; absent when there is none. */
struct json_text k8s_controller_of(struct json_text metadata);

/* The label, and its value, of the pods of a Sandbox of this name. */
#define K8S_SANDBOX_LABEL "agents.x-k8s.io/sandbox-name-hash"
enum { K8S_SANDBOX_HASH_SIZE = 9 };
void k8s_sandbox_hash(struct json_text name, char hash[K8S_SANDBOX_HASH_SIZE]);

/* What status.selector of a Sandbox says. Whoever may write the status could say anything: it
 * counts when it is one equality on that label with the hash of its own name. */
enum k8s_sandbox_selector {
	K8S_SANDBOX_UNSELECTED, /* nothing: no pod of it was seen yet, or it has expired */
	K8S_SANDBOX_SELECTED,
	K8S_SANDBOX_MISSELECTED,
};
enum k8s_sandbox_selector k8s_sandbox_selector(struct json_text object);

/* The ConfigMap that holds a workload's signed card is WORKLOAD-card-signed. */
#define K8S_SIGNED_SUFFIX "-card-signed"
/* The workload's name when a ConfigMap has such a name, else absent. */
struct json_text k8s_signed_for(struct json_text configmap);

#endif

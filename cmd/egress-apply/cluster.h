/* egress-apply on a cluster: reads operations while answers to earlier ones come. */
#ifndef EGRESS_APPLY_CLUSTER_H
#define EGRESS_APPLY_CLUSTER_H

#include "apply/cluster.h"

struct apply_target {
	const char *kubeconfig, *context; /* may be NULL */
	const char *rejects;
	struct kube_cluster_options options;
};

/* The exit status. */
int apply_to_cluster(const struct apply_target *target);

#endif

/*
 * What network plugins are known to read otherwise than the API of their policies says, or not to
 * enforce: a row for each, with the plugin, what it does, and where that is written.
 *
 * A mesh counts as one: it stands between the same pods and the same policies.
 *
 * Nothing is kept.
 */
#ifndef RULES_CNI_H
#define RULES_CNI_H

#include <stdbool.h>
#include <stddef.h>

enum policy_cni {
	POLICY_CNI_CALICO,
	POLICY_CNI_CILIUM,
	POLICY_CNI_EKS, /* the Amazon VPC CNI */
	POLICY_CNI_FLANNEL,
	POLICY_CNI_GKE, /* Dataplane V2 */
	POLICY_CNI_ISTIO,
	POLICY_CNI_ISTIO_AMBIENT,
	POLICY_CNI_KUBE_NETWORK_POLICIES,
	POLICY_CNI_KUBE_ROUTER,
	POLICY_CNI_OVN_KUBERNETES,
	POLICY_CNIS,
};
extern const char *const policy_cni_words[]; /* for --cni, in that order; NULL-terminated */

/* A set of them; 0: it is not known which there are. */
typedef unsigned policy_cnis;
#define POLICY_CNI_SET(cni) (1u << (cni))

/* Wider than it is written: an agent to which it matters is not confined (gap TargetIgnores), or
 * the rule is left out. */
enum policy_reading {
	POLICY_READS_NOTHING,          /* enforces no policy */
	POLICY_READS_NAMES_AS_ALL,     /* a named port is every port of its protocol: left out */
	POLICY_READS_NO_OTHER_LABELS,  /* some labels are on no pod: what asks for them selects others */
	POLICY_READS_BLOCKS_TOGETHER,  /* ports of one block also hold in others that meet it */
	POLICY_READS_TUNNEL,           /* one port leads to every port of the pod */
	POLICY_READS_PROXY_ALONE,      /* a proxy in the pod, which the pod can go around */
	POLICY_READS_NO_SIDECARS,      /* there are no such proxies */
	/* Narrower: what does not work is said. */
	POLICY_READS_NO_PORTS_ALONE,   /* a rule without destinations is dropped */
	POLICY_READS_NO_NODES,         /* blocks hold neither nodes nor the API server */
	POLICY_READS_FEW_PORTS,        /* POLICY_EKS_PORTS for a destination */
	POLICY_READS_PROXY_PORTS,      /* some ports are the mesh's own */
	POLICY_READS_METADATA_ITSELF,  /* 169.254.169.254, not what it is translated to */
	POLICY_READINGS,
};

enum { POLICY_EKS_PORTS = 24, POLICY_TUNNEL_PORT = 15008 };

struct policy_cni_row {
	enum policy_cni cni;
	enum policy_reading reading;
	const char *source;
};
extern const struct policy_cni_row policy_cni_rows[]; /* closed by one without a source */

/* Whether one of them is known to read it so. */
bool policy_cni_reads(policy_cnis cnis, enum policy_reading reading);

#endif

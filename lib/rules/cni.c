#include "rules/cni.h"

const char *const policy_cni_words[] = {
        [POLICY_CNI_CALICO] = "calico",
        [POLICY_CNI_CILIUM] = "cilium",
        [POLICY_CNI_EKS] = "eks",
        [POLICY_CNI_FLANNEL] = "flannel",
        [POLICY_CNI_GKE] = "gke",
        [POLICY_CNI_ISTIO] = "istio",
        [POLICY_CNI_ISTIO_AMBIENT] = "istio-ambient",
        [POLICY_CNI_KUBE_NETWORK_POLICIES] = "kube-network-policies",
        [POLICY_CNI_KUBE_ROUTER] = "kube-router",
        [POLICY_CNI_OVN_KUBERNETES] = "ovn-kubernetes",
        [POLICY_CNIS] = NULL,
};

const struct policy_cni_row policy_cni_rows[] = {
        {POLICY_CNI_FLANNEL, POLICY_READS_NOTHING,
         "github.com/flannel-io/flannel, README: it provides no policies; run Calico beside it"},
        {POLICY_CNI_OVN_KUBERNETES, POLICY_READS_NAMES_AS_ALL,
         "github.com/ovn-kubernetes/ovn-kubernetes/issues/2117: it takes a port's IntVal, which is "
         "0, every port, where there is a name"},
        {POLICY_CNI_OVN_KUBERNETES, POLICY_READS_NO_PORTS_ALONE,
         "OVN-Kubernetes, pkg/ovn/gress_policy.go: no ACL where a rule names no peers but ports"},
        {POLICY_CNI_CILIUM, POLICY_READS_NO_OTHER_LABELS,
         "docs.cilium.io, Limiting Identity-Relevant Labels"},
        {POLICY_CNI_CILIUM, POLICY_READS_NO_NODES,
         "docs.cilium.io, Layer 3 policies, CIDR based: they hold neither hosts nor the API server"},
        {POLICY_CNI_EKS, POLICY_READS_BLOCKS_TOGETHER,
         "github.com/aws/aws-network-policy-agent/issues/180 and pull/104: ports of a larger block "
         "are added to a smaller one, also to one that it excepts"},
        {POLICY_CNI_EKS, POLICY_READS_FEW_PORTS,
         "github.com/aws/containers-roadmap/issues/2481; docs.aws.amazon.com/eks, cni-network-policy"},
        {POLICY_CNI_GKE, POLICY_READS_NO_NODES,
         "Dataplane V2 is built on Cilium: cloud.google.com/kubernetes-engine, dataplane-v2"},
        {POLICY_CNI_GKE, POLICY_READS_METADATA_ITSELF,
         "cloud.google.com/kubernetes-engine, network-policy, Workload Identity: 169.254.169.254 "
         "port 80 with Dataplane V2, 169.254.169.252 port 988 without"},
        {POLICY_CNI_ISTIO, POLICY_READS_PROXY_PORTS,
         "istio.io, Application Requirements, Ports used by Istio"},
        {POLICY_CNI_ISTIO_AMBIENT, POLICY_READS_TUNNEL,
         "istio.io, Ambient and Kubernetes NetworkPolicy: between pods it sees port 15008 alone"},
        {POLICY_CNI_ISTIO_AMBIENT, POLICY_READS_NO_SIDECARS,
         "istio.io, Ambient mode overview: pods have no sidecar proxies"},
        {POLICY_CNI_ISTIO, POLICY_READS_PROXY_ALONE,
         "istio.io, Egress traffic: a sidecar can be bypassed, and is no boundary by itself"},
        {POLICY_CNIS, POLICY_READINGS, NULL},
};

bool policy_cni_reads(policy_cnis cnis, enum policy_reading reading)
{
	for (const struct policy_cni_row *row = policy_cni_rows; row->source != NULL; row++)
		if (row->reading == reading && (cnis & POLICY_CNI_SET(row->cni)) != 0)
			return true;
	return false;
}

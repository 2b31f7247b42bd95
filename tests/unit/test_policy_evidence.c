/* Others' policies beside an agent's own: each claim on the smallest input that shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "policy/evidence.h"

#define AGENT_LABELS "{\"app\":\"agent\",\"team\":\"a\"}"
#define AGENT_SELECTOR "{\"matchLabels\":{\"app\":\"agent\"}}"

/* The agent's rules. */
#define NOTHING "[]"
#define WEB "[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}],\"ports\":[{\"protocol\":\"TCP\",\"port\":443}]}]"
#define ALL_ADDRESSES \
	"[{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\"}},{\"ipBlock\":{\"cidr\":\"::/0\"}}]}]"
#define ANYWHERE_443 "[{\"ports\":[{\"protocol\":\"TCP\",\"port\":443}]}]"
#define PODS_WEB "[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}}}]}]"
#define PODS_SHOP \
	"[{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"env\":\"prod\"}},\"podSelector\":{}}]}]"
#define API_SERVER \
	"[{\"to\":[{\"ipBlock\":{\"cidr\":\"192.0.2.1/32\"}}],\"ports\":[{\"protocol\":\"TCP\",\"port\":6443}]}]"

#define SPEC(kind, version, spec)                                                                  \
	"{\"apiVersion\":\"" version "\",\"kind\":\"" kind                                         \
	"\",\"metadata\":{\"name\":\"other\",\"namespace\":\"agents\"},\"spec\":" spec "}"
#define NP(spec) SPEC("NetworkPolicy", "networking.k8s.io/v1", spec)
#define CNP(spec) SPEC("CiliumNetworkPolicy", "cilium.io/v2", spec)
#define CCNP(spec) SPEC("CiliumClusterwideNetworkPolicy", "cilium.io/v2", spec)
#define ANP(spec) SPEC("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1", spec)
#define BANP(spec) SPEC("BaselineAdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1", spec)
#define KCNP(spec) SPEC("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2", spec)
#define AWS(spec) SPEC("ClusterNetworkPolicy", "networking.k8s.aws/v1alpha1", spec)
#define EKS(spec) SPEC("ApplicationNetworkPolicy", "networking.k8s.aws/v1alpha1", spec)
#define FQDN(spec) SPEC("FQDNNetworkPolicy", "networking.gke.io/v1alpha1", spec)
#define CALICO(spec) SPEC("NetworkPolicy", "projectcalico.org/v3", spec)
#define GNP(spec) SPEC("GlobalNetworkPolicy", "crd.projectcalico.org/v1", spec)
#define TIER(name, spec)                                                                           \
	"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"Tier\",\"metadata\":{\"name\":\"" name \
	"\"},\"spec\":" spec "}"
#define EGRESS(rules) "{\"podSelector\":{},\"policyTypes\":[\"Egress\"],\"egress\":" rules "}"
#define SELECTING(selector)                                                                        \
	NP("{\"podSelector\":" selector ",\"policyTypes\":[\"Egress\"],\"egress\":[{}]}")

#define ALLOWING(selector)                                                                         \
	CALICO("{\"selector\":\"" selector                                                          \
	       "\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")

struct claim {
	const char *name, *cni, *egress, *domains, *others[4];
	const char *widens; /* part of the message; NULL: it is shown to allow no more */
};

static const struct claim claims[] = {
        {"no policy of others", NULL, WEB, NULL, {NULL}, NULL},
        {"an empty rule allows all", NULL, WEB, NULL, {NP(EGRESS("[{}]"))}, "spec.egress[0]"},
        {"deny-all beside deny-all", NULL, NOTHING, NULL, {NP(EGRESS("[]"))}, NULL},
        {"a policy of another namespace", NULL, NOTHING, NULL,
         {"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\",\"metadata\":{"
          "\"name\":\"o\",\"namespace\":\"shop\"},\"spec\":" EGRESS("[{}]") "}"}, NULL},
        {"ingress alone, on a CNI that reads policyTypes", "calico", NOTHING, NULL,
         {NP("{\"podSelector\":{},\"policyTypes\":[\"Ingress\"],\"egress\":[{}]}")}, NULL},
        {"ingress alone, on Cilium, which does not", "cilium", NOTHING, NULL,
         {NP("{\"podSelector\":{},\"policyTypes\":[\"Ingress\"],\"egress\":[{}]}")}, "anywhere"},
        {"ingress alone, and none of egress", NULL, NOTHING, NULL,
         {NP("{\"podSelector\":{},\"policyTypes\":[\"Ingress\"],\"ingress\":[{}]}")}, NULL},
        {"no policyTypes, with egress", "calico", NOTHING, NULL,
         {NP("{\"podSelector\":{},\"egress\":[{}]}")}, "anywhere"},

        {"a narrower CIDR and port", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.64/26\"}}],\"ports\":[{\"port\":443}]}]"))}, NULL},
        {"a wider CIDR", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.112.0/23\"}}],\"ports\":[{\"port\":443}]}]"))},
         "TCP 443 to 203.0.112.0/23"},
        {"another port", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}],\"ports\":[{\"port\":80}]}]"))},
         "TCP 80 to"},
        {"another protocol", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}],\"ports\":[{\"port\":443,\"protocol\":\"UDP\"}]}]"))},
         "UDP 443 to"},
        {"a protocol that is none", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}],\"ports\":[{\"port\":443,\"protocol\":\"tcp\"}]}]"))},
         "any port"},
        {"a protocol that is null", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}],\"ports\":[{\"port\":443,\"protocol\":null}]}]"))},
         NULL},
        {"a range of ports", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}],\"ports\":[{\"port\":443,\"endPort\":444}]}]"))},
         "TCP 443-444"},
        {"no exception where ours has one", NULL,
         "[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.113.0/28\"]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}]}]"))}, "203.0.113.0/24"},
        {"the same exception", NULL,
         "[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.113.0/28\"]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.113.0/27\"]}}]}]"))}, NULL},
        {"a spelling that is not canonical", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.1/24\"}}],\"ports\":[{\"port\":443}]}]"))},
         "cannot be compared"},
        {"the same named port", NULL, "[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":\"http\"}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":\"http\"}]}]"))}, NULL},
        {"a named port on OVN-Kubernetes is every port", "ovn-kubernetes",
         "[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":\"http\"}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":\"http\"}]}]"))}, "http"},
        {"anywhere on our port", NULL, ANYWHERE_443, NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{}}],\"ports\":[{\"port\":443}]}]"))}, NULL},

        {"a selector that asks for more", NULL, PODS_WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"app\":\"web\",\"x\":\"y\"}}}]}]"))}, NULL},
        {"a selector that asks for less", NULL, PODS_WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"In\",\"values\":[\"web\",\"db\"]}]}}]}]"))},
         "pods"},
        {"pods of every namespace", NULL, PODS_WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"namespaceSelector\":{},\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}}}]}]"))},
         "pods"},
        {"a namespace by its name", NULL, PODS_WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"agents\"}},\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}}}]}]"))},
         NULL},
        {"namespaces that were listed are selected", NULL, PODS_SHOP, NULL,
         {NP(EGRESS("[{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"shop\"}}}]}]"))},
         NULL},
        {"a namespace that is not", NULL, PODS_SHOP, NULL,
         {NP(EGRESS("[{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"kube-system\"}}}]}]"))},
         "pods"},
        {"pods within all addresses, judged by address", "calico", ALL_ADDRESSES, NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{}}]}]"))}, NULL},
        {"pods are not within all addresses on Cilium", "cilium", ALL_ADDRESSES, NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{}}]}]"))}, "pods"},
        {"nor when it is not known which CNI it is", NULL, ALL_ADDRESSES, NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{}}]}]"))}, "pods"},

        {"other labels than the template's", NULL, NOTHING, NULL, {SELECTING("{\"matchLabels\":{\"team\":\"b\"}}")}, NULL},
        {"a label that the template has not", NULL, NOTHING, NULL, {SELECTING("{\"matchLabels\":{\"x\":\"y\"}}")}, NULL},
        {"a label of the template", NULL, NOTHING, NULL, {SELECTING("{\"matchLabels\":{\"team\":\"a\"}}")}, "anywhere"},
        {"a label that a controller sets", NULL, NOTHING, NULL,
         {SELECTING("{\"matchLabels\":{\"pod-template-hash\":\"abc\"}}")}, "if it selects"},
        {"without a label", NULL, NOTHING, NULL,
         {SELECTING("{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"DoesNotExist\"}]}")}, NULL},
        {"an unknown operator", NULL, NOTHING, NULL,
         {SELECTING("{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Gt\",\"values\":[\"1\"]}]}")}, "if it selects"},
        {"a selector that is a string", NULL, NOTHING, NULL, {SELECTING("\"app\"")}, "if it selects"},

        {"an unknown member of a spec", NULL, NOTHING, NULL,
         {NP("{\"podSelector\":{},\"policyTypes\":[\"Egress\"],\"egress\":[],\"exgress\":1}")}, "anywhere"},
        {"an unknown member of a rule", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}],\"via\":1,\"ports\":[{\"port\":443}]}]"))}, "anywhere"},
        {"an unknown member of a peer", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"node\":{}}],\"ports\":[{\"port\":443}]}]"))}, "cannot be compared"},
        {"an unknown member of a port", NULL, WEB, NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\"}}],\"ports\":[{\"port\":443,\"x\":1}]}]"))}, "any port"},
        {"rules that are no list", NULL, WEB, NULL, {NP(EGRESS("{\"to\":[]}"))}, "anywhere"},
        {"a spec that is no object", NULL, WEB, NULL, {NP("[1]")}, "spec"},
        {"peers that are no list", NULL, WEB, NULL, {NP(EGRESS("[{\"to\":7}]"))}, "anywhere"},

        {"Cilium: an entity", NULL, WEB, NULL, {CNP("{\"endpointSelector\":{},\"egress\":[{\"toEntities\":[\"host\"]}]}")}, "cannot be compared"},
        {"Cilium: all", NULL, WEB, NULL, {CNP("{\"endpointSelector\":{},\"egress\":[{\"toEntities\":[\"all\"]}]}")}, "anywhere"},
        {"Cilium: the world, within all addresses", NULL, ALL_ADDRESSES, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toEntities\":[\"world\"]}]}")}, NULL},
        {"Cilium: none", NULL, NOTHING, NULL, {CNP("{\"endpointSelector\":{},\"egress\":[{\"toEntities\":[\"none\"]}]}")}, NULL},
        {"Cilium: default deny allows nothing", NULL, NOTHING, NULL, {CNP("{\"endpointSelector\":{},\"egress\":[{}]}")}, NULL},
        {"Cilium: ports alone are anywhere", NULL, NOTHING, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toPorts\":[{\"ports\":[{\"port\":\"53\",\"protocol\":\"UDP\"}]}]}]}")}, "UDP 53 to anywhere"},
        {"Cilium: ICMP alone", NULL, NOTHING, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"icmps\":[{\"fields\":[{\"type\":8}]}]}]}")}, NULL},
        {"Cilium: egressDeny", NULL, NOTHING, NULL, {CNP("{\"endpointSelector\":{},\"egressDeny\":[{\"toEntities\":[\"all\"]}]}")}, NULL},
        {"Cilium: enableDefaultDeny off allows what it lists", NULL, NOTHING, NULL,
         {CNP("{\"endpointSelector\":{},\"enableDefaultDeny\":{\"egress\":false},\"egress\":[{\"toCIDR\":[\"8.8.8.8\"]}]}")}, "8.8.8.8/32"},
        {"Cilium: a CIDR set with an exception", NULL, WEB, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toCIDRSet\":[{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.113.1/32\"]}],\"toPorts\":[{\"ports\":[{\"port\":\"443\",\"protocol\":\"TCP\"}]}]}]}")}, NULL},
        {"Cilium: a port of any protocol", NULL, WEB, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toCIDR\":[\"203.0.113.0/24\"],\"toPorts\":[{\"ports\":[{\"port\":\"443\"}]}]}]}")}, "UDP 443"},
        {"Cilium: a CIDR group", NULL, WEB, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toCIDRSet\":[{\"cidrGroupRef\":\"g\"}]}]}")}, "cannot be compared"},
        {"Cilium: services", NULL, WEB, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toServices\":[{\"k8sService\":{\"serviceName\":\"x\"}}]}]}")}, "cannot be compared"},
        {"Cilium: groups", NULL, WEB, NULL, {CNP("{\"endpointSelector\":{},\"egress\":[{\"toGroups\":[{\"aws\":{}}]}]}")}, "cannot be compared"},
        {"Cilium: L7 rules narrow", NULL, ANYWHERE_443, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toEndpoints\":[{}],\"toPorts\":[{\"ports\":[{\"port\":\"443\",\"protocol\":\"TCP\"}],\"rules\":{\"http\":[{}]}}]}]}")}, NULL},
        {"Cilium: our name", NULL, NOTHING, "[{\"names\":[\"*.example.com\"],\"ports\":[{\"port\":443,\"protocol\":\"TCP\"}]}]",
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toFQDNs\":[{\"matchPattern\":\"*.a.Example.com\"}],\"toPorts\":[{\"ports\":[{\"port\":\"443\",\"protocol\":\"TCP\"}]}]}]}")}, NULL},
        {"Cilium: a name that ends alike", NULL, NOTHING, "[{\"names\":[\"*.example.com\"]}]",
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toFQDNs\":[{\"matchName\":\"evilexample.com\"}]}]}")}, "evilexample.com"},
        {"Cilium: a pattern for our one name", NULL, NOTHING, "[{\"names\":[\"api.example.com\"]}]",
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toFQDNs\":[{\"matchPattern\":\"*pi.example.com\"}]}]}")}, "example.com"},
        {"Cilium: endpoints of its own namespace", NULL, PODS_WEB, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toEndpoints\":[{\"matchLabels\":{\"k8s:app\":\"web\"}}]}]}")}, NULL},
        {"Cilium: endpoints by a label of namespaces are not its own", NULL, PODS_WEB, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toEndpoints\":[{\"matchLabels\":{\"app\":\"web\",\"io.cilium.k8s.namespace.labels.env\":\"prod\"}}]}]}")}, "pods"},
        {"Cilium: endpoints of a named namespace", NULL, PODS_SHOP, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toEndpoints\":[{\"matchLabels\":{\"k8s:io.kubernetes.pod.namespace\":\"shop\"}}]}]}")}, NULL},
        {"Cilium: reserved labels are no pods", NULL, PODS_WEB, NULL,
         {CNP("{\"endpointSelector\":{},\"egress\":[{\"toEndpoints\":[{\"matchLabels\":{\"reserved:host\":\"\",\"app\":\"web\"}}]}]}")}, "cannot be compared"},
        {"Cilium: the second of specs", NULL, NOTHING, NULL,
         {"{\"apiVersion\":\"cilium.io/v2\",\"kind\":\"CiliumNetworkPolicy\",\"metadata\":{\"name\":\"o\",\"namespace\":\"agents\"},"
          "\"specs\":[{\"endpointSelector\":{\"matchLabels\":{\"app\":\"web\"}},\"egress\":[{}]},{\"endpointSelector\":{},\"egress\":[{\"toEntities\":[\"world\"]}]}]}"},
         "0.0.0.0/0"},
        {"Cilium: an unknown member", NULL, NOTHING, NULL, {CNP("{\"endpointSelector\":{},\"egress\":[{\"toMars\":[{}]}]}")}, "anywhere"},
        {"Cilium: the whole cluster, our namespace", NULL, NOTHING, NULL,
         {CCNP("{\"endpointSelector\":{\"matchLabels\":{\"k8s:io.kubernetes.pod.namespace\":\"agents\"}},\"egress\":[{\"toEntities\":[\"all\"]}]}")}, "anywhere"},
        {"Cilium: the whole cluster, another namespace", NULL, NOTHING, NULL,
         {CCNP("{\"endpointSelector\":{\"matchLabels\":{\"k8s:io.kubernetes.pod.namespace\":\"shop\"}},\"egress\":[{\"toEntities\":[\"all\"]}]}")}, NULL},
        {"Cilium: nodes", NULL, NOTHING, NULL, {CCNP("{\"nodeSelector\":{},\"egress\":[{\"toEntities\":[\"all\"]}]}")}, NULL},
        {"Cilium: the API server's port, for one that is held to it", NULL, API_SERVER, "api-server",
         {CCNP("{\"endpointSelector\":{},\"egress\":[{\"toEntities\":[\"kube-apiserver\"],\"toPorts\":[{\"ports\":[{\"port\":\"6443\",\"protocol\":\"TCP\"}]}]}]}")}, NULL},
        {"Cilium: every port of the API server", NULL, API_SERVER, "api-server",
         {CCNP("{\"endpointSelector\":{},\"egress\":[{\"toEntities\":[\"kube-apiserver\"]}]}")}, "the API server"},

        {"Admin: an Allow", NULL, WEB, NULL, {ANP("{\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Allow\",\"to\":[{\"networks\":[\"0.0.0.0/0\"]}]}]}")}, "0.0.0.0/0"},
        {"Admin: Deny and Pass", NULL, WEB, NULL,
         {ANP("{\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Deny\",\"to\":[{\"namespaces\":{}}]},{\"action\":\"Pass\",\"to\":[{\"namespaces\":{}}]}]}")}, NULL},
        {"Admin: an action that is not known", NULL, WEB, NULL,
         {ANP("{\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"allow\",\"to\":[{\"namespaces\":{}}]}]}")}, "pods"},
        {"Admin: an Allow within ours", NULL, WEB, NULL,
         {ANP("{\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Allow\",\"to\":[{\"networks\":[\"203.0.113.7/32\"]}],\"ports\":[{\"portNumber\":{\"protocol\":\"TCP\",\"port\":443}}]}]}")}, NULL},
        {"Admin: another namespace", NULL, WEB, NULL,
         {ANP("{\"priority\":1,\"subject\":{\"namespaces\":{\"matchLabels\":{\"env\":\"prod\"}}},\"egress\":[{\"action\":\"Allow\",\"to\":[{\"namespaces\":{}}]}]}")}, NULL},
        {"Admin: other pods", NULL, WEB, NULL,
         {ANP("{\"priority\":1,\"subject\":{\"pods\":{\"namespaceSelector\":{},\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}}}},\"egress\":[{\"action\":\"Allow\",\"to\":[{\"namespaces\":{}}]}]}")}, NULL},
        {"Admin: nodes", NULL, WEB, NULL,
         {ANP("{\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Allow\",\"to\":[{\"nodes\":{}}]}]}")}, "cannot be compared"},
        {"Admin: a subject that is not understood", NULL, WEB, NULL,
         {ANP("{\"priority\":1,\"subject\":{\"sameLabels\":[]},\"egress\":[{\"action\":\"Allow\",\"to\":[{\"namespaces\":{}}]}]}")}, "if it selects"},
        {"Baseline", NULL, NOTHING, NULL, {BANP("{\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Allow\",\"to\":[{\"namespaces\":{}}]}]}")}, NULL},
        {"ClusterNetworkPolicy: Accept", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"domainNames\":[\"*.example.com\"]}],\"protocols\":[{\"tcp\":{\"destinationPort\":{\"number\":443}}}]}]}")}, "TCP 443 to *.example.com"},
        {"ClusterNetworkPolicy: within ours", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"networks\":[\"203.0.113.0/25\"]}],\"protocols\":[{\"tcp\":{\"destinationPort\":{\"range\":{\"start\":443,\"end\":443}}}}]}]}")}, NULL},
        {"ClusterNetworkPolicy: every port of a protocol", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"networks\":[\"203.0.113.0/25\"]}],\"protocols\":[{\"tcp\":{}}]}]}")}, "TCP any port"},
        {"ClusterNetworkPolicy: Baseline", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Baseline\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"namespaces\":{}}]}]}")}, NULL},
        {"EKS: ClusterNetworkPolicy", NULL, WEB, NULL,
         {AWS("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"domainNames\":[\"x.test\"]}]}]}")}, "x.test"},
        {"a rule of an admin whose peers are no list", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":{\"networks\":[\"203.0.113.0/25\"]}}]}")}, "spec.egress[0]"},
        {"a rule of an admin without peers", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\"}]}")}, "spec.egress[0]"},
        {"a rule of an admin with an empty list of peers", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[]}]}")}, "spec.egress[0]"},
        {"a rule of an admin with ports that are no list", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"networks\":[\"203.0.113.0/25\"]}],\"ports\":{}}]}")}, "spec.egress[0]"},
        {"a rule of an admin with protocols that are no list", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"networks\":[\"203.0.113.0/25\"]}],\"protocols\":{}}]}")}, "spec.egress[0]"},
        {"a range of an admin without an end", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"networks\":[\"203.0.113.0/25\"]}],\"protocols\":[{\"tcp\":{\"destinationPort\":{\"range\":{\"start\":443}}}}]}]}")}, "spec.egress[0]"},
        {"a port of an admin that is two", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"networks\":[\"203.0.113.0/25\"]}],\"protocols\":[{\"tcp\":{\"destinationPort\":{\"number\":443,\"range\":{\"start\":443,\"end\":443}}}}]}]}")}, "spec.egress[0]"},
        {"a port of an admin that is no object", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Accept\",\"to\":[{\"networks\":[\"203.0.113.0/25\"]}],\"protocols\":[{\"tcp\":{\"destinationPort\":443}}]}]}")}, "spec.egress[0]"},
        {"a rule of an admin that denies", NULL, WEB, NULL,
         {KCNP("{\"tier\":\"Admin\",\"priority\":1,\"subject\":{\"namespaces\":{}},\"egress\":[{\"action\":\"Deny\"},{\"action\":\"Pass\",\"to\":[{\"networks\":[\"0.0.0.0/0\"]}]}]}")}, NULL},
        {"EKS: a named port beside names is every port", NULL, NOTHING, "[{\"names\":[\"x.test\"],\"ports\":[{\"port\":\"https\"}]}]",
         {EKS("{\"podSelector\":{},\"policyTypes\":[\"Egress\"],\"egress\":[{\"to\":[{\"domainNames\":[\"x.test\"]}],\"ports\":[{\"port\":\"https\"}]}]}")}, "anywhere"},
        {"GKE: our name", NULL, NOTHING, "[{\"names\":[\"x.test\"],\"ports\":[{\"port\":443,\"protocol\":\"TCP\"}]}]",
         {FQDN("{\"podSelector\":{},\"egress\":[{\"matches\":[{\"name\":\"x.test\"}],\"ports\":[{\"protocol\":\"TCP\",\"port\":443}]}]}")}, NULL},
        {"GKE: an absent protocol is all of them", NULL, NOTHING, "[{\"names\":[\"x.test\"],\"ports\":[{\"port\":443,\"protocol\":\"TCP\"}]}]",
         {FQDN("{\"podSelector\":{},\"egress\":[{\"matches\":[{\"name\":\"x.test\"}],\"ports\":[{\"port\":443}]}]}")}, "any port to x.test"},

        {"Calico: an Allow", NULL, WEB, NULL, {CALICO("{\"selector\":\"app == 'agent'\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, "anywhere"},
        {"Calico: other pods", NULL, WEB, NULL, {CALICO("{\"selector\":\"app == 'web' || !has(app)\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, NULL},
        {"Calico: a selector that is not understood", NULL, WEB, NULL,
         {CALICO("{\"selector\":\"app starts with 'w'\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, "if it selects"},
        {"Calico: nets and ports within ours", NULL, WEB, NULL,
         {CALICO("{\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\",\"protocol\":\"TCP\",\"destination\":{\"nets\":[\"203.0.113.0/28\"],\"ports\":[443,\"443:443\"]}}]}")}, NULL},
        {"Calico: Deny and Log", NULL, WEB, NULL,
         {CALICO("{\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Deny\"},{\"action\":\"Log\"}]}")}, NULL},
        {"Calico: Pass in our own tier goes over our head", NULL, WEB, NULL,
         {CALICO("{\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Pass\"}]}")}, "anywhere"},
        {"Calico: Pass in another tier", NULL, WEB, NULL,
         {GNP("{\"tier\":\"first\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Pass\"}]}")}, NULL},
        {"Calico: an Allow in an earlier tier", NULL, WEB, NULL,
         {TIER("default", "{\"order\":1000000}"), TIER("first", "{\"order\":10}"),
          GNP("{\"tier\":\"first\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, "anywhere"},
        {"Calico: an Allow in a later tier", NULL, WEB, NULL,
         {TIER("default", "{\"order\":1000000}"), TIER("last", "{\"order\":2000000.5}"),
          GNP("{\"tier\":\"last\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, NULL},
        {"Calico: an Allow in a tier that was not seen", NULL, WEB, NULL,
         {TIER("default", "{\"order\":1000000}"),
          GNP("{\"tier\":\"x\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, "anywhere"},
        {"Calico: our tier passes what it does not decide", NULL, WEB, NULL, {TIER("default", "{\"defaultAction\":\"Pass\"}")}, "spec.defaultAction"},
        {"Calico: ICMP", NULL, WEB, NULL, {CALICO("{\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\",\"protocol\":\"ICMP\"}]}")}, NULL},
        {"Calico: a selector may mean network sets", NULL, PODS_WEB, NULL,
         {CALICO("{\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\",\"destination\":{\"selector\":\"app == 'web'\"}}]}")}, "cannot be compared"},
        {"Calico: a selector of pods alone", NULL, PODS_WEB, NULL,
         {CALICO("{\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\",\"destination\":{\"selector\":\"projectcalico.org/orchestrator == 'k8s' && app == 'web'\"}}]}")}, NULL},
        {"Calico: namespaces", NULL, WEB, NULL,
         {GNP("{\"namespaceSelector\":\"env == 'prod'\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, NULL},
        {"Calico: names", NULL, NOTHING, "[{\"names\":[\"x.test\"]}]",
         {GNP("{\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\",\"destination\":{\"domains\":[\"x.test\"]}}]}")}, NULL},

        {"Calico: a value in double quotes", NULL, WEB, NULL,
         {ALLOWING("app == \\\"agent\\\"")}, "anywhere"},
        {"Calico: another one", NULL, WEB, NULL,
         {ALLOWING("app == \\\"web\\\"")}, NULL},
        {"Calico: a set that has the value", NULL, WEB, NULL,
         {ALLOWING("app in {'web', 'agent'}")}, "anywhere"},
        {"Calico: a set that has it not", NULL, WEB, NULL,
         {ALLOWING("app in {'web'}")}, NULL},
        {"Calico: no value of a set", NULL, WEB, NULL,
         {ALLOWING("app in {}")}, NULL},
        {"Calico: not in a set that has it", NULL, WEB, NULL,
         {ALLOWING("app not in {'agent'}")}, NULL},
        {"Calico: not in a set that has it not", NULL, WEB, NULL,
         {ALLOWING("app not in {'web'}")}, "anywhere"},
        {"Calico: a label that it has", NULL, WEB, NULL,
         {ALLOWING("has(app)")}, "anywhere"},
        {"Calico: a label that it has not", NULL, WEB, NULL,
         {ALLOWING("has(x)")}, NULL},
        {"Calico: a label with every kind of character", NULL, WEB, NULL,
         {ALLOWING("A-z_0.9/Zz == 'x'")}, NULL},
        {"Calico: not another value", NULL, WEB, NULL,
         {ALLOWING("!(app == 'web')")}, "anywhere"},
        {"Calico: not its value", NULL, WEB, NULL,
         {ALLOWING("!(app == 'agent')")}, NULL},
        {"Calico: unequal to another", NULL, WEB, NULL,
         {ALLOWING("app != 'web'")}, "anywhere"},
        {"Calico: unequal to its own", NULL, WEB, NULL,
         {ALLOWING("app != 'agent'")}, NULL},
        {"Calico: two that hold", NULL, WEB, NULL,
         {ALLOWING("(app == 'agent' && team == 'a')")}, "anywhere"},
        {"Calico: two of which one holds", NULL, WEB, NULL,
         {ALLOWING("app == 'agent' && team == 'b'")}, NULL},
        {"Calico: one of two", NULL, WEB, NULL,
         {ALLOWING("app == 'web' || team == 'a'")}, "anywhere"},
        {"Calico: neither of two", NULL, WEB, NULL,
         {ALLOWING("app == 'web' || team == 'b'")}, NULL},
        {"Calico: all", NULL, WEB, NULL,
         {ALLOWING("all()")}, "anywhere"},
        {"Calico: its namespace", NULL, WEB, NULL,
         {ALLOWING("projectcalico.org/namespace == 'agents'")}, "anywhere"},
        {"Calico: another namespace", NULL, WEB, NULL,
         {ALLOWING("projectcalico.org/namespace == 'shop'")}, NULL},
        {"Calico: a label of its namespace", NULL, WEB, NULL,
         {ALLOWING("pcns.kubernetes.io/metadata.name == 'agents'")}, "anywhere"},
        {"Calico: a label that its namespace has not", NULL, WEB, NULL,
         {ALLOWING("pcns.env == 'prod'")}, NULL},
        {"Calico: a value without its end", NULL, WEB, NULL,
         {ALLOWING("app == 'agent")}, "if it selects"},
        {"Calico: a value without quotes", NULL, WEB, NULL,
         {ALLOWING("app == agent")}, "if it selects"},
        {"Calico: a set without its end", NULL, WEB, NULL,
         {ALLOWING("app in {'web'")}, "if it selects"},
        {"Calico: a set that is a value", NULL, WEB, NULL,
         {ALLOWING("app in 'web'")}, "if it selects"},
        {"Calico: a call without its end", NULL, WEB, NULL,
         {ALLOWING("has(app")}, "if it selects"},
        {"Calico: a comparison without a value", NULL, WEB, NULL,
         {ALLOWING("app ==")}, "if it selects"},
        {"Calico: a bracket without its end", NULL, WEB, NULL,
         {ALLOWING("(app == 'web'")}, "if it selects"},
        {"Calico: more behind its end", NULL, WEB, NULL,
         {ALLOWING("app == 'web' )")}, "if it selects"},
        {"Calico: no key", NULL, WEB, NULL,
         {ALLOWING("== 'web'")}, "if it selects"},
        {"Calico: the namespace by its name", NULL, WEB, NULL,
         {GNP("{\"namespaceSelector\":\"projectcalico.org/name == 'agents'\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, "anywhere"},
        {"Calico: another namespace by its name", NULL, WEB, NULL,
         {GNP("{\"namespaceSelector\":\"projectcalico.org/name == 'shop'\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, NULL},
        {"Calico: namespaces that have a label", NULL, WEB, NULL,
         {GNP("{\"namespaceSelector\":\"has(env)\",\"types\":[\"Egress\"],\"egress\":[{\"action\":\"Allow\"}]}")}, NULL},
        {"DoesNotExist beside our DoesNotExist", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"DoesNotExist\"}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"DoesNotExist\"}]}}]}]"))}, NULL},
        {"Exists beside our DoesNotExist", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"DoesNotExist\"}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"Exists\"}]}}]}]"))}, "pods"},
        {"NotIn a beside our DoesNotExist", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"DoesNotExist\"}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"a\"]}]}}]}]"))}, "pods"},
        {"NotIn a b beside our NotIn a", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"a\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"a\",\"b\"]}]}}]}]"))}, NULL},
        {"NotIn b beside our NotIn a", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"a\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"b\"]}]}}]}]"))}, "pods"},
        {"DoesNotExist beside our NotIn a", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"a\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"DoesNotExist\"}]}}]}]"))}, NULL},
        {"In b beside our NotIn a", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"a\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"b\"]}]}}]}]"))}, NULL},
        {"In a b beside our NotIn a", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"a\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"a\",\"b\"]}]}}]}]"))}, "pods"},
        {"Exists beside our NotIn a", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"a\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"Exists\"}]}}]}]"))}, "pods"},
        {"In a beside our Exists", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"Exists\"}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"a\"]}]}}]}]"))}, NULL},
        {"Exists beside our Exists", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"Exists\"}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"Exists\"}]}}]}]"))}, NULL},
        {"NotIn a beside our Exists", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"Exists\"}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"a\"]}]}}]}]"))}, "pods"},
        {"DoesNotExist beside our Exists", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"Exists\"}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"DoesNotExist\"}]}}]}]"))}, "pods"},
        {"In a beside our In a b", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"a\",\"b\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"a\"]}]}}]}]"))}, NULL},
        {"In a c beside our In a b", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"a\",\"b\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"a\",\"c\"]}]}}]}]"))}, "pods"},
        {"Exists beside our In a b", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"a\",\"b\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"Exists\"}]}}]}]"))}, "pods"},
        {"NotIn b beside our In a", NULL, "[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"a\"]}]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"b\"]}]}}]}]"))}, "pods"},
        {"a block beside our exception", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\"]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/16\"}}]}]"))}, NULL},
        {"a block in our exception", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\"]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.1.2.0/24\"}}]}]"))}, "10.1.2.0/24"},
        {"a block around our exception", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\"]}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/15\"}}]}]"))}, "10.0.0.0/15"},
        {"the first port of our range", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":400,\"endPort\":500}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":400}]}]"))}, NULL},
        {"the last port of our range", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":400,\"endPort\":500}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":500}]}]"))}, NULL},
        {"a port before our range", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":400,\"endPort\":500}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":399,\"endPort\":400}]}]"))}, "TCP 399-400"},
        {"a port behind our range", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":400,\"endPort\":500}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":500,\"endPort\":501}]}]"))}, "TCP 500-501"},
        {"every port beside our range", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":400,\"endPort\":500}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}]}]"))}, "10.0.0.0/8"},
        {"SCTP beside our SCTP", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":7,\"protocol\":\"SCTP\"}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":7,\"protocol\":\"SCTP\"}]}]"))}, NULL},
        {"SCTP beside our TCP", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":7}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}],\"ports\":[{\"port\":7,\"protocol\":\"SCTP\"}]}]"))}, "SCTP 7"},
        {"another family", NULL, "[{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\"}}]}]", NULL,
         {NP(EGRESS("[{\"to\":[{\"ipBlock\":{\"cidr\":\"::/0\"}}]}]"))}, "::/0"},
};

static void tell(struct evidence *evidence, const char *type, const char *object)
{
	struct json_buffer line = {0};
	struct event event;
	json_putf(&line, "{\"type\":\"%s\",\"object\":%s}", type, object);
	if (!json_check(json_buffer_text(&line), &json_record_limits, NULL))
		fail_msg("no JSON: %s", object);
	assert_null(event_read(json_buffer_text(&line), &event));
	evidence_take(evidence, &event);
	json_buffer_free(&line);
}

static void tell_mark(struct evidence *evidence, const char *group, const char *kind,
                      const char *annotation)
{
	struct json_buffer object = {0};
	json_putf(&object,
	          "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{\"annotations\":{%s}}}",
	          group, kind, annotation);
	json_putc(&object, '\0');
	tell(evidence, "BOOKMARK", object.at);
	json_buffer_free(&object);
}

#define BEGIN "\"agent-egress.dev/initial-events-begin\":\"true\""
#define END "\"k8s.io/initial-events-end\":\"true\""

static void tell_namespaces(struct evidence *evidence)
{
	static const char *const spaces[][2] = {
	        {"agents", "{\"kubernetes.io/metadata.name\":\"agents\"}"},
	        {"shop", "{\"kubernetes.io/metadata.name\":\"shop\",\"env\":\"prod\"}"},
	        {"kube-system", "{\"kubernetes.io/metadata.name\":\"kube-system\"}"}};
	tell_mark(evidence, "v1", "Namespace", BEGIN);
	for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
		char object[512];
		snprintf(object, sizeof object,
		         "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\","
		         "\"labels\":%s}}",
		         spaces[i][0], spaces[i][1]);
		tell(evidence, "ADDED", object);
	}
	tell_mark(evidence, "v1", "Namespace", END);
}

struct answer {
	size_t widens, ingress, undecided;
	char first[512];
};

static void on_found(void *context, const struct evidence_found *found)
{
	struct answer *answer = context;
	answer->widens += found->finding == EVIDENCE_WIDENS;
	answer->ingress += found->finding == EVIDENCE_WIDENS_INGRESS;
	answer->undecided += found->finding == EVIDENCE_UNDECIDED;
	if (answer->first[0] == '\0')
		snprintf(answer->first, sizeof answer->first, "%s", found->message);
}

static struct answer judge(struct evidence *evidence, struct evidence_agent agent)
{
	struct answer answer = {0};
	agent.namespace = "agents";
	if (agent.selector.at == NULL)
		agent.selector = json_of(AGENT_SELECTOR);
	if (agent.labels.at == NULL)
		agent.labels = json_of(AGENT_LABELS);
	evidence_judge(evidence, &agent, on_found, &answer);
	return answer;
}

static void check(void **state)
{
	const struct claim *claim = *state;
	struct evidence *evidence = evidence_new(evidence_cni_of(claim->cni));
	struct evidence_agent agent = {.egress = json_of(claim->egress)};
	bool api_server = claim->domains != NULL && strcmp(claim->domains, "api-server") == 0;
	agent.api_server = api_server;
	if (!api_server)
		agent.domains = json_of(claim->domains);
	tell_namespaces(evidence);
	for (size_t i = 0; i < 4 && claim->others[i] != NULL; i++)
		tell(evidence, "ADDED", claim->others[i]);
	struct answer answer = judge(evidence, agent);
	assert_int_equal(answer.undecided, 0);
	if (claim->widens == NULL && answer.widens > 0)
		fail_msg("it allows no more, but: %s", answer.first);
	if (claim->widens != NULL && answer.widens == 0)
		fail_msg("it widens, and was not found");
	if (claim->widens != NULL && strstr(answer.first, claim->widens) == NULL)
		fail_msg("\"%s\" is not in: %s", claim->widens, answer.first);
	evidence_free(evidence);
}

static void our_selector_contradicts_what_no_template_says(void **state)
{
	(void)state;
	struct evidence *evidence = evidence_new(EVIDENCE_CNI_UNKNOWN);
	struct evidence_agent job = {
	        .egress = json_of(NOTHING),
	        .selector = json_of("{\"matchLabels\":{\"job-name\":\"mine\"}}"),
	        .labels = json_of("{}")};
	tell(evidence, "ADDED", SELECTING("{\"matchLabels\":{\"job-name\":\"other\"}}"));
	assert_int_equal(judge(evidence, job).widens, 0);
	tell(evidence, "MODIFIED", SELECTING("{\"matchLabels\":{\"job-name\":\"mine\"}}"));
	assert_int_equal(judge(evidence, job).widens, 1);
	evidence_free(evidence);
}

static bool is_own(const void *context, const char *kind, struct json_text name)
{
	return strcmp(kind, "NetworkPolicy") == 0 && text_is(name, context);
}

#define MINE(labels)                                                                               \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\",\"metadata\":{"         \
	"\"name\":\"mine\",\"namespace\":\"agents\",\"labels\":{" labels "}},\"spec\":" EGRESS("[{}]") "}"

#define SELECTING_OTHER_LABEL(value) SELECTING("{\"matchLabels\":{\"app\":\"" value "\"}}")

static struct evidence_change told(struct evidence *evidence, const char *type, const char *object,
                                   struct json_buffer *line)
{
	struct event event;
	line->len = 0;
	json_putf(line, "{\"type\":\"%s\",\"object\":%s}", type, object);
	assert_null(event_read(json_buffer_text(line), &event));
	return evidence_take(evidence, &event);
}

static void a_change_concerns_the_label_before_and_the_label_after(void **state)
{
	(void)state;
	struct evidence *evidence = evidence_new(EVIDENCE_CNI_UNKNOWN);
	struct json_buffer line = {0};
	struct evidence_change change =
	        told(evidence, "ADDED", SELECTING_OTHER_LABEL("web"), &line);
	assert_int_equal(change.reach, EVIDENCE_REACH_LABELS);
	assert_null(change.labels[0].key.at);
	assert_true(text_is(change.labels[1].key, "app") && text_is(change.labels[1].value, "web"));
	change = told(evidence, "MODIFIED", SELECTING_OTHER_LABEL("agent"), &line);
	assert_int_equal(change.reach, EVIDENCE_REACH_LABELS);
	assert_true(text_is(change.namespace, "agents"));
	assert_true(text_is(change.labels[0].value, "web") && text_is(change.labels[1].value, "agent"));
	change = told(evidence, "MODIFIED", SELECTING_OTHER_LABEL("agent"), &line);
	assert_int_equal(change.reach, EVIDENCE_REACH_NONE);
	change = told(evidence, "MODIFIED", SELECTING("{}"), &line);
	assert_int_equal(change.reach, EVIDENCE_REACH_NAMESPACE);
	change = told(evidence, "DELETED", SELECTING("{}"), &line);
	assert_int_equal(change.reach, EVIDENCE_REACH_NAMESPACE);
	json_buffer_free(&line);
	evidence_free(evidence);
}

static void our_own_policy_is_none_of_others(void **state)
{
	(void)state;
	struct evidence *evidence = evidence_new(EVIDENCE_CNI_UNKNOWN);
	struct evidence_agent agent = {
	        .egress = json_of(NOTHING), .is_own = is_own, .context = "mine"};
	tell(evidence, "ADDED", MINE("\"app.kubernetes.io/managed-by\":\"agent-egress\""));
	assert_int_equal(judge(evidence, agent).widens, 0);
	assert_false(evidence_is_foreign(evidence, "NetworkPolicy", "agents", "mine"));
	agent.context = "another";
	assert_int_equal(judge(evidence, agent).widens, 1);
	tell(evidence, "MODIFIED", MINE(""));
	agent.context = "mine";
	assert_int_equal(judge(evidence, agent).widens, 1);
	assert_true(evidence_is_foreign(evidence, "NetworkPolicy", "agents", "mine"));
	evidence_free(evidence);
}

static void ingress_that_others_widen_is_found(void **state)
{
	(void)state;
	struct evidence *evidence = evidence_new(EVIDENCE_CNI_UNKNOWN);
	struct evidence_agent agent = {.egress = json_of(NOTHING), .ingress = json_of(NOTHING)};
	tell(evidence, "ADDED",
	     NP("{\"podSelector\":{},\"policyTypes\":[\"Ingress\"],\"ingress\":[{}]}"));
	struct answer answer = judge(evidence, agent);
	assert_int_equal(answer.widens, 0);
	assert_int_equal(answer.ingress, 1);
	evidence_free(evidence);
}

static void what_is_gone_widens_no_more(void **state)
{
	(void)state;
	struct evidence *evidence = evidence_new(EVIDENCE_CNI_UNKNOWN);
	struct evidence_agent agent = {.egress = json_of(NOTHING)};
	tell(evidence, "ADDED", NP(EGRESS("[{}]")));
	assert_int_equal(judge(evidence, agent).widens, 1);
	tell(evidence, "DELETED", NP(EGRESS("[{}]")));
	assert_int_equal(judge(evidence, agent).widens, 0);
	tell(evidence, "ADDED", NP(EGRESS("[{}]")));
	tell_mark(evidence, "networking.k8s.io/v1", "NetworkPolicy", BEGIN);
	assert_int_equal(judge(evidence, agent).widens, 1);
	tell_mark(evidence, "networking.k8s.io/v1", "NetworkPolicy", END);
	assert_int_equal(judge(evidence, agent).widens, 0);
	evidence_free(evidence);
}

static void lists_that_are_missing_are_named(void **state)
{
	(void)state;
	static const char *const kinds[][2] = {
	        {"networking.k8s.io/v1", "NetworkPolicy"},
	        {"cilium.io/v2", "CiliumNetworkPolicy"},
	        {"cilium.io/v2", "CiliumClusterwideNetworkPolicy"},
	        {"projectcalico.org/v3", "NetworkPolicy"},
	        {"crd.projectcalico.org/v1", "GlobalNetworkPolicy"},
	        {"policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"},
	        {"policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"},
	        {"networking.k8s.aws/v1alpha1", "ClusterNetworkPolicy"},
	        {"networking.k8s.aws/v1alpha1", "ApplicationNetworkPolicy"},
	        {"networking.gke.io/v1alpha1", "FQDNNetworkPolicy"}};
	struct evidence *evidence = evidence_new(EVIDENCE_CNI_UNKNOWN);
	assert_string_equal(evidence_missing(evidence),
	                    "this stream has no list of others' policies");
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		assert_non_null(evidence_missing(evidence));
		tell_mark(evidence, kinds[i][0], kinds[i][1], BEGIN);
		tell_mark(evidence, kinds[i][0], kinds[i][1],
		          END ",\"agent-egress.dev/unavailable\":\"NotServed\"");
	}
	assert_null(evidence_missing(evidence));
	tell_mark(evidence, "cilium.io/v2", "CiliumNetworkPolicy",
	          END ",\"agent-egress.dev/unavailable\":\"Forbidden\"");
	assert_string_equal(evidence_missing(evidence),
	                    "these policies may not be read: CiliumNetworkPolicy.cilium.io");
	evidence_free(evidence);
}

static void too_many_are_undecided(void **state)
{
	(void)state;
	struct evidence *evidence = evidence_new(EVIDENCE_CNI_UNKNOWN);
	struct evidence_agent agent = {.egress = json_of(NOTHING)};
	for (int i = 0; i < EVIDENCE_COMPARISONS + 1; i++) {
		char object[512];
		snprintf(object, sizeof object,
		         "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\","
		         "\"metadata\":{\"name\":\"p%d\",\"namespace\":\"agents\"},\"spec\":%s}",
		         i, EGRESS("[]"));
		tell(evidence, "ADDED", object);
	}
	struct answer answer = judge(evidence, agent);
	assert_int_equal(answer.widens, 0);
	assert_int_equal(answer.undecided, 1);
	evidence_free(evidence);
}

/* As many policies as agents, each for one: an agent is compared with those of its own labels. */
static void policies_for_others_cost_nothing(void **state)
{
	(void)state;
	struct evidence *evidence = evidence_new(EVIDENCE_CNI_UNKNOWN);
	struct evidence_agent agent = {.egress = json_of(NOTHING)};
	for (int i = 0; i < 3 * EVIDENCE_COMPARISONS; i++) {
		char object[512];
		snprintf(object, sizeof object,
		         "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\","
		         "\"metadata\":{\"name\":\"p%d\",\"namespace\":\"agents\"},\"spec\":{"
		         "\"podSelector\":{\"matchLabels\":{\"app\":\"a%d\",\"team\":\"a\"}},"
		         "\"policyTypes\":[\"Egress\"],\"egress\":[{}]}}",
		         i, i);
		tell(evidence, "ADDED", object);
	}
	struct answer answer = judge(evidence, agent);
	assert_int_equal(answer.widens + answer.undecided, 0);
	evidence_free(evidence);
}

static void a_huge_policy_counts_as_more(void **state)
{
	(void)state;
	struct evidence *evidence = evidence_new(EVIDENCE_CNI_UNKNOWN);
	struct evidence_agent agent = {.egress = json_of(NOTHING)};
	struct json_buffer object = {0};
	json_puts(&object, "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\","
	                   "\"metadata\":{\"name\":\"p\",\"namespace\":\"agents\"},\"spec\":{"
	                   "\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}},\"egress\":[");
	for (int i = 0; i < 100000; i++)
		json_puts(&object, i == 0 ? "{}" : ",{}");
	json_puts(&object, "]}}");
	json_putc(&object, '\0');
	tell(evidence, "ADDED", object.at);
	assert_int_equal(judge(evidence, agent).widens, 1);
	json_buffer_free(&object);
	evidence_free(evidence);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
	        cmocka_unit_test(our_selector_contradicts_what_no_template_says),
	        cmocka_unit_test(a_change_concerns_the_label_before_and_the_label_after),
	        cmocka_unit_test(our_own_policy_is_none_of_others),
	        cmocka_unit_test(ingress_that_others_widen_is_found),
	        cmocka_unit_test(what_is_gone_widens_no_more),
	        cmocka_unit_test(lists_that_are_missing_are_named),
	        cmocka_unit_test(too_many_are_undecided),
	        cmocka_unit_test(policies_for_others_cost_nothing),
	        cmocka_unit_test(a_huge_policy_counts_as_more),
	};
	enum { CLAIMS = sizeof claims / sizeof claims[0], OTHERS = sizeof others / sizeof others[0] };
	struct CMUnitTest tests[CLAIMS + OTHERS];
	for (size_t i = 0; i < CLAIMS; i++)
		tests[i] = (struct CMUnitTest){.name = claims[i].name, .test_func = check,
		                               .initial_state = (void *)&claims[i]};
	memcpy(&tests[CLAIMS], others, sizeof others);
	return _cmocka_run_group_tests("evidence", tests, CLAIMS + OTHERS, NULL, NULL);
}

#include "kube/apply_kinds.h"

#include <string.h>

static const struct kube_kind kinds[] = {
        {"networking.k8s.io", "NetworkPolicy", "networkpolicies", true},
        {"agent.kagenti.dev", "AgentCard", "agentcards", true},
        {"agent.rossoctl.dev", "AgentCard", "agentcards", true},
        {"cilium.io", "CiliumNetworkPolicy", "ciliumnetworkpolicies", true},
        {"crd.projectcalico.org", "GlobalNetworkPolicy", "globalnetworkpolicies", false},
        {"projectcalico.org", "GlobalNetworkPolicy", "globalnetworkpolicies", false},
        {"crd.projectcalico.org", "NetworkPolicy", "networkpolicies", true},
        {"projectcalico.org", "NetworkPolicy", "networkpolicies", true},
        {"k8s.ovn.org", "EgressFirewall", "egressfirewalls", true},
        {"networking.istio.io", "Sidecar", "sidecars", true},
        {"networking.istio.io", "ServiceEntry", "serviceentries", true},
};

static bool is(struct json_text text, const char *string)
{
	return text.len == strlen(string) &&
	       (text.len == 0 || memcmp(text.at, string, text.len) == 0);
}

const struct kube_kind *kube_kind_of(const struct kube_identity *id)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (is(id->group, kinds[i].group) && is(id->kind, kinds[i].kind))
			return kinds[i].namespaced == (id->namespace.at != NULL) ? &kinds[i] : NULL;
	return NULL;
}

void kube_kind_path(const struct kube_kind *kind, const struct kube_identity *id,
                    struct json_buffer *path)
{
	json_puts(path, kind->group[0] == '\0' ? "/api/" : "/apis/");
	json_puttext(path, id->api_version);
	if (kind->namespaced) {
		json_puts(path, "/namespaces/");
		json_puttext(path, id->namespace);
	}
	json_putc(path, '/');
	json_puts(path, kind->plural);
	json_putc(path, '/');
	json_puttext(path, id->name);
}

#include "k8s/kind.h"

#include <string.h>

const struct k8s_kind policy_kind_networkpolicy = {
        .group = "networking.k8s.io",
        .version = "v1",
        .kind = "NetworkPolicy",
        .plural = "networkpolicies",
        .target = "networkpolicy",
};
const struct k8s_kind policy_kind_ciliumnetworkpolicy = {
        .group = "cilium.io",
        .version = "v2",
        .kind = "CiliumNetworkPolicy",
        .plural = "ciliumnetworkpolicies",
        .target = "cilium",
};
const struct k8s_kind policy_kind_globalnetworkpolicy = {
        .group = "projectcalico.org",
        .version = "v3",
        .kind = "GlobalNetworkPolicy",
        .plural = "globalnetworkpolicies",
        .cluster_scoped = true,
        .target = "calico",
};
const struct k8s_kind policy_kind_egressfirewall = {
        .group = "k8s.ovn.org",
        .version = "v1",
        .kind = "EgressFirewall",
        .plural = "egressfirewalls",
        .target = "ovn",
};
const struct k8s_kind policy_kind_sidecar = {
        .group = "networking.istio.io",
        .version = "v1",
        .kind = "Sidecar",
        .plural = "sidecars",
        .target = "istio",
};
const struct k8s_kind policy_kind_serviceentry = {
        .group = "networking.istio.io",
        .version = "v1",
        .kind = "ServiceEntry",
        .plural = "serviceentries",
        .target = "istio",
};

const struct k8s_kind *const policy_kinds[] = {
        &policy_kind_networkpolicy,
        &policy_kind_ciliumnetworkpolicy,
        &policy_kind_globalnetworkpolicy,
        &policy_kind_egressfirewall,
        &policy_kind_sidecar,
        &policy_kind_serviceentry,
        NULL,
};

static bool is(const char *at, size_t len, const char *string)
{
	return len == strlen(string) && memcmp(at, string, len) == 0;
}

const struct k8s_kind *policy_kind_of(struct json_text api_version, struct json_text kind)
{
	const char *slash =
	        api_version.at == NULL ? NULL : memchr(api_version.at, '/', api_version.len);
	if (slash == NULL || kind.at == NULL)
		return NULL;
	size_t group = (size_t)(slash - api_version.at);
	for (size_t i = 0; policy_kinds[i] != NULL; i++)
		if (is(api_version.at, group, policy_kinds[i]->group) &&
		    is(kind.at, kind.len, policy_kinds[i]->kind))
			return policy_kinds[i];
	return NULL;
}

void policy_kind_put_version(const struct k8s_kind *kind, struct json_buffer *out)
{
	json_putf(out, "\"%s/%s\"", kind->group, kind->version);
}

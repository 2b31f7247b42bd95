#include "k8s/path.h"

#include <string.h>

#include "k8s/operator.h"

static const struct k8s_kind *agentcard_of(const struct kube_identity *id)
{
	static const struct k8s_kind agentcard = {.kind = "AgentCard", .plural = "agentcards"};
	if (id->kind.len != strlen(agentcard.kind) ||
	    memcmp(id->kind.at, agentcard.kind, id->kind.len) != 0)
		return NULL;
	for (int i = 0; policy_names_words[i] != NULL; i++) {
		const char *group = policy_names(i)->agentcard_group;
		if (id->group.len == strlen(group) && memcmp(id->group.at, group, id->group.len) == 0)
			return &agentcard;
	}
	return NULL;
}

const struct k8s_kind *kube_kind_of(const struct kube_identity *id)
{
	const struct k8s_kind *kind = policy_kind_of(id->api_version, id->kind);
	if (kind == NULL)
		kind = agentcard_of(id);
	bool namespaced = id->namespace.at != NULL;
	return kind != NULL && kind->cluster_scoped != namespaced ? kind : NULL;
}

void kube_kind_path(const struct k8s_kind *kind, const struct kube_identity *id,
                    struct json_buffer *path)
{
	json_puts(path, "/apis/");
	json_puttext(path, id->api_version);
	if (!kind->cluster_scoped) {
		json_puts(path, "/namespaces/");
		json_puttext(path, id->namespace);
	}
	json_putc(path, '/');
	json_puts(path, kind->plural);
	json_putc(path, '/');
	json_puttext(path, id->name);
}

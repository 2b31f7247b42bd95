#include "k8s/path.h"
#include "apply/queue_private.h"

#include <string.h>

static bool ends_with(struct json_text text, const char *end)
{
	size_t len = strlen(end);
	return text.len >= len && memcmp(text.at + text.len - len, end, len) == 0;
}

/* Destinations that are all single addresses, as those of the API server are. */
static bool names_hosts(struct json_text peers)
{
	if (json_is_empty(peers))
		return false;
	for (struct json_member peer = json_first(peers); peer.value.at; peer = json_next(peer)) {
		struct json_text cidr = json_plain(json_get(peer.value, "ipBlock", "cidr"));
		if (cidr.at == NULL || (!ends_with(cidr, "/32") && !ends_with(cidr, "/128")))
			return false;
	}
	return true;
}

static bool names_everything(struct json_text peers)
{
	if (json_is_empty(peers))
		return true;
	for (struct json_member peer = json_first(peers); peer.value.at; peer = json_next(peer)) {
		struct json_text cidr = json_plain(json_get(peer.value, "ipBlock", "cidr"));
		if (cidr.at != NULL && ends_with(cidr, "/0"))
			return true;
	}
	return false;
}

/* Other kinds say what they allow in words of their own; the reason tells which it is. */
static enum kube_rank rank_by_reason(struct json_text reason)
{
	if (json_equals(reason, "EgressUnset"))
		return KUBE_WIDENS;
	if (json_equals(reason, "EgressRules") || json_equals(reason, "NamespaceWide"))
		return KUBE_SCOPES;
	return KUBE_NARROWS;
}

enum kube_rank kube_operation_rank(const struct kube_operation *operation)
{
	if (operation->type == KUBE_DELETE || operation->status)
		return KUBE_WIDENS;
	if (kube_kind_of(&operation->id) != &policy_kind_networkpolicy)
		return rank_by_reason(operation->reason);
	struct json_text egress = json_get(operation->object, "spec", "egress");
	enum kube_rank rank = KUBE_NARROWS;
	for (struct json_member rule = json_first(egress); rule.value.at; rule = json_next(rule)) {
		struct json_text to = json_get(rule.value, "to");
		if (names_everything(to))
			return KUBE_WIDENS;
		if (!names_hosts(to))
			rank = KUBE_SCOPES;
	}
	return rank;
}

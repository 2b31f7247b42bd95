#include "policy/ingress_private.h"
#include "json/write.h"

#include <string.h>

enum { PEERS_MAX = 512 }; /* more selectors than that in each of as many policies are too many */

static void put_namespaces(const struct policy_settings *settings, struct json_buffer *out)
{
	for (size_t i = 0; settings->ingress_namespaces[i] != NULL; i++) {
		json_put_comma(out);
		json_puts(out, "{\"namespaceSelector\":{\"matchLabels\":{"
		               "\"kubernetes.io/metadata.name\":");
		json_put_string(out, settings->ingress_namespaces[i]);
		json_puts(out, "}}}");
	}
}

static int by_key(const void *a, const void *b)
{
	const struct policy_workload *const *x = a, *const *y = b;
	return strcmp((*x)->key, (*y)->key);
}

/* The other verified workloads of the namespace; none of them when they are too many. */
static void put_verified_workloads(const struct policy_workload *workload, struct json_buffer *out)
{
	const struct policy_workload *peers[PEERS_MAX] = {NULL}, *peer;
	size_t count = 0;
	if (workload->namespace->verified_count > PEERS_MAX)
		return;
	DL_FOREACH2(workload->namespace->verified, peer, verified_next)
	if (peer->selector != NULL)
		peers[count++] = peer;
	qsort(peers, count, sizeof(void *), by_key);
	for (size_t i = 0; i < count; i++) {
		json_put_comma(out);
		json_puts(out, "{\"podSelector\":");
		json_puts(out, peers[i]->selector);
		json_putc(out, '}');
	}
}

static void put_verified_label(const struct policy_settings *settings, struct json_buffer *out)
{
	json_put_comma(out);
	json_puts(out, "{\"podSelector\":{\"matchLabels\":{");
	json_put_key(out, settings->names->verified_label);
	json_puts(out, "\"true\"}}}");
}

void policy_ingress_put(const struct policy_inventory *inventory,
                        const struct policy_decision *decision, struct json_buffer *out)
{
	const struct policy_settings *settings = inventory->settings;
	size_t start = out->len;
	json_puts(out, "[{\"from\":[");
	size_t empty = out->len;
	put_namespaces(settings, out);
	if (decision->verified) {
		if (settings->verified_peers == POLICY_PEERS_WORKLOADS)
			put_verified_workloads(decision->workload, out);
		else
			put_verified_label(settings, out);
	}
	if (out->len > empty) {
		json_puts(out, "]}]");
		return;
	}
	/* a rule without peers would let everybody in */
	out->len = start;
	json_puts(out, "[]");
}

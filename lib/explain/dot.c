#include "explain/report.h"
#include "explain/words.h"

#include <string.h>

/* In double quotes, as dot(1) reads them: an escape there is a matter of its own. */
static void put_quoted(struct json_buffer *out, const char *text, size_t len)
{
	size_t before = out->len + 1;
	json_putc(out, '"');
	json_put_plain(out, text, len);
	for (char *at = out->at + before; at < out->at + out->len; at++)
		if (*at == '"' || *at == '\\')
			*at = '\'';
	json_putc(out, '"');
}

struct edge {
	const struct explanation *explanation;
	const struct counted *counted;
	struct json_text rule;
};

static void put_edge(struct json_buffer *out, const struct edge *edge, const char *to, size_t len)
{
	const struct policy_card *card = edge->explanation->card;
	struct json_buffer words = {0};
	json_putf(out, "\t\"%s/%s\" -> ", card->namespace->name, card->workload->name);
	put_quoted(out, to, len);
	explain_put_ports_words(&words, json_get(edge->rule, "ports"));
	json_puts(out, " [label=");
	put_quoted(out, words.at, words.len);
	json_puts(out, edge->counted->own ? "]\n" : " style=dashed color=red]\n");
	json_buffer_free(&words);
}

/* To the workloads that it surely selects, or to what it says where it selects none. */
static void put_peer(struct json_buffer *out, const struct world *world, const struct edge *edge,
                     struct json_text peer)
{
	struct json_buffer words = {0};
	const struct policy_namespace *own = edge->explanation->card->namespace;
	const char *namespace = own->name;
	const struct policy_workload *workload = world->inventory->workloads;
	bool any = false, elsewhere = json_get(peer, "namespaceSelector").at != NULL;
	for (; workload != NULL; workload = workload->hh.next) {
		struct policy_destination pods = {0};
		if (!elsewhere && workload->namespace != own)
			continue;
		world_put_labels(world, workload, &pods);
		if (policy_peer_selects(peer, namespace, &pods) != POLICY_ALLOWED)
			continue;
		any = true;
		words.len = 0;
		json_putf(&words, "%s/%s", workload->namespace->name, workload->name);
		put_edge(out, edge, words.at, words.len);
	}
	if (!any) {
		explain_put_peer_words(&words, peer, namespace);
		put_edge(out, edge, words.at, words.len);
	}
	json_buffer_free(&words);
}

void put_dot(struct json_buffer *out, const struct world *world,
             const struct explanation *explanation)
{
	static const char anywhere[] = "anywhere";
	const struct policy_card *card = explanation->card;
	if (card->workload == NULL || card != card->workload->cards)
		return; /* one node a workload */
	json_putf(out, "\t\"%s/%s\" [shape=box color=%s]\n", card->namespace->name, card->workload->name,
	          explanation->decision.mode == POLICY_MODE_NONE          ? "gray"
	          : explanation->decision.mode == POLICY_MODE_RESTRICTIVE ? "red"
	                                                                  : "green");
	if (explanation->count == 0) {
		struct edge edge = {explanation, &(struct counted){0}, {0}};
		put_edge(out, &edge, anywhere, strlen(anywhere));
	}
	for (size_t i = 0; i < explanation->count; i++) {
		const struct counted *counted = &explanation->policies[i];
		struct json_member rule = json_first(counted->egress);
		for (; rule.value.at != NULL; rule = json_next(rule)) {
			struct edge edge = {explanation, counted, rule.value};
			struct json_member peer = json_first(json_get(rule.value, "to"));
			if (peer.value.at == NULL)
				put_edge(out, &edge, anywhere, strlen(anywhere));
			for (; peer.value.at != NULL; peer = json_next(peer))
				put_peer(out, world, &edge, peer.value);
		}
	}
}

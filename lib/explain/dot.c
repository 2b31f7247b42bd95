/* The graph: a cluster for each namespace, whose nodes are its agents; what stands for no agent is a node
 * beside them. Linear: a peer is drawn as the agents that it selects where it is for few of them, which are
 * found by a label, else as a node of its own. */
#include "explain/report.h"

#include <string.h>

#include "base/memory.h"
#include "base/table.h"
#include "explain/words.h"

enum { DRAWN_ONE_BY_ONE = 16 }; /* workloads that a peer is compared with */

/* The workloads of a namespace that have a label: "namespace", NUL, "key", NUL, "value". */
struct labelled {
	const struct policy_workload **at;
	size_t count, size;
	UT_hash_handle hh;
	char key[];
};

/* An address of the API server. */
struct server {
	UT_hash_handle hh;
	char cidr[POLICY_CIDR_SIZE];
};

struct explain_dot {
	const struct world *world;
	struct labelled *labelled;
	struct server *servers;
	const struct policy_namespace *cluster; /* that is open */
	struct json_buffer edges, key;
};

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

static struct json_text key_of(struct explain_dot *dot, struct json_text namespace, struct json_member label)
{
	dot->key.len = 0;
	json_puttext(&dot->key, namespace);
	json_putc(&dot->key, '\0');
	json_puttext(&dot->key, json_plain(label.key));
	json_putc(&dot->key, '\0');
	json_puttext(&dot->key, json_plain(label.value));
	return json_buffer_text(&dot->key);
}

static struct labelled *find(const struct explain_dot *dot, struct json_text key)
{
	struct labelled *found = NULL;
	HASH_FIND(hh, dot->labelled, key.at, key.len, found);
	return found;
}

static void add_workload(struct explain_dot *dot, const struct policy_workload *workload)
{
	struct policy_destination pods = {0};
	world_put_labels(dot->world, workload, &pods);
	for (struct json_member m = json_first(pods.labels.known); m.value.at != NULL; m = json_next(m)) {
		struct json_text key = key_of(dot, json_of(workload->namespace->name), m);
		struct labelled *labelled = find(dot, key);
		if (labelled == NULL) {
			labelled = kube_alloc(1, sizeof *labelled + key.len + 1);
			memcpy(labelled->key, key.at, key.len);
			HASH_ADD(hh, dot->labelled, key[0], key.len, labelled);
		}
		if (labelled->count == labelled->size) {
			labelled->size = labelled->size * 2 + 2;
			labelled->at = kube_resize(labelled->at, labelled->size, sizeof(void *));
		}
		labelled->at[labelled->count++] = workload;
	}
}

static void add_servers(struct explain_dot *dot)
{
	struct policy_address addresses[POLICY_APISERVER_MAX];
	size_t count = policy_apiserver_list(&dot->world->inventory->apiserver, addresses);
	for (size_t i = 0; i < count; i++) {
		struct server *server = NULL;
		HASH_FIND_STR(dot->servers, addresses[i].cidr, server);
		if (server != NULL)
			continue;
		server = kube_alloc(1, sizeof *server);
		memcpy(server->cidr, addresses[i].cidr, sizeof server->cidr);
		HASH_ADD_STR(dot->servers, cidr, server);
	}
}

struct explain_dot *explain_dot_begin(struct json_buffer *out, const struct world *world)
{
	struct explain_dot *dot = kube_alloc(1, sizeof *dot);
	dot->world = world;
	for (const struct policy_workload *w = world->inventory->workloads; w != NULL; w = w->hh.next)
		add_workload(dot, w);
	add_servers(dot);
	json_puts(out, "digraph egress {\n\trankdir=LR\n");
	return dot;
}

/* The namespace whose pods the peer selects; absent when it says so in another way than by its name. */
static struct json_text namespace_of(struct json_text peer, const char *own)
{
	struct json_text selector = json_get(peer, "namespaceSelector"), labels = json_get(selector, "matchLabels");
	if (selector.at == NULL)
		return json_of(own);
	if (json_count(labels) != 1 || !json_is_empty(json_get(selector, "matchExpressions")))
		return (struct json_text){0};
	return json_plain(json_get(labels, "kubernetes.io/metadata.name"));
}

/* The workloads that meet one requirement of a selector, where they are few. */
struct few {
	const struct policy_workload *at[DRAWN_ONE_BY_ONE];
	size_t count;
	bool many;
};

static void gather(struct explain_dot *dot, struct few *few, struct json_text namespace, struct json_member label)
{
	const struct labelled *found = find(dot, key_of(dot, namespace, label));
	for (size_t i = 0; found != NULL && i < found->count && !few->many; i++) {
		few->many = few->count == DRAWN_ONE_BY_ONE;
		if (!few->many)
			few->at[few->count++] = found->at[i];
	}
}

/* By the first label that it asks for which few have; none, where it is not for few. */
static struct few candidates(struct explain_dot *dot, struct json_text peer, const char *own)
{
	struct few few = {.many = true};
	struct json_text namespace = namespace_of(peer, own), selector = json_get(peer, "podSelector");
	struct json_member m = json_first(json_get(selector, "matchLabels"));
	for (; namespace.at != NULL && few.many && m.value.at != NULL; m = json_next(m)) {
		few = (struct few){0};
		gather(dot, &few, namespace, m);
	}
	m = json_first(json_get(selector, "matchExpressions"));
	for (; namespace.at != NULL && few.many && m.value.at != NULL; m = json_next(m)) {
		struct json_member value = json_first(json_get(m.value, "values"));
		if (!json_equals(json_get(m.value, "operator"), "In"))
			continue;
		few = (struct few){0};
		for (; value.value.at != NULL; value = json_next(value))
			gather(dot, &few, namespace, (struct json_member){.key = json_get(m.value, "key"), .value = value.value});
	}
	if (few.many)
		few.count = 0;
	return few;
}

/* To the workloads that it surely selects, or to what it says where those are none or many. */
static void put_peer(struct explain_dot *dot, const struct edge *edge, struct json_text peer)
{
	struct json_buffer words = {0};
	const char *namespace = edge->explanation->card->namespace->name;
	struct few few = candidates(dot, peer, namespace);
	bool any = false;
	for (size_t i = 0; i < few.count; i++) {
		const struct policy_workload *workload = few.at[i];
		struct policy_destination pods = {0};
		world_put_labels(dot->world, workload, &pods);
		if (policy_peer_selects(peer, namespace, &pods) != POLICY_ALLOWED)
			continue;
		any = true;
		words.len = 0;
		json_putf(&words, "%s/%s", workload->namespace->name, workload->name);
		put_edge(&dot->edges, edge, words.at, words.len);
	}
	if (!any) {
		explain_put_peer_words(&words, peer, namespace);
		put_edge(&dot->edges, edge, words.at, words.len);
	}
	json_buffer_free(&words);
}

static bool is_server(const struct explain_dot *dot, const struct edge *edge, struct json_text peer)
{
	const struct server *server = NULL;
	struct json_text cidr = json_plain(json_get(peer, "ipBlock", "cidr"));
	if (cidr.at == NULL)
		return false;
	HASH_FIND(hh, dot->servers, cidr.at, cidr.len, server);
	return server != NULL ||
	       (edge->counted->own && edge->explanation->decision.mode == POLICY_MODE_RESTRICTIVE);
}

static void put_rule(struct explain_dot *dot, const struct edge *edge)
{
	static const char anywhere[] = "anywhere", server[] = "Kubernetes API server";
	struct json_member peer = json_first(json_get(edge->rule, "to"));
	bool drawn = false; /* its addresses are one node */
	if (peer.value.at == NULL)
		put_edge(&dot->edges, edge, anywhere, strlen(anywhere));
	for (; peer.value.at != NULL; peer = json_next(peer)) {
		if (!is_server(dot, edge, peer.value))
			put_peer(dot, edge, peer.value);
		else if (!drawn)
			put_edge(&dot->edges, edge, server, strlen(server));
		drawn = drawn || is_server(dot, edge, peer.value);
	}
}

static void close_cluster(struct explain_dot *dot, struct json_buffer *out)
{
	if (dot->cluster != NULL)
		json_puts(out, "\t}\n");
	dot->cluster = NULL;
}

static void put_node(struct explain_dot *dot, struct json_buffer *out, const struct explanation *explanation)
{
	const struct policy_card *card = explanation->card;
	if (dot->cluster != card->namespace) {
		close_cluster(dot, out);
		dot->cluster = card->namespace;
		json_putf(out, "\tsubgraph \"cluster_%s\" {\n\t\tlabel=\"%s\"\n", card->namespace->name,
		          card->namespace->name);
	}
	json_putf(out, "\t\t\"%s/%s\" [shape=box color=%s]\n", card->namespace->name, card->workload->name,
	          explanation->decision.mode == POLICY_MODE_NONE          ? "gray"
	          : explanation->decision.mode == POLICY_MODE_RESTRICTIVE ? "red"
	                                                                  : "green");
}

void explain_dot_put(struct explain_dot *dot, struct json_buffer *out, const struct explanation *explanation)
{
	static const char anywhere[] = "anywhere";
	const struct policy_card *card = explanation->card;
	if (card->workload == NULL || card != card->workload->cards)
		return; /* one node a workload */
	put_node(dot, out, explanation);
	if (explanation->count == 0) {
		struct edge edge = {explanation, &(struct counted){0}, {0}};
		put_edge(&dot->edges, &edge, anywhere, strlen(anywhere));
	}
	for (size_t i = 0; i < explanation->count; i++) {
		const struct counted *counted = &explanation->policies[i];
		struct json_member rule = json_first(counted->egress);
		for (; rule.value.at != NULL; rule = json_next(rule)) {
			struct edge edge = {explanation, counted, rule.value};
			put_rule(dot, &edge);
		}
	}
}

void explain_dot_end(struct explain_dot *dot, struct json_buffer *out)
{
	struct labelled *labelled, *next;
	struct server *server, *next_server;
	close_cluster(dot, out); /* a node belongs to the cluster that names it first */
	json_puttext(out, json_buffer_text(&dot->edges));
	json_puts(out, "}\n");
	HASH_ITER(hh, dot->labelled, labelled, next) {
		HASH_DEL(dot->labelled, labelled);
		free(labelled->at);
		free(labelled);
	}
	HASH_ITER(hh, dot->servers, server, next_server) {
		HASH_DEL(dot->servers, server);
		free(server);
	}
	json_buffer_free(&dot->edges);
	json_buffer_free(&dot->key);
	free(dot);
}

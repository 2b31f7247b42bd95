/* cilium.io/v2, CiliumNetworkPolicy: docs.cilium.io, "Layer 3 Policies", "Layer 4 Policies",
 * "Policy Enforcement Modes". Where a rule says less than NetworkPolicy's there,
 * egress-translate(1) says so. */
#include <stdio.h>
#include <string.h>

#include "net/cidr.h"
#include "targets/cilium_selector_private.h"
#include "rules/dns.h"
#include "rules/ports.h"
#include "rules/rules.h"
#include "targets/target.h"
#include "json/write.h"

enum { PORTS_MAX = 40 /* of an element of toPorts, by the CRD */, NAME_MAX_BYTES = 255 };

static void put_port(struct json_buffer *out, struct json_text port)
{
	struct json_text number = json_get(port, "port"), end = json_get(port, "endPort");
	if (number.at == NULL) {
		number = json_of("1");
		end = json_of("65535");
	}
	bool named = json_type(number) == JSON_STRING;
	json_puts(out, named ? "{\"port\":" : "{\"port\":\"");
	json_puttext(out, number);
	json_puts(out, named ? ",\"protocol\":" : "\",\"protocol\":");
	json_puttext(out, json_get(port, "protocol"));
	if (end.at != NULL) {
		json_puts(out, ",\"endPort\":");
		json_puttext(out, end);
	}
	json_putc(out, '}');
}

/* Closes a rule, which is for these ports; without any it is for all traffic. */
static void put_ports(struct json_buffer *out, struct json_text ports, enum policy_port_kinds which)
{
	size_t count = 0;
	if (!json_is_empty(ports)) {
		json_puts(out, ",\"toPorts\":[");
		for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
			if (!policy_port_is(m.value, which))
				continue;
			if (count % PORTS_MAX == 0)
				json_puts(out, count == 0 ? "{\"ports\":[" : "]},{\"ports\":[");
			json_put_comma(out);
			put_port(out, m.value);
			count++;
		}
		json_puts(out, "]}]");
	}
	json_putc(out, '}');
}

/* A rule whose destinations are the text of one member. */
static void put_rule(struct json_buffer *out, const char *member, struct json_text ports,
                     enum policy_port_kinds which)
{
	if (!json_is_empty(ports) && !policy_ports_any(ports, which))
		return;
	json_put_comma(out);
	json_puts(out, member);
	put_ports(out, ports, which);
}

static void put_everywhere(struct json_buffer *out, struct json_text ports)
{
	put_rule(out, "{\"toEntities\":[\"all\"]", ports, POLICY_PORTS_NUMBERS);
	if (policy_ports_any(ports, POLICY_PORTS_NAMES))
		put_rule(out,
		         "{\"toEndpoints\":[{\"matchExpressions\":[{\"key\":\"" POLICY_CILIUM_SPACE
		         "\",\"operator\":\"Exists\"}]}]",
		         ports, POLICY_PORTS_NAMES);
}

static void put_blocks(struct json_buffer *out, struct json_text to, struct json_text ports)
{
	size_t start = out->len;
	if (!json_is_empty(ports) && !policy_ports_any(ports, POLICY_PORTS_NUMBERS))
		return;
	json_put_comma(out);
	json_puts(out, "{\"toCIDRSet\":[");
	size_t empty = out->len;
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m)) {
		struct json_text block = json_get(m.value, "ipBlock");
		if (block.at == NULL)
			continue;
		json_put_comma(out);
		json_puttext(out, block);
	}
	if (out->len == empty) {
		out->len = start;
		return;
	}
	json_putc(out, ']');
	put_ports(out, ports, POLICY_PORTS_NUMBERS);
}

struct writing {
	const struct policy_inventory *inventory;
	struct policy_decision *decision;
	struct json_buffer *out;
};

static void say_unusable(struct writing *w, const char *path)
{
	policy_problem(&w->decision->problems, POLICY_WARNING, path, (struct json_text){0},
	               "selects by a label that Cilium leaves out of identities, or whose key is too "
	               "long for it: it stays denied");
}

/* Those of an array of peers that are pods; `path` is the array's. False when there are none. */
static bool put_endpoints(struct writing *w, struct json_text peers, const char *path)
{
	size_t index = 0, empty = w->out->len;
	for (struct json_member m = json_first(peers); m.value.at; m = json_next(m), index++) {
		char field[2 * POLICY_FIELD_SIZE];
		if (json_get(m.value, "ipBlock").at != NULL)
			continue;
		snprintf(field, sizeof field, "%s[%zu]", path, index);
		if (policy_cilium_peer_usable(m.value))
			policy_cilium_put_peer(w->out, w->decision->workload->namespace->name, m.value);
		else
			say_unusable(w, field);
	}
	return w->out->len > empty;
}

static void put_pods(struct writing *w, struct json_text to, struct json_text ports, size_t rule)
{
	struct json_buffer *out = w->out;
	size_t start = out->len;
	char path[POLICY_FIELD_SIZE];
	snprintf(path, sizeof path, "%s.egress[%zu].to", w->decision->rules_path, rule);
	json_put_comma(out);
	json_puts(out, "{\"toEndpoints\":[");
	if (!put_endpoints(w, to, path)) {
		out->len = start;
		return;
	}
	json_putc(out, ']');
	put_ports(out, ports, POLICY_PORTS_BOTH);
}

static bool read_cidr(struct json_text string, struct policy_cidr *cidr)
{
	return policy_cidr_parse(json_plain(string), cidr) == NULL;
}

static bool overlap(const struct policy_cidr *a, const struct policy_cidr *b)
{
	return policy_cidr_holds(a, b) || policy_cidr_holds(b, a);
}

/* Is all of the address, or range, in one of the blocks? */
static bool covered(struct json_text to, const char *address)
{
	struct policy_cidr inner, outer, hole;
	if (policy_cidr_parse(json_of(address), &inner) != NULL)
		return false;
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m)) {
		struct json_text block = json_get(m.value, "ipBlock"),
		                 except = json_get(block, "except");
		bool held = read_cidr(json_get(block, "cidr"), &outer) &&
		            policy_cidr_holds(&outer, &inner);
		for (struct json_member e = json_first(except); e.value.at; e = json_next(e))
			held = held && read_cidr(e.value, &hole) && !overlap(&hole, &inner);
		if (held)
			return true;
	}
	return false;
}

/* A CIDR does not match nodes, and the API server may run on one: blocks that cover all of its
 * addresses mean the entity too. Which of several would be meant an entity cannot tell. */
static void put_api_server(struct writing *w, struct json_text to, struct json_text ports,
                           size_t rule)
{
	struct policy_address addresses[POLICY_APISERVER_MAX];
	const char *const *given = w->inventory->settings->api_server;
	size_t count = 0, inside = 0;
	if (given[0] == NULL)
		count = policy_apiserver_list(&w->inventory->apiserver, addresses);
	for (size_t i = 0; i < count; i++)
		inside += covered(to, addresses[i].cidr);
	for (; given[0] != NULL && given[count] != NULL; count++)
		inside += covered(to, given[count]);
	if (inside > 0 && inside == count) {
		put_rule(w->out, "{\"toEntities\":[\"kube-apiserver\"]", ports, POLICY_PORTS_NUMBERS);
	} else if (inside > 0) {
		char path[64];
		snprintf(path, sizeof path, "%s.egress[%zu].to", w->decision->rules_path, rule);
		policy_problem(&w->decision->problems, POLICY_WARNING, path, (struct json_text){0},
		               "holds some of the API server's addresses: where these are nodes' "
		               "they stay denied");
	}
}

static void put_egress(struct writing *w, struct json_text egress)
{
	size_t index = 0;
	for (struct json_member m = json_first(egress); m.value.at; m = json_next(m), index++) {
		struct json_text to = json_get(m.value, "to"), ports = json_get(m.value, "ports");
		if (json_is_empty(to)) {
			put_everywhere(w->out, ports);
			continue;
		}
		put_api_server(w, to, ports, index);
		put_blocks(w->out, to, ports);
		put_pods(w, to, ports, index);
	}
}

/* `*` of a pattern stands for characters of one label, `**.` in front for labels. */
static void put_name(struct json_buffer *out, struct json_text name, const char *suffix)
{
	bool wild = name.at[0] == '*';
	if (name.len + 1 + strlen(suffix) > NAME_MAX_BYTES)
		return;
	json_put_comma(out);
	json_putf(out, "{\"%s\":\"%s%.*s%s\"}", wild ? "matchPattern" : "matchName",
	          wild ? "*" : "", (int)name.len, name.at, suffix);
}

static void put_names(struct json_buffer *out, struct json_text domain, const char *suffix)
{
	struct json_text names = json_get(domain, "names");
	for (struct json_member m = json_first(names); m.value.at; m = json_next(m))
		put_name(out, json_plain(m.value), suffix);
}

/* Queries for the names alone, and for what a resolver makes of them by a pod's search list, which
 * would else end at the first refusal. */
static void put_queries(struct json_buffer *out, struct json_text domains, const char *namespace)
{
	char own[POLICY_LABEL_SIZE + sizeof "..svc.cluster.local"];
	const char *const suffixes[] = {"", own, ".svc.cluster.local", ".cluster.local"};
	snprintf(own, sizeof own, ".%s.svc.cluster.local", namespace);
	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
		for (struct json_member m = json_first(domains); m.value.at; m = json_next(m))
			put_names(out, m.value, suffixes[i]);
}

static void put_dns_destination(struct json_buffer *out, const struct policy_dns *dns)
{
	json_puts(out, "{");
	if (dns->is_block) {
		json_puts(out, "\"toCIDRSet\":[{\"cidr\":");
		policy_cidr_put(&dns->cidr, out);
		json_puts(out, "}]");
		return;
	}
	json_putf(out,
	          "\"toEndpoints\":[{\"matchLabels\":{\"" POLICY_CILIUM_SPACE
	          "\":\"%.*s\",\"k8s:%.*s\":\"%.*s\"}}]",
	          (int)dns->namespace.len, dns->namespace.at, (int)dns->key.len, dns->key.at,
	          (int)dns->value.len, dns->value.at);
}

static void put_dns(struct writing *w, struct json_text domains)
{
	struct json_buffer *out = w->out;
	struct policy_dns dns;
	for (const char *const *word = policy_dns_words(w->inventory->settings->dns); *word != NULL;
	     word++) {
		if (policy_dns_parse(*word, &dns) != NULL)
			continue;
		json_put_comma(out);
		put_dns_destination(out, &dns);
		json_putf(out,
		          ",\"toPorts\":[{\"ports\":[{\"port\":\"%ld\",\"protocol\":\"UDP\"},"
		          "{\"port\":\"%ld\",\"protocol\":\"TCP\"}],\"rules\":{\"dns\":[",
		          dns.port, dns.port);
		put_queries(out, domains, w->decision->workload->namespace->name);
		json_puts(out, "]}}]}");
	}
}

static void put_domains(struct writing *w, struct json_text domains)
{
	struct json_buffer *out = w->out;
	for (struct json_member m = json_first(domains); m.value.at; m = json_next(m)) {
		struct json_text ports = json_get(m.value, "ports");
		if (!json_is_empty(ports) && !policy_ports_any(ports, POLICY_PORTS_NUMBERS))
			continue;
		json_put_comma(out);
		json_puts(out, "{\"toFQDNs\":[");
		put_names(out, m.value, "");
		json_putc(out, ']');
		put_ports(out, ports, POLICY_PORTS_NUMBERS);
	}
}

/* A section without rules would not be enforced; one empty rule is, and allows nothing. */
static void close_section(struct json_buffer *out)
{
	json_puts(out, out->at[out->len - 1] == '[' ? "{}]" : "]");
}

static void put_ingress(struct writing *w, struct json_text ingress)
{
	struct json_buffer *out = w->out;
	for (struct json_member m = json_first(ingress); m.value.at; m = json_next(m)) {
		size_t start = out->len;
		json_put_comma(out);
		json_puts(out, "{\"fromEndpoints\":[");
		if (put_endpoints(w, json_get(m.value, "from"), "spec.targetRef"))
			json_puts(out, "]}");
		else
			out->len = start;
	}
}

/* The pods to hold. What cannot be written of the selector is left out: then it may hold others
 * too, and nobody may get egress by it. */
static bool put_workload(struct writing *w)
{
	struct json_text selector = w->decision->selector;
	policy_cilium_put_selector(w->out, selector);
	if (policy_cilium_selector_usable(selector))
		return true;
	policy_problem(&w->decision->problems, POLICY_ERROR, "spec.targetRef", (struct json_text){0},
	               "selects by a label that Cilium leaves out of identities, or whose key is too "
	               "long for it: what the rest of it selects gets no egress");
	return false;
}

static void render(const struct policy_inventory *inventory, struct policy_decision *decision,
                   struct policy_manifests *manifests)
{
	struct json_buffer *out = policy_manifest_begin(manifests, &policy_kind_ciliumnetworkpolicy,
	                                                decision->workload->object->name);
	struct writing writing = {inventory, decision, out};
	policy_metadata_put(inventory, decision, manifests);
	json_puts(out, ",\"spec\":{\"endpointSelector\":");
	bool held = put_workload(&writing);
	json_puts(out, ",\"ingress\":[");
	put_ingress(&writing, json_buffer_text(&decision->ingress));
	close_section(out);
	json_puts(out, ",\"egress\":[");
	if (held && !decision->egress_is_dns)
		put_egress(&writing, json_buffer_text(&decision->egress));
	if (held && decision->domains.at != NULL) {
		put_domains(&writing, decision->domains);
		put_dns(&writing, decision->domains);
	}
	close_section(out);
	json_puts(out, "}}");
	policy_manifest_end(manifests);
}

const struct policy_target policy_target_cilium = {
        .word = "cilium",
        .cnis = POLICY_CNI_SET(POLICY_CNI_CILIUM),
        .kind = &policy_kind_ciliumnetworkpolicy,
        .names = true,
        .render = render,
};

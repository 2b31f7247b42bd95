/* CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy (cilium.io/v2), as docs.cilium.io and
 * Cilium's own parser (pkg/k8s/apis/cilium.io/utils, pkg/policy/api) read them.
 *
 * All of Cilium's policies and the NetworkPolicies add up. enableDefaultDeny only says whether a
 * policy by itself begins to deny; ours does that, and what the other allows is allowed anyhow.
 * egressDeny and ingressDeny only narrow, as do L7 rules and `authentication`. */
#include "policy/evidence_private.h"

#define POD_NAMESPACE "io.kubernetes.pod.namespace"
#define NAMESPACE_LABELS "io.cilium.k8s.namespace.labels."

enum key_kind {
	KEY_POD,       /* a label of pods */
	KEY_SPACE,     /* one of namespaces, or the namespace's name */
	KEY_NARROWING, /* something of pods that is not known here */
	KEY_OTHER,     /* of what is no pod */
};

static bool take_prefix(struct json_text *text, const char *prefix)
{
	size_t len = strlen(prefix);
	if (text->len < len || memcmp(text->at, prefix, len) != 0)
		return false;
	text->at += len;
	text->len -= len;
	return true;
}

/* What a key is about, less Cilium's own prefixes. */
static enum key_kind key_read(struct json_text *key)
{
	if (!take_prefix(key, "k8s:"))
		take_prefix(key, "any:");
	if (memchr(key->at, ':', key->len) != NULL)
		return KEY_OTHER;
	if (text_is(*key, POD_NAMESPACE)) {
		*key = json_of(EVIDENCE_NAME_LABEL);
		return KEY_SPACE;
	}
	if (take_prefix(key, NAMESPACE_LABELS))
		return KEY_SPACE;
	return take_prefix(key, "io.cilium.k8s.policy.") ? KEY_NARROWING : KEY_POD;
}

struct endpoints {
	struct evidence_selector namespaces, pods;
	bool other; /* it asks for what is no pod: it may select anything */
};

static struct endpoints endpoints_read(struct evidence_arena *arena, struct json_text selector)
{
	struct evidence_selector all = evidence_selector_read(arena, selector);
	struct endpoints read = {.other = all.unread};
	for (size_t i = 0; i < all.count; i++) {
		struct evidence_requirement requirement = all.at[i];
		switch (key_read(&requirement.key)) {
		case KEY_SPACE:
			evidence_require(arena, &read.namespaces, requirement);
			break;
		case KEY_POD:
			evidence_require(arena, &read.pods, requirement);
			break;
		case KEY_OTHER:
			read.other = true;
			break;
		default: /* without it more are selected, never fewer */
			break;
		}
	}
	return read;
}

enum evidence_answer evidence_select_endpoints(struct evidence_reading *reading,
                                               const struct evidence_pods *pods,
                                               struct json_text spec)
{
	struct json_text selector = json_get(spec, "endpointSelector");
	if (!evidence_is_set(selector) && evidence_is_set(json_get(spec, "nodeSelector")))
		return EVIDENCE_NO;
	struct endpoints read = endpoints_read(&reading->arena, selector);
	enum evidence_answer of_pods = evidence_selects(reading, pods, &read.pods);
	/* in its own namespace alone, whatever it says of namespaces */
	enum evidence_answer of_namespaces =
	        reading->namespace.at != NULL
	                ? EVIDENCE_YES
	                : evidence_selects_namespace(reading, &read.namespaces, json_of(pods->namespace));
	enum evidence_answer least = of_pods < of_namespaces ? of_pods : of_namespaces;
	return read.other && least == EVIDENCE_YES ? EVIDENCE_MAYBE : least;
}

static void read_endpoints(struct evidence_reading *reading, struct evidence_rule *rule,
                           struct json_text list)
{
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m)) {
		struct endpoints read = endpoints_read(&reading->arena, m.value);
		struct evidence_peer *peer =
		        evidence_add_peer(&reading->arena, rule,
		                          read.other ? EVIDENCE_UNREAD : EVIDENCE_PODS);
		peer->pods = read.pods;
		peer->namespaces = read.namespaces;
		if (read.namespaces.count == 0)
			peer->namespace = reading->namespace;
	}
}

static void read_entities(struct evidence_reading *reading, struct evidence_rule *rule,
                          struct json_text list)
{
	static const char *const families[][3] = {{"world", "world-ipv4", "\"0.0.0.0/0\""},
	                                          {"world", "world-ipv6", "\"::/0\""}};
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m)) {
		bool world = false;
		for (int i = 0; i < 2; i++) {
			if (!json_equals(m.value, families[i][0]) &&
			    !json_equals(m.value, families[i][1]))
				continue;
			evidence_add_cidr(&reading->arena, rule, json_of(families[i][2]),
			                  (struct json_text){0}, false);
			world = true;
		}
		if (json_equals(m.value, "all"))
			evidence_add_peer(&reading->arena, rule, EVIDENCE_ANYWHERE);
		else if (json_equals(m.value, "kube-apiserver"))
			evidence_add_peer(&reading->arena, rule, EVIDENCE_API_SERVER);
		else if (!world && !json_equals(m.value, "none"))
			evidence_add_peer(&reading->arena, rule, EVIDENCE_UNREAD);
	}
}

static void read_cidrs(struct evidence_reading *reading, struct evidence_rule *rule,
                       struct json_text list)
{
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m))
		evidence_add_cidr(&reading->arena, rule, m.value, (struct json_text){0}, true);
}

static void read_cidr_set(struct evidence_reading *reading, struct evidence_rule *rule,
                          struct json_text list)
{
	static const char *const members[] = {"cidr", "except", NULL};
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m)) {
		if (evidence_only(m.value, members))
			evidence_add_cidr(&reading->arena, rule, json_get(m.value, "cidr"),
			                  json_get(m.value, "except"), true);
		else /* a CIDR group, which is an object of its own */
			evidence_add_peer(&reading->arena, rule, EVIDENCE_UNREAD);
	}
}

static void read_names(struct evidence_reading *reading, struct evidence_rule *rule,
                       struct json_text list)
{
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m)) {
		struct json_text name = json_get(m.value, "matchName");
		if (!evidence_is_set(name))
			name = json_get(m.value, "matchPattern");
		name = evidence_string(&reading->arena, name);
		bool known = json_count(m.value) == 1 && name.at != NULL;
		evidence_add_peer(&reading->arena, rule,
		                  known ? EVIDENCE_DNS_NAME : EVIDENCE_UNREAD)
		        ->name = name;
	}
}

/* Services, groups of clouds, nodes: what is behind them is not known here. */
static void read_unknown(struct evidence_reading *reading, struct evidence_rule *rule,
                         struct json_text list)
{
	if (!json_is_empty(list))
		evidence_add_peer(&reading->arena, rule, EVIDENCE_UNREAD);
}

static const struct {
	const char *egress, *ingress;
	void (*read)(struct evidence_reading *reading, struct evidence_rule *rule,
	             struct json_text list);
} peer_lists[] = {
        {"toEndpoints", "fromEndpoints", read_endpoints},
        {"toEntities", "fromEntities", read_entities},
        {"toCIDR", "fromCIDR", read_cidrs},
        {"toCIDRSet", "fromCIDRSet", read_cidr_set},
        {"toFQDNs", NULL, read_names},
        {"toServices", NULL, read_unknown},
        {"toGroups", "fromGroups", read_unknown},
        {"toNodes", "fromNodes", read_unknown},
};
enum { PEER_LISTS = sizeof peer_lists / sizeof peer_lists[0] };

static void add_port(struct evidence_reading *reading, struct evidence_rule *rule,
                     enum evidence_protocol protocol, struct json_text entry)
{
	struct evidence_port *port = evidence_add_port(&reading->arena, rule, protocol);
	struct json_text number = evidence_string(&reading->arena, json_get(entry, "port")),
	                 last = json_get(entry, "endPort");
	size_t digits = 0;
	while (digits < number.len && number.at[digits] >= '0' && number.at[digits] <= '9')
		digits++;
	if (number.at == NULL || number.len == 0) {
		port->unread = evidence_is_set(json_get(entry, "port"));
		port->every = true;
	} else if (digits < number.len || digits > 5) {
		port->name = number;
	} else {
		for (size_t i = 0; i < digits; i++)
			port->first = port->first * 10 + (number.at[i] - '0');
		port->last = port->first;
		if (evidence_is_set(last) && !json_integer(last, &port->last))
			port->unread = true;
		/* "0" is every port; an endPort of 0 is none */
		port->last = port->last < port->first ? port->first : port->last;
		port->every = port->first == 0 || (port->first <= 1 && port->last >= 65535);
	}
}

static void read_port(struct evidence_reading *reading, struct evidence_rule *rule,
                      struct json_text entry)
{
	enum evidence_protocol protocol;
	struct json_text word = json_get(entry, "protocol");
	if (evidence_is_set(word) && evidence_protocol_read(word, &protocol)) {
		add_port(reading, rule, protocol, entry);
	} else if (!evidence_is_set(word) || json_equals(word, "ANY")) {
		add_port(reading, rule, EVIDENCE_TCP, entry);
		add_port(reading, rule, EVIDENCE_UDP, entry);
		add_port(reading, rule, EVIDENCE_SCTP, entry);
	} else {
		evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
	}
}

/* `icmps` beside no toPorts allows ICMP alone, of which nothing is said here. */
static void read_ports(struct evidence_reading *reading, struct evidence_rule *rule,
                       struct json_text ports, struct json_text icmps)
{
	if (json_is_empty(ports) && json_type(icmps) == JSON_ARRAY && !json_is_empty(icmps))
		return;
	if (json_is_empty(ports))
		evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		struct json_text list = json_get(m.value, "ports");
		if (json_is_empty(list))
			evidence_add_port(&reading->arena, rule, EVIDENCE_EVERY_PROTOCOL);
		for (struct json_member n = json_first(list); n.value.at; n = json_next(n))
			read_port(reading, rule, n.value);
	}
}

/* Whether each member is a list, and one that is known. */
static bool rule_is_known(struct evidence_reading *reading, struct json_text rule)
{
	for (struct json_member m = json_first(rule); m.value.at; m = json_next(m)) {
		bool known = json_equals(m.key, "toPorts") || json_equals(m.key, "icmps") ||
		             json_equals(m.key, reading->ingress ? "fromRequires" : "toRequires");
		for (int i = 0; i < PEER_LISTS && !known; i++) {
			const char *name =
			        reading->ingress ? peer_lists[i].ingress : peer_lists[i].egress;
			known = name != NULL && json_equals(m.key, name);
		}
		if (json_equals(m.key, "authentication"))
			continue;
		if (!known || (evidence_is_set(m.value) && json_type(m.value) != JSON_ARRAY))
			return false;
	}
	return json_type(rule) == JSON_OBJECT;
}

static void read_rule(struct evidence_reading *reading, struct json_text entry, const char *path,
                      int index)
{
	struct evidence_rule rule = {.path = path, .index = index};
	bool asks = false;
	if (json_type(entry) == JSON_OBJECT && json_is_empty(entry))
		return; /* "{}" is how default deny is written: it allows nothing */
	if (!rule_is_known(reading, entry)) {
		evidence_emit_everything(reading, path, index);
		return;
	}
	for (int i = 0; i < PEER_LISTS; i++) {
		const char *name = reading->ingress ? peer_lists[i].ingress : peer_lists[i].egress;
		struct json_text list = {0};
		if (name != NULL)
			list = json_get(entry, name);
		peer_lists[i].read(reading, &rule, list);
		asks = asks || !json_is_empty(list);
	}
	/* one for ports alone is for every destination */
	if (!asks)
		evidence_add_peer(&reading->arena, &rule, EVIDENCE_ANYWHERE);
	read_ports(reading, &rule, json_get(entry, "toPorts"), json_get(entry, "icmps"));
	reading->rule(reading, &rule);
}

void evidence_read_cilium(struct evidence_reading *reading, struct json_text spec)
{
	static const char *const members[] = {
	        "endpointSelector", "nodeSelector", "ingress", "ingressDeny", "egress",
	        "egressDeny", "enableDefaultDeny", "labels", "description", "log", NULL};
	const char *path = reading->ingress ? "spec.ingress" : "spec.egress";
	struct json_text rules = json_get(spec, reading->ingress ? "ingress" : "egress");
	int index = 0;
	if (!evidence_only(spec, members) ||
	    (evidence_is_set(rules) && json_type(rules) != JSON_ARRAY)) {
		evidence_emit_everything(reading, "spec", -1);
		return;
	}
	for (struct json_member m = json_first(rules); m.value.at && !reading->stop;
	     m = json_next(m))
		read_rule(reading, m.value, path, index++);
}
